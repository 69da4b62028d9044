//! Manage files and their properties.
//!
//! Sets attributes of files, folders and links, and makes or removes them. Many other modules take the same options (`copy`,
//! `template`, `assemble`).
//!
//! ```yaml
//! - file: { path: /etc/foo.conf, owner: foo, group: foo, mode: '0644' }
//! - file: { src: /file/to/link/to, dest: /path/to/symlink, owner: foo, group: foo, state: link }
//! - file: { path: /etc/foo.conf, state: touch, mode: 'u=rw,g=r,o=r' }
//! - file: { path: /etc/some_directory, state: directory, mode: '0755' }
//! - file: { path: /etc/foo, state: directory, recurse: yes, owner: foo, group: foo }
//! - file: { path: /etc/foo, state: absent }
//! ```
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use shevek_kit::held::DEEPEST;
use shevek_kit::moment::Moment;
use shevek_kit::prelude::*;

/// Arguments of `file`.
#[derive(Args)]
#[module(procedure)]
pub struct File {
    /// The path.
    #[arg(aliases("dest", "name"))]
    path: PathBuf,
    /// What shall be there. Left out: what is there stays, and `file` is expected.
    state: Option<Wanted>,
    /// Set the attributes of all that is in the folder, too.
    #[arg(default = false)]
    recurse: bool,
    /// Make links even where the source is not there, or a file is in the way.
    #[arg(default = false)]
    force: bool,
    /// Work on what a link points to.
    #[arg(default = true)]
    follow: bool,
    /// What a link points to.
    src: Option<PathBuf>,
    /// When it was last written: `preserve`, `now`, or a time.
    modification_time: Option<String>,
    /// The format of `modification_time`.
    #[arg(default = "%Y%m%d%H%M.%S")]
    modification_time_format: String,
    /// When it was last read: `preserve`, `now`, or a time.
    access_time: Option<String>,
    /// The format of `access_time`.
    #[arg(default = "%Y%m%d%H%M.%S")]
    access_time_format: String,
    /// The name to be used within a folder that `path` names; set by other actions.
    #[arg(name = "_original_basename")]
    original_basename: Option<String>,
    /// Only tell whether the file looks like text; set by other actions.
    #[arg(name = "_diff_peek")]
    diff_peek: Option<bool>,
    /// Owner, mode and the like.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// What shall be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Wanted {
    /// Nothing; folders are removed with all that is in them.
    Absent,
    /// A folder; those above it are made, too.
    Directory,
    /// A file that is there already.
    File,
    /// A hard link.
    Hard,
    /// A symbolic link.
    Link,
    /// A file, with new times.
    Touch,
}

/// What is there, in Ansible's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Absent,
    Directory,
    File,
    Hard,
    Link,
}

impl Is {
    fn word(self) -> &'static str {
        match self {
            Is::Absent => "absent",
            Is::Directory => "directory",
            Is::File => "file",
            Is::Hard => "hard",
            Is::Link => "link",
        }
    }

    fn at(host: &Probe, path: &Path) -> Result<Is> {
        Ok(match host.lstat(path)? {
            None => Is::Absent,
            Some(stat) if stat.is_link() => Is::Link,
            Some(stat) if stat.is_folder() => Is::Directory,
            Some(stat) if stat.nlink > 1 => Is::Hard,
            Some(_) => Is::File,
        })
    }
}

/// A time to set.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moved {
    Keep,
    Now,
    To(SystemTime),
}

struct Clock {
    modified: Moved,
    accessed: Moved,
}

