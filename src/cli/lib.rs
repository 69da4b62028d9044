//! The command line: everything between the shell and the rest of the program.
//!
//! Start reading at [`main`]; `program` picks the verb (also by the name that the program is called under), `options` are
//! groups of options that several verbs share, `verbs` has one file a verb. Only here and in `report` is anything printed.

mod content;
mod exit;
mod extra_vars;
mod host_keys;
mod keys;
mod launch;
mod listing;
mod open_files;
mod options;
mod output;
mod passwords;
mod program;
mod prompt;
mod signals;
mod verbs;
mod version;

pub use exit::Stop;
pub use program::main;
