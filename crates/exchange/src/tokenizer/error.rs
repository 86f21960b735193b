use privacy::KeyVersion;

use crate::auth::Refusal;

/// Why there is no answer. Tells places and limits, never what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenizeError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the body is not JSON; it breaks off or goes wrong at line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error(
        "the body is no request; it goes wrong at line {line}, column {column}: `items` is a list of \
         objects with the texts `field`, `recipient`, `value` and perhaps `id`; `versions` may be \
         a list of texts; nothing else, and nothing twice"
    )]
    NoRequest { line: usize, column: usize },
    #[error("a request has 1 to {items_max} items")]
    ItemCount { items_max: usize },
    #[error(
        "`{member}` is 1 to {length_max} letters, digits or any of `_ - . : /`, in ASCII, to be \
         told apart by eye"
    )]
    Name {
        item: usize,
        member: &'static str,
        length_max: usize,
    },
    #[error("a value is at most {value_bytes_max} bytes")]
    ValueTooLong { item: usize, value_bytes_max: usize },
    #[error("the value is empty, and what is missing has no token")]
    NoValue { item: usize },
    #[error("`versions` is 1 to {versions_max} different texts as `v1`")]
    Versions { versions_max: usize },
    #[error("there is no key {version}")]
    NoKey { version: KeyVersion },
    /// The item's recipient is not one of this client's.
    #[error("{refusal}")]
    RefusedItem { item: usize, refusal: Refusal },
}

impl TokenizeError {
    /// The HTTP status (RFC 9110).
    pub fn status(&self) -> u16 {
        match self {
            TokenizeError::Refused(refusal) | TokenizeError::RefusedItem { refusal, .. } => {
                refusal.status()
            }
            TokenizeError::NotJson { .. } => 400,
            TokenizeError::NoRequest { .. }
            | TokenizeError::ItemCount { .. }
            | TokenizeError::Name { .. }
            | TokenizeError::ValueTooLong { .. }
            | TokenizeError::NoValue { .. }
            | TokenizeError::Versions { .. }
            | TokenizeError::NoKey { .. } => 422,
        }
    }

    /// What programs tell errors by; stays as it is.
    pub fn code(&self) -> &'static str {
        match self {
            TokenizeError::Refused(refusal) | TokenizeError::RefusedItem { refusal, .. } => {
                refusal.code()
            }
            TokenizeError::NotJson { .. } => "invalid-json",
            TokenizeError::NoRequest { .. } => "invalid-request",
            TokenizeError::ItemCount { .. } => "item-count",
            TokenizeError::Name { .. } => "invalid-name",
            TokenizeError::ValueTooLong { .. } => "value-too-long",
            TokenizeError::NoValue { .. } => "value-empty",
            TokenizeError::Versions { .. } => "invalid-versions",
            TokenizeError::NoKey { .. } => "unknown-key-version",
        }
    }

    /// Where in the request it is, as a JSON pointer (RFC 6901).
    pub fn pointer(&self) -> Option<String> {
        match self {
            TokenizeError::Refused(_)
            | TokenizeError::NotJson { .. }
            | TokenizeError::NoRequest { .. } => None,
            TokenizeError::ItemCount { .. } => Some("/items".to_owned()),
            TokenizeError::Name { item, member, .. } => Some(format!("/items/{item}/{member}")),
            TokenizeError::ValueTooLong { item, .. } | TokenizeError::NoValue { item } => {
                Some(format!("/items/{item}/value"))
            }
            TokenizeError::RefusedItem { item, .. } => Some(format!("/items/{item}/recipient")),
            TokenizeError::Versions { .. } | TokenizeError::NoKey { .. } => {
                Some("/versions".to_owned())
            }
        }
    }
}
