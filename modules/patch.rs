//! Apply a patch with GNU patch, or take it back.
//!
//! ```yaml
//! - ansible.posix.patch: { src: index.html.patch, dest: /var/www/index.html }
//! - ansible.posix.patch: { src: customize.patch, basedir: /var/www, strip: 1 }
//! - ansible.posix.patch: { src: /tmp/index.html.patch, remote_src: true, dest: /var/www/index.html, state: absent }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;

/// Arguments of `patch`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
#[rule(one_of("dest", "basedir"))]
pub struct Patch {
    /// The patch: a file of the controller's, or of the host (`remote_src`).
    #[arg(alias = "patchfile")]
    src: PathBuf,
    /// The one file to be patched, where it is not the one that the patch names.
    #[arg(alias = "originalfile")]
    dest: Option<PathBuf>,
    /// The folder that the patch's file names start from. Left out: that of `dest`.
    basedir: Option<PathBuf>,
    /// How many folders are taken off the front of the patch's file names.
    #[arg(default = 0)]
    strip: i64,
    /// Whether the patch is a file of the host.
    #[arg(default = false)]
    #[expect(dead_code, reason = "accepted here, done by the controller")]
    remote_src: bool,
    /// Keep numbered copies of what is patched.
    #[arg(default = false)]
    backup: bool,
    /// Leave line ends as they are.
    #[arg(default = false)]
    binary: bool,
    /// Blanks that differ do not matter.
    #[arg(default = false)]
    ignore_whitespace: bool,
    /// Whether the patch is applied.
    #[arg(default = "present")]
    state: Presence,
    /// The controller's patch; set by the action.
    #[arg(name = "_content")]
    content: Option<Content>,
}

impl Procedure for Patch {
    fn guard(&self, host: &Probe) -> Result<Guard> {
        self.check(host)?;
        // It is applied if it could be taken back, and the reverse.
        let asked = self.command(host, &["--quiet", "--forward"])?.arg("--dry-run");
        let asked = asked.flag("--reverse", self.state == Presence::Present);
        match host.ask(asked.any_rc())?.ok() {
            true => Ok(Guard::done(Outcome::ok())),
            false => Ok(Guard::Run),
        }
    }

    fn would(&self, host: &Probe) -> Result<Would> {
        self.outcome(host.ask(self.applying(host)?.arg("--dry-run").any_rc())?).map(Would::answer)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let command = self.applying(host)?;
        let ran = host.run(command.any_rc())?;
        self.outcome(ran)
    }
}

impl Patch {
    fn check(&self, host: &Probe) -> Result<()> {
        if self.content.is_none() && !host.may(&self.src, Access::Read) {
            return Err(Fault::absent(format!("src {} doesn't exist or not readable", self.src.display())));
        }
        if let Some(dest) = self.dest.as_ref().filter(|dest| !host.may(dest, Access::Write)) {
            return Err(Fault::absent(format!("dest {} doesn't exist or not writable", dest.display())));
        }
        if let Some(folder) = self.basedir.as_ref().filter(|folder| !host.exists(folder)) {
            return Err(Fault::absent(format!("basedir {} doesn't exist", folder.display())));
        }
        let src = Some(&self.src).filter(|_| self.content.is_none());
        for path in src.into_iter().chain(&self.dest).chain(&self.basedir) {
            host.as_on_host(path)?;
        }
        if host.which("patch").is_none() {
            return Err(Fault::absent("patch command not found"));
        }
        Ok(())
    }

