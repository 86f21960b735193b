"""Counts what a contract accepts and rejects, without any of our own code.

An independent reading of the contracts: Python's csv module splits the files, this script types
and checks the cells, and DuckDB evaluates the SQL rules over the typed rows. Prints JSON, one
entry per file: rows in, accepted, rejected with their reasons, warnings by reason, accepted rows by
month, whole-file rules that are broken.

    python count_rows.py --contracts LIBRARY/contracts --data SHARED_DATA
    python count_rows.py --contracts LIBRARY/contracts --layout medical_claim@v1 FILE...

A reason is `{column}:{rule}`, `{rule}` where the whole record is broken, or the id of a SQL rule.
Needs PyYAML and DuckDB.
"""

import argparse
import csv
import datetime
import io
import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import duckdb
import yaml

# Where the published sets keep files of the shipped layouts, below the shared data folder.
SHARED_FILES = [
    ("medical_claim@v1", "cms_desynpuf/*/*_Inpatient_Claims_*.csv"),
    ("medical_claim@v1", "cms_etl_testdata/DE_0/*_Inpatient_Claims_*.csv"),
    ("medical_claim@v2", "synthea/*/claims.csv"),
    ("medical_claim@v3", "cms_bfd/rif_synthea/inpatient.csv"),
    ("medical_claim@v3", "cms_bfd/rif_static/*inpatient*.txt"),
    ("medical_claim@v4", "cms_bfd/rif_synthea/carrier.csv"),
    ("medical_claim@v4", "cms_bfd/rif_static/*carrier*.txt"),
    ("medical_claim_line@v1", "synthea/*/claims_transactions.csv"),
    ("member_eligibility@v1", "cms_desynpuf/*/*_Beneficiary_Summary_File_*.csv"),
    ("member_eligibility@v1", "cms_etl_testdata/DE_0/*_Beneficiary_Summary_File_*.csv"),
]
UNKNOWN_MONTH = "__unknown__"
MICROSECOND_FORMATS = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]


class Contract:
    """What this script needs of a contract's YAML."""

    def __init__(self, folder, layout):
        file_type, version = layout.split("@")
        path = Path(folder) / file_type / f"{version}.yaml"
        self.document = yaml.safe_load(path.read_text(encoding="utf-8"))
        form = self.document.get("file", {})
        self.delimiter = form.get("delimiter", ",")
        self.quote = form.get("quote", '"')
        self.encoding = {"utf-8": "utf-8-sig", "latin-1": "latin-1"}[form.get("encoding", "utf-8")]
        self.columns = [Column(column, form, path.parent) for column in self.document["columns"]]
        self.rules = self.document.get("rules", [])

    def month_of_file(self, name):
        """The month that the file's name gives, or None where it comes from a column."""
        part = (self.document.get("atomic_month") or {}).get("file_name_part")
        if part is None:
            return None
        grammar = self.document["file_name"]
        pieces = re.split(r"(\{[a-z0-9_]+\}|\*)", grammar["pattern"])
        regex = "".join(self.piece(piece, grammar.get("parts", {})) for piece in pieces)
        match = re.fullmatch(regex, name, re.IGNORECASE)
        return f"{match[part]}-01" if match else UNKNOWN_MONTH

    @staticmethod
    def piece(piece, parts):
        if piece == "*":
            return "[^/]*"
        if piece.startswith("{"):
            name = piece[1:-1]
            return f"(?P<{name}>{parts.get(name, '[A-Za-z0-9-]+')})"
        return re.escape(piece)


