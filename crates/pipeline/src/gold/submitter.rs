use contract::SubmissionId;
use lake::{Key, MonthTable, gold_submitter_schema, read_silver_month, session};
use serde_json::json;
use store::{Submission, Winner};

use crate::fault::{self, FaultPoint};
use crate::submissions::{Classified, classified};
use crate::{Event, Pipeline, PipelineError};

impl Pipeline {
    /// Replaces a submitter's month by its winner's rows. Repeating it gives the same month.
    pub(crate) async fn build_submitter_gold(&self, winner: &Winner) -> Result<serde_json::Value, PipelineError> {
        let submission = self.known_submission(winner.submission_id).await?;
        let Classified { place, layout, .. } = classified(&submission)?;
        let silver = self.catalog.layout(&layout)?.plan.schema();
        let key = &winner.key;
        let folder = Key::GoldSubmitter {
            state: &key.state,
            file_type: &key.file_type,
            submitter: &key.submitter_id,
        };
        let table =
            MonthTable::new(&self.objects, folder.to_string(), gold_submitter_schema(&silver), self.gold_retention());
        let context = session(&self.objects)?;
        let rows =
            read_silver_month(&context, &self.objects, &place, &layout, submission.submission_id, key.atomic_month).await?;
        let note = json!({ "submission_id": submission.submission_id, "layout_id": layout });
        let attempt = SubmissionId::new().to_string();
        let replaced = table.replace_month(key.atomic_month, vec![rows], &attempt, note).await?;
        fault::point(FaultPoint::SubmitterGoldWritten);
        self.store.finish_gold(key, &self.owner, submission.submission_id, replaced.rows as i64).await?;
        fault::point(FaultPoint::SubmitterGoldRecorded);
        self.tell(Event::SubmitterGoldBuilt { key: key.clone(), rows: replaced.rows });
        Ok(json!({ "rows": replaced.rows, "delta_version": replaced.delta_version }))
    }

    pub(crate) fn gold_retention(&self) -> chrono::Duration {
        chrono::Duration::from_std(self.settings.gold_retention).unwrap_or(chrono::Duration::MAX)
    }

    /// The submission, or an error that says that there is none.
    pub async fn known_submission(&self, id: SubmissionId) -> Result<Submission, PipelineError> {
        self.store.submission(id).await?.ok_or(PipelineError::UnknownSubmission(id))
    }
}
