use contract::{
    CanonicalSchema, ColumnType, Contract, Delimited, Encoding, Feed, Header, Length, Mapping,
    MappingSource, MonthSource, Pii, Range, Severity, Transform,
};

use crate::{DRG, parse_contract, read_file};

const MINIMAL: &str = "\
contract: claim
version: 1
title: Claims
natural_key: [id]
columns:
  - { name: id, type: string }
";

pub(crate) const FULL: &str = r#"
contract: claim
version: 1
title: Claims
description: >
  Inpatient claims,
  one row per segment.
source: Codebook
file:
  format: delimited
  delimiter: "\t"
  quote: none
  encoding: latin-1
  header: false
  nulls: ["~"]
  trim: true
file_name:
  pattern: "claims_{year}_*.csv"
  parts: { year: "[0-9]{4}" }
natural_key: [claim_id, segment]
atomic_month: { column: thru_date }
thresholds: { reject_ratio: 0.1, min_rows: 5 }
columns:
  - name: claim_id
    header: CLM_ID
    type: string
    required: true
    nulls: ["NA", "~"]
    trim: false
    transform: [uppercase, lowercase, strip_leading_zeros, digits_only, collapse_spaces, remove_dots]
    length: 16
    pattern: "^[0-9]{10}$"
    severity: warn
    pii: direct
    description: Claim id
  - { name: segment, type: integer, range: { min: 1, max: 2 } }
  - { name: amount, type: "decimal(12,2)", range: { min: -5.25 }, pii: sensitive }
  - { name: thru_date, type: date, formats: ["%Y%m%d", "%d-%b-%Y"], range: { max: "2030-01-01" } }
  - { name: seen_at, type: timestamp }
  - { name: sent_at, type: timestamp_tz, pii: quasi }
  - { name: esrd, type: boolean, true_values: [Y], false_values: ["0"] }
  - { name: active, type: boolean }
  - { name: sex, type: string, length: { max: 1 }, domain: { "1": male, 2: female } }
  - { name: state, type: string, domain: [01, "2", no] }
  - { name: drg, type: string, domain: { file: codes/drg.txt }, severity: fail }
rules:
  - id: in_order
    sql: "thru_date >= seen_at"
    explanation: Correct the dates.
  - id: enough
    scope: file
    sql: "count(*) > 1"
    severity: warn
    explanation: Send the whole file.
  - { id: any, scope: file, sql: "true", explanation: Never broken. }
"#;

#[test]
fn a_contract_with_every_feature() {
    let contract = parse_contract(FULL).unwrap();
    assert_eq!(contract.layout.to_string(), "claim@v1");
    assert_eq!(
        contract.description,
        "Inpatient claims, one row per segment."
    );
    let format = &contract.format;
    let dialect = format.as_delimited().unwrap();
    assert_eq!(
        (dialect.delimiter.as_str(), dialect.quote, dialect.header),
        ("\t", None, Header::Absent)
    );
    assert_eq!(format.encoding, Encoding::Latin1);
    let parts = contract
        .file_name
        .as_ref()
        .unwrap()
        .matches("CLAIMS_2024_x.csv")
        .unwrap();
    assert_eq!(parts["year"], "2024");
    assert_eq!(contract.natural_key, ["claim_id", "segment"]);
    assert_eq!(
        contract.atomic_month,
        Some(MonthSource::Column("thru_date".to_owned()))
    );
    assert_eq!(
        (
            contract.thresholds.reject_ratio,
            contract.thresholds.min_rows
        ),
        (0.1, 5)
    );
    let rules: Vec<_> = contract
        .rules
        .iter()
        .map(|r| (r.id.as_str(), r.severity))
        .collect();
    assert_eq!(
        rules,
        [
            ("in_order", Severity::Reject),
            ("enough", Severity::Warn),
            ("any", Severity::Fail)
        ]
    );
}

