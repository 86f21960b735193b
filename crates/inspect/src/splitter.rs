//! The push side: bytes in, blocks of whole records out.
//!
//! A block ends with the record (or blank line) that reaches `block_bytes` or
//! `block_records_max`, counted from where the last block ended, so blocks depend on the file's
//! bytes alone. Memory stays within a block, a largest record and one piece of a push.

use std::sync::Arc;

use bytes::Bytes;
use contract::{Encoding, Header};
use memchr::memchr;

use crate::block::{Block, Span};
use crate::error::Unreadable;
use crate::framer::Framer;
use crate::header::{BYTE_ORDER_MARK, Binding, SNIFF_BYTES, refuse_other_formats};
use crate::outcome::FileEnd;
use crate::plan::FilePlan;
use crate::scan::{LineEnd, Record, Step};

/// A block's size, from which the record that reaches it is the last.
pub const BLOCK_BYTES: usize = 4 << 20;
/// The most records of a block.
pub const BLOCK_RECORDS_MAX: usize = 1 << 16;
/// A longer record, and one in which a quote stays open for longer, is rejected.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// How much is kept of a record that is too long.
pub const RECORD_PREFIX_BYTES: usize = 4 << 10;

/// How much of a push is taken over at a time.
const PIECE_BYTES: usize = 256 << 10;

/// The limits of splitting. Others than the defaults are for tests, which reach every boundary
/// with small ones.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub block_bytes: usize,
    pub block_records_max: usize,
    pub record_bytes_max: usize,
    pub record_prefix_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            block_bytes: BLOCK_BYTES,
            block_records_max: BLOCK_RECORDS_MAX,
            record_bytes_max: RECORD_BYTES_MAX,
            record_prefix_bytes: RECORD_PREFIX_BYTES,
        }
    }
}

/// Takes a file's bytes in pieces of any size and cuts blocks of whole records.
#[derive(Debug)]
pub struct Splitter {
    plan: FilePlan,
    limits: Limits,
    framer: Framer,
    sniffed: bool,
    encoding: Encoding,
    /// From the header, or from the contract where the file has none.
    binding: Option<Arc<Binding>>,
    too_long: Option<TooLong>,
    /// The current block's bytes so far, from `base` on.
    pending: Vec<u8>,
    base: u64,
    spans: Vec<Span>,
    end: FileEnd,
    unreadable: Option<Unreadable>,
}

/// A record that is read past, not kept.
#[derive(Debug)]
struct TooLong {
    prefix: Vec<u8>,
    length: u64,
    last: u8,
}

impl Splitter {
    pub fn new(plan: &FilePlan) -> Self {
        Self::with_limits(plan, Limits::default())
    }

    #[doc(hidden)]
    pub fn with_limits(plan: &FilePlan, limits: Limits) -> Self {
        let compiled = &plan.compiled;
        Self {
            plan: plan.clone(),
            limits,
            framer: Framer::of(compiled, limits.record_bytes_max),
            sniffed: false,
            encoding: compiled.format.encoding,
            binding: None,
            too_long: None,
            pending: Vec::new(),
            base: 0,
            spans: Vec::new(),
            end: FileEnd::default(),
            unreadable: None,
        }
    }

