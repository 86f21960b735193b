//! Any text as a number or a date: what is accepted, and as which value, is what a plain
//! reading of the documented forms says.

use contract::{Column, ColumnType};

use crate::reading::{With, column, contract, date, read};

const COMPACT: &str = "%Y%m%d";
const ISO: &str = "%Y-%m-%d";

/// The first bytes choose the type; the rest is the cell.
pub(crate) fn check(input: &[u8]) {
    let [kind, size, cell @ ..] = input else {
        return;
    };
    let Ok(cell) = std::str::from_utf8(cell) else {
        return;
    };
    if cell.is_empty() || cell.contains('\0') {
        return;
    }
    let (of_type, expect) = match kind % 4 {
        0 => (column("v", ColumnType::Integer), integer(cell)),
        1 => {
            let precision = size % 38 + 1;
            let scale = (size >> 3) % (precision + 1);
            let decimal_type = ColumnType::Decimal { precision, scale };
            let expect = decimal(cell, usize::from(precision), usize::from(scale));
            (column("v", decimal_type), expect)
        }
        2 => (date("v", &[COMPACT]), compact_date(cell)),
        _ => (date("v", &[ISO]), iso_date(cell)),
    };
    assert_eq!(accepted(of_type.untrimmed(), cell), expect, "{cell:?}");
}

/// The value as text, where the cell is accepted.
fn accepted(column: Column, cell: &str) -> Option<String> {
    let file = format!("v\n\"{}\"\n", cell.replace('"', "\"\""));
    let read = read(&contract(vec![column]), file.as_bytes()).expect("readable");
    assert_eq!(read.end.rows, 1);
    read.accepted().pop()
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The sign, and what follows it.
fn signed(text: &str) -> (&str, &str) {
    match text.as_bytes()[0] {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    }
}

fn integer(text: &str) -> Option<String> {
    let (_, unsigned) = signed(text);
    if unsigned.is_empty() || !digits(unsigned) {
        return None;
    }
    let value: i64 = text.parse().ok()?;
    Some(value.to_string())
}

fn decimal(text: &str, precision: usize, scale: usize) -> Option<String> {
    let (sign, unsigned) = signed(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(scale));
    if !beyond.bytes().all(|byte| byte == b'0') {
        return None;
    }
    let unscaled = format!("{whole}{kept:0<scale$}");
    let significant = unscaled.trim_start_matches('0');
    if significant.len() > precision {
        return None;
    }
    let sign = if significant.is_empty() { "" } else { sign };
    let width = scale + 1;
    let padded = format!("{significant:0>width$}");
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

fn compact_date(text: &str) -> Option<String> {
    if text.len() != 8 || !digits(text) {
        return None;
    }
    day(&text[..4], &text[4..6], &text[6..])
}

fn iso_date(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, date] = parts[..] else {
        return None;
    };
    let short = |part: &str| matches!(part.len(), 1 | 2) && digits(part);
    if year.len() != 4 || !digits(year) || !short(month) || !short(date) {
        return None;
    }
    day(year, month, date)
}

fn day(year: &str, month: &str, day: &str) -> Option<String> {
    let number = |text: &str| text.parse::<u32>().expect("digits");
    let (year, month, day) = (number(year), number(month), number(day));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // The calendar has no year 0.
    (year > 0 && (1..=last).contains(&day)).then(|| format!("{year:04}-{month:02}-{day:02}"))
}
