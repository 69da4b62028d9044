//! `shevek pull`: a repository brought up to date on this machine, and its playbooks run here.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_settings::Settings;

use crate::exit::{Ending, unreadable};
use crate::options::{Connection, Hosts, Output, VaultIds};
use crate::output::{complain, errors_coloured, print};

/// The playbook that is run when none is named and none is named like the machine.
const LOCAL: &str = "local.yml";

/// Brings a repository up to date on this machine, and runs its playbooks here.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Where the repository is.
    #[arg(short = 'U', long, value_name = "URL")]
    url: Option<String>,

    /// Check it out here instead of `~/.ansible/pull/HOST`.
    #[arg(short = 'd', long, value_name = "FOLDER")]
    directory: Option<PathBuf>,

    /// The branch, tag or commit.
    #[arg(short = 'C', long, value_name = "VERSION")]
    checkout: Option<String>,

    /// The module that checks it out: `git` or `subversion`.
    #[arg(short = 'm', long, value_name = "NAME", default_value = "git")]
    module_name: String,

    /// Run the playbooks only if the repository has changed.
    #[arg(short = 'o', long)]
    only_if_changed: bool,

    /// Wait at most so many seconds first, by chance, so that many machines don't ask at once.
    #[arg(short = 's', long, value_name = "SECONDS")]
    sleep: Option<u64>,

    /// Run the playbooks even if the repository could not be brought up to date.
    #[arg(short = 'f', long)]
    force: bool,

    /// Remove the checkout afterwards.
    #[arg(long)]
    purge: bool,

    /// Clone with all history.
    #[arg(long)]
    full: bool,

    /// Trust the key of the repository's host when it is new.
    #[arg(long)]
    accept_host_key: bool,

    /// Go on only if the commit's signature is good.
    #[arg(long)]
    verify_commit: bool,

    /// Throw away what was changed in the checkout.
    #[arg(long)]
    clean: bool,

    /// Submodules follow their branches.
    #[arg(long)]
    track_subs: bool,

    /// Change nothing; say what the playbooks would change.
    #[arg(long)]
    check: bool,

    /// Show differences of what changes.
    #[arg(long)]
    diff: bool,

    /// Run only plays and tasks with these tags; may be given several times.
    #[arg(short = 't', long, value_name = "TAGS")]
    tags: Vec<String>,

    /// Leave out plays and tasks with these tags; may be given several times.
    #[arg(long, value_name = "TAGS")]
    skip_tags: Vec<String>,

    /// Set variables that win over all others; may be given several times.
    #[arg(short = 'e', long, value_name = "VARIABLES")]
    extra_vars: Vec<String>,

    /// Look here for modules first.
    #[arg(short = 'M', long, value_name = "FOLDERS")]
    module_path: Vec<String>,

    /// Ask for the become password.
    #[arg(short = 'K', long, conflicts_with = "become_password_file")]
    ask_become_pass: bool,

    /// Take the become password from this file, or from what this program prints.
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    become_password_file: Option<PathBuf>,

    #[command(flatten)]
    inventory: Hosts,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    vault: VaultIds,
    #[command(flatten)]
    output: Output,

    /// Playbooks of the repository.
    playbooks: Vec<PathBuf>,
}

