//! Where lookups get things from: files of the search path, options, commands, filters, and how they wait.

pub(crate) mod files;
pub(crate) mod filter;
pub(crate) mod options;
pub(crate) mod shell;
pub(crate) mod waiting;
