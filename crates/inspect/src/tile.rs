//! A tile is a run of records small enough that its text and its table of field positions stay
//! in the processor's cache while one column after another is typed.
//!
//! Per row the table holds the place before the first field, then where each field ends. A field
//! starts one byte after the field before it ends, so a plain tile's table is simply the list of
//! its delimiters and line ends, and a quoted tile's those outside quotes (see [`crate::bounds`]).
//! Where quotes stand otherwise than around whole fields, a tile is split record by record.
//!
//! Where a record's fields are not slices of the block (fixed width, escapes, JSON), its reader
//! lays them out in the tile's own text, one byte between them, and everything after that is
//! the same.

use std::collections::BTreeSet;

use memchr::memchr;

use crate::block::Span;
use crate::bounds::{find_plain, find_quoted};
use crate::json::Fault;

/// The most records of a tile.
const TILE_RECORDS: usize = 512;
/// A tile's size, from which the record that reaches it is the last.
const TILE_BYTES: usize = 32 << 10;

/// How many of the records, at least one, make the next tile.
pub(crate) fn tile_records(records: &[Span]) -> usize {
    let Some(first) = records.first() else {
        return 0;
    };
    let most = &records[..records.len().min(TILE_RECORDS)];
    let full = |span: &Span| (span.end - first.start) as usize >= TILE_BYTES;
    most.partition_point(|span| !full(span))
        .saturating_add(1)
        .min(most.len())
}

/// A row of the right number of fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileRow {
    /// Into [`Tile::bounds`].
    bounds_at: u32,
    /// Where the row ends: before the carriage return, which `bounds` does not know.
    end: u32,
    /// Its record in the block.
    pub(crate) record: u32,
}

/// Why a record has no row in the tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misshapen {
    FieldCount,
    /// Text after a closing quote, or a quote that is not closed, in that field.
    Quote {
        field: usize,
    },
    /// Not of the length that fixed places ask for.
    Length,
    Json(Fault),
}

#[derive(Debug, Default)]
pub(crate) struct Tile {
    bounds: Vec<u32>,
    pub(crate) rows: Vec<TileRow>,
    /// Whether a field may start with a quote.
    pub(crate) quoted: bool,
    /// Whether a quoted field may have doubled quotes in it.
    pub(crate) doubled: bool,
    /// Records with another number of fields than they should have.
    uneven: Vec<u32>,
    /// Fields that were laid out, a [`BETWEEN`] after each.
    text: Vec<u8>,
    /// Whether the bounds are of `text`, not of the block's bytes.
    laid_out: bool,
    /// The bound before the first field of the row that is being laid out.
    row_at: usize,
    /// Where the rows begin and end in [`Self::bytes`].
    extent: (u32, u32),
    /// Paths of JSON members that no column reads, of all tiles so far.
    pub(crate) unknown_members: BTreeSet<String>,
}

/// Follows each field that is laid out: ASCII, so that the text is UTF-8 where its fields are.
const BETWEEN: u8 = b'\n';

impl Tile {
    /// Empties the tile, to be laid out row by row.
    pub(crate) fn begin(&mut self) {
        self.bounds.clear();
        self.bounds.push(0u32.wrapping_sub(1));
        self.rows.clear();
        self.text.clear();
        self.quoted = false;
        self.laid_out = true;
        self.row_at = 0;
        self.extent = (0, 0);
    }

    /// Adds a field to the row that is being laid out.
    pub(crate) fn push_field(&mut self, bytes: &[u8]) {
        debug_assert!(self.laid_out, "fields are laid out after `begin`");
        self.text.extend_from_slice(bytes);
        self.bounds.push(self.text_end());
        self.text.push(BETWEEN);
    }

    /// The fields pushed since the last row, at least one, are those of that record.
    pub(crate) fn end_row(&mut self, record: u32) {
        debug_assert!(self.bounds.len() > self.row_at + 1, "a row has a field");
        let end = self.text_end() - 1;
        self.rows.push(TileRow {
            bounds_at: self.row_at as u32,
            end,
            record,
        });
        self.row_at = self.bounds.len() - 1;
        self.extent.1 = end;
    }

    /// Abandons the fields pushed since the last row.
    pub(crate) fn drop_row(&mut self) {
        self.bounds.truncate(self.row_at + 1);
        let start = self.bounds[self.row_at].wrapping_add(1);
        self.text.truncate(start as usize);
    }

    /// A block is far smaller than 4 GiB, and so is what is laid out of it.
    fn text_end(&self) -> u32 {
        u32::try_from(self.text.len()).expect("a tile's text is below 4 GiB")
    }
}

impl Tile {
    /// What the bounds refer to: the block's bytes, or what was laid out.
    pub(crate) fn bytes<'a>(&'a self, block_raw: &'a [u8]) -> &'a [u8] {
        if self.laid_out { &self.text } else { block_raw }
    }

