//! The library's layouts of Synthea's other tables, of CMS's other RIF files and of DE-SynPUF as OHDSI
//! sends it, over every shared file of theirs and over files with each column spoiled in turn: rows,
//! rejects and warnings by column and rule must be those that the codebooks give, as an independent
//! script reads them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::python::run_python;
use testkit::shared_data;

use crate::library_rows::same_rows;
use crate::project::repository;

const LIBRARY_TABLES: &str = include_str!("../oracle/library_tables.py");

/// All that is wrong with the published files: layout, set, what happens and why by our rules, rows,
/// and what is there. Columns that are there for each month, or numbered, are counted together.
const FOUND_IN_PUBLISHED_FILES: [(&str, &str, &str, i64, &str); 44] = [
    (
        "allergy@v1",
        "synthea/s05_dverma",
        "warn code_system:domain",
        3,
        "`Unknown`, which is no code system",
    ),
    (
        "medical_claim@v1",
        "cms_etl_testdata/input",
        "warn at_physn_npi:pattern",
        1,
        "a disguised identifier of nine digits",
    ),
    (
        "medical_claim@v10",
        "cms_bfd/rif_static",
        "reject field_count",
        1,
        "the published sample ends with a delimiter more than its header",
    ),
    (
        "medical_claim@v10",
        "cms_bfd/rif_synthea",
        "warn line_within_claim",
        1,
        "a line two days after the day of its claim",
    ),
    (
        "medical_claim@v11",
        "cms_bfd/rif_static",
        "reject field_count",
        2,
        "the published sample ends with a delimiter more than its header",
    ),
    (
        "medical_claim@v12",
        "cms_bfd/rif_static",
        "reject field_count",
        1,
        "the published sample ends with a delimiter more than its header",
    ),
    (
        "medical_claim@v13",
        "cms_bfd/rif_static",
        "reject field_count",
        1,
        "the published sample ends with a delimiter more than its header",
    ),
    (
        "medical_claim@v14",
        "cms_bfd/rif_static",
        "reject field_count",
        1,
        "the published sample ends with a delimiter more than its header",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn cst_shr_grp_month_cd:pattern",
        40,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn efivepct:domain",
        23,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn enrl_src:domain",
        23,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn fips_state_cnty_month_cd:pattern",
        268,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn hmo_months_within_part_a",
        23,
        "seven months in a plan, five or four under Part A",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn mbi_num:pattern",
        23,
        "no identifiers: too short, or words such as `BENEMBI`",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn mdcr_stus_month_cd:domain",
        268,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn meta_dual_elgbl_stus_month_cd:domain",
        41,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn ptc_cntrct_month_id:pattern",
        38,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn ptc_pbp_month_id:pattern",
        38,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn ptc_plan_type_month_cd:pattern",
        36,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn ptd_cntrct_month_id:pattern",
        34,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn ptd_pbp_month_id:pattern",
        24,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn ptd_sgmt_month_id:pattern",
        38,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn rds_month_ind:domain",
        41,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn rfrnc_yr:range",
        2,
        "years 0 and 3",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn rfrnc_yr:required",
        3,
        "the samples that test for it",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn sample_group:domain",
        23,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn state_code:domain",
        23,
        "a postal abbreviation",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_static",
        "warn v_dod_sw:domain",
        23,
        "a placeholder of the test data",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_synthea",
        "warn bene_county_cd:pattern",
        33,
        "Synthea writes state and county together, five digits",
    ),
    (
        "member_eligibility@v6",
        "cms_bfd/rif_synthea",
        "warn meta_dual_elgbl_stus_month_cd:domain",
        24,
        "Synthea writes `AA`, which is no dual status",
    ),
    (
        "member_id_history@v2",
        "cms_bfd/rif_static",
        "warn mbi_num:pattern",
        10,
        "no identifiers: too short, or words such as `BENEMBI`",
    ),
    (
        "member_id_history@v2",
        "cms_bfd/rif_static",
        "warn unique",
        1,
        "a row twice",
    ),
    (
        "member_id_history@v2",
        "cms_bfd/rif_synthea",
        "warn bene_county_cd:pattern",
        3,
        "Synthea writes state and county together, five digits",
    ),
    (
        "observation@v1",
        "synthea/s05_dverma",
        "warn code:pattern",
        4,
        "codes that the simulation made up (`X9999-1`, `X9999-2`)",
    ),
    (
        "observation@v1",
        "synthea/s05_dverma",
        "warn unique",
        24,
        "the same panel twice at one encounter, at the same moment",
    ),
    (
        "payer@v1",
        "synthea/s01_jijones",
        "warn quality_of_life_average:range",
        1,
        "of `NO_INSURANCE`: an average above 1",
    ),
    (
        "payer@v1",
        "synthea/s02_dbt_synthea",
        "warn quality_of_life_average:range",
        1,
        "of `NO_INSURANCE`: an average above 1",
    ),
    (
        "payer@v1",
        "synthea/s03_victor",
        "warn quality_of_life_average:range",
        1,
        "of `NO_INSURANCE`: an average above 1",
    ),
    (
        "pharmacy_claim@v4",
        "cms_bfd/rif_static",
        "reject field_count",
        1,
        "the published sample ends with a delimiter more than its header",
    ),
    (
        "pharmacy_claim@v4",
        "cms_bfd/rif_synthea",
        "warn patient_pays_within_cost",
        10,
        "Synthea: a copayment of 40 dollars for a medicine that costs less",
    ),
    (
        "pharmacy_claim@v4",
        "cms_bfd/rif_synthea",
        "warn pharmacy_number_has_its_form",
        18,
        "Synthea: the number of an institution (CCN) under the qualifier of an NPI",
    ),
    (
        "supply@v1",
        "synthea/s01_jijones",
        "warn unique",
        1,
        "the same article twice at one encounter",
    ),
    (
        "supply@v1",
        "synthea/s03_victor",
        "warn unique",
        16,
        "the same article twice at one encounter",
    ),
    (
        "supply@v1",
        "synthea/s05_dverma",
        "warn unique",
        3,
        "the same article twice at one encounter",
    ),
];

