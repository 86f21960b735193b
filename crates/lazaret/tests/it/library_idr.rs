//! Tables of CMS's Integrated Data Repository and messages of its Replicated Data Access API by the
//! library's layouts: every shared file, and files with each column spoiled in turn. Rows, rejects
//! and warnings by column and rule must be those that independent scripts count.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::python::run_python;
use testkit::shared_data;

use crate::library_rows::same_rows;
use crate::project::repository;

/// All that is wrong with the published tables: file, whether it rejects, reason, rows, and why.
const FOUND_IN_TABLES: &str = "\
SYNTHETIC_BENE_CMBND_DUAL_MDCR.csv | warn | begins_on_first_of_month | 4 | days that were made up
SYNTHETIC_BENE_HSTRY.csv | warn | geo_zip5_cd:pattern | 4 | ZIP codes of Massachusetts that lost their zero
SYNTHETIC_BENE_HSTRY.csv | warn | loaded_before_obsolete | 5 | times that were made up
SYNTHETIC_BENE_LIS.csv | warn | updated_not_before_inserted | 1 | the same
SYNTHETIC_BENE_LIS_CMBND.csv | warn | latest_version_is_not_obsolete | 1 | a latest version that is obsolete
SYNTHETIC_BENE_MBI_ID.csv | warn | latest_version_is_not_obsolete | 8 | earlier versions without an end
SYNTHETIC_BENE_XREF.csv | reject | src_rec_updt_ts:type | 1 | a year of three digits
SYNTHETIC_CLM.csv | reject | thru_not_before_from | 1 | a claim that ends nine months before it starts
SYNTHETIC_CLM.csv | warn | clm_blg_prvdr_npi_num:check | 52 | identifiers written as decimals, with .0
SYNTHETIC_CLM.csv | warn | clm_blg_prvdr_oscar_num:pattern | 9 | a certification number of five characters
SYNTHETIC_CLM.csv | warn | latest_version_is_not_obsolete | 4 | earlier versions without an end
SYNTHETIC_CLM.csv | warn | loaded_not_before_thru | 3 | days that were made up
SYNTHETIC_CLM.csv | warn | paid_not_before_thru | 16 | the same, on drug claims
SYNTHETIC_CLM_ANSI_SGNTR.csv | warn | clm_1_rev_cntr_ansi_rsn_cd:pattern | 3 | signs and control characters
SYNTHETIC_CLM_ANSI_SGNTR.csv | warn | clm_2_rev_cntr_ansi_rsn_cd:pattern | 1 | the same
SYNTHETIC_CLM_ANSI_SGNTR.csv | warn | clm_3_rev_cntr_ansi_rsn_cd:pattern | 1 | the same
SYNTHETIC_CLM_ANSI_SGNTR.csv | warn | clm_4_rev_cntr_ansi_rsn_cd:pattern | 2 | the same
SYNTHETIC_CLM_DT_SGNTR.csv | warn | weekly_run_on_friday | 91 | days that were made up
SYNTHETIC_CLM_INSTNL.csv | warn | visits_are_whole | 6 | amounts in place of counts
SYNTHETIC_CNTRCT_PBP_CNTCT.csv | reject | end_not_before_begin | 1 | a contract that ends the day before it begins
SYNTHETIC_CNTRCT_PBP_CNTCT.csv | warn | unique | 1 | the same contact twice
SYNTHETIC_CNTRCT_PBP_NUM.csv | reject | cntrct_pbp_sk_efctv_dt:type | 1 | a year of five digits
SYNTHETIC_PRAUC.csv | warn | cms_cert:pattern | 26 | a certification number of five characters
SYNTHETIC_PRAUC.csv | warn | received_not_before_submitted | 248 | days that were made up
SYNTHETIC_PRVDR_HSTRY.csv | warn | prvdr_npi_num:check | 14 | identifiers that were made up";

