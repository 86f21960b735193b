//! Control records: what a file announces about itself, and what it holds.

use contract::{
    Characters, ColumnType, Contract, Control, ControlRecord, FieldPlace, Header, Severity,
};
use inspect::{FileEnd, Plan};

use crate::checks::fixed_width::members;
use crate::reading::{column, contract, date, dialect, read};

fn record(marker: &str) -> ControlRecord {
    ControlRecord {
        marker: marker.to_owned(),
        row_count: None,
        period: None,
        totals: Default::default(),
    }
}

/// `HD|from|to`, rows of a day and an amount, `TR|rows|paid`.
fn claims() -> Contract {
    let paid = ColumnType::Decimal {
        precision: 9,
        scale: 2,
    };
    let mut contract = contract(vec![date("day", &["%Y%m%d"]), column("paid", paid)]);
    let format = dialect(&mut contract);
    (format.delimiter, format.header) = ("|".to_owned(), Header::Absent);
    let mut header = record("HD");
    header.period = Some((FieldPlace::Field(2), FieldPlace::Field(3)));
    let mut trailer = record("TR");
    trailer.row_count = Some(FieldPlace::Field(2));
    trailer.totals = [("paid".to_owned(), FieldPlace::Field(3))].into();
    contract.format.control = Some(Control {
        header: Some(header),
        trailer: Some(trailer),
        period_column: Some("day".to_owned()),
        severity: Severity::Fail,
    });
    contract
}

/// The file's end, with what its accepted rows add up to; and these rows.
fn judged(contract: &Contract, bytes: &str) -> (FileEnd, Vec<String>) {
    let read = read(contract, bytes.as_bytes()).expect("readable");
    let plan = Plan::compile(contract).expect("the contract compiles");
    let mut totals = plan.control_totals();
    for block in &read.blocks {
        totals.take(&block.accepted);
    }
    let accepted = read.accepted();
    let mut end = read.end;
    totals.judge(&mut end);
    (end, accepted)
}

fn check(contract: &Contract, bytes: &str, rows: u64, findings: &[&str]) {
    let (end, _) = judged(contract, bytes);
    let control = contract.format.control.as_ref();
    let severity = control.expect("the contract has control records").severity;
    let found: Vec<String> = (end.findings.iter())
        .map(|finding| {
            assert_eq!(finding.severity, severity);
            assert_eq!(&*finding.problem.rule, "control");
            let column = finding.problem.column.as_deref();
            let column = column
                .map(|column| format!("{column}: "))
                .unwrap_or_default();
            format!("{column}{}", finding.problem.detail)
        })
        .collect();
    assert_eq!(found, findings, "{bytes}");
    assert_eq!(end.rows, rows, "{bytes}");
}

const SOUND: &str = "HD|201501|2015-02\n20150101|1.00\n20150228|2.50\nTR|2|3.50\n";

#[test]
fn control_records_are_no_rows_and_agree_with_a_sound_file() {
    check(&claims(), SOUND, 2, &[]);
    let (end, accepted) = judged(&claims(), SOUND);
    assert_eq!(accepted, ["2015-01-01|1.00", "2015-02-28|2.50"]);
    assert_eq!(
        (end.passed.control.records, end.passed.control.bytes),
        (2, 26)
    );
    // The marker is the whole first field, quoted or not.
    let quoted = SOUND
        .replace("HD", "\"HD\"")
        .replace("\nTR|2|", "\n\"TR\"|\"02\"|");
    check(&claims(), &quoted, 2, &[]);
    let (end, _) = judged(&claims(), &SOUND.replace("HD", "HDR"));
    assert_eq!((end.rows, end.findings.len()), (3, 2));
}

#[test]
fn wrong_numbers() {
    check(
        &claims(),
        &SOUND.replace("TR|2|3.50", "TR|3|-4.5"),
        2,
        &[
            "the trailer record `TR` announces 3 rows, and the file holds 2",
            "paid: the trailer record `TR` announces a total of -4.50, and the sum over the 2 \
             accepted rows is 3.50",
        ],
    );
    check(
        &claims(),
        &SOUND.replace("201501|", "201502|"),
        2,
        &[
            "day: the header record `HD` announces data of 2015-02-01 to 2015-02-28, and 1 of the 2 \
           accepted rows lie outside",
        ],
    );
    // Rejected rows are rows, and have no value to add.
    check(
        &claims(),
        &SOUND.replace("2.50\n", "2.5O\n"),
        2,
        &[
            "paid: the trailer record `TR` announces a total of 3.50, and the sum over the 1 \
           accepted row is 1.00 (1 row was rejected)",
        ],
    );
}

