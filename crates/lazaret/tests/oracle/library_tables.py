"""Counts what the library's layouts of Synthea's other tables and CMS's other RIF files must accept and reject.

    python library_tables.py DATA DROPS FOLDER_OF_THIS_SCRIPT

DATA holds the shared sets. Writes into the folder DROPS, for each layout, a file in which each column
in turn is spoiled in several ways. Prints JSON, one entry per file (the published ones where they lie):
rows, accepted, rejected, rejected rows by reason, warnings by reason, broken whole-file rules. Of
the published ones also all reasons as `kinds`: columns of one kind (of each month) are one there.

Reads no contract: the conditions below say in DuckDB's SQL what the Synthea CSV File Data Dictionary,
the Chronic Conditions Warehouse codebooks and the DE 1.0 Codebook say of the columns, with the checks
of `library_rows.py`; those of RIF files are in `library_rif.py`. Needs DuckDB.
"""

import csv
import json
import re
import sys
from pathlib import Path

import duckdb

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[3])
import library_rows  # noqa: E402
from library_rif import MONTHS, SSA, code, coded, rif_columns  # noqa: E402
from library_rif import LAYOUTS as RIF_LAYOUTS  # noqa: E402
from library_rows import (  # noqa: E402
    CONCEPT, ICD9, ICD9_PROCEDURE, MONEY, at_most, day, decimal, identifier, integer, lines, moment, needed, one_of, reads)

SPOILS = [*library_rows.SPOILS, "30-Feb-2015", "01-JAN-1850", "99", "00000000000"]
SYNTHEA = "synthea/*/{}.csv"


# Spellings of "no value", and the length to which zeros that senders leave out are put back.
NULLS = {
    ".*_npi(_num)?": ["0000000000"], "clm_clncl_tril_num": ["0"], "rev_cntr_apc_hipps_cd": ["0", "0000", "00000"],
    "line_ndc_cd|prod_srvc_id|rev_cntr_ide_ndc_upc_num": ["000000000", "00000000000"], "quality_of_life_average": ["NaN"],
}
PADDED = {"rev_cntr": 4, "bene_zip_cd|state_cnty_zip_cd|zip": 5, f"ptd_sgmt_{MONTHS}_id": 3,
          f"(meta_dual_elgbl_stus|cst_shr_grp)_{MONTHS}_cd": 2}


def by_name(table, name, otherwise):
    return next((facts for names, facts in table.items() if re.fullmatch(names, name)), otherwise)


LAYOUTS = dict(RIF_LAYOUTS)
# --- DE-SynPUF as OHDSI's converter takes it
YES_NO = [("type", True, "x not in ('1', '2')")]
LAYOUTS["member_eligibility@v7"] = {
    "files": ["cms_etl_testdata/input/beneficiary_summary.csv"],
    "padded": {"sp_state_code": 2, "bene_county_cd": 3},
    "columns": {
        "YEAR": needed(integer(2008, 2010, rejects=True)),
        "DESYNPUF_ID": library_rows.BENEFICIARY,
        "BENE_BIRTH_DT": needed(day("%Y%m%d", "1880-01-01", "2010-12-31")),
        "BENE_DEATH_DT": day("%Y%m%d", "2008-01-01", "2010-12-31", rejects=False),
        "BENE_SEX_IDENT_CD": needed(one_of("1", "2", rejects=True)),
        "BENE_RACE_CD": needed(one_of("1", "2", "3", "5", rejects=True)),
        "BENE_ESRD_IND": [("type", True, "upper(x) not in ('Y', 'N', '0')")],
        "SP_STATE_CODE": coded(*SSA),
        "BENE_COUNTY_CD": code("[0-9]{3}"),
        **dict.fromkeys(["BENE_HI_CVRAGE_TOT_MONS", "BENE_SMI_CVRAGE_TOT_MONS", "BENE_HMO_CVRAGE_TOT_MONS",
                         "PLAN_CVRG_MOS_NUM"], needed(integer(0, 12, rejects=True))),
        **dict.fromkeys(["SP_ALZHDMTA", "SP_CHF", "SP_CHRNKIDN", "SP_CNCR", "SP_COPD", "SP_DEPRESSN", "SP_DIABETES",
                         "SP_ISCHMCHT", "SP_OSTEOPRS", "SP_RA_OA", "SP_STRKETIA"], YES_NO),
        **{f"{what}_{where}": MONEY for where in ("IP", "OP", "CAR") for what in ("MEDREIMB", "BENRES", "PPPYMT")},
    },
    "rules": {
        "death_not_before_birth": (True, "bene_death_dt < bene_birth_dt"),
        "hmo_months_within_part_a": (False, "bene_hmo_cvrage_tot_mons::bigint > bene_hi_cvrage_tot_mons::bigint"),
        "reimbursement_not_negative": (
            False, " or ".join(f"{reads(f'medreimb_{where}')} < 0" for where in ("ip", "op", "car"))),
    },
    "key": ["desynpuf_id", "year::bigint"],
}
SEGMENTS = library_rows.LAYOUTS["medical_claim@v6"]
LAYOUTS["medical_claim@v1"] = {
    "files": ["cms_etl_testdata/input/inpatient_claims.csv"],
    "spoiled": False,
    "columns": {
        **{name: checks for name, checks in SEGMENTS["columns"].items()
           if not name.startswith(("NCH_BENE_PTB", "ICD9_PRCDR"))},
        **lines("ICD9_PRCDR_CD", ICD9_PROCEDURE, 6),
        "ADMTNG_ICD9_DGNS_CD": ICD9,
        **dict.fromkeys(["CLM_ADMSN_DT", "NCH_BENE_DSCHRG_DT"], needed(day("%Y%m%d", "0001-01-01", "9999-12-31"))),
        **dict.fromkeys(["CLM_PASS_THRU_PER_DIEM_AMT", "NCH_BENE_IP_DDCTBL_AMT", "NCH_BENE_PTA_COINSRNC_LBLTY_AM"], MONEY),
        "CLM_UTLZTN_DAY_CNT": integer(0, 366),
        "CLM_DRG_CD": code("([0-9]{3}|OTH)", fold=True),
    },
    "rules": {
        **SEGMENTS["rules"],
        "discharge_not_before_admission": (True, "nch_bene_dschrg_dt < clm_admsn_dt"),
        "admission_not_after_thru": (True, "clm_admsn_dt > clm_thru_dt"),
    },
    "file_rules": SEGMENTS["file_rules"],
    "key": ["clm_id", "segment::bigint"],
}

