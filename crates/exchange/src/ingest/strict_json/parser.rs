//! The grammar of RFC 8259 by recursive descent, bounded by the depth limit.

use serde_json::{Map, Value};

use super::{Fault, FaultRule, number, text};
use crate::records::Pointer;

pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth_max: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, depth_max: usize) -> Self {
        Self {
            text,
            at: 0,
            depth_max,
        }
    }

    pub(super) fn document(mut self) -> Result<Value, Fault> {
        let value = self.value(0)?;
        self.skip_blanks();
        if self.at < self.text.len() {
            return Err(self.fault(FaultRule::Trailing));
        }
        Ok(value)
    }

    /// A value with the blanks before it. `depth` counts the arrays and objects around it.
    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.fault(FaultRule::Syntax)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        self.open(depth)?;
        let mut members = Map::new();
        if self.closes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_blanks();
            let name_at = self.at;
            let name = self.string()?;
            if members.contains_key(&name) {
                return Err(Fault {
                    rule: FaultRule::DuplicateMember,
                    pointer: Pointer::root().member(&name),
                    offset: name_at,
                });
            }
            self.skip_blanks();
            self.take(b':')?;
            let value = self.value(depth + 1).map_err(|fault| Fault {
                pointer: fault.pointer.within(&name),
                ..fault
            })?;
            members.insert(name, value);
            if self.closes(b'}') {
                return Ok(Value::Object(members));
            }
            self.take(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        self.open(depth)?;
        let mut items = Vec::new();
        if self.closes(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            let item = self.value(depth + 1).map_err(|fault| Fault {
                pointer: fault.pointer.within_item(items.len()),
                ..fault
            })?;
            items.push(item);
            if self.closes(b']') {
                return Ok(Value::Array(items));
            }
            self.take(b',')?;
        }
    }

    /// Steps over the bracket that was seen.
    fn open(&mut self, depth: usize) -> Result<(), Fault> {
        if depth >= self.depth_max {
            return Err(self.fault(FaultRule::Depth));
        }
        self.at += 1;
        Ok(())
    }

    fn closes(&mut self, bracket: u8) -> bool {
        self.skip_blanks();
        let closes = self.peek() == Some(bracket);
        if closes {
            self.at += 1;
        }
        closes
    }

    fn string(&mut self) -> Result<String, Fault> {
        self.take(b'"')?;
        let rest = &self.text[self.at..];
        let (string, length) = text::read(rest).map_err(|(rule, offset)| Fault {
            rule,
            pointer: Pointer::root(),
            offset: self.at + offset,
        })?;
        self.at += length;
        Ok(string)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let (number, length) =
            number::read(&self.text[self.at..]).map_err(|rule| self.fault(rule))?;
        self.at += length;
        Ok(Value::Number(number))
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Fault> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault(FaultRule::Syntax));
        }
        self.at += word.len();
        Ok(value)
    }

    fn take(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(self.fault(FaultRule::Syntax));
        }
        self.at += 1;
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fault(&self, rule: FaultRule) -> Fault {
        Fault {
            rule,
            pointer: Pointer::root(),
            offset: self.at,
        }
    }
}
