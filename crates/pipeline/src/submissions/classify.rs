//! Which feed and layout a submission belongs to: a pure decision over its path, its files'
//! names and, for the header classifier, its files' first bytes.

use std::collections::{BTreeMap, BTreeSet};

use contract::{Column, Contract, Feed, FileNameGrammar, FileType, Header, LayoutId, SubmitterId};
use inspect::{header_names, packed_base_name};
use store::Classification;

use crate::{Catalog, ClassifierKind};

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

/// How many of the contract's columns the header names, or `None` where a required one is
/// missing or the contract has no header.
fn known_columns(contract: &Contract, head: &[u8]) -> Option<usize> {
    if contract.format.header() != Header::ByName {
        return None;
    }
    let names = header_names(&contract.format, head).ok()?;
    let names: BTreeSet<String> = names.into_iter().map(|name| name.to_lowercase()).collect();
    let has = |column: &Column| {
        let mut headers = column.headers();
        headers.any(|name| names.contains(&name.trim().to_lowercase()))
    };
    let complete = (contract.columns.iter()).all(|column| !column.required || has(column));
    let known = contract.columns.iter().filter(|column| has(column)).count();
    (complete && known > 0).then_some(known)
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
