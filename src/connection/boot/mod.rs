//! Getting the runner to run on a host, in one exec channel.
//!
//! [`script`] makes the shell line, [`start`](self::start::start) plays the controller's side of it. See `docs/connections.md`
//! for the conversation. Imports nothing of the project but this crate's transports and runners.

mod script;
mod start;

pub(crate) use start::{Boot, Started, start};
