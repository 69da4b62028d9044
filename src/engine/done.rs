//! What came of a task on a host.

use shevek_actions::Outcome;
use shevek_diag::Label;
use shevek_event::{
    Delegate, Diff, Excerpt, HostResult, ItemLabel, Masker, Notice, NoticeKind, Show, Status,
};
use shevek_inventory::HostId;
use shevek_playbook::{Target, Task};
use shevek_value::{Map, Value};
use shevek_vars::HostScope;

use crate::includes::IncludeRequest;
use crate::job::Job;
use crate::policy::Policy;
use crate::{keyword, looping, unknown};

/// From this many `-v` on results show the arguments of their modules.
pub(crate) const SHOWS_INVOCATION: u8 = 3;

/// One item of a loop, with the variables that it sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoopItem {
    pub(crate) index: usize,
    pub(crate) label: Option<Value>,
    pub(crate) value: Value,
    pub(crate) variables: Map,
}

/// What came of one item, or of a task without a loop.
#[derive(Debug, Clone, Default)]
pub(crate) struct ItemDone {
    pub(crate) outcome: Outcome,
    pub(crate) item: Option<LoopItem>,
    pub(crate) include: Option<IncludeRequest>,
    pub(crate) notify: Vec<String>,
    pub(crate) delegate: Option<(HostId, Delegate)>,
    pub(crate) notices: Vec<Notice>,
    /// A check run could not tell whether it would have run.
    pub(crate) undecided: bool,
    /// The arguments with all defaults, for the most verbose output.
    pub(crate) invocation: Option<Value>,
    /// How many attempts `until` took; 0 without it.
    pub(crate) attempts: u32,
    /// It failed before its action had its turn.
    pub(crate) early: bool,
    /// What the task's keywords say of it.
    pub(crate) policy: Policy,
    /// Variables that a check run does not know any more, since it could not tell whether or to what they are set.
    pub(crate) unsettled: Vec<String>,
    /// A check run does not know which variables come with it.
    pub(crate) leaves_open: bool,
}

/// What came of a task on a host: all its items.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) host: HostId,
    pub(crate) is_loop: bool,
    pub(crate) items: Vec<ItemDone>,
    pub(crate) seconds: f64,
}

impl ItemDone {
    pub(crate) fn status(&self) -> Status {
        status(&self.outcome, self.is_undecided())
    }

    /// The host could not tell, or the controller before it.
    fn is_undecided(&self) -> bool {
        self.undecided || (self.outcome.unknown && self.outcome.body.get("skip_reason").is_some())
    }

    /// The host whose facts these are, if it is not the task's own (`delegate_facts`).
    pub(crate) fn teaches(&self) -> Option<HostId> {
        self.delegate.as_ref().map(|(there, _)| *there).filter(|_| self.policy.delegate_facts)
    }

    /// The item's result with what the loop adds to it.
    pub(crate) fn value(&self, register: &str) -> Value {
        let value = unknown::registered(register, &self.outcome);
        let (Some(item), Some(map)) = (&self.item, value.as_map()) else { return value };
        let mut map = map.clone();
        if self.include.is_some() {
            map.retain(|key, _| key != "changed" && key != "failed");
        }
        map.extend(item.variables.iter().map(|(k, v)| (k.clone(), v.clone())));
        Value::map(map)
    }

    /// The same with its module's arguments, where these are wanted.
    fn with_invocation(&self) -> Value {
        let value = self.value("");
        match (&self.invocation, value.as_map()) {
            (Some(arguments), Some(map)) if !self.outcome.unreachable => {
                let mut map = map.clone();
                let invocation = Value::dict([("module_args", arguments.clone())]);
                map.insert(Value::str("invocation"), invocation);
                Value::map(map)
            }
            _ => value,
        }
    }

