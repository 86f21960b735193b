//! ZIP archives: their list of members, and one member as a stream.
//!
//! The list stands at an archive's end, so an archive is read in ranges, which the caller
//! fetches: [`ArchiveReader`] and [`MemberReader`] say what they want and are pushed it.
//! [`open_archive`] and [`read_member`] do so for what can be read and sought.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

use rc_zip::error::Error;
use rc_zip::fsm::{ArchiveFsm, EntryFsm, FsmResult};
use rc_zip::parse::{Entry, Method};

use super::damaged;
use super::names::PassedOver;
use crate::error::Unreadable;

/// How much of a member comes out at a time.
const PIECE_BYTES: usize = 256 << 10;
/// General-purpose bit 0 of an entry.
const ENCRYPTED: u16 = 1;

/// What an archive holds.
pub struct Archive {
    /// The files, in the archive's order.
    pub members: Vec<Member>,
    /// What is no data, and why.
    pub passed_over: Vec<(String, PassedOver)>,
    size_bytes: u64,
}

/// A file in an archive.
#[derive(Clone)]
pub struct Member {
    /// With its folders, `/` between them.
    pub name: String,
    /// Unpacked, as the archive says.
    pub size_bytes: u64,
    entry: Entry,
}

/// Reads an archive's list of members.
pub struct ArchiveReader {
    fsm: Option<ArchiveFsm>,
    size_bytes: u64,
}

impl ArchiveReader {
    pub fn new(size_bytes: u64) -> Self {
        Self {
            fsm: Some(ArchiveFsm::new(size_bytes)),
            size_bytes,
        }
    }

    /// From where on the archive's bytes are wanted next.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn wants(&self) -> Result<u64, Unreadable> {
        let offset = self.fsm.as_ref().and_then(ArchiveFsm::wants_read);
        offset
            .filter(|&offset| offset < self.size_bytes)
            .ok_or_else(cut_off)
    }

    /// Takes bytes from where they were wanted; gives the list once it is read.
    ///
    /// # Errors
    /// The archive is damaged, or is none that can be read.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Option<Archive>, Unreadable> {
        let mut fsm = self.fsm.take().ok_or_else(cut_off)?;
        loop {
            let wanted = fsm.wants_read();
            let space = fsm.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            fsm.fill(count);
            bytes = &bytes[count..];
            match fsm.process().map_err(|error| unreadable(&error))? {
                FsmResult::Done(archive) => {
                    return Archive::of(archive.entries(), self.size_bytes).map(Some);
                }
                FsmResult::Continue(next) => fsm = next,
            }
            // What comes next may stand elsewhere.
            let follows = wanted.map(|wanted| wanted + count as u64) == fsm.wants_read();
            if bytes.is_empty() || !follows {
                self.fsm = Some(fsm);
                return Ok(None);
            }
            if count == 0 {
                return Err(damaged("a ZIP archive", "its list of files cannot be read"));
            }
        }
    }
}

impl Archive {
    fn of<'e>(
        entries: impl Iterator<Item = &'e Entry>,
        size_bytes: u64,
    ) -> Result<Self, Unreadable> {
        let mut archive = Self {
            members: Vec::new(),
            passed_over: Vec::new(),
            size_bytes,
        };
        let mut names = HashSet::new();
        for entry in entries {
            let name = entry.name.replace('\\', "/");
            if let Some(why) = PassedOver::of(&name) {
                archive.passed_over.push((name, why));
                continue;
            }
            if !names.insert(name.clone()) {
                let how = "it holds two files of the same name";
                return Err(damaged("a ZIP archive", how));
            }
            archive.members.push(Member {
                name,
                size_bytes: entry.uncompressed_size,
                entry: entry.clone(),
            });
        }
        archive.refuse_what_is_none()?;
        Ok(archive)
    }

    /// Office documents are archives too; and what nobody can read.
    fn refuse_what_is_none(&self) -> Result<(), Unreadable> {
        let has = |wanted: &str| self.members.iter().any(|member| member.name == wanted);
        let within = |folder: &str| self.members.iter().any(|m| m.name.starts_with(folder));
        let sheet = "save the sheet as delimited text";
        let data = "send the data that it was made from as text";
        let refused = if has("[Content_Types].xml") && within("xl/") {
            Some(("an Excel workbook", sheet))
        } else if has("[Content_Types].xml") {
            Some(("an Office document", data))
        } else if has("mimetype") && has("content.xml") {
            Some(("an OpenDocument file", "save it as delimited text"))
        } else if self.members.is_empty() {
            Some((
                "a ZIP archive without a file",
                "send it again with its files",
            ))
        } else if self.members.iter().any(Member::is_encrypted) {
            Some((
                "a ZIP archive with a password",
                "send it without one, over a channel that is encrypted itself",
            ))
        } else if self.members.iter().any(|member| !member.is_supported()) {
            let remedy = "pack it with the usual method (deflate)";
            Some(("a ZIP archive of an unusual compression", remedy))
        } else {
            None
        };
        refused.map_or(Ok(()), |(what, remedy)| {
            Err(Unreadable::NotText { what, remedy })
        })
    }
}

