//! Reading submissions.

use contract::{AtomicMonth, FileType, SubmissionId, SubmitterId};

use crate::audit::limit;
use crate::value::values;
use crate::{Store, StoreError, Submission, SubmissionFile, SubmissionState};

#[derive(Debug, Clone, Default)]
pub struct SubmissionFilter {
    pub state: Option<SubmissionState>,
    pub submitter_id: Option<SubmitterId>,
    pub file_type: Option<FileType>,
    /// `None`: all.
    pub limit: Option<u32>,
}

impl Store {
    pub async fn submission(&self, id: SubmissionId) -> Result<Option<Submission>, StoreError> {
        let sql = "SELECT * FROM submission WHERE submission_id = $1";
        self.database.first(sql, values![id]).await
    }

    /// In their order.
    pub async fn submission_files(
        &self,
        id: SubmissionId,
    ) -> Result<Vec<SubmissionFile>, StoreError> {
        let sql = "SELECT * FROM submission_file WHERE submission_id = $1 ORDER BY ordinal";
        self.database.all(sql, values![id]).await
    }

    /// Accepted rows by month; the unknown month comes first.
    pub async fn submission_months(
        &self,
        id: SubmissionId,
    ) -> Result<Vec<(AtomicMonth, i64)>, StoreError> {
        let sql = "SELECT atomic_month, rows FROM submission_month WHERE submission_id = $1";
        let rows = self.database.rows(sql, values![id]).await?;
        let mut months = rows
            .iter()
            .map(|row| Ok((row.parsed("atomic_month")?, row.integer("rows")?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        months.sort();
        Ok(months)
    }

    /// Newest first.
    pub async fn submissions(
        &self,
        filter: &SubmissionFilter,
    ) -> Result<Vec<Submission>, StoreError> {
        let sql = "SELECT * FROM submission
                   WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR submitter_id = $2)
                     AND ($3 IS NULL OR file_type = $3)
                   ORDER BY received_at DESC, submission_id DESC LIMIT $4";
        let values = values![
            filter.state,
            filter.submitter_id.as_ref(),
            filter.file_type.as_ref(),
            limit(filter.limit),
        ];
        self.database.all(sql, values).await
    }

    /// In the order of the states; states that no submission is in are left out.
    pub async fn count_by_state(&self) -> Result<Vec<(SubmissionState, i64)>, StoreError> {
        let sql = "SELECT state, count(*) AS submissions FROM submission GROUP BY state";
        let rows = self.database.rows(sql, vec![]).await?;
        let mut counts = rows
            .iter()
            .map(|row| Ok((row.parsed("state")?, row.integer("submissions")?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        counts.sort();
        Ok(counts)
    }
}
