//! Synthetic twins: what a generator says of its file, held against what an inspection finds.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use contract::{
    Characters, Column, ColumnType, Contract, Control, ControlRecord, Delimited, FieldPlace,
    FileFormat, FixedWidth, Header, Severity, Shape,
};
use inspect::{
    Corridor, Defects, ExpectedReject, KEY_MEMORY_BYTES, KeyLedger, Plan, Spill, Twin, TwinError,
};

use crate::reading::{With, column, contract, date, dialect, text};

/// A reject as both sides tell it: row, column, rule.
type Told = (u64, String, String);

/// A twin's bytes and the rejects that it tells.
pub(crate) fn generate(
    contract: &Contract,
    rows: u64,
    defects: &str,
    seed: u64,
) -> Result<(Vec<u8>, Vec<ExpectedReject>), TwinError> {
    let defects: Defects = defects.parse()?;
    let twin = Twin::new(contract, rows, &defects, seed)?;
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    twin.write(&mut bytes, |reject| {
        expected.push(reject.clone());
        Ok(())
    })?;
    let total: u64 = twin.rejects().values().sum();
    assert_eq!(expected.len() as u64, total, "as many as were asked for");
    Ok((bytes, expected))
}

/// Inspects the file as a run does and holds everything against what was told.
pub(crate) fn inspect_as_told(
    contract: &Contract,
    bytes: &[u8],
    rows: u64,
    told: &[ExpectedReject],
) -> Result<(), String> {
    let plan = Plan::compile(contract).map_err(|error| error.to_string())?;
    let in_memory: Spill = Box::new(|| Ok(Box::new(Cursor::new(Vec::new()))));
    let mut ledger = KeyLedger::new(&plan, KEY_MEMORY_BYTES, in_memory);
    let mut totals = plan.control_totals();
    let (mut found, mut warnings, mut accepted) = (Vec::new(), Vec::new(), 0);
    // What was made as a good row.
    let mut surplus = Vec::new();
    let read = Corridor::new(&plan.for_file("twin")).inspect(bytes, |mut block| {
        if let Some(ledger) = &mut ledger {
            ledger.take(&mut block)?;
        }
        totals.take(&block.accepted);
        accepted += block.accepted.num_rows() as u64;
        for reject in &block.rejects {
            if told
                .binary_search_by_key(&reject.row, |one| one.row)
                .is_err()
            {
                let raw = String::from_utf8_lossy(&reject.raw).into_owned();
                surplus.push((reject.row, raw));
            }
            for problem in &reject.problems {
                let column = problem.column.as_deref().unwrap_or_default();
                found.push((reject.row, column.to_owned(), problem.rule.to_string()));
            }
        }
        let told = block.warnings.iter();
        warnings.extend(told.map(|warning| format!("{warning:?}")));
        Ok(())
    });
    let mut end = read.map_err(|error| error.to_string())?.end;
    totals.judge(&mut end);
    let expected: Vec<Told> = (told.iter())
        .map(|one| {
            let column = one.column.as_deref().unwrap_or_default();
            (one.row, column.to_owned(), one.rule.to_owned())
        })
        .collect();
    let same = |what: &str, found: String, expected: String| match found == expected {
        true => Ok(()),
        false => Err(format!("{what}:\n found    {found}\n expected {expected}")),
    };
    same("good rows", format!("{surplus:?}"), "[]".to_owned())?;
    let without = |these: &[Told], those: &[Told]| {
        let missing = these.iter().filter(|one| !those.contains(one));
        format!("{:?}", missing.collect::<Vec<_>>())
    };
    let (more, less) = (without(&found, &expected), without(&expected, &found));
    same("rejects that differ", more, less)?;
    same("rejects", format!("{found:?}"), format!("{expected:?}"))?;
    same("warnings", format!("{warnings:?}"), "[]".to_owned())?;
    let findings = format!("{:?}", end.findings);
    same("findings", findings, "[]".to_owned())?;
    same("rows", end.rows.to_string(), rows.to_string())?;
    let kept = rows - told.len() as u64;
    same("accepted", accepted.to_string(), kept.to_string())
}

