//! Playbooks, roles and tasks: read from files into the [`model`] that the engine runs.
//!
//! Start reading at [`model`] (what a loaded playbook is). Everything that can be known without a host is settled
//! here: imports are replaced by what they import, keywords are inherited, modules and their options are checked,
//! and all that is wrong is reported together.
//!
//! Imports `diag`, `value`, `yaml`, `template` (syntax only) and the modules' schemas.

pub mod model;

pub use model::{
    Action, Block, HandlerName, Handlers, IncludeFrame, Item, Keywords, Loop, LoopControl, LoopKind, Play,
    Playbook, Role, RoleMeta, Target, Task, TaskId, VarsPrompt,
};
