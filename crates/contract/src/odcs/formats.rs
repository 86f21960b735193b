//! Date formats: the standard writes them as Java's `DateTimeFormatter` does, we as `strftime`.

/// The `strftime` form, where each letter has one.
pub(super) fn to_strftime(java: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = java;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (literal, after) = rest[1..].split_once('\'')?;
            text.push_str(if literal.is_empty() { "'" } else { literal });
            rest = after;
            continue;
        }
        let run = rest.chars().take_while(|&other| other == first).count();
        let letters = &rest[..run * first.len_utf8()];
        rest = &rest[letters.len()..];
        text.push_str(match letters {
            "yyyy" | "uuuu" => "%Y",
            "yy" | "uu" => "%y",
            "MM" => "%m",
            "MMM" => "%b",
            "MMMM" => "%B",
            "dd" => "%d",
            "DDD" => "%j",
            "HH" => "%H",
            "hh" => "%I",
            "mm" => "%M",
            "ss" => "%S",
            "a" => "%p",
            "SSS" => "%3f",
            "SSSSSS" => "%6f",
            "XXX" | "xxx" => "%:z",
            "XX" | "Z" => "%z",
            other if other.chars().all(|c| !c.is_alphabetic()) => other,
            _ => return None,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_formats_become_strftime() {
        for (java, strftime) in [
            ("yyyy-MM-dd", Some("%Y-%m-%d")),
            ("yyyyMMdd", Some("%Y%m%d")),
            ("dd-MMM-yyyy", Some("%d-%b-%Y")),
            ("yyyy-MM-dd'T'HH:mm:ssXXX", Some("%Y-%m-%dT%H:%M:%S%:z")),
            ("G", None),
            ("yyyy'T", None),
        ] {
            assert_eq!(to_strftime(java).as_deref(), strftime, "{java}");
        }
    }
}
