//! What every versioned document says of itself, and that its path says the same.

use serde_saphyr::Spanned;

use crate::document::Review;
use crate::{FileType, LayoutId};

/// File type and version as one id; told as a mistake where they are none.
pub(crate) fn check_layout(
    file_type: &Spanned<String>,
    version: &Spanned<u32>,
    review: &mut Review<'_>,
) -> Option<LayoutId> {
    check_version(version, review);
    let file_type: FileType = check_name(file_type, "medical_claim", review)?;
    Some(LayoutId {
        file_type,
        version: version.value,
    })
}

pub(crate) fn check_version(version: &Spanned<u32>, review: &mut Review<'_>) {
    if version.value == 0 {
        review.refuse(
            version,
            "versions count from 1",
            "expected 1 or more",
            "write `1`",
        );
    }
}

/// A typed name or id.
pub(crate) fn check_name<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: &Spanned<String>,
    example: &str,
    review: &mut Review<'_>,
) -> Option<T> {
    match text.value.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            let help = format!("write for example `{example}`");
            review.refuse(text, error.to_string(), "expected a valid name", help);
            None
        }
    }
}

/// Where the document lies at `{folder}/{file_type}/v{n}.{extension}`, both must be what it says.
pub(crate) fn check_path(
    folder: &str,
    file_type: &Spanned<String>,
    version: &Spanned<u32>,
    extension: &str,
    review: &mut Review<'_>,
) {
    let Some([path_type, file]) = below(review.document().path(), folder) else {
        return;
    };
    check_path_part(path_type, file_type, review);
    check_version_part(file.strip_suffix(&format!(".{extension}")), version, review);
}

pub(crate) fn check_path_part(part: &str, said: &Spanned<String>, review: &mut Review<'_>) {
    if part != said.value {
        let message = format!("the document says `{}`, its path says `{part}`", said.value);
        let help = format!("write `{part}`, or move the document");
        review.refuse(said, message, format!("expected `{part}`"), help);
    }
}

/// `part` is the `v{n}` of a path; text of another form is left to whoever lists the folder.
pub(crate) fn check_version_part(part: Option<&str>, said: &Spanned<u32>, review: &mut Review<'_>) {
    let Some(version) = part.and_then(|part| part.strip_prefix('v')?.parse::<u32>().ok()) else {
        return;
    };
    if version != said.value {
        let message = format!("the document says {}, its path says {version}", said.value);
        let help = format!("write `{version}`, or rename the file");
        review.refuse(said, message, format!("expected {version}"), help);
    }
}

/// The last N segments of a path, where the segments before them are `folder`.
pub(crate) fn below<'a, const N: usize>(path: &'a str, folder: &str) -> Option<[&'a str; N]> {
    let mut segments: Vec<&str> = path.split('/').collect();
    let tail = segments.split_off(segments.len().checked_sub(N)?);
    let folder: Vec<&str> = folder.split('/').collect();
    segments.ends_with(&folder).then(|| tail.try_into().ok())?
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn a_path_is_read_from_its_end() {
        for (path, folder, expected) in [
            (
                "contracts/claim/v1.yaml",
                "contracts",
                Some(["claim", "v1.yaml"]),
            ),
            (
                "/a/contracts/claim/v1.yaml",
                "contracts",
                Some(["claim", "v1.yaml"]),
            ),
            (
                "a/canonical/schemas/claim/v1.json",
                "canonical/schemas",
                Some(["claim", "v1.json"]),
            ),
            ("schemas/claim/v1.json", "canonical/schemas", None),
            ("contracts/v1.yaml", "contracts", None),
            ("mycontracts/claim/v1.yaml", "contracts", None),
            ("v1.yaml", "contracts", None),
        ] {
            assert_eq!(below(path, folder), expected, "{path}");
        }
    }
}
