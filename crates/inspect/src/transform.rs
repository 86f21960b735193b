//! Changes of a cell's text before it is typed. They work in place on the scratch buffer.

use contract::Transform;

/// Applies the transforms in order. `text` is valid UTF-8 and stays so.
pub(crate) fn apply(transforms: &[Transform], text: &mut Vec<u8>) {
    for transform in transforms {
        match transform {
            Transform::Uppercase if text.is_ascii() => text.make_ascii_uppercase(),
            Transform::Lowercase if text.is_ascii() => text.make_ascii_lowercase(),
            Transform::Uppercase => rewrite(text, str::to_uppercase),
            Transform::Lowercase => rewrite(text, str::to_lowercase),
            Transform::StripLeadingZeros => {
                let zeros = text.iter().take_while(|&&byte| byte == b'0').count();
                // A value of only zeros keeps one.
                let kept = zeros.min(text.len().saturating_sub(1));
                text.drain(..kept);
            }
            Transform::DigitsOnly => text.retain(u8::is_ascii_digit),
            Transform::RemoveDots => text.retain(|&byte| byte != b'.'),
            Transform::CollapseSpaces if text.is_ascii() => {
                let mut after_space = false;
                text.retain_mut(|byte| {
                    let space = byte.is_ascii_whitespace() || *byte == 0x0B;
                    let kept = !(space && after_space);
                    after_space = space;
                    if space {
                        *byte = b' ';
                    }
                    kept
                });
            }
            Transform::CollapseSpaces => rewrite(text, collapse_spaces),
        }
    }
}

/// Puts zeros before a text of fewer characters than `width`; an empty one stays empty.
pub(crate) fn zero_pad(width: usize, text: &mut Vec<u8>) {
    if text.is_empty() || text.len() >= width && text.is_ascii() {
        return;
    }
    let characters = text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    let missing = width.saturating_sub(characters);
    text.splice(0..0, std::iter::repeat_n(b'0', missing));
}

fn collapse_spaces(text: &str) -> String {
    let mut after_space = false;
    text.chars()
        .filter_map(|character| {
            let space = character.is_whitespace();
            let kept = !(space && after_space);
            after_space = space;
            kept.then_some(if space { ' ' } else { character })
        })
        .collect()
}

#[cold]
fn rewrite(text: &mut Vec<u8>, change: impl Fn(&str) -> String) {
    let valid = str::from_utf8(text).expect("a cell is decoded before it is transformed");
    *text = change(valid).into_bytes();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms() {
        let check = |transforms: &[Transform], text: &str, expect: &str| {
            let mut buffer = text.as_bytes().to_vec();
            apply(transforms, &mut buffer);
            assert_eq!(str::from_utf8(&buffer), Ok(expect), "{transforms:?} {text}");
        };
        check(&[Transform::Uppercase], "a1ß", "A1SS");
        check(&[Transform::Uppercase], "abc", "ABC");
        check(&[Transform::Lowercase], "ÄBC", "äbc");
        check(&[Transform::Lowercase], "ABC", "abc");
        check(&[Transform::StripLeadingZeros], "000123", "123");
        check(&[Transform::StripLeadingZeros], "0000", "0");
        check(&[Transform::StripLeadingZeros], "", "");
        check(&[Transform::StripLeadingZeros], "10", "10");
        check(&[Transform::DigitsOnly], "(555) 010-9", "5550109");
        check(&[Transform::DigitsOnly], "none", "");
        check(&[Transform::CollapseSpaces], "a \t\n b  c", "a b c");
        check(&[Transform::CollapseSpaces], "é \u{a0} b", "é b");
        check(&[Transform::RemoveDots], "E11.9", "E119");
        check(
            &[
                Transform::RemoveDots,
                Transform::StripLeadingZeros,
                Transform::Uppercase,
            ],
            "0v1.0",
            "V10",
        );
    }

    #[test]
    fn zero_padding() {
        for (width, text, expect) in [
            (5, "123", "00123"),
            (5, "12345", "12345"),
            (5, "123456", "123456"),
            (5, "", ""),
            (3, "é", "00é"),
            (2, "éé", "éé"),
            (5, "-1", "000-1"),
        ] {
            let mut buffer = text.as_bytes().to_vec();
            zero_pad(width, &mut buffer);
            assert_eq!(str::from_utf8(&buffer), Ok(expect), "{width} {text}");
        }
    }
}
