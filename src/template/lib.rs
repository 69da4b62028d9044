//! Templates and expressions: Ansible's Jinja.
//!
//! Start reading at [`plugin`] (what filters, tests, lookups and functions are).
//! minijinja lexes and parses; the evaluator here walks its syntax tree over [`shevek_value::Value`], because only so
//! can it have Python's semantics, lazy variables, undefined markers and the marks of values.
//!
//! Imports `diag`, `value`, `vault`; never `filters` or `lookups`, which are handed in as a [`plugin::Plugins`].

pub mod plugin;
mod scope;

pub use scope::Scope;
