//! What the controller does for a task: actions, and the hosts that they and the engine send modules to.
//!
//! Start reading at [`Action`] and [`Invocation`]; each action is one file in `builtin/`. [`Host`] is the way to a
//! host, [`Outcome`] what came of it.
//!
//! Imports `connection`, `template`, `vars`, `event` and the modules' schemas; never `engine`.

mod action;
mod builtin;
mod content;
mod foreign;
mod host;
mod lane;
mod options;
mod outcome;
mod pool;
mod search;
pub mod wire;

pub use action::{Action, Asks, Invocation, Running, of_condition, truth};
pub use foreign::{Foreign, Told};
pub use host::{Host, Request};
pub use lane::{Asked, Ends, Fate, Lane, send_all};
pub use outcome::{Effect, Outcome};
pub use pool::Pool;
pub use search::find as find_file;

/// An action with the text of its file's documentation.
#[derive(Clone, Copy)]
pub struct Listed {
    /// The action.
    pub action: &'static dyn Action,
    /// The text of its `//!` lines.
    pub doc: &'static str,
}

/// All actions, by name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Actions;

impl Actions {
    /// The action of that name (short).
    pub fn find(self, name: &str) -> Option<&'static dyn Action> {
        self.iter().find(|listed| listed.action.name() == name).map(|listed| listed.action)
    }

    /// All of them.
    pub fn iter(self) -> std::slice::Iter<'static, Listed> {
        builtin::TABLE.iter()
    }
}
