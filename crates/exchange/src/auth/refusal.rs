use super::Scope;

/// Why a request is not taken. Holds nothing of the token, nor of what was asked for.
///
/// The texts are ASCII without quotes, because they stand in a header too (RFC 6750, section 3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no bearer token: send Authorization: Bearer and a token")]
    Missing,
    #[error(
        "the token cannot be read: it must be a signed JWT with iss, aud, sub, exp and nbf, and \
         lists where lists are due"
    )]
    Malformed,
    #[error("the token has expired: get a new one")]
    Expired,
    #[error("the token is not valid yet: check both clocks")]
    NotYet,
    #[error("the token comes from another issuer")]
    WrongIssuer,
    #[error("the token is meant for another audience")]
    WrongAudience,
    #[error("the token is not signed as it must be")]
    BadSignature,
    #[error("the token is signed with a key that the issuer does not publish")]
    UnknownKey,
    #[error("the keys of the issuer cannot be had now: try again")]
    Unavailable,
    #[error("the token does not allow {0}")]
    Forbidden(Need),
}

/// What a token would have to allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Need {
    #[error("the scope {}", .0.as_str())]
    Scope(Scope),
    #[error("this source: it is not in the claim sources")]
    Source,
    #[error("this recipient: it is not in the claim recipients")]
    Recipient,
}

impl Refusal {
    /// The HTTP status (RFC 9110, RFC 6750).
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Missing
            | Refusal::Malformed
            | Refusal::Expired
            | Refusal::NotYet
            | Refusal::WrongIssuer
            | Refusal::WrongAudience
            | Refusal::BadSignature
            | Refusal::UnknownKey => 401,
            Refusal::Forbidden(_) => 403,
            Refusal::Unavailable => 503,
        }
    }

    /// What programs tell refusals by; stays as it is.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Missing => "token-missing",
            Refusal::Malformed => "token-malformed",
            Refusal::Expired => "token-expired",
            Refusal::NotYet => "token-not-yet-valid",
            Refusal::WrongIssuer => "token-wrong-issuer",
            Refusal::WrongAudience => "token-wrong-audience",
            Refusal::BadSignature => "token-bad-signature",
            Refusal::UnknownKey => "token-unknown-key",
            Refusal::Unavailable => "keys-unavailable",
            Refusal::Forbidden(Need::Scope(_)) => "scope-not-allowed",
            Refusal::Forbidden(Need::Source) => "source-not-allowed",
            Refusal::Forbidden(Need::Recipient) => "recipient-not-allowed",
        }
    }

    /// The `WWW-Authenticate` header (RFC 6750, section 3). Who sent no token is told no error; where
    /// we are to blame, there is nothing to challenge.
    pub fn challenge(&self) -> Option<String> {
        const REALM: &str = "Bearer realm=\"lazaret\"";
        let error = match self {
            Refusal::Unavailable => return None,
            Refusal::Missing => return Some(REALM.to_owned()),
            Refusal::Forbidden(_) => "insufficient_scope",
            Refusal::Malformed
            | Refusal::Expired
            | Refusal::NotYet
            | Refusal::WrongIssuer
            | Refusal::WrongAudience
            | Refusal::BadSignature
            | Refusal::UnknownKey => "invalid_token",
        };
        let scope = match self {
            Refusal::Forbidden(Need::Scope(scope)) => format!(", scope=\"{}\"", scope.as_str()),
            _ => String::new(),
        };
        Some(format!(
            "{REALM}, error=\"{error}\", error_description=\"{self}\"{scope}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ALL: [Refusal; 12] = [
        Refusal::Missing,
        Refusal::Malformed,
        Refusal::Expired,
        Refusal::NotYet,
        Refusal::WrongIssuer,
        Refusal::WrongAudience,
        Refusal::BadSignature,
        Refusal::UnknownKey,
        Refusal::Unavailable,
        Refusal::Forbidden(Need::Scope(Scope::ReadRecords)),
        Refusal::Forbidden(Need::Source),
        Refusal::Forbidden(Need::Recipient),
    ];

    #[test]
    fn what_a_client_is_told() {
        let told = ALL.map(|refusal| {
            let challenge = refusal.challenge();
            format!(
                "{} {}\n  {}",
                refusal.status(),
                refusal.code(),
                challenge.as_deref().unwrap_or("-")
            )
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_text_may_stand_in_a_header() {
        for refusal in ALL {
            let text = refusal.to_string();
            let fits = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
            assert!(text.bytes().all(fits), "{text}");
        }
    }

    #[test]
    fn each_has_a_code_of_its_own() {
        let codes: BTreeSet<_> = ALL.iter().map(Refusal::code).collect();
        assert_eq!(codes.len(), ALL.len());
    }
}
