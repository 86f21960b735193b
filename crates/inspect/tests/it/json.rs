//! JSON lines and JSON arrays: records, members, values, and what is damaged.

use contract::Shape;
use inspect::{Limits, Unreadable};

use crate::checks::json::visits;
use crate::reading::{Read, With, contract, read, read_in_pieces, text};

fn lines(text: &str) -> Read {
    read(&visits(Shape::JsonLines), text.as_bytes()).expect("JSON lines")
}

fn array(text: &str) -> Read {
    read(&visits(Shape::JsonArray), text.as_bytes()).expect("a JSON array")
}

/// One record's row or reject, as a line and as an element.
fn check(record: &str, expect: &str) {
    let file = format!("[{record}]");
    for read in [lines(record), array(&file)] {
        let outcome = [read.accepted(), read.rejects()].concat();
        assert_eq!(outcome, [expect], "{record}");
    }
}

#[test]
fn members_are_found_by_their_paths_in_any_order() {
    check(
        r#"{"patient":{"born":"2001-02-03","x":1},"open":true,"id":"a","paid":1.50,"visits":7}"#,
        "a|7|1.50|true|2001-02-03",
    );
    check(
        r#"{"id":"a","birthDate":"2001-02-03"}"#,
        "a|∅|∅|∅|2001-02-03",
    );
    check(
        r#"{"id":"a","patient.born":"2001-02-03"}"#,
        "a|∅|∅|∅|2001-02-03",
    );
    check(r#" { "id" : "a" , "visits" : 1 } "#, "a|1|∅|∅|∅");
    check(r#"{"\u0069d":"a"}"#, "a|∅|∅|∅|∅");
}

#[test]
fn what_is_no_value() {
    check(
        r#"{"id":"a","visits":null,"paid":"","open":" ","patient":null}"#,
        "a|∅|∅|∅|∅",
    );
    check(r#"{"visits":1}"#, "row 1: id required (a value)");
    check(r#"{"id":null}"#, "row 1: id required (a value)");
    check("{}", "row 1: id required (a value)");
}

#[test]
fn numbers_are_read_by_their_digits() {
    let visits = |number: &str, expect: &str| {
        check(
            &format!(r#"{{"id":"a","visits":{number}}}"#),
            &format!("a|{expect}|∅|∅|∅"),
        );
    };
    visits("9007199254740993", "9007199254740993");
    visits("1e3", "1000");
    visits("1.50E+1", "15");
    visits("12.0", "12");
    visits("-0", "0");
    visits("\"12\"", "12");
    let paid = |number: &str, expect: &str| {
        check(
            &format!(r#"{{"id":"a","paid":{number}}}"#),
            &format!("a|∅|{expect}|∅|∅"),
        );
    };
    paid("1E-2", "0.01");
    paid("0.1", "0.10");
    paid("123456.789e1", "1234567.89");
    paid("1234567890.12", "1234567890.12");
    let refused = |member: &str, expect: &str| {
        check(
            &format!(r#"{{"id":"a",{member}}}"#),
            &format!("row 1: {expect}"),
        );
    };
    refused("\"visits\":1.5", "visits type (a whole number of 64 bits)");
    refused(
        "\"visits\":1e400",
        "visits type (a whole number of 64 bits)",
    );
    refused(
        "\"visits\":\"1e3\"",
        "visits type (a whole number of 64 bits)",
    );
    refused("\"visits\":true", "visits type (a whole number of 64 bits)");
    refused("\"visits\":[1]", "visits type (a whole number of 64 bits)");
    refused(
        "\"paid\":1e-3",
        "paid type (a number with at most 10 digits before the point and 2 after it)",
    );
}

#[test]
fn booleans_and_their_spellings() {
    check(r#"{"id":"a","open":false}"#, "a|∅|∅|false|∅");
    check(r#"{"id":"a","open":"y"}"#, "a|∅|∅|true|∅");
    check(
        r#"{"id":"a","open":"true"}"#,
        "row 1: open type (one of Y (true) or N (false))",
    );
}

#[test]
fn text_columns_keep_what_is_no_string_as_it_is_written() {
    check(r#"{"id":1.0e3}"#, "1.0e3|∅|∅|∅|∅");
    check(r#"{"id":true}"#, "true|∅|∅|∅|∅");
    check(r#"{"id":{"a":[1, "x\n"]}}"#, r#"{"a":[1, "x\n"]}|∅|∅|∅|∅"#);
    check(
        r#"{"id":"\"é\ud83d\ude00\u00e9,\t\\"}"#,
        "\"é😀é,\t\\|∅|∅|∅|∅",
    );
    check(
        r#"{"id":"a\u0000"}"#,
        "row 1: id nul_byte (text without NUL bytes)",
    );
}

#[test]
fn elements_of_arrays_are_found_by_their_places() {
    let mut contract = contract(vec![
        text("given").header("name.0.given.1"),
        text("first").header("name.0.given.0"),
        text("all").header("name"),
    ]);
    contract.format.shape = Shape::JsonLines;
    let read = |text: &str| {
        let read = read(&contract, text.as_bytes()).unwrap();
        [read.accepted(), read.rejects()].concat()
    };
    assert_eq!(
        read(r#"{"name":[{"given":["A","B","C"]},{"given":["D"]}]}"#),
        [r#"B|A|[{"given":["A","B","C"]},{"given":["D"]}]"#]
    );
    assert_eq!(read(r#"{"name":[]}"#), ["∅|∅|[]"]);
    assert_eq!(
        read(r#"{"name":[{"given":"A"}]}"#),
        [
            "row 1: the record json (an object, of which the contract reads members, at byte 19 of the record)"
        ]
    );
}

#[test]
fn a_record_that_is_not_json_says_what_was_expected_where() {
    let broken = |record: &str, expect: &str| {
        check(
            record,
            &format!("row 1: the record json ({expect} of the record)"),
        );
    };
    broken(
        r#"{"id":"a",}"#,
        "a member's name in double quotes, at byte 11",
    );
    broken(r#"{"id":'a'}"#, "a value, at byte 7");
    broken(
        r#"{"id":"a" "visits":1}"#,
        "a comma or the object's closing brace, at byte 11",
    );
    broken(r#"{"id":NaN}"#, "a value, at byte 7");
    broken(
        r#"{"id":"a","x":01}"#,
        "a number without leading zeros, at byte 16",
    );
    broken("[1]", "an object in braces, at byte 1");
    broken("\"id\"", "an object in braces, at byte 1");
    broken(
        r#"{"id":"a","id":"b"}"#,
        "each member that the contract reads once only, at byte 11",
    );
    broken(
        r#"{"patient":{},"id":"a","patient":{}}"#,
        "each member that the contract reads once only, at byte 24",
    );
    broken(
        r#"{"id":"a","birthDate":null,"patient":{"born":null}}"#,
        "each member that the contract reads once only, at byte 39",
    );
    broken(
        r#"{"id":"a","patient":"x"}"#,
        "an object, of which the contract reads members, at byte 21",
    );
    broken(
        r#"{"id":"\ud800"}"#,
        "a whole character: the two halves of a pair follow each other, at byte 8",
    );
}

#[test]
fn bytes_that_are_not_utf_8() {
    let file = read(
        &visits(Shape::JsonLines),
        b"{\"id\":\"\xE9\"}\n{\"id\":\"a\"}\n",
    )
    .unwrap();
    assert_eq!(
        file.rejects(),
        ["row 1: id encoding (valid text in the file's encoding)"]
    );
    assert_eq!(file.accepted(), ["a|∅|∅|∅|∅"]);
}

#[test]
fn lines_are_records() {
    let file = lines("{\"id\":\"a\"}\r\n\n{\"id\":\"b\"\n{\"id\":\"c\"}");
    assert_eq!(file.accepted(), ["a|∅|∅|∅|∅", "c|∅|∅|∅|∅"]);
    assert_eq!(
        file.rejects(),
        [
            "row 2: the record json (a comma or the object's closing brace, at byte 10 of the record)"
        ]
    );
    assert_eq!(file.lineage(), ["1|0|10", "3|23|10"]);
    assert_eq!(file.end.blank_lines, 1);
    assert_eq!(file.end.line_ends.crlf, 1);
    let contract = visits(Shape::JsonLines);
    assert_eq!(read(&contract, b"").unwrap_err(), Unreadable::Empty);
    assert_eq!(read(&contract, b"\n\n").unwrap_err(), Unreadable::Empty);
}

#[test]
fn members_that_the_contract_does_not_read_are_listed() {
    let file = lines(
        "{\"id\":\"a\",\"x\":1,\"patient\":{\"sex\":\"F\"}}\n{\"id\":\"b\",\"y\":[{\"z\":1}]}\n",
    );
    assert_eq!(file.blocks[0].unknown_members, ["patient.sex", "x", "y"]);
    let many: String = (0..5000)
        .map(|at| format!("{{\"id\":\"a\",\"n{at}\":1}}\n"))
        .collect();
    let listed = &lines(&many).blocks[0].unknown_members;
    assert!(
        listed.len() >= 1000 && listed.len() <= 10_000,
        "{}",
        listed.len()
    );
}

#[test]
fn arrays() {
    for (text, rows, findings) in [
        ("[]", 0, 0),
        (" [ ] \n", 0, 0),
        ("[{\"id\":\"a\"}]", 1, 0),
        ("\u{feff}[{\"id\":\"a\"},\n{\"id\":\"a\"}]\n", 2, 0),
        (
            "[\n  {\n    \"id\": \"a\"\n  },\n  {\n    \"id\": \"a\"\n  }\n]\n",
            2,
            0,
        ),
        ("[{\"id\":\"a\"},]", 1, 0),
        ("[{\"id\":\"a\"}{\"id\":\"a\"}]", 2, 0),
        ("[{\"id\":\"a\"}", 1, 1),
        ("[{\"id\":\"a\"},", 1, 1),
        ("[", 0, 1),
        ("[{\"id\":\"a\"}] x", 1, 1),
        ("[{\"id\":\"a\"}]\n[{\"id\":\"b\"}]", 1, 1),
    ] {
        let file = array(text);
        assert_eq!(file.accepted(), vec!["a|∅|∅|∅|∅"; rows], "{text}");
        assert_eq!(file.rejects(), Vec::<String>::new(), "{text}");
        assert_eq!(file.end.findings.len(), findings, "{text}");
    }
    let text = "[{\"id\":\"a\"}, {\"id\":\"]},{\"} ]";
    assert_eq!(array(text).lineage(), ["1|1|10", "2|13|13"]);
    let contract = visits(Shape::JsonArray);
    let refused = |text: &str| read(&contract, text.as_bytes()).unwrap_err();
    assert_eq!(refused(""), Unreadable::Empty);
    assert_eq!(refused(" \n"), Unreadable::Empty);
    let object = refused("{\"data\":[]}").to_string();
    assert!(
        object.contains("is a JSON object or several, not one JSON array"),
        "{object}"
    );
    let other = refused("id,visits\n").to_string();
    assert!(
        other.contains("is something else, not one JSON array"),
        "{other}"
    );
}

/// Which of the elements `1` to `9` are accepted, and what is rejected.
fn check_damage(text: &str, accepted: &str, rejected: &[&str]) {
    let file = array(text);
    let ids: Vec<_> = file
        .accepted()
        .iter()
        .map(|row| row[..1].to_owned())
        .collect();
    assert_eq!(ids.concat(), accepted, "{text}");
    assert_eq!(file.raw_rejects(), rejected, "{text}");
}

#[test]
fn a_damaged_element_takes_no_good_one_with_it() {
    // No closing brace.
    check_damage(
        "[\n{\"id\":\"1\"},\n{\"id\":\"2\",\n{\"id\":\"3\"},\n{\"id\":\"4\"}\n]",
        "134",
        &["{\"id\":\"2\""],
    );
    // Several of them.
    check_damage(
        "[\n{\"id\":\"1\",\n{\"id\":\"2\",\n{\"id\":\"3\"},\n{\"id\":\"4\"\n,{\"id\":\"5\"}\n]",
        "35",
        &["{\"id\":\"1\"", "{\"id\":\"2\"", "{\"id\":\"4\""],
    );
    // No closing quote.
    check_damage(
        "[\n{\"id\":\"1},\n{\"id\":\"2\"},\n{\"id\":\"3\"}\n]",
        "23",
        &["{\"id\":\"1}"],
    );
    // A line end in a string.
    check_damage(
        "[\n{\"id\":\"1\n1\"},\n{\"id\":\"2\"}]",
        "2",
        &["{\"id\":\"1\n1\"}"],
    );
    // The wrong bracket.
    check_damage(r#"[{"id":"1"],{"id":"2"}]"#, "2", &[r#"{"id":"1"]"#]);
    check_damage(
        r#"[{"id":"1","x":[1},{"id":"2"}]"#,
        "2",
        &[r#"{"id":"1","x":[1}"#],
    );
    check_damage(
        "[\n{\"id\":\"1\"},\n{\"id\":\"2\"\n]",
        "1",
        &["{\"id\":\"2\""],
    );
    // One bracket too many, and an element that is closed too early.
    check_damage(r#"[{"id":"1"}},{"id":"2"}]"#, "2", &[r#"{"id":"1"}}"#]);
    check_damage(
        r#"[{"id":"1"},"paid":{"x":1}},{"id":"2"}]"#,
        "2",
        &[r#"{"id":"1"},"paid":{"x":1}}"#],
    );
    // What is no object.
    check_damage(
        r#"[1,null,{"id":"2"},"x",[{"id":"3"}],{"id":"4"}, x ]"#,
        "4",
        &["1,null", r#"{"id":"2"},"x",[{"id":"3"}]"#, "x"],
    );
    // Pretty-printed, with objects inside.
    let element = |id: &str, close: &str| {
        format!(
            "  {{\n    \"patient\":\n    {{\n      \"x\": 1\n    {close},\n    \"id\": \"{id}\"\n  }}"
        )
    };
    let elements = [element("1", "}"), element("2", ""), element("3", "}")];
    let text = format!("[\n{}\n]", elements.join(",\n"));
    check_damage(&text, "13", &[elements[1].trim_start()]);
    // Cut off.
    check_damage(
        "[{\"id\":\"1\"},{\"id\":\"2\",\"pa",
        "1",
        &["{\"id\":\"2\",\"pa"],
    );
    // On one line nothing tells where the next begins.
    check_damage(
        r#"[{"id":"1"},{"id":"2",{"id":"3"}]"#,
        "1",
        &[r#"{"id":"2",{"id":"3"}"#],
    );
}

#[test]
fn lines_that_look_like_elements_inside_good_ones_are_not_believed() {
    let odd = |id: &str| format!("{{\n\"id\":\"{id}\",\n\"x\":\n{{\n\"id\":\"9\"\n}}\n}}");
    let text = format!("[\n{},\n{}\n]", odd("1"), odd("2"));
    check_damage(&text, "12", &[]);
    let broken = format!(
        "{{\n\"id\":\"3\",\n\"x\":\n{{\n\"id\":\"9\"\n}},\n{}",
        odd("4")
    );
    let text = format!("[\n{},\n{broken}\n]", odd("1"));
    check_damage(&text, "1", &[&broken]);
}

#[test]
fn a_record_that_is_too_long_is_kept_in_part() {
    let limits = Limits {
        record_bytes_max: 40,
        record_prefix_bytes: 12,
        ..Limits::default()
    };
    let long = "x".repeat(100);
    let text = format!("[\n{{\"id\":\"1\"}},\n{{\"id\":\"{long}\"}},\n{{\"id\":\"2\"}}\n]");
    for size in [1, 7, 1000] {
        let contract = visits(Shape::JsonArray);
        let file = read_in_pieces(&contract, limits, text.as_bytes().chunks(size)).unwrap();
        assert_eq!(file.accepted(), ["1|∅|∅|∅|∅", "2|∅|∅|∅|∅"], "{size}");
        assert_eq!(file.raw_rejects(), ["{\"id\":\"xxxxx"], "{size}");
        assert!(file.end.findings.is_empty());
    }
}
