//! [`Overlay`]: a host that takes writes into memory. Over the real host it is check mode's plan, over an empty
//! one it is the fake `World` of tests. It holds only the reading half of what is below it, so nothing that is done to
//! an overlay can reach the real host.

use std::ffi::{OsStr, OsString};
use std::io::{self, Cursor, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::command::{Command, Ran};
use crate::effect::Thing;
use crate::http::{Request, Response, Stream};
use crate::plan::{Body, Entry, Inode, PLANNED_ID, Plan};
use crate::script::Script;
use crate::system::{
    Access, Act, Commit, FileKind, Identity, Links, Look, Staged, Stat, Time, Times, Uname, Volume,
};
use crate::talk::{Manner, Reply, Talk};

/// Links followed before a path is taken for a loop, as in the kernel.
const HOPS: usize = 40;

/// A host that takes writes into memory.
pub struct Overlay {
    base: Arc<dyn Look>,
    plan: Mutex<Plan>,
    /// In tests: what commands answer, and which ran.
    pub(crate) script: Option<Mutex<Script>>,
}

/// Content that only the real run can tell.
#[derive(Debug)]
pub(crate) struct Unknowable;

impl std::fmt::Display for Unknowable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("only the real run can tell what is in it")
    }
}

impl std::error::Error for Unknowable {}

enum At {
    Planned(Stat),
    Lower(Stat),
}

impl At {
    fn stat(&self) -> Stat {
        match self {
            At::Planned(stat) | At::Lower(stat) => *stat,
        }
    }
}

/// What a new path is: its kind, mode and content.
struct New(FileKind, u32, Body);

fn missing() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error())
}

fn errno(e: rustix::io::Errno) -> io::Error {
    io::Error::from_raw_os_error(e.raw_os_error())
}

impl Overlay {
    /// An overlay over a host.
    pub fn over(base: Arc<dyn Look>) -> Self {
        Overlay { base, plan: Mutex::default(), script: None }
    }

    /// The plan so far, for another runner.
    pub fn plan(&self) -> Plan {
        self.locked().clone()
    }

    /// Takes over a plan that another runner has continued.
    pub fn set_plan(&self, plan: Plan) {
        *self.locked() = plan;
    }

    /// The plan's version.
    pub fn version(&self) -> u64 {
        self.locked().version()
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn scripted(base: Arc<dyn Look>, script: Script) -> Self {
        Overlay { base, plan: Mutex::default(), script: Some(Mutex::new(script)) }
    }

    fn locked(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is at a path that has no links above its last part.
    fn at(&self, plan: &Plan, path: &Path) -> io::Result<Option<At>> {
        match plan.entries.get(path) {
            Some(Entry::Gone) => Ok(None),
            Some(Entry::Is(_)) => Ok(plan.inode(path).map(|inode| At::Planned(inode.stat()))),
            None if !plan.shows_lower(path) => Ok(None),
            None => match self.base.lstat(path) {
                Ok(stat) => Ok(Some(At::Lower(stat))),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e),
            },
        }
    }

    fn target(&self, plan: &Plan, path: &Path) -> io::Result<PathBuf> {
        match plan.inode(path) {
            Some(Inode { body: Body::Target(target), .. }) => Ok(target.clone()),
            Some(Inode { kind: FileKind::Link, .. }) | None => self.base.readlink(path),
            Some(_) => Err(errno(rustix::io::Errno::INVAL)),
        }
    }

    /// The path without links, except perhaps its last part.
    fn resolve(&self, plan: &Plan, path: &Path, links: Links) -> io::Result<PathBuf> {
        let mut todo: Vec<OsString> = parts(path);
        if path.is_relative() {
            todo.extend(parts(&self.base.folder()));
        }
        let mut done = PathBuf::from("/");
        let mut hops = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            let next = done.join(&part);
            let last = todo.is_empty();
            match self.at(plan, &next)?.map(|at| at.stat().kind) {
                Some(FileKind::Link) if !last || links == Links::Follow => {
                    hops += 1;
                    if hops > HOPS {
                        return Err(errno(rustix::io::Errno::LOOP));
                    }
                    let target = self.target(plan, &next)?;
                    if target.is_absolute() {
                        done = PathBuf::from("/");
                    }
                    todo.extend(parts(&target));
                }
                Some(FileKind::Folder) => done = next,
                Some(_) if !last => return Err(errno(rustix::io::Errno::NOTDIR)),
                None if !last => return Err(missing()),
                _ => done = next,
            }
        }
        Ok(done)
    }

