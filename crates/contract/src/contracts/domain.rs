//! Domains: the values a column may hold, inline or in a file of their own.

use std::collections::BTreeMap;

use serde_saphyr::Spanned;

use super::raw::RawDomain;
use crate::Domain;
use crate::document::{Document, Review};

/// Reads a file that a contract names, by its path relative to the contract's own.
pub(super) type ReadFile<'a> = &'a dyn Fn(&str) -> std::io::Result<String>;

/// Reads domains and keeps the text of the files that it read: they are part of the contract.
pub(super) struct Domains<'a> {
    read_file: ReadFile<'a>,
    files: BTreeMap<String, Document>,
}

impl<'a> Domains<'a> {
    pub(super) fn new(read_file: ReadFile<'a>) -> Self {
        Self {
            read_file,
            files: BTreeMap::new(),
        }
    }

    /// Path and text of each file that was read, in the order of their paths.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, file)| (path.as_str(), file.text()))
    }

    pub(super) fn check(&mut self, domain: &Spanned<RawDomain>, review: &mut Review<'_>) -> Domain {
        let mut values = BTreeMap::new();
        match &domain.value {
            RawDomain::List(list) => {
                for value in list {
                    insert(&mut values, value, &value.value, review);
                }
            }
            RawDomain::Map(map) => {
                for (value, code) in map {
                    insert(&mut values, value, &code.value, review);
                }
            }
            RawDomain::File(path) => return self.read(path, review),
        }
        if values.is_empty() {
            let help = "list the values, or remove `domain`: an empty one would refuse every row";
            review.refuse(
                domain,
                "the domain is empty",
                "expected at least one value",
                help,
            );
        }
        Domain { values }
    }

    fn read(&mut self, path: &Spanned<String>, review: &mut Review<'_>) -> Domain {
        let name = path.value.as_str();
        if name.starts_with('/') || name.contains('\\') || name.is_empty() {
            let help = "write it relative to the contract, with `/`: `codes/drg.txt`";
            review.refuse(
                path,
                "the path cannot be used",
                "expected a relative path",
                help,
            );
            return Domain {
                values: BTreeMap::new(),
            };
        }
        if !self.files.contains_key(name) {
            match (self.read_file)(name) {
                Ok(text) => {
                    let folder = review.document().path().rsplit_once('/');
                    let shown = folder
                        .map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"));
                    self.files
                        .insert(name.to_owned(), Document::new(&shown, &text));
                }
                Err(error) => {
                    let help = format!("put the file at `{name}`, relative to this contract");
                    let message = format!("the domain's file cannot be read: {error}");
                    review.refuse(path, message, "expected a readable text file", help);
                    return Domain {
                        values: BTreeMap::new(),
                    };
                }
            }
        }
        let values = read_lines(&self.files[name], review);
        if values.is_empty() {
            let help = "write one code per line, or `code,canonical code`";
            review.refuse(
                path,
                "the domain's file is empty",
                "expected at least one code",
                help,
            );
        }
        Domain { values }
    }
}

fn insert(
    values: &mut BTreeMap<String, String>,
    value: &Spanned<String>,
    code: &str,
    review: &mut Review<'_>,
) {
    if value.value.is_empty() {
        let help = "remove it; a column that is not `required` may be empty anyway";
        review.refuse(
            value,
            "an empty value is always null",
            "expected a value",
            help,
        );
    } else if code.is_empty() {
        let message = format!("the value `{}` has no canonical code", value.value);
        let help = "write the code, or list the values without codes";
        review.refuse(value, message, "expected a code", help);
    } else if values
        .insert(value.value.clone(), code.to_owned())
        .is_some()
    {
        let message = format!("the value `{}` stands twice", value.value);
        review.refuse(value, message, "expected once", "remove one of the two");
    }
}

/// One `code` or `code,canonical` per line; empty lines are skipped.
fn read_lines(file: &Document, review: &mut Review<'_>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut offset = 0;
    for line in file.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_end_matches('\n');
        if line.trim().is_empty() {
            continue;
        }
        let (value, code) = line.split_once(',').unwrap_or((line, line));
        let (value, code) = (value.trim(), code.trim());
        let mut refuse = |message: String, help: &str| {
            let span = (start, line.len()).into();
            let expected = "expected `code` or `code,canonical`, each code once";
            review.add(file.mistake(span, message, expected, help));
        };
        if value.is_empty() || code.is_empty() {
            refuse(
                "half of the pair is missing".to_owned(),
                "write both, or the code alone",
            );
        } else if values.insert(value.to_owned(), code.to_owned()).is_some() {
            refuse(
                format!("the code `{value}` stands twice"),
                "remove one of the two",
            );
        }
    }
    values
}
