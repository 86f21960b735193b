//! What stops a contract from being compiled (the operator mends it) and a file from being read
//! at all (the submitter does). A bad row is neither: it is a value, see `outcome`.

/// A contract that cannot be compiled. The operator's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("this format cannot be read yet")]
    Format,
    #[error("the file's format cannot be read: {reason}")]
    Structure { reason: String },
    #[error("column `{column}`: the pattern is not a regular expression: {reason}")]
    Pattern { column: String, reason: String },
    #[error(
        "column `{column}`: `{format}` is not a format for a {what}: use strftime fields such as \
         %Y-%m-%d, with year, month and day"
    )]
    TimeFormat {
        column: String,
        format: String,
        what: &'static str,
    },
    #[error(
        "column `{column}`: `{format}` carries no offset, which a zoned timestamp needs: add %z, \
         or make the column a plain timestamp"
    )]
    NoOffset { column: String, format: String },
    #[error("column `{column}`: `{zone}` is not a time zone: write an IANA name")]
    Zone { column: String, zone: String },
    #[error("the natural key names `{column}`, which is no column")]
    KeyColumn { column: String },
    #[error("column `{column}`: the bound `{bound}` is not {expected}")]
    Bound {
        column: String,
        bound: String,
        expected: String,
    },
    #[error(
        "column `{column}`: decimal({precision},{scale}) needs 1 to 38 digits and a scale within them"
    )]
    DecimalSize {
        column: String,
        precision: u8,
        scale: u8,
    },
    #[error("column `{column}`: a code of its domain is longer than {max} bytes")]
    CodeTooLong { column: String, max: usize },
    #[error(
        "columns `{first}` and `{second}` are bound to the same header name: give each its own"
    )]
    HeaderTwice { first: String, second: String },
}

/// A file that cannot be read as its contract at all. Bad data, as a value: the message is for
/// the submitter and names columns of the contract only, since a file's first line may be a
/// patient's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the file is empty: send it again with its rows")]
    Empty,
    #[error("the file is {what}, not text: {remedy}")]
    NotText {
        what: &'static str,
        remedy: &'static str,
    },
    #[error(
        "the file is text in {found}, and its contract expects `{expected}`: save it so, or write \
         `encoding: {write}` in the contract's `file`"
    )]
    Encoding {
        found: &'static str,
        expected: &'static str,
        write: &'static str,
    },
    #[error(
        "the header line has {fields} fields, and the contract {columns} columns, which are found \
         by their position: send every column, or write `match: name` in the contract's `file`"
    )]
    HeaderWidth { fields: usize, columns: usize },
    #[error(
        "columns missing from the header: {}. The header line has {fields} fields. Add the \
         columns, or send the file under the contract and delimiter that it was written for",
        missing.join(", ")
    )]
    MissingColumns { missing: Vec<String>, fields: usize },
    #[error("column `{column}` is in the header more than once: keep one of them")]
    DuplicateColumn { column: String },
    #[error(
        "the file is {found}, not one JSON array of objects: {}",
        "put the objects between `[` and `]` with commas between them, or send one object per \
         line under a contract of the format json_lines"
    )]
    NotAnArray { found: &'static str },
    #[error("the file is packed ({what}), and {how}: pack it anew and send it again")]
    Damaged {
        what: &'static str,
        how: &'static str,
    },
    #[error("the header line cannot be split: {reason}")]
    BrokenHeader { reason: &'static str },
}

impl Unreadable {
    /// `object`: it begins as an object does.
    pub(crate) fn not_an_array(object: bool) -> Self {
        let found = if object {
            "a JSON object or several"
        } else {
            "something else"
        };
        Self::NotAnArray { found }
    }
}
