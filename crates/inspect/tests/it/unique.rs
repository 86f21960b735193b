//! A natural key stands once in a file: what repeats it is a repeat in any blocks, in memory and
//! beyond it, and its row goes where the contract says.

use std::collections::HashMap;
use std::io::Cursor;

use contract::{Column, ColumnType, Contract, Severity};
use inspect::{Inspected, KEY_MEMORY_BYTES, KeyLedger, Limits, Plan, Spill, Splitter};
use proptest::prelude::*;

use crate::reading::{With, column, contract, text};

fn keyed(key: &[&str], severity: Severity, columns: Vec<Column>) -> Contract {
    Contract {
        natural_key: key.iter().map(|name| (*name).to_owned()).collect(),
        unique: Some(severity),
        ..contract(columns)
    }
}

fn in_memory() -> Spill {
    Box::new(|| Ok(Box::new(Cursor::new(Vec::new()))))
}

/// A whole file through a ledger, in blocks of some records.
fn take(contract: &Contract, records: usize, memory_bytes: usize, file: &str) -> Vec<Inspected> {
    let plan = Plan::compile(contract).expect("the test's contract compiles");
    let limits = Limits {
        block_records_max: records,
        ..Limits::default()
    };
    let mut splitter = Splitter::with_limits(&plan.for_file("claims.csv"), limits);
    let mut blocks = splitter.push(file.as_bytes()).expect("readable");
    blocks.extend(splitter.finish().expect("readable").0);
    let mut ledger = KeyLedger::new(&plan, memory_bytes, in_memory()).expect("a key");
    let taken = |block: &inspect::Block| {
        let mut inspected = block.inspect();
        ledger.take(&mut inspected).expect("memory does not fail");
        let rows = inspected.accepted.num_rows() + inspected.rejects.len();
        assert_eq!(rows as u64, inspected.rows_in);
        inspected
    };
    blocks.iter().map(taken).collect()
}

fn accepted(blocks: &[Inspected]) -> Vec<u64> {
    let rows = |block: &Inspected| {
        let places = block.rows();
        (0..block.accepted.num_rows())
            .map(move |index| places.row(index))
            .collect::<Vec<_>>()
    };
    blocks.iter().flat_map(rows).collect()
}

const CLAIMS: &str = "claim,line,paid\nA,1,10\nA,2,11\nA,1,12\nB,,13\nB,,14\nA,x,15\nA,01,16\n";

fn claims(severity: Severity) -> Contract {
    let columns = vec![
        text("claim"),
        column("line", ColumnType::Integer),
        text("paid").length(0, 1).severity(Severity::Warn),
    ];
    keyed(&["claim", "line"], severity, columns)
}

#[test]
fn the_later_row_is_rejected_with_the_row_that_it_repeats() {
    for records in [1, 2, 100] {
        let blocks = take(&claims(Severity::Reject), records, KEY_MEMORY_BYTES, CLAIMS);
        assert_eq!(accepted(&blocks), [1, 2, 4, 5]);
        let rejects: Vec<_> = blocks.iter().flat_map(|block| &block.rejects).collect();
        let shown: Vec<_> = rejects
            .iter()
            .map(|reject| {
                let problem = &reject.problems[0];
                let raw = String::from_utf8_lossy(&reject.raw);
                (
                    reject.row,
                    &*problem.rule,
                    &*problem.detail,
                    raw.into_owned(),
                )
            })
            .collect();
        let repeat = "a key (claim, line) that no row before it has; row 1 has it";
        assert_eq!(
            shown,
            [
                (3, "unique", repeat, "A,1,12".to_owned()),
                (6, "type", "a whole number of 64 bits", "A,x,15".to_owned()),
                (7, "unique", repeat, "A,01,16".to_owned()),
            ]
        );
        let counted = rejects[0].problems[0].expected();
        assert_eq!(counted, "a key (claim, line) that no row before it has");
        assert_eq!(
            rejects[1].problems[0].expected(),
            "a whole number of 64 bits"
        );
        // A warning is of an accepted row, and statistics are of the accepted rows.
        let warned: Vec<u64> = blocks
            .iter()
            .flat_map(|b| &b.warnings)
            .map(|w| w.row)
            .collect();
        assert_eq!(warned, [1, 2, 4, 5]);
        let rows: u64 = blocks.iter().map(|block| block.statistics[0].rows).sum();
        assert_eq!(rows, 4);
    }
}

#[test]
fn a_contract_may_only_warn_or_fail_the_file() {
    let told = |blocks: &[Inspected], of: fn(&Inspected) -> &Vec<inspect::Warning>| {
        let unique = blocks
            .iter()
            .flat_map(of)
            .filter(|w| &*w.problem.rule == "unique");
        unique.map(|warning| warning.row).collect::<Vec<_>>()
    };
    let blocks = take(&claims(Severity::Warn), 3, KEY_MEMORY_BYTES, CLAIMS);
    assert_eq!(accepted(&blocks), [1, 2, 3, 4, 5, 7]);
    assert_eq!(told(&blocks, |block| &block.warnings), [3, 7]);
    let blocks = take(&claims(Severity::Fail), 3, KEY_MEMORY_BYTES, CLAIMS);
    assert_eq!(accepted(&blocks), [1, 2, 4, 5]);
    assert_eq!(told(&blocks, |block| &block.failures), [3, 7]);
}

#[test]
fn a_row_that_was_refused_holds_no_key() {
    let plan = Plan::compile(&claims(Severity::Reject)).expect("it compiles");
    let mut splitter = Splitter::new(&plan.for_file("claims.csv"));
    let mut blocks = splitter.push(CLAIMS.as_bytes()).expect("readable");
    blocks.extend(splitter.finish().expect("readable").0);
    let mut inspected = blocks[0].inspect();
    // Somebody else's rule refuses the first row.
    inspected.refuse([(0, Vec::new())].into());
    let mut ledger = KeyLedger::new(&plan, KEY_MEMORY_BYTES, in_memory()).expect("a key");
    ledger.take(&mut inspected).expect("memory does not fail");
    assert_eq!(accepted(&[inspected]), [2, 3, 4, 5]);
}

#[test]
fn a_contract_that_does_not_ask_has_no_ledger() {
    let off = Contract {
        unique: None,
        ..claims(Severity::Reject)
    };
    let plan = Plan::compile(&off).expect("it compiles");
    assert!(KeyLedger::new(&plan, KEY_MEMORY_BYTES, in_memory()).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Against a plain map, whatever the blocks and however little memory there is.
    #[test]
    fn repeats_are_those_of_a_plain_map(
        keys in prop::collection::vec(prop::option::of(0..1500u32), 1..2500),
        records in 1..700usize,
        memory_bytes in 0..60_000usize,
    ) {
        let mut file = String::from("a,b\n");
        let mut first = HashMap::new();
        let mut expected = Vec::new();
        for (row, key) in (1u64..).zip(&keys) {
            match key {
                // The same digits, cut at another place, are another key.
                Some(key) if key % 2 == 0 => file += &format!("k{},{key}\n", key / 10),
                Some(key) => file += &format!("k{},0{key}\n", key / 10),
                None => file += "k,\n",
            }
            let repeats = key.and_then(|key| first.insert(key, row)).is_some();
            if !repeats {
                expected.push(row);
            }
        }
        let contract = keyed(&["b", "a"], Severity::Reject, vec![text("a"), text("b")]);
        let blocks = take(&contract, records, memory_bytes, &file);
        prop_assert_eq!(accepted(&blocks), expected);
    }
}
