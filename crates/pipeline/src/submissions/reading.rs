//! Files read to their end: each is one pass over its bytes, unpacked, split in order, inspected
//! on all cores and sent on in order. An archive is read member by member.

use std::sync::Arc;

use bytes::Bytes;
use contract::{AtomicMonth, MonthSource};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use inspect::{
    Archive, Block, Compression, Member, MemberReader, Months, Splitter, Unpacker, Unreadable,
};

use super::archive::{self, ArchiveReport};
use super::classify::{base_name, matched};
use super::looked::{Wanted, Working};
use super::passage::{FilePassage, Passage};
use super::report::FileReport;
use crate::catalog::Layout;
use crate::source::Stopped;
use crate::{PipelineError, Source};

/// How much of a compressed file is unpacked at a time, so that a bomb comes out in pieces.
const PACKED_PIECE_BYTES: usize = 32 << 10;

/// One file's end: it was read, or it is not readable as this contract and why.
pub(crate) type FileOutcome = Result<(), String>;

/// Is told of bytes that were read.
pub(crate) type Watch<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// A file that is to be read.
pub(crate) struct SourceFile<'a> {
    pub(crate) name: &'a str,
    pub(crate) sha256: &'a str,
    pub(crate) source: &'a Source,
}

/// A file of text between its beginning and its end.
struct OpenFile {
    counts: FilePassage,
    splitter: Splitter,
    unpacker: Unpacker,
    working: Working,
    /// What was split and is not yet inspected.
    blocks: Vec<Block>,
}

impl OpenFile {
    fn split(&mut self, piece: &[u8]) -> Result<(), Unreadable> {
        self.unpacker.push(piece, |text| {
            self.blocks.extend(self.splitter.push(text)?);
            Ok(())
        })
    }
}

impl Passage {
    /// Reads a file to its end.
    pub(crate) async fn read(
        &mut self,
        file: &SourceFile<'_>,
        watch: Watch<'_>,
    ) -> Result<FileOutcome, PipelineError> {
        match self.read_or_stop(file, watch).await {
            Ok(()) => Ok(Ok(())),
            Err(Stopped::Unreadable(why)) => Ok(Err(why)),
            Err(Stopped::Failed(error)) => Err(error),
        }
    }

    async fn read_or_stop(
        &mut self,
        file: &SourceFile<'_>,
        watch: Watch<'_>,
    ) -> Result<(), Stopped> {
        let mut chunks = file.source.chunks();
        let first = chunks.try_next().await?.unwrap_or_default();
        if !inspect::is_archive(&first) {
            let chunks = stream::once(async { Ok(first) }).chain(chunks).boxed();
            return self.read_text(file, chunks, watch).await;
        }
        drop(chunks);
        let archive = archive::open(file.source).await?;
        self.read_archive(file, &archive, watch).await
    }

    async fn read_text(
        &mut self,
        file: &SourceFile<'_>,
        mut chunks: BoxStream<'_, Result<Bytes, PipelineError>>,
        watch: Watch<'_>,
    ) -> Result<(), Stopped> {
        let report = FileReport {
            file_name: file.name.to_owned(),
            sha256: file.sha256.to_owned(),
            ..FileReport::default()
        };
        let mut open = self.begin(report)?;
        while let Some(chunk) = chunks.try_next().await? {
            let packed = open.unpacker.compression();
            let packed = packed.or_else(|| Compression::of(&chunk));
            let piece_bytes = packed.map_or(chunk.len(), |_| PACKED_PIECE_BYTES);
            for piece in chunk.chunks(piece_bytes.max(1)) {
                open.split(piece)?;
                self.inspect_split(&mut open).await?;
            }
            open.counts.report.size_bytes += chunk.len() as u64;
            watch(chunk.len() as u64);
        }
        self.end(open).await
    }

