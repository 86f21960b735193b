//! `lazaret up` while a service is away for a minute in the middle of its work: nothing is lost,
//! and nobody has to do anything.

use std::time::Duration;

use testkit::proxy::Requests;

use super::objects::{ALWAYS, expired};
use super::{Behind, undisturbed};
use crate::crash::state;
use crate::daemon::is_at_rest;
use crate::running::{Running, eventually};

const AWAY: Duration = Duration::from_secs(60);
const SUBMISSIONS: usize = 3;

/// Takes something away as soon as `up` is in the middle of copying a file, and gives it back a
/// minute later.
fn rides_out(take_away: impl Fn(&Behind)) {
    let behind = Behind::proxies();
    behind
        .objects
        .hold(behind.of_large("PUT", "raw").with("partNumber=2"));
    let mut up = Running::up(&behind.project);
    behind.objects.wait_until_held(1, AWAY);
    take_away(&behind);
    behind.objects.release();
    std::thread::sleep(AWAY);
    behind.objects.heal();
    behind.database.heal();
    eventually("all is done", || is_at_rest(&behind.project, SUBMISSIONS));
    let (status, _) = up.terminate();
    assert!(status.success(), "{status}");
    assert_eq!(state(&behind.project), undisturbed());
}

#[test]
fn a_database_that_is_away_for_a_minute_needs_no_hand() {
    rides_out(|behind| behind.database.refuse());
}

#[test]
fn an_object_store_that_is_away_for_a_minute_needs_no_hand() {
    rides_out(|behind| behind.objects.refuse());
}

#[test]
fn a_credential_that_is_renewed_after_a_minute_needs_no_hand() {
    rides_out(|behind| {
        for (method, answer) in ["GET", "PUT"].into_iter().zip(expired()) {
            behind.objects.answer(Requests::of(method), answer, ALWAYS);
        }
    });
}
