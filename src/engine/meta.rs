//! `meta` tasks: what they do to the run itself.

use shevek_diag::{Diagnostic, Result};
use shevek_event::{Event, HostResult, Status, Verbose};
use shevek_inventory::HostId;
use shevek_template::Truth;
use shevek_value::Value;
use shevek_vars::HostScope;

use crate::batch::Batch;
use crate::cursor::Step;
use crate::{files, reach};

/// All of them.
pub(crate) const WORDS: [&str; 11] = [
    "noop",
    "flush_handlers",
    "refresh_inventory",
    "clear_facts",
    "clear_host_errors",
    "end_play",
    "end_batch",
    "end_host",
    "end_role",
    "role_complete",
    "reset_connection",
];

impl Batch<'_> {
    /// Does a meta task for the hosts that stand at it.
    pub(crate) async fn meta(&mut self, step: &Step, word: &str, hosts: &[HostId]) {
        let task = &step.task;
        // These concern all hosts: the first one's condition decides.
        let for_all = matches!(
            word,
            "refresh_inventory" | "clear_facts" | "clear_host_errors" | "end_play" | "end_batch"
        );
        let hosts = if for_all { hosts.get(..1).unwrap_or_default() } else { hosts };
        for host in hosts {
            // Each host's turn has its own heading.
            if !task.is_implicit {
                self.tell_task(step, Some(*host));
            }
            let is_due = known(word).and_then(|()| self.is_due(step, *host));
            let result = match is_due {
                Ok(true) => self.meta_one(step, word, *host).await,
                Ok(false) => {
                    self.skip_meta(*host, word);
                    continue;
                }
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                // It is no task of the host that fails, but the run: nothing rescues or ignores that.
                self.fault.get_or_insert(error.or_at(step.task.origin.as_ref()));
                return;
            } else if task.is_implicit {
                self.run.debug(|| format!("META: {}", said(word, &self.name(*host))));
            } else {
                let text = format!("META: {}", said(word, &self.name(*host)));
                self.run.sink.send(Event::Verbose(Verbose { level: 2, host: None, text }));
            }
        }
    }

    fn is_due(&self, step: &Step, host: HostId) -> Result<bool> {
        let scope = HostScope::new(&self.run.fleet, &self.play, host, Some(&step.task));
        for condition in step.task.when.iter() {
            if !matches!(self.run.fleet.templar.condition(condition, &scope)?, Truth::Yes) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn skip_meta(&mut self, host: HostId, word: &str) {
        let name = self.name(host);
        let reason = format!("{word} conditional evaluated to False, continuing execution for {name}");
        // Only this one has a message of its own then.
        let message = match word {
            "end_host" => reason.replace("False", "false"),
            word => word.to_owned(),
        };
        let result = Value::dict([
            ("msg", message.into()),
            ("skip_reason", reason.clone().into()),
            ("skipped", Value::from(true)),
        ]);
        let text = format!("META: {reason}");
        self.run.sink.send(Event::Verbose(Verbose { level: 2, host: None, text }));
        let event = HostResult {
            task: self.event,
            host: name,
            status: Status::Skipped,
            result,
            ..HostResult::default()
        };
        self.run.sink.send(Event::HostDone(Box::new(event)));
    }

    async fn meta_one(&mut self, step: &Step, word: &str, host: HostId) -> Result<()> {
        match word {
            "noop" => {}
            "flush_handlers" => {
                if self.hosts.get(&host).is_some_and(|state| state.cursor.in_handlers()) {
                    return Err(Diagnostic::new("flush_handlers cannot be used as a handler"));
                }
                self.flush_handlers(host, &step.place);
            }
            "refresh_inventory" => {
                let (read, warnings) = (self.run.inventory)()
                    .map_err(|errors| Box::new(errors.into_iter().next().unwrap_or_default()))?;
                for warning in warnings.iter() {
                    self.run.sink.send(Event::Notice(warning.into()));
                }
                self.run.fleet.change_inventory(|inventory| inventory.refresh(read))?;
                files::look_beside(&self.run, &self.play.play.dir);
                files::read_hosts_files(&self.run, &self.play.hosts)?;
            }
            "clear_facts" => self.play.hosts.iter().for_each(|host| self.run.fleet.forget_facts(*host)),
            "clear_host_errors" => {
                self.forget_alive();
                for host in self.play.hosts.clone() {
                    let name = self.name(host);
                    self.stats.failed.remove(&name);
                    self.stats.unreachable.remove(&name);
                    if let Some(state) = self.hosts.get_mut(&host) {
                        state.lost = false;
                        state.cursor.clear_failure();
                    }
                }
            }
            "end_play" | "end_batch" => {
                self.ends_play |= word == "end_play";
                self.hosts.values_mut().for_each(|state| state.cursor.end());
                self.give_up_sent();
                self.play.end_for(self.hosts.keys().copied());
                self.forget_alive();
            }
            "end_host" => {
                self.play.end_for([host]);
                self.forget_alive();
                if let Some(state) = self.hosts.get_mut(&host) {
                    state.cursor.end();
                }
            }
            "end_role" => self.end_role(step, host),
            "role_complete" => {
                if let (Some(role), Some(state)) = (&step.task.role, self.hosts.get_mut(&host))
                    && state.roles_begun.contains(&role.key)
                {
                    state.roles_done.insert(role.key.clone());
                }
            }
            "reset_connection" => {
                let scope = HostScope::new(&self.run.fleet, &self.play, host, Some(&step.task));
                reach::host(&self.run, &step.task, &scope, &scope)?.reset().await;
            }
            other => known(other)?,
        }
        Ok(())
    }

    /// Passes over the rest of a role.
    fn end_role(&mut self, step: &Step, host: HostId) {
        let Some(role) = &step.task.role else { return };
        let Some(state) = self.hosts.get_mut(&host) else { return };
        while let Some(next) = state.cursor.peek() {
            let is_end = next.task.meta() == Some("role_complete")
                && next.task.role.as_ref().is_some_and(|ending| ending.key == role.key);
            if is_end {
                return;
            }
            state.cursor.take();
        }
    }
}

/// Complains of what is no action of `meta`.
fn known(word: &str) -> Result<()> {
    if WORDS.contains(&word) {
        return Ok(());
    }
    Err(Diagnostic::new("invalid meta action requested")
        .detail(match word {
            "" => "none is named".to_owned(),
            word => format!("`{word}` is not an action of meta"),
        })
        .did_you_mean(word, WORDS))
}

fn said(word: &str, host: &str) -> String {
    match word {
        "flush_handlers" => format!("triggered running handlers for {host}"),
        "refresh_inventory" => "inventory successfully refreshed".to_owned(),
        "clear_facts" => "facts cleared".to_owned(),
        "clear_host_errors" => "cleared host errors".to_owned(),
        "end_batch" => "ending batch".to_owned(),
        "end_play" => "ending play".to_owned(),
        "end_host" => format!("ending play for {host}"),
        "end_role" => format!("ending role for {host}"),
        "reset_connection" => "reset connection".to_owned(),
        other => other.to_owned(),
    }
}