/// All that is wrong with the published messages. In those of the pipeline texts, codes and
/// identifiers are random; in those of the bridge what Synthea does not make is a question mark.
const FOUND_IN_MESSAGES: &str = "\
FISS.ndjson | reject | json | 1 | the type of admission stands twice
FISS.ndjson | reject | statement_in_order | 12 | random days
FISS.ndjson | warn | adm_diag_code:pattern | 20 | random
FISS.ndjson | warn | adm_typ_cd_enum:pattern | 87 | the number of the API's list in place of its name
FISS.ndjson | warn | change_intermediary_nb:pattern | 1 | a question mark
FISS.ndjson | warn | intermediary_nb:pattern | 1 | a question mark
FISS.ndjson | warn | mbi:pattern | 37 | random
FISS.ndjson | warn | npi_number:check | 42 | random
FISS.ndjson | warn | principle_diag:pattern | 25 | random
SAMPLE-FISS.ndjson | reject | statement_in_order | 15 | random days
SAMPLE-FISS.ndjson | warn | adm_diag_code:pattern | 13 | random
SAMPLE-FISS.ndjson | warn | npi_number:check | 48 | random
SAMPLE-FISS.ndjson | warn | principle_diag:pattern | 22 | random
expected-fiss.ndjson | warn | change_intermediary_nb:pattern | 14 | a question mark
expected-fiss.ndjson | warn | intermediary_nb:pattern | 14 | a question mark
expected-fiss.ndjson | warn | npi_number:check | 10 | identifiers that were made up
MCS.ndjson | warn | idr_bill_prov_county:pattern | 26 | random
MCS.ndjson | warn | idr_bill_prov_loc:pattern | 25 | random
MCS.ndjson | warn | idr_bill_prov_npi:check | 46 | random
MCS.ndjson | warn | idr_bill_prov_price_spec:pattern | 32 | random
MCS.ndjson | warn | idr_bill_prov_spec:pattern | 20 | random
MCS.ndjson | warn | idr_bill_prov_type:pattern | 34 | random
MCS.ndjson | warn | idr_claim_mbi:pattern | 49 | random
MCS.ndjson | warn | idr_contr_id:pattern | 84 | random
MCS.ndjson | warn | idr_hic:pattern | 27 | random
SAMPLE-MCS.ndjson | warn | idr_bill_prov_county:pattern | 22 | random
SAMPLE-MCS.ndjson | warn | idr_bill_prov_loc:pattern | 27 | random
SAMPLE-MCS.ndjson | warn | idr_bill_prov_npi:check | 50 | random
SAMPLE-MCS.ndjson | warn | idr_bill_prov_price_spec:pattern | 24 | random
SAMPLE-MCS.ndjson | warn | idr_bill_prov_spec:pattern | 27 | random
SAMPLE-MCS.ndjson | warn | idr_bill_prov_type:pattern | 21 | random
SAMPLE-MCS.ndjson | warn | idr_contr_id:pattern | 74 | random
SAMPLE-MCS.ndjson | warn | idr_hic:pattern | 31 | random";

#[test]
fn idr_tables_hold_what_their_published_types_say() {
    let script = include_str!("../oracle/library_idr.py");
    judged_as_counted(script, FOUND_IN_TABLES, (31, 16_548, 6_000));
}

#[test]
fn rda_messages_hold_what_their_published_lengths_say() {
    let script = include_str!("../oracle/library_rda.py");
    judged_as_counted(script, FOUND_IN_MESSAGES, (6, 419, 500));
}

/// `sizes`: published files, rows in them, and rows of the spoiled files that at least are rejected.
fn judged_as_counted(script: &str, known: &str, sizes: (usize, i64, i64)) {
    let Some(data) = shared_data::folder(".") else {
        return;
    };
    let drops = tempfile::tempdir().expect("a folder");
    let oracles = repository().join("crates/lazaret/tests/oracle");
    let arguments = [data.as_path(), drops.path(), oracles.as_path()].map(Path::to_string_lossy);
    let counted: Value = serde_json::from_str(&run_python(script, &arguments)).expect("JSON");
    let counted = counted.as_array().expect("one entry per file");

    let (published, spoiled): (Vec<&Value>, Vec<&Value>) = counted
        .iter()
        .partition(|entry| entry["published"].is_string());
    let sum = |entries: &[&Value], name: &str| -> i64 {
        entries
            .iter()
            .filter_map(|entry| entry[name].as_i64())
            .sum()
    };
    let found: Vec<String> = published.iter().flat_map(|entry| findings(entry)).collect();
    let mut known: Vec<&str> = known.lines().map(without_why).collect();
    known.sort_unstable();
    let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, known);
    assert_eq!(published.len(), sizes.0);
    assert_eq!(sum(&published, "rows"), sizes.1);
    assert!(sum(&spoiled, "rejected") > sizes.2);

    for entry in counted {
        let mut report = inspected(entry, drops.path());
        report["warning_reasons"] = report["warnings"].take();
        same_rows(entry, &report);
    }
}

/// A line of the lists above, without the reason why.
fn without_why(line: &str) -> &str {
    line.rsplit_once(" | ").expect("five fields").0
}

fn findings(entry: &Value) -> Vec<String> {
    let path = entry["published"].as_str().expect("a path");
    let file = path.rsplit('/').next().unwrap_or(path);
    let mut lines = Vec::new();
    for (reasons, severity) in [("reject_reasons", "reject"), ("warnings", "warn")] {
        for (reason, rows) in entry[reasons].as_object().expect("rows by reason") {
            lines.push(format!("{file} | {severity} | {reason} | {rows}"));
        }
    }
    lines
}

/// What `lazaret inspect` reports of the file, outside any project.
fn inspected(entry: &Value, folder: &Path) -> Value {
    let argument = |name: &str| entry[name].as_str().expect("text");
    let output = Command::new(env!("CARGO_BIN_EXE_lazaret"))
        .current_dir(folder)
        .args(["inspect", argument("file")])
        .args(["--contract", argument("layout"), "--format", "json"])
        .env_remove("LAZARET_PROJECT")
        .env_remove("RUST_LOG")
        .output()
        .expect("the program runs");
    let mut answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{}: {error}: {said}", argument("file"))
    });
    answer["report"].take()
}
