//! Tokens for identifiers, asked for by HTTP: `POST /tokenize`, without the HTTP.
//!
//! A batch is answered as a whole or refused as a whole, with the place of what is wrong. What is told
//! of a request never holds a value, nor anything else that a client wrote: a mistake may have put a
//! value anywhere.

mod answer;
mod error;
mod object;
mod request;

pub use answer::{TokenizeAnswer, TokenizedItem, Tokenizer, TokenizerSettings};
pub use error::TokenizeError;
pub use request::{TokenizeItem, TokenizeLimits, TokenizeRequest};
