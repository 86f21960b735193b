//! Contracts built by hand, a whole file read at once or in pieces, and its outcome as text.

use std::fmt::Write;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use contract::{
    Column, ColumnType, Contract, Delimited, Domain, FileFormat, Length, Pii, Range, Severity,
    Shape, Transform,
};
use inspect::{FileEnd, Inspected, Limits, Plan, Problem, Splitter, Statistics, Unreadable};

pub(crate) fn contract(columns: Vec<Column>) -> Contract {
    let layout = "visit@v1".parse().expect("a layout id");
    Contract::new(layout, FileFormat::default(), columns)
}

/// How a contract's delimited file is written, to change it.
pub(crate) fn dialect(contract: &mut Contract) -> &mut Delimited {
    match &mut contract.format.shape {
        Shape::Delimited(delimited) => delimited,
        other => panic!("{other:?} is not delimited"),
    }
}

pub(crate) fn column(name: &str, column_type: ColumnType) -> Column {
    Column::new(name, column_type)
}

pub(crate) fn text(name: &str) -> Column {
    column(name, ColumnType::String)
}

pub(crate) fn date(name: &str, formats: &[&str]) -> Column {
    column(
        name,
        ColumnType::Date {
            formats: owned(formats),
        },
    )
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|item| (*item).to_owned()).collect()
}

/// What a test adds to a column.
pub(crate) trait With: Sized {
    fn required(self) -> Self;
    fn header(self, header: &str) -> Self;
    fn nulls(self, nulls: &[&str]) -> Self;
    fn untrimmed(self) -> Self;
    fn transforms(self, transforms: &[Transform]) -> Self;
    fn length(self, min: usize, max: usize) -> Self;
    fn range(self, min: Option<&str>, max: Option<&str>) -> Self;
    fn pattern(self, pattern: &str) -> Self;
    fn domain(self, pairs: &[(&str, &str)]) -> Self;
    fn severity(self, severity: Severity) -> Self;
    fn pii(self, pii: Pii) -> Self;
}

impl With for Column {
    fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }
    fn header(self, header: &str) -> Self {
        Self {
            header: header.to_owned(),
            ..self
        }
    }
    fn nulls(mut self, nulls: &[&str]) -> Self {
        self.nulls.extend(owned(nulls));
        self
    }
    fn untrimmed(self) -> Self {
        Self {
            trim: false,
            ..self
        }
    }
    fn transforms(self, transforms: &[Transform]) -> Self {
        Self {
            transforms: transforms.to_vec(),
            ..self
        }
    }
    fn length(self, min: usize, max: usize) -> Self {
        Self {
            length: Some(Length { min, max }),
            ..self
        }
    }
    fn range(self, min: Option<&str>, max: Option<&str>) -> Self {
        let owned = |bound: Option<&str>| bound.map(str::to_owned);
        Self {
            range: Some(Range {
                min: owned(min),
                max: owned(max),
            }),
            ..self
        }
    }
    fn pattern(self, pattern: &str) -> Self {
        Self {
            pattern: Some(pattern.to_owned()),
            ..self
        }
    }
    fn domain(self, pairs: &[(&str, &str)]) -> Self {
        let values = pairs
            .iter()
            .map(|(v, c)| ((*v).to_owned(), (*c).to_owned()))
            .collect();
        Self {
            domain: Some(Domain { values }),
            ..self
        }
    }
    fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
    fn pii(self, pii: Pii) -> Self {
        Self { pii, ..self }
    }
}

/// A file read to its end.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) blocks: Vec<Inspected>,
    pub(crate) end: FileEnd,
    pub(crate) statistics: Statistics,
}

pub(crate) fn read(contract: &Contract, bytes: &[u8]) -> Result<Read, Unreadable> {
    read_in_pieces(contract, Limits::default(), [bytes])
}

pub(crate) fn read_in_pieces<'a>(
    contract: &Contract,
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Read, Unreadable> {
    let plan = Plan::compile(contract).expect("the test's contract compiles");
    let mut splitter = Splitter::with_limits(&plan.for_file("in/visits.csv"), limits);
    let mut blocks = Vec::new();
    for piece in pieces {
        blocks.extend(splitter.push(piece)?);
    }
    let (last, end) = splitter.finish()?;
    blocks.extend(last);
    let blocks: Vec<Inspected> = blocks.iter().map(inspect::Block::inspect).collect();
    let mut statistics = Statistics::default();
    for block in &blocks {
        assert_eq!(block.accepted.schema(), plan.schema());
        statistics.merge(&block.statistics);
    }
    Ok(Read {
        blocks,
        end,
        statistics,
    })
}

impl Read {
    /// The contract's columns of every accepted row: `a|1|∅`.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.blocks
            .iter()
            .flat_map(|block| rows(&block.accepted, 0, 4))
            .collect()
    }

    /// Row, offset and length of every accepted row.
    pub(crate) fn lineage(&self) -> Vec<String> {
        let lineage = |block: &Inspected| {
            let first = block.accepted.num_columns() - 3;
            rows(&block.accepted, first, 0)
        };
        self.blocks.iter().flat_map(lineage).collect()
    }

    /// Every reject: `row 2: column type (a date in %Y%m%d), …`.
    pub(crate) fn rejects(&self) -> Vec<String> {
        let rejects = self.blocks.iter().flat_map(|block| &block.rejects);
        rejects
            .map(|reject| {
                let problems: Vec<_> = reject.problems.iter().map(shown).collect();
                format!("row {}: {}", reject.row, problems.join(", "))
            })
            .collect()
    }

    pub(crate) fn raw_rejects(&self) -> Vec<String> {
        let rejects = self.blocks.iter().flat_map(|block| &block.rejects);
        rejects
            .map(|reject| String::from_utf8_lossy(&reject.raw).into_owned())
            .collect()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.blocks.iter().flat_map(|block| &block.warnings);
        warnings
            .map(|w| format!("row {}: {}", w.row, shown(&w.problem)))
            .collect()
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        let failures = self.blocks.iter().flat_map(|block| &block.failures);
        failures
            .map(|w| format!("row {}: {}", w.row, shown(&w.problem)))
            .collect()
    }

    /// Everything, so that two readings can be compared.
    pub(crate) fn whole(&self) -> String {
        let mut text = String::new();
        for block in &self.blocks {
            let _ = writeln!(text, "block of {}", block.rows_in);
            for row in rows(&block.accepted, 0, 0) {
                let _ = writeln!(text, "  {row}");
            }
            let _ = writeln!(
                text,
                "{:#?}",
                (&block.rejects, &block.warnings, &block.failures)
            );
            let _ = writeln!(text, "{:#?}", block.statistics);
        }
        let _ = writeln!(text, "{:#?}", self.end);
        text
    }
}

fn shown(problem: &Problem) -> String {
    let column = problem.column.as_deref().unwrap_or("the record");
    format!("{column} {} ({})", problem.rule, problem.detail)
}

fn rows(batch: &RecordBatch, first_column: usize, columns_left_out: usize) -> Vec<String> {
    let options = FormatOptions::default().with_null("∅");
    let columns = &batch.columns()[first_column..batch.num_columns() - columns_left_out];
    let formatters: Vec<_> = columns
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).expect("printable"))
        .collect();
    let row = |at| {
        formatters
            .iter()
            .map(|f| f.value(at).to_string())
            .collect::<Vec<_>>()
            .join("|")
    };
    (0..batch.num_rows()).map(row).collect()
}
