//! What a token is bound to beside its value, and how all of it becomes one message.
//!
//! The message is five texts: the purpose, the normalisation, the recipient, the field and the value.
//! Before each stands its length in bytes, as eight bytes, big end first. So the message can be cut in
//! one way only, and two different lists of texts have two different messages: `ab` + `c` is not
//! `a` + `bc`.

use crate::{Normalisation, TokenError};

/// Keeps tokens apart from whatever else the same key might authenticate one day.
const PURPOSE: &str = "lazaret token 1";

/// Where a token is valid: one field's values, given to one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain<'a> {
    field: &'a str,
    recipient: &'a str,
    normalisation: Normalisation,
}

impl<'a> Domain<'a> {
    /// The names are taken as they are: `Nhi` is another field than `nhi`.
    pub fn new(
        field: &'a str,
        recipient: &'a str,
        normalisation: Normalisation,
    ) -> Result<Domain<'a>, TokenError> {
        if field.is_empty() {
            return Err(TokenError::NoField);
        }
        if recipient.is_empty() {
            return Err(TokenError::NoRecipient);
        }
        Ok(Domain {
            field,
            recipient,
            normalisation,
        })
    }

    pub fn field(&self) -> &'a str {
        self.field
    }

    pub fn recipient(&self) -> &'a str {
        self.recipient
    }

    pub fn normalisation(&self) -> Normalisation {
        self.normalisation
    }

    /// What is authenticated for this value.
    pub(crate) fn message(&self, value: &str) -> Result<Vec<u8>, TokenError> {
        let value = self.normalisation.apply(value);
        // All records without an identifier would become one patient's.
        if value.is_empty() {
            return Err(TokenError::NoValue);
        }
        let texts = [
            PURPOSE,
            self.normalisation.as_str(),
            self.recipient,
            self.field,
            &value,
        ];
        let mut message = Vec::with_capacity(texts.iter().map(|text| 8 + text.len()).sum());
        for text in texts {
            message.extend_from_slice(&(text.len() as u64).to_be_bytes());
            message.extend_from_slice(text.as_bytes());
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A reader of the message, written from its description alone.
    fn texts(mut message: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        while let Some((length, rest)) = message.split_first_chunk::<8>() {
            let length = usize::try_from(u64::from_be_bytes(*length)).unwrap();
            let (text, rest) = rest.split_at(length);
            found.push(String::from_utf8(text.to_vec()).unwrap());
            message = rest;
        }
        assert!(message.is_empty(), "no byte is left over");
        found
    }

    proptest! {
        #[test]
        fn a_message_is_read_back_whole(field in ".+", recipient in ".+", value in ".+") {
            let domain = Domain::new(&field, &recipient, Normalisation::AsGiven).unwrap();
            let message = domain.message(&value).unwrap();
            prop_assert_eq!(
                texts(&message),
                [PURPOSE, "as_given", &recipient, &field, &value]
            );
        }
    }

    #[test]
    fn a_message_stays_as_it_is_documented() {
        let domain = Domain::new("nhi", "lab", Normalisation::Trimmed).unwrap();
        let expected = b"\0\0\0\0\0\0\0\x0flazaret token 1\0\0\0\0\0\0\0\x07trimmed\
            \0\0\0\0\0\0\0\x03lab\0\0\0\0\0\0\0\x03nhi\0\0\0\0\0\0\0\x07ZAC5361";
        assert_eq!(domain.message(" ZAC5361").unwrap(), expected);
    }

    #[test]
    fn nothing_has_no_token() {
        let rule = Normalisation::TrimmedUppercase;
        assert_eq!(Domain::new("", "lab", rule), Err(TokenError::NoField));
        assert_eq!(Domain::new("nhi", "", rule), Err(TokenError::NoRecipient));
        let domain = Domain::new("nhi", "lab", rule).unwrap();
        assert_eq!(domain.message(" \t").err(), Some(TokenError::NoValue));
    }
}
