//! What becomes of a cell: types, checks, severities, statistics.

use contract::{ColumnType, Encoding, Pii, Severity, Transform};

use crate::cells::check;
use crate::reading::{With, column, contract, date, read, text};

#[test]
fn text_is_trimmed_and_empty_is_null() {
    check(
        text("v"),
        &["a", " b ", "", "  ", "\" c\"", "\"\""],
        &["a", "b", "∅", "∅", "c", "∅"],
        &[],
    );
    check(
        text("v").untrimmed(),
        &[" b ", " ", ""],
        &[" b ", " ", "∅"],
        &[],
    );
    check(
        text("v").nulls(&["~", "NA"]),
        &["~", " NA ", "na"],
        &["∅", "∅", "na"],
        &[],
    );
}

#[test]
fn whole_numbers() {
    let expect = "row 2: v type (a whole number of 64 bits)";
    check(
        column("v", ColumnType::Integer),
        &["-7", "1.5", "", "+08"],
        &["-7", "∅", "8"],
        &[expect],
    );
}

#[test]
fn decimals_keep_their_scale_exactly() {
    let paid = column(
        "v",
        ColumnType::Decimal {
            precision: 6,
            scale: 2,
        },
    );
    check(
        paid,
        &["1234.5", "-0.05", "10000", "1.005", "3.000"],
        &["1234.50", "-0.05", "3.00"],
        &[
            "row 3: v type (a number with at most 4 digits before the point and 2 after it)",
            "row 4: v type (a number with at most 4 digits before the point and 2 after it)",
        ],
    );
}

#[test]
fn dates_in_several_formats() {
    check(
        date("v", &["%Y%m%d", "%d-%b-%Y"]),
        &[
            "20150530",
            "30-MAY-2015",
            "2015-05-30",
            "20150229",
            "99991231",
        ],
        &["2015-05-30", "2015-05-30", "9999-12-31"],
        &[
            "row 3: v type (a date in %Y%m%d or %d-%b-%Y)",
            "row 4: v type (a date in %Y%m%d or %d-%b-%Y)",
        ],
    );
}

#[test]
fn timestamps_with_and_without_zone() {
    let plain = ColumnType::Timestamp {
        formats: vec!["%Y-%m-%d %H:%M".to_owned()],
        zoned: false,
    };
    check(
        column("v", plain),
        &["2015-05-30 23:59", "2015-05-30 24:00"],
        &["2015-05-30T23:59:00"],
        &["row 2: v type (a timestamp in %Y-%m-%d %H:%M)"],
    );
    let zoned = ColumnType::Timestamp {
        formats: vec!["%+".to_owned()],
        zoned: true,
    };
    check(
        column("v", zoned),
        &["2015-05-30T23:59:00+02:00", "2015-05-30T23:59:00"],
        &["2015-05-30T21:59:00Z"],
        &["row 2: v type (a timestamp with its offset in %+)"],
    );
}

#[test]
fn booleans() {
    let flag = ColumnType::Boolean {
        truthy: vec!["yes".to_owned()],
        falsy: vec!["no".to_owned()],
    };
    check(
        column("v", flag),
        &["YES", "no", "", "2"],
        &["true", "false", "∅"],
        &["row 4: v type (one of yes (true) or no (false))"],
    );
}

#[test]
fn checks_of_text() {
    check(
        text("v").required(),
        &["a", " "],
        &["a"],
        &["row 2: v required (a value)"],
    );
    check(
        text("v").length(2, 3),
        &["ab", "a", "日本国", "\"a,bc\""],
        &["ab", "日本国"],
        &[
            "row 2: v length (2 to 3 characters)",
            "row 4: v length (2 to 3 characters)",
        ],
    );
    check(
        text("v").pattern("[0-9]{5}|X"),
        &["12345", "123456", "X"],
        &["12345", "X"],
        &["row 2: v pattern (text that matches [0-9]{5}|X)"],
    );
    check(
        text("v").domain(&[("1", "male"), ("2", "female")]),
        &["2", "3", ""],
        &["female", "∅"],
        &["row 2: v domain (one of 1, 2)"],
    );
}

#[test]
fn ranges_in_the_type_of_the_column() {
    check(
        column("v", ColumnType::Integer).range(Some("0"), Some("10")),
        &["0", "10", "11", "-1"],
        &["0", "10"],
        &["row 3: v range (0 to 10)", "row 4: v range (0 to 10)"],
    );
    check(
        column(
            "v",
            ColumnType::Decimal {
                precision: 5,
                scale: 2,
            },
        )
        .range(Some("0.5"), None),
        &["0.50", "0.49"],
        &["0.50"],
        &["row 2: v range (at least 0.5)"],
    );
    check(
        date("v", &["%Y%m%d"]).range(None, Some("2020-12-31")),
        &["20201231", "20210101"],
        &["2020-12-31"],
        &["row 2: v range (at most 2020-12-31)"],
    );
    let formats = vec!["%Y-%m-%dT%H:%M:%S%.f".to_owned()];
    check(
        column(
            "v",
            ColumnType::Timestamp {
                formats,
                zoned: false,
            },
        )
        .range(Some("2020-01-01"), Some("2020-12-31")),
        &[
            "2020-12-31T23:59:59.999999",
            "2021-01-01T00:00:00",
            "2020-01-01T00:00:00",
        ],
        &["2020-12-31T23:59:59.999999", "2020-01-01T00:00:00"],
        &["row 2: v range (2020-01-01 to 2020-12-31)"],
    );
}

