//! Error texts for people outside: what a submitter named is taken out of them. Names of files
//! and folders are a submitter's own, and a patient's name may be among them.
//!
//! What is known to be such a name is withheld wherever it stands; of what is quoted in
//! backticks, only words of the project's own documents and commands stay.

use std::collections::BTreeSet;

use crate::Catalog;

/// How much of an error is shown, in characters.
const LENGTH_MAX: usize = 600;
const WITHHELD: &str = "(name withheld)";

/// The words of the project's documents.
pub(crate) struct Vocabulary(BTreeSet<String>);

impl Vocabulary {
    pub(crate) fn of(catalog: &Catalog) -> Self {
        let mut words = BTreeSet::new();
        for (id, layout) in &catalog.layouts {
            words.insert(id.to_string());
            words.insert(id.file_type.to_string());
            let contract = &layout.contract;
            for column in &contract.columns {
                words.insert(column.name.clone());
                words.insert(column.header.clone());
            }
            words.extend(contract.rules.iter().map(|rule| rule.id.clone()));
        }
        for feed in catalog.feeds.values() {
            words.insert(feed.name.to_string());
            words.insert(feed.submitter_id.to_string());
        }
        for schema in catalog.schemas.values() {
            let columns = schema.value.columns.iter();
            words.extend(columns.map(|column| column.name.clone()));
        }
        Self(words)
    }

    /// The text as it may be shown.
    pub(crate) fn shown(&self, text: &str, names: &[String]) -> String {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        // A key holds its file's name: the longer one goes first.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let text = names
            .iter()
            .filter(|name| !self.0.contains(**name))
            .fold(text.to_owned(), |text, name| without(&text, name));
        let text = self.without_unknown_quotes(&text);
        let mut shown: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(LENGTH_MAX)
            .collect();
        if text.chars().nth(LENGTH_MAX).is_some() {
            shown.push('…');
        }
        shown
    }

    fn without_unknown_quotes(&self, text: &str) -> String {
        let parts: Vec<&str> = text.split('`').collect();
        let mut shown = String::with_capacity(text.len());
        for (index, part) in parts.iter().enumerate() {
            let is_quoted = index % 2 == 1;
            let is_closed = index + 1 < parts.len();
            match (is_quoted, is_closed) {
                (false, _) => shown.push_str(part),
                (true, true) if self.is_known(part) => {
                    shown.extend(["`", part, "`"]);
                }
                // Where the quotes do not match, nobody knows what is quoted.
                (true, _) => shown.push_str(WITHHELD),
            }
        }
        shown
    }

    fn is_known(&self, quoted: &str) -> bool {
        quoted.starts_with("lazaret ") || self.0.contains(quoted)
    }
}

/// The text without a name, where that stands as a whole word.
fn without(text: &str, name: &str) -> String {
    if name.is_empty() {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let touches = before
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
            || after.chars().next().is_some_and(char::is_alphanumeric);
        shown.push_str(before);
        shown.push_str(if touches { name } else { WITHHELD });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_submitters_are_withheld() {
        let vocabulary = Vocabulary(
            ["clm_id", "medical_claim@v1", "evergreen"]
                .map(Into::into)
                .into(),
        );
        let names = [
            "inbox/evergreen/medical_claim/smith john/a.csv",
            "evergreen/medical_claim/smith john",
            "a.csv",
            "evergreen",
            "s",
        ]
        .map(str::to_owned);
        for (text, expected) in [
            ("out of disk", "out of disk"),
            (
                "`a.csv` cannot be read: it is empty",
                "(name withheld) cannot be read: it is empty",
            ),
            (
                "object inbox/evergreen/medical_claim/smith john/a.csv not found",
                "object (name withheld) not found",
            ),
            (
                "raw/evergreen/medical_claim/01/data/a.csv",
                "raw/evergreen/medical_claim/01/data/(name withheld)",
            ),
            (
                "the group evergreen/medical_claim/smith john is",
                "the group (name withheld) is",
            ),
            (
                "`a.zip/jane doe.csv` has no header",
                "(name withheld) has no header",
            ),
            (
                "`clm_id` of `medical_claim@v1`",
                "`clm_id` of `medical_claim@v1`",
            ),
            ("run `lazaret migrate`", "run `lazaret migrate`"),
            ("an open `quote of jane doe", "an open (name withheld)"),
            ("its rows", "its rows"),
            ("line\nbreak", "line break"),
        ] {
            assert_eq!(vocabulary.shown(text, &names), expected, "{text}");
        }
        let long = vocabulary.shown(&"x".repeat(5_000), &names);
        assert_eq!(long.chars().count(), LENGTH_MAX + 1);
    }
}
