//! The idempotency key of one entry of a bundle.
//!
//! A client that repeats a bundle under the same key must meet the same records, also when it
//! lists the entries in another order, and must be told when an entry says something else than
//! before. So an entry's key is made of the bundle's key and of what names the entry: its
//! `fullUrl`, which FHIR keeps unique within a bundle, or its position where it has none. What
//! the entry says is no part of the key: it is what the request's hash is for, and a changed
//! entry under the same key is a conflict.

use contract::hex;
use sha2::{Digest, Sha256};

use crate::ingest::IdempotencyKey;

/// What tells an entry from its siblings.
#[derive(Clone, Copy)]
pub(super) enum EntryName<'a> {
    FullUrl(&'a str),
    Position(usize),
}

pub(super) fn entry_key(bundle: &IdempotencyKey, entry: EntryName<'_>) -> IdempotencyKey {
    // A key is visible ASCII, so the zero byte ends it, and no two pairs give the same bytes.
    let mut hash = Sha256::new();
    hash.update(bundle.as_str());
    hash.update([0]);
    match entry {
        EntryName::FullUrl(url) => {
            hash.update("url");
            hash.update([0]);
            hash.update(url);
        }
        EntryName::Position(index) => {
            hash.update("position");
            hash.update([0]);
            hash.update(index.to_string());
        }
    }
    IdempotencyKey::derived(format!("fhir-{}", hex(&hash.finalize())))
}
