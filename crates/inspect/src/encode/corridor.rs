//! From a reader to inspected blocks in file order and one Parquet file per month.
//!
//! One thread reads ahead, one splits, the crew inspects blocks and encodes columns, and the
//! caller's thread takes outcomes in file order: it hands them to the outlet, lets rows wait by
//! month, and appends row groups. What is on its way is bounded in each place, so memory does
//! not grow with the file; decisions follow from the rows and their order, so the output is the
//! same with any number of threads.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::thread::{self, available_parallelism};

use contract::AtomicMonth;

use super::codebook::Codebooks;
use super::crew::{Crew, Urgency};
use super::parcel::Parcel;
use super::splitting::{Budget, Told, start};
use super::writing::Writing;
use super::{CorridorError, Months, ParquetSchema};
use crate::{Block, FileEnd, FilePlan, Inspected, Statistics};

/// Blocks that are being inspected or wait for those before them.
const BLOCKS_BYTES: usize = 96 << 20;

/// What is done with every block on the thread that inspected it.
type Review<'env> = Box<dyn Fn(&mut Inspected) -> io::Result<()> + Sync + 'env>;

/// Where a file's rows go.
pub trait Outlet {
    type File: Write + Send;

    /// Takes a block's outcome, in file order: its rejects, warnings and failures.
    ///
    /// # Errors
    /// It could not be taken; the corridor stops.
    fn block(&mut self, inspected: &Inspected) -> io::Result<()>;

    /// Begins a month's Parquet file. `part` is 0 but for a file that holds more months than
    /// can be open at once.
    ///
    /// # Errors
    /// It could not be made; the corridor stops.
    fn open(&mut self, month: AtomicMonth, part: usize) -> io::Result<Self::File>;

    /// The file is complete.
    ///
    /// # Errors
    /// It could not be kept; the corridor stops.
    fn close(&mut self, _month: AtomicMonth, _part: usize, _file: Self::File) -> io::Result<()> {
        Ok(())
    }
}

/// What passed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    pub rows_in: u64,
    pub rows_accepted: u64,
    pub rows_rejected: u64,
    pub statistics: Statistics,
    /// Accepted rows of each month; empty where no Parquet was asked for.
    pub months: BTreeMap<AtomicMonth, u64>,
    pub end: FileEnd,
}

/// The way of one file.
pub struct Corridor<'env> {
    plan: FilePlan,
    threads: usize,
    review: Option<Review<'env>>,
}

impl<'env> Corridor<'env> {
    pub fn new(plan: &FilePlan) -> Self {
        Self {
            plan: plan.clone(),
            threads: available_parallelism().map_or(1, NonZeroUsize::get),
            review: None,
        }
    }

