//! Tokens for identifiers, asked for by HTTP.
