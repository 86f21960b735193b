//! How findings about control records are said.

use contract::ControlRecord;

use super::Side;

/// Which control records speak.
pub(super) fn announcer(name: &str, side: &Side, form: &ControlRecord) -> String {
    match side.records {
        1 => format!("the {name} record `{}`", form.marker),
        records => format!("the {records} {name} records `{}`", form.marker),
    }
}

pub(super) fn announces(who: &str, side: &Side) -> String {
    let verb = if side.records == 1 {
        "announces"
    } else {
        "announce"
    };
    format!("{who} {verb}")
}

pub(super) fn stand(rows: u64) -> String {
    match rows {
        1 => "1 row stands".to_owned(),
        rows => format!("{rows} rows stand"),
    }
}

pub(super) fn accepted_rows(rows: u64) -> String {
    match rows {
        1 => "the 1 accepted row".to_owned(),
        rows => format!("the {rows} accepted rows"),
    }
}

pub(super) fn rejected_words(rows: u64) -> String {
    match rows {
        0 => String::new(),
        1 => " (1 row was rejected)".to_owned(),
        rows => format!(" ({rows} rows were rejected)"),
    }
}

pub(super) fn decimal_text(value: i128, scale: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    let scale = usize::from(scale);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

pub(super) fn period_text((from, to): &(i32, i32)) -> String {
    let day = |days: i32| {
        let date = arrow::temporal_conversions::date32_to_datetime(days);
        date.map_or_else(String::new, |date| date.date().to_string())
    };
    format!("{} to {}", day(*from), day(*to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_shown_with_their_point() {
        let check = |value, scale, expect: &str| assert_eq!(decimal_text(value, scale), expect);
        check(0, 0, "0");
        check(-5, 2, "-0.05");
        check(12_345, 2, "123.45");
        check(7, 0, "7");
    }
}
