//! What a contract can ask of a cell beside its type: forms of identifiers, padding, sentinels,
//! decimals without their point, time zones.

use contract::{Column, ColumnType, Severity, Transform, ValueCheck};

use crate::cells::check;
use crate::reading::{With, column, contract, date, read, text};

fn checked(check: ValueCheck) -> Column {
    Column {
        check: Some(check),
        ..text("v")
    }
}

fn paid(implied_decimals: bool) -> Column {
    let decimal = ColumnType::Decimal {
        precision: 6,
        scale: 2,
    };
    Column {
        implied_decimals,
        ..column("v", decimal)
    }
}

fn sentinels(column: Column, sentinels: &[&str]) -> Column {
    Column {
        sentinels: sentinels.iter().map(|text| (*text).to_owned()).collect(),
        ..column
    }
}

#[test]
fn an_identifier_must_have_its_form() {
    let expected = "a national provider identifier: 10 digits, the first 1 or 2, the last its \
                    check digit";
    check(
        checked(ValueCheck::Npi),
        &["1234567893", "", " 1245319599 ", "1234567890", "123"],
        &["1234567893", "∅", "1245319599"],
        &[
            &format!("row 4: v check ({expected})"),
            &format!("row 5: v check ({expected})"),
        ],
    );
    let warned = checked(ValueCheck::Icd10cm)
        .severity(Severity::Warn)
        .transforms(&[Transform::RemoveDots]);
    let read = read(&contract(vec![warned]), b"v\nE11.9\nnone\n").expect("readable");
    assert_eq!(read.accepted(), ["E119", "none"]);
    let warnings = read.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("row 2: v check (an ICD-10-CM code"),
        "{warnings:?}"
    );
}

#[test]
fn a_cell_tells_its_check_beside_its_other_rules() {
    let column = checked(ValueCheck::Luhn).length(3, 5).pattern("[0-9]+");
    check(
        column,
        &["18", "123456", "26x"],
        &[],
        &[
            "row 1: v length (3 to 5 characters)",
            "row 2: v length (3 to 5 characters), v check (digits, the last their Luhn check digit)",
            "row 3: v pattern (text that matches [0-9]+), v check (digits, the last their Luhn \
             check digit)",
        ],
    );
}

#[test]
fn zeros_are_put_before_a_short_code() {
    let padded = |column: Column| Column {
        zero_pad: Some(5),
        ..column
    };
    check(
        padded(text("v")).length(5, 5),
        &["501", "00501", " 1 ", "\"7\"", "", "123456"],
        &["00501", "00501", "00001", "00007", "∅"],
        &["row 6: v length (5 characters)"],
    );
    check(
        padded(text("v"))
            .transforms(&[Transform::DigitsOnly])
            .domain(&[("00501", "new_york")]),
        &["5-01", "none", "502"],
        &["new_york", "∅"],
        &["row 3: v domain (one of 00501)"],
    );
}

#[test]
fn a_sentinel_is_no_value_before_anything_is_asked_of_it() {
    let end = sentinels(
        date("v", &["%Y%m%d", "%d-%b-%Y"]),
        &["9999-12-31", "1900-01-01"],
    );
    check(
        end.clone().range(Some("2000-01-01"), Some("2030-12-31")),
        &[
            "20150530",
            "99991231",
            "31-Dec-9999",
            "19000101",
            "19000102",
        ],
        &["2015-05-30", "∅", "∅", "∅"],
        &["row 5: v range (2000-01-01 to 2030-12-31)"],
    );
    check(
        end.required(),
        &["20150530", "99991231"],
        &["2015-05-30"],
        &["row 2: v required (a value)"],
    );
    check(
        sentinels(column("v", ColumnType::Integer), &["-1", "999"]),
        &["-1", "0999", "99", "+999"],
        &["∅", "∅", "99", "∅"],
        &[],
    );
    check(
        sentinels(paid(true), &["9999.99"]),
        &["999999", "99999"],
        &["∅", "999.99"],
        &[],
    );
}

#[test]
fn decimals_are_read_without_their_point() {
    let expected = "row 3: v type (at most 6 digits without a point, the last 2 of them the \
                    decimals)";
    check(
        paid(true).range(Some("-50"), None),
        &["001234", "-5", "12.34", "1234567", "-5001", ""],
        &["12.34", "-0.05", "∅"],
        &[
            expected,
            &expected.replace("row 3", "row 4"),
            "row 5: v range (at least -50)",
        ],
    );
}

#[test]
fn local_times_of_a_zone_are_instants() {
    let local = |formats: &[&str]| Column {
        zone: Some("America/New_York".to_owned()),
        ..column(
            "v",
            ColumnType::Timestamp {
                formats: formats.iter().map(|format| (*format).to_owned()).collect(),
                zoned: true,
            },
        )
    };
    check(
        sentinels(local(&["%Y-%m-%d %H:%M", "%+"]), &["9999-12-31"]),
        &[
            "2024-07-15 12:00",
            "2024-11-03 01:30",
            "2024-03-10 02:30",
            "2024-07-15T12:00:00Z",
            "9999-12-31 00:00",
        ],
        &[
            "2024-07-15T16:00:00Z",
            "2024-11-03T05:30:00Z",
            "2024-07-15T12:00:00Z",
            "∅",
        ],
        &[
            "row 3: v type (a timestamp in %Y-%m-%d %H:%M or %+, where it has no offset one that \
             the clocks of America/New_York show)",
        ],
    );
}
