//! Patterns that a whole value must match. What contracts ask for (ten digits, a letter and two
//! digits, a code with an optional dot) comes down to a few sequences of character classes for
//! each length; those are compared eight bytes at a time. Other patterns, and texts that are
//! not ASCII, go to the regular expression.

use regex::bytes::Regex;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::word::ShortText;

/// Longer texts go to the regular expression.
const LENGTH_MAX: usize = 32;
/// More sequences than this of one pattern would cost more than the regular expression.
const SEQUENCES_MAX: usize = 256;
/// Of one length.
const ALTERNATIVES_MAX: usize = 4;

#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
    /// By length; what they match of ASCII texts of up to `LENGTH_MAX` is what `regex` does.
    sequences: Option<Box<[Box<[Sequence]>]>>,
    short: ShortForms,
}

impl Pattern {
    pub(crate) fn compile(pattern: &str) -> Result<Self, regex::Error> {
        let whole = format!(r"\A(?:{pattern})\z");
        let sequences = sequences_of(&whole);
        Ok(Self {
            regex: Regex::new(&whole)?,
            short: ShortForms::of(sequences.as_deref().unwrap_or_default()),
            sequences,
        })
    }

    /// Whether the whole of a text, which is valid UTF-8, matches.
    #[inline]
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        match self
            .sequences
            .as_ref()
            .map(|lengths| lengths.get(text.len()))
        {
            Some(Some(alternatives)) => {
                alternatives.iter().any(|sequence| sequence.matches(text))
                    || (!text.is_ascii() && self.regex.is_match(text))
            }
            _ => self.regex.is_match(text),
        }
    }

    /// True only where [`Self::is_match`] is, of what patterns ask for most: a class of
    /// characters for each place.
    #[inline(always)]
    pub(crate) fn matches_short(&self, text: ShortText) -> bool {
        self.short.match_text(text)
    }
}

/// The lengths of up to sixteen that have one sequence, as a table that takes the same steps for
/// a text of any length.
#[derive(Debug, Clone)]
struct ShortForms {
    /// By length, `per_length` of each.
    ranges: Box<[[Range; 2]]>,
    per_length: usize,
}

impl ShortForms {
    fn of(lengths: &[Box<[Sequence]>]) -> Self {
        let short = lengths.iter().take(ShortText::BYTES_MAX + 1);
        let forms: Vec<_> = short
            .map(|alternatives| match &**alternatives {
                [sequence] => sequence.short_ranges(),
                _ => Vec::new(),
            })
            .collect();
        let per_length = forms.iter().map(Vec::len).max().unwrap_or(0);
        let padded = forms.iter().flat_map(|form| {
            // One with fewer has its last again, one that has none what no text is.
            let last = form.last().copied().unwrap_or([Range::NOTHING; 2]);
            (0..per_length).map(move |at| form.get(at).copied().unwrap_or(last))
        });
        Self {
            ranges: padded.collect(),
            per_length,
        }
    }

    #[inline(always)]
    fn match_text(&self, text: ShortText) -> bool {
        let from = text.length * self.per_length;
        let Some(ranges) = self.ranges.get(from..from + self.per_length) else {
            return false;
        };
        let (mut low, mut high) = (0, 0);
        for range in ranges {
            low |= range[0].inside(text.low);
            high |= range[1].inside(text.high);
        }
        low & high & !(text.low | text.high) & HIGH_BITS == HIGH_BITS
    }
}

/// A class of characters for each place of a text of one length.
#[derive(Debug, Clone)]
struct Sequence {
    /// For each eight bytes as many ranges as the widest class of its places has: two words of
    /// texts of up to sixteen bytes, else words of which the last may overlap the one before.
    ranges: Box<[Box<[Range]>]>,
}

/// What to add to eight ASCII bytes so that the high bit tells, for each, whether it is at
/// least the lower bound, and whether it is above the upper one.
#[derive(Debug, Clone, Copy)]
struct Range {
    from: u64,
    above: u64,
}

impl Range {
    /// What no byte is in.
    const NOTHING: Self = Self { from: 0, above: 0 };

