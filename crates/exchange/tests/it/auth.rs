//! Which tokens are taken, and what a refused one is told.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use exchange::auth::{Authenticator, Names, Principal, Refusal, Scope};
use serde_json::{Value, json};

use crate::auth_issuer::{
    ISSUER, LEEWAY, SECRET, SigningKey, bearer, by_secret, claims, claims_at, claims_with, forged,
    hs256,
};

fn names<const COUNT: usize>(names: [&str; COUNT]) -> Names {
    Names::Only(names.map(str::to_owned).into())
}

async fn check_refused(authenticator: &Authenticator, token: &str, expected: Refusal) {
    let refused = authenticator.authenticate(Some(&bearer(token))).await;
    assert_eq!(refused, Err(expected), "{token}");
}

#[tokio::test]
async fn a_good_token_says_who_asks_and_what_for() {
    let header = bearer(&hs256(&claims()));
    let principal = by_secret().authenticate(Some(&header)).await.unwrap();
    assert_eq!(
        principal,
        Principal {
            subject: "clinic-7".to_owned(),
            scopes: BTreeSet::from([Scope::Ingest]),
            sources: names(["clinic-7", "lab-2"]),
            recipients: names([]),
        }
    );
}

#[tokio::test]
async fn what_a_client_may_is_read_from_its_claims() {
    let (authenticator, both) = (by_secret(), [Scope::Ingest, Scope::Tokenize]);
    let scopes = |claims: Value, expected: &[Scope]| {
        let (authenticator, header) = (&authenticator, bearer(&hs256(&claims)));
        let expected: BTreeSet<Scope> = expected.iter().copied().collect();
        async move {
            let principal = authenticator.authenticate(Some(&header)).await.unwrap();
            assert_eq!(principal.scopes, expected, "{claims}");
        }
    };
    scopes(claims_with("scope", json!("tokenize ingest")), &both).await;
    scopes(claims_with("scope", json!("")), &[]).await;
    scopes(claims_with("scope", json!("ingestion INGEST *")), &[]).await;
    scopes(claims_with("scope", Value::Null), &[]).await;
    scopes(
        claims_with("scp", json!(["tokenize", "records:write"])),
        &both,
    )
    .await;
    scopes(claims_with("scp", json!("profile tokenize")), &both).await;

    let header = bearer(&hs256(&claims_with("sources", json!(["*"]))));
    let principal = authenticator.authenticate(Some(&header)).await.unwrap();
    assert_eq!(principal.sources, Names::Every);
    let header = bearer(&hs256(&claims_with("sources", Value::Null)));
    let principal = authenticator.authenticate(Some(&header)).await.unwrap();
    assert_eq!(principal.sources, names([]));
    let header = bearer(&hs256(&claims_with("recipients", json!(["lab"]))));
    let principal = authenticator.authenticate(Some(&header)).await.unwrap();
    assert_eq!(principal.recipients, names(["lab"]));
}

#[tokio::test]
async fn a_claim_that_is_wrong_is_named_by_its_refusal() {
    let now = Utc::now().timestamp();
    let cases = [
        ("iss", json!("https://id.example/"), Refusal::WrongIssuer),
        ("iss", json!([ISSUER]), Refusal::Malformed),
        ("iss", Value::Null, Refusal::Malformed),
        ("aud", json!("lazarett"), Refusal::WrongAudience),
        ("aud", json!(["other", "LAZARET"]), Refusal::WrongAudience),
        ("aud", json!([]), Refusal::WrongAudience),
        ("aud", json!({ "lazaret": true }), Refusal::Malformed),
        ("aud", Value::Null, Refusal::Malformed),
        ("sub", json!(""), Refusal::Malformed),
        ("sub", json!(7), Refusal::Malformed),
        ("sub", Value::Null, Refusal::Malformed),
        ("exp", json!(now - 3600), Refusal::Expired),
        ("exp", json!(0), Refusal::Expired),
        ("exp", json!(-1), Refusal::Expired),
        ("exp", json!("2999-01-01T00:00:00Z"), Refusal::Malformed),
        ("exp", json!((now + 3600).to_string()), Refusal::Malformed),
        ("exp", Value::Null, Refusal::Malformed),
        ("nbf", json!(now + 3600), Refusal::NotYet),
        ("nbf", json!(now.to_string()), Refusal::Malformed),
        ("nbf", Value::Null, Refusal::Malformed),
        ("scope", json!(7), Refusal::Malformed),
        ("sources", json!("*"), Refusal::Malformed),
        ("sources", json!([7]), Refusal::Malformed),
        ("recipients", json!({}), Refusal::Malformed),
    ];
    let authenticator = by_secret();
    for (name, value, expected) in cases {
        check_refused(&authenticator, &hs256(&claims_with(name, value)), expected).await;
    }
    let aud = claims_with("aud", json!(["other", "lazaret"]));
    let header = bearer(&hs256(&aud));
    assert!(authenticator.authenticate(Some(&header)).await.is_ok());
}

