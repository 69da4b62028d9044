//! Becoming another user.

use std::path::PathBuf;

use clap::Args;
use shevek_settings::Settings;

/// Whom to become on hosts, unless their variables say otherwise.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Becoming another user")]
pub(crate) struct Escalation {
    /// Become another user (this alone asks for no password).
    #[arg(short = 'b', long = "become")]
    pub become_user_too: bool,

    /// How to become: `sudo`, `su`, `doas` or `runuser`.
    #[arg(long, value_name = "METHOD")]
    pub become_method: Option<String>,

    /// The user to become.
    #[arg(long, value_name = "USER")]
    pub become_user: Option<String>,

    /// Ask for the become password.
    #[arg(short = 'K', long, conflicts_with = "become_password_file")]
    pub ask_become_pass: bool,

    /// Take the become password from this file, or from what this program prints; `-` is standard input.
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    pub become_password_file: Option<PathBuf>,
}

impl Escalation {
    pub(crate) fn apply(&self, settings: &mut Settings) {
        settings.become_default |= self.become_user_too;
        if let Some(method) = &self.become_method {
            settings.become_method.clone_from(method);
        }
        if let Some(user) = &self.become_user {
            settings.become_user.clone_from(user);
        }
        if self.ask_become_pass {
            settings.become_ask_pass = true;
            settings.become_password_file = None;
        }
        if self.become_password_file.is_some() {
            settings.become_ask_pass = false;
            settings.become_password_file.clone_from(&self.become_password_file);
        }
    }
}
