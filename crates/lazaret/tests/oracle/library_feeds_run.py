"""The second half of library_feeds.py: writes the deliveries, and maps accepted rows by hand."""

ROWS = 40
HD, TR = "HD|1111111|PAYER11|SYNTHETIC|{}|{}|{}|T|", "TR|1111111|PAYER11|SYNTHETIC|{}|20240415||{}"
NAMES = {"ME": "PAYER11_ME_202403.txt", "MC": "PAYER11_MC_202404.txt", "PC": "PAYER11_PC_202404.txt"}


def cclf_name(file, number):
    return f"T.A0001.ACO.ZC{file[-1]}Y18.D181120.T10000{number:02}"


def an_npi(n):
    return next(f"1{n:08}{digit}" for digit in range(10) if not npi_is_wrong(f"1{n:08}{digit}"))


def good(name, n):
    """A right value of the n-th row: the first family whose expression fits."""
    spread, dx = random.Random(f"{name} {n}"), ["E119", "I10", "Z0000", "M1611", "S72001A"]
    families = [
        ("cur_clm_uniq_id", f"{7000 + n}"), ("bene_mbi_id", f"1A00A00AA{n % 100:02}"), ("hicn_mbi_xref_ind", "M"),
        ("prvs_id_efctv_dt", "2010-01-01"), ("prvs_id_obslt_dt", "2017-06-11"), ("(crnt|prvs)_num", f"1A00A0{3 if name == 'crnt_num' else 2}AA{n % 100:02}"),
        ("clm_line_num", f"{1 + n % 3}"),
        ("clm_adjsmt_type_cd", "1" if n % 7 == 3 else "0"), ("dgns_prcdr_icd_ind", "0"), ("icd_version_indicator", "0"),
        ("clm_from_dt", f"2018-09-{1 + n % 20:02}"), ("clm_thru_dt", f"2018-09-{3 + n % 20:02}"),
        ("clm_line_.*_dt", f"2018-09-{2 + n % 20:02}"), ("clm_idr_ld_dt", f"2018-{10 + n % 2}-15"),
        ("clm_efctv_dt", "9999-12-31" if n % 5 == 0 else "2018-10-01"), ("bene_dob", "1940-10-27"),
        ("bene_sex_cd", "2"), ("bene_age", "78"), ("bene_mdcr_stus_cd", "10"), ("bene_dual_stus_cd", "NA"),
        ("bene_part_._.*", "2016-08-01"), ("bene_rng_.*", "2018-01-01"), ("bene_death_dt", ""),
        ("dgns_drg_cd", "0470"), ("prncpl_dgns_cd|clm_line_dgns_cd|clm_dgns_1_cd|principal_diagnosis", dx[n % 5]),
        (".*dgns.*|.*diagnosis.*|.*external_cause.*", spread.choice([*dx, "", ""])),
        ("prvdr_oscar_num", "390001"), ("clm_.*_oscar_num", "390001"), ("bene_hic_num", "203031401M"),
        ("clm_disp_cd|clm_pos_cd|bene_ptnt_stus_cd", "01"), ("clm_line_prod_rev_ctr_cd", "0450"), ("hcpcs_betos_cd", "M1A"),
        (".*hcpcs_cd|procedure_code", ["99213", "G0439", "0503F"][n % 3]), (".*hipps_cd", "05012"),
        ("clm_line_alowd_chrg_amt", f"{300 + n}.00"), ("clm_line_cvrd_pd_amt", f"{100 + n}.25"), ("clm_pmt_amt", f"{900 + n}.5"),
        (".*unit_qty|service_units_quantity|quantity_dispensed", f"{1 + n % 4}.5"), (".*npi.*", an_npi(n)),
        ("start_year_.*", "2024"), ("start_month_.*", "3"), ("payor_claim_control_number", f"C{n:06}"), ("line_counter", "1"),
        ("version_number", str(n % 2)), ("carrier_specific_unique_member_id", "" if n % 30 == 7 else f"M{n:05}"),
        ("plan_specific_contract_number", f"K{n}"), ("sequence_number", "01"), ("member_gender", "fmu"[n % 3]),
        ("individual_relationship_code", ["18", "1", "19", "21", "53"][n % 5]), ("type_of_bill.*|revenue_code", "111" if n % 2 else ""),
        ("place_of_service_professional", "" if n % 2 else "11"), ("member_insurance_product_category_code", ["HM", "MC", "16", "ZZ"][n % 4]),
        ("paid_date", f"202404{1 + n % 28:02}"), ("plan_term_date", "99991231" if n % 2 else "20241231"),
        ("member_date_of_birth", "19800229"), ("discharge_date", "20240309"), (".*_date.*|date_.*", f"202403{1 + n % 8:02}"),
        ("plan_paid_amount", f"{10000 + n}"), ("allowed_amount", f"{20000 + n}"), ("actuarial_value", "0.7025"),
        ("record_type", "{kind}"), ("naic_id|member_fips_county_code", "48453"), (".*zip_code|bene_zip_cd|geo_zip5_cd", "78701"),
        ("geo_zip4_cd", "~"), ("geo_usps_state_cd|.*_state.*", "TX"), ("bene_fips_state_cd", "48"), ("bene_fips_cnty_cd", "453"),
        (".*country_code", "US"), (".*tax_(id|num).*", "741234567"), (".*social_security.*", ""), (".*medicare_benef.*", "1A00A00AA00"),
        ("icd_.*procedure.*", "0SR90JZ" if n % 2 else ""), ("drug_code", "00093310905"), (".*hour", "0930"),
        ("discharge_status|new_prescription_or_refill", "01"), ("days_supply", "30"), ("bene_race_cd|bene_orgnl_entlmt_rsn_cd", "1"),
        ("present_on_admission.*", "Y"), (".*_mdfr_cd|procedure_modifier.*", spread.choice(["25", "LT", ""])),
        ("clm_type_cd", "{kind}"), ("clm_cntrctr_num", "12345"), (".*_amt|.*amount.*|.*fees?|ingredient_cost.*", str(spread.randrange(90_000))),
        ("rndrg_prvdr_fips_st_cd|prvdr_fac_fips_st_cd|clm_prvdr_spclty_cd", "48"), (".*_cd|.*_code|.*_ind.*|.*flag", "1"),
    ]
    return next((value for regex, value in families if re.fullmatch(regex, name)), "1")


