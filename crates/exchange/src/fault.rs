//! Fault points: named places between two durable steps where a test can kill the process.
//!
//! They exist in debug builds only. `LAZARET_FAULT=<name>` aborts the process, as `kill -9`
//! would, the first time that it passes there. The file path has its own, in `pipeline::fault`.

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
    RequestsAdmitted = "ingest.after_manifest",
    ObjectsWritten = "ingest.after_object",
    AnswersStored = "ingest.after_commit",
    EventsClaimed = "publish.after_claim",
    EventsDelivered = "publish.after_delivery",
    EventsMarked = "publish.after_mark",
    AttemptsStarted = "normalize.after_start",
    CanonicalWritten = "normalize.after_write",
    DeadLetterSent = "normalize.after_dead_letter",
    OffsetsCommitted = "normalize.after_commit",
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
