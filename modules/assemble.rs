//! Join files of a folder into one.
//!
//! The fragments are taken in the order of their names.
//!
//! ```yaml
//! - assemble: { src: /etc/someapp/fragments, dest: /etc/someapp/someapp.conf }
//! - assemble: { src: /etc/someapp/fragments, dest: /etc/someapp/someapp.conf, delimiter: "### START FRAGMENT ###" }
//! - assemble: { src: /etc/ssh/conf.d/, dest: /etc/ssh/sshd_config, validate: /usr/sbin/sshd -t -f %s }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;
use shevek_pyre::{Flags, Regex};

use crate::editing::Edit;

/// Arguments of `assemble`.
#[derive(Args)]
#[module(procedure)]
pub struct Assemble {
    /// The folder.
    src: PathBuf,
    /// The file to make.
    dest: PathBuf,
    /// Keep the old file under another name.
    #[arg(default = false)]
    backup: bool,
    /// What stands between fragments.
    delimiter: Option<String>,
    /// Whether the folder is the host's, not the controller's.
    #[arg(default = true)]
    #[expect(dead_code, reason = "accepted here, done by the controller")]
    remote_src: bool,
    /// Which names are taken: those in which this pattern is found.
    regexp: Option<String>,
    /// Leave out names that start with a dot.
    #[arg(default = false)]
    ignore_hidden: bool,
    /// A command that must succeed on the new file; `%s` stands for it.
    validate: Option<String>,
    /// Whether vaulted fragments are decrypted; the controller does that.
    #[arg(default = true)]
    #[expect(dead_code, reason = "accepted here, done by the controller")]
    decrypt: bool,
    /// Owner, mode and the like.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// Which names of a folder are fragments: the controller asks the same.
pub fn pattern(regexp: Option<&str>) -> Result<Option<Regex>> {
    let compile = |text: &str| {
        let wrong = |e| Fault::new(format!("Invalid Regexp ({e}) in \"{text}\""));
        Regex::new(text, Flags::default()).map_err(wrong)
    };
    regexp.map(compile).transpose()
}

/// Joins fragments: each starts on a line of its own, and the delimiter stands between them, escapes resolved.
pub fn joined(fragments: &[Vec<u8>], delimiter: Option<&str>) -> Vec<u8> {
    let delimiter = delimiter.filter(|text| !text.is_empty()).map(unescaped);
    let mut out: Vec<u8> = Vec::new();
    for (at, fragment) in fragments.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| fragments.get(before));
        if before.is_some_and(|before| !before.ends_with(b"\n")) {
            out.push(b'\n');
        }
        if let Some(delimiter) = delimiter.as_ref().filter(|_| at > 0) {
            out.extend_from_slice(delimiter);
            if !delimiter.ends_with(b"\n") {
                out.push(b'\n');
            }
        }
        out.extend_from_slice(fragment);
    }
    out
}

/// Text with Python's escapes resolved.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'\\') => out.push(b'\\'),
            Some(b'\'') => out.push(b'\''),
            Some(b'"') => out.push(b'"'),
            Some(b'x') => {
                let digits: String =
                    [bytes.next(), bytes.next()].into_iter().flatten().map(char::from).collect();
                out.extend(u8::from_str_radix(&digits, 16));
            }
            Some(other) => out.extend([b'\\', other]),
            None => out.push(b'\\'),
        }
    }
    out
}

impl Procedure for Assemble {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let fragments = self.fragments(host)?;
        if let Some(validate) = self.validate.as_ref().filter(|line| !line.contains("%s")) {
            fail!("validate must contain %s: {validate}");
        }
        let content = joined(&fragments, self.delimiter.as_deref());
        let sum = |kind| shevek_kit::checksum(kind, &mut &*content).unwrap_or_default();
        let now = host.read_if_there(&self.dest)?;
        let mut outcome = Outcome::ok()
            .with("src", &self.src)
            .with("dest", &self.dest)
            .with("checksum", sum(Algorithm::Sha1))
            .with("md5sum", sum(Algorithm::Md5));
        let edit = Edit {
            validate: self.validate.as_deref(),
            backup: self.backup,
            ..Edit::of(&self.dest, &self.attributes)
        };
        let changed = now.as_ref() != Some(&content);
        if changed {
            if let Some(backup) = edit.save(host, &content)? {
                outcome.set("backup_file", &backup);
            }
            // Differs from Ansible: parts that are on the host are compared, too; it shows no difference of them.
            if host.wants_diff() {
                let name = self.dest.display().to_string();
                host.diff(text_diff(&name, now.as_deref(), Some(&content)));
            }
        }
        outcome.changed = edit.finish(host, changed, "")?.changed;
        Ok(outcome.with("msg", "OK"))
    }
}

impl Assemble {
    fn fragments(&self, host: &Probe) -> Result<Vec<Vec<u8>>> {
        let src = self.src.display();
        if !host.exists(&self.src) {
            return Err(Fault::absent(format!("Source ({src}) does not exist")));
        }
        if !host.is_folder(&self.src) {
            fail!("Source ({src}) is not a directory");
        }
        let pattern = pattern(self.regexp.as_deref())?;
        let mut fragments = Vec::new();
        for name in host.list(&self.src)? {
            let path = self.src.join(&name);
            let name = name.to_string_lossy();
            let wanted = match &pattern {
                Some(pattern) => pattern.is_match(&name).map_err(|e| Fault::new(e.to_string()))?,
                None => true,
            };
            let hidden = self.ignore_hidden && name.starts_with('.');
            if wanted && !hidden && host.stat(&path)?.is_some_and(|stat| stat.is_file()) {
                fragments.push(host.read(&path)?);
            }
        }
        Ok(fragments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new().file("/f/1", "one\n").file("/f/2", "two").file("/f/.3", "three\n").folder("/f/4")
    }

    #[test]
    fn fragments_come_in_order_each_on_its_own_line() {
        let done = conform::<Assemble>("{ src: /f, dest: /out }", world()).changed();
        let done = done.holds("/out", "three\none\ntwo").gives("msg", "OK").gives("mode", "0644");
        let done = done.gives("md5sum", "48a060358521df993b6b96599142d368").then("{ src: /f, dest: /out }");
        done.unchanged();
    }

    #[test]
    fn delimiters_stand_between_and_patterns_choose() {
        let args = "{ src: /f, dest: /out, delimiter: '--\\x41', ignore_hidden: yes, mode: '0600' }";
        conform::<Assemble>(args, world()).holds("/out", "one\n--A\ntwo").gives("mode", "0600");
        conform::<Assemble>("{ src: /f, dest: /out, regexp: '^[12]$' }", world()).holds("/out", "one\ntwo");
        conform::<Assemble>("{ src: /f, dest: /out, regexp: '[' }", world()).failed("Invalid Regexp");
    }

    #[test]
    fn a_file_that_does_not_pass_is_not_put_in_place() {
        let world = world().answers("check*", Ran::failed(1, "bad"));
        conform_apart::<Assemble>("{ src: /f, dest: /out, validate: check %s }", world)
            .failed("failed to validate: rc:1 error:bad")
            .lacks("/out");
        conform::<Assemble>("{ src: /nope, dest: /out }", World::new()).failed("does not exist");
        conform::<Assemble>("{ src: /f/1, dest: /out }", self::world()).failed("is not a directory");
    }
}
