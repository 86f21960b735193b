//! The text of a part of a document, exactly as it was written. A value that is parsed and written
//! again says the same to a program, but `1.50` has become `1.5`, and in FHIR the two differ.

use super::text;

/// One value's text, in a document that [`super::parse`] has read.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a>(&'a str);

impl<'a> Written<'a> {
    pub(crate) fn of_valid(document: &'a str) -> Self {
        Self(document.trim())
    }

    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }

    /// The member of that name, where this is an object that has it.
    pub(crate) fn member(self, name: &str) -> Option<Self> {
        let members = self.parts(b'{').into_iter();
        members
            .filter_map(named)
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// The items, where this is an array.
    pub(crate) fn items(self) -> Vec<Self> {
        self.parts(b'[').into_iter().map(Self).collect()
    }

    /// What stands between the commas of this array or object, and of no other within it.
    fn parts(self, bracket: u8) -> Vec<&'a str> {
        let bytes = self.0.as_bytes();
        let mut parts = Vec::new();
        if bytes.first() != Some(&bracket) {
            return parts;
        }
        let (mut start, mut depth, mut at) = (1, 0, 1);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => at += string_length(&bytes[at..]),
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b',' | b'}' | b']' if depth == 0 => {
                    parts.push(self.0[start..at].trim());
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        // Between the brackets of an empty one stands nothing.
        parts.retain(|part| !part.is_empty());
        parts
    }
}

/// From an opening quote to the closing one, in bytes.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// A member's name and value.
fn named(part: &str) -> Option<(String, Written<'_>)> {
    let rest = part.strip_prefix('"')?;
    let (name, length) = text::read(rest).ok()?;
    let value = rest[length..].trim_start().strip_prefix(':')?;
    Some((name, Written(value.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    proptest! {
        #[test]
        fn every_part_means_what_the_whole_says_of_it(
            texts in prop::collection::vec("[^\u{0}]{0,8}", 0..5),
            double in any::<i32>(),
        ) {
            let items: Vec<_> = texts.iter().map(|text| json!({ text.as_str(): [text, double] })).collect();
            let whole = json!({ "before": texts, "items": items, "after": { "items": 1 } });
            for document in [whole.to_string(), format!("{whole:#}")] {
                let parts = Written::of_valid(&document).member("items").unwrap().items();
                let read: Vec<Value> = parts
                    .iter()
                    .map(|part| serde_json::from_str(part.as_str()).unwrap())
                    .collect();
                prop_assert_eq!(&read, &items);
            }
        }
    }

    #[test]
    fn a_part_is_found_as_it_was_written() {
        let document = Written::of_valid(
            " { \"a,}\\\"\" : [1.50, \"x\\\\\" ,{\"b\":[ ]}], \"\\u0062\":{ \"c\" : -0 } } ",
        );
        let items = document.member("a,}\"").unwrap().items();
        let texts: Vec<_> = items.iter().map(|item| item.as_str()).collect();
        assert_eq!(texts, ["1.50", r#""x\\""#, r#"{"b":[ ]}"#]);
        let inner = document.member("b").unwrap();
        assert_eq!(inner.as_str(), r#"{ "c" : -0 }"#);
        assert_eq!(inner.member("c").unwrap().as_str(), "-0");
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(Written::of_valid("[]").items().is_empty());
        assert!(Written::of_valid("{}").items().is_empty());
        assert!(Written::of_valid("{}").member("a").is_none());
        assert!(Written::of_valid("17").member("a").is_none());
    }
}
