//! For tests of modules: [`World`], a fake host, and [`conform`], the rite that every module passes.
//!
//! Only compiled for tests (feature `testing`), never into the runner.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that is set up wrongly shall stop at once")]

mod conform;
mod examples;
mod hostile;
mod nothing;
mod world;

pub use conform::{Ran, Session, TestModule, conform, conform_apart, module};
pub use examples::check_examples;
pub use hostile::hostile;
pub use world::World;
