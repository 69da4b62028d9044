//! `async`: modules that go on by themselves on the host, and the waiting for them.

use std::time::Duration;

use shevek_actions::{Host, Outcome};
use shevek_connection::Blobs;
use shevek_diag::Result;
use shevek_event::{AsyncState, AsyncUpdate, Event};
use shevek_playbook::Task;
use shevek_proto::{Job as Started, Val};
use shevek_template::Scope;
use shevek_value::Value;
use shevek_vars::HostScope;

use crate::job::Job;
use crate::{keyword, span};

/// Where files of jobs are when nobody says otherwise.
const FOLDER: &str = "~/.ansible_async";

/// Actions of the controller that only choose the module which does the work.
const LIKE_MODULES: [&str; 2] = ["package", "service"];

/// What `async` and `poll` of a task say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Background {
    seconds: u32,
    /// The time between questions; 0: the task does not wait.
    poll: Duration,
    folder: String,
}

impl Background {
    /// What the task asks for; `None`: to wait for it as usual.
    pub(crate) fn read(task: &Task, scope: &HostScope, poll: u32) -> Result<Option<Self>> {
        let seconds = keyword::number(scope, "async", task.async_.as_ref())?.unwrap_or(0.0);
        if seconds < 1.0 {
            return Ok(None);
        }
        let poll = keyword::number(scope, "poll", task.poll.as_ref())?.unwrap_or(f64::from(poll));
        let poll = span::of_seconds("poll", poll.max(0.0), task.poll.as_ref().and_then(Value::origin))?;
        Ok(Some(Self { seconds: seconds as u32, poll, folder: jobs_folder(scope)? }))
    }

    /// Whether the task waits for the end of its jobs.
    pub(crate) fn waits(&self) -> bool {
        !self.poll.is_zero()
    }

    /// Whether an action of the controller can be done so.
    pub(crate) fn suits(action: &str) -> bool {
        LIKE_MODULES.contains(&action)
    }

    /// The job for the host. `environment` may name another folder.
    pub(crate) fn job(&self, environment: &[(String, String)]) -> Started {
        Started {
            id: format!("j{:012}", rand::random_range(0..1_000_000_000_000_u64)),
            seconds: self.seconds,
            folder: folder(&self.folder, environment),
        }
    }
}

/// The folder on hosts that variables or settings name.
fn jobs_folder(scope: &HostScope) -> Result<String> {
    let named = scope.rendered_variable("ansible_async_dir")?.or_else(|| scope.setting("ASYNC_DIR"));
    Ok(named.map_or_else(|| FOLDER.to_owned(), |folder| folder.text()))
}

fn folder(otherwise: &str, environment: &[(String, String)]) -> String {
    let named = environment.iter().rev().find(|(name, _)| name == "ANSIBLE_ASYNC_DIR");
    named.map_or_else(|| otherwise.to_owned(), |(_, folder)| folder.clone())
}

/// Tells `async_status` where the files of jobs are.
pub(crate) fn place(scope: &HostScope, host: &Host) -> Result<String> {
    Ok(folder(&jobs_folder(scope)?, &host.environment))
}

impl Job {
    /// Waits for a job that was started, and gives its outcome.
    pub(crate) async fn wait_for(&self, background: &Background, host: &Host, started: Outcome) -> Outcome {
        if started.failed || started.skipped || started.unreachable {
            return started;
        }
        let Some(id) = started.body.get("ansible_job_id").map(Value::text) else {
            return Outcome::failure("No job id was returned by the async task");
        };
        let folder = host.job.as_ref().map(|job| job.folder.clone()).unwrap_or_default();
        let host = Host { job: None, deadline: None, ..host.clone() };
        let ask = |mode: &'static str| {
            let arguments = [("jid", id.as_str()), ("mode", mode), ("_async_dir", folder.as_str())];
            let arguments = arguments.map(|(name, value)| (name.to_owned(), Val::from(value))).to_vec();
            host.request(("async_status".to_owned(), arguments), Blobs::new())
        };
        let tell = |state: AsyncState| {
            let host = self.run.fleet.host_name(self.host).to_string();
            let update = AsyncUpdate { task: self.event(), host, job: id.clone(), state };
            self.run.sink.send(Event::Async(update));
        };
        let mut left = f64::from(background.seconds);
        let mut last = started;
        while left > 0.0 {
            tokio::time::sleep(background.poll).await;
            left -= background.poll.as_secs_f64();
            let status = ask("status").await;
            // A host that is rebooting, or a network that hiccups, is no end of the job.
            if status.unreachable && left > 0.0 {
                continue;
            }
            last = status;
            if is_finished(&last) || last.failed || last.skipped || last.unreachable {
                break;
            }
            tell(AsyncState::Running);
        }
        if last.unreachable {
            return last;
        }
        if !is_finished(&last) {
            tell(AsyncState::Failed);
            let seconds = background.seconds;
            let message = format!("async task did not complete within the requested time - {seconds}s");
            return Outcome::failure(message).with("async_result", last.to_value());
        }
        tell(if last.failed { AsyncState::Failed } else { AsyncState::Finished });
        ask("cleanup").await;
        last
    }
}

fn is_finished(status: &Outcome) -> bool {
    status.body.get("finished").is_some_and(Value::is_true)
}