    /// The high bit of each ASCII byte that is in the range of its place.
    #[inline(always)]
    fn inside(self, word: u64) -> u64 {
        word.wrapping_add(self.from) & !word.wrapping_add(self.above)
    }
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

impl Sequence {
    fn new(classes: &[u128]) -> Self {
        let words: Vec<Vec<u128>> = if classes.len() <= ShortText::BYTES_MAX {
            // The other bytes of the two words are zeros.
            let padded = classes.iter().copied().chain(std::iter::repeat(1));
            let padded: Vec<u128> = padded.take(ShortText::BYTES_MAX).collect();
            padded.chunks(8).map(<[u128]>::to_vec).collect()
        } else {
            let starts = (0..classes.len().div_ceil(8)).map(|at| word_start(at, classes.len()));
            starts.map(|at| classes[at..at + 8].to_vec()).collect()
        };
        Self {
            ranges: words.iter().map(|classes| ranges_of(classes)).collect(),
        }
    }

    /// The ranges of a short text's two words, as many of the one as of the other.
    fn short_ranges(&self) -> Vec<[Range; 2]> {
        let [low, high] = &*self.ranges else {
            return Vec::new();
        };
        let range = |ranges: &[Range], at: usize| ranges.get(at).or(ranges.first()).copied();
        (0..low.len().max(high.len()))
            .filter_map(|at| Some([range(low, at)?, range(high, at)?]))
            .collect()
    }

    #[inline]
    fn matches(&self, text: &[u8]) -> bool {
        if let Some(short) = ShortText::of(text) {
            return [short.low, short.high]
                .into_iter()
                .zip(&self.ranges)
                .all(|(word, ranges)| holds(ranges, word));
        }
        self.ranges.iter().enumerate().all(|(at, ranges)| {
            let word = text[word_start(at, text.len())..].first_chunk();
            word.is_some_and(|word| holds(ranges, u64::from_le_bytes(*word)))
        })
    }
}

/// Where the words of a text of more than eight bytes start.
#[inline(always)]
fn word_start(at: usize, length: usize) -> usize {
    (8 * at).min(length - 8)
}

/// Whether every byte is in one of the ranges of its place.
#[inline(always)]
fn holds(ranges: &[Range], word: u64) -> bool {
    let inside = (ranges.iter()).fold(0, |inside, range| inside | range.inside(word));
    inside & !word & HIGH_BITS == HIGH_BITS
}

/// The classes of eight places, range by range.
fn ranges_of(classes: &[u128]) -> Box<[Range]> {
    let places: Vec<Vec<(u8, u8)>> = classes.iter().map(|class| runs(*class)).collect();
    let most = places.iter().map(Vec::len).max().unwrap_or(0);
    let range = |at: usize| {
        let bound = |bound: fn((u8, u8)) -> u8| {
            let mut bytes = [0; 8];
            for (byte, runs) in bytes.iter_mut().zip(&places) {
                // A place with fewer has its first again.
                *byte = runs.get(at).or(runs.first()).copied().map_or(0, bound);
            }
            u64::from_le_bytes(bytes)
        };
        Range {
            from: bound(|(low, _)| 0x80 - low),
            above: bound(|(_, high)| 0x7F - high),
        }
    };
    (0..most).map(range).collect()
}

/// The runs of a class's characters.
fn runs(class: u128) -> Vec<(u8, u8)> {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for byte in (0..128u8).filter(|byte| class >> byte & 1 == 1) {
        match runs.last_mut() {
            Some((_, high)) if *high + 1 == byte => *high = byte,
            _ => runs.push((byte, byte)),
        }
    }
    runs
}

/// One step through a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// One of the ASCII characters whose bits are set.
    One(u128),
    Start,
    End,
}

type Path = Vec<Step>;

fn sequences_of(whole: &str) -> Option<Box<[Box<[Sequence]>]>> {
    let hir = regex_syntax::ParserBuilder::new()
        .utf8(false)
        .build()
        .parse(whole)
        .ok()?;
    let mut lengths: Vec<Vec<Vec<u128>>> = vec![Vec::new(); LENGTH_MAX + 1];
    for path in paths(&hir)? {
        if let Some(classes) = classes_of(&path) {
            lengths[classes.len()].push(classes);
        }
    }
    for alternatives in &mut lengths {
        merge(alternatives);
        if alternatives.len() > ALTERNATIVES_MAX {
            return None;
        }
    }
    let compiled = lengths.iter().map(|alternatives| {
        let sequences = alternatives.iter().map(|classes| Sequence::new(classes));
        sequences.collect()
    });
    Some(compiled.collect())
}

