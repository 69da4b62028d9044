//! All that a module file may import: the three traits, [`Probe`] (reads), [`Host`] (writes), and the fake `World`.
//!
//! Start reading at [`module`] (the traits) and [`drive`] (which calls them, and is the only code that knows check mode);
//! docs/adding-a-module.md is the way in for those who write modules. Reads and writes end in [`system`]: the real host,
//! check mode's plan and the `World` are three implementations of it.
//!
//! Imports shevek-proto and shevek-derive, nothing else of the project.

mod accounts;
mod apply_effect;
mod arg;
mod asking;
mod attributes;
mod checksum;
mod command;
mod content;
pub mod drive;
mod effect;
pub mod fault;
pub mod glob;
pub mod guard;
pub mod held;
mod host;
pub mod http;
pub mod json;
mod kind;
mod looked_up;
pub mod lossless;
mod mask;
pub mod module;
pub mod moment;
mod overlay;
pub mod permissions;
mod plan;
pub mod printed;
mod probe;
mod real;
mod registry;
pub mod schema;
mod script;
mod spawn;
mod state;
pub mod system;
pub mod talk;
pub mod terminal;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod words;

pub use accounts::{Group, Shadow, User, known_id};
pub use arg::{Arg, Args, Bits, Bytes, Dict, Json, Secret, Settled};
pub use attributes::{
    AttributeDiff, FileAttributes, context, followed, path_info, refuse_link, selinux_enabled,
};
pub use checksum::{Algorithm, Summing, checksum, hex};
pub use command::{Command, Ran, cmd, quoted, refuse_options};
pub use content::{Content, Courier, NoCourier};
pub use effect::{Account, Effect, Thing};
pub use fault::{Fault, Result};
pub use held::Held;
pub use host::{Host, Owner};
pub use kind::{Kind, boolean, dict};
pub use looked_up::LookedUp;
pub use module::{Guard, Procedure, Query, Resource, Would, text_diff};
pub use overlay::Overlay;
pub use permissions::Permissions;
pub use plan::{PLANNED_ID, Plan};
pub use probe::{Call, Concealed, Probe, Warnings, expand_variables};
pub use real::Real;
pub use registry::{Module, Page};
pub use shevek_proto as proto;
pub use state::{Change, Field, Known, State, StateValue, Treat, summary};

/// What is there or is not: the `state` of most modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, shevek_derive::Choice)]
#[kit(crate)]
pub enum Presence {
    /// It is there.
    Present,
    /// It is not.
    Absent,
}

/// All that a module file needs, in one line.
pub mod prelude {
    pub use crate::fault::{Fault, Result};
    pub use crate::module::{Guard, Procedure, Query, Resource, Would, text_diff};
    pub use crate::system::{Access, Commit, FileKind, Links, Staged, Stat, Time, Times};
    pub use crate::{
        Account, Algorithm, Arg, Args, AttributeDiff, Bits, Bytes, Change, Command, Content, Dict, Effect,
        FileAttributes, Held, Host, Json, Known, Owner, Permissions, Presence, Probe, Ran, Secret, State,
        StateValue, Thing, cmd, fail, followed, refuse_link, refuse_options,
    };
    pub use shevek_derive::{Args, Choice, State};
    pub use shevek_proto::{Diff, Outcome, Val};

    #[cfg(feature = "testing")]
    pub use crate::testing::{World, conform, conform_apart, hostile};
}
