use privacy::{KeyRing, KeyRingError, KeyVersion};

use crate::{FIRST, SECOND, ring, version};

fn check(text: &str, current: &str, previous: Option<&str>, all: &[&str]) {
    let ring = KeyRing::parse(text).expect("a ring as it is documented");
    assert_eq!(ring.current(), version(current), "{text}");
    assert_eq!(ring.previous(), previous.map(version), "{text}");
    let versions: Vec<KeyVersion> = ring.versions().collect();
    let all: Vec<KeyVersion> = all.iter().map(|text| version(text)).collect();
    assert_eq!(versions, all, "{text}");
}

fn check_refused(text: &str, expected: KeyRingError) {
    let error = KeyRing::parse(text).expect_err("it is no ring");
    assert_eq!(error, expected, "{text}");
}

#[test]
fn a_ring_is_one_text() {
    check(&format!("v1:{FIRST}"), "v1", None, &["v1"]);
    check(
        &format!("v1:{FIRST},v2:{SECOND}"),
        "v2",
        Some("v1"),
        &["v1", "v2"],
    );
    // The order means nothing, and a file may have a line for each.
    let file = format!("v12:{FIRST}\r\n\n v3:{SECOND}\n");
    check(&file, "v12", Some("v3"), &["v3", "v12"]);
}

#[test]
fn a_new_key_can_be_known_before_it_is_current() {
    let text = format!("v1:{FIRST}\nv2:{SECOND}\ncurrent=v1\n");
    check(&text, "v1", None, &["v1", "v2"]);
}

#[test]
fn base64_is_taken_in_both_alphabets_padded_or_not() {
    let url_safe = SECOND.replace('+', "-").replace('/', "_");
    let bare = SECOND.trim_end_matches('=');
    for text in [SECOND, &url_safe, bare, url_safe.trim_end_matches('=')] {
        // That it is the same key shows in that both may not be in one ring.
        let (older, newer) = (version("v1"), version("v2"));
        check_refused(
            &format!("v1:{SECOND},v2:{text}"),
            KeyRingError::SameKey { older, newer },
        );
    }
}

#[test]
fn what_is_no_ring_is_refused_with_its_place_or_version() {
    let short = &FIRST[..40];
    let (one, two) = (version("v1"), version("v2"));
    for nothing in ["", " ,\n", "current=v1"] {
        check_refused(nothing, KeyRingError::Empty);
    }
    for unreadable in [
        FIRST,
        "v0:AAAA",
        "1:AAAA",
        "v1=AAAA",
        "current=1",
        "current:v1",
    ] {
        let text = format!("v1:{FIRST},{unreadable}");
        check_refused(&text, KeyRingError::Unreadable { position: 2 });
    }
    check_refused("v1:", KeyRingError::TooShort { version: one });
    check_refused(
        &format!("v2:{short}"),
        KeyRingError::TooShort { version: two },
    );
    check_refused(
        &format!("v2:{FIRST}A"),
        KeyRingError::NotBase64 { version: two },
    );
    check_refused("v2:not-base64!", KeyRingError::NotBase64 { version: two });
    check_refused(
        &format!("v1:{FIRST},v1:{SECOND}"),
        KeyRingError::Repeated { version: one },
    );
    check_refused(
        &format!("v1:{FIRST},v2:{SECOND},current=v1,current=v1"),
        KeyRingError::CurrentTwice,
    );
    check_refused(
        &format!("v1:{FIRST},current=v2"),
        KeyRingError::CurrentMissing { version: two },
    );
}

#[test]
fn no_error_and_no_log_shows_a_key() {
    let canary = "Q0FOQVJZ";
    let texts = [
        canary.to_owned(),
        format!("v1:{canary}"),
        format!("v1:{canary}!"),
        format!("{canary}:{FIRST}"),
        format!("current={canary}"),
    ];
    for text in texts {
        let error = KeyRing::parse(&text).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains(canary), "{told}");
        assert!(!told.contains(FIRST), "{told}");
    }
    let told = format!("{:?}", ring());
    assert!(told.contains("SecretKey(…)"), "{told}");
    for digits in [FIRST, SECOND, "0, 1, 2", "255, 254"] {
        assert!(!told.contains(digits), "{told}");
    }
}
