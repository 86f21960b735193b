//! What is written is read as the same contract.

use contract::{Contract, Notes};

use crate::good_documents::FULL;
use crate::parse_contract;

/// All of it but its hash.
pub(crate) fn debug(contract: &Contract) -> String {
    let text = format!("{contract:#?}");
    let (contents, hash) = text
        .split_once("content_hash")
        .expect("a contract has a hash");
    assert!(hash.lines().count() <= 2, "the hash stands last");
    contents.to_owned()
}

fn check(text: &str) -> String {
    let contract = parse_contract(text).expect("a right contract");
    let written = contract.to_yaml(&Notes::default());
    let again = parse_contract(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert!(debug(&again) == debug(&contract), "{written}");
    written
}

pub(crate) const FIXED: &str = r##"
contract: claim
version: 1
title: "Claims: fixed width"
file:
  format: fixed_width
  record_length: 40
  encoding: windows-1252
  skip_lines: 1
  skip_footer_lines: 2
  control:
    header: { marker: "HDR", period_from: { start: 4, length: 6 }, period_to: { start: 10, length: 6 } }
    trailer: { marker: "TRL", row_count: { start: 4, length: 9 }, totals: { paid: { start: 13, length: 12 } } }
    period_column: paid_on
    severity: warn
natural_key: [id]
unique: "off"
columns:
  - { name: id, type: string, place: { start: 1, length: 10 }, check: npi, zero_pad: 10 }
  - { name: paid, type: "decimal(9,2)", place: { start: 11, length: 9 }, implied_decimals: true, completeness: { min: 0.5, of_rows: "id is not null", severity: fail } }
  - { name: paid_on, type: date, formats: ["%Y%m%d"], place: { start: 20, length: 8 }, sentinels: ["9999-12-31"], required_when: "paid > 0" }
  - { name: sent, type: timestamp_tz, formats: ["%Y%m%d%H%M"], zone: Pacific/Auckland, place: { start: 28, length: 12 } }
rules:
  - id: paid_is_small
    sql: "paid < 100"
    tier: 2
    category: plausibility
    denominator: "paid is not null"
    threshold: 0.1
    explanation: "Say: \"why\""
    waivers: [{ submitter: payer_one, until: "2027-01-31", reason: moving }]
"##;

pub(crate) const SEPARATORS: &str = r##"
contract: claim
version: 1
title: Separators
file: { delimiter: "|^^|", record_separator: "|~~|", escape: "\\", match: position, trailing_delimiter: true, comment: "#" }
natural_key: [id]
unique: fail
columns:
  - { name: id, type: string, aliases: [no, "Id: number"] }
"##;

#[test]
fn a_written_contract_is_read_as_itself() {
    let plain_domain = FULL.replace("{ file: codes/drg.txt }", "[\"001\"]");
    for text in [&plain_domain, FULL, FIXED, SEPARATORS] {
        check(text);
    }
    insta::assert_snapshot!(check(FIXED));
}

#[test]
fn notes_stand_above_what_they_are_about() {
    let contract = parse_contract(SEPARATORS).unwrap();
    let notes = Notes {
        head: vec!["Drafted.".to_owned(), String::new()],
        columns: [("id".to_owned(), vec!["never empty".to_owned()])].into(),
    };
    let written = contract.to_yaml(&notes);
    assert!(
        written.starts_with("# Drafted.\n#\ncontract: claim\n"),
        "{written}"
    );
    assert!(
        written.contains("columns:\n  # never empty\n  - { name: id"),
        "{written}"
    );
}
