//! Questions to a repository and its remote: which commit is where.

use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;

use super::Git;

/// A repository on the host, and how git is called for it.
pub(super) struct Repository {
    pub program: PathBuf,
    pub umask: Option<u32>,
    /// The command that git calls for ssh.
    pub ssh: String,
    /// Where it comes from.
    pub repo: String,
    /// What that is called here.
    pub remote: String,
    /// The working tree.
    pub dest: PathBuf,
    /// The repository itself.
    pub folder: PathBuf,
}

/// Whether two addresses name the same repository.
pub(super) fn same_place(one: &str, other: &str) -> bool {
    one == other || one.trim_end_matches('/') == other.trim_end_matches('/')
}

impl Repository {
    pub fn command(&self, verb: &str) -> Command {
        let command = cmd(&self.program).arg(verb).env("GIT_SSH_COMMAND", &self.ssh);
        command.env("GIT_TERMINAL_PROMPT", "0").umask(self.umask)
    }

    /// Runs git in the working tree.
    pub fn run(&self, host: &mut Host, words: &[&str]) -> Result<Ran> {
        let (verb, args) = words.split_first().ok_or_else(|| Fault::new("git: no verb"))?;
        host.run(self.command(verb).args(args).folder(&self.dest))
    }

    /// Asks git in the working tree; any exit code is fine.
    pub fn ask(&self, host: &Probe, words: &[&str]) -> Result<Ran> {
        let (verb, args) = words.split_first().ok_or_else(|| Fault::new("git: no verb"))?;
        let command = self.command(verb).args(args).any_rc();
        // A question must not even renew the index.
        let command = command.env("GIT_OPTIONAL_LOCKS", "0");
        let is_there = !self.dest.as_os_str().is_empty() && host.is_folder(&self.dest);
        host.ask(if is_there { command.folder(&self.dest) } else { command })
    }

    /// Finds the repository of a working tree; a `.git` file says where it is.
    pub fn find(&mut self, dest: &Path, bare: bool, host: &Probe) -> Result<()> {
        dest.clone_into(&mut self.dest);
        self.folder = if bare { dest.to_owned() } else { dest.join(".git") };
        if host.stat(&self.folder)?.is_some_and(|stat| stat.is_file()) {
            let text = host.read_text(&self.folder)?;
            let target = text.trim_end().strip_prefix("gitdir: ").map(|path| dest.join(path));
            match target.filter(|target| host.is_folder(target)) {
                Some(target) => self.folder = target,
                None => fail!(
                    "Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path"
                ),
            }
        }
        Ok(())
    }

    pub fn is_there(&self, host: &Probe) -> bool {
        host.exists(self.folder.join("config"))
    }

    /// The commit that is checked out.
    pub fn version(&self, host: &Probe) -> Result<String> {
        Ok(self.ask(host, &["rev-parse", "HEAD"])?.out().trim_end_matches('\n').to_owned())
    }

    pub fn has_changes(&self, host: &Probe) -> Result<bool> {
        let out = self.ask(host, &["status", "--porcelain"])?.out();
        Ok(out.lines().any(|line| !line.starts_with("??")))
    }

    pub fn remote_url(&self, host: &Probe) -> Result<Option<String>> {
        let ran = self.ask(host, &["ls-remote", "--get-url", &self.remote])?;
        Ok(ran.ok().then(|| ran.out().trim_end_matches('\n').to_owned()))
    }

    fn listed(&self, host: &Probe, remote: &str, kind: &str, name: &str) -> Result<String> {
        let words = ["ls-remote", remote, kind, name];
        let ran = self.ask(host, &words)?;
        let command = self.command("ls-remote").args([remote, kind, name]);
        Ok(ran.check(&command)?.out())
    }

    pub fn is_remote_branch(&self, host: &Probe, remote: &str, version: &str) -> Result<bool> {
        Ok(self.listed(host, remote, "-h", &format!("refs/heads/{version}"))?.contains(version))
    }

    pub fn is_remote_tag(&self, host: &Probe, remote: &str, version: &str) -> Result<bool> {
        Ok(self.listed(host, remote, "-t", &format!("refs/tags/{version}"))?.contains(version))
    }

    fn branches(&self, host: &Probe) -> Result<Vec<String>> {
        let ran = self.ask(host, &["branch", "--no-color", "-a"])?;
        if !ran.ok() {
            fail!("Could not determine branch data - received {}", ran.out());
        }
        Ok(ran.out().lines().map(|line| line.trim().to_owned()).collect())
    }

    pub fn is_local_branch(&self, host: &Probe, name: &str) -> Result<bool> {
        let current = format!("* {name}");
        Ok(self.branches(host)?.iter().any(|branch| branch == name || *branch == current))
    }

    /// The branch of HEAD; where no branch is checked out, that of the remote's HEAD.
    pub fn head_branch(&self, host: &Probe) -> Result<String> {
        let is_loose = |branch: &String| {
            branch.starts_with("* ")
                && ["no branch", "detached from", "detached at"].iter().any(|words| branch.contains(words))
        };
        let file = if self.branches(host)?.iter().any(is_loose) {
            self.folder.join("refs/remotes").join(&self.remote).join("HEAD")
        } else {
            self.folder.join("HEAD")
        };
        let text = host
            .read_text(&file)
            .map_err(|f| Fault { message: format!("Unable to read {}", file.display()), ..f })?;
        let line = text.lines().next().unwrap_or_default();
        let name = line.rsplit(' ').next().unwrap_or_default();
        let of_remote = format!("refs/remotes/{}/", self.remote);
        let name = name.strip_prefix(&of_remote).or_else(|| name.strip_prefix("refs/heads/")).unwrap_or(name);
        Ok(name.to_owned())
    }

    /// The commit that the wanted version has at the remote; without a remote's name, at the address.
    pub fn remote_head(&self, args: &Git, host: &Probe, remote: Option<&str>) -> Result<String> {
        let version = args.version.as_str();
        let from = remote.unwrap_or(&self.repo);
        let out = if version == "HEAD" {
            let name = match remote {
                None => "HEAD".to_owned(),
                Some(_) => format!("refs/heads/{}", self.head_branch(host)?),
            };
            self.listed(host, from, "-h", &name)?
        } else if self.is_remote_branch(host, from, version)? {
            self.listed(host, from, "-h", &format!("refs/heads/{version}"))?
        } else if self.is_remote_tag(host, from, version)? {
            let out = self.listed(host, from, "-t", &format!("refs/tags/{version}*"))?;
            // An annotated tag is told twice; the commit behind it is what counts.
            let peeled = format!("{version}^{{}}");
            let find = |end: &str| out.lines().find(|line| line.ends_with(end)).map(str::to_owned);
            find(&peeled).or_else(|| find(version)).unwrap_or_default()
        } else {
            // A commit's hash, which no remote can be asked for.
            return Ok(version.to_owned());
        };
        match out.split_whitespace().next() {
            Some(commit) => Ok(commit.to_owned()),
            None => fail!("Could not determine remote revision for {version}"),
        }
    }

    /// The difference between two commits, or a word where there is none to show.
    pub fn diff(&self, before: Option<&str>, after: &str, host: &Probe) -> Result<String> {
        let Some(before) = before else { return Ok(format!(">> Newly checked out {after}")) };
        let ran = self.ask(host, &["diff", before, after])?;
        Ok(match (ran.ok(), ran.out()) {
            (true, out) if out.is_empty() => format!(">> No visual differences between {before} and {after}"),
            (true, out) => out,
            (false, _) => {
                format!(">> Failed to get proper diff between {before} and {after}:\n>> {}", ran.err())
            }
        })
    }
}
