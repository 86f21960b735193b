//! What columns, rules and file-name parts may be called, and the nearest known name to a typo.

/// `[a-z][a-z0-9_]*`: such a name needs no quoting in SQL, in a path or in a regular expression.
pub(crate) fn is_snake_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// What every row of silver carries beside its contract's columns.
pub const ROW_LINEAGE_COLUMNS: [&str; 4] = [
    "source_file",
    "source_row",
    "source_offset",
    "source_length",
];

/// What every row of the canonical table carries beside its schema's columns.
pub const CANONICAL_LINEAGE_COLUMNS: [&str; 12] = [
    "state",
    "file_type",
    "atomic_month",
    "submitter_id",
    "source_submission_id",
    "source_layout_id",
    "canonical_schema_version",
    "canonical_built_at",
    "source_file",
    "source_row",
    "source_offset",
    "source_length",
];

/// The checks that every contract has; a rule of one's own may not take their names.
pub(crate) const BUILT_IN_RULES: [&str; 17] = [
    "required",
    "type",
    "length",
    "range",
    "pattern",
    "domain",
    "field_count",
    "encoding",
    "quote",
    "nul_byte",
    "record_length",
    "check",
    "unique",
    "required_when",
    "completeness",
    "control",
    "json",
];

/// The known word that a mistyped one most likely meant, if any is near.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance_max = (word.chars().count() / 3).max(1);
    let distance = |other: &str| strsim::damerau_levenshtein(&word.to_lowercase(), other);
    let (near, best) = known
        .into_iter()
        .map(|k| (k, distance(k)))
        .min_by_key(|(_, d)| *d)?;
    (best <= distance_max).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_another_word_does_not() {
        let known = ["required", "range", "rules"];
        for (word, expected) in [
            ("requird", Some("required")),
            ("Required", Some("required")),
            ("rnage", Some("range")),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn snake_case() {
        for (name, expected) in [
            ("a", true),
            ("a1_b", true),
            ("", false),
            ("A", false),
            ("_a", false),
            ("1a", false),
        ] {
            assert_eq!(is_snake_case(name), expected, "{name}");
        }
    }
}
