//! Which feed and layout a submission belongs to: a pure decision over its path, its files'
//! names and, for the header classifier, its files' first bytes.

use std::collections::{BTreeMap, BTreeSet};

use contract::{
    Column, Contract, Feed, FileNameGrammar, FileType, Header, LayoutId, Shape, SubmitterId,
};
use inspect::{header_names, packed_base_name};
use serde_json::Value;
use store::Classification;

use crate::{Catalog, ClassifierKind};

/// From how many records the members of a JSON file are known.
const JSON_RECORDS_SEEN: usize = 100;

/// A file of the submission as the classifier sees it.
#[derive(Debug, Clone)]
pub struct ClassifiedFile {
    /// Relative to the group.
    pub file_name: String,
    /// The first bytes; empty unless the classifier looks at headers.
    pub head: Vec<u8>,
}

/// The classification, or why a person has to decide.
pub fn classify(
    kind: ClassifierKind,
    catalog: &Catalog,
    grouping_key: &str,
    files: &[ClassifiedFile],
) -> Result<Classification, String> {
    let mut path = grouping_key.split('/');
    let named = path.next().unwrap_or_default();
    let submitter: SubmitterId = named
        .parse()
        .map_err(|_| format!("the path names no submitter: `{named}` is not a submitter id"))?;
    let file_type: Option<FileType> = path.next().and_then(|part| part.parse().ok());
    let feeds: Vec<&Feed> = catalog.feeds_of(&submitter).collect();
    if feeds.is_empty() {
        return Err(format!(
            "no feed names submitter `{submitter}`: add feeds/*.yaml for it"
        ));
    }
    let mut layouts = BTreeSet::new();
    let mut chosen = None;
    for file in files {
        let (feed, layout) = match kind {
            ClassifierKind::SubmitterFilename => by_name(catalog, &feeds, file_type.as_ref(), file),
            ClassifierKind::Header => by_header(catalog, &feeds, file_type.as_ref(), file),
        }?;
        layouts.insert(layout.clone());
        chosen = Some(Classification {
            submitter_id: submitter.clone(),
            jurisdiction: feed.state.clone(),
            feed: Some(feed.name.clone()),
            layout,
        });
    }
    if layouts.len() > 1 {
        let named: Vec<String> = layouts.iter().map(LayoutId::to_string).collect();
        return Err(format!(
            "its files are of several layouts ({}): drop each in a group of its own",
            named.join(", ")
        ));
    }
    chosen.ok_or_else(|| "it has no files".to_owned())
}

/// The layouts that a submitter may send under this path, in the feeds' order.
fn expected<'a>(
    catalog: &'a Catalog,
    feeds: &'a [&'a Feed],
    file_type: Option<&'a FileType>,
) -> impl Iterator<Item = (&'a Feed, &'a LayoutId, &'a Contract)> {
    let of_type =
        move |layout: &&LayoutId| file_type.is_none_or(|wanted| *wanted == layout.file_type);
    feeds
        .iter()
        .flat_map(move |feed| {
            feed.contracts
                .iter()
                .filter(of_type)
                .map(move |layout| (*feed, layout))
        })
        .filter_map(|(feed, layout)| {
            catalog
                .layouts
                .get(layout)
                .map(|compiled| (feed, layout, &compiled.contract))
        })
}

fn by_name<'a>(
    catalog: &'a Catalog,
    feeds: &'a [&'a Feed],
    file_type: Option<&'a FileType>,
    file: &ClassifiedFile,
) -> Result<(&'a Feed, LayoutId), String> {
    let base_name = base_name(&file.file_name);
    expected(catalog, feeds, file_type)
        .find(|(_, _, contract)| {
            contract.file_name.as_ref().is_none_or(|grammar| matched(grammar, base_name).is_some())
        })
        .map(|(feed, layout, _)| (feed, layout.clone()))
        .ok_or_else(|| {
            format!(
                "the name of `{}` fits no contract of this submitter's feeds{}: correct the name, or add the \
                 contract to the feed",
                file.file_name,
                under(file_type)
            )
        })
}

