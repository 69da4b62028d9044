//! What changes a repository: cloning, fetching, switching versions, submodules.

use shevek_kit::prelude::*;

use super::Git;
use super::refs::Repository;

impl Git {
    pub(super) fn clone_it(&self, git: &Repository, host: &mut Host) -> Result<()> {
        let above = git.dest.parent().unwrap_or(&git.dest).to_owned();
        if !host.exists(&above) {
            let umask = git.umask.unwrap_or(host.identity().umask);
            let mut missing: Vec<_> = above.ancestors().take_while(|path| !host.exists(path)).collect();
            missing.reverse();
            for path in missing {
                host.mkdir(path, 0o777 & !umask)?;
            }
        }
        let mut command = git.command("clone");
        command = if self.bare { command.arg("--bare") } else { command.args(["--origin", &self.remote]) };
        let (version, repo) = (self.version.as_str(), git.repo.as_str());
        let is_named =
            git.is_remote_branch(host, repo, version)? || git.is_remote_tag(host, repo, version)?;
        let mut branch = is_named && self.single_branch;
        if self.depth.is_some() {
            if version == "HEAD" || self.refspec.is_some() || is_named {
                command = command.opt("--depth", self.depth);
                branch |= is_named && version != "HEAD" && self.refspec.is_none();
            } else {
                host.warn(
                    "Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in \
                     combination with refspec.",
                );
            }
        }
        command =
            command.opt("--reference", self.reference.as_ref()).flag("--single-branch", self.single_branch);
        command = command.opt("--branch", branch.then_some(version));
        if let Some(apart) = &self.separate_git_dir {
            command = command.arg(format!("--separate-git-dir={}", host.folder().join(apart).display()));
        }
        host.run(command.arg(repo).arg(&git.dest).folder(&above))?;
        if self.bare && self.remote != "origin" {
            git.run(host, &["remote", "add", &self.remote, repo])?;
        }
        if let Some(refspec) = &self.refspec {
            let command = git.command("fetch").opt("--depth", self.depth).args([&self.remote, refspec]);
            host.run(command.folder(&git.dest))?;
        }
        if self.verify_commit {
            self.verify(git, host)?;
        }
        Ok(())
    }