pub(crate) fn check(contract: &Contract, rows: u64, defects: &str) -> String {
    let (bytes, told) = match generate(contract, rows, defects, 7) {
        Ok(made) => made,
        Err(error) => panic!("{}: {error}", contract.layout),
    };
    if let Err(difference) = inspect_as_told(contract, &bytes, rows, &told) {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
        panic!("{}: {difference}\n{start}", contract.layout);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn library() -> Vec<(PathBuf, Contract)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../library/contracts");
    let mut found = Vec::new();
    for folder in fs::read_dir(&root).expect("the library's contracts") {
        let folder = folder.expect("a folder").path();
        for file in fs::read_dir(&folder).expect("a file type's folder") {
            let path = file.expect("a file").path();
            if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                let text = fs::read_to_string(&path).expect("readable");
                let read = |name: &str| fs::read_to_string(folder.join(name));
                let parsed = Contract::parse(&path.to_string_lossy(), &text, &read);
                found.push((path, parsed.expect("a contract of the library")));
            }
        }
    }
    found.sort_by_key(|(path, _)| path.clone());
    found
}

#[test]
fn every_contract_of_the_library_has_its_twin() {
    let contracts = library();
    assert!(contracts.len() >= 15, "the library is there");
    for (_, contract) in &contracts {
        check(contract, 400, "all=10%");
        check(contract, 30, "");
    }
}

/// A column for each check that a contract can ask for.
fn of_every_kind() -> Contract {
    let amount = ColumnType::Decimal {
        precision: 9,
        scale: 2,
    };
    let formats = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
    let moment = ColumnType::Timestamp {
        formats: formats(&["%Y-%m-%d %H:%M:%S"]),
        zoned: true,
    };
    let flag = ColumnType::Boolean {
        truthy: formats(&["Y"]),
        falsy: formats(&["N"]),
    };
    let mut contract = contract(vec![
        text("claim_id").pattern("C[0-9]{6}").required(),
        column("line", ColumnType::Integer).range(Some("1"), Some("3")),
        date("day", &["%Y%m%d", "%d-%b-%Y"]).range(Some("2020-01-01"), Some("2020-12-31")),
        Column {
            sentinels: formats(&["9999999.99"]),
            ..column("paid", amount).range(None, Some("5000.00"))
        },
        Column {
            zone: Some("America/New_York".to_owned()),
            ..column("seen_at", moment)
        },
        column("active", flag),
        text("kind").domain(&[("I", "inpatient"), ("O", "outpatient")]),
        text("note").length(3, 60).nulls(&["~"]),
        Column {
            check: Some(contract::ValueCheck::Npi),
            ..text("npi")
        },
    ]);
    contract.natural_key = formats(&["claim_id", "line"]);
    contract.unique = Some(Severity::Reject);
    contract
}

#[test]
fn each_kind_of_defect_is_found_where_it_was_put() {
    let every = "required:claim_id=3,type:line=2,type:day=2,type:paid=2,type:seen_at=1,\
                 type:active=2,length:note=4,range:line=2,range:paid=2,range:day=2,\
                 pattern:claim_id=3,domain:kind=3,check:npi=3,encoding:note=1,nul_byte=5,quote=4,\
                 too_few_fields=2,too_many_fields=2,unique=6";
    check(&of_every_kind(), 300, every);
}

#[test]
fn as_many_defects_as_rows() {
    check(&of_every_kind(), 20, "type=10,required=10");
    check(&of_every_kind(), 20, "unique=19");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let made = |seed| generate(&of_every_kind(), 50, "all=20%", seed).expect("a twin");
    assert_eq!(made(1), made(1));
    assert_ne!(made(1).0, made(2).0);
}

#[test]
fn percentages_are_of_the_rows() {
    let (_, told) = generate(&of_every_kind(), 1000, "type=1.5%,domain=0.01%", 1).expect("a twin");
    let mut counts = BTreeMap::new();
    for reject in told {
        *counts.entry(reject.rule).or_insert(0) += 1;
    }
    assert_eq!(counts, [("domain", 1), ("type", 15)].into());
}

#[test]
fn wrong_requests_say_what_is_possible() {
    let check = |defects: &str, expected: &str| {
        let error = generate(&of_every_kind(), 10, defects, 1).expect_err("refused");
        let error = error.to_string();
        assert!(error.contains(expected), "{defects}: {error}");
    };
    check("type", "write RULE=COUNT");
    check("type=many", "write RULE=COUNT");
    check("type=101%", "write RULE=COUNT");
    check("tpye=1", "`all` or required, type, length");
    check("json=1", "too_many_fields, unique");
    check("domain:claim_id=1", "are kind");
    check("unique:kind=1", "of a record, not of a column");
    check("type=11", "11 defects do not fit into 10 rows");
    check("unique=10", "a row that it repeats");
}

