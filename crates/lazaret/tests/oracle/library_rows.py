"""Counts what the library's newer layouts must accept and reject, from the published codebooks.

    python library_rows.py DATA DROPS

DATA holds the shared sets. Writes into the folder DROPS what is to be delivered, one folder a
delivery: every file of the sets that a layout here describes, and for each layout a file in which
each column in turn is spoiled in nine ways. Prints JSON, one entry per delivery: rows, accepted,
rejected, rejected rows by reason, warnings by reason, and which whole-file rules are broken.

Reads no contract: the conditions below say in DuckDB's SQL what the DE 1.0 Codebook and the Synthea
CSV File Data Dictionary say of the columns. A reason is `{column}:{rule}` or the id of a row rule.
Needs DuckDB.
"""

import csv
import json
import re
import shutil
import sys
from pathlib import Path

import duckdb

SYNTHEA = ["s01_jijones", "s02_dbt_synthea", "s03_victor", "s05_dverma"]
SPOILS = ["", "?", "-1", "0", "12345678901234567", "1999-02-30", "18500101", "1850-01-01T00:00:00Z", "z" * 300]


# Checks of a cell. Each gives (rule, whether it rejects, the condition that breaks it) over `x`, the
# cell as text without blanks around it; a condition that is null does not hold.
def matches(regex, rejects=True):
    return [("pattern", rejects, f"not regexp_full_match(x, '{regex}')")]


def one_of(*values, rejects=False, fold="upper"):
    listed = ", ".join(f"'{value}'" for value in values)
    return [("domain", rejects, f"{fold}(x) not in ({listed})")]


def needed(checks=(), rejects=True):
    return [("required", rejects, "x is null"), *checks]


def at_most(length):
    return [("length", False, f"length(x) > {length}")]


def decimal(whole=10, scale=2, low=None, high=None):
    """Sign, digits and a point; no more digits before it, and but zeros after so many behind it."""
    shape = rf"[+-]?0*[0-9]{{1,{whole}}}(\.[0-9]{{0,{scale}}}0*)?"
    checks = [("type", True, f"not regexp_full_match(x, '{shape}')")]
    bounds = [f"try_cast(x as double) {sign} {bound}" for sign, bound in (("<", low), (">", high)) if bound is not None]
    return checks + ([("range", False, " or ".join(bounds))] if bounds else [])


def integer(low, high=None, rejects=False):
    above = "" if high is None else f" or try_cast(x as bigint) > {high}"
    return [
        ("type", True, "not regexp_full_match(x, '[+-]?[0-9]+')"),
        ("range", rejects, f"try_cast(x as bigint) < {low}{above}"),
    ]


def day(form, low, high, rejects=True):
    """A calendar day in this one form."""
    shape = re.sub("%.", "[0-9]+", form)
    value = f"try_strptime(x, '{form}')"
    wrong = f"{value} is null or strftime({value}, '{form}') <> x or not regexp_full_match(x, '{shape}')"
    return [("type", True, wrong), ("range", rejects, f"{value} < date '{low}' or {value} > date '{high}'")]


def moment(ranged=False):
    shape = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
    wrong = f"not regexp_full_match(x, '{shape}') or try_cast(x as timestamptz) is null"
    out_of_range = "year(try_cast(x as timestamptz)) not between 1900 and 2099"
    return [("type", True, wrong)] + ([("range", True, out_of_range)] if ranged else [])


def identifier(rejects=True):
    return matches("(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", rejects)


MONEY = decimal()
ICD9 = [("pattern", False, "not regexp_full_match(replace(upper(x), '.', ''), '(V[0-9]{2,4}|E[0-9]{3,4}|[0-9]{3,5})')")]
ICD9_PROCEDURE = [("pattern", False, "not regexp_full_match(replace(x, '.', ''), '[0-9]{3,4}')")]
HCPCS = matches("(?i)[A-Z0-9]{5}", rejects=False)
NPI = matches("[0-9]{10}", rejects=False)
CONCEPT = matches("[0-9]{6,18}", rejects=False)
# DE-SynPUF covers 2008 to 2010; a claim may begin in the year before.
PUF_DAY = ("%Y%m%d", "2007-01-01", "2010-12-31")
BENEFICIARY = needed(matches("[0-9A-F]{16}"))
CLAIM_ID = needed(matches("[0-9]{1,15}"))


