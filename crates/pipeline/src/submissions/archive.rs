//! ZIP archives: their list of members over whatever a file comes from, and the members that
//! are data of a contract.

use bytes::Bytes;
use contract::FileNameGrammar;
use inspect::{Archive, ArchiveReader, Member, MemberReader, PassedOver, Unreadable, is_archive};
use serde::{Deserialize, Serialize};

use super::classify::{base_name, matched};
use crate::source::Stopped;
use crate::{PipelineError, Source};

/// How much of an archive is fetched at a time.
const RANGE_BYTES: u64 = 4 << 20;
/// How much is fetched to tell what a file is.
const MAGIC_BYTES: u64 = 16;

/// What of an archive was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveReport {
    pub file_name: String,
    pub members: u64,
    pub passed_over: Vec<PassedOverMember>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOverMember {
    pub member: String,
    pub why: String,
}

/// Which members of an archive are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Members {
    All,
    /// Those whose names fit the contract; the only one in any case.
    Fitting,
}

impl Members {
    pub(super) fn of<'a>(
        self,
        archive: &'a Archive,
        grammar: Option<&FileNameGrammar>,
    ) -> Result<Vec<&'a Member>, String> {
        let all = archive.members.iter().collect::<Vec<_>>();
        let (Self::Fitting, Some(grammar)) = (self, grammar) else {
            return Ok(all);
        };
        if all.len() == 1 {
            return Ok(all);
        }
        let fits = |member: &&Member| matched(grammar, base_name(&member.name)).is_some();
        let fitting = all.iter().copied().filter(fits).collect::<Vec<_>>();
        if fitting.is_empty() {
            return Err(format!(
                "none of its {} files has a name of this contract: unpack it and name \
                 the file that is meant",
                all.len()
            ));
        }
        Ok(fitting)
    }
}

impl ArchiveReport {
    pub(super) fn of(file_name: &str, archive: &Archive, read: &[&Member]) -> Self {
        let other = |member: &&Member| !read.iter().any(|read| read.name == member.name);
        let others = archive.members.iter().filter(other);
        let others = others.map(|member| (&member.name, "its name is not of this contract"));
        let none = archive.passed_over.iter();
        let none = none.map(|(name, why)| (name, in_words(*why)));
        let passed_over = none.chain(others).map(|(member, why)| PassedOverMember {
            member: member.clone(),
            why: why.to_owned(),
        });
        Self {
            file_name: file_name.to_owned(),
            members: read.len() as u64,
            passed_over: passed_over.collect(),
        }
    }
}

fn in_words(why: PassedOver) -> &'static str {
    match why {
        PassedOver::Directory => "a folder",
        PassedOver::MacMetadata => "metadata of macOS",
        PassedOver::Hidden => "a hidden file",
        PassedOver::SystemFile => "a file of the operating system",
    }
}

/// The list of what a ZIP archive holds; nothing of what is none.
pub(crate) async fn find(source: &Source) -> Result<Option<Archive>, Stopped> {
    let is_empty = source.size_bytes().is_none_or(|bytes| bytes == 0);
    if is_empty || !is_archive(&source.range(0, MAGIC_BYTES).await?) {
        return Ok(None);
    }
    open(source).await.map(Some)
}

/// The list of what an archive holds.
pub(super) async fn open(source: &Source) -> Result<Archive, Stopped> {
    let size_bytes = source.size_bytes().ok_or_else(|| {
        Stopped::Unreadable(
            "it is a ZIP archive, and those cannot be read from standard input: save it as a file"
                .to_owned(),
        )
    })?;
    let mut reader = ArchiveReader::new(size_bytes);
    loop {
        let bytes = source.range(reader.wants()?, RANGE_BYTES).await?;
        if let Some(archive) = reader.push(&bytes)? {
            return Ok(archive);
        }
    }
}

/// Bytes of one member as they are wanted next; nothing once it is read.
pub(crate) async fn next_bytes(
    source: &Source,
    reader: &MemberReader,
) -> Result<Option<Bytes>, Stopped> {
    match reader.wants()? {
        None => Ok(None),
        Some(offset) => Ok(Some(source.range(offset, RANGE_BYTES).await?)),
    }
}

/// The first bytes of a member, as it is unpacked; fewer where it is damaged, for parsing says so.
pub(super) async fn member_head(
    source: &Source,
    archive: &Archive,
    member: &Member,
    bytes_max: usize,
) -> Result<Vec<u8>, PipelineError> {
    let mut reader = MemberReader::new(archive, member);
    let mut head = Vec::new();
    while head.len() < bytes_max {
        let bytes = match next_bytes(source, &reader).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) | Err(Stopped::Unreadable(_)) => break,
            Err(Stopped::Failed(error)) => return Err(error),
        };
        let room = bytes_max.saturating_sub(head.len());
        let pushed = reader.push(&bytes[..bytes.len().min(room)], |text| {
            head.extend_from_slice(text);
            Ok::<(), Unreadable>(())
        });
        if pushed.is_err() {
            break;
        }
    }
    head.truncate(bytes_max);
    Ok(head)
}
