//! The submission's states and the moves between them, in one exhaustive match.

use crate::text_enum::text_enum;

text_enum! {
    SubmissionState, "submission state" {
        /// Registered; its files may still be on their way to raw storage.
        Received = "RECEIVED",
        /// Staged and classified.
        ReadyForParse = "READY_FOR_PARSE",
        /// Staged, but nobody could say whose file in which layout it is.
        NeedsReview = "NEEDS_REVIEW",
        Parsed = "PARSED",
        /// A hard failure: unreadable, wrong shape, reject ratio over its limit.
        ParseFailed = "PARSE_FAILED",
        Validated = "VALIDATED",
        ValidatedWithWarnings = "VALIDATED_WITH_WARNINGS",
        ValidationFailed = "VALIDATION_FAILED",
    }
}

text_enum! {
    /// How it was known that a group was complete.
    GroupingMethod, "grouping method" {
        MarkerFile = "MARKER_FILE",
        Quiescence = "QUIESCENCE",
    }
}

impl SubmissionState {
    /// Whether a submission may go from this state to `next` in one move.
    pub fn may_become(self, next: SubmissionState) -> bool {
        use SubmissionState::*;
        match self {
            Received => matches!(next, ReadyForParse | NeedsReview),
            // An operator assigns it.
            NeedsReview => next == ReadyForParse,
            ReadyForParse => matches!(next, Parsed | ParseFailed),
            Parsed => matches!(next, Validated | ValidatedWithWarnings | ValidationFailed),
            // An operator retries it.
            ParseFailed | ValidationFailed => next == ReadyForParse,
            Validated | ValidatedWithWarnings => false,
        }
    }

    /// Whether its rows may stand for a month.
    pub fn is_validated(self) -> bool {
        matches!(self, Self::Validated | Self::ValidatedWithWarnings)
    }
}

/// Whether a move was made. `No`: the row was not in the state, or under the lease, that the
/// move starts from, because somebody else moved it; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved<T = ()> {
    Yes(T),
    No,
}

impl<T> Moved<T> {
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }

    pub fn yes(self) -> Option<T> {
        match self {
            Self::Yes(value) => Some(value),
            Self::No => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SubmissionState::*;
    use super::*;

    #[test]
    fn the_moves_are_those_of_the_design() {
        let mut moves = Vec::new();
        for from in SubmissionState::ALL {
            for to in SubmissionState::ALL {
                if from.may_become(*to) {
                    moves.push((*from, *to));
                }
            }
        }
        assert_eq!(
            moves,
            [
                (Received, ReadyForParse),
                (Received, NeedsReview),
                (ReadyForParse, Parsed),
                (ReadyForParse, ParseFailed),
                (NeedsReview, ReadyForParse),
                (Parsed, Validated),
                (Parsed, ValidatedWithWarnings),
                (Parsed, ValidationFailed),
                (ParseFailed, ReadyForParse),
                (ValidationFailed, ReadyForParse),
            ]
        );
    }

    #[test]
    fn states_are_read_back_as_written() {
        for state in SubmissionState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!("PARSING".parse::<SubmissionState>().is_err());
    }
}