# --- Synthea
ID, DATE = needed(identifier()), ("%Y-%m-%d", "1900-01-01", "2099-12-31")
A_CONCEPT = needed(CONCEPT, rejects=False)
A_DAY, A_MOMENT = needed(day(*DATE)), needed(moment(ranged=True))
SYSTEM = coded("SNOMED-CT", "http://snomed.info/sct")
ALLERGY_SYSTEM = coded("SNOMED-CT", "http://snomed.info/sct", "RxNorm", "http://www.nlm.nih.gov/research/umls/rxnorm")
WORDS, NOT_NEGATIVE = at_most(255), integer(0)
COST = needed(decimal(low=0), rejects=False)
NAMED = {"START": "started_at", "STOP": "stopped_at", "PATIENT": "patient_id", "ENCOUNTER": "encounter_id",
         "SYSTEM": "code_system", "REASONCODE": "reason_code", "REASONDESCRIPTION": "reason_description",
         "LAT": "latitude", "LON": "longitude", "ORGANIZATION": "organization_id"}
DAYS = {**NAMED, "START": "started_on", "STOP": "stopped_on"}
NO_STOP_BEFORE_START = {"stop_not_before_start": (True, "stopped_at::timestamptz < started_at::timestamptz")}
NO_LAST_BEFORE_FIRST = {"stop_not_before_start": (True, "stopped_on < started_on")}
A_REASON = {"REASONCODE": CONCEPT, "REASONDESCRIPTION": WORDS}
A_WHOLE_REASON = {"reason_has_code_and_text": (False, "(reason_code is null) <> (reason_description is null)")}
PLACE = {"ADDRESS": at_most(200), "CITY": at_most(100), "STATE": code("[A-Z]{2}", fold=True),
         "ZIP": code("[0-9]{5}(-?[0-9]{4})?"), "LAT": decimal(3, 17, low=-90, high=90),
         "LON": decimal(3, 17, low=-180, high=180)}
DICOM = needed(code(r"[0-2](\.(0|[1-9][0-9]*))+"), rejects=False)
GS1 = r"\(01\)[0-9]{14}\(11\)[0-9]{6}\(17\)[0-9]{6}\(10\)[0-9A-Za-z]{1,20}\(21\)[0-9A-Za-z]{1,20}"


def key(*parts):
    return [f"lower({part})" if part.endswith("_id") else part for part in parts]