    /// Takes a path into the plan, so that it can be changed there.
    fn import(&self, plan: &mut Plan, path: &Path) -> io::Result<u64> {
        if let Some(Entry::Is(id)) = plan.entries.get(path) {
            return Ok(*id);
        }
        let Some(At::Lower(stat)) = self.at(plan, path)? else { return Err(missing()) };
        let body = match stat.kind {
            FileKind::File => Body::Lower(path.to_owned(), stat.size),
            FileKind::Folder => Body::Merged,
            FileKind::Link => Body::Target(self.base.readlink(path)?),
            _ => Body::Nothing,
        };
        Ok(plan.add(path, Inode::imported(&stat, body)))
    }

    /// Whether something was mounted on a path: it cannot be replaced then.
    fn is_mounted(&self, plan: &Plan, path: &Path) -> bool {
        let name = path.to_string_lossy().into_owned();
        let of_plan = plan.things.get(&(Thing::Mount, name.clone())).cloned();
        of_plan.or_else(|| self.base.planned(Thing::Mount, &name)).is_some_and(|state| state == "mounted")
    }

    /// Fails as the kernel does when a user gives a file away.
    fn may_give(&self, inode: &Inode, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        let me = self.base.identity();
        let own = |gid: u32| me.gid == gid || me.groups.contains(&gid);
        let given =
            uid.is_some_and(|uid| uid != inode.uid) || gid.is_some_and(|gid| gid != inode.gid && !own(gid));
        if me.uid != 0 && given { Err(errno(rustix::io::Errno::PERM)) } else { Ok(()) }
    }

    fn change(
        &self,
        path: &Path,
        links: Links,
        with: impl FnOnce(&mut Inode) -> io::Result<()>,
    ) -> io::Result<()> {
        let now = Time::from(self.base.now());
        let mut plan = self.locked();
        let path = self.resolve(&plan, path, links)?;
        let id = self.import(&mut plan, &path)?;
        if let Some(inode) = plan.inodes.get_mut(&id) {
            inode.changed = now;
            with(inode)?;
        }
        plan.version += 1;
        Ok(())
    }

    fn make(&self, path: &Path, kind: FileKind, mode: u32, body: Body) -> io::Result<()> {
        let mut plan = self.locked();
        let path = self.resolve(&plan, path, Links::Keep)?;
        if self.at(&plan, &path)?.is_some() {
            return Err(errno(rustix::io::Errno::EXIST));
        }
        let inode = self.fresh(&plan, &path, New(kind, mode, body))?;
        plan.add(&path, inode);
        Ok(())
    }

    fn fresh(&self, plan: &Plan, path: &Path, new: New) -> io::Result<Inode> {
        let New(kind, mode, body) = new;
        let Some(folder) = path.parent() else { return Err(missing()) };
        let above = self.at(plan, folder)?.ok_or_else(missing)?.stat();
        if !above.is_folder() {
            return Err(errno(rustix::io::Errno::NOTDIR));
        }
        let me = self.base.identity();
        let now = Time::from(self.base.now());
        let inherits = above.mode & 0o2000 != 0;
        Ok(Inode {
            kind,
            mode: if kind == FileKind::Folder && inherits { mode | 0o2000 } else { mode },
            uid: me.uid,
            gid: if inherits { above.gid } else { me.gid },
            dev: above.dev,
            ino: 0,
            nlink: if kind == FileKind::Folder { 2 } else { 1 },
            rdev: 0,
            accessed: now,
            modified: now,
            changed: now,
            xattrs: std::collections::BTreeMap::new(),
            body,
            names: 0,
        })
    }

    /// Sets owner and group as a command or a test does, whoever the runner is.
    pub(crate) fn give(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        self.change(path, Links::Keep, |inode| {
            (inode.uid, inode.gid) = (uid, gid);
            Ok(())
        })
    }

    /// Takes a path with all below it into the plan.
    fn import_tree(&self, plan: &mut Plan, path: &Path) -> io::Result<()> {
        let id = self.import(plan, path)?;
        if plan.inodes.get(&id).is_some_and(|i| i.kind == FileKind::Folder) {
            for name in self.names(plan, path)? {
                self.import_tree(plan, &path.join(name))?;
            }
            plan.set_body(id, Body::Fresh);
        }
        Ok(())
    }

