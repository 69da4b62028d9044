//! [`Real`]: the host that the runner runs on.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};

use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, StatVfsMountFlags, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::command::{Command, Ran, cmd};
use crate::held::Held;
use crate::http::{self, Request, Response, Stream};
use crate::spawn;
use crate::system::{
    Access, Act, Commit, FileKind, Identity, Links, Look, Staged, Stat, Time, Times, Uname, Volume,
};
use crate::talk::{self, Manner, Talk};

/// The host itself.
#[derive(Debug)]
pub struct Real {
    interrupted: Arc<AtomicBool>,
    /// Where the kernel tells of SELinux.
    selinux: PathBuf,
    /// The program that says which context the policy gives a path.
    labeller: PathBuf,
}

impl Default for Real {
    fn default() -> Self {
        Self::new()
    }
}

impl Real {
    /// The host.
    pub fn new() -> Self {
        // Where the kernel does not tell the umask it has to be set to be read: better now than beside other threads.
        umask();
        Real {
            interrupted: Arc::default(),
            selinux: "/sys/fs/selinux".into(),
            labeller: "matchpathcon".into(),
        }
    }

    /// A switch that kills what is running now and refuses to start more.
    pub fn interrupt(&self) -> Arc<AtomicBool> {
        self.interrupted.clone()
    }
}

fn stat(meta: &fs::Metadata) -> Stat {
    use std::os::unix::fs::FileTypeExt;
    let kind = meta.file_type();
    let kind = if kind.is_dir() {
        FileKind::Folder
    } else if kind.is_symlink() {
        FileKind::Link
    } else if kind.is_fifo() {
        FileKind::Fifo
    } else if kind.is_socket() {
        FileKind::Socket
    } else if kind.is_block_device() {
        FileKind::BlockDevice
    } else if kind.is_char_device() {
        FileKind::CharDevice
    } else {
        FileKind::File
    };
    let time = |seconds: i64, nanos: i64| Time { seconds, nanos: u32::try_from(nanos).unwrap_or_default() };
    Stat {
        kind,
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.size(),
        dev: meta.dev(),
        ino: meta.ino(),
        nlink: meta.nlink(),
        rdev: meta.rdev(),
        blocks: meta.blocks(),
        block_size: meta.blksize(),
        accessed: time(meta.atime(), meta.atime_nsec()),
        modified: time(meta.mtime(), meta.mtime_nsec()),
        changed: time(meta.ctime(), meta.ctime_nsec()),
    }
}

/// The umask that this process was started with; it never changes its own.
fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(read_umask)
}

fn read_umask() -> u32 {
    // The kernel tells without changing it; older ones only by setting it.
    let told = fs::read_to_string("/proc/self/status").ok().and_then(|text| {
        let line = text.lines().find_map(|l| l.strip_prefix("Umask:"))?.trim().to_owned();
        u32::from_str_radix(&line, 8).ok()
    });
    told.unwrap_or_else(|| {
        let mask = rustix::process::umask(Mode::from_raw_mode(0o077));
        rustix::process::umask(mask);
        mask.as_raw_mode()
    })
}

