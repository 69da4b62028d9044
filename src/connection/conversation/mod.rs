//! Frames to and from a runner: many batches in flight, content in both directions.
//!
//! Start at [`Runner`], the handle that callers hold, then [`reader`], which gives every message to the one who waits
//! for it. Nothing here knows how the bytes travel.

mod blobs;
mod content;
mod reader;
mod runner;
mod running;
mod streams;

pub use blobs::Blobs;
pub use content::{Content, sha1_of};
pub(crate) use runner::Beginning;
pub use runner::Runner;
pub use running::Running;
pub use streams::{Fetched, FetchedReader};