#[test]
fn transforms_come_before_checks_and_null_again_after_them() {
    check(
        text("v")
            .transforms(&[Transform::RemoveDots, Transform::Uppercase])
            .pattern("[A-Z0-9]+"),
        &["e11.9", "\"e11.9\"", "..", "e-1"],
        &["E119", "E119", "∅"],
        &["row 4: v pattern (text that matches [A-Z0-9]+)"],
    );
    check(
        column("v", ColumnType::Integer)
            .transforms(&[Transform::DigitsOnly])
            .required(),
        &["1,0".trim_end_matches(",0"), "$20", "none"],
        &["1", "20"],
        &["row 3: v required (a value)"],
    );
}

#[test]
fn every_broken_column_and_rule_of_a_row_is_reported() {
    let columns = vec![
        text("id").required(),
        date("day", &["%Y%m%d"]),
        text("code")
            .length(1, 2)
            .pattern("[a-z]+")
            .domain(&[("a", "a")]),
        text("note").length(0, 3).severity(Severity::Warn),
    ];
    let read = read(
        &contract(columns),
        b"id,day,code,note\n,2009,XYZ,long\nx,20090101,a,long\n",
    )
    .unwrap();
    assert_eq!(
        read.rejects(),
        [
            "row 1: id required (a value), day type (a date in %Y%m%d), code length (1 to 2 characters), \
          code pattern (text that matches [a-z]+), code domain (one of a), \
          note length (at most 3 characters)"
        ]
    );
    assert_eq!(read.accepted(), ["x|2009-01-01|a|long"]);
    assert_eq!(
        read.warnings(),
        ["row 2: note length (at most 3 characters)"]
    );
}

#[test]
fn severity_decides_what_a_broken_check_does() {
    let columns = |severity| {
        vec![
            text("id"),
            text("v").pattern("[0-9]").required().severity(severity),
        ]
    };
    let bytes = b"id,v\na,1\nb,x\nc,\n";
    let pattern = "row 2: v pattern (text that matches [0-9])";
    let required = "row 3: v required (a value)";

    let warned = read(&contract(columns(Severity::Warn)), bytes).unwrap();
    assert_eq!(warned.accepted(), ["a|1", "b|x", "c|∅"]);
    assert_eq!(warned.warnings(), [pattern, required]);
    assert!(warned.rejects().is_empty() && warned.failures().is_empty());

    let rejected = read(&contract(columns(Severity::Reject)), bytes).unwrap();
    assert_eq!(rejected.rejects(), [pattern, required]);
    assert!(rejected.warnings().is_empty() && rejected.failures().is_empty());

    let failed = read(&contract(columns(Severity::Fail)), bytes).unwrap();
    assert_eq!(failed.rejects(), [pattern, required]);
    assert_eq!(failed.failures(), [pattern, required]);
}

#[test]
fn a_value_that_is_not_of_its_type_always_rejects() {
    let column = column("v", ColumnType::Integer).severity(Severity::Warn);
    check(
        column,
        &["x"],
        &[],
        &["row 1: v type (a whole number of 64 bits)"],
    );
}

#[test]
fn latin_1_becomes_utf_8() {
    let mut contract = contract(vec![text("name").length(4, 4), text("n")]);
    contract.format.encoding = Encoding::Latin1;
    let read_latin = read(&contract, b"name,n\nJos\xE9,1\n\"Jos\xE9\",2\nJose,3\n").unwrap();
    assert_eq!(read_latin.accepted(), ["José|1", "José|2", "Jose|3"]);
    // A byte-order mark is surer than the contract.
    let marked = read(&contract, "\u{FEFF}name,n\nJosé,1\n".as_bytes()).unwrap();
    assert_eq!(marked.accepted(), ["José|1"]);
}

#[test]
fn bytes_that_are_no_text() {
    let read = read(
        &contract(vec![text("v"), text("n")]),
        b"v,n\nJos\xE9,1\na\0b,\xFF\nok,2\n",
    )
    .unwrap();
    assert_eq!(read.accepted(), ["ok|2"]);
    assert_eq!(
        read.rejects(),
        [
            "row 1: v encoding (valid text in the file's encoding)",
            "row 2: v nul_byte (text without NUL bytes), n encoding (valid text in the file's encoding)",
        ]
    );
}

#[test]
fn statistics_count_accepted_rows_and_show_no_pii() {
    let columns = vec![
        column(
            "paid",
            ColumnType::Decimal {
                precision: 8,
                scale: 2,
            },
        ),
        date("born", &["%Y%m%d"]).pii(Pii::Quasi),
        text("note").length(0, 2).severity(Severity::Warn),
    ];
    let bytes = b"paid,born,note\n-3,20000101,long\n12.5,20010101,\n,20020101,a\nx,20030101,b\n";
    let columns = read(&contract(columns), bytes).unwrap().statistics.columns;
    let shown: Vec<String> = columns
        .iter()
        .map(|c| {
            let extreme = |e: Option<inspect::Extreme>| e.map_or("-".to_owned(), |e| e.to_string());
            let (min, max) = (extreme(c.min), extreme(c.max));
            format!(
                "{} {} rows {} nulls {} broken {min}..{max}",
                c.column, c.rows, c.nulls, c.broken
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "paid 3 rows 1 nulls 1 broken -3.00..12.50",
            "born 3 rows 0 nulls 0 broken -..-",
            "note 3 rows 1 nulls 1 broken -..-",
        ]
    );
}
