//! What runs have left: processes on either side, files.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Lab;

/// How long processes that have been told to end may take for it.
const PATIENCE: Duration = Duration::from_secs(8);

impl Lab {
    /// The command lines of processes that runs and hosts of this lab have now: their environment names it.
    pub(crate) fn processes(&self) -> Vec<(Pid, String)> {
        let mark = self.path().to_str().unwrap().as_bytes();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| Pid::from_raw(name.parse().ok()?)) else { continue };
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.windows(mark.len()).any(|window| window == mark) {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push((id, String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned()));
            }
        }
        found
    }

    /// Processes that do not end by themselves within a few seconds. One that was stopped is woken.
    pub(crate) fn orphans(&self) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() || Instant::now() > deadline {
                return left.into_iter().map(|(_, line)| line).collect();
            }
            for (id, _) in left {
                let _ = kill_process(id, Signal::CONT);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Everything that is in the lab's folder.
    pub(crate) fn files(&self) -> Vec<String> {
        names(self.path())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        found.push(entry.path().display().to_string());
        if entry.file_type().unwrap().is_dir() {
            found.extend(names(&entry.path()));
        }
    }
    found
}

/// Waits until a file is there.
pub(crate) fn wait_for(file: &Path) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !file.exists() {
        assert!(Instant::now() < deadline, "{} has not come", file.display());
        // It is a process of the test's own that writes it.
        std::thread::sleep(Duration::from_millis(5));
    }
}
