//! For tests of modules: [`World`], a fake host, and [`conform`], the rite that every module passes.
//!
//! Only compiled for tests (feature `testing`), never into the runner.

mod conform;
mod nothing;
mod world;

pub use conform::{Ran, Session, TestModule, conform};
pub use world::World;
