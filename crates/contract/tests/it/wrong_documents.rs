use contract::{CanonicalSchema, Feed, Mapping};

use crate::shown;

#[test]
fn a_feed() {
    let text = "\
feed: acme
title: Acme
submitter: Acme Inc
state: wa
contracts: [claim@1, claim@v2, claim@v2]
thresholds: { reject_ratio: -1 }
";
    insta::assert_snapshot!("feed", shown(Feed::parse("feeds/other.yaml", text)));
}

#[test]
fn a_feed_by_an_unknown_door() {
    let text = "feed: a\ntitle: A\nsubmitter: a\nstate: wa\ndoor: inbx\ncontracts: [claim@v1]\n";
    insta::assert_snapshot!("feed_door", shown(Feed::parse("feeds/a.yaml", text)));
}

#[test]
fn a_feed_that_cannot_be_watched() {
    let feed = |rest: &str| {
        let text =
            format!("feed: a\ntitle: A\nsubmitter: a\nstate: wa\ncontracts: [claim@v1]\n{rest}");
        shown(Feed::parse("feeds/a.yaml", &text))
    };
    let values = feed("alerts: { reject_ratio: 5 }\nfreshness: { within: 90m }\n");
    insta::assert_snapshot!("feed_watched", values);
    let key = feed("alerts: { rejects: 0.05 }\n");
    insta::assert_snapshot!("feed_watched_key", key);
    let kind = feed("freshness: 24h\n");
    insta::assert_snapshot!("feed_watched_kind", kind);
    let missing = feed("freshness: {}\n");
    insta::assert_snapshot!("feed_watched_missing", missing);
}

#[test]
fn a_schema() {
    let text = r#"{
  "file_type": "claim", "version": 1, "title": "Claims",
  "columns": [
    { "name": "claim_id", "type": "string" },
    { "name": "claim_id", "type": "date" },
    { "name": "state", "type": "string" },
    { "name": "Paid", "type": "money" }
  ]
}"#;
    let result = CanonicalSchema::parse("canonical/schemas/claim/v2.json", text);
    insta::assert_snapshot!("schema", shown(result));
}

#[test]
fn a_schema_that_is_yaml_but_not_json() {
    let text = "{\n  \"file_type\": \"claim\",\n  \"version\": 1,\n}";
    let result = CanonicalSchema::parse("canonical/schemas/claim/v1.json", text);
    insta::assert_snapshot!("schema_not_json", shown(result));
}

#[test]
fn a_mapping() {
    let text = r#"{
  "layout": "claim@v2", "version": 1, "canonical_schema_version": 0,
  "columns": {
    "claim_id": { "sql": "" },
    "paid": { "sql": "a", "constant": "0" },
    "submitter_id": { "constant": "x" },
    "sex": { "map": { "column": "trim(sex)", "values": {} } }
  }
}"#;
    let result = Mapping::parse("canonical/mappings/claim/v1/v2.json", text);
    insta::assert_snapshot!("mapping", shown(result));
}

#[test]
fn a_mapping_with_a_column_twice() {
    let text = r#"{ "layout": "claim@v1", "version": 1, "canonical_schema_version": 1,
  "columns": {
    "sex": { "sql": "a" },
    "sex": { "sql": "b" } } }"#;
    let result = Mapping::parse("canonical/mappings/claim/v1/v1.json", text);
    insta::assert_snapshot!("mapping_twice", shown(result));
}