impl Look for Real {
    fn lstat(&self, path: &Path) -> io::Result<Stat> {
        Ok(stat(&fs::symlink_metadata(path)?))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        Ok(stat(&fs::metadata(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(path)?))
    }

    fn open_seen(&self, path: &Path, seen: &Stat) -> io::Result<Box<dyn Read + Send>> {
        // A pipe is opened without waiting for who writes into it; for files that makes no difference.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(path)?;
        let now = file.metadata()?;
        match (now.dev(), now.ino()) == (seen.dev, seen.ino) && now.is_file() {
            true => Ok(Box::new(file)),
            false => Err(io::Error::other("it was replaced while it was looked at")),
        }
    }

    fn hold(&self, path: &Path, links: Links) -> io::Result<Held> {
        Held::open(path, links)
    }

    fn readlink(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(path)?.map(|entry| entry.map(|e| e.file_name())).collect()
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn xattr(&self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut value = vec![0u8; 64 * 1024];
        match rustix::fs::lgetxattr(path, name, &mut value) {
            Ok(n) => {
                value.truncate(n);
                Ok(Some(value))
            }
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn may(&self, path: &Path, what: Access) -> bool {
        let what = match what {
            Access::Read => rustix::fs::Access::READ_OK,
            Access::Write => rustix::fs::Access::WRITE_OK,
            Access::Execute => rustix::fs::Access::EXEC_OK,
        };
        rustix::fs::access(path, what).is_ok()
    }

    fn ask(&self, command: &Command) -> io::Result<Ran> {
        spawn::run(command, &self.interrupted)
    }

    fn http(&self, request: &Request) -> io::Result<Response<Stream>> {
        http::exchange(request, self)
    }

    fn env(&self, name: &OsStr) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }

    fn folder(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    }

    fn program(&self) -> Option<PathBuf> {
        // One that was never written, or is removed already, has no such path.
        std::env::current_exe().ok().filter(|path| path.is_file())
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn identity(&self) -> Identity {
        Identity {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            groups: rustix::process::getgroups().unwrap_or_default().iter().map(|g| g.as_raw()).collect(),
            umask: umask(),
        }
    }

    fn uname(&self) -> Uname {
        let u = rustix::system::uname();
        let text = |s: &std::ffi::CStr| s.to_string_lossy().into_owned();
        Uname {
            sysname: text(u.sysname()),
            nodename: text(u.nodename()),
            release: text(u.release()),
            version: text(u.version()),
            machine: text(u.machine()),
        }
    }

    fn volume(&self, path: &Path) -> io::Result<Volume> {
        let v = rustix::fs::statvfs(path)?;
        Ok(Volume {
            block_size: v.f_frsize,
            blocks: v.f_blocks,
            blocks_available: v.f_bavail,
            inodes: v.f_files,
            inodes_available: v.f_favail,
            runs_programs: !v.f_flag.contains(StatVfsMountFlags::NOEXEC),
        })
    }
}

/// An unguessable file name in a folder.
fn temporary(folder: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut random = [0u8; 12];
    if rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).is_err() {
        // No randomness this early after boot: the file is made with O_EXCL all the same.
        let n = COUNT.fetch_add(1, Ordering::Relaxed) ^ std::process::id();
        random = [0u8; 12];
        for (to, from) in random.iter_mut().zip(n.to_le_bytes()) {
            *to = from;
        }
    }
    folder.join(format!(".shevek_{}", crate::checksum::hex(&random)))
}

/// Writes a file that is to take the place of `dest`. What replaces a file is on the disk before it does, or a crash could
/// leave neither; where there is none yet, nothing can be lost, and a thousand new files do not wait for the disk.
fn write_new(path: &Path, dest: &Path, content: &mut dyn Read) -> io::Result<u64> {
    let file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    let sync = |n| if dest.symlink_metadata().is_ok() { file.sync_all().map(|()| n) } else { Ok(n) };
    // In large pieces: much of what small ones cost is asking the kernel.
    let mut to = BufWriter::with_capacity(64 * 1024, &file);
    let written = io::copy(content, &mut to).and_then(|n| to.flush().map(|()| n)).and_then(sync);
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

fn no_place(e: &io::Error) -> bool {
    let codes = [Errno::ACCESS, Errno::PERM, Errno::ROFS, Errno::BUSY].map(Errno::raw_os_error);
    e.raw_os_error().is_some_and(|code| codes.contains(&code))
}

impl Act for Real {
    fn stage(&self, dest: &Path, content: &mut dyn Read) -> io::Result<Staged> {
        let folder = match dest.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let path = temporary(folder);
        match write_new(&path, dest, content) {
            Ok(size) => Ok(Staged { path, size }),
            // A folder that takes no new files can still hold a file that may be written over (`unsafe_writes`).
            Err(e) if no_place(&e) && dest.exists() => {
                let path = temporary(&std::env::temp_dir());
                write_new(&path, dest, content).map(|size| Staged { path, size })
            }
            Err(e) => Err(e),
        }
    }

    fn commit(&self, staged: Staged, dest: &Path, how: &Commit) -> io::Result<()> {
        let committed = self.put_in_place(&staged, dest, how);
        if committed.is_err() {
            let _ = fs::remove_file(&staged.path);
        }
        committed
    }

    fn discard(&self, staged: Staged) {
        // It is ours and temporary; if it is gone already, so much the better.
        let _ = fs::remove_file(staged.path);
    }

    fn write_in_place(&self, path: &Path, content: &mut dyn Read) -> io::Result<()> {
        let mut file = File::options().write(true).truncate(true).open(path)?;
        io::copy(content, &mut file)?;
        file.flush()
    }

    fn create(&self, path: &Path) -> io::Result<()> {
        // A link that somebody has laid meanwhile is not followed, and a file is not emptied.
        File::options().write(true).create_new(true).open(path).map(drop)
    }

    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()> {
        rustix::fs::mkdir(path, Mode::from_raw_mode(mode))?;
        Ok(())
    }

    fn symlink(&self, target: &Path, path: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(target, path)
    }

    fn hardlink(&self, existing: &Path, path: &Path) -> io::Result<()> {
        fs::hard_link(existing, path)
    }

    fn fifo(&self, path: &Path, mode: u32) -> io::Result<()> {
        rustix::fs::mknodat(CWD, path, rustix::fs::FileType::Fifo, Mode::from_raw_mode(mode), 0)?;
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rmdir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn chmod(&self, path: &Path, mode: u32) -> io::Result<()> {
        let permissions = fs::Permissions::from_mode(mode & 0o7777);
        // The kernel has no chmod that leaves links alone: what is there now is held, and only then looked at.
        let held = rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let held = File::from(held);
        if held.metadata()?.is_symlink() {
            return Err(Errno::LOOP.into());
        }
        match fs::set_permissions(format!("/proc/self/fd/{}", held.as_raw_fd()), permissions.clone()) {
            // Without /proc there is no better way.
            Err(e) if e.kind() == io::ErrorKind::NotFound => fs::set_permissions(path, permissions),
            done => done,
        }
    }

    fn chown(&self, path: &Path, uid: Option<u32>, gid: Option<u32>, links: Links) -> io::Result<()> {
        rustix::fs::chownat(CWD, path, uid.map(Uid::from_raw), gid.map(Gid::from_raw), at(links))?;
        Ok(())
    }

    fn utimes(&self, path: &Path, times: Times, links: Links) -> io::Result<()> {
        let times =
            Timestamps { last_access: timespec(times.accessed), last_modification: timespec(times.modified) };
        rustix::fs::utimensat(CWD, path, &times, at(links))?;
        Ok(())
    }

    fn touch(&self, path: &Path, links: Links) -> io::Result<()> {
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let times = Timestamps { last_access: now, last_modification: now };
        rustix::fs::utimensat(CWD, path, &times, at(links))?;
        Ok(())
    }

    fn set_xattr(&self, path: &Path, name: &str, value: Option<&[u8]>) -> io::Result<()> {
        match value {
            Some(value) => rustix::fs::lsetxattr(path, name, value, XattrFlags::empty())?,
            None => match rustix::fs::lremovexattr(path, name) {
                Err(Errno::NODATA) | Ok(()) => {}
                Err(e) => return Err(e.into()),
            },
        }
        Ok(())
    }

    fn run(&self, command: &Command) -> io::Result<Ran> {
        spawn::run(command, &self.interrupted)
    }

    fn talk(&self, command: &Command, manner: Manner, talk: &mut dyn Talk) -> io::Result<Ran> {
        talk::run(command, manner, talk, &self.interrupted)
    }

    fn send(&self, request: &Request) -> io::Result<Response<Stream>> {
        http::exchange(request, self)
    }
}

/// How the kernel is told of a link.
fn at(links: Links) -> AtFlags {
    if links == Links::Keep { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() }
}

fn timespec(time: Option<SystemTime>) -> rustix::fs::Timespec {
    match time.map(Time::from) {
        Some(time) => rustix::fs::Timespec { tv_sec: time.seconds, tv_nsec: i64::from(time.nanos) },
        None => rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
    }
}

/// The access list: a mode that is asked for overrules it.
const ACCESS_LIST: &str = "system.posix_acl_access";

/// Attributes that are about the content and not about the file: rights of the old program, its signatures.
const OF_CONTENT: [&str; 3] = ["security.capability", "security.ima", "security.evm"];

const CONTEXT: &str = "security.selinux";

/// Names of extended attributes; none where the file system has none.
fn xattr_names(path: &Path) -> Vec<String> {
    let mut names = vec![0u8; 64 * 1024];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap_or(0);
    let names =
        names.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.filter_map(|name| String::from_utf8(name.to_vec()).ok()).collect()
}

impl Real {
    /// The SELinux context that the policy gives a new file, where SELinux is on; the one of its folder is often another.
    fn policy_context(&self, dest: &Path) -> Option<Vec<u8>> {
        if !self.selinux.join("enforce").exists() {
            return None;
        }
        // The policy goes by names, and a held folder's path is none.
        let held = dest.parent().filter(|folder| folder.starts_with("/proc"));
        let named = held.and_then(|folder| Some(fs::canonicalize(folder).ok()?.join(dest.file_name()?)));
        let dest = named.as_deref().unwrap_or(dest);
        let ran = self.ask(&cmd(&self.labeller).arg("-n").arg(dest).any_rc()).ok().filter(Ran::ok)?;
        let context = ran.out().trim().to_owned();
        (context.split(':').count() >= 3).then(|| format!("{context}\0").into_bytes())
    }

    fn put_in_place(&self, staged: &Staged, dest: &Path, how: &Commit) -> io::Result<()> {
        let before = fs::symlink_metadata(dest).ok();
        let kept = before.as_ref().filter(|m| !how.fresh && !m.is_symlink());
        let me = self.identity();
        let mode = how.mode.or(kept.map(|m| m.mode() & 0o7777)).unwrap_or(0o666 & !me.umask);
        let folder = dest.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let inherited = || fs::metadata(folder).ok().filter(|m| m.mode() & 0o2000 != 0).map(|m| m.gid());
        let uid = how.uid.or(kept.map(MetadataExt::uid));
        let gid = how.gid.or(kept.map(MetadataExt::gid)).or_else(inherited);
        let now = fs::symlink_metadata(&staged.path)?;
        let wanted = (uid.filter(|u| *u != now.uid()), gid.filter(|g| *g != now.gid()));
        if wanted != (None, None) {
            let done = self.chown(&staged.path, wanted.0, wanted.1, Links::Keep);
            // Keeping the old owner is only possible for root; being asked for an owner that cannot be had is an error.
            if done.is_err() && (how.uid.is_some() || how.gid.is_some()) {
                return done;
            }
        }
        self.chmod(&staged.path, mode)?;
        if kept.is_some() {
            let wanted = |name: &String| {
                !OF_CONTENT.contains(&name.as_str()) && (name != ACCESS_LIST || how.mode.is_none())
            };
            for name in xattr_names(dest).iter().filter(|name| wanted(name)) {
                if let Ok(Some(value)) = self.xattr(dest, name) {
                    // Not every user may set them.
                    let _ = self.set_xattr(&staged.path, name, Some(&value));
                }
            }
        } else if let Some(context) = self.policy_context(dest) {
            let _ = self.set_xattr(&staged.path, CONTEXT, Some(&context));
        }
        match fs::rename(&staged.path, dest) {
            // A crash leaves one of the two, whole; the folder itself is not waited for.
            Ok(()) => Ok(()),
            Err(_) if how.unsafe_writes && before.is_some() => {
                self.write_in_place(dest, &mut File::open(&staged.path)?)?;
                if let Some(mode) = how.mode {
                    self.chmod(dest, mode)?;
                }
                fs::remove_file(&staged.path)
            }
            Err(e) if e.kind() == io::ErrorKind::CrossesDevices && staged.path.parent() != Some(folder) => {
                let path = temporary(folder);
                // Where the folder takes no new file, that is the reason to name, and not the way around it.
                let near =
                    write_new(&path, dest, &mut File::open(&staged.path)?).map(|size| Staged { path, size });
                fs::remove_file(&staged.path)?;
                self.put_in_place(&near?, dest, how)
            }
            Err(e) => Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_in_one_step_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(&path).unwrap().ino();
        let real = Real::new();
        let staged = real.stage(&path, &mut "new".as_bytes()).unwrap();
        assert_eq!(fs::metadata(&staged.path).unwrap().mode() & 0o777, 0o600);
        real.commit(staged, &path, &Commit::default()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_ne!(fs::metadata(&path).unwrap().ino(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn what_is_opened_is_what_was_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let [path, secret] = ["data", "secret"].map(|name| folder.path().join(name));
        fs::write(&path, "data").unwrap();
        fs::write(&secret, "secret").unwrap();
        let real = Real::new();
        let seen = real.lstat(&path).unwrap();
        let mut text = String::new();
        real.open_seen(&path, &seen).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "data");
        fs::remove_file(&path).unwrap();
        real.symlink(&secret, &path).unwrap();
        assert!(real.open_seen(&path, &seen).is_err());
        fs::remove_file(&path).unwrap();
        real.fifo(&path, 0o600).unwrap();
        assert!(real.open_seen(&path, &seen).is_err());
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_attributes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf");
        fs::write(&path, "old").unwrap();
        let real = Real::new();
        if real.set_xattr(&path, "user.note", Some(b"mine")).is_err() {
            // A file system without attributes has nothing to keep.
            return;
        }
        let staged = real.stage(&path, &mut "new".as_bytes()).unwrap();
        real.commit(staged, &path, &Commit::default()).unwrap();
        assert_eq!(real.xattr(&path, "user.note").unwrap().as_deref(), Some(b"mine".as_slice()));
        let staged = real.stage(&path, &mut "new".as_bytes()).unwrap();
        real.commit(staged, &path, &Commit { fresh: true, ..Commit::default() }).unwrap();
        assert_eq!(real.xattr(&path, "user.note").unwrap(), None);
    }

    #[test]
    fn no_verb_follows_a_link_that_was_laid_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "kept").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let real = Real::new();
        assert!(real.chmod(&link, 0o666).is_err());
        assert!(real.create(&link).is_err() && real.create(&target).is_err());
        assert!(real.write_in_place(&folder.path().join("new"), &mut "x".as_bytes()).is_err());
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
        real.chmod(&target, 0o640).unwrap();
        real.chmod(folder.path(), 0o750).unwrap();
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o750);
    }

    #[test]
    fn a_new_file_gets_the_context_of_the_policy() {
        let folder = tempfile::tempdir().unwrap();
        let labeller = folder.path().join("says");
        let real = Real { selinux: folder.path().to_owned(), labeller: labeller.clone(), ..Real::new() };
        let dest = Path::new("/etc/conf");
        fs::write(folder.path().join("enforce"), "1").unwrap();
        // Without the program the kernel's own choice stays.
        assert_eq!(real.policy_context(dest), None);
        fs::write(&labeller, "#!/bin/sh\ntest \"$*\" = '-n /etc/conf' && echo system_u:object_r:etc_t:s0\n")
            .unwrap();
        real.chmod(&labeller, 0o700).unwrap();
        assert_eq!(real.policy_context(dest).as_deref(), Some(b"system_u:object_r:etc_t:s0\0".as_slice()));
        fs::remove_file(folder.path().join("enforce")).unwrap();
        assert_eq!(real.policy_context(dest), None, "SELinux is off");
    }

    #[test]
    fn a_new_file_gets_the_default_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf");
        let real = Real::new();
        let staged = real.stage(&path, &mut "new".as_bytes()).unwrap();
        real.commit(staged, &path, &Commit::default()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o666 & !umask());
    }
}
