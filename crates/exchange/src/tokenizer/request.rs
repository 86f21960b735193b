use std::collections::BTreeSet;
use std::fmt;

use privacy::KeyVersion;
use serde::Deserialize;
use serde_json::error::Category;

use super::TokenizeError;
use super::object::Object;

/// The length of `field`, `recipient` and `id`.
const NAME_LENGTH_MAX: usize = 128;
/// More keys than anybody uses at a time.
const VERSIONS_MAX: usize = 8;

/// How much may be asked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenizeLimits {
    pub items_max: usize,
    pub value_bytes_max: usize,
}

impl Default for TokenizeLimits {
    fn default() -> TokenizeLimits {
        TokenizeLimits {
            items_max: 1_000,
            value_bytes_max: 1_024,
        }
    }
}

/// What was asked, within the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizeRequest {
    pub(super) items: Vec<TokenizeItem>,
    /// In the order in which they were asked for; without, the current key's.
    pub(super) versions: Option<Vec<KeyVersion>>,
}

/// One value. Its `id` comes back with its token, for the client to tell them by.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizeItem {
    pub(super) id: Option<String>,
    pub(super) field: String,
    pub(super) recipient: String,
    pub(super) value: String,
}

impl fmt::Debug for TokenizeItem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenizeItem")
            .finish_non_exhaustive()
    }
}

/// As it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    items: Vec<Object<TokenizeItem>>,
    versions: Option<Vec<String>>,
}

impl TokenizeRequest {
    /// The body's own size is limited by whoever reads it from the network.
    pub fn parse(body: &[u8], limits: &TokenizeLimits) -> Result<TokenizeRequest, TokenizeError> {
        let Object(document): Object<Document> =
            serde_json::from_slice(body).map_err(|error| misread(&error))?;
        let items_max = limits.items_max;
        if document.items.is_empty() || document.items.len() > items_max {
            return Err(TokenizeError::ItemCount { items_max });
        }
        let items: Vec<TokenizeItem> = document
            .items
            .into_iter()
            .map(|Object(item)| item)
            .collect();
        for (index, item) in items.iter().enumerate() {
            item.check(index, limits)?;
        }
        Ok(TokenizeRequest {
            items,
            versions: document.versions.map(versions).transpose()?,
        })
    }
}

impl TokenizeItem {
    fn check(&self, item: usize, limits: &TokenizeLimits) -> Result<(), TokenizeError> {
        let names = [
            ("field", Some(&self.field)),
            ("recipient", Some(&self.recipient)),
            ("id", self.id.as_ref()),
        ];
        for (member, name) in names {
            if !name.is_none_or(|name| is_name(name)) {
                return Err(no_name(item, member));
            }
        }
        let value_bytes_max = limits.value_bytes_max;
        if self.value.len() > value_bytes_max {
            return Err(TokenizeError::ValueTooLong {
                item,
                value_bytes_max,
            });
        }
        Ok(())
    }
}

pub(super) fn no_name(item: usize, member: &'static str) -> TokenizeError {
    TokenizeError::Name {
        item,
        member,
        length_max: NAME_LENGTH_MAX,
    }
}

/// A field that is `nhi ` once and `nhi` the next time would have two tokens for one value.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
    (1..=NAME_LENGTH_MAX).contains(&text.len()) && text.bytes().all(fits)
}

fn versions(texts: Vec<String>) -> Result<Vec<KeyVersion>, TokenizeError> {
    let versions_max = VERSIONS_MAX;
    let refused = TokenizeError::Versions { versions_max };
    let versions: Result<Vec<KeyVersion>, _> = texts.iter().map(|text| text.parse()).collect();
    let versions = versions.map_err(|_| refused.clone())?;
    let different = BTreeSet::from_iter(&versions).len();
    if versions.is_empty() || versions.len() > versions_max || different < versions.len() {
        return Err(refused);
    }
    Ok(versions)
}

/// The parser's own text may quote the body.
fn misread(error: &serde_json::Error) -> TokenizeError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Data => TokenizeError::NoRequest { line, column },
        Category::Syntax | Category::Eof | Category::Io => TokenizeError::NotJson { line, column },
    }
}
