//! Compressed files and archives, opened on the way to the splitter: bytes in, unpacked bytes
//! out, in pieces, so that no file and no bomb is ever held as a whole.
//!
//! `stream` undoes gzip and zstd, found from their first bytes. `zip` lists the members of an
//! archive and reads one of them; whoever calls fetches the ranges that it asks for.
//! Places (`source_offset`) are then counted in the unpacked text.

mod names;
mod stream;
mod zip;

pub use names::{PassedOver, packed_base_name};
pub use stream::{Compression, Unpacker, unpacked_head};
pub use zip::{Archive, ArchiveReader, Member, MemberReader, open_archive, read_member};

use crate::error::Unreadable;

/// Whether a file that begins so is a ZIP archive (an empty one included).
pub fn is_archive(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06")
}

fn damaged(what: &'static str, how: &'static str) -> Unreadable {
    Unreadable::Damaged { what, how }
}