def lines(stem, checks, count=13):
    return {f"{stem}_{line}": checks for line in range(1, count + 1)}


def every_line(condition):
    return " or ".join(f"({condition.format(line=line)})" for line in range(1, 14))


def reads(stem):
    """Numbers of a row of text columns, for the rules."""
    return f"try_cast({stem} as decimal(38,14))"


# A layout: its columns as the file names them, with their checks; the rules that a row can break,
# true where it does and whether that rejects it; the rules that the accepted rows can break together.
# `named` gives the names of columns that are not the header in lower case.
LAYOUTS = {
    "medical_claim@v5": {
        "files": ["cms_etl_testdata/DE_0/*_Carrier_Claims_*.csv", "cms_etl_testdata/input/carrier_claims.csv"],
        "columns": {
            "DESYNPUF_ID": BENEFICIARY,
            "CLM_ID": CLAIM_ID,
            "CLM_FROM_DT": needed(day(*PUF_DAY)),
            "CLM_THRU_DT": needed(day(*PUF_DAY)),
            **lines("ICD9_DGNS_CD", ICD9, 8),
            **lines("PRF_PHYSN_NPI", NPI),
            **lines("TAX_NUM", matches("[0-9]{9}", rejects=False)),
            **lines("HCPCS_CD", HCPCS),
            **lines("LINE_NCH_PMT_AMT", MONEY),
            **lines("LINE_BENE_PTB_DDCTBL_AMT", MONEY),
            **lines("LINE_BENE_PRMRY_PYR_PD_AMT", MONEY),
            **lines("LINE_COINSRNC_AMT", MONEY),
            **lines("LINE_ALOWD_CHRG_AMT", MONEY),
            **lines("LINE_PRCSG_IND_CD", matches("(?i)[A-Z0-9]{1,2}", rejects=False)),
            **lines("LINE_ICD9_DGNS_CD", ICD9),
        },
        "rules": {
            "thru_not_before_from": (True, "clm_thru_dt < clm_from_dt"),
            "first_line_has_service": (False, "hcpcs_cd_1 is null and hcpcs_cd_2 is not null"),
            "payment_not_negative": (False, every_line(reads("line_nch_pmt_amt_{line}") + " < 0")),
            "payment_not_above_allowed": (
                False,
                every_line(f"{reads('line_nch_pmt_amt_{line}')} > {reads('line_alowd_chrg_amt_{line}')}"),
            ),
        },
        "file_rules": {
            "diagnosis_share": "count(icd9_dgns_cd_1) < 0.95 * count(*)",
            "claim_unique": "count(*) > count(distinct clm_id)",
        },
    },
    "medical_claim@v6": {
        "files": ["cms_etl_testdata/DE_0/*_Outpatient_Claims_*.csv", "cms_etl_testdata/input/outpatient_claims.csv"],
        "columns": {
            "DESYNPUF_ID": BENEFICIARY,
            "CLM_ID": CLAIM_ID,
            "SEGMENT": needed(integer(1, 2, rejects=True)),
            # Second segments have no dates, so an absent one alone rejects nothing.
            "CLM_FROM_DT": needed(day(*PUF_DAY, rejects=False), rejects=False),
            "CLM_THRU_DT": needed(day(*PUF_DAY, rejects=False), rejects=False),
            "PRVDR_NUM": needed(matches("(?i)[0-9A-Z]{6}", rejects=False), rejects=False),
            "CLM_PMT_AMT": needed(MONEY),
            "NCH_PRMRY_PYR_CLM_PD_AMT": MONEY,
            "AT_PHYSN_NPI": NPI,
            "OP_PHYSN_NPI": NPI,
            "OT_PHYSN_NPI": NPI,
            "NCH_BENE_BLOOD_DDCTBL_LBLTY_AM": MONEY,
            **lines("ICD9_DGNS_CD", ICD9, 10),
            **lines("ICD9_PRCDR_CD", ICD9_PROCEDURE, 6),
            "NCH_BENE_PTB_DDCTBL_AMT": MONEY,
            "NCH_BENE_PTB_COINSRNC_AMT": MONEY,
            "ADMTNG_ICD9_DGNS_CD": ICD9,
            **lines("HCPCS_CD", HCPCS, 45),
        },
        "rules": {
            "thru_not_before_from": (True, "clm_thru_dt < clm_from_dt"),
            "first_segment_has_service_period": (True, "segment = '1' and (clm_from_dt is null or clm_thru_dt is null)"),
            "payment_not_negative": (False, f"{reads('clm_pmt_amt')} < 0"),
        },
        "file_rules": {
            "diagnosis_share": "count(icd9_dgns_cd_1) < 0.95 * count(*)",
            "claim_segment_unique": "count(*) > count(distinct (clm_id, segment))",
        },
    },
    "pharmacy_claim@v1": {
        "files": [
            "cms_etl_testdata/DE_0/*_Prescription_Drug_Events_*.csv",
            "cms_etl_testdata/input/prescription_drug_events.csv",
        ],
        "columns": {
            "DESYNPUF_ID": BENEFICIARY,
            "PDE_ID": CLAIM_ID,
            "SRVC_DT": needed(day(*PUF_DAY)),
            "PROD_SRVC_ID": needed(matches("[0-9]{11}", rejects=False), rejects=False),
            "QTY_DSPNSD_NUM": decimal(9, 3, low=0),
            "DAYS_SUPLY_NUM": integer(0, 999),
            "PTNT_PAY_AMT": needed(MONEY),
            "TOT_RX_CST_AMT": needed(MONEY),
        },
        "rules": {
            "amounts_not_negative": (False, f"{reads('ptnt_pay_amt')} < 0 or {reads('tot_rx_cst_amt')} < 0"),
            "patient_pays_within_cost": (False, f"{reads('ptnt_pay_amt')} > {reads('tot_rx_cst_amt')}"),
        },
        "file_rules": {"event_unique": "count(*) > count(distinct pde_id)"},
    },
    "pharmacy_claim@v2": {
        "files": [f"synthea/{folder}/medications.csv" for folder in SYNTHEA],
        "named": {"START": "started_at", "STOP": "stopped_at", "PATIENT": "patient_id", "PAYER": "payer_id",
                  "ENCOUNTER": "encounter_id", "TOTALCOST": "total_cost", "REASONCODE": "reason_code",
                  "REASONDESCRIPTION": "reason_description"},
        "columns": {
            "START": needed(moment(ranged=True)),
            "STOP": moment(),
            "PATIENT": needed(identifier()),
            "PAYER": needed(identifier(rejects=False), rejects=False),
            "ENCOUNTER": needed(identifier()),
            "CODE": needed(matches("[0-9]{1,8}")),
            "DESCRIPTION": at_most(255),
            "BASE_COST": needed(MONEY),
            "PAYER_COVERAGE": needed(MONEY),
            "DISPENSES": needed(integer(1, rejects=True)),
            "TOTALCOST": needed(MONEY),
            "REASONCODE": CONCEPT,
            "REASONDESCRIPTION": at_most(255),
        },
        "rules": {
            "stop_not_before_start": (True, "stopped_at::timestamptz < started_at::timestamptz"),
            "amounts_not_negative": (
                False, f"{reads('base_cost')} < 0 or {reads('total_cost')} < 0 or {reads('payer_coverage')} < 0"),
            "coverage_within_cost": (False, f"{reads('payer_coverage')} > {reads('total_cost')}"),
            "total_is_sum_of_dispenses": (
                False, f"{reads('total_cost')} <> base_cost::decimal(18,2) * dispenses::decimal(20,0)"),
            "reason_has_code_and_text": (False, "(reason_code is null) <> (reason_description is null)"),
        },
        "file_rules": {
            "prescription_unique":
                "count(*) > count(distinct (lower(patient_id), lower(encounter_id), code, started_at::timestamptz))",
        },
    },
    "encounter@v1": {
        "files": [f"synthea/{folder}/encounters.csv" for folder in SYNTHEA],
        "named": {"Id": "encounter_id", "START": "started_at", "STOP": "stopped_at", "PATIENT": "patient_id",
                  "ORGANIZATION": "organization_id", "PROVIDER": "provider_id", "PAYER": "payer_id",
                  "ENCOUNTERCLASS": "encounter_class", "REASONCODE": "reason_code",
                  "REASONDESCRIPTION": "reason_description"},
        "columns": {
            "Id": needed(identifier()),
            "START": needed(moment(ranged=True)),
            "STOP": moment(),
            "PATIENT": needed(identifier()),
            "ORGANIZATION": needed(identifier(rejects=False), rejects=False),
            "PROVIDER": needed(identifier(rejects=False), rejects=False),
            "PAYER": needed(identifier(rejects=False), rejects=False),
            "ENCOUNTERCLASS": needed(one_of(
                "wellness", "ambulatory", "outpatient", "inpatient", "emergency", "urgentcare", "hospice", "snf",
                "home", "virtual", rejects=True, fold="lower")),
            "CODE": needed(CONCEPT, rejects=False),
            "DESCRIPTION": at_most(255),
            "BASE_ENCOUNTER_COST": needed(MONEY),
            "TOTAL_CLAIM_COST": needed(MONEY),
            "PAYER_COVERAGE": needed(MONEY),
            "REASONCODE": CONCEPT,
            "REASONDESCRIPTION": at_most(255),
        },
        "rules": {
            "stop_not_before_start": (True, "stopped_at::timestamptz < started_at::timestamptz"),
            "amounts_not_negative": (
                False,
                f"{reads('base_encounter_cost')} < 0 or {reads('total_claim_cost')} < 0 or {reads('payer_coverage')} < 0"),
            "coverage_within_cost": (False, f"{reads('payer_coverage')} > {reads('total_claim_cost')}"),
            "total_not_below_base": (False, f"{reads('total_claim_cost')} < {reads('base_encounter_cost')}"),
            "reason_has_code_and_text": (False, "(reason_code is null) <> (reason_description is null)"),
        },
        "file_rules": {"encounter_unique": "count(*) > count(distinct lower(encounter_id))"},
    },
    "immunisation@v1": {
        "files": [f"synthea/{folder}/immunizations.csv" for folder in SYNTHEA],
        "named": {"DATE": "given_at", "PATIENT": "patient_id", "ENCOUNTER": "encounter_id"},
        "columns": {
            "DATE": needed(moment(ranged=True)),
            "PATIENT": needed(identifier()),
            "ENCOUNTER": needed(identifier()),
            "CODE": needed(matches("[0-9]{2,3}")),
            "DESCRIPTION": at_most(255),
            "BASE_COST": needed(decimal(low=0), rejects=False),
        },
        "rules": {},
        "file_rules": {
            "dose_unique":
                "count(*) > count(distinct (lower(patient_id), lower(encounter_id), code, given_at::timestamptz))",
        },
    },
    "patient@v1": {
        "files": [f"synthea/{folder}/patients.csv" for folder in SYNTHEA],
        "named": {"Id": "patient_id", "BIRTHDATE": "birth_date", "DEATHDATE": "death_date", "FIRST": "first_name",
                  "MIDDLE": "middle_name", "LAST": "last_name", "MAIDEN": "maiden_name", "MARITAL": "marital_status",
                  "STATE": "residence_state", "FIPS": "county_fips", "LAT": "latitude", "LON": "longitude"},
        # Older exporters do not write these.
        "optional": ["MIDDLE", "FIPS", "INCOME"],
        "columns": {
            "Id": needed(identifier()),
            "BIRTHDATE": needed(day("%Y-%m-%d", "1900-01-01", "2099-12-31")),
            "DEATHDATE": day("%Y-%m-%d", "1900-01-01", "2099-12-31"),
            "SSN": matches("[0-9]{3}-[0-9]{2}-[0-9]{4}", rejects=False),
            "DRIVERS": at_most(20),
            "PASSPORT": at_most(20),
            "PREFIX": at_most(20),
            "FIRST": at_most(100),
            "MIDDLE": at_most(100),
            "LAST": at_most(100),
            "SUFFIX": at_most(20),
            "MAIDEN": at_most(100),
            "MARITAL": one_of("M", "S", "D", "W"),
            "RACE": one_of("white", "black", "asian", "native", "hawaiian", "other", fold="lower"),
            "ETHNICITY": one_of("hispanic", "nonhispanic", fold="lower"),
            "GENDER": needed(one_of("M", "F", rejects=True)),
            "BIRTHPLACE": at_most(200),
            "ADDRESS": at_most(200),
            "CITY": at_most(100),
            # The simulation of these sets knows two states; a spoiled name is none of the fifty.
            "STATE": one_of("MASSACHUSETTS", "NEW YORK"),
            "COUNTY": at_most(100),
            "FIPS": matches("[0-9]{5}", rejects=False),
            "ZIP": matches("[0-9]{5}", rejects=False),
            "LAT": decimal(3, 17, low=-90, high=90),
            "LON": decimal(3, 17, low=-180, high=180),
            "HEALTHCARE_EXPENSES": decimal(14, 14),
            "HEALTHCARE_COVERAGE": decimal(14, 14),
            "INCOME": integer(0),
        },
        "rules": {"death_not_before_birth": (True, "death_date < birth_date")},
        "file_rules": {"one_row_per_patient": "count(*) > count(distinct lower(patient_id))"},
    },
}


