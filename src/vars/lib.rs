//! Variables: which there are for a task on a host, and which wins.
//!
//! Start reading at [`Level`], the one table of precedence, then [`HostScope`], which looks a name up in layers that
//! are shared between tasks and hosts, and [`Fleet`], which holds what is known of all hosts.
//!
//! Imports `template`, `inventory`, `playbook` and what is below them; knows nothing of connections or events.

mod fact_cache;
mod facts;
mod fleet;
mod hostvars;
mod inventory;
mod level;
mod magic;
mod memory;
mod play;
mod reaching;
mod scope;

pub use fact_cache::FactCache;
pub use facts::Facts;
pub use fleet::{Fleet, RunOptions, VarsRoot};
pub use level::Level;
pub use memory::Memory;
pub use play::PlayScope;
pub use scope::{HostScope, Layer, merge};
