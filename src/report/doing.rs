//! What each host is doing at a moment, for whoever asks in the middle of a run (SIGQUIT).

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use shevek_event::{Event, Phase, Stamped, TaskId};

use crate::Reporter;

/// Keeps in mind what hosts are doing; shows nothing by itself. Clones share what they know.
#[derive(Clone, Default)]
pub struct Doing {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    tasks: HashMap<TaskId, String>,
    busy: HashMap<String, Busy>,
}

/// A host at work.
struct Busy {
    task: TaskId,
    since: Instant,
    phase: Option<(Phase, Instant)>,
}

impl Doing {
    /// Nobody is at work yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A heading, and a line for each host at work, those that have been at it longest first.
    pub fn lines(&self) -> Vec<String> {
        let state = self.state();
        let mut busy: Vec<(&String, &Busy)> = state.busy.iter().collect();
        busy.sort_by_key(|(host, busy)| (busy.since, host.as_str()));
        let mut lines = vec![match busy.len() {
            0 => "no host is at work".to_owned(),
            1 => "1 host is at work:".to_owned(),
            many => format!("{many} hosts are at work:"),
        }];
        for (host, busy) in busy {
            let task = state.tasks.get(&busy.task).map_or("", String::as_str);
            let seconds = |since: Instant| since.elapsed().as_secs();
            let (what, since) = match busy.phase {
                Some((phase, since)) => (phase.words(), since.max(busy.since)),
                None => ("working", busy.since),
            };
            let line = format!(
                "  {host}: TASK [{task}], {what} for {}s ({}s in this task)",
                seconds(since),
                seconds(busy.since)
            );
            lines.push(line.replace(char::is_control, "?"));
        }
        lines
    }
}

impl Reporter for Doing {
    fn name(&self) -> &'static str {
        "hosts at work"
    }

    fn on(&mut self, stamped: &Stamped) -> io::Result<()> {
        let mut state = self.state();
        match &stamped.event {
            Event::TaskStarted(task) => {
                state.tasks.insert(task.id, task.name.clone());
            }
            Event::HostStarted(started) => {
                // The phase is that of the connection: it may have been there before the task.
                let busy = Busy { task: started.task, since: Instant::now(), phase: None };
                state.busy.insert(started.host.clone(), busy);
            }
            Event::Phase(update) => {
                if let Some(busy) = state.busy.get_mut(&update.host) {
                    busy.phase = Some((update.phase, Instant::now()));
                }
            }
            Event::HostDone(result) => {
                state.busy.remove(&result.host);
            }
            Event::PlayStarted(_) | Event::Recap(_) | Event::RunFinished(_) => *state = State::default(),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use shevek_event::{HostResult, HostStarted, PhaseUpdate, TaskStarted};

    use super::*;

    #[test]
    fn hosts_are_named_with_task_and_phase_until_they_are_done() {
        let mut doing = Doing::new();
        let asked = doing.clone();
        assert_eq!(asked.lines(), ["no host is at work"]);
        let task = TaskStarted { id: TaskId(1), name: "install".to_owned(), ..TaskStarted::default() };
        let mut on = |event| doing.on(&Stamped::now(event)).unwrap();
        on(Event::TaskStarted(Box::new(task)));
        for host in ["web1", "web2"] {
            on(Event::HostStarted(HostStarted { task: TaskId(1), host: host.to_owned() }));
        }
        on(Event::Phase(PhaseUpdate { host: "web2".to_owned(), task: None, phase: Phase::Authenticating }));
        let lines = asked.lines();
        assert_eq!(lines[0], "2 hosts are at work:");
        assert!(lines[1].starts_with("  web1: TASK [install], working for "), "{lines:?}");
        assert!(lines[2].starts_with("  web2: TASK [install], logging in for "), "{lines:?}");
        on(Event::HostDone(Box::new(HostResult { host: "web1".to_owned(), ..HostResult::default() })));
        assert_eq!(asked.lines()[0], "1 host is at work:");
    }
}
