//! The push side: bytes in, blocks of whole records out.
//!
//! A block ends with the record (or blank line) that reaches `block_bytes` or
//! `block_records_max`, counted from where the last block ended, so blocks depend on the file's
//! bytes alone. Memory stays within a block, a largest record and one piece of a push.

use std::sync::Arc;

use bytes::Bytes;
use contract::{Header, Severity};

use crate::block::{Block, Span};
use crate::error::Unreadable;
use crate::fields::FieldReader;
use crate::footer::Footer;
use crate::framer::Framer;
use crate::header::{Binding, too_long_header};
use crate::opening::Opened;
use crate::outcome::{FileEnd, Finding, Problem};
use crate::plan::FilePlan;
use crate::records::Kind;
use crate::scan::{LineEnd, Record, Step};
use crate::separators::LongEnd;
use crate::sniff::SNIFF_BYTES;

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
    /// Absent until enough of the file is there to tell what it is.
    opened: Option<Opened>,
    /// From the header, or from the contract where the file has none.
    binding: Option<Arc<Binding>>,
    too_long: Option<TooLong>,
    /// The current block's text so far, which starts at byte `base` of the file.
    pending: Vec<u8>,
    base: u64,
    /// Up to where the pending text is counted in `end`.
    counted: usize,
    spans: Vec<Span>,
    footer: Footer,
    end: FileEnd,
    unreadable: Option<Unreadable>,
}

/// A record that is read past, not kept.
#[derive(Debug)]
struct TooLong {
    prefix: Vec<u8>,
    text_length: u64,
    /// In bytes of the file.
    length: u64,
    last: u8,
}

impl Splitter {
    pub fn new(plan: &FilePlan) -> Self {
        Self::with_limits(plan, Limits::default())
    }

