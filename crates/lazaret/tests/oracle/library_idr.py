"""Counts what the library's layouts of IDR tables must accept and reject.

    python library_idr.py DATA DROPS ORACLES

DATA holds the shared sets, ORACLES is the folder of this file. Writes into the folder DROPS for each
layout a file in which each column in turn is spoiled in several ways. Prints JSON, one entry per
file: rows, accepted, rejected, rejected rows by reason, warnings by reason.

Reads no contract: what follows says in DuckDB's SQL what the tables of the Integrated Data Repository
can hold: types and lengths are those of the BFD server's reference tables. Judging is that of
`library_rows.py`; besides, a row whose key stood in an accepted row before is a warning. Needs DuckDB.
"""

import csv
import json
import re
import sys
from pathlib import Path

import duckdb

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[3])
import library_rows as published  # noqa: E402

IDR = "cms_bfd/idr_test_samples/test_samples1/SYNTHETIC_{table}.csv"
needed, at_most, money, pattern = published.needed, published.at_most, published.decimal, published.matches
SPOILS = [*published.SPOILS, "~", " ", "y", "3.5", "7.125", "9999-12-31", "0001-01-01", "2020-02-29", "1950-01-01 10:11:12",
          "2020-02-29 10:11:12.5", "9999-12-31T00:00:00.000000", "1234567890", "1245319599", "ABCDEFGHIJ", "3O70AK7EV90"]
REVERSED = [["2020-03-01", "2020-02-29"], ["2020-02-29 10:11:12.5", "2020-02-29 10:11:12"]]


class Checks(list):
    """Checks of a cell, and the condition on which its text means that there is no value."""

    def __init__(self, checks, nothing):
        super().__init__(checks)
        self.nothing = nothing


def of(checks, headers):
    return {header: checks for header in headers.split()}


def one_of(*values, rejects=False):
    return published.one_of(*values, rejects=rejects, fold="")


def code(length, low=1):
    return pattern(f"[0-9A-Z]{{{low},{length}}}", rejects=False)


def warned(regex):
    return pattern(regex, rejects=False)


def amount(precision, scale):
    return money(precision - scale, scale)


MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
KEY = [("type", True, "not regexp_full_match(x, '[+-]?[0-9]+')")]
DAY = published.day("%Y-%m-%d", "0001-01-01", "9999-12-31")[:1]
DAY_OR_NONE = Checks(DAY, "x in ('0001-01-01', '1000-01-01', '1900-01-01', '9999-12-31')")
LAST_DAY = Checks(DAY, "x = '9999-12-31'")
STAMP = [("type", True, f"not regexp_full_match(x, '{MOMENT}') or try_cast(x as timestamp) is null")]
LAST_STAMP = Checks(STAMP, f"regexp_full_match(x, '{MOMENT}') and try_cast(x as timestamp) = timestamp '9999-12-31'")
SERVICE_DAY = needed(published.day("%Y-%m-%d", "1966-07-01", "2099-12-31"))
# Ten digits, the first 1 or 2; every second digit doubled, with 24 for the issuer's prefix the digit
# sums are a multiple of ten.
SUMS = " + ".join(f"(substr(x, {n}, 1)::int * {1 + n % 2}) // 10 + (substr(x, {n}, 1)::int * {1 + n % 2}) % 10"
                  for n in range(1, 11))
NPI = [("check", False, f"case when regexp_full_match(x, '[12][0-9]{{9}}') then (24 + {SUMS}) % 10 <> 0 else true end")]
MBI = "(?i)[1-9][A-Z][0-9A-Z][0-9][A-Z][0-9A-Z][0-9][A-Z]{2}[0-9]{2}"
ICD = [("pattern", False, "not regexp_full_match(replace(upper(x), '.', ''), '[0-9A-Z]{3,7}')")]
# Three or four digits, of which zeros before the others may be lost.
DRG = warned("[0-9]{1,4}")
HCPCS = [("check", False, "not regexp_full_match(upper(x), '[0-9]{4}[0-9FMTU]|[A-Z][0-9]{4}')")]
MODIFIER, STATE = warned("(?i)[0-9A-Z]{2}"), warned("(?i)[A-Z]{2}")
CONTRACT, PACKAGE = warned("[A-Z][0-9]{4}"), warned("[0-9]{3}")
YES_NO = one_of("Y", "N")

CLAIM = {**of(needed(KEY), "GEO_BENE_SK CLM_DT_SGNTR_SK CLM_NUM_SK"), "CLM_TYPE_CD": needed(pattern("[0-9]{1,4}"))}
LINE = {**CLAIM, "CLM_LINE_NUM": needed(published.integer(0, rejects=True))}
LOADED = of(STAMP, "IDR_INSRT_TS IDR_UPDT_TS")
VERSIONED = {**LOADED, "IDR_TRANS_EFCTV_TS": needed(STAMP), "IDR_TRANS_OBSLT_TS": LAST_STAMP}
BENEFICIARY = {**VERSIONED, "IDR_LTST_TRANS_FLG": needed(one_of("Y", "N", rejects=True)), "BENE_SK": needed(KEY)}
UPDATED = {"updated_not_before_inserted": (False, "idr_updt_ts::timestamp < idr_insrt_ts::timestamp")}
IN_VERSIONS = {**UPDATED, "loaded_before_obsolete": (False, "idr_trans_obslt_ts::timestamp < idr_trans_efctv_ts::timestamp")}
WITH_FLAG = {**IN_VERSIONS, "latest_version_is_not_obsolete":
             (False, "(idr_ltst_trans_flg = 'Y') <> (idr_trans_obslt_ts is null)")}


