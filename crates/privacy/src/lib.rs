//! Tokens and keys: the only place that touches key material. Pure.
