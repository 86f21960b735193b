"""The conditions of CMS's RIF files for `library_tables.py`: what the Chronic Conditions Warehouse codebooks
say of their columns. The files repeat a few kinds of column hundreds of times: kinds are told by names."""

import re

import library_rows
from library_rows import HCPCS, MONEY, at_most, decimal, integer, matches, needed, one_of, reads


# Kinds of column, by name; the first that fits. Codes are warned of, ids and dates reject.
def code(regex, fold=False):
    return matches(f"(?i){regex}" if fold else regex, rejects=False)


def coded(*values):
    return one_of(*values, fold="")


def rif_day(low=None, other=""):
    """`30-May-2015`, months in any case; or else the other form."""
    value = "try_strptime(x, '%d-%b-%Y')"
    shape = "[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}"
    wrong = f"{value} is null or not regexp_full_match(x, '{shape}')"
    if other:
        wrong = f"({wrong}) and (try_strptime(x, '{other}') is null or length(x) <> 8)"
    ranged = [("range", True, f"{value} < date '{low}' or {value} > date '2099-12-31'")] if low else []
    return [("type", True, wrong), *ranged]


ICD = [("pattern", False, "not regexp_full_match(replace(x, '.', ''), '(?i)[0-9A-Z]{3,7}')")]
MONTHS = "(jan|feb|mar|apr|may|jun|jul|aug|sept|oct|nov|dec)"
SSA = [f"{number:02}" for number in range(1, 55)]
RIF = [
    # claims and events
    ("dml_ind", needed(one_of("INSERT", "UPDATE", "DELETE", rejects=True))),
    ("(bene|clm|pde)_id", needed(matches("-?[0-9]{1,15}"))),
    ("clm_grp_id", needed(matches("-?[0-9]{1,12}"))),
    ("final_action", one_of("F", "N")),
    ("clm_thru_dt", needed(rif_day("1990-01-01"))),
    ("srvc_dt", needed(rif_day("2006-01-01"))),
    ("bene_birth_dt", needed(rif_day("1880-01-01"))),
    ("clm_from_dt|line_(1st|last)_expns_dt|clm_hospc_start_dt_id", needed(rif_day())),
    ("covstart", rif_day(other="%Y%m%d")),
    (".*_dt(_i|[0-9]+)?|nch_actv_or_cvrd_lvl_care_thru", rif_day()),
    (".*_vrsn_cd[0-9]*", coded("9", "0")),
    ("prncpal_dgns_cd", needed(ICD, rejects=False)),
    ("(icd|admtg|line_icd|fst)_(dgns|dgns_e|prcdr)_cd[0-9]*|rsn_visit_cd[0-9]", ICD),
    ("clm_poa_ind_sw[0-9]+", one_of("Y", "N", "U", "W", "1", "X", "Z")),
    (".*_npi(_num)?", library_rows.NPI),
    (".*_upin", at_most(12)),
    ("clm_pmt_amt|ptnt_pay_amt|tot_rx_cst_amt", needed(MONEY)),
    (".*_(amt|am)|rev_cntr_coinsrnc_wge_adjstd_c|rev_cntr_ptnt_rspnsblty_pmt|rptd_gap_dscnt_num", MONEY),
    ("(clm_)?line_num", needed(integer(1, 999, rejects=True))),
    (".*_days?_cnt|clm_hha_tot_visit_cnt|days_suply_num", integer(0, 999)),
    ("bene_hospc_prd_cnt|fill_num", integer(0, 99)),
    ("line_srvc_cnt", needed(decimal(10, 3, low=0), rejects=False)),
    ("rev_cntr_unit_cnt|rev_cntr_ndc_qty|dmerc_line_mtus_cnt", decimal(10, 3)),
    ("nch_blood_pnts_frnshd_qty", decimal(6, 3)),
    ("qty_dspnsd_num", decimal(9, 3, low=0)),
    ("line_hct_hgb_rslt_num", decimal(4, 1)),
    ("hcpcs_cd", HCPCS),
    ("hcpcs_..._mdfr_cd", code("[0-9A-Z]{2}", fold=True)),
    ("rev_cntr", needed(code("[0-9]{4}"), rejects=False)),
    ("rev_cntr_..._ansi_cd", code("[A-Z]{2}[0-9A-Z]{1,4}", fold=True)),
    ("rev_cntr_apc_hipps_cd", code("[0-9A-Z]{4,5}", fold=True)),
    ("rev_cntr_(pmt_mthd|stus)_ind_cd", code("[0-9A-Z]{1,2}", fold=True)),
    ("rev_cntr_ide_ndc_upc_num", at_most(24)),
    ("rev_cntr_ndc_qty_qlfr_cd|prvdr_spclty", code("[0-9A-Z]{2}")),
    ("clm_fac_type_cd", code("[1-9]")),
    ("clm_srvc_clsfctn_type_cd|clm_pps_ind_cd|rev_cntr_packg_ind_cd|carr_clm_hcpcs_yr_cd|prtcptng_ind_cd", code("[0-9]")),
    ("line_pmt_80_100_cd|dmerc_line_(supplr_type|mtus)_cd", code("[0-9]")),
    ("clm_freq_cd|nch_prmry_pyr_cd|fi_clm_actn_cd|clm_src_ip_admsn_cd|clm_hha_rfrl_cd", code("[0-9A-Z]")),
    ("rev_cntr_(ddctbl_coinsrnc|dscnt_ind|otaf_pmt)_cd|line_bene_prmry_pyr_cd|line_cms_type_srvc_cd", code("[0-9A-Z]")),
    ("claim_query_code", coded("0", "1", "2", "3", "4", "5", "9")),
    ("fi_num", code("[0-9A-Z]{4,5}")),
    ("clm_mdcr_non_pmt_rsn_cd", at_most(2)),
    (".*_state_cd", code("[0-9]{2}")),
    ("clm_mco_pd_sw|line_service_deductible", coded("0", "1")),
    ("ptnt_dschrg_stus_cd", needed(code("[0-9]{1,2}"), rejects=False)),
    ("clm_ip_admsn_type_cd", coded(*"0123456789")),
    ("nch_ptnt_status_ind_cd", coded("A", "B", "C")),
    ("clm_drg_cd", code("[0-9]{3,4}")),
    (".*_clm_cntl_num", at_most(23)),
    ("clm_hha_lupa_ind_cd", coded("L")),
    ("carr_clm_entry_cd", coded("1", "3", "5", "9")),
    ("clm_disp_cd", code("[0-9]{1,2}")),
    ("carr_num", needed(code("[0-9]{5}"), rejects=False)),
    ("carr_clm_pmt_dnl_cd|line_prcsg_ind_cd", code("[0-9A-Z]{1,2}")),
    ("carr_clm_prvdr_asgnmt_ind_sw", coded("A", "N")),
    ("clm_clncl_tril_num", code("[0-9A-Z]{8}")),
    ("tax_num", code("[0-9]{9,10}")),
    ("line_place_of_srvc_cd", needed(code("[0-9]{2}"), rejects=False)),
    ("betos_cd", code("[A-Z][0-9][0-9A-Z]?")),
    ("line_hct_hgb_type_cd", coded("R1", "R2")),
    ("line_ndc_cd", code("[0-9]{11}")),
    # prescription drug events
    ("srvc_prvdr_id_qlfyr_cd", coded("01", "06", "07", "08", "11", "99")),
    ("prscrbr_id_qlfyr_cd", coded("01", "06", "08", "12")),
    ("srvc_prvdr_id", needed(at_most(15), rejects=False)),
    ("prscrbr_id", at_most(15)),
    ("rx_srvc_rfrnc_num", code("-?[0-9]{1,12}")),
    ("prod_srvc_id", needed(code("[0-9]{11}"), rejects=False)),
    ("plan_cntrct_rec_id", needed(code("[A-Z][0-9]{4}", fold=True), rejects=False)),
    ("plan_pbp_rec_num", code("[0-9A-Z]{3}", fold=True)),
    ("cmpnd_cd", coded(*"012")),
    ("daw_prod_slctn_cd", coded(*"0123456789")),
    ("dspnsng_stus_cd", coded("P", "C")),
    ("drug_cvrg_stus_cd", coded("C", "E", "O")),
    ("adjstmt_dltn_cd", one_of("A", "D", rejects=True, fold="")),
    ("nstd_frmt_cd", coded(*"ABCPX")),
    ("prcng_excptn_cd", coded("M", "O")),
    ("ctstrphc_cvrg_cd", coded("A", "C")),
    ("rx_orgn_cd", coded(*"012345")),
    ("brnd_gnrc_cd", coded("B", "G")),
    ("phrmcy_srvc_type_cd", coded(*(f"{kind:02}" for kind in range(1, 9)), "99")),
    ("ptnt_rsdnc_cd", code("[0-9]{2}")),
    ("submsn_clr_cd", code("[0-9]{1,2}")),
    # beneficiaries
    ("state_code", coded(*SSA)),
    ("bene_county_cd", code("[0-9]{3}")),
    ("bene_zip_cd|state_cnty_zip_cd", code("[0-9]{5}([0-9]{4})?")),
    ("bene_sex_ident_cd", needed(one_of("0", "1", "2", rejects=True))),
    ("(bene|rti)_race_cd", coded(*"0123456")),
    ("bene_entlmt_rsn_(orig|curr)", coded(*"0123")),
    ("bene_esrd_ind", [("type", True, "upper(x) not in ('Y', 'N', '0', '1')")]),
    ("bene_mdcr_status_cd", coded("10", "11", "20", "21", "31")),
    ("bene_pt[ab]_trmntn_cd", coded(*"01239")),
    ("bene_crnt_hic_num", at_most(12)),
    ("bene_srnm_name", at_most(40)),
    ("bene_gvn_name", at_most(30)),
    ("bene_mdl_name", at_most(15)),
    ("mbi_num", code("[1-9][A-Z][0-9A-Z][0-9][A-Z][0-9A-Z][0-9][A-Z]{2}[0-9]{2}", fold=True)),
    ("rfrnc_yr", needed(integer(1966, 2099), rejects=False)),
    (".*_mo_cnt", integer(0, 12, rejects=True)),
    ("age", integer(0, 130)),
    ("enrl_src", coded("CME", "EDB")),
    ("sample_group", coded("01", "04", "05", "15")),
    ("efivepct", coded("Y")),
    ("v_dod_sw", coded("V")),
    ("crnt_bic", code("[A-Z][0-9A-Z]?", fold=True)),
    ("state_cd", code("[A-Z]{2}", fold=True)),
    ("drvd_line_[1-6]_adr|city_name", at_most(100)),
    ("bene_link_key", code("-?[0-9]{1,15}")),
    (f"fips_state_cnty_{MONTHS}_cd", code("[0-9]{5}")),
    (f"mdcr_stus_{MONTHS}_cd", coded("00", "10", "11", "20", "21", "31")),
    ("mdcr_entlmt_buyin_[0-9]+_ind", coded(*"0123ABC")),
    ("hmo_[0-9]+_ind", coded(*"0124ABC")),
    (f"pt[cd]_cntrct_{MONTHS}_id", code("([A-Z][0-9]{4}|[0N*])", fold=True)),
    (f"pt[cd]_pbp_{MONTHS}_id", code("[0-9A-Z]{3}", fold=True)),
    (f"ptc_plan_type_{MONTHS}_cd", code("[0-9]{2}")),
    (f"ptd_sgmt_{MONTHS}_id", code("[0-9]{3}")),
    (f"rds_{MONTHS}_ind", coded(*"YN0*")),
    (f"meta_dual_elgbl_stus_{MONTHS}_cd",
     coded("00", "01", "02", "03", "04", "05", "06", "08", "09", "99", "NA", "**")),
    (f"cst_shr_grp_{MONTHS}_cd", code("([0-9]{2}|[*][*])")),
]
def rif_columns(names, **special):
    """The checks of these columns, as the kinds say or as `special` does of this file."""
    unknown = [name for name in names if name not in special and not any(re.fullmatch(kind, name) for kind, _ in RIF)]
    assert not unknown, f"no kind fits {unknown}"
    return {name: special.get(name) or next(checks for kind, checks in RIF if re.fullmatch(kind, name)) for name in names}


