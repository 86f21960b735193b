//! The metadata database breaks off, and is gone.

use std::time::Duration;

use testkit::proxy::Requests;

use super::{Behind, HANGS, undisturbed};

/// Before each durable step that is not the database's own.
fn steps(behind: &Behind) -> [Requests; 4] {
    [
        behind.of_large("PUT", "raw").with("partNumber=2"),
        behind.of_large("PUT", "silver"),
        behind
            .requests("PUT", "gold_submitter/")
            .with("_delta_log")
            .after(1),
        behind
            .requests("PUT", "gold_canonical/")
            .with("_delta_log")
            .after(1),
    ]
}

#[test]
fn a_database_that_starts_anew_between_two_steps_is_connected_to_again() {
    let behind = Behind::proxies();
    let [first, rest @ ..] = steps(&behind);
    let running = behind.run_to(first);
    let mut held = 1;
    for next in rest {
        behind.database.sever();
        behind.objects.hold(next);
        behind.objects.release();
        held += 1;
        behind.objects.wait_until_held(held, HANGS);
    }
    behind.database.sever();
    behind.objects.release();
    let ran = running.end();
    assert_eq!((ran.code, ran.failed()), (0, vec![]), "{}", ran.told);
    assert!(behind.database.counters().cut >= 4);
    behind.ends_as(&undisturbed());
}

/// A look whether the connection still holds passes; the statement after it does not.
const WITHIN_A_STATEMENT: u64 = 100;

#[test]
fn a_statement_that_is_cut_fails_its_step_and_loses_nothing() {
    let expected = undisturbed();
    let failing = ["stage", "parse", "submitter_gold", "canonical_rebuild"];
    for (step, name) in failing.into_iter().enumerate() {
        let behind = Behind::proxies();
        let running = behind.run_to(steps(&behind)[step].clone());
        behind.database.cut_next(1, WITHIN_A_STATEMENT);
        behind.objects.release();
        let ran = running.end();
        assert_eq!(behind.database.counters().cut, 1, "{}", ran.told);
        assert_eq!((ran.code, ran.failed()), (1, vec![name]), "{}", ran.told);
        let failure = &ran.answer["failures"][0];
        let error = failure["error"].as_str().unwrap();
        assert!(error.contains("does not answer"), "{error}");
        assert_eq!(failure["transient"], true);
        behind.ends_as(&expected);
    }
}

#[test]
fn a_database_that_is_gone_for_a_moment_is_waited_for() {
    let behind = Behind::proxies();
    let [copied, ..] = steps(&behind);
    let running = behind.run_to(copied);
    behind.database.refuse();
    behind.objects.release();
    // The fault itself takes time: the run looks for the database again and again meanwhile.
    std::thread::sleep(Duration::from_secs(3));
    behind.database.heal();
    let ran = running.end();
    assert_eq!((ran.code, ran.failed()), (0, vec![]), "{}", ran.told);
    assert!(behind.database.counters().cut > 0);
    behind.ends_as(&undisturbed());
}

#[test]
fn a_database_that_stays_away_ends_the_run_and_the_next_one_goes_on() {
    let behind = Behind::proxies();
    let [.., committed] = steps(&behind);
    let running = behind.run_to(committed);
    behind.database.refuse();
    behind.objects.release();
    let ran = running.end();
    assert_eq!(ran.code, 1, "{}", ran.told);
    assert!(ran.told.contains("does not answer"), "{}", ran.told);
    for _ in 0..2 {
        let ran = behind.run();
        assert_eq!(ran.code, 1, "{}", ran.told);
        let said = "cannot open the metadata database";
        assert!(ran.told.contains(said), "{}", ran.told);
    }
    behind.ends_as(&undisturbed());
}
