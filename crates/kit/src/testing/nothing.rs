//! [`Nothing`]: an empty host, over which a `World` is built.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::command::{Command, Ran};
use crate::http::{Request, Response, Stream};
use crate::system::{Access, FileKind, Identity, Look, Stat, Time, Uname, Volume};

/// An empty host: a root folder, root, a clock that stands still.
#[derive(Debug, Clone)]
pub(crate) struct Nothing {
    pub env: Vec<(OsString, OsString)>,
    pub identity: Identity,
    pub uname: Uname,
    pub now: SystemTime,
    /// A folder that is mounted so that programs do not run from it.
    pub noexec: Option<PathBuf>,
    /// Where the runner's own program is.
    pub program: Option<PathBuf>,
}

impl Default for Nothing {
    fn default() -> Self {
        Nothing {
            env: vec![
                ("HOME".into(), "/root".into()),
                ("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()),
            ],
            identity: Identity { uid: 0, gid: 0, groups: vec![0], umask: 0o022 },
            uname: Uname {
                sysname: "Linux".into(),
                nodename: "world".into(),
                release: "6.1.0-1-amd64".into(),
                version: "#1 SMP".into(),
                machine: "x86_64".into(),
            },
            now: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            noexec: None,
            program: None,
        }
    }
}

fn missing<T>() -> io::Result<T> {
    Err(io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()))
}

impl Nothing {
    fn runs_programs(&self, path: &Path) -> bool {
        !self.noexec.as_ref().is_some_and(|noexec| path.starts_with(noexec))
    }
}

impl Look for Nothing {
    fn lstat(&self, path: &Path) -> io::Result<Stat> {
        if path != Path::new("/") {
            return missing();
        }
        let time = Time::from(self.now);
        Ok(Stat {
            kind: FileKind::Folder,
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 4096,
            dev: 1,
            ino: 2,
            nlink: 2,
            rdev: 0,
            blocks: 8,
            block_size: 4096,
            accessed: time,
            modified: time,
            changed: time,
        })
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.lstat(path)
    }

    fn open(&self, _path: &Path) -> io::Result<Box<dyn Read + Send>> {
        missing()
    }

    fn readlink(&self, _path: &Path) -> io::Result<PathBuf> {
        missing()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        if path == Path::new("/") { Ok(Vec::new()) } else { missing() }
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        if path == Path::new("/") { Ok(path.to_owned()) } else { missing() }
    }

    fn xattr(&self, _path: &Path, _name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn may(&self, path: &Path, what: Access) -> bool {
        self.lstat(path).is_ok_and(|s| crate::overlay::permits(&s, &self.identity, what))
    }

    fn ask(&self, _command: &Command) -> io::Result<Ran> {
        missing()
    }

    fn http(&self, _request: &Request) -> io::Result<Response<Stream>> {
        missing()
    }

    fn env(&self, name: &OsStr) -> Option<OsString> {
        self.env.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone())
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        self.env.clone()
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from("/root")
    }

    fn program(&self) -> Option<PathBuf> {
        self.program.clone()
    }

    fn now(&self) -> SystemTime {
        self.now
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn uname(&self) -> Uname {
        self.uname.clone()
    }

    fn volume(&self, path: &Path) -> io::Result<Volume> {
        Ok(Volume {
            block_size: 4096,
            blocks: 1 << 20,
            blocks_available: 1 << 19,
            inodes: 1 << 16,
            inodes_available: 1 << 15,
            runs_programs: self.runs_programs(path),
        })
    }
}
