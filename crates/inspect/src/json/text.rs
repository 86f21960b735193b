//! The grammar of JSON (RFC 8259), judged strictly: one pass over the bytes, no tree, no numbers
//! made, nothing allocated. What is wrong is said by what was expected where, never by the text.
//!
//! Stricter than the grammar in one thing: values may be nested 512 deep, and not deeper. Bytes of
//! strings are passed over as they are; whether they are UTF-8 is judged where they are read.

use super::brackets::{Bracket, Brackets};

/// The text is not JSON there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// In bytes from the text's start.
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

/// A value, by where it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    True,
    False,
    Number {
        start: usize,
        end: usize,
        /// Digits and a sign alone.
        whole: bool,
    },
    String(Quoted),
    /// An array or an object, brackets included.
    Nested {
        start: usize,
        end: usize,
    },
}

/// What stands between a string's quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quoted {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) escaped: bool,
}

/// Reads on in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'t> {
    text: &'t [u8],
    pub(crate) at: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn text(&self) -> &'t [u8] {
        self.text
    }

    #[inline(always)]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline(always)]
    pub(crate) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes that byte, if it is next.
    #[inline(always)]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[cold]
    pub(crate) fn fault(&self, expected: &'static str) -> Fault {
        Fault {
            at: self.at,
            expected,
        }
    }

    /// Nothing but white space may be left.
    pub(crate) fn end(&mut self, expected: &'static str) -> Result<(), Fault> {
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault(expected)),
        }
    }

    /// A member's name, the colon and the space on both sides of it.
    #[inline]
    pub(crate) fn name(&mut self) -> Result<Quoted, Fault> {
        if !self.eat(b'"') {
            return Err(self.fault("a member's name in double quotes"));
        }
        let name = self.quoted()?;
        self.skip_space();
        if !self.eat(b':') {
            return Err(self.fault("a colon after the member's name"));
        }
        self.skip_space();
        Ok(name)
    }

    /// Any value, at whose first byte the cursor stands.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<Value, Fault> {
        if matches!(self.peek(), Some(b'{' | b'[')) {
            let start = self.at;
            self.nested()?;
            let end = self.at;
            return Ok(Value::Nested { start, end });
        }
        self.scalar()
    }

    #[inline]
    fn scalar(&mut self) -> Result<Value, Fault> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                Ok(Value::String(self.quoted()?))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word(b"null", Value::Null),
            Some(b't') => self.word(b"true", Value::True),
            Some(b'f') => self.word(b"false", Value::False),
            _ => Err(self.fault("a value")),
        }
    }

    fn word(&mut self, word: &[u8], value: Value) -> Result<Value, Fault> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault("a value: null, true and false are written so"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits("a digit")?;
        } else if matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.fault("a number without leading zeros"));
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            self.digits("a digit after the point")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if !self.eat(b'-') {
                self.eat(b'+');
            }
            self.digits("a digit of the exponent")?;
        }
        let end = self.at;
        Ok(Value::Number { start, end, whole })
    }

    fn digits(&mut self, expected: &'static str) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.fault(expected));
        }
        Ok(())
    }

    /// The rest of a string, after its opening quote and past the closing one.
    #[inline]
    fn quoted(&mut self) -> Result<Quoted, Fault> {
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = next_special(self.text, self.at);
            match self.peek() {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok(Quoted {
                        start,
                        end,
                        escaped,
                    });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fault("control characters written as escapes")),
                None => return Err(self.fault("a closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.fault("four hexadecimal digits after \\u"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.fault("one of \" \\ / b f n r t u after a backslash")),
        }
        Ok(())
    }

    /// Past the array or object at whose bracket the cursor stands. Without recursion, so that
    /// no text can exhaust the stack.
    fn nested(&mut self) -> Result<(), Fault> {
        let mut open = Brackets::default();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.skip_space();
                    if !self.eat(b'}') {
                        self.open(&mut open, Bracket::Object)?;
                        self.name()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.skip_space();
                    if !self.eat(b']') {
                        self.open(&mut open, Bracket::Array)?;
                        continue;
                    }
                }
                _ => {
                    self.scalar()?;
                }
            }
            if !self.after_value(&mut open)? {
                return Ok(());
            }
        }
    }

    fn open(&self, open: &mut Brackets, bracket: Bracket) -> Result<(), Fault> {
        if open.push(bracket) {
            Ok(())
        } else {
            Err(self.fault("values nested at most 512 deep"))
        }
    }

    /// From a complete value to the start of the next; false where nothing is open any more.
    fn after_value(&mut self, open: &mut Brackets) -> Result<bool, Fault> {
        while let Some(inside) = open.innermost() {
            self.skip_space();
            match (self.peek(), inside) {
                (Some(b','), Bracket::Object) => {
                    self.at += 1;
                    self.skip_space();
                    self.name()?;
                    return Ok(true);
                }
                (Some(b','), Bracket::Array) => {
                    self.at += 1;
                    self.skip_space();
                    return Ok(true);
                }
                (Some(b'}'), Bracket::Object) | (Some(b']'), Bracket::Array) => {
                    self.at += 1;
                    open.pop();
                }
                (_, Bracket::Object) => {
                    return Err(self.fault("a comma or the object's closing brace"));
                }
                (_, Bracket::Array) => {
                    return Err(self.fault("a comma or the array's closing bracket"));
                }
            }
        }
        Ok(false)
    }
}

