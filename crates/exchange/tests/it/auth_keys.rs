//! The issuer's published keys: fetched, kept, and asked for again in measure.

use std::time::Duration;

use exchange::auth::PublicAlgorithm::{Es256, Rs256};
use exchange::auth::{Authenticator, KeySetError, Refusal};
use futures::future::join_all;
use jsonwebtoken::Algorithm::{ES256, RS256};
use serde_json::json;
use testkit::answer::Answer;
use testkit::receiver::Receiver;

use crate::auth_issuer::{LONG, SigningKey, bearer, by_keys, claims, forged, key_set};

fn published(keys: &[&SigningKey]) -> Answer {
    Answer::status(200).with_body(key_set(keys))
}

async fn answer(authenticator: &Authenticator, token: &str) -> Result<(), Refusal> {
    let answer = authenticator.authenticate(Some(&bearer(token))).await;
    answer.map(|_| ())
}

#[tokio::test]
async fn tokens_of_both_algorithms_are_verified_and_keys_are_fetched_once() {
    let (ec, rsa) = (SigningKey::ec("ec-1"), SigningKey::rsa("rsa-1"));
    for (algorithm, token) in [
        (Es256, ec.sign(ES256, &claims())),
        (Rs256, rsa.sign(RS256, &claims())),
    ] {
        let issuer = Receiver::start();
        issuer.answer([published(&[&ec, &rsa])]);
        let authenticator = by_keys(algorithm, &issuer.url(), LONG, LONG);
        let at_once = (0..20).map(|_| answer(&authenticator, &token));
        assert_eq!(join_all(at_once).await, vec![Ok(()); 20], "{algorithm:?}");
        assert_eq!(issuer.received().len(), 1, "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret_and_a_token_brings_no_key() {
    let (rsa, stranger) = (SigningKey::rsa("rsa-1"), SigningKey::ec("rsa-1"));
    let issuer = Receiver::start();
    issuer.answer([published(&[&rsa])]);
    let authenticator = by_keys(Rs256, &issuer.url(), LONG, LONG);
    let good = rsa.sign(RS256, &claims());
    assert_eq!(answer(&authenticator, &good).await, Ok(()));

    let modulus = rsa.public["n"].as_str().unwrap();
    for secret in [modulus.as_bytes(), key_set(&[&rsa]).as_bytes(), b""] {
        for algorithm in ["HS256", "RS256", "none"] {
            let header = json!({ "alg": algorithm, "kid": "rsa-1" });
            let token = forged(&header, &claims().to_string(), secret);
            let refused = answer(&authenticator, &token).await;
            assert_eq!(refused, Err(Refusal::BadSignature), "{algorithm}");
        }
    }
    let by_stranger = stranger.sign(ES256, &claims());
    assert_eq!(
        answer(&authenticator, &by_stranger).await,
        Err(Refusal::BadSignature)
    );

    // The same with the stranger's key in the header, on an issuer of its algorithm.
    let ec = SigningKey::ec("rsa-1");
    issuer.answer([published(&[&ec])]);
    let authenticator = by_keys(Es256, &issuer.url(), LONG, LONG);
    for header in ["jwk", "jku", "x5c"] {
        let header = json!({ "alg": "ES256", "kid": "rsa-1", header: stranger.public });
        let token = stranger.sign_as(&header, ES256, &claims());
        assert_eq!(
            answer(&authenticator, &token).await,
            Err(Refusal::BadSignature)
        );
    }
    assert_eq!(
        answer(&authenticator, &by_stranger).await,
        Err(Refusal::BadSignature)
    );
    assert_eq!(
        answer(&authenticator, &ec.sign(ES256, &claims())).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_new_key_is_found_when_the_first_token_names_it() {
    let (old, new) = (SigningKey::ec("old"), SigningKey::ec("new"));
    let issuer = Receiver::start();
    issuer.answer([published(&[&old]), published(&[&old, &new])]);
    let authenticator = by_keys(Es256, &issuer.url(), Duration::ZERO, LONG);
    for key in [&old, &old, &new, &old, &new] {
        assert_eq!(
            answer(&authenticator, &key.sign(ES256, &claims())).await,
            Ok(())
        );
    }
    assert_eq!(issuer.received().len(), 2);
}

#[tokio::test]
async fn invented_names_do_not_make_us_ask_more_often_than_said() {
    let key = SigningKey::ec("a");
    let issuer = Receiver::start();
    issuer.answer([published(&[&key])]);
    let authenticator = by_keys(Es256, &issuer.url(), LONG, LONG);
    let invented = SigningKey::ec("invented").sign(ES256, &claims());
    for _ in 0..5 {
        assert_eq!(
            answer(&authenticator, &invented).await,
            Err(Refusal::UnknownKey)
        );
    }
    assert_eq!(
        answer(&authenticator, &key.sign(ES256, &claims())).await,
        Ok(())
    );
    assert_eq!(issuer.received().len(), 1);
}

#[tokio::test]
async fn known_keys_outlive_an_issuer_that_is_away() {
    let (known, other) = (SigningKey::ec("known"), SigningKey::ec("other"));
    let issuer = Receiver::start();
    issuer.answer([published(&[&known])]);
    // Every token asks again.
    let authenticator = by_keys(Es256, &issuer.url(), Duration::ZERO, Duration::ZERO);
    let (known, other) = (known.sign(ES256, &claims()), other.sign(ES256, &claims()));
    assert_eq!(answer(&authenticator, &known).await, Ok(()));

    let failures = [
        Answer::status(500),
        Answer::status(404),
        Answer::status(200).with_body("<html>"),
        Answer::status(200).with_body("{\"keys\": []}"),
        Answer::status(200).with_body(" ".repeat(2 * 1024 * 1024)),
    ];
    for failure in failures {
        // An old set is asked for before a token's key is looked up, and after that if it is not there.
        issuer.answer(vec![failure.clone(); 3]);
        assert_eq!(answer(&authenticator, &known).await, Ok(()), "{failure:?}");
        // Whether that key exists cannot be said now.
        assert_eq!(
            answer(&authenticator, &other).await,
            Err(Refusal::Unavailable)
        );
    }
    drop(issuer);
    assert_eq!(answer(&authenticator, &known).await, Ok(()));
    assert_eq!(
        answer(&authenticator, &other).await,
        Err(Refusal::Unavailable)
    );
}

#[tokio::test]
async fn keys_come_from_the_address_that_was_said_or_not_at_all() {
    let key = SigningKey::ec("a");
    let (issuer, elsewhere) = (Receiver::start(), Receiver::start());
    elsewhere.answer([published(&[&key])]);
    issuer.answer([Answer::status(302).with_header("Location", &elsewhere.url())]);
    let authenticator = by_keys(Es256, &issuer.url(), LONG, LONG);
    let token = key.sign(ES256, &claims());
    assert_eq!(
        answer(&authenticator, &token).await,
        Err(Refusal::Unavailable)
    );
    assert_eq!(elsewhere.received(), []);
}

#[tokio::test]
async fn before_the_first_keys_tokens_wait_for_the_issuer() {
    let key = SigningKey::ec("a");
    let token = key.sign(ES256, &claims());
    let issuer = Receiver::start();
    issuer.answer([Answer::status(503), published(&[&key])]);
    let patient = by_keys(Es256, &issuer.url(), LONG, LONG);
    for _ in 0..3 {
        assert_eq!(answer(&patient, &token).await, Err(Refusal::Unavailable));
    }
    assert_eq!(issuer.received().len(), 1, "a failure counts as an attempt");
    let eager = by_keys(Es256, &issuer.url(), Duration::ZERO, LONG);
    assert_eq!(answer(&eager, &token).await, Ok(()));
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_not_taken_for_ever() {
    let (withdrawn, stays) = (SigningKey::ec("withdrawn"), SigningKey::ec("stays"));
    let issuer = Receiver::start();
    issuer.answer([published(&[&withdrawn, &stays])]);
    let authenticator = by_keys(Es256, &issuer.url(), Duration::ZERO, Duration::ZERO);
    let (withdrawn, good) = (
        withdrawn.sign(ES256, &claims()),
        stays.sign(ES256, &claims()),
    );
    assert_eq!(answer(&authenticator, &withdrawn).await, Ok(()));
    issuer.answer([published(&[&stays]), published(&[&stays])]);
    assert_eq!(
        answer(&authenticator, &withdrawn).await,
        Err(Refusal::UnknownKey)
    );
    assert_eq!(answer(&authenticator, &good).await, Ok(()));
}

#[tokio::test]
async fn keys_can_be_a_file_that_is_replaced() {
    let (old, new) = (SigningKey::ec("old"), SigningKey::ec("new"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let authenticator = by_keys(Es256, file.to_str().unwrap(), Duration::ZERO, LONG);
    let missing = authenticator.fetch_keys().await;
    assert!(
        matches!(missing, Err(KeySetError::Unreadable(_))),
        "{missing:?}"
    );
    for (published, key) in [(vec![&old], &old), (vec![&old, &new], &new)] {
        std::fs::write(&file, key_set(&published)).unwrap();
        assert_eq!(
            answer(&authenticator, &key.sign(ES256, &claims())).await,
            Ok(())
        );
    }
    std::fs::write(&file, " ".repeat(2 * 1024 * 1024)).unwrap();
    let large = authenticator.fetch_keys().await;
    assert!(
        matches!(large, Err(KeySetError::TooLarge { .. })),
        "{large:?}"
    );
}

#[tokio::test]
async fn what_is_told_of_an_issuer_names_no_address() {
    let issuer = Receiver::start();
    let address = issuer.url().replace("//", "//user:SECRET@") + "/keys?token=SECRET";
    drop(issuer);
    let authenticator = by_keys(Es256, &address, LONG, LONG);
    let error = authenticator.fetch_keys().await.unwrap_err();
    let told = format!("{error} {error:?} {authenticator:?}");
    assert!(!told.contains("SECRET"), "{told}");
}
