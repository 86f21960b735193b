//! The members of JSON records as paths, in the order in which they first appear: objects inside
//! objects are gone into; an array is one value, which a text column keeps as its JSON.

use std::collections::{HashMap, HashSet};

use contract::{Contract, FileFormat, Shape};

use super::Sample;
use crate::error::Unreadable;
use crate::json::{Cursor, Fault};
use crate::plan::Plan;
use crate::splitter::Splitter;

/// Paths beyond these are left out: names that are values would fill a contract.
const PATHS_MAX: usize = 2000;
/// Objects nested deeper are one value.
const DEPTH_MAX: usize = 16;

/// How a text of JSON holds its records; nothing where it is none.
pub(super) fn shape(text: &str) -> Option<Shape> {
    let text = text.trim_start();
    if text.starts_with('{') {
        return Some(Shape::JsonLines);
    }
    let inside = text.strip_prefix('[')?.trim_start();
    (inside.is_empty() || inside.starts_with(['{', ']'])).then_some(Shape::JsonArray)
}

#[derive(Default)]
struct Paths {
    order: Vec<String>,
    known: HashMap<String, Seen>,
}

/// What a member was, over all records.
#[derive(Clone, Copy, Default)]
struct Seen {
    value: bool,
    object: bool,
}

pub(super) fn paths(format: &FileFormat, samples: &[Sample]) -> Result<Vec<String>, Unreadable> {
    let layout = "drafted_file@v1".parse().expect("a layout id");
    let nothing = Contract::new(layout, format.clone(), Vec::new());
    let plan = Plan::compile(&nothing).expect("no column needs no compiling");
    let mut paths = Paths::default();
    for sample in samples {
        let mut splitter = Splitter::new(&plan.for_file(&sample.file_name));
        let mut blocks = splitter.push(sample.whole())?;
        blocks.extend(splitter.finish()?.0);
        for block in &blocks {
            for span in &block.records {
                let record = &block.raw[span.start as usize..span.end as usize];
                // A record that is no object is counted when the sample is read.
                let _ = paths.record(record);
            }
        }
    }
    if paths.order.is_empty() {
        return Err(Unreadable::Empty);
    }
    Ok(paths.columns())
}

impl Paths {
    fn record(&mut self, record: &[u8]) -> Result<(), Fault> {
        let mut cursor = Cursor::new(record);
        cursor.skip_space();
        if cursor.peek() != Some(b'{') {
            return Err(cursor.fault("an object"));
        }
        self.object(&mut cursor, "", 0)
    }

    fn object(&mut self, cursor: &mut Cursor<'_>, prefix: &str, depth: usize) -> Result<(), Fault> {
        cursor.eat(b'{');
        cursor.skip_space();
        if cursor.eat(b'}') {
            return Ok(());
        }
        loop {
            let quoted = cursor.name()?;
            let name = &cursor.text()[quoted.start - 1..=quoted.end];
            let name = serde_json::from_slice::<String>(name).unwrap_or_default();
            let path = format!("{prefix}{name}");
            match cursor.peek() {
                Some(b'{') if depth < DEPTH_MAX => {
                    self.see(&path).object = true;
                    self.object(cursor, &format!("{path}."), depth + 1)?;
                }
                first => {
                    let seen = self.see(&path);
                    seen.value |= first != Some(b'n');
                    cursor.value()?;
                }
            }
            cursor.skip_space();
            if cursor.eat(b'}') {
                return Ok(());
            }
            if !cursor.eat(b',') {
                return Err(cursor.fault("a comma"));
            }
            cursor.skip_space();
        }
    }

    fn see(&mut self, path: &str) -> &mut Seen {
        if !self.known.contains_key(path) && self.order.len() < PATHS_MAX {
            self.order.push(path.to_owned());
        }
        self.known.entry(path.to_owned()).or_default()
    }

    /// What is a value somewhere is a column; where it is an object elsewhere it is kept whole,
    /// and its members are no columns.
    fn columns(self) -> Vec<String> {
        let whole: HashSet<&String> = (self.known.iter())
            .filter(|(_, seen)| seen.object && seen.value)
            .map(|(path, _)| path)
            .collect();
        let inside_whole = |path: &str| {
            path.match_indices('.')
                .any(|(at, _)| whole.contains(&path[..at].to_owned()))
        };
        let is_column = |path: &&String| {
            let seen = self.known[*path];
            (seen.value || !seen.object) && !inside_whole(path)
        };
        self.order.iter().filter(is_column).cloned().collect()
    }
}
