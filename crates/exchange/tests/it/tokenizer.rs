//! `POST /tokenize`, from the body's bytes to the answer's.

use std::collections::BTreeMap;

use exchange::auth::{Names, Need, Principal, Refusal, Scope};
use exchange::tokenizer::{
    TokenizeError, TokenizeLimits, TokenizeRequest, Tokenizer, TokenizerSettings,
};
use privacy::{Domain, KeyRing, Normalisation};
use serde_json::{Value, json};

/// Stands wherever a client might have put a value.
const CANARY: &str = "ZAC5361";
const LIMITS: TokenizeLimits = TokenizeLimits {
    items_max: 3,
    value_bytes_max: 16,
};

fn ring() -> KeyRing {
    let text = "v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,\
                v2:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
    KeyRing::parse(text).expect("a ring")
}

fn tokenizer() -> Tokenizer {
    let fields = [("nhi".to_owned(), Normalisation::TrimmedUppercase)];
    let settings = TokenizerSettings {
        fields: BTreeMap::from(fields),
        other_fields: Normalisation::AsGiven,
    };
    Tokenizer::new(ring(), settings)
}

fn client(scopes: &[Scope], recipients: &[&str]) -> Principal {
    let recipients = recipients.iter().map(ToString::to_string);
    Principal {
        subject: "clinic-7".to_owned(),
        scopes: scopes.iter().copied().collect(),
        sources: Names::Every,
        recipients: Names::Only(recipients.collect()),
    }
}

fn ask(principal: &Principal, body: &Value) -> Result<Value, TokenizeError> {
    let request = TokenizeRequest::parse(body.to_string().as_bytes(), &LIMITS)?;
    let answer = tokenizer().answer(principal, &request)?;
    Ok(serde_json::to_value(answer).expect("an answer is JSON"))
}

fn ask_for_lab(body: &Value) -> Result<Value, TokenizeError> {
    ask(&client(&[Scope::Tokenize], &["lab"]), body)
}

fn item(field: &str, recipient: &str, value: &str) -> Value {
    json!({ "field": field, "recipient": recipient, "value": value })
}

/// The token as `privacy` makes it.
fn token(version: &str, field: &str, rule: Normalisation, value: &str) -> String {
    let domain = Domain::new(field, "lab", rule).expect("a whole domain");
    let version = version.parse().expect("a version");
    let token = ring().token_by(version, &domain, value);
    token.expect("a token").to_string()
}

#[test]
fn a_batch_is_answered_in_its_order() {
    let mut first = item("nhi", "lab", " zac5361");
    first["id"] = json!("row-1");
    let answer = ask_for_lab(&json!({ "items": [first, item("ward", "lab", " zac5361")] }));
    assert_eq!(
        answer.unwrap(),
        json!({
            "current": "v2",
            "previous": "v1",
            "items": [
                {
                    "id": "row-1",
                    "normalisation": "trimmed_uppercase",
                    "tokens": [token("v2", "nhi", Normalisation::TrimmedUppercase, CANARY)],
                },
                {
                    "normalisation": "as_given",
                    "tokens": [token("v2", "ward", Normalisation::AsGiven, " zac5361")],
                },
            ],
        })
    );
}

#[test]
fn in_rotation_the_tokens_of_both_keys_can_be_had() {
    let items = [item("nhi", "lab", CANARY)];
    let answer = ask_for_lab(&json!({ "items": items, "versions": ["v2", "v1"] })).unwrap();
    let of = |version| token(version, "nhi", Normalisation::TrimmedUppercase, CANARY);
    assert_eq!(answer["items"][0]["tokens"], json!([of("v2"), of("v1")]));
}

#[test]
fn a_client_gets_tokens_for_its_own_recipients_only() {
    let body = json!({ "items": [item("nhi", "lab", CANARY), item("nhi", "payer", CANARY)] });
    let refused = |scopes: &[Scope], recipients: &[&str]| ask(&client(scopes, recipients), &body);
    let scope = Refusal::Forbidden(Need::Scope(Scope::Tokenize));
    for recipients in [&["lab", "payer"][..], &[]] {
        let error = refused(&[Scope::Ingest], recipients).unwrap_err();
        assert_eq!(error, TokenizeError::Refused(scope.clone()));
        assert_eq!((error.status(), error.pointer()), (403, None));
    }
    let refusal = Refusal::Forbidden(Need::Recipient);
    let error = refused(&[Scope::Tokenize], &["lab"]).unwrap_err();
    assert_eq!(error, TokenizeError::RefusedItem { item: 1, refusal });
    assert_eq!(error.status(), 403);
    assert!(refused(&[Scope::Tokenize], &["lab", "payer"]).is_ok());
}

