//! YAML as Ansible reads and writes it: PyYAML's YAML 1.1, with Ansible's tags and a place on every value.
//!
//! Start reading at [`load`]; then `compose` (events to values), [`resolve`] (what a plain scalar is), `mistakes` (hints
//! for the usual slips), [`dump`], and [`key_value`] for the old `k=v` arguments. JSON is tried before YAML, as
//! Ansible does, with places too.
//!
//! Imports `diag`, `value` and `vault`. libyaml's port does the scanning and is named nowhere else.

mod compose;
mod dump;
mod events;
mod json;
pub mod key_value;
mod load;
mod mistakes;
pub mod resolve;
mod timestamp;

pub use dump::{DumpOptions, FlowStyle, dump};
pub use load::{Duplicates, Options, load, load_all, load_json};
