//! What is done with a block on the thread that inspects it: typing and checks, then the
//! contract's SQL rules over the accepted rows, then the split by month. Pure, so that blocks
//! may be looked at in any order and taken in the file's. Only their keys are compared in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread::available_parallelism;

use arrow::record_batch::RecordBatch;
use contract::AtomicMonth;
use inspect::{Block, Inspected, KeyLedger, Months};
use lake::Tally;
use tokio::task::JoinHandle;

use super::judge::Judge;
use crate::PipelineError;

/// Blocks in flight at most, however many cores there are: each holds some 15 MB.
const BLOCKS_MAX: usize = 12;

/// A block's outcome, rules of SQL included.
pub(super) struct Looked {
    pub(super) inspected: Inspected,
    /// One for each of the layout's measures.
    pub(super) tallies: Vec<Tally>,
    pub(super) rows: Rows,
}

/// Accepted rows as they go on.
pub(super) enum Rows {
    ByMonth(Vec<(AtomicMonth, RecordBatch)>),
    /// In the file's order, with how many are of each month.
    Whole {
        rows: RecordBatch,
        months: BTreeMap<AtomicMonth, u64>,
    },
}

/// How accepted rows are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) months: Months,
    pub(super) by_month: bool,
}

impl Wanted {
    fn rows(self, accepted: &RecordBatch) -> Rows {
        if self.by_month {
            return Rows::ByMonth(self.months.split(accepted));
        }
        Rows::Whole {
            rows: accepted.clone(),
            months: self.months.count(accepted),
        }
    }
}

impl Rows {
    /// Adds how many are of each month.
    pub(super) fn count(&self, counts: &mut BTreeMap<AtomicMonth, u64>) {
        match self {
            Self::ByMonth(months) => {
                for (month, rows) in months {
                    *counts.entry(*month).or_default() += rows.num_rows() as u64;
                }
            }
            Self::Whole { months, .. } => {
                for (month, rows) in months {
                    *counts.entry(*month).or_default() += rows;
                }
            }
        }
    }
}

impl Looked {
    fn at(block: &Block, judge: &Judge, wanted: Wanted) -> Result<Self, PipelineError> {
        let mut inspected = block.inspect();
        judge.apply_row_rules(&mut inspected)?;
        Ok(Self {
            tallies: judge.tally(&inspected)?,
            rows: wanted.rows(&inspected.accepted),
            inspected,
        })
    }

    /// Refuses rows whose key stood in an earlier one; blocks must come in the file's order.
    pub(super) fn compare_keys(
        &mut self,
        ledger: &mut KeyLedger,
        judge: &Judge,
        wanted: Wanted,
    ) -> Result<(), PipelineError> {
        let rows = self.inspected.accepted.num_rows();
        ledger
            .take(&mut self.inspected)
            .map_err(PipelineError::Spill)?;
        if self.inspected.accepted.num_rows() < rows {
            self.tallies = judge.tally(&self.inspected)?;
            self.rows = wanted.rows(&self.inspected.accepted);
        }
        Ok(())
    }
}

/// Blocks being looked at, oldest first. At most two per core are in flight.
pub(super) struct Working {
    judge: Arc<Judge>,
    wanted: Wanted,
    limit: usize,
    blocks: VecDeque<JoinHandle<Result<Looked, PipelineError>>>,
}

impl Working {
    pub(super) fn new(judge: &Arc<Judge>, wanted: Wanted) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            judge: Arc::clone(judge),
            wanted,
            limit: (2 * cores).min(BLOCKS_MAX),
            blocks: VecDeque::new(),
        }
    }

    /// Starts a block; where enough are in flight, waits for the oldest and returns it.
    pub(super) async fn push(&mut self, block: Block) -> Result<Option<Looked>, PipelineError> {
        let (judge, wanted) = (Arc::clone(&self.judge), self.wanted);
        self.blocks.push_back(tokio::task::spawn_blocking(move || {
            Looked::at(&block, &judge, wanted)
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
