use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::RetryPolicy;

/// What an operator sets for the file path.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the inbox in the object store; ends in `/`.
    pub inbox_prefix: String,
    /// How many folders below the inbox make up a grouping key.
    pub group_by_depth: usize,
    /// How long nothing in a group may have changed before it closes without a marker.
    pub quiescence: Duration,
    pub classifier: ClassifierKind,
    /// How long a claim holds without being renewed.
    pub lease: Duration,
    pub retry: RetryPolicy,
    /// How long gold files stay after a replacement retired them.
    pub gold_retention: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inbox_prefix: "inbox/".into(),
            group_by_depth: 3,
            quiescence: Duration::from_secs(15 * 60),
            classifier: ClassifierKind::SubmitterFilename,
            lease: Duration::from_secs(60),
            retry: RetryPolicy::default(),
            gold_retention: Duration::ZERO,
        }
    }
}

/// How a submission's feed and layout are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassifierKind {
    /// By the path (submitter, file type) and the file's name.
    SubmitterFilename,
    /// By the path's submitter and the column names in the file's header.
    Header,
}

impl ClassifierKind {
    pub const ALL: [Self; 2] = [Self::SubmitterFilename, Self::Header];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::SubmitterFilename => "submitter_filename",
            Self::Header => "header",
        }
    }
}

impl fmt::Display for ClassifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ClassifierKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| {
            format!("`{text}` is not a classifier: write `submitter_filename` or `header`")
        })
    }
}