def ordered(rule, first, last, rejects=True):
    return {rule: (rejects, f"{last} < {first}")}


def period(first, last):
    return ordered("end_not_before_begin", first, last)


def idr(table, key, columns, rules=()):
    return {"table": table, "nulls": ["~"], "key": key, "columns": columns, "rules": dict(rules)}


FOUR_PARTS = ["geo_bene_sk", "clm_dt_sgntr_sk", "clm_type_cd", "clm_num_sk"]
FIVE_PARTS = [*FOUR_PARTS, "clm_line_num"]
LAYOUTS = {
    "idr_dual_eligibility": idr("BENE_CMBND_DUAL_MDCR", ["bene_sk", "bene_mdcd_elgblty_bgn_dt", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "BENE_DUAL_STUS_CD": code(2, 2), "BENE_DUAL_TYPE_CD": one_of("F", "P", "N", "U"),
        "GEO_USPS_STATE_CD": STATE, "BENE_MDCD_ELGBLTY_BGN_DT": needed(DAY), "BENE_MDCD_ELGBLTY_END_DT": LAST_DAY,
    }, {**WITH_FLAG, **period("bene_mdcd_elgblty_bgn_dt", "bene_mdcd_elgblty_end_dt"),
        "begins_on_first_of_month": (False, "bene_mdcd_elgblty_bgn_dt not like '%-01'")}),
    "idr_beneficiary": idr("BENE_HSTRY", ["bene_sk", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "BENE_XREF_SK": KEY, "BENE_XREF_EFCTV_SK": needed(KEY), "BENE_MBI_ID": warned(MBI),
        "BENE_LAST_NAME": needed(at_most(40), rejects=False), "BENE_1ST_NAME": needed(at_most(30), rejects=False),
        "BENE_MIDL_NAME": at_most(15), "BENE_BRTH_DT": needed(published.day("%Y-%m-%d", "1870-01-01", "2099-12-31")),
        "BENE_DEATH_DT": LAST_DAY, "BENE_VRFY_DEATH_DAY_SW": YES_NO, "BENE_SEX_CD": one_of("0", "1", "2", rejects=True),
        "BENE_RACE_CD": code(2), **of(at_most(45), "BENE_LINE_1_ADR BENE_LINE_2_ADR"),
        **of(at_most(40), "BENE_LINE_3_ADR BENE_LINE_4_ADR BENE_LINE_5_ADR BENE_LINE_6_ADR"),
        "GEO_ZIP_PLC_NAME": at_most(100), "GEO_ZIP5_CD": warned("[0-9]{5}"), "GEO_USPS_STATE_CD": STATE,
        "CNTCT_LANG_CD": warned("[A-Z]{3}"),
    }, {**WITH_FLAG, **ordered("death_not_before_birth", "bene_brth_dt", "bene_death_dt")}),
    "idr_low_income_subsidy": idr("BENE_LIS", ["bene_sk", "bene_rng_bgn_dt", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "BENE_LIS_EFCTV_CD": YES_NO, "BENE_LIS_COPMT_LVL_CD": warned("[0-9]"),
        "BENE_LIS_PTD_PRM_PCT": one_of("000", "025", "050", "075", "100"),
        "BENE_RNG_BGN_DT": needed(DAY), "BENE_RNG_END_DT": LAST_DAY,
    }, {**WITH_FLAG, **period("bene_rng_bgn_dt", "bene_rng_end_dt")}),
    "idr_deemed_low_income_subsidy": idr("BENE_LIS_CMBND", ["bene_sk", "bene_cmbnd_deemd_efctv_dt", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "BENE_CMBND_DEEMD_IND": YES_NO, "BENE_CMBND_DEEMD_COPMT_LVL_ID": warned("[0-9]"),
        "BENE_CMBND_DEEMD_PRM_PCT": one_of("000", "025", "050", "075", "100"),
        "BENE_CMBND_DEEMD_EFCTV_DT": needed(DAY), "BENE_CMBND_DEEMD_TRMNTN_DT": LAST_DAY,
    }, {**WITH_FLAG, **period("bene_cmbnd_deemd_efctv_dt", "bene_cmbnd_deemd_trmntn_dt")}),
    "idr_plan_enrolment": idr("BENE_MAPD_ENRLMT", [
        "bene_sk", "bene_enrlmt_bgn_dt", "bene_enrlmt_pgm_type_cd", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "CNTRCT_PBP_SK": needed(KEY), "BENE_CNTRCT_NUM": needed(CONTRACT, rejects=False),
        "BENE_PBP_NUM": needed(PACKAGE, rejects=False), "BENE_CVRG_TYPE_CD": code(2),
        "BENE_ENRLMT_PGM_TYPE_CD": needed(pattern("[0-9A-Z]{1,4}")), "BENE_ENRLMT_EMPLR_SBSDY_SW": code(1),
        "BENE_ENRLMT_BGN_DT": needed(DAY), "BENE_ENRLMT_END_DT": LAST_DAY,
    }, {**WITH_FLAG, **period("bene_enrlmt_bgn_dt", "bene_enrlmt_end_dt")}),
    "idr_drug_plan_enrolment": idr("BENE_MAPD_ENRLMT_RX", [
        "bene_sk", "cntrct_pbp_sk", "bene_enrlmt_bgn_dt", "bene_enrlmt_pdp_rx_info_bgn_dt", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "CNTRCT_PBP_SK": needed(KEY), "BENE_PDP_ENRLMT_MMBR_ID_NUM": needed(at_most(20), rejects=False),
        "BENE_PDP_ENRLMT_GRP_NUM": at_most(15), "BENE_PDP_ENRLMT_PRCSR_NUM": at_most(10),
        "BENE_PDP_ENRLMT_BANK_ID_NUM": warned("[0-9]{6}"), "BENE_CNTRCT_NUM": needed(CONTRACT, rejects=False),
        "BENE_PBP_NUM": needed(PACKAGE, rejects=False), **of(needed(DAY), "BENE_ENRLMT_BGN_DT BENE_ENRLMT_PDP_RX_INFO_BGN_DT"),
    }, {**WITH_FLAG, **ordered(
        "card_not_before_enrolment", "bene_enrlmt_bgn_dt", "bene_enrlmt_pdp_rx_info_bgn_dt", rejects=False)}),
    "idr_beneficiary_identifier": idr("BENE_MBI_ID", ["bene_mbi_id", "idr_trans_efctv_ts"], {
        **{header: checks for header, checks in BENEFICIARY.items() if header != "BENE_SK"},
        "BENE_MBI_ID": needed(pattern(MBI)), "BENE_MBI_EFCTV_DT": needed(DAY), "BENE_MBI_OBSLT_DT": LAST_DAY,
    }, {**WITH_FLAG, **ordered("obsolete_not_before_effective", "bene_mbi_efctv_dt", "bene_mbi_obslt_dt")}),
    "idr_medicare_entitlement": idr("BENE_MDCR_ENTLMT", [
        "bene_sk", "bene_mdcr_entlmt_type_cd", "bene_rng_bgn_dt", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "BENE_MDCR_ENTLMT_TYPE_CD": needed(one_of("A", "B", rejects=True)),
        **of(code(1), "BENE_MDCR_ENRLMT_RSN_CD BENE_MDCR_ENTLMT_STUS_CD"),
        "BENE_RNG_BGN_DT": needed(DAY), "BENE_RNG_END_DT": LAST_DAY,
    }, {**WITH_FLAG, **period("bene_rng_bgn_dt", "bene_rng_end_dt")}),
    "idr_medicare_entitlement_reason": idr("BENE_MDCR_ENTLMT_RSN", ["bene_sk", "bene_rng_bgn_dt", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "BENE_MDCR_ENTLMT_RSN_CD": one_of("0", "1", "2", "3"),
        "BENE_RNG_BGN_DT": needed(DAY), "BENE_RNG_END_DT": LAST_DAY,
    }, {**WITH_FLAG, **period("bene_rng_bgn_dt", "bene_rng_end_dt")}),
    "idr_medicare_status": idr("BENE_MDCR_STUS", ["bene_sk", "mdcr_stus_bgn_dt", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "BENE_MDCR_STUS_CD": needed(warned("[0-9]{2}"), rejects=False),
        "MDCR_STUS_BGN_DT": needed(DAY), "MDCR_STUS_END_DT": LAST_DAY,
    }, {**WITH_FLAG, **period("mdcr_stus_bgn_dt", "mdcr_stus_end_dt")}),
    "idr_premium_third_party": idr("BENE_TP", ["bene_sk", "bene_tp_type_cd", "bene_rng_bgn_dt", "idr_trans_efctv_ts"], {
        **BENEFICIARY, "BENE_TP_TYPE_CD": needed(one_of("A", "B", rejects=True)), "BENE_BUYIN_CD": code(2),
        "BENE_RNG_BGN_DT": needed(DAY), "BENE_RNG_END_DT": LAST_DAY,
    }, {**WITH_FLAG, **period("bene_rng_bgn_dt", "bene_rng_end_dt")}),
    "idr_beneficiary_cross_reference": idr("BENE_XREF", ["bene_sk", "bene_xref_sk", "idr_trans_efctv_ts"], {
        **VERSIONED, **of(needed(KEY), "BENE_SK BENE_XREF_SK"), "BENE_HICN_NUM": warned("(?i)[0-9A-Z]{7,12}"),
        "BENE_KILL_CRED_CD": code(1), "SRC_REC_CRTE_TS": needed(STAMP), "SRC_REC_UPDT_TS": STAMP,
    }, {**IN_VERSIONS, "not_merged_with_itself": (False, "bene_sk::hugeint = bene_xref_sk::hugeint"),
        "source_updated_not_before_created": (False, "src_rec_updt_ts::timestamp < src_rec_crte_ts::timestamp")}),
    "idr_claim": idr("CLM", ["clm_uniq_id"], {
        **CLAIM, **LOADED, **of(needed(KEY), "CLM_UNIQ_ID BENE_SK"), **of(KEY, "CLM_RLT_COND_SGNTR_SK META_SRC_SK"),
        "CLM_SRC_ID": needed(one_of("20000", "21000", "22000", "23000", "24000", "25000", "N/A"), rejects=False),
        **of(SERVICE_DAY, "CLM_FROM_DT CLM_THRU_DT"), "CLM_CNTL_NUM": needed(at_most(40), rejects=False),
        "CLM_ORIG_CNTL_NUM": at_most(40), **of(DAY_OR_NONE, "CLM_EFCTV_DT CLM_PD_DT"), "CLM_IDR_LD_DT": needed(DAY),
        "CLM_OBSLT_DT": LAST_DAY, "CLM_DISP_CD": code(2), "CLM_SRVC_PRVDR_GNRC_ID_NUM": at_most(20),
        **of(code(1), "CLM_QUERY_CD CLM_SBMT_FRMT_CD CLM_NCH_PRMRY_PYR_CD CLM_BILL_FAC_TYPE_CD CLM_BILL_CLSFCTN_CD "
             "CLM_BILL_FREQ_CD"), "CLM_SBMTR_CNTRCT_NUM": CONTRACT, "CLM_SBMTR_CNTRCT_PBP_NUM": PACKAGE,
        "CLM_CNTRCTR_NUM": code(5, 5), **of(one_of("Y", "N", rejects=True), "CLM_FINL_ACTN_IND CLM_LTST_CLM_IND"),
        **of(amount(15, 2), "CLM_SBMT_CHRG_AMT CLM_PMT_AMT CLM_MDCR_DDCTBL_AMT CLM_NCVRD_CHRG_AMT CLM_ALOWD_CHRG_AMT "
             "CLM_BENE_PMT_AMT CLM_MDCR_COINSRNC_AMT"), **of(amount(11, 2), "CLM_BLOOD_LBLTY_AMT CLM_PRVDR_PMT_AMT"),
        "CLM_BLOOD_PT_FRNSH_QTY": published.integer(0, 999), "CLM_RFRG_PRVDR_PIN_NUM": at_most(14),
        "CLM_BLG_PRVDR_OSCAR_NUM": code(13, 6),
        **of(NPI, "PRVDR_PRSCRBNG_PRVDR_NPI_NUM PRVDR_RFRG_PRVDR_NPI_NUM CLM_BLG_PRVDR_NPI_NUM PRVDR_BLG_PRVDR_NPI_NUM "
             "CLM_ATNDG_PRVDR_NPI_NUM CLM_OPRTG_PRVDR_NPI_NUM CLM_OTHR_PRVDR_NPI_NUM CLM_RNDRG_PRVDR_NPI_NUM"),
    }, {**UPDATED, **ordered("thru_not_before_from", "clm_from_dt", "clm_thru_dt"),
        "effective_on_friday": (False, "dayname(clm_efctv_dt::date) <> 'Friday'"),
        **ordered("paid_not_before_thru", "clm_thru_dt", "clm_pd_dt", rejects=False),
        **ordered("loaded_not_before_thru", "clm_thru_dt", "clm_idr_ld_dt", rejects=False),
        "latest_version_is_not_obsolete": (False, "(clm_ltst_clm_ind = 'Y') <> (clm_obslt_dt is null)"),
        "payment_not_negative": (False, "clm_pmt_amt::decimal(18,2) < 0"),
        "payment_not_above_charges": (False, "clm_pmt_amt::decimal(18,2) > clm_sbmt_chrg_amt::decimal(18,2)")}),
    "idr_adjustment_reason": idr("CLM_ANSI_SGNTR", ["clm_ansi_sgntr_sk"], {
        **LOADED, "CLM_ANSI_SGNTR_SK": needed(KEY), **{f"CLM_{n}_REV_CNTR_ANSI_RSN_CD": code(3) for n in range(1, 5)},
    }, UPDATED),
    "idr_claim_documentation": idr("CLM_DCMTN", FOUR_PARTS, {
        **CLAIM, **LOADED, "CLM_NRLN_RIC_CD": one_of("M", "O", "U", "V", "W")}, UPDATED),
    "idr_claim_dates": idr("CLM_DT_SGNTR", ["clm_dt_sgntr_sk"], {
        **LOADED, "CLM_DT_SGNTR_SK": needed(KEY),
        **of(DAY_OR_NONE, "CLM_SUBMSN_DT CLM_CMS_PROC_DT CLM_NCH_WKLY_PROC_DT CLM_ACTV_CARE_FROM_DT CLM_DSCHRG_DT "
             "CLM_MDCR_EXHSTD_DT CLM_NCVRD_FROM_DT CLM_NCVRD_THRU_DT CLM_ACTV_CARE_THRU_DT CLM_QLFY_STAY_FROM_DT "
             "CLM_QLFY_STAY_THRU_DT"),
    }, {**UPDATED, **ordered("discharge_not_before_admission", "clm_actv_care_from_dt", "clm_dschrg_dt"),
        **ordered("care_ends_not_before_it_begins", "clm_actv_care_from_dt", "clm_actv_care_thru_dt"),
        **ordered("noncovered_stay_in_order", "clm_ncvrd_from_dt", "clm_ncvrd_thru_dt"),
        **ordered("qualifying_stay_in_order", "clm_qlfy_stay_from_dt", "clm_qlfy_stay_thru_dt"),
        **ordered("processed_not_before_submitted", "clm_submsn_dt", "clm_cms_proc_dt", rejects=False),
        "weekly_run_on_friday": (False, "dayname(clm_nch_wkly_proc_dt::date) <> 'Friday'")}),
    "idr_claim_fiss": idr("CLM_FISS", FOUR_PARTS, {
        **CLAIM, **LOADED, "CLM_CRNT_STUS_CD": needed(warned("[A-Z]"), rejects=False)}, UPDATED),
    "idr_claim_institutional": idr("CLM_INSTNL", FOUR_PARTS, {
        **CLAIM, **LOADED, **of(code(1), "CLM_FI_ACTN_CD CLM_PPS_IND_CD CLM_HHA_RFRL_CD"),
        **of(code(2), "CLM_ADMSN_TYPE_CD CLM_ADMSN_SRC_CD"), "BENE_PTNT_STUS_CD": warned("[0-9]{2}"), "DGNS_DRG_CD": DRG,
        "CLM_MDCR_INSTNL_MCO_PD_SW": one_of("0", "1"), "CLM_HHA_LUP_IND_CD": one_of("L"), "CLM_MDCR_NPMT_RSN_CD": at_most(2),
        **of(amount(15, 4), "CLM_INSTNL_CVRD_DAY_CNT CLM_INSTNL_NCVRD_DAY_CNT"),
        "CLM_MDCR_IP_LRD_USE_CNT": published.integer(0, 60), "CLM_INSTNL_MDCR_COINS_DAY_CNT": published.integer(0, 9999),
        "CLM_MDCR_HOSPC_PRD_CNT": published.integer(1, 3), "CLM_MDCR_IP_PPS_DRG_WT_NUM": amount(7, 4),
        "CLM_MDCR_HHA_TOT_VISIT_CNT": amount(7, 2), **of(amount(15, 2), "CLM_INSTNL_PER_DIEM_AMT CLM_INSTNL_DRG_OUTLIER_AMT"),
        **of(amount(11, 2), "CLM_HIPPS_UNCOMPD_CARE_AMT CLM_MDCR_INSTNL_PRMRY_PYR_AMT CLM_MDCR_IP_PPS_DSPRPRTNT_AMT "
             "CLM_MDCR_IP_PPS_EXCPTN_AMT CLM_MDCR_IP_PPS_CPTL_FSP_AMT CLM_MDCR_IP_PPS_CPTL_IME_AMT "
             "CLM_MDCR_IP_PPS_OUTLIER_AMT CLM_MDCR_IP_PPS_CPTL_HRMLS_AMT CLM_MDCR_IP_PPS_CPTL_TOT_AMT "
             "CLM_MDCR_IP_BENE_DDCTBL_AMT CLM_MDCR_INSTNL_BENE_PD_AMT"),
    }, {**UPDATED, "visits_are_whole": (False, "clm_mdcr_hha_tot_visit_cnt::decimal(9,2) % 1 <> 0")}),
    "idr_claim_line": idr("CLM_LINE", FIVE_PARTS, {
        **LINE, **LOADED, "CLM_UNIQ_ID": needed(KEY), "CLM_FROM_DT": SERVICE_DAY,
        **of(DAY_OR_NONE, "CLM_LINE_FROM_DT CLM_LINE_THRU_DT"), "CLM_LINE_NDC_CD": warned("[0-9]{11}"),
        **of(amount(11, 2), "CLM_LINE_CVRD_PD_AMT CLM_LINE_NCVRD_PD_AMT CLM_LINE_PRVDR_PMT_AMT CLM_LINE_BENE_PMT_AMT "
             "CLM_LINE_BLOOD_DDCTBL_AMT CLM_LINE_MDCR_DDCTBL_AMT CLM_LINE_MDCR_COINSRNC_AMT"),
        **of(amount(15, 2), "CLM_LINE_NCVRD_CHRG_AMT CLM_LINE_BENE_PD_AMT CLM_LINE_SBMT_CHRG_AMT CLM_LINE_ALOWD_CHRG_AMT"),
        "CLM_LINE_SRVC_UNIT_QTY": amount(18, 4), "CLM_LINE_NDC_QTY": amount(18, 3),
        "CLM_LINE_NDC_QTY_QLFYR_CD": one_of("F2", "GR", "ME", "ML", "UN"), "CLM_LINE_DGNS_CD": ICD,
        "CLM_POS_CD": warned("[0-9]{2}"), "CLM_RNDRG_PRVDR_PRTCPTG_CD": code(1), "CLM_RNDRG_PRVDR_PIN_NUM": at_most(14),
        "CLM_RNDRG_PRVDR_TAX_NUM": warned("[0-9]{9,10}"), "CLM_LINE_HCPCS_CD": HCPCS, "CLM_RNDRG_PRVDR_NPI_NUM": NPI,
        **{f"HCPCS_{n}_MDFR_CD": MODIFIER for n in range(1, 6)}, "CLM_LINE_REV_CTR_CD": warned("[0-9]{4}"),
    }, {**UPDATED, **ordered("thru_not_before_from", "clm_line_from_dt", "clm_line_thru_dt"),
        "medicine_has_quantity": (False, "(clm_line_ndc_cd is null) <> (clm_line_ndc_qty is null)")}),
    "idr_claim_line_institutional": idr("CLM_LINE_INSTNL", FIVE_PARTS, {
        **LINE, **LOADED, **of(code(1), "CLM_DDCTBL_COINSRNC_CD CLM_REV_DSCNT_IND_CD CLM_REV_PACKG_IND_CD"),
        **of(amount(11, 2), "CLM_LINE_INSTNL_ADJSTD_AMT CLM_LINE_INSTNL_RDCD_AMT CLM_LINE_INSTNL_MSP1_PD_AMT "
             "CLM_LINE_INSTNL_MSP2_PD_AMT"), "CLM_LINE_INSTNL_RATE_AMT": amount(18, 3), "CLM_OTAF_ONE_IND_CD": YES_NO,
        "CLM_LINE_INSTNL_REV_CTR_DT": DAY_OR_NONE, **of(code(2), "CLM_REV_PMT_MTHD_CD CLM_REV_CNTR_STUS_CD"),
        "CLM_ANSI_SGNTR_SK": KEY}, UPDATED),
    "idr_claim_line_professional": idr("CLM_LINE_PRFNL", FIVE_PARTS, {
        **LINE, **LOADED, **of(amount(11, 2), "CLM_BENE_PRMRY_PYR_PD_AMT CLM_LINE_DMERC_SCRN_SVGS_AMT "
                               "CLM_LINE_PRFNL_DME_PRICE_AMT"), "CLM_LINE_PRFNL_MTUS_CNT": amount(10, 3),
        **of(code(1), "CLM_SRVC_DDCTBL_SW CLM_PMT_80_100_CD CLM_MTUS_IND_CD CLM_PHYSN_ASTNT_CD CLM_SUPLR_TYPE_CD"),
        "CLM_PRCSG_IND_CD": code(2), "CLM_LINE_HCT_HGB_TYPE_CD": one_of("R1", "R2"),
        "CLM_LINE_CARR_CLNCL_LAB_NUM": warned("[0-9]{2}D[0-9]{7}")}, UPDATED),
    "idr_claim_line_prescription": idr("CLM_LINE_RX", FIVE_PARTS, {
        **LINE, "CLM_UNIQ_ID": needed(KEY), "CLM_FROM_DT": SERVICE_DAY, "CLM_LINE_RX_ORGN_CD": one_of(*"012345"),
        "CLM_BRND_GNRC_CD": one_of("B", "G"), **of(warned("[0-9]{2}"), "CLM_PTNT_RSDNC_CD CLM_PHRMCY_SRVC_TYPE_CD"),
        "CLM_LINE_AUTHRZD_FILL_NUM": warned("[0-9]{1,2}"), "CLM_LTC_DSPNSNG_MTHD_CD": code(3),
        "CLM_CMPND_CD": one_of(*"012"), **of(published.integer(0, 999), "CLM_LINE_DAYS_SUPLY_QTY CLM_LINE_RX_FILL_NUM"),
        "CLM_DAW_PROD_SLCTN_CD": warned("[0-9]"), "CLM_DRUG_CVRG_STUS_CD": one_of(*"CEO"),
        "CLM_CTSTRPHC_CVRG_IND_CD": one_of("A", "C"), "CLM_PRCNG_EXCPTN_CD": one_of("M", "O"),
        **of(amount(11, 2), "CLM_LINE_GRS_ABOVE_THRSHLD_AMT CLM_LINE_GRS_BLW_THRSHLD_AMT CLM_LINE_LIS_AMT "
             "CLM_LINE_TROOP_TOT_AMT CLM_LINE_PLRO_AMT CLM_RPTD_MFTR_DSCNT_AMT CLM_LINE_INGRDNT_CST_AMT "
             "CLM_LINE_VCCN_ADMIN_FEE_AMT CLM_LINE_SRVC_CST_AMT CLM_LINE_SLS_TAX_AMT CLM_LINE_RPTD_GAP_DSCNT_AMT")}),
    "idr_claim_professional": idr("CLM_PRFNL", FOUR_PARTS, {
        **CLAIM, **LOADED, "CLM_CARR_PMT_DNL_CD": at_most(2), "CLM_MDCR_PRFNL_PRMRY_PYR_AMT": amount(11, 2),
        "CLM_MDCR_PRFNL_PRVDR_ASGNMT_SW": code(1), "CLM_CLNCL_TRIL_NUM": warned("[0-9]{1,8}")}, UPDATED),
    "idr_claim_diagnosis_procedure": idr("CLM_PROD", [*FOUR_PARTS, "clm_prod_type_cd", "clm_val_sqnc_num"], {
        **CLAIM, **LOADED, **of(ICD, "CLM_DGNS_CD CLM_PRCDR_CD"),
        "CLM_VAL_SQNC_NUM": needed(published.integer(1, rejects=True)),
        "CLM_DGNS_PRCDR_ICD_IND": one_of("0", "9"), "CLM_PROD_TYPE_CD": needed(pattern("[0-9A-Z]")),
        "CLM_POA_IND": warned("[YNUWXZ01]"), "CLM_PRCDR_PRFRM_DT": DAY_OR_NONE,
    }, {**UPDATED, "has_code": (True, "clm_dgns_cd is null and clm_prcdr_cd is null"),
        "procedure_has_date": (False, "clm_prcdr_cd is not null and clm_prcdr_prfrm_dt is null"),
        "type_fits_code": (False, "(clm_prod_type_cd = 'S') <> (clm_prcdr_cd is not null)")}),
    "idr_claim_condition": idr("CLM_RLT_COND_SGNTR_MBR", ["clm_rlt_cond_sgntr_sk", "clm_rlt_cond_sgntr_sqnc_num"], {
        **LOADED, "CLM_RLT_COND_SGNTR_SK": needed(KEY), "CLM_RLT_COND_CD": needed(code(2, 2), rejects=False),
        "CLM_RLT_COND_SGNTR_SQNC_NUM": needed(published.integer(0, rejects=True))}, UPDATED),
    "idr_claim_value": idr("CLM_VAL", [*FOUR_PARTS, "clm_val_sqnc_num"], {
        **CLAIM, **LOADED, "CLM_VAL_CD": needed(code(2, 2), rejects=False), "CLM_VAL_AMT": amount(15, 2),
        "CLM_VAL_SQNC_NUM": needed(published.integer(1, rejects=True))}, UPDATED),
    "idr_plan_contact": idr("CNTRCT_PBP_CNTCT", ["cntrct_pbp_sk", "cntrct_plan_cntct_type_cd", "cntrct_pbp_bgn_dt"], {
        "CNTRCT_PBP_SK": needed(KEY), **of(LAST_DAY, "CNTRCT_PLAN_CNTCT_OBSLT_DT CNTRCT_PBP_END_DT"),
        "CNTRCT_PLAN_CNTCT_TYPE_CD": code(3), "CNTRCT_PBP_BGN_DT": needed(DAY),
        **of(warned("[0-9]{1,7}"), "CNTRCT_PLAN_FREE_EXTNSN_NUM CNTRCT_PLAN_CNTCT_EXTNSN_NUM"),
        **of(warned("[0-9]{10}"), "CNTRCT_PLAN_CNTCT_FREE_NUM CNTRCT_PLAN_CNTCT_TEL_NUM"),
        **of(at_most(55), "CNTRCT_PLAN_CNTCT_ST_1_ADR CNTRCT_PLAN_CNTCT_ST_2_ADR"),
        "CNTRCT_PLAN_CNTCT_CITY_NAME": at_most(30), "CNTRCT_PLAN_CNTCT_STATE_CD": STATE,
        "CNTRCT_PLAN_CNTCT_ZIP_CD": warned("[0-9]{5}([0-9]{4})?")}, period("cntrct_pbp_bgn_dt", "cntrct_pbp_end_dt")),
    "idr_plan": idr("CNTRCT_PBP_NUM", ["cntrct_pbp_sk"], {
        "CNTRCT_PBP_SK": needed(KEY), "CNTRCT_NUM": needed(CONTRACT, rejects=False),
        "CNTRCT_PBP_NUM": needed(PACKAGE, rejects=False), "CNTRCT_PBP_NAME": at_most(75), "CNTRCT_PBP_TYPE_CD": code(2),
        "CNTRCT_DRUG_PLAN_IND_CD": YES_NO, "CNTRCT_PBP_SK_EFCTV_DT": needed(DAY),
        **of(LAST_DAY, "CNTRCT_PBP_END_DT CNTRCT_PBP_SK_OBSLT_DT"),
    }, {**ordered("obsolete_not_before_effective", "cntrct_pbp_sk_efctv_dt", "cntrct_pbp_sk_obslt_dt"),
        **ordered("in_use_within_contract", "cntrct_pbp_sk_efctv_dt", "cntrct_pbp_end_dt", rejects=False)}),
    "idr_plan_segment": idr("CNTRCT_PBP_SGMT", ["cntrct_pbp_sk", "cntrct_pbp_sgmt_num"], {
        "CNTRCT_PBP_SK": needed(KEY), "CNTRCT_PBP_SGMT_NUM": needed(pattern("[0-9]{3}"))}),
    "idr_provider": idr("PRVDR_HSTRY", ["prvdr_sk", "prvdr_hstry_efctv_dt"], {
        "PRVDR_SK": needed(KEY), "PRVDR_HSTRY_EFCTV_DT": needed(DAY), "PRVDR_HSTRY_OBSLT_DT": LAST_DAY,
        **of(at_most(35), "PRVDR_1ST_NAME PRVDR_LAST_NAME"), "PRVDR_MDL_NAME": at_most(25), "PRVDR_NAME": at_most(70),
        "PRVDR_LGL_NAME": at_most(100), "PRVDR_NPI_NUM": NPI, "PRVDR_EMPLR_ID_NUM": at_most(10),
        "PRVDR_OSCAR_NUM": code(13, 6), "PRVDR_TXNMY_CMPST_CD": warned("([0-9A-Z]{9}X)+"), "PRVDR_TYPE_CD": code(2),
        **of(KEY, "META_SK META_LST_UPDT_SK"),
    }, ordered("obsolete_not_before_effective", "prvdr_hstry_efctv_dt", "prvdr_hstry_obslt_dt")),
    "idr_prior_authorisation": idr("PRAUC", ["mbi_num", "utn", "current_segment"], {
        "MBI_NUM": needed(pattern(MBI)), "CAN": at_most(9), "EQUAT_BIC": code(2),
        "UTN": needed([("length", True, "length(x) > 14")]), "SEGMENT_COUNT": needed(KEY),
        "CURRENT_SEGMENT": needed(published.integer(1, rejects=True)), "PA_IND": warned("[A-Z][0-9]{3}"),
        "CLM_TYPE": warned("[A-Z]"), "HCPCS_OR_CPT_OR_HIPPS": needed(warned("(?i)[0-9A-Z]{5}"), rejects=False),
        **of(one_of("0", "9"), "ICD_PROC_IND " + " ".join(f"ICD_DIAG_IND_{n}" for n in range(1, 6))),
        **of(ICD, "ICD_PROC_CODE " + " ".join(f"ICD_DIAG_CODE_{n}" for n in range(1, 6))),
        "MAC_ID": code(5, 5), "PA_FILLER": at_most(4), "ICN_DCN": at_most(23), "NAME": at_most(60),
        **of(needed(DAY), "PA_DT_ADDED PA_REQ_SUB_DT PA_REQ_REC_DT"),
        **of(DAY_OR_NONE, "UTN_VALID_ST_DT UTN_VALID_EN_DT PA_DT_UPDATED PA_DECISION_DT PA_DECISION_EXP_DT MR_COUNT_ST_DT "
             "MR_COUNT_END_DT IDR_INSRT_TS IDR_UPDT_TS"), **of(published.integer(0), "SERVICE_CNTS MR_COUNT_IND"),
        "PA_DECISION": needed(one_of(*"ANP"), rejects=False), "SVC_RENDER_ST": STATE, "RRB_EXCL_IND": YES_NO,
        **of(NPI, "ORDER_REFER_NPI RENDER_NPI OPERATE_NPI NPI ATT_PHY_NPI"), **of(MODIFIER, "PRICE_MOD1 PRICE_MOD2"),
        "PLACE_OF_SERV": warned("[0-9]{2}"), "CMS_CERT": code(13, 6), "TOB": warned("[0-9]{2}[0-9A-Z]"),
        **{f"REV_CODE_{n}": warned("[0-9]{4}") for n in range(1, 21)},
        **{f"{stem}_CODE_{n}": code(2, 2) for stem in ("COND", "OCCUR") for n in range(1, 5)},
    }, {"segment_within_count": (True, "current_segment::hugeint > segment_count::hugeint"),
        **ordered("validity_in_order", "utn_valid_st_dt", "utn_valid_en_dt"),
        **ordered("expires_not_before_decision", "pa_decision_dt", "pa_decision_exp_dt"),
        **ordered("received_not_before_submitted", "pa_req_sub_dt", "pa_req_rec_dt", rejects=False),
        **ordered("decided_not_before_received", "pa_req_rec_dt", "pa_decision_dt", rejects=False),
        **ordered("updated_not_before_added", "pa_dt_added", "pa_dt_updated", rejects=False),
        **ordered("review_period_in_order", "mr_count_st_dt", "mr_count_end_dt", rejects=False)}),
}