#[tokio::test]
async fn a_token_is_valid_from_its_first_moment_until_before_its_last() {
    let start = DateTime::parse_from_rfc3339("2026-03-01T12:00:00Z")
        .unwrap()
        .to_utc();
    let header = bearer(&hs256(&claims_at(start)));
    let (leeway, end) = (
        TimeDelta::from_std(LEEWAY).unwrap(),
        start + TimeDelta::hours(1),
    );
    let moment = TimeDelta::milliseconds(1);
    let cases = [
        (start - leeway - moment, Some(Refusal::NotYet)),
        (start - leeway, None),
        (start, None),
        (end, None),
        (end + leeway - moment, None),
        (end + leeway, Some(Refusal::Expired)),
    ];
    let authenticator = by_secret();
    for (now, expected) in cases {
        let answer = authenticator.authenticate_at(Some(&header), now).await;
        assert_eq!(answer.err(), expected, "{now}");
    }
}

#[tokio::test]
async fn only_the_configured_algorithm_counts() {
    let authenticator = by_secret();
    let claims = claims().to_string();
    for algorithm in [
        "none", "None", "NONE", "hs256", "HS384", "HS512", "RS256", "ES256", "",
    ] {
        let token = forged(&json!({ "alg": algorithm }), &claims, SECRET);
        check_refused(&authenticator, &token, Refusal::BadSignature).await;
    }
    // The very same signature is right where the header says what we expect.
    let token = forged(&json!({ "alg": "HS256" }), &claims, SECRET);
    assert!(
        authenticator
            .authenticate(Some(&bearer(&token)))
            .await
            .is_ok()
    );
    let other_secret = forged(&json!({ "alg": "HS256" }), &claims, b"another secret");
    check_refused(&authenticator, &other_secret, Refusal::BadSignature).await;
    let by_key = SigningKey::ec("a").sign(jsonwebtoken::Algorithm::ES256, &json!({}));
    check_refused(&authenticator, &by_key, Refusal::BadSignature).await;
}

#[tokio::test]
async fn what_cannot_be_read_as_a_token_is_malformed() {
    let authenticator = by_secret();
    let good = hs256(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let critical = json!({ "alg": "HS256", "crit": ["exp"] });
    let no_algorithm = json!({ "kid": "a" });
    let malformed = [
        "dev".to_owned(),
        "a.b".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{signed}."),
        format!(".{signed}"),
        format!("{good}.{signature}"),
        format!("{good} {good}"),
        forged(&critical, &claims().to_string(), SECRET),
        forged(&no_algorithm, &claims().to_string(), SECRET),
        forged(&json!("HS256"), &claims().to_string(), SECRET),
        forged(&json!({ "alg": "HS256" }), "\"claims\"", SECRET),
        hs256(&claims_with("x", json!("long".repeat(5000)))),
    ];
    for token in malformed {
        check_refused(&authenticator, &token, Refusal::Malformed).await;
    }
    for header in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Basic YTpi"),
        Some(good.as_str()),
    ] {
        let refused = authenticator.authenticate(header).await;
        assert_eq!(refused, Err(Refusal::Missing), "{header:?}");
    }
}

#[tokio::test]
async fn a_claim_that_stands_twice_is_refused() {
    let twice = claims()
        .to_string()
        .replacen('{', "{\"sub\":\"another\",", 1);
    let token = forged(&json!({ "alg": "HS256" }), &twice, SECRET);
    check_refused(&by_secret(), &token, Refusal::Malformed).await;
}

#[tokio::test]
async fn no_character_of_a_token_can_be_changed_or_dropped() {
    let authenticator = by_secret();
    let good = hs256(&claims());
    for at in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let dropped = format!("{}{}", &good[..at], &good[at + 1..]);
        for token in [changed, dropped] {
            let answer = authenticator.authenticate(Some(&bearer(&token))).await;
            let refused = answer.expect_err("it is another token");
            assert_eq!(refused.status(), 401, "{at}");
        }
    }
}

#[tokio::test]
async fn the_dev_token_opens_all_doors_where_it_is_accepted() {
    let dev = Authenticator::new(None, true).unwrap();
    let principal = dev.authenticate(Some("Bearer dev")).await.unwrap();
    principal.may_post_for("any").unwrap();
    principal.may_tokenize_for("any").unwrap();
    check_refused(&dev, "Dev", Refusal::Malformed).await;
    check_refused(&dev, &hs256(&claims()), Refusal::UnknownKey).await;
    check_refused(&by_secret(), "dev", Refusal::Malformed).await;
}

#[tokio::test]
async fn neither_refusal_nor_authenticator_shows_a_secret() {
    let authenticator = by_secret();
    let told = format!("{authenticator:?}");
    assert!(told.contains(ISSUER), "{told}");
    assert!(
        !told.contains("a secret") && !told.contains("97, 32"),
        "{told}"
    );
    let token = hs256(&claims_with("sub", json!("CANARY-1")).clone());
    let expired = hs256(&claims_with("exp", json!(1)));
    for token in [format!("{token}x"), expired] {
        let refusal = authenticator
            .authenticate(Some(&bearer(&token)))
            .await
            .unwrap_err();
        let told = format!("{refusal} {refusal:?} {:?}", refusal.challenge());
        for part in token.split('.').chain(["CANARY", "clinic"]) {
            assert!(!told.contains(part), "{told}");
        }
    }
}