def coverage(folders, start, end, ownership, owner):
    return {
        "files": [f"synthea/{folder}/payer_transitions.csv" for folder in folders],
        "named": {"PATIENT": "patient_id", "MEMBERID": "plan_member_id", start: "start_date", end: "end_date",
                  "PAYER": "payer_id", "SECONDARY_PAYER": "secondary_payer_id", ownership: "plan_ownership",
                  owner: "owner_name"},
        "columns": {
            "PATIENT": needed(identifier()),
            "MEMBERID": identifier(),
            start: needed(moment(ranged=True)),
            end: needed(moment(ranged=True)),
            "PAYER": needed(identifier()),
            "SECONDARY_PAYER": identifier(rejects=False),
            ownership: [("domain", False, "x not in ('Guardian', 'Self', 'Spouse')")],
            owner: at_most(200),
        },
        "rules": {
            "end_not_before_start": (True, "end_date::timestamptz < start_date::timestamptz"),
            "owner_has_member_number": (False, "(plan_member_id is null) <> (plan_ownership is null)"),
        },
        "file_rules": {"coverage_unique": "count(*) > count(distinct (lower(patient_id), start_date::timestamptz))"},
    }


LAYOUTS["member_eligibility@v2"] = coverage(
    [folder for folder in SYNTHEA if folder != "s02_dbt_synthea"], "START_DATE", "END_DATE", "PLAN_OWNERSHIP", "OWNER_NAME")
