//! One record's values, in one pass: members that the contract reads go to their columns, the
//! rest is judged and passed over. Allocates for what was never seen before only.
//!
//! Members mostly come in the order of the record before, so each name is first compared with
//! the one that followed last time, and looked up only where it is another.

use super::members::{Members, Node, ReadAs, UNKNOWN_NAME_BYTES_MAX, UNKNOWN_NAMES_MAX};
use super::number::write_plain;
use super::text::{Cursor, Fault, Value, unescape};

/// Reads records one after another.
#[derive(Debug)]
pub(crate) struct RecordReader<'m> {
    members: &'m Members,
    names: Vec<Names>,
    /// By member of the contract: the last record that has it.
    seen: Vec<u64>,
    records: u64,
    /// By column.
    slots: Vec<Slot>,
    /// Text that is not in the record as it is.
    written: Vec<u8>,
    name: Vec<u8>,
}

/// Where a column's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Absent,
    Null,
    InRecord { start: usize, end: usize },
    Written { start: usize, end: usize },
    True,
    False,
}

/// The names of one node's members, as far as they were seen.
#[derive(Debug, Default)]
struct Names {
    seen: Vec<Name>,
    by_name: std::collections::HashMap<Box<[u8]>, usize>,
    /// The name that came first in the object before.
    first: usize,
    unknown: usize,
}

#[derive(Debug)]
struct Name {
    name: Box<[u8]>,
    /// Which member of the node it is, if the contract reads it.
    member: Option<usize>,
    /// The name that came after it last.
    next: usize,
}

impl<'m> RecordReader<'m> {
    pub(crate) fn new(members: &'m Members) -> Self {
        let names = || Names::default();
        Self {
            members,
            names: members.nodes.iter().map(|_| names()).collect(),
            seen: vec![0; members.count],
            records: 0,
            slots: vec![Slot::Absent; members.columns.len()],
            written: Vec::new(),
            name: Vec::new(),
        }
    }

    /// Reads a record; [`Self::field`] then has its values.
    pub(crate) fn read(&mut self, record: &[u8]) -> Result<(), Fault> {
        self.records += 1;
        self.slots.fill(Slot::Absent);
        self.written.clear();
        let mut cursor = Cursor::new(record);
        cursor.skip_space();
        if cursor.peek() != Some(b'{') {
            return Err(cursor.fault("an object in braces"));
        }
        self.object(&mut cursor, 0)?;
        cursor.end("nothing after the object's closing brace")
    }

    /// The text of a column in the record that was read last; empty where it has no value.
    #[inline]
    pub(crate) fn field<'r>(&'r self, record: &'r [u8], column: usize) -> &'r [u8] {
        match self.slots[column] {
            Slot::Absent | Slot::Null => b"",
            Slot::InRecord { start, end } => &record[start..end],
            Slot::Written { start, end } => &self.written[start..end],
            Slot::True => self.word(column, true).as_bytes(),
            Slot::False => self.word(column, false).as_bytes(),
        }
    }

    fn word(&self, column: usize, value: bool) -> &str {
        match (&self.members.columns[column], value) {
            (ReadAs::Boolean(word, _), true) | (ReadAs::Boolean(_, word), false) => word,
            (_, true) => "true",
            (_, false) => "false",
        }
    }

