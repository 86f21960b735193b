"""Holds canonical rows against the files that they come from, without any of our own code.

    python library_canonical.py sample DATA DROPS
    python library_canonical.py compare DROPS OUTPUTS

`sample` writes into DROPS the files to deliver: of each Synthea file the two months with the most
rows, the DE-SynPUF files whole. Names are such that no two are the same. `compare` reads the same
files, and the canonical tables of a project's objects OUTPUTS, and joins the two by file and row.
Prints JSON: by layout the rows that were compared, and the differences: rows on one side only, and
columns whose values differ. What a canonical column should be is written here by hand, in DuckDB's
SQL over the file's text; a column that is not named must be null.
Needs DuckDB.
"""

import json
import shutil
import sys
from collections import defaultdict
from pathlib import Path

import duckdb

SYNTHEA = ["s01_jijones", "s02_dbt_synthea", "s03_victor", "s05_dverma"]
PUF = "cms_etl_testdata/DE_0/*_{}_*.csv"
# One submitter each: the claims of a month replace what the same submitter sent for it before.
PUF_SUBMITTER = {"medical_claim@v5": "carrier", "medical_claim@v6": "outpatient", "pharmacy_claim@v1": "pharmacy"}
LINEAGE = {
    "state", "file_type", "atomic_month", "submitter_id", "source_submission_id", "source_layout_id",
    "canonical_schema_version", "canonical_built_at", "source_file", "source_row", "source_offset", "source_length",
}


def money(column):
    return f"{column}::decimal(12,2)"


def utc_day(column):
    return f"({column}::timestamptz at time zone 'UTC')::date"


def puf_day(column):
    return f"strptime({column}, '%Y%m%d')::date"


def diagnoses(count):
    return {f"diagnosis_code_{number}": f"ICD9_DGNS_CD_{number}" for number in range(1, count + 1)}


def all_lines(stem):
    return " + ".join(money(f"{stem}_{line}") for line in range(1, 14))


PUF_CLAIM = {
    "claim_id": "CLM_ID",
    "member_id": "DESYNPUF_ID",
    "payer": "'medicare'",
    "claim_start_date": puf_day("CLM_FROM_DT"),
    "claim_end_date": puf_day("CLM_THRU_DT"),
    "hcpcs_code": "HCPCS_CD_1",
    "diagnosis_code_type": "'icd-9-cm'",
    "data_source": "'cms_de_synpuf'",
}
# Ids that the exporter derives from the payers' names, so that every export has the same; the older
# exporter derives others. They are those of the sets' own payers.csv.
PAYER_NAMES = "(select NAME from payers where payers.Id = rows.PAYER)"
COVERAGE = {
    "member_id": "PATIENT",
    "plan_member_id": "MEMBERID",
    "payer": "PAYER",
    "payer_type": f"""case {PAYER_NAMES} when 'Medicare' then 'medicare' when 'Medicaid' then 'medicaid'
        when 'Dual Eligible' then 'dual' when 'NO_INSURANCE' then 'uninsured' else 'commercial' end""",
    "secondary_payer": "SECONDARY_PAYER",
    "data_source": "'synthea'",
}


def relation(column):
    return f"case {column} when 'Self' then 'self' when 'Spouse' then 'spouse' when 'Guardian' then 'dependent' end"