    /// The event that tells of it.
    pub(crate) fn event(&self, job: &Job) -> HostResult {
        let scope = HostScope::new(&job.run.fleet, &job.play, job.host, Some(&job.task));
        let label = self.item.as_ref().map(|item| {
            // It may tell of what came of the item.
            let result = item.label.as_ref().and(job.task.register.as_ref());
            let result = result.map(|name| (Value::str(name.clone()), self.value(name)));
            ItemLabel {
                index: u32::try_from(item.index).unwrap_or(u32::MAX),
                label: looping::label(&scope.with(result), item, job.run.sink.masker()),
            }
        });
        let scope = match &self.item {
            Some(item) => scope.with(item.variables.clone()),
            None => scope,
        };
        let base = base(
            job,
            &scope,
            (self.status(), self.policy),
            if job.run.fleet.options.verbosity >= SHOWS_INVOCATION {
                self.with_invocation()
            } else {
                self.value("")
            },
        );
        HostResult {
            show: if self.early { Show::Verbose } else { base.show },
            item: label,
            diffs: self.outcome.diff.iter().flat_map(Diff::read).collect(),
            notices: self.all_notices(&job.task, job.run.sink.masker()),
            attempts: self.attempts,
            delegate: self.delegate.as_ref().map(|(_, delegate)| delegate.clone()),
            ..base
        }
    }

    /// Warnings that came with it, and of a failure what went wrong in which task.
    fn all_notices(&self, task: &Task, masker: &Masker) -> Vec<Notice> {
        let warnings = self.outcome.warnings.iter().map(Notice::warning);
        let mut notices: Vec<Notice> = self.notices.iter().cloned().chain(warnings).collect();
        let is_told = notices.iter().any(|notice| notice.severity == NoticeKind::Error);
        if matches!(self.status(), Status::Failed | Status::Unreachable) && !is_told {
            let message = self.outcome.body.get("msg");
            let message = message.map(|message| masker.mask_value(message).text()).unwrap_or_default();
            let what = match (self.status(), &task.action.target) {
                (Status::Unreachable, _) => "Task failed",
                (_, Target::Module) => "Task failed: Module failed",
                // These hand all over to a module.
                _ if matches!(&*task.action.resolved, "service" | "package" | "gather_facts") => {
                    "Task failed: Module failed"
                }
                _ => "Task failed: Action failed",
            };
            // The time is the task's, whoever saw that it was over.
            let is_late = self.outcome.body.get("timedout").is_some();
            let text = if is_late {
                message
            } else if message.is_empty() {
                format!("{what}.")
            } else {
                format!("{what}: {message}")
            };
            let label = task.origin.clone().map(|origin| Label { origin, text: String::new() });
            let excerpts = label.iter().map(Excerpt::of).collect();
            notices.push(Notice { excerpts, ..Notice::error(text) });
        }
        notices
    }
}

impl Done {
    /// All items as one outcome.
    pub(crate) fn combined(&self) -> Outcome {
        if !self.is_loop {
            return self.items.first().map(|item| item.outcome.clone()).unwrap_or_default();
        }
        let any = |mark: fn(&Outcome) -> bool| self.items.iter().any(|item| mark(&item.outcome));
        let all_skipped = self.items.iter().all(|item| item.outcome.skipped);
        let results = Value::list(self.items.iter().map(ItemDone::with_invocation).collect());
        let mut outcome = Outcome {
            changed: any(|o| o.changed),
            failed: any(|o| o.failed),
            unreachable: any(|o| o.unreachable),
            skipped: all_skipped,
            unknown: any(|o| o.unknown),
            ..Outcome::default()
        };
        if self.items.is_empty() {
            outcome = outcome.with("skipped_reason", "No items in the list");
        } else {
            let message = match (outcome.failed, all_skipped) {
                (true, _) => "One or more items failed",
                (false, true) => "All items skipped",
                (false, false) => "All items completed",
            };
            outcome = outcome.with("msg", message);
        }
        outcome.with("results", results)
    }