#[test]
fn the_columns_of_that_contract() {
    let contract = parse_contract(FULL).unwrap();
    let column = |name: &str| contract.column(name).unwrap();
    let id = column("claim_id");
    assert_eq!(
        (id.header.as_str(), id.required, id.trim),
        ("CLM_ID", true, false)
    );
    assert_eq!(id.nulls, ["", "~", "NA"]);
    assert_eq!(id.transforms.len(), 6);
    assert_eq!(id.transforms[2], Transform::StripLeadingZeros);
    assert_eq!(id.length, Some(Length { min: 16, max: 16 }));
    assert_eq!((id.severity, id.pii), (Severity::Warn, Pii::Direct));
    let range = |min: Option<&str>, max: Option<&str>| {
        Some(Range {
            min: min.map(str::to_owned),
            max: max.map(str::to_owned),
        })
    };
    assert_eq!(column("segment").range, range(Some("1"), Some("2")));
    assert_eq!(column("amount").range, range(Some("-5.25"), None));
    assert_eq!(column("thru_date").range, range(None, Some("2030-01-01")));
    assert_eq!(
        column("amount").column_type,
        ColumnType::Decimal {
            precision: 12,
            scale: 2
        }
    );
    assert_eq!(
        column("thru_date").column_type,
        ColumnType::Date {
            formats: vec!["%Y%m%d".to_owned(), "%d-%b-%Y".to_owned()]
        }
    );
    assert_eq!(
        column("sent_at").column_type,
        ColumnType::Timestamp {
            formats: vec!["%+".to_owned()],
            zoned: true
        }
    );
    let ColumnType::Boolean { truthy, falsy } = &column("active").column_type else {
        panic!("a boolean");
    };
    assert_eq!((truthy.len(), falsy.len()), (5, 5));
    assert_eq!(column("sex").length, Some(Length { min: 0, max: 1 }));
    let domain = |name: &str| {
        let values = &column(name).domain.as_ref().unwrap().values;
        values
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(domain("sex"), "1=male 2=female");
    assert_eq!(domain("state"), "01=01 2=2 no=no");
    assert_eq!(domain("drg"), "001=001 002=heart transplant 003=003");
}

#[test]
fn what_a_contract_may_leave_out() {
    let contract = parse_contract(MINIMAL).unwrap();
    let format = &contract.format;
    assert_eq!(format.as_delimited(), Some(&Delimited::default()));
    assert_eq!(format.encoding, Encoding::Utf8);
    assert_eq!(
        (
            contract.thresholds.reject_ratio,
            contract.thresholds.min_rows
        ),
        (0.05, 1)
    );
    let id = contract.column("id").unwrap();
    assert_eq!(
        (id.header.as_str(), id.trim, id.required),
        ("id", true, false)
    );
    assert_eq!((id.severity, id.pii), (Severity::Reject, Pii::None));
    assert_eq!(id.nulls, [""]);
}

#[test]
fn the_hash_covers_what_decides_an_outcome_and_no_more() {
    let hash = |text: &str| parse_contract(text).unwrap().content_hash;
    let first = hash(FULL);
    assert_eq!(first.len(), 64);
    assert_eq!(
        first,
        hash(&format!("\u{feff}{}", FULL.replace('\n', "\r\n")))
    );
    assert_ne!(first, hash(&FULL.replace("Codebook", "Codebook 2")));

    let with_drg = |drg: String| {
        let read = move |_: &str| Ok(drg.clone());
        Contract::parse("contracts/claim/v1.yaml", FULL, &read)
            .unwrap()
            .content_hash
    };
    assert_eq!(first, with_drg(DRG.replace('\n', "\r\n")));
    assert_ne!(first, with_drg(format!("{DRG}004\n")));
}

#[test]
fn a_month_from_the_file_name() {
    let text = format!(
        "{MINIMAL}file_name: {{ pattern: \"c_{{period}}.csv\" }}\natomic_month: {{ file_name_part: period }}\n"
    );
    let contract = parse_contract(&text).unwrap();
    assert_eq!(
        contract.atomic_month,
        Some(MonthSource::FileNamePart("period".to_owned()))
    );
}

#[test]
fn a_contract_outside_a_project_has_no_path_to_agree_with() {
    assert!(Contract::parse("/tmp/draft.yaml", MINIMAL, &read_file).is_ok());
}

#[test]
fn the_outline_of_a_contract() {
    let outline = parse_contract(FULL).unwrap().outline();
    insta::assert_snapshot!("outline", outline.to_string());
    let json = serde_json::to_value(&outline).unwrap();
    assert_eq!(json["columns"][2]["type"], "decimal(12,2)");
    assert_eq!(json["rules"][1]["scope"], "file");
}

#[test]
fn the_outline_shows_what_is_asked_of_fields_and_rules() {
    let text = r##"
contract: claim
version: 1
title: Claims
file: { format: fixed_width, skip_lines: 1, comment: "#" }
natural_key: [id]
unique: warn
columns:
  - { name: id, type: string, place: { start: 1, length: 10 }, zero_pad: 10, check: npi }
  - name: paid
    type: decimal(9,2)
    place: { start: 11, length: 9 }
    implied_decimals: true
    sentinels: ["9999999.99"]
    required_when: "id IS NOT NULL"
    completeness: { min: 0.98, of_rows: "id <> '0'", severity: fail }
  - { name: sent, type: timestamp_tz, formats: ["%Y%m%d%H%M"], zone: America/New_York, place: { start: 20, length: 12 } }
rules:
  - id: paid_enough
    sql: "paid > 1"
    tier: 1
    category: plausibility
    denominator: "paid IS NOT NULL"
    threshold: 0.02
    explanation: Few claims are paid with a dollar.
    waivers: [{ submitter: evergreen, until: "2027-06-30", reason: A new system }]
"##;
    let outline = parse_contract(text).unwrap().outline().to_string();
    for expected in [
        "format         fixed width, a record a line; encoding utf-8; 1 first lines skipped; comments begin with \"#\"\n",
        "repeated key   warn\n",
        "characters 1 to 10, zeros up to 10, npi\n",
        "no decimal point, none if 9999999.99, required when id IS NOT NULL, populated in 0.98 of id <> '0', or fail\n",
        "characters 20 to 31, in America/New_York\n",
        "paid_enough (row, fail, tier 1, plausibility)\n  paid > 1\n  of rows where paid IS NOT NULL\n  \
         broken by 0.02 of them at most\n  Few claims are paid with a dollar.\n  \
         waived for evergreen until 2027-06-30: A new system\n",
    ] {
        assert!(
            outline.contains(expected),
            "{expected}\nis not in\n{outline}"
        );
    }
}

#[test]
fn feeds() {
    let text = "feed: acme\ntitle: Acme\nsubmitter: acme\nstate: wa\ncontracts: [claim@v1]\n";
    let feed = Feed::parse("feeds/acme.yaml", text).unwrap();
    assert_eq!((feed.name.as_str(), feed.state.as_str()), ("acme", "wa"));
    assert_eq!(feed.contracts[0].to_string(), "claim@v1");
    assert_eq!(
        (feed.rooms.len(), feed.reject_ratio, feed.min_rows),
        (1, None, None)
    );

    let text = format!("{text}door: inbox\nrooms: [gold]\nthresholds: {{ min_rows: 9 }}\n");
    let feed = Feed::parse("feeds/acme.yaml", &text).unwrap();
    assert_eq!((feed.reject_ratio, feed.min_rows), (None, Some(9)));
}

#[test]
fn canonical_schemas() {
    let text = "{\n\t\"file_type\": \"claim\", \"version\": 2, \"title\": \"Claims\",\n\t\"columns\": \
                [{\"name\": \"claim_id\", \"type\": \"string\", \"required\": true, \
                \"description\": \"Id \\u00e9 \\/\"}, {\"name\": \"paid\", \"type\": \"decimal(9,2)\"}]}";
    let schema = CanonicalSchema::parse("canonical/schemas/claim/v2.json", text).unwrap();
    assert_eq!((schema.file_type.as_str(), schema.version), ("claim", 2));
    let id = schema.column("claim_id").unwrap();
    assert_eq!((id.required, id.description.as_str()), (true, "Id é /"));
    assert!(!schema.column("paid").unwrap().required);
}

#[test]
fn mappings() {
    let text = r#"{ "layout": "claim@v3", "version": 2, "canonical_schema_version": 1,
        "columns": {
            "claim_id": { "sql": " clm_id " },
            "data_source": { "constant": "" },
            "sex": { "map": { "column": "sex_cd", "values": {"1": "M", "0": ""}, "otherwise": "U" } } } }"#;
    let mapping = Mapping::parse("canonical/mappings/claim/v3/v2.json", text).unwrap();
    assert_eq!(mapping.layout.to_string(), "claim@v3");
    assert_eq!((mapping.version, mapping.canonical_schema_version), (2, 1));
    assert_eq!(
        mapping.columns["claim_id"],
        MappingSource::Sql("clm_id".to_owned())
    );
    assert_eq!(
        mapping.columns["data_source"],
        MappingSource::Constant(String::new())
    );
    let MappingSource::DomainMap {
        column,
        values,
        otherwise,
    } = &mapping.columns["sex"]
    else {
        panic!("a map");
    };
    assert_eq!(
        (column.as_str(), otherwise.as_deref()),
        ("sex_cd", Some("U"))
    );
    assert_eq!(values["1"], "M");
}
