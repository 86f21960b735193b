//! The stable types of problems. Each stands as one row: name, status, title, and what to do.

/// Declares the enum and its facts together, so that no type can lack one.
macro_rules! problem_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $title:literal, $detail:literal;)+) => {
        /// The reasons to refuse a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemType {
            $($(#[$doc])* $variant,)+
        }

        impl ProblemType {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The last part of its `type`, by which it is counted.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Its `type`: a reference relative to the API's address.
            pub fn uri(self) -> &'static str {
                match self { $(Self::$variant => concat!("/problems/", $name),)+ }
            }

            /// Its HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What to do about it.
            pub fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail,)+ }
            }
        }
    };
}

problem_types! {
    IdempotencyKeyMissing = "idempotency-key-missing", 400,
        "The Idempotency-Key header is missing",
        "Send an Idempotency-Key that is new for each record and the same for each retry of it, such as a UUID.";
    IdempotencyKeyInvalid = "idempotency-key-invalid", 400,
        "The Idempotency-Key header cannot be used",
        "Send one key, in quotes or bare, of the length and the characters that the error names.";
    IdempotencyKeyReused = "idempotency-key-reused", 409,
        "The Idempotency-Key was used with another body",
        "To retry, send the first body again, byte for byte; for another record, send a new key.";
    RequestInProgress = "request-in-progress", 409,
        "The first request with this Idempotency-Key is still in progress",
        "Send the same request again after the time that Retry-After names.";
    InvalidJson = "invalid-json", 400,
        "The body is not valid JSON",
        "Send one JSON document in UTF-8 without a byte order mark, and nothing behind it.";
    DuplicateMember = "duplicate-member", 400,
        "An object of the body has a member twice",
        "Send each member once: readers disagree which of two would count.";
    NumberOutOfRange = "number-out-of-range", 400,
        "A number of the body is too large or too small to be kept",
        "Send integers within 64 bits and other numbers within a double, or send text.";
    TooDeep = "too-deep", 400,
        "The body is nested too deeply",
        "Send fewer arrays and objects inside each other.";
    UnsupportedCharacter = "unsupported-character", 400,
        "A text of the body holds a character that cannot be kept",
        "Leave out NUL characters and unpaired surrogates.";
    LengthMismatch = "length-mismatch", 400,
        "The body is not as long as Content-Length says",
        "Send the whole body, and its length in bytes.";
    InvalidRecord = "invalid-record", 422,
        "The body is not a record that is taken",
        "Mend every place that the errors name, and send the record again.";
    InvalidBundle = "invalid-bundle", 422,
        "The body is not a bundle that is taken",
        "Mend every place that the errors name, and send the bundle again.";
    InvalidTokenRequest = "invalid-token-request", 422,
        "The body is not a request for tokens",
        "Mend the place that the error names, and send the request again.";
    BodyTooLarge = "body-too-large", 413,
        "The body is too large",
        "Send one record for each request, and large sets as files.";
    UnsupportedMediaType = "unsupported-media-type", 415,
        "The body's content type is not taken",
        "Send application/json, or application/fhir+json where FHIR is taken, in UTF-8.";
    Unauthenticated = "unauthenticated", 401,
        "The request does not say who sends it",
        "Send `Authorization: Bearer` with a token that is valid here and now.";
    Forbidden = "forbidden", 403,
        "The sender may not do this",
        "Ask the operator for the scope that the error names.";
    NotFound = "not-found", 404,
        "There is nothing at this address",
        "Check the address against the API's description.";
    MethodNotAllowed = "method-not-allowed", 405,
        "This address does not take this method",
        "Use a method that the Allow header names.";
    RequestTimeout = "request-timeout", 408,
        "The request took too long to arrive",
        "Send it again, with the same Idempotency-Key.";
    RateLimited = "rate-limited", 429,
        "Too many requests from this sender",
        "Send the same request again after the time that Retry-After names.";
    Overloaded = "overloaded", 503,
        "The service cannot take more requests now",
        "Nothing was lost: send the same request again after the time that Retry-After names.";
    Internal = "internal", 500,
        "The service failed",
        "Send the same request again, with the same Idempotency-Key; if it fails again, tell the operator the correlation id.";
}

impl ProblemType {
    /// Seconds after which the same request may succeed, for `Retry-After`; a server that knows
    /// better says so. `None` where waiting does not help.
    pub fn retry_after_seconds(self) -> Option<u32> {
        match self {
            Self::RequestInProgress | Self::RateLimited | Self::Overloaded => Some(1),
            _ => None,
        }
    }
}