def load(connection, layout, path):
    """Table `t`: the file's rows in order, every column as text under its name, nulls as nulls."""
    headers = list(layout["columns"])
    options = "all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"', parallel = false"
    source = f"read_csv('{path}', {options})"
    sent = [column[0] for column in connection.execute(f"select * from {source} limit 0").description]
    assert sorted(sent) == sorted(headers), f"{path}: {set(sent) ^ set(headers)}"
    picked = []
    for header, name in published.names(layout).items():
        text = f'trim("{header}")'
        nothing = re.sub(r"\bx\b", text.replace("\\", r"\\"), getattr(layout["columns"][header], "nothing", "false"))
        spelt = ", ".join(f"'{null}'" for null in ["", *layout["nulls"]])
        picked.append(f"case when {text} in ({spelt}) or ({nothing}) then null else {text} end as {name}")
    connection.execute(f"create or replace table t as select row_number() over () as row_number, {', '.join(picked)} "
                       f"from {source}")


def repeated(connection, layout):
    """Accepted rows whose key stood in an accepted row before; a key that lacks a part is compared with none."""
    named = {name: layout["columns"][header] for header, name in published.names(layout).items()}

    def value(name):
        checks = str(named[name])
        if KEY[0][2] in checks:
            return f"{name}::hugeint"
        return f"{name}::timestamp" if name.endswith("_ts") else f"upper({name})" if "(?i)" in checks else name

    key = ", ".join(value(name) for name in layout["key"])
    whole = " and ".join(f"{name} is not null" for name in layout["key"])
    return connection.execute(f"select count(*) - count(distinct ({key})) from accepted where {whole}").fetchone()[0]


