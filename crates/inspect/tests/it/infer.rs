//! Drafted contracts: what is drafted from a file is a document that holds, and reads that file
//! without a reject.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use contract::{Contract, Shape};
use inspect::{Draft, Plan, Sample, Splitter, Unreadable, infer};

use crate::unpack::{packed, zip};

#[derive(Debug)]
enum Failed {
    Unreadable(Unreadable),
    Io,
}

impl From<Unreadable> for Failed {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(_: std::io::Error) -> Self {
        Self::Io
    }
}

const SAMPLE_BYTES: usize = 16 << 20;

fn samples(name: &str, bytes: &[u8]) -> Vec<Sample> {
    let read: Result<_, Failed> = Sample::read(name, &mut Cursor::new(bytes), SAMPLE_BYTES);
    read.expect("a sample")
}

/// The document of a draft, parsed as `contract check` does.
fn document(draft: &Draft) -> Contract {
    let text = draft.contract.to_yaml(&draft.notes);
    let none = |_: &str| Err(std::io::Error::other("a draft has no files of codes"));
    match Contract::parse("draft.yaml", &text, &none) {
        Ok(contract) => contract,
        Err(error) => panic!("{error:?}\n{text}"),
    }
}

/// The drafted contract, after it read every sample without a reject.
fn check(samples: &[Sample]) -> Contract {
    check_but(samples, 0)
}

/// The drafted contract, after it read the samples with so many rejects, all of records that no
/// contract could read.
fn check_but(samples: &[Sample], broken_records: usize) -> Contract {
    let draft = infer(samples).expect("a draft");
    let mut contract = document(&draft);
    if contract.natural_key.is_empty() {
        contract.unique = None;
    }
    let plan = Plan::compile(&contract).expect("it compiles");
    let mut rejected = 0;
    for sample in samples {
        let mut splitter = Splitter::new(&plan.for_file(&sample.file_name));
        let mut blocks = splitter.push(&sample.bytes).expect("readable");
        let (last, end) = splitter.finish().expect("readable");
        blocks.extend(last);
        let mut rows = 0;
        for block in &blocks {
            let inspected = block.inspect();
            rows += inspected.rows_in;
            for problem in inspected.rejects.iter().flat_map(|one| &one.problems) {
                assert_eq!(problem.column, None, "{}: {problem:?}", sample.file_name);
                rejected += 1;
            }
        }
        assert!(rows > 0, "{}", sample.file_name);
        assert!(end.findings.is_empty(), "{:?}", end.findings);
        assert_eq!(end.unknown_columns, [""; 0], "{}", sample.file_name);
    }
    assert_eq!(rejected, broken_records);
    contract
}

/// Name, type and place or path of each column.
fn columns(contract: &Contract) -> Vec<String> {
    let shown = |column: &contract::Column| {
        let place = column.place.map_or_else(
            || format!(" {}", column.header),
            |place| format!(" {}+{}", place.start, place.length),
        );
        format!("{} {}{place}", column.name, column.column_type)
    };
    contract.columns.iter().map(shown).collect()
}

const CSV: &str = "id,paid,day\nA1,1.50,2024-01-31\nA2,20.00,2024-02-01\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("written to memory");
    packer.finish().expect("written to memory")
}

#[test]
fn packed_files_are_drafted_as_what_they_hold() {
    let plain = columns(&check(&samples("claims.csv", CSV.as_bytes())));
    assert_eq!(
        plain,
        ["id string id", "paid decimal(12,2) paid", "day date day"]
    );
    let zstd = zstd::encode_all(CSV.as_bytes(), 1).expect("written to memory");
    for (name, bytes) in [
        ("claims.csv.gz", gzip(CSV.as_bytes())),
        ("claims.csv.zst", zstd),
    ] {
        let samples = samples(name, &bytes);
        assert_eq!(samples[0].file_name, "claims.csv");
        assert!(!samples[0].is_cut);
        assert_eq!(columns(&check(&samples)), plain, "{name}");
    }
}

#[test]
fn a_packed_file_that_is_damaged_is_not_drafted_from() {
    let mut packed = gzip(CSV.as_bytes());
    packed.truncate(packed.len() - 4);
    let read: Result<Vec<Sample>, Failed> =
        Sample::read("claims.csv.gz", &mut Cursor::new(packed), SAMPLE_BYTES);
    let Err(Failed::Unreadable(error)) = read else {
        panic!("{read:?}");
    };
    assert!(error.to_string().contains("cut off"), "{error}");
}

#[test]
fn a_sample_ends_where_it_is_told_to() {
    let packed = gzip("id,paid\n".repeat(1000).as_bytes());
    let read: Result<_, Failed> = Sample::read("a.csv.gz", &mut Cursor::new(packed), 100);
    let samples = read.expect("a sample");
    assert!(samples[0].is_cut);
    assert_eq!(samples[0].bytes.len(), 100);
}

#[test]
fn members_of_json_are_columns_by_their_paths() {
    let lines = r#"{"id":"a1","patient":{"birth":"1980-02-01","zip":null},"codes":["x"],"n":5}
{"id":"a2","patient":{"birth":"1981-03-02","zip":"01234"},"paid":1.5,"n":7,"flag":true}
"#;
    let expected = [
        "id string id",
        "patient_birth date patient.birth",
        "patient_zip string patient.zip",
        "codes string codes",
        "n integer n",
        "paid decimal(10,1) paid",
        "flag string flag",
    ];
    let of_lines = check(&samples("claims.ndjson", lines.as_bytes()));
    assert_eq!(of_lines.format.shape, Shape::JsonLines);
    let found = columns(&of_lines);
    assert_eq!(found[..5], expected[..5]);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    let array = format!("[\n{}\n]\n", lines.trim_end().replace('\n', ",\n"));
    let of_array = check(&samples("claims.json", array.as_bytes()));
    assert_eq!(of_array.format.shape, Shape::JsonArray);
    assert_eq!(columns(&of_array), found);
}

