//! The floors: a crate imports only from lower floors, and each heavy library has one home.
//!
//! A floor is what keeps an edit cheap (two cores must not rebuild DataFusion), a test pure and
//! a reader's guess right. To move a crate, change its row here together with the code map in
//! `docs/ARCHITECTURE.md`.

use crate::workspace::{Crate, Import, Kind, crates};

/// Every crate with its floor. `testkit` stands beside the house: tests alone may import it.
const FLOORS: [(&str, u8); 9] = [
    ("contract", 0),
    ("privacy", 0),
    ("inspect", 1),
    ("store", 1),
    ("lake", 2),
    ("warehouse", 2),
    ("pipeline", 3),
    ("exchange", 3),
    ("lazaret", 4),
];
const TESTKIT: &str = "testkit";

/// Libraries that only their home may import, tests included: each is slow to build or is the
/// one place where its kind of work is done.
const HOMES: [(&str, &[&str]); 6] = [
    ("deltalake", &["lake"]),
    ("datafusion", &["lake"]),
    ("ballista", &["lake"]),
    ("rdkafka", &["exchange"]),
    ("sqlx", &["store", "warehouse"]),
    ("reqwest", &["pipeline", "exchange"]),
];

/// Crates that are given what they work on and open nothing themselves.
const PURE: [&str; 3] = ["contract", "privacy", "inspect"];
const IMPURE: [&str; 8] = [
    "async-std",
    "hyper",
    "object_store",
    "reqwest",
    "smol",
    "sqlx",
    "tempfile",
    "tokio",
];

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, floor)| *floor)
}

/// `deltalake` covers `deltalake-core` too: a family lives in one home.
fn is_of_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

fn violations(crates: &[Crate]) -> Vec<String> {
    let mut found = Vec::new();
    for a_crate in crates {
        if floor(&a_crate.name).is_none() && a_crate.name != TESTKIT {
            found.push(format!(
                "`{}` has no floor: give it a row in FLOORS, and in the code map",
                a_crate.name
            ));
        }
        if !has_workspace_lints(&a_crate.manifest) {
            found.push(format!(
                "`{}` does not take the workspace's lints: end its Cargo.toml with \
                 `[lints]` and `workspace = true`",
                a_crate.name
            ));
        }
        for import in &a_crate.imports {
            found.extend(import_violation(&a_crate.name, import));
        }
    }
    found
}

fn import_violation(importer: &str, import: &Import) -> Option<String> {
    let rule = floor_violation(importer, import)
        .or_else(|| home_violation(importer, import))
        .or_else(|| purity_violation(importer, import))?;
    Some(format!("`{importer}` imports `{}`: {rule}", import.name))
}

fn floor_violation(importer: &str, import: &Import) -> Option<String> {
    if import.kind == Kind::Dev {
        return None;
    }
    if import.name == TESTKIT {
        return Some("testkit is for tests: make it a dev-dependency".to_owned());
    }
    let (Some(above), Some(below)) = (floor(importer), floor(&import.name)) else {
        return None;
    };
    (below >= above).then(|| {
        format!(
            "it stands on floor {above} and may import only lower floors; `{}` is on {below}",
            import.name
        )
    })
}

fn home_violation(importer: &str, import: &Import) -> Option<String> {
    let (family, homes) = HOMES
        .iter()
        .find(|(family, _)| is_of_family(&import.name, family))?;
    (!homes.contains(&importer)).then(|| format!("`{family}` lives only in {}", homes.join(", ")))
}

fn purity_violation(importer: &str, import: &Import) -> Option<String> {
    (import.kind != Kind::Dev && PURE.contains(&importer) && IMPURE.contains(&import.name.as_str()))
        .then(|| "it is pure: it opens nothing and waits for nothing".to_owned())
}

fn has_workspace_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim);
    lines.any(|line| line == "[lints]")
        && lines
            .take_while(|line| !line.starts_with('['))
            .any(|line| line == "workspace = true")
}

#[test]
fn crates_import_only_lower_floors() {
    let crates = crates();
    assert!(
        crates.iter().any(|a_crate| a_crate.name == "contract"),
        "cargo metadata lists our crates"
    );
    let found = violations(&crates);
    assert!(
        found.is_empty(),
        "the floors are broken:\n  {}",
        found.join("\n  ")
    );
}

/// What the rules say of one crate with one import; an empty text where nothing is wrong.
#[track_caller]
fn check(importer: &str, kind: Kind, imported: &str, expect: &str) {
    let found = violations(&[Crate {
        name: importer.to_owned(),
        imports: vec![Import {
            name: imported.to_owned(),
            kind,
        }],
        manifest: "[lints]\nworkspace = true\n".to_owned(),
    }]);
    let found = found.join("\n");
    if expect.is_empty() {
        assert_eq!(found, "", "`{importer}` may import `{imported}`");
    } else {
        assert!(found.contains(expect), "`{expect}` is not in `{found}`");
    }
}

#[test]
fn a_lower_floor_is_open() {
    check("lake", Kind::Normal, "inspect", "");
    check("lazaret", Kind::Normal, "pipeline", "");
    check("store", Kind::Normal, "sqlx", "");
    check("lake", Kind::Normal, "deltalake-core", "");
    check("store", Kind::Dev, "testkit", "");
    check("inspect", Kind::Normal, "bytes", "");
    check("contract", Kind::Dev, "tempfile", "");
}

#[test]
fn the_same_and_higher_floors_are_closed() {
    check("inspect", Kind::Normal, "store", "only lower floors");
    check("exchange", Kind::Normal, "pipeline", "only lower floors");
    check("contract", Kind::Build, "inspect", "only lower floors");
    check("store", Kind::Normal, "lake", "`lake` is on 2");
}

#[test]
fn testkit_is_for_tests() {
    check("lake", Kind::Normal, "testkit", "dev-dependency");
    check("store", Kind::Build, "testkit", "dev-dependency");
}

#[test]
fn heavy_libraries_have_one_home() {
    check("pipeline", Kind::Normal, "datafusion", "lives only in lake");
    check(
        "pipeline",
        Kind::Dev,
        "datafusion-common",
        "lives only in lake",
    );
    check(
        "lazaret",
        Kind::Normal,
        "deltalake_core",
        "lives only in lake",
    );
    check("pipeline", Kind::Normal, "sqlx", "store, warehouse");
    check(
        "pipeline",
        Kind::Normal,
        "rdkafka",
        "lives only in exchange",
    );
}

#[test]
fn pure_crates_open_nothing() {
    check("inspect", Kind::Normal, "tokio", "it is pure");
    check("contract", Kind::Normal, "object_store", "it is pure");
    check("inspect", Kind::Dev, "tokio", "");
}

#[test]
fn a_crate_needs_a_floor_and_the_lints() {
    check("helpers", Kind::Normal, "serde", "`helpers` has no floor");
    assert!(has_workspace_lints(
        "[dependencies]\n\n[lints]\nworkspace = true\n"
    ));
    assert!(!has_workspace_lints("[dependencies]\nworkspace = true\n"));
    assert!(!has_workspace_lints(
        "[lints]\n[dependencies]\nworkspace = true\n"
    ));
}