impl Procedure for File {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        if self.diff_peek.is_some() {
            let head = host.read_if_there(&self.path).ok().flatten().unwrap_or_default();
            let binary = head.iter().take(8192).any(|b| *b == 0);
            return Ok(Outcome::ok().with("path", &self.path).with("appears_binary", binary));
        }
        let path = self.place(host);
        let was = Is::at(host, &path)?;
        let wanted = self.state.unwrap_or(match was {
            Is::Directory => Wanted::Directory,
            Is::Link => Wanted::Link,
            Is::Hard => Wanted::Hard,
            Is::Absent if self.recurse => Wanted::Directory,
            Is::File | Is::Absent => Wanted::File,
        });
        let refuse = |message: &str| Err(Fault::new(message).with("path", &path));
        if self.recurse && wanted != Wanted::Directory {
            return refuse("recurse option requires state to be 'directory'");
        }
        if self.src.is_some() && !matches!(wanted, Wanted::Link | Wanted::Hard) {
            return refuse("src option requires state to be 'link' or 'hard'");
        }
        if host.rehearsing() && wanted != Wanted::Absent {
            self.warn_of_strangers(host)?;
        }
        let clock = self.clock(host, wanted)?;
        match wanted {
            Wanted::Absent => absent(host, &path, was),
            Wanted::Directory => self.directory(host, &path, &clock),
            Wanted::File => self.file(host, &path, &clock),
            Wanted::Touch => self.touch(host, &path, &clock),
            Wanted::Link => self.link(host, &path, &clock),
            Wanted::Hard => self.hard(host, &path, &clock),
        }
    }
}

impl File {
    /// The path, or a name within the folder that it leads to.
    fn place(&self, host: &Probe) -> PathBuf {
        let leaves = matches!(self.state, Some(Wanted::Link | Wanted::Absent));
        if leaves || !host.is_folder(&self.path) {
            return self.path.clone();
        }
        let name = match (&self.original_basename, &self.src) {
            (Some(name), _) => Some(OsStr::new(name.as_str())),
            (None, Some(src)) => src.file_name(),
            (None, None) => None,
        };
        name.map_or_else(|| self.path.clone(), |name| self.path.join(name))
    }

    /// In check mode: a user or group that is not there yet may be made before the real run; that is worth a word.
    fn warn_of_strangers(&self, host: &Probe) -> Result<()> {
        if let Some(owner) = &self.attributes.owner {
            let (with, found) = match owner.parse() {
                Ok(uid) => (" with uid", host.user_of(uid)?.is_some()),
                Err(_) => ("", host.user(owner)?.is_some()),
            };
            if !found {
                host.warn(format!(
                    "failed to look up user{with} {owner}. Create user up to this point in real play"
                ));
            }
        }
        if let Some(group) = &self.attributes.group {
            let (with, found) = match group.parse() {
                Ok(gid) => (" with gid", host.group_of(gid)?.is_some()),
                Err(_) => ("", host.group(group)?.is_some()),
            };
            if !found {
                host.warn(format!(
                    "failed to look up group{with} {group}. Create group up to this point in real play"
                ));
            }
        }
        Ok(())
    }

    fn clock(&self, host: &Probe, wanted: Wanted) -> Result<Clock> {
        let read = |text: &Option<String>, format: &str| match text.as_deref() {
            None if wanted == Wanted::Touch => Ok(Moved::Now),
            None | Some("preserve") => Ok(Moved::Keep),
            Some("now") => Ok(Moved::Now),
            Some(text) => match Moment::parse(host, text, format) {
                Some(time) => Ok(Moved::To(time)),
                None => {
                    fail!(
                        "Error while obtaining timestamp for time {text} using format {format}: time data '{text}' does not match format '{format}'"
                    )
                }
            },
        };
        Ok(Clock {
            modified: read(&self.modification_time, &self.modification_time_format)?,
            accessed: read(&self.access_time, &self.access_time_format)?,
        })
    }

    /// The path whose attributes are set: what a link leads to, if links are to be followed.
    fn followed(&self, host: &Probe, path: &Path) -> PathBuf {
        followed(host, path, if self.follow { Links::Follow } else { Links::Keep })
    }

    fn file(&self, host: &mut Host, path: &Path, clock: &Clock) -> Result<Outcome> {
        let path = self.followed(host, path);
        let was = Is::at(host, &path)?;
        if !matches!(was, Is::File | Is::Hard) {
            let message = format!("file ({}) is {}, cannot continue", path.display(), was.word());
            let fault = if was == Is::Absent { Fault::absent(message) } else { Fault::new(message) };
            return Err(fault.with("path", &path).with("state", was.word()));
        }
        let mut diff = AttributeDiff::of(&path);
        if was != Is::File {
            diff.put("state", was.word(), "file");
        }
        let changed = self.attributes.ensure(host, &path, &mut diff)?
            | set_times(host, &path, Links::Follow, clock, Some(&mut diff))?;
        host.diff(diff.into());
        Ok(Outcome::ok().changed_if(changed).with("path", &path))
    }

