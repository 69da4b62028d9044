//! Where to connect to, with everything resolved: no variables, no configuration files left to read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Secret;

/// A host and the way to it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The inventory name, used in messages.
    pub name: Arc<str>,
    /// The way to it.
    pub kind: TransportKind,
}

impl Target {
    /// This machine, under an inventory name.
    pub fn local(name: impl Into<Arc<str>>) -> Self {
        Target { name: name.into(), kind: TransportKind::Local(LocalTarget::default()) }
    }

    /// The user that it is logged in to as, where that was said.
    pub fn user(&self) -> Option<&str> {
        match &self.kind {
            TransportKind::Ssh(ssh) => Some(&ssh.user),
            TransportKind::Inside(InsideTarget::Docker(there) | InsideTarget::Podman(there)) => {
                there.user.as_deref()
            }
            _ => None,
        }
    }

    /// A host over SSH.
    pub fn ssh(name: impl Into<Arc<str>>, ssh: SshTarget) -> Self {
        Target { name: name.into(), kind: TransportKind::Ssh(Box::new(ssh)) }
    }
}

/// The ways to a host. A further one is a variant here and a file in `transport/`.
#[derive(Debug, Clone)]
pub enum TransportKind {
    /// This machine: the runner is a child process.
    Local(LocalTarget),
    /// SSH.
    Ssh(Box<SshTarget>),
    /// SSH through the machine's own `ssh` program.
    OpenSsh(OpenSshTarget),
    /// A container or a folder on this machine.
    Inside(InsideTarget),
}

/// How the machine's own `ssh` is called. [`crate::SshOptions::openssh`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSshTarget {
    /// The program (`ansible_ssh_executable`).
    pub program: String,
    /// Its options.
    pub arguments: Vec<String>,
    /// The host to name.
    pub host: String,
}

/// Places on this machine that a program leads into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsideTarget {
    /// A container of Docker.
    Docker(ContainerTarget),
    /// A container of Podman.
    Podman(ContainerTarget),
    /// A pod of Kubernetes; namespace, container and the like are arguments.
    Kubectl(ContainerTarget),
    /// A folder with a system of its own.
    Chroot {
        /// The folder.
        folder: PathBuf,
        /// The program, if not `chroot`.
        program: Option<String>,
    },
}

/// A container and how to get into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerTarget {
    /// Its name or id.
    pub name: String,
    /// The user to be inside.
    pub user: Option<String>,
    /// The engine's program, if not the usual one.
    pub program: Option<String>,
    /// Further arguments of the program, before `exec`.
    pub arguments: Vec<String>,
}

/// How commands run on this machine.
#[derive(Debug, Clone)]
pub struct LocalTarget {
    /// The shell that takes command lines with `-c`.
    pub shell: PathBuf,
    /// Variables to add to our own.
    pub environment: Vec<(String, String)>,
}

impl Default for LocalTarget {
    fn default() -> Self {
        LocalTarget { shell: "/bin/sh".into(), environment: Vec::new() }
    }
}

/// Everything that an SSH connection needs. [`crate::SshOptions`] makes one from Ansible's settings and `ssh_config`.
#[derive(Debug, Clone)]
pub struct SshTarget {
    /// Address or name to connect to (`HostName`).
    pub host: String,
    /// Port.
    pub port: u16,
    /// Login user.
    pub user: String,
    /// How to log in.
    pub login: Login,
    /// How to decide whether the host's key is to be trusted.
    pub host_key: HostKeyPolicy,
    /// Hosts to go through, nearest first.
    pub jumps: Vec<SshTarget>,
    /// A program whose standard input and output lead to the host, for `/bin/sh`; tokens are expanded already.
    pub proxy_command: Option<String>,
    /// Lets the host use our agent.
    pub forward_agent: bool,
    /// `SetEnv`/`SendEnv`, resolved to names and values.
    pub environment: Vec<(String, String)>,
    /// Address to bind to (`BindAddress`).
    pub bind_address: Option<String>,
    /// `inet`, `inet6` or any.
    pub address_family: AddressFamily,
    /// Time for name resolution, TCP and key exchange together.
    pub connect_timeout: Duration,
    /// How often TCP connections are tried (`ConnectionAttempts`).
    pub attempts: u32,
    /// Silence after which the host is asked whether it is still there; `None` asks never.
    pub alive_interval: Option<Duration>,
    /// Unanswered questions after which the host counts as lost.
    pub alive_count: usize,
    /// Algorithm lists, where the defaults were changed.
    pub algorithms: Algorithms,
    /// Asks the server for compression.
    pub compression: bool,
}