    pub(super) fn fetch(&self, git: &Repository, host: &mut Host) -> Result<()> {
        let (version, remote) = (self.version.as_str(), self.remote.as_str());
        let mut refspecs: Vec<String> = Vec::new();
        if self.depth.is_some() {
            // Only what the version takes.
            let head = git.head_branch(host)?;
            if let Some(refspec) = &self.refspec {
                refspecs.push(refspec.clone());
            } else if version == "HEAD" {
                refspecs.push(head);
            } else if git.is_remote_branch(host, &git.repo, version)? {
                if head != version {
                    refspecs.push(format!("+refs/heads/{version}:refs/heads/{version}"));
                }
                refspecs.push(format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"));
            } else if git.is_remote_tag(host, &git.repo, version)? {
                refspecs.push(format!("+refs/tags/{version}:refs/tags/{version}"));
            }
        }
        let mut command = git.command("fetch");
        if refspecs.is_empty() {
            if self.bare {
                refspecs.extend(["+refs/heads/*:refs/heads/*".into(), "+refs/tags/*:refs/tags/*".into()]);
            } else {
                command = command.arg("--tags");
            }
            refspecs.extend(self.refspec.clone());
        } else {
            command = command.opt("--depth", self.depth);
        }
        command = command.flag("--force", self.force).arg(remote).args(refspecs).folder(&git.dest);
        let failed = |f: Fault| Fault {
            message: format!("Failed to download remote objects and refs: {}", f.message),
            ..f
        };
        host.run(command).map(drop).map_err(failed)
    }

    /// Checks the version out.
    pub(super) fn switch(&self, git: &Repository, host: &mut Host) -> Result<()> {
        let (version, remote) = (self.version.as_str(), self.remote.as_str());
        let failed =
            |what: String| move |f: Fault| Fault { message: format!("Failed to checkout {what}"), ..f };
        if version == "HEAD" {
            let branch = git.head_branch(host)?;
            let what = format!("branch {branch}");
            git.run(host, &["checkout", "--force", &branch]).map_err(failed(what.clone()))?;
            git.run(host, &["reset", "--hard", &format!("{remote}/{branch}"), "--"]).map_err(failed(what))?;
        } else if git.is_remote_branch(host, remote, version)? {
            let theirs = format!("{remote}/{version}");
            if let Some(depth) = self.depth.filter(|_| !git.is_local_branch(host, version).unwrap_or(false)) {
                // A shallow clone has only one branch.
                let own = format!("+refs/heads/{version}:refs/heads/{version}");
                let far = format!("+refs/heads/{version}:refs/remotes/{theirs}");
                git.run(host, &["fetch", &format!("--depth={depth}"), remote, &own, &far]).map_err(|f| {
                    Fault { message: format!("Failed to fetch branch from remote: {version}"), ..f }
                })?;
            }
            if git.is_local_branch(host, version)? {
                git.run(host, &["checkout", "--force", version])
                    .map_err(failed(format!("branch {version}")))?;
                git.run(host, &["reset", "--hard", &theirs]).map_err(failed(version.to_owned()))?;
            } else {
                git.run(host, &["checkout", "--track", "-b", version, &theirs])
                    .map_err(failed(version.to_owned()))?;
            }
        } else {
            git.run(host, &["checkout", "--force", version]).map_err(failed(version.to_owned()))?;
        }
        if self.verify_commit { self.verify(git, host) } else { Ok(()) }
    }

    fn verify(&self, git: &Repository, host: &Probe) -> Result<()> {
        let version = self.version.as_str();
        let tags =
            git.ask(host, &["for-each-ref", "refs/tags/", "--format", "%(objecttype):%(refname:short)"])?;
        let annotated = format!("tag:{version}");
        let verb =
            if tags.out().lines().any(|line| line == annotated) { "verify-tag" } else { "verify-commit" };
        let words: &[&str] =
            if self.gpg_allowlist.is_empty() { &[verb, version] } else { &[verb, version, "--raw"] };
        let ran = git.ask(host, words)?;
        let refused = |message: String| {
            let fault = Fault::new(message).with("stdout", ran.out()).with("stderr", ran.err());
            Err(fault.with("rc", ran.rc))
        };
        if !ran.ok() {
            return refused(format!("Failed to verify GPG signature of commit/tag \"{version}\""));
        }
        if self.gpg_allowlist.is_empty() {
            return Ok(());
        }
        let words = ran.err();
        let valid = words.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let valid = valid.into_iter().find(|data| data.get(1) == Some(&"VALIDSIG")).unwrap_or_default();
        // A subkey's signature names the primary key last.
        let fingerprint = valid.get(11).or(valid.get(2)).copied().unwrap_or_default();
        if self.gpg_allowlist.iter().any(|key| key == fingerprint) {
            return Ok(());
        }
        refused(format!(
            "The gpg_allowlist does not include the public key \"{fingerprint}\" for this commit"
        ))
    }

    /// Whether submodules have to be brought up to date; what is new in them is fetched.
    pub(super) fn fetch_submodules(&self, git: &Repository, host: &mut Host) -> Result<bool> {
        let Some(text) = host.read_if_there(git.dest.join(".gitmodules"))? else { return Ok(false) };
        for line in String::from_utf8_lossy(&text).lines() {
            if let Some((key, path)) = line.split_once('=')
                && key.trim() == "path"
                && !host.exists(git.dest.join(path.trim()).join(".git"))
            {
                return Ok(true);
            }
        }
        let program = git.program.to_string_lossy().into_owned();
        let commits = |host: &Probe, version: &str| -> Result<String> {
            let ran = git.ask(host, &["submodule", "foreach", &program, "rev-parse", version])?;
            if !ran.ok() {
                fail!("Unable to determine hashes of submodules");
            }
            Ok(ran.out())
        };
        let before = commits(host, "HEAD")?;
        git.run(host, &["submodule", "foreach", &program, "fetch"])
            .map_err(|f| Fault { message: format!("Failed to fetch submodules: {}", f.message), ..f })?;
        if self.track_submodules {
            return Ok(before != commits(host, &format!("{}/master", self.remote))?);
        }
        let status = git.ask(host, &["submodule", "status"])?.out();
        Ok(status.lines().any(|line| !line.starts_with(' ')))
    }

    pub(super) fn update_submodules(&self, git: &Repository, host: &mut Host) -> Result<()> {
        git.run(host, &["submodule", "sync"])?;
        let mut words = vec!["submodule", "update", "--init", "--recursive"];
        words.extend(self.track_submodules.then_some("--remote"));
        words.extend(self.force.then_some("--force"));
        git.run(host, &words)
            .map(drop)
            .map_err(|f| Fault { message: format!("Failed to init/update submodules: {}", f.message), ..f })
    }
}
