//! The record path, against real databases and a broker.