/// The path's classes, where it can be walked: its marks stand at the ends.
fn classes_of(path: &[Step]) -> Option<Vec<u128>> {
    let mut classes = Vec::new();
    let mut ended = false;
    for step in path {
        match *step {
            Step::Start if classes.is_empty() => {}
            Step::Start => return None,
            Step::End => ended = true,
            Step::One(_) if ended => return None,
            Step::One(class) => classes.push(class),
        }
    }
    Some(classes)
}

/// Makes one of two sequences that differ in one place only, and of two that are the same.
fn merge(alternatives: &mut Vec<Vec<u128>>) {
    let mut at = 0;
    while at < alternatives.len() {
        let mergeable = (at + 1..alternatives.len()).find_map(|other| {
            let places = alternatives[at].iter().zip(&alternatives[other]);
            let mut differing = places.enumerate().filter(|(_, (one, two))| one != two);
            let place = differing.next().map(|(place, _)| place);
            differing.next().is_none().then_some((other, place))
        });
        match mergeable {
            Some((other, place)) => {
                let merged = alternatives.swap_remove(other);
                if let Some(place) = place {
                    alternatives[at][place] |= merged[place];
                    // It may differ from an earlier one by one place now.
                    at = 0;
                }
            }
            None => at += 1,
        }
    }
}

/// Every path of at most `LENGTH_MAX` characters that an ASCII text can take through the
/// expression; nothing where they are too many, or it asks for more than characters.
fn paths(hir: &Hir) -> Option<Vec<Path>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![Path::new()]),
        HirKind::Look(Look::Start) => Some(vec![vec![Step::Start]]),
        HirKind::Look(Look::End) => Some(vec![vec![Step::End]]),
        HirKind::Look(_) => None,
        HirKind::Literal(literal) => Some(if literal.0.is_ascii() {
            vec![literal.0.iter().map(|&byte| Step::One(1 << byte)).collect()]
        } else {
            Vec::new()
        }),
        HirKind::Class(class) => {
            let class = ascii_of(class);
            Some(if class == 0 {
                Vec::new()
            } else {
                vec![vec![Step::One(class)]]
            })
        }
        HirKind::Capture(capture) => paths(&capture.sub),
        HirKind::Concat(parts) => parts.iter().try_fold(vec![Path::new()], |before, part| {
            joined(&before, &paths(part)?)
        }),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(paths(branch)?);
            }
            few(all)
        }
        HirKind::Repetition(repetition) => {
            let least = usize::try_from(repetition.min).ok()?;
            if least > LENGTH_MAX {
                return None;
            }
            let most = repetition
                .max
                .map_or(Some(LENGTH_MAX), |max| usize::try_from(max).ok())?;
            let once = paths(&repetition.sub)?;
            let mut some = vec![Path::new()];
            for _ in 0..least {
                some = joined(&some, &once)?;
            }
            let mut all = some.clone();
            // One that takes no character again and again goes nowhere new.
            for _ in least..most.min(least + LENGTH_MAX) {
                some = joined(&some, &once)?;
                some.retain(|path| !all.contains(path));
                if some.is_empty() {
                    break;
                }
                all.extend(some.iter().cloned());
                all = few(all)?;
            }
            Some(all)
        }
    }
}

/// Every path of the one followed by every path of the other.
fn joined(before: &[Path], after: &[Path]) -> Option<Vec<Path>> {
    let characters = |path: &Path| {
        path.iter()
            .filter(|step| matches!(step, Step::One(_)))
            .count()
    };
    let mut all = Vec::new();
    for first in before {
        for second in after {
            if characters(first) + characters(second) <= LENGTH_MAX {
                all.push([first.as_slice(), second].concat());
            }
        }
        if all.len() > SEQUENCES_MAX {
            return None;
        }
    }
    Some(all)
}

