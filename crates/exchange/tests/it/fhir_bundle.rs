//! Bundles: taken apart, answered, and repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use exchange::fhir::{
    BundleEntry, BundleRefusal, BundleSplit, BundleType, EntryAnswer, EntryRecord,
    operation_outcome, respond, split, transaction_refused,
};
use exchange::ingest::{
    IdempotencyKey, IdempotencyKeyRules, ProblemType, RecordRequest, RequestVersion, strict_json,
};
use exchange::records::{RecordKind, Rule, Source, canonical_payload, check};
use serde_json::{Value, json};

fn source() -> Source {
    "acme".parse().unwrap()
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKeyRules::default()
        .parse(text.as_bytes())
        .unwrap()
}

fn split_it(bundle: &Value) -> BundleSplit {
    split(
        bundle.to_string().as_bytes(),
        &source(),
        &key("bundle-0123456789"),
    )
    .unwrap()
}

fn encounter(url: Option<&str>, status: &str) -> Value {
    let mut entry = json!({
        "resource": {
            "resourceType": "Encounter",
            "status": status,
            "class": { "code": "AMB" },
            "period": { "start": "2024-05-06" },
        },
        "request": { "method": "POST", "url": "Encounter" },
    });
    if let Some(url) = url {
        entry["fullUrl"] = json!(url);
    }
    entry
}

fn bundle(bundle_type: &str, entries: &[Value]) -> Value {
    json!({ "resourceType": "Bundle", "type": bundle_type, "entry": entries })
}

fn records(split: &BundleSplit) -> Vec<&EntryRecord> {
    let entries = split.entries.iter().filter_map(|entry| match entry {
        BundleEntry::Record(record) => Some(record.as_ref()),
        BundleEntry::NotTaken | BundleEntry::Refused(_) => None,
    });
    entries.collect()
}

fn keys(bundle: &Value) -> Vec<String> {
    let split = split_it(bundle);
    let keys = records(&split)
        .into_iter()
        .map(|it| it.idempotency_key.as_str().to_owned());
    keys.collect()
}

/// Real bundles with the number of entries of each type, counted by Python.
fn samples() -> Vec<(BundleSplit, BTreeMap<String, usize>)> {
    const COUNT: &str = "
import collections, json, sys
entries = json.load(open(sys.argv[1]))['entry']
print(json.dumps(collections.Counter(e['resource']['resourceType'] for e in entries)))
";
    let Some(folder) = testkit::shared_data::folder("fhir/jijones") else {
        return Vec::new();
    };
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let counted = testkit::python::run_python(COUNT, &[path.to_str().unwrap()]);
            let body = fs::read(&path).unwrap();
            let bundle = split(&body, &source(), &key("bundle-0123456789")).unwrap();
            (bundle, serde_json::from_str(&counted).unwrap())
        })
        .collect()
}

#[test]
fn real_bundles_are_split_completely() {
    for (split, counted) in samples() {
        assert_eq!(transaction_refused(&split), []);
        let taken = records(&split);
        for (name, kind) in [
            ("Encounter", RecordKind::Encounter),
            ("Claim", RecordKind::Claim),
            ("Observation", RecordKind::LabResult),
        ] {
            let found = taken.iter().filter(|it| it.request.kind == kind).count();
            assert_eq!(found, counted.get(name).copied().unwrap_or(0), "{name}");
        }
        assert_eq!(split.entries.len(), counted.values().sum::<usize>());
        let keys: BTreeSet<_> = taken.iter().map(|it| it.idempotency_key.as_str()).collect();
        assert_eq!(keys.len(), taken.len());
    }
}

#[test]
fn a_real_entry_is_a_request_of_version_2_and_a_canonical_record() {
    for (split, _) in samples() {
        for record in records(&split) {
            let body = strict_json::parse(&record.body).unwrap();
            let request = RecordRequest::parse(RequestVersion::V2, body).unwrap();
            assert_eq!(request, record.request);
            let hint = request.schema_hint.as_ref();
            let canonical = canonical_payload(hint, &request.payload);
            assert!(canonical["patient_id"].is_string());
            assert!(canonical["start"].is_string());
            // Its columns keep the contract of the kind that a plain payload is held to.
            assert_eq!(check(request.kind, None, &canonical), []);
        }
    }
}

#[test]
fn a_repeated_bundle_has_the_same_keys_in_any_order() {
    let (a, b) = (
        encounter(Some("urn:uuid:a"), "finished"),
        encounter(Some("urn:uuid:b"), "finished"),
    );
    let first = keys(&bundle("batch", &[a.clone(), b.clone()]));
    let mut turned = keys(&bundle("batch", &[b, a]));
    turned.reverse();
    assert_eq!(first, turned);
}

#[test]
fn a_changed_entry_keeps_its_key_so_that_it_conflicts() {
    let first = bundle("batch", &[encounter(None, "planned")]);
    let changed = bundle("batch", &[encounter(None, "finished")]);
    assert_eq!(keys(&first), keys(&changed));
    let body = |bundle| records(&split_it(bundle))[0].body.clone();
    assert_ne!(body(&first), body(&changed));
}

