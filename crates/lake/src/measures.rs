//! What a contract counts of the accepted rows of a file, to judge the file at its end: rules with
//! a threshold, and how much of a column is populated.

use arrow::array::{Array, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;
use contract::{Completeness, Contract, Rule, RuleScope};

use crate::LakeError;
use crate::conditions::{Condition, Conditions};

/// So many rows that fall short are named.
pub const ROWS_NAMED_MAX: usize = 5;

/// The measures of a contract, compiled for its schema.
#[derive(Debug, Clone)]
pub struct Measures {
    measures: Vec<(Measure, Compiled)>,
}

/// What is measured.
#[derive(Debug, Clone)]
pub enum Measure {
    /// A rule with a threshold: the rows that it is about and those of them that break it.
    Rule(Box<Rule>),
    /// A column: the rows that count and those of them without a value.
    Completeness {
        column: String,
        completeness: Completeness,
    },
}

/// A measure of some rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows that the measure is about.
    pub rows: u64,
    /// Those of them that fall short.
    pub short: u64,
    /// The first of those, at most [`ROWS_NAMED_MAX`], by their index in the batch.
    pub first: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Compiled {
    /// None: all rows.
    about: Option<Condition>,
    short: Short,
}

#[derive(Debug, Clone)]
enum Short {
    Breaks(Condition),
    /// The column at that place is null.
    Null(usize),
}

impl Measures {
    /// Refuses SQL that does not plan over the columns or is not boolean.
    pub fn compile(contract: &Contract, schema: &SchemaRef) -> Result<Self, LakeError> {
        let conditions = Conditions::over(schema)?;
        let mut measures = Vec::new();
        for (at, column) in contract.columns.iter().enumerate() {
            let Some(completeness) = &column.completeness else {
                continue;
            };
            let subject = format!("`of_rows` of column `{}`", column.name);
            let of_rows = completeness.of_rows.as_ref();
            let about = of_rows.map(|sql| conditions.compile(&subject, sql));
            let measure = Measure::Completeness {
                column: column.name.clone(),
                completeness: completeness.clone(),
            };
            let compiled = Compiled {
                about: about.transpose()?,
                short: Short::Null(at),
            };
            measures.push((measure, compiled));
        }
        let is_measured = |rule: &&Rule| rule.scope == RuleScope::Row && rule.threshold.is_some();
        for rule in contract.rules.iter().filter(is_measured) {
            let holds = conditions.compile(&format!("rule `{}`", rule.id), &rule.sql)?;
            let compiled = Compiled {
                about: conditions.denominator(rule)?,
                short: Short::Breaks(holds),
            };
            measures.push((Measure::Rule(Box::new(rule.clone())), compiled));
        }
        Ok(Self { measures })
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Measure> {
        self.measures.iter().map(|(measure, _)| measure)
    }

    /// One tally for each measure, in their order. A row that makes a condition impossible to
    /// compute counts, and falls short of the rule.
    pub fn tally(&self, batch: &RecordBatch) -> Result<Vec<Tally>, LakeError> {
        let tally = |(_, compiled): &(Measure, Compiled)| compiled.tally(batch);
        self.measures.iter().map(tally).collect()
    }
}

impl Compiled {
    fn tally(&self, batch: &RecordBatch) -> Result<Tally, LakeError> {
        let rows = batch.num_rows();
        let short = match &self.short {
            Short::Breaks(holds) => holds.broken(batch)?,
            Short::Null(column) => match batch.column(*column).logical_nulls() {
                Some(known) => !known.inner(),
                None => BooleanBuffer::new_unset(rows),
            },
        };
        let (rows, short) = match &self.about {
            None => (rows, short),
            Some(about) => {
                let about = about.met(batch)?;
                (about.count_set_bits(), &short & &about)
            }
        };
        Ok(Tally {
            rows: rows as u64,
            short: short.count_set_bits() as u64,
            first: short.set_indices().take(ROWS_NAMED_MAX).collect(),
        })
    }
}
