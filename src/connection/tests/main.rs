//! Connections against this machine and against a real OpenSSH server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod faults;
mod lab;
mod local;
mod logins;
mod ssh;
mod sshd;
