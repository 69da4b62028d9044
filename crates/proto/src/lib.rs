//! What controller and runner say to each other: [`Down`] and [`Up`] messages, in length-prefixed frames.
//!
//! Start reading at [`Down::Run`] and [`Up::Item`]: a task is one batch of calls going down and one item a call
//! coming up. Both ends are always of one build (the runner is embedded in the controller), so the encoding is
//! postcard's, which is small and fast, and [`VERSION`] only guards against a stale cached binary.
//!
//! Imports nothing of the project.

mod bytes;
mod frame;
mod message;
mod prompt;
mod val;

pub use frame::{Decoder, FrameError, MAX_FRAME, encode};
pub use message::{
    BLOB_CHUNK, Batch, Become, BecomeMethod, Blob, Call, Diff, Down, Fault, FaultKind, HEAD_START, Hello,
    INLINE_BLOB, Item, Job, Mode, Outcome, Part, Up, VERSION,
};
pub use prompt::{PROMPT_SETTLES, is_refused};
pub use val::{MAX_DEPTH, Val};