LAYOUTS |= {
    "condition@v1": {
        "files": [SYNTHEA.format("conditions")], "named": DAYS, "optional": ["SYSTEM"],
        "columns": {"START": A_DAY, "STOP": day(*DATE), "PATIENT": ID, "ENCOUNTER": ID, "SYSTEM": SYSTEM,
                    "CODE": A_CONCEPT, "DESCRIPTION": WORDS},
        "rules": NO_LAST_BEFORE_FIRST, "key": key("patient_id", "encounter_id", "code", "started_on"),
    },
    "procedure@v1": {
        "files": [SYNTHEA.format("procedures")], "named": NAMED, "optional": ["SYSTEM"],
        "columns": {"START": A_MOMENT, "STOP": moment(), "PATIENT": ID, "ENCOUNTER": ID, "SYSTEM": SYSTEM,
                    "CODE": A_CONCEPT, "DESCRIPTION": WORDS, "BASE_COST": COST, **A_REASON},
        "rules": {**NO_STOP_BEFORE_START, **A_WHOLE_REASON},
        "key": key("patient_id", "encounter_id", "code", "started_at::timestamptz"),
    },
    "observation@v1": {
        "files": [SYNTHEA.format("observations")],
        "named": {**NAMED, "DATE": "observed_at", "TYPE": "value_type"},
        "columns": {"DATE": A_MOMENT, "PATIENT": ID, "ENCOUNTER": identifier(), "CATEGORY": one_of(
            "social-history", "vital-signs", "imaging", "laboratory", "procedure", "survey", "exam", "therapy", "activity",
            fold="lower"), "CODE": needed(code("([0-9]{1,7}-[0-9]|QALY|DALY|QOLS)"), rejects=False),
                    "DESCRIPTION": WORDS, "VALUE": needed(at_most(1000), rejects=False), "UNITS": at_most(50),
                    "TYPE": needed(one_of("numeric", "text", rejects=True, fold="lower"))},
        "rules": {"numeric_value_is_a_number": (
                      True, "lower(value_type) = 'numeric' and value is not null and try_cast(value as double) is null"),
                  "numeric_value_has_units": (False, "lower(value_type) = 'numeric' and units is null")},
        "key": key("patient_id", "encounter_id", "code", "observed_at::timestamptz"),
    },
    "allergy@v1": {
        "files": [SYNTHEA.format("allergies")],
        "named": {**DAYS, "TYPE": "allergy_type", **{f"{theirs}{n}": f"reaction_{n}_{ours}" for n in (1, 2) for theirs, ours in
                  (("REACTION", "code"), ("DESCRIPTION", "description"), ("SEVERITY", "severity"))}},
        "columns": {"START": A_DAY, "STOP": day(*DATE), "PATIENT": ID, "ENCOUNTER": ID,
                    "CODE": needed(code("[0-9]{1,18}"), rejects=False), "SYSTEM": ALLERGY_SYSTEM, "DESCRIPTION": WORDS,
                    "TYPE": one_of("allergy", "intolerance", fold="lower"),
                    "CATEGORY": one_of("drug", "medication", "food", "environment", fold="lower"),
                    **{f"{name}{n}": checks for n in (1, 2) for name, checks in (
                        ("REACTION", CONCEPT), ("DESCRIPTION", WORDS), ("SEVERITY", one_of("MILD", "MODERATE", "SEVERE")))}},
        "rules": {**NO_LAST_BEFORE_FIRST,
                  "snomed_code_has_its_length": (
                      False, "code_system in ('SNOMED-CT', 'http://snomed.info/sct') and length(code) < 6"),
                  "reaction_has_code_and_text": (False, " or ".join(
                      f"(reaction_{n}_code is null) <> (reaction_{n}_description is null)" for n in (1, 2)))},
        "key": key("patient_id", "encounter_id", "code"),
    },
    "care_plan@v1": {
        "files": [SYNTHEA.format("careplans")], "named": {**DAYS, "Id": "care_plan_id"},
        "columns": {"Id": ID, "START": A_DAY, "STOP": day(*DATE), "PATIENT": ID, "ENCOUNTER": ID, "CODE": A_CONCEPT,
                    "DESCRIPTION": WORDS, **A_REASON},
        "rules": {**NO_LAST_BEFORE_FIRST, **A_WHOLE_REASON}, "key": key("care_plan_id"),
    },
    "device@v1": {
        "files": [SYNTHEA.format("devices")], "named": NAMED,
        "columns": {"START": A_MOMENT, "STOP": moment(), "PATIENT": ID, "ENCOUNTER": ID, "CODE": A_CONCEPT,
                    "DESCRIPTION": WORDS, "UDI": needed(code(GS1), rejects=False)},
        "rules": NO_STOP_BEFORE_START, "key": key("patient_id", "encounter_id", "code", "started_at::timestamptz"),
    },
    "supply@v1": {
        "files": [SYNTHEA.format("supplies")], "named": {**NAMED, "DATE": "supplied_on"},
        "columns": {"DATE": A_DAY, "PATIENT": ID, "ENCOUNTER": ID, "CODE": A_CONCEPT, "DESCRIPTION": WORDS,
                    "QUANTITY": needed(integer(1), rejects=False)},
        "rules": {}, "key": key("patient_id", "encounter_id", "code", "supplied_on"),
    },
    "imaging_study@v1": {
        "files": [SYNTHEA.format("imaging_studies")], "named": {**NAMED, "Id": "imaging_study_id", "DATE": "taken_at"},
        "columns": {"Id": ID, "DATE": A_MOMENT, "PATIENT": ID, "ENCOUNTER": ID, "SERIES_UID": DICOM,
                    "BODYSITE_CODE": CONCEPT, "BODYSITE_DESCRIPTION": WORDS,
                    "MODALITY_CODE": needed(code("[A-Z]{2,16}", fold=True), rejects=False), "MODALITY_DESCRIPTION": WORDS,
                    "INSTANCE_UID": DICOM, "SOP_CODE": DICOM, "SOP_DESCRIPTION": WORDS, "PROCEDURE_CODE": A_CONCEPT},
        "rules": {"identifiers_within_64_characters": (False, "length(series_uid) > 64 or length(instance_uid) > 64")},
        "key": key("imaging_study_id", "series_uid", "instance_uid"),
    },
    "organization@v1": {
        "files": [SYNTHEA.format("organizations")],
        "named": {**NAMED, "Id": "organization_id", "NAME": "organization_name", "UTILIZATION": "encounters"},
        "columns": {"Id": ID, "NAME": needed(at_most(200), rejects=False), **PLACE, "PHONE": at_most(50),
                    "REVENUE": needed(decimal(14, 14, low=0), rejects=False), "UTILIZATION": NOT_NEGATIVE},
        "rules": {}, "key": key("organization_id"),
    },
    "provider@v1": {
        "files": [SYNTHEA.format("providers")],
        "named": {**NAMED, "Id": "provider_id", "NAME": "provider_name", "SPECIALITY": "specialty"},
        "also_called": {"ENCOUNTERS": "UTILIZATION"}, "optional": ["PROCEDURES"],
        "columns": {"Id": ID, "ORGANIZATION": ID, "NAME": needed(at_most(100), rejects=False), "GENDER": one_of("M", "F"),
                    "SPECIALITY": at_most(100), **PLACE, "ENCOUNTERS": NOT_NEGATIVE, "PROCEDURES": NOT_NEGATIVE},
        "rules": {}, "key": key("provider_id"),
    },
    "payer@v1": {
        "files": [SYNTHEA.format("payers")], "optional": ["OWNERSHIP"],
        "named": {"Id": "payer_id", "NAME": "payer_name", "STATE_HEADQUARTERED": "headquarters_state",
                  "QOLS_AVG": "quality_of_life_average"},
        "columns": {"Id": ID, "NAME": needed(at_most(100), rejects=False),
                    "OWNERSHIP": one_of("GOVERNMENT", "PRIVATE", "NO_INSURANCE"), "ADDRESS": at_most(200),
                    "CITY": at_most(100), "STATE_HEADQUARTERED": code("[A-Z]{2}", fold=True), "ZIP": PLACE["ZIP"],
                    "PHONE": at_most(50),
                    **dict.fromkeys(["AMOUNT_COVERED", "AMOUNT_UNCOVERED", "REVENUE"],
                                    needed(decimal(16, 2, low=0), rejects=False)),
                    **{f"{how}_{what}": NOT_NEGATIVE for how in ("COVERED", "UNCOVERED") for what in
                       ("ENCOUNTERS", "MEDICATIONS", "PROCEDURES", "IMMUNIZATIONS")},
                    "UNIQUE_CUSTOMERS": NOT_NEGATIVE, "QOLS_AVG": decimal(8, 20, low=0, high=1),
                    "MEMBER_MONTHS": NOT_NEGATIVE},
        "rules": {}, "key": key("payer_id"),
    },
}


