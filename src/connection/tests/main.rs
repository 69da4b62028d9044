//! Connections against this machine and against a real OpenSSH server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod lab;
mod local;