#[test]
fn records_that_are_missing_or_cannot_be_read() {
    check(
        &claims(),
        "20150101|1.00\n",
        1,
        &[
            "the header record `HD` is missing",
            "the trailer record `TR` is missing",
        ],
    );
    check(
        &claims(),
        "HD|2015|x\n20150101|1.00\nTR|one\n",
        1,
        &[
            "the header record `HD`: the period cannot be read",
            "the trailer record `TR`: the number of rows cannot be read",
            "the trailer record `TR`: the total of `paid` cannot be read",
        ],
    );
    check(&claims(), "HD|201501|201501\nTR|0|0\n", 0, &[]);
}

#[test]
fn rows_outside_of_the_control_records() {
    check(
        &claims(),
        "20150101|1.00\nHD|201501|201501\nTR|3|3.00\n20150101|1.00\n20150101|1.00\n",
        3,
        &[
            "1 row stands before the header record `HD`",
            "2 rows stand after the trailer record `TR`",
        ],
    );
}

#[test]
fn glued_files_add_up() {
    let glued = SOUND.to_owned() + &SOUND.replace("2015", "2016");
    check(&claims(), &glued, 4, &[]);
    check(
        &claims(),
        &glued
            .replace("TR|2|3.50", "TR|2|3.5")
            .replacen("TR|2", "TR|1", 1),
        4,
        &["the 2 trailer records `TR` announce 3 rows, and the file holds 4"],
    );
    let cut = glued.rsplit_once("TR").unwrap().0;
    check(
        &claims(),
        cut,
        4,
        &[
            "the trailer record `TR` announces 2 rows, and the file holds 4",
            "2 rows stand after the trailer record `TR`",
            "there are 2 header and 1 trailer records",
            "paid: the trailer record `TR` announces a total of 3.50, and the sum over the 4 \
             accepted rows is 7.00",
        ],
    );
}

#[test]
fn control_records_of_fixed_width_and_before_a_header() {
    let mut contract = members(None);
    let place = |start, length| FieldPlace::Characters(Characters { start, length });
    contract.columns[2].implied_decimals = true;
    contract.columns[2].column_type = ColumnType::Integer;
    let mut trailer = record("TRL");
    trailer.row_count = Some(place(4, 6));
    trailer.totals = [("paid".to_owned(), place(10, 10))].into();
    contract.format.control = Some(Control {
        header: Some(record("HDR")),
        trailer: Some(trailer),
        period_column: None,
        severity: Severity::Warn,
    });
    check(
        &contract,
        "HDR\n001Smith 00005\nTRL0000010000000005\n",
        1,
        &[],
    );
    check(
        &contract,
        "HDR\n001Smith 00005\nTRL0000020000000005\n",
        1,
        &["the trailer record `TRL` announces 2 rows, and the file holds 1"],
    );

    let mut claims = claims();
    dialect(&mut claims).header = Header::ByName;
    let named = SOUND.replace("HD|201501|2015-02\n", "HD|201501|2015-02\nday|paid\n");
    check(&claims, &named, 2, &[]);
}

#[test]
fn control_records_name_columns_that_can_be_checked() {
    let check = |change: &dyn Fn(&mut Control), expect: &str| {
        let mut contract = claims();
        change(contract.format.control.as_mut().unwrap());
        let error = Plan::compile(&contract).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    let total = |name: &str| [(name.to_owned(), FieldPlace::Field(1))].into();
    check(
        &|control| control.trailer.as_mut().unwrap().totals = total("day"),
        "`day` has a control total and is no number",
    );
    check(
        &|control| control.trailer.as_mut().unwrap().totals = total("x"),
        "`x`, which is no column",
    );
    check(
        &|control| control.period_column = Some("paid".to_owned()),
        "`paid` is held against a period and is no date",
    );
}
