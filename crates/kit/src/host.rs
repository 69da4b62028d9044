//! [`Host`]: all that a module may do to a host.

use std::ffi::OsString;
use std::io::Read;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;
use shevek_proto::{Diff, Outcome, Val};

use crate::command::{Command, Ran};
use crate::content::Content;
use crate::effect::Thing;
use crate::fault::{Fault, Result};
use crate::http::{self, Request, Response, Stream};
use crate::moment;
use crate::probe::{Call, Probe, io_fault};
use crate::system::{Act, Commit, Links, Look, Staged, Times};
use crate::talk::{Manner, Talk};

/// The writing half of a host; it can be asked whatever a [`Probe`] can.
pub struct Host {
    probe: Probe,
    act: Arc<dyn Act>,
    pub(crate) outcome: Outcome,
}

impl Deref for Host {
    type Target = Probe;
    fn deref(&self) -> &Probe {
        &self.probe
    }
}

impl Host {
    /// A host to act on, for one call.
    pub(crate) fn new(act: Arc<dyn Act>, call: Arc<Call>) -> Self {
        let look: Arc<dyn Look> = act.clone();
        Host { probe: Probe::new(look, call), act, outcome: Outcome::ok() }
    }

    /// The reading half.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// Puts a key into the result of the task.
    pub fn result(&mut self, key: &str, value: impl Into<Val>) {
        self.outcome.set(key, value);
    }

    /// Adds a difference to the result of the task, where the kit cannot derive it.
    pub fn diff(&mut self, diff: Diff) {
        self.outcome.diff.push(diff);
    }

    /// A path is going to be changed: what is known of accounts may stand in it.
    fn changes(&self, path: &Path) {
        // A held folder's path goes through its handle, which is a link to where it is.
        let held = path.parent().filter(|folder| folder.starts_with("/proc"));
        let held = held.and_then(|folder| self.probe.canonical(folder).ok());
        if held.as_deref().unwrap_or(path).starts_with("/etc") || path.is_relative() {
            self.probe.forget_accounts();
        }
    }

    /// Runs a command; an exit code that it does not accept is a failure.
    pub fn run(&mut self, command: Command) -> Result<Ran> {
        let command = self.probe.prepared(command);
        let ran = self.act.run(&command);
        self.ran(&command, ran)
    }

    /// Runs a command on a terminal of its own, and talks with it.
    pub fn talk(&mut self, command: Command, manner: Manner, talk: &mut dyn Talk) -> Result<Ran> {
        let command = self.probe.prepared(command);
        let ran = self.act.talk(&command, manner, talk);
        self.ran(&command, ran)
    }

