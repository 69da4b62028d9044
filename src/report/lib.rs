//! What a run looks like: reporters, each a fold over the events of a run.
//!
//! Start reading at [`Reporter`], then `human/mod.rs` (Ansible's look). [`Reporters`] hands every event to each of
//! them, on a thread of its own, and drops one that fails.
//!
//! Imports `diag`, `value` and `event` only, so that a recorded run replays through any reporter.

mod doing;
mod dump;
mod fan;
mod github;
mod human;
mod json;
mod junit;
mod look;
mod palette;
mod replay;
mod reporter;
mod screen;
mod tree;
mod unified;

pub use doing::Doing;
pub use dump::{json_pretty, json_text};
pub use fan::Reporters;
pub use github::Github;
pub use human::{Human, Minimal, Oneline};
pub use json::Json;
pub use junit::{Junit, JunitCallback};
pub use look::{Format, Look};
pub use palette::{Colour, Palette};
pub use replay::replay;
pub use reporter::Reporter;
pub use screen::{Screen, Stream, terminal_columns};
pub use tree::Tree;
