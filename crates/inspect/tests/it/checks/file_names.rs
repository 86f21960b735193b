//! Any pattern of file names beside any name: a pattern is refused or matches what a plain
//! search through all ways of matching finds, and a part is what it may be.

use std::collections::BTreeMap;

use contract::FileNameGrammar;

/// Lines: the pattern, the name, then `part=expression`.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut lines = text.split('\n');
    let (Some(pattern), Some(name)) = (lines.next(), lines.next()) else {
        return;
    };
    let parts: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, expression)| (name.to_owned(), expression.to_owned()))
        .collect();
    let grammar = match FileNameGrammar::parse(pattern, &parts) {
        Ok(grammar) => grammar,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(grammar.pattern(), pattern);
    let found = grammar.matches(name);
    if let Some(found) = &found {
        assert!(found.keys().all(|part| grammar.has_part(part)));
    }
    // Beyond ASCII, what counts as the same letter is the regex crate's to say.
    if parts.is_empty() && pattern.is_ascii() && name.is_ascii() {
        assert_eq!(found.is_some(), matches(&pieces(pattern), name.as_bytes()));
        for value in found.iter().flat_map(BTreeMap::values) {
            assert!(!value.is_empty() && value.bytes().all(is_part));
        }
    }
}

#[derive(Clone, Copy)]
enum Piece {
    Byte(u8),
    Anything,
    Part,
}

/// The pieces of a pattern that is known to be right.
fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut in_part = false;
    for byte in pattern.bytes() {
        match byte {
            b'{' => in_part = true,
            b'}' => {
                in_part = false;
                pieces.push(Piece::Part);
            }
            _ if in_part => {}
            b'*' => pieces.push(Piece::Anything),
            _ => pieces.push(Piece::Byte(byte)),
        }
    }
    pieces
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// By the set of places of the name up to which the pieces so far can match.
fn matches(pieces: &[Piece], name: &[u8]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for piece in pieces {
        let mut next = vec![false; name.len() + 1];
        for from in (0..=name.len()).filter(|&from| reached[from]) {
            match piece {
                Piece::Byte(byte) => {
                    if name
                        .get(from)
                        .is_some_and(|other| other.eq_ignore_ascii_case(byte))
                    {
                        next[from + 1] = true;
                    }
                }
                Piece::Anything => {
                    next[from] = true;
                    extend(&mut next, name, from, |byte| byte != b'/');
                }
                Piece::Part => extend(&mut next, name, from, is_part),
            }
        }
        reached = next;
    }
    reached[name.len()]
}

fn extend(next: &mut [bool], name: &[u8], from: usize, fits: impl Fn(u8) -> bool) {
    for at in from..name.len() {
        if !fits(name[at]) {
            return;
        }
        next[at + 1] = true;
    }
}
