//! [`Probe`]: all that a module may ask of a host. It has no verb that writes.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use shevek_proto::{Blob, Val};

use crate::accounts::{Group, Shadow, User};
use crate::asking;
use crate::checksum::{self, Algorithm};
use crate::command::{Command, Ran, cmd};
use crate::content::{Content, Courier, NoCourier};
use crate::effect::Thing;
use crate::fault::{Fault, Result};
use crate::held::Held;
use crate::http::{self, Request, Response, Stream};
use crate::looked_up::{LookedUp, Table};
use crate::lossless;
use crate::overlay::Unknowable;
use crate::system::{Access, Identity, Links, Look, Stat, Uname, Volume};

/// What one call brings with it besides its arguments.
pub struct Call {
    /// `environment:` of the task.
    pub environment: Vec<(String, String)>,
    /// When the call must be over.
    pub deadline: Option<Instant>,
    /// Whether differences are wanted.
    pub diff: bool,
    /// The way to the controller for content.
    pub courier: Arc<dyn Courier>,
    /// Warnings given so far.
    pub warnings: Warnings,
    /// Secrets that no option's declaration tells of.
    pub concealed: Concealed,
    /// Accounts looked up so far.
    pub looked_up: LookedUp,
}

/// Values that the result must not show, besides those of options that are secrets by declaration.
#[derive(Debug, Default)]
pub struct Concealed(Mutex<Vec<String>>);

/// Warnings for the user, collected while a call runs.
#[derive(Debug, Default)]
pub struct Warnings(Mutex<Vec<String>>);

impl Default for Call {
    fn default() -> Self {
        Call {
            environment: Vec::new(),
            deadline: None,
            diff: false,
            courier: Arc::new(NoCourier),
            warnings: Warnings::default(),
            concealed: Concealed::default(),
            looked_up: LookedUp::default(),
        }
    }
}

impl Call {
    /// Takes the warnings given so far.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the values to hide.
    pub(crate) fn take_concealed(&self) -> Vec<String> {
        std::mem::take(&mut *self.concealed.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The reading half of a host.
#[derive(Clone)]
pub struct Probe {
    look: Arc<dyn Look>,
    call: Arc<Call>,
}

/// Turns "no such file" into `None`.
fn if_there<T>(doing: &str, path: &Path, done: std::io::Result<T>) -> Result<Option<T>> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(e) => Err(io_fault(doing, path, &e)),
    }
}

pub(crate) fn io_fault(doing: &str, path: &Path, e: &std::io::Error) -> Fault {
    match e.get_ref() {
        Some(inner) if inner.is::<Unknowable>() => Fault::unknown(format!("{}: {inner}", path.display())),
        _ => Fault::io(doing, path, e),
    }
}

impl Probe {
    /// A probe of a host, for one call.
    pub fn new(look: Arc<dyn Look>, call: Arc<Call>) -> Self {
        Probe { look, call }
    }

    /// Status of what a path names; a link is not followed. `None` when nothing is there.
    pub fn lstat(&self, path: impl AsRef<Path>) -> Result<Option<Stat>> {
        if_there("could not examine", path.as_ref(), self.look.lstat(path.as_ref()))
    }

    /// Status of what a path leads to. `None` when nothing is there.
    pub fn stat(&self, path: impl AsRef<Path>) -> Result<Option<Stat>> {
        if_there("could not examine", path.as_ref(), self.look.stat(path.as_ref()))
    }

    /// Whether a path leads to something.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.look.stat(path.as_ref()).is_ok()
    }

    /// Whether a path leads to a folder.
    pub fn is_folder(&self, path: impl AsRef<Path>) -> bool {
        self.look.stat(path.as_ref()).is_ok_and(|s| s.is_folder())
    }