    /// The part of `bytes` that all rows lie in.
    pub(crate) fn extent<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let (start, end) = self.extent;
        &bytes[start as usize..end as usize]
    }

    /// Fills the tile with `spans`, of which the first is record `first_record` of the block.
    /// `misshapen` is told of the records that get no row.
    pub(crate) fn fill(
        &mut self,
        bytes: &[u8],
        spans: &[Span],
        first_record: u32,
        (delimiter, quote): (u8, Option<u8>),
        width: usize,
        mut misshapen: impl FnMut(u32, Misshapen),
    ) {
        self.bounds.clear();
        self.rows.clear();
        self.laid_out = false;
        self.extent = (0, 0);
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
            return;
        };
        self.extent = (first.start, last.end);
        let text = self.extent(bytes);
        let quote = quote.filter(|&quote| memchr(quote, text).is_some());
        self.quoted = quote.is_some();
        self.doubled = true;
        self.bounds.push(first.start.wrapping_sub(1));
        let found = match quote {
            None => {
                find_plain(text, first.start, delimiter, &mut self.bounds);
                Some(false)
            }
            Some(quote) => find_quoted(text, first.start, (delimiter, quote), &mut self.bounds),
        };
        self.bounds.push(last.end);
        if let Some(doubled) = found
            && self.match_rows(spans, first_record, width)
        {
            self.doubled = doubled;
            for &record in &self.uneven {
                misshapen(record, Misshapen::FieldCount);
            }
            return;
        }
        self.bounds.clear();
        self.rows.clear();
        let structure = (delimiter, quote);
        self.fill_one_by_one(bytes, spans, first_record, structure, width, &mut misshapen);
    }

    /// Assigns the bounds to rows: a row of the right width has a line end at `width` places
    /// after its start, and none before. False where a record starts or ends inside quotes, as
    /// one with a runaway quote does.
    fn match_rows(&mut self, spans: &[Span], first_record: u32, width: usize) -> bool {
        let bounds = &self.bounds[..];
        self.uneven.clear();
        let mut at = 0;
        for (span, record) in spans.iter().zip(first_record..) {
            // Past the line ends of blank lines.
            while bounds[at].wrapping_add(1) < span.start {
                at += 1;
            }
            let end_at = at + width;
            let fits = bounds.get(end_at).is_some_and(|&bound| bound >= span.end)
                && bounds[end_at - 1].wrapping_add(1) <= span.end;
            let in_step = bounds[at].wrapping_add(1) == span.start;
            if fits {
                self.rows.push(TileRow {
                    bounds_at: at as u32,
                    end: span.end,
                    record,
                });
                at = end_at;
            } else {
                self.uneven.push(record);
                at += 1;
                while bounds[at] < span.end {
                    at += 1;
                }
            }
            // A carriage return may stand between.
            if !in_step || bounds[at] > span.end + 1 {
                return false;
            }
        }
        true
    }

    fn fill_one_by_one(
        &mut self,
        bytes: &[u8],
        spans: &[Span],
        first_record: u32,
        (delimiter, quote): (u8, Option<u8>),
        width: usize,
        misshapen: &mut impl FnMut(u32, Misshapen),
    ) {
        for (span, record) in spans.iter().zip(first_record..) {
            let bounds_at = self.bounds.len();
            let (start, end) = (span.start as usize, span.end as usize);
            self.bounds.push(span.start.wrapping_sub(1));
            let split = split_record(bytes, start, end, delimiter, quote, &mut self.bounds);
            let broken = match split {
                Ok(fields) if fields == width => None,
                Ok(_) => Some(Misshapen::FieldCount),
                Err(quote) => Some(quote),
            };
            if let Some(broken) = broken {
                self.bounds.truncate(bounds_at);
                misshapen(record, broken);
            } else {
                self.rows.push(TileRow {
                    bounds_at: bounds_at as u32,
                    end: span.end,
                    record,
                });
            }
        }
    }

    /// Where a row's field starts and ends.
    #[inline(always)]
    pub(crate) fn place(&self, row: TileRow, field: usize) -> (usize, usize) {
        let at = row.bounds_at as usize + field;
        let bounds = &self.bounds[at..at + 2];
        // Only the last field ends earlier: before a carriage return.
        let (start, end) = (bounds[0].wrapping_add(1), bounds[1].min(row.end));
        (start as usize, end as usize)
    }
}

/// Appends where each field of the record ends; gives their number.
pub(crate) fn split_record(
    bytes: &[u8],
    start: usize,
    end: usize,
    delimiter: u8,
    quote: Option<u8>,
    ends: &mut Vec<u32>,
) -> Result<usize, Misshapen> {
    let record = &bytes[..end];
    let mut at = start;
    let mut fields = 0;
    loop {
        let field_end = match (record.get(at), quote) {
            (Some(&first), Some(quote)) if first == quote => {
                let after = after_closing_quote(record, at + 1, quote)
                    .filter(|&after| record.get(after).is_none_or(|&byte| byte == delimiter));
                after.ok_or(Misshapen::Quote { field: fields })?
            }
            _ => memchr(delimiter, &record[at..]).map_or(end, |found| at + found),
        };
        ends.push(field_end as u32);
        fields += 1;
        if field_end == end {
            return Ok(fields);
        }
        at = field_end + 1;
    }
}

