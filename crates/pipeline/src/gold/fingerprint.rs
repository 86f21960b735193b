use contract::{CanonicalSchema, LayoutId, SubmissionId, SubmitterId};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// One winner as a canonical build takes it: everything about it that decides a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Input {
    pub(crate) submitter_id: SubmitterId,
    pub(crate) submission_id: SubmissionId,
    pub(crate) content_hash: String,
    pub(crate) layout_id: LayoutId,
    pub(crate) contract_hash: String,
    pub(crate) mapping_version: u32,
    pub(crate) mapping_hash: String,
    pub(crate) rows: i64,
}

/// The fingerprint of a build: equal inputs, whatever their order, equal fingerprints.
pub(crate) fn fingerprint(schema: &CanonicalSchema, inputs: &[Input]) -> String {
    let mut lines: Vec<String> = inputs
        .iter()
        .map(|input| serde_json::to_string(input).expect("an input is plain JSON"))
        .collect();
    lines.sort();
    let mut digest = Sha256::new();
    digest.update(format!(
        "{} v{} {}\n",
        schema.file_type, schema.version, schema.content_hash
    ));
    for line in lines {
        digest.update(line);
        digest.update("\n");
    }
    contract::hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(hash: &str) -> CanonicalSchema {
        CanonicalSchema {
            file_type: "claim".parse().unwrap(),
            version: 1,
            title: String::new(),
            columns: Vec::new(),
            content_hash: hash.into(),
        }
    }

    fn input(submitter: &str) -> Input {
        Input {
            submitter_id: submitter.parse().unwrap(),
            submission_id: "01890000-0000-7000-8000-000000000000".parse().unwrap(),
            content_hash: "c".into(),
            layout_id: "claim@v1".parse().unwrap(),
            contract_hash: "k".into(),
            mapping_version: 1,
            mapping_hash: "m".into(),
            rows: 1,
        }
    }

    #[test]
    fn every_input_counts_and_order_does_not() {
        let base = fingerprint(&schema("s"), &[input("a"), input("b")]);
        assert_eq!(base, fingerprint(&schema("s"), &[input("b"), input("a")]));
        let changed = [
            fingerprint(&schema("other"), &[input("a"), input("b")]),
            fingerprint(&schema("s"), &[input("a")]),
            fingerprint(
                &schema("s"),
                &[
                    input("a"),
                    Input {
                        content_hash: "x".into(),
                        ..input("b")
                    },
                ],
            ),
            fingerprint(
                &schema("s"),
                &[
                    input("a"),
                    Input {
                        mapping_hash: "x".into(),
                        ..input("b")
                    },
                ],
            ),
            fingerprint(
                &schema("s"),
                &[
                    input("a"),
                    Input {
                        contract_hash: "x".into(),
                        ..input("b")
                    },
                ],
            ),
        ];
        assert!(changed.iter().all(|other| *other != base));
    }
}
