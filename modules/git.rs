//! Check out a git repository.
//!
//! Clones it, or brings a clone up to date, and checks a version out; submodules too.
//!
//! ```yaml
//! - git: { repo: 'https://github.com/ansible/ansible.git', dest: /src/ansible, version: stable-2.19 }
//! - git: { repo: 'ssh://git@example.org/app.git', dest: /srv/app, key_file: /root/.ssh/deploy, accept_newhostkey: true }
//! - git: { repo: 'https://example.org/app.git', clone: false, update: false }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;

mod checkout;
mod refs;

use refs::Repository;

/// Arguments of `git`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("separate_git_dir", "bare"), exclusive("accept_hostkey", "accept_newhostkey"))]
#[rule(with("archive_prefix", needs("archive")))]
pub struct Git {
    /// Where it is checked out; needed unless `clone` is no.
    dest: Option<PathBuf>,
    /// Where the repository is.
    #[arg(alias = "name")]
    repo: String,
    /// A branch, a tag or a commit's full hash.
    #[arg(default = "HEAD")]
    version: String,
    /// What the remote is called.
    #[arg(default = "origin")]
    remote: String,
    /// A further refspec to fetch.
    refspec: Option<String>,
    /// A repository on the host to take objects from.
    reference: Option<String>,
    /// Throw local changes away.
    #[arg(default = false)]
    force: bool,
    /// How many commits of the history are fetched.
    depth: Option<i64>,
    /// Clone a repository that isn't there yet.
    #[arg(default = true)]
    clone: bool,
    /// Fetch what is new into one that is.
    #[arg(default = true)]
    update: bool,
    /// Check the signature of the commit or tag.
    #[arg(default = false)]
    verify_commit: bool,
    /// Fingerprints of keys that may have made the signature.
    #[arg(alias = "gpg_whitelist")]
    gpg_allowlist: Vec<String>,
    /// Take whatever key the ssh server has.
    #[arg(default = false)]
    accept_hostkey: bool,
    /// Take the key of an ssh server that isn't known yet.
    #[arg(default = false)]
    accept_newhostkey: bool,
    /// The private key for ssh.
    key_file: Option<PathBuf>,
    /// Further options for ssh.
    ssh_opts: Option<String>,
    /// The git program.
    executable: Option<PathBuf>,
    /// Make a repository without a working tree.
    #[arg(default = false)]
    bare: bool,
    /// Check out submodules too.
    #[arg(default = true)]
    recursive: bool,
    /// Clone only the history of the version.
    #[arg(default = false)]
    single_branch: bool,
    /// Bring submodules to the newest commit of their branch.
    #[arg(default = false)]
    track_submodules: bool,
    /// The umask for files that are made, as octal text.
    umask: Option<Val>,
    /// Make an archive of the version at this path.
    archive: Option<PathBuf>,
    /// What stands before each path in the archive.
    archive_prefix: Option<String>,
    /// Keep the repository itself here, apart from the working tree.
    separate_git_dir: Option<PathBuf>,
}

