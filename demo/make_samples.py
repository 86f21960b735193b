"""Cuts the demo's inbox from the published sets and seeds its defects.

    python make_samples.py DATA_FOLDER

DATA_FOLDER holds the sets named in README.md (`cms_desynpuf`, `synthea`, `cms_bfd`). The script
replaces `inbox/` beside it and is deterministic: the same sets give the same bytes. Lines are cut,
never rewritten, except for the defects below, which README.md lists row by row.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
INBOX = HERE / "inbox"
MARKER = "_SUCCESS"

SYNPUF = "cms_desynpuf/{n}-sample-10000/DE1_0_2008_to_2010_Inpatient_Claims_Sample_{n}.csv"
SYNTHEA = ["synthea/s01_jijones/claims.csv", "synthea/s02_dbt_synthea/claims.csv"]
RIF = "cms_bfd/rif_synthea/inpatient.csv"
RIF_WIDE = "cms_bfd/rif_static/sample-a-inpatient.txt"


@dataclass
class Table:
    """A delimited file as lines: the fields of its header, its records, its line end."""

    header_line: str
    columns: list
    delimiter: str
    line_end: str
    lines: list

    @classmethod
    def read(cls, path, delimiter):
        text = path.read_bytes().decode("utf-8")
        line_end = "\r\n" if "\r\n" in text else "\n"
        header, *lines = text.removesuffix(line_end).split(line_end)
        columns = [name.strip('"') for name in header.split(delimiter)]
        return cls(header, columns, delimiter, line_end, lines)

    def only(self, keep):
        """The same file with only the records for which `keep` holds."""
        return self.with_lines([line for line in self.lines if keep(self.record(line))])

    def with_lines(self, lines):
        return Table(self.header_line, self.columns, self.delimiter, self.line_end, lines)

    def record(self, line):
        return dict(zip(self.columns, line.split(self.delimiter)))

    def edit(self, index, **changes):
        """Changes named fields of a record in place."""
        fields = self.lines[index].split(self.delimiter)
        for name, value in changes.items():
            fields[self.columns.index(name)] = value
        self.lines[index] = self.delimiter.join(fields)

    def find(self, keep, nth):
        """The index of the nth record (from 0) for which `keep` holds."""
        return [index for index, line in enumerate(self.lines) if keep(self.record(line))][nth]

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((self.line_end.join([self.header_line, *self.lines]) + self.line_end).encode("utf-8"))


def thru_month(record):
    return record["CLM_THRU_DT"][:6]


def evergreen(data):
    """Second half of 2010 with second segments and six defects; then November and December again,
    corrected, with claims that came late."""
    first, second = (Table.read(data / SYNPUF.format(n=n), ",") for n in (1, 2))
    original = first.only(lambda record: "201007" <= thru_month(record) <= "201012" or record["SEGMENT"] == "2")
    corrected = original.only(lambda record: thru_month(record) in ("201011", "201012"))
    late = second.only(lambda record: thru_month(record) in ("201011", "201012"))

    def plain(month):
        """Records of the month that break no rule as they are."""
        def keep(record):
            procedures = [record[f"ICD9_PRCDR_CD_{number}"] for number in range(2, 7)]
            return thru_month(record) == month and not any(procedures) and not record["CLM_PMT_AMT"].startswith("-")
        return keep

    bad_date, no_member, short, letters, backwards, twice = [
        original.find(plain(month), nth)
        for month, nth in (("201007", 4), ("201008", 7), ("201011", 2), ("201011", 5), ("201012", 1), ("201012", 6))
    ]
    original.edit(bad_date, CLM_THRU_DT="20101332")
    original.edit(no_member, DESYNPUF_ID="")
    original.lines[short] = ",".join(original.lines[short].split(",")[:40])
    original.edit(letters, CLM_PMT_AMT="4OOO.00")
    original.edit(backwards, CLM_FROM_DT="20101231", CLM_ADMSN_DT="20101201", CLM_THRU_DT="20101205")
    original.edit(twice, CLM_ADMSN_DT="2010-12-07", NCH_PRMRY_PYR_CLM_PD_AMT="n/a")

    folder = INBOX / "evergreen/medical_claim"
    original.write(folder / "20110115/DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv")
    (folder / "20110115" / MARKER).touch()
    corrected.with_lines(corrected.lines + late.lines).write(
        folder / "20110212-corrected/DE1_0_2008_to_2010_Inpatient_Claims_Sample_1_corrected.csv"
    )


def cascade(data):
    """Two clinics' claims of 2010 in one drop; the months in which olympic sends, and those around
    them, with five defects; and claims of 2020 under a name that no contract knows."""
    clinics = [Table.read(data / path, ",") for path in SYNTHEA]
    folder = INBOX / "cascade/medical_claim"

    def period(table, first, last):
        return table.only(lambda record: first <= record["SERVICEDATE"][:7] <= last).lines

    for number, clinic in enumerate(clinics, start=1):
        name = f"20110131/claims_2010_clinic{number}.csv"
        clinic.with_lines(period(clinic, "2010-01", "2010-12")).write(folder / name)

    periods = [("2015-03", "2015-03"), ("2017-01", "2019-03")]
    both = clinics[0].with_lines([line for clinic in clinics for months in periods for line in period(clinic, *months)])
    no_patient, no_such_day, billed_early, no_such_type = [
        both.find(lambda record, month=month: record["SERVICEDATE"].startswith(month), nth)
        for month, nth in (("2017-03", 3), ("2018-02", 0), ("2019-03", 2), ("2019-02", 1))
    ]
    both.edit(no_patient, PATIENTID="")
    both.edit(no_such_day, SERVICEDATE="2018-02-30T10:00:00Z")
    both.edit(billed_early, LASTBILLEDDATE1="2019-01-01T00:00:00Z")
    both.edit(no_such_type, HEALTHCARECLAIMTYPEID1="3")
    last = len(both.lines) - 1
    both.edit(last, DIAGNOSIS1='"' + both.record(both.lines[last])["DIAGNOSIS1"])
    both.write(folder / "20190430/claims_20190430.csv")

    unnamed = clinics[0].with_lines(period(clinics[0], "2020-01", "2020-12"))
    unnamed.write(folder / "20200131/export_final.csv")


def olympic(data):
    """All inpatient claims of the set, one published row that is wider than its header, one defect."""
    claims = Table.read(data / RIF, "|")
    wide = Table.read(data / RIF_WIDE, "|")
    assert wide.columns == claims.columns, "both files have the same header"
    model = claims.find(lambda record: record["CLM_THRU_DT"] == "09-Nov-2018", 0)
    claims.lines += [wide.lines[0], claims.lines[model]]
    claims.edit(-1, CLM_ID="-100009999", NCH_BENE_DSCHRG_DT="01-Nov-2018")
    claims.write(INBOX / "olympic/medical_claim/20190415/inpatient.csv")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python make_samples.py DATA_FOLDER")
    data = Path(sys.argv[1])
    if INBOX.exists():
        shutil.rmtree(INBOX)
    for submitter in (evergreen, cascade, olympic):
        submitter(data)


if __name__ == "__main__":
    main()
