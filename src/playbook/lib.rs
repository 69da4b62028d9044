//! Playbooks, roles and tasks: read from files into the [`model`] that the engine runs.
//!
//! Start reading at [`model`] (what a loaded playbook is) and [`Loader`] (what reads it, at the start and for includes
//! while a run goes on). Everything that can be known without a host is settled here: imports are replaced by what
//! they import, keywords are inherited, modules and their options are checked, and all that is wrong is reported
//! together. Inside, a `Reader` goes through one file tree with a [`Scope`] that holds what is inherited.
//!
//! Imports `diag`, `value`, `vault`, `yaml` and the modules' schemas.

mod action;
mod catalogue;
mod files;
mod foreign;
mod groups;
mod include;
mod keyword;
mod listing;
mod loader;
pub mod model;
mod moved;
mod options;
mod package;
mod play;
mod python_plugins;
mod reader;
mod reserved;
mod role;
mod role_files;
mod role_sight;
mod scope;
#[cfg(test)]
mod stories;
mod tags;
mod task;

pub use catalogue::Known;
pub use foreign::Language;
pub use include::Included;
pub use listing::{ListedPlay, ListedTask, list};
pub use loader::{Hashes, Loaded, Loader, Settings, Templating, UnknownKeywords};
pub use model::{
    Action, Block, HandlerList, HandlerName, Handlers, IncludeFrame, Item, Keywords, Loop, LoopControl,
    LoopKind, Play, Playbook, Role, RoleMeta, Target, Task, TaskId, VarsPrompt,
};
pub use options::WrongOptions;
pub use reserved::reserved;
pub use scope::Scope;
pub use tags::{Tags, flat as flat_tags};
