//! The decision as a table: what is known, what is open, what changes.

use std::time::Duration;

use chrono::TimeZone;
use contract::IncidentId;
use serde_json::json;

use super::super::facts::{FailureFact, MonthFact};
use super::*;

fn at(hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 3, 1, hour, 0, 0).unwrap()
}

/// The same id for the same number, later ones greater.
fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(number: u32) -> T {
    format!("01a1fd17-0000-7000-8000-{number:012}")
        .parse()
        .unwrap()
}

/// Received at that hour, with so many of 100 rows rejected.
fn read(hour: u32, rejected: i64) -> SubmissionFact {
    SubmissionFact {
        submission_id: id(hour),
        received_at: at(hour),
        feed: Some("north".parse().unwrap()),
        file_type: Some("visit".parse().unwrap()),
        state: SubmissionState::Validated,
        rows: Some((100, rejected)),
        reject_ratio_max: Some(0.05),
        run_id: None,
        error: String::new(),
    }
}

fn of_type(file_type: &str, fact: SubmissionFact) -> SubmissionFact {
    SubmissionFact {
        file_type: Some(file_type.parse().unwrap()),
        ..fact
    }
}

fn failed(fact: SubmissionFact) -> SubmissionFact {
    SubmissionFact {
        state: SubmissionState::ParseFailed,
        ..fact
    }
}

fn unreadable(hour: u32) -> SubmissionFact {
    SubmissionFact {
        rows: None,
        ..failed(read(hour, 0))
    }
}

fn feed(last_received: Option<u32>) -> FeedFact {
    FeedFact {
        feed: "north".parse().unwrap(),
        within: Duration::from_secs(6 * 3600),
        watched_since: at(1),
        last_received: last_received.map(at),
    }
}

fn failure(subject: &str, run: u32) -> FailureFact {
    FailureFact {
        subject: subject.to_owned(),
        job: "parse".to_owned(),
        shown: None,
        run_id: id(run),
        attempt: 1,
        error: "out of disk".to_owned(),
    }
}

fn month() -> MonthFact {
    MonthFact {
        month: "wa/visit/2024-01".to_owned(),
        build_id: id(1),
        run_id: None,
        error: "no mapping".to_owned(),
    }
}

fn facts(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = Facts {
        known_feeds: ["north".parse().unwrap()].into(),
        ..Facts::default()
    };
    change(&mut facts);
    facts
}

fn submissions(facts: impl IntoIterator<Item = SubmissionFact>) -> Facts {
    let submissions = facts.into_iter().collect();
    self::facts(|facts| facts.submissions = submissions)
}

/// As it stands in the store after it was decided.
fn opened(facts: &Facts, hour: u32) -> Vec<Incident> {
    let changes = decide(facts, &[], at(hour));
    let opened = changes.into_iter().map(|change| match change {
        IncidentChange::Open {
            kind,
            subject,
            detail,
        } => Incident {
            incident_id: IncidentId::new(),
            kind,
            subject,
            opened_at: at(hour),
            resolved_at: None,
            detail,
            resolution: None,
        },
        IncidentChange::Resolve { .. } => panic!("nothing was open"),
    });
    opened.collect()
}

fn decided(facts: &Facts, open: &[Incident], hour: u32) -> Vec<String> {
    let changes = decide(facts, open, at(hour));
    let told = changes.iter().map(|change| match change {
        IncidentChange::Open { kind, subject, .. } => format!("open {kind} {subject}"),
        IncidentChange::Resolve {
            kind,
            subject,
            resolution,
        } => format!(
            "resolve {kind} {subject} by {}",
            resolution["by"].as_str().unwrap()
        ),
    });
    told.collect()
}

const OPEN: &str = "open reject_ratio north/visit";
const OVER: &str = "resolve reject_ratio north/visit by submission";

fn check(case: &str, facts: &Facts, open: &[Incident], expected: &[&str]) {
    assert_eq!(decided(facts, open, 9), expected, "{case}");
}

/// Reject ratios are settled up to that hour.
fn settled(hour: u32, facts: Facts) -> Facts {
    Facts {
        settled: [("north/visit".to_owned(), (at(hour), id(hour)))].into(),
        ..facts
    }
}

#[test]
fn a_reject_ratio_over_its_limit() {
    let new = |case: &str, facts: Facts, expected: &[&str]| check(case, &facts, &[], expected);
    new("none", submissions([]), &[]);
    new("at the limit", submissions([read(2, 5)]), &[]);
    new("over it", submissions([read(2, 6)]), &[OPEN]);
    new("again", submissions([read(2, 6), read(3, 7)]), &[OPEN]);
    new("both", submissions([read(2, 6), read(3, 0)]), &[OPEN, OVER]);
    let history = [read(2, 10), read(4, 1)];
    new("history", settled(4, submissions(history.clone())), &[]);
    let after = history.into_iter().chain([read(5, 8)]);
    new("after it", settled(4, submissions(after)), &[OPEN]);
    let gone = SubmissionFact {
        reject_ratio_max: None,
        ..read(3, 50)
    };
    new("a feed that is gone has no limit", submissions([gone]), &[]);
}