def on(name):
    return f"try_strptime({name}, '%d-%b-%Y')"


def thru_before_from():
    return {"thru_not_before_from": (True, f"{on('clm_thru_dt')} < {on('clm_from_dt')}")}


CLAIM = {
    **thru_before_from(),
    "processed_not_before_thru": (False, f"{on('nch_wkly_proc_dt')} < {on('clm_thru_dt')}"),
    "payment_not_above_charges": (False, f"{reads('clm_pmt_amt')} > {reads('clm_tot_chrg_amt')}"),
    "payment_not_negative": (False, f"{reads('clm_pmt_amt')} < 0"),
    "line_charge_within_claim": (False, f"{reads('rev_cntr_tot_chrg_amt')} > {reads('clm_tot_chrg_amt')}"),
}
OUTSIDE = {"line_within_claim": (
    False, f"{on('rev_cntr_dt')} < {on('clm_from_dt')} or {on('rev_cntr_dt')} > {on('clm_thru_dt')}")}


def late(rule, start, rejects=True):
    return {rule: (rejects, f"{on(start)} > {on('clm_thru_dt')}")}


NO_DIAGNOSES = {"diagnosis_share": "count(prncpal_dgns_cd) < 0.95 * count(*)"}


def rif(stem, record, kinds, rules, line="clm_line_num", **special):
    return {
        "files": [f"cms_bfd/rif_synthea/{stem}.csv", f"cms_bfd/rif_static/*-{stem}*.txt"],
        "special": {"nch_near_line_rec_ident_cd": needed(one_of(*record, rejects=True, fold="")),
                    "nch_clm_type_cd": needed(one_of(*kinds, rejects=True, fold="")), **special},
        "rules": rules, "file_rules": NO_DIAGNOSES, "key": ["clm_id", f"{line}::bigint"],
    }


