//! What is settled once a file's first bytes are there: its encoding, and how it is read.

use contract::{Encoding, FileFormat};

use crate::error::Unreadable;
use crate::records::Records;
use crate::sniff::{Found, sniff};
use crate::utf16::{Transcoder, file_bytes};

#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) found: Found,
    /// That of the text, which is UTF-8 where the file is UTF-16.
    pub(crate) encoding: Encoding,
    /// Makes UTF-8 of the file's bytes, where they are UTF-16.
    pub(crate) wide: Option<Transcoder>,
    pub(crate) records: Records,
}

impl Opened {
    /// `start`: the file's first bytes, all of them where it is short.
    pub(crate) fn of(
        format: &FileFormat,
        start: &[u8],
        record_bytes_max: usize,
    ) -> Result<Self, Unreadable> {
        let found = sniff(start, format.encoding)?;
        let (encoding, wide) = match found.encoding {
            Encoding::Utf16Le => (Encoding::Utf8, Some(Transcoder::new(false))),
            Encoding::Utf16Be => (Encoding::Utf8, Some(Transcoder::new(true))),
            other => (other, None),
        };
        Ok(Self {
            found,
            encoding,
            wide,
            records: Records::of(format, encoding, record_bytes_max),
        })
    }

    /// Appends the text of the file's next bytes, those after the byte-order mark.
    pub(crate) fn read(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        match &mut self.wide {
            Some(transcoder) => transcoder.push(bytes, text),
            None => text.extend_from_slice(bytes),
        }
    }

    /// How many bytes of the file this text is.
    pub(crate) fn file_bytes(&self, text: &[u8]) -> u64 {
        if self.wide.is_some() {
            file_bytes(text)
        } else {
            text.len() as u64
        }
    }
}
