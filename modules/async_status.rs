//! Ask how a job is doing that a task with `async` started.
//!
//! ```yaml
//! - command: make world
//!   async: 3600
//!   poll: 0
//!   register: build
//! - async_status: { jid: "{{ build.ansible_job_id }}" }
//!   register: job
//!   until: job is finished
//!   retries: 100
//! - async_status: { jid: "{{ build.ansible_job_id }}", mode: cleanup }
//! ```
use std::path::PathBuf;

use shevek_kit::json;
use shevek_kit::prelude::*;
use shevek_kit::proto::Val;

/// Arguments of `async_status`.
#[derive(Args)]
#[module(procedure)]
pub struct AsyncStatus {
    /// The job's id.
    jid: String,
    /// What to do.
    #[arg(default = "status")]
    mode: Mode,
    /// The folder with the files of jobs; set by the controller.
    #[arg(name = "_async_dir", default = "~/.ansible_async")]
    folder: String,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Mode {
    /// Say how it is doing.
    Status,
    /// Remove its file, whether it has come to its end or not.
    Cleanup,
}

impl AsyncStatus {
    fn file(&self, host: &Probe) -> PathBuf {
        PathBuf::from(host.expand(&self.folder)).join(&self.jid)
    }

    fn base(&self, file: &std::path::Path) -> Outcome {
        let (key, started) = match self.mode {
            Mode::Status => ("results_file", true),
            Mode::Cleanup => ("erased", false),
        };
        let mut outcome =
            Outcome::ok().with("ansible_job_id", &self.jid).with(key, file.display().to_string());
        outcome.set("started", started);
        outcome.set("finished", false);
        for key in ["stdout", "stderr"] {
            outcome.set(key, "");
            outcome.set(&format!("{key}_lines"), Val::List(Vec::new()));
        }
        outcome
    }

    fn status(&self, host: &Probe, file: &std::path::Path) -> Result<Outcome> {
        let mut outcome = self.base(file);
        let text = host.read_text(file)?;
        let Ok(Val::Map(told)) = json::read(&text) else {
            // It is being written.
            return Ok(outcome);
        };
        let has = |key: &str| told.iter().any(|(name, _)| name == key);
        outcome.set("finished", !has("started"));
        for (key, value) in told {
            match (key.as_str(), value) {
                ("changed", value) => outcome.changed = value.as_bool().unwrap_or(false),
                ("failed", value) => outcome.failed = value.as_bool().unwrap_or(false),
                ("skipped", value) => outcome.skipped = value.as_bool().unwrap_or(false),
                ("ansible_facts", Val::Map(facts)) => outcome.facts = facts,
                ("warnings", Val::List(warnings)) => {
                    outcome.warnings.extend(warnings.iter().filter_map(Val::as_str).map(str::to_owned));
                }
                ("started" | "finished", value) => outcome.set(&key, value.as_bool().unwrap_or(true)),
                (_, value) => outcome.set(&key, value),
            }
        }
        for key in ["stdout", "stderr"] {
            let lines: Vec<String> = match outcome.get(key).and_then(Val::as_str) {
                Some(text) => text.lines().map(str::to_owned).collect(),
                None => continue,
            };
            outcome.set(&format!("{key}_lines"), Val::from(lines));
        }
        Ok(outcome)
    }
}

impl Procedure for AsyncStatus {
    fn guard(&self, host: &Probe) -> Result<Guard> {
        let file = self.file(host);
        // What a job's id leads to may be removed: it must be a file of the folder, and never a folder.
        let is_job = !self.jid.is_empty()
            && !self.jid.contains('/')
            && host.stat(&file)?.is_some_and(|stat| stat.is_file());
        if !is_job {
            let mut outcome = self.base(&file).with("msg", "could not find job");
            outcome.failed = true;
            outcome.set("started", true);
            outcome.set("finished", true);
            return Ok(Guard::done(outcome));
        }
        match self.mode {
            Mode::Status => Ok(Guard::done(self.status(host, &file)?)),
            Mode::Cleanup => Ok(Guard::Run),
        }
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let file = self.file(host.probe());
        host.remove(&file)?;
        Ok(self.base(&file))
    }

    fn would(&self, host: &Probe) -> Result<Would> {
        Ok(Would::answer(self.base(&self.file(host))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(content: &str) -> World {
        World::new().file("/jobs/j1.5", content)
    }

    #[test]
    fn a_job_runs_until_its_file_has_a_result() {
        let running = job(r#"{"started": true, "finished": false, "ansible_job_id": "j1.5"}"#);
        conform::<AsyncStatus>("{ jid: j1.5, _async_dir: /jobs }", running)
            .gives("started", true)
            .gives("finished", false)
            .gives("results_file", "/jobs/j1.5");
        let done = job(r#"{"rc": 0, "stdout": "x", "changed": true, "failed": false}"#);
        conform::<AsyncStatus>("{ jid: j1.5, _async_dir: /jobs }", done)
            .gives("finished", true)
            .gives("stdout", "x")
            .gives("ansible_job_id", "j1.5");
    }

    #[test]
    fn a_job_that_nobody_started_is_a_failure() {
        conform::<AsyncStatus>("{ jid: j2.5, _async_dir: /jobs }", job("")).failed("could not find job");
        conform::<AsyncStatus>("{ jid: ../jobs/j1.5, _async_dir: /jobs }", job(""))
            .failed("could not find job");
    }

    #[test]
    fn no_folder_is_ever_cleaned_up() {
        for jid in ["''", ".", "..", "inner"] {
            let world = job("").file("/jobs/inner/x", "");
            let args = format!("{{ jid: {jid}, mode: cleanup, _async_dir: /jobs }}");
            conform::<AsyncStatus>(&args, world).failed("could not find job").holds("/jobs/inner/x", "");
        }
        conform::<AsyncStatus>("{ jid: j1.5, mode: cleanup, _async_dir: /jobs }", job(""))
            .lacks("/jobs/j1.5");
    }
}