impl Pull {
    pub(crate) fn run(self, settings: &Settings) -> Ending {
        let Some(url) = &self.url else {
            return Err(wrong("no repository", "URL for repository not specified, use -h for help").into());
        };
        if !matches!(self.module_name.as_str(), "git" | "subversion") {
            let detail =
                format!("`{}` is no module that repositories are checked out with here", self.module_name);
            return Err(wrong("not a module for repositories", detail)
                .help("there are git and subversion")
                .into());
        }
        let node = node();
        let dest = self.dest(&node)?;
        if let Some(seconds) = self.sleep {
            let nap = Duration::from_secs(chance(seconds));
            print(&format!("Sleeping for {} seconds...\n", nap.as_secs()));
            std::thread::sleep(nap);
        }
        let short = node.split('.').next().unwrap_or(&node);
        let limit = if short == node {
            format!("localhost,{node},127.0.0.1")
        } else {
            format!("localhost,{node},{short},127.0.0.1")
        };
        let (code, said) = self.check_out(url, &dest, &limit)?;
        if code != 0 {
            if !self.force {
                return Ok(code);
            }
            let warning = Diagnostic::warning("the repository could not be brought up to date")
                .detail("the playbooks run all the same, as --force says");
            complain(&warning.into(), errors_coloured(settings));
        } else if self.only_if_changed && !said.contains("| CHANGED =>") {
            print("Repository has not changed, quitting.\n");
            return Ok(0);
        }
        let code = self.play(&dest, &limit, &node)?;
        if self.purge {
            std::fs::remove_dir_all(&dest).map_err(|error| unreadable(&dest, &error))?;
        }
        Ok(code)
    }

    fn dest(&self, node: &str) -> Result<PathBuf> {
        let here = std::env::current_dir().map_err(|error| unreadable(Path::new("."), &error))?;
        Ok(match &self.directory {
            Some(folder) => here.join(folder),
            None => std::env::home_dir().unwrap_or(here).join(".ansible/pull").join(node),
        })
    }

    /// Options for both steps.
    fn common(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["-c".into(), "local".into()];
        words.extend((0..self.output.verbose).map(|_| "-v".into()));
        words.extend(self.output.no_color.then(|| "--no-color".into()));
        each(&mut words, "-e", &self.extra_vars);
        each(&mut words, "-M", &self.module_path);
        words
    }

    /// The inventories that are there; more may be once the repository is.
    fn inventories(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let there = |source: &&String| source.contains(',') || Path::new(source).exists();
        for source in self.inventory.inventory.iter().filter(there) {
            words.extend(["-i".into(), source.into()]);
        }
        words
    }

