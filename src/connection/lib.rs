//! The way to a host: transports, starting the runner, and batches in flight.
//!
//! Start at [`Connection`]; [`Target`] says where to, [`SshOptions`] makes one from Ansible's settings and `ssh_config`.
//! `transport/` and `ssh/` run a command on a host, `boot/` makes that command the runner, `conversation/` speaks with it.
//!
//! Takes a resolved target, never variables or tasks: imports `proto` (and `diag`, `value`), nothing above.

mod asked;
mod boot;
mod connection;
mod conversation;
mod error;
mod known_hosts;
mod options;
mod raw;
mod runners;
mod secret;
mod ssh;
mod ssh_config;
mod tail;
mod target;
mod transport;
mod wildcard;

pub use asked::Answer;
pub use connection::Connection;
pub use conversation::{Blobs, Content, Fetched, FetchedReader, Runner, Running, sha1_of};
pub use error::{ConnectError, Phase, Trouble};
pub use options::{AskHostKey, Cache, Deadlines, OpenOptions, UnknownHostKey, Warn, Watch};
pub use raw::{RawCommand, RawOutput};
pub use runners::{Image, RunnerImage, Runners};
pub use secret::Secret;
pub use ssh_config::{Place, SshConfigError, SshContext, SshOptions};
pub use target::{
    AddressFamily, AgentUse, Algorithms, ContainerTarget, HostKeyCheck, HostKeyPolicy, InsideTarget,
    LocalTarget, Login, LoginMethod, OpenSshTarget, SshTarget, Target, TransportKind,
};
pub use transport::{Exit, Later, Terminal};
