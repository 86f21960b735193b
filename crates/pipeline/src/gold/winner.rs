use contract::{AtomicMonth, FileType, LayoutId, Room, StateCode, SubmissionId, SubmitterId};
use serde::Serialize;
use store::{Candidate, Choice, Submission, WinnerChange, WinnerKey};

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::fault::{self, FaultPoint};
use crate::{Event, Pipeline, PipelineError};

/// Who stands for a month. `candidates` are the validated submissions that cover it, oldest
/// first. The pinned one if there is a pin; else the latest, except that a submission which
/// repeats the content of the one before it in the same layout changes nothing.
pub fn choose_winner(candidates: &[Candidate], pinned: Option<SubmissionId>) -> Option<Choice> {
    if let Some(pinned) = candidates
        .iter()
        .find(|candidate| Some(candidate.submission_id) == pinned)
    {
        return Some(Choice {
            submission_id: pinned.submission_id,
            reason: "pinned by an operator".into(),
        });
    }
    let latest = candidates.iter().reduce(|standing, next| {
        if repeats(standing, next) {
            standing
        } else {
            next
        }
    })?;
    let reason = if candidates.len() == 1 {
        "the only validated submission"
    } else {
        "the latest validated submission"
    };
    Some(Choice {
        submission_id: latest.submission_id,
        reason: reason.into(),
    })
}

/// Equal bytes with other rows are no repetition: the contract was mended in between.
fn repeats(standing: &Candidate, next: &Candidate) -> bool {
    standing.content_hash == next.content_hash
        && standing.layout == next.layout
        && standing.rows == next.rows
}

/// A month of a submitter with every submission that could stand for it.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    pub state: StateCode,
    pub file_type: FileType,
    pub submitter_id: SubmitterId,
    pub atomic_month: AtomicMonth,
    pub pinned: Option<SubmissionId>,
    pub candidates: Vec<ExplainedCandidate>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ExplainedCandidate {
    pub submission_id: SubmissionId,
    pub layout: LayoutId,
    pub received_at: DateTime<Utc>,
    pub rows: i64,
    /// Its rows less the winner's.
    pub rows_delta: i64,
    pub wins: bool,
    pub reason: String,
}

/// Every candidate with why it wins or does not.
fn explain(candidates: &[Candidate], pinned: Option<SubmissionId>) -> Vec<ExplainedCandidate> {
    let Some(choice) = choose_winner(candidates, pinned) else {
        return Vec::new();
    };
    let winner = candidates
        .iter()
        .position(|candidate| candidate.submission_id == choice.submission_id);
    let winner = winner.expect("the choice is one of the candidates");
    let reason = |index: usize, candidate: &Candidate| {
        if index == winner {
            choice.reason.clone()
        } else if pinned == Some(choice.submission_id) {
            "another submission is pinned".to_owned()
        } else if index > winner && repeats(&candidates[winner], candidate) {
            "the same content as the winner, received later".to_owned()
        } else {
            "a later submission covers the month".to_owned()
        }
    };
    let explained = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| ExplainedCandidate {
            submission_id: candidate.submission_id,
            layout: candidate.layout.clone(),
            received_at: candidate.received_at,
            rows: candidate.rows,
            rows_delta: candidate.rows - candidates[winner].rows,
            wins: index == winner,
            reason: reason(index, candidate),
        });
    explained.collect()
}

impl Pipeline {
    /// Lets a validated submission compete for each of its months, if its feed goes to gold;
    /// months whose winner changed are due for a rebuild from then on.
    pub(crate) async fn compete(
        &self,
        submission: &Submission,
    ) -> Result<serde_json::Value, PipelineError> {
        let feed = submission
            .feed
            .as_ref()
            .and_then(|name| self.catalog.feeds.get(name));
        let goes_to_gold = feed.is_none_or(|feed| feed.rooms.contains(&Room::Gold));
        let decide =
            |candidates: &[Candidate], pinned: Option<SubmissionId>, _: Option<SubmissionId>| {
                goes_to_gold.then(|| choose_winner(candidates, pinned))?
            };
        let changes = self
            .store
            .compete(submission.submission_id, &self.owner, &decide, Utc::now())
            .await?;
        fault::point(FaultPoint::WinnersChosen);
        self.tell(Event::Competed {
            submission: submission.submission_id,
            months_won: changes.len(),
        });
        Ok(json!({ "months_won": changes.len() }))
    }

