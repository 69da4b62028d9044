//! What a loaded playbook is: plain data behind `Arc`, never changed after loading.
//!
//! Start reading at [`Playbook`], then [`Play`], [`Item`], [`Task`]. Values that Ansible renders at run time are kept
//! as written ([`shevek_value::Value`]s that may be templates); what must be static is parsed.

mod block;
mod keywords;
mod play;
mod role;
mod task;

pub use block::{Block, Item};
pub use keywords::Keywords;
pub use play::{Handlers, Play, Playbook, VarsPrompt};
pub use role::{Role, RoleMeta};
pub use task::{
    Action, HandlerList, HandlerName, IncludeFrame, Loop, LoopControl, LoopKind, Target, Task, TaskId,
};