def fields(path, layout):
    """Header and records, as the layout divides them: RIF at every `|`, the others as RFC 4180 says."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if "columns" in layout:
            rows = [row for row in csv.reader(file) if row]
        else:
            rows = [line.split("|") for line in file.read().replace("\r\n", "\n").split("\n") if line]
    return rows[0], rows[1:]


def checked(layout, header):
    """The layout with all its columns: of a RIF file they are those of its header."""
    if "columns" in layout:
        return layout
    names = [name.lower() for name in header]
    return {**layout, "columns": rif_columns(names, **layout.get("special", {}))}


def load(connection, layout, header, rows, scratch):
    """Table `t`: records as wide as the header, in order, as text under the columns' names, nulls as nulls."""
    whole = [row for row in rows if len(row) == len(header)]
    with scratch.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([header, *whole])
    present = {name.strip().casefold() for name in header}
    optional = {library_rows.names(layout)[title] for title in layout.get("optional", [])}
    picked = []
    for title, name in library_rows.names(layout).items():
        title = next((one for one in (title, layout.get("also_called", {}).get(title)) if str(one).casefold() in present),
                     None)
        assert title or optional >= {name}, f"no {name}"
        value = f'nullif(trim("{title}"), \'\')' if title else "null::varchar"
        for none in by_name(NULLS, name, []):
            value = f"nullif({value}, '{none}')"
        if length := by_name(layout.get("padded", PADDED), name, None):
            value = f"case when length({value}) < {length} then lpad({value}, {length}, '0') else {value} end"
        picked.append(f"{value} as {name}")
    connection.execute(
        f"create or replace table t as select row_number() over () as row_number, {', '.join(picked)} from read_csv("
        f"'{scratch}', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"', parallel = false, "
        f"max_line_size = 10000000)")
    return len(rows) - len(whole)