    /// Every candidate for a submitter's month, the winner among them.
    pub async fn explain_winner(&self, key: &WinnerKey) -> Result<Explanation, PipelineError> {
        let candidates = self.store.candidates(key).await?;
        let pinned = self
            .store
            .winner(key)
            .await?
            .and_then(|winner| winner.pinned_submission_id);
        Ok(Explanation {
            state: key.state.clone(),
            file_type: key.file_type.clone(),
            submitter_id: key.submitter_id.clone(),
            atomic_month: key.atomic_month,
            pinned,
            candidates: explain(&candidates, pinned),
        })
    }

    /// Pins a submission as a month's winner, or (`None`) lets the latest win again.
    pub async fn pin_winner(
        &self,
        key: &WinnerKey,
        submission: Option<SubmissionId>,
        actor: &str,
    ) -> Result<Option<WinnerChange>, PipelineError> {
        let decide =
            |candidates: &[Candidate], pinned: Option<SubmissionId>, _: Option<SubmissionId>| {
                choose_winner(candidates, pinned)
            };
        Ok(self
            .store
            .pin_winner(key, submission, actor, &decide)
            .await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::SubmissionState;

    fn candidate(content: &str, layout: &str, rows: i64) -> Candidate {
        Candidate {
            submission_id: SubmissionId::new(),
            layout: layout.parse().unwrap(),
            content_hash: content.into(),
            received_at: Utc::now(),
            rows,
            state: SubmissionState::Validated,
        }
    }

    #[test]
    fn the_latest_wins_unless_it_repeats_or_another_is_pinned() {
        // (content, layout) oldest first, pinned index, winner's index
        let v1 = "claim@v1";
        let cases: &[(&[(&str, &str)], Option<usize>, Option<usize>)] = &[
            (&[], None, None),
            (&[("a", v1)], None, Some(0)),
            (&[("a", v1), ("b", v1)], None, Some(1)),
            (&[("a", v1), ("a", v1)], None, Some(0)),
            (&[("a", v1), ("a", "claim@v2")], None, Some(1)),
            (&[("a", v1), ("b", v1), ("a", v1)], None, Some(2)),
            (&[("a", v1), ("b", v1)], Some(0), Some(0)),
        ];
        for (contents, pin, expected) in cases {
            let candidates: Vec<_> = contents
                .iter()
                .map(|(content, layout)| candidate(content, layout, 1))
                .collect();
            let pin = pin.map(|index| candidates[index].submission_id);
            let choice = choose_winner(&candidates, pin).map(|choice| choice.submission_id);
            assert_eq!(
                choice,
                expected.map(|index| candidates[index].submission_id),
                "{contents:?}"
            );
        }
    }

    #[test]
    fn a_pin_that_is_no_candidate_is_passed_over() {
        let candidates = [candidate("a", "claim@v1", 1)];
        let choice = choose_winner(&candidates, Some(SubmissionId::new())).unwrap();
        assert_eq!(choice.submission_id, candidates[0].submission_id);
    }

    #[test]
    fn explanations_name_one_winner_and_the_delta() {
        let candidates = [
            candidate("a", "claim@v1", 10),
            candidate("b", "claim@v1", 8),
            candidate("b", "claim@v1", 8),
        ];
        let explained = explain(&candidates, None);
        let said: Vec<_> = explained
            .iter()
            .map(|found| (found.wins, found.rows_delta, found.reason.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (false, 2, "a later submission covers the month"),
                (true, 0, "the latest validated submission"),
                (false, 0, "the same content as the winner, received later"),
            ]
        );
    }
}
