//! Who and where we are, and the configuration files, read once.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::line::{self, Line};
use super::{SshConfigError, SshOptions};
use crate::target::SshTarget;

/// Who and where we are, and the configuration files, read once for all hosts.
#[derive(Debug)]
pub struct SshContext {
    /// Our home folder.
    pub home: PathBuf,
    /// Our user name.
    pub user: String,
    /// Our numeric id.
    pub uid: u32,
    /// This machine's name.
    pub hostname: String,
    /// The environment.
    pub environment: HashMap<String, String>,
    /// The user's configuration; read unless `-F` names another.
    pub user_config: PathBuf,
    /// The system's configuration; read unless `-F` is given.
    pub system_config: PathBuf,
    files: Mutex<HashMap<PathBuf, Arc<ParsedFile>>>,
    targets: Mutex<HashMap<SshOptions, SshTarget>>,
}

/// The lines of a file, or why it cannot be read.
pub(super) type ParsedFile = Result<Vec<Result<Line, (usize, String)>>, (io::ErrorKind, String)>;

impl SshContext {
    /// This process's.
    pub fn of_this_process() -> Self {
        let environment: HashMap<String, String> = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        let uid = rustix::process::getuid().as_raw();
        let (passwd_user, passwd_home) = account(uid);
        // As OpenSSH does: the account's home, not `$HOME`, as long as the account is known.
        let home = passwd_home.or_else(|| environment.get("HOME").cloned()).unwrap_or_else(|| "/".to_owned());
        let user =
            passwd_user.or_else(|| environment.get("USER").cloned()).unwrap_or_else(|| uid.to_string());
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self::new(PathBuf::from(home), user, uid, hostname, environment)
    }

    /// One with the usual files below a home folder.
    pub fn new(
        home: PathBuf,
        user: String,
        uid: u32,
        hostname: String,
        environment: HashMap<String, String>,
    ) -> Self {
        let user_config = home.join(".ssh/config");
        let system_config = "/etc/ssh/ssh_config".into();
        SshContext {
            home,
            user,
            uid,
            hostname,
            environment,
            user_config,
            system_config,
            files: Mutex::default(),
            targets: Mutex::default(),
        }
    }

    /// The target that options lead to, made once: every task of a host asks for it.
    pub(super) fn resolved(
        &self,
        options: &SshOptions,
        make: impl FnOnce() -> Result<SshTarget, SshConfigError>,
    ) -> Result<SshTarget, SshConfigError> {
        if let Some(known) = self.targets.lock().unwrap_or_else(PoisonError::into_inner).get(options) {
            return Ok(known.clone());
        }
        let target = make()?;
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).insert(options.clone(), target.clone());
        Ok(target)
    }

    /// The lines of a file.
    pub(super) fn lines(&self, path: &Path) -> Arc<ParsedFile> {
        if let Some(known) = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return known.clone();
        }
        let parsed = std::fs::read(path).map_err(|e| (e.kind(), e.to_string())).map(|bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let lines = text.lines().enumerate();
            lines
                .filter_map(|(index, text)| {
                    let parsed = line::parse(index + 1, text)?;
                    Some(parsed.map_err(|why| (index + 1, why)))
                })
                .collect()
        });
        let parsed = Arc::new(parsed);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), parsed.clone());
        parsed
    }

    /// A path with `~` made whole.
    pub(super) fn expand_home(&self, path: &str) -> PathBuf {
        match path.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with('/') => self.home.join(rest.trim_start_matches('/')),
            Some(rest) => {
                let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
                match home_of(user) {
                    Some(home) => home.join(rest),
                    None => PathBuf::from(path),
                }
            }
            None => PathBuf::from(path),
        }
    }
}

/// Name and home of an account.
fn account(uid: u32) -> (Option<String>, Option<String>) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    for line in passwd.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [name, _, number, _, _, home, ..] = fields.as_slice()
            && number.parse() == Ok(uid)
        {
            return (Some((*name).to_owned()), Some((*home).to_owned()));
        }
    }
    (None, None)
}

fn home_of(user: &str) -> Option<PathBuf> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [name, _, _, _, _, home, ..] if *name == user => Some(PathBuf::from(home)),
            _ => None,
        }
    })
}