    fn ran(&mut self, command: &Command, ran: std::io::Result<Ran>) -> Result<Ran> {
        self.probe.forget_accounts();
        let ran = ran.map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound
                if command.folder.as_deref().is_none_or(|f| self.probe.exists(f)) =>
            {
                let name = command.program.to_string_lossy().into_owned();
                let code = e.raw_os_error().unwrap_or(2);
                let message = match e.raw_os_error() {
                    Some(_) => format!("could not run {name}: No such file or directory"),
                    None => e.to_string(),
                };
                Fault { os: Some(code), ..Fault::absent(message) }
                    .with("cmd", command.words())
                    .with("rc", code)
            }
            _ => {
                let path = command.folder.as_deref().filter(|_| e.kind() == std::io::ErrorKind::NotFound);
                io_fault("could not run", path.unwrap_or(Path::new(&command.program)), &e)
                    .with("cmd", command.words())
                    .with("rc", e.raw_os_error().unwrap_or(1))
            }
        })?;
        self.probe.checked(ran, command)
    }

    /// Talks with a web server, and reads the whole answer. In check mode nothing is sent.
    pub fn http(&mut self, request: &Request) -> Result<Response> {
        self.fetch(request)?.whole()
    }

    /// The same, for an answer that is read as it comes.
    pub fn fetch(&mut self, request: &Request) -> Result<Response<Stream>> {
        let probe = self.probe.clone();
        http::converse(request, &probe, &mut |request| self.act.send(request).map_err(|e| http::failed(&e)))
    }

    /// Writes a file in one step: a temporary file in the same folder takes its place. Owner, mode and attributes of a
    /// file that was there are kept, unless `how` says otherwise.
    pub fn write(&mut self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Result<()> {
        self.write_as(path, &mut content.as_ref(), &Commit::default())
    }

    /// The same from a stream, and saying how.
    pub fn write_as(&mut self, path: impl AsRef<Path>, content: &mut dyn Read, how: &Commit) -> Result<()> {
        let staged = self.stage(path.as_ref(), content)?;
        self.commit(staged, path, how)
    }

    /// Writes content of the task (fetched from the controller, if it is there).
    pub fn write_content(&mut self, path: impl AsRef<Path>, content: &Content, how: &Commit) -> Result<()> {
        let mut stream = self.probe.content(content)?;
        self.write_as(path, &mut stream, how)
    }

    /// Writes content to a temporary file beside its destination, to be validated and then committed or discarded.
    pub fn stage(&mut self, dest: impl AsRef<Path>, content: &mut dyn Read) -> Result<Staged> {
        let dest = dest.as_ref();
        self.act
            .stage(dest, content)
            .map_err(|e| io_fault("could not write a temporary file beside", dest, &e))
    }

    /// In check mode, for content that would not be kept: stages it without bringing it. None: it must be brought.
    pub fn stage_unread(&mut self, dest: impl AsRef<Path>, content: &Content) -> Result<Option<Staged>> {
        let dest = dest.as_ref();
        self.act
            .stage_unread(dest, content.size())
            .map_err(|e| io_fault("could not write a temporary file beside", dest, &e))
    }

    /// Puts a staged file in place.
    pub fn commit(&mut self, staged: Staged, dest: impl AsRef<Path>, how: &Commit) -> Result<()> {
        let dest = dest.as_ref();
        self.changes(dest);
        self.act.commit(staged, dest, how).map_err(|e| io_fault("could not write", dest, &e))
    }

    /// Removes a staged file.
    pub fn discard(&mut self, staged: Staged) {
        self.act.discard(staged);
    }

    /// Writes over a file in place, without a temporary file: for files that cannot be replaced.
    pub fn write_in_place(&mut self, path: impl AsRef<Path>, content: &mut dyn Read) -> Result<()> {
        let path = path.as_ref();
        self.changes(path);
        self.act.write_in_place(path, content).map_err(|e| io_fault("could not write", path, &e))
    }

    /// Makes a copy of a file under Ansible's name for backups, and says where.
    pub fn backup(&mut self, path: impl AsRef<Path>) -> Result<PathBuf> {
        let path = path.as_ref();
        let now = moment::local(&self.probe, self.probe.now());
        let stamp = now.format("%Y-%m-%d@%H:%M:%S");
        let named = |count: u32| {
            let mut name: OsString = path.as_os_str().to_owned();
            let count = if count == 0 { String::new() } else { format!(".{count}") };
            name.push(format!(".{}.{stamp}{count}~", std::process::id()));
            PathBuf::from(name)
        };
        // The loop of one task can come here more than once in a second.
        let mut count = 0;
        while self.probe.lstat(named(count))?.is_some() {
            count += 1;
        }
        let backup = named(count);
        let Some(before) = self.probe.stat(path)? else {
            return Err(Fault::absent(format!("could not back up {}: it is not there", path.display())));
        };
        let how = Commit { mode: Some(before.mode), ..Commit::default() };
        let owned = Commit { uid: Some(before.uid), gid: Some(before.gid), ..how.clone() };
        match self.write_as(&backup, &mut self.probe.open(path)?, &owned) {
            // Who is not the file's owner keeps the backup under the own name.
            Err(fault) if fault.os == Some(Errno::PERM.raw_os_error()) => {
                self.write_as(&backup, &mut self.probe.open(path)?, &how)?;
            }
            done => done?,
        }
        let times =
            Times { accessed: Some(before.accessed.system()), modified: Some(before.modified.system()) };
        self.act
            .utimes(&backup, times, Links::Follow)
            .map_err(|e| io_fault("could not set times of", &backup, &e))?;
        Ok(backup)
    }

    /// Makes an empty file where there is nothing.
    pub fn create(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.act.create(path).map_err(|e| io_fault("could not make the file", path, &e))
    }

    /// Makes a folder.
    pub fn mkdir(&mut self, path: impl AsRef<Path>, mode: u32) -> Result<()> {
        let path = path.as_ref();
        self.act.mkdir(path, mode).map_err(|e| io_fault("could not make the folder", path, &e))
    }

    /// Makes a symbolic link.
    pub fn symlink(&mut self, target: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.act.symlink(target.as_ref(), path).map_err(|e| io_fault("could not make the link", path, &e))
    }

    /// Makes a hard link.
    pub fn hardlink(&mut self, existing: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.act.hardlink(existing.as_ref(), path).map_err(|e| io_fault("could not make the link", path, &e))
    }

    /// Makes a named pipe.
    pub fn fifo(&mut self, path: impl AsRef<Path>, mode: u32) -> Result<()> {
        let path = path.as_ref();
        self.act.fifo(path, mode).map_err(|e| io_fault("could not make the pipe", path, &e))
    }

    /// Renames; what has the new name is replaced.
    pub fn rename(&mut self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
        let (from, to) = (from.as_ref(), to.as_ref());
        self.changes(to);
        self.act.rename(from, to).map_err(|e| io_fault("could not rename", from, &e))
    }

    /// Removes whatever a path names, a folder with all that is in it; links are removed, never followed.
    pub fn remove(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let Some(before) = self.probe.lstat(path)? else { return Ok(()) };
        self.changes(path);
        if before.is_folder() {
            self.act.remove_tree(path).map_err(|e| io_fault("could not remove", path, &e))?;
            return Ok(());
        }
        self.act.unlink(path).map_err(|e| io_fault("could not remove", path, &e))
    }

    /// Removes a folder that is empty.
    pub fn rmdir(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.act.rmdir(path).map_err(|e| io_fault("could not remove", path, &e))
    }

    /// Sets permission bits of what a path names; a link has none, and is not followed: see [`followed`](crate::followed).
    pub fn chmod(&mut self, path: impl AsRef<Path>, mode: u32) -> Result<()> {
        let path = path.as_ref();
        self.act.chmod(path, mode).map_err(|e| io_fault("could not set the mode of", path, &e))
    }

    /// Sets owner and group of what a path names, or leads to.
    pub fn chown(&mut self, path: impl AsRef<Path>, owner: Owner, links: Links) -> Result<()> {
        let path = path.as_ref();
        self.act
            .chown(path, owner.uid, owner.gid, links)
            .map_err(|e| io_fault("could not set the owner of", path, &e))
    }

    /// Sets times.
    pub fn utimes(&mut self, path: impl AsRef<Path>, times: Times, links: Links) -> Result<()> {
        let path = path.as_ref();
        self.act.utimes(path, times, links).map_err(|e| io_fault("could not set times of", path, &e))
    }

    /// Sets both times to now, which takes no more than leave to write.
    pub fn touch(&mut self, path: impl AsRef<Path>, links: Links) -> Result<()> {
        let path = path.as_ref();
        self.act.touch(path, links).map_err(|e| io_fault("could not set times of", path, &e))
    }

    /// Sets or removes an extended attribute.
    pub fn set_xattr(&mut self, path: impl AsRef<Path>, name: &str, value: Option<&[u8]>) -> Result<()> {
        let path = path.as_ref();
        self.act.set_xattr(path, name, value).map_err(|e| io_fault("could not set an attribute of", path, &e))
    }

    /// Notes the state that a thing now has, for check mode's plan; for verbs that are not one command.
    pub fn note(&mut self, thing: Thing, name: &str, state: &str) {
        self.act.note(thing, name, state);
    }
}

