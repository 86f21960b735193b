//! Where the columns of a fixed-width file are, guessed from its lines: a column begins where
//! every line had a blank just before, and where every line has a date. Columns that touch cannot
//! be told apart, so the draft says that its places are guesses.

use chrono::{Datelike, NaiveDate};
use contract::Characters;

/// Lines that are looked at.
const LINES_MAX: usize = 5000;
/// So many lines in a hundred have the usual length, where the width is fixed.
const ALIKE_PERCENT: usize = 95;
/// Shorter lines are taken for values of one column.
const LENGTH_MIN: usize = 8;
const DATE_CHARACTERS: usize = 8;

/// What the lines show.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) places: Vec<Characters>,
    /// From a first line that names the columns, which is then to be skipped.
    pub(super) names: Option<Vec<String>>,
}

/// The places, where the lines have one width and more than one column.
pub(super) fn of(text: &str, is_cut: bool) -> Option<Places> {
    let mut lines: Vec<Vec<char>> = (text.lines())
        .filter(|line| !line.is_empty())
        .take(LINES_MAX)
        .map(|line| line.chars().collect())
        .collect();
    if is_cut && lines.len() < LINES_MAX {
        lines.pop();
    }
    let longest = lines.iter().map(Vec::len).max()?;
    if lines.len() < 2 || longest < LENGTH_MIN {
        return None;
    }
    let alike = lines.iter().filter(|line| line.len() == longest).count();
    if alike * 100 < lines.len() * ALIKE_PERCENT && alike + 1 < lines.len() {
        return None;
    }
    let (first, rest) = lines.split_first()?;
    let of_rest = boundaries(rest, longest);
    if let Some(names) = names(first, rest, &of_rest) {
        return Some(Places {
            places: of_rest,
            names: Some(names),
        });
    }
    let places = boundaries(&lines, longest);
    (places.len() > 1).then_some(Places {
        places,
        names: None,
    })
}

fn boundaries(lines: &[Vec<char>], length: usize) -> Vec<Characters> {
    let blank = |line: &Vec<char>, at: usize| line.get(at).is_none_or(|one| *one == ' ');
    let all_blank: Vec<bool> = (0..length)
        .map(|at| lines.iter().all(|line| blank(line, at)))
        .collect();
    let mut starts = vec![0];
    for at in 1..length {
        if all_blank[at - 1] && !all_blank[at] {
            starts.push(at);
        }
    }
    let mut at = 0;
    while at + DATE_CHARACTERS <= length {
        if lines.iter().all(|line| is_date(line, at)) {
            starts.extend([at, at + DATE_CHARACTERS]);
            at += DATE_CHARACTERS;
        } else {
            at += 1;
        }
    }
    starts.push(length);
    starts.sort_unstable();
    starts.dedup();
    let mut places: Vec<Characters> = Vec::new();
    for pair in starts.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        match places.last_mut() {
            // Blanks alone belong to what stands before them.
            Some(before) if all_blank[from..to].iter().all(|blank| *blank) => {
                before.length += to - from;
            }
            _ => places.push(Characters {
                start: from + 1,
                length: to - from,
            }),
        }
    }
    places
}

/// A day of the last or this century, `YYYYMMDD`.
fn is_date(line: &[char], at: usize) -> bool {
    let Some(characters) = line.get(at..at + DATE_CHARACTERS) else {
        return false;
    };
    let text: String = characters.iter().collect();
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let day = NaiveDate::parse_from_str(&text, "%Y%m%d").ok();
    is_digits && day.is_some_and(|day| (1900..2100).contains(&day.year()))
}

/// The names in a first line that stand where the columns stand.
fn names(first: &[char], rest: &[Vec<char>], places: &[Characters]) -> Option<Vec<String>> {
    let slice = |line: &[char], place: &Characters| -> String {
        let end = (place.start - 1 + place.length).min(line.len());
        let characters = line.get(place.start - 1..end).unwrap_or_default();
        characters.iter().collect::<String>().trim().to_owned()
    };
    let is_name = |name: &String| {
        name.starts_with(|c: char| c.is_alphabetic())
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || " _-.".contains(c))
    };
    let names: Vec<String> = places.iter().map(|place| slice(first, place)).collect();
    let is_number = |text: &String| text.bytes().all(|byte| b"0123456789.-".contains(&byte));
    let numbers = |place: &Characters| rest.iter().all(|line| is_number(&slice(line, place)));
    let mut distinct = names.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let told_apart = places.iter().any(numbers);
    let all_named = names.iter().all(is_name) && distinct.len() == names.len();
    (places.len() > 1 && all_named && told_apart).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(usize, usize)], names: Option<&[&str]>) {
        let found = of(text, false).expect("fixed width");
        let places = found.places.iter().map(|place| (place.start, place.length));
        assert_eq!(places.collect::<Vec<_>>(), expect, "{text}");
        let expected = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(found.names, expected, "{text}");
    }

    #[test]
    fn columns_begin_behind_blanks_and_at_dates() {
        check("A01  12 x\nB2   7  y\n", &[(1, 5), (6, 3), (9, 1)], None);
        check(
            "1A20240131M005\n2B19991231F012\n",
            &[(1, 2), (3, 8), (11, 4)],
            None,
        );
        check(
            "id   paid \n0001 10.00\n0002 2.50 \n",
            &[(1, 5), (6, 5)],
            Some(&["id", "paid"]),
        );
    }

    #[test]
    fn lines_of_any_length_have_no_places() {
        for text in [
            "a long line\nshort\nanother one\n",
            "abcdefgh\nijklmnop\n",
            "one line\n",
        ] {
            assert_eq!(of(text, false), None, "{text}");
        }
    }
}
