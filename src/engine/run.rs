//! What is common to a whole run.

use std::sync::Arc;

use shevek_actions::{Actions, Pool};
use shevek_connection::SshContext;
use shevek_diag::Diagnostics;
use shevek_event::{Ask, Event, Notice, Sink, Verbose};
use shevek_inventory::{Inventory, Mismatch};
use shevek_playbook::Loader;
use shevek_vars::Fleet;

use crate::{DebuggerOptions, Interrupt, RetryFiles};

/// How a run is to go: the command line and configuration, resolved.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Hosts in flight.
    pub forks: usize,
    /// Check mode.
    pub check: bool,
    /// Diff mode.
    pub diff: bool,
    /// `--force-handlers`.
    pub force_handlers: bool,
    /// `--start-at-task`.
    pub start_at: Option<String>,
    /// `--step`.
    pub step: bool,
    /// `--tags`; empty: all.
    pub only_tags: Vec<String>,
    /// `--skip-tags`.
    pub skip_tags: Vec<String>,
    /// `--limit`.
    pub limit: Option<String>,
    /// What a host pattern that matches nothing is.
    pub mismatch: Mismatch,
    /// Strategy of plays that name none.
    pub strategy: String,
    /// When facts are gathered.
    pub gathering: Gathering,
    /// Subsets gathered by plays that name none.
    pub gather_subset: Vec<String>,
    /// Whether a missing handler is an error.
    pub missing_handler_is_error: bool,
    /// `any_errors_fatal` of plays that say nothing.
    pub any_errors_fatal: bool,
    /// How hosts are reached when nothing nearer says so.
    pub reach: ReachOptions,
    /// Seconds between questions for an `async` task that does not say.
    pub poll_interval: u32,
    /// Tasks are announced with their arguments (`display_args_to_stdout`).
    pub shows_arguments: bool,
    /// Where retry files go, if there are to be any.
    pub retry_files: Option<RetryFiles>,
    /// Tell what goes on inside as well (`ANSIBLE_DEBUG`).
    pub debug: bool,
    /// When the task debugger opens.
    pub debugger: DebuggerOptions,
    /// Whether `group_vars` and `host_vars` beside playbooks count (there is none beside a single task).
    pub reads_beside_playbooks: bool,
    /// When tasks are sent ahead.
    pub sends_ahead: SendsAhead,
    /// Seconds that a task may take when it does not say; 0: any.
    pub task_timeout: u32,
    /// Whether a rescue takes care of hosts that cannot be reached, where no variable says so.
    pub rescue_unreachable: bool,
}

/// `gathering` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gathering {
    /// Unless a play says no.
    #[default]
    Implicit,
    /// Only where a play says so.
    Explicit,
    /// Unless a play says no, or the facts are known.
    Smart,
}

/// When tasks that need nothing of each other are sent to their host together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SendsAhead {
    /// To hosts over a network.
    #[default]
    Remote,
    /// With `connection: local`, too.
    Always,
    /// Each in its turn.
    Never,
}

/// How hosts are reached when neither variables nor keywords say so.
#[derive(Debug, Clone, Default)]
pub struct ReachOptions {
    /// `-c`.
    pub connection: Option<String>,
    /// `-u`.
    pub user: Option<String>,
    /// `--private-key`.
    pub private_key: Option<String>,
    /// `-T`, seconds.
    pub timeout: Option<u64>,
    /// `-k`: the login password.
    pub password: Option<String>,
    /// `-b`.
    pub become_root: bool,
    /// `--become-user`.
    pub become_user: Option<String>,
    /// `--become-method`.
    pub become_method: Option<String>,
    /// `-K`: the become password.
    pub become_password: Option<String>,
    /// `--ssh-common-args`, `--ssh-extra-args` and `ssh_args`, in that order of strength.
    pub ssh_args: [Option<String>; 3],
    /// `host_key_checking`.
    pub host_key_checking: bool,
    /// `ssh_retries`: how often a host that does not answer is tried again.
    pub ssh_retries: u32,
    /// `become_flags` and `become_exe` of the configuration.
    pub become_flags: Option<String>,
    /// The program that becomes another user.
    pub become_exe: Option<String>,
    /// Seconds that becoming another user may take.
    pub become_within: u32,
    /// How `su` asks for a password, where that is said.
    pub su_prompts: Vec<String>,
}

/// Reads the inventory's sources.
pub type ReadInventory = Box<dyn Fn() -> Result<(Inventory, Diagnostics), Diagnostics> + Send + Sync>;

/// Everything that the tasks of a run share.
pub struct Run {
    /// Hosts and variables.
    pub fleet: Arc<Fleet>,
    /// Files.
    pub loader: Arc<Loader>,
    /// Connections.
    pub pool: Arc<Pool>,
    /// Actions of the controller.
    pub actions: Actions,
    /// Where events go.
    pub sink: Sink,
    /// Who answers questions.
    pub ask: Arc<dyn Ask>,
    /// Reads the inventory anew (`meta: refresh_inventory`).
    pub inventory: ReadInventory,
    /// Who we are to SSH, and `ssh_config`.
    pub ssh: Arc<SshContext>,
    /// Raised by Ctrl-C.
    pub interrupt: Interrupt,
    /// Options.
    pub options: Options,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Run {
    /// Tells those who look for mistakes in the program.
    pub(crate) fn debug(&self, text: impl FnOnce() -> String) {
        if self.options.debug {
            self.sink.send(Event::Verbose(Verbose { level: 0, host: None, text: text() }));
        }
    }

    /// Tells the user something beside any result.
    pub(crate) fn warn(&self, message: impl Into<String>) {
        self.sink.send(Event::Notice(Notice::warning(message)));
    }
}
