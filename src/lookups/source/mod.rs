//! Where lookups get things from: files of the search path, options, commands.

pub(crate) mod files;
pub(crate) mod options;
pub(crate) mod shell;