fn after_closing_quote(record: &[u8], mut from: usize, quote: u8) -> Option<usize> {
    loop {
        let at = from + memchr(quote, &record[from..])?;
        if record.get(at + 1) != Some(&quote) {
            return Some(at + 1);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tile's rows as text: `record:field|field`.
    fn shown(tile: &Tile, block_raw: &[u8], width: usize) -> Vec<String> {
        let bytes = tile.bytes(block_raw);
        let field = |row: &TileRow, field: usize| {
            let (start, end) = tile.place(*row, field);
            String::from_utf8_lossy(&bytes[start..end]).into_owned()
        };
        let shown = |row: &TileRow| {
            let fields: Vec<_> = (0..width).map(|at| field(row, at)).collect();
            format!("{}:{}", row.record, fields.join("|"))
        };
        tile.rows.iter().map(shown).collect()
    }

    #[test]
    fn rows_can_be_laid_out() {
        let mut tile = Tile::default();
        let lay_out = |tile: &mut Tile, fields: [&str; 3]| {
            for field in fields {
                tile.push_field(field.as_bytes());
            }
        };
        for _ in 0..2 {
            tile.begin();
            assert_eq!(shown(&tile, b"raw", 3), Vec::<String>::new());
            assert_eq!(tile.extent(tile.bytes(b"raw")), b"");
            tile.drop_row();
            tile.push_field(b"gone");
            tile.drop_row();
            lay_out(&mut tile, ["a", "", "\"q\",\n"]);
            tile.end_row(3);
            lay_out(&mut tile, ["x", "y", "z"]);
            tile.push_field(b"one too many");
            tile.drop_row();
            lay_out(&mut tile, ["", "", ""]);
            tile.end_row(7);
            lay_out(&mut tile, ["b", "c", "d"]);
            tile.end_row(8);
            let expect = ["3:a||\"q\",\n", "7:||", "8:b|c|d"];
            assert_eq!(shown(&tile, b"raw", 3), expect);
            assert!(!tile.quoted);
            tile.push_field(b"unended");
            assert_eq!(shown(&tile, b"raw", 3), expect);
            let extent = b"a\n\n\"q\",\n\n\n\n\nb\nc\nd";
            assert_eq!(tile.extent(tile.bytes(b"raw")), extent);
        }
    }

    #[test]
    fn a_tile_that_was_laid_out_can_be_filled() {
        let mut tile = Tile::default();
        tile.begin();
        tile.push_field(b"laid out");
        tile.end_row(0);
        let raw = b"-a,b\n\"c\",d\r\n";
        let spans = [Span { start: 1, end: 4 }, Span { start: 5, end: 10 }];
        let none = |record, how| panic!("{record} {how:?}");
        tile.fill(raw, &spans, 5, (b',', Some(b'"')), 2, none);
        assert_eq!(shown(&tile, raw, 2), ["5:a|b", "6:\"c\"|d"]);
        assert_eq!(tile.extent(tile.bytes(raw)), &raw[1..10]);
        assert!(tile.quoted);
        tile.begin();
        tile.push_field(b"again");
        tile.end_row(9);
        assert_eq!(shown(&tile, raw, 1), ["9:again"]);
    }

    #[test]
    fn fields_of_a_record() {
        let check = |record: &str, expect: Result<&[&str], Misshapen>| {
            let mut ends = Vec::new();
            let split = split_record(
                record.as_bytes(),
                0,
                record.len(),
                b',',
                Some(b'"'),
                &mut ends,
            );
            let mut start = 0;
            let fields = split.map(|_| {
                let cut = |&end: &u32| {
                    let field = &record[start..end as usize];
                    start = end as usize + 1;
                    field
                };
                ends.iter().map(cut).collect::<Vec<_>>()
            });
            assert_eq!(fields, expect.map(<[&str]>::to_vec), "{record}");
        };
        check("a,b", Ok(&["a", "b"]));
        check("", Ok(&[""]));
        check(",", Ok(&["", ""]));
        check("\"a,b\",c", Ok(&["\"a,b\"", "c"]));
        check("\"\",\"\"\"\"", Ok(&["\"\"", "\"\"\"\""]));
        check("a\"b,c\"", Ok(&["a\"b", "c\""]));
        check(" \"a\",b", Ok(&[" \"a\"", "b"]));
        check("a,\"b", Err(Misshapen::Quote { field: 1 }));
        check("\"a\"b,c", Err(Misshapen::Quote { field: 0 }));
        check("\"a\" ,c", Err(Misshapen::Quote { field: 0 }));
        check("\"a\"\"", Err(Misshapen::Quote { field: 0 }));
    }
}
