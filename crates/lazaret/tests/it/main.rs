//! The whole program, as a user runs it: the binary on a project folder, on both sets of services.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[macro_use]
mod project;

mod bad_input;
mod compose;
mod compressed;
mod contracts;
mod crash;
mod daemon;
mod dagster;
mod demo;
mod determinism;
mod dev_up;
mod discovery;
mod drops;
mod every_check;
mod exchange;
mod faults;
mod formats;
mod full_sets;
mod inspect;
mod library_canonical;
mod library_feeds;
mod library_idr;
mod library_rows;
mod library_tables;
mod main_job;
mod outputs;
mod privacy;
mod readme;
mod registry;
mod review;
mod running;
mod sharing;
mod tls;
mod told;
mod twins;
