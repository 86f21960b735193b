//! A synthetic file of claim lines, the same at every call, and what is known about it: no
//! patient is behind it.
//!
//! Of 1000 rows 15 are broken (`broken.rs`), 10 hold commas, doubled quotes or line ends inside
//! quotes, and every fourth writes its dates in the second format.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use contract::Contract;
use serde_json::{Value, json};

use crate::broken::{Broken, WAYS, column};
use crate::row::{COLUMNS, Claim, Random};

/// The contract as a document.
pub(crate) const CONTRACT: &str = include_str!("claims.yaml");

const BROKEN_OF_1000: u64 = 15;

/// What a validator must find, and sums over the accepted rows that show that they were typed.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    /// Accepted rows by the month of `from_date`.
    pub(crate) months: BTreeMap<String, u64>,
    /// By `column:rule`; `:field_count` where the fields cannot be told apart.
    pub(crate) reasons: BTreeMap<String, u64>,
    pub(crate) sums: Sums,
}

#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) paid_cents: u64,
    pub(crate) units: u64,
    /// Days since 1970-01-01.
    pub(crate) from_days: i64,
    pub(crate) birth_days: i64,
    pub(crate) note_characters: u64,
    pub(crate) in_network: u64,
}

pub(crate) fn contract() -> Contract {
    Contract::parse("claims.yaml", CONTRACT, &|path| {
        Err(std::io::Error::other(format!("{path} is not there")))
    })
    .expect("the benchmark's contract is right")
}

/// Writes rows until the file has about that many bytes.
pub(crate) fn generate(path: &Path, bytes: u64) -> Known {
    let names: Vec<String> = contract().columns.into_iter().map(|c| c.name).collect();
    assert_eq!(names.len(), COLUMNS, "the rows fit the contract");
    let out = File::create(path).expect("the file can be made");
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut known = Known::default();
    let mut reasons = [[0; 3]; WAYS.len()];
    let mut months = [0; 12];
    let mut random = Random::seeded();
    let mut line = names.join(",").into_bytes();
    line.push(b'\n');
    loop {
        known.bytes += line.len() as u64;
        out.write_all(&line).expect("the file can be written");
        if known.bytes >= bytes {
            break;
        }
        line.clear();
        known.rows += 1;
        let claim = Claim::write(known.rows, &mut random, &mut line);
        if random.below(1000) < BROKEN_OF_1000 {
            let way = random.below(WAYS.len() as u64) as usize;
            break_row(&mut line, &claim, &WAYS[way], &mut reasons[way]);
            known.rejected += 1;
        } else {
            months[claim.month - 1] += 1;
            known.sums.add(&claim);
        }
    }
    out.flush().expect("the file can be written");
    known.accepted = known.rows - known.rejected;
    known.months = (1..=12)
        .map(|month| (format!("2025-{month:02}"), months[month - 1]))
        .collect();
    known.reasons = by_reason(&names, &reasons);
    known
}

impl Known {
    pub(crate) fn to_json(&self) -> Value {
        let sums = &self.sums;
        json!({
            "bytes": self.bytes,
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "months": self.months,
            "reasons": self.reasons,
            "sums": {
                "paid_cents": sums.paid_cents,
                "units": sums.units,
                "from_days": sums.from_days,
                "birth_days": sums.birth_days,
                "note_characters": sums.note_characters,
                "in_network": sums.in_network,
            },
        })
    }
}

impl Sums {
    fn add(&mut self, claim: &Claim) {
        self.paid_cents += claim.paid_cents;
        self.units += claim.units;
        self.from_days += claim.from_days;
        self.birth_days += claim.birth_days;
        self.note_characters += claim.note_characters;
        self.in_network += u64::from(claim.in_network);
    }
}

/// Replaces the row by its broken form.
fn break_row(line: &mut Vec<u8>, claim: &Claim, way: &Broken, counts: &mut [u64; 3]) {
    let whole = std::mem::take(line);
    let field = |index: usize| {
        let start = claim.starts[index] as usize;
        let end = claim
            .starts
            .get(index + 1)
            .map_or(whole.len(), |next| *next as usize);
        &whole[start..end - 1]
    };
    let (fields, edits) = match way {
        Broken::Cells(edits) => (COLUMNS, *edits),
        Broken::CutTo(fields) => (*fields, [].as_slice()),
        Broken::Surplus => (COLUMNS, [].as_slice()),
    };
    for index in 0..fields {
        let edit = edits.iter().find(|edit| edit.column == index);
        line.extend_from_slice(edit.map_or_else(|| field(index), |edit| edit.text.as_bytes()));
        line.push(b',');
    }
    match way {
        Broken::Surplus => line.extend_from_slice(b"9\n"),
        Broken::Cells(_) | Broken::CutTo(_) => {
            line.pop();
            line.push(b'\n');
        }
    }
    for count in &mut counts[..edits.len().max(1)] {
        *count += 1;
    }
}

fn by_reason(names: &[String], counts: &[[u64; 3]; WAYS.len()]) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for (way, counts) in WAYS.iter().zip(counts) {
        match way {
            Broken::Cells(edits) => {
                for (edit, count) in edits.iter().zip(counts) {
                    let reason = format!("{}:{}", names[edit.column], edit.rule);
                    *reasons.entry(reason).or_default() += count;
                }
            }
            Broken::CutTo(_) | Broken::Surplus => {
                *reasons.entry(":field_count".to_owned()).or_default() += counts[0];
            }
        }
    }
    assert!(
        reasons.values().all(|&count| count > 0),
        "the file is large enough for every way to be broken"
    );
    assert_eq!(names[column::NOTE], "note", "the columns' places are right");
    reasons
}