INSTITUTION = needed(code("[0-9A-Z]{6}", fold=True), rejects=False)
LAYOUTS = {
    "medical_claim@v10": rif("outpatient", "W", ["40"], {**CLAIM, **OUTSIDE}, prvdr_num=INSTITUTION,
                             ptnt_dschrg_stus_cd=code("[0-9]{1,2}")),
    "medical_claim@v11": rif("snf", "V", ["20", "30"], {
        **CLAIM,
        "discharge_not_before_admission": (True, f"{on('nch_bene_dschrg_dt')} < {on('clm_admsn_dt')}"),
        **late("admission_not_after_thru", "clm_admsn_dt"),
        "qualifying_stay_ends_before_thru": (
            False, f"{on('nch_qlfyd_stay_thru_dt')} > {on('clm_thru_dt')} or "
                   f"{on('nch_qlfyd_stay_from_dt')} > {on('nch_qlfyd_stay_thru_dt')}"),
    }, prvdr_num=INSTITUTION, clm_admsn_dt=needed(rif_day())),
    "medical_claim@v12": rif("hha", "UVW", ["10"], {
        **CLAIM, **OUTSIDE, **late("care_begins_not_after_thru", "clm_admsn_dt")}, prvdr_num=INSTITUTION),
    "medical_claim@v13": rif("hospice", "V", ["50"], {
        **CLAIM, **OUTSIDE, **late("hospice_start_not_after_thru", "clm_hospc_start_dt_id"),
        "discharge_not_before_hospice_start": (True, f"{on('nch_bene_dschrg_dt')} < {on('clm_hospc_start_dt_id')}"),
    }, prvdr_num=INSTITUTION),
    "medical_claim@v14": rif("dme", "M", ["81", "82"], {
        **thru_before_from(),
        "line_last_not_before_first": (True, f"{on('line_last_expns_dt')} < {on('line_1st_expns_dt')}"),
        "line_within_claim": (False, f"{on('line_1st_expns_dt')} < {on('clm_from_dt')} or "
                                     f"{on('line_last_expns_dt')} > {on('clm_thru_dt')}"),
        "processed_not_before_thru": CLAIM["processed_not_before_thru"],
        "line_payment_not_above_charge": (False, f"{reads('line_nch_pmt_amt')} > {reads('line_sbmtd_chrg_amt')}"),
        "line_allowed_not_above_charge": (False, f"{reads('line_alowd_chrg_amt')} > {reads('line_sbmtd_chrg_amt')}"),
    }, line="line_num", prvdr_num=code("[0-9A-Z]{6,10}", fold=True)),
    "pharmacy_claim@v4": {
        "files": ["cms_bfd/rif_synthea/pde.csv", "cms_bfd/rif_static/*-pde.txt"],
        "rules": {
            "paid_not_before_service": (False, f"{on('pd_dt')} < {on('srvc_dt')}"),
            "amounts_not_negative": (False, f"{reads('ptnt_pay_amt')} < 0 or {reads('tot_rx_cst_amt')} < 0"),
            "patient_pays_within_cost": (False, f"{reads('ptnt_pay_amt')} > {reads('tot_rx_cst_amt')}"),
            "pharmacy_number_has_its_form": (
                False, "srvc_prvdr_id_qlfyr_cd = '01' and not regexp_full_match(srvc_prvdr_id, '[0-9]{10}')"),
            "prescriber_number_has_its_form": (
                False, "prscrbr_id_qlfyr_cd = '01' and not regexp_full_match(prscrbr_id, '[0-9]{10}')"),
        },
        "key": ["pde_id"],
    },
    "member_eligibility@v6": {
        "files": ["cms_bfd/rif_synthea/beneficiary_2*.csv", "cms_bfd/rif_static/*-beneficiaries*.txt",
                  "cms_bfd/rif_static/*-months.txt", "cms_bfd/rif_static/*-same-bene.txt"],
        # The year of a file whose name has none: rows are counted, months are not.
        "named_as": "beneficiary_2017.txt",
        "rules": {
            "death_not_before_birth": (True, f"{on('death_dt')} < {on('bene_birth_dt')}"),
            **{f"part_{part}_end_not_before_start": (
                True, f"{on(f'pt{part}_cvrg_end_dt')} < {on(f'pt{part}_cvrg_strt_dt')}") for part in "abd"},
            "identifier_end_not_before_begin": (True, f"{on('efctv_end_dt')} < {on('efctv_bgn_dt')}"),
            "hmo_months_within_part_a": (False, "hmo_mo_cnt::bigint > a_mo_cnt::bigint"),
            "identified": (False, "bene_crnt_hic_num is null and mbi_num is null"),
        },
        "key": ["bene_id", "rfrnc_yr::bigint"],
    },
    "member_id_history@v2": {
        "files": ["cms_bfd/rif_synthea/beneficiary_history.csv", "cms_bfd/rif_static/*-beneficiaryhistory.txt"],
        "special": {"state_code": code("[0-9]{2}")},
        "rules": {
            "identified": (True, "bene_crnt_hic_num is null and mbi_num is null"),
            "identifier_end_not_before_begin": (True, f"{on('efctv_end_dt')} < {on('efctv_bgn_dt')}"),
        },
        "key": ["bene_id", "bene_crnt_hic_num", "upper(mbi_num)", on("efctv_bgn_dt")],
    },
}
