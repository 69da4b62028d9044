//! What Ansible's variables and settings say about reaching a host over SSH.

use std::time::Duration;

use super::arguments::Arguments;
use super::read::Files;
use super::resolve::{Ends, target};
use super::{Place, SshConfigError, SshContext};
use crate::Secret;
use crate::target::{LoginMethod, OpenSshTarget, SshTarget};

/// The `ssh_args` that Ansible has unless told otherwise: sharing connections, which is built in here.
const DEFAULT_ARGS: &str = "-C -o ControlMaster=auto -o ControlPersist=60s";

/// What Ansible's variables and settings say about reaching a host over SSH, rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SshOptions {
    /// `ansible_host`, or the inventory name.
    pub host: String,
    /// `ansible_port`, `remote_port`.
    pub port: Option<u16>,
    /// `ansible_user`, `remote_user`, `--user`.
    pub user: Option<String>,
    /// `ansible_password`, `--ask-pass`.
    pub password: Option<Secret>,
    /// `ansible_ssh_private_key_file`, `--private-key`.
    pub private_key_file: Option<String>,
    /// `ansible_ssh_private_key`: the key itself.
    pub private_key: Option<Secret>,
    /// `ansible_ssh_private_key_passphrase`.
    pub passphrase: Option<Secret>,
    /// `ansible_ssh_args`, `ssh_args`.
    pub ssh_args: Option<String>,
    /// `ansible_ssh_common_args`, `--ssh-common-args`.
    pub ssh_common_args: Option<String>,
    /// `ansible_ssh_extra_args`, `--ssh-extra-args`.
    pub ssh_extra_args: Option<String>,
    /// `ansible_host_key_checking`, `host_key_checking`.
    pub host_key_checking: Option<bool>,
    /// `timeout`, `--timeout`.
    pub timeout: Option<Duration>,
}

impl SshOptions {
    /// Options that say nothing but the host.
    pub fn new(host: impl Into<String>) -> Self {
        SshOptions { host: host.into(), ..SshOptions::default() }
    }

    /// Makes a target, once for every set of options: first what is said here counts (in Ansible's order), then the user's `ssh_config`, then the
    /// system's, then OpenSSH's defaults.
    pub fn resolve(&self, context: &SshContext) -> Result<SshTarget, SshConfigError> {
        context.resolved(self, || self.make(context))
    }

    /// The same for the machine's own `ssh`, for what is not supported here (`connection: openssh`). It reads its
    /// configuration itself. Passwords cannot be given to it.
    pub fn openssh(&self, program: Option<&str>) -> Result<OpenSshTarget, SshConfigError> {
        let mut arguments = Vec::new();
        let split = |text: &Option<String>, name: &'static str| {
            let words = shlex::split(text.as_deref().unwrap_or_default());
            words.ok_or_else(|| SshConfigError::new(&Place::Argument(name), "a quote is not closed"))
        };
        let (base, common, extra) = (
            split(&self.ssh_args, "ssh_args")?,
            split(&self.ssh_common_args, "ansible_ssh_common_args")?,
            split(&self.ssh_extra_args, "ansible_ssh_extra_args")?,
        );
        arguments.extend(base);
        let mut option = |text: String| arguments.extend(["-o".to_owned(), text]);
        if self.host_key_checking == Some(false) {
            option("StrictHostKeyChecking=no".to_owned());
        }
        if let Some(port) = self.port {
            option(format!("Port={port}"));
        }
        if let Some(file) = &self.private_key_file {
            option(format!("IdentityFile=\"{file}\""));
        }
        if let Some(user) = &self.user {
            option(format!("User=\"{user}\""));
        }
        if let Some(timeout) = self.timeout {
            option(format!("ConnectTimeout={}", timeout.as_secs().max(1)));
        }
        arguments.extend(common);
        arguments.extend(extra);
        // Of an option that is there twice, `ssh` takes the first.
        arguments.extend(["-o".to_owned(), "ServerAliveInterval=15".to_owned()]);
        if self.password.is_some() || self.passphrase.is_some() || self.private_key.is_some() {
            let place = Place::Argument("ansible_password");
            return Err(SshConfigError::new(
                &place,
                "passwords and keys in variables cannot be given to the ssh program",
            )
            .with_help("use `connection: ssh`, or keys and an agent"));
        }
        Ok(OpenSshTarget { program: program.unwrap_or("ssh").to_owned(), arguments, host: self.host.clone() })
    }

    fn make(&self, context: &SshContext) -> Result<SshTarget, SshConfigError> {
        let mut arguments = Arguments::default();
        // Differs from Ansible: its default `-C` is left out, since compression slows most networks down.
        if let Some(args) = self.ssh_args.as_deref().filter(|args| args.trim() != DEFAULT_ARGS) {
            arguments.add(args, &Place::Argument("ssh_args"))?;
        }
        if self.host_key_checking == Some(false) {
            arguments.set("stricthostkeychecking", "no", &Place::Argument("host_key_checking"))?;
        }
        if let Some(port) = self.port {
            arguments.set("port", &port.to_string(), &Place::Argument("ansible_port"))?;
        }
        if self.private_key.is_some() {
            arguments.set("identitiesonly", "yes", &Place::Argument("ansible_ssh_private_key"))?;
        } else if let Some(file) = self.private_key_file.as_deref().filter(|file| !file.is_empty()) {
            arguments.set("identityfile", file, &Place::Argument("ansible_ssh_private_key_file"))?;
        }
        if let Some(user) = self.user.as_deref().filter(|user| !user.is_empty()) {
            arguments.set("user", user, &Place::Argument("ansible_user"))?;
        }
        if let Some(timeout) = self.timeout {
            let seconds = timeout.as_secs().max(1).to_string();
            arguments.set("connecttimeout", &seconds, &Place::Argument("timeout"))?;
        }
        for (args, name) in [
            (&self.ssh_common_args, "ansible_ssh_common_args"),
            (&self.ssh_extra_args, "ansible_ssh_extra_args"),
        ] {
            if let Some(args) = args {
                arguments.add(args, &Place::Argument(name))?;
            }
        }
        let config = match &arguments.config {
            Some((path, _)) if path == "none" => Some(None),
            Some((path, _)) => Some(Some(context.expand_home(path))),
            None => None,
        };
        let files = match &config {
            None => Files::Usual,
            Some(None) => Files::None,
            Some(Some(path)) => Files::Only(path),
        };
        let mut made =
            target(context, Ends { host: &self.host, files: &files, depth: 0 }, arguments.settings)?;
        let login = &mut made.login;
        login.key_text = self.private_key.clone();
        login.passphrase = self.passphrase.clone();
        login.password = self.password.clone();
        if login.password.is_none() {
            // As Ansible does: without a password nothing may ask for one.
            login.methods.retain(|method| *method == LoginMethod::PublicKey);
        }
        Ok(made)
    }
}
