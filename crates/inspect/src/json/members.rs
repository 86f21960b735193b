//! Which members of a record are columns: the contract's paths as a tree.
//!
//! A path is the names of members inside each other with points between them (`patient.id`).
//! Where an array stands, a name of digits is the place of an element, from 0
//! (`name.0.family`). A single member whose own name has points (`"patient.id"`) is found too.

use std::collections::HashMap;

use crate::plan::{ColumnPlan, Kind};

/// Names that are remembered for an object beside those that the contract knows: records whose
/// names are values (`{"A123": …, "A124": …}`) must not fill the memory.
pub(crate) const UNKNOWN_NAMES_MAX: usize = 1000;
/// A longer name is not remembered.
pub(crate) const UNKNOWN_NAME_BYTES_MAX: usize = 256;

/// The members that are read. Node 0 is the record.
#[derive(Debug, Clone)]
pub(crate) struct Members {
    pub(super) nodes: Vec<Node>,
    pub(super) columns: Vec<ReadAs>,
    /// How many members there are in all nodes.
    pub(super) count: usize,
}

/// An object, or an array, of which members are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// The path to it with a point at its end; empty for the record.
    pub(super) path: String,
    pub(super) members: Vec<Member>,
    pub(super) by_name: HashMap<Box<[u8]>, usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Among all members of the contract.
    pub(super) id: usize,
    pub(super) name: Box<str>,
    pub(super) column: Option<usize>,
    pub(super) node: Option<usize>,
}

/// What a column makes of values that are no strings.
#[derive(Debug, Clone)]
pub(super) enum ReadAs {
    /// As the JSON text has them.
    Text,
    /// Numbers in plain notation.
    Whole,
    Decimal,
    /// With spellings of true and false.
    Boolean(Box<str>, Box<str>),
}

impl Members {
    /// `paths`: those of each column, of which one is to be there.
    pub(crate) fn of<'p>(
        columns: &[ColumnPlan],
        paths: impl Iterator<Item = Vec<&'p str>>,
    ) -> Self {
        let mut members = Self {
            nodes: vec![Node::default()],
            columns: columns
                .iter()
                .map(|column| ReadAs::of(&column.kind))
                .collect(),
            count: 0,
        };
        for (column, paths) in paths.enumerate() {
            for path in paths {
                members.insert(0, path, column);
            }
        }
        members
    }

    fn insert(&mut self, node: usize, path: &str, column: usize) {
        let member = self.member(node, path);
        self.nodes[node].members[member]
            .column
            .get_or_insert(column);
        let Some((name, rest)) = path.split_once('.') else {
            return;
        };
        let member = self.member(node, name);
        let child = match self.nodes[node].members[member].node {
            Some(child) => child,
            None => {
                let child = self.nodes.len();
                let path = format!("{}{name}.", self.nodes[node].path);
                self.nodes.push(Node {
                    path,
                    ..Node::default()
                });
                self.nodes[node].members[member].node = Some(child);
                child
            }
        };
        self.insert(child, rest, column);
    }

    /// The member of that name, which is added where it is not there.
    fn member(&mut self, node: usize, name: &str) -> usize {
        let Node {
            members, by_name, ..
        } = &mut self.nodes[node];
        *by_name.entry(name.as_bytes().into()).or_insert_with(|| {
            members.push(Member {
                id: self.count,
                name: name.into(),
                column: None,
                node: None,
            });
            self.count += 1;
            members.len() - 1
        })
    }
}

impl ReadAs {
    fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Integer { .. } => Self::Whole,
            Kind::Decimal { .. } => Self::Decimal,
            Kind::Boolean { truthy, falsy } => {
                let spelling = |spellings: &[String], word: &str| {
                    let same = spellings.iter().any(|one| one.eq_ignore_ascii_case(word));
                    let first = spellings.first().filter(|_| !same);
                    first.map_or(word, String::as_str).into()
                };
                Self::Boolean(spelling(truthy, "true"), spelling(falsy, "false"))
            }
            Kind::Text | Kind::Date { .. } | Kind::Timestamp { .. } => Self::Text,
        }
    }
}
