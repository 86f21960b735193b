//! Any file, read as JSON lines or as a JSON array; and another parser.

use contract::{ColumnType, Contract, Shape};

use super::{check_arrival, limits};
use crate::reading::{With, column, contract, date, text};

/// The first bytes say how the rest is read.
pub(crate) fn check(input: &[u8]) {
    let [flags, block, record, piece, rest @ ..] = input else {
        return;
    };
    if let Some(theirs) = by_serde_json(rest) {
        assert_eq!(inspect::is_json(rest), theirs);
    }
    let shape = match flags & 1 {
        0 => Shape::JsonLines,
        _ => Shape::JsonArray,
    };
    let cuts = [usize::from(*piece) + 1, 1];
    let read = check_arrival(&visits(shape), limits(*block, *record), rest, &cuts);
    if let Ok(read) = read {
        let rows = read.accepted().len() + read.rejects().len();
        assert_eq!(rows, read.end.rows as usize);
    }
}

/// Whether it is JSON to another parser; nothing where that one has a limit of its own, or asks
/// what the grammar does not: that the text is UTF-8, that escapes of half a character come in pairs.
fn by_serde_json(text: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(text).ok()?;
    let Err(error) = serde_json::from_str::<serde_json::Value>(text) else {
        return Some(true);
    };
    let said = error.to_string();
    let beside_the_grammar = [
        "number out of range",
        "recursion limit",
        "lone leading surrogate",
        "unexpected end of hex escape",
    ];
    let is_beside = beside_the_grammar.iter().any(|text| said.starts_with(text));
    (!is_beside).then_some(false)
}

/// `{"id": …, "visits": …, "patient": {"born": …}}`.
pub(crate) fn visits(shape: Shape) -> Contract {
    let mut born = date("born", &["%Y-%m-%d"]).header("patient.born");
    born.aliases = vec!["birthDate".to_owned()];
    let open = ColumnType::Boolean {
        truthy: vec!["Y".to_owned()],
        falsy: vec!["N".to_owned()],
    };
    let paid = ColumnType::Decimal {
        precision: 12,
        scale: 2,
    };
    let mut contract = contract(vec![
        text("id").required(),
        column("visits", ColumnType::Integer),
        column("paid", paid),
        column("open", open),
        born,
    ]);
    contract.format.shape = shape;
    contract
}
