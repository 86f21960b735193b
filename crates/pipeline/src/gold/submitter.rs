use contract::{RunId, SubmissionId};
use lake::{Key, MonthTable, gold_submitter_schema, read_silver_month, session};
use serde_json::json;
use store::{Submission, Winner};

use crate::fault::{self, FaultPoint};
use crate::submissions::{Classified, classified};
use crate::{Event, Pipeline, PipelineError};

impl Pipeline {
    /// Replaces months of one submitter's table by their winners' rows, in one commit where the
    /// winners share a layout. Repeating it gives the same months.
    pub(crate) async fn build_submitter_gold(
        &self,
        winners: &[Winner],
    ) -> Result<serde_json::Value, PipelineError> {
        let mut rows = 0;
        let mut rest = winners;
        while let Some(first) = rest.first() {
            let submission = self.known_submission(first.submission_id).await?;
            let same = rest
                .iter()
                .take_while(|winner| winner.submission_id == submission.submission_id)
                .count();
            rows += self
                .write_submitter_months(&submission, &rest[..same])
                .await?;
            rest = &rest[same..];
        }
        Ok(json!({ "months": winners.len(), "rows": rows }))
    }

    async fn write_submitter_months(
        &self,
        submission: &Submission,
        winners: &[Winner],
    ) -> Result<u64, PipelineError> {
        let Classified { place, layout, .. } = classified(submission)?;
        let silver = self.catalog.layout(&layout)?.plan.schema();
        let Some(key) = winners.first().map(|winner| &winner.key) else {
            return Ok(0);
        };
        let folder = Key::GoldSubmitter {
            state: &key.state,
            file_type: &key.file_type,
            submitter: &key.submitter_id,
        };
        let schema = gold_submitter_schema(&silver);
        let table = MonthTable::new(
            &self.objects,
            folder.to_string(),
            schema,
            self.gold_retention(),
        );
        let context = session(&self.objects)?;
        let attempt = RunId::new().to_string();
        let mut replacement = table.replace().await?;
        let mut written = Vec::with_capacity(winners.len());
        for winner in winners {
            let month = winner.key.atomic_month;
            let rows = read_silver_month(
                &context,
                &self.objects,
                &place,
                &layout,
                submission.submission_id,
                month,
            )
            .await?;
            written.push(replacement.write(month, vec![rows], &attempt).await?);
        }
        replacement
            .commit(json!({ "submission_id": submission.submission_id, "layout_id": layout }))
            .await?;
        fault::point(FaultPoint::SubmitterGoldWritten);
        for (winner, rows) in winners.iter().zip(&written) {
            self.store
                .finish_gold(
                    &winner.key,
                    &self.owner,
                    submission.submission_id,
                    *rows as i64,
                )
                .await?
                .yes()
                .ok_or(PipelineError::LeaseLost)?;
            fault::point(FaultPoint::SubmitterGoldRecorded);
            self.tell(Event::SubmitterGoldBuilt {
                key: winner.key.clone(),
                rows: *rows,
            });
        }
        Ok(written.iter().sum())
    }

    pub(crate) fn gold_retention(&self) -> chrono::Duration {
        chrono::Duration::from_std(self.settings.gold_retention).unwrap_or(chrono::Duration::MAX)
    }

    /// The submission, or an error that says that there is none.
    pub async fn known_submission(&self, id: SubmissionId) -> Result<Submission, PipelineError> {
        self.store
            .submission(id)
            .await?
            .ok_or(PipelineError::UnknownSubmission(id))
    }
}
