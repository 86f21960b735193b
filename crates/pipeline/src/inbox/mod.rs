//! The inbox door: what was dropped, which objects belong together, and when a group is whole.

pub(crate) mod discovery;
pub(crate) mod grouping;
mod registration;

pub(crate) use registration::raw_place;
