//! The vocabulary.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shevek_diag::Place;
use shevek_value::Value;

use crate::{HostResult, Notice};

/// One play of the run; unique in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct PlayId(pub u32);

/// One task as it was started: unique in the run. A handler that runs twice has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct TaskId(pub u64);

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The first event: what is run and how.
    RunStarted(RunStarted),
    /// A playbook of several begins.
    PlaybookStarted {
        /// Its path as given.
        file: String,
        /// How many plays are in it.
        #[serde(default)]
        plays: usize,
    },
    /// A play begins.
    PlayStarted(PlayStarted),
    /// The play that just started has no hosts.
    NoHostsMatched,
    /// All hosts of the play have failed; the rest of it is left out.
    NoHostsRemaining,
    /// A task or handler begins, for any number of hosts.
    TaskStarted(Box<TaskStarted>),
    /// A host begins to work on a task.
    HostStarted(HostStarted),
    /// What a host is busy with below the level of tasks, for live display.
    Phase(PhaseUpdate),
    /// One item of a loop is done on a host.
    ItemDone(Box<HostResult>),
    /// A task is done on a host (for a loop: all its items are).
    HostDone(Box<HostResult>),
    /// An attempt of an `until` loop failed and another follows.
    Retry(Box<Retry>),
    /// News of an `async` task.
    Async(AsyncUpdate),
    /// What a task that includes came to on a host; what it includes is told of once for all its hosts.
    IncludeDone(Box<HostResult>),
    /// Tasks of a file were included.
    Included(Included),
    /// A handler was notified.
    Notified(Notified),
    /// A warning, deprecation or error outside any one result.
    Notice(Notice),
    /// Something for those who asked to see more.
    Verbose(Verbose),
    /// The hosts' counts so far; sent at the end of each playbook.
    Recap(Recap),
    /// The run was interrupted (Ctrl-C): what was left undone.
    Interrupted(Interrupted),
    /// The last event.
    RunFinished(RunFinished),
}

/// What is run and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStarted {
    /// Version of the program.
    pub version: String,
    /// Playbooks as given; empty for an ad-hoc command.
    pub playbooks: Vec<String>,
    /// The folder that relative names of files start from.
    pub folder: String,
    /// Whether nothing is to be changed.
    pub check: bool,
    /// Whether differences are shown.
    pub diff: bool,
    /// Options as given, name and value, for the most verbose output.
    pub options: Vec<(String, String)>,
}

/// A play begins, or the next batch of its hosts (`serial`), which has the same id.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PlayStarted {
    /// Which.
    pub id: PlayId,
    /// Its name, or its hosts pattern where it has none.
    pub name: String,
    /// How many hosts are in it.
    pub hosts: usize,
    /// Whether it runs in check mode.
    pub check: bool,
    /// Whether hosts go ahead on their own (strategies `free` and `host_pinned`), so that results of several tasks mix.
    pub free: bool,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// What sort of task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// In the play's task lists.
    #[default]
    Task,
    /// A handler that was notified.
    Handler,
}

/// A task begins.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskStarted {
    /// Which.
    pub id: TaskId,
    /// The play that it is in.
    pub play: PlayId,
    /// Its name as shown: with the role before it (`nginx : Install`), the action's where it has none.
    pub name: String,
    /// Its action or module, resolved (`ansible.builtin.copy`).
    pub action: String,
    /// The role that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Task or handler.
    pub task_kind: TaskKind,
    /// Whether it runs in check mode.
    pub check: bool,
    /// Whether it has a loop.
    pub is_loop: bool,
    /// Whether it includes tasks (`include_tasks`, `include_role`): then its success is not shown.
    pub is_include: bool,
    /// Its arguments as written, where they are to be shown (`display_args_to_stdout`) and not `no_log`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A host begins to work on a task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HostStarted {
    /// The task.
    pub task: TaskId,
    /// The host.
    pub host: String,
}

/// What a host is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The connection is being made.
    Connecting,
    /// The user is being authenticated.
    Authenticating,
    /// The runner is being uploaded.
    Uploading,
    /// It is there, and does its task.
    Running,
}

impl Phase {
    /// The phase as people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Authenticating => "logging in",
            Self::Uploading => "uploading the runner",
            Self::Running => "running",
        }
    }
}

/// A host enters a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseUpdate {
    /// The host.
    pub host: String,
    /// The task that it is for, if it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// What it does now.
    pub phase: Phase,
}

/// Another attempt follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// The attempt's result; `attempts` of it counts from 1.
    pub result: HostResult,
    /// How many attempts are left.
    pub left: u32,
}

/// How an `async` task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsyncState {
    /// Polled, and still running.
    Running,
    /// Polled, and finished well.
    Finished,
    /// Failed, or over its time.
    Failed,
}

/// News of an `async` task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AsyncUpdate {
    /// The task.
    pub task: TaskId,
    /// The host.
    pub host: String,
    /// The job's id on the host.
    pub job: String,
    /// How it is doing.
    pub state: AsyncState,
}

/// Tasks of a file were included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Included {
    /// The including task.
    pub task: TaskId,
    /// The file (of a role: its name).
    pub file: String,
    /// For which hosts.
    pub hosts: Vec<String>,
    /// The loop item's label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A handler was notified.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Notified {
    /// The handler's name.
    pub handler: String,
    /// By which host.
    pub host: String,
}

/// Something for those who asked to see more.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Verbose {
    /// Shown from this many `-v` on (1 to 6); 0: always, for debugging the program.
    pub level: u8,
    /// The host that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What.
    pub text: String,
}

/// One host's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Tasks that went well, changed ones among them.
    pub ok: u32,
    /// Tasks that changed something.
    pub changed: u32,
    /// 1 when it could not be reached.
    pub unreachable: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks that were skipped.
    pub skipped: u32,
    /// Failures that a `rescue` took care of.
    pub rescued: u32,
    /// Failures that were ignored.
    pub ignored: u32,
}

/// What `set_stats` collected.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomStats {
    /// Per host.
    pub hosts: BTreeMap<String, Value>,
    /// For the run as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Value>,
}

/// The hosts' counts so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Recap {
    /// By host.
    pub hosts: BTreeMap<String, Counts>,
    /// What `set_stats` collected, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomStats>,
    /// Hosts that could not be reached, with the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unreachable: BTreeMap<String, String>,
}

/// Work that an interrupt left.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Left {
    /// The host.
    pub host: String,
    /// The task's name.
    pub task: String,
}

/// What an interrupt left undone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Interrupted {
    /// Tasks that were running, and may or may not have been done.
    pub running: Vec<Left>,
    /// Hosts with the first task that was not started.
    pub not_started: Vec<Left>,
    /// Handlers that were notified and have not run.
    pub handlers: Vec<Left>,
}

/// The run is over.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFinished {
    /// The exit code.
    pub exit: u8,
    /// How long the run took.
    pub seconds: f64,
}