    /// The result of a loop: it says whether all was skipped, and of failure only where there is one.
    fn loop_value(&self) -> Value {
        let combined = self.combined();
        let value = combined.to_value();
        let Some(map) = value.as_map().filter(|_| !self.items.is_empty() && !combined.unreachable) else {
            return value;
        };
        let mut map = map.clone();
        map.insert(Value::str("skipped"), combined.skipped.into());
        if !combined.failed {
            map.shift_remove("failed");
        }
        Value::map(map)
    }

    /// The result under its name.
    pub(crate) fn registered(&self, name: &str) -> Value {
        if !self.is_loop
            && let Some(item) = self.items.first()
        {
            let value = unknown::registered(name, &item.outcome);
            return match value.as_map().filter(|_| item.include.is_some()) {
                Some(map) => {
                    let mut map = map.clone();
                    map.shift_remove("failed");
                    Value::map(map)
                }
                None => value,
            };
        }
        self.loop_value()
    }

    /// Adds to the message of what went wrong.
    pub(crate) fn add_to_message(&mut self, text: &str) {
        let wrong = self.items.iter_mut().find(|item| item.outcome.failed || item.outcome.unreachable);
        if let Some(message) = wrong.and_then(|item| item.outcome.body.get_mut("msg")) {
            *message = format!("{}; {text}", message.text()).into();
        }
    }

    pub(crate) fn status(&self) -> Status {
        let undecided = self.items.iter().any(ItemDone::is_undecided);
        status(&self.combined(), undecided)
    }

    /// What the task's keywords say of the whole.
    pub(crate) fn policy(&self) -> Policy {
        match self.items.first() {
            Some(item) if !self.is_loop => item.policy,
            _ => Policy::of_loop(self.items.iter().map(|item| (item.policy, &item.outcome))),
        }
    }

    /// The event that tells of the whole.
    pub(crate) fn event(&self, job: &Job) -> HostResult {
        if !self.is_loop
            && let Some(item) = self.items.first()
        {
            return HostResult { seconds: self.seconds, item: None, ..item.event(job) };
        }
        let scope = HostScope::new(&job.run.fleet, &job.play, job.host, Some(&job.task));
        let delegate =
            self.items.first().and_then(|item| item.delegate.as_ref()).map(|(_, delegate)| delegate.clone());
        let base = base(job, &scope, (self.status(), self.policy()), self.loop_value());
        // What is to be read stands with the items.
        HostResult { seconds: self.seconds, delegate, show: Show::Verbose, ..base }
    }
}

/// Whether an `assert` is to be short.
fn is_quiet(job: &Job, scope: &HostScope) -> bool {
    keyword::flag(scope, "quiet", job.task.action.args.get("quiet")).ok().flatten().unwrap_or(false)
}

fn status(outcome: &Outcome, undecided: bool) -> Status {
    if outcome.unreachable {
        Status::Unreachable
    } else if outcome.failed {
        Status::Failed
    } else if outcome.skipped {
        if undecided { Status::Undecided } else { Status::Skipped }
    } else if outcome.changed {
        Status::Changed
    } else {
        Status::Ok
    }
}

fn base(job: &Job, scope: &HostScope, (status, policy): (Status, Policy), result: Value) -> HostResult {
    let ignored = match status {
        Status::Failed => policy.ignore_errors,
        Status::Unreachable => policy.ignore_unreachable,
        _ => false,
    };
    // Of variables from a vault nothing is shown, not even those that stand beside them in a plain file.
    let no_log = policy.no_log || (&*job.task.action.resolved == "include_vars" && result.is_secret());
    let show = match &*job.task.action.resolved {
        _ if no_log => Show::Verbose,
        "debug" => Show::Always,
        "assert" if !is_quiet(job, scope) => Show::Always,
        "setup" | "gather_facts" => Show::Never,
        _ => Show::Verbose,
    };
    HostResult {
        task: job.event(),
        host: job.run.fleet.host_name(job.host).to_string(),
        status,
        ignored,
        result,
        no_log,
        show,
        ..HostResult::default()
    }
}