    fn touch(&self, host: &mut Host, path: &Path, clock: &Clock) -> Result<Outcome> {
        let was = Is::at(host, path)?;
        let mut changed = false;
        if was == Is::Absent {
            host.create(path).map_err(|f| Fault {
                message: format!("Error, could not touch target: {}", f.message),
                ..f.with("path", path)
            })?;
            changed = true;
        }
        let mut diff = AttributeDiff::of(path);
        diff.put("state", was.word(), "touch");
        let target = self.followed(host, path);
        let set = |host: &mut Host, diff: &mut AttributeDiff| -> Result<bool> {
            Ok(self.attributes.ensure(host, &target, diff)?
                | set_times(host, &target, Links::Follow, clock, Some(diff))?)
        };
        match set(host, &mut diff) {
            Ok(more) => changed |= more,
            Err(fault) => {
                // A file that could not be made right is not left behind.
                if was == Is::Absent {
                    host.remove(path)?;
                }
                return Err(fault);
            }
        }
        host.diff(diff.into());
        Ok(Outcome::ok().changed_if(changed).with("dest", path))
    }

    fn directory(&self, host: &mut Host, path: &Path, clock: &Clock) -> Result<Outcome> {
        let path = &self.followed(host, path);
        let was = Is::at(host, path)?;
        let mut diff = AttributeDiff::of(path);
        if was != Is::Directory {
            diff.put("state", was.word(), "directory");
        }
        let outcome = Outcome::ok().with("path", path);
        match was {
            Is::Absent => {
                self.make_folders(host, path, clock, &mut diff).map_err(|f| match f.kind {
                    shevek_kit::fault::Kind::Failed if !f.result.iter().any(|(k, _)| k == "path") => Fault {
                        message: format!(
                            "There was an issue creating {} as requested: {}",
                            path.display(),
                            f.message
                        ),
                        ..f.with("path", path)
                    },
                    _ => f,
                })?;
                host.diff(diff.into());
                return Ok(outcome.changed_if(true));
            }
            Is::Directory => {}
            _ => {
                return Err(Fault::new(format!("{} already exists as a {}", path.display(), was.word()))
                    .with("path", path));
            }
        }
        let mut changed = self.attributes.ensure(host, path, &mut diff)?
            | set_times(host, path, Links::Follow, clock, Some(&mut diff))?;
        if self.recurse {
            let held = host.hold(path, Links::Follow)?;
            changed |= self.recurse(host, &held, clock, 0).map_err(|fault| held.told(fault))?;
        }
        host.diff(diff.into());
        Ok(outcome.changed_if(changed))
    }

    /// Makes a folder and those above it; all that are made get the attributes.
    fn make_folders(
        &self,
        host: &mut Host,
        path: &Path,
        clock: &Clock,
        diff: &mut AttributeDiff,
    ) -> Result<()> {
        let mode = 0o777 & !host.identity().umask;
        let mut made: Vec<&Path> = path.ancestors().filter(|p| !p.as_os_str().is_empty()).collect();
        made.reverse();
        for folder in made {
            if host.exists(folder) {
                continue;
            }
            match host.mkdir(folder, mode) {
                // Somebody else may have made it meanwhile.
                Err(_) if host.is_folder(folder) => {}
                done => done?,
            }
            self.attributes.ensure(host, folder, diff)?;
            set_times(host, folder, Links::Follow, clock, Some(diff))?;
        }
        Ok(())
    }