def counted(connection, layout, header, rows, scratch):
    layout = checked(layout, header)
    uneven = load(connection, layout, header, rows, scratch)
    found = library_rows.count(connection, {"file_rules": {}, **layout})
    # The first row with a key stands; of the others, warn. A key with an empty part is compared with none.
    there = " and ".join(f"({part}) is not null" for part in layout["key"])
    repeats = connection.execute(
        f"select count(*) - count(distinct ({', '.join(layout['key'])}, 0)) from accepted where {there}").fetchone()[0]
    found["rows"] += uneven
    found["rejected"] += uneven
    found["reject_reasons"] |= {"field_count": uneven} if uneven else {}
    found["warnings"] |= {"unique": repeats} if repeats else {}
    return found


def spoil(header, rows):
    """The file's first whole row for each column and each way to spoil it."""
    row = next(row for row in rows if len(row) == len(header))
    spoiled = [[*row[:column], value, *row[column + 1:]] for column in range(len(header)) for value in SPOILS]
    return header, [row, *spoiled]


def without_diagnoses(header, rows):
    """The file with its principal diagnoses lost."""
    column = header.index("PRNCPAL_DGNS_CD")
    return header, [[*row[:column], "", *row[column + 1:]] for row in rows]


def variants(name, layout, path, drops):
    """Files made of this one: (path, header, records)."""
    made = [("spoiled", spoil)] if layout.get("spoiled", True) else []
    made += [("undiagnosed", without_diagnoses)] if name in RIF_LAYOUTS and "file_rules" in layout else []
    for kind, make in made:
        header, rows = make(*fields(path, layout))
        target = drops / f"{name.replace('@', '_')}.{kind}"
        with target.open("w", encoding="utf-8", newline="") as file:
            if "columns" in layout:
                csv.writer(file, lineterminator="\n").writerows([header, *rows])
            else:
                file.writelines("|".join(line) + "\n" for line in [header, *rows])
        yield target, header, rows


def kinds(found):
    """Rows by severity and reason, columns that differ in a month or a number alone together."""
    told = []
    for severity, reasons in (("reject", found["reject_reasons"]), ("warn", found["warnings"])):
        for reason, rows in reasons.items():
            told.append((severity, re.sub(f"_({MONTHS}|[0-9]+)_", "_month_", reason), rows))
    counts = {}
    for severity, reason, rows in told:
        counts[f"{severity} {reason}"] = counts.get(f"{severity} {reason}", 0) + rows
    return counts


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: python library_tables.py DATA DROPS FOLDER_OF_THIS_SCRIPT")
    data, drops = Path(sys.argv[1]), Path(sys.argv[2])
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    entries = []
    for name, layout in LAYOUTS.items():
        paths = [path for pattern in layout["files"] for path in sorted(data.glob(pattern))]
        assert paths, f"no file of {name}"
        files = [(path, *fields(path, layout)) for path in paths]
        for path, header, rows in [*files, *variants(name, layout, paths[0], drops)]:
            unnamed = "named_as" in layout and not re.search("_[0-9]{4}", path.name)
            found = counted(connection, layout, header, rows, drops / "scratch.csv")
            entries.append({
                "group": f"{name} {path.name}", "layout": name, "file": str(path), "name": layout["named_as"] if unnamed else None,
                "published": str(path.relative_to(data)) if path.is_relative_to(data) else None,
                **found, "kinds": kinds(found),
            })
    json.dump(entries, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
