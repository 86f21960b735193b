//! Where the rows of a passage go: into a project's silver and quarantine, or into files of a
//! person's choice.

use std::path::Path;

use arrow::datatypes::SchemaRef;
use contract::Rule;
use inspect::Reject;
use lake::{
    FileRules, LakeError, Objects, QuarantineWriter, RejectsFile, RowsFile, RowsForm, SilverWriter,
    SubmissionPlace, WrittenRows,
};

use super::looked::Rows;
use crate::fault::{self, FaultPoint};

pub(crate) enum Outlet {
    Project {
        silver: Box<SilverWriter>,
        quarantine: Box<QuarantineWriter>,
    },
    Files(Box<OutputFiles>),
}

/// Files that accepted and rejected rows are written to, each if it is wanted.
pub(crate) struct OutputFiles {
    accepted: Option<RowsFile>,
    rejected: Option<RejectsFile>,
    /// What rules over the whole file are asked of, where no other file serves.
    asked: Option<RowsFile>,
    rows_accepted: u64,
    rows_rejected: u64,
}

/// The files, whole and not yet in their places.
pub(crate) struct WrittenFiles {
    accepted: Option<WrittenRows>,
    rejected: Option<WrittenRows>,
    asked: Option<WrittenRows>,
}

/// How many rows were written where, and in what.
pub(crate) struct Written {
    pub(crate) rows_accepted: u64,
    pub(crate) rows_rejected: u64,
    pub(crate) files: Option<WrittenFiles>,
}

impl Outlet {
    pub(super) fn project(objects: &Objects, place: &SubmissionPlace, schema: SchemaRef) -> Self {
        Self::Project {
            silver: Box::new(SilverWriter::new(objects, place, schema)),
            quarantine: Box::new(QuarantineWriter::new(objects, place)),
        }
    }

    /// True where accepted rows are wanted month by month.
    pub(super) fn is_by_month(&self) -> bool {
        matches!(self, Self::Project { .. })
    }

    pub(super) async fn accept(&mut self, rows: Rows) -> Result<(), LakeError> {
        match (self, rows) {
            (Self::Project { silver, .. }, Rows::ByMonth(months)) => {
                for (month, rows) in months {
                    silver.write(month, rows).await?;
                }
                Ok(())
            }
            (Self::Files(files), Rows::Whole { rows, .. }) => files.accept(&rows).await,
            (Self::Project { .. }, Rows::Whole { .. }) | (Self::Files(_), Rows::ByMonth(_)) => {
                unreachable!("rows come as `is_by_month` says")
            }
        }
    }

    pub(super) async fn reject(&mut self, file: &str, rejects: &[Reject]) -> Result<(), LakeError> {
        match self {
            Self::Project { quarantine, .. } => quarantine.write(file, rejects).await,
            Self::Files(files) => {
                files.rows_rejected += rejects.len() as u64;
                match &mut files.rejected {
                    Some(rejected) => rejected.write(file, rejects).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// Writes what still waits.
    pub(super) async fn close(self) -> Result<Written, LakeError> {
        match self {
            Self::Project { silver, quarantine } => {
                let months = silver.close().await?;
                fault::point(FaultPoint::SilverWritten);
                let rows_rejected = quarantine.close().await?;
                fault::point(FaultPoint::QuarantineWritten);
                Ok(Written {
                    rows_accepted: months.iter().map(|(_, rows)| rows).sum(),
                    rows_rejected,
                    files: None,
                })
            }
            Self::Files(files) => files.close().await,
        }
    }
}

impl OutputFiles {
    pub(crate) fn create(
        accepted: Option<(&Path, RowsForm)>,
        rejected: Option<(&Path, RowsForm)>,
        rules: &FileRules,
        schema: &SchemaRef,
    ) -> Result<Self, LakeError> {
        let answers = matches!(accepted, Some((_, RowsForm::Parquet)));
        let asked = (!rules.is_empty() && !answers).then(|| RowsFile::temporary(schema.clone()));
        let accepted = accepted.map(|(to, form)| RowsFile::create(to, form, schema.clone()));
        let rejected = rejected.map(|(to, form)| RejectsFile::create(to, form));
        Ok(Self {
            accepted: accepted.transpose()?,
            rejected: rejected.transpose()?,
            asked: asked.transpose()?,
            rows_accepted: 0,
            rows_rejected: 0,
        })
    }

    async fn accept(&mut self, rows: &arrow::record_batch::RecordBatch) -> Result<(), LakeError> {
        self.rows_accepted += rows.num_rows() as u64;
        for file in [&mut self.accepted, &mut self.asked].into_iter().flatten() {
            file.write(rows).await?;
        }
        Ok(())
    }

    async fn close(self) -> Result<Written, LakeError> {
        let mut files = WrittenFiles {
            accepted: None,
            rejected: None,
            asked: None,
        };
        if let Some(file) = self.accepted {
            files.accepted = Some(file.close().await?);
        }
        if let Some(file) = self.rejected {
            files.rejected = Some(file.close().await?);
        }
        if let Some(file) = self.asked {
            files.asked = Some(file.close().await?);
        }
        Ok(Written {
            rows_accepted: self.rows_accepted,
            rows_rejected: self.rows_rejected,
            files: Some(files),
        })
    }
}

impl WrittenFiles {
    /// The rules over the whole file that its accepted rows break.
    pub(crate) async fn broken<'r>(
        &self,
        rules: &'r FileRules,
    ) -> Result<Vec<&'r Rule>, LakeError> {
        match self.asked.as_ref().or(self.accepted.as_ref()) {
            Some(rows) if !rules.is_empty() => rules.broken_by_file(rows).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Moves them to their places.
    pub(crate) fn publish(self) -> Result<(), LakeError> {
        for file in [self.accepted, self.rejected].into_iter().flatten() {
            file.publish()?;
        }
        Ok(())
    }
}
