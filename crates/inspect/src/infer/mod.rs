//! A drafted contract from files that nobody has described yet.
//!
//! The dialect is guessed from the bytes; then the sample is read by the inspector itself, every
//! column as text, and each column's values say what they could be. A draft is a beginning: its
//! comments say what was seen, in counts and never in values, and what a person should decide.
//! Codes are listed only where a column has few of them and does not look like a person's.

mod dialect;
mod members;
pub(crate) mod names;
mod places;
mod profile;
mod sample;
mod settle;
mod types;

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use contract::{
    Column, ColumnType, Contract, Domain, FileFormat, FileNameGrammar, Header, LayoutId, Length,
    MonthSource, Notes, Pii, Shape, Thresholds,
};

use self::profile::{KeyFinder, Profile};
pub use self::sample::Sample;
use self::types::Guess;
use crate::error::Unreadable;
use crate::header::header_names;
use crate::plan::Plan;
use crate::splitter::Splitter;

/// A drafted contract and what was seen.
#[derive(Debug)]
pub struct Draft {
    pub contract: Contract,
    pub notes: Notes,
}

/// A column of so few distinct values is taken for a code.
const CODES_MAX: usize = 12;
/// Before that many rows, few distinct values mean nothing.
const ROWS_FOR_CODES: u64 = 50;

/// Drafts one contract for files of one kind.
///
/// # Errors
/// A sample is no text, is empty, or has no column in common with the first.
pub fn infer(samples: &[Sample]) -> Result<Draft, Unreadable> {
    let first = samples.first().ok_or(Unreadable::Empty)?;
    let dialect = dialect::of(&first.bytes, first.is_cut)?;
    let headers = match &dialect.places {
        Some(places) => places
            .names
            .clone()
            .unwrap_or_else(|| numbered(places.places.len())),
        None => headers(&dialect.format, samples)?,
    };
    let names = names::distinct(&headers);
    let mut columns: Vec<Column> = (headers.iter().zip(&names))
        .map(|(header, name)| Column {
            header: header.clone(),
            ..Column::new(name, ColumnType::String)
        })
        .collect();
    if let Some(found) = &dialect.places {
        for (column, place) in columns.iter_mut().zip(&found.places) {
            column.place = Some(*place);
            // The header line is skipped, not read.
            column.header.clone_from(&column.name);
        }
    }
    let as_text = Contract::new(layout(&first.file_name), dialect.format, columns);
    let seen = Seen::read(&as_text, samples)?;
    let mut draft = draft(as_text, samples, &seen);
    settle::settle(&mut draft.contract, &mut draft.notes, samples)?;
    Ok(draft)
}

/// The names that columns are found by, of all samples, each once.
fn headers(format: &FileFormat, samples: &[Sample]) -> Result<Vec<String>, Unreadable> {
    if matches!(format.shape, Shape::JsonLines | Shape::JsonArray) {
        return members::paths(format, samples);
    }
    let mut columns: Vec<String> = Vec::new();
    for sample in samples {
        let names = header_names(format, &sample.bytes)?;
        let headers = match format.header() {
            Header::ByName => names,
            Header::ByPosition | Header::Absent => numbered(names.len()),
        };
        if !columns.is_empty() && !headers.iter().any(|header| columns.contains(header)) {
            return Err(Unreadable::MissingColumns {
                missing: columns,
                fields: headers.len(),
            });
        }
        for header in headers {
            if !columns.contains(&header) {
                columns.push(header);
            }
        }
    }
    Ok(columns)
}

fn numbered(columns: usize) -> Vec<String> {
    (1..=columns)
        .map(|column| format!("column_{column}"))
        .collect()
}

impl Sample {
    /// Without a last line that is cut off.
    fn whole(&self) -> &[u8] {
        match memchr::memrchr(b'\n', &self.bytes) {
            Some(newline) if self.is_cut => &self.bytes[..=newline],
            _ => &self.bytes,
        }
    }
}

/// What the samples hold.
struct Seen {
    profiles: Vec<Profile>,
    keys: KeyFinder,
    rows: u64,
    rejected: u64,
}

impl Seen {
    fn read(as_text: &Contract, samples: &[Sample]) -> Result<Self, Unreadable> {
        let columns = as_text.columns.len();
        let mut seen = Self {
            profiles: (0..columns).map(|_| Profile::default()).collect(),
            keys: KeyFinder::new(columns),
            rows: 0,
            rejected: 0,
        };
        let plan = Plan::compile(as_text).expect("columns of text need no compiling");
        for sample in samples {
            let mut splitter = Splitter::new(&plan.for_file(&sample.file_name));
            let mut blocks = splitter.push(sample.whole())?;
            blocks.extend(splitter.finish()?.0);
            for inspected in blocks.iter().map(crate::Block::inspect) {
                seen.rows += inspected.rows_in;
                seen.rejected += inspected.rejects.len() as u64;
                seen.take(&inspected.accepted);
            }
        }
        Ok(seen)
    }

