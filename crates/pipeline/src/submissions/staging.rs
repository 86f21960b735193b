use bytes::Bytes;
use chrono::Utc;
use contract::MonthSource;
use inspect::unpacked_head;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Classification, Staged, Submission, SubmissionFile};

use super::archive;
use super::classify::{ClassifiedFile, classify};
use crate::fault::{self, FaultPoint};
use crate::inbox::raw_place;
use crate::source::Stopped;
use crate::{ClassifierKind, Event, Pipeline, PipelineError, Source};
use lake::Key;

/// How much of a file the header classifier sees: the longest header that it understands.
const HEAD_BYTES: usize = 256 * 1024;

impl Pipeline {
    /// Copies a submission's files into `raw/`, hashes them, writes the manifest and classifies.
    /// Each file's copy is kept if it is there already, so a repeat goes on where it stopped.
    pub(crate) async fn stage(
        &self,
        submission: &Submission,
    ) -> Result<serde_json::Value, PipelineError> {
        let mut files = self
            .store
            .submission_files(submission.submission_id)
            .await?;
        let classification = match self.copy_files(submission, &mut files).await {
            Ok(()) => {
                self.write_manifest(submission, &files).await?;
                fault::point(FaultPoint::ManifestWritten);
                self.classify_files(submission, &files).await?
            }
            Err(PipelineError::Lake(error)) if error.is_not_found() || error.is_changed() => Err(
                "a file was changed or removed in the inbox before it was staged; what is there now makes a \
                 submission of its own"
                    .to_owned(),
            ),
            Err(error) => return Err(error),
        };
        let staged = Staged {
            content_hash: content_hash(&files, self.names_matter(&classification)),
            classification: classification.clone(),
        };
        let duplicate_of = self
            .store
            .finish_staging(submission.submission_id, &self.owner, &staged, Utc::now())
            .await?
            .yes()
            .ok_or(PipelineError::LeaseLost)?;
        fault::point(FaultPoint::Staged);
        self.tell(Event::Staged {
            submission: submission.submission_id,
            classified: classification.map(|found| found.layout),
            duplicate_of,
        });
        let bytes: i64 = files.iter().map(|file| file.size_bytes).sum();
        Ok(json!({ "files": files.len(), "bytes": bytes }))
    }

    async fn copy_files(
        &self,
        submission: &Submission,
        files: &mut [SubmissionFile],
    ) -> Result<(), PipelineError> {
        for file in files {
            let (sha256, size_bytes) = self
                .objects
                .copy_hashed(
                    &file.object_key,
                    file.size_bytes as u64,
                    file.etag.as_deref(),
                    &file.raw_key,
                )
                .await?;
            fault::point(FaultPoint::RawCopied);
            self.store
                .record_file_hash(
                    submission.submission_id,
                    file.ordinal,
                    &sha256,
                    size_bytes as i64,
                )
                .await?;
            fault::point(FaultPoint::HashRecorded);
            file.size_bytes = size_bytes as i64;
            file.sha256 = Some(sha256);
        }
        Ok(())
    }

    async fn write_manifest(
        &self,
        submission: &Submission,
        files: &[SubmissionFile],
    ) -> Result<(), PipelineError> {
        let listed: Vec<_> = files
            .iter()
            .map(|file| {
                json!({
                    "file_name": file.file_name,
                    "inbox_key": file.object_key,
                    "raw_key": file.raw_key,
                    "size_bytes": file.size_bytes,
                    "sha256": file.sha256,
                })
            })
            .collect();
        let manifest = json!({
            "submission_id": submission.submission_id,
            "grouping_key": submission.grouping_key,
            "grouping_method": submission.grouping_method.as_str(),
            "received_at": submission.received_at,
            "files": listed,
        });
        let place = raw_place(&submission.grouping_key, submission.submission_id);
        let text = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain JSON");
        self.objects
            .create(
                &Key::Manifest { place: &place }.to_string(),
                Bytes::from(text),
            )
            .await?;
        Ok(())
    }

    async fn classify_files(
        &self,
        submission: &Submission,
        files: &[SubmissionFile],
    ) -> Result<Result<Classification, String>, PipelineError> {
        let kind = self.settings.classifier;
        let mut seen = Vec::with_capacity(files.len());
        for file in files {
            let source = self.staged(file);
            match self.members_seen(file, &source).await {
                Ok(Some(members)) => seen.extend(members),
                // What is damaged is classified by its own name: parsing says what is wrong with it.
                Ok(None) | Err(Stopped::Unreadable(_)) => seen.push(ClassifiedFile {
                    file_name: file.file_name.clone(),
                    head: self.head(&source).await?,
                }),
                Err(Stopped::Failed(error)) => return Err(error),
            }
        }
        Ok(classify(
            kind,
            &self.catalog,
            &submission.grouping_key,
            &seen,
        ))
    }

    /// What the classifier sees of a file.
    async fn head(&self, source: &Source) -> Result<Vec<u8>, PipelineError> {
        match self.settings.classifier {
            ClassifierKind::SubmitterFilename => Ok(Vec::new()),
            ClassifierKind::Header if source.size_bytes() == Some(0) => Ok(Vec::new()),
            ClassifierKind::Header => {
                let start = source.range(0, HEAD_BYTES as u64).await?;
                Ok(unpacked_head(&start, HEAD_BYTES))
            }
        }
    }

    /// The same of each member of an archive; nothing of what is none.
    async fn members_seen(
        &self,
        file: &SubmissionFile,
        source: &Source,
    ) -> Result<Option<Vec<ClassifiedFile>>, Stopped> {
        let Some(archive) = archive::find(source).await? else {
            return Ok(None);
        };
        let mut seen = Vec::with_capacity(archive.members.len());
        for member in &archive.members {
            let head = match self.settings.classifier {
                ClassifierKind::SubmitterFilename => Vec::new(),
                ClassifierKind::Header => {
                    let start = archive::member_head(source, &archive, member, HEAD_BYTES).await?;
                    unpacked_head(&start, HEAD_BYTES)
                }
            };
            seen.push(ClassifiedFile {
                file_name: format!("{}/{}", file.file_name, member.name),
                head,
            });
        }
        Ok(Some(seen))
    }

    /// True where a file's name says which month its rows are of: the same bytes under another
    /// name are then another content.
    fn names_matter(&self, classification: &Result<Classification, String>) -> bool {
        let layout = classification
            .as_ref()
            .ok()
            .and_then(|found| self.catalog.layouts.get(&found.layout));
        let month = layout.and_then(|layout| layout.contract.atomic_month.as_ref());
        matches!(month, Some(MonthSource::FileNamePart(_)))
    }
}

/// One hash for a submission's content: that of its files' hashes, with their names where those
/// matter.
fn content_hash(files: &[SubmissionFile], with_names: bool) -> String {
    let line = |file: &SubmissionFile| {
        let name = if with_names {
            file.file_name.as_str()
        } else {
            ""
        };
        format!("{} {name}", file.sha256.as_deref().unwrap_or_default())
    };
    let mut lines: Vec<String> = files.iter().map(line).collect();
    lines.sort_unstable();
    contract::hex(&Sha256::digest(lines.join("\n")))
}
