//! The record path, against real databases and a broker.

mod auth;
mod auth_issuer;
mod auth_keys;
mod tokenizer;