    fn names(&self, plan: &Plan, path: &Path) -> io::Result<Vec<OsString>> {
        let at = self.at(plan, path)?.ok_or_else(missing)?;
        if !at.stat().is_folder() {
            return Err(errno(rustix::io::Errno::NOTDIR));
        }
        let merged = match plan.inode(path) {
            None => true,
            Some(inode) => matches!(inode.body, Body::Merged),
        };
        let mut names = if merged { self.base.list(path)? } else { Vec::new() };
        names.retain(|name| !plan.entries.contains_key(&path.join(name)));
        for (child, entry) in plan.children(path) {
            if let (Entry::Is(_), Some(name)) = (entry, child.file_name()) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Writes bytes where a test or an effect wants them; folders above are made.
    pub(crate) fn place(&self, path: &Path, content: Option<Vec<u8>>) -> io::Result<()> {
        self.make_folders(path.parent().unwrap_or(Path::new("/")))?;
        // This is a file of accounts, or what a command is known to write: never long, and needed.
        let body = content.map_or(Body::Unknown(0), |bytes| Body::Bytes(bytes.into()));
        let mut plan = self.locked();
        let path = self.resolve(&plan, path, Links::Follow)?;
        self.put(&mut plan, &path, body)
    }

    pub(crate) fn make_folders(&self, path: &Path) -> io::Result<()> {
        self.make_folders_of(path, &Body::Fresh)
    }

    /// Plans the folders of a path as brought by what made the plan unsure.
    pub(crate) fn suppose(&self, path: &Path) -> io::Result<()> {
        self.make_folders_of(path, &Body::Supposed)
    }

    fn make_folders_of(&self, path: &Path, body: &Body) -> io::Result<()> {
        let mut made = PathBuf::from("/");
        for part in parts(path).into_iter().rev() {
            made.push(part);
            match self.make(&made, FileKind::Folder, 0o755, body.clone()) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    fn put(&self, plan: &mut Plan, path: &Path, body: Body) -> io::Result<()> {
        match self.at(plan, path)? {
            Some(at) if at.stat().is_folder() => Err(errno(rustix::io::Errno::ISDIR)),
            Some(_) => {
                let now = Time::from(self.base.now());
                let id = self.import(plan, path)?;
                if let Some(inode) = plan.inodes.get_mut(&id) {
                    inode.kind = FileKind::File;
                    inode.modified = now;
                    inode.changed = now;
                }
                plan.set_body(id, body);
                plan.version += 1;
                Ok(())
            }
            None => {
                let mode = 0o666 & !self.base.identity().umask;
                let inode = self.fresh(plan, path, New(FileKind::File, mode, body))?;
                plan.add(path, inode);
                Ok(())
            }
        }
    }

    fn staged(&self, folder: &Path, body: Body) -> io::Result<Staged> {
        let mut plan = self.locked();
        let folder = self.resolve(&plan, folder, Links::Follow)?;
        let name = format!(".shevek_{}", plan.version);
        let path = folder.join(name);
        let inode = self.fresh(&plan, &path, New(FileKind::File, 0o600, body))?;
        let size = inode.size();
        plan.add(&path, inode);
        Ok(Staged { path, size })
    }

    /// The number a new user or group gets: in a plan one that stands for "known later".
    pub(crate) fn free_id(&self, taken: &[u32]) -> u32 {
        let first = if self.script.is_some() { 1000 } else { PLANNED_ID };
        (first..).find(|id| !taken.contains(id)).unwrap_or(first)
    }
}

fn parts(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> = path
        .components()
        .filter_map(|c| match c {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect();
    parts.reverse();
    parts
}

impl Look for Overlay {
    fn lstat(&self, path: &Path) -> io::Result<Stat> {
        let plan = self.locked();
        let path = self.resolve(&plan, path, Links::Keep)?;
        Ok(self.at(&plan, &path)?.ok_or_else(missing)?.stat())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let plan = self.locked();
        let path = self.resolve(&plan, path, Links::Follow)?;
        Ok(self.at(&plan, &path)?.ok_or_else(missing)?.stat())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let plan = self.locked();
        let path = self.resolve(&plan, path, Links::Follow)?;
        let Some(inode) = plan.inode(&path) else {
            return match self.at(&plan, &path)? {
                Some(_) => self.base.open(&path),
                None => Err(missing()),
            };
        };
        match &inode.body {
            Body::Bytes(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            Body::Lower(lower, _) => self.base.open(lower),
            Body::Unknown(_) => Err(io::Error::other(Unknowable)),
            Body::Fresh | Body::Supposed | Body::Merged => Err(errno(rustix::io::Errno::ISDIR)),
            Body::Target(_) | Body::Nothing => Err(errno(rustix::io::Errno::INVAL)),
        }
    }

    fn readlink(&self, path: &Path) -> io::Result<PathBuf> {
        let plan = self.locked();
        let path = self.resolve(&plan, path, Links::Keep)?;
        match self.at(&plan, &path)?.ok_or_else(missing)?.stat().kind {
            FileKind::Link => self.target(&plan, &path),
            _ => Err(errno(rustix::io::Errno::INVAL)),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let plan = self.locked();
        let path = self.resolve(&plan, path, Links::Follow)?;
        self.names(&plan, &path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let plan = self.locked();
        let path = self.resolve(&plan, path, Links::Follow)?;
        self.at(&plan, &path)?.ok_or_else(missing)?;
        Ok(path)
    }

    fn xattr(&self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        let plan = self.locked();
        let path = self.resolve(&plan, path, Links::Keep)?;
        match plan.inode(&path) {
            Some(inode) => match (inode.xattrs.get(name), &inode.body) {
                (Some(value), _) => Ok(value.clone()),
                (None, Body::Lower(lower, _)) => self.base.xattr(lower, name),
                (None, Body::Merged) => self.base.xattr(&path, name),
                _ => Ok(None),
            },
            None if self.at(&plan, &path)?.is_some() => self.base.xattr(&path, name),
            None => Err(missing()),
        }
    }

    fn may(&self, path: &Path, what: Access) -> bool {
        let plan = self.locked();
        let Ok(path) = self.resolve(&plan, path, Links::Follow) else { return false };
        match self.at(&plan, &path) {
            Ok(Some(At::Planned(stat))) => permits(&stat, &self.base.identity(), what),
            Ok(Some(At::Lower(_))) => self.base.may(&path, what),
            _ => false,
        }
    }

    fn ask(&self, command: &Command) -> io::Result<Ran> {
        match &self.script {
            Some(script) => script.lock().unwrap_or_else(PoisonError::into_inner).answer(command),
            None => self.base.ask(command),
        }
    }

    fn http(&self, request: &Request) -> io::Result<Response<Stream>> {
        match &self.script {
            Some(script) => script.lock().unwrap_or_else(PoisonError::into_inner).serve(request),
            None => self.base.http(request),
        }
    }

    fn env(&self, name: &OsStr) -> Option<OsString> {
        self.base.env(name)
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        self.base.environment()
    }

    fn folder(&self) -> PathBuf {
        self.base.folder()
    }

    fn program(&self) -> Option<PathBuf> {
        self.base.program()
    }

    fn now(&self) -> SystemTime {
        self.base.now()
    }

    fn identity(&self) -> Identity {
        self.base.identity()
    }

    fn uname(&self) -> Uname {
        self.base.uname()
    }

    fn volume(&self, path: &Path) -> io::Result<Volume> {
        let plan = self.locked();
        let path = self.resolve(&plan, path, Links::Follow)?;
        // A planned folder is on the volume of the nearest folder that is there.
        let there = path.ancestors().find(|p| self.base.lstat(p).is_ok()).unwrap_or(Path::new("/"));
        self.base.volume(if self.script.is_some() { &path } else { there })
    }

    fn planned(&self, thing: Thing, name: &str) -> Option<String> {
        self.locked()
            .things
            .get(&(thing, name.to_owned()))
            .cloned()
            .or_else(|| self.base.planned(thing, name))
    }

    fn rehearsing(&self) -> bool {
        self.script.is_none()
    }

    fn unsure(&self) -> bool {
        self.locked().unsure || self.base.unsure()
    }

    fn differs_from_host(&self, path: &Path) -> bool {
        // What a fake host is made of is no plan.
        if self.script.is_some() {
            return false;
        }
        let plan = self.locked();
        let Ok(path) = self.resolve(&plan, path, Links::Follow) else { return false };
        plan.differs(&path) || self.base.differs_from_host(&path)
    }

    fn may_come(&self, path: &Path) -> bool {
        let unsure = self.unsure();
        let plan = self.locked();
        let folder = path.parent().unwrap_or(Path::new("/"));
        let Ok(folder) = self.resolve(&plan, folder, Links::Follow) else { return unsure };
        match self.at(&plan, &folder) {
            Ok(Some(At::Planned(_))) => {
                matches!(plan.inode(&folder), Some(Inode { body: Body::Supposed, .. }))
            }
            Ok(Some(At::Lower(_))) => false,
            Ok(None) | Err(_) => unsure,
        }
    }
}

/// Whether permission bits let a user do something.
pub(crate) fn permits(stat: &Stat, who: &Identity, what: Access) -> bool {
    let bit = match what {
        Access::Read => 4,
        Access::Write => 2,
        Access::Execute => 1,
    };
    if who.uid == 0 {
        return what != Access::Execute || stat.is_folder() || stat.mode & 0o111 != 0;
    }
    let class = if who.uid == stat.uid {
        stat.mode >> 6
    } else if who.gid == stat.gid || who.groups.contains(&stat.gid) {
        stat.mode >> 3
    } else {
        stat.mode
    };
    class & bit != 0
}

impl Act for Overlay {
    fn stage(&self, dest: &Path, content: &mut dyn Read) -> io::Result<Staged> {
        let folder = dest.parent().unwrap_or(Path::new("/"));
        // The content may be made of other files as it is read, so nothing is locked meanwhile.
        let room = self.locked().room();
        let body = Body::of(content, room)?;
        self.staged(folder, body)
    }

    fn stage_unread(&self, dest: &Path, size: u64) -> io::Result<Option<Staged>> {
        let is_kept = size <= self.locked().room();
        if is_kept || !self.rehearsing() {
            return Ok(None);
        }
        self.staged(dest.parent().unwrap_or(Path::new("/")), Body::Unknown(size)).map(Some)
    }

    fn commit(&self, staged: Staged, dest: &Path, how: &Commit) -> io::Result<()> {
        let mut plan = self.locked();
        let dest = self.resolve(&plan, dest, Links::Keep)?;
        let before = self.at(&plan, &dest)?.map(|at| at.stat());
        if before.is_some_and(|b| b.is_folder()) {
            return Err(errno(rustix::io::Errno::ISDIR));
        }
        if self.is_mounted(&plan, &dest) {
            return Err(errno(rustix::io::Errno::BUSY));
        }
        let Some(inode) = plan.inode(&staged.path).cloned() else { return Err(missing()) };
        plan.remove(&staged.path);
        plan.entries.remove(&staged.path);
        plan.remove(&dest);
        let kept = before.filter(|b| !how.fresh && !b.is_link());
        self.may_give(&inode, how.uid, how.gid)?;
        let umask = self.base.identity().umask;
        plan.add(
            &dest,
            Inode {
                mode: how.mode.or(kept.map(|b| b.mode)).unwrap_or(0o666 & !umask),
                uid: how.uid.or(kept.map(|b| b.uid)).unwrap_or(inode.uid),
                gid: how.gid.or(kept.map(|b| b.gid)).unwrap_or(inode.gid),
                nlink: 1,
                ..inode
            },
        );
        Ok(())
    }

    fn discard(&self, staged: Staged) {
        let mut plan = self.locked();
        plan.remove(&staged.path);
        plan.entries.remove(&staged.path);
    }

    fn write_in_place(&self, path: &Path, content: &mut dyn Read) -> io::Result<()> {
        let room = self.locked().room();
        let body = Body::of(content, room)?;
        let mut plan = self.locked();
        let path = self.resolve(&plan, path, Links::Follow)?;
        self.put(&mut plan, &path, body)
    }

    fn create(&self, path: &Path) -> io::Result<()> {
        let mode = 0o666 & !self.base.identity().umask;
        self.make(path, FileKind::File, mode, Body::Bytes(Arc::default()))
    }

    fn mkdir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.make(path, FileKind::Folder, mode, Body::Fresh)
    }

    fn symlink(&self, target: &Path, path: &Path) -> io::Result<()> {
        self.make(path, FileKind::Link, 0o777, Body::Target(target.to_owned()))
    }

    fn hardlink(&self, existing: &Path, path: &Path) -> io::Result<()> {
        let mut plan = self.locked();
        let existing = self.resolve(&plan, existing, Links::Keep)?;
        let path = self.resolve(&plan, path, Links::Keep)?;
        if self.at(&plan, &path)?.is_some() {
            return Err(errno(rustix::io::Errno::EXIST));
        }
        self.fresh(&plan, &path, New(FileKind::File, 0, Body::Nothing))?;
        let id = self.import(&mut plan, &existing)?;
        plan.link(path, id);
        Ok(())
    }

    fn fifo(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.make(path, FileKind::Fifo, mode, Body::Nothing)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut plan = self.locked();
        let from = self.resolve(&plan, from, Links::Keep)?;
        let to = self.resolve(&plan, to, Links::Keep)?;
        self.fresh(&plan, &to, New(FileKind::File, 0, Body::Nothing))?;
        if from == to {
            return Ok(());
        }
        self.import_tree(&mut plan, &from)?;
        plan.remove(&to);
        let moved: Vec<(PathBuf, Entry)> = plan
            .entries
            .range(from.clone()..)
            .take_while(|(p, _)| p.starts_with(&from))
            .map(|(p, e)| (p.clone(), *e))
            .collect();
        for (path, entry) in moved {
            plan.entries.remove(&path);
            let below = path.strip_prefix(&from).unwrap_or(Path::new(""));
            let path = if below.as_os_str().is_empty() { to.clone() } else { to.join(below) };
            plan.entries.insert(path, entry);
        }
        plan.entries.insert(from, Entry::Gone);
        plan.version += 1;
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut plan = self.locked();
        let path = self.resolve(&plan, path, Links::Keep)?;
        if self.at(&plan, &path)?.ok_or_else(missing)?.stat().is_folder() {
            return Err(errno(rustix::io::Errno::ISDIR));
        }
        plan.remove(&path);
        Ok(())
    }

    fn rmdir(&self, path: &Path) -> io::Result<()> {
        let mut plan = self.locked();
        let path = self.resolve(&plan, path, Links::Keep)?;
        if !self.names(&plan, &path)?.is_empty() {
            return Err(errno(rustix::io::Errno::NOTEMPTY));
        }
        plan.remove(&path);
        Ok(())
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        let mut plan = self.locked();
        let path = self.resolve(&plan, path, Links::Keep)?;
        self.at(&plan, &path)?.ok_or_else(missing)?;
        plan.remove(&path);
        Ok(())
    }

    fn chmod(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.change(path, Links::Keep, |inode| {
            if inode.kind == FileKind::Link {
                return Err(errno(rustix::io::Errno::LOOP));
            }
            inode.mode = mode & 0o7777;
            Ok(())
        })
    }

    fn chown(&self, path: &Path, uid: Option<u32>, gid: Option<u32>, links: Links) -> io::Result<()> {
        self.change(path, links, |inode| {
            self.may_give(inode, uid, gid)?;
            inode.uid = uid.unwrap_or(inode.uid);
            inode.gid = gid.unwrap_or(inode.gid);
            Ok(())
        })
    }

    fn utimes(&self, path: &Path, times: Times, links: Links) -> io::Result<()> {
        self.change(path, links, |inode| {
            inode.accessed = times.accessed.map_or(inode.accessed, Time::from);
            inode.modified = times.modified.map_or(inode.modified, Time::from);
            Ok(())
        })
    }

    fn set_xattr(&self, path: &Path, name: &str, value: Option<&[u8]>) -> io::Result<()> {
        self.change(path, Links::Keep, |inode| {
            inode.xattrs.insert(name.to_owned(), value.map(<[u8]>::to_vec));
            Ok(())
        })
    }

    fn run(&self, command: &Command) -> io::Result<Ran> {
        let ran = match &self.script {
            Some(script) => script.lock().unwrap_or_else(PoisonError::into_inner).run(command)?,
            None => Ran::default(),
        };
        if command.effects.is_empty() && self.script.is_none() {
            self.become_unsure();
        }
        if ran.ok() {
            for effect in &command.effects {
                self.apply(effect)?;
            }
        }
        Ok(ran)
    }

    fn talk(&self, command: &Command, _manner: Manner, talk: &mut dyn Talk) -> io::Result<Ran> {
        let ran = self.run(command)?;
        let Some(script) = &self.script else { return Ok(ran) };
        // In a World all that the command says is heard at once; the answers are logged below the command.
        let mut heard = ran.stdout.as_slice();
        while let Reply::Say(answer) = talk.hear(std::mem::take(&mut heard)) {
            let line = format!("> {}", String::from_utf8_lossy(&answer).trim_end());
            script.lock().unwrap_or_else(PoisonError::into_inner).note(line);
        }
        Ok(ran)
    }

    fn send(&self, request: &Request) -> io::Result<Response<Stream>> {
        match &self.script {
            Some(script) => script.lock().unwrap_or_else(PoisonError::into_inner).send(request),
            // Nothing is sent in check mode.
            None => Err(io::Error::other(Unknowable)),
        }
    }

    fn note(&self, thing: Thing, name: &str, state: &str) {
        let mut plan = self.locked();
        plan.things.insert((thing, name.to_owned()), state.to_owned());
        plan.version += 1;
        // A package brings files that nobody has listed.
        plan.unsure |= thing == Thing::Package && state != "absent";
    }

    fn become_unsure(&self) {
        let mut plan = self.locked();
        plan.unsure = true;
        plan.version += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    fn planned() -> Overlay {
        Overlay::over(World::new().build())
    }

    fn write(plan: &Overlay, path: &str, length: usize) {
        let path = Path::new(path);
        let staged = plan.stage(path, &mut io::repeat(b'x').take(length as u64)).unwrap();
        plan.commit(staged, path, &Commit::default()).unwrap();
    }

    fn read(plan: &Overlay, path: &str) -> io::Result<usize> {
        let mut bytes = Vec::new();
        plan.open(Path::new(path))?.read_to_end(&mut bytes)
    }

    #[test]
    fn what_programs_would_see_otherwise_is_known() {
        let world = World::new().file("/srv/app/Makefile", "all:").file("/srv/app/main.c", "").folder("/opt");
        let plan = Overlay::over(world.build());
        let differs = |path: &str| plan.differs_from_host(Path::new(path));
        plan.chmod(Path::new("/srv/app/Makefile"), 0o600).unwrap();
        assert!(!differs("/srv/app") && !differs("/opt"));
        write(&plan, "/srv/app/main.c", 1);
        assert!(differs("/srv/app") && differs("/srv/app/main.c") && !differs("/srv/app/Makefile"));
        plan.mkdir(Path::new("/opt/new"), 0o755).unwrap();
        write(&plan, "/opt/new/file", 1);
        assert!(differs("/opt/new/file") && differs("/opt/new") && !differs("/etc"));
        plan.unlink(Path::new("/srv/app/main.c")).unwrap();
        assert!(differs("/srv/app"));
    }

    #[test]
    fn a_plan_holds_no_more_than_its_budget() {
        const LENGTH: usize = 12 * 1024 * 1024;
        let plan = planned();
        for path in ["/a", "/b", "/c"] {
            write(&plan, path, LENGTH);
        }
        assert_eq!(read(&plan, "/b").unwrap(), LENGTH);
        let over = read(&plan, "/c").unwrap_err();
        assert!(over.get_ref().is_some_and(|inner| inner.is::<Unknowable>()), "{over}");
        assert_eq!(plan.stat(Path::new("/c")).unwrap().size, LENGTH as u64);
        // What would not be kept need not even be read.
        assert!(plan.stage_unread(Path::new("/e"), 1).unwrap().is_none());
        let staged = plan.stage_unread(Path::new("/e"), 1 << 40).unwrap().unwrap();
        plan.commit(staged, Path::new("/e"), &Commit::default()).unwrap();
        assert_eq!(plan.stat(Path::new("/e")).unwrap().size, 1 << 40);
        assert!(read(&plan, "/e").is_err());
        plan.hardlink(Path::new("/a"), Path::new("/d")).unwrap();
        plan.unlink(Path::new("/a")).unwrap();
        assert_eq!(read(&plan, "/d").unwrap(), LENGTH, "it has a name still");
        plan.unlink(Path::new("/d")).unwrap();
        write(&plan, "/c", LENGTH);
        assert_eq!(read(&plan, "/c").unwrap(), LENGTH, "what is gone makes room");
    }

    #[test]
    fn another_runner_continues_a_plan() {
        let (plan, other) = (planned(), planned());
        write(&plan, "/a", 100);
        let bytes = postcard::to_stdvec(&plan.plan()).unwrap();
        other.set_plan(postcard::from_bytes(&bytes).unwrap());
        assert_eq!(read(&other, "/a").unwrap(), 100);
        assert_eq!(other.plan().room(), plan.plan().room());
    }
}
