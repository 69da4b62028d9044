//! How hosts are reached.

use std::path::PathBuf;

use clap::Args;
use shevek_settings::Settings;

/// How hosts are reached, unless their variables say otherwise.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Log in with this private key.
    #[arg(long, visible_alias = "key-file", value_name = "FILE")]
    pub private_key: Option<PathBuf>,

    /// Log in as this user.
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub user: Option<String>,

    /// Reach hosts this way: `ssh` or `local`.
    #[arg(short = 'c', long, value_name = "NAME")]
    pub connection: Option<String>,

    /// Give up a connection that is not there after this time.
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub timeout: Option<u32>,

    /// Options as ssh, sftp and scp take them, such as a ProxyCommand.
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,

    /// Options as ssh alone takes them.
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub ssh_extra_args: Option<String>,

    /// Accepted and not needed: files go over the one ssh connection.
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub sftp_extra_args: Option<String>,

    /// Accepted and not needed: files go over the one ssh connection.
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub scp_extra_args: Option<String>,

    /// Ask for the login password.
    #[arg(short = 'k', long, conflicts_with = "connection_password_file")]
    pub ask_pass: bool,

    /// Take the login password from this file, or from what this program prints; `-` is standard input.
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE")]
    pub connection_password_file: Option<PathBuf>,
}

impl Connection {
    pub(crate) fn apply(&self, settings: &mut Settings) {
        if let Some(timeout) = self.timeout {
            settings.timeout = timeout.into();
        }
        if self.ask_pass {
            settings.ask_pass = true;
            settings.connection_password_file = None;
        }
        if self.connection_password_file.is_some() {
            settings.ask_pass = false;
            settings.connection_password_file.clone_from(&self.connection_password_file);
        }
    }
}
