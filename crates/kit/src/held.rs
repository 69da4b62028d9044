//! [`Held`]: a folder that is held open while what is in it is changed, for walks through folders that belong to users.
//!
//! Who owns a folder may put a link in its place between two steps of a walk, and so lead root elsewhere. A folder that is
//! held stays the one that was found: its path goes through the open handle (`/proc/PID/fd/N`) and not through its name.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use shevek_proto::Val;

use crate::fail;
use crate::fault::{Fault, Result};
use crate::probe::Probe;
use crate::system::Links;

/// How many folders deep a walk goes: each takes a handle or two, and a process has about a thousand.
pub const DEEPEST: usize = 400;

/// A folder that is held open.
#[derive(Debug)]
pub struct Held {
    name: PathBuf,
    path: PathBuf,
    _handle: Option<OwnedFd>,
}

impl Held {
    /// A folder that is only named: nobody changes what is planned, or in a test's world.
    pub(crate) fn named(name: &Path) -> Self {
        Held { name: name.to_owned(), path: name.to_owned(), _handle: None }
    }

    /// Opens a folder; with [`Links::Keep`] a link in its place is refused.
    pub(crate) fn open(name: &Path, links: Links) -> io::Result<Self> {
        let keep = if links == Links::Keep { OFlags::NOFOLLOW } else { OFlags::empty() };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | keep;
        let handle = rustix::fs::open(name, flags, Mode::empty())?;
        // Commands that are given the path run as other processes: it is good for them, too.
        let path = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), handle.as_raw_fd()));
        match path.symlink_metadata() {
            Ok(_) => Ok(Held { name: name.to_owned(), path, _handle: Some(handle) }),
            // Without /proc there is no better way than the name.
            Err(_) => Ok(Held::named(name)),
        }
    }

    /// The folder, for verbs that take a path and follow it: `join(".")` for others.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it under a name, for verbs that take a path; they must not follow it if it is a link.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The folder's own name, for the user.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// A folder that is in this one. With [`Links::Follow`] a link to a folder is gone through, wherever it leads.
    pub fn below(&self, host: &Probe, name: impl AsRef<Path>, links: Links) -> Result<Held> {
        let held = host.hold(self.join(&name), links).map_err(|fault| self.told(fault))?;
        Ok(Held { name: self.name.join(name), ..held })
    }

    /// The same; a link is gone through unless somebody may have laid it to lead one where that user may not go.
    pub fn enter(&self, host: &Probe, name: impl AsRef<Path>) -> Result<Held> {
        let found = host.lstat(self.join(&name)).map_err(|fault| self.told(fault))?;
        let is_link = found.is_some_and(|stat| stat.is_link());
        if !is_link {
            return self.below(host, name, Links::Keep);
        }
        let end = self.below(host, name, Links::Follow)?;
        let (Some(here), Some(there)) = (host.stat(&self.path)?, host.stat(&end.path)?) else {
            return Ok(end);
        };
        let own = [0, host.identity().uid].contains(&here.uid);
        // In a folder of one's own only oneself lays links, and a user's link to a folder of that user does no harm. It is the
        // end that is looked at, which is held already: the link may be another one by now.
        if if own { here.mode & 0o022 == 0 } else { there.uid == here.uid } {
            return Ok(end);
        }
        fail!(
            "{} is a link that a user may have laid to what does not belong to that user",
            end.name.display()
        );
    }

    /// A failure in the folder, with the folder's own name instead of the handle's.
    #[must_use]
    pub fn told(&self, mut fault: Fault) -> Fault {
        let texts = fault.result.iter_mut().filter_map(|(_, value)| match value {
            Val::Str(text) => Some(text),
            _ => None,
        });
        for text in texts.chain([&mut fault.message]) {
            self.name_in(text);
        }
        fault
    }

    fn name_in(&self, text: &mut String) {
        let (path, name) = (self.path.to_string_lossy(), self.name.to_string_lossy());
        if path == name || !text.contains(&*path) {
            return;
        }
        let mut parts = text.split(&*path);
        let mut told = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            // Handle 7 is not handle 71.
            told.push_str(if part.starts_with(|c: char| c.is_ascii_digit()) { &path } else { &name });
            told.push_str(part);
        }
        *text = told;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    use super::*;
    use crate::{Call, Real};

    fn host() -> Probe {
        Probe::new(Arc::new(Real::new()), Arc::new(Call::default()))
    }

    #[test]
    fn what_is_held_stays_what_was_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("a")).unwrap();
        std::fs::create_dir(at("secret")).unwrap();
        std::fs::write(at("a/file"), "a's").unwrap();
        std::fs::write(at("secret/file"), "secret").unwrap();
        let host = host();
        let held = host.hold(at("a"), Links::Keep).unwrap();
        std::fs::rename(at("a"), at("b")).unwrap();
        symlink(at("secret"), at("a")).unwrap();
        assert_eq!(host.read_text(at("a/file")).unwrap(), "secret");
        assert_eq!(host.read_text(held.join("file")).unwrap(), "a's");
        assert_eq!(host.list(held.path()).unwrap(), ["file"]);
        let refused = host.hold(at("a"), Links::Keep).unwrap_err();
        assert!(refused.message.contains("Not a directory"), "{}", refused.message);
        assert!(host.hold(at("a"), Links::Follow).is_ok());
    }

    #[test]
    fn failures_name_the_folder_and_not_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let host = host();
        let held = host.hold(folder.path(), Links::Keep).unwrap().below(&host, "sub", Links::Keep).unwrap();
        let path = held.join("nothing");
        let fault = held.told(host.read(&path).unwrap_err().with("path", &path));
        let name = folder.path().join("sub/nothing").display().to_string();
        assert_eq!(fault.message, format!("could not read {name}: No such file or directory"));
        assert_eq!(fault.result, [("path".to_owned(), Val::from(name))]);
        let mut text = format!("{0} {0}1/a", held.path().display());
        held.name_in(&mut text);
        assert!(
            text.ends_with("1/a")
                && text.contains("/fd/")
                && text.starts_with(&*held.name().to_string_lossy())
        );
        let gone = held.below(&host, "nothing", Links::Keep).unwrap_err();
        assert!(gone.message.contains(&*path_name(&held)), "{}", gone.message);
    }

    fn path_name(held: &Held) -> String {
        held.name().join("nothing").display().to_string()
    }

    #[test]
    fn a_users_link_to_what_is_not_theirs_is_not_gone_through() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["theirs", "shared", "mine", "theirs/own", "end"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        for (link, to) in
            [("theirs/out", "end"), ("theirs/in", "theirs/own"), ("shared/out", "end"), ("mine/out", "end")]
        {
            symlink(at(to), at(link)).unwrap();
        }
        std::fs::set_permissions(at("shared"), std::os::unix::fs::PermissionsExt::from_mode(0o1777)).unwrap();
        for name in ["theirs", "theirs/own"] {
            if std::os::unix::fs::chown(at(name), Some(4711), None).is_err() {
                // Only root can give folders away.
                return;
            }
        }
        let host = host();
        let enters =
            |folder: &str, link: &str| host.hold(at(folder), Links::Keep).unwrap().enter(&host, link);
        assert!(
            enters("theirs", "in").is_ok()
                && enters("mine", "out").is_ok()
                && enters("theirs", "own").is_ok()
        );
        for folder in ["theirs", "shared"] {
            let fault = enters(folder, "out").unwrap_err();
            assert!(fault.message.contains("/out is a link that a user may have laid"), "{}", fault.message);
        }
    }
}