    /// How many threads inspect and encode; without this, one per core.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads.get();
        self
    }

    /// Calls that for every block, on the thread that inspected it and in no particular order:
    /// rules that need typed rows may move rows from `accepted` to `rejects`.
    pub fn review(
        mut self,
        review: impl Fn(&mut Inspected) -> io::Result<()> + Sync + 'env,
    ) -> Self {
        self.review = Some(Box::new(review));
        self
    }

    /// Reads `source` to its end; `block` takes each outcome in file order.
    ///
    /// # Errors
    /// The file is unreadable as its contract, or what was asked for failed.
    pub fn inspect(
        &self,
        source: impl Read + Send,
        mut block: impl FnMut(Inspected) -> io::Result<()>,
    ) -> Result<Totals, CorridorError> {
        let work = |cut: Block| self.look_at(&cut);
        self.run(source, work, |_, told| {
            let mut passed = Totals::default();
            told.each(|inspected: Inspected| {
                passed.count(&inspected);
                block(inspected).map_err(CorridorError::Block)
            })
            .map(|end| Totals { end, ..passed })
        })
    }

    /// Reads `source` to its end; accepted rows go to one Parquet file per month.
    ///
    /// # Errors
    /// The file is unreadable as its contract, or a sink failed. Files that were begun are then
    /// not whole; the caller takes them back.
    pub fn to_parquet(
        &self,
        source: impl Read + Send,
        months: Months,
        outlet: &mut impl Outlet,
    ) -> Result<Totals, CorridorError> {
        let schema = ParquetSchema::new(self.plan.compiled.schema.clone())?;
        let books = Codebooks::new(&schema.arrow());
        let work = |cut: Block| {
            let inspected = self.look_at(&cut)?;
            let by_month = Parcel::split(&inspected.accepted, months, &books);
            Ok((inspected, by_month))
        };
        self.run(source, work, |crew, told| {
            let mut passed = Totals::default();
            let mut writing = Writing::new(schema, crew, outlet);
            let end = told.each(|(inspected, by_month): (Inspected, Vec<_>)| {
                passed.count(&inspected);
                let taken = writing.outlet().block(&inspected);
                taken.map_err(CorridorError::Block)?;
                drop(inspected);
                let mut by_month = by_month.into_iter();
                by_month.try_for_each(|(month, parcel)| writing.put(month, parcel))
            })?;
            passed.months = writing.finish()?;
            passed.end = end;
            Ok(passed)
        })
    }

    fn look_at(&self, block: &Block) -> Result<Inspected, CorridorError> {
        let mut inspected = block.inspect();
        if let Some(review) = &self.review {
            review(&mut inspected).map_err(CorridorError::Block)?;
        }
        Ok(inspected)
    }

    /// Sets the threads to work; `take` runs on this one and gets what they tell.
    fn run<T: Send>(
        &self,
        source: impl Read + Send,
        work: impl Fn(Block) -> Result<T, CorridorError> + Sync,
        take: impl FnOnce(&Crew<'_>, Outcomes<'_, T>) -> Result<Totals, CorridorError>,
    ) -> Result<Totals, CorridorError> {
        let (crew, budget) = (Crew::new(), Budget::new(BLOCKS_BYTES));
        let (crew, budget, work) = (&crew, &budget, &work);
        thread::scope(|scope| {
            let _home = SendHome { crew, budget };
            for _ in 0..self.threads {
                scope.spawn(|| crew.work());
            }
            let give = |block| crew.ask(Urgency::Later, move || work(block));
            let told = start(scope, &self.plan, source, budget, give);
            take(crew, Outcomes { told, budget })
        })
    }
}

impl Totals {
    fn count(&mut self, inspected: &Inspected) {
        self.rows_in += inspected.rows_in;
        self.rows_accepted += inspected.accepted.num_rows() as u64;
        self.rows_rejected += inspected.rejects.len() as u64;
        self.statistics.merge(&inspected.statistics);
    }
}

/// Blocks' outcomes in file order.
struct Outcomes<'a, T> {
    told: std::sync::mpsc::Receiver<Told<Result<T, CorridorError>>>,
    budget: &'a Budget,
}

impl<T> Outcomes<'_, T> {
    fn each(
        self,
        mut take: impl FnMut(T) -> Result<(), CorridorError>,
    ) -> Result<FileEnd, CorridorError> {
        for told in &self.told {
            match told {
                Told::Block { outcome, bytes } => {
                    take(outcome.recv().map_err(|_| CorridorError::Ended)??)?;
                    self.budget.release(bytes);
                }
                Told::End(end) => return Ok(*end),
                Told::Failed(error) => return Err(error),
            }
        }
        Err(CorridorError::Ended)
    }
}

/// Lets the threads go however the corridor is left, so that none is waited for in vain.
struct SendHome<'a, 'env> {
    crew: &'a Crew<'env>,
    budget: &'a Budget,
}

impl Drop for SendHome<'_, '_> {
    fn drop(&mut self) {
        self.budget.close();
        self.crew.dismiss();
    }
}
