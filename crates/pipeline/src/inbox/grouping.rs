use chrono::{DateTime, Utc};
use std::time::Duration;
use store::{GroupingMethod, OpenGroup};

/// The object that says that a group is whole.
pub const MARKER: &str = "_SUCCESS";

/// The grouping key of an object: its first `depth` folders below the inbox. An object that
/// lies higher groups by the folders that it has; one in the inbox itself, by its own name.
pub fn grouping_key(inbox_prefix: &str, key: &str, depth: usize) -> String {
    let below = key.strip_prefix(inbox_prefix).unwrap_or(key);
    let mut parts: Vec<&str> = below.split('/').collect();
    let name = parts.pop().unwrap_or_default();
    parts.truncate(depth);
    if parts.is_empty() {
        name.to_owned()
    } else {
        parts.join("/")
    }
}

/// True for objects that are not part of a delivery: editors' and systems' own files.
pub(crate) fn is_ignored(key: &str) -> bool {
    key.rsplit('/')
        .next()
        .is_some_and(|name| name.is_empty() || name.starts_with('.'))
}

pub(crate) fn is_marker(key: &str) -> bool {
    key.rsplit('/').next() == Some(MARKER)
}

/// What to do with a group of which at least one object is in no submission yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupDecision {
    Close(GroupingMethod),
    /// Nothing but a marker was dropped so far.
    WaitForFiles,
    /// It closes then, unless something in it changes.
    WaitUntil(DateTime<Utc>),
}

/// A group closes when its marker is there, or when nothing in it changed for the quiescence, by
/// the object's own clock and by when we saw it (a copy may keep an old time stamp). A marker
/// that an earlier submission took does not close the group again: late files wait for a new
/// marker or for quiescence.
pub fn decide_group(group: &OpenGroup, quiescence: Duration, now: DateTime<Utc>) -> GroupDecision {
    let (markers, files): (Vec<_>, Vec<_>) = group
        .objects
        .iter()
        .partition(|object| is_marker(&object.key));
    if files.is_empty() {
        return GroupDecision::WaitForFiles;
    }
    if markers.iter().any(|marker| marker.submission_id.is_none()) {
        return GroupDecision::Close(GroupingMethod::MarkerFile);
    }
    let quiet_since = group.objects.iter().map(|object| {
        // A clock that runs ahead of ours must not hold a group open for ever.
        object.changed_at.max(object.last_modified.min(now))
    });
    let closes_at = quiet_since.max().expect("a group has objects") + quiescence;
    if closes_at <= now {
        GroupDecision::Close(GroupingMethod::Quiescence)
    } else {
        GroupDecision::WaitUntil(closes_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use contract::SubmissionId;
    use store::InboxObject;

    fn minute(minute: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, minute, 0).unwrap()
    }

    /// (name, last modified, seen changed, taken)
    fn group(objects: &[(&str, u32, u32, bool)]) -> OpenGroup {
        let object = |&(name, modified, changed, taken): &(&str, u32, u32, bool)| InboxObject {
            key: format!("inbox/a/b/c/{name}"),
            grouping_key: "a/b/c".into(),
            size_bytes: 1,
            etag: None,
            last_modified: minute(modified),
            first_seen_at: minute(changed),
            changed_at: minute(changed),
            submission_id: taken.then(SubmissionId::new),
        };
        OpenGroup {
            grouping_key: "a/b/c".into(),
            objects: objects.iter().map(object).collect(),
        }
    }

    #[test]
    fn groups_close_by_marker_or_quiescence() {
        use GroupDecision::*;
        use GroupingMethod::*;
        let cases: &[(&str, &[(&str, u32, u32, bool)], GroupDecision)] = &[
            (
                "marker",
                &[("x", 9, 9, false), (MARKER, 9, 9, false)],
                Close(MarkerFile),
            ),
            ("marker alone", &[(MARKER, 0, 0, false)], WaitForFiles),
            (
                "quiet",
                &[("x", 0, 0, false), ("y", 4, 5, false)],
                Close(Quiescence),
            ),
            (
                "changed lately",
                &[("x", 0, 0, false), ("y", 6, 6, false)],
                WaitUntil(minute(11)),
            ),
            (
                "old time stamp, seen lately",
                &[("x", 0, 8, false)],
                WaitUntil(minute(13)),
            ),
            ("clock ahead", &[("x", 50, 5, false)], WaitUntil(minute(15))),
            (
                "late file, marker taken",
                &[("x", 0, 0, true), (MARKER, 0, 0, true), ("y", 8, 8, false)],
                WaitUntil(minute(13)),
            ),
            (
                "late file, marker renewed",
                &[("x", 0, 0, true), (MARKER, 9, 9, false), ("y", 8, 8, false)],
                Close(MarkerFile),
            ),
        ];
        for (name, objects, expected) in cases {
            let decision = decide_group(&group(objects), Duration::from_secs(300), minute(10));
            assert_eq!(decision, *expected, "{name}");
        }
    }

    #[test]
    fn keys_group_by_depth() {
        for (key, depth, expected) in [
            ("inbox/a/b/c/f.csv", 3, "a/b/c"),
            ("inbox/a/b/c/d/f.csv", 3, "a/b/c"),
            ("inbox/a/b/f.csv", 3, "a/b"),
            ("inbox/f.csv", 3, "f.csv"),
            ("inbox/a/b/c/f.csv", 1, "a"),
        ] {
            assert_eq!(
                grouping_key("inbox/", key, depth),
                expected,
                "{key} at {depth}"
            );
        }
    }

    #[test]
    fn systems_own_files_are_no_delivery() {
        assert!(is_ignored("inbox/a/.DS_Store"));
        assert!(!is_ignored("inbox/a/_SUCCESS"));
        assert!(is_marker("inbox/a/_SUCCESS") && !is_marker("inbox/a/x_SUCCESS"));
    }
}
