//! Contracts in other forms, and from the Open Data Contract Standard.

use contract::{Contract, Notes};

use crate::good_documents::FULL;
use crate::written::{FIXED, SEPARATORS, debug};
use crate::{parse_contract, shown};

#[test]
fn a_contract_comes_back_from_the_open_data_contract_standard() {
    for text in [FULL, FIXED, SEPARATORS] {
        let contract = parse_contract(text).unwrap();
        let odcs = contract.to_odcs();
        let imported = Contract::from_odcs("claim.odcs.yaml", &odcs, None)
            .unwrap_or_else(|error| panic!("{error}\n{odcs}"));
        assert!(debug(&imported.contract) == debug(&contract), "{odcs}");
        assert!(imported.notes.head.is_empty(), "{:?}", imported.notes);
    }
}

#[test]
fn in_other_forms() {
    let contract = parse_contract(FIXED).unwrap();
    insta::assert_snapshot!("odcs", contract.to_odcs());
    let contract = parse_contract(FULL).unwrap();
    insta::assert_snapshot!("json_schema", contract.to_json_schema());
    insta::assert_snapshot!("sql", contract.to_sql());
    insta::assert_snapshot!("markdown", contract.to_markdown());
}

const FOREIGN: &str = r#"
apiVersion: v3.1.0
kind: DataContract
id: 1b0c
name: seller payments
version: 2.1.0
status: active
team: { name: whoever }
schema:
  - name: Payment Lines
    logicalType: object
    quality:
      - { type: sql, name: not_empty, query: "SELECT count(*) FROM {object}", mustBeGreaterThan: 0 }
    properties:
      - name: Payment ID
        logicalType: string
        physicalType: varchar(18)
        required: true
        primaryKey: true
        primaryKeyPosition: 2
        classification: restricted
        logicalTypeOptions: { maxLength: 18, pattern: "[A-Z0-9]+" }
      - { name: day, logicalType: date, primaryKey: true, primaryKeyPosition: 1, logicalTypeOptions: { format: dd/MM/yyyy, minimum: "2020-01-01" } }
      - { name: amount, logicalType: number, physicalType: "NUMERIC(12, 2)", logicalTypeOptions: { minimum: 0, maximum: 99.5 } }
      - { name: fee, logicalType: number }
      - { name: kind, logicalType: string, quality: [{ metric: invalidValues, arguments: { validValues: [a, b] }, mustBe: 0 }, { metric: nullValues, mustBeLessThan: 5, unit: percent }] }
      - { name: address, logicalType: object, properties: [{ name: street, logicalType: string }] }
      - { name: seen, logicalType: timestamp, logicalTypeOptions: { timezone: true, format: "yyyy-MM-dd'T'HH:mm:ssXXX" } }
"#;

#[test]
fn a_contract_of_another_tool_is_imported_as_far_as_it_goes() {
    let imported = Contract::from_odcs("payments.odcs.yaml", FOREIGN, None).unwrap();
    insta::assert_snapshot!("imported", imported.contract.to_yaml(&imported.notes));
}

#[test]
fn what_is_no_such_contract_is_refused() {
    let read = |text: &str, object| Contract::from_odcs("x.odcs.yaml", text, object);
    insta::assert_snapshot!("odcs_of_another_kind", shown(read("kind: Table\n", None)));
    let two = FOREIGN.replace("schema:", "schema:\n  - { name: other, properties: [] }");
    insta::assert_snapshot!("odcs_of_two_objects", shown(read(&two, None)));
    let chosen = read(&two, Some("Payment Lines")).unwrap().contract;
    assert_eq!(chosen.layout.to_string(), "payment_lines@v2");
    assert_eq!(chosen.natural_key, ["day", "payment_id"]);
    assert!(!chosen.to_yaml(&Notes::default()).contains("TODO"));
}
