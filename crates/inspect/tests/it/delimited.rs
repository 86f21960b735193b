//! Delimited files beyond RFC 4180: separators of several characters, escapes, what stands before,
//! between and after the rows.

use contract::{ColumnType, Contract, Encoding, Header};
use inspect::{Passage, Plan, Unreadable, header_names};

use crate::reading::{Read, column, contract, dialect, read, text};

fn two_columns() -> Contract {
    contract(vec![text("a"), text("b")])
}

/// `|^^|` between fields, `|~~|` between records.
fn carets() -> Contract {
    let mut contract = two_columns();
    let dialect = dialect(&mut contract);
    dialect.delimiter = "|^^|".to_owned();
    dialect.record_separator = Some("|~~|".to_owned());
    contract
}

fn check(contract: &Contract, bytes: &str, accepted: &[&str], rejects: &[&str]) -> Read {
    let read = read(contract, bytes.as_bytes()).expect("readable");
    assert_eq!(read.accepted(), accepted, "{bytes:?}");
    assert_eq!(read.rejects(), rejects, "{bytes:?}");
    read
}

fn passage(records: u64, bytes: u64) -> Passage {
    Passage { records, bytes }
}

#[test]
fn separators_of_several_characters() {
    let file = check(
        &carets(),
        "a|^^|b|~~|1|^^|2|~~|3\n3|^^||~|~~|\n|5||^^||~~|\r\n6|^^|7",
        &["1|2", "3\n3||~", "|5||∅", "6|7"],
        &[],
    );
    assert_eq!(file.end.line_ends.separators, 4);
    assert_eq!(file.lineage()[1], "2|20|9");
    check(
        &carets(),
        "a|^^|b|~~|1|^^|2|^^|3|~~|4|~~|5|^^|6|~~||~~|",
        &["5|6"],
        &[
            "row 1: the record field_count (2 fields)",
            "row 2: the record field_count (2 fields)",
        ],
    );
}

#[test]
fn quotes_between_long_separators() {
    let file = check(
        &carets(),
        "a|^^|b|~~|\"1|^^|1\"|^^|\"2\"\"|~~|\"|~~|x|^^|\"y|~~|3|^^|4|~~|",
        &["1|^^|1|2\"|~~|", "3|4"],
        &["row 2: b quote (a closing quote before the delimiter, with quotes in the text doubled)"],
    );
    assert_eq!(file.raw_rejects(), ["x|^^|\"y"]);
}

#[test]
fn lines_with_a_long_delimiter() {
    let mut contract = two_columns();
    dialect(&mut contract).delimiter = "::".to_owned();
    let file = check(
        &contract,
        "b::a\r\n1:::2\n\"3::\n\"::4\r\n",
        &[":2|1", "4|3::"],
        &[],
    );
    assert_eq!((file.end.line_ends.lf, file.end.line_ends.crlf), (1, 2));
}

#[test]
fn classic_line_ends() {
    let mut contract = two_columns();
    dialect(&mut contract).record_separator = Some("\r".to_owned());
    check(&contract, "a,b\r1,2\r3,4", &["1|2", "3|4"], &[]);
}

#[test]
fn an_escape_in_place_of_doubled_quotes() {
    let mut contract = two_columns();
    dialect(&mut contract).escape = Some(b'\\');
    check(
        &contract,
        "a,b\n\"say \\\"a\\\",\\\\\",\"\\n\"\n\"1\n\",x\\y\n",
        &["say \"a\",\\|\\n", "1|x\\y"],
        &[],
    );
    check(
        &contract,
        "a,b\n\"1\"\"\",2\n3,\"4\\\"\n5,6\n",
        &["5|6"],
        &[
            "row 1: a quote (a closing quote before the delimiter, with quotes in the text escaped)",
            "row 2: b quote (a closing quote before the delimiter, with quotes in the text escaped)",
        ],
    );
}

#[test]
fn columns_by_alias_and_by_position() {
    let mut contract = two_columns();
    contract.columns[0].aliases = vec!["CLAIM NO".to_owned(), "claim_id".to_owned()];
    check(&contract, "b,Claim_ID\n1,2\n", &["2|1"], &[]);
    let twice = read(&contract, b"a,claim no,b\n1,2,3\n").unwrap_err();
    assert!(matches!(twice, Unreadable::DuplicateColumn { column } if column == "a"));
    contract.columns[1].aliases = vec!["claim_id".to_owned()];
    let error = Plan::compile(&contract).unwrap_err().to_string();
    assert!(error.contains("`a` and `b`"), "{error}");

    dialect(&mut contract).header = Header::ByPosition;
    check(
        &contract,
        "x,y\n1,2\nx,y\n3\n",
        &["1|2"],
        &["row 2: the record field_count (2 fields)"],
    );
    let error = read(&contract, b"x,y,z\n1,2,3\n").unwrap_err();
    assert_eq!(
        error,
        Unreadable::HeaderWidth {
            fields: 3,
            columns: 2
        }
    );
}