    /// Sets attributes of all that is in a folder.
    fn recurse(&self, host: &mut Host, folder: &Held, clock: &Clock, depth: usize) -> Result<bool> {
        if depth > DEEPEST {
            fail!(
                "Could not recursively set attributes on {}: too deep, or a loop of links",
                folder.name().display()
            );
        }
        let mut changed = false;
        for name in host.list(folder.path())? {
            host.still_wanted()?;
            let path = folder.join(&name);
            let Some(stat) = host.lstat(&path)? else { continue };
            changed |= self.attributes.ensure(host, &path, &mut AttributeDiff::default())?;
            // Differs from Ansible: where links are not followed, times are set of the link and not of what it leads to.
            let links = if stat.is_link() && self.follow { Links::Follow } else { Links::Keep };
            changed |= match set_times(host, &path, links, clock, None) {
                // A link that leads nowhere has no times of its own to set.
                Err(_) if stat.is_link() => false,
                done => done?,
            };
            if stat.is_folder() {
                let held = folder.below(host, name, Links::Keep)?;
                changed |= self.recurse(host, &held, clock, depth + 1).map_err(|fault| held.told(fault))?;
            } else if stat.is_link() && self.follow {
                let to = host.readlink(&path)?;
                let target = folder.join(&to);
                let Some(stat) = host.stat(&target)? else { continue };
                if stat.is_folder() {
                    let held = folder.below(host, to, Links::Follow)?;
                    changed |=
                        self.recurse(host, &held, clock, depth + 1).map_err(|fault| held.told(fault))?;
                }
                changed |= self.attributes.ensure(host, &target, &mut AttributeDiff::default())?;
                changed |= set_times(host, &target, Links::Follow, clock, None)?;
            }
        }
        Ok(changed)
    }