def good_row(layout, n):
    kind = {"CCLF1": ["60", "40"][n % 2], "CCLF2": "40", "CCLF5": "71"}.get(layout["file"], layout["file"])
    return {name: good(name, n).replace("{kind}", kind) for name, _, _ in filter(None, layout["columns"])}


def record(layout, row, newer=True):
    if not layout["file"].startswith("CCLF"):
        return "|".join(row.values())
    fields = layout["columns"] if newer else layout["columns"][:layout["columns"].index(None)]
    return "".join(row[name][:width].ljust(width) for name, width, _ in filter(None, fields))


def text_of(layout, lines, period=("202404", "202404"), more_in_trailer=0):
    kind = layout["file"]
    if not kind.startswith("CCLF"):
        header = "|".join(element for _, element, _ in layout["columns"])
        lines = [HD.format(kind, *period), header, *lines, TR.format(kind, len(lines) + more_in_trailer)]
    return "\n".join(lines) + "\n"


def spoiled(layout):
    """Each column in turn spoiled in each way, and with each value of its domain, in rows with keys of
    their own; of fixed width also records cut within a field, at the end of one, and too long."""
    lines, n, base = [], 1000, good_row(layout, 4)
    for column, _, checks in filter(None, layout["columns"]):
        for spoil in [*SPOILS, *(value for check in checks for value in getattr(check[2], "right", []))]:
            n += 1
            row = dict(base)
            for key in ("cur_clm_uniq_id", "payor_claim_control_number", "carrier_specific_unique_member_id"):
                if key in row and row[key]:
                    row[key] = f"{n}"
            identifier = {"CCLF8": "bene_mbi_id", "CCLF9": "crnt_num"}.get(layout["file"])
            if identifier:
                row[identifier] = f"1A{n // 1000}{n // 100 % 10}A0{n // 10 % 10}AA{n % 10}0"
            lines.append(record(layout, {**row, column: spoil}))
    if layout["file"].startswith("CCLF"):
        whole = record(layout, good_row(layout, 5))
        lines += [whole[:12] + "9" + whole[13:60], whole[:-1] + "  ", whole + "x", whole[:len(whole) // 2]]
    else:
        lines += [record(layout, good_row(layout, 5))] * 2
    return lines


def published(data):
    """Files 8 and 9 of CMS's own tests: (name, text), the members of archives unpacked."""
    archives = data / "cms_cclf/archives"
    for number, path in enumerate(["valid/T.BCD.A0001.ZCY18.D181120.T1000000", "8/valid/T.BCD.A0001.ZCY18.D181121.T1000000",
                                   "invalid_bcd/P.BCD.A0001.ZCY18.D181121.T2000000"]):
        with zipfile.ZipFile(archives / path) as archive:
            name = next(name for name in archive.namelist() if "ZC8" in name)
            yield name.replace(".T1", f".T{number}"), archive.read(name).decode()
    for number, folder in enumerate(["test", "test-partially-adjudicated"]):
        path = data / f"cms_cclf/files/synthetic/{folder}/dev/ZC8"
        yield cclf_name("CCLF8", number), path.read_text()
        yield cclf_name("CCLF9", number), path.with_name("ZC9").read_text()
    with zipfile.ZipFile(archives / "valid/T.BCD.A0001.ZCY18.D181120.T1000000") as archive:
        name = next(name for name in archive.namelist() if "ZC9" in name)
        yield name, archive.read(name).decode()


def deliveries(data, layouts):
    """(submitter, layout, delivery, file name, text, what the verdict must say besides what is counted)."""
    lengths = re.findall(r"(CCLF\w) .*\| *(\d+)\s", (data / "cms_cclf/files/synthetic/test/dev/ZC0").read_text() + "\n")
    for of_layout, layout in layouts.items():
        file = layout["file"]
        rows = [good_row(layout, n) for n in range(ROWS)]
        name = cclf_name(file, 1) if file.startswith("CCLF") else NAMES[file]
        lines = [record(layout, row, newer=n % 3 > 0) for n, row in enumerate(rows)]
        if file.startswith("CCLF"):
            old = record(layout, rows[0], newer=False)
            assert str(len(old)) == dict(lengths)[file], f"{file} has {len(old)} characters"
        if file in ("CCLF8", "CCLF9"):
            of_cms = [(name, text) for name, text in published(data) if f"ZC{file[-1]}" in name]
            yield file.lower(), of_layout, "published-0", *of_cms.pop(0 if file == "CCLF8" else -1), []
            for number, (name_of_cms, text) in enumerate(of_cms, 1):
                yield "published", of_layout, f"published-{number}", name_of_cms, text, []
        else:
            yield file.lower() if file.startswith("CCLF") else "apcd", of_layout, "good", name, text_of(layout, lines), []
        yield "spoiled", of_layout, f"{file}-spoiled", name, text_of(layout, spoiled(layout)), []
        if file in ("MC", "PC"):
            yield "control", of_layout, f"{file}-count", name, text_of(layout, lines, more_in_trailer=1), ["control"]
            yield "control", of_layout, f"{file}-period", name, text_of(layout, lines, ("202401", "202403")), ["control"]
        blanks = {"member_gender": 2, "group_name": 2} if file == "ME" else {layout["diagnosis"]: 10} if "diagnosis" in layout else {}
        if blanks:
            fewer = [{name: "" if n % blanks.get(name, 99) == 0 else text for name, text in row.items()} for n, row in enumerate(rows, 1)]
            yield "control", of_layout, f"{file}-blanks", name, text_of(layout, [record(layout, row) for row in fewer]), []


def deliver(data, drops):
    described, entries = layouts(data), []
    for submitter, of_layout, delivery, name, text, said in deliveries(data, described):
        file_type = of_layout.split("@")[0]
        path = drops / submitter / file_type / delivery / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        counted, _ = count(described[of_layout], path)
        counted["said"] += said
        entries.append({"group": f"{submitter}/{file_type}/{delivery}", **counted})
    misnamed = (path.name for path in (data / "cms_cclf/mixed/with_invalid_filenames").iterdir())
    for number, name in enumerate(sorted(name for name in misnamed if "#" not in name)):  # keys of objects have none
        path = drops / "misnamed/member_eligibility" / f"{number}" / name
        path.parent.mkdir(parents=True)
        path.write_text(next(published(data))[1])
    json.dump(entries, sys.stdout, indent=1)


def money(name, sign=lambda row: 1, scale=1):
    return lambda row: None if row[name] is None else f"{sign(row) * float(row[name]) / scale:.2f}"


def taken_off(row):
    return -1 if row["clm_adjsmt_type_cd"] == "1" else 1


def iso(name):
    return lambda row: (on(row, name) or "") and on(row, name).isoformat()


def is_(text):
    return lambda row: text


def plain(name):
    return lambda row: row[name] and row[name].replace(".", "").upper()


def member(row):
    return row["carrier_specific_unique_member_id"] or f"{row['plan_specific_contract_number']}-{row['sequence_number']}"


SYSTEM = {"0": "icd-10-cm", "9": "icd-9-cm"}
CLAIM_ = {"payer": is_("medicare"), "claim_id": plain("cur_clm_uniq_id"), "member_id": plain("bene_mbi_id"),
          "claim_start_date": iso("clm_from_dt"), "claim_end_date": iso("clm_thru_dt"),
          "diagnosis_code_type": lambda row: SYSTEM.get(row["dgns_prcdr_icd_ind"])}
APCD = {"member_id": member, "payer": lambda row: row["payor_code"] or row["data_submitter_code"], "data_source": is_("apcd_cdl")}
APCD_CLAIM = {**APCD, "claim_id": plain("payor_claim_control_number"), "claim_line_number": plain("line_counter"),
              **{f"{name}_amount": money(f"{theirs}_amount", scale=100) for name, theirs in [
                  ("paid", "plan_paid"), *[(same, same) for same in ("allowed", "charge", "coinsurance", "deductible")]]}}
# By layout: what each canonical column must be; a column that is not named must be null.
CANONICAL = {
    "medical_claim@v7": {
        **CLAIM_, "claim_type": is_("institutional"), "admit_type_code": plain("clm_admsn_type_cd"),
        "admit_source_code": plain("clm_admsn_src_cd"), "discharge_disposition_code": plain("bene_ptnt_stus_cd"),
        "bill_type_code": lambda row: row["clm_bill_fac_type_cd"] + row["clm_bill_clsfctn_cd"] + row["clm_bill_freq_cd"],
        "ms_drg_code": lambda row: row["dgns_drg_cd"] and row["dgns_drg_cd"][-3:], "data_source": is_("cms_cclf_part_a"),
        "billing_npi": lambda row: row["clm_blg_prvdr_npi_num"] or row["fac_prvdr_npi_num"],
        "attending_npi": lambda row: row["clm_atndg_prvdr_npi_num"] or row["atndg_prvdr_npi_num"],
        "paid_amount": money("clm_pmt_amt", taken_off), "charge_amount": money("clm_mdcr_instnl_tot_chrg_amt", taken_off),
        "diagnosis_code_1": plain("prncpl_dgns_cd")},
    "medical_claim@v8": {
        **CLAIM_, "claim_type": is_("professional"), "claim_line_number": plain("clm_line_num"), "data_source": is_("cms_cclf_part_b"),
        "place_of_service_code": plain("clm_pos_cd"), "service_unit_quantity": lambda row: f"{float(row['clm_line_srvc_unit_qty']):.3f}",
        "hcpcs_code": plain("clm_line_hcpcs_cd"), "hcpcs_modifier_1": plain("hcpcs_1_mdfr_cd"),
        "rendering_npi": plain("rndrg_prvdr_npi_num"), "paid_amount": money("clm_line_cvrd_pd_amt", taken_off),
        "allowed_amount": money("clm_line_alowd_chrg_amt", taken_off),
        **{f"diagnosis_code_{n}": plain(f"clm_dgns_{n}_cd") for n in range(1, 11)}},
    "member_eligibility@v4": {
        "member_id": plain("bene_mbi_id"), "plan_member_id": plain("bene_mbi_id"), "payer": is_("medicare"),
        "payer_type": lambda row: "dual" if row["bene_dual_stus_cd"] in ("01", "02", "03", "04", "05", "06", "08", "09") else "medicare",
        "enrollment_start_date": iso("bene_part_a_enrlmt_bgn_dt"), "birth_date": iso("bene_dob"), "death_date": iso("bene_death_dt"),
        "gender": lambda row: {"1": "male", "2": "female"}.get(row["bene_sex_cd"], "unknown"),
        "race": lambda row: {"1": "white", "2": "black", "5": "hispanic", "0": "unknown", None: "unknown"}.get(row["bene_race_cd"], "other"),
        "death_flag": lambda row: "true" if row["bene_death_dt"] else "false", "city": plain("geo_zip_plc_name"),
        "residence_state": plain("geo_usps_state_cd"), "county_fips_code": lambda row: row["bene_fips_state_cd"] + row["bene_fips_cnty_cd"],
        "zip_code": plain("geo_zip5_cd"), "original_reason_entitlement_code": plain("bene_orgnl_entlmt_rsn_cd"),
        "dual_status_code": lambda row: None if row["bene_dual_stus_cd"] == "NA" else row["bene_dual_stus_cd"],
        "medicare_status_code": plain("bene_mdcr_stus_cd"), "data_source": is_("cms_cclf"),
        "esrd_flag": lambda row: "true" if row["bene_mdcr_stus_cd"] in ("11", "21", "31") else "false"},
    "member_eligibility@v5": {
        **APCD, "plan_member_id": lambda row: f"{row['plan_specific_contract_number']}-{row['sequence_number']}",
        "subscriber_id": plain("carrier_specific_unique_subscriber_id"), "plan": plain("plan_id"),
        "subscriber_relation": lambda row: {"18": "self", "1": "spouse", "19": "child", "21": "unknown"}.get(
            row["individual_relationship_code"], "other"), "group_id": plain("insured_group_or_policy_number"),
        "payer_type": lambda row: {"HM": "commercial", "MC": "medicaid", "16": "medicare"}.get(
            row["member_insurance_product_category_code"], "unknown"),
        "enrollment_start_date": iso("plan_effective_date"), "enrollment_end_date": iso("plan_term_date"),
        "gender": lambda row: {"m": "male", "f": "female"}.get(row["member_gender"], "unknown"),
        "birth_date": iso("member_date_of_birth"), "city": plain("member_city_name"),
        "residence_state": plain("member_state_or_province"), "county_fips_code": plain("member_fips_county_code"),
        "zip_code": plain("member_zip_code")},
    "medical_claim@v9": {
        **APCD_CLAIM, "claim_type": lambda row: "institutional" if row["type_of_bill_institutional"] or row["revenue_code"] else "professional",
        "claim_start_date": iso("date_of_service_from"), "claim_end_date": iso("date_of_service_through"),
        "admission_date": iso("admission_date"), "discharge_date": iso("discharge_date"), "admit_type_code": plain("admission_type"),
        "admit_source_code": plain("point_of_origin"), "discharge_disposition_code": plain("discharge_status"),
        "bill_type_code": plain("type_of_bill_institutional"), "place_of_service_code": plain("place_of_service_professional"),
        "revenue_center_code": lambda row: row["revenue_code"] and row["revenue_code"].zfill(4),
        "service_unit_quantity": lambda row: f"{float(row['service_units_quantity']):.3f}", "hcpcs_code": plain("procedure_code"),
        "hcpcs_modifier_1": plain("procedure_modifier_1"), "rendering_npi": plain("rendering_provider_npi"),
        "billing_npi": plain("billing_provider_npi"), "attending_npi": plain("attending_provider_npi"),
        "diagnosis_code_type": lambda row: SYSTEM.get(row["icd_version_indicator"]), "diagnosis_code_1": plain("principal_diagnosis"),
        **{f"diagnosis_code_{n + 1}": plain(f"other_diagnosis_{n}") for n in range(1, 10)},
        "procedure_code_type": lambda row: row["icd_principal_procedure_code"] and "icd-10-pcs",
        "procedure_code_1": plain("icd_principal_procedure_code")},
    "pharmacy_claim@v3": {
        **APCD_CLAIM, "plan": plain("plan_id"), "prescribing_provider_npi": plain("prescribing_physician_npi"),
        "dispensing_provider_npi": plain("pharmacy_npi"), "dispensing_date": iso("date_prescription_filled"),
        "ndc_code": plain("drug_code"), "quantity": lambda row: f"{float(row['quantity_dispensed']):.3f}",
        "days_supply": plain("days_supply"), "fill_number": lambda row: str(int(row["new_prescription_or_refill"])),
        "dispense_as_written_code": plain("dispensed_as_written_code"), "paid_date": iso("paid_date"),
        "ingredient_cost_amount": money("ingredient_cost_list_price", scale=100),
        "dispensing_fee_amount": money("dispensing_fee", scale=100), "copayment_amount": money("copay_amount", scale=100)},
}


def compare(data, drops, outputs):
    described, connection, report = layouts(data), duckdb.connect(), {}
    for of_layout, mapped in CANONICAL.items():
        file_type = of_layout.split("@")[0]
        submitter = described[of_layout]["file"].lower() if "CCLF" in described[of_layout]["file"] else "apcd"
        path = next((drops / submitter / file_type).glob("*/*"))
        keyed = {"member_eligibility": ["member_id"]}.get(file_type, ["claim_id", "claim_line_number"])
        expected = [{name: of(row) or None for name, of in mapped.items()} for row in count(described[of_layout], path)[1]]
        tables = [str(table) for table in (outputs / "gold_canonical").rglob("*.parquet") if file_type in table.relative_to(outputs).parts]
        found = f"read_parquet({tables}, hive_partitioning = true, union_by_name = true)"
        columns = [row[0] for row in connection.execute(f"describe select * from {found}").fetchall()]
        columns = columns[:columns.index("data_source") + 1]
        assert set(mapped) <= set(columns), (of_layout, set(mapped) - set(columns))
        actual = connection.execute("select " + ", ".join(f'"{name}"::varchar' for name in columns) +
                                    f" from {found} where source_layout_id = '{of_layout}' and submitter_id = '{submitter}'").fetchall()
        actual = [dict(zip(columns, row)) for row in actual]
        key = lambda row: [row.get(name) or "" for name in keyed]
        pairs = list(zip(sorted(expected, key=key), sorted(actual, key=key)))
        differing = {name for e, a in pairs for name in columns if e.get(name) != a[name]}
        report[of_layout] = {"in_file": len(expected), "in_table": len(actual), "differing_columns": sorted(differing),
                             "cells_with_a_value": sum(1 for row in actual for name in columns if row[name] is not None)}
    json.dump(report, sys.stdout, indent=1)


if __name__ == "__main__":
    modes = {"deliver": deliver, "compare": compare}
    modes[sys.argv[1]](*map(Path, sys.argv[2:]))
