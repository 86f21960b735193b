//! A draft is held against the samples that it was made from, and what they break is taken back:
//! a draft that rejects rows of the file that it describes would be of no use to begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use contract::{ColumnType, Contract, Notes};

use super::Sample;
use crate::error::Unreadable;
use crate::plan::Plan;
use crate::splitter::Splitter;
use crate::unique::{self, KEY_MEMORY_BYTES, KeyLedger, Spill};

/// By column and rule: how many rows broke it.
type Broken = BTreeMap<(String, String), u64>;

pub(super) fn settle(
    contract: &mut Contract,
    notes: &mut Notes,
    samples: &[Sample],
) -> Result<(), Unreadable> {
    // A value that is no longer of a type may break what is then asked of its text.
    for _ in 0..3 {
        let broken = broken(contract, samples)?;
        if broken.is_empty() {
            return Ok(());
        }
        let mut types = BTreeSet::new();
        for ((column, rule), rows) in &broken {
            if rule == unique::RULE {
                notes.head.push(format!(
                    "{rows} rows repeat {}: name the natural key.",
                    contract.natural_key.join(", ")
                ));
                contract.natural_key.clear();
                contract.unique = None;
                continue;
            }
            let of_column = contract.columns.iter_mut().find(|one| one.name == *column);
            let Some(column) = of_column else {
                continue;
            };
            let said = match rule.as_str() {
                "required" => {
                    column.required = false;
                    format!("{rows} rows without a value")
                }
                "length" => {
                    column.length = None;
                    format!("{rows} values of another length")
                }
                "domain" => {
                    column.domain = None;
                    format!("{rows} values beside the most frequent")
                }
                "check" => {
                    let check = column.check.take();
                    let name = check.map_or_else(String::new, |check| check.as_str().to_owned());
                    format!("a {name}, but for {rows} values")
                }
                "type" => {
                    let said = but_for(&column.column_type, *rows);
                    column.column_type = ColumnType::String;
                    types.insert(column.name.clone());
                    said
                }
                _ => continue,
            };
            let said = vec![said];
            notes
                .columns
                .entry(column.name.clone())
                .or_default()
                .extend(said);
        }
        if (contract.atomic_month.iter()).any(
            |month| matches!(month, contract::MonthSource::Column(name) if types.contains(name)),
        ) {
            contract.atomic_month = None;
        }
    }
    Ok(())
}

/// What a column would be, were it not for a few values.
pub(super) fn but_for(column_type: &ColumnType, misfits: u64) -> String {
    let formats = match column_type {
        ColumnType::Date { formats } | ColumnType::Timestamp { formats, .. } => {
            format!(" in {}", formats.join(" or "))
        }
        _ => String::new(),
    };
    format!("type {column_type}{formats}, but for {misfits} values, whose rows it would reject")
}

fn broken(contract: &Contract, samples: &[Sample]) -> Result<Broken, Unreadable> {
    let mut broken = Broken::new();
    let Ok(plan) = Plan::compile(contract) else {
        return Ok(broken);
    };
    for sample in samples {
        let spill: Spill = Box::new(|| Ok(Box::new(Cursor::new(Vec::new()))));
        let mut ledger = KeyLedger::new(&plan, KEY_MEMORY_BYTES, spill);
        let mut splitter = Splitter::new(&plan.for_file(&sample.file_name));
        let mut blocks = splitter.push(sample.whole())?;
        blocks.extend(splitter.finish()?.0);
        for block in &blocks {
            let mut inspected = block.inspect();
            if let Some(ledger) = &mut ledger {
                ledger.take(&mut inspected).expect("memory does not fail");
            }
            for problem in inspected.rejects.iter().flat_map(|one| &one.problems) {
                let column = problem.column.as_deref().unwrap_or_default().to_owned();
                *broken
                    .entry((column, problem.rule.to_string()))
                    .or_default() += 1;
            }
        }
    }
    // What cannot be split is no fault of a column.
    broken.retain(|(column, rule), _| !column.is_empty() || rule == unique::RULE);
    Ok(broken)
}
