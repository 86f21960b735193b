//! What becomes of a file: its header, and files that cannot be read at all.

use contract::{ColumnType, Contract, Delimited, FileFormat, Header};
use inspect::{Plan, PlanError, Unreadable, header_names};

use crate::reading::{With, column, contract, date, dialect, read, text};

fn visits() -> Contract {
    contract(vec![
        text("id").header("VISIT_ID").required(),
        column("paid", ColumnType::Integer),
    ])
}

fn unreadable(bytes: &[u8]) -> Unreadable {
    read(&visits(), bytes).expect_err("unreadable")
}

#[test]
fn columns_are_bound_by_name_in_any_order() {
    let file = read(&visits(), b" \"Paid\" ,extra,\"visit_id\"\n5,x,a\n").unwrap();
    assert_eq!(file.accepted(), ["a|5"]);
    assert_eq!(file.end.unknown_columns, ["extra"]);
    assert!(file.end.absent_columns.is_empty());
}

#[test]
fn an_optional_column_may_be_absent() {
    let file = read(&visits(), b"VISIT_ID\na\n").unwrap();
    assert_eq!(file.accepted(), ["a|∅"]);
    assert_eq!(file.end.absent_columns, ["paid".into()]);
}

#[test]
fn a_header_alone_is_a_file_of_no_rows() {
    let file = read(&visits(), b"VISIT_ID,paid").unwrap();
    assert_eq!(file.end.rows, 0);
    assert!(file.blocks.is_empty());
}

#[test]
fn without_a_header_columns_are_bound_by_position() {
    let mut contract = visits();
    dialect(&mut contract).header = Header::Absent;
    let file = read(&contract, b"a,5\nb,6\nc\n").unwrap();
    assert_eq!(file.accepted(), ["a|5", "b|6"]);
    assert_eq!(file.rejects(), ["row 3: the record field_count (2 fields)"]);
    assert_eq!(read(&contract, b"\n\r\n").unwrap_err(), Unreadable::Empty);
}

#[test]
fn empty_files() {
    for bytes in ["", "\u{FEFF}", "\n\r\n\n"] {
        assert_eq!(unreadable(bytes.as_bytes()), Unreadable::Empty, "{bytes:?}");
    }
}

#[test]
fn missing_columns_are_named_and_the_first_line_is_not() {
    let error = unreadable(b"paid,x\n5,6\n");
    assert_eq!(
        error,
        Unreadable::MissingColumns {
            missing: vec!["VISIT_ID".to_owned()],
            fields: 2
        }
    );
    let message = unreadable(b"Jane Doe,5\n").to_string();
    assert!(
        message.contains("VISIT_ID") && !message.contains("Jane"),
        "{message}"
    );
    // A file of optional columns none of which is there is not this kind of file.
    let optional = contract(vec![text("a"), text("b")]);
    let error = read(&optional, b"c;d\n1;2\n").unwrap_err();
    assert!(
        matches!(error, Unreadable::MissingColumns { missing, fields: 1 } if missing.len() == 2)
    );
}

#[test]
fn a_column_may_be_in_the_header_once() {
    let error = unreadable(b"visit_id,paid,VISIT_ID\n1,2,3\n");
    assert_eq!(
        error,
        Unreadable::DuplicateColumn {
            column: "VISIT_ID".to_owned()
        }
    );
}

#[test]
fn a_header_that_cannot_be_split() {
    for bytes in [&b"\"VISIT_ID,paid\n1,2\n"[..], b"\"VISIT_ID\"x,paid\n"] {
        assert!(matches!(unreadable(bytes), Unreadable::BrokenHeader { .. }));
    }
    let error = unreadable(b"VISIT_ID,paid\r1,2\r");
    assert!(error.to_string().contains("LF or CRLF"), "{error}");
}

#[test]
fn other_formats_are_recognised() {
    for (bytes, what) in [
        (&b"PK\x03\x04rest"[..], "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1F\x8B\x08", "gzip"),
        (b"\xFF\xFEV\0I\0", "UTF-16"),
        (b"\xFE\xFF\0V\0I", "UTF-16"),
        (b"V\0I\0S\0I\0T\0", "UTF-16"),
        (b"PAR1", "Parquet"),
    ] {
        let message = unreadable(bytes).to_string();
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn what_is_unreadable_stays_so() {
    let plan = Plan::compile(&visits()).unwrap();
    let mut splitter = inspect::Splitter::new(&plan.for_file("x"));
    let filler = vec![b'x'; 2000];
    let first = splitter
        .push(&[b"%PDF".as_slice(), &filler].concat())
        .unwrap_err();
    assert_eq!(splitter.push(b"VISIT_ID,paid\n1,2\n").unwrap_err(), first);
    assert_eq!(splitter.finish().unwrap_err(), first);
}

#[test]
fn header_names_are_read_from_the_start_of_a_file() {
    let format = FileFormat::delimited(Delimited {
        delimiter: "|".to_owned(),
        ..Delimited::default()
    });
    let names = header_names(&format, "\u{FEFF}\nCLM_ID| \"NAME\" |é\r\n1|2|3".as_bytes()).unwrap();
    assert_eq!(names, ["CLM_ID", "NAME", "é"]);
    assert_eq!(header_names(&format, b""), Err(Unreadable::Empty));
}

#[test]
fn contracts_that_cannot_be_compiled() {
    let check = |broken: contract::Column, expect: &str| {
        let error = Plan::compile(&contract(vec![broken])).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    };
    check(text("v").pattern("("), "column `v`: the pattern");
    check(date("v", &["%Y%m"]), "`%Y%m` is not a format for a date");
    check(
        date("v", &["%Y%m%d"]).range(Some("20200101"), None),
        "`20200101` is not a date in %Y-%m-%d",
    );
    check(
        column("v", ColumnType::Integer).range(None, Some("x")),
        "`x` is not a whole number",
    );
    check(
        column(
            "v",
            ColumnType::Decimal {
                precision: 39,
                scale: 0,
            },
        ),
        "decimal(39,0)",
    );
    check(
        text("v").domain(&[("a", &"x".repeat(5000))]),
        "longer than 4096 bytes",
    );
    let formats = vec!["%Y-%m-%d %H:%M".to_owned()];
    check(
        column(
            "v",
            ColumnType::Timestamp {
                formats,
                zoned: true,
            },
        ),
        "no offset",
    );
    let twice = contract(vec![text("a").header("X"), text("b").header(" x")]);
    assert_eq!(
        Plan::compile(&twice).unwrap_err(),
        PlanError::HeaderTwice {
            first: "a".to_owned(),
            second: "b".to_owned()
        }
    );
}