#[test]
fn a_key_without_room_is_refused() {
    let mut contract = contract(vec![
        text("id").pattern("[0-9]"),
        text("kind").pattern("[AB]"),
    ]);
    contract.natural_key = vec!["id".to_owned(), "kind".to_owned()];
    contract.unique = Some(Severity::Reject);
    check(&contract, 20, "");
    let error = generate(&contract, 21, "", 1).expect_err("refused");
    assert!(
        error.to_string().contains("room for 20 rows, not for 21"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_met_names_its_column() {
    let impossible = contract(vec![
        text("id"),
        text("code").pattern("[0-9]{3}").length(4, 4),
    ]);
    let error = generate(&impossible, 5, "", 1).expect_err("refused");
    assert!(error.to_string().contains("column `code`"), "{error}");
}

/// Control records with every number that they can hold, the sums before the rows too.
fn announced(places: [FieldPlace; 4]) -> Control {
    let [rows, from, to, paid] = places;
    let record = |marker: &str| ControlRecord {
        marker: marker.to_owned(),
        row_count: Some(rows),
        period: Some((from, to)),
        totals: [("paid".to_owned(), paid)].into(),
    };
    Control {
        header: Some(record("HD")),
        trailer: Some(record("TR")),
        period_column: Some("day".to_owned()),
        severity: Severity::Fail,
    }
}

#[test]
fn control_records_announce_what_the_file_holds() {
    let mut contract = of_every_kind();
    let format = dialect(&mut contract);
    (format.delimiter, format.header) = ("|".to_owned(), Header::Absent);
    contract.format.control = Some(announced([2, 3, 4, 6].map(FieldPlace::Field)));
    let file = check(&contract, 200, "all=10%");
    assert!(file.starts_with("HD|200|2020"), "{}", &file[..40]);
    // One field for the whole period: a month.
    contract.format.control = Some(announced([2, 3, 3, 5].map(FieldPlace::Field)));
    check(&contract, 50, "");
}

#[test]
fn fixed_width_with_control_records() {
    let place = |start, length| Some(Characters { start, length });
    let mut contract = of_every_kind();
    let lengths = [8, 2, 11, 12, 19, 1, 1, 40, 10];
    let mut start = 1;
    for (column, length) in contract.columns.iter_mut().zip(lengths) {
        column.place = place(start, length);
        // A gap after each.
        start += length + 1;
    }
    let at = |start, length| FieldPlace::Characters(Characters { start, length });
    contract.format = FileFormat {
        shape: Shape::FixedWidth(FixedWidth::default()),
        control: Some(announced([at(3, 9), at(13, 8), at(22, 8), at(31, 18)])),
        ..FileFormat::default()
    };
    check(&contract, 200, "all=12%");
    contract.format.shape = Shape::FixedWidth(FixedWidth {
        record_length: Some(130),
    });
    check(&contract, 200, "all=12%");
}

#[test]
fn members_of_json_stand_at_their_paths() {
    let mut contract = of_every_kind();
    contract.columns[0].header = "claim.id".to_owned();
    contract.columns[7].header = "claim.notes.1.text".to_owned();
    for shape in [Shape::JsonLines, Shape::JsonArray] {
        contract.format.shape = shape;
        let file = check(&contract, 200, "all=12%");
        assert!(file.contains(r#""claim":{"id":"C0"#), "{}", &file[..200]);
        assert!(
            file.contains(r#""notes":[null,{"text":""#),
            "{}",
            &file[..200]
        );
    }
}

#[test]
fn lines_that_are_passed_over() {
    let mut contract = of_every_kind();
    contract.format = FileFormat {
        skip_lines: 2,
        skip_footer_lines: 3,
        comment: Some("#".to_owned()),
        ..FileFormat::delimited(Delimited {
            delimiter: "|^|".to_owned(),
            record_separator: Some("|~|".to_owned()),
            escape: Some(b'\\'),
            trailing_delimiter: true,
            ..Delimited::default()
        })
    };
    check(&contract, 100, "all=20%");
}
