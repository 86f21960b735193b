"""qsv: `validate` with a JSON Schema that makes the contract's checks. It writes what is valid as
CSV again, untyped and not by month, what is invalid as CSV, and its reasons as a table, no Parquet.
A date is text of a pattern, with the days that its month has. At a record with too few or too many
fields qsv stops, so those are taken out beforehand, outside the measured time.
"""

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import time

from job import Job

MONTH_AND_DAY = {
    "%m/%d": r"((0[13578]|1[02])/(0[1-9]|[12]\d|3[01])|(0[469]|11)/(0[1-9]|[12]\d|30)|02/(0[1-9]|1\d|2\d))",
}
MONTH_AND_DAY["%m-%d"] = MONTH_AND_DAY["%m/%d"].replace("/", "-")
YEAR = r"\d{4}"


def date_pattern(column):
    """A date of the contract's formats; of a range's ends, the years from 1900 to 2025 alone."""
    year = YEAR
    if column.low is not None:
        assert (str(column.low), str(column.high)) == ("1900-01-01", "2025-12-31"), column.name
        year = r"(19\d\d|20[01]\d|202[0-5])"
    shapes = {
        "%Y-%m-%d": f"{year}-{MONTH_AND_DAY['%m-%d']}",
        "%m/%d/%Y": f"{MONTH_AND_DAY['%m/%d']}/{year}",
    }
    return "|".join(shapes[text] for text in column.formats)


def rules(column):
    match column.kind:
        case "integer":
            found = {"type": "integer", "minimum": column.low, "maximum": column.high}
        case "decimal":
            digits = column.precision - column.scale
            pattern = rf"-?\d{{1,{digits}}}(\.\d{{1,{column.scale}}})?"
            found = {"type": "string", "pattern": f"^({pattern})$"}
        case "date":
            found = {"type": "string", "pattern": f"^({date_pattern(column)})$"}
        case "boolean":
            found = {"type": "string", "enum": [column.true, column.false]}
        case _:
            found = {"type": "string"}
            if column.length:
                found["minLength"], found["maxLength"] = column.length
            if column.pattern:
                found["pattern"] = f"^({column.pattern})$"
            if column.domain:
                found["enum"] = list(column.domain)
    if not column.required:
        found["type"] = [found["type"], "null"]
        if "enum" in found:
            found["enum"].append(None)
    return found


def take_out_ragged(source, target, width):
    """Records of another width are left out, and counted."""
    ragged = 0
    with open(source, newline="", encoding="utf-8") as lines, open(target, "w", newline="", encoding="utf-8") as kept:
        writer = csv.writer(kept, lineterminator="\n")
        for record in csv.reader(lines):
            if len(record) == width:
                writer.writerow(record)
            else:
                ragged += 1
    return ragged


def records(path):
    if not os.path.exists(path):
        return 0
    with open(path, newline="", encoding="utf-8") as lines:
        return sum(1 for _ in csv.reader(lines)) - 1


job = Job()
qsv = shutil.which(os.environ.get("LAZARET_BENCH_QSV", "qsvlite"))
if not qsv:
    sys.exit("qsv is not installed: set LAZARET_BENCH_QSV to where `qsvlite` or `qsv` lies")
version = subprocess.run([qsv, "--version"], check=True, capture_output=True, text=True).stdout
whole = f"{job.target}/claims.csv"
ragged = take_out_ragged(job.source, whole, len(job.columns))
schema = f"{job.target}/schema.json"
with open(schema, "w", encoding="utf-8") as text:
    json.dump(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {column.name: rules(column) for column in job.columns},
            "required": [column.name for column in job.columns],
        },
        text,
    )
before = resource.getrusage(resource.RUSAGE_CHILDREN)
began = time.perf_counter()
ended = subprocess.run([qsv, "validate", whole, schema, "--quiet"], capture_output=True, text=True)
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
rejected = records(f"{whole}.invalid")
if not rejected:
    sys.exit(f"qsv: {ended.stderr.strip()[-500:]}")
print(
    json.dumps(
        {
            "version": version.split("-", 1)[0].replace("qsvlite", "qsv"),
            "seconds": seconds,
            "cpu_seconds": used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime,
            "peak_bytes": used.ru_maxrss * 1024,
            "accepted": records(f"{whole}.valid"),
            "rejected": rejected + ragged,
        }
    )
)
