//! `ssh_config`: what OpenSSH's configuration says about a host.
//!
//! Start at `settings` and `read`. `line` splits lines, `matching` decides whether a block is for the host, `tokens`
//! expands `%h` and the like, `resolve` makes a target of Ansible's settings and these.

mod algorithms;
mod arguments;
mod context;
mod line;
mod matching;
mod options;
mod read;
mod resolve;
mod settings;
mod tokens;

use std::fmt;

use thiserror::Error;

pub use context::SshContext;
pub use options::SshOptions;

/// Where a setting was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file, at a line.
    File(String, usize),
    /// In an argument of Ansible's (`ansible_ssh_common_args`, …).
    Argument(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path, line) => write!(f, "{path}:{line}"),
            Place::Argument(name) => f.write_str(name),
        }
    }
}

/// Why SSH settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {detail}")]
pub struct SshConfigError {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub detail: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl SshConfigError {
    fn new(place: &Place, detail: impl Into<String>) -> Self {
        SshConfigError { place: place.clone(), detail: detail.into(), help: None }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

#[cfg(test)]
mod tests;
