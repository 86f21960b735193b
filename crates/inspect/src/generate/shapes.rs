//! Texts that a regular expression matches, made from its syntax tree: a walk through it chooses
//! a branch, a number of repetitions and a class of characters at each place. Anchors and other
//! look-arounds are passed over: the judge refuses what they forbid.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::random::Random;

/// Repetitions beyond the least number, where the expression sets no end.
const MORE_MAX: u32 = 8;
/// A text of more places is not tried.
const PLACES_MAX: usize = 4096;

/// The characters that may stand at each place of a text.
pub(super) type Shape = Vec<Vec<char>>;

/// How a walk chooses.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Walk {
    Any,
    /// As many repetitions as there may be: room for many values.
    Longest,
}

pub(super) fn parse(pattern: &str) -> Option<Hir> {
    regex_syntax::parse(pattern).ok()
}

/// One shape of texts that the expression matches; `None` where a class is empty or the text
/// would be very long.
pub(super) fn shape(hir: &Hir, walk: Walk, random: &mut Random) -> Option<Shape> {
    let mut shape = Shape::new();
    go(hir, walk, random, &mut shape)?;
    Some(shape)
}

fn go(hir: &Hir, walk: Walk, random: &mut Random, shape: &mut Shape) -> Option<()> {
    if shape.len() > PLACES_MAX {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(()),
        HirKind::Literal(literal) => {
            let text = str::from_utf8(&literal.0).ok()?;
            shape.extend(text.chars().map(|character| vec![character]));
            Some(())
        }
        HirKind::Class(class) => {
            let characters = characters(class);
            (!characters.is_empty()).then(|| shape.push(characters))
        }
        HirKind::Repetition(repetition) => {
            let most = (repetition.max).unwrap_or(repetition.min.saturating_add(MORE_MAX));
            let most = most.min(repetition.min.saturating_add(64));
            let count = match walk {
                Walk::Longest => most,
                Walk::Any => random.between(repetition.min.into(), most.into()) as u32,
            };
            (0..count).try_for_each(|_| go(&repetition.sub, walk, random, shape))
        }
        HirKind::Capture(capture) => go(&capture.sub, walk, random, shape),
        HirKind::Concat(parts) => parts
            .iter()
            .try_for_each(|part| go(part, walk, random, shape)),
        HirKind::Alternation(branches) => {
            let branch = random.pick(branches);
            go(branch, walk, random, shape)
        }
    }
}

/// Of a class that takes many: its letters and digits; otherwise what can be printed of it;
/// otherwise the beginning of each range.
fn characters(class: &Class) -> Vec<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => (class.ranges().iter())
            .map(|range| (range.start(), range.end()))
            .collect(),
        Class::Bytes(class) => (class.ranges().iter())
            .map(|range| (range.start().into(), range.end().into()))
            .collect(),
    };
    let takes =
        |&character: &char| (ranges.iter()).any(|(low, high)| (*low..=*high).contains(&character));
    let printable: Vec<char> = (' '..='~').filter(takes).collect();
    let plain = printable.iter().filter(|one| one.is_ascii_alphanumeric());
    let plain: Vec<char> = plain.copied().collect();
    if printable.len() > 64 && !plain.is_empty() {
        plain
    } else if printable.is_empty() {
        ranges.iter().map(|(low, _)| *low).collect()
    } else {
        printable
    }
}

/// How many texts have this shape.
pub(super) fn room(shape: &Shape) -> u128 {
    (shape.iter()).fold(1, |room: u128, place| {
        room.saturating_mul(place.len() as u128)
    })
}

/// The text of that number, the last place changing first.
pub(super) fn nth(shape: &Shape, mut number: u128) -> String {
    let mut text: Vec<char> = Vec::with_capacity(shape.len());
    for place in shape.iter().rev() {
        let count = place.len() as u128;
        text.push(place[(number % count) as usize]);
        number /= count;
    }
    text.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_match_their_expression() {
        let mut random = Random::new(1);
        for pattern in [
            "[0-9]{10}",
            r"^(V[0-9]{2,4}|E[0-9]{3,4}|[0-9]{3,5})$",
            r"\d{3}-?\d{2}",
            "a.c*",
            r"[^,]+",
            "(?i)ab",
        ] {
            let hir = parse(pattern).unwrap();
            let whole = regex::Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap();
            for walk in [Walk::Any, Walk::Longest] {
                for _ in 0..50 {
                    let shape = shape(&hir, walk, &mut random).unwrap();
                    let number = random.below(room(&shape));
                    let text = nth(&shape, number);
                    assert!(whole.is_match(&text), "{pattern}: {text:?}");
                }
            }
        }
    }

    #[test]
    fn each_number_has_its_own_text() {
        let digits = shape(&parse("[0-9][AB]").unwrap(), Walk::Any, &mut Random::new(1));
        let digits = digits.unwrap();
        let texts: std::collections::BTreeSet<_> = (0..room(&digits))
            .map(|number| nth(&digits, number))
            .collect();
        assert_eq!(texts.len(), 20);
        assert_eq!(nth(&digits, 3), "1B");
    }
}
