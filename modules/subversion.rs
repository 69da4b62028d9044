//! Check out a Subversion repository.
//!
//! ```yaml
//! - subversion: { repo: svn+ssh://an.example.org/path/to/repo, dest: /src/checkout }
//! - subversion: { repo: svn+ssh://an.example.org/path/to/repo, dest: /src/export, export: true }
//! - subversion: { repo: svn+ssh://an.example.org/path/to/repo, checkout: false, update: false }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;

/// Arguments of `subversion`.
#[derive(Args)]
#[module(procedure)]
pub struct Subversion {
    /// Where it is checked out.
    dest: Option<PathBuf>,
    /// The repository's address.
    #[arg(aliases("name", "repository"))]
    repo: String,
    /// The revision.
    #[arg(default = "HEAD", aliases("rev", "version"))]
    revision: String,
    /// Throw local changes away; export over what is there.
    #[arg(default = false)]
    force: bool,
    /// Who one is to the repository.
    username: Option<String>,
    /// The password.
    password: Option<Secret>,
    /// The svn program.
    executable: Option<PathBuf>,
    /// Only take the files, without what makes them a working copy.
    #[arg(default = false)]
    export: bool,
    /// Check out what isn't there.
    #[arg(default = true)]
    checkout: bool,
    /// Bring up to date what is.
    #[arg(default = true)]
    update: bool,
    /// Switch a working copy to the address.
    #[arg(default = true)]
    switch: bool,
    /// Check out over a folder that is no working copy.
    #[arg(default = false)]
    in_place: bool,
    /// Whether the server's certificate is checked.
    #[arg(default = false)]
    validate_certs: bool,
}

/// A revision and an address, as `svn info` words them.
type Place = (String, String);

impl Procedure for Subversion {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let program = match &self.executable {
            Some(path) => path.clone(),
            None => host.need("svn")?,
        };
        let Some(dest) = &self.dest else {
            if self.checkout || self.update || self.export {
                fail!(
                    "the destination directory must be specified unless checkout=no, update=no, and export=no"
                );
            }
            return self.remote(&program, host);
        };
        if !self.export && !self.update && !self.checkout {
            return self.remote(&program, host);
        }
        let svn = Svn { args: self, program: &program, dest: &dest.to_string_lossy() };
        if self.export || !host.exists(dest) {
            return self.bring(&svn, host);
        }
        let mut before = Val::Null;
        let mut changed = true;
        if svn.ask(host, &["info", svn.dest])?.ok() {
            if !self.update {
                return Ok(Outcome::ok());
            }
            let place = svn.place(host)?;
            let edited = svn.has_changes(host)?;
            if edited && !self.force {
                fail!("ERROR: modified files exist in the repository.");
            }
            if host.rehearsing() {
                return self.foresee(&svn, &place, host);
            }
            before = shown(&place);
            changed = edited;
            if self.switch {
                changed |=
                    moved(&svn.run(host, &["switch", "--revision", &self.revision, &self.repo, svn.dest])?);
            }
            if edited {
                svn.run(host, &["revert", "-R", svn.dest])?;
            }
            changed |= moved(&svn.run(host, &["update", "-r", &self.revision, svn.dest])?);
        } else if self.in_place {
            svn.run(host, &["checkout", "--force", "-r", &self.revision, &self.repo, svn.dest])?;
            if host.rehearsing() {
                return Ok(Outcome::ok().changed_if(true));
            }
            if self.force && svn.has_changes(host)? {
                svn.run(host, &["revert", "-R", svn.dest])?;
            }
        } else {
            fail!("ERROR: {} folder already exists, but its not a subversion repository.", svn.dest);
        }
        let after = shown(&svn.place(host)?);
        Ok(Outcome::ok().changed_if(changed).with("before", before).with("after", after))
    }
}

fn shown(place: &Place) -> Val {
    vec![place.0.clone(), place.1.clone()].into()
}

/// Whether svn told of a file that changed.
fn moved(ran: &Ran) -> bool {
    ran.out().lines().any(|line| {
        let mut chars = line.chars();
        matches!(chars.next(), Some('A' | 'B' | 'D' | 'U' | 'C' | 'G' | 'E'))
            && chars.next().is_some_and(char::is_whitespace)
    })
}

/// The line of `svn info` that has the revision, whatever the language.
fn revision(text: &str) -> Option<&str> {
    text.lines().find(|line| {
        line.split_once(':').is_some_and(|(name, number)| {
            let (name, number) = (name.trim_end(), number.trim());
            !name.contains(char::is_whitespace)
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        })
    })
}

fn number(line: &str) -> i64 {
    line.split_once(':').and_then(|(_, number)| number.trim().parse().ok()).unwrap_or(0)
}

/// How svn is called.
struct Svn<'a> {
    args: &'a Subversion,
    program: &'a PathBuf,
    dest: &'a str,
}

