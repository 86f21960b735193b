//! What is done with a block on the thread that inspects it: typing and checks, then the
//! contract's SQL rules over the accepted rows, then the split by month. Pure, so that blocks
//! may be looked at in any order and taken in the file's.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::thread::available_parallelism;

use arrow::array::{AsArray, BooleanArray, Int64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use contract::{AtomicMonth, Severity};
use inspect::{Block, Inspected, Months, Problem, Reject};
use tokio::task::JoinHandle;

use crate::PipelineError;
use crate::catalog::Layout;

/// Blocks in flight at most, however many cores there are: each holds some 15 MB.
const BLOCKS_MAX: usize = 12;

/// A block's outcome, rules of SQL included.
pub(super) struct Looked {
    pub(super) inspected: Inspected,
    /// What rules of severity `warn` found in accepted rows.
    pub(super) warned: Vec<(u64, Problem)>,
    /// What rules of severity `fail` found; their rows are rejected too.
    pub(super) failed: Vec<(u64, Problem)>,
    pub(super) months: Vec<(AtomicMonth, RecordBatch)>,
}

impl Looked {
    fn at(block: &Block, layout: &Layout, months: Months) -> Result<Self, PipelineError> {
        let mut looked = Self {
            inspected: block.inspect(),
            warned: Vec::new(),
            failed: Vec::new(),
            months: Vec::new(),
        };
        if !layout.row_rules.is_empty() && looked.inspected.accepted.num_rows() > 0 {
            looked.apply_row_rules(layout)?;
        }
        looked.months = months.split(&looked.inspected.accepted);
        Ok(looked)
    }

    /// Rows that break a rule of severity `reject` or `fail` leave the accepted ones with their
    /// raw text.
    fn apply_row_rules(&mut self, layout: &Layout) -> Result<(), PipelineError> {
        let inspected = &mut self.inspected;
        let rows = RowNumbers::of(&inspected.accepted);
        let mut refused: BTreeMap<usize, Vec<Problem>> = BTreeMap::new();
        let mut warned = Vec::new();
        for (rule, broken) in layout.row_rules.broken(&inspected.accepted)? {
            let problem = Problem {
                column: None,
                rule: rule.id.as_str().into(),
                detail: rule.explanation.as_str().into(),
            };
            for row in broken {
                match rule.severity {
                    Severity::Warn => warned.push((row, problem.clone())),
                    Severity::Reject => refused.entry(row).or_default().push(problem.clone()),
                    Severity::Fail => {
                        self.failed.push((rows.row(row), problem.clone()));
                        refused.entry(row).or_default().push(problem.clone());
                    }
                }
            }
        }
        // A warning is of an accepted row.
        self.warned = warned
            .into_iter()
            .filter(|(row, _)| !refused.contains_key(row))
            .map(|(row, problem)| (rows.row(row), problem))
            .collect();
        if refused.is_empty() {
            return Ok(());
        }
        let refused_rows: HashSet<u64> = refused.keys().map(|row| rows.row(*row)).collect();
        inspected
            .warnings
            .retain(|warning| !refused_rows.contains(&warning.row));
        let keep: BooleanArray = (0..inspected.accepted.num_rows())
            .map(|row| Some(!refused.contains_key(&row)))
            .collect();
        for (row, problems) in refused {
            let (offset, length) = rows.bytes(row);
            inspected.rejects.push(Reject {
                row: rows.row(row),
                offset: offset as u64,
                length: length as u64,
                raw: inspected.raw_row(offset, length),
                problems,
            });
        }
        inspected.rejects.sort_by_key(|reject| reject.row);
        inspected.accepted = filter_record_batch(&inspected.accepted, &keep)
            .map_err(|_| PipelineError::Interrupted("filtering rows"))?;
        Ok(())
    }
}

/// The lineage columns of a batch.
struct RowNumbers {
    row: Int64Array,
    offset: Int64Array,
    length: Int64Array,
}

impl RowNumbers {
    fn of(batch: &RecordBatch) -> Self {
        let column = |name: &str| {
            let found = batch
                .column_by_name(name)
                .expect("the inspector gives every row its lineage");
            found.as_primitive::<Int64Type>().clone()
        };
        Self {
            row: column("source_row"),
            offset: column("source_offset"),
            length: column("source_length"),
        }
    }

    fn row(&self, index: usize) -> u64 {
        self.row.value(index) as u64
    }

    fn bytes(&self, index: usize) -> (i64, i64) {
        (self.offset.value(index), self.length.value(index))
    }
}

/// Blocks being looked at, oldest first. At most two per core are in flight.
pub(super) struct Working {
    layout: Arc<Layout>,
    months: Months,
    limit: usize,
    blocks: VecDeque<JoinHandle<Result<Looked, PipelineError>>>,
}

impl Working {
    pub(super) fn new(layout: &Arc<Layout>, months: Months) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            layout: Arc::clone(layout),
            months,
            limit: (2 * cores).min(BLOCKS_MAX),
            blocks: VecDeque::new(),
        }
    }

    /// Starts a block; where enough are in flight, waits for the oldest and returns it.
    pub(super) async fn push(&mut self, block: Block) -> Result<Option<Looked>, PipelineError> {
        let (layout, months) = (Arc::clone(&self.layout), self.months);
        self.blocks.push_back(tokio::task::spawn_blocking(move || {
            Looked::at(&block, &layout, months)
        }));
        if self.blocks.len() > self.limit {
            self.next().await
        } else {
            Ok(None)
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Looked>, PipelineError> {
        match self.blocks.pop_front() {
            None => Ok(None),
            Some(block) => block
                .await
                .map_err(|_| PipelineError::Interrupted("inspecting a block"))?
                .map(Some),
        }
    }
}
