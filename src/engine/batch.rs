//! The dispatcher: one batch of a play's hosts, from the first task to the last.
//!
//! It owns what changes while the play runs (where each host stands, counts, handlers) and puts everything in order;
//! jobs only report to it. Start reading at [`Batch::run`].

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use indexmap::{IndexMap, IndexSet};
use shevek_actions::Action;
use shevek_diag::{Kind, Result};
use shevek_event::{Event, Interrupted, Left, PlayId, TaskId as EventTask, TaskKind, TaskStarted, Verbose};
use shevek_inventory::HostId;
use shevek_playbook::{HandlerList, Item, Task, TaskId};
use shevek_value::{Map, Value};
use shevek_vars::{HostScope, PlayScope};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::ahead::{self, Ahead, Sent};
use crate::cursor::{Cursor, Place, Step};
use crate::debugger::DebuggerOptions;
use crate::done::Done;
use crate::job::{Job, next_number};
use crate::play::GATHERS;
use crate::select::Selection;
use crate::stats::Stats;
use crate::strategy::Strategy;
use crate::turn::Turn;
use crate::vars_files::{self, VarsFiles};
use crate::{Gathering, Run, heading, keyword, unknown};

/// How long the line under a question of `--step` is.
const LINE: usize = 79;

/// Where one host stands.
#[derive(Debug)]
pub(crate) struct HostState {
    pub(crate) cursor: Cursor,
    /// It cannot be reached.
    pub(crate) lost: bool,
    /// A job of it is running.
    pub(crate) busy: bool,
    /// Its next tasks, as far as they were sent to it already.
    pub(crate) sent: VecDeque<Sent>,
    /// Tasks that were sent to it and may have been done, of which no answer has come.
    pub(crate) unsure: HashSet<TaskId>,
    /// Names notified since the last flush, in order.
    pub(crate) notified: IndexSet<String>,
    /// Roles of which a task has run.
    pub(crate) roles_begun: HashSet<Arc<str>>,
    /// Roles that have come to their end.
    pub(crate) roles_done: HashSet<Arc<str>>,
    /// Whether `--start-at-task` has come to its task.
    pub(crate) started: bool,
}

impl HostState {
    /// Whether nothing more is to be done for it.
    pub(crate) fn is_out(&self) -> bool {
        self.lost
    }
}

/// One batch of a play.
pub(crate) struct Batch<'a> {
    pub(crate) run: Arc<Run>,
    pub(crate) play: Arc<PlayScope>,
    pub(crate) play_id: PlayId,
    pub(crate) hosts: IndexMap<HostId, HostState>,
    pub(crate) handlers: Vec<HandlerList>,
    /// Handlers whose names could not be rendered, of which the user was told.
    pub(crate) unusable: HashSet<TaskId>,
    pub(crate) stats: &'a mut Stats,
    pub(crate) selection: Arc<Selection>,
    pub(crate) next_event: &'a mut u64,
    /// The task under way, as events know it.
    pub(crate) event: EventTask,
    pub(crate) max_fail_percentage: Option<f64>,
    /// `meta: end_play` was met.
    pub(crate) ends_play: bool,
    /// Whether the fault is one of the content, which has an exit code of its own.
    pub(crate) parse_fault: bool,
    /// Tasks some of whose includes could not be read.
    pub(crate) failed_include: HashSet<(EventTask, HostId)>,
    /// A fault that ends the whole run.
    pub(crate) fault: Option<Box<shevek_diag::Diagnostic>>,
    pub(crate) place: Place,
    pub(crate) forks: Arc<Semaphore>,
    pub(crate) stopping: bool,
    /// Hosts go on by themselves.
    pub(crate) is_free: bool,
    /// When the debugger opens.
    pub(crate) debugger: DebuggerOptions,
    /// Whether other hosts may be in the play than those that were told last.
    pub(crate) alive_may_differ: bool,
    /// The play's `vars_files`, which may be others when facts are.
    pub(crate) vars_files: &'a mut VarsFiles,
    /// What hosts stood at, and had not begun, when the run was interrupted.
    pub(crate) not_begun: HashMap<HostId, String>,
}