impl Svn<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = cmd(self.program).args(["--non-interactive", "--no-auth-cache"]);
        command = command.flag("--trust-server-cert", !self.args.validate_certs);
        command = command.opt("--username", self.args.username.as_ref());
        if let Some(password) = &self.args.password {
            command = command.arg("--password-from-stdin").stdin(password.reveal());
        }
        command.args(words)
    }

    fn ask(&self, host: &Probe, words: &[&str]) -> Result<Ran> {
        host.ask(self.command(words).any_rc())
    }

    fn run(&self, host: &mut Host, words: &[&str]) -> Result<Ran> {
        host.run(self.command(words))
    }

    fn place(&self, host: &Probe) -> Result<Place> {
        let text = self.ask(host, &["info", self.dest])?.out();
        let url = text
            .lines()
            .find(|line| line.strip_prefix("URL").is_some_and(|rest| rest.trim_start().starts_with(':')));
        Ok((
            revision(&text).unwrap_or("Unable to get revision").to_owned(),
            url.unwrap_or("Unable to get URL").to_owned(),
        ))
    }

    fn has_changes(&self, host: &Probe) -> Result<bool> {
        let out = self.ask(host, &["status", "--quiet", "--ignore-externals", self.dest])?.out();
        Ok(out.lines().any(|line| !line.is_empty() && !line.starts_with(['?', 'X'])))
    }
}

impl Subversion {
    /// Only what the repository says.
    fn remote(&self, program: &PathBuf, host: &Probe) -> Result<Outcome> {
        let svn = Svn { args: self, program, dest: "" };
        let words = ["info", &self.repo];
        let text = svn.ask(host, &words)?.check(&svn.command(&words))?.out();
        Ok(Outcome::ok().with("after", revision(&text).unwrap_or("Unable to get remote revision")))
    }

    fn bring(&self, svn: &Svn<'_>, host: &mut Host) -> Result<Outcome> {
        if !self.export && !self.checkout {
            return Ok(Outcome::ok());
        }
        let verb = if self.export { "export" } else { "checkout" };
        let mut words = vec![verb];
        words.extend((self.export && self.force).then_some("--force"));
        words.extend(["-r", &self.revision, &self.repo, svn.dest]);
        svn.run(host, &words)?;
        let outcome = Outcome::ok().changed_if(true);
        if self.export || host.rehearsing() {
            return Ok(outcome);
        }
        Ok(outcome.with("before", Val::Null).with("after", shown(&svn.place(host)?)))
    }

    fn foresee(&self, svn: &Svn<'_>, now: &Place, host: &mut Host) -> Result<Outcome> {
        let text = svn.ask(host, &["info", "-r", &self.revision, svn.dest])?.out();
        let head = revision(&text).unwrap_or("Unable to get revision").to_owned();
        let changed = number(&now.0) < number(&head);
        if changed {
            svn.run(host, &["update", "-r", &self.revision, svn.dest])?;
        }
        Ok(Outcome::ok().changed_if(changed).with("before", now.0.clone()).with("after", head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "Path: /co\nURL: svn://h/r\nRevision: 5\n";

    fn line(words: &str) -> String {
        format!("/usr/bin/svn --non-interactive --no-auth-cache --trust-server-cert {words}")
    }

    fn world() -> World {
        World::new()
            .program("svn")
            .says(&line("info /co"), INFO)
            .says(&line("info svn://h/r"), INFO)
            .says(&line("info -r HEAD /co"), INFO)
            .says(&line("status --quiet --ignore-externals /co"), "")
            .says(&line("checkout*"), "A    /co/x\n")
            .says(&line("switch*"), "At revision 5.\n")
            .says(&line("update*"), "At revision 5.\n")
    }

    #[test]
    fn a_repository_is_checked_out_once() {
        let args = "{ repo: 'svn://h/r', dest: /co }";
        let done = conform::<Subversion>(args, world()).changed().gives("before", Val::Null);
        let checkout = line("checkout -r HEAD svn://h/r /co");
        done.gives("after", vec!["Revision: 5", "URL: svn://h/r"]).ran([checkout.as_str()]);
        conform::<Subversion>(args, world().folder("/co")).unchanged();
    }

    #[test]
    fn local_changes_are_kept_unless_forced() {
        let edited =
            || world().folder("/co").says(&line("status --quiet --ignore-externals /co"), "M  /co/x\n");
        conform::<Subversion>("{ repo: 'svn://h/r', dest: /co }", edited()).failed("modified files exist");
        let args = "{ repo: 'svn://h/r', dest: /co, force: yes }";
        let world = edited().says(&line("revert -R /co"), "Reverted '/co/x'\n");
        conform_apart::<Subversion>(args, world).changed();
    }

    #[test]
    fn the_repository_alone_is_asked() {
        let args = "{ repo: 'svn://h/r', checkout: no, update: no }";
        conform::<Subversion>(args, world()).unchanged().gives("after", "Revision: 5");
        conform::<Subversion>("{ repo: 'svn://h/r' }", world()).failed("the destination directory must be");
    }
}
