//! Any file, read as delimited text: how it arrives changes nothing, every row is accepted or
//! rejected, and the slow reference reads the same.

use contract::{Contract, Encoding, Header};
use inspect::{Limits, Unreadable};

use super::{check_arrival, limits};
use crate::cells::cells;
use crate::reading::{Read, With, contract, dialect, text};
use crate::reference::{self, Dialect, Outcome, Row, Wrong};

const COLUMNS: [&str; 3] = ["a", "b", "c"];

/// How a file is read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) latin1: bool,
    pub(crate) header: bool,
    pub(crate) limits: Limits,
}

/// The first bytes say how the rest is read.
pub(crate) fn check(input: &[u8]) {
    let [flags, block, record, piece, rest @ ..] = input else {
        return;
    };
    let reading = Reading {
        delimiter: b",|\t;"[usize::from(flags & 3)],
        quote: [Some(b'"'), Some(b'"'), Some(b'\''), None][usize::from(flags >> 2 & 3)],
        latin1: flags & 0x10 != 0,
        header: flags & 0x20 != 0,
        limits: limits(*block, *record),
    };
    let cuts = [usize::from(*piece) + 1, 1];
    if flags & 0x40 == 0 {
        reading.check(&reading.with_header(rest), &cuts);
    } else {
        // Any header, or none: there is nothing to compare it with but itself.
        let _ = check_arrival(&reading.contract(), reading.limits, rest, &cuts);
    }
}

impl Reading {
    /// The body under the header that the contract expects, if it expects one.
    pub(crate) fn with_header(&self, body: &[u8]) -> Vec<u8> {
        if !self.header {
            return body.to_vec();
        }
        let delimiter = char::from(self.delimiter).to_string();
        [COLUMNS.join(&delimiter).as_bytes(), b"\n", body].concat()
    }

    /// A file whose header fits: against the reference, and read in pieces of these sizes.
    pub(crate) fn check(&self, file: &[u8], sizes: &[usize]) {
        let whole = check_arrival(&self.contract(), self.limits, file, sizes);
        self.check_against_reference(file, &whole);
    }

    fn check_against_reference(&self, file: &[u8], read: &Result<Read, Unreadable>) {
        let expect = reference::read(self.dialect(), file);
        match read {
            Ok(read) => assert_eq!(outcome_of(read), expect),
            Err(Unreadable::Empty) => assert!(expect.rows.is_empty()),
            Err(Unreadable::NotText { .. } | Unreadable::Encoding { .. }) => {}
            Err(unreadable) => panic!("a header that fits is refused: {unreadable}"),
        }
    }

    fn contract(&self) -> Contract {
        let mut contract = contract(COLUMNS.map(|name| text(name).untrimmed()).to_vec());
        let dialect = dialect(&mut contract);
        dialect.delimiter = char::from(self.delimiter).to_string();
        dialect.quote = self.quote;
        dialect.header = match self.header {
            true => Header::ByName,
            false => Header::Absent,
        };
        contract.format.encoding = match self.latin1 {
            true => Encoding::Latin1,
            false => Encoding::Utf8,
        };
        contract
    }

    fn dialect(&self) -> Dialect {
        Dialect {
            delimiter: self.delimiter,
            quote: self.quote,
            latin1: self.latin1,
            header: self.header,
            columns: COLUMNS.len(),
            record_bytes_max: self.limits.record_bytes_max,
        }
    }
}

/// What our reader made of the file, in the reference's form.
fn outcome_of(read: &Read) -> Outcome {
    let mut rows: Vec<Row> = read
        .lineage()
        .iter()
        .zip(cells(read))
        .map(|(lineage, cells)| {
            let mut numbers = lineage.split('|').map(|n| n.parse().expect("a number"));
            let mut next = || numbers.next().expect("three numbers");
            Row {
                number: next(),
                offset: next(),
                length: next(),
                cells: Ok(cells),
            }
        })
        .collect();
    for reject in read.blocks.iter().flat_map(|block| &block.rejects) {
        let wrong = reject.problems.iter().map(|problem| -> Wrong {
            let at = |name: &str| COLUMNS.iter().position(|column| *column == name);
            let rules = [
                "encoding",
                "field_count",
                "nul_byte",
                "quote",
                "record_length",
            ];
            let rule = rules.into_iter().find(|rule| **rule == *problem.rule);
            (
                problem.column.as_deref().and_then(at),
                rule.expect("a rule that text can break"),
            )
        });
        rows.push(Row {
            number: reject.row,
            offset: reject.offset,
            length: reject.length,
            cells: Err(wrong.collect()),
        });
    }
    rows.sort_by_key(|row| row.number);
    assert_eq!(rows.len() as u64, read.end.rows);
    Outcome {
        rows,
        blank_lines: read.end.blank_lines,
        lf: read.end.line_ends.lf,
        crlf: read.end.line_ends.crlf,
        had_bom: read.end.had_bom,
    }
}