/// Bodies that are wrong, each with the canary in it.
fn wrong_bodies() -> Vec<String> {
    let good = item("nhi", "lab", CANARY);
    let with = |member: &str, value: Value| {
        let mut item = good.clone();
        item[member] = value;
        json!({ "items": [good, item] }).to_string()
    };
    let without = |member: &str| {
        let mut item = good.clone();
        item.as_object_mut().expect("an object").remove(member);
        json!({ "items": [good, item] }).to_string()
    };
    let items = [good.clone()];
    vec![
        CANARY.to_owned(),
        format!("{{\"items\": [{{\"value\": \"{CANARY}"),
        format!("{{\"items\":[{good}]}} {CANARY}"),
        good.to_string(),
        json!([good]).to_string(),
        json!([[["row-1", "nhi", "lab", CANARY]], null]).to_string(),
        json!({ "items": [["row-1", "nhi", "lab", CANARY]] }).to_string(),
        json!({ "items": good }).to_string(),
        json!({ "items": items, CANARY: 1 }).to_string(),
        with(CANARY, json!(1)),
        with("value", json!([CANARY])),
        with("value", json!({ CANARY: 1 })),
        without("value"),
        without("field"),
        format!("{{\"items\": [{{\"field\": \"{CANARY}\", \"field\": \"nhi\"}}]}}"),
        json!({ "items": [], "versions": [CANARY] }).to_string(),
        json!({ "items": vec![good.clone(); 4] }).to_string(),
        with("value", json!(format!("{CANARY}-{CANARY}-{CANARY}"))),
        with("value", json!("")),
        with("field", json!("")),
        with("field", json!(format!("{CANARY} "))),
        with("recipient", json!(format!("{CANARY}ä"))),
        with("recipient", json!(CANARY.repeat(50))),
        with("recipient", json!(CANARY)),
        with("id", json!(format!("{CANARY}\n"))),
        json!({ "items": items, "versions": [CANARY] }).to_string(),
        json!({ "items": items, "versions": [] }).to_string(),
        json!({ "items": items, "versions": ["v1", "v1"] }).to_string(),
        json!({ "items": items, "versions": ["v3"] }).to_string(),
    ]
}

#[test]
fn a_wrong_request_is_told_where_and_never_what() {
    let principal = client(&[Scope::Tokenize], &["lab"]);
    let told = wrong_bodies().into_iter().map(|body| {
        let answer = TokenizeRequest::parse(body.as_bytes(), &LIMITS)
            .and_then(|request| tokenizer().answer(&principal, &request));
        let error = answer.expect_err(&body);
        let pointer = error.pointer().unwrap_or_default();
        let told = format!("{} {} {pointer}\n  {error}", error.status(), error.code());
        assert!(!format!("{told} {error:?}").contains(CANARY), "{body}");
        let shown: String = body.chars().take(100).collect();
        format!("{shown}\n  {told}\n")
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn no_log_shows_what_was_asked_or_which_token_was_given() {
    let mut asked = item("nhi", "lab", CANARY);
    asked["id"] = json!(CANARY);
    let body = json!({ "items": [asked] }).to_string();
    let request = TokenizeRequest::parse(body.as_bytes(), &LIMITS).unwrap();
    let tokenizer = tokenizer();
    let principal = client(&[Scope::Tokenize], &["lab"]);
    let answer = tokenizer.answer(&principal, &request).unwrap();
    let told = format!("{request:?} {answer:?} {tokenizer:?}");
    let given = token("v2", "nhi", Normalisation::TrimmedUppercase, CANARY);
    for secret in [CANARY, &given["tok_v2_".len()..], "AAECAwQF", "0, 1, 2"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn a_request_at_its_limits_is_answered() {
    let items = vec![item("nhi", "lab", &"x".repeat(LIMITS.value_bytes_max)); LIMITS.items_max];
    let answer = ask_for_lab(&json!({ "items": items })).unwrap();
    assert_eq!(answer["items"].as_array().unwrap().len(), LIMITS.items_max);
}