#[test]
fn a_member_that_is_an_object_at_times_is_kept_whole() {
    let lines = "{\"a\":{\"b\":1},\"c\":{\"d\":1}}\n{\"a\":\"none\",\"c\":null}\n";
    let contract = check(&samples("x.ndjson", lines.as_bytes()));
    assert_eq!(columns(&contract)[0], "a string a");
    assert!(
        columns(&contract)[1].ends_with("c.d"),
        "{:?}",
        columns(&contract)
    );
}

#[test]
fn fixed_places_are_guessed_and_said_to_be() {
    let text = "M01 SMALL  20240131  10.50\nM02 LARGER 20240201 200.00\n";
    let samples = samples("members.txt", text.as_bytes());
    let contract = check(&samples);
    assert_eq!(
        columns(&contract),
        [
            "column_1 string 1+4",
            "column_2 string 5+7",
            "column_3 date 12+9",
            "column_4 decimal(12,2) 21+6"
        ]
    );
    let yaml = infer(&samples).map(|draft| draft.contract.to_yaml(&draft.notes));
    assert!(
        yaml.expect("a draft")
            .contains("Where columns begin is a guess")
    );
}

#[test]
fn a_first_line_of_names_is_skipped() {
    let text = "id   paid \n0001 10.00\n0002 2.50 \n0003 7.00 \n";
    let contract = check(&samples("members.txt", text.as_bytes()));
    assert_eq!(contract.format.skip_lines, 1);
    assert_eq!(
        columns(&contract),
        ["id string 1+5", "paid decimal(12,2) 6+5"]
    );
}

#[test]
fn files_of_one_layout_are_drafted_together() {
    let mut both = samples("a_1.csv", b"id,paid\n1,2\n");
    both.extend(samples("a_2.csv", b"id,kind\n3,x\n"));
    let draft = infer(&both).expect("a draft");
    assert_eq!(columns(&document(&draft)).len(), 3);
}

#[test]
fn files_without_a_column_in_common_are_two_layouts() {
    let mut both = samples("a.csv", b"id,paid\n1,2\n");
    both.extend(samples("b.csv", b"name,kind\n3,x\n"));
    let error = infer(&both).expect_err("no draft");
    assert!(
        matches!(error, Unreadable::MissingColumns { .. }),
        "{error}"
    );
}

fn shared(part: &str, name: &str) -> Vec<Sample> {
    let Some(folder) = testkit::shared_data::folder(part) else {
        return Vec::new();
    };
    let bytes = fs::read(folder.join(name)).expect("a shared file");
    let file_name = Path::new(name).file_name().expect("a name");
    samples(&file_name.to_string_lossy(), &bytes)
}

fn check_shared(part: &str, names: &[&str]) -> Vec<Contract> {
    let files = names.iter().map(|name| shared(part, name));
    files
        .filter(|samples| !samples.is_empty())
        .map(|one| check(&one))
        .collect()
}

#[test]
fn drafts_read_the_shared_files_that_they_are_made_from() {
    let synthea = check_shared("synthea/s02_dbt_synthea", SYNTHEA);
    assert!(
        synthea
            .iter()
            .all(|one| one.format.as_delimited().is_some())
    );
    let records = "bfd-pipeline-rda-grpc/src/test/resources";
    let names = ["MCS", "SAMPLE-FISS", "SAMPLE-MCS"].map(|one| format!("{records}/{one}.ndjson"));
    let json = check_shared("cms_bfd/rda_ndjson", &names.each_ref().map(String::as_str));
    assert!(json.iter().all(|one| one.format.shape == Shape::JsonLines));
    let fiss = shared("cms_bfd/rda_ndjson", &format!("{records}/FISS.ndjson"));
    if !fiss.is_empty() {
        // One record has a member twice.
        check_but(&fiss, 1);
    }
    let cclf = check_shared(
        "cms_cclf/files/synthetic",
        &[
            "improved-new/small/ZC8",
            "improved-new/dev/ZC8",
            "test-new-beneficiaries/small/ZC8",
        ],
    );
    assert!(
        cclf.iter()
            .all(|one| matches!(one.format.shape, Shape::FixedWidth(_)))
    );
}

const SYNTHEA: &[&str] = &[
    "medications.csv",
    "devices.csv",
    "supplies.csv",
    "careplans.csv",
    "organizations.csv",
    "providers.csv",
    "conditions.csv",
    "claims.csv",
    "allergies.csv",
    "procedures.csv",
    "patients.csv",
    "immunizations.csv",
    "payers.csv",
    "encounters.csv",
    "imaging_studies.csv",
    "claims_transactions.csv",
    "observations.csv",
    "payer_transitions.csv",
];

#[test]
fn an_archive_is_drafted_from_its_members() {
    let members = [
        packed("2024/claims_1.csv", CSV.as_bytes()),
        packed("2024/claims_2.csv", CSV.replace("A1", "A7").as_bytes()),
    ];
    let found = samples("claims.zip", &zip(&members));
    let names: Vec<&str> = found.iter().map(|one| one.file_name.as_str()).collect();
    assert_eq!(names, ["claims_1.csv", "claims_2.csv"]);
    assert_eq!(columns(&check(&found)).len(), 3);
}