impl Procedure for Git {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let names = [&self.repo, &self.version, &self.remote].into_iter().chain(&self.refspec);
        refuse_options(names.map(String::as_str))?;
        let mut git = self.repository(host)?;
        let mut outcome = Outcome::ok();
        let Some(dest) = self.dest.as_ref().map(|dest| host.folder().join(dest)) else {
            if self.clone {
                fail!("the destination directory must be specified unless clone=no");
            }
            let head = git.remote_head(self, host, None)?;
            return Ok(outcome.changed_if(true).with("before", Val::Null).with("after", head));
        };
        git.find(&dest, self.bare, host)?;
        self.relocate(&mut git, host, &mut outcome)?;
        let is_there = git.is_there(host);
        outcome.set("before", Val::Null);
        if !is_there && !self.clone {
            let head = git.remote_head(self, host, None)?;
            return Ok(outcome.changed_if(true).with("after", head));
        }
        if is_there && !self.update {
            let now = git.version(host)?;
            outcome = outcome.with("before", &now).with("after", &now);
            self.archive(&git, host, &mut outcome)?;
            return Ok(outcome);
        }
        if host.rehearsing() {
            return self.foresee(&git, is_there, outcome, host);
        }
        let mut changed = outcome.changed;
        if is_there {
            changed |= self.bring_up(&git, host, &mut outcome)?;
        } else {
            self.clone_it(&git, host)?;
            // The repository may be in a place of its own.
            git.find(&dest, self.bare, host)?;
        }
        if !self.bare {
            self.switch(&git, host)?;
            if self.recursive && self.fetch_submodules(&git, host)? {
                changed = true;
                outcome.set("submodules_changed", true);
                self.update_submodules(&git, host)?;
            }
        }
        let after = git.version(host)?;
        let before = outcome.get("before").and_then(Val::as_str).map(str::to_owned);
        outcome.changed = changed || before.as_deref() != Some(&after);
        if before.as_deref() != Some(&after) && host.wants_diff() {
            let prepared = Some(git.diff(before.as_deref(), &after, host)?);
            host.diff(Diff { prepared, ..Diff::default() });
        }
        outcome.set("after", after);
        self.archive(&git, host, &mut outcome)?;
        Ok(outcome)
    }
}

