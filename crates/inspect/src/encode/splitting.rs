//! The head of the corridor: bytes are read ahead on one thread, split on another, and no more
//! blocks are on their way than the budget allows.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use crate::{Block, FileEnd, FilePlan, Splitter};

use super::CorridorError;

const READ_BYTES: usize = 1 << 20;
const READS_AHEAD: usize = 3;
/// What a row takes per column beside its text, at most: an offset, a decimal.
const CELL_BYTES: usize = 16;

/// A bound on what is under way.
pub(super) struct Budget {
    limit: usize,
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    closed: bool,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room, or nothing is held. False once the budget is closed.
    fn acquire(&self, bytes: usize) -> bool {
        let mut held = self.held();
        while !held.closed && held.bytes > 0 && held.bytes + bytes > self.limit {
            held = self
                .changed
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        held.bytes += bytes;
        !held.closed
    }

    pub(super) fn release(&self, bytes: usize) {
        self.held().bytes -= bytes;
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.held().closed = true;
        self.changed.notify_all();
    }
}

/// What the splitting thread tells, in file order.
pub(super) enum Told<T> {
    /// A block was given to the crew.
    Block {
        outcome: Receiver<T>,
        bytes: usize,
    },
    End(Box<FileEnd>),
    Failed(CorridorError),
}

/// Starts reading and splitting; each block is handed to `give`, whose receivers come out in
/// file order.
pub(super) fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    plan: &FilePlan,
    source: impl Read + Send + 'scope,
    budget: &'scope Budget,
    give: impl Fn(Block) -> Receiver<T> + Send + 'scope,
) -> Receiver<Told<T>> {
    let (tell, told) = channel();
    let (full, pieces) = sync_channel(READS_AHEAD);
    let (emptied, empty) = channel();
    let plan = plan.clone();
    scope.spawn(move || read(source, &full, &empty));
    scope.spawn(move || {
        let last = match split(&plan, &pieces, &emptied, budget, &give, &tell) {
            Ok(Some(end)) => Told::End(Box::new(end)),
            Ok(None) => return,
            Err(error) => Told::Failed(error),
        };
        // Nobody listens any more where the corridor was left early.
        let _ = tell.send(last);
    });
    told
}

type Piece = io::Result<(Vec<u8>, usize)>;

fn read(mut source: impl Read, full: &SyncSender<Piece>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut buffer = empty.try_recv().unwrap_or_else(|_| vec![0; READ_BYTES]);
        let piece = match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => Ok((buffer, length)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = piece.is_err();
        if full.send(piece).is_err() || failed {
            return;
        }
    }
}

/// The file's end; nothing where the corridor was left early.
fn split<T>(
    plan: &FilePlan,
    pieces: &Receiver<Piece>,
    emptied: &Sender<Vec<u8>>,
    budget: &Budget,
    give: &impl Fn(Block) -> Receiver<T>,
    tell: &Sender<Told<T>>,
) -> Result<Option<FileEnd>, CorridorError> {
    let hand_over = |blocks: Vec<Block>| {
        blocks.into_iter().all(|block| {
            let bytes = weight(&block);
            budget.acquire(bytes) && {
                let outcome = give(block);
                tell.send(Told::Block { outcome, bytes }).is_ok()
            }
        })
    };
    let mut splitter = Splitter::new(plan);
    for piece in pieces {
        let (buffer, length) = piece.map_err(CorridorError::Read)?;
        let blocks = splitter.push(&buffer[..length])?;
        // The reader may be at its end.
        let _ = emptied.send(buffer);
        if !hand_over(blocks) {
            return Ok(None);
        }
    }
    let (blocks, end) = splitter.finish()?;
    Ok(hand_over(blocks).then_some(end))
}

/// About what a block takes until its rows are on the shelf.
fn weight(block: &Block) -> usize {
    let columns = block.plan.compiled.columns.len();
    2 * block.raw.len() + block.records.len() * columns * CELL_BYTES
}
