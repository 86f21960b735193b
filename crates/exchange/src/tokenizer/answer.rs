use std::collections::BTreeMap;
use std::fmt;

use privacy::{Domain, KeyRing, KeyVersion, Normalisation, Token, TokenError};
use serde::Serialize;

use super::{TokenizeError, TokenizeItem, TokenizeRequest};
use crate::auth::{Principal, Scope};

/// How values are made alike before they are tokenised. A change changes the field's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizerSettings {
    pub fields: BTreeMap<String, Normalisation>,
    /// For fields that are not named.
    pub other_fields: Normalisation,
}

/// Answers requests for tokens.
#[derive(Debug)]
pub struct Tokenizer {
    keys: KeyRing,
    settings: TokenizerSettings,
}

/// The tokens, in the order of the request's items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenizeAnswer {
    /// The key that makes new tokens.
    pub current: KeyVersion,
    /// The key before it, while tokens of both are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<KeyVersion>,
    pub items: Vec<TokenizedItem>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TokenizedItem {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What was done to the value before.
    pub normalisation: Normalisation,
    /// One for each version that was asked for, in that order.
    pub tokens: Vec<Token>,
}

/// A client's `id` may be anything.
impl fmt::Debug for TokenizedItem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenizedItem")
            .field("normalisation", &self.normalisation)
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    pub fn new(keys: KeyRing, settings: TokenizerSettings) -> Tokenizer {
        Tokenizer { keys, settings }
    }

    /// The tokens of all items, if the client may have all of them.
    pub fn answer(
        &self,
        principal: &Principal,
        request: &TokenizeRequest,
    ) -> Result<TokenizeAnswer, TokenizeError> {
        principal.may(Scope::Tokenize)?;
        // Before any token is made: a refusal must not take longer the more was permitted.
        for (item, asked) in request.items.iter().enumerate() {
            principal
                .may_tokenize_for(&asked.recipient)
                .map_err(|refusal| TokenizeError::RefusedItem { item, refusal })?;
        }
        let current = [self.keys.current()];
        let versions = request.versions.as_deref().unwrap_or(&current);
        let items = request.items.iter().enumerate();
        let items = items.map(|(index, item)| self.tokenize(index, item, versions));
        Ok(TokenizeAnswer {
            current: self.keys.current(),
            previous: self.keys.previous(),
            items: items.collect::<Result<_, _>>()?,
        })
    }

    fn tokenize(
        &self,
        index: usize,
        item: &TokenizeItem,
        versions: &[KeyVersion],
    ) -> Result<TokenizedItem, TokenizeError> {
        let named = self.settings.fields.get(&item.field);
        let normalisation = *named.unwrap_or(&self.settings.other_fields);
        let domain = Domain::new(&item.field, &item.recipient, normalisation);
        let tokens = domain.and_then(|domain| {
            let token = |version: &KeyVersion| self.keys.token_by(*version, &domain, &item.value);
            versions.iter().map(token).collect()
        });
        Ok(TokenizedItem {
            id: item.id.clone(),
            normalisation,
            tokens: tokens.map_err(|error| placed(index, error))?,
        })
    }
}

fn placed(item: usize, error: TokenError) -> TokenizeError {
    match error {
        TokenError::NoValue => TokenizeError::NoValue { item },
        TokenError::NoKey { version } => TokenizeError::NoKey { version },
        TokenError::NoField => super::request::no_name(item, "field"),
        TokenError::NoRecipient => super::request::no_name(item, "recipient"),
    }
}