/// Owner and group to set; `None` leaves one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owner {
    /// The user's number.
    pub uid: Option<u32>,
    /// The group's number.
    pub gid: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    fn host(world: &World) -> Host {
        Host::new(world.build(), Arc::new(Call::default()))
    }

    #[test]
    fn backups_of_one_second_do_not_replace_each_other() {
        let mut host = host(&World::new().file("/etc/conf", "one"));
        let first = host.backup("/etc/conf").unwrap();
        host.write("/etc/conf", "two").unwrap();
        let second = host.backup("/etc/conf").unwrap();
        let texts = [&first, &second].map(|path| host.read_text(path).unwrap());
        assert_eq!(texts, ["one", "two"]);
        let name = second.to_string_lossy().into_owned();
        assert!(name.starts_with("/etc/conf.") && name.ends_with(".1~"), "{name}");
    }

    #[test]
    fn an_account_is_looked_up_once_until_it_may_have_changed() {
        let world = World::new().file("/etc/nsswitch.conf", "passwd: files ldap\n");
        let world = world.says("getent passwd 77", "eve:x:77:77::/:/bin/sh\n").says("true", "");
        let built = world.build();
        let mut host = Host::new(built.clone(), Arc::new(Call::default()));
        assert_eq!(host.user_of(77).unwrap().unwrap().name, "eve");
        assert_eq!(host.user_of(5).unwrap(), None);
        // Nobody else's change is seen within a call; one's own is.
        built.place(Path::new("/etc/passwd"), Some(b"adam:x:5:5::/:/bin/sh\n".to_vec())).unwrap();
        assert_eq!(host.user_of(5).unwrap(), None);
        host.run(crate::cmd("true")).unwrap();
        assert_eq!(host.user_of(5).unwrap().unwrap().name, "adam");
        host.write("/etc/passwd", "cain:x:6:6::/:/bin/sh\n").unwrap();
        assert_eq!(host.user("cain").unwrap().unwrap().uid, 6);
    }

    #[test]
    fn what_is_changed_in_a_held_folder_is_known_by_where_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(Arc::new(crate::Real::new()), Arc::new(Call::default()));
        let is_kept = |held: &Path| {
            let held = host.hold(held, Links::Keep).unwrap();
            let before = host.local_users().unwrap();
            host.changes(&held.join("passwd"));
            Arc::ptr_eq(&before, &host.local_users().unwrap())
        };
        assert!(is_kept(folder.path()), "each file of a walk would have all accounts read anew");
        assert!(!is_kept(Path::new("/etc")));
    }

    #[test]
    fn a_backup_of_anothers_file_is_ones_own() {
        let world = World::new().folder("/srv").owner("/srv", 1000, 1000).file("/srv/conf", "x");
        let world = world.mode("/srv/conf", 0o664).running_as(1000, 1000);
        let mut host = host(&world);
        let backup = host.backup("/srv/conf").unwrap();
        let stat = host.stat(&backup).unwrap().unwrap();
        assert_eq!((stat.uid, stat.mode), (1000, 0o664));
    }
}