    fn command(&self, host: &Probe, how: &[&str]) -> Result<Command> {
        let option = |name: &str, path: &Path| {
            let mut option = std::ffi::OsString::from(name);
            option.push(path);
            option
        };
        let of_dest = || self.dest.as_ref().and_then(|dest| dest.parent()).unwrap_or(Path::new(""));
        let folder = self.basedir.as_deref().unwrap_or_else(of_dest);
        let command = cmd(host.need("patch")?)
            .args(how)
            .arg(format!("--strip={}", self.strip))
            .arg(option("--directory=", folder));
        // A patch of the controller's need not become a file of the host.
        let command = match &self.content {
            None => command.arg(option("--input=", &host.folder().join(&self.src))),
            Some(content) => {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut host.content(content)?, &mut bytes)
                    .map_err(|e| Fault::new(format!("could not fetch the patch: {e}")))?;
                command.stdin(bytes)
            }
        };
        let command =
            command.flag("--binary", self.binary).flag("--ignore-whitespace", self.ignore_whitespace);
        Ok(command.args(&self.dest))
    }

    fn applying(&self, host: &Probe) -> Result<Command> {
        let command = self.command(host, &["--quiet", "--forward", "--batch", "--reject-file=-"])?;
        let kept: &[&str] = if self.backup { &["--backup", "--version-control=numbered"] } else { &[] };
        Ok(command.args(kept).flag("--reverse", self.state == Presence::Absent))
    }

    fn outcome(&self, ran: Ran) -> Result<Outcome> {
        if ran.ok() {
            return Ok(Outcome::ok().changed_if(true));
        }
        Err(Fault::new(if ran.stderr.is_empty() { ran.out() } else { ran.err() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = "/usr/bin/patch --quiet --forward --strip=0 --directory=/srv --input=/p /srv/a";
    const APPLIED: &str = "/usr/bin/patch --quiet --forward --batch --reject-file=- --strip=0 --directory=/srv --input=/p /srv/a";
    const ARGS: &str = "{ src: /p, dest: /srv/a, remote_src: yes }";

    fn world() -> World {
        World::new().program("patch").file("/p", "a patch").file("/srv/a", "")
    }

    fn line(start: &str, rest: &str) -> String {
        format!("{start} {rest}")
    }

    #[test]
    fn what_is_not_applied_is_applied() {
        let world = world()
            .answers(&line(ASKED, "--dry-run --reverse"), Ran::failed(1, ""))
            .says(&line(APPLIED, "--dry-run"), "")
            .says(APPLIED, "");
        conform::<Patch>(ARGS, world).changed().ran([APPLIED]);
    }

    #[test]
    fn what_is_applied_already_is_left_alone() {
        let world = world().says(&line(ASKED, "--dry-run --reverse"), "");
        conform::<Patch>(ARGS, world).unchanged().ran([]);
    }

    #[test]
    fn a_patch_is_taken_back_with_copies_kept() {
        let back = line(APPLIED, "--backup --version-control=numbered --reverse");
        let world = world()
            .answers(&line(ASKED, "--dry-run"), Ran::failed(1, ""))
            .says(&line(&back, "--dry-run"), "")
            .says(&back, "");
        let args = "{ src: /p, dest: /srv/a, remote_src: yes, state: absent, backup: yes }";
        conform::<Patch>(args, world).changed().ran([back.as_str()]);
    }

    #[test]
    fn the_controllers_patch_goes_in_as_it_is() {
        let asked = "/usr/bin/patch --quiet --forward --strip=1 --directory=/srv --binary --ignore-whitespace --dry-run --reverse";
        let args =
            "{ src: x, _content: words, basedir: /srv, strip: 1, binary: yes, ignore_whitespace: yes }";
        conform::<Patch>(args, world().says(asked, "")).unchanged();
    }

    #[test]
    fn what_is_missing_is_named() {
        conform::<Patch>("{ src: /none, dest: /srv/a }", world())
            .failed("src /none doesn't exist or not readable");
        conform::<Patch>("{ src: /p, dest: /none }", world())
            .failed("dest /none doesn't exist or not writable");
        conform::<Patch>("{ src: /p, basedir: /none }", world()).failed("basedir /none doesn't exist");
        conform::<Patch>("{ src: /p }", world()).failed("one of the following is required: dest, basedir");
        let without = World::new().file("/p", "").file("/srv/a", "");
        conform::<Patch>(ARGS, without).failed("patch command not found");
        let refused = world()
            .answers(&line(ASKED, "--dry-run --reverse"), Ran::failed(1, ""))
            .answers(&line(APPLIED, "--dry-run"), Ran { rc: 1, ..Ran::said("1 out of 1 hunk FAILED\n") })
            .answers(APPLIED, Ran { rc: 1, ..Ran::said("1 out of 1 hunk FAILED\n") });
        conform::<Patch>(ARGS, refused).failed("1 out of 1 hunk FAILED");
    }
}