    /// Brings the repository up to date: the exit code, and what was said.
    fn check_out(&self, url: &str, dest: &Path, limit: &str) -> Result<(u8, String)> {
        let mut inventories = self.inventories();
        if inventories.is_empty() {
            inventories.extend(["-i".into(), "localhost,".into()]);
        }
        let mut arguments: Vec<(&str, String)> = Vec::new();
        let name = if self.module_name == "git" { "name" } else { "repo" };
        arguments.push((name, url.to_owned()));
        arguments.push(("dest", dest.display().to_string()));
        if let Some(version) = &self.checkout {
            arguments.push((if self.module_name == "git" { "version" } else { "revision" }, version.clone()));
        }
        if self.module_name == "git" {
            let mut yes = |wanted: bool, option: &'static str| {
                if wanted {
                    arguments.push((option, "yes".to_owned()));
                }
            };
            yes(self.accept_host_key, "accept_hostkey");
            yes(self.verify_commit, "verify_commit");
            yes(self.track_subs, "track_submodules");
            if let Some(key) = &self.connection.private_key {
                arguments.push(("key_file", key.display().to_string()));
            }
            if !self.full {
                arguments.push(("depth", "1".to_owned()));
            }
        }
        if self.clean {
            arguments.push(("force", "yes".to_owned()));
        }
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let arguments: Vec<String> =
            arguments.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        let mut words = inventories;
        words.extend(self.common());
        words.extend(["-m".into(), self.module_name.clone().into(), "-a".into(), arguments.join(" ").into()]);
        words.extend(["all".into(), "-l".into(), limit.into()]);
        self.ourselves("ansible", words, None)
    }

    fn play(&self, dest: &Path, limit: &str, node: &str) -> Result<u8> {
        let playbooks = self.chosen(dest, node)?;
        let mut words = self.common();
        words.extend(playbooks.into_iter().map(OsString::from));
        each(&mut words, "--vault-id", &self.vault.vault_id);
        for file in &self.vault.vault_password_file {
            words.extend(["--vault-password-file".into(), file.into()]);
        }
        for (file, option) in [
            (&self.become_password_file, "--become-password-file"),
            (&self.connection.connection_password_file, "--connection-password-file"),
            (&self.connection.private_key, "--private-key"),
        ] {
            if let Some(file) = file {
                words.extend([option.into(), file.into()]);
            }
        }
        for (wanted, option) in [
            (self.vault.ask_vault_password, "--ask-vault-password"),
            (self.ask_become_pass, "--ask-become-pass"),
            (self.connection.ask_pass, "--ask-pass"),
            (self.check, "--check"),
            (self.diff, "--diff"),
            (self.inventory.flush_cache, "--flush-cache"),
            (self.output.json, "--json"),
        ] {
            if wanted {
                words.push(option.into());
            }
        }
        each(&mut words, "-t", &self.tags);
        each(&mut words, "--skip-tags", &self.skip_tags);
        words.extend(["-l".into(), self.inventory.limit.as_deref().unwrap_or(limit).into()]);
        let before = std::env::current_dir().map_err(|error| unreadable(Path::new("."), &error))?;
        for report in &self.output.report {
            words.extend(["--report".into(), report.seen_from(&before)]);
        }
        // Inventories may be among what has just come.
        let there = |source: &&String| {
            source.contains(',') || dest.join(source).exists() || before.join(source).exists()
        };
        for source in self.inventory.inventory.iter().filter(there) {
            words.extend(["-i".into(), source.into()]);
        }
        Ok(self.ourselves("ansible-playbook", words, Some(dest))?.0)
    }

    /// The playbooks to run.
    fn chosen(&self, dest: &Path, node: &str) -> Result<Vec<PathBuf>> {
        if !self.playbooks.is_empty() {
            for playbook in &self.playbooks {
                let path = dest.join(playbook);
                std::fs::File::open(&path).map_err(|error| unreadable(&path, &error))?;
            }
            return Ok(self.playbooks.clone());
        }
        let short = node.split('.').next().unwrap_or(node);
        let names = [format!("{node}.yml"), format!("{short}.yml"), LOCAL.to_owned()];
        let found = names.iter().map(|name| dest.join(name)).find(|path| path.is_file());
        match found {
            Some(path) => Ok(vec![path]),
            None => Err(Diagnostic::new("Could not find a playbook to run.")
                .kind(Kind::Machine)
                .detail(format!("{} has none of {}", dest.display(), names.join(", ")))),
        }
    }

    /// Runs this program under another of its names; what it says goes on at once.
    fn ourselves(&self, name: &str, words: Vec<OsString>, folder: Option<&Path>) -> Result<(u8, String)> {
        let program = std::env::current_exe().map_err(|error| unreadable(Path::new("shevek"), &error))?;
        let mut command = Command::new(&program);
        command.arg0(name).args(words).stdout(Stdio::piped());
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let failed = |error: std::io::Error| unreadable(&program, &error);
        let mut child = command.spawn().map_err(failed)?;
        let mut said = Vec::new();
        if let Some(mut stdout) = child.stdout.take() {
            let mut piece = [0; 8192];
            loop {
                let count = stdout.read(&mut piece).map_err(failed)?;
                let Some(piece) = piece.get(..count).filter(|piece| !piece.is_empty()) else { break };
                let mut out = std::io::stdout().lock();
                // A reader that has gone away is no reason to leave the work half done.
                let _ = out.write_all(piece).and_then(|()| out.flush());
                said.extend_from_slice(piece);
            }
        }
        let status = child.wait().map_err(failed)?;
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Ok((code, String::from_utf8_lossy(&said).into_owned()))
    }
}

fn each(words: &mut Vec<OsString>, option: &str, values: &[String]) {
    for value in values {
        words.extend([option.into(), value.into()]);
    }
}

fn wrong(summary: &'static str, detail: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::new(summary).kind(Kind::Options).detail(detail.into())
}

/// The machine's name.
fn node() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A number up to a limit, different from time to time and from machine to machine.
fn chance(limit: u64) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    random % limit.saturating_add(1).max(1)
}
