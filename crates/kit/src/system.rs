//! [`Look`] and [`Act`]: what a host can be asked and told. The real host, check mode's plan over it, and the fake
//! `World` of tests implement them; modules see only `Probe` and `Host`, which are built on these.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::command::{Command, Ran};
use crate::effect::Thing;
use crate::held::Held;
use crate::http::{Request, Response, Stream};
use crate::talk::{Manner, Talk};

/// The reading half of a host.
pub trait Look: Send + Sync {
    /// Status of what a path names, links not followed.
    fn lstat(&self, path: &Path) -> io::Result<Stat>;
    /// Status of what a path leads to.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;
    /// The same, of a file that was looked at before: another one in its place, or a pipe that would keep one waiting, is a
    /// failure. For paths in folders that belong to users.
    fn open_seen(&self, path: &Path, _seen: &Stat) -> io::Result<Box<dyn Read + Send>> {
        self.open(path)
    }
    /// Holds a folder open: see [`Held`].
    fn hold(&self, path: &Path, _links: Links) -> io::Result<Held> {
        Ok(Held::named(path))
    }
    /// Where a link points.
    fn readlink(&self, path: &Path) -> io::Result<PathBuf>;
    /// Names in a folder, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;
    /// The path with all links resolved.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
    /// An extended attribute (of a link itself), if it is set and the file system has them.
    fn xattr(&self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Whether the runner's user may do this with what the path leads to.
    fn may(&self, path: &Path, what: Access) -> bool;
    /// Runs a command that only reads; the caller has checked that against the reviewed list.
    fn ask(&self, command: &Command) -> io::Result<Ran>;
    /// One exchange with a web server that only reads (GET, HEAD); the caller has checked that.
    fn http(&self, request: &Request) -> io::Result<Response<Stream>>;
    /// A variable of the runner's environment.
    fn env(&self, name: &OsStr) -> Option<OsString>;
    /// All variables of the runner's environment.
    fn environment(&self) -> Vec<(OsString, OsString)>;
    /// The folder that relative paths start from.
    fn folder(&self) -> PathBuf;
    /// Where the runner's own program is, if it is in a file.
    fn program(&self) -> Option<PathBuf> {
        None
    }
    /// The time.
    fn now(&self) -> SystemTime;
    /// Who the runner is.
    fn identity(&self) -> Identity;
    /// The kernel's names.
    fn uname(&self) -> Uname;
    /// Figures of the file system that a path is on.
    fn volume(&self, path: &Path) -> io::Result<Volume>;
    /// In check mode: the state that an earlier task would have given this thing.
    fn planned(&self, _thing: Thing, _name: &str) -> Option<String> {
        None
    }
    /// Whether writes go to a plan and not to the host. Modules do not need it: the kit does; results that word themselves
    /// differently in check mode are the exception.
    fn rehearsing(&self) -> bool {
        false
    }
    /// In check mode: whether earlier tasks would have done things whose traces cannot be known, such as the files of a
    /// package.
    fn unsure(&self) -> bool {
        false
    }
    /// In check mode: whether the plan has something else at this path, or in that folder, than the host.
    fn differs_from_host(&self, _path: &Path) -> bool {
        false
    }
    /// In check mode: whether what is missing at this path may be there in the real run, since not even its folder is
    /// there yet and earlier tasks would have brought things that nobody has listed.
    fn may_come(&self, _path: &Path) -> bool {
        false
    }
}

/// The writing half of a host.
pub trait Act: Look {
    /// Writes content to a new file beside `dest` (0600, unguessable name), to be committed or discarded.
    fn stage(&self, dest: &Path, content: &mut dyn Read) -> io::Result<Staged>;
    /// The same for content of so many bytes that a plan would not keep, which so need not come at all. None: it must.
    fn stage_unread(&self, _dest: &Path, _size: u64) -> io::Result<Option<Staged>> {
        Ok(None)
    }
    /// Puts a staged file in place of `dest` in one step.
    fn commit(&self, staged: Staged, dest: &Path, how: &Commit) -> io::Result<()>;
    /// Removes a staged file.
    fn discard(&self, staged: Staged);
    /// Writes over a file that is there in place.
    fn write_in_place(&self, path: &Path, content: &mut dyn Read) -> io::Result<()>;
    /// Makes an empty file where there is nothing; a link is something.
    fn create(&self, path: &Path) -> io::Result<()>;
    /// Makes a folder.
    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// Makes a symbolic link.
    fn symlink(&self, target: &Path, path: &Path) -> io::Result<()>;
    /// Makes a hard link.
    fn hardlink(&self, existing: &Path, path: &Path) -> io::Result<()>;
    /// Makes a named pipe.
    fn fifo(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// Renames.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file or a link.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder that is empty.
    fn rmdir(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it; links in it are removed, never followed.
    fn remove_tree(&self, path: &Path) -> io::Result<()>;
    /// Sets permission bits of what the path names, which must be no link.
    fn chmod(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// Sets owner and group.
    fn chown(&self, path: &Path, uid: Option<u32>, gid: Option<u32>, links: Links) -> io::Result<()>;
    /// Sets times; `None` leaves one alone.
    fn utimes(&self, path: &Path, times: Times, links: Links) -> io::Result<()>;
    /// Sets both times to now. Whoever may write a file may do this; setting other times takes its owner.
    fn touch(&self, path: &Path, links: Links) -> io::Result<()> {
        let now = Some(self.now());
        self.utimes(path, Times { accessed: now, modified: now }, links)
    }
    /// Sets or removes an extended attribute.
    fn set_xattr(&self, path: &Path, name: &str, value: Option<&[u8]>) -> io::Result<()>;
    /// Runs a command.
    fn run(&self, command: &Command) -> io::Result<Ran>;
    /// Runs a command on a terminal of its own, and talks with it.
    fn talk(&self, command: &Command, manner: Manner, talk: &mut dyn Talk) -> io::Result<Ran>;
    /// One exchange with a web server, which may change something there.
    fn send(&self, request: &Request) -> io::Result<Response<Stream>>;
    /// Notes the state that a thing has been given, for check mode's plan.
    fn note(&self, _thing: Thing, _name: &str, _state: &str) {}
    /// In check mode: notes that something happened whose traces cannot be known.
    fn become_unsure(&self) {}
}

/// Whether a verb works on a link or on what it points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// On what it points to.
    Follow,
    /// On the link.
    Keep,
}

/// What may be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Access {
    Read,
    Write,
    Execute,
}

/// Times to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Last read.
    pub accessed: Option<SystemTime>,
    /// Last written.
    pub modified: Option<SystemTime>,
}

/// A file written beside its destination.
#[derive(Debug)]
pub struct Staged {
    /// Where it is.
    pub path: PathBuf,
    /// How long it is.
    pub size: u64,
}

/// How a staged file is put in place.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Permission bits; `None` keeps those of the file that is replaced, or gives new files 0666 less the umask.
    pub mode: Option<u32>,
    /// Owner; `None` keeps that of the file that is replaced.
    pub uid: Option<u32>,
    /// Group; `None` keeps that of the file that is replaced.
    pub gid: Option<u32>,
    /// Write over the file in place when it cannot be replaced (`unsafe_writes`).
    pub unsafe_writes: bool,
    /// Neither owner, mode nor attributes of the replaced file are kept.
    pub fresh: bool,
}

