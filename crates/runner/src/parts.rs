//! [`Parts`]: the runner's other binary, with the rare modules. It is asked for when first needed, and kept beside this one for
//! later runs, or in memory where this one is not kept either.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustix::fs::{MemfdFlags, memfd_create};
use shevek_kit::Algorithm;
use shevek_proto::{Fault, FaultKind, Part, Up};

use crate::wire::Outlet;

/// How kept binaries are named; their hash follows.
const NAME: &str = "rare-";

/// How many binaries of earlier versions are kept.
const KEPT: usize = 3;

/// A binary of the runner on this host.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where another user would find it.
    pub path: PathBuf,
    /// Where this process finds it.
    pub own: PathBuf,
    /// What keeps it in memory.
    _held: Option<Arc<OwnedFd>>,
}

impl Program {
    /// The one that is running.
    pub fn this() -> Self {
        let path = std::env::current_exe().unwrap_or_default();
        Program { path, own: PathBuf::from("/proc/self/exe"), _held: None }
    }

    fn file(path: PathBuf) -> Self {
        Program { own: path.clone(), path, _held: None }
    }

    fn in_memory(bytes: &[u8]) -> io::Result<Self> {
        let held = memfd_create("shevek-runner-rare", MemfdFlags::CLOEXEC)?;
        File::from(held.try_clone()?).write_all(bytes)?;
        let path = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), held.as_raw_fd()));
        Ok(Program { own: path.clone(), path, _held: Some(Arc::new(held)) })
    }
}

/// The rare part, once it is needed.
pub struct Parts {
    outlet: Arc<Outlet>,
    /// Where binaries are kept, if they are.
    folder: Option<PathBuf>,
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    Unasked,
    Arriving(Vec<u8>),
    Here(Program),
    Missing(Fault),
}

impl Parts {
    /// None asked for yet.
    pub fn new(outlet: Arc<Outlet>) -> Arc<Self> {
        let this = std::env::current_exe().unwrap_or_default();
        let kept = this.file_name().is_some_and(|name| name.to_string_lossy().starts_with("runner-"));
        let folder = this.parent().filter(|_| kept).map(Path::to_owned);
        let (state, changed) = (Mutex::new(State::Unasked), Condvar::new());
        Arc::new(Parts { outlet, folder, state, changed })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rare part; waits until it has arrived.
    pub fn rare(&self) -> Result<Program, Fault> {
        let mut state = self.state();
        loop {
            match &*state {
                State::Here(program) => return Ok(program.clone()),
                State::Missing(fault) => return Err(fault.clone()),
                State::Unasked => {
                    *state = State::Arriving(Vec::new());
                    self.outlet.say(Up::NeedPart { part: Part::Rare, have: self.have() });
                }
                State::Arriving(_) => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// A piece of it, or word that the one with this hash is here already.
    pub fn arrived(&self, hash: &str, data: &[u8], last: bool) {
        let mut state = self.state();
        let State::Arriving(bytes) = &mut *state else { return };
        bytes.extend_from_slice(data);
        if !last {
            return;
        }
        let stored = match &self.folder {
            Some(folder) if bytes.is_empty() => {
                let path = folder.join(format!("{NAME}{hash}"));
                if !is_whole(&path, hash) {
                    // A crash may have cut it short; one that cannot be removed is not offered again either.
                    let _ = fs::remove_file(&path);
                    let have = self.have().into_iter().filter(|other| other != hash).collect();
                    self.outlet.say(Up::NeedPart { part: Part::Rare, have });
                    return;
                }
                Ok(Program::file(path))
            }
            _ => self.store(hash, bytes),
        };
        *state = stored.map_or_else(
            |e| State::Missing(fault(FaultKind::NoPlace, format!("the rare part of the runner: {e}"))),
            State::Here,
        );
        self.changed.notify_all();
    }

    /// The controller has none for this machine.
    pub fn missing(&self, machine: &str) {
        let mut missing = fault(
            FaultKind::NoPart,
            format!("this module is in the rare part of the runner, and there is none for {machine}"),
        );
        missing.help =
            Some(format!("put it as `shevek-runner-rare-{machine}` beside the other, in --runner-dir"));
        *self.state() = State::Missing(missing);
        self.changed.notify_all();
    }

    /// The conversation is over: nobody waits any longer.
    pub fn end(&self) {
        let mut state = self.state();
        if !matches!(*state, State::Here(_)) {
            *state = State::Missing(fault(FaultKind::Cancelled, "cancelled".to_owned()));
        }
        self.changed.notify_all();
    }

    /// The hashes of the binaries that are kept here.
    fn have(&self) -> Vec<String> {
        let Some(entries) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| name.strip_prefix(NAME).map(str::to_owned)).collect()
    }

    fn store(&self, hash: &str, bytes: &[u8]) -> io::Result<Program> {
        let got = shevek_kit::checksum(Algorithm::Sha256, &mut &*bytes)?;
        if got != hash {
            return Err(io::Error::other("it did not arrive whole"));
        }
        let kept = self.folder.as_ref().and_then(|folder| keep(folder, hash, bytes).ok());
        match kept {
            Some(path) => Ok(Program::file(path)),
            // A full disk is no reason not to run.
            None => Program::in_memory(bytes),
        }
    }
}

fn fault(kind: FaultKind, message: String) -> Fault {
    Fault { kind, message, help: None }
}

/// Whether a kept binary still has the content that its name promises.
fn is_whole(path: &Path, hash: &str) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    shevek_kit::checksum(Algorithm::Sha256, &mut file).is_ok_and(|got| got == hash)
}

/// Writes a binary beside this one, and removes the oldest of many.
fn keep(folder: &Path, hash: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let (path, new) =
        (folder.join(format!("{NAME}{hash}")), folder.join(format!(".{NAME}{}", std::process::id())));
    let mut options = OpenOptions::new();
    let written = options.write(true).create_new(true).mode(0o700).open(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        // Or a crash could leave the name without the content.
        file.sync_all()?;
        fs::rename(&new, &path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written?;
    let mut others: Vec<(SystemTime, PathBuf)> = fs::read_dir(folder)?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let ours = entry.file_name().to_string_lossy().starts_with(NAME);
            Some((entry.metadata().ok()?.modified().ok()?, entry.path())).filter(|_| ours)
        })
        .collect();
    others.sort();
    let surplus = others.len().saturating_sub(KEPT);
    for (_, old) in others.iter().take(surplus) {
        let _ = fs::remove_file(old);
    }
    Ok(path)
}