#[test]
fn a_resource_is_stored_as_it_was_written() {
    let resource = r#"{"resourceType":"Observation", "status":"final","code":{ },
        "issued":"2024-05-06T00:00:00Z", "valueQuantity":{"value":1.50}}"#;
    let body = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{{"resource":{resource}}}]}}"#
    );
    let split = split(body.as_bytes(), &source(), &key("bundle-0123456789")).unwrap();
    let expected = format!(
        r#"{{"source":"acme","record_kind":"lab_result","schema_hint":"fhir/R4/Observation","occurred_at":"2024-05-06T00:00:00Z","payload":{resource}}}"#
    );
    assert_eq!(
        String::from_utf8(records(&split)[0].body.clone()).unwrap(),
        expected
    );
}

#[test]
fn no_debug_output_holds_a_value() {
    let mut taken = encounter(None, "finished");
    taken["resource"]["subject"] = json!({ "display": "CANARY" });
    let refused = encounter(None, "CANARY");
    let split = split_it(&bundle("batch", &[taken, refused]));
    assert!(!format!("{split:?}").contains("CANARY"));
}

#[test]
fn a_bundle_that_is_not_json_is_told_as_such() {
    let refused = split(b"{", &source(), &key("bundle-0123456789"));
    assert!(matches!(refused, Err(BundleRefusal::Json(_))));
}

#[test]
fn another_bundles_key_gives_other_keys() {
    let bundle = bundle("batch", &[encounter(None, "planned")]);
    let other = split(
        bundle.to_string().as_bytes(),
        &source(),
        &key("bundle-9876543210"),
    )
    .unwrap();
    assert_ne!(keys(&bundle), [records(&other)[0].idempotency_key.as_str()]);
}

#[test]
fn a_wrong_entry_refuses_a_transaction_and_leaves_a_batch_alone() {
    let entries = [
        encounter(Some("urn:uuid:a"), "finished"),
        encounter(Some("urn:uuid:b"), "over"),
        encounter(Some("urn:uuid:a"), "finished"),
        json!({ "resource": { "resourceType": "Encounter" }, "request": { "method": "DELETE" } }),
        json!({ "resource": { "resourceType": "Patient", "id": "p" } }),
        json!({ "fullUrl": "urn:uuid:c" }),
        json!(1),
    ];
    let refused = transaction_refused(&split_it(&bundle("transaction", &entries)));
    let places: Vec<_> = refused
        .iter()
        .map(|it| (it.pointer.as_str(), it.rule))
        .collect();
    let expected = [
        ("/entry/1/resource/status", Rule::Domain),
        ("/entry/2/fullUrl", Rule::Agreement),
        ("/entry/3/request/method", Rule::NotSupported),
        ("/entry/5/resource", Rule::Required),
        ("/entry/6", Rule::Type),
    ];
    assert_eq!(places, expected);
    let told = operation_outcome("Bundle", &refused);
    let place = &told["issue"][0]["expression"][0];
    assert_eq!(place, "Bundle.entry[1].resource.status");

    let batch = split_it(&bundle("batch", &entries));
    assert_eq!(transaction_refused(&batch), []);
    assert_eq!(records(&batch).len(), 1);
    assert!(matches!(batch.entries[4], BundleEntry::NotTaken));
}

#[test]
fn a_resource_that_does_not_say_when_it_was_is_refused() {
    let mut entry = encounter(None, "finished");
    entry["resource"].as_object_mut().unwrap().remove("period");
    let split = split_it(&bundle("batch", &[entry]));
    let BundleEntry::Refused(found) = &split.entries[0] else {
        panic!("an encounter without its time was taken");
    };
    assert_eq!(found[0].pointer.as_str(), "/entry/0/resource");
    assert_eq!(found[0].rule, Rule::Required);
}

#[test]
fn what_is_no_bundle_is_refused() {
    let places = |bundle: Value| -> Vec<String> {
        let refused = split(
            bundle.to_string().as_bytes(),
            &source(),
            &key("bundle-0123456789"),
        );
        let Err(BundleRefusal::Envelope(found)) = refused else {
            panic!("it was taken as a bundle");
        };
        found.into_iter().map(|it| it.pointer.to_string()).collect()
    };
    assert_eq!(places(json!([])), [""]);
    assert_eq!(places(json!({})), ["/resourceType", "/type"]);
    assert_eq!(places(bundle("searchset", &[])), ["/type"]);
    let mut wrong = bundle("batch", &[]);
    wrong["entry"] = json!({});
    assert_eq!(places(wrong), ["/entry"]);
    assert!(
        split_it(&json!({ "resourceType": "Bundle", "type": "batch" }))
            .entries
            .is_empty()
    );
}

#[test]
fn an_answer_has_an_entry_for_each_entry() {
    let refused = transaction_refused(&split_it(&bundle(
        "transaction",
        &[encounter(None, "over")],
    )));
    let record_id = "0190b3c2-7a51-7c3e-8f00-3a6f1d2e4b5c".parse().unwrap();
    let accepted = |replayed| EntryAnswer::Accepted {
        record_id,
        replayed,
    };
    let answers = [
        accepted(false),
        accepted(true),
        EntryAnswer::NotTaken,
        EntryAnswer::Refused(refused),
        EntryAnswer::Failed(ProblemType::IdempotencyKeyReused),
    ];
    let told = respond(BundleType::Batch, &answers);
    insta::assert_snapshot!(serde_json::to_string_pretty(&told).unwrap());
    assert_eq!(
        respond(BundleType::Transaction, &[])["type"],
        "transaction-response"
    );
}