impl Batch<'_> {
    /// Runs the batch to its end.
    pub(crate) async fn run(&mut self, strategy: Strategy) -> Result<()> {
        self.tell_alive();
        match strategy {
            Strategy::Linear | Strategy::Debug => self.run_linear().await,
            Strategy::Free => self.run_free(usize::MAX).await,
            Strategy::HostPinned => self.run_free(self.run.options.forks.max(1)).await,
        }
        self.give_up_sent();
        if self.is_interrupted() {
            self.tell_interrupted();
        }
        let kind = if self.parse_fault { Kind::Content } else { Kind::Machine };
        self.fault.take().map_or(Ok(()), |fault| match fault.kind {
            Kind::Content => Err(fault.kind(kind)),
            _ => Err(fault),
        })
    }

    /// All hosts do a task, then all the next.
    async fn run_linear(&mut self) {
        while let Some((step, hosts)) = self.next_round() {
            if self.fault.is_some() {
                return;
            }
            if self.is_interrupted() {
                match hosts.first() {
                    Some(host) if self.is_under_way(*host).await => {}
                    _ => return,
                }
            }
            for host in &hosts {
                if let Some(state) = self.hosts.get_mut(host) {
                    state.cursor.take();
                }
            }
            if let Some(word) = step.task.meta().map(str::to_owned) {
                self.meta(&step, &word, &hosts).await;
                self.tell_alive();
                continue;
            }
            if !self.may_step(&step, None) {
                self.put_off(&step, &hosts);
                continue;
            }
            if !self.read_beside(&step.task, &hosts) {
                return;
            }
            let Some((workers, (once, for_all))) = self.workers(&step.task, &hosts) else { return };
            self.tell_task(&step, workers.first().copied());
            let throttle = workers.first().and_then(|host| self.throttle(&step.task, *host));
            if self.fault.is_some() {
                return;
            }
            let everyone = for_all.then(|| self.everyone());
            let results = self.work(&step, &workers, everyone.as_deref(), throttle).await;
            self.include(&step, &results);
            self.spread_failure(once, &results);
            self.tell_alive();
        }
    }

    /// The next task of the play that some host stands at, with those hosts.
    fn next_round(&mut self) -> Option<(Step, Vec<HostId>)> {
        let ids: Vec<HostId> = self.hosts.keys().copied().collect();
        let mut steps: Vec<(HostId, Step)> = Vec::with_capacity(ids.len());
        for host in ids {
            if let Some(step) = self.next_step(host) {
                steps.push((host, step));
            }
        }
        // The first place behind the current one; when there is none (a rescue, a restart), the first of all.
        let ahead = steps.iter().map(|(_, step)| &step.place).filter(|place| **place > self.place).min();
        let place = ahead.or_else(|| steps.iter().map(|(_, step)| &step.place).min())?.clone();
        let hosts = steps.iter().filter(|(_, step)| step.place == place).map(|(host, _)| *host).collect();
        let step = steps.into_iter().find(|(_, step)| step.place == place).map(|(_, step)| step)?;
        self.place = place;
        Some((step, hosts))
    }

    /// A host's next task, past those that it need not do.
    pub(crate) fn next_step(&mut self, host: HostId) -> Option<Step> {
        let start_at = self.run.options.start_at.clone();
        let state = self.hosts.get_mut(&host)?;
        if state.lost {
            return None;
        }
        loop {
            let step = state.cursor.peek()?;
            let task = &step.task;
            let nothing_to_flush = task.is_implicit
                && task.meta() == Some("flush_handlers")
                && state.notified.is_empty()
                && !state.cursor.has_notified();
            // A handler of a role runs after the role is done: that is what it is for.
            let role_is_done = !state.cursor.in_handlers()
                && task
                    .role
                    .as_ref()
                    .is_some_and(|role| !role.meta.allow_duplicates && state.roles_done.contains(&role.key));
            let not_yet = !state.started
                && start_at.as_ref().is_some_and(|wanted| !Selection::is_start(task, wanted))
                && &*task.action.resolved != "gather_facts";
            // Where facts are gathered only once, nothing is told of a host whose facts are there.
            let is_known = task.id == GATHERS
                && self.run.options.gathering == Gathering::Smart
                && self.run.fleet.memory(host).facts().all().get("module_setup").is_some_and(Value::is_true);
            if !(nothing_to_flush || role_is_done || not_yet || is_known) {
                if &*task.action.resolved != "gather_facts" {
                    state.started = true;
                }
                return Some(step);
            }
            if nothing_to_flush {
                let name = self.run.fleet.host_name(host);
                self.run.debug(|| format!("No handler notifications for {name}, skipping."));
            }
            state.cursor.take();
        }
    }

    /// Hosts go on by themselves, each to its next task as soon as it is done with one; `at_once` of them are on their
    /// way at the same time.
    async fn run_free(&mut self, at_once: usize) {
        if self.max_fail_percentage.is_some() {
            self.run.warn(
                "Using max_fail_percentage with the free strategy is not supported, as tasks are executed \
                 independently on each host",
            );
        }
        let mut jobs: JoinSet<(Step, bool, EventTask, Job, Option<Worked>)> = JoinSet::new();
        let mut metas: VecDeque<(HostId, Step)> = VecDeque::new();
        let mut throttles: HashMap<TaskId, Option<Arc<Semaphore>>> = HashMap::new();
        let mut waiting: VecDeque<HostId> = self.hosts.keys().copied().collect();
        let mut idle: VecDeque<HostId> = waiting.drain(..at_once.min(waiting.len())).collect();
        loop {
            while let Some(host) = idle.pop_front() {
                if self.fault.is_some() {
                    break;
                }
                if self.is_interrupted() && !self.is_under_way(host).await {
                    continue;
                }
                let Some(step) = self.next_step(host) else {
                    idle.extend(waiting.pop_front());
                    continue;
                };
                if let Some(state) = self.hosts.get_mut(&host) {
                    state.cursor.take();
                }
                if step.task.meta().is_some() {
                    metas.push_back((host, step));
                    continue;
                }
                if !self.may_step(&step, Some(host)) {
                    self.put_off(&step, &[host]);
                    idle.push_back(host);
                    continue;
                }
                if !self.read_beside(&step.task, &[host]) {
                    break;
                }
                let Some((_, for_all)) = self.is_once(&step.task, host) else { break };
                if !self.suits_free(&step, host, for_all) {
                    break;
                }
                self.tell_task(&step, Some(host));
                let throttle = match throttles.get(&step.task.id) {
                    Some(throttle) => throttle.clone(),
                    None => self.throttle(&step.task, host),
                };
                if self.fault.is_some() {
                    break;
                }
                throttles.insert(step.task.id, throttle.clone());
                if let Some(state) = self.hosts.get_mut(&host) {
                    state.busy = true;
                }
                let (job, ahead) = (self.job(&step, host), self.ahead(&step, host));
                let (turn, event) = (Turn::ask(throttle, self.forks.clone()), self.event);
                jobs.spawn(async move {
                    let worked = in_turn(&job, ahead, turn).await;
                    (step, for_all, event, job, worked)
                });
            }
            if !metas.is_empty() {
                for (host, step) in std::mem::take(&mut metas) {
                    if let Some(word) = step.task.meta().map(str::to_owned) {
                        self.meta(&step, &word, &[host]).await;
                        self.tell_alive();
                        if word == "clear_host_errors" {
                            let revived = self.hosts.iter().filter(|(id, state)| !state.busy && **id != host);
                            idle.extend(revived.map(|(id, _)| *id).filter(|id| !waiting.contains(id)));
                        }
                    }
                    idle.push_back(host);
                }
                continue;
            }
            let Some(joined) = jobs.join_next().await else { return };
            let (step, for_all, event, job, worked) = match joined {
                Ok(joined) => joined,
                Err(error) => {
                    self.lost(&error);
                    continue;
                }
            };
            self.event = event;
            if let Some(state) = self.hosts.get_mut(&job.host) {
                state.busy = false;
            }
            let Some((mut done, sent)) = worked else {
                self.leave(&step, &job);
                continue;
            };
            self.keep_sent(&job, &mut done, sent);
            idle.push_back(done.host);
            let (job, done, shown) = self.debugged(job, done).await;
            let everyone = for_all.then(|| self.everyone());
            self.settle(&step, &job, &done, (everyone.as_deref(), shown));
            self.learn_elsewhere(&step.task, std::slice::from_ref(&done));
            self.include(&step, std::slice::from_ref(&done));
            self.tell_alive();
        }
    }

    /// Does a task on some hosts at once and settles each result as it comes.
    async fn work(
        &mut self,
        step: &Step,
        workers: &[HostId],
        everyone: Option<&[HostId]>,
        throttle: Option<Arc<Semaphore>>,
    ) -> Vec<Done> {
        let mut jobs = JoinSet::new();
        let mut waiting = workers.iter();
        let takes_turns = self.action(&step.task).is_some_and(Action::takes_turns);
        let mut may_begin = if takes_turns { 1 } else { workers.len() };
        let order: IndexMap<HostId, usize> = workers.iter().copied().zip(0..).collect();
        let place = |host: HostId| order.get(&host).copied();
        let mut results = Vec::with_capacity(workers.len());
        loop {
            for host in waiting.by_ref().take(may_begin) {
                let (job, ahead) = (self.job(step, *host), self.ahead(step, *host));
                let turn = Turn::ask(throttle.clone(), self.forks.clone());
                jobs.spawn(async move {
                    let worked = in_turn(&job, ahead, turn).await;
                    (job, worked)
                });
            }
            let Some(joined) = jobs.join_next().await else { break };
            // Those that are done at the same moment are told in the order of hosts.
            let mut ready: Vec<_> =
                std::iter::once(joined).chain(std::iter::from_fn(|| jobs.try_join_next())).collect();
            may_begin = ready.len();
            ready.sort_by_key(|joined| joined.as_ref().ok().and_then(|(job, _)| place(job.host)));
            for joined in ready {
                match joined {
                    Ok((job, None)) => self.leave(step, &job),
                    Ok((job, Some((mut done, sent)))) => {
                        self.keep_sent(&job, &mut done, sent);
                        let (job, done, shown) = self.debugged(job, done).await;
                        self.settle(step, &job, &done, (everyone, shown));
                        results.push(done);
                    }
                    Err(error) => self.lost(&error),
                }
            }
        }
        // Results came as hosts were done; what follows goes by the order of hosts.
        results.sort_by_key(|done: &Done| place(done.host));
        self.learn_elsewhere(&step.task, &results);
        results
    }

    /// A host on which nothing of the task was begun before the interrupt.
    fn leave(&mut self, step: &Step, job: &Job) {
        let title = self.rendered_title(&step.task, job.host);
        self.not_begun.insert(job.host, title);
    }

    /// A job that broke ends the run: nobody knows what it has done.
    fn lost(&mut self, error: &tokio::task::JoinError) {
        let bug = shevek_diag::Diagnostic::bug("a task ended without a result").detail(error.to_string());
        self.fault.get_or_insert(bug);
    }

    /// Reads the variables that the task sees by its own place (`PLAYBOOK_VARS_ROOT`), and by the facts of its hosts
    /// (`vars_files`); false: that ends the run.
    fn read_beside(&mut self, task: &Task, hosts: &[HostId]) -> bool {
        for host in hosts {
            let read = self.run.fleet.read_beside(*host, task);
            let Some(read) = self.or_fault(read) else { return false };
            for layer in read.iter().flat_map(|layers| layers.iter()) {
                self.run.sink.masker().learn_all(&layer.variables);
            }
        }
        if vars_files::differ(&self.play.play) {
            for host in hosts {
                let renewed = self.vars_files.renew(&self.run, &self.play, *host);
                if self.or_fault(renewed).is_none() {
                    return false;
                }
            }
        }
        true
    }

    /// What holds a task to as many hosts at a time as it says.
    fn throttle(&mut self, task: &Arc<Task>, host: HostId) -> Option<Arc<Semaphore>> {
        let written = task.keywords.throttle.as_ref()?;
        let scope = HostScope::new(&self.run.fleet, &self.play, host, Some(task));
        let limit = self.or_fault(keyword::number(&scope, "throttle", Some(written)))??;
        let limit = limit.min(Semaphore::MAX_PERMITS as f64);
        (limit >= 1.0).then(|| Arc::new(Semaphore::new(limit as usize)))
    }

    /// A result, or `None` where it ends the run.
    fn or_fault<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.fault.get_or_insert(error)).ok()
    }

    pub(crate) fn job(&self, step: &Step, host: HostId) -> Job {
        Job {
            run: self.run.clone(),
            play: self.play.clone(),
            task: step.task.clone(),
            host,
            event: Arc::new(AtomicU64::new(self.event.0)),
            lane: None,
            original: step.task.clone(),
            overrides: Map::default(),
            number: next_number(),
        }
    }

    /// Whether a task runs once for all hosts, and whether its result is for all of them, too; `None`: that cannot be
    /// rendered, which ends the run.
    fn is_once(&mut self, task: &Arc<Task>, host: HostId) -> Option<(bool, bool)> {
        let by_itself = self.action(task).is_some_and(Action::is_once);
        let Some(written) = &task.keywords.run_once else { return Some((by_itself, false)) };
        let scope = HostScope::new(&self.run.fleet, &self.play, host, Some(task));
        let once = match keyword::flag(&scope, "run_once", Some(written)) {
            // What a check run cannot know is decided for each host.
            Err(error) if unknown::is_cause(&error) => false,
            once => self.or_fault(once)?.unwrap_or(false),
        };
        Some((by_itself || once, once))
    }

    /// The hosts that do a task: those up to the first one for which it runs once, which each is asked for where that is
    /// a template.
    fn workers(&mut self, task: &Arc<Task>, hosts: &[HostId]) -> Option<(Vec<HostId>, (bool, bool))> {
        let differs = task.keywords.run_once.as_ref().is_some_and(Value::is_template);
        for (at, host) in hosts.iter().enumerate() {
            let once = self.is_once(task, *host)?;
            if once.0 {
                return Some((hosts.get(..=at)?.to_vec(), once));
            }
            if !differs {
                break;
            }
        }
        Some((hosts.to_vec(), (false, false)))
    }

    fn action(&self, task: &Task) -> Option<&'static dyn Action> {
        self.run.actions.find(&task.action.resolved)
    }

    /// Warns of keywords that mean nothing where each host goes on by itself; false: the task cannot be done so.
    fn suits_free(&mut self, step: &Step, host: HostId, once: bool) -> bool {
        let task = &step.task;
        if self.action(task).is_some_and(Action::is_once) {
            let fault = shevek_diag::Diagnostic::new("a task for all hosts at once under strategy free")
                .detail(format!(
                    "The '{}' module bypasses the host loop, which is currently not supported in the free strategy \
                     and would instead execute for every host in the inventory list.",
                    task.action.name.text()
                ));
            self.fault.get_or_insert(fault.or_at(task.origin.as_ref()));
            return false;
        }
        if once {
            self.run.warn(
                "Using run_once with the free strategy is not currently supported. This task will still be \
                 executed for every host in the inventory list.",
            );
        }
        if task.keywords.any_errors_fatal.is_some() {
            let scope = HostScope::new(&self.run.fleet, &self.play, host, Some(task));
            let written = task.keywords.any_errors_fatal.as_ref();
            if keyword::flag(&scope, "any_errors_fatal", written).ok().flatten().unwrap_or(false) {
                self.run.warn(
                    "Using any_errors_fatal with the free strategy is not supported, as tasks are executed \
                     independently on each host",
                );
            }
        }
        true
    }

    /// Whom the result of a task with `run_once` is for: all hosts of the batch that can be reached, also those that
    /// did not stand at it.
    fn everyone(&self) -> Vec<HostId> {
        self.hosts.iter().filter(|(_, state)| !state.lost).map(|(host, _)| *host).collect()
    }

    /// With `--step`, asks whether to do a task.
    fn may_step(&mut self, step: &Step, host: Option<HostId>) -> bool {
        if !self.run.options.step || self.stopping {
            return true;
        }
        self.run.sink.flush();
        let title = if step.task.is_handler { "HANDLER" } else { "TASK" };
        let on = host.map_or_else(String::new, |host| format!("on {} ", self.name(host)));
        let text = format!("Perform task: {title}: {} {on}(N)o/(y)es/(c)ontinue: ", step.task.title());
        let stars = "*".repeat(LINE.saturating_sub(text.len()).max(3));
        let heading = format!("\n{text}{stars}");
        let question = shevek_event::Question { text, piped: true, ..Default::default() };
        let answer = self.run.ask.ask(&question).unwrap_or_default().to_lowercase();
        let heading = Verbose { level: 0, host: None, text: heading };
        self.run.sink.send(Event::Verbose(heading));
        match answer.as_str() {
            "y" | "yes" => true,
            "c" | "continue" => {
                self.stopping = true;
                true
            }
            _ => false,
        }
    }

    /// A handler that is declined stays notified, for the next flush.
    fn put_off(&mut self, step: &Step, hosts: &[HostId]) {
        for host in hosts.iter().filter(|_| step.task.is_handler) {
            if let Some(state) = self.hosts.get_mut(host) {
                state.cursor.notify(step.task.id);
            }
        }
    }

    /// Tells that a task begins; its name is rendered with the first host's variables.
    pub(crate) fn tell_task(&mut self, step: &Step, host: Option<HostId>) {
        *self.next_event += 1;
        self.event = EventTask(*self.next_event);
        let task = &step.task;
        let name = host.map_or_else(|| task.title(), |host| self.rendered_title(task, host));
        let is_include = matches!(&*task.action.resolved, "include_tasks" | "include_role");
        let event = TaskStarted {
            id: self.event,
            play: self.play_id,
            name,
            action: task.action.resolved.to_string(),
            role: task.role.as_ref().map(|role| role.full_name()),
            task_kind: if task.is_handler { TaskKind::Handler } else { TaskKind::Task },
            // As it is written: Ansible takes what is to be rendered for a yes here.
            check: (task.keywords.check_mode.as_ref())
                .map_or(self.run.options.check, |check| check.as_bool().unwrap_or(true)),
            is_loop: task.loop_.is_some(),
            is_include,
            arguments: self.shown_arguments(task),
            place: task.origin.as_ref().map(shevek_diag::Origin::place),
        };
        self.run.sink.send(Event::TaskStarted(Box::new(event)));
    }

    /// Its arguments as written, where the configuration asks for them.
    fn shown_arguments(&self, task: &Task) -> Option<Value> {
        let is_hidden =
            task.keywords.no_log.as_ref().is_some_and(|no_log| no_log.as_bool().is_none_or(|on| on));
        (self.run.options.shows_arguments && !is_hidden).then(|| {
            let free_form =
                task.action.free_form.iter().map(|text| (Value::str("_raw_params"), text.clone()));
            let named = task.action.args.iter().map(|(name, value)| (name.clone(), value.clone()));
            Value::map(free_form.chain(named).collect())
        })
    }

    /// The task's title with its name rendered, or as written where it can't be.
    pub(crate) fn rendered_title(&self, task: &Arc<Task>, host: HostId) -> String {
        let Some(name) = task.name.as_ref().filter(|name| name.is_template()) else { return task.title() };
        let scope = HostScope::new(&self.run.fleet, &self.play, host, Some(task));
        let name = match self.run.fleet.templar.render(name, &scope) {
            Ok(name) => name.text(),
            Err(_) => {
                let Some((name, warning)) = heading::patched(name, &scope) else { return task.title() };
                self.run.sink.send(Event::Notice((&*warning).into()));
                name
            }
        };
        match &task.role {
            Some(role) => format!("{} : {name}", role.full_name()),
            None => name,
        }
    }

    /// Notes which hosts are still in the play, where that may have changed.
    fn tell_alive(&mut self) {
        if !std::mem::take(&mut self.alive_may_differ) {
            return;
        }
        let out: HashSet<HostId> = self
            .hosts
            .iter()
            .filter(|(_, s)| s.lost || s.cursor.is_failed())
            .map(|(host, _)| *host)
            .collect();
        let is_in = |host: &HostId| {
            !out.contains(host) && !self.is_out_before(*host) && !self.play.is_over_for(*host)
        };
        self.play.set_alive(self.play.hosts.iter().copied().filter(is_in).collect());
    }

    /// A host has failed or was lost, or is back.
    pub(crate) fn forget_alive(&mut self) {
        self.alive_may_differ = true;
    }

    /// Whether an earlier batch or play lost the host.
    fn is_out_before(&self, host: HostId) -> bool {
        let name = self.name(host);
        !self.hosts.contains_key(&host)
            && (self.stats.failed.contains(&name) || self.stats.unreachable.contains_key(&name))
    }

    /// A host's name.
    pub(crate) fn name(&self, host: HostId) -> String {
        self.run.fleet.host_name(host).to_string()
    }

    /// The items that the tags select.
    pub(crate) fn selected(&self, items: Vec<Item>) -> Vec<Item> {
        let outside =
            self.hosts.keys().next().map(|host| HostScope::new(&self.run.fleet, &self.play, *host, None));
        self.selection.filter(items, &|tag| match &outside {
            Some(scope) => self.run.fleet.templar.render(tag, scope).unwrap_or_else(|_| tag.clone()),
            None => tag.clone(),
        })
    }

    /// Tells what an interrupt left undone: each host's next task, and its notified handlers.
    fn tell_interrupted(&mut self) {
        let mut interrupted = Interrupted { running: self.run.interrupt.stopped(), ..Interrupted::default() };
        let hosts: Vec<HostId> = self.hosts.keys().copied().collect();
        for host in hosts {
            let name = self.name(host);
            let left = |task: String| Left { host: name.clone(), task };
            let notified = self.hosts.get(&host).into_iter().flat_map(|state| &state.notified);
            interrupted.handlers.extend(notified.map(|handler| left(handler.clone())));
            if let Some(task) = self.not_begun.remove(&host) {
                interrupted.not_started.push(left(task));
            } else if let Some(step) = self.next_step(host).filter(|step| !step.task.is_implicit) {
                interrupted.not_started.push(left(self.rendered_title(&step.task, host)));
            }
        }
        self.run.sink.send(Event::Interrupted(interrupted));
    }

    fn is_interrupted(&self) -> bool {
        self.run.interrupt.is_raised()
    }
}

/// What came of a job, and what was sent along with it.
type Worked = (Done, Option<VecDeque<Sent>>);

/// Does a job as soon as there is room for it; `None`: the run was interrupted before there was.
async fn in_turn(job: &Job, ahead: Ahead, turn: Turn) -> Option<Worked> {
    let room = turn.come().await;
    let worked = ahead::execute(job, ahead).await;
    drop(room);
    worked
}