    /// Opens a file for reading.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Box<dyn Read + Send>> {
        self.look.open(path.as_ref()).map_err(|e| io_fault("could not read", path.as_ref(), &e))
    }

    /// The same, of a file that was looked at before: what has taken its place meanwhile is refused.
    pub fn open_seen(&self, path: impl AsRef<Path>, seen: &Stat) -> Result<Box<dyn Read + Send>> {
        self.look.open_seen(path.as_ref(), seen).map_err(|e| io_fault("could not read", path.as_ref(), &e))
    }

    /// Reads a file.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path.as_ref())?
            .read_to_end(&mut bytes)
            .map_err(|e| io_fault("could not read", path.as_ref(), &e))?;
        Ok(bytes)
    }

    /// Reads a file as text that is only looked at: bytes that are not UTF-8 are replaced.
    pub fn read_text(&self, path: impl AsRef<Path>) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.read(path)?).into_owned())
    }

    /// Reads a file that is going to be changed as text, bytes that are not UTF-8 included; see [`lossless`]. Empty when
    /// it is not there.
    pub fn read_lossless(&self, path: impl AsRef<Path>) -> Result<String> {
        Ok(lossless::text(&self.read_if_there(path)?.unwrap_or_default()))
    }

    /// Reads a file, if it is there.
    pub fn read_if_there(&self, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>> {
        match self.look.stat(path.as_ref()) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            _ => self.read(path).map(Some),
        }
    }

    /// The checksum of a file, in lower-case hex.
    pub fn checksum(&self, path: impl AsRef<Path>, algorithm: Algorithm) -> Result<String> {
        let mut file = self.open(path.as_ref())?;
        checksum::checksum(algorithm, &mut file).map_err(|e| io_fault("could not read", path.as_ref(), &e))
    }

    /// Where a link points.
    pub fn readlink(&self, path: impl AsRef<Path>) -> Result<PathBuf> {
        self.look.readlink(path.as_ref()).map_err(|e| io_fault("could not read the link", path.as_ref(), &e))
    }

    /// Names in a folder, sorted.
    pub fn list(&self, path: impl AsRef<Path>) -> Result<Vec<OsString>> {
        let mut names =
            self.look.list(path.as_ref()).map_err(|e| io_fault("could not list", path.as_ref(), &e))?;
        names.sort();
        Ok(names)
    }

    /// Holds a folder open, so that what is done in it is done nowhere else. With [`Links::Keep`] a link in its place is
    /// refused.
    pub fn hold(&self, path: impl AsRef<Path>, links: Links) -> Result<Held> {
        self.look.hold(path.as_ref(), links).map_err(|e| io_fault("could not open", path.as_ref(), &e))
    }

    /// The path with all links resolved.
    pub fn canonical(&self, path: impl AsRef<Path>) -> Result<PathBuf> {
        self.look.canonical(path.as_ref()).map_err(|e| io_fault("could not resolve", path.as_ref(), &e))
    }

    /// Whether the user that the runner runs as may do this with what a path leads to.
    pub fn may(&self, path: impl AsRef<Path>, what: Access) -> bool {
        self.look.may(path.as_ref(), what)
    }

    /// An extended attribute.
    pub fn xattr(&self, path: impl AsRef<Path>, name: &str) -> Result<Option<Vec<u8>>> {
        self.look.xattr(path.as_ref(), name).map_err(|e| io_fault("could not examine", path.as_ref(), &e))
    }

    /// Figures of the file system that a path is on.
    pub fn volume(&self, path: impl AsRef<Path>) -> Result<Volume> {
        self.look.volume(path.as_ref()).map_err(|e| io_fault("could not examine", path.as_ref(), &e))
    }

    /// All users of /etc/passwd.
    pub fn users(&self) -> Result<Vec<User>> {
        Ok(self.local_users()?.all.clone())
    }

    pub(crate) fn local_users(&self) -> Result<Arc<Table<User>>> {
        self.call
            .looked_up
            .users(|| Ok(self.lines("/etc/passwd")?.iter().filter_map(|l| User::parse(l)).collect()))
    }

    /// All groups of /etc/group.
    pub fn groups(&self) -> Result<Vec<Group>> {
        Ok(self.local_groups()?.all.clone())
    }

    fn local_groups(&self) -> Result<Arc<Table<Group>>> {
        self.call
            .looked_up
            .groups(|| Ok(self.lines("/etc/group")?.iter().filter_map(|l| Group::parse(l)).collect()))
    }

    /// Forgets the accounts looked up so far: something may have changed them.
    pub(crate) fn forget_accounts(&self) {
        self.call.looked_up.forget();
    }

    fn lines(&self, path: &str) -> Result<Vec<String>> {
        let text = self.read_if_there(path)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
    }

    /// The user of this name, from /etc/passwd or what else the host asks (LDAP and the like).
    pub fn user(&self, name: &str) -> Result<Option<User>> {
        match self.local_users()?.named(name).cloned() {
            None => Ok(self.getent("passwd", name).and_then(|l| User::parse(&l)).filter(|u| u.name == name)),
            found => Ok(found),
        }
    }

    /// The user of this number.
    pub fn user_of(&self, uid: u32) -> Result<Option<User>> {
        match self.local_users()?.numbered(uid).cloned() {
            None => Ok(self.getent("passwd", &uid.to_string()).and_then(|l| User::parse(&l))),
            found => Ok(found),
        }
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Result<Option<Group>> {
        match self.local_groups()?.named(name).cloned() {
            None => Ok(self.getent("group", name).and_then(|l| Group::parse(&l)).filter(|g| g.name == name)),
            found => Ok(found),
        }
    }

    /// The group of this number.
    pub fn group_of(&self, gid: u32) -> Result<Option<Group>> {
        match self.local_groups()?.numbered(gid).cloned() {
            None => Ok(self.getent("group", &gid.to_string()).and_then(|l| Group::parse(&l))),
            found => Ok(found),
        }
    }

    /// What /etc/shadow has of a user; `None` where it has nothing or may not be read.
    pub fn shadow(&self, name: &str) -> Result<Option<Shadow>> {
        if !self.may("/etc/shadow", Access::Read) {
            return Ok(None);
        }
        Ok(self.lines("/etc/shadow")?.iter().filter_map(|l| Shadow::parse(l)).find(|s| s.name == name))
    }

    /// One entry of a database of the name service, as `getent` prints it.
    pub fn getent(&self, database: &str, key: &str) -> Option<String> {
        self.call.looked_up.asked(database, key, || {
            // A host with only local accounts has asked all there is already.
            if matches!(database, "passwd" | "group") && self.only_local_accounts(database) {
                return None;
            }
            let ran = self.ask(cmd("getent").arg(database).arg(key).any_rc()).ok()?;
            ran.ok().then(|| ran.out().trim_end_matches('\n').to_owned()).filter(|l| !l.is_empty())
        })
    }

    fn only_local_accounts(&self, database: &str) -> bool {
        let Ok(Some(text)) = self.read_if_there("/etc/nsswitch.conf") else { return true };
        let text = String::from_utf8_lossy(&text).into_owned();
        let line =
            text.lines().find_map(|l| l.split('#').next()?.trim().strip_prefix(database)?.strip_prefix(':'));
        let sources: Vec<&str> = line.unwrap_or("files").split_whitespace().collect();
        sources.iter().all(|s| matches!(*s, "files" | "compat") || s.starts_with('['))
    }

    /// A variable: of the task's `environment:`, else of the runner's own environment.
    pub fn env(&self, name: &str) -> Option<String> {
        let of_task = self.call.environment.iter().rev().find(|(k, _)| k == name).map(|(_, v)| v.clone());
        of_task.or_else(|| self.look.env(OsStr::new(name)).map(|v| v.to_string_lossy().into_owned()))
    }

    /// All variables as a command would see them, sorted.
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |s: OsString| s.to_string_lossy().into_owned();
        let mut all: Vec<(String, String)> =
            self.look.environment().into_iter().map(|(k, v)| (text(k), text(v))).collect();
        for (name, value) in &self.call.environment {
            all.retain(|(k, _)| k != name);
            all.push((name.clone(), value.clone()));
        }
        all.sort();
        all
    }

    /// A folder that one may write to and run programs from: the runner's own, since it was found to run there, or one of
    /// the usual ones for temporary files.
    pub fn program_folder(&self) -> Result<PathBuf> {
        let own = self.look.program().and_then(|program| program.parent().map(Path::to_owned));
        let named =
            [self.env("TMPDIR"), Some("/tmp".into()), Some("/var/tmp".into()), Some("/dev/shm".into())];
        let tried: Vec<PathBuf> =
            own.into_iter().chain(named.into_iter().flatten().map(PathBuf::from)).collect();
        let fits = |folder: &&PathBuf| {
            self.is_folder(folder)
                && self.may(folder, Access::Write)
                && self.volume(folder).is_ok_and(|volume| volume.runs_programs)
        };
        tried.iter().find(fits).cloned().ok_or_else(|| {
            let names: Vec<_> = tried.iter().map(|folder| folder.display().to_string()).collect();
            Fault::new(format!("no folder takes programs and lets them run; tried were {}", names.join(", ")))
        })
    }

    /// Where a program is: a path is taken as it is, a name is looked for in `PATH` and the system's own folders.
    pub fn which(&self, program: &str) -> Option<PathBuf> {
        self.which_in(program, &[])
    }

    /// The same, looking in further folders too.
    pub fn which_in(&self, program: &str, folders: &[&str]) -> Option<PathBuf> {
        let runs =
            |p: &Path| self.look.stat(p).is_ok_and(|s| !s.is_folder()) && self.look.may(p, Access::Execute);
        if program.contains('/') {
            return Some(PathBuf::from(program)).filter(|p| runs(p));
        }
        let path = self.env("PATH").unwrap_or_default();
        let system = ["/sbin", "/usr/sbin", "/usr/local/sbin"];
        let all = path.split(':').filter(|f| !f.is_empty()).chain(folders.iter().copied()).chain(system);
        all.map(|folder| Path::new(folder).join(program)).find(|p| runs(p))
    }

    /// Where a program is; a failure that names it when it is nowhere.
    pub fn need(&self, program: &str) -> Result<PathBuf> {
        self.which(program).ok_or_else(|| {
            Fault::absent(format!(
                "Failed to find required executable \"{program}\" in paths: {}",
                self.env("PATH").unwrap_or_default()
            ))
        })
    }

    /// Runs a program that only reads; which those are is a reviewed list.
    pub fn ask(&self, command: Command) -> Result<Ran> {
        if let Some(why) = asking::refusal(&command) {
            return Err(Fault::new(why));
        }
        let command = self.prepared(command);
        let ran = self
            .look
            .ask(&command)
            .map_err(|e| io_fault("could not run", Path::new(&command.program), &e))
            .and_then(|ran| self.checked(ran, &command));
        ran.map_err(|fault| self.unseen(&command).unwrap_or(fault))
    }

    /// In check mode: why a program that failed has said nothing, if it was asked about what is only planned.
    fn unseen(&self, command: &Command) -> Option<Fault> {
        let named = command.args.iter().filter_map(|arg| {
            let arg = arg.to_str()?;
            let value = arg.split_once('=').filter(|_| arg.starts_with('-')).map_or(arg, |(_, value)| value);
            value.starts_with('/').then(|| Path::new(value))
        });
        command.folder.as_deref().into_iter().chain(named).find_map(|path| self.as_on_host(path).err())
    }

    /// Passes if the exit code is one that the command accepts; a failure carries the line with the program's whole path.
    pub(crate) fn checked(&self, ran: Ran, command: &Command) -> Result<Ran> {
        ran.check(command).map_err(|fault| {
            let path = command.program.to_str().and_then(|name| self.which(name));
            let program = path.map_or_else(|| command.program.clone(), PathBuf::into_os_string);
            let whole = Command { program, ..command.clone() };
            fault.with("cmd", whole.line())
        })
    }

    /// Runs one of the host's own fact programs (`NAME.fact`), which its administrator put there to be run for reading.
    pub fn ask_local_fact(&self, path: &str) -> Result<Ran> {
        if !path.ends_with(".fact") {
            return Err(Fault::new(format!("{path} is no fact program")));
        }
        let command = self.prepared(crate::command::cmd(path).any_rc());
        self.look.ask(&command).map_err(|e| io_fault("could not run", Path::new(path), &e))
    }

    /// Runs the program that a task names as the one that lists mounts: without arguments, as such programs only list.
    pub fn ask_mounts(&self, program: &Path, patience: Option<Duration>) -> Result<Ran> {
        let mut command = cmd(program).any_rc();
        command.timeout = patience;
        let command = self.prepared(command);
        let ran = self.look.ask(&command).map_err(|e| io_fault("could not run", program, &e))?;
        self.checked(ran, &command)
    }

    /// Talks with a web server, only reading (GET, HEAD), and reads the whole answer.
    pub fn http(&self, request: &Request) -> Result<Response> {
        self.fetch(request)?.whole()
    }

    /// The same, for an answer that is read as it comes.
    pub fn fetch(&self, request: &Request) -> Result<Response<Stream>> {
        http::converse(request, self, &mut |request| {
            if !request.reads() {
                return Err(Fault::new(format!("{} is no request that only reads", request.line())));
            }
            self.look.http(request).map_err(|e| http::failed(&e))
        })
    }

    /// A command with the task's environment, the locale and the deadline put in.
    pub(crate) fn prepared(&self, mut command: Command) -> Command {
        let mut env: Vec<(OsString, Option<OsString>)> = Vec::new();
        if !command.own_locale {
            for name in ["LC_ALL", "LANG", "LC_MESSAGES", "LC_CTYPE"] {
                env.push((name.into(), Some("C.UTF-8".into())));
            }
            env.push(("LANGUAGE".into(), Some("C.UTF-8".into())));
        }
        let task = self.call.environment.iter();
        env.extend(task.map(|(k, v)| (OsString::from(k), Some(OsString::from(v)))));
        env.append(&mut command.env);
        command.env = env;
        if let Some(deadline) = self.call.deadline {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            command.timeout = Some(command.timeout.map_or(left, |t| t.min(left)));
        }
        command
    }

    /// The time.
    pub fn now(&self) -> SystemTime {
        self.look.now()
    }

    /// Who the runner is.
    pub fn identity(&self) -> Identity {
        self.look.identity()
    }

    /// The kernel's names.
    pub fn uname(&self) -> Uname {
        self.look.uname()
    }

    /// In check mode: the state that an earlier task would have given this thing.
    pub fn planned(&self, thing: Thing, name: &str) -> Option<String> {
        self.look.planned(thing, name)
    }

    /// In check mode: whether an earlier task would have done something (installed a package, run a command) that may
    /// bring what is missing now.
    pub fn unsure(&self) -> bool {
        self.look.unsure()
    }

    /// In check mode: whether what is missing at this path may be there in the real run, because its folder is one that a
    /// package or a command before would bring.
    pub fn may_come(&self, path: &Path) -> bool {
        self.look.may_come(path)
    }

    /// In check mode: refuses, as unknown, to have a program look at what an earlier task would have made or changed: programs
    /// see the host, not the plan.
    pub fn as_on_host(&self, path: impl AsRef<Path>) -> Result<()> {
        match self.look.differs_from_host(path.as_ref()) {
            true => Err(Fault::unknown(format!("{} is only planned", path.as_ref().display()))),
            false => Ok(()),
        }
    }

    /// Whether this is check mode: only for results whose wording depends on it (`Would not run` / `Did not run`).
    pub fn rehearsing(&self) -> bool {
        self.look.rehearsing()
    }

    /// Whether the task asked for differences.
    pub fn wants_diff(&self) -> bool {
        self.call.diff
    }

    /// Warns the user.
    pub fn warn(&self, warning: impl Into<String>) {
        let mut warnings = self.call.warnings.0.lock().unwrap_or_else(PoisonError::into_inner);
        let warning = warning.into();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Hides a value wherever it turns up in the result of this call.
    pub fn conceal(&self, value: impl Into<String>) {
        let value = value.into();
        let mut concealed = self.call.concealed.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !value.is_empty() && !concealed.contains(&value) {
            concealed.push(value);
        }
    }

    /// The folder that relative paths start from.
    pub fn folder(&self) -> PathBuf {
        self.look.folder()
    }

    /// A path with `~`, `~user`, `$VAR` and `${VAR}` expanded, as Ansible expands options of type path.
    pub fn expand(&self, path: &str) -> String {
        let with_variables = expand_variables(path, |name| self.env(name));
        let Some(rest) = with_variables.strip_prefix('~') else { return with_variables };
        let (user, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let home = if user.is_empty() {
            self.env("HOME").or_else(|| self.user_of(self.identity().uid).ok()?.map(|u| u.home))
        } else {
            self.user(user).ok().flatten().map(|u| u.home)
        };
        match home {
            Some(home) => {
                let home = home.trim_end_matches('/');
                if home.is_empty() && tail.is_empty() { "/".into() } else { format!("{home}{tail}") }
            }
            None => with_variables,
        }
    }

    /// Opens content, fetching it from the controller if it is there.
    pub fn content(&self, content: &Content) -> Result<Box<dyn Read + Send>> {
        match content {
            Content::Here(bytes) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            Content::There(blob) => self
                .call
                .courier
                .fetch(blob)
                .map_err(|e| Fault::new(format!("could not fetch the content: {e}"))),
        }
    }

    /// The SHA-1 of content; the controller is asked for it where it has not said it.
    pub fn sha1(&self, content: &Content) -> Result<String> {
        match content {
            Content::There(blob) => self
                .call
                .courier
                .sum(blob)
                .map_err(|e| Fault::new(format!("could not learn the checksum of the content: {e}"))),
            Content::Here(_) => Ok(content.sha1().unwrap_or_default()),
        }
    }

    /// Sends a file up to the controller; the value goes into the result.
    pub fn send_up(&self, path: impl AsRef<Path>) -> Result<Val> {
        let path = path.as_ref();
        let mut file = self.open(path)?;
        let blob: Blob =
            self.call.courier.send(&mut file).map_err(|e| io_fault("could not send", path, &e))?;
        Ok(Val::Blob(blob))
    }

    /// Fails when the call has been cancelled or its time is over; long loops ask now and then.
    pub fn still_wanted(&self) -> Result<()> {
        if self.call.courier.cancelled() {
            return Err(Fault { kind: crate::fault::Kind::Cancelled, ..Fault::new("cancelled") });
        }
        match self.call.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(Fault { kind: crate::fault::Kind::Timeout, ..Fault::new("the task's time is over") })
            }
            _ => Ok(()),
        }
    }
}

