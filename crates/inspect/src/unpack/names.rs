//! What a file's or a member's name tells.

/// Why a member of an archive is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    Directory,
    /// What macOS adds to archives: `__MACOSX/`, `._name`.
    MacMetadata,
    /// Its name begins with a point.
    Hidden,
    SystemFile,
}

impl PassedOver {
    pub(super) fn of(name: &str) -> Option<Self> {
        let base = name.rsplit('/').next().unwrap_or(name);
        if name.ends_with('/') || name.ends_with('\\') {
            Some(Self::Directory)
        } else if name.split('/').any(|part| part == "__MACOSX") || base.starts_with("._") {
            Some(Self::MacMetadata)
        } else if name
            .split('/')
            .any(|part| part.starts_with('.') && part != "." && part != "..")
        {
            Some(Self::Hidden)
        } else if ["thumbs.db", "desktop.ini"].contains(&base.to_lowercase().as_str()) {
            Some(Self::SystemFile)
        } else {
            None
        }
    }
}

/// A file's name without the ending that says how it is compressed: names are compared with and
/// without it.
pub fn packed_base_name(name: &str) -> &str {
    for ending in [".gz", ".gzip", ".zst", ".zstd"] {
        if let Some(at) = name.len().checked_sub(ending.len())
            && at > 0
            && name.is_char_boundary(at)
            && name[at..].eq_ignore_ascii_case(ending)
        {
            return &name[..at];
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, expect: Option<PassedOver>| {
            assert_eq!(PassedOver::of(name), expect, "{name}");
        };
        check("claims.csv", None);
        check("2024/claims.csv", None);
        check("../claims.csv", None);
        check("2024/", Some(PassedOver::Directory));
        check("__MACOSX/._claims.csv", Some(PassedOver::MacMetadata));
        check("a/._b", Some(PassedOver::MacMetadata));
        check(".DS_Store", Some(PassedOver::Hidden));
        check("a/.git/config", Some(PassedOver::Hidden));
        check("a/Thumbs.db", Some(PassedOver::SystemFile));
        assert_eq!(packed_base_name("claims.csv.GZ"), "claims.csv");
        assert_eq!(packed_base_name("claims.zst"), "claims");
        assert_eq!(packed_base_name("claims.csv"), "claims.csv");
        assert_eq!(packed_base_name(".gz"), ".gz");
    }
}
