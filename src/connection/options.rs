//! How connections are opened: runners at hand, deadlines, and whom to ask.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::known_hosts::KnownHostsFiles;
use crate::runners::Runners;
use crate::ssh::{Gates, Jumps, KeyRing};
use crate::transport::Later;
use crate::{Phase, Secret};

/// What is common to all connections of a run.
#[derive(Clone)]
pub struct OpenOptions {
    /// The runners at hand.
    pub runners: Arc<Runners>,
    /// Whether the host keeps the runner for the next run.
    pub cache: Cache,
    /// How long each phase may take.
    pub deadlines: Deadlines,
    /// How many bytes one host may have on their way to this machine.
    pub fetch_limit: u64,
    /// Who decides about unknown host keys.
    pub ask: Option<Arc<dyn AskHostKey>>,
    /// Who hears warnings.
    pub warn: Option<Warn>,
    /// Who hears how far hosts are.
    pub watch: Option<Watch>,
    /// Keys, known hosts and jump hosts. Clones share them.
    pub(crate) shared: Arc<Shared>,
}

/// What the connections of a run share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) keyring: KeyRing,
    pub(crate) jumps: Jumps,
    pub(crate) gates: Gates,
    pub(crate) known_hosts: KnownHostsFiles,
}

/// More than files that are fetched usually have, and less than a disk.
const FETCH_LIMIT: u64 = 4 << 30;

/// Hears of things that people should know, but that stop nothing.
pub type Warn = Arc<dyn Fn(String) + Send + Sync>;

/// Hears what a host is busy with: connect, auth, upload, and run as soon as it can do something.
pub type Watch = Arc<dyn Fn(&str, Phase) + Send + Sync>;

impl OpenOptions {
    /// Options with the usual deadlines, and nobody to ask.
    pub fn new(runners: Arc<Runners>) -> Self {
        OpenOptions {
            runners,
            cache: Cache::Keep,
            deadlines: Deadlines::default(),
            fetch_limit: FETCH_LIMIT,
            ask: None,
            warn: None,
            watch: None,
            shared: Arc::default(),
        }
    }

    /// Tells of something that people should know, but that stops nothing.
    pub(crate) fn warn(&self, warning: String) {
        if let Some(warn) = &self.warn {
            warn(warning);
        }
    }

    /// Tells what a host is busy with.
    pub(crate) fn enters(&self, host: &str, phase: Phase) {
        if let Some(watch) = &self.watch {
            watch(host, phase);
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions")
            .field("cache", &self.cache)
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

/// Whether the host keeps the runner for the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cache {
    /// It does.
    #[default]
    Keep,
    /// Nothing is left on its disk.
    Leave,
}

/// How long each phase may take. The time to connect comes with the target (`ConnectTimeout`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Logging in, all methods together.
    pub auth: Duration,
    /// From the start of the command to the runner's first word.
    pub start: Duration,
    /// How long an upload may go without progress.
    pub upload: Duration,
    /// How long a closing runner is waited for.
    pub close: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            auth: Duration::from_secs(60),
            start: Duration::from_secs(60),
            upload: Duration::from_secs(60),
            close: Duration::from_secs(3),
        }
    }
}

/// An unknown host key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownHostKey {
    /// The inventory name of the host.
    pub host: Arc<str>,
    /// The name as `known_hosts` would have it.
    pub name: String,
    /// The key's algorithm (`ssh-ed25519`).
    pub algorithm: String,
    /// Its fingerprint (`SHA256:…`).
    pub fingerprint: String,
    /// Other names that the same key is known under.
    pub also_known_as: Vec<String>,
}

/// Decides about unknown host keys, and knows passphrases. The caller may hold the answers back until all hosts have asked, so that people are
/// asked once.
pub trait AskHostKey: Send + Sync {
    /// Whether the key is to be trusted and remembered.
    fn ask(&self, key: UnknownHostKey) -> Later<'_, bool>;

    /// The passphrase of an encrypted private key; nothing: the key is not to be used.
    fn passphrase<'a>(&'a self, _key: &'a str) -> Later<'a, Option<Secret>> {
        Box::pin(async { None })
    }
}