    fn link(&self, host: &mut Host, path: &Path, clock: &Clock) -> Result<Outcome> {
        let was = Is::at(host, path)?;
        let refuse = |message: String| Err(Fault::new(message).with("path", path));
        let src = match &self.src {
            Some(src) => Some(src.clone()),
            None if self.follow && was == Is::Link && host.exists(path) => Some(host.readlink(path)?),
            None => None,
        };
        let start = if was == Is::Directory { Some(path) } else { path.parent() };
        if let Some(src) = src.as_ref().filter(|_| !self.force) {
            let target = start.unwrap_or(Path::new("")).join(src);
            if !host.exists(&target) {
                let fault = Fault::absent(format!(
                    "src file does not exist, use 'force=yes' if you really want to create the link: {}",
                    target.display()
                ))
                .with("path", path)
                .with("src", src);
                return Err(if host.may_come(path) { fault.for_want_of_folder(path) } else { fault });
            }
        }
        match was {
            Is::Directory if !self.force => {
                return refuse(format!(
                    "refusing to convert from directory to symlink for {}",
                    path.display()
                ));
            }
            Is::Directory if !host.list(path)?.is_empty() => {
                return refuse(format!(
                    "the directory {} is not empty, refusing to convert it",
                    path.display()
                ));
            }
            Is::File | Is::Hard if !self.force => {
                return refuse(format!(
                    "refusing to convert from {} to symlink for {}",
                    was.word(),
                    path.display()
                ));
            }
            _ => {}
        }
        let mut diff = AttributeDiff::of(path);
        if was != Is::Link {
            diff.put("state", was.word(), "link");
        }
        let mut changed = false;
        match (&src, was) {
            (None, Is::Link) => {}
            (None, _) => return refuse("src is required for creating new symlinks".into()),
            (Some(src), Is::Link) => {
                let old = host.readlink(path)?;
                if old.as_os_str() != src.as_os_str() {
                    diff.put("src", &old, src);
                    changed = true;
                }
            }
            (Some(_), _) => changed = true,
        }
        if let Some(src) = src.as_ref().filter(|_| changed) {
            if was == Is::Absent {
                host.symlink(src, path)
            } else {
                if was == Is::Directory {
                    host.rmdir(path)?;
                }
                replace(host, path, |host, beside| host.symlink(src, beside))
            }
            .map_err(|f| Fault {
                message: format!("Error while linking: {}", f.message),
                ..f.with("path", path)
            })?;
        }
        let target = self.followed(host, path);
        if self.follow && !host.exists(&target) {
            host.warn(
                "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.",
            );
        } else {
            changed |= self.attributes.ensure(host, &target, &mut diff)?;
            changed |= set_times(host, &target, Links::Follow, clock, Some(&mut diff))?;
        }
        host.diff(diff.into());
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("dest", path)
            .with("src", src.as_ref().map(|s| s.to_string_lossy().into_owned())))
    }

    fn hard(&self, host: &mut Host, path: &Path, clock: &Clock) -> Result<Outcome> {
        let was = Is::at(host, path)?;
        let Some(src) = &self.src else {
            if was != Is::Hard {
                return Err(Fault::new("src is required for creating new hardlinks").with("path", path));
            }
            let mut diff = AttributeDiff::of(path);
            let changed = self.attributes.ensure(host, path, &mut diff)?
                | set_times(host, path, Links::Follow, clock, Some(&mut diff))?;
            host.diff(diff.into());
            return Ok(Outcome::ok().changed_if(changed).with("dest", path).with("src", Val::Null));
        };
        let refuse = |message: &str| Err(Fault::new(message).with("dest", path).with("src", src));
        let Some(source) = host.stat(src)? else {
            return Err(Fault::absent("src does not exist").with("dest", path).with("src", src));
        };
        let mut diff = AttributeDiff::of(path);
        if was != Is::Hard {
            diff.put("state", was.word(), "hard");
        }
        let there = host.stat(path)?;
        let same = there.is_some_and(|s| s.ino == source.ino && s.dev == source.dev);
        let mut changed = match was {
            Is::Absent => true,
            Is::Link => {
                let old = host.readlink(path)?;
                let differs = old.as_os_str() != src.as_os_str();
                if differs {
                    diff.put("src", &old, src);
                }
                differs
            }
            Is::Hard => !same,
            Is::File => true,
            Is::Directory if same => return Ok(Outcome::ok().with("path", path)),
            Is::Directory => true,
        };
        if changed && !self.force {
            match was {
                Is::Hard => return refuse("Cannot link, different hard link exists at destination"),
                Is::File => return refuse("Cannot link, file exists at destination"),
                Is::Directory => return refuse("Cannot link: different hard link exists at destination"),
                Is::Absent | Is::Link => {}
            }
        }
        if changed {
            let src = if was == Is::Absent { self.followed(host, src) } else { src.clone() };
            match was {
                Is::Absent => host.hardlink(&src, path),
                _ => replace(host, path, |host, beside| host.hardlink(&src, beside)),
            }
            .map_err(|f| Fault {
                message: format!("Error while linking: {}", f.message),
                ..f.with("path", path)
            })?;
        }
        let target = self.followed(host, path);
        changed |= self.attributes.ensure(host, &target, &mut diff)?;
        changed |= set_times(host, &target, Links::Follow, clock, Some(&mut diff))?;
        host.diff(diff.into());
        Ok(Outcome::ok().changed_if(changed).with("dest", path).with("src", src))
    }
}

fn absent(host: &mut Host, path: &Path, was: Is) -> Result<Outcome> {
    let outcome = Outcome::ok().with("path", path).with("state", "absent");
    if was == Is::Absent && host.may_come(path) {
        return Err(Fault::unknown(format!("whether {} is there by then", path.display())));
    }
    if was == Is::Absent {
        return Ok(outcome);
    }
    let mut diff = AttributeDiff::of(path);
    diff.put("state", was.word(), "absent");
    if was == Is::Directory && host.wants_diff() {
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        contents(host, path, &mut folders, &mut files)?;
        let content = vec![("directories".to_owned(), folders.into()), ("files".to_owned(), files.into())];
        diff.before.push(("path_content".to_owned(), Val::Map(content)));
    }
    let doing = if was == Is::Directory { "rmtree failed" } else { "Unlinking failed" };
    host.remove(path)
        .map_err(|f| Fault { message: format!("{doing}: {}", f.message), ..f.with("path", path) })?;
    host.diff(diff.into());
    Ok(outcome.changed_if(true))
}

