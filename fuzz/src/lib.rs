//! What the targets check is what the tests of `inspect` check: the same source, by its path, so
//! that a corpus means the same in both.

#[path = "../../crates/inspect/tests/it/cells.rs"]
mod cells;
#[path = "../../crates/inspect/tests/it/checks/mod.rs"]
mod checks;
#[expect(dead_code, reason = "the tests of `inspect` use more of it")]
#[path = "../../crates/inspect/tests/it/reading.rs"]
mod reading;
#[path = "../../crates/inspect/tests/it/reference.rs"]
mod reference;

/// Runs the target of that name on one input.
pub fn check(target: &str, input: &[u8]) {
    let found = checks::TARGETS.iter().find(|(name, _)| *name == target);
    let (_, check) = found.expect("a target of that name");
    check(input);
}