#[test]
fn the_library_judges_the_other_tables_as_the_codebooks_do() {
    let Some(data) = shared_data::folder(".") else {
        return;
    };
    let drops = tempfile::tempdir().unwrap();
    let expected = expected(&data, drops.path());
    published_files_have_what_we_know(&expected);
    for entry in &expected {
        let found = inspected(entry);
        let mut report = found["report"].clone();
        assert!(report.is_object(), "{}: {found}", entry["group"]);
        report["warning_reasons"] = report["warnings"].take();
        same_rows(entry, &report);
        let said = found["reason"].as_str().unwrap_or_default();
        for (rule, broken) in entry["file_rules"].as_object().unwrap() {
            let group = &entry["group"];
            assert_eq!(
                said.contains(rule),
                broken == true,
                "{group} {rule}: {said}"
            );
        }
    }
}

/// Writes the spoiled files into the folder; one entry for each file, spoiled or published.
fn expected(data: &Path, drops: &Path) -> Vec<Value> {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    let arguments = [data, drops, oracle.as_path()].map(|path| path.display().to_string());
    let expected: Value = serde_json::from_str(&run_python(LIBRARY_TABLES, &arguments))
        .expect("the script prints JSON");
    expected.as_array().expect("a list of files").clone()
}

/// What the script finds in the files as they are published is the table above, and no more.
fn published_files_have_what_we_know(expected: &[Value]) {
    let mut found: BTreeMap<(String, String, String), i64> = BTreeMap::new();
    let (mut published, mut spoiled) = (0, 0);
    for entry in expected {
        let Some(file) = entry["published"].as_str() else {
            spoiled += number(&entry["rejected"]);
            continue;
        };
        published += number(&entry["rows"]);
        let set: Vec<&str> = file.split('/').take(2).collect();
        for (kind, rows) in entry["kinds"].as_object().expect("rows by kind") {
            let place = (text(&entry["layout"]), set.join("/"), kind.clone());
            *found.entry(place).or_default() += number(rows);
        }
    }
    let known: BTreeMap<_, _> = FOUND_IN_PUBLISHED_FILES
        .iter()
        .map(|&(layout, set, kind, rows, _)| {
            let place = (layout.to_owned(), set.to_owned(), kind.to_owned());
            (place, rows)
        })
        .collect();
    assert_eq!(found, known);
    assert_eq!(published, 58_324);
    assert!(spoiled > 3_000, "{spoiled} spoiled rows are rejected");
}

/// What `lazaret inspect` says of the entry's file by the shipped contract.
fn inspected(entry: &Value) -> Value {
    let layout = text(&entry["layout"]).replace('@', "/");
    let contract = repository().join(format!("library/contracts/{layout}.yaml"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
    command.args(["inspect", &text(&entry["file"]), "--format", "json"]);
    command.arg("--contract").arg(contract);
    if let Some(name) = entry["name"].as_str() {
        command.args(["--name", name]);
    }
    command.env_remove("LAZARET_PROJECT").env_remove("RUST_LOG");
    let output = command.output().expect("the program starts");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
