//! The integration tests of shevek, all in this one binary: whole runs of the built program.
//!
//! Start reading in `lab/mod.rs`: `Lab` is the language the tests are written in. One file a feature beside this one;
//! `house/` holds the rules of the repository itself. A file that is not named here is a red test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr
)]

mod lab;

mod house;

mod ahead;
mod background;
mod blocks;
mod bringing;
mod checking;
mod choosing;
mod debugging;
mod disasters;
mod examples;
mod faults;
mod handlers;
mod including;
mod interrupting;
mod language;
mod loops;
mod mistakes;
mod network;
mod ordering;
mod pulling;
mod rebooting;
mod results;
mod secrets;
mod security;
mod signals;
mod uploading;
mod variables;
mod webserver;