impl Git {
    fn repository(&self, host: &Probe) -> Result<Repository> {
        let program = match &self.executable {
            Some(path) => path.clone(),
            None => host.need("git")?,
        };
        let umask = match &self.umask {
            None => None,
            Some(Val::Str(text)) => match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
                Ok(umask) => Some(umask),
                Err(_) => fail!("umask must be an octal integer"),
            },
            Some(_) => fail!("umask must be defined as a quoted octal integer"),
        };
        // `depth` and the like need an address where a path would do.
        let path = host.expand(&self.repo);
        let repo = if path.starts_with('/') { format!("file://{path}") } else { self.repo.clone() };
        Ok(Repository {
            program,
            umask,
            ssh: self.ssh(host),
            repo,
            remote: self.remote.clone(),
            dest: PathBuf::new(),
            folder: PathBuf::new(),
        })
    }

    /// How git shall call ssh.
    fn ssh(&self, host: &Probe) -> String {
        let mut options = host.env("GIT_SSH_OPTS").unwrap_or_default();
        let mut add = |option: &str, known: &str| {
            if !options.contains(known) {
                options.push_str(&format!(" {option}"));
            }
        };
        if let Some(own) = &self.ssh_opts {
            add(own, own);
        }
        for (wanted, option) in [
            (self.accept_hostkey, "-o StrictHostKeyChecking=no"),
            (self.accept_newhostkey, "-o StrictHostKeyChecking=accept-new"),
        ] {
            if wanted {
                let other = "StrictHostKeyChecking=";
                add(option, if self.ssh_opts.is_some() { other } else { option });
            }
        }
        add("-o BatchMode=yes", "BatchMode=yes");
        if let Some(key) = &self.key_file {
            let key = format!("-i {}", shevek_kit::quoted(key.as_os_str()));
            add(&key, &key);
            add("-o IdentitiesOnly=yes", "IdentitiesOnly=yes");
        }
        let program = host.env("GIT_SSH").or_else(|| host.env("GIT_SSH_COMMAND"));
        format!("{}{options}", program.unwrap_or_else(|| "ssh".into()))
    }

    /// What check mode can tell: the remote knows which commit it would be.
    fn foresee(
        &self,
        git: &Repository,
        is_there: bool,
        mut outcome: Outcome,
        host: &mut Host,
    ) -> Result<Outcome> {
        if !is_there {
            let head = git.remote_head(self, host, None)?;
            // What the clone brings is unknown; its folder is not.
            // Differs from Ansible: a check run supposes the folder, so that later tasks can use it.
            host.run(git.command("clone").arg(&git.repo).arg(&git.dest))?;
            host.run(cmd("mkdir").arg(&git.dest).does(Effect::Folder(git.dest.clone())))?;
            host.diff(Diff { prepared: Some(format!(">> Newly checked out {head}")), ..Diff::default() });
            return Ok(outcome.changed_if(true).with("after", head));
        }
        let before = git.version(host)?;
        outcome.set("before", &before);
        self.refuse_changes(git, host, &before)?;
        let moved = git.remote_url(host)?.is_some_and(|url| !refs::same_place(&url, &git.repo));
        let head = git.remote_head(self, host, Some(&self.remote))?;
        let changed = outcome.changed || head != before || moved;
        if changed {
            host.run(git.command("fetch").arg(&self.remote))?;
        }
        Ok(outcome.changed_if(changed).with("remote_url_changed", moved).with("after", head))
    }

    /// Whether there are changes that `force` allows to be thrown away; without it they are a failure.
    fn refuse_changes(&self, git: &Repository, host: &Probe, before: &str) -> Result<bool> {
        if self.bare || !git.has_changes(host)? {
            return Ok(false);
        }
        if !self.force {
            let message =
                format!("Local modifications exist in the destination: {} (force=no).", git.dest.display());
            return Err(Fault::new(message).with("before", before));
        }
        Ok(true)
    }

    fn bring_up(&self, git: &Repository, host: &mut Host, outcome: &mut Outcome) -> Result<bool> {
        let before = git.version(host)?;
        outcome.set("before", &before);
        let mut changed = self.refuse_changes(git, host, &before)?;
        if changed {
            git.run(host, &["reset", "--hard", "HEAD"])?;
            let message = format!("Local modifications exist in the destination: {}", git.dest.display());
            outcome.set("msg", message);
        }
        let url = git.remote_url(host)?;
        let moved = url.as_ref().is_some_and(|url| !refs::same_place(url, &git.repo));
        if moved || url.is_none() {
            git.run(host, &["remote", "set-url", &self.remote, &git.repo]).map_err(|f| Fault {
                message: format!("Failed to set a new url {} for {}: {}", git.repo, self.remote, f.message),
                ..f
            })?;
        }
        outcome.set("remote_url_changed", moved);
        changed |= moved;
        self.fetch(git, host)?;
        Ok(changed)
    }

    /// Moves the repository apart from its working tree, where that is asked for and not so yet.
    fn relocate(&self, git: &mut Repository, host: &mut Host, outcome: &mut Outcome) -> Result<()> {
        let Some(apart) = self.separate_git_dir.as_ref().map(|path| host.folder().join(path)) else {
            return Ok(());
        };
        if !host.exists(&git.folder) || git.folder == apart {
            return Ok(());
        }
        if host.exists(&apart) {
            fail!("Separate-git-dir path {} already exists.", apart.display());
        }
        host.run(cmd("mv").arg(&git.folder).arg(&apart).does(Effect::Folder(apart.clone())))?;
        host.write(git.dest.join(".git"), format!("gitdir: {}", apart.display()))?;
        outcome.changed = true;
        outcome.set("git_dir_before", &git.folder);
        outcome.set("git_dir_now", &apart);
        git.folder = apart;
        Ok(())
    }

    fn archive(&self, git: &Repository, host: &mut Host, outcome: &mut Outcome) -> Result<()> {
        let Some(archive) = &self.archive else { return Ok(()) };
        let extension = archive.extension().unwrap_or_default().to_string_lossy();
        let format = match &*extension {
            "zip" | "tar" | "tgz" => extension.as_ref(),
            "gz" => "tar.gz",
            _ => fail!("Unable to get file extension from archive file name : {}", archive.display()),
        };
        let make = |host: &mut Host, path: &Path| -> Result<()> {
            let command = git.command("archive").args(["--format", format, "--output"]).arg(path);
            let command = command.opt("--prefix", self.archive_prefix.as_ref()).arg(&self.version);
            let effect = Effect::File { path: path.to_owned(), content: None };
            host.run(command.folder(&git.dest).does(effect)).map(drop).map_err(|fault| Fault {
                message: "Failed to perform archive operation".to_owned(),
                ..fault.clone().with("details", fault.message)
            })
        };
        if host.rehearsing() || !host.exists(archive) {
            make(host, archive)?;
            outcome.changed = true;
            return Ok(());
        }
        let beside = archive.with_file_name(format!(".{}.{format}", crate::tempfile::unguessable()));
        make(host, &beside)?;
        if host.read(&beside)? == host.read(archive)? {
            outcome.changed = false;
            host.remove(&beside)
        } else {
            outcome.changed = true;
            host.rename(&beside, archive)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "1111111111111111111111111111111111111111";
    const OLD: &str = "2222222222222222222222222222222222222222";

    fn world() -> World {
        World::new()
            .program("git")
            .says("/usr/bin/git ls-remote *", "")
            .says("/usr/bin/git ls-remote https://h/app.git -h HEAD", &format!("{NEW}\tHEAD\n"))
    }

    fn cloned() -> World {
        world()
            .file("/srv/app/.git/config", "")
            .file("/srv/app/.git/HEAD", "ref: refs/heads/main\n")
            .says("/usr/bin/git rev-parse HEAD", &format!("{OLD}\n"))
            .says("/usr/bin/git status --porcelain", "?? new\n")
            .says("/usr/bin/git branch --no-color -a", "* main\n")
            .says("/usr/bin/git ls-remote --get-url origin", "https://h/app.git\n")
            .says("/usr/bin/git ls-remote origin -h refs/heads/main", &format!("{OLD}\trefs/heads/main\n"))
            .says("/usr/bin/git fetch*", "")
            .says("/usr/bin/git checkout*", "")
            .says("/usr/bin/git reset*", "")
    }

    #[test]
    fn a_repository_is_cloned_and_checked_out() {
        let world = world()
            .says("/usr/bin/git clone*", "")
            .says("/usr/bin/git branch --no-color -a", "* main\n")
            .says("/usr/bin/git checkout*", "")
            .says("/usr/bin/git reset*", "")
            .file("/srv/app/.git/HEAD", "ref: refs/heads/main\n")
            .says("/usr/bin/git rev-parse HEAD", &format!("{NEW}\n"));
        let done = conform::<Git>("{ repo: 'https://h/app.git', dest: /srv/app }", world).changed();
        let done = done.gives("before", Val::Null).gives("after", NEW).ran([
            "/usr/bin/git clone --origin origin https://h/app.git /srv/app",
            "/usr/bin/git checkout --force main",
            "/usr/bin/git reset --hard origin/main --",
        ]);
        assert_eq!(done.check().get("after"), Some(&NEW.into()));
    }

    #[test]
    fn a_clone_that_is_up_to_date_stays() {
        let done = conform::<Git>("{ repo: 'https://h/app.git', dest: /srv/app }", cloned()).unchanged();
        done.gives("before", OLD).gives("after", OLD).gives("remote_url_changed", false);
        conform::<Git>("{ repo: 'https://h/app.git', dest: /srv/app, update: no }", cloned())
            .unchanged()
            .gives("after", OLD)
            .ran([]);
    }

    #[test]
    fn local_changes_are_only_thrown_away_when_told() {
        let world = || cloned().says("/usr/bin/git status --porcelain", " M file\n");
        conform::<Git>("{ repo: 'https://h/app.git', dest: /srv/app }", world())
            .failed("Local modifications exist in the destination: /srv/app (force=no).");
        conform_apart::<Git>("{ repo: 'https://h/app.git', dest: /srv/app, force: yes }", world()).changed();
    }

    #[test]
    fn without_a_clone_only_the_remote_is_asked() {
        conform::<Git>("{ repo: 'https://h/app.git', clone: no }", world())
            .changed()
            .gives("after", NEW)
            .ran([]);
        conform::<Git>("{ repo: 'https://h/app.git' }", world())
            .failed("the destination directory must be specified");
    }
}
