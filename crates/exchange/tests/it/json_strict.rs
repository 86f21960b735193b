//! Strict JSON, against a public suite, against `serde_json`, and by its own rules.

use std::fs;

use exchange::ingest::strict_json::{Fault, FaultRule, parse, parse_within};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What the suite leaves to the reader, and what we say to it. All that is not here is refused
/// as `n_` is, by the grammar or as no UTF-8.
const OURS: [(&str, FaultRule); 9] = [
    ("i_number_huge_exp.json", FaultRule::NumberRange),
    ("i_number_pos_double_huge_exp.json", FaultRule::NumberRange),
    ("i_number_too_big_neg_int.json", FaultRule::NumberRange),
    ("i_number_too_big_pos_int.json", FaultRule::NumberRange),
    (
        "i_string_1st_surrogate_but_2nd_missing.json",
        FaultRule::Surrogate,
    ),
    (
        "i_string_1st_valid_surrogate_2nd_invalid.json",
        FaultRule::Surrogate,
    ),
    (
        "i_string_incomplete_surrogate_and_escape_valid.json",
        FaultRule::Surrogate,
    ),
    (
        "i_string_invalid_lonely_surrogate.json",
        FaultRule::Surrogate,
    ),
    ("i_string_lone_second_surrogate.json", FaultRule::Surrogate),
];

/// Valid JSON that we refuse, with the reason.
fn stricter(name: &str) -> Option<FaultRule> {
    match name {
        "y_object_duplicated_key.json" | "y_object_duplicated_key_and_value.json" => {
            Some(FaultRule::DuplicateMember)
        }
        "y_object_escaped_null_in_key.json" | "y_string_null_escape.json" => Some(FaultRule::Nul),
        _ => None,
    }
}

#[test]
fn a_public_suite_is_read_as_it_expects() {
    let Some(folder) = testkit::shared_data::folder("suites/JSONTestSuite/test_parsing") else {
        return;
    };
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let outcome = parse(&fs::read(&path).unwrap());
        let refused = outcome.as_ref().err().map(|fault| fault.rule);
        let ours = OURS.iter().find(|(known, _)| *known == name);
        match name.as_bytes()[0] {
            b'y' => assert_eq!(refused, stricter(&name), "{name}"),
            b'i' if ours.is_some() => assert_eq!(refused, ours.map(|(_, rule)| *rule), "{name}"),
            _ => assert!(refused.is_some(), "{name} must not be read"),
        }
        seen += 1;
    }
    assert!(seen > 100, "only {seen} files of the suite were seen");
}

fn fault(body: &str) -> Fault {
    parse(body.as_bytes()).expect_err("the body is wrong")
}

#[test]
fn a_fault_says_where_and_why() {
    let cases = [
        (
            r#"{"a":{"b":[{"c":1,"c":2}]}}"#,
            FaultRule::DuplicateMember,
            "/a/b/0/c",
            18,
        ),
        (r#"{"a":1,"\u0061":2}"#, FaultRule::DuplicateMember, "/a", 7),
        (
            r#"{"n":[1,18446744073709551616]}"#,
            FaultRule::NumberRange,
            "/n/1",
            8,
        ),
        (
            r#"{"x/y":{"~":1e999}}"#,
            FaultRule::NumberRange,
            "/x~1y/~0",
            12,
        ),
        (r#"{"t":"a\u0000b"}"#, FaultRule::Nul, "/t", 7),
        (r#"{"\u0000":1}"#, FaultRule::Nul, "", 2),
        (r#"{"t":"\ud800"}"#, FaultRule::Surrogate, "/t", 6),
        (r#"{"t":"\udc00\ud800"}"#, FaultRule::Surrogate, "/t", 6),
        ("{} {}", FaultRule::Trailing, "", 3),
        ("{} x", FaultRule::Trailing, "", 3),
        ("\u{feff}{}", FaultRule::Syntax, "", 0),
        ("", FaultRule::Syntax, "", 0),
        ("{\"a\":", FaultRule::Syntax, "/a", 5),
        ("[1,]", FaultRule::Syntax, "/1", 3),
        ("{\"a\":NaN}", FaultRule::Syntax, "/a", 5),
    ];
    for (body, rule, pointer, offset) in cases {
        let found = fault(body);
        assert_eq!(
            (found.rule, found.pointer.as_str(), found.offset),
            (rule, pointer, offset),
            "{body}"
        );
    }
    let found = parse(b"{\"a\":\"\xff\"}").unwrap_err();
    assert_eq!((found.rule, found.offset), (FaultRule::Utf8, 6));
}

#[test]
fn nesting_ends_at_its_limit() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_within(nested(5).as_bytes(), 5).is_ok());
    let found = parse_within(nested(6).as_bytes(), 5).unwrap_err();
    assert_eq!(
        (found.rule, found.pointer.as_str()),
        (FaultRule::Depth, "/0/0/0/0/0")
    );
    // Far beyond what a stack would bear.
    assert_eq!(fault(&"[".repeat(1_000_000)).rule, FaultRule::Depth);
    assert_eq!(fault(&"{\"a\":".repeat(1_000_000)).rule, FaultRule::Depth);
}

#[test]
fn a_fault_never_holds_a_value() {
    let bodies = [
        r#"{"name":"CANARY","name":"CANARY"}"#,
        r#"{"name":"CANARY\u0000"}"#,
        r#"{"name":"CANARY" "CANARY"}"#,
        r#"{"name":"CANARY"} CANARY"#,
    ];
    for body in bodies {
        let found = fault(body);
        assert!(!format!("{found} {found:?}").contains("CANARY"), "{body}");
    }
}

#[test]
fn escapes_are_resolved() {
    let read = parse(br#"["\"\\\/\b\f\n\r\t\u00e9\ud834\udd1e"]"#).unwrap();
    assert_eq!(read, json!(["\"\\/\u{8}\u{c}\n\r\té\u{1d11e}"]));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no such number", |double| double.is_finite())
            .prop_map(Value::from),
        "[^\u{0}]*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[^\u{0}]{0,8}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read_back(value in any_json()) {
        prop_assert_eq!(&parse(value.to_string().as_bytes()).unwrap(), &value);
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(&parse(&pretty).unwrap(), &value);
    }

    #[test]
    fn what_serde_json_refuses_is_refused(text in r#"[\[\]{}:,"\\ 01.eE+\-truefalsn]{0,12}"#) {
        if serde_json::from_str::<Value>(&text).is_err() {
            prop_assert!(parse(text.as_bytes()).is_err());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse(&bytes);
    }
}
