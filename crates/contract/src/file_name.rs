//! File-name grammars: literal text, `*` for anything but `/`, and `{part}` for what is named.
//!
//! A grammar is compared without case and anchored at both ends. Each part is one regular
//! expression; what it matched is handed back by name.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};

/// What a part matches where the contract gives it no regular expression of its own.
const DEFAULT_PART: &str = "[A-Za-z0-9-]+";

/// A compiled file-name pattern such as `claims_{year}_*.csv`.
#[derive(Debug, Clone)]
pub struct FileNameGrammar {
    pattern: String,
    regex: Regex,
    parts: BTreeSet<String>,
    described: BTreeMap<String, String>,
}

/// Why a file-name pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFileName {
    #[error("the pattern is empty")]
    Empty,
    #[error("the pattern holds a `/`: only the file's name is compared, not its folder")]
    Slash,
    #[error("`{{` at position {position} is never closed")]
    Unclosed { position: usize },
    #[error("`}}` at position {position} closes nothing")]
    Unopened { position: usize },
    #[error("`{name}` cannot name a part: use a-z, 0-9 and `_`, starting with a letter")]
    PartName { name: String },
    #[error("the part `{name}` stands twice in the pattern")]
    DuplicatePart { name: String },
    #[error("the part `{name}` is described but does not stand in the pattern")]
    UnusedPart { name: String },
    #[error("the regular expression of the part `{name}` is not valid: {reason}")]
    PartRegex { name: String, reason: String },
    #[error("the pattern cannot be compiled: {reason}")]
    Pattern { reason: String },
}

impl InvalidFileName {
    /// The described part that is wrong, where it is one part's description and not the pattern.
    pub(crate) fn part(&self) -> Option<&str> {
        match self {
            Self::UnusedPart { name } | Self::PartRegex { name, .. } => Some(name),
            _ => None,
        }
    }

    /// What to write instead.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::Empty => "write the form of the name, for example `claims_{year}.csv`".to_owned(),
            Self::Slash => "drop the folders: the feed's file says where the file lies".to_owned(),
            Self::Unclosed { .. } | Self::Unopened { .. } => {
                "write each part as `{name}`, both braces present, none inside another".to_owned()
            }
            Self::PartName { .. } => {
                "name the part like a column, for example `{from_year}`".to_owned()
            }
            Self::DuplicatePart { name } => {
                format!(
                    "give the second one a name of its own, for example `{{{name}_2}}`, or write `*`"
                )
            }
            Self::UnusedPart { name } => {
                format!("write `{{{name}}}` in the pattern, or remove this line")
            }
            Self::PartRegex { .. } | Self::Pattern { .. } => {
                "write a regular expression over the part alone, for example `[0-9]{4}`".to_owned()
            }
        }
    }
}

impl FileNameGrammar {
    /// Compiles a pattern; `parts` gives parts their own regular expressions.
    pub fn parse(pattern: &str, parts: &BTreeMap<String, String>) -> Result<Self, InvalidFileName> {
        if pattern.is_empty() {
            return Err(InvalidFileName::Empty);
        }
        let mut expression = String::from("^");
        let mut names = BTreeSet::new();
        for piece in pieces(pattern)? {
            match piece {
                Piece::Literal(text) => expression.push_str(&regex::escape(text)),
                Piece::Anything => expression.push_str("[^/]*"),
                Piece::Part(name) => {
                    if !names.insert(name.to_owned()) {
                        return Err(InvalidFileName::DuplicatePart {
                            name: name.to_owned(),
                        });
                    }
                    let part = parts.get(name).map_or(DEFAULT_PART, String::as_str);
                    check_part(name, part)?;
                    expression.push_str(&format!("(?P<{name}>{part})"));
                }
            }
        }
        expression.push('$');
        if let Some(name) = parts.keys().find(|name| !names.contains(*name)) {
            return Err(InvalidFileName::UnusedPart { name: name.clone() });
        }
        let regex = RegexBuilder::new(&expression)
            .case_insensitive(true)
            .build()
            .map_err(|error| InvalidFileName::Pattern {
                reason: last_line(&error),
            })?;
        Ok(Self {
            pattern: pattern.to_owned(),
            regex,
            parts: names,
            described: parts.clone(),
        })
    }

    /// The named parts of a file's name, or `None` where the name is not of this form. Pass the
    /// name alone, without folders.
    pub fn matches(&self, file_name: &str) -> Option<BTreeMap<String, String>> {
        let captures = self.regex.captures(file_name)?;
        let part = |name: &String| Some((name.clone(), captures.name(name)?.as_str().to_owned()));
        Some(self.parts.iter().filter_map(part).collect())
    }

    /// The pattern as written in the contract.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The regular expressions that the contract gives to parts, by the part's name.
    pub fn described_parts(&self) -> &BTreeMap<String, String> {
        &self.described
    }

    /// Whether the pattern names this part.
    pub fn has_part(&self, name: &str) -> bool {
        self.parts.contains(name)
    }

    /// The names of the parts, in alphabetical order.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(String::as_str)
    }
}

