//! What the values of a column look like, kept in bounded memory.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use arrow::array::{Array, AsArray, RecordBatch};

/// More distinct values than this are only counted as many.
const DISTINCT_MAX: usize = 100_000;
/// Values that are kept whole.
const KEPT_MAX: usize = 64;
/// Values whose types are tried; the rest are only counted.
const TRIED_MAX: usize = 20_000;
const LENGTH_OF_CODES_MAX: usize = 24;

/// Spellings that stand for no value in files that people send.
const NULL_SPELLINGS: [&str; 13] = [
    "NA", "N/A", "NULL", "null", "None", "none", "nan", "NaN", "~", "-", ".", "?", "\\N",
];

#[derive(Debug, Default)]
pub(super) struct Profile {
    pub(super) rows: u64,
    pub(super) nulls: u64,
    /// In characters, of values that are there.
    pub(super) shortest: usize,
    pub(super) longest: usize,
    kept: BTreeSet<String>,
    too_many_to_keep: bool,
    pub(super) tried: Vec<String>,
    null_spellings: BTreeSet<&'static str>,
    contacts: u64,
    distinct: HashSet<u64, RandomState>,
}

impl Profile {
    pub(super) fn take(&mut self, value: Option<&str>) {
        self.rows += 1;
        let Some(value) = value else {
            self.nulls += 1;
            return;
        };
        if let Some(null) = NULL_SPELLINGS.iter().find(|null| **null == value) {
            self.nulls += 1;
            self.null_spellings.insert(null);
            return;
        }
        let length = value.chars().count();
        self.longest = self.longest.max(length);
        self.shortest = if self.values_seen() == 1 {
            length
        } else {
            self.shortest.min(length)
        };
        self.contacts += u64::from(value.contains('@') && value.contains('.'));
        if self.distinct.len() < DISTINCT_MAX {
            let hash = self.distinct.hasher().hash_one(value);
            self.distinct.insert(hash);
        }
        if !self.kept.contains(value) {
            if self.kept.len() < KEPT_MAX {
                self.kept.insert(value.to_owned());
            } else {
                self.too_many_to_keep = true;
            }
        }
        if self.tried.len() < TRIED_MAX {
            self.tried.push(value.to_owned());
        }
    }

    pub(super) fn values_seen(&self) -> u64 {
        self.rows - self.nulls
    }

    pub(super) fn distinct(&self) -> usize {
        self.distinct.len()
    }

    /// Few, short, and each more than once on average.
    pub(super) fn is_code(&self, most: usize) -> bool {
        let count = self.kept.len();
        !self.too_many_to_keep
            && (1..=most).contains(&count)
            && self.longest <= LENGTH_OF_CODES_MAX
            && self.values_seen() >= 4 * count as u64
    }

    /// The distinct values of a code.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(String::as_str)
    }

    pub(super) fn null_spellings(&self) -> impl Iterator<Item = String> {
        self.null_spellings.iter().map(|null| (*null).to_owned())
    }

    pub(super) fn looks_like_contact(&self) -> bool {
        self.contacts * 2 > self.values_seen()
    }

    /// In counts: `never empty, 40 distinct values`.
    pub(super) fn summary(&self) -> String {
        if self.rows == 0 {
            return "no row was seen".to_owned();
        }
        if self.values_seen() == 0 {
            return "always empty".to_owned();
        }
        let empty = match self.nulls {
            0 => "never empty".to_owned(),
            nulls => format!("{:.1}% empty", 100.0 * nulls as f64 / self.rows as f64),
        };
        let distinct = match self.distinct() {
            DISTINCT_MAX => format!("over {DISTINCT_MAX} distinct values"),
            1 => "1 distinct value".to_owned(),
            count => format!("{count} distinct values"),
        };
        format!("{empty}, {distinct}")
    }
}

/// Finds columns, alone or in pairs, in which no two rows are alike.
pub(super) struct KeyFinder {
    hasher: RandomState,
    columns: usize,
    /// Of the rows' first values: one hash per column, kept for pairs.
    rows: Vec<Vec<u64>>,
}

/// Rows on which pairs are tried.
const ROWS_FOR_PAIRS: usize = 20_000;
/// Columns from the left of which pairs are tried: keys stand first.
const COLUMNS_FOR_PAIRS: usize = 12;

impl KeyFinder {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            columns,
            rows: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, batch: &RecordBatch) {
        let tried = self.columns.min(COLUMNS_FOR_PAIRS);
        for row in 0..batch.num_rows() {
            if self.rows.len() == ROWS_FOR_PAIRS {
                return;
            }
            let hashes = batch.columns()[..tried].iter().map(|column| {
                let values = column.as_string::<i32>();
                values.is_valid(row).then(|| values.value(row))
            });
            let hashes = hashes.map(|value| self.hasher.hash_one(value)).collect();
            self.rows.push(hashes);
        }
    }

    /// The columns of the best key, if there is one.
    pub(super) fn best(&self, profiles: &[Profile]) -> impl Iterator<Item = usize> + use<> {
        let always_there = |at: &usize| profiles[*at].rows > 1 && profiles[*at].nulls == 0;
        let alone = (0..profiles.len()).filter(always_there).find(|&at| {
            let counted = profiles[at].rows.min(DISTINCT_MAX as u64);
            profiles[at].distinct() as u64 >= counted
        });
        let tried = self.columns.min(COLUMNS_FOR_PAIRS);
        let pairs = (0..tried).flat_map(|one| (one + 1..tried).map(move |other| (one, other)));
        let pair = || {
            pairs
                .filter(|(one, other)| always_there(one) && always_there(other))
                .find(|&(one, other)| {
                    let mut seen = HashSet::with_capacity(self.rows.len());
                    self.rows.len() > 1
                        && self
                            .rows
                            .iter()
                            .all(|row| seen.insert((row[one], row[other])))
                })
        };
        let found = match alone {
            Some(at) => vec![at],
            None => pair().map_or_else(Vec::new, |(one, other)| vec![one, other]),
        };
        found.into_iter()
    }
}
