//! Templates and expressions: Ansible's Jinja.
//!
//! Start reading at [`Templar`] (what others call) and [`plugin`] (what filters, tests, lookups are); `syntax` reads text,
//! `evaluate` walks the tree, `methods` are those of Python's types.
//! minijinja's lexer cuts up the text; the evaluator here walks a tree of our own over [`shevek_value::Value`], because only so
//! can it have Python's semantics, lazy variables, undefined markers and the marks of values.
//!
//! Imports `diag`, `value`, `vault`; never `filters` or `lookups`, which are handed in as a [`plugin::Plugins`].

mod condition;
mod context;
mod evaluate;
mod header;
mod methods;
pub mod plugin;
mod position;
mod scope;
mod syntax;
mod templar;
pub mod watch;

pub use condition::Truth;
pub use methods::percent;
pub use scope::Scope;
pub use templar::Templar;