enum Piece<'a> {
    Literal(&'a str),
    Anything,
    Part(&'a str),
}

fn pieces(pattern: &str) -> Result<Vec<Piece<'_>>, InvalidFileName> {
    let position = |rest: &str| pattern[..pattern.len() - rest.len()].chars().count() + 1;
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '/' => return Err(InvalidFileName::Slash),
            '}' => {
                return Err(InvalidFileName::Unopened {
                    position: position(rest),
                });
            }
            '*' => {
                pieces.push(Piece::Anything);
                &rest[1..]
            }
            '{' => {
                let end = rest[1..].find(['{', '}']).map(|end| end + 1);
                let Some(end) = end.filter(|end| rest[*end..].starts_with('}')) else {
                    return Err(InvalidFileName::Unclosed {
                        position: position(rest),
                    });
                };
                pieces.push(Piece::Part(part_name(&rest[1..end])?));
                &rest[end + 1..]
            }
            _ => {
                let end = rest.find(['{', '}', '*', '/']).unwrap_or(rest.len());
                pieces.push(Piece::Literal(&rest[..end]));
                &rest[end..]
            }
        };
    }
    Ok(pieces)
}

fn part_name(name: &str) -> Result<&str, InvalidFileName> {
    if crate::names::is_snake_case(name) {
        Ok(name)
    } else {
        Err(InvalidFileName::PartName {
            name: name.to_owned(),
        })
    }
}

/// Compiled alone first, so that `a)(b` cannot reach outside its own group. Groups inside a part
/// may not be named: their names would be parts that the pattern does not show.
fn check_part(name: &str, part: &str) -> Result<(), InvalidFileName> {
    let refuse = |reason: String| InvalidFileName::PartRegex {
        name: name.to_owned(),
        reason,
    };
    let regex = Regex::new(part).map_err(|error| refuse(last_line(&error)))?;
    match regex.capture_names().flatten().next() {
        Some(inner) => Err(refuse(format!("it names a group of its own, `{inner}`"))),
        None => Ok(()),
    }
}

/// The `regex` crate draws its errors over several lines; the last says what is wrong.
pub(crate) fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pattern: &str, parts: &[(&str, &str)]) -> Result<FileNameGrammar, InvalidFileName> {
        let parts = parts
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        FileNameGrammar::parse(pattern, &parts)
    }

    #[test]
    fn names_are_matched_without_case_and_as_a_whole() {
        let years = [("year", "[0-9]{4}")];
        for (pattern, parts, name, expected) in [
            ("claims.csv", &[][..], "CLAIMS.CSV", Some("")),
            ("claims.csv", &[], "claimsxcsv", None),
            ("claims.csv", &[], "claims.csv.bak", None),
            ("claims.csv", &[], "my_claims.csv", None),
            ("claims.csv", &[], "claims.csv\n", None),
            ("claims_*.csv", &[], "claims_.csv", Some("")),
            ("claims_*.csv", &[], "claims_a/b.csv", None),
            (
                "c_{year}_*.csv",
                &years,
                "C_2008_a_b.csv",
                Some("year=2008"),
            ),
            ("c_{year}.csv", &years, "c_208.csv", None),
            ("{a}_{b}.txt", &[], "x-1_Y2.txt", Some("a=x-1 b=Y2")),
            ("{a}.txt", &[("a", "x|y")], "y.txt", Some("a=y")),
            ("{a}.txt", &[("a", "x|y")], "yx.txt", None),
            ("(a)+[b].csv", &[], "(a)+[b].csv", Some("")),
            ("é_{a}", &[], "É_1", Some("a=1")),
        ] {
            let found = parse(pattern, parts).unwrap().matches(name).map(|parts| {
                let parts: Vec<_> = parts.iter().map(|(k, v)| format!("{k}={v}")).collect();
                parts.join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_wrong_pattern_says_what_is_wrong() {
        for (pattern, parts, expected) in [
            ("", &[][..], "the pattern is empty"),
            (
                "in/a.csv",
                &[],
                "the pattern holds a `/`: only the file's name is compared, not its folder",
            ),
            ("é_{year.csv", &[], "`{` at position 3 is never closed"),
            ("a_{year{b}}", &[], "`{` at position 3 is never closed"),
            ("a_year}.csv", &[], "`}` at position 7 closes nothing"),
            (
                "{Year}",
                &[],
                "`Year` cannot name a part: use a-z, 0-9 and `_`, starting with a letter",
            ),
            (
                "{}",
                &[],
                "`` cannot name a part: use a-z, 0-9 and `_`, starting with a letter",
            ),
            ("{a}_{a}", &[], "the part `a` stands twice in the pattern"),
            (
                "{a}",
                &[("b", "x")],
                "the part `b` is described but does not stand in the pattern",
            ),
            (
                "{a}",
                &[("a", "x)(y")],
                "the regular expression of the part `a` is not valid: unopened group",
            ),
            (
                "{a}",
                &[("a", "(?P<b>x)")],
                "the regular expression of the part `a` is not valid: it names a group of its own, `b`",
            ),
        ] {
            assert_eq!(
                parse(pattern, parts).unwrap_err().to_string(),
                expected,
                "{pattern}"
            );
        }
    }
}
