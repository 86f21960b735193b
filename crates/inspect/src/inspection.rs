//! Typing and checking a block: tile by tile, column by column; then rows that broke a rule are
//! taken out of the columns and given their reasons.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use contract::Severity;

use crate::block::{Block, FilePlaces, Span};
use crate::column::{Source, type_column};
use crate::json::Fault;
use crate::outcome::{Inspected, Problem, Reject, Warning};
use crate::reason::{Broken, CellRule, RecordRule};
use crate::splitter::RECORD_BYTES_MAX;
use crate::statistics::ColumnStatistics;
use crate::tile::{Misshapen, Tile, tile_records};
use crate::values::{ColumnValues, TextValues, keep_runs};

pub(crate) fn inspect(block: &Block) -> Inspected {
    let mut inspection = Inspection::new(block);
    if block.too_long_bytes.is_some() {
        inspection.reject_record(0, RecordRule::RecordLength, None);
    } else {
        let mut tile = Tile::default();
        let mut first = 0;
        while first < block.records.len() {
            let rest = &block.records[first..];
            let spans = &rest[..tile_records(rest)];
            inspection.take_tile(&mut tile, spans, first as u32);
            first += spans.len();
        }
        inspection.unknown_members = tile.unknown_members.into_iter().collect();
    }
    inspection.finish()
}

struct Inspection<'b> {
    block: &'b Block,
    columns: Vec<ColumnValues>,
    /// The record of each row in `columns`. After each tile: of accepted rows only.
    rows: Vec<u32>,
    /// The runs of accepted rows in a tile, kept to be filled again.
    accepted_runs: Vec<Range<usize>>,
    /// By record.
    rejected: Vec<bool>,
    broken_cells: Vec<BrokenCell>,
    /// In record order.
    broken_records: Vec<(u32, Problem)>,
    scratch: Vec<u8>,
    unknown_members: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct BrokenCell {
    record: u32,
    column: u32,
    broken: Broken,
}

impl<'b> Inspection<'b> {
    fn new(block: &'b Block) -> Self {
        let rows = block.records.len();
        let columns = block.plan.compiled.columns.iter();
        Self {
            block,
            columns: columns
                .map(|column| ColumnValues::new(&column.kind, rows))
                .collect(),
            rows: Vec::with_capacity(rows),
            accepted_runs: Vec::new(),
            rejected: vec![false; rows],
            broken_cells: Vec::new(),
            broken_records: Vec::new(),
            scratch: Vec::new(),
            unknown_members: Vec::new(),
        }
    }

    fn take_tile(&mut self, tile: &mut Tile, spans: &[Span], first_record: u32) {
        let block = self.block;
        let binding = &*block.binding;
        binding.reader.fill(
            tile,
            &block.raw,
            (spans, first_record),
            binding.width(),
            |record, how| match how {
                Misshapen::FieldCount => self.reject_record(record, RecordRule::FieldCount, None),
                Misshapen::Quote { field } => {
                    self.reject_record(record, RecordRule::Quote, Some(field));
                }
                Misshapen::Json(fault) => self.reject_json(record, fault),
                Misshapen::Length => self.reject_record(record, RecordRule::FixedLength, None),
            },
        );
        self.take_rows(tile);
    }

    /// Types and checks the rows of a tile, however it was filled.
    fn take_rows(&mut self, tile: &Tile) {
        let block = self.block;
        let (plan, binding) = (&*block.plan.compiled, &*block.binding);
        let before = self.rows.len();
        self.rows.extend(tile.rows.iter().map(|row| row.record));
        let bytes = tile.bytes(&block.raw);
        let (reader, encoding) = (&binding.reader, binding.encoding);
        let source = Source::new(bytes, tile, reader, encoding);
        for (at, column) in plan.columns.iter().enumerate() {
            let (rejected, broken_cells) = (&mut self.rejected, &mut self.broken_cells);
            let mut report = |record: u32, broken: Broken| {
                let rejects = broken
                    .rules()
                    .any(|rule| severity(column.severity, rule) > Severity::Warn);
                rejected[record as usize] |= rejects;
                broken_cells.push(BrokenCell {
                    record,
                    column: at as u32,
                    broken,
                });
            };
            let out = &mut self.columns[at];
            type_column(
                column,
                source,
                binding.fields[at],
                out,
                &mut self.scratch,
                &mut report,
            );
        }
        self.drop_rejected(before);
    }

    /// Takes the rejected among the rows from `before` on out of the columns, while the tile is
    /// still in the processor's cache: to filter whole columns would copy all of the block.
    fn drop_rejected(&mut self, before: usize) {
        let runs = &mut self.accepted_runs;
        runs.clear();
        let mut start = before;
        for (at, &record) in self.rows.iter().enumerate().skip(before) {
            if self.rejected[record as usize] {
                runs.push(start..at);
                start = at + 1;
            }
        }
        if start == before {
            return;
        }
        runs.push(start..self.rows.len());
        keep_runs(&mut self.rows, runs);
        for column in &mut self.columns {
            column.keep_runs(runs);
        }
    }

    /// A record that is no JSON object, or not one that can be read.
    #[cold]
    fn reject_json(&mut self, record: u32, fault: Fault) {
        self.rejected[record as usize] = true;
        let problem = Problem {
            column: None,
            rule: "json".into(),
            detail: format!("{}, at byte {} of the record", fault.expected, fault.at + 1).into(),
        };
        self.broken_records.push((record, problem));
    }