#[test]
fn what_stands_before_between_and_after_the_rows() {
    let mut contract = two_columns();
    let format = &mut contract.format;
    (format.skip_lines, format.skip_footer_lines) = (2, 2);
    format.comment = Some("# ".to_owned());
    let bytes = "Claims of \"May\n,\"\n\n# as,\"sent\na,b\n1,2\n#3,4\n# so,\"what\na,b\n5,6\n\n\
                 total,2\nend\n";
    let file = check(&contract, bytes, &["1|2", "#3|4", "5|6"], &[]);
    let passed = &file.end.passed;
    assert_eq!(passed.preamble, passage(2, 16));
    assert_eq!(passed.comments, passage(2, 20));
    assert_eq!(passed.header, passage(1, 3));
    assert_eq!(passed.repeated_headers, passage(1, 3));
    assert_eq!(passed.footer, passage(2, 10));
    assert_eq!((file.end.rows, file.end.blank_lines), (3, 2));
    // Fewer rows than the footer has lines: nothing is left.
    let file = check(&contract, "\n\na,b\nend\n", &[], &[]);
    assert_eq!((file.end.rows, file.end.passed.footer.records), (0, 1));
}

#[test]
fn a_comment_between_rows_of_one_tile_is_in_nobodys_way() {
    let mut contract = two_columns();
    contract.format.comment = Some("#".to_owned());
    let lines = [
        "1,2",
        "# a, b, c",
        "#\"",
        "\"3\",4",
        "#x,\"",
        "5",
        "# \u{e9}",
        "6,7",
    ];
    let file = format!("a,b\n{}\n", lines.join("\n"));
    check(
        &contract,
        &file,
        &["1|2", "3|4", "6|7"],
        &["row 3: the record field_count (2 fields)"],
    );
    let unquoted = file.replace('"', "");
    check(
        &contract,
        &unquoted,
        &["1|2", "3|4", "6|7"],
        &["row 3: the record field_count (2 fields)"],
    );
}

#[test]
fn one_delimiter_more_at_the_end() {
    let mut contract = two_columns();
    let format = dialect(&mut contract);
    (format.trailing_delimiter, format.delimiter) = (true, "|".to_owned());
    check(
        &contract,
        "a|b|\n1|2|\n3|4\n5||\n6|\n\"7\"|\"8\"|\n1|2||\n1\n",
        &["1|2", "3|4", "5|∅", "6|∅", "7|8"],
        &[
            "row 6: the record field_count (2 fields)",
            "row 7: the record field_count (2 fields)",
        ],
    );
    dialect(&mut contract).trailing_delimiter = false;
    check(
        &contract,
        "a|b\n5||\n",
        &[],
        &["row 1: the record field_count (2 fields)"],
    );
}

#[test]
fn header_names_are_found_where_the_rows_begin() {
    let mut contract = carets();
    contract.format.skip_lines = 1;
    contract.format.comment = Some("#".to_owned());
    let start = "made today|~~|# x|~~||~~|\n A |^^|\"b\"|~~|1|^^|2";
    let wide: Vec<u8> = start.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(
        header_names(&contract.format, start.as_bytes()).unwrap(),
        ["A", "b"]
    );
    contract.format.encoding = Encoding::Utf16Be;
    assert_eq!(header_names(&contract.format, &wide).unwrap(), ["A", "b"]);
}

#[test]
fn structures_that_cannot_be() {
    let check = |delimiter: &str, separator: Option<&str>, escape: Option<u8>, expect: &str| {
        let mut contract = contract(vec![column("a", ColumnType::Integer)]);
        let format = dialect(&mut contract);
        format.delimiter = delimiter.to_owned();
        format.record_separator = separator.map(str::to_owned);
        format.escape = escape;
        let error = Plan::compile(&contract).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check("", None, None, "a separator is empty");
    check("|\"|", None, None, "a separator holds the quote");
    check(",", Some("\"\""), None, "a separator holds the quote");
    check("\\,", None, Some(b'\\'), "a separator holds the escape");
}