    /// The paths of members that the contract does not read, as far as they are remembered.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = String> {
        let nodes = self.names.iter().zip(&self.members.nodes);
        nodes.flat_map(|(names, node)| {
            let unknown = names.seen.iter().filter(|name| name.member.is_none());
            unknown.map(|name| format!("{}{}", node.path, String::from_utf8_lossy(&name.name)))
        })
    }

    /// The object at whose brace the cursor stands.
    fn object(&mut self, cursor: &mut Cursor<'_>, node: usize) -> Result<(), Fault> {
        cursor.at += 1;
        cursor.skip_space();
        if cursor.eat(b'}') {
            return Ok(());
        }
        let mut before = None;
        loop {
            let start = cursor.at;
            let quoted = cursor.name()?;
            let text = cursor.text();
            let found = if quoted.escaped {
                self.name.clear();
                unescape(text, quoted, &mut self.name)?;
                let of_contract = &self.members.nodes[node];
                self.names[node].find(of_contract, &mut before, &self.name)
            } else {
                let name = &text[quoted.start..quoted.end];
                self.names[node].find(&self.members.nodes[node], &mut before, name)
            };
            match found {
                Some(member) => self.member(cursor, node, member, start)?,
                None => {
                    cursor.value()?;
                }
            }
            cursor.skip_space();
            if cursor.eat(b',') {
                cursor.skip_space();
            } else if cursor.eat(b'}') {
                return Ok(());
            } else {
                return Err(cursor.fault("a comma or the object's closing brace"));
            }
        }
    }

    /// The array at whose bracket the cursor stands, some of whose elements are read.
    fn array(&mut self, cursor: &mut Cursor<'_>, node: usize) -> Result<(), Fault> {
        cursor.at += 1;
        cursor.skip_space();
        if cursor.eat(b']') {
            return Ok(());
        }
        for element in 0usize.. {
            let members = &self.members.nodes[node].members;
            let place = |name: &str| name.parse() == Ok(element);
            match members.iter().position(|member| place(&member.name)) {
                Some(member) => self.member(cursor, node, member, cursor.at)?,
                None => {
                    cursor.value()?;
                }
            }
            cursor.skip_space();
            if cursor.eat(b']') {
                break;
            }
            if !cursor.eat(b',') {
                return Err(cursor.fault("a comma or the array's closing bracket"));
            }
            cursor.skip_space();
        }
        Ok(())
    }

    /// The value of a member that the contract reads.
    fn member(
        &mut self,
        cursor: &mut Cursor<'_>,
        node: usize,
        member: usize,
        start: usize,
    ) -> Result<(), Fault> {
        let members = self.members;
        let member = &members.nodes[node].members[member];
        let twice = Fault {
            at: start,
            expected: "each member that the contract reads once only",
        };
        if std::mem::replace(&mut self.seen[member.id], self.records) == self.records {
            return Err(twice);
        }
        let start = cursor.at;
        let value = match (member.node, cursor.peek()) {
            (Some(child), Some(b'{')) => {
                self.object(cursor, child)?;
                let end = cursor.at;
                Value::Nested { start, end }
            }
            (Some(child), Some(b'[')) if has_elements(&members.nodes[child]) => {
                self.array(cursor, child)?;
                let end = cursor.at;
                Value::Nested { start, end }
            }
            (Some(_), _) => {
                let value = cursor.value()?;
                if member.column.is_none() && value != Value::Null {
                    let expected = "an object, of which the contract reads members";
                    let at = start;
                    return Err(Fault { at, expected });
                }
                value
            }
            (None, _) => cursor.value()?,
        };
        if let Some(column) = member.column {
            if self.slots[column] != Slot::Absent {
                return Err(twice);
            }
            self.slots[column] = self.slot(cursor.text(), column, value)?;
        }
        Ok(())
    }

    #[inline]
    fn slot(&mut self, record: &[u8], column: usize, value: Value) -> Result<Slot, Fault> {
        Ok(match value {
            Value::Null => Slot::Null,
            Value::True => Slot::True,
            Value::False => Slot::False,
            Value::String(quoted) if quoted.escaped => {
                let start = self.written.len();
                unescape(record, quoted, &mut self.written)?;
                self.written_from(start)
            }
            Value::String(quoted) => Slot::InRecord {
                start: quoted.start,
                end: quoted.end,
            },
            Value::Nested { start, end } => Slot::InRecord { start, end },
            Value::Number { start, end, whole } => match self.members.columns[column] {
                ReadAs::Whole if !whole => {
                    let written = self.written.len();
                    write_plain(&record[start..end], true, &mut self.written);
                    self.written_from(written)
                }
                ReadAs::Decimal if !whole && has_exponent(&record[start..end]) => {
                    let written = self.written.len();
                    write_plain(&record[start..end], false, &mut self.written);
                    self.written_from(written)
                }
                _ => Slot::InRecord { start, end },
            },
        })
    }

    fn written_from(&self, start: usize) -> Slot {
        let end = self.written.len();
        Slot::Written { start, end }
    }
}

fn has_elements(node: &Node) -> bool {
    let place = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    node.members.iter().any(|member| place(&member.name))
}

fn has_exponent(number: &[u8]) -> bool {
    number.iter().any(|byte| matches!(byte, b'e' | b'E'))
}

impl Names {
    /// The member of that name, if the contract reads it. `before`: the name that came before in
    /// the same object.
    #[inline]
    fn find(&mut self, node: &Node, before: &mut Option<usize>, name: &[u8]) -> Option<usize> {
        let expected = before.map_or(self.first, |before| self.seen[before].next);
        if let Some(seen) = self.seen.get(expected)
            && *seen.name == *name
        {
            *before = Some(expected);
            return seen.member;
        }
        self.look_up(node, before, name)
    }

    fn look_up(&mut self, node: &Node, before: &mut Option<usize>, name: &[u8]) -> Option<usize> {
        let known = self.by_name.get(name).copied();
        let at = known.or_else(|| self.remember(node, name))?;
        match *before {
            Some(before) => self.seen[before].next = at,
            None => self.first = at,
        }
        *before = Some(at);
        self.seen[at].member
    }

    /// A name that was not seen before; absent where it is not to be remembered.
    #[cold]
    fn remember(&mut self, node: &Node, name: &[u8]) -> Option<usize> {
        let member = node.by_name.get(name).copied();
        if member.is_none() {
            if self.unknown == UNKNOWN_NAMES_MAX || name.len() > UNKNOWN_NAME_BYTES_MAX {
                return None;
            }
            self.unknown += 1;
        }
        let at = self.seen.len();
        self.by_name.insert(name.into(), at);
        self.seen.push(Name {
            name: name.into(),
            member,
            next: at + 1,
        });
        Some(at)
    }
}
