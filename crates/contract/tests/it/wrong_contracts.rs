use crate::{parse_contract, shown};

/// A contract with these columns and what follows them.
fn with_columns(columns: &str) -> String {
    format!("contract: claim\nversion: 1\ntitle: Claims\nnatural_key: [id]\ncolumns:\n{columns}")
}

macro_rules! wrong {
    ($name:ident, $text:expr) => {
        #[test]
        fn $name() {
            let report = shown(parse_contract(&$text));
            insta::assert_snapshot!(stringify!($name), report);
        }
    };
}

wrong!(no_document, "");
wrong!(not_yaml, "contract: \"claim\nversion: 1\ntitle: x\n");
wrong!(list_for_value, "contract: claim\nversion: [1]\ntitle: x\n");
wrong!(
    value_for_list,
    with_columns("  - { name: id, type: string, nulls: NA }\n")
);
wrong!(value_for_column, with_columns("  - id\n"));
wrong!(
    yes_for_true,
    with_columns("  - { name: id, type: string, required: yes }\n")
);
wrong!(
    negative_length,
    with_columns("  - { name: id, type: string, length: -1 }\n")
);
wrong!(
    unknown_length_key,
    with_columns("  - { name: id, type: string, length: { minimum: 1 } }\n")
);
wrong!(
    unknown_key,
    with_columns(
        "  - { name: id, type: string }\n  - name: paid\n    type: integer\n    requird: true\n"
    )
);
wrong!(
    unknown_value,
    with_columns("  - { name: id, type: string, pii: directly }\n")
);
wrong!(
    missing_key,
    "contract: claim\nversion: 1\nnatural_key: []\ncolumns: []\n"
);
wrong!(
    wrong_kind,
    with_columns("  - { name: id, type: string, length: long }\n")
);
wrong!(
    key_twice,
    with_columns("  - name: id\n    type: string\n    name: id2\n")
);
wrong!(
    null_text,
    with_columns("  - { name: id, type: string, nulls: [~] }\n")
);
wrong!(
    path_disagrees,
    "contract: claims\nversion: 2\ntitle: x\nnatural_key: []\ncolumns:\n  - { name: id, type: string }\n"
);
wrong!(
    columns_among_each_other,
    "contract: claim
version: 1
title: x
natural_key: [id, id, ids]
atomic_month: { column: amount }
columns:
  - { name: id, type: string, header: CLM_ID }
  - { name: id, type: string }
  - { name: other, header: clm_id, type: string }
  - { name: amount, type: integer }
"
);
wrong!(
    column_names_and_types,
    with_columns(
        "  - { name: id, type: text }
  - { name: ClaimId, type: strng }
  - { name: source_row, type: decimal }
  - { name: a, type: \"decimal(39,2)\" }
  - { name: b, type: \"decimal(2,3)\" }
"
    )
);
wrong!(
    column_checks,
    with_columns(
        "  - { name: id, type: string, pattern: \"[0-9\", length: { min: 5, max: 2 }, range: { min: 1 } }
  - { name: a, type: integer, domain: [1], pattern: x, formats: [\"%Y\"] }
  - { name: b, type: integer, range: { min: 5, max: 2 } }
  - { name: c, type: date, formats: [\"%Y-%m\", \"%Y-%Q\"], range: { min: 20240101 } }
  - { name: d, type: timestamp, formats: [\"%Y-%m-%dT%H:%M:%S%z\"], range: {} }
  - { name: e, type: boolean, true_values: [X], false_values: [x] }
  - { name: f, type: string, domain: [] }
  - { name: g, type: string, domain: [\"\", a, a] }
"
    )
);
wrong!(
    domain_files,
    with_columns(
        "  - { name: id, type: string, domain: { file: codes/absent.txt } }
  - { name: a, type: string, domain: { file: /etc/codes.txt } }
  - { name: b, type: string, domain: { file: codes/wrong.txt } }
  - { name: c, type: string, domain: { file: codes/empty.txt } }
"
    )
);
wrong!(
    file_and_month,
    with_columns("  - { name: id, type: string }\n").replace(
        "columns:",
        "file: { delimiter: \"\", quote: \",\" }
file_name:
  pattern: \"claims_{year.csv\"
atomic_month: {}
thresholds: { reject_ratio: 5 }
columns:"
    )
);
wrong!(
    file_name_parts,
    with_columns("  - { name: id, type: string }\n").replace(
        "columns:",
        "file_name:
  pattern: \"claims_{year}.csv\"
  parts:
    year: \"[0-9\"
atomic_month: { file_name_part: yaer }
columns:"
    )
);
wrong!(
    month_part_is_unknown,
    with_columns("  - { name: id, type: string }\n").replace(
        "columns:",
        "file_name: { pattern: \"claims_{year}.csv\" }\natomic_month: { file_name_part: yaer }\ncolumns:"
    )
);
wrong!(
    rules,
    with_columns(
        "  - { name: id, type: string }
rules:
  - { id: in_order, sql: \"a > b\", explanation: x }
  - { id: in_order, sql: \" \", explanation: \"\" }
  - { id: range, scope: file, severity: reject, sql: \"a > b\", explanation: x }
"
    )
);

/// What `to_string` says goes to logs and records: it must stand alone.
#[test]
fn as_plain_text() {
    let error = parse_contract(&with_columns("  - { name: id, type: text }\n")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "contracts/claim/v1.yaml, line 6: `text` is not a column type"
    );
    assert_eq!(error.mistakes()[0].line(), 6);
}

#[test]
fn places_are_right_after_windows_line_ends_and_beyond_ascii() {
    let text = with_columns("  - { name: id, description: \"é€\", type: text }\n");
    let error = parse_contract(&text.replace('\n', "\r\n")).unwrap_err();
    assert_eq!(error.mistakes()[0].line(), 6);
    assert!(shown::<()>(Err(error)).contains("type: text"));
}

/// Whatever is missing from a document, its reader says so and can show where.
#[test]
fn a_contract_cut_anywhere_is_read_without_panic() {
    let whole = crate::good_documents::FULL;
    let beginnings = whole
        .char_indices()
        .step_by(5)
        .map(|(end, _)| whole[..end].to_owned());
    let lines: Vec<&str> = whole.lines().collect();
    let gaps = (0..lines.len()).map(|gap| [&lines[..gap], &lines[gap + 1..]].concat().join("\n"));
    let (mut right, mut wrong) = (0, 0);
    for text in beginnings.chain(gaps) {
        match parse_contract(&text) {
            Ok(_) => right += 1,
            Err(error) => {
                wrong += 1;
                let last = text.lines().count().max(1) + 1;
                assert!((1..=last).contains(&error.mistakes()[0].line()));
                assert!(!shown::<()>(Err(error)).contains("Failed to read"));
            }
        }
    }
    assert!(right > 20 && wrong > 200, "{right} right, {wrong} wrong");
}
wrong!(
    fixed_width_without_places,
    format!(
        "contract: claim\nversion: 1\ntitle: Claims\nnatural_key: [id]\nfile:\n  format: fixed_width\n  \
         delimiter: \",\"\n  record_length: 12\n  control:\n    severity: reject\n    trailer: {{ marker: TR, \
         row_count: 4, totals: {{ payed: 5 }} }}\ncolumns:\n  - {{ name: id, type: string, place: {{ start: \
         1, length: 10 }} }}\n  - {{ name: paid, type: \"decimal(9,2)\" }}\n  - {{ name: paid_on, type: date, \
         place: {{ start: 0, length: 8 }} }}\n  - {{ name: seen_on, type: date, place: {{ start: 9, length: \
         8 }} }}\n"
    )
);
wrong!(
    places_in_a_delimited_file,
    with_columns("  - { name: id, type: string, place: { start: 1, length: 10 } }\n")
);
wrong!(
    checks_on_the_wrong_type,
    with_columns(
        "  - { name: id, type: integer, check: npi, zero_pad: 3, zone: Mars/Olympus, implied_decimals: true, \
         sentinels: [none], completeness: { min: 1.5, severity: reject } }\n"
    )
);
wrong!(
    unknown_check,
    with_columns("  - { name: id, type: string, check: nip }\n")
);
wrong!(
    wrong_thresholds_and_waivers,
    (with_columns(
        "  - { name: id, type: string }\nrules:\n  - { id: a, sql: \"id > 1\", threshold: 2, severity: \
             reject, explanation: x, waivers: [{ submitter: \"Payer One\", until: soon, reason: x }] }\n  - { \
             id: b, scope: file, sql: \"count(*) > 1\", threshold: 0.1, denominator: \"id > 1\", explanation: \
             x }\n"
    ))
);
wrong!(
    unique_without_a_key,
    "contract: claim\nversion: 1\ntitle: Claims\nnatural_key: []\nunique: warn\ncolumns:\n  - { name: id, type: \
     string }\n"
);