class Column:
    """One column: text in, typed value and broken rules out."""

    def __init__(self, column, form, folder):
        self.name = column["name"]
        self.header = column.get("header", column["name"])
        self.type = column["type"]
        self.trim = column.get("trim", form.get("trim", True))
        self.nulls = {"", *map(str, form.get("nulls", [])), *map(str, column.get("nulls", []))}
        self.transforms = column.get("transform", [])
        self.required = column.get("required", False)
        self.formats = column.get("formats")
        self.truthy = column.get("true_values", ["true", "t", "yes", "y", "1"])
        self.falsy = column.get("false_values", ["false", "f", "no", "n", "0"])
        self.length = column.get("length")
        self.range = column.get("range")
        self.pattern = re.compile(column["pattern"]) if "pattern" in column else None
        self.domain = self.read_domain(column.get("domain"), folder)
        self.severity = column.get("severity", "reject")

    @staticmethod
    def read_domain(domain, folder):
        if domain is None:
            return None
        if isinstance(domain, list):
            return {str(value): str(value) for value in domain}
        if set(domain) != {"file"}:
            return {str(value): str(code) for value, code in domain.items()}
        lines = (folder / domain["file"]).read_text(encoding="utf-8").split()
        pairs = [line.split(",") for line in lines]
        return {pair[0]: pair[-1] for pair in pairs}

    def read(self, text):
        """The value in a form that DuckDB reads back, and the rules that the cell breaks."""
        text = text.strip() if self.trim else text
        if text in self.nulls:
            text = ""
        for transform in self.transforms:
            text = TRANSFORMS[transform](text)
        if text == "":
            return None, ["required"] if self.required else []
        value = self.typed(text)
        if value is None:
            return None, ["type"]
        broken = []
        if self.length is not None and not self.length_holds(text):
            broken.append("length")
        if self.range is not None and not self.range_holds(value):
            broken.append("range")
        if self.pattern is not None and not self.pattern.fullmatch(text):
            broken.append("pattern")
        if self.domain is not None:
            if text not in self.domain:
                broken.append("domain")
            value = self.domain.get(text, value)
        return value, broken

    def typed(self, text):
        if self.type == "string":
            return text
        if self.type == "integer":
            return str(int(text)) if re.fullmatch(r"[+-]?[0-9]+", text) else None
        if self.type.startswith("decimal"):
            return self.decimal(text)
        if self.type == "boolean":
            folded = text.casefold()
            if folded in (value.casefold() for value in self.truthy):
                return "true"
            return "false" if folded in (value.casefold() for value in self.falsy) else None
        return self.moment(text)

    def decimal(self, text):
        precision, scale = map(int, re.findall("[0-9]+", self.type))
        number = re.fullmatch(r"([+-]?)([0-9]+)(?:\.([0-9]*))?", text)
        if not number:
            return None
        whole, fraction = number[2].lstrip("0"), (number[3] or "").rstrip("0")
        return text if len(fraction) <= scale and len(whole) <= precision - scale else None

    def moment(self, text):
        if self.type == "timestamp_tz" and self.formats is None:
            try:
                moment = datetime.datetime.fromisoformat(text)
            except ValueError:
                return None
            return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f+00") if moment.tzinfo else None
        for form in self.formats or (["%Y-%m-%d"] if self.type == "date" else MICROSECOND_FORMATS):
            try:
                moment = datetime.datetime.strptime(text, form.replace("%.f", ".%f"))
            except ValueError:
                continue
            # strptime is lenient about widths; what we write back must be what was read.
            if moment.strftime(form.replace("%.f", ".%f")).casefold() == text.casefold():
                return moment.strftime("%Y-%m-%d" if self.type == "date" else "%Y-%m-%d %H:%M:%S.%f")
        return None

    def length_holds(self, text):
        if isinstance(self.length, int):
            return len(text) == self.length
        return self.length.get("min", 0) <= len(text) <= self.length.get("max", sys.maxsize)

    def range_holds(self, value):
        number = self.type == "integer" or self.type.startswith("decimal")
        comparable = float if number else (lambda moment: str(moment)[:10])
        low, high = self.range.get("min"), self.range.get("max")
        value = comparable(value)
        return (low is None or comparable(low) <= value) and (high is None or value <= comparable(high))

    def duckdb_type(self):
        names = {"string": "varchar", "integer": "bigint", "date": "date", "timestamp": "timestamp",
                 "timestamp_tz": "timestamptz", "boolean": "boolean"}
        return names.get(self.type, self.type)


TRANSFORMS = {
    "uppercase": str.upper,
    "lowercase": str.lower,
    "strip_leading_zeros": lambda text: text.lstrip("0") or ("0" if text else ""),
    "digits_only": lambda text: re.sub("[^0-9]", "", text),
    "collapse_spaces": lambda text: re.sub(r"\s+", " ", text),
    "remove_dots": lambda text: text.replace(".", ""),
}


class UnclosedQuote:
    """A last record whose quote never closes, and the position of the field where it opened."""

    def __init__(self, text, delimiter, quote):
        self.field, inside, may_open = 0, False, True
        for character in text:
            if inside:
                inside, may_open = character != quote, character == quote
            else:
                inside = may_open and character == quote
                self.field += character == delimiter
                may_open = character == delimiter


def records(contract, data):
    """The file's physical records, header included; blank lines are none."""
    text = data.decode(contract.encoding)
    quoting = csv.QUOTE_NONE if contract.quote == "none" else csv.QUOTE_MINIMAL
    quote = None if contract.quote == "none" else contract.quote
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=contract.delimiter, quotechar=quote,
        quoting=quoting, doublequote=True, strict=True,
    )
    while True:
        lines_before = reader.line_num
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                raise
            last = "".join(text.splitlines(keepends=True)[lines_before:])
            yield UnclosedQuote(last, contract.delimiter, contract.quote)
            return
        if record:
            yield record


