//! Evaluation: walks the tree over values.
//!
//! Start reading at [`Machine`] (one per rendering: scope, frames, memo, guards) and [`Run`] (one template of it, with
//! its place and frames). Statements are in `statement`, expressions in `expression`, what calls do in `call`.

mod access;
mod call;
mod embedded;
mod expression;
mod fault;
mod finish;
mod frame;
mod globals;
mod include;
mod lazy;
mod loops;
mod machine;
mod macros;
mod operator;
mod output;
mod place;
mod plugin_call;
mod run;
mod statement;
pub(crate) mod text_file;

pub(crate) use access::Found;
pub(crate) use fault::{Eval, Fault};
pub(crate) use finish::Finish;
pub(crate) use machine::Machine;
pub(crate) use output::Output;
pub(crate) use run::{Run, Written};
