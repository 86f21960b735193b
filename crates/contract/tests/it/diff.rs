//! What a newer contract changes.

use crate::parse_contract;

const OLD: &str = r#"
contract: claim
version: 1
title: Claims
natural_key: [id]
columns:
  - { name: id, type: string, header: CLM_ID, required: true, pattern: "[0-9]+", pii: quasi }
  - { name: paid, type: "decimal(12,2)", range: { min: "0", max: "100" } }
  - { name: units, type: integer }
  - { name: day, type: date, formats: ["%Y%m%d"] }
  - { name: sex, type: string, domain: { "1": male, "2": female } }
  - { name: note, type: string, length: { max: 10 } }
rules:
  - { id: small, sql: "paid < 50", severity: warn, explanation: x }
"#;

/// The changes after replacing `from` by `to` in the old contract, one per line.
fn check(pairs: &[(&str, &str)], expect: &[&str]) {
    let mut text = OLD.to_owned();
    for (from, to) in pairs {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let parse = |text: &str| parse_contract(text).expect("a right contract");
    let (old, new) = (parse(OLD), parse(&text));
    let told: Vec<String> = (old.changes(&new).iter())
        .map(|change| {
            assert!(!change.meaning.is_empty());
            let column = change.column.iter().map(|column| format!("{column}: "));
            let column: String = column.collect();
            format!("{:?}: {column}{}", change.compatibility, change.what)
        })
        .collect();
    assert_eq!(told, expect, "{pairs:?}");
}

#[test]
fn nothing_changes_nothing() {
    check(&[], &[]);
    check(&[("title: Claims", "title: All claims")], &[]);
}

#[test]
fn columns_come_and_go() {
    let units = "  - { name: units, type: integer }\n";
    check(&[(units, "")], &["Breaking: units: removed"]);
    let more = format!("{units}  - {{ name: drg, type: string }}\n");
    check(&[(units, &more)], &["Compatible: drg: added, optional"]);
    let more = format!("{units}  - {{ name: drg, type: string, required: true }}\n");
    check(&[(units, &more)], &["Breaking: drg: added, required"]);
    check(
        &[("header: CLM_ID", "header: CLAIM")],
        &["Breaking: id: header `CLM_ID` is no longer known"],
    );
    check(
        &[("header: CLM_ID", "header: CLAIM, aliases: [clm_id]")],
        &["Compatible: id: more headers are known"],
    );
}

#[test]
fn positions_matter_where_there_are_no_names() {
    let head = ("title: Claims", "title: Claims\nfile: { header: false }");
    let (old, moved) = (
        OLD.replace(head.0, head.1),
        OLD.replace(head.0, head.1)
            .replace("  - { name: units, type: integer }\n", "")
            .replace(
                "columns:\n",
                "columns:\n  - { name: units, type: integer }\n",
            ),
    );
    let changes = parse_contract(&old)
        .unwrap()
        .changes(&parse_contract(&moved).unwrap());
    let told: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(told, ["positions of the columns"]);
}

#[test]
fn types_widen_or_break() {
    check(
        &[("decimal(12,2)", "decimal(14,2)")],
        &["Compatible: paid: type decimal(12,2) → decimal(14,2)"],
    );
    check(
        &[("decimal(12,2)", "decimal(14,4)")],
        &["Compatible: paid: type decimal(12,2) → decimal(14,4)"],
    );
    check(
        &[("decimal(12,2)", "decimal(12,4)")],
        &["Breaking: paid: type decimal(12,2) → decimal(12,4)"],
    );
    check(
        &[("units, type: integer", "units, type: string")],
        &["Breaking: units: type integer → string"],
    );
    check(
        &[("[\"%Y%m%d\"]", "[\"%Y%m%d\", \"%Y-%m-%d\"]")],
        &["Compatible: day: more formats"],
    );
    check(
        &[("[\"%Y%m%d\"]", "[\"%d%m%Y\", \"%Y%m%d\"]")],
        &["Breaking: day: other formats, or in another order"],
    );
}

#[test]
fn checks_tighten_or_loosen() {
    check(
        &[("max: \"100\"", "max: \"1000\"")],
        &["Compatible: paid: range"],
    );
    check(
        &[("max: \"100\"", "max: \"20\"")],
        &["Breaking: paid: range"],
    );
    check(
        &[("{ max: 10 }", "{ max: 20 }")],
        &["Compatible: note: length"],
    );
    check(
        &[("{ max: 10 }", "{ max: 5 }")],
        &["Breaking: note: length"],
    );
    check(
        &[("\"2\": female", "\"2\": f, \"3\": x")],
        &[
            "Compatible: sex: 1 codes more in the domain",
            "Breaking: sex: other canonical codes",
        ],
    );
    check(
        &[(", pattern: \"[0-9]+\"", "")],
        &["Compatible: id: pattern [0-9]+ → none"],
    );
    check(
        &[("required: true, ", "")],
        &["Compatible: id: no longer required"],
    );
    check(
        &[("type: integer }", "type: integer, required: true }")],
        &["Breaking: units: now required"],
    );
    check(
        &[("pii: quasi", "pii: direct")],
        &["Breaking: id: pii quasi → direct"],
    );
    check(
        &[("pii: quasi", "pii: sensitive")],
        &["Compatible: id: pii quasi → sensitive"],
    );
    check(
        &[("type: integer }", "type: integer, nulls: [\"0\"] }")],
        &["Breaking: units: spellings of no value"],
    );
}

#[test]
fn the_contract_as_a_whole() {
    check(
        &[("natural_key: [id]", "natural_key: [id, day]")],
        &["Breaking: natural key id → id, day"],
    );
    check(
        &[("natural_key: [id]", "natural_key: [id]\nunique: warn")],
        &["Compatible: unique reject → warn"],
    );
    check(
        &[("severity: warn", "severity: reject")],
        &["Breaking: rule small: severity warn → reject"],
    );
    check(
        &[("paid < 50", "paid < 40")],
        &["Breaking: rule small asks for something else"],
    );
    check(
        &[("title: Claims", "title: Claims\nfile: { delimiter: \"|\" }")],
        &["Breaking: file format"],
    );
    check(
        &[(
            "title: Claims",
            "title: Claims\nthresholds: { reject_ratio: 0.1, min_rows: 5 }",
        )],
        &[
            "Compatible: reject ratio 0.05 → 0.1",
            "Breaking: least rows 1 → 5",
        ],
    );
}