def count(connection, layout, path):
    load(connection, layout, path)
    counted = published.count(connection, {**layout, "file_rules": {}})
    twice = repeated(connection, layout)
    if twice:
        counted["warnings"]["unique"] = twice
    del counted["file_rules"]
    return counted


def spoil(source, target):
    """The file's fullest row, once for each column and each way to spoil it: alone, with the value of its neighbour,
    and both as times in the wrong order."""
    with source.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    row = max(rows, key=lambda row: sum(1 for cell in row if cell.strip()))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, row])
        for column in range(len(header)):
            writer.writerows([*row[:column], value, *row[column + 1:]] for value in [*SPOILS, row[column - 1]])
            if column:
                writer.writerows([*row[:column - 1], *times, *row[column + 1:]] for times in REVERSED)


def counts(data, drops):
    for name, layout in LAYOUTS.items():
        published_file, spoiled = IDR.format(table=layout["table"]), drops / f"{name}.spoiled"
        spoil(data / published_file, spoiled)
        for path, file in [(data / published_file, published_file), (spoiled, None)]:
            yield {"group": f"{name}, {file or 'spoiled'}", "file": str(path), "layout": f"{name}@v1", "published": file,
                   **count(connect(), layout, path)}


def connect():
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    return connection


def tell(counts):
    """Prints what this makes of the sets and for the drops."""
    json.dump(list(counts(Path(sys.argv[1]), Path(sys.argv[2]))), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    tell(counts)
