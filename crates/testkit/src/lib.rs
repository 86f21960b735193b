//! Real stores on demand for tests, faults on the way to them, and outside readers that check
//! what we wrote. Each is private to the test's process, and gone when that process ends, however
//! it ends.
//!
//! A store that cannot be started fails the test and says what to install: nothing is skipped.
//! Only the shared data, which are no part of the repository, may be absent.

pub mod answer;
mod background;
pub mod certificates;
mod http;
pub mod postgres;
pub mod proxy;
pub mod python;
pub mod receiver;
pub mod s3;
pub mod shared_data;
pub mod tls_front;
pub mod upstream;