def inspect(contract, name, data):
    """Cells only: rows that pass, with file and number, and the reasons of those that do not."""
    rows = records(contract, data)
    header = [title.strip().casefold() for title in next(rows)]
    positions = [header.index(column.header.casefold()) for column in contract.columns]
    passed, rejected, total = [], {}, 0
    for total, record in enumerate(rows, start=1):
        if isinstance(record, UnclosedQuote):
            column = contract.columns[positions.index(record.field)]
            rejected[name, total] = [f"{column.name}:quote"]
        elif len(record) != len(header):
            rejected[name, total] = ["field_count"]
        else:
            values, reasons, rejects = [], [], False
            for column, position in zip(contract.columns, positions):
                value, broken = column.read(record[position])
                values.append(value)
                reasons += [f"{column.name}:{rule}" for rule in broken]
                rejects |= "type" in broken or bool(broken) and column.severity != "warn"
            if rejects:
                rejected[name, total] = reasons
            else:
                passed.append(((name, total), values, reasons))
    return total, passed, rejected


def typed_table(contract, passed):
    """A DuckDB table `t` of the rows that passed, with `source_file` and `source_row`."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    types = {"source_file": "varchar", "source_row": "bigint"}
    types |= {column.name: column.duckdb_type() for column in contract.columns}
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL)
        writer.writerow(types)
        writer.writerows([*row, *("" if value is None else value for value in values)] for row, values, _ in passed)
        file.flush()
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
        connection.execute(
            f"create table t as select * from read_csv('{file.name}', header = true, delim = ',', "
            f"quote = '\"', escape = '\"', auto_detect = false, columns = {{{columns}}})"
        )
    return connection


def count(contract, files):
    """The entry of some files of one layout, given as (name, bytes) and read as one submission."""
    rows, passed, rejected = 0, [], {}
    for name, data in files:
        of_file = inspect(contract, name, data)
        rows += of_file[0]
        passed += of_file[1]
        rejected |= of_file[2]
    warnings = {row: list(reasons) for row, _, reasons in passed}
    connection = typed_table(contract, passed)
    row_rules = [rule for rule in contract.rules if rule.get("scope", "row") == "row"]
    for rule in row_rules:
        broken = f"select source_file, source_row from t where not ({rule['sql']})"
        for row in connection.execute(broken).fetchall():
            if rule.get("severity", "reject") == "warn":
                warnings[row].append(rule["id"])
            else:
                rejected.setdefault(row, []).append(rule["id"])
    connection.execute("create table refused (source_file varchar, source_row bigint)")
    if rejected:
        connection.executemany("insert into refused values (?, ?)", sorted(rejected))
    connection.execute("create view accepted as select * from t anti join refused using (source_file, source_row)")
    accepted = connection.execute("select count(*) from accepted").fetchone()[0]
    assert rows == accepted + len(rejected), (rows, accepted, len(rejected))
    kept = {row: reasons for row, reasons in warnings.items() if row not in rejected and reasons}
    return {
        "rows": rows,
        "accepted": accepted,
        "rejected": len(rejected),
        "reasons": tally(rejected.values()),
        "rejects": [{"file": name, "row": row, "reasons": rejected[name, row]} for name, row in sorted(rejected)],
        "rows_with_warnings": len(kept),
        "warnings": tally(kept.values()),
        "file_rules_broken": file_rules_broken(contract, connection),
        "months": months(contract, connection, files),
    }


def file_rules_broken(contract, connection):
    """Ids of the rules that the accepted rows together break; null holds."""
    rules = {rule["id"]: rule["sql"] for rule in contract.rules if rule.get("scope") == "file"}
    answers = {id: connection.execute(f"select {sql} from accepted").fetchone()[0] for id, sql in rules.items()}
    return sorted(id for id, holds in answers.items() if holds is False)


def tally(reasons):
    return dict(sorted(Counter(reason for row in reasons for reason in row).items()))


def months(contract, connection, files):
    """Accepted rows by month."""
    column = (contract.document.get("atomic_month") or {}).get("column")
    if column is not None:
        month = f"coalesce(strftime({column}, '%Y-%m'), '{UNKNOWN_MONTH}')"
    else:
        cases = " ".join(f"when '{name}' then '{contract.month_of_file(name) or UNKNOWN_MONTH}'" for name, _ in files)
        month = f"case source_file {cases} end"
    return dict(connection.execute(f"select {month}, count(*) from accepted group by 1 order by 1").fetchall())


def shared_files(data):
    for layout, pattern in SHARED_FILES:
        for path in sorted(data.glob(pattern)):
            yield layout, path, str(path.relative_to(data))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--contracts", type=Path, required=True)
    arguments.add_argument("--data", type=Path)
    arguments.add_argument("--layout")
    arguments.add_argument("files", nargs="*", type=Path)
    given = arguments.parse_args()
    if bool(given.data) == bool(given.files):
        arguments.error("give either --data FOLDER or --layout LAYOUT and files")
    chosen = shared_files(given.data) if given.data else ((given.layout, path, str(path)) for path in given.files)
    contracts, entries = {}, []
    for layout, path, shown in chosen:
        if layout not in contracts:
            contracts[layout] = Contract(given.contracts, layout)
        entry = count(contracts[layout], [(path.name, path.read_bytes())])
        entries.append({"file": shown, "layout": layout, **entry})
    json.dump(entries, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
