//! How tasks run.

use std::path::PathBuf;

use clap::Args;
use shevek_settings::Settings;

/// How tasks run.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Running")]
pub(crate) struct Running {
    /// Change nothing; say what would change.
    #[arg(short = 'C', long)]
    pub check: bool,

    /// Show differences of what changes.
    #[arg(short = 'D', long)]
    pub diff: bool,

    /// Set variables that win over all others: `key=value`, JSON, YAML or `@FILE`; may be given several times.
    #[arg(short = 'e', long, value_name = "VARIABLES")]
    pub extra_vars: Vec<String>,

    /// Work on this many hosts at once.
    #[arg(short = 'f', long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub forks: Option<u32>,

    /// Look here for modules first. Modules in Python are not run; they are named when a task needs one.
    #[arg(short = 'M', long, value_name = "FOLDERS")]
    pub module_path: Vec<String>,

    /// Find runners for other kinds of machines here.
    #[arg(long, value_name = "FOLDER")]
    pub runner_dir: Option<PathBuf>,

    /// Leave nothing on hosts, not even the runner's binary.
    #[arg(long)]
    pub no_cache: bool,
}

impl Running {
    pub(crate) fn apply(&self, settings: &mut Settings) {
        if let Some(forks) = self.forks {
            settings.forks = forks.into();
        }
        if self.runner_dir.is_some() {
            settings.runner_dir.clone_from(&self.runner_dir);
        }
        settings.diff_always |= self.diff;
        let mut library: Vec<PathBuf> = self
            .module_path
            .iter()
            .flat_map(|folders| folders.split(':'))
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from)
            .collect();
        library.append(&mut settings.library);
        settings.library = library;
    }
}