fn few(paths: Vec<Path>) -> Option<Vec<Path>> {
    (paths.len() <= SEQUENCES_MAX).then_some(paths)
}

/// The class's ASCII characters.
fn ascii_of(class: &Class) -> u128 {
    let span = |start: u32, end: u32| (start..=end.min(127)).fold(0, |bits, at| bits | 1u128 << at);
    match class {
        Class::Unicode(class) => class.iter().fold(0, |bits, range| {
            bits | span(range.start().into(), range.end().into())
        }),
        Class::Bytes(class) => class.iter().fold(0, |bits, range| {
            bits | span(range.start().into(), range.end().into())
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_value() {
        let pattern = Pattern::compile("a|bc").unwrap();
        assert!(pattern.is_match(b"a") && pattern.is_match(b"bc"));
        assert!(!pattern.is_match(b"abc") && !pattern.is_match(b"a\n"));
        assert!(Pattern::compile("(").is_err());
    }

    #[test]
    fn what_contracts_ask_for_needs_no_regular_expression() {
        let check = |pattern: &str, lengths: &[(usize, usize)]| {
            let sequences = Pattern::compile(pattern).unwrap().sequences;
            let found = sequences.map(|sequences| {
                let counts = sequences.iter().map(|alternatives| alternatives.len());
                counts
                    .enumerate()
                    .filter(|(_, count)| *count > 0)
                    .collect::<Vec<_>>()
            });
            assert_eq!(found.as_deref(), Some(lengths), "{pattern}");
        };
        check("^[0-9]{10}$", &[(10, 1)]);
        check(r"\d{5}(-\d{4})?", &[(5, 1), (10, 1)]);
        check("[A-Z0-9]{5}|[A-Z]{2}", &[(2, 1), (5, 1)]);
        check("(?i)ab|cd", &[(2, 2)]);
        check("x^y|^z$|a$b", &[(1, 1)]);
        let icd = r"[A-TV-Z][0-9][0-9AB](\.?[0-9A-TV-Z]{1,4})?";
        check(icd, &[(3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1)]);
        let every: Vec<_> = (1..=LENGTH_MAX).map(|length| (length, 1)).collect();
        check("[A-Z]+", &every);
        for left_alone in [r"\bab", "(?m)^a$", "(a|bb|ccc|dddd|eeeee)*", ".*-.*-.*"] {
            let pattern = Pattern::compile(left_alone).unwrap();
            assert!(pattern.sequences.is_none(), "{left_alone}");
        }
    }

    /// Patterns out of the parts that decide how they are compiled.
    fn pattern() -> impl Strategy<Value = String> {
        let atom = prop::sample::select(vec![
            "a",
            "b",
            "-",
            r"\.",
            ".",
            "[a-c]",
            "[^a]",
            "[a-bd0-9]",
            r"\d",
            r"\w",
            "é",
            "^",
            "$",
            "(?i:k)",
            "(?-u:[a-f])",
            r"\b",
            "",
        ]);
        let leaf = atom.prop_map(str::to_owned);
        leaf.prop_recursive(3, 12, 3, |inner| {
            let times = prop::sample::select(vec!["?", "*", "+", "{2}", "{0,3}", "{8}", "{1,9}?"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4)
                    .prop_map(|parts| format!("({})", parts.join("|"))),
                (inner, times).prop_map(|(inner, times)| format!("(?:{inner}){times}")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn sequences_match_what_the_regular_expression_matches(
            pattern in pattern(),
            texts in prop::collection::vec("[a-dk0-9.\\-é\u{212A}~\x7F\x01]{0,20}|[ab]{0,40}", 0..20),
        ) {
            let compiled = Pattern::compile(&pattern).expect("a pattern");
            for text in texts {
                let expect = compiled.regex.is_match(text.as_bytes());
                prop_assert_eq!(compiled.is_match(text.as_bytes()), expect, "{} {:?}", pattern, text);
                if let Some(short) = ShortText::of(text.as_bytes()) {
                    prop_assert!(expect || !compiled.matches_short(short), "{} {:?}", pattern, text);
                }
            }
        }
    }
}
