use chrono::{DateTime, Utc};
use contract::{FileType, SubmissionId, SubmitterId};
use lake::{Key, SubmissionPlace};
use store::{GroupingMethod, InboxObject, NewFile, NewSubmission, OpenGroup};

use super::grouping::{GroupDecision, decide_group, is_marker};
use crate::fault::{self, FaultPoint};
use crate::{Event, Pipeline, PipelineError};

/// Stands in a raw key where the path does not name a submitter or a file type.
const UNKNOWN: &str = "__unknown__";

impl Pipeline {
    /// Makes a submission of every group that is whole; returns how many.
    pub async fn register_closed_groups(&self) -> Result<usize, PipelineError> {
        let now = Utc::now();
        let mut registered = 0;
        for group in self.store.open_groups().await? {
            match decide_group(&group, self.settings.quiescence, now) {
                GroupDecision::Close(_) => {
                    if self.register_remaining(group, now).await? {
                        registered += 1;
                    }
                }
                GroupDecision::WaitForFiles => {}
                GroupDecision::WaitUntil(at) => {
                    self.tell(Event::GroupWaits {
                        grouping_key: group.grouping_key,
                        until: at,
                    });
                }
            }
        }
        Ok(registered)
    }

    /// Registers what still lies in the inbox of a group that was whole when it was listed. An
    /// object that was removed since (a drop taken back, an inbox tidied after an earlier
    /// submission) must not hold up the others.
    async fn register_remaining(
        &self,
        mut group: OpenGroup,
        now: DateTime<Utc>,
    ) -> Result<bool, PipelineError> {
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
        if !group.objects.iter().any(is_open) {
            return Ok(false);
        }
        let GroupDecision::Close(method) = decide_group(&group, self.settings.quiescence, now)
        else {
            return Ok(false);
        };
        let mut new = new_submission(&group, method, &self.settings.inbox_prefix);
        let forgotten = removed.into_iter().filter(is_open);
        new.also_taken.extend(forgotten.map(|object| object.key));
        self.register(new).await
    }

    async fn register(&self, new: NewSubmission) -> Result<bool, PipelineError> {
        if self.store.register(&new).await?.is_none() {
            return Ok(false);
        }
        fault::point(FaultPoint::SubmissionRegistered);
        self.tell(Event::Registered {
            submission: new.id,
            grouping_key: new.grouping_key,
            method: new.grouping_method,
            files: new.files.len(),
        });
        Ok(true)
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
