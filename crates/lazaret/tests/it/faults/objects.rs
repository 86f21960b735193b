//! The object store breaks off, throttles, refuses a credential, is gone.

use futures::TryStreamExt;
use testkit::answer::Answer;
use testkit::proxy::Requests;

use super::{Behind, LARGE, SECOND_RANGE, undisturbed};
use crate::project::runtime;

pub(super) const ALWAYS: u32 = u32::MAX;
const MIDDLE: u64 = 1_000_000;

fn objects_below(behind: &Behind, folder: &str) -> Vec<String> {
    let objects = behind.project.objects();
    let listed = objects.list(folder).map_ok(|object| object.key);
    runtime().block_on(listed.try_collect()).unwrap()
}

#[test]
fn a_file_that_is_cut_off_in_the_middle_is_read_and_written_on() {
    let behind = Behind::proxies();
    for (requests, times) in [
        // What is left of a range is asked for by another one, which passes.
        (
            behind
                .of_large("GET", "inbox")
                .with_header("range", SECOND_RANGE),
            1,
        ),
        (behind.of_large("PUT", "raw").with("partNumber=2"), 3),
        (
            behind
                .of_large("GET", "raw")
                .with_header("range", SECOND_RANGE),
            1,
        ),
    ] {
        behind.objects.cut_request(requests, MIDDLE, times);
    }
    let ran = behind.run();
    assert_eq!((ran.code, ran.failed()), (0, vec![]), "{}", ran.told);
    assert_eq!(behind.objects.counters().cut, 5);
    behind.ends_as(&undisturbed());
}

#[test]
fn a_throttled_service_is_asked_again_until_it_answers() {
    let behind = Behind::proxies();
    let slow = [
        Requests::all().with("list-type=2"),
        behind.requests("PUT", "raw/"),
        behind.requests("GET", "raw/"),
        behind.requests("PUT", "silver/"),
        behind.requests("PUT", "gold_submitter/").with("_delta_log"),
        behind.requests("PUT", "gold_canonical/").with("_delta_log"),
    ];
    let times = 3 * slow.len() as u64;
    for requests in slow {
        behind.objects.answer(requests, Answer::slow_down(), 3);
    }
    let ran = behind.run();
    assert_eq!((ran.code, ran.failed()), (0, vec![]), "{}", ran.told);
    assert_eq!(behind.objects.counters().answered, times);
    behind.ends_as(&undisturbed());
}

#[test]
fn a_service_that_stays_throttled_fails_its_step_and_no_other() {
    let behind = Behind::proxies();
    let large = behind.of_large("PUT", "raw");
    behind.objects.answer(large, Answer::slow_down(), ALWAYS);
    let ran = behind.run();
    assert_eq!((ran.code, ran.failed()), (1, vec!["stage"]), "{}", ran.told);
    let error = ran.answer["failures"][0]["error"].as_str().unwrap();
    assert!(error.contains("SlowDown"), "{error}");
    assert_eq!(ran.answer["failures"][0]["transient"], true);
    behind.objects.heal();
    assert_eq!(behind.project.submission(LARGE)["state"], "RECEIVED");
    assert_eq!(ran.answer["submissions"].as_array().unwrap().len(), 3);
    behind.ends_as(&undisturbed());
}

/// As S3 says it, and as others do.
pub(super) fn expired() -> [Answer; 2] {
    let forbidden = Answer::s3_error(403, "ExpiredToken", "The provided token has expired.");
    [Answer::expired_token(), forbidden]
}

#[test]
fn a_credential_that_expires_in_the_middle_of_a_file_leaves_its_work_due() {
    let behind = Behind::proxies();
    let read = |top| {
        behind
            .of_large("GET", top)
            .with_header("range", SECOND_RANGE)
    };
    let copied = behind.of_large("PUT", "raw").with("partNumber=2");
    let encoded = behind.of_large("PUT", "silver");
    for (requests, step, state) in [
        (read("inbox"), "stage", "RECEIVED"),
        (copied, "stage", "RECEIVED"),
        (read("raw"), "parse", "READY_FOR_PARSE"),
        (encoded, "parse", "READY_FOR_PARSE"),
    ] {
        for answer in expired() {
            behind.objects.answer(requests.clone(), answer, ALWAYS);
            let before = behind.objects.counters().answered;
            let ran = behind.run();
            behind.objects.heal();
            assert_eq!((ran.code, ran.failed()), (1, vec![step]), "{}", ran.told);
            let error = ran.answer["failures"][0]["error"].as_str().unwrap();
            assert!(error.contains("ExpiredToken"), "{error}");
            assert!(behind.objects.counters().answered > before);
            assert_eq!(behind.project.submission(LARGE)["state"], state);
            let raw = objects_below(&behind, "raw/regional/visit/");
            assert_eq!(raw.is_empty(), step == "stage", "{raw:?}");
            assert_eq!(objects_below(&behind, "silver/regional/visit/"), [""; 0]);
        }
    }
    behind.ends_as(&undisturbed());
}

#[test]
fn a_credential_that_expires_before_a_commit_leaves_no_rows() {
    let behind = Behind::proxies();
    let golds = ["gold_submitter/", "gold_canonical/"];
    for (answer, made) in expired().into_iter().zip([1, 0]) {
        for gold in golds {
            // The first time, the table is still made.
            let commits = behind.requests("PUT", gold).with("_delta_log");
            behind
                .objects
                .answer(commits.after(made), answer.clone(), ALWAYS);
        }
        let ran = behind.run();
        behind.objects.heal();
        assert_eq!(ran.code, 1, "{}", ran.told);
        for step in ["submitter_gold", "canonical_rebuild"] {
            assert!(ran.failed().contains(&step), "{}", ran.answer);
        }
        for gold in golds {
            let files = objects_below(&behind, gold);
            let mut parts = files.iter().filter(|key| key.ends_with(".parquet"));
            assert_eq!(parts.next(), None, "rows of a month that was not committed");
        }
    }
    behind.ends_as(&undisturbed());
}

#[test]
fn a_service_that_is_gone_for_a_while_leaves_its_work_for_the_next_run() {
    let behind = Behind::proxies();
    let running = behind.run_to(behind.of_large("PUT", "raw").with("partNumber=2"));
    behind.objects.refuse();
    let ran = running.end();
    assert_eq!(ran.code, 1, "{} {}", ran.answer, ran.told);
    assert!(behind.objects.counters().cut > 0);
    // Nobody has to do anything meanwhile, and nothing gets worse by trying.
    for _ in 0..2 {
        let ran = behind.run();
        assert_eq!(ran.code, 1, "{}", ran.told);
        assert!(ran.told.contains("could not list"), "{}", ran.told);
    }
    behind.ends_as(&undisturbed());
}
