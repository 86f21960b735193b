use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Names, Principal, Refusal, Scope, TokenSettings};

/// What a verified token says (RFC 7519, section 4.1). What is required has no default.
#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: OneOrMany,
    sub: String,
    exp: NumericDate,
    nbf: NumericDate,
    /// RFC 8693, section 4.2: separated by spaces.
    scope: Option<OneOrMany>,
    /// What some providers write instead.
    scp: Option<OneOrMany>,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    recipients: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn each(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        };
        all.iter().map(String::as_str)
    }
}

/// Seconds since 1970, with a fraction or without.
#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(transparent)]
struct NumericDate(f64);

impl Claims {
    /// Who the client is, if the token is meant for us and for now.
    pub(crate) fn admit(
        self,
        settings: &TokenSettings,
        now: DateTime<Utc>,
    ) -> Result<Principal, Refusal> {
        if self.iss != settings.issuer {
            return Err(Refusal::WrongIssuer);
        }
        if !self
            .aud
            .each()
            .any(|audience| audience == settings.audience)
        {
            return Err(Refusal::WrongAudience);
        }
        let leeway = settings.leeway.as_secs_f64();
        let NumericDate(now) = NumericDate::from(now);
        if now >= self.exp.0 + leeway {
            return Err(Refusal::Expired);
        }
        if now < self.nbf.0 - leeway {
            return Err(Refusal::NotYet);
        }
        if self.sub.is_empty() {
            return Err(Refusal::Malformed);
        }
        let scopes = [&self.scope, &self.scp]
            .into_iter()
            .flatten()
            .flat_map(OneOrMany::each)
            .flat_map(|text| text.split(' '))
            // Scopes that are not ours are for others.
            .filter_map(Scope::parse)
            .collect();
        Ok(Principal {
            subject: self.sub,
            scopes,
            sources: Names::of(self.sources),
            recipients: Names::of(self.recipients),
        })
    }
}

impl From<DateTime<Utc>> for NumericDate {
    fn from(time: DateTime<Utc>) -> NumericDate {
        NumericDate(time.timestamp() as f64 + f64::from(time.timestamp_subsec_millis()) / 1000.0)
    }
}
