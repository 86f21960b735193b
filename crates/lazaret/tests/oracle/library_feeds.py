"""Counts and maps what the feeds CCLF and APCD-CDL must come to, from their published layouts.

    python library_feeds.py deliver DATA DROPS
    python library_feeds.py compare DATA DROPS OUTPUTS

`deliver` writes into DROPS what is to be delivered, one folder a delivery, and prints JSON with one
entry for each: rows, accepted, rejected, rejected rows by reason, warnings by reason, the columns
that fall short of their completeness, and what the verdict must say (nothing: the file is not failed).
`compare` reads the same deliveries again and holds the canonical tables of OUTPUTS against them, value
by value. The second half stands in library_feeds_run.py; the two are run as one text.

Of CCLF the shared data has the files of beneficiaries (8 and 9) alone; its claims files, and all of
APCD-CDL, are synthetic: written here, from the positions that CMS publishes and from the elements of
the layout, whose widths and completeness are read from DATA. Positions are sums of widths, and each
record's length must be what a real summary file (CCLF 0) gives. Reads no contract. Needs DuckDB.
"""

import datetime
import functools
import json
import random
import re
import sys
import zipfile
from collections import Counter
from pathlib import Path

import duckdb

SPOILS = ["", "?", "-1", "0", "~", "12345678901234567", "1999-02-30", "1000-01-01", "18500101", "99991231",
          "1234567890", "z" * 300]


# What a cell can break: (rule, whether it rejects, text -> broken). Text is without blanks around it.
def matches(regex, rejects=False, fold=str, rule="pattern"):
    return [(rule, rejects, lambda x: not re.fullmatch(regex, fold(x)))]


def one_of(*values, rejects=False, fold=str):
    def wrong(x):
        return fold(x) not in values

    wrong.right = values
    return [("domain", rejects, wrong)]


def at_most(length, rejects=False):
    return [("length", rejects, lambda x: len(x) > length)]


def needed(checks=(), rejects=True):
    return [("required", rejects, None), *checks]


def number(whole, scale, low=None):
    shape = rf"[+-]?0*[0-9]{{1,{whole}}}(\.[0-9]{{0,{scale}}}0*)?"
    checks = [("type", True, lambda x: not re.fullmatch(shape, x))]
    return checks + ([("range", False, lambda x: float(x) < low)] if low is not None else [])


def cents(x):
    return not re.fullmatch(r"[+-]?0*[0-9]{1,12}", x)


def integer(low, high, rejects=True):
    outside = [("range", rejects, lambda x: not low <= int(x) <= high)]
    return [("type", True, lambda x: not re.fullmatch(r"[+-]?[0-9]+", x)), *outside]


def day(form, low=None):
    """A calendar day in this form, and where `low` is given not before it and not after 2099."""
    outside = [("range", True, lambda x: not low <= calendar(x, form).isoformat() <= "2099-12-31")] if low else []
    return [("type", True, lambda x: calendar(x, form) is None), *outside]


@functools.cache
def calendar(text, form):
    digits = {"%Y-%m-%d": r"\d{4}-\d{2}-\d{2}", "%Y%m%d": r"\d{8}"}[form]
    try:
        return datetime.datetime.strptime(text, form).date() if re.fullmatch(digits, text) else None
    except ValueError:
        return None


