//! Resources one a line, as FHIR's bulk export writes them
//! (<https://hl7.org/fhir/uv/bulkdata/export.html>).

use serde_json::Value;

use crate::ingest::strict_json::{self, Fault};

/// One line that is not blank. What it holds is a patient's, so it has no debug output.
pub struct NdjsonLine {
    /// From 1.
    pub number: usize,
    /// A fault's offset counts from the line's beginning.
    pub resource: Result<Value, Fault>,
}

/// The lines of a body. A line that cannot be read does not stop the others.
pub fn read_ndjson(body: &[u8]) -> impl Iterator<Item = NdjsonLine> + '_ {
    let lines = body.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(index, line)| NdjsonLine {
            number: index + 1,
            resource: strict_json::parse(line),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_does_not_stop_the_others() {
        let body = b"{\"a\":1}\r\n\n{\"a\":\n{\"b\":2}";
        let lines: Vec<_> = read_ndjson(body).collect();
        let seen: Vec<_> = lines
            .iter()
            .map(|it| (it.number, it.resource.is_ok()))
            .collect();
        assert_eq!(seen, [(1, true), (3, false), (4, true)]);
    }
}