    /// Takes the next bytes; gives the blocks that they complete.
    ///
    /// # Errors
    /// The file cannot be read as its contract; it stays so in every later call.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Block>, Unreadable> {
        let mut blocks = Vec::new();
        for piece in bytes.chunks(PIECE_BYTES) {
            self.end.bytes += piece.len() as u64;
            self.pending.extend_from_slice(piece);
            self.advance(false, &mut blocks)?;
        }
        Ok(blocks)
    }

    /// There is nothing more: gives the last blocks and the file's totals.
    ///
    /// # Errors
    /// The file cannot be read as its contract, or holds no line at all.
    pub fn finish(mut self) -> Result<(Vec<Block>, FileEnd), Unreadable> {
        let mut blocks = Vec::new();
        self.advance(true, &mut blocks)?;
        self.cut_block(self.pending.len(), &mut blocks);
        let empty = self.end.rows == 0 && self.plan.compiled.format.header() == Header::Absent;
        match &self.binding {
            Some(binding) if !empty => {
                self.end.unknown_columns.clone_from(&binding.unknown);
                self.end.absent_columns.clone_from(&binding.absent);
                Ok((blocks, self.end))
            }
            _ => Err(Unreadable::Empty),
        }
    }

    fn advance(&mut self, at_end: bool, blocks: &mut Vec<Block>) -> Result<(), Unreadable> {
        if let Some(unreadable) = &self.unreadable {
            return Err(unreadable.clone());
        }
        let outcome = self.take_records(at_end, blocks);
        if let Err(unreadable) = &outcome {
            self.unreadable = Some(unreadable.clone());
            self.pending = Vec::new();
        }
        outcome
    }

    fn take_records(&mut self, at_end: bool, blocks: &mut Vec<Block>) -> Result<(), Unreadable> {
        if !self.sniffed {
            if self.pending.len() < SNIFF_BYTES && !at_end {
                return Ok(());
            }
            self.sniff()?;
        }
        loop {
            if self.too_long.is_some() && !self.pass_too_long(0, at_end, blocks) {
                return Ok(());
            }
            match self.framer.next_record(&self.pending, at_end) {
                Step::NeedMore => return Ok(()),
                Step::Record(record) => self.take_record(record, blocks)?,
                Step::TooLong { start, searched } => {
                    if self.binding.is_none() {
                        let reason = "it is longer than any record may be";
                        return Err(Unreadable::BrokenHeader { reason });
                    }
                    self.cut_block(start, blocks);
                    let prefix_length = self.limits.record_prefix_bytes.min(searched - start);
                    let prefix = self.pending[..prefix_length].to_vec();
                    self.too_long = Some(TooLong {
                        prefix,
                        length: 0,
                        last: 0,
                    });
                    if !self.pass_too_long(searched - start, at_end, blocks) {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn sniff(&mut self) -> Result<(), Unreadable> {
        self.sniffed = true;
        refuse_other_formats(&self.pending[..self.pending.len().min(SNIFF_BYTES)])?;
        if self.pending.starts_with(BYTE_ORDER_MARK) {
            // The mark is written in UTF-8 only: it is surer than the contract.
            self.encoding = Encoding::Utf8;
            self.end.had_bom = true;
            self.discard(BYTE_ORDER_MARK.len());
        }
        if self.plan.compiled.format.header() == Header::Absent {
            let binding = Binding::by_position(&self.plan.compiled, self.encoding);
            self.binding = Some(Arc::new(binding));
        }
        Ok(())
    }

    fn take_record(&mut self, record: Record, blocks: &mut Vec<Block>) -> Result<(), Unreadable> {
        self.count_line_end(record.line_end);
        let blank = record.start == record.end;
        self.end.blank_lines += u64::from(blank);
        if self.binding.is_none() {
            if !blank {
                let header = &self.pending[record.start..record.end];
                let binding = Binding::of_header(&self.plan.compiled, self.encoding, header)?;
                self.binding = Some(Arc::new(binding));
            }
            self.discard(record.next);
            self.framer.forget(record.next);
            return Ok(());
        }
        if !blank {
            self.end.rows += 1;
            self.spans.push(Span {
                start: record.start as u32,
                end: record.end as u32,
            });
        }
        let full = self.spans.len() == self.limits.block_records_max;
        if full || record.next >= self.limits.block_bytes {
            self.cut_block(record.next, blocks);
        }
        Ok(())
    }

    /// Hands over what is pending before `cut` as a block, if it has records.
    fn cut_block(&mut self, cut: usize, blocks: &mut Vec<Block>) {
        if self.spans.is_empty() {
            self.discard(cut);
        } else if let Some(binding) = &self.binding {
            let mut rest = Vec::new();
            if cut < self.pending.len() {
                let room = self.limits.block_bytes.min(BLOCK_BYTES) + PIECE_BYTES;
                rest.reserve(room.max(self.pending.len() - cut));
            }
            rest.extend_from_slice(&self.pending[cut..]);
            self.pending.truncate(cut);
            let raw = Bytes::from(std::mem::replace(&mut self.pending, rest));
            let records = std::mem::take(&mut self.spans);
            blocks.push(Block {
                plan: self.plan.clone(),
                binding: Arc::clone(binding),
                offset: self.base,
                first_row: self.end.rows - records.len() as u64 + 1,
                raw,
                records,
                too_long_bytes: None,
            });
            self.base += cut as u64;
        }
        self.framer.forget(cut);
    }

    /// Drops the first pending bytes; the framer is not told.
    fn discard(&mut self, count: usize) {
        self.pending.drain(..count);
        self.base += count as u64;
    }

    /// Reads past a record that is too long, in whose first `searched` pending bytes no line
    /// ends. True once its end was found and its block cut.
    fn pass_too_long(&mut self, searched: usize, at_end: bool, blocks: &mut Vec<Block>) -> bool {
        let (Some(too_long), Some(binding)) = (&mut self.too_long, &self.binding) else {
            return true;
        };
        let newline = memchr(b'\n', &self.pending[searched..]).map(|at| searched + at);
        let passed = newline.unwrap_or(self.pending.len());
        if let Some(&last) = self.pending[..passed].last() {
            too_long.last = last;
        }
        too_long.length += passed as u64;
        if newline.is_none() && !at_end {
            self.base += passed as u64;
            self.pending.clear();
            self.framer.restart();
            return false;
        }
        let offset = self.base + passed as u64 - too_long.length;
        let crlf = newline.is_some() && too_long.last == b'\r';
        let length = too_long.length - u64::from(crlf);
        self.end.rows += 1;
        let mut prefix = std::mem::take(&mut too_long.prefix);
        prefix.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        let raw = Bytes::from(prefix);
        blocks.push(Block {
            plan: self.plan.clone(),
            binding: Arc::clone(binding),
            offset,
            first_row: self.end.rows,
            records: vec![Span {
                start: 0,
                end: raw.len() as u32,
            }],
            raw,
            too_long_bytes: Some(length),
        });
        self.too_long = None;
        self.count_line_end(newline.map(|_| if crlf { LineEnd::CrLf } else { LineEnd::Lf }));
        self.discard(newline.map_or(passed, |at| at + 1));
        self.framer.restart();
        true
    }

    fn count_line_end(&mut self, line_end: Option<LineEnd>) {
        match line_end {
            Some(LineEnd::Lf) => self.end.line_ends.lf += 1,
            Some(LineEnd::CrLf) => self.end.line_ends.crlf += 1,
            None => {}
        }
    }
}