# By layout: its files below the shared data (with the name to deliver them under), the column whose
# month the sample goes by, and the canonical columns.
LAYOUTS = {
    "medical_claim@v5": {
        "files": PUF.format("Carrier_Claims"),
        "columns": {
            **PUF_CLAIM,
            **diagnoses(8),
            "claim_type": "'professional'",
            "rendering_npi": "PRF_PHYSN_NPI_1",
            "paid_amount": all_lines("LINE_NCH_PMT_AMT"),
            "allowed_amount": all_lines("LINE_ALOWD_CHRG_AMT"),
            "coinsurance_amount": all_lines("LINE_COINSRNC_AMT"),
            "deductible_amount": all_lines("LINE_BENE_PTB_DDCTBL_AMT"),
        },
    },
    "medical_claim@v6": {
        "files": PUF.format("Outpatient_Claims"),
        "columns": {
            **PUF_CLAIM,
            **diagnoses(10),
            "claim_type": "'institutional'",
            "claim_line_number": "SEGMENT",
            "attending_npi": "AT_PHYSN_NPI",
            "paid_amount": money("CLM_PMT_AMT"),
            "coinsurance_amount": money("NCH_BENE_PTB_COINSRNC_AMT"),
            "deductible_amount": money("NCH_BENE_PTB_DDCTBL_AMT"),
            "procedure_code_type": "case when ICD9_PRCDR_CD_1 <> '' then 'icd-9-pcs' end",
            "procedure_code_1": "ICD9_PRCDR_CD_1",
        },
    },
    "pharmacy_claim@v1": {
        "files": PUF.format("Prescription_Drug_Events"),
        "columns": {
            "claim_id": "PDE_ID",
            "member_id": "DESYNPUF_ID",
            "payer": "'medicare'",
            "dispensing_date": puf_day("SRVC_DT"),
            "ndc_code": "PROD_SRVC_ID",
            "quantity": "QTY_DSPNSD_NUM::decimal(13,3)",
            "days_supply": "DAYS_SUPLY_NUM",
            "allowed_amount": money("TOT_RX_CST_AMT"),
            "member_paid_amount": money("PTNT_PAY_AMT"),
            "data_source": "'cms_de_synpuf'",
        },
    },
    "pharmacy_claim@v2": {
        "files": ("medications.csv", SYNTHEA, "medications_{}.csv"),
        "month": "START",
        "columns": {
            "member_id": "PATIENT",
            "encounter_id": "ENCOUNTER",
            "payer": "PAYER",
            "dispensing_date": utc_day("START"),
            "rxnorm_code": "CODE",
            "drug_name": "DESCRIPTION",
            "refills": "DISPENSES::integer - 1",
            "paid_amount": money("PAYER_COVERAGE"),
            "charge_amount": money("TOTALCOST"),
            "data_source": "'synthea'",
        },
    },
    "encounter@v1": {
        "files": ("encounters.csv", SYNTHEA, "encounters_{}.csv"),
        "month": "START",
        "columns": {
            "encounter_id": "Id",
            "member_id": "PATIENT",
            "encounter_type": """case ENCOUNTERCLASS when 'urgentcare' then 'urgent_care' when 'snf' then 'skilled_nursing'
                else ENCOUNTERCLASS end""",
            "encounter_start_date": utc_day("START"),
            "encounter_end_date": utc_day("STOP"),
            "encounter_start_time": "START::timestamptz",
            "encounter_end_time": "STOP::timestamptz",
            "length_of_stay": f"datediff('day', {utc_day('START')}, {utc_day('STOP')})",
            "encounter_code_type": "'snomed-ct'",
            "encounter_code": "CODE",
            "encounter_description": "DESCRIPTION",
            "primary_diagnosis_code_type": "case when REASONCODE <> '' then 'snomed-ct' end",
            "primary_diagnosis_code": "REASONCODE",
            "primary_diagnosis_description": "REASONDESCRIPTION",
            "facility_id": "ORGANIZATION",
            "attending_provider_id": "PROVIDER",
            "payer": "PAYER",
            "paid_amount": money("PAYER_COVERAGE"),
            "charge_amount": money("TOTAL_CLAIM_COST"),
            "data_source": "'synthea'",
        },
    },
    "immunisation@v1": {
        "files": ("immunizations.csv", SYNTHEA, "immunizations_{}.csv"),
        "month": "DATE",
        "columns": {
            "member_id": "PATIENT",
            "encounter_id": "ENCOUNTER",
            "occurrence_date": utc_day("DATE"),
            "occurrence_time": "DATE::timestamptz",
            "status": "'completed'",
            "vaccine_code_type": "'cvx'",
            "vaccine_code": "CODE",
            "vaccine_description": "DESCRIPTION",
            "charge_amount": money("BASE_COST"),
            "data_source": "'synthea'",
        },
    },
    "patient@v1": {
        # The month of a list of patients is that of its name.
        "files": ("patients.csv", SYNTHEA, "patients_2024-0{}.csv"),
        "columns": {
            "member_id": "Id",
            "gender": "case GENDER when 'M' then 'male' when 'F' then 'female' end",
            "race": "RACE",
            "ethnicity": "case ETHNICITY when 'nonhispanic' then 'non_hispanic' else ETHNICITY end",
            "birth_date": "BIRTHDATE",
            "death_date": "DEATHDATE",
            "death_flag": "coalesce(DEATHDATE, '') <> ''",
            "marital_status": "case MARITAL when 'M' then 'married' when 'S' then 'single' when 'D' then 'divorced' end",
            "city": "CITY",
            "residence_state": "case STATE when 'Massachusetts' then 'MA' when 'New York' then 'NY' end",
            "county_fips_code": "FIPS",
            "zip_code": "nullif(ZIP, '00000')",
            "data_source": "'synthea'",
        },
    },
    "member_eligibility@v2": {
        "files": ("payer_transitions.csv", ["s01_jijones", "s03_victor", "s05_dverma"], "payer_transitions_{}.csv"),
        "month": "START_DATE",
        "columns": {
            **COVERAGE,
            "subscriber_relation": relation("PLAN_OWNERSHIP"),
            "enrollment_start_date": utc_day("START_DATE"),
            "enrollment_end_date": utc_day("END_DATE"),
        },
    },
    "member_eligibility@v3": {
        "files": ("payer_transitions.csv", ["s02_dbt_synthea"], "payer_transitions_0{}.csv"),
        "month": "START_YEAR",
        "columns": {
            **COVERAGE,
            "subscriber_relation": relation("OWNERSHIP"),
            "enrollment_start_date": utc_day("START_YEAR"),
            "enrollment_end_date": utc_day("END_YEAR"),
        },
    },
}


def files(layout):
    """(file below the shared data, name to deliver it under, submitter); None for a whole pattern."""
    named = LAYOUTS[layout]["files"]
    if isinstance(named, str):
        return [(named, None, PUF_SUBMITTER[layout])]
    file, folders, form = named
    return [(f"synthea/{folder}/{file}", form.format(SYNTHEA.index(folder) + 1), folder[:3]) for folder in folders]


