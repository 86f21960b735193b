//! The body's `Content-Type` (RFC 9110, 8.3).

/// What a body says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`.
    Json,
    /// `application/fhir+json`.
    FhirJson,
}

/// Any other, none, or JSON in another encoding than UTF-8 (RFC 8259 knows no other).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not application/json or application/fhir+json in UTF-8")]
pub struct UnsupportedMediaType;

impl MediaType {
    /// Reads a header's value. Parameters other than `charset` (FHIR's `fhirVersion`) are passed
    /// over.
    ///
    /// # Errors
    /// For anything that is not taken.
    pub fn parse(header: &[u8]) -> Result<Self, UnsupportedMediaType> {
        let text = std::str::from_utf8(header).map_err(|_| UnsupportedMediaType)?;
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let media_type = if name.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if name.eq_ignore_ascii_case("application/fhir+json") {
            Self::FhirJson
        } else {
            return Err(UnsupportedMediaType);
        };
        if parts.all(|parameter| !is_other_charset(parameter)) {
            Ok(media_type)
        } else {
            Err(UnsupportedMediaType)
        }
    }
}

fn is_other_charset(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let charset = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("charset") && !charset.eq_ignore_ascii_case("utf-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_utf_8_is_taken_and_nothing_else() {
        let cases = [
            ("application/json", Ok(MediaType::Json)),
            ("Application/JSON; charset=UTF-8", Ok(MediaType::Json)),
            ("application/json;charset=\"utf-8\"", Ok(MediaType::Json)),
            (
                "application/fhir+json; fhirVersion=4.0",
                Ok(MediaType::FhirJson),
            ),
            (
                "application/json; charset=utf-16",
                Err(UnsupportedMediaType),
            ),
            ("application/jsonp", Err(UnsupportedMediaType)),
            ("text/json", Err(UnsupportedMediaType)),
            ("application/json, text/plain", Err(UnsupportedMediaType)),
            ("", Err(UnsupportedMediaType)),
        ];
        for (header, expected) in cases {
            assert_eq!(MediaType::parse(header.as_bytes()), expected, "{header}");
        }
    }
}
