//! Vault passwords.

use std::path::PathBuf;

use clap::Args;
use shevek_settings::Settings;
use shevek_vault::PasswordSource;

/// Where vault passwords come from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Vaults")]
pub(crate) struct VaultIds {
    /// A vault id with its password: `ID@prompt`, `ID@FILE`, or a file alone; may be given several times.
    #[arg(long, value_name = "[ID@]SOURCE")]
    pub vault_id: Vec<String>,

    /// Ask for the vault password.
    #[arg(short = 'J', long = "ask-vault-password", visible_alias = "ask-vault-pass")]
    #[arg(conflicts_with = "vault_password_file")]
    pub ask_vault_password: bool,

    /// Take the vault password from this file, or from what this program prints; may be given several times.
    #[arg(long, visible_alias = "vault-pass-file", value_name = "FILE")]
    pub vault_password_file: Vec<PathBuf>,
}

impl VaultIds {
    /// All passwords' ids and sources, in the order in which they are tried.
    pub(crate) fn sources(&self, settings: &Settings) -> Vec<(String, PasswordSource)> {
        let listed = settings.vault_identity_list.iter().chain(&self.vault_id);
        let mut sources: Vec<(String, PasswordSource)> =
            listed.map(|option| named(option, settings)).collect();
        let from_settings = settings.vault_password_file.iter();
        for file in self.vault_password_file.iter().chain(from_settings) {
            sources.push((settings.vault_identity.clone(), PasswordSource::File(file.clone())));
        }
        if self.ask_vault_password || settings.ask_vault_pass {
            sources.push((settings.vault_identity.clone(), PasswordSource::Asked));
        }
        sources
    }
}

fn named(option: &str, settings: &Settings) -> (String, PasswordSource) {
    let (id, source) = PasswordSource::parse_id(option);
    let has_id = option.split_once('@').is_some_and(|(id, _)| !id.is_empty());
    (if has_id { id } else { settings.vault_identity.clone() }, source)
}
