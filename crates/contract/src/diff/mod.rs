//! What changes between two versions of a contract: for the files that submitters send, and for
//! the data that is stored already.
//!
//! A change is compatible where files of the old version are still read as before and stored
//! rows mean what new rows mean; anything else is breaking and needs a new layout version, with
//! its own mapping. The judgement is of documents alone: no data is looked at.

mod checks;
mod columns;
mod files;

use std::fmt;

use serde::Serialize;

use crate::Contract;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compatibility {
    Compatible,
    Breaking,
}

/// One difference between two contracts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The column, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub compatibility: Compatibility,
    /// What differs: `type integer → decimal(12,2)`.
    pub what: String,
    /// What it means for files of the old version and for stored data.
    pub meaning: String,
}

impl Contract {
    /// What `newer` changes: first the file and the contract as a whole, then column by column
    /// in the order of the older contract, columns of the newer one alone last.
    pub fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut changes = Changes::default();
        files::compare(self, newer, &mut changes);
        columns::compare(self, newer, &mut changes);
        changes.0
    }
}

/// Gathers changes; `column` of the methods is the subject.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(
        &mut self,
        compatibility: Compatibility,
        column: Option<&str>,
        what: impl Into<String>,
        meaning: &str,
    ) {
        self.0.push(Change {
            column: column.map(str::to_owned),
            compatibility,
            what: what.into(),
            meaning: meaning.to_owned(),
        });
    }

    fn compatible(&mut self, column: Option<&str>, what: impl Into<String>, meaning: &str) {
        self.add(Compatibility::Compatible, column, what, meaning);
    }

    fn breaking(&mut self, column: Option<&str>, what: impl Into<String>, meaning: &str) {
        self.add(Compatibility::Breaking, column, what, meaning);
    }
}

/// `key old → new`, with `none` where there is nothing.
fn turned<T: fmt::Display>(key: &str, old: Option<T>, new: Option<T>) -> String {
    let word =
        |value: Option<T>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    format!("{key} {} → {}", word(old), word(new))
}
