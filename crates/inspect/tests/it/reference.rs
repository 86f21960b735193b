//! A second reader of delimited files, slow and plain: the whole file at hand, one byte at a
//! time through a state machine, written from the rules that `scan.rs` and the contract's
//! documentation state. It shares no code with the reader that it judges.
//!
//! It reads text columns that are not trimmed, bound by their position. What a file's first
//! bytes give away (other formats) is not its matter.

/// What the file is read as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) latin1: bool,
    /// The first record that is not blank is a header, which is known to fit. Where its bytes come
    /// again as a record, that is no row.
    pub(crate) header: bool,
    pub(crate) columns: usize,
    pub(crate) record_bytes_max: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Row>,
    pub(crate) blank_lines: u64,
    pub(crate) lf: u64,
    pub(crate) crlf: u64,
    pub(crate) had_bom: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// Its cells, or what is wrong: the field, where it is one, and the rule.
    pub(crate) cells: Result<Vec<Option<String>>, Vec<Wrong>>,
}

pub(crate) type Wrong = (Option<usize>, &'static str);

/// Where a record ends.
enum End {
    /// With the line feed at this place.
    Line(usize),
    /// With the file.
    File,
    /// It is too long; with the next line feed, whatever stands around it.
    TooLong,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote inside a quoted field: the next byte says which.
    QuoteOrEnd,
}

pub(crate) fn read(dialect: Dialect, bytes: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut dialect = dialect;
    let mut at = 0;
    if bytes.len() >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF {
        outcome.had_bom = true;
        dialect.latin1 = false;
        at = 3;
    }
    let mut header: Option<&[u8]> = None;
    while at < bytes.len() {
        let start = at;
        let (end, too_long) = match find_end(dialect, bytes, start) {
            End::Line(newline) => (Some(newline), false),
            End::File => (None, false),
            End::TooLong => {
                let mut newline = start;
                while newline < bytes.len() && newline <= start + dialect.record_bytes_max {
                    newline += 1;
                }
                while newline < bytes.len() && bytes[newline] != b'\n' {
                    newline += 1;
                }
                ((newline < bytes.len()).then_some(newline), true)
            }
        };
        let mut record_end = end.unwrap_or(bytes.len());
        at = end.map_or(bytes.len(), |newline| newline + 1);
        if end.is_some() {
            if record_end > start && bytes[record_end - 1] == b'\r' {
                record_end -= 1;
                outcome.crlf += 1;
            } else {
                outcome.lf += 1;
            }
        }
        if record_end == start {
            outcome.blank_lines += 1;
        } else if dialect.header && header.is_none() {
            header = Some(&bytes[start..record_end]);
        } else if too_long || header != Some(&bytes[start..record_end]) {
            let cells = if too_long {
                Err(vec![(None, "record_length")])
            } else {
                cells_of(dialect, &bytes[start..record_end])
            };
            outcome.rows.push(Row {
                number: outcome.rows.len() as u64 + 1,
                offset: start as u64,
                length: (record_end - start) as u64,
                cells,
            });
        }
    }
    outcome
}

fn find_end(dialect: Dialect, bytes: &[u8], start: usize) -> End {
    let mut state = State::FieldStart;
    let mut opened = start;
    let mut at = start;
    // The line feed of the largest record stands `record_bytes_max` behind its start.
    while at < bytes.len() && at <= start + dialect.record_bytes_max {
        let byte = bytes[at];
        let is_quote = Some(byte) == dialect.quote;
        state = match state {
            State::FieldStart if is_quote => {
                opened = at;
                State::Quoted
            }
            State::Quoted if is_quote => State::QuoteOrEnd,
            State::QuoteOrEnd if is_quote => State::Quoted,
            State::Quoted => State::Quoted,
            State::FieldStart | State::Plain | State::QuoteOrEnd => {
                if byte == b'\n' {
                    return End::Line(at);
                }
                if byte == dialect.delimiter {
                    State::FieldStart
                } else {
                    State::Plain
                }
            }
        };
        at += 1;
    }
    let too_long = at > start + dialect.record_bytes_max;
    // A quote behind the largest record closes nothing inside it.
    let open = state == State::Quoted || (too_long && state == State::QuoteOrEnd);
    if open {
        for (place, &byte) in bytes.iter().enumerate().take(at).skip(opened) {
            if byte == b'\n' {
                return End::Line(place);
            }
        }
    }
    if too_long { End::TooLong } else { End::File }
}

fn cells_of(dialect: Dialect, record: &[u8]) -> Result<Vec<Option<String>>, Vec<Wrong>> {
    let fields = fields_of(dialect, record).map_err(|field| {
        let column = (field < dialect.columns).then_some(field);
        vec![(column, "quote")]
    })?;
    if fields.len() != dialect.columns {
        return Err(vec![(None, "field_count")]);
    }
    let mut cells = Vec::new();
    let mut wrong = Vec::new();
    for (at, field) in fields.into_iter().enumerate() {
        match text_of(dialect, field) {
            Ok(text) => cells.push((!text.is_empty()).then_some(text)),
            Err(rule) => wrong.push((Some(at), rule)),
        }
    }
    if wrong.is_empty() {
        Ok(cells)
    } else {
        Err(wrong)
    }
}

/// The fields without their quotes; else the first that is wrongly quoted.
fn fields_of(dialect: Dialect, record: &[u8]) -> Result<Vec<Vec<u8>>, usize> {
    let mut fields = vec![Vec::new()];
    let mut state = State::FieldStart;
    for &byte in record {
        let at = fields.len() - 1;
        let is_quote = Some(byte) == dialect.quote;
        state = match state {
            State::FieldStart if is_quote => State::Quoted,
            State::Quoted if is_quote => State::QuoteOrEnd,
            State::QuoteOrEnd if is_quote => {
                fields[at].push(byte);
                State::Quoted
            }
            State::QuoteOrEnd if byte != dialect.delimiter => return Err(at),
            State::FieldStart | State::Plain | State::QuoteOrEnd if byte == dialect.delimiter => {
                fields.push(Vec::new());
                State::FieldStart
            }
            State::Quoted => {
                fields[at].push(byte);
                State::Quoted
            }
            State::FieldStart | State::Plain | State::QuoteOrEnd => {
                fields[at].push(byte);
                State::Plain
            }
        };
    }
    match state {
        State::Quoted => Err(fields.len() - 1),
        State::FieldStart | State::Plain | State::QuoteOrEnd => Ok(fields),
    }
}

fn text_of(dialect: Dialect, field: Vec<u8>) -> Result<String, &'static str> {
    if field.contains(&0) {
        return Err("nul_byte");
    }
    if dialect.latin1 {
        // ISO 8859-1 is the first 256 code points.
        return Ok(field.into_iter().map(char::from).collect());
    }
    String::from_utf8(field).map_err(|_| "encoding")
}
