use std::collections::BTreeSet;

use super::{Need, Refusal};

/// What a client may do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Post records, singly or in a FHIR bundle.
    Ingest,
    /// Ask for tokens.
    Tokenize,
    /// Read canonical records and their lineage.
    ReadRecords,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Ingest, Scope::Tokenize, Scope::ReadRecords];

    /// As it is written in a token.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Ingest => "ingest",
            Scope::Tokenize => "tokenize",
            Scope::ReadRecords => "records:read",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// The sources or recipients that a client may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    Every,
    Only(BTreeSet<String>),
}

impl Names {
    /// As a token lists them; `*` is every one.
    pub(crate) fn of(listed: Vec<String>) -> Names {
        if listed.iter().any(|name| name == "*") {
            Names::Every
        } else {
            Names::Only(listed.into_iter().collect())
        }
    }

    fn contain(&self, name: &str) -> bool {
        match self {
            Names::Every => true,
            Names::Only(names) => names.contains(name),
        }
    }
}

/// A client that has shown who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's `sub`: for the audit.
    pub subject: String,
    pub scopes: BTreeSet<Scope>,
    pub sources: Names,
    pub recipients: Names,
}

impl Principal {
    /// Who presents the dev token.
    pub(crate) fn dev() -> Principal {
        Principal {
            subject: "dev".to_owned(),
            scopes: Scope::ALL.into(),
            sources: Names::Every,
            recipients: Names::Every,
        }
    }

    pub fn may(&self, scope: Scope) -> Result<(), Refusal> {
        permit(self.scopes.contains(&scope), Need::Scope(scope))
    }

    /// Post records of that source; the scope is checked too.
    pub fn may_post_for(&self, source: &str) -> Result<(), Refusal> {
        self.may(Scope::Ingest)?;
        permit(self.sources.contain(source), Need::Source)
    }

    /// Ask for tokens that are meant for that recipient; the scope is checked too.
    pub fn may_tokenize_for(&self, recipient: &str) -> Result<(), Refusal> {
        self.may(Scope::Tokenize)?;
        permit(self.recipients.contain(recipient), Need::Recipient)
    }
}

fn permit(permitted: bool, need: Need) -> Result<(), Refusal> {
    if permitted {
        Ok(())
    } else {
        Err(Refusal::Forbidden(need))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(scopes: &[Scope], sources: &[&str], recipients: &[&str]) -> Principal {
        let names = |names: &[&str]| Names::of(names.iter().map(ToString::to_string).collect());
        Principal {
            subject: "clinic".to_owned(),
            scopes: scopes.iter().copied().collect(),
            sources: names(sources),
            recipients: names(recipients),
        }
    }

    #[test]
    fn a_source_needs_the_scope_and_its_name() {
        let no_scope = Err(Refusal::Forbidden(Need::Scope(Scope::Ingest)));
        let no_source = Err(Refusal::Forbidden(Need::Source));
        let cases = [
            (&[Scope::Ingest][..], &["lab"][..], Ok(())),
            (&[Scope::Ingest], &["other", "lab"], Ok(())),
            (&[Scope::Ingest], &["*"], Ok(())),
            (&[Scope::Ingest], &["other", "*"], Ok(())),
            (
                &[Scope::Ingest],
                &["LAB", "la", "lab2", "l*", ""],
                no_source.clone(),
            ),
            (&[Scope::Ingest], &[], no_source),
            (&[Scope::Tokenize], &["*"], no_scope.clone()),
            (&[], &["lab"], no_scope),
        ];
        for (scopes, sources, expected) in cases {
            let principal = principal(scopes, sources, &["*"]);
            assert_eq!(principal.may_post_for("lab"), expected, "{principal:?}");
        }
    }

    #[test]
    fn a_recipient_needs_the_scope_and_its_name() {
        let may = |scopes: &[Scope], recipients: &[&str]| {
            principal(scopes, &["*"], recipients).may_tokenize_for("lab")
        };
        assert_eq!(may(&[Scope::Tokenize], &["lab"]), Ok(()));
        assert_eq!(
            may(&[Scope::Tokenize], &["other"]),
            Err(Refusal::Forbidden(Need::Recipient))
        );
        assert_eq!(
            may(&[Scope::Ingest], &["lab"]),
            Err(Refusal::Forbidden(Need::Scope(Scope::Tokenize)))
        );
    }

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        for text in ["", "INGEST", "ingest ", "admin", "*"] {
            assert_eq!(Scope::parse(text), None, "{text:?}");
        }
    }
}