impl Member {
    fn is_encrypted(&self) -> bool {
        self.entry.flags & ENCRYPTED != 0 || self.entry.method == Method::Aex
    }

    fn is_supported(&self) -> bool {
        matches!(
            self.entry.method,
            Method::Store | Method::Deflate | Method::Deflate64
        )
    }
}

/// Reads one member of an archive.
pub struct MemberReader {
    fsm: Option<EntryFsm>,
    position: u64,
    archive_bytes: u64,
    out: Vec<u8>,
}

impl MemberReader {
    pub fn new(archive: &Archive, member: &Member) -> Self {
        Self {
            fsm: Some(EntryFsm::new(Some(member.entry.clone()), None)),
            position: member.entry.header_offset,
            archive_bytes: archive.size_bytes,
            out: vec![0; PIECE_BYTES],
        }
    }

    /// From where on the archive's bytes are wanted next; nothing once the member is read.
    ///
    /// # Errors
    /// The archive ends before the member does.
    pub fn wants(&self) -> Result<Option<u64>, Unreadable> {
        match &self.fsm {
            None => Ok(None),
            Some(_) if self.position < self.archive_bytes => Ok(Some(self.position)),
            Some(_) => Err(cut_off()),
        }
    }

    /// Takes bytes from where they were wanted, and gives what they hold to `take`.
    ///
    /// # Errors
    /// The member is damaged, or `take` fails.
    pub fn push<E: From<Unreadable>>(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.position += bytes.len() as u64;
        let Some(mut fsm) = self.fsm.take() else {
            return Ok(());
        };
        loop {
            let space = fsm.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            fsm.fill(count);
            bytes = &bytes[count..];
            match fsm
                .process(&mut self.out)
                .map_err(|error| unreadable(&error))?
            {
                FsmResult::Done(_) => return Ok(()),
                FsmResult::Continue((next, outcome)) => {
                    fsm = next;
                    if outcome.bytes_written > 0 {
                        take(&self.out[..outcome.bytes_written])?;
                    } else if outcome.bytes_read == 0 && count == 0 {
                        if !bytes.is_empty() {
                            return Err(damaged("a ZIP archive", BROKEN).into());
                        }
                        self.fsm = Some(fsm);
                        return Ok(());
                    }
                }
            }
        }
    }
}

const BROKEN: &str = "its bytes are damaged";

fn cut_off() -> Unreadable {
    damaged("a ZIP archive", "it is cut off before its end")
}

fn unreadable(error: &Error) -> Unreadable {
    match error {
        Error::Unsupported(_) => Unreadable::NotText {
            what: "a ZIP archive of an unusual compression",
            remedy: "pack it with the usual method (deflate)",
        },
        Error::Format(rc_zip::error::FormatError::DirectoryEndSignatureNotFound) => cut_off(),
        _ => damaged("a ZIP archive", BROKEN),
    }
}

/// Lists an archive.
///
/// # Errors
/// Reading fails, or the archive is damaged or none that can be read.
pub fn open_archive<E: From<Unreadable> + From<io::Error>>(
    archive: &mut (impl Read + Seek),
) -> Result<Archive, E> {
    let size_bytes = archive.seek(SeekFrom::End(0))?;
    let mut reader = ArchiveReader::new(size_bytes);
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        archive.seek(SeekFrom::Start(reader.wants()?))?;
        let count = archive.read(&mut buffer)?;
        if count == 0 {
            return Err(cut_off().into());
        }
        if let Some(list) = reader.push(&buffer[..count])? {
            return Ok(list);
        }
    }
}

/// Gives a member's bytes to `take`.
///
/// # Errors
/// Reading or `take` fails, or the member is damaged.
pub fn read_member<E: From<Unreadable> + From<io::Error>>(
    archive: &mut (impl Read + Seek),
    list: &Archive,
    member: &Member,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = MemberReader::new(list, member);
    let mut buffer = vec![0; PIECE_BYTES];
    while let Some(offset) = reader.wants()? {
        archive.seek(SeekFrom::Start(offset))?;
        let count = archive.read(&mut buffer)?;
        if count == 0 {
            return Err(cut_off().into());
        }
        reader.push(&buffer[..count], &mut take)?;
    }
    Ok(())
}
