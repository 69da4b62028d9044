//! Why a host could not be reached, or a batch not be run.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Where in the life of a connection something went wrong. Every deadline belongs to one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Making sense of the options, `ssh_config` and the host's name.
    Resolve,
    /// Reaching the host: TCP, proxies and the key exchange.
    Connect,
    /// Deciding whether the host's key is to be trusted.
    HostKey,
    /// Logging in.
    Auth,
    /// Becoming another user on the host.
    Become,
    /// Starting the runner.
    Start,
    /// Sending the runner to a host that does not have it.
    Upload,
    /// Running a batch or a raw command.
    Run,
    /// Nothing is heard from the host any more.
    Idle,
}

impl Phase {
    /// The phase as people read it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Resolve => "resolve",
            Phase::Connect => "connect",
            Phase::HostKey => "host key",
            Phase::Auth => "auth",
            Phase::Become => "become",
            Phase::Start => "start",
            Phase::Upload => "upload",
            Phase::Run => "run",
            Phase::Idle => "idle",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong, where and on which host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The phase it went wrong in.
    pub phase: Phase,
    /// The inventory name of the host.
    pub host: Arc<str>,
    /// What happened and why.
    pub detail: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether another attempt may fare better: nobody refused anything, and the host has begun nothing.
    pub passing: bool,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.host, self.phase, self.detail)
    }
}

/// Why a host could not be reached, or a batch not be run. Cheap enough to clone for every batch in flight.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// The host cannot be reached, or is lost: Ansible's `unreachable`.
    #[error("{0}")]
    Unreachable(Box<Trouble>),
    /// Becoming another user failed: a failure of the task, the host stays reachable.
    #[error("{0}")]
    Become(Box<Trouble>),
    /// The batch cannot be run on this host (a module it does not have, no place for a file): a failure of the task.
    #[error("{0}")]
    Task(Box<Trouble>),
    /// The batch was cancelled.
    #[error("{0}")]
    Cancelled(Box<Trouble>),
    /// The two ends do not understand each other: a bug of this program.
    #[error("{0}")]
    Bug(Box<Trouble>),
}

impl ConnectError {
    /// The host cannot be reached.
    pub fn unreachable(host: &Arc<str>, phase: Phase, detail: impl Into<String>) -> Self {
        ConnectError::Unreachable(Box::new(Trouble {
            phase,
            host: host.clone(),
            detail: detail.into(),
            help: None,
            passing: matches!(phase, Phase::Resolve | Phase::Connect),
        }))
    }

    /// A deadline passed.
    pub fn timed_out(host: &Arc<str>, phase: Phase, after: std::time::Duration, waiting_for: &str) -> Self {
        let detail = format!("timed out after {} s waiting for {waiting_for}", after.as_secs_f32());
        ConnectError::unreachable(host, phase, detail).passing()
    }

    /// The two ends do not understand each other.
    pub fn bug(host: &Arc<str>, phase: Phase, detail: impl Into<String>) -> Self {
        let help = Some("this is a bug: please report it".to_owned());
        let (host, detail) = (host.clone(), detail.into());
        ConnectError::Bug(Box::new(Trouble { phase, host, detail, help, passing: false }))
    }

    /// The same error, which another attempt may not meet.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.trouble_mut().passing = true;
        self
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.trouble_mut().help = Some(help.into());
        self
    }

    /// The same error, of another host behind the same jump host.
    pub(crate) fn rename(&mut self, host: &Arc<str>, jump: &str) {
        let trouble = self.trouble_mut();
        trouble.host = host.clone();
        trouble.detail = format!("at the jump host {jump}: {}", trouble.detail);
    }

    /// What went wrong, whichever kind it is.
    pub fn trouble(&self) -> &Trouble {
        match self {
            ConnectError::Unreachable(t)
            | ConnectError::Become(t)
            | ConnectError::Task(t)
            | ConnectError::Cancelled(t)
            | ConnectError::Bug(t) => t,
        }
    }

    fn trouble_mut(&mut self) -> &mut Trouble {
        match self {
            ConnectError::Unreachable(t)
            | ConnectError::Become(t)
            | ConnectError::Task(t)
            | ConnectError::Cancelled(t)
            | ConnectError::Bug(t) => t,
        }
    }

    /// The phase it went wrong in.
    pub fn phase(&self) -> Phase {
        self.trouble().phase
    }

    /// The inventory name of the host.
    pub fn host(&self) -> &str {
        &self.trouble().host
    }

    /// What happened and why.
    pub fn detail(&self) -> &str {
        &self.trouble().detail
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.trouble().help.as_deref()
    }

    /// Whether the host counts as unreachable, rather than the task as failed.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, ConnectError::Unreachable(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_names_host_and_phase() {
        let error = ConnectError::timed_out(
            &"web1".into(),
            Phase::Auth,
            std::time::Duration::from_secs(3),
            "the login",
        );
        assert_eq!(error.to_string(), "web1 (auth): timed out after 3 s waiting for the login");
        assert!(error.is_unreachable());
    }
}