impl SshTarget {
    /// A target with OpenSSH's defaults and no keys or passwords.
    pub fn new(host: impl Into<String>, port: u16, user: impl Into<String>) -> Self {
        SshTarget {
            host: host.into(),
            port,
            user: user.into(),
            login: Login::default(),
            host_key: HostKeyPolicy::default(),
            jumps: Vec::new(),
            proxy_command: None,
            forward_agent: false,
            environment: Vec::new(),
            bind_address: None,
            address_family: AddressFamily::Any,
            connect_timeout: Duration::from_secs(10),
            attempts: 1,
            alive_interval: Some(Duration::from_secs(15)),
            alive_count: 3,
            algorithms: Algorithms::default(),
            compression: false,
        }
    }
}

/// OpenSSH's default of `RequiredRSASize`.
pub(crate) const REQUIRED_RSA: u32 = 1024;

/// OpenSSH's default of `CASignatureAlgorithms`.
pub(crate) const CA_ALGORITHMS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// How to log in.
#[derive(Debug, Clone)]
pub struct Login {
    /// Private key files, in the order to try; files that do not exist are passed over.
    pub keys: Vec<PathBuf>,
    /// A private key given as text (`ansible_private_key`).
    pub key_text: Option<Secret>,
    /// Certificate files for the keys.
    pub certificates: Vec<PathBuf>,
    /// Offers only the listed keys, even when the agent has others (`IdentitiesOnly`).
    pub identities_only: bool,
    /// The agent to ask.
    pub agent: AgentUse,
    /// Passphrase of encrypted private keys.
    pub passphrase: Option<Secret>,
    /// Login password, for `password` and `keyboard-interactive`.
    pub password: Option<Secret>,
    /// Methods in the order to try (`PreferredAuthentications`, less those switched off).
    pub methods: Vec<LoginMethod>,
    /// Signature algorithms to use keys with (`PubkeyAcceptedAlgorithms`), where restricted.
    pub key_algorithms: Option<Vec<String>>,
    /// Bits that RSA keys must have (`RequiredRSASize`).
    pub required_rsa: u32,
    /// Whether people may be asked for passphrases (not with `BatchMode`).
    pub asks: bool,
}

impl Default for Login {
    fn default() -> Self {
        Login {
            keys: Vec::new(),
            key_text: None,
            certificates: Vec::new(),
            identities_only: false,
            agent: AgentUse::Environment,
            passphrase: None,
            password: None,
            methods: vec![LoginMethod::PublicKey, LoginMethod::KeyboardInteractive, LoginMethod::Password],
            key_algorithms: None,
            required_rsa: REQUIRED_RSA,
            asks: true,
        }
    }
}

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the method of that name in RFC 4252 and 4256")]
pub enum LoginMethod {
    PublicKey,
    KeyboardInteractive,
    Password,
}

/// Which agent holds keys (`IdentityAgent`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentUse {
    /// The one that `SSH_AUTH_SOCK` names, if it does.
    Environment,
    /// The one at this socket.
    Socket(PathBuf),
    /// None.
    Off,
}

/// How to decide whether a host's key is to be trusted.
#[derive(Debug, Clone)]
pub struct HostKeyPolicy {
    /// What to do about keys that are not known.
    pub check: HostKeyCheck,
    /// The name that keys are looked up under (`HostKeyAlias`), instead of host and port.
    pub alias: Option<String>,
    /// The user's files, first written to.
    pub user_files: Vec<PathBuf>,
    /// The system's files.
    pub global_files: Vec<PathBuf>,
    /// Writes names hashed (`HashKnownHosts`).
    pub hash_names: bool,
    /// What authorities may sign hosts' certificates with (`CASignatureAlgorithms`).
    pub ca_algorithms: Vec<String>,
    /// Bits that RSA keys must have (`RequiredRSASize`).
    pub required_rsa: u32,
}

impl Default for HostKeyPolicy {
    fn default() -> Self {
        HostKeyPolicy {
            check: HostKeyCheck::Ask,
            alias: None,
            user_files: Vec::new(),
            global_files: vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()],
            hash_names: false,
            ca_algorithms: CA_ALGORITHMS.iter().map(|name| (*name).to_owned()).collect(),
            required_rsa: REQUIRED_RSA,
        }
    }
}

/// `StrictHostKeyChecking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKeyCheck {
    /// Unknown keys are refused.
    Yes,
    /// The caller is asked about unknown keys ([`crate::OpenOptions::ask`]); with nobody to ask they are refused.
    Ask,
    /// Unknown keys are accepted and remembered, changed ones refused.
    AcceptNew,
    /// Everything is accepted; unknown keys are remembered.
    No,
}

/// `AddressFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "each is the family of that name")]
pub enum AddressFamily {
    #[default]
    Any,
    Inet,
    Inet6,
}

/// Algorithm lists in OpenSSH's names, where the defaults were changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Algorithms {
    /// `KexAlgorithms`.
    pub kex: Option<Vec<String>>,
    /// `HostKeyAlgorithms`.
    pub host_key: Option<Vec<String>>,
    /// `Ciphers`.
    pub ciphers: Option<Vec<String>>,
    /// `MACs`.
    pub macs: Option<Vec<String>>,
}
