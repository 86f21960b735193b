//! Any text, read as each kind of document: it becomes a value or an error that says where and
//! what, twice the same. A contract that is right compiles or says why it cannot, does not differ
//! from itself, and is read as the same contract when it is written out.

use contract::{CanonicalSchema, Contract, DocumentError, Feed, Mapping, Notes};
use inspect::Plan;

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Some(contract) = twice(|| parse(text)) {
        check_contract(&contract);
    }
    twice(|| Feed::parse("feeds/visits.yaml", text));
    twice(|| CanonicalSchema::parse("canonical/schemas/visit/v1.json", text));
    twice(|| Mapping::parse("canonical/mappings/visit/v1/v1.json", text));
}

fn parse(text: &str) -> Result<Contract, DocumentError> {
    Contract::parse("contracts/visit/v1.yaml", text, &domain_file)
}

fn check_contract(contract: &Contract) {
    assert!(!contract.columns.is_empty());
    for column in &contract.columns {
        assert!(contract.column(&column.name).is_some());
    }
    if let Err(error) = Plan::compile(contract) {
        assert!(!error.to_string().is_empty());
    }
    assert!(contract.changes(contract).is_empty());
    let written = contract.to_yaml(&Notes::default());
    match parse(&written) {
        Ok(again) => assert_eq!(without_hash(&again), without_hash(contract), "{written}"),
        Err(error) => panic!("{error}\n{written}"),
    }
}

/// All of it but the hash of its text.
fn without_hash(contract: &Contract) -> String {
    let contract = Contract {
        content_hash: String::new(),
        ..contract.clone()
    };
    format!("{contract:#?}")
}

/// The one domain file that there is.
fn domain_file(path: &str) -> std::io::Result<String> {
    match path {
        "codes/sex.csv" => Ok("1,male\n2,female\n".to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    }
}

fn twice<T: std::fmt::Debug>(parse: impl Fn() -> Result<T, DocumentError>) -> Option<T> {
    let (first, second) = (parse(), parse());
    match (&first, &second) {
        (Ok(first), Ok(second)) => assert_eq!(format!("{first:?}"), format!("{second:?}")),
        (Err(first), Err(second)) => {
            assert!(!first.mistakes().is_empty());
            assert!(first.to_string().contains("line "), "{first}");
            assert_eq!(first.to_string(), second.to_string());
        }
        _ => panic!("the same text is right once and wrong once"),
    }
    first.ok()
}
