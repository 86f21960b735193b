//! How far a consumer has come in each partition.
//!
//! Kafka keeps one number per partition: what lies before it is done. Messages are dealt with in
//! any order, so that number is the lowest that is not yet done, and an acknowledgement further on
//! waits for it. A partition that was taken away and given back starts anew: what was handed out
//! before belongs to nobody, and its acknowledgement must not move the number.

use std::collections::{BTreeMap, HashMap};

type TopicPartition = (String, i32);

/// Where a message stands, and under which assignment it was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    topic: String,
    partition: i32,
    offset: i64,
    assignment: u64,
}

#[derive(Debug, Default)]
pub(super) struct Progress {
    partitions: HashMap<TopicPartition, Partition>,
    assignments: u64,
}

#[derive(Debug)]
struct Partition {
    assignment: u64,
    /// Handed out and not yet behind us; true once acknowledged.
    handed_out: BTreeMap<i64, bool>,
    /// The offset to be committed, which is that of the next message wanted.
    next: Option<i64>,
    committed: Option<i64>,
}

impl Progress {
    pub(super) fn assign(&mut self, topic: &str, partition: i32) {
        self.assignments += 1;
        let fresh = Partition {
            assignment: self.assignments,
            handed_out: BTreeMap::new(),
            next: None,
            committed: None,
        };
        self.partitions.insert((topic.to_owned(), partition), fresh);
    }

    pub(super) fn revoke(&mut self, topic: &str, partition: i32) {
        self.partitions.remove(&(topic.to_owned(), partition));
    }

    /// Notes a message as handed out; `None` where its partition is not ours any more.
    pub(super) fn hand_out(&mut self, topic: &str, partition: i32, offset: i64) -> Option<Place> {
        let state = self.partitions.get_mut(&(topic.to_owned(), partition))?;
        state.handed_out.insert(offset, false);
        Some(Place {
            topic: topic.to_owned(),
            partition,
            offset,
            assignment: state.assignment,
        })
    }

    pub(super) fn is_ours(&self, place: &Place) -> bool {
        self.partitions
            .get(&(place.topic.clone(), place.partition))
            .is_some_and(|state| state.assignment == place.assignment)
    }

    pub(super) fn acknowledge(&mut self, place: &Place) {
        let key = (place.topic.clone(), place.partition);
        let Some(state) = self.partitions.get_mut(&key) else {
            return;
        };
        if state.assignment != place.assignment {
            return;
        }
        if let Some(acknowledged) = state.handed_out.get_mut(&place.offset) {
            *acknowledged = true;
        }
        while let Some(first) = state.handed_out.first_entry() {
            if !*first.get() {
                break;
            }
            state.next = Some(first.key() + 1);
            first.remove();
        }
    }

    /// The offsets that the broker does not know yet.
    pub(super) fn due(&self) -> Vec<(TopicPartition, i64)> {
        self.partitions
            .iter()
            .filter(|(_, state)| state.next != state.committed)
            .filter_map(|(key, state)| Some((key.clone(), state.next?)))
            .collect()
    }

    pub(super) fn commit(&mut self, committed: &[(TopicPartition, i64)]) {
        for (key, offset) in committed {
            if let Some(state) = self.partitions.get_mut(key) {
                state.committed = Some(*offset);
            }
        }
    }

    /// Takes back what was handed out: for each partition the offset to read on from.
    pub(super) fn rewind(&mut self) -> Vec<(TopicPartition, i64)> {
        self.partitions
            .iter_mut()
            .filter_map(|(key, state)| {
                let (first, _) = std::mem::take(&mut state.handed_out).pop_first()?;
                Some((key.clone(), first))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(offsets: std::ops::Range<i64>) -> (Progress, Vec<Place>) {
        let mut progress = Progress::default();
        progress.assign("topic", 0);
        let places = offsets.map(|offset| progress.hand_out("topic", 0, offset).unwrap());
        let places = places.collect();
        (progress, places)
    }

    fn due(progress: &Progress) -> Option<i64> {
        progress.due().first().map(|(_, offset)| *offset)
    }

    #[test]
    fn an_offset_is_due_once_everything_before_it_is_acknowledged() {
        let (mut progress, places) = partition(10..14);
        for (acknowledged, expected) in [(1, None), (0, Some(12)), (3, Some(12)), (2, Some(14))] {
            progress.acknowledge(&places[acknowledged]);
            assert_eq!(due(&progress), expected, "after {acknowledged}");
        }
    }

    #[test]
    fn what_is_committed_is_not_due_until_there_is_more() {
        let (mut progress, places) = partition(0..2);
        progress.acknowledge(&places[0]);
        let offsets = progress.due();
        assert_eq!(
            progress.due(),
            offsets,
            "a commit that failed is tried again"
        );
        progress.commit(&offsets);
        assert_eq!(due(&progress), None);
        progress.acknowledge(&places[1]);
        assert_eq!(due(&progress), Some(2));
    }

    #[test]
    fn offsets_that_compaction_left_out_are_no_gap() {
        let mut progress = Progress::default();
        progress.assign("topic", 0);
        for offset in [3, 7, 8] {
            let place = progress.hand_out("topic", 0, offset).unwrap();
            progress.acknowledge(&place);
        }
        assert_eq!(due(&progress), Some(9));
    }

    #[test]
    fn an_acknowledgement_from_before_a_rebalance_moves_nothing() {
        let (mut progress, places) = partition(0..2);
        progress.revoke("topic", 0);
        progress.acknowledge(&places[0]);
        assert_eq!(progress.hand_out("topic", 0, 2), None);
        progress.assign("topic", 0);
        let again = progress.hand_out("topic", 0, 0).unwrap();
        progress.acknowledge(&places[0]);
        assert_eq!(due(&progress), None);
        assert!(!progress.is_ours(&places[0]) && progress.is_ours(&again));
        progress.acknowledge(&again);
        assert_eq!(due(&progress), Some(1));
    }

    #[test]
    fn a_rewind_goes_back_to_the_first_that_was_not_acknowledged() {
        let (mut progress, places) = partition(5..9);
        progress.acknowledge(&places[0]);
        progress.acknowledge(&places[2]);
        assert_eq!(progress.rewind(), [(("topic".to_owned(), 0), 6)]);
        assert_eq!(progress.rewind(), [], "nothing is handed out now");
        assert_eq!(due(&progress), Some(6), "what was acknowledged stays so");
    }
}
