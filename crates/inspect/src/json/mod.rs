//! Records of JSON: lines that hold an object each, or the elements of one array.
//!
//! `array` says where the elements of an array end; `record` takes a record's values out by the
//! tree of `members`; `text` is the grammar.

mod array;
mod brackets;
mod members;
mod number;
mod record;
mod text;

pub(crate) use array::ArrayScanner;
pub(crate) use members::Members;
pub(crate) use record::RecordReader;
pub(crate) use text::{Cursor, Fault};

use contract::{Encoding, FileFormat, Shape};

/// What a contract may not ask of JSON.
pub(crate) fn refused(format: &FileFormat) -> Option<String> {
    let lines = format.skip_lines > 0 || format.skip_footer_lines > 0 || format.comment.is_some();
    if matches!(format.encoding, Encoding::Latin1 | Encoding::Windows1252) {
        Some("JSON is written in UTF-8: drop `encoding`".to_owned())
    } else if lines && format.shape == Shape::JsonArray {
        let reason = "a JSON array has no comments, and no lines to skip at its start or end";
        Some(reason.to_owned())
    } else {
        None
    }
}

/// Whether the text is one value of JSON, of any kind, as records are judged.
#[doc(hidden)]
pub fn is_json(text: &[u8]) -> bool {
    text::judge(text).is_ok()
}