@functools.cache
def npi_is_wrong(x):
    """45 CFR 162.406: ten digits of which the last is the Luhn check digit of 80840 and the nine before."""
    if not re.fullmatch("[12][0-9]{9}", x):
        return True
    total = 0
    for place, digit in enumerate(reversed("80840" + x)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 != 0


NPI = [("check", False, npi_is_wrong)]
ICD10 = matches(r"[A-Z][0-9][0-9A-Z](\.?[0-9A-Z]{1,4})?", fold=str.upper, rule="check")
ICD10_PROCEDURE = matches("[0-9BCDFGHX][0-9A-HJ-NP-Z]{6}", fold=lambda x: x.upper().replace(".", ""), rule="check")
HCPCS = matches("[A-V][0-9]{4}|[0-9]{4}[0-9FMTU]", fold=str.upper, rule="check")
NDC = matches("[0-9]{11}|[0-9]{5}-[0-9]{4}-[0-9]{2}|[0-9]{4}-[0-9]{4}-[0-9]{2}|[0-9]{5}-[0-9]{3}-[0-9]{2}|"
              "[0-9]{5}-[0-9]{4}-[0-9]", rule="check")
MBI = "[1-9][A-Z][0-9A-Z][0-9][A-Z][0-9A-Z][0-9][A-Z]{2}[0-9]{2}"
MODIFIER = matches("[A-Z0-9]{2}", fold=str.upper)
MONEY = number(10, 2)
CODE = matches("[0-9A-Z]")
ISO = "%Y-%m-%d"
SERVED = needed(day(ISO))
CLAIM = needed(matches("[0-9]{1,13}", True))
LINE = needed(integer(1, 99999))
HICN = matches("[0-9A-Z]{1,11}")


def digits(low, high=None):
    return matches(f"[0-9]{{{low},{high or low}}}")


def many(form, count, width, checks, first=1):
    return [(form.format(n), width, checks) for n in range(first, first + count)]


# CCLF: name, width and checks of each field, in the order of the record; the length of the record in
# the version that the shared summary files describe (newer ones add what stands after the None).
PART_A = needed(one_of("10", "20", "30", "40", "50", "60", "61", rejects=True))
KIND = needed(one_of("0", "1", "2", rejects=True))
ICD_VERSION = one_of("0", "9", "U")
CCLF1 = [
    ("cur_clm_uniq_id", 13, CLAIM), ("prvdr_oscar_num", 6, matches("[0-9A-Z]{6}")),
    ("bene_mbi_id", 11, needed(matches(MBI, True))), ("bene_hic_num", 11, HICN), ("clm_type_cd", 2, PART_A),
    ("clm_from_dt", 10, SERVED), ("clm_thru_dt", 10, needed(day(ISO, "1990-01-01"))),
    ("clm_bill_fac_type_cd", 1, CODE), ("clm_bill_clsfctn_cd", 1, CODE), ("prncpl_dgns_cd", 7, ICD10),
    ("admtg_dgns_cd", 7, ICD10), ("clm_mdcr_npmt_rsn_cd", 2, matches("[0-9A-Z]{1,2}")),
    ("clm_pmt_amt", 17, needed(MONEY)), ("clm_nch_prmry_pyr_cd", 1, CODE), ("prvdr_fac_fips_st_cd", 2, digits(2)),
    ("bene_ptnt_stus_cd", 2, digits(2)), ("dgns_drg_cd", 4, digits(3, 4)), ("clm_op_srvc_type_cd", 1, digits(1)),
    ("fac_prvdr_npi_num", 10, NPI), ("oprtg_prvdr_npi_num", 10, NPI), ("atndg_prvdr_npi_num", 10, NPI),
    ("othr_prvdr_npi_num", 10, NPI), ("clm_adjsmt_type_cd", 2, KIND), ("clm_efctv_dt", 10, day(ISO)),
    ("clm_idr_ld_dt", 10, needed(day(ISO, "1990-01-01"))), ("bene_eqtbl_bic_hicn_num", 11, HICN),
    ("clm_admsn_type_cd", 2, digits(1, 2)), ("clm_admsn_src_cd", 2, matches("[0-9A-Z]{1,2}")),
    ("clm_bill_freq_cd", 1, CODE), ("clm_query_cd", 1, digits(1)), ("dgns_prcdr_icd_ind", 1, ICD_VERSION),
    ("clm_mdcr_instnl_tot_chrg_amt", 15, MONEY), ("clm_mdcr_ip_pps_cptl_ime_amt", 15, MONEY),
    ("clm_oprtnl_ime_amt", 22, MONEY), ("clm_mdcr_ip_pps_dsprprtnt_amt", 15, MONEY),
    ("clm_hipps_uncompd_care_amt", 15, MONEY), ("clm_oprtnl_dsprprtnt_amt", 22, MONEY), None,
    ("clm_blg_prvdr_oscar_num", 20, matches("[0-9A-Z]{6,20}")), ("clm_blg_prvdr_npi_num", 10, NPI),
    ("clm_oprtg_prvdr_npi_num", 10, NPI), ("clm_atndg_prvdr_npi_num", 10, NPI), ("clm_othr_prvdr_npi_num", 10, NPI),
    ("clm_cntl_num", 40, []), ("clm_org_cntl_num", 40, []), ("clm_cntrctr_num", 5, digits(5)),
]
CCLF2 = [
    ("cur_clm_uniq_id", 13, CLAIM), ("clm_line_num", 10, LINE), ("bene_mbi_id", 11, needed(matches(MBI, True))),
    ("bene_hic_num", 11, HICN), ("clm_type_cd", 2, PART_A), ("clm_line_from_dt", 10, day(ISO)),
    ("clm_line_thru_dt", 10, day(ISO)), ("clm_line_prod_rev_ctr_cd", 4, needed(digits(4), False)),
    ("clm_line_instnl_rev_ctr_dt", 10, day(ISO)), ("clm_line_hcpcs_cd", 5, HCPCS), ("bene_eqtbl_bic_hicn_num", 11, HICN),
    ("prvdr_oscar_num", 6, matches("[0-9A-Z]{6}")), ("clm_from_dt", 10, SERVED),
    ("clm_thru_dt", 10, needed(day(ISO, "1990-01-01"))), ("clm_line_srvc_unit_qty", 24, number(9, 4, 0)),
    ("clm_line_cvrd_pd_amt", 17, MONEY), *many("hcpcs_{}_mdfr_cd", 5, 2, MODIFIER),
    ("clm_rev_apc_hipps_cd", 5, matches("[0-9A-Z]{5}")), None, ("clm_fac_prvdr_oscar_num", 20, matches("[0-9A-Z]{6,20}")),
]
CCLF5 = [
    ("cur_clm_uniq_id", 13, CLAIM), ("clm_line_num", 10, LINE), ("bene_mbi_id", 11, needed(matches(MBI, True))),
    ("bene_hic_num", 11, HICN), ("clm_type_cd", 2, needed(one_of("71", "72", rejects=True))), ("clm_from_dt", 10, SERVED),
    ("clm_thru_dt", 10, needed(day(ISO, "1990-01-01"))), ("rndrg_prvdr_type_cd", 3, matches("[0-9A-Z]{1,3}")),
    ("rndrg_prvdr_fips_st_cd", 2, digits(2)), ("clm_prvdr_spclty_cd", 2, matches("[0-9A-Z]{2}")),
    ("clm_fed_type_srvc_cd", 1, CODE), ("clm_pos_cd", 2, needed(digits(2), False)), ("clm_line_from_dt", 10, SERVED),
    ("clm_line_thru_dt", 10, SERVED), ("clm_line_hcpcs_cd", 5, HCPCS), ("clm_line_cvrd_pd_amt", 15, needed(MONEY)),
    ("clm_line_prmry_pyr_cd", 1, CODE), ("clm_line_dgns_cd", 7, ICD10), ("clm_rndrg_prvdr_tax_num", 10, digits(9, 10)),
    ("rndrg_prvdr_npi_num", 10, NPI), ("clm_carr_pmt_dnl_cd", 2, matches("[0-9A-Z]{1,2}")),
    ("clm_prcsg_ind_cd", 2, matches("[0-9A-Z]{1,2}")), ("clm_adjsmt_type_cd", 2, KIND), ("clm_efctv_dt", 10, day(ISO)),
    ("clm_idr_ld_dt", 10, needed(day(ISO, "1990-01-01"))), ("clm_cntl_num", 40, []), ("bene_eqtbl_bic_hicn_num", 11, HICN),
    ("clm_line_alowd_chrg_amt", 17, MONEY), ("clm_line_srvc_unit_qty", 24, number(9, 4, 0)),
    *many("hcpcs_{}_mdfr_cd", 5, 2, MODIFIER), ("clm_disp_cd", 2, digits(2)), *many("clm_dgns_{}_cd", 8, 7, ICD10),
    ("dgns_prcdr_icd_ind", 1, ICD_VERSION), *many("clm_dgns_{}_cd", 4, 7, ICD10, 9),
    ("hcpcs_betos_cd", 3, matches("[A-Z][0-9][0-9A-Z]?")), None, ("clm_rndrg_prvdr_npi_num", 10, NPI),
    ("clm_rfrg_prvdr_npi_num", 10, NPI), ("clm_cntrctr_num", 5, digits(5)),
]
CCLF8 = [
    ("bene_mbi_id", 11, needed(matches(MBI, True))), ("bene_hic_num", 11, HICN), ("bene_fips_state_cd", 2, digits(2)),
    ("bene_fips_cnty_cd", 3, digits(3)), ("bene_zip_cd", 5, digits(5)), ("bene_dob", 10, needed(day(ISO, "1880-01-01"))),
    ("bene_sex_cd", 1, needed(one_of("0", "1", "2", rejects=True))), ("bene_race_cd", 1, one_of(*"0123456")),
    ("bene_age", 3, integer(0, 130, False)), ("bene_mdcr_stus_cd", 2, one_of("00", "10", "11", "20", "21", "31", "40")),
    ("bene_dual_stus_cd", 2, one_of("NA", "99", *(f"{n:02}" for n in range(11)))), ("bene_death_dt", 10, day(ISO)),
    ("bene_rng_bgn_dt", 10, day(ISO)), ("bene_rng_end_dt", 10, day(ISO)), ("bene_1st_name", 30, []),
    ("bene_midl_name", 15, []), ("bene_last_name", 40, []), ("bene_orgnl_entlmt_rsn_cd", 1, one_of(*"0123")),
    ("bene_entlmt_buyin_ind", 1, one_of(*"0123ABC")), ("bene_part_a_enrlmt_bgn_dt", 10, day(ISO)),
    ("bene_part_b_enrlmt_bgn_dt", 10, day(ISO)), *many("bene_line_{}_adr", 2, 45, []), *many("bene_line_{}_adr", 4, 40, [], 3),
    ("geo_zip_plc_name", 100, []), ("geo_usps_state_cd", 2, matches("[A-Z]{2}")), ("geo_zip5_cd", 5, digits(5)),
    ("geo_zip4_cd", 4, digits(4)), None,
]
CCLF9 = [
    ("hicn_mbi_xref_ind", 1, needed(one_of("H", "M", rejects=True))),
    ("crnt_num", 11, needed(matches("[0-9A-Z]{1,11}", True))), ("prvs_num", 11, needed(matches("[0-9A-Z]{1,11}", True))),
    ("prvs_id_efctv_dt", 10, day(ISO)), ("prvs_id_obslt_dt", 10, day(ISO)), ("bene_rrb_num", 12, matches("[0-9A-Z]{1,12}")), None,
]


def element_checks(name, width):
    """Checks of an APCD-CDL element, by what its name says it is; `width` is the layout's."""
    dated = "%Y%m%d"
    families = [  # the first that fits
        (r"data_submitter_code", lambda: needed(at_most(width, True))),
        (r"start_year_of_submission", lambda: needed(integer(1990, 2099))),
        (r"start_month_of_submission", lambda: needed(integer(1, 12))),
        (r"payor_claim_control_number", lambda: needed(at_most(width, True))),
        (r"line_counter", lambda: needed(integer(1, 9999))),
        (r"version_number", lambda: integer(0, 9999, False)),
        (r"paid_date|date_of_service_from|date_prescription_filled", lambda: needed(day(dated, "1990-01-01"))),
        (r"member_date_of_birth", lambda: day(dated, "1880-01-01")),
        (r".*_date|date_.*", lambda: day(dated)),
        (r".*npi", lambda: NPI),
        (r"member_gender", lambda: one_of("F", "M", "O", "U", "X", fold=str.upper)),
        (r"individual_relationship_code", lambda: matches("[0-9A-Z]{2}", fold=lambda x: x.upper().zfill(2))),
        (r"icd_version_indicator", lambda: one_of("0", "9")),
        (r".*social_security_number", lambda: digits(9)),
        (r".*medicare_beneficiary_identifier", lambda: matches(MBI)),
        (r".*zip_code", lambda: matches("[0-9]{5}([0-9]{4})?")),
        (r".*_state.*", lambda: matches("[A-Z]{2}", fold=str.upper)),
        (r".*country_code", lambda: matches("[A-Z]{2}", fold=str.upper)),
        (r"member_fips_county_code|naic_id", lambda: digits(5)),
        (r".*tax_id.*", lambda: digits(9, 10)),
        (r"actuarial_value", lambda: number(2, 4, 0) + [("range", False, lambda x: float(x) > 1)]),
        (r"(charge|plan_paid)_amount", lambda: needed([("type", True, cents)])),
        (r".*amount.*|.*fees?|ingredient_cost.*", lambda: [("type", True, cents)]),
        (r"service_units_quantity|quantity_dispensed", lambda: number(10, 3, 0)),
        (r"days_supply", lambda: integer(0, 999, False)),
        (r".*diagnosis.*|.*external_cause.*", lambda: ICD10),
        (r"icd_.*procedure.*", lambda: ICD10_PROCEDURE),
        (r"procedure_code", lambda: HCPCS),
        (r"procedure_modifier.*", lambda: MODIFIER),
        (r"drug_code", lambda: NDC),
        (r"revenue_code", lambda: matches("[0-9]{4}", fold=lambda x: x.zfill(4))),
        (r"present_on_admission.*", lambda: one_of(*"1ENUWY", fold=str.upper)),
        (r".*hour", lambda: matches("([01][0-9]|2[0-3])[0-5][0-9]", fold=lambda x: x.zfill(4))),
        (r"discharge_status|place_of_service.*|new_prescription_or_refill", lambda: matches("[0-9]{1,2}")),
        (r"type_of_bill_institutional", lambda: matches("[0-9A-Z]{3}", fold=str.upper)),
        (r"dispensed_as_written_code", lambda: digits(1)),
        (r"member_insurance_product_category_code", lambda: matches("[0-9A-Z]{1,2}", fold=str.upper)),
        (r"", lambda: matches("[0-9A-Za-z]")),
        (r".*", lambda: at_most(width)),
    ]
    return next(checks() for regex, checks in families if re.fullmatch(regex, name) or (regex == "" and width == 1))


def apcd(data, kind):
    """Columns of the layout: (name, element number, checks), and the published completeness by column."""
    layout = json.loads((data / "apcd_layouts/apcd_cdl_tx/apcd_cdl_layout.json").read_text())
    columns, completeness = [], {}
    for element in layout[kind]:
        number_, width = element["element"], element.get("max_len") or int(re.findall(r"\d+", element["type"])[0])
        if number_.endswith("XXX"):
            continue  # not assigned, and without a number
        name = element["name"].replace("NPI of Member's PCP", "member_pcp_npi").replace("ICD-9 CM/10-PCS", "icd")
        name = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        checks = needed(one_of(kind, rejects=True)) if name == "record_type" else element_checks(name, width)
        if name == "drug_code" and kind == "PC":
            checks = needed(checks, False)
        columns.append((name, number_, checks))
        if "min_populated_pct" in element and not any(check[:2] == ("required", True) for check in checks):
            completeness[name] = element["min_populated_pct"] / 100
    return columns, completeness


def on(row, name):
    return calendar(row[name], ISO if "-" in row[name] else "%Y%m%d") if row.get(name) else None


def after(first, second):
    """Broken where the first day lies after the second."""
    return lambda row: bool(on(row, first) and on(row, second) and on(row, first) > on(row, second))


def amount(row, name):
    return float(row[name]) if row.get(name) else None


def above(first, second):
    return lambda row: None not in (amount(row, first), amount(row, second)) and amount(row, first) > amount(row, second)


def nobody(row):
    named = row["carrier_specific_unique_member_id"]
    return not named and not (row["plan_specific_contract_number"] and row["sequence_number"])


# Of APCD-CDL, thresholds that fail a file; falling short of another is a warning.
FAILING = {"member_insurance_product_category_code", "individual_relationship_code", "member_gender",
           "member_date_of_birth", "plan_effective_date", "carrier_specific_unique_member_id"}
PERIOD = ("thru_not_before_from", True, after("clm_from_dt", "clm_thru_dt"))
LINE_PERIOD = ("line_thru_not_before_from", True, after("clm_line_from_dt", "clm_line_thru_dt"))


def layouts(data):
    """By layout: columns, natural key, rules of rows, and the column that 95 of 100 rows must have."""
    me, complete = apcd(data, "ME")
    mc, pc = apcd(data, "MC")[0], apcd(data, "PC")[0]
    version = ["payor_claim_control_number", "line_counter", "version_number"]
    negative = lambda name: ("payment_not_negative", False, lambda row: amount(row, name) is not None and amount(row, name) < 0)
    member = ("member_identifiable", True, nobody)
    return {
        "medical_claim@v7": {"columns": CCLF1, "file": "CCLF1", "key": ["cur_clm_uniq_id"], "rules": [
            PERIOD, negative("clm_pmt_amt"),
            ("dgns_drg_cd:required_when", False, lambda row: row["clm_type_cd"] in ("60", "61") and not row["dgns_drg_cd"])],
            "diagnosis": "prncpl_dgns_cd"},
        "medical_claim_line@v2": {"columns": CCLF2, "file": "CCLF2", "key": ["cur_clm_uniq_id", "clm_line_num"],
                                  "rules": [PERIOD, LINE_PERIOD]},
        "medical_claim@v8": {"columns": CCLF5, "file": "CCLF5", "key": ["cur_clm_uniq_id", "clm_line_num"], "rules": [
            PERIOD, LINE_PERIOD, negative("clm_line_cvrd_pd_amt"),
            ("paid_within_allowed", False, above("clm_line_cvrd_pd_amt", "clm_line_alowd_chrg_amt"))],
            "diagnosis": "clm_dgns_1_cd"},
        "member_eligibility@v4": {"columns": CCLF8, "file": "CCLF8", "key": ["bene_mbi_id"], "rules": [
            ("death_not_before_birth", True, after("bene_dob", "bene_death_dt")),
            ("hospice_end_not_before_begin", False, after("bene_rng_bgn_dt", "bene_rng_end_dt"))]},
        "member_id_history@v1": {"columns": CCLF9, "file": "CCLF9", "key": ["hicn_mbi_xref_ind", "crnt_num", "prvs_num"], "rules": [
            ("obsolete_not_before_effective", True, after("prvs_id_efctv_dt", "prvs_id_obslt_dt")),
            ("number_changed", False, lambda row: row["crnt_num"] == row["prvs_num"]),
            ("identifier_has_its_form", True, lambda row: row["hicn_mbi_xref_ind"] == "M" and not all(
                re.fullmatch(MBI, row[name]) for name in ("crnt_num", "prvs_num")))]},
        "member_eligibility@v5": {"columns": me, "file": "ME", "completeness": complete, "unique_warns": True, "key": [
            "carrier_specific_unique_member_id", "start_year_of_submission", "start_month_of_submission",
            "member_insurance_product_category_code", "plan_id"], "rules": [
            member, ("term_not_before_effective", True, after("plan_effective_date", "plan_term_date")),
            ("month_is_that_of_the_name", True, lambda row: (int(row["start_year_of_submission"]), int(
                row["start_month_of_submission"])) != (2024, 3))]},
        "medical_claim@v9": {"columns": mc, "file": "MC", "key": version, "rules": [
            member, ("through_not_before_from", True, after("date_of_service_from", "date_of_service_through")),
            ("discharge_not_before_admission", True, after("admission_date", "discharge_date")),
            ("paid_not_before_service", False, after("date_of_service_from", "paid_date")),
            ("place_of_service_professional:required_when", False, lambda row: not (
                row["type_of_bill_institutional"] or row["place_of_service_professional"]))],
            "diagnosis": "principal_diagnosis"},
        "pharmacy_claim@v3": {"columns": pc, "file": "PC", "key": version, "rules": [
            member, ("paid_not_before_filled", False, after("date_prescription_filled", "paid_date")),
            ("paid_within_allowed", False, above("plan_paid_amount", "allowed_amount"))]},
    }


def values(layout, path):
    """The file's rows by name, each cell without blanks and null spellings; None for a record of a
    length that no version of the layout has."""
    lines = path.read_text().splitlines()
    fixed = layout["file"].startswith("CCLF")
    if not fixed:
        lines = [line for line in lines if not line.startswith(("HD|", "TR|"))][1:]
    for line in lines:
        if fixed:
            fields, at, torn = {}, 0, False
            for name, width, _ in filter(None, layout["columns"]):
                fields[name] = line[at:at + width]
                torn |= at < len(line) < at + width
                at += width
            if torn or line[at:].strip():
                yield None
                continue
        else:
            fields = dict(zip([name for name, _, _ in layout["columns"]], line.split("|")))
        row = {name: text.strip() for name, text in fields.items()}
        none = lambda name, text: text == "" or (fixed and text == "~") or ("npi" in name and text == "0000000000")
        yield {name: None if none(name, text) else text for name, text in row.items()}


def count(layout, path):
    reasons, warnings, accepted, rows, keys = Counter(), Counter(), [], 0, set()
    for row in values(layout, path):
        rows += 1
        if row is None:
            reasons["record_length"] += 1
            continue
        broken = []
        for name, _, checks in filter(None, layout["columns"]):
            for rule, rejects, wrong in sorted(checks, key=lambda check: check[0] != "type"):
                text = row[name]
                if rule == "type" and text is not None and not wrong(text) and text in sentinels(layout, name):
                    row[name] = text = None
                if text is None if rule == "required" else text is not None and wrong(text):
                    broken.append((f"{name}:{rule}", rejects))
                    if rule == "type":
                        break  # no value to check further
        ruled = [] if any(rejects for _, rejects in broken) else [
            (rule, rejects) for rule, rejects, wrong in layout["rules"] if wrong(row)]
        key = tuple(int(row[name]) if re.fullmatch("clm_line_num|line_counter|version_number|start_.*", name) and row[name]
                    else row[name] for name in layout["key"]) if not any(rejects for _, rejects in broken + ruled) else (None,)
        if None not in key:
            if key in keys:
                ruled.append(("unique", not layout.get("unique_warns")))
            keys.add(key)
        if any(rejects for _, rejects in broken):
            reasons.update(rule for rule, _ in broken)
        elif any(rejects for _, rejects in ruled):
            reasons.update(rule for rule, rejects in ruled if rejects)
        else:
            warnings.update(rule for rule, _ in broken + ruled)
            accepted.append(row)
    short = {name: sum(1 for row in accepted if not row[name]) for name in layout.get("completeness", {})}
    below = [name for name, least in layout.get("completeness", {}).items()
             if accepted and short[name] > (1 - least) * len(accepted) + 1e-9]
    said = [f"`{name}`: completeness" for name in below if name in FAILING]
    said += [] if accepted else ["0 rows were accepted"]
    if "diagnosis" in layout and sum(1 for row in accepted if row[layout["diagnosis"]]) < 0.95 * len(accepted):
        said.append("diagnosis_share")
    return {"rows": rows, "accepted": len(accepted), "rejected": rows - len(accepted), "reject_reasons": dict(reasons),
            "warnings": dict(warnings), "short": short, "below": below, "said": said}, accepted


def sentinels(layout, name):
    if layout["file"].startswith("CCLF"):
        return ("1000-01-01", "9999-12-31")
    return ("99991231",) if name == "plan_term_date" else ()
