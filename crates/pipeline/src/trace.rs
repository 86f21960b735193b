//! From a stored row back to the bytes that it was read from.

use contract::{LayoutId, SubmissionId};
use futures::TryStreamExt;
use inspect::{Compression, MemberReader, Unpacker, Unreadable};
use lake::{read_row, session};
use serde::Serialize;
use store::SubmissionFile;

use crate::source::Stopped;
use crate::submissions::archive;
use crate::{Pipeline, PipelineError};

/// Enough to tell how a file is packed.
const MAGIC_BYTES: u64 = 16;

/// Where a row came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    pub submission_id: SubmissionId,
    pub layout_id: Option<LayoutId>,
    pub grouping_key: String,
    pub source_file: String,
    pub raw_key: String,
    pub sha256: String,
    /// 1 is the first record after the header.
    pub source_row: u64,
    /// Bytes from the start of the file.
    pub source_offset: u64,
    pub source_length: u64,
    /// The record as it was received; masked unless it was asked for in the clear.
    pub raw_line: String,
}

impl Pipeline {
    /// Traces row `index` (0 is the first) of a silver, quarantine or gold file, named by its key.
    pub async fn trace(
        &self,
        key: &str,
        index: usize,
        reveal: bool,
    ) -> Result<Trace, PipelineError> {
        let context = session(&self.objects)?;
        let row = read_row(&context, &self.objects, key, index)
            .await?
            .ok_or_else(|| {
                PipelineError::Refused(format!("`{key}` has no row {index}: the first is 0"))
            })?;
        let lacking = |name: &str| {
            PipelineError::Refused(format!(
                "the rows of `{key}` have no `{name}`: name a file of silver, quarantine or gold"
            ))
        };
        let text = |name: &str| row.get(name).ok_or_else(|| lacking(name));
        let number = |name: &str| text(name)?.parse::<u64>().map_err(|_| lacking(name));
        let submission_id = row
            .get("source_submission_id")
            .or_else(|| row.get("submission_id"))
            .or_else(|| key.split('/').nth(3))
            .and_then(|text| text.parse::<SubmissionId>().ok())
            .ok_or_else(|| lacking("source_submission_id"))?;
        let submission = self.known_submission(submission_id).await?;
        let source_file = text("source_file")?.to_owned();
        let files = self.store.submission_files(submission_id).await?;
        let file = files
            .into_iter()
            .find(|file| file.file_name == source_file || member_of(file, &source_file).is_some())
            .ok_or_else(|| {
                PipelineError::Refused(format!(
                    "submission {submission_id} has no file `{source_file}`"
                ))
            })?;
        let (source_offset, source_length) = (number("source_offset")?, number("source_length")?);
        let bytes = self
            .row_bytes(&file, &source_file, source_offset, source_length)
            .await
            .map_err(|stopped| match stopped {
                Stopped::Unreadable(why) => {
                    PipelineError::Refused(format!("`{source_file}`: {why}"))
                }
                Stopped::Failed(error) => error,
            })?;
        let line = String::from_utf8_lossy(&bytes);
        Ok(Trace {
            submission_id,
            layout_id: submission.layout(),
            grouping_key: submission.grouping_key,
            source_file,
            raw_key: file.raw_key,
            sha256: file.sha256.unwrap_or_default(),
            source_row: number("source_row")?,
            source_offset,
            source_length,
            raw_line: if reveal {
                line.into_owned()
            } else {
                mask(&line)
            },
        })
    }
}

/// The part of a text between two offsets, cut out while the text passes.
struct Cut {
    from: u64,
    to: u64,
    position: u64,
    bytes: Vec<u8>,
}

impl Cut {
    fn take(&mut self, text: &[u8]) {
        let length = text.len() as u64;
        let within = |place: u64| place.saturating_sub(self.position).min(length) as usize;
        self.bytes
            .extend_from_slice(&text[within(self.from)..within(self.to)]);
        self.position += length;
    }
}

impl Pipeline {
    /// A row's bytes: those of the file or, where it is packed, those of what is packed in it.
    async fn row_bytes(
        &self,
        file: &SubmissionFile,
        source_file: &str,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, Stopped> {
        let source = self.staged(file);
        let mut cut = Cut {
            from: offset,
            to: offset + length,
            position: 0,
            bytes: Vec::new(),
        };
        let mut unpacker = Unpacker::new();
        let mut take = |text: &[u8]| {
            cut.take(text);
            Ok::<(), Unreadable>(())
        };
        if let Some(member) = member_of(file, source_file)
            && let Some(archive) = archive::find(&source).await?
        {
            let found = archive.members.iter().find(|found| found.name == member);
            let found = found.ok_or_else(|| {
                PipelineError::Refused(format!("`{}` holds no `{member}`", file.file_name))
            })?;
            let mut reader = MemberReader::new(&archive, found);
            while let Some(bytes) = archive::next_bytes(&source, &reader).await? {
                reader.push(&bytes, |packed| unpacker.push(packed, &mut take))?;
            }
        } else if Compression::of(&source.range(0, MAGIC_BYTES).await?).is_none() {
            return Ok(source.range(offset, length).await?.to_vec());
        } else {
            let mut chunks = source.chunks();
            while let Some(chunk) = chunks.try_next().await? {
                unpacker.push(&chunk, &mut take)?;
            }
        }
        unpacker.finish(&mut take)?;
        Ok(cut.bytes)
    }
}

/// The member's name, where a row came from a member of the file.
fn member_of<'n>(file: &SubmissionFile, source_file: &'n str) -> Option<&'n str> {
    source_file
        .strip_prefix(file.file_name.as_str())?
        .strip_prefix('/')
}

/// A record's shape without its values: letters become `x`, digits `9`.
pub fn mask(line: &str) -> String {
    let hide = |c: char| match c {
        _ if c.is_numeric() => '9',
        _ if c.is_alphabetic() => 'x',
        _ => c,
    };
    line.chars().map(hide).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn masks_keep_shape_and_no_value() {
        assert_eq!(
            super::mask("Ana|1970-02-03|\"É 7\"|"),
            "xxx|9999-99-99|\"x 9\"|"
        );
    }
}