/// What sort of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FileKind {
    File,
    Folder,
    Link,
    Fifo,
    Socket,
    BlockDevice,
    CharDevice,
}

/// Status of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Length in bytes.
    pub size: u64,
    /// Device it is on.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Number of hard links.
    pub nlink: u64,
    /// Device it is, for device files.
    pub rdev: u64,
    /// Blocks of 512 bytes it takes.
    pub blocks: u64,
    /// Size of a block for reading.
    pub block_size: u64,
    /// Last read.
    pub accessed: Time,
    /// Last written.
    pub modified: Time,
    /// Last change of status.
    pub changed: Time,
}

impl Stat {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == FileKind::Folder
    }

    /// Whether it is a plain file.
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.kind == FileKind::Link
    }
}

/// A time of a file: seconds and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Time {
    /// Seconds, negative before 1970.
    pub seconds: i64,
    /// Nanoseconds on top.
    pub nanos: u32,
}

impl Time {
    /// Seconds as Python's `st_mtime` has them.
    pub fn as_f64(self) -> f64 {
        self.seconds as f64 + 1e-9 * f64::from(self.nanos)
    }

    /// As the standard library has it.
    pub fn system(self) -> SystemTime {
        let nanos = Duration::from_nanos(u64::from(self.nanos));
        match u64::try_from(self.seconds) {
            Ok(seconds) => UNIX_EPOCH + Duration::from_secs(seconds) + nanos,
            Err(_) => UNIX_EPOCH - Duration::from_secs(self.seconds.unsigned_abs()) + nanos,
        }
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Time {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanos: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Time { seconds: -seconds, nanos: 0 },
                    nanos => Time { seconds: -seconds - 1, nanos: 1_000_000_000 - nanos },
                }
            }
        }
    }
}

/// Who the runner is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// The umask.
    pub umask: u32,
}

/// The kernel's names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the fields of uname(2)")]
pub struct Uname {
    pub sysname: String,
    pub nodename: String,
    pub release: String,
    pub version: String,
    pub machine: String,
}

/// Figures of a file system, as statvfs(3) gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Volume {
    pub block_size: u64,
    pub blocks: u64,
    pub blocks_available: u64,
    pub inodes: u64,
    pub inodes_available: u64,
    pub runs_programs: bool,
}
