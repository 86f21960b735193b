//! Records of JSON: the contract's paths as objects and arrays around its values.

use std::collections::BTreeMap;

use contract::{Column, ColumnType};

use super::error::TwinError;
use super::layout::Cell;

/// An array is written with all elements up to the last that a column reads.
const ELEMENTS_MAX: usize = 1000;

/// The members of a record, in the order of the contract.
#[derive(Debug)]
pub(super) struct Tree {
    root: Node,
    kinds: Vec<Kind>,
}

#[derive(Debug)]
enum Node {
    Column(usize),
    Object(Vec<(String, Node)>),
    /// Elements by their place; those between are null.
    Array(BTreeMap<usize, Node>),
}

/// What a value may be beside a string.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Boolean,
}

impl Tree {
    pub(super) fn of(columns: &[Column]) -> Result<Self, TwinError> {
        let mut root = Node::Object(Vec::new());
        for (at, column) in columns.iter().enumerate() {
            let path: Vec<&str> = column.header.split('.').collect();
            if !insert(&mut root, &path, at) {
                return Err(TwinError::Layout {
                    reason: format!(
                        "the member of column `{}` is inside that of another, or holds one",
                        column.name
                    ),
                });
            }
        }
        let kind = |column: &Column| match column.column_type {
            ColumnType::Integer | ColumnType::Decimal { .. } => Kind::Number,
            ColumnType::Boolean { .. } => Kind::Boolean,
            _ => Kind::Text,
        };
        Ok(Self {
            root,
            kinds: columns.iter().map(kind).collect(),
        })
    }

    /// `empty_is_left_out`: a cell without text has no member; otherwise its member is null.
    pub(super) fn write(&self, cells: &[Cell], empty_is_left_out: bool, out: &mut Vec<u8>) {
        self.node(&self.root, cells, empty_is_left_out, out);
    }

    fn node(&self, node: &Node, cells: &[Cell], leave_out: bool, out: &mut Vec<u8>) {
        match node {
            Node::Column(at) => self.value(&cells[*at], self.kinds[*at], out),
            Node::Object(members) => {
                out.push(b'{');
                let mut first = true;
                for (name, member) in members {
                    let empty = |at: usize| cells[at] == Cell::Text(String::new());
                    if leave_out && matches!(member, Node::Column(at) if empty(*at)) {
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        out.push(b',');
                    }
                    string(name, out);
                    out.push(b':');
                    self.node(member, cells, leave_out, out);
                }
                out.push(b'}');
            }
            Node::Array(elements) => {
                out.push(b'[');
                let last = elements.keys().next_back().copied().unwrap_or(0);
                for place in 0..=last {
                    if place > 0 {
                        out.push(b',');
                    }
                    match elements.get(&place) {
                        Some(element) => self.node(element, cells, leave_out, out),
                        None => out.extend_from_slice(b"null"),
                    }
                }
                out.push(b']');
            }
        }
    }

    fn value(&self, cell: &Cell, kind: Kind, out: &mut Vec<u8>) {
        match cell {
            Cell::Raw(bytes) => {
                out.push(b'"');
                out.extend_from_slice(bytes);
                out.push(b'"');
            }
            Cell::Text(text) if text.is_empty() => out.extend_from_slice(b"null"),
            Cell::Text(text) => {
                let plain = match kind {
                    Kind::Text => false,
                    Kind::Number => is_number(text),
                    Kind::Boolean => matches!(text.as_str(), "true" | "false"),
                };
                if plain {
                    out.extend_from_slice(text.as_bytes());
                } else {
                    string(text, out);
                }
            }
        }
    }
}

fn insert(node: &mut Node, path: &[&str], column: usize) -> bool {
    let Some((name, rest)) = path.split_first() else {
        return false;
    };
    let child = || match rest.first().map(|name| name.parse::<usize>()) {
        None => Node::Column(column),
        Some(Ok(_)) => Node::Array(BTreeMap::new()),
        Some(Err(_)) => Node::Object(Vec::new()),
    };
    let (member, is_new) = match node {
        Node::Column(_) => return false,
        Node::Object(members) => match members.iter().position(|(known, _)| known == name) {
            Some(at) => (&mut members[at].1, false),
            None => {
                members.push(((*name).to_owned(), child()));
                let last = members.len() - 1;
                (&mut members[last].1, true)
            }
        },
        Node::Array(elements) => {
            let Some(place) = name.parse().ok().filter(|place| *place < ELEMENTS_MAX) else {
                return false;
            };
            let is_new = !elements.contains_key(&place);
            (elements.entry(place).or_insert_with(child), is_new)
        }
    };
    if rest.is_empty() {
        is_new
    } else {
        insert(member, rest, column)
    }
}

/// RFC 8259, section 6, without an exponent.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend([b'\\', character as u8]),
            control if u32::from(control) < 0x20 => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
            }
            other => {
                let mut buffer = [0; 4];
                out.extend_from_slice(other.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    out.push(b'"');
}
