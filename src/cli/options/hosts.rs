//! Which hosts there are, and which of them count.

use std::path::{Path, PathBuf};

use clap::Args;
use shevek_settings::Settings;

/// Which hosts there are, and which of them count.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Hosts")]
pub(crate) struct Hosts {
    /// Read hosts from this file, folder or script, or from names with commas (`web1,web2`); may be given several
    /// times.
    #[arg(short = 'i', long, visible_alias = "inventory-file", value_name = "SOURCE")]
    pub inventory: Vec<String>,

    /// Only hosts that match this pattern too; `@FILE` reads patterns from a file.
    #[arg(short = 'l', long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub limit: Option<String>,

    /// Forget the facts that earlier runs kept.
    #[arg(long)]
    pub flush_cache: bool,
}

impl Hosts {
    /// The sources to read: those given, else those of the settings.
    pub(crate) fn sources(&self, settings: &Settings) -> Vec<String> {
        if !self.inventory.is_empty() {
            return self.inventory.clone();
        }
        // Nobody misses the default one where it is not there.
        let is_missing =
            |path: &&PathBuf| path.as_path() == Path::new("/etc/ansible/hosts") && !path.exists();
        let there = settings.inventory.iter().filter(|path| !is_missing(path));
        there.map(|path| path.to_string_lossy().into_owned()).collect()
    }
}