/// The first quote, backslash or control character from `at` on, or the text's end.
#[inline]
fn next_special(text: &[u8], mut at: usize) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_bytes = |word: u64| word.wrapping_sub(LOW) & !word;
    while let Some(chunk) = text[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        // Borrows mislead only above the first hit, which is the one that is taken.
        let quote = zero_bytes(word ^ (LOW * b'"' as u64));
        let backslash = zero_bytes(word ^ (LOW * b'\\' as u64));
        let control = word.wrapping_sub(LOW * 0x20) & !word;
        let hits = (quote | backslash | control) & HIGH;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
    let rest = &text[at..];
    at + rest.iter().position(special).unwrap_or(rest.len())
}

/// Appends a string's text with its escapes undone. The string is known to be well formed.
pub(crate) fn unescape(text: &[u8], quoted: Quoted, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut at = quoted.start;
    while let Some(found) = memchr::memchr(b'\\', &text[at..quoted.end]) {
        out.extend_from_slice(&text[at..at + found]);
        at += found;
        let plain = match text[at + 1] {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, length) =
                    escaped_character(&text[at..quoted.end]).ok_or(Fault {
                        at,
                        expected: "a whole character: the two halves of a pair follow each other",
                    })?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at += length;
                continue;
            }
            itself => itself,
        };
        out.push(plain);
        at += 2;
    }
    out.extend_from_slice(&text[at..quoted.end]);
    Ok(())
}

/// The character of `\uXXXX`, or of two such that are halves of a pair, and the bytes it takes.
fn escaped_character(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(0)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = unit(6).filter(|second| (0xDC00..0xE000).contains(second))?;
    let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    Some((char::from_u32(code)?, 12))
}

/// Judges one whole text of any value, as the shared suite asks.
pub(crate) fn judge(text: &[u8]) -> Result<(), Fault> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space();
    cursor.value()?;
    cursor.end("nothing after the value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::brackets::DEPTH_MAX;

    #[test]
    fn texts() {
        let check = |text: &str, expect: Result<(), (usize, &str)>| {
            let found = judge(text.as_bytes()).map_err(|fault| (fault.at, fault.expected));
            assert_eq!(found, expect, "{text}");
        };
        for good in [
            "null",
            " true ",
            "-0",
            "0.5e-7",
            "1E+2",
            "\"\\u00e9\\\\\"",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1,[2,{\"a\":[]}],3]",
            "{\"a\":{\"a\":1},\"b\":[{},{}]}",
            "\"\u{7f}é\"",
        ] {
            check(good, Ok(()));
        }
        check("", Err((0, "a value")));
        check("[1,]", Err((3, "a value")));
        check("[1 2]", Err((3, "a comma or the array's closing bracket")));
        check(
            "{\"a\":1]",
            Err((6, "a comma or the object's closing brace")),
        );
        check("{\"a\" 1}", Err((5, "a colon after the member's name")));
        check("{a:1}", Err((1, "a member's name in double quotes")));
        check("01", Err((1, "a number without leading zeros")));
        check("1.", Err((2, "a digit after the point")));
        check("+1", Err((0, "a value")));
        check("1e", Err((2, "a digit of the exponent")));
        check(
            "\"a\tb\"",
            Err((2, "control characters written as escapes")),
        );
        check(
            "\"12345678\n\"",
            Err((9, "control characters written as escapes")),
        );
        check("\"abc", Err((4, "a closing quote")));
        check(
            "\"\\x\"",
            Err((2, "one of \" \\ / b f n r t u after a backslash")),
        );
        check("\"\\u12G4\"", Err((5, "four hexadecimal digits after \\u")));
        check("1 2", Err((2, "nothing after the value")));
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        check(&deep(DEPTH_MAX), Ok(()));
        check(
            &deep(DEPTH_MAX + 2),
            Err((DEPTH_MAX + 1, "values nested at most 512 deep")),
        );
        assert!(judge("[".repeat(1_000_000).as_bytes()).is_err());
    }

    #[test]
    fn the_first_special_byte_is_found_at_every_place() {
        for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
            for length in 0..40 {
                for filler in [b'a', b' ', 0x21, 0x23, 0x7F, 0x80, 0xFF, b'[', b']'] {
                    let mut text = vec![filler; length];
                    assert_eq!(next_special(&text, 0), length);
                    text.extend([special, b'"', 0]);
                    text.extend([filler; 9]);
                    assert_eq!(next_special(&text, 0), length, "{special} {filler}");
                }
            }
        }
    }

    #[test]
    fn escapes() {
        let check = |inside: &str, expect: Result<&str, usize>| {
            let text = format!("\"{inside}\"");
            let Ok(Value::String(quoted)) = Cursor::new(text.as_bytes()).value() else {
                panic!("{text} is a string");
            };
            let mut out = Vec::new();
            let found = unescape(text.as_bytes(), quoted, &mut out).map_err(|fault| fault.at);
            let found = found.map(|()| String::from_utf8(out).unwrap());
            assert_eq!(found.as_deref(), expect.as_ref().copied(), "{text}");
        };
        check("", Ok(""));
        check("plain", Ok("plain"));
        check(r#"\"\\\/\b\f\n\r\t"#, Ok("\"\\/\u{8}\u{c}\n\r\t"));
        check(r"a\u00e9b\u0000", Ok("aéb\0"));
        check(r"\ud83d\ude00!", Ok("😀!"));
        check(r"x\ud83d", Err(2));
        check(r"\ud83dx\ude00", Err(1));
        check(r"\ude00", Err(1));
        check(r"\ud83d\u0041", Err(1));
        check(r"\\ud83d", Ok(r"\ud83d"));
    }
}