    /// A record whose fields cannot be told apart.
    #[cold]
    fn reject_record(&mut self, record: u32, rule: RecordRule, field: Option<usize>) {
        let binding = &self.block.binding;
        let detail = match rule {
            RecordRule::FieldCount => format!("{} fields", binding.width()),
            RecordRule::Quote => binding.reader.expected_quoting().to_owned(),
            RecordRule::FixedLength => {
                let length = binding.reader.record_length().unwrap_or_default();
                format!("{length} characters")
            }
            RecordRule::RecordLength => {
                format!("a line end within {} MiB", RECORD_BYTES_MAX >> 20)
            }
        };
        let column = field.and_then(|field| binding.columns.get(field).copied().flatten());
        let names = &self.block.plan.compiled.columns;
        let column = column.map(|column| Arc::clone(&names[column].name));
        self.rejected[record as usize] = true;
        let problem = Problem {
            column,
            rule: rule.name().into(),
            detail: detail.into(),
        };
        self.broken_records.push((record, problem));
    }

    fn finish(mut self) -> Inspected {
        self.broken_cells
            .sort_unstable_by_key(|cell| (cell.record, cell.column));
        let block = self.block;
        let plan = &block.plan.compiled;
        let mut broken_counts = vec![0u64; plan.columns.len()];
        for cell in &self.broken_cells {
            broken_counts[cell.column as usize] += 1;
        }
        let places = block.places();
        let (rejects, warnings, failures) = self.reasons(&places);
        let unknown_members = std::mem::take(&mut self.unknown_members);
        let accepted = self.accepted(&places);
        let statistics = plan
            .columns
            .iter()
            .zip(accepted.columns())
            .zip(broken_counts)
            .map(|((column, values), broken)| {
                ColumnStatistics::of(&column.name, values, broken, column.identifies_nobody)
            })
            .collect();
        let rows_in = block.records.len();
        assert_eq!(
            rows_in,
            accepted.num_rows() + rejects.len(),
            "every row is accepted or rejected, never both, never neither"
        );
        let unique = plan.unique.as_ref();
        Inspected {
            rows_in: rows_in as u64,
            keys: unique.map_or_else(Vec::new, |unique| unique.hashes(&accepted)),
            accepted,
            rejects,
            warnings,
            failures,
            statistics,
            unknown_members,
            raw: block.raw_rows(places),
        }
    }

    /// The rejected rows with all that is wrong with them, and what is reported of others.
    fn reasons(&mut self, places: &FilePlaces) -> (Vec<Reject>, Vec<Warning>, Vec<Warning>) {
        let block = self.block;
        let plan = &block.plan.compiled;
        let mut rejects = Vec::new();
        let (mut warnings, mut failures) = (Vec::new(), Vec::new());
        let of_records = self.broken_records.iter().map(|(record, _)| *record);
        let of_cells = self.broken_cells.iter().map(|cell| cell.record);
        let mut broken: Vec<u32> = of_records.chain(of_cells).collect();
        broken.sort_unstable();
        broken.dedup();
        let mut broken_records = std::mem::take(&mut self.broken_records)
            .into_iter()
            .peekable();
        let mut cells = self.broken_cells.iter().peekable();
        for record in broken {
            let rejected = self.rejected[record as usize];
            let row = block.first_row + u64::from(record);
            let mut problems = Vec::new();
            while let Some((_, problem)) = broken_records.next_if(|(broken, _)| *broken == record) {
                problems.push(problem);
            }
            while let Some(cell) = cells.next_if(|cell| cell.record == record) {
                let column = cell.column as usize;
                for rule in cell.broken.rules() {
                    let problem = plan.problem(column, rule);
                    let severity = severity(plan.columns[column].severity, rule);
                    if severity == Severity::Fail {
                        failures.push(Warning {
                            row,
                            problem: problem.clone(),
                        });
                    }
                    if rejected {
                        problems.push(problem);
                    } else {
                        warnings.push(Warning { row, problem });
                    }
                }
            }
            if rejected {
                let span = block.records[record as usize];
                let (offset, length) = places.of(record as usize, span);
                rejects.push(Reject {
                    row,
                    offset,
                    length: block.too_long_bytes.unwrap_or(length),
                    raw: block.raw[span.start as usize..span.end as usize].to_vec(),
                    problems,
                });
            }
        }
        (rejects, warnings, failures)
    }

    fn accepted(self, places: &FilePlaces) -> RecordBatch {
        let block = self.block;
        let plan = &block.plan.compiled;
        let typed = self.columns.into_iter().zip(&plan.columns);
        let mut columns: Vec<ArrayRef> = typed
            .map(|(values, column)| values.finish(&column.kind))
            .collect();
        columns.extend(lineage(block, places, &self.rows));
        RecordBatch::try_new(Arc::clone(&plan.schema), columns)
            .expect("the schema was made from the same columns")
    }
}

/// What a broken rule does to its row.
fn severity(of_column: Severity, rule: CellRule) -> Severity {
    if rule.always_rejects() {
        Severity::Reject
    } else {
        of_column
    }
}

fn lineage(block: &Block, places: &FilePlaces, records: &[u32]) -> [ArrayRef; 4] {
    let files = TextValues::repeated(&block.plan.source_file, records.len());
    let first_row = block.first_row as i64;
    let rows = records.iter().map(|&record| first_row + i64::from(record));
    let placed = records.iter().map(|&record| {
        let (offset, length) = places.of(record as usize, block.records[record as usize]);
        (offset as i64, length as i64)
    });
    let (offsets, lengths): (Vec<i64>, Vec<i64>) = placed.unzip();
    [
        Arc::new(files.finish(None)),
        Arc::new(Int64Array::from_iter_values(rows)),
        Arc::new(Int64Array::from(offsets)),
        Arc::new(Int64Array::from(lengths)),
    ]
}