/// The layout that knows the most of the file's column names among those whose required columns
/// are all there.
fn by_header<'a>(
    catalog: &'a Catalog,
    feeds: &'a [&'a Feed],
    file_type: Option<&'a FileType>,
    file: &ClassifiedFile,
) -> Result<(&'a Feed, LayoutId), String> {
    let mut best: Option<(usize, &Feed, &LayoutId)> = None;
    for (feed, layout, contract) in expected(catalog, feeds, file_type) {
        let Some(known) = known_columns(contract, &file.head) else {
            continue;
        };
        if best.is_none_or(|(most, _, _)| known > most) {
            best = Some((known, feed, layout));
        }
    }
    best.map(|(_, feed, layout)| (feed, layout.clone())).ok_or_else(|| {
        format!(
            "the header of `{}` has the required columns of no contract of this submitter's feeds{}",
            file.file_name,
            under(file_type)
        )
    })
}

/// How many of the contract's columns the file names, or `None` where a required one is missing
/// or a file of the contract names none.
fn known_columns(contract: &Contract, head: &[u8]) -> Option<usize> {
    let names = match contract.format.shape {
        Shape::JsonLines | Shape::JsonArray => json_names(head),
        Shape::Delimited(_) if contract.format.header() == Header::ByName => {
            header_names(&contract.format, head).ok()?
        }
        Shape::Delimited(_) | Shape::FixedWidth(_) => return None,
    };
    let names: BTreeSet<String> = names.into_iter().map(|name| name.to_lowercase()).collect();
    let has = |column: &Column| {
        let mut headers = column.headers();
        headers.any(|name| names.contains(&name.trim().to_lowercase()))
    };
    let complete = (contract.columns.iter()).all(|column| !column.required || has(column));
    let known = contract.columns.iter().filter(|column| has(column)).count();
    (complete && known > 0).then_some(known)
}

/// The paths of the members of the first records: `patient.born`. What is cut off is passed over.
fn json_names(head: &[u8]) -> Vec<String> {
    let text = head.trim_ascii_start();
    let records = text.strip_prefix(b"[").unwrap_or(text);
    let mut names = Vec::new();
    let mut rest = records;
    for _ in 0..JSON_RECORDS_SEEN {
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let Some(Ok(record)) = values.next() else {
            break;
        };
        rest = rest[values.byte_offset()..].trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest);
        add_paths(&record, "", &mut names);
    }
    names
}

fn add_paths(value: &Value, path: &str, names: &mut Vec<String>) {
    let Value::Object(members) = value else {
        return;
    };
    for (name, member) in members {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        add_paths(member, &path, names);
        names.push(path);
    }
}

fn under(file_type: Option<&FileType>) -> String {
    file_type.map_or_else(String::new, |file_type| format!(" under `{file_type}`"))
}

/// What a file's name says under a grammar: with the ending of its compression (`.gz`, `.zst`)
/// or without it.
pub(crate) fn matched(
    grammar: &FileNameGrammar,
    base_name: &str,
) -> Option<BTreeMap<String, String>> {
    let unpacked = || grammar.matches(packed_base_name(base_name));
    grammar.matches(base_name).or_else(unpacked)
}

pub(crate) fn base_name(file_name: &str) -> &str {
    file_name.rsplit('/').next().unwrap_or(file_name)
}

#[cfg(test)]
mod tests {
    use super::json_names;

    #[test]
    fn members_of_the_first_records_are_named_by_their_paths() {
        let check = |text: &str, expected: &[&str]| {
            let mut names = json_names(text.as_bytes());
            names.sort();
            names.dedup();
            assert_eq!(names, expected, "{text}");
        };
        let both = ["id", "patient", "patient.born", "seen"];
        check(
            "{\"id\":1,\"patient\":{\"born\":null}}\n{\"seen\":[{\"a\":1}]}\n",
            &both,
        );
        check(
            " [ {\"id\":1,\"patient\":{\"born\":\"x\"}},\n {\"seen\":2}]",
            &both,
        );
        check("{\"id\":1}\n{\"cut\":", &["id"]);
        check("id,born\n1,2\n", &[]);
    }
}
