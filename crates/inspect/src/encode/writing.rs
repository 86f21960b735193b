//! The tail of the corridor: waiting rows become row groups of their month's file.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::sync::mpsc::{Receiver, TryRecvError};

use contract::AtomicMonth;
use parquet::errors::ParquetError;

use super::columns::{ColumnTask, EncodedColumns, ParquetSchema, RowGroup};
use super::corridor::Outlet;
use super::crew::{Crew, Urgency};
use super::parcel::Parcel;
use super::shelf::{ROW_GROUP_BYTES, ROW_GROUP_ROWS, ShelfLimits, Shelved};
use super::{CorridorError, ParquetFile, Shelf};

/// Rows of all months that wait to become row groups, as Arrow.
const SHELF_BYTES: usize = 192 << 20;
/// Rows that are being encoded, as Arrow.
const ENCODING_BYTES: usize = 64 << 20;
/// Files that are written at the same time. A file of more months than that writes the ones
/// that rested longest in parts.
const OPEN_FILES: usize = 256;

pub(super) struct Writing<'a, 'env, O: Outlet> {
    schema: ParquetSchema,
    crew: &'a Crew<'env>,
    outlet: &'a mut O,
    shelf: Shelf<Parcel>,
    /// In the order in which they were begun, which is that of their files.
    encoding: VecDeque<Encoding>,
    encoding_bytes: usize,
    files: BTreeMap<AtomicMonth, Open<O::File>>,
    /// Parts of each month that were closed.
    parts: BTreeMap<AtomicMonth, usize>,
    appended: u64,
}

struct Open<F: Write + Send> {
    file: ParquetFile<F>,
    part: usize,
    last_used: u64,
}

struct Encoding {
    month: AtomicMonth,
    bytes: usize,
    done: Vec<EncodedColumns>,
    waiting: VecDeque<Receiver<Result<EncodedColumns, ParquetError>>>,
}

impl<'a, 'env, O: Outlet> Writing<'a, 'env, O> {
    pub(super) fn new(schema: ParquetSchema, crew: &'a Crew<'env>, outlet: &'a mut O) -> Self {
        Self {
            schema,
            crew,
            outlet,
            shelf: Shelf::new(ShelfLimits {
                bytes: SHELF_BYTES,
                month_rows: ROW_GROUP_ROWS,
                month_bytes: ROW_GROUP_BYTES,
            }),
            encoding: VecDeque::new(),
            encoding_bytes: 0,
            files: BTreeMap::new(),
            parts: BTreeMap::new(),
            appended: 0,
        }
    }

    pub(super) fn outlet(&mut self) -> &mut O {
        self.outlet
    }

    pub(super) fn put(&mut self, month: AtomicMonth, parcel: Parcel) -> Result<(), CorridorError> {
        for (month, parcels) in self.shelf.put(month, parcel) {
            self.encode(month, parcels)?;
        }
        self.settle_ready()
    }

    /// Writes what still waits and ends every file; says how many rows each month has.
    pub(super) fn finish(mut self) -> Result<BTreeMap<AtomicMonth, u64>, CorridorError> {
        for (month, parcels) in self.shelf.rest() {
            self.encode(month, parcels)?;
        }
        while !self.encoding.is_empty() {
            self.settle_oldest()?;
        }
        while let Some(month) = self.files.keys().next().copied() {
            self.close(month)?;
        }
        Ok(self.shelf.rows())
    }

    fn encode(&mut self, month: AtomicMonth, parcels: Vec<Parcel>) -> Result<(), CorridorError> {
        let bytes = parcels.iter().map(Shelved::bytes).sum();
        while !self.encoding.is_empty() && self.encoding_bytes + bytes > ENCODING_BYTES {
            self.settle_oldest()?;
        }
        let tasks = RowGroup::of_parcels(&self.schema, parcels).into_tasks();
        let ask = |task: ColumnTask| self.crew.ask(Urgency::First, move || task.encode());
        self.encoding_bytes += bytes;
        self.encoding.push_back(Encoding {
            month,
            bytes,
            done: Vec::new(),
            waiting: tasks.into_iter().map(ask).collect(),
        });
        Ok(())
    }

    /// Appends the oldest row groups that are encoded, without waiting.
    fn settle_ready(&mut self) -> Result<(), CorridorError> {
        while let Some(oldest) = self.encoding.front_mut() {
            while let Some(task) = oldest.waiting.front() {
                match task.try_recv() {
                    Ok(columns) => oldest.done.push(columns?),
                    Err(TryRecvError::Empty) => return Ok(()),
                    Err(TryRecvError::Disconnected) => return Err(CorridorError::Ended),
                }
                oldest.waiting.pop_front();
            }
            self.settle_oldest()?;
        }
        Ok(())
    }

    fn settle_oldest(&mut self) -> Result<(), CorridorError> {
        let Some(mut oldest) = self.encoding.pop_front() else {
            return Ok(());
        };
        for task in oldest.waiting {
            let columns = task.recv().map_err(|_| CorridorError::Ended)?;
            oldest.done.push(columns?);
        }
        self.encoding_bytes -= oldest.bytes;
        self.append(oldest.month, oldest.done)
    }

    fn append(
        &mut self,
        month: AtomicMonth,
        columns: Vec<EncodedColumns>,
    ) -> Result<(), CorridorError> {
        self.appended += 1;
        if !self.files.contains_key(&month) {
            if self.files.len() >= OPEN_FILES {
                let rested = self.files.iter().min_by_key(|(_, open)| open.last_used);
                let rested = *rested.expect("files are open").0;
                self.close(rested)?;
            }
            let part = self.parts.get(&month).copied().unwrap_or(0);
            let out = self
                .outlet
                .open(month, part)
                .map_err(CorridorError::Write)?;
            let file = ParquetFile::new(&self.schema, out)?;
            let last_used = self.appended;
            self.files.insert(
                month,
                Open {
                    file,
                    part,
                    last_used,
                },
            );
        }
        let open = self.files.get_mut(&month).expect("it was opened");
        open.last_used = self.appended;
        Ok(open.file.append(columns)?)
    }

    fn close(&mut self, month: AtomicMonth) -> Result<(), CorridorError> {
        let Some(open) = self.files.remove(&month) else {
            return Ok(());
        };
        self.parts.insert(month, open.part + 1);
        let out = open.file.finish()?;
        self.outlet
            .close(month, open.part, out)
            .map_err(CorridorError::Write)
    }
}
