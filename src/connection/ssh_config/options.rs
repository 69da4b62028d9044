//! What Ansible's variables and settings say about reaching a host over SSH.

use std::time::Duration;

use super::arguments::Arguments;
use super::read::Files;
use super::resolve::{Ends, target};
use super::{Place, SshConfigError, SshContext};
use crate::Secret;
use crate::target::{LoginMethod, SshTarget};

/// The `ssh_args` that Ansible has unless told otherwise: sharing connections, which is built in here.
const DEFAULT_ARGS: &str = "-C -o ControlMaster=auto -o ControlPersist=60s";

/// What Ansible's variables and settings say about reaching a host over SSH, rendered.
#[derive(Debug, Clone, Default)]
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

    /// Makes a target: first what is said here counts (in Ansible's order), then the user's `ssh_config`, then the
    /// system's, then OpenSSH's defaults.
    pub fn resolve(&self, context: &SshContext) -> Result<SshTarget, SshConfigError> {
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
