use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Tokens of identity providers have some two kilobytes; a larger one is not worth its reading.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// A signed token in its compact form (RFC 7515, section 3.1), taken apart and not yet believed.
pub(crate) struct Compact<'a> {
    pub(crate) header: Header,
    /// What the signature is over: the first two parts.
    pub(crate) signed: &'a str,
    /// In base64url, as is the signature.
    claims: &'a str,
    pub(crate) signature: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    /// Extensions that a reader must understand. We know none.
    crit: Option<IgnoredAny>,
}

impl<'a> Compact<'a> {
    /// `None` where that is no signed token, or one that asks for more than we know.
    pub(crate) fn parse(token: &'a str) -> Option<Compact<'a>> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if claims.contains('.') || signature.is_empty() {
            return None;
        }
        let header: Header = json(header)?;
        header.crit.is_none().then_some(Compact {
            header,
            signed,
            claims,
            signature,
        })
    }

    /// To be asked after the signature was verified.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        json(self.claims)
    }

    pub(crate) fn signature_bytes(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.signature).ok()
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}