    #[doc(hidden)]
    pub fn with_limits(plan: &FilePlan, limits: Limits) -> Self {
        let footer = Footer::new(plan.compiled.format.skip_footer_lines);
        Self {
            plan: plan.clone(),
            limits,
            opened: None,
            binding: None,
            too_long: None,
            pending: Vec::new(),
            base: 0,
            counted: 0,
            spans: Vec::new(),
            footer,
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
            match &mut self.opened {
                Some(opened) => opened.read(piece, &mut self.pending),
                None => self.pending.extend_from_slice(piece),
            }
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
        self.end.separator_bytes += self.file_bytes(self.counted, self.pending.len());
        self.cut_block(self.pending.len(), &mut blocks);
        blocks.extend(self.footer.finish(&mut self.end));
        let format = &self.plan.compiled.format;
        let is_json = self.plan.compiled.members.is_some();
        if let Some(control) = &format.control {
            self.end.findings = self.end.announced.judge(control, self.end.rows);
        }
        // A control record that announces no rows makes a file of none.
        let nothing = self.end.rows == 0 && self.end.passed.control.records == 0;
        let framer = self.opened.as_ref().map(|opened| &opened.records.framer);
        self.end.findings.extend(framer.and_then(json_finding));
        let json_of_nothing = is_json && framer.is_none_or(Framer::saw_nothing);
        let empty = nothing && (format.header() == Header::Absent || json_of_nothing);
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
        let outcome = self.open_and_take(at_end, blocks);
        if let Err(unreadable) = &outcome {
            self.unreadable = Some(unreadable.clone());
            self.pending = Vec::new();
        }
        outcome
    }

    fn open_and_take(&mut self, at_end: bool, blocks: &mut Vec<Block>) -> Result<(), Unreadable> {
        let mut opened = match self.opened.take() {
            Some(opened) => opened,
            None if self.pending.len() < SNIFF_BYTES && !at_end => return Ok(()),
            None => self.open()?,
        };
        if at_end && let Some(transcoder) = &mut opened.wide {
            transcoder.finish(&mut self.pending);
        }
        self.opened = Some(opened);
        self.take_records(at_end, blocks)
    }

    fn open(&mut self) -> Result<Opened, Unreadable> {
        let compiled = &self.plan.compiled;
        let limit = self.limits.record_bytes_max;
        let mut opened = Opened::of(&compiled.format, &self.pending, limit)?;
        let mark = opened.found.mark_bytes;
        self.end.encoding = opened.found.encoding;
        self.end.had_bom = mark > 0;
        self.base = mark as u64;
        let bytes = std::mem::take(&mut self.pending);
        opened.read(&bytes[mark..], &mut self.pending);
        if compiled.format.header() == Header::Absent {
            let reader = self.reader(&opened);
            let binding = Binding::by_position(&self.plan.compiled, opened.encoding, reader);
            self.binding = Some(Arc::new(binding));
        } else if let Some(members) = &compiled.members {
            let reader = FieldReader::Json(Arc::clone(members));
            let binding = Binding::by_position(compiled, opened.encoding, reader);
            self.binding = Some(Arc::new(binding));
        }
        Ok(opened)
    }

    fn reader(&self, opened: &Opened) -> FieldReader {
        let compiled = &self.plan.compiled;
        let places = compiled.columns.iter().map(|column| column.place);
        FieldReader::of(&compiled.format, places, opened.encoding)
    }

    fn take_records(&mut self, at_end: bool, blocks: &mut Vec<Block>) -> Result<(), Unreadable> {
        loop {
            if self.too_long.is_some() && !self.pass_too_long(0, at_end, blocks) {
                return Ok(());
            }
            let Some(opened) = &mut self.opened else {
                return Ok(());
            };
            match opened.records.next(&self.pending, at_end) {
                Step::NeedMore => {
                    self.let_idle_bytes_go(blocks);
                    return Ok(());
                }
                Step::NotAnArray { object } => return Err(Unreadable::not_an_array(object)),
                Step::Record(record) => self.take_record(record, blocks)?,
                Step::TooLong { start, searched } => {
                    if self.binding.is_none() {
                        return Err(too_long_header());
                    }
                    self.end.separator_bytes += self.file_bytes(self.counted, start);
                    self.counted = start;
                    self.cut_block(start, blocks);
                    let prefix_length = self.limits.record_prefix_bytes.min(searched - start);
                    self.too_long = Some(TooLong {
                        prefix: self.pending[..prefix_length].to_vec(),
                        text_length: 0,
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

    fn take_record(&mut self, record: Record, blocks: &mut Vec<Block>) -> Result<(), Unreadable> {
        let kind = match &mut self.opened {
            Some(opened) => opened
                .records
                .kind_of(&self.pending[record.start..record.end]),
            None => Kind::Row,
        };
        self.count_record(kind, record);
        let before_rows = self.binding.is_none();
        match kind {
            Kind::Row => self.spans.push(Span {
                start: record.start as u32,
                end: record.end as u32,
            }),
            Kind::Header => self.bind_header(record)?,
            Kind::ControlHeader | Kind::ControlTrailer => self.take_control(kind, record),
            _ => {}
        }
        let full = self.spans.len() == self.limits.block_records_max;
        if before_rows || full || record.next >= self.limits.block_bytes {
            self.cut_block(record.next, blocks);
        }
        Ok(())
    }

    fn bind_header(&mut self, record: Record) -> Result<(), Unreadable> {
        if let Some(opened) = &self.opened {
            let header = &self.pending[record.start..record.end];
            let reader = self.reader(opened);
            let binding = Binding::of_header(&self.plan.compiled, opened.encoding, reader, header)?;
            self.binding = Some(Arc::new(binding));
        }
        Ok(())
    }

    fn take_control(&mut self, kind: Kind, record: Record) {
        if let Some(opened) = &self.opened {
            let reader = self.reader(opened);
            let reading = (&*self.plan.compiled, &reader, opened.encoding);
            let text = &self.pending[record.start..record.end];
            self.end.announced.take(reading, kind, text, self.end.rows);
        }
    }

    /// Counts a record, what separates it from the one before and what ends it.
    fn count_record(&mut self, kind: Kind, record: Record) {
        let bytes = self.file_bytes(record.start, record.end);
        let before = self.file_bytes(self.counted, record.start);
        let after = self.file_bytes(record.end, record.next);
        self.counted = record.next;
        let end = &mut self.end;
        end.separator_bytes += before + after;
        match kind {
            Kind::Row => {
                end.rows += 1;
                end.row_bytes += bytes;
            }
            Kind::Blank => end.blank_lines += 1,
            Kind::Preamble => end.passed.preamble.add(bytes),
            Kind::Header => end.passed.header.add(bytes),
            Kind::RepeatedHeader => end.passed.repeated_headers.add(bytes),
            Kind::Comment => end.passed.comments.add(bytes),
            Kind::ControlHeader | Kind::ControlTrailer => end.passed.control.add(bytes),
        }
        self.count_line_end(record.line_end);
    }

    fn count_line_end(&mut self, line_end: Option<LineEnd>) {
        match line_end {
            Some(LineEnd::Lf) => self.end.line_ends.lf += 1,
            Some(LineEnd::CrLf) => self.end.line_ends.crlf += 1,
            Some(LineEnd::Separator) => self.end.line_ends.separators += 1,
            None => {}
        }
    }

    /// How many bytes of the file a part of the pending text is.
    fn file_bytes(&self, start: usize, end: usize) -> u64 {
        match &self.opened {
            Some(opened) => opened.file_bytes(&self.pending[start..end]),
            None => (end - start) as u64,
        }
    }

    fn is_wide(&self) -> bool {
        let opened = self.opened.as_ref();
        opened.is_some_and(|opened| opened.wide.is_some())
    }

    /// Hands over what is pending before `cut` as a block, if it has records.
    fn cut_block(&mut self, cut: usize, blocks: &mut Vec<Block>) {
        match &self.binding {
            Some(binding) if !self.spans.is_empty() => {
                let cut_bytes = self.file_bytes(0, cut);
                let mut rest = Vec::new();
                if cut < self.pending.len() {
                    let room = self.limits.block_bytes.min(BLOCK_BYTES) + PIECE_BYTES;
                    rest.reserve(room.max(self.pending.len() - cut));
                }
                rest.extend_from_slice(&self.pending[cut..]);
                self.pending.truncate(cut);
                let raw = Bytes::from(std::mem::replace(&mut self.pending, rest));
                let records = std::mem::take(&mut self.spans);
                let block = Block {
                    plan: self.plan.clone(),
                    binding: Arc::clone(binding),
                    offset: self.base,
                    first_row: self.end.rows - records.len() as u64 + 1,
                    raw,
                    records,
                    too_long_bytes: None,
                    wide: self.is_wide(),
                };
                blocks.extend(self.footer.pass(block));
                self.base += cut_bytes;
                self.counted -= cut.min(self.counted);
            }
            _ => self.discard(cut),
        }
        if let Some(opened) = &mut self.opened {
            opened.records.framer.forget(cut);
        }
    }

    /// What stands between records must not fill the memory.
    fn let_idle_bytes_go(&mut self, blocks: &mut Vec<Block>) {
        let framer = self.opened.as_ref().map(|opened| &opened.records.framer);
        let idle = framer.map_or(0, Framer::idle_until);
        if idle > self.counted && (self.spans.is_empty() || idle >= self.limits.block_bytes) {
            self.end.separator_bytes += self.file_bytes(self.counted, idle);
            self.counted = idle;
            self.cut_block(idle, blocks);
        }
    }

    /// Drops the first pending bytes; the framer is not told.
    fn discard(&mut self, count: usize) {
        self.base += self.file_bytes(0, count);
        self.counted -= count.min(self.counted);
        self.pending.drain(..count);
    }

    /// Reads past a record that is too long, and does not end in the first `searched` pending
    /// bytes. True once its end was found and its block cut.
    fn pass_too_long(&mut self, searched: usize, at_end: bool, blocks: &mut Vec<Block>) -> bool {
        let (Some(mut too_long), Some(binding)) = (self.too_long.take(), &self.binding) else {
            return true;
        };
        let Some(opened) = &mut self.opened else {
            return true;
        };
        let framer = &mut opened.records.framer;
        let (passed, ended) = match framer.end_of_long(&self.pending, searched, at_end) {
            LongEnd::At {
                end,
                next,
                line_end,
            } => (end, Some((next, line_end))),
            LongEnd::After(passed) => (passed, None),
        };
        framer.restart();
        if let Some(&last) = self.pending[..passed].last() {
            too_long.last = last;
        }
        too_long.text_length += passed as u64;
        too_long.length += opened.file_bytes(&self.pending[..passed]);
        if ended.is_none() && !at_end {
            self.too_long = Some(too_long);
            self.discard(passed);
            return false;
        }
        let crlf = matches!(ended, Some((_, LineEnd::Lf))) && too_long.last == b'\r';
        let return_bytes = opened.file_bytes(&b"\r"[..usize::from(crlf)]);
        let offset = self.base + opened.file_bytes(&self.pending[..passed]) - too_long.length;
        let length = too_long.length - return_bytes;
        let text_length = too_long.text_length - u64::from(crlf);
        let mut prefix = too_long.prefix;
        prefix.truncate(usize::try_from(text_length).unwrap_or(usize::MAX));
        let raw = Bytes::from(prefix);
        self.end.rows += 1;
        self.end.row_bytes += length;
        let block = Block {
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
            wide: self.is_wide(),
        };
        blocks.extend(self.footer.pass(block));
        let next = ended.map_or(passed, |(next, _)| next);
        self.end.separator_bytes += return_bytes + self.file_bytes(passed, next);
        self.count_line_end(ended.map(|(_, end)| if crlf { LineEnd::CrLf } else { end }));
        self.discard(next);
        true
    }
}

/// What is wrong with a JSON file as a whole: rows may be missing, so it fails.
fn json_finding(framer: &Framer) -> Option<Finding> {
    let problem = Problem {
        column: None,
        rule: "json".into(),
        detail: framer.fault()?.into(),
    };
    let severity = Severity::Fail;
    Some(Finding { severity, problem })
}