def busiest_months(connection, path, column):
    """The header, and the lines of the two months that have the most rows (no field has a line end)."""
    raw = path.read_bytes().splitlines(keepends=True)
    months = connection.execute(
        f"select strftime({column}::timestamptz at time zone 'UTC', '%Y-%m') as month from {rows_of(path)}").fetchall()
    assert len(months) == len(raw) - 1, path
    counted = defaultdict(int)
    for (month,) in months:
        counted[month] += 1
    kept = sorted(counted, key=lambda month: (-counted[month], month))[:2]
    return b"".join([raw[0], *(line for line, (month,) in zip(raw[1:], months) if month in kept)])


def rows_of(path):
    return f"read_csv('{path}', all_varchar = true, header = true, quote = '\"', escape = '\"', parallel = false)"


def sample(data, drops):
    connection = connect()
    for layout, facts in LAYOUTS.items():
        file_type, version = layout.split("@")
        for pattern, name, submitter in files(layout):
            for number, path in enumerate(sorted(data.glob(pattern))):
                target = drops / submitter / file_type / f"{version}-{number}" / (name or path.name)
                target.parent.mkdir(parents=True)
                month = facts.get("month")
                target.write_bytes(busiest_months(connection, path, month) if month else path.read_bytes())
    for folder in SYNTHEA:
        # For `compare`, not to be delivered.
        shutil.copy(data / "synthea" / folder / "payers.csv", drops / f"payers-{folder}.csv")


def expect(connection, layout, drops, columns):
    """Table `expected`: what the layout's files should be in the canonical table, as text."""
    mapped = LAYOUTS[layout]["columns"]
    assert set(mapped) <= set(columns), (layout, sorted(set(mapped) - set(columns)))
    file_type, version = layout.split("@")
    connection.execute("drop table if exists expected")
    for path in sorted(drops.glob(f"*/{file_type}/{version}-*/*.csv")):
        present = {column[0] for column in connection.execute(f"select * from {rows_of(path)} limit 0").description}
        absent = lambda sql: sql.isupper() and sql.isidentifier() and sql not in present
        picked = [f"nullif(({'null' if absent(sql) else sql})::varchar, '') as \"{name}\""
                  for name in columns for sql in [mapped.get(name, "null")]]
        rows = (f"select '{path.name}' as file, row_number, {', '.join(picked)} "
                f"from (select row_number() over () as row_number, * from {rows_of(path)}) as rows")
        exists = connection.execute("select count(*) from duckdb_tables() where table_name = 'expected'").fetchone()[0]
        connection.execute(f"insert into expected {rows}" if exists else f"create table expected as {rows}")


def compare(drops, outputs):
    connection = connect()
    payers = ", ".join(f"'{path}'" for path in sorted(drops.glob("payers-*.csv")))
    connection.execute(f"create table payers as select distinct Id, NAME from read_csv([{payers}], union_by_name = true)")
    report = {}
    for layout in LAYOUTS:
        tables = [str(path) for path in sorted((outputs / "gold_canonical").rglob("*.parquet"))
                  if layout.split("@")[0] in path.relative_to(outputs).parts and "_delta_log" not in path.parts]
        assert tables, f"{layout} has no canonical rows"
        found = f"read_parquet({tables}, hive_partitioning = true, union_by_name = true)"
        columns = [row[0] for row in connection.execute(f"describe select * from {found}").fetchall()]
        columns = [column for column in columns if column not in LINEAGE]
        expect(connection, layout, drops, columns)
        connection.execute(
            "create or replace table actual as select parse_filename(source_file) as file, source_row as row_number, "
            + ", ".join(f'"{column}"::varchar as "{column}"' for column in columns)
            + f" from {found} where source_layout_id = '{layout}'")
        tally = " + ".join(["0"] + [f'(e."{name}" is distinct from a."{name}")::integer' for name in columns])
        one = lambda sql: connection.execute(sql).fetchone()[0]
        joined = "expected e full join actual a using (file, row_number)"
        differing = [name for name in columns
                     if one(f'select count(*) from expected e join actual a using (file, row_number) '
                            f'where e."{name}" is distinct from a."{name}"')]
        report[layout] = {
            "rows": one("select count(*) from expected e join actual a using (file, row_number)"),
            "cells_with_a_value": one("select " + " + ".join(f'count("{name}")' for name in columns) + " from actual"),
            "only_in_file": one(f"select count(*) from {joined} where a.member_id is null"),
            "only_in_table": one(f"select count(*) from {joined} where e.member_id is null"),
            "differing_columns": differing,
        }
    json.dump(report, sys.stdout, indent=1)
    print()


def connect():
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    return connection


def main():
    modes = {"sample": sample, "compare": compare}
    if len(sys.argv) != 4 or sys.argv[1] not in modes:
        sys.exit("usage: python library_canonical.py sample DATA DROPS | compare DROPS OUTPUTS")
    modes[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))


if __name__ == "__main__":
    main()