LAYOUTS["member_eligibility@v3"] = coverage(["s02_dbt_synthea"], "START_YEAR", "END_YEAR", "OWNERSHIP", "OWNERNAME")
# The spelling of a value that is none, besides the empty one.
NULLS = {"zip": "00000"}


def names(layout):
    return {header: layout.get("named", {}).get(header, header.lower()) for header in layout["columns"]}


def load(connection, layout, path):
    """Table `t`: the file's rows in order, every column as text under its name, nulls as nulls."""
    listed = connection.execute(
        f"select * from read_csv('{path}', all_varchar = true, header = true, quote = '\"', escape = '\"') limit 0")
    present = {column[0].casefold() for column in listed.description}
    picked = []
    for header, name in names(layout).items():
        if header.casefold() in present:
            picked.append(f"nullif(nullif(trim(\"{header}\"), ''), '{NULLS.get(name, '')}') as {name}")
        else:
            assert header in layout.get("optional", []), f"{path} has no {header}"
            picked.append(f"null::varchar as {name}")
    connection.execute(
        f"create or replace table t as select row_number() over () as row_number, {', '.join(picked)} from "
        f"read_csv('{path}', all_varchar = true, header = true, quote = '\"', escape = '\"', parallel = false)")


def judge(connection, layout):
    """Views over `t`: `cells`, the checks that cells break; `verdict`, each row's fate."""
    broken = []
    for header, name in names(layout).items():
        untyped = " or ".join(f"coalesce({sql}, false)" for rule, _, sql in layout["columns"][header] if rule == "type")
        for rule, rejects, sql in layout["columns"][header]:
            # Nothing is only absent; text that is not of the type has no value to check further.
            there = "" if rule == "required" else " and x is not null"
            only = f" and not ({untyped})" if untyped and rule not in ("type", "required") else ""
            found = re.sub(r"\bx\b", name, f"({sql}){there}{only}")
            broken.append(f"select row_number, '{name}:{rule}' as reason, {rejects} as rejects from t where {found}")
    connection.execute("create or replace table cells as " + " union all ".join(broken))
    connection.execute("create or replace table passed as select * from t where row_number not in "
                       "(select row_number from cells where rejects)")
    rules = [f"select row_number, '{rule}' as reason, {rejects} as rejects from passed where {sql}"
             for rule, (rejects, sql) in layout["rules"].items()]
    nothing = "select 0 as row_number, '' as reason, true as rejects where false"
    connection.execute("create or replace table ruled as " + " union all ".join([nothing, *rules]))
    connection.execute("create or replace table accepted as select * from passed where row_number not in "
                       "(select row_number from ruled where rejects)")


