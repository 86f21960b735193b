use chrono::{DateTime, Utc};
use contract::{FileType, SubmissionId, SubmitterId};
use lake::{Key, SubmissionPlace};
use serde_json::json;
use store::{GroupingMethod, InboxObject, NewFile, NewSubmission, OpenGroup};

use super::grouping::{GroupDecision, decide_group, is_marker};
use crate::fault::{self, FaultPoint};
use crate::{Event, Pipeline, PipelineError};

/// Stands in a raw key where the path does not name a submitter or a file type.
const UNKNOWN: &str = "__unknown__";

impl Pipeline {
    /// What to do with the group now.
    pub(crate) fn decide(&self, group: &OpenGroup, now: DateTime<Utc>) -> GroupDecision {
        decide_group(group, self.settings.quiescence, now)
    }

    /// What still lies in the inbox of a group that was whole when it was listed; `None` where that
    /// makes no submission. An object that was removed since (a drop taken back, an inbox tidied
    /// after an earlier submission) must not hold up the others.
    pub(crate) async fn remaining(
        &self,
        mut group: OpenGroup,
        now: DateTime<Utc>,
    ) -> Result<Option<NewSubmission>, PipelineError> {
        let mut remaining = Vec::with_capacity(group.objects.len());
        let mut removed = Vec::new();
        for object in group.objects {
            match self.objects.head(&object.key).await? {
                Some(_) => remaining.push(object),
                None => removed.push(object),
            }
        }
        group.objects = remaining;
        let is_open = |object: &InboxObject| object.submission_id.is_none();
        let forgotten = removed.into_iter().filter(is_open).map(|object| object.key);
        if !group.objects.iter().any(is_open) {
            self.store
                .forget_seen(&forgotten.collect::<Vec<_>>())
                .await?;
            return Ok(None);
        }
        let GroupDecision::Close(method) = self.decide(&group, now) else {
            return Ok(None);
        };
        let mut new = new_submission(&group, method, &self.settings.inbox_prefix);
        new.also_taken.extend(forgotten);
        Ok(Some(new))
    }

    /// Makes the submission, unless somebody else did or an object has changed.
    pub(crate) async fn register(
        &self,
        new: NewSubmission,
    ) -> Result<serde_json::Value, PipelineError> {
        if self.store.register(&new).await?.is_none() {
            return Ok(json!({ "submission_id": null }));
        }
        fault::point(FaultPoint::SubmissionRegistered);
        self.tell(Event::Registered {
            submission: new.id,
            grouping_key: new.grouping_key,
            method: new.grouping_method,
            files: new.files.len(),
        });
        Ok(json!({ "submission_id": new.id, "files": new.files.len() }))
    }
}

fn new_submission(group: &OpenGroup, method: GroupingMethod, inbox_prefix: &str) -> NewSubmission {
    let id = SubmissionId::new();
    let place = raw_place(&group.grouping_key, id);
    let folder = format!("{inbox_prefix}{}/", group.grouping_key);
    let mut objects: Vec<_> = group.objects.iter().collect();
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    let (markers, files): (Vec<_>, Vec<_>) = objects
        .into_iter()
        .partition(|object| is_marker(&object.key));
    let files = files.into_iter().enumerate().map(|(ordinal, object)| {
        let below = object.key.strip_prefix(&folder);
        let file_name =
            below.unwrap_or_else(|| object.key.rsplit('/').next().unwrap_or(&object.key));
        NewFile {
            ordinal: ordinal as i64,
            object_key: object.key.clone(),
            file_name: file_name.to_owned(),
            size_bytes: object.size_bytes,
            etag: object.etag.clone(),
            last_modified: object.last_modified,
            taken_by: object.submission_id,
            raw_key: Key::RawFile {
                place: &place,
                file_name,
            }
            .to_string(),
        }
    });
    NewSubmission {
        id,
        grouping_key: group.grouping_key.clone(),
        grouping_method: method,
        files: files.collect(),
        also_taken: markers
            .into_iter()
            .map(|marker| marker.key.clone())
            .collect(),
        received_at: Utc::now(),
    }
}

/// Where a submission's raw files lie: by what the path says, which classification may correct
/// for silver and gold but never for what was received.
pub(crate) fn raw_place(grouping_key: &str, submission: SubmissionId) -> SubmissionPlace {
    let mut parts = grouping_key.split('/');
    let submitter = parts
        .next()
        .filter(|part| part.parse::<SubmitterId>().is_ok());
    let file_type = parts.next().filter(|part| part.parse::<FileType>().is_ok());
    SubmissionPlace {
        submitter: submitter.unwrap_or(UNKNOWN).to_owned(),
        file_type: file_type.unwrap_or(UNKNOWN).to_owned(),
        submission,
    }
}
