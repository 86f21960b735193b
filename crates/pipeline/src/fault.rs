//! Fault points: named places between two durable steps where a test can kill the process.
//!
//! They exist in debug builds only. `LAZARET_FAULT=<name>` aborts the process, as `kill -9`
//! would, the first time that it passes there.

macro_rules! fault_points {
    ($($variant:ident = $name:literal,)*) => {
        /// A place between two durable steps.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FaultPoint {
            $($variant,)*
        }

        impl FaultPoint {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

fault_points! {
    ObjectsSeen = "discover.after_seen",
    SubmissionRegistered = "register.after_submission",
    RawCopied = "stage.after_raw_copy",
    HashRecorded = "stage.after_hash",
    ManifestWritten = "stage.after_manifest",
    Staged = "stage.after_state",
    SilverCleared = "parse.after_clear",
    SilverWritten = "parse.after_silver",
    QuarantineWritten = "parse.after_quarantine",
    ReportWritten = "parse.after_report",
    Parsed = "parse.after_state",
    Validated = "validate.after_state",
    WinnersChosen = "compete.after_winners",
    SubmitterGoldWritten = "gold.after_commit",
    SubmitterGoldRecorded = "gold.after_state",
    BuildStarted = "canonical.after_start",
    CanonicalWritten = "canonical.after_commit",
    BuildRecorded = "canonical.after_state",
}

/// Dies here if the environment says so.
#[cfg(debug_assertions)]
pub(crate) fn point(here: FaultPoint) {
    use std::sync::LazyLock;
    static WANTED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("LAZARET_FAULT").ok());
    if WANTED.as_deref() == Some(here.name()) {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn point(_here: FaultPoint) {}
