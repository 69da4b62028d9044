//! What the modules that edit a text file have in common (`lineinfile`, `replace`, `blockinfile`): reading it, and putting the
//! new content in place after a backup and the task's own check. Start reading at [`Edit`].
//!
//! Files are edited as bytes, read as Latin-1 text: patterns match as Python's over `bytes`, and bytes that are no UTF-8
//! stay as they are.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;
use shevek_kit::words;
use shevek_pyre::{Captures, Flags, Regex, from_latin1, latin1};

mod encoding;

pub(crate) use encoding::Encoding;

/// A file that is being edited.
pub(crate) struct Edit<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// A command that must succeed on the new file; `%s` stands for it.
    pub validate: Option<&'a str>,
    /// Whether the old file is kept under another name.
    pub backup: bool,
    /// What owner, mode and the like it shall have.
    pub attributes: &'a FileAttributes,
    /// Whether a link is written through, or replaced by a file.
    pub links: Links,
    /// The difference of the mode that the new content came with.
    pub came_with: RefCell<AttributeDiff>,
}

impl<'a> Edit<'a> {
    /// An edit of this file, without check and backup, through links.
    pub fn of(path: &'a Path, attributes: &'a FileAttributes) -> Edit<'a> {
        let came_with = RefCell::new(AttributeDiff::default());
        Edit { path, validate: None, backup: false, attributes, links: Links::Follow, came_with }
    }
}

impl Edit<'_> {
    /// What the file holds; `None` when it is not there.
    pub fn read(&self, host: &Probe) -> Result<Option<Vec<u8>>> {
        if host.is_folder(self.path) {
            return Err(Fault::new(format!("Path {} is a directory !", self.path.display())).with("rc", 256));
        }
        host.read_if_there(self.path)
    }

    /// Makes the folders above a file that is to be created.
    pub fn make_folders(&self, host: &mut Host) -> Result<()> {
        let mode = 0o777 & !host.identity().umask;
        let above =
            self.path.ancestors().skip(1).take_while(|p| !p.as_os_str().is_empty() && !host.exists(p));
        let mut missing: Vec<&Path> = above.collect();
        missing.reverse();
        let folder = self.path.parent().unwrap_or(self.path).display().to_string();
        for path in missing {
            host.mkdir(path, mode)
                .map_err(|f| Fault { message: format!("Error creating {folder} ({})", f.message), ..f })?;
        }
        Ok(())
    }

    /// Puts new content in place, with the mode that is asked for: it is never seen with another one. Says where the old
    /// file is kept, if it is.
    pub fn save(&self, host: &mut Host, content: &[u8]) -> Result<Option<PathBuf>> {
        let backup = if self.backup && host.exists(self.path) { Some(host.backup(self.path)?) } else { None };
        let dest = followed(host, self.path, self.links);
        let staged = host.stage(&dest, &mut &*content)?;
        if let Err(fault) = self.check(host, &staged.path) {
            host.discard(staged);
            return Err(fault);
        }
        // What takes the place of a link is seen by no more people than what the link led to.
        let is_link = host.lstat(&dest)?.is_some_and(|stat| stat.is_link());
        let led_to = if is_link { host.stat(&dest)?.map(|stat| stat.mode & 0o777) } else { None };
        let mode = self.attributes.new_mode(host, &dest, &mut self.came_with.borrow_mut())?;
        let how = Commit {
            mode: mode.or(led_to),
            unsafe_writes: self.attributes.writes_in_place(host),
            ..Commit::default()
        };
        host.commit(staged, &dest, &how)?;
        Ok(backup)
    }

    fn check(&self, host: &mut Host, new: &Path) -> Result<()> {
        let Some(validate) = self.validate else { return Ok(()) };
        if !validate.contains("%s") {
            fail!("validate must contain %s: {validate}");
        }
        let line = validate.replace("%s", &new.to_string_lossy());
        let line = words::split(&line).map_err(|why| Fault::new(format!("validate: {why}: {validate}")))?;
        let Some((program, args)) = line.split_first() else { fail!("validate is empty") };
        let ran = host.run(cmd(program).args(args).any_rc().does(Effect::Nothing))?;
        if !ran.ok() {
            fail!("failed to validate: rc:{} error:{}", ran.rc, ran.err());
        }
        Ok(())
    }

    /// Sets the attributes, adds their difference, and puts `changed` and `msg` into the outcome.
    pub fn finish(&self, host: &mut Host, changed: bool, message: &str) -> Result<Outcome> {
        let mut diff = self.came_with.take();
        let came = diff != AttributeDiff::default();
        let attributes =
            host.exists(self.path) && self.attributes.ensure(host, self.path, &mut diff)? || came;
        let mut message = message.to_owned();
        // Differs from Ansible: `replace` and the like show changed attributes as `lineinfile` does; there it alone shows them.
        if attributes {
            let header = Some(format!("{} (file attributes)", self.path.display()));
            host.diff(Diff { before_header: header.clone(), after_header: header, ..diff.into() });
            if changed {
                message.push_str(" and ");
            }
            message.push_str("ownership, perms or SE linux context changed");
        }
        Ok(Outcome::ok().changed_if(changed || attributes).with("msg", message))
    }

    /// Adds the difference of the content.
    pub fn content_diff(&self, host: &mut Host, before: &[u8], after: &[u8]) {
        if host.wants_diff() {
            let header = Some(format!("{} (content)", self.path.display()));
            let diff = text_diff("", Some(before), Some(after));
            host.diff(Diff { before_header: header.clone(), after_header: header, ..diff });
        }
    }
}

/// A pattern over bytes, as Python compiles it; `option` is where it was given.
pub(crate) fn pattern(option: &str, pattern: &str) -> Result<Regex> {
    Regex::new(&latin1(pattern.as_bytes()), Flags::ASCII)
        .map_err(|e| Fault::new(format!("{option} is no valid regular expression: {e}: {pattern}")))
}

/// Where a pattern is found in a line or file, if it is.
pub(crate) fn search<'t>(pattern: &Regex, text: &'t str) -> Result<Option<Captures<'t>>> {
    let why = |e| {
        let pattern = String::from_utf8_lossy(&from_latin1(pattern.pattern())).into_owned();
        Fault::new(format!("{e}: {pattern}"))
    };
    pattern.search(text).map_err(why)
}

/// Whether a line's end is there.
pub(crate) fn ended(line: &str) -> bool {
    line.ends_with(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineinfile::Lineinfile;

    #[test]
    fn a_new_file_has_its_mode_from_the_first_moment() {
        let attributes =
            FileAttributes { mode: Some(Permissions::Number(0o600)), ..FileAttributes::default() };
        let mut diff = AttributeDiff::default();
        let mode = attributes.new_mode(&World::new().probe(), Path::new("/etc/new"), &mut diff).unwrap();
        assert_eq!(mode, Some(0o600));
        let args = "{ path: /etc/new, line: x, create: yes, mode: '0600' }";
        let done = conform::<Lineinfile>(args, World::new()).changed();
        let done = done.gives("msg", "line added and ownership, perms or SE linux context changed");
        assert_eq!(done.probe().stat("/etc/new").unwrap().unwrap().mode, 0o600);
        done.diff("~ mode: 0644 -> 0600");
    }
}