    async fn read_archive(
        &mut self,
        file: &SourceFile<'_>,
        archive: &Archive,
        watch: Watch<'_>,
    ) -> Result<(), Stopped> {
        let grammar = self.judge.layout.contract.file_name.clone();
        let members = self.members.of(archive, grammar.as_ref());
        let members = members.map_err(Stopped::Unreadable)?;
        for member in &members {
            let read = self.read_member(file, archive, member, watch).await;
            read.map_err(|stopped| match stopped {
                Stopped::Unreadable(why) => {
                    Stopped::Unreadable(format!("`{}` in it: {why}", member.name))
                }
                failed @ Stopped::Failed(_) => failed,
            })?;
        }
        let report = ArchiveReport::of(file.name, archive, &members);
        self.archives.push(report);
        Ok(())
    }

    async fn read_member(
        &mut self,
        file: &SourceFile<'_>,
        archive: &Archive,
        member: &Member,
        watch: Watch<'_>,
    ) -> Result<(), Stopped> {
        let report = FileReport {
            file_name: format!("{}/{}", file.name, member.name),
            archive: Some(file.name.to_owned()),
            sha256: file.sha256.to_owned(),
            size_bytes: member.size_bytes,
            ..FileReport::default()
        };
        let mut open = self.begin(report)?;
        let mut reader = MemberReader::new(archive, member);
        while let Some(bytes) = archive::next_bytes(file.source, &reader).await? {
            for piece in bytes.chunks(PACKED_PIECE_BYTES) {
                reader.push(piece, |text| open.split(text))?;
                self.inspect_split(&mut open).await?;
            }
            watch(bytes.len() as u64);
        }
        self.end(open).await
    }

    fn begin(&self, report: FileReport) -> Result<OpenFile, Stopped> {
        let layout = &self.judge.layout;
        let months = months(layout, &report.file_name).map_err(Stopped::Unreadable)?;
        let wanted = Wanted {
            months,
            by_month: self.is_by_month(),
        };
        let plan = layout.plan.for_file(&report.file_name);
        Ok(OpenFile {
            splitter: Splitter::new(&plan),
            unpacker: Unpacker::new(),
            working: Working::new(&self.judge, wanted),
            counts: FilePassage::new(report, layout, wanted),
            blocks: Vec::new(),
        })
    }

    /// Inspects on all cores what was split, and sends on what is ready.
    async fn inspect_split(&mut self, open: &mut OpenFile) -> Result<(), PipelineError> {
        for block in std::mem::take(&mut open.blocks) {
            if let Some(looked) = open.working.push(block).await? {
                self.take(&mut open.counts, looked).await?;
            }
        }
        Ok(())
    }

    async fn end(&mut self, open: OpenFile) -> Result<(), Stopped> {
        let OpenFile {
            counts: mut file,
            mut splitter,
            unpacker,
            mut working,
            mut blocks,
        } = open;
        unpacker.finish(|text| {
            blocks.extend(splitter.push(text)?);
            Ok::<(), Unreadable>(())
        })?;
        let (last, end) = splitter.finish()?;
        for block in blocks.into_iter().chain(last) {
            if let Some(looked) = working.push(block).await? {
                self.take(&mut file, looked).await?;
            }
        }
        while let Some(looked) = working.next().await? {
            self.take(&mut file, looked).await?;
        }
        let report = file.end(end, &self.judge);
        self.files.push(report);
        Ok(())
    }
}

/// Where the months of a file's rows come from, or why its name gives none.
fn months(layout: &Arc<Layout>, file_name: &str) -> Result<Months, String> {
    let part = match &layout.contract.atomic_month {
        None => return Ok(Months::Fixed(AtomicMonth::Unknown)),
        Some(MonthSource::Column(name)) => {
            let schema = layout.plan.schema();
            return Ok(Months::of_column(&schema, name)
                .expect("a contract's month column holds dates or timestamps"));
        }
        Some(MonthSource::FileNamePart(part)) => part,
    };
    let parts = layout
        .contract
        .file_name
        .as_ref()
        .and_then(|grammar| matched(grammar, base_name(file_name)));
    parts
        .and_then(|parts| AtomicMonth::from_file_name_part(parts.get(part)?).ok())
        .map(Months::Fixed)
        .ok_or_else(|| {
            format!(
                "the part `{part}` of its name is no month: write YYYY, YYYYMM or YYYY-MM there"
            )
        })
}
