//! Hosts, groups and their variables, from all of Ansible's inventory sources.
//!
//! Start reading at [`load`], then [`Inventory`]. A source (an INI file, a script …) is one file in [`source`] and says
//! its [`step::Step`]s; `vars_files` finds `group_vars` and `host_vars`; [`Layer`] is what the rest of the program
//! asks for; `pattern` chooses hosts.
//!
//! Imports `diag`, `value`, `yaml`, `vault`; expressions of constructed inventories are evaluated by whoever is handed
//! in as [`Expressions`].

pub mod address;
#[cfg(test)]
mod cases;
mod chain;
mod expressions;
mod group;
mod host;
mod inventory;
mod layer;
mod literal;
mod load;
mod name;
mod pattern;
mod refresh;
pub mod source;
pub mod step;
mod vars_files;
mod words;

pub use group::Group;
pub use host::Host;
pub use inventory::{CONTROLLER_PYTHON, Inventory};
pub use layer::{Closed, Layer, Place};
pub use load::{Expressions, GroupCharacters, LoadOptions, load};
pub use name::{GroupId, GroupName, HostId, HostName};
pub use pattern::{Mismatch, Selection};