/// All folders and files below a folder.
fn contents(host: &Probe, folder: &Path, folders: &mut Vec<String>, files: &mut Vec<String>) -> Result<()> {
    for name in host.list(folder)? {
        let path = folder.join(name);
        let text = path.to_string_lossy().into_owned();
        if host.is_folder(&path) {
            // A link to a folder counts as one here, as in Ansible, but is not gone into.
            folders.push(text);
            if host.lstat(&path)?.is_some_and(|s| s.is_folder()) {
                contents(host, &path, folders, files)?;
            }
        } else {
            files.push(text);
        }
    }
    Ok(())
}

/// Makes something under a name beside the path, and gives it the path's name in one step.
fn replace(host: &mut Host, path: &Path, make: impl FnOnce(&mut Host, &Path) -> Result<()>) -> Result<()> {
    let now = shevek_kit::system::Time::from(host.now());
    let beside = path.with_file_name(format!(".{}.{}.{}.tmp", std::process::id(), now.seconds, now.nanos));
    make(host, &beside)?;
    let renamed = host.rename(&beside, path);
    if renamed.is_err() {
        host.remove(&beside)?;
    }
    renamed
}

/// Sets times as asked, and says whether they had to change.
fn set_times(
    host: &mut Host,
    path: &Path,
    links: Links,
    clock: &Clock,
    diff: Option<&mut AttributeDiff>,
) -> Result<bool> {
    if clock.modified == Moved::Keep && clock.accessed == Moved::Keep {
        return Ok(false);
    }
    let now = if links == Links::Follow { host.stat(path)? } else { host.lstat(path)? };
    let Some(now) = now else {
        return Err(Fault::absent(format!(
            "Error while updating modification or access time: {} is not there",
            path.display()
        ))
        .with("path", path));
    };
    let time = host.now();
    let goal = |moved: Moved| match moved {
        Moved::Keep => None,
        Moved::Now => Some(time),
        Moved::To(time) => Some(time),
    };
    let times = Times { modified: goal(clock.modified), accessed: goal(clock.accessed) };
    let same = |goal: Option<SystemTime>, is: Time| goal.is_none_or(|goal| Time::from(goal) == is);
    let both_now = clock.modified == Moved::Now && clock.accessed == Moved::Now;
    if !both_now && same(times.modified, now.modified) && same(times.accessed, now.accessed) {
        return Ok(false);
    }
    if let Some(diff) = diff {
        for (name, goal, is) in
            [("mtime", times.modified, now.modified), ("atime", times.accessed, now.accessed)]
        {
            if let Some(goal) = goal.filter(|_| !same(goal, is)) {
                diff.put(name, is.as_f64(), Time::from(goal).as_f64());
            }
        }
    }
    let set = if both_now { host.touch(path, links) } else { host.utimes(path, times, links) };
    set.map_err(|f| Fault {
        message: format!("Error while updating modification or access time: {}", f.message),
        ..f.with("path", path)
    })?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_with_those_above_it() {
        let done =
            conform::<File>("{ path: /srv/a/b, state: directory, mode: '0750' }", World::new()).changed();
        let done =
            done.diff("~ state: absent -> directory").gives("mode", "0750").gives("state", "directory");
        assert_eq!(done.probe().stat("/srv/a").unwrap().unwrap().mode, 0o750);
        done.then("{ path: /srv/a/b, state: directory, mode: '0750' }").unchanged();
    }

    #[test]
    fn attributes_of_a_file_are_set() {
        let world = || World::new().user("ann", 1001).file("/etc/motd", "hi");
        let done = conform::<File>("{ path: /etc/motd, owner: ann, mode: 'u=rw,go=' }", world()).changed();
        let done = done.diff("~ owner: 0 -> 1001").diff("~ mode: 0644 -> 0600").gives("owner", "ann");
        done.then("{ path: /etc/motd, owner: ann, mode: 384 }").unchanged();
        conform::<File>("{ path: /etc/motd, owner: eve }", world()).failed("failed to look up user eve");
        conform::<File>("{ path: /etc/nope }", world()).failed("file (/etc/nope) is absent, cannot continue");
    }

    #[test]
    fn recursion_reaches_everything() {
        let world = World::new().group("www", 33).file("/srv/a/b.txt", "").folder("/srv/a/c");
        let done =
            conform::<File>("{ path: /srv, recurse: yes, group: www, mode: 'u=rwX,go=rX' }", world).changed();
        let probe = done.probe();
        for (path, mode) in [("/srv", 0o755), ("/srv/a/b.txt", 0o644), ("/srv/a/c", 0o755)] {
            let stat = probe.stat(path).unwrap().unwrap();
            assert_eq!((stat.gid, stat.mode), (33, mode), "{path}");
        }
        done.then("{ path: /srv, recurse: yes, state: directory, group: www }").unchanged();
    }

    #[test]
    fn a_folder_that_becomes_a_link_leads_nowhere() {
        let recurse = "path: HERE/tree, state: directory, recurse: yes, follow: no";
        hostile::<File>(&format!("{{ {recurse}, mode: 'a+rX' }}"));
        hostile::<File>(&format!("{{ {recurse}, modification_time: '202001020304.05' }}"));
        hostile::<File>("{ path: HERE/tree, state: absent }");
    }

    #[test]
    fn links_are_made_and_moved() {
        let world = || World::new().file("/etc/a", "").file("/etc/b", "");
        let done = conform::<File>("{ src: a, dest: /etc/link, state: link }", world()).changed();
        let done = done.gives("src", "a").gives("dest", "/etc/link").gives("state", "link");
        let done = done.then("{ src: a, dest: /etc/link, state: link }").unchanged();
        let done = done.then("{ src: b, dest: /etc/link, state: link }").changed().diff("~ src: a -> b");
        assert_eq!(done.probe().readlink("/etc/link").unwrap(), PathBuf::from("b"));
        conform::<File>("{ src: nope, dest: /etc/link, state: link }", world())
            .failed("src file does not exist");
        conform::<File>("{ src: nope, dest: /etc/link, state: link, force: yes }", world()).changed();
        conform::<File>("{ src: a, dest: /etc/b, state: link }", world())
            .failed("refusing to convert from file to symlink for /etc/b");
        conform::<File>("{ src: a, dest: /etc/b, state: link, force: yes }", world()).changed();
    }

    #[test]
    fn hard_links_share_the_file() {
        let world = World::new().file("/etc/a", "text");
        let done = conform::<File>("{ src: /etc/a, dest: /etc/h, state: hard }", world).changed();
        let done = done.holds("/etc/h", "text").gives("state", "hard");
        done.then("{ src: /etc/a, dest: /etc/h, state: hard }").unchanged();
    }

    #[test]
    fn folders_are_removed_whole_but_links_are_not_followed() {
        let world = World::new().file("/srv/a/b", "").file("/etc/keep", "x").link("/srv/link", "/etc");
        let done = conform::<File>("{ path: /srv, state: absent }", world).changed().lacks("/srv");
        done.holds("/etc/keep", "x")
            .then("{ path: /srv, state: absent }")
            .unchanged()
            .gives("state", "absent");
    }

    #[test]
    fn touching_changes_times_every_time_unless_they_are_kept() {
        let done = conform::<File>("{ path: /etc/t, state: touch, mode: '0600' }", World::new()).changed();
        let done =
            done.holds("/etc/t", "").gives("mode", "0600").then("{ path: /etc/t, state: touch }").changed();
        let kept = "{ path: /etc/t, state: touch, modification_time: preserve, access_time: preserve }";
        let done = done.then(kept).unchanged();
        let dated = "{ path: /etc/t, modification_time: '202001020304.05', access_time: '202001020304.05' }";
        let done = done.then(dated).changed().then(dated).unchanged();
        assert_eq!(done.probe().stat("/etc/t").unwrap().unwrap().modified.seconds, 1_577_934_245);
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let world = || World::new().file("/etc/a", "");
        conform::<File>("{ path: /etc/a, state: directory }", world())
            .failed("/etc/a already exists as a file");
        conform::<File>("{ path: /etc/a/b, state: directory }", world())
            .failed("There was an issue creating");
        conform::<File>("{ path: /etc/a, recurse: yes }", world()).failed("recurse option requires state");
        conform::<File>("{ path: /etc/a, src: b, state: file }", world()).failed("src option requires state");
    }
}
