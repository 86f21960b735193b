use privacy::{Domain, Normalisation, Token, TokenError};
use proptest::prelude::*;

use crate::{ring, version};

/// By Python's `hmac`, `struct.pack(">Q", …)` and `base64.urlsafe_b64encode`.
const OF_ZAC5361: [&str; 2] = [
    "tok_v1_vPPxRTaoIPAMEdrwq_yeh2LHqe-kpHKfVwRZGPSqb7A",
    "tok_v2_RzqLePIEH9Dua0SMXnwR5wv3nkgaL9JNwDodOXGToDU",
];

fn nhi_for(recipient: &str) -> Domain<'_> {
    Domain::new("nhi", recipient, Normalisation::TrimmedUppercase).expect("a whole domain")
}

fn text_of(field: &str, recipient: &str, value: &str) -> String {
    let domain = Domain::new(field, recipient, Normalisation::AsGiven).expect("a whole domain");
    let token = ring().token(&domain, value).expect("a token");
    token.to_string()
}

#[test]
fn tokens_are_what_another_implementation_computes() {
    let (ring, domain) = (ring(), nhi_for("lab"));
    for (version, expected) in ring.versions().zip(OF_ZAC5361) {
        let token = ring.token_by(version, &domain, "ZAC5361").unwrap();
        assert_eq!(token.to_string(), expected);
    }
}

#[test]
fn spellings_of_one_identifier_have_one_token_where_the_rule_says_so() {
    let ring = ring();
    let token = |rule, value| {
        let domain = Domain::new("nhi", "lab", rule).unwrap();
        ring.token(&domain, value).unwrap().to_string()
    };
    let plain = Normalisation::ALL.map(|rule| token(rule, "ZAC5361"));
    let padded = Normalisation::ALL.map(|rule| token(rule, " ZAC5361\n"));
    let small = Normalisation::ALL.map(|rule| token(rule, " zac5361"));
    let same = |left: &[String], right: &[String]| -> Vec<bool> {
        left.iter()
            .zip(right)
            .map(|(left, right)| left == right)
            .collect()
    };
    assert_eq!(same(&plain, &padded), [false, true, true]);
    assert_eq!(same(&plain, &small), [false, false, true]);
    // The rule is part of what a token is bound to, even where it changes nothing.
    assert!(plain[0] != plain[1] && plain[1] != plain[2] && plain[0] != plain[2]);
}

#[test]
fn in_rotation_a_value_has_the_current_and_the_previous_token() {
    let (ring, domain) = (ring(), nhi_for("lab"));
    let tokens = ring.tokens_in_rotation(&domain, "zac5361 ").unwrap();
    let previous = tokens.previous.unwrap();
    assert_eq!(
        [previous.to_string(), tokens.current.to_string()],
        OF_ZAC5361
    );
    for token in [previous, tokens.current] {
        assert!(ring.is_token_of(&token, &domain, "ZAC5361").unwrap());
        assert!(!ring.is_token_of(&token, &domain, "ZAC5362").unwrap());
        assert!(
            !ring
                .is_token_of(&token, &nhi_for("other"), "ZAC5361")
                .unwrap()
        );
    }
}

#[test]
fn a_key_that_is_gone_is_named() {
    let (ring, domain) = (ring(), nhi_for("lab"));
    let gone = TokenError::NoKey {
        version: version("v3"),
    };
    assert_eq!(
        ring.token_by(version("v3"), &domain, "x").err(),
        Some(gone.clone())
    );
    let token: Token = OF_ZAC5361[0].replace("v1", "v3").parse().unwrap();
    assert_eq!(ring.is_token_of(&token, &domain, "x"), Err(gone));
}

#[test]
fn what_is_missing_has_no_token() {
    let (ring, domain) = (ring(), nhi_for("lab"));
    for nothing in ["", " ", "\t\n"] {
        assert_eq!(
            ring.token(&domain, nothing).err(),
            Some(TokenError::NoValue)
        );
    }
}

proptest! {
    #[test]
    fn a_token_is_bound_to_field_recipient_and_value(
        one in [".{1,8}", ".{1,8}", ".{1,8}"],
        other in [".{1,8}", ".{1,8}", ".{1,8}"],
    ) {
        let of = |[field, recipient, value]: &[String; 3]| text_of(field, recipient, value);
        prop_assert_eq!(of(&one), of(&one));
        prop_assert_eq!(of(&one) == of(&other), one == other);
        // Differing in one of the three is enough.
        for at in 0..3 {
            let mut near = one.clone();
            near[at].clone_from(&other[at]);
            prop_assert_eq!(of(&one) == of(&near), one == near);
        }
    }

    #[test]
    fn a_letter_that_moves_across_a_boundary_makes_another_token(
        letters in "[a-b]{6}",
        cuts in (1..4_usize, 4..6_usize),
        others in (1..4_usize, 4..6_usize),
    ) {
        let of = |(first, second): (usize, usize)| {
            text_of(&letters[..first], &letters[first..second], &letters[second..])
        };
        prop_assert_eq!(of(cuts) == of(others), cuts == others);
    }

    #[test]
    fn versions_have_tokens_of_their_own_and_texts_are_read_back(value in "\\PC*[0-9]") {
        let ring = ring();
        let domain = nhi_for("lab");
        let tokens = ring.tokens_in_rotation(&domain, &value).unwrap();
        let previous = tokens.previous.unwrap();
        prop_assert_ne!(previous, tokens.current);
        prop_assert_ne!(
            &previous.to_string()["tok_v1_".len()..],
            &tokens.current.to_string()["tok_v2_".len()..]
        );
        for token in [previous, tokens.current] {
            prop_assert_eq!(token.to_string().parse::<Token>(), Ok(token));
        }
    }
}