/// Replaces `$NAME` and `${NAME}`; what is not set stays as it is written, as Python's `expandvars` has it.
pub fn expand_variables(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let after = tail.get(1..).unwrap_or_default();
        let (name, whole) = match after.strip_prefix('{') {
            Some(braced) => match braced.find('}') {
                Some(end) => (braced.get(..end).unwrap_or_default(), end + 3),
                None => ("", 1),
            },
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (after.get(..end).unwrap_or_default(), end + 1)
            }
        };
        let shown = tail.get(..whole).unwrap_or(tail);
        match (!name.is_empty()).then(|| value(name)).flatten() {
            Some(value) => out.push_str(&value),
            None => out.push_str(shown),
        }
        rest = tail.get(whole..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Kind;
    use crate::overlay::Overlay;
    use crate::system::Act;
    use crate::testing::World;

    #[test]
    fn programs_that_cannot_see_the_plan_have_said_nothing() {
        let world = World::new().answers("dpkg-deb *", Ran::failed(2, "No such file or directory"));
        let plan = Arc::new(Overlay::over(world.build()));
        let probe = Probe::new(plan.clone(), Arc::new(Call::default()));
        let ask = |args: [&str; 2]| probe.ask(cmd("dpkg-deb").args(args)).unwrap_err().kind;
        assert_eq!(ask(["--field", "/tmp/x.deb"]), Kind::Failed);
        plan.create(Path::new("/tmp/x.deb")).unwrap();
        assert_eq!(ask(["--field", "/tmp/x.deb"]), Kind::Unknown);
        assert_eq!(ask(["--field=/tmp/x.deb", "x"]), Kind::Unknown);
        assert_eq!(ask(["--field", "/tmp/y.deb"]), Kind::Failed);
    }

    #[test]
    fn variables_that_are_not_set_stay_as_written() {
        let value = |name: &str| (name == "A").then(|| "x".to_owned());
        assert_eq!(expand_variables("$A/${A}b/$B/${B}/$", value), "x/xb/$B/${B}/$");
    }
}