#[test]
fn a_reject_ratio_that_was_told() {
    let bad = opened(&submissions([read(2, 10)]), 3);
    let told = |case: &str, facts: Facts, expected: &[&str]| check(case, &facts, &bad, expected);
    let then = |fact| submissions([read(2, 10), fact]);
    told("it stands", submissions([read(2, 10)]), &[]);
    told("the next is bad", then(read(4, 9)), &[]);
    told("the next is good", then(read(4, 1)), &[OVER]);
    let good_then_bad = submissions([read(2, 10), read(4, 1), read(5, 8)]);
    told("good, then bad", good_then_bad, &[OVER, OPEN]);
    let older = submissions([read(1, 0), read(2, 10)]);
    told("an older one is no next", older, &[]);
    told("read again, and good", submissions([read(2, 0)]), &[OVER]);
    told("another type", then(of_type("member", read(4, 0))), &[]);
    let no_rows = SubmissionFact {
        rows: Some((0, 0)),
        ..read(3, 0)
    };
    told("no rows say nothing", then(no_rows), &[]);
    let gone = "resolve reject_ratio north/visit by not_watched";
    told("the feed is gone", Facts::default(), &[gone]);
}

#[test]
fn feeds() {
    let of = |last: Option<u32>| facts(|facts| facts.feeds = vec![feed(last)]);
    let stale = opened(&of(None), 8);
    let (open, over) = (
        "open stale_feed north",
        "resolve stale_feed north by new_data",
    );
    for (case, facts, incidents, hour, expected) in [
        ("within its window", of(None), &[][..], 7, vec![]),
        ("nothing ever came", of(None), &[], 8, vec![open]),
        ("told already", of(None), &stale, 20, vec![]),
        ("nothing new came", of(Some(3)), &[], 10, vec![open]),
        ("it came in time", of(Some(4)), &[], 10, vec![]),
        ("it came", of(Some(9)), &stale, 10, vec![over]),
        ("it came late and is old", of(Some(3)), &stale, 10, vec![]),
        (
            "no longer watched",
            facts(|_| {}),
            &stale,
            10,
            vec!["resolve stale_feed north by not_watched"],
        ),
    ] {
        assert_eq!(decided(&facts, incidents, hour), expected, "{case}");
    }
    // A clock that goes back says nothing.
    assert_eq!(decided(&of(Some(9)), &[], 0), [""; 0]);
}

#[test]
fn failures() {
    let failing = facts(|facts| facts.failures = vec![failure("parse/one", 5)]);
    let told = opened(&failing, 3);
    let success = |run: u32| {
        facts(|facts| {
            facts.successes = [("parse/one".to_owned(), id(run))].into();
        })
    };
    for (case, facts, open, expected) in [
        (
            "it failed",
            failing.clone(),
            &[][..],
            "open failure parse/one",
        ),
        ("told already", failing.clone(), &told, ""),
        (
            "it succeeded",
            success(6),
            &told,
            "resolve failure parse/one by run",
        ),
        (
            "done otherwise",
            success(4),
            &told,
            "resolve failure parse/one by nothing_due",
        ),
        (
            "gone",
            facts(|_| {}),
            &told,
            "resolve failure parse/one by nothing_due",
        ),
    ] {
        assert_eq!(decided(&facts, open, 9).join(""), expected, "{case}");
    }
}

#[test]
fn a_submission_that_failed() {
    let new = |case: &str, facts: Facts, expected: &[&str]| check(case, &facts, &[], expected);
    let open = format!("open failed_submission {}", id::<SubmissionId>(2));
    new("it failed", submissions([unreadable(2)]), &[&open]);
    let superseded = submissions([unreadable(2), read(4, 0)]);
    new("superseded before it was told", superseded, &[]);
    let rejects = submissions([failed(read(2, 60))]);
    new("told by its rejects", rejects, &[OPEN]);
}

#[test]
fn a_failed_submission_that_was_told() {
    let known = opened(&submissions([unreadable(2)]), 3);
    let told = |case: &str, facts: Facts, expected: &[&str]| check(case, &facts, &known, expected);
    let over = |by: &str| {
        format!(
            "resolve failed_submission {} by {by}",
            id::<SubmissionId>(2)
        )
    };
    let then = |fact| submissions([unreadable(2), fact]);
    told("it stands", submissions([unreadable(2)]), &[]);
    let another = format!("open failed_submission {}", id::<SubmissionId>(5));
    told("another failed", then(unreadable(5)), &[&another]);
    told("superseded", then(read(4, 0)), &[&over("submission")]);
    let older = submissions([read(1, 0), unreadable(2)]);
    told("not by an older one", older, &[]);
    told(
        "not by another type",
        then(of_type("member", read(4, 0))),
        &[],
    );
    told("read again", submissions([read(2, 0)]), &[&over("retried")]);
    told("being read", submissions([read(1, 0)]), &[&over("retried")]);
    told(
        "long past",
        submissions([read(4, 0)]),
        &[&over("not_watched")],
    );
}

#[test]
fn failed_months() {
    let failing = facts(|facts| facts.failed_months = vec![month()]);
    let told = opened(&failing, 3);
    let subject = "wa/visit/2024-01";
    for (facts, open, expected) in [
        (
            failing.clone(),
            &[][..],
            format!("open failed_month {subject}"),
        ),
        (failing.clone(), &told, String::new()),
        (
            facts(|_| {}),
            &told,
            format!("resolve failed_month {subject} by built"),
        ),
    ] {
        assert_eq!(decided(&facts, open, 9).join(""), expected);
    }
}

#[test]
fn a_detail_is_read_as_it_was_written() {
    let known = opened(&submissions([read(2, 10)]), 3);
    let Some(Detail::RejectRatio {
        rows_rejected,
        threshold,
        ..
    }) = Detail::of(&known[0])
    else {
        panic!("{known:?}");
    };
    assert_eq!((rows_rejected, threshold), (10, 0.05));
    let mut unknown = known[0].clone();
    unknown.detail = json!({ "kind": "unheard_of" });
    assert_eq!(Detail::of(&unknown), None);
}