    fn take(&mut self, batch: &RecordBatch) {
        for (profile, column) in self.profiles.iter_mut().zip(batch.columns()) {
            column
                .as_string::<i32>()
                .iter()
                .for_each(|value| profile.take(value));
        }
        self.keys.take(batch);
    }
}

fn draft(as_text: Contract, samples: &[Sample], seen: &Seen) -> Draft {
    let mut notes = Notes::default();
    let mut columns = Vec::with_capacity(as_text.columns.len());
    for (column, profile) in as_text.columns.iter().zip(&seen.profiles) {
        let guess = types::guess(profile);
        let (column, said) = describe(column, profile, guess);
        notes.columns.insert(column.name.clone(), vec![said]);
        columns.push(column);
    }
    let natural_key: Vec<String> = (seen.keys.best(&seen.profiles))
        .map(|at| columns[at].name.clone())
        .collect();
    let month = (columns.iter()).find(|column| {
        matches!(
            column.column_type,
            ColumnType::Date { .. } | ColumnType::Timestamp { .. }
        ) && !names::is_birth_or_death(&column.name)
    });
    let is_fixed = matches!(as_text.format.shape, Shape::FixedWidth(_));
    notes.head = head((samples, is_fixed), seen, &natural_key, month);
    let contract = Contract {
        title: names::title(&samples[0].file_name),
        file_name: file_name(samples),
        atomic_month: month.map(|column| MonthSource::Column(column.name.clone())),
        unique: (!natural_key.is_empty()).then_some(contract::Severity::Reject),
        natural_key,
        thresholds: Thresholds {
            reject_ratio: 0.05,
            min_rows: 1,
        },
        columns,
        ..as_text
    };
    Draft { contract, notes }
}

fn describe(column: &Column, profile: &Profile, guess: Guess) -> (Column, String) {
    let pii = names::pii(&column.header, profile);
    let mut said = profile.summary();
    // An identifier of digits only is text: the next may have a leading zero or a letter.
    let column_type = match guess.column_type {
        ColumnType::Integer if names::is_identifier(&column.name) => ColumnType::String,
        other => other,
    };
    let mut column = Column {
        column_type,
        required: profile.rows > 0 && profile.nulls == 0,
        nulls: std::iter::once(String::new())
            .chain(profile.null_spellings())
            .collect(),
        check: guess.check,
        pii,
        ..column.clone()
    };
    if guess.misfits > 0 {
        let but_for = settle::but_for(&column.column_type, guess.misfits as u64);
        said = format!("{said}; {but_for}");
        column.column_type = ColumnType::String;
    }
    if let Some(remark) = guess.remark {
        said = format!("{said}; {remark}");
    }
    if column.column_type == ColumnType::String && column.check.is_none() {
        let few = profile.rows >= ROWS_FOR_CODES && profile.is_code(CODES_MAX);
        if few && matches!(pii, Pii::None | Pii::Sensitive) {
            let values = profile
                .values()
                .map(|value| (value.to_owned(), value.to_owned()));
            column.domain = Some(Domain {
                values: values.collect::<BTreeMap<_, _>>(),
            });
        } else if profile.longest > 0 {
            column.length = Some(Length {
                min: if profile.shortest == profile.longest {
                    profile.longest
                } else {
                    0
                },
                max: profile.longest,
            });
        }
    }
    (column, said)
}

fn head(
    (samples, is_fixed): (&[Sample], bool),
    seen: &Seen,
    natural_key: &[String],
    month: Option<&Column>,
) -> Vec<String> {
    let files = match samples.len() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    };
    let part = if samples.iter().any(|sample| sample.is_cut) {
        ", of which the beginning was read"
    } else {
        ""
    };
    let mut head = vec![
        format!(
            "A draft, from {} rows of {files}{part}. Check every line:",
            seen.rows
        ),
        "types, what is required, lengths and codes are what the sample shows, not what the"
            .to_owned(),
        "layout says; `pii` is guessed from names. Then: lazaret contract check THIS_FILE"
            .to_owned(),
    ];
    if is_fixed {
        head.push(
            "Where columns begin is a guess, from blanks and dates: correct every `place`."
                .to_owned(),
        );
    }
    if seen.rejected > 0 {
        head.push(format!(
            "{} rows could not be split and were passed over: they would be rejected.",
            seen.rejected
        ));
    }
    if natural_key.is_empty() {
        head.push("No column or pair of columns is unique: name the natural key.".to_owned());
    }
    if month.is_none() {
        head.push("No date gives a row its month: name one in `atomic_month`.".to_owned());
    }
    head
}

fn layout(file_name: &str) -> LayoutId {
    let name = names::file_type(file_name);
    format!("{name}@v1")
        .parse()
        .unwrap_or_else(|_| "drafted_file@v1".parse().expect("a layout id"))
}

/// The names' common form; digits, which tell files apart, may be any.
fn file_name(samples: &[Sample]) -> Option<FileNameGrammar> {
    let pattern = names::pattern(&samples[0].file_name);
    let grammar = FileNameGrammar::parse(&pattern, &BTreeMap::new()).ok()?;
    let fits = |sample: &Sample| grammar.matches(&sample.file_name).is_some();
    samples.iter().all(fits).then_some(grammar)
}
