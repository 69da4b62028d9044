//! Settings: `ansible.cfg` and the `ANSIBLE_*` variables, as one typed struct.
//!
//! Start reading at the table in `table.rs`: one row a setting. [`load`] finds the file and reads everything; the
//! command line then overrides fields. Names that Ansible knows and that mean nothing here are in `unused.rs`.
//!
//! Imports `diag` and `value` only.

mod ineffective;
mod ini;
mod kind;
mod load;
mod table;
mod unused;

pub use ineffective::INEFFECTIVE;
pub use ini::{Entry, Ini};
pub use load::{Loaded, SetBy, Surroundings, load};
pub use table::{ROWS, Row, Settings};
pub use unused::{UNUSED, Unused};