def count(connection, layout):
    judge(connection, layout)
    one = lambda sql: connection.execute(sql).fetchone()[0]
    tally = lambda sql: dict(connection.execute(f"select reason, count(*) from ({sql}) group by 1 order by 1").fetchall())
    rows, accepted = one("select count(*) from t"), one("select count(*) from accepted")
    return {
        "rows": rows,
        "accepted": accepted,
        "rejected": rows - accepted,
        # A row that its cells reject says all that is wrong with them; one that a rule rejects, the rules.
        "reject_reasons": tally("select * from cells where row_number not in (select row_number from passed) "
                                "union all select * from ruled where rejects"),
        "warnings": tally("select * from (select * from cells union all select * from ruled) "
                          "where row_number in (select row_number from accepted)"),
        "file_rules": {rule: bool(one(f"select {sql} from accepted")) for rule, sql in layout["file_rules"].items()},
    }


def spoil(source, target):
    """A copy of the file's first row for each column and each way to spoil it."""
    with source.open(encoding="utf-8", newline="") as file:
        header, row = list(csv.reader(file))[:2]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerow(row)
        for column in range(len(header)):
            writer.writerows([*row[:column], value, *row[column + 1:]] for value in SPOILS)


def deliveries(data, drops):
    """(group, layout, file to deliver, whether it is as published)."""
    for layout, facts in LAYOUTS.items():
        file_type = layout.split("@")[0]
        submitter = {"member_eligibility@v3": "older"}.get(layout, "newer")
        paths = [path for pattern in facts["files"] for path in sorted(data.glob(pattern))]
        assert paths, f"no file of {layout}"
        for number, path in enumerate([*paths, None]):
            published = path is not None
            of_set = f"{layout.split('@')[1]}-{number:02}" if published else f"{layout.split('@')[1]}-spoiled"
            target = drops / submitter / file_type / of_set / (path or paths[0]).name
            target.parent.mkdir(parents=True)
            if published:
                shutil.copy(path, target)
            else:
                spoil(paths[0], target)
            yield f"{submitter}/{file_type}/{of_set}", layout, target, str(path.relative_to(data)) if published else None


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: python library_rows.py DATA DROPS")
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    entries = []
    for group, layout, path, published in deliveries(Path(sys.argv[1]), Path(sys.argv[2])):
        load(connection, LAYOUTS[layout], path)
        counted = count(connection, LAYOUTS[layout])
        entries.append({"group": group, "layout": layout, "published": published, **counted})
    json.dump(entries, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
