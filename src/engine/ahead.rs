//! Tasks that are sent ahead: those that need nothing of each other go to their host as one batch, one round trip for all.
//!
//! Only where no other host has to wait in between: with a strategy that lets hosts go on by themselves, or with one host.
//! The dispatcher goes on as ever, task by task; where one was sent ahead, its answer is there already, or on its way.
//!
//! What comes of it is what would have come of the tasks one by one:
//! - **Prepared as in its turn.** A task is rendered ahead under watch (`shevek_template::watch`): where it looks at what a
//!   task in front of it may still change (a registered result, a fact), the clock, a program, or, on this machine, files, it
//!   is not sent. Nor is one that does more than to ask its host once ([`Asks`]), or waits for something ([`is_plain`]).
//! - **Stopped by the first failure.** The host leaves undone what is behind a task that fails. So a task of which the
//!   controller has to judge whether it failed, or what follows, is the last of its batch ([`is_predictable`]).
//! - **Told in its turn.** What preparing a task would tell is held back until then; results are settled one by one.
//! - **Done once.** Where a host is lost sight of, what was sent behind the task that was waited for may have been done: that is
//!   told with what came of that task, and such a task is not sent again ([`Fate::Unknown`]).
//!
//! Start reading at [`Batch::followers`] (which tasks may be sent ahead) and [`execute`] (one task, and sending them).

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use shevek_actions::{Action, Asked, Asks, Ends, Fate, Lane, send_all};
use shevek_connection::TransportKind;
use shevek_diag::Diagnostic;
use shevek_event::{Event, held};
use shevek_inventory::HostId;
use shevek_playbook::{Target, Task, TaskId};
use shevek_template::watch::{self, Unsettled};
use shevek_value::{Kind, Value};
use shevek_vars::HostScope;
use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::cursor::Step;
use crate::done::Done;
use crate::job::Job;
use crate::policy::Policy;
use crate::{Run, SendsAhead, vars_files};

/// Something that is being done, and may wait for answers of a host.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Goes on with something as far as it comes without waiting.
pub(crate) fn go_on<T>(doing: &mut Doing<'_, T>) -> Option<T> {
    // What it waits for is told by its lane: nobody needs to be woken, nor to make room for others.
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::pin!(tokio::task::unconstrained(doing.as_mut())).as_mut().poll(&mut context) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// How many tasks are sent ahead together at most, and how many bytes.
const MOST_TASKS: usize = 64;
const MOST_BYTES: usize = 1 << 20;

/// A task that was prepared ahead.
pub(crate) struct Sent {
    task: TaskId,
    job: Arc<Job>,
    stage: Stage,
    /// What preparing it would have told.
    held: Vec<Event>,
}

enum Stage {
    /// It was sent; what becomes of it is told.
    Asked { doing: Doing<'static, Done>, fate: oneshot::Receiver<Fate> },
    /// The host has begun it.
    Begun(Doing<'static, Done>),
    /// The host may have done it.
    Unsure,
    /// It needed no host.
    Over(Box<Done>),
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent").field("task", &self.task).finish_non_exhaustive()
    }
}

impl Sent {
    /// Waits until the host has begun it, or may have; false: it never will, or had no need to.
    pub(crate) async fn has_begun(&mut self) -> bool {
        let fate = match &mut self.stage {
            Stage::Over(_) => return false,
            Stage::Begun(_) | Stage::Unsure => return true,
            Stage::Asked { fate, .. } => fate.await,
        };
        let Ok(fate) = fate else { return false };
        if let Stage::Asked { doing, .. } = std::mem::replace(&mut self.stage, Stage::Unsure)
            && fate == Fate::Begun
        {
            self.stage = Stage::Begun(doing);
        }
        true
    }

    /// Whether the host may have done it, while no answer will come.
    fn may_be_done(&mut self) -> bool {
        match &mut self.stage {
            Stage::Unsure => true,
            Stage::Asked { fate, .. } => fate.try_recv() == Ok(Fate::Unknown),
            Stage::Begun(_) | Stage::Over(_) => false,
        }
    }

    /// Whether the host may have begun it, or may yet.
    fn is_open(&mut self) -> bool {
        match &mut self.stage {
            Stage::Over(_) => false,
            Stage::Begun(_) | Stage::Unsure => true,
            Stage::Asked { fate, .. } => fate.try_recv() != Err(oneshot::error::TryRecvError::Closed),
        }
    }

    /// Its result, now that it has its turn; `None`: the host has left it undone.
    async fn finish(mut self, job: &Job) -> Option<Done> {
        let started = Instant::now();
        let is_over = matches!(self.stage, Stage::Over(_));
        if !is_over && !self.has_begun().await {
            return None;
        }
        self.job.event.store(job.event().0, Ordering::Relaxed);
        for mut event in self.held {
            if let Event::ItemDone(result) = &mut event {
                result.task = job.event();
            }
            job.run.sink.send(event);
        }
        match self.stage {
            Stage::Over(done) => Some(*done),
            Stage::Unsure => Some(unsure(job)),
            Stage::Asked { doing, .. } | Stage::Begun(doing) => {
                let done = doing.await;
                Some(Done { seconds: started.elapsed().as_secs_f64(), ..done })
            }
        }
    }
}

/// What comes with a task when it has its turn.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// The task itself, if it was sent ahead.
    sent: Option<Sent>,
    /// Tasks that may be sent with it.
    followers: Vec<Follower>,
    /// It was sent ahead, and may have been done.
    is_unsure: bool,
}

struct Follower {
    job: Job,
    /// Whether more may be sent behind it.
    is_predictable: bool,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("task", &self.job.task.id).finish_non_exhaustive()
    }
}

/// Does a task in its turn; `None`: the run was interrupted before it was begun. With its result come the tasks that were
/// sent with it, if they replace those sent before.
pub(crate) async fn execute(job: &Job, ahead: Ahead) -> Option<(Done, Option<VecDeque<Sent>>)> {
    let is_interrupted = || job.run.interrupt.is_raised();
    if let Some(mut sent) = ahead.sent {
        if is_interrupted() && !sent.has_begun().await {
            return None;
        }
        job.announce();
        return match sent.finish(job).await {
            Some(done) => Some((done, None)),
            None if is_interrupted() => None,
            None => Some((job.perform().await, Some(VecDeque::new()))),
        };
    }
    if is_interrupted() {
        return None;
    }
    job.announce();
    if ahead.is_unsure {
        return Some((unsure(job), None));
    }
    if ahead.followers.is_empty() {
        return Some((job.perform().await, None));
    }
    let lane = Lane::default();
    let own = job.in_lane(&lane);
    let mut doing: Doing<'_, Done> = Box::pin(own.perform());
    if let Some(done) = go_on(&mut doing) {
        return Some((done, None));
    }
    let sent = lane.take().map(|asked| send(job, asked, ahead.followers));
    Some((doing.await, sent))
}

/// What comes of a task that the host may have done already when it was sent ahead: it must not be done twice.
fn unsure(job: &Job) -> Done {
    let error = Diagnostic::new("the answer of a task that was sent ahead was lost")
        .detail("it may or may not have been done, and is not sent again")
        .or_at(job.task.origin.as_ref());
    let scope = HostScope::new(&job.run.fleet, &job.play, job.host, Some(&job.task));
    let mut done = Done::failure(job.host, &error);
    done.items.iter_mut().for_each(|item| item.policy = Policy::read(&job.task, &scope).0);
    done
}

/// Sends what a task asks of its host, and with it the tasks behind it that can be prepared now.
fn send(job: &Job, first: Asked, followers: Vec<Follower>) -> VecDeque<Sent> {
    let is_here = matches!(first.host.target.kind, TransportKind::Local(_));
    let sends = match job.run.options.sends_ahead {
        SendsAhead::Remote => !is_here,
        SendsAhead::Always => true,
        SendsAhead::Never => false,
    };
    let mut sent = VecDeque::new();
    let mut unsettled = Unsettled { files: is_here, ..Unsettled::default() };
    unsettled.names.extend(job.task.register.as_deref().map(str::to_owned));
    let mut bytes = first.weight();
    let mut goes_on = sends && !returns_facts(&first);
    let mut all = vec![first];
    for follower in followers {
        if !goes_on || bytes > MOST_BYTES || (is_here && reads_files(&job.run, &follower.job.task)) {
            break;
        }
        let task = follower.job.task.clone();
        let lane = Lane::default();
        let job = Arc::new(follower.job.in_lane(&lane));
        let mut doing: Doing<'static, Done> = Box::pin({
            let job = job.clone();
            async move { job.perform().await }
        });
        let (prepared, held) = held(|| watch::ahead(&unsettled, || go_on(&mut doing)));
        let stage = match (prepared, lane.take()) {
            // It looked at what is not settled.
            (None, _) => break,
            (Some(Some(done)), _) => {
                let outcome = done.combined();
                if outcome.failed
                    || outcome.unreachable
                    || done.items.iter().any(|item| item.include.is_some())
                {
                    break;
                }
                let facts = done.items.iter().flat_map(|item| item.outcome.facts.keys().map(Value::text));
                unsettled.names.extend(facts);
                // Which variables the next task has may depend on these.
                goes_on = done.items.iter().all(|item| item.outcome.facts.is_empty())
                    || !vars_files::differ(&job.play.play);
                unsettled.names.extend(done.items.iter().flat_map(|item| item.unsettled.iter().cloned()));
                Stage::Over(Box::new(done))
            }
            (Some(None), Some(mut asked)) if all.iter().all(|one| one.goes_with(&asked)) => {
                goes_on = !returns_facts(&asked);
                bytes += asked.weight();
                let fate = asked.fate();
                all.push(asked);
                Stage::Asked { doing, fate }
            }
            (Some(None), _) => break,
        };
        goes_on &= follower.is_predictable;
        unsettled.names.extend(task.register.as_deref().map(str::to_owned));
        sent.push_back(Sent { task: task.id, job, stage, held });
    }
    let (interrupt, end) = (job.run.interrupt.clone(), job.run.interrupt.clone());
    let halted = async move { interrupt.raised().await };
    let given_up = async move { end.given_up().await };
    tokio::spawn(send_all(all, Ends { halted, given_up }));
    sent
}

/// Whether a module that is asked for tells facts.
pub(crate) fn returns_facts(asked: &Asked) -> bool {
    asked.modules().any(shevek_modules::returns_facts)
}

/// Whether an action, or a module of the user's, takes files of this machine along.
fn reads_files(run: &Run, task: &Task) -> bool {
    match &task.action.target {
        Target::Foreign(_) => true,
        _ => asks(run, task) == Asks::Once && run.actions.find(&task.action.resolved).is_some(),
    }
}

/// What a task asks of its host.
fn asks(run: &Run, task: &Task) -> Asks {
    match task.action.target {
        Target::Module | Target::Foreign(_) => Asks::Once,
        Target::Controller => run.actions.find(&task.action.resolved).map_or(Asks::Freely, Action::asks),
        Target::Unsupported | Target::Template => Asks::Freely,
    }
}

/// Whether a task only asks its host: it waits for nothing, concerns no other host, and does not differ from turn to turn.
fn is_plain(run: &Run, task: &Task) -> bool {
    let keywords = &task.keywords;
    let not_plain = [
        &keywords.delegate_to,
        &keywords.run_once,
        &keywords.throttle,
        &keywords.debugger,
        &keywords.ignore_unreachable,
        &task.retries,
        &task.async_,
        &task.loop_control.pause,
    ];
    task.meta().is_none()
        && asks(run, task) != Asks::Freely
        && not_plain.iter().all(|written| written.is_none())
        && task.until.is_empty()
        && task.loop_control.break_when.is_empty()
}

/// Whether what comes of a task on its host is what comes of it: the controller has nothing to say that could fail.
fn is_predictable(batch: &Batch<'_>, task: &Task, in_handlers: bool) -> bool {
    let is_literal = |condition: &Value| match condition.kind() {
        Kind::Bool(_) => true,
        Kind::Str(text) => matches!(text.trim(), "true" | "false" | "True" | "False"),
        _ => false,
    };
    let never_fails = |condition: &Value| {
        is_literal(condition)
            && condition.as_bool().is_none_or(|fails| !fails)
            && !condition.text().eq_ignore_ascii_case("true")
    };
    let notifies = match &task.keywords.notify {
        None => true,
        // Handlers that are notified by others are run at once.
        Some(_) if in_handlers => false,
        Some(written) => match written.as_list() {
            Some(names) => names.iter().all(|name| batch.surely_has_handler(name)),
            None => batch.surely_has_handler(written),
        },
    };
    task.changed_when.iter().all(is_literal) && task.failed_when.iter().all(never_fails) && notifies
}

impl Batch<'_> {
    /// Whether there is a handler of that name, whatever the host.
    fn surely_has_handler(&self, name: &Value) -> bool {
        if name.is_template() {
            return false;
        }
        let name = name.text();
        let is_named = |handler: &Task| {
            let own = handler.name.as_ref().filter(|own| !own.is_template());
            own.is_some_and(|own| own.text() == name) || handler.listen.iter().any(|topic| **topic == *name)
        };
        self.handlers.iter().flat_map(|list| list.iter()).any(|handler| is_named(handler))
    }

    /// Whether tasks may be sent ahead at all.
    fn sends_ahead(&self) -> bool {
        let options = &self.run.options;
        (self.is_free || self.hosts.len() == 1)
            && options.sends_ahead != SendsAhead::Never
            && !options.step
            && options.start_at.is_none()
            && !self.debugger.enabled
    }

    /// What was sent ahead of a task that has its turn, or else what may be sent with it.
    pub(crate) fn ahead(&mut self, step: &Step, host: HostId) -> Ahead {
        let Some(state) = self.hosts.get_mut(&host) else { return Ahead::default() };
        if state.unsure.remove(&step.task.id) {
            return Ahead { is_unsure: true, ..Ahead::default() };
        }
        if let Some(sent) = state.sent.pop_front_if(|sent| sent.task == step.task.id) {
            return Ahead { sent: Some(sent), ..Ahead::default() };
        }
        // Another host may have failed this one, and sent it to its rescue.
        self.give_up_sent_to(host);
        Ahead { followers: self.followers(step, host), ..Ahead::default() }
    }

    /// Takes what was sent with a task; what is behind one that failed was left undone, as far as is known.
    pub(crate) fn keep_sent(&mut self, job: &Job, done: &mut Done, sent: Option<VecDeque<Sent>>) {
        let Some(state) = self.hosts.get_mut(&done.host) else { return };
        if let Some(sent) = sent {
            state.sent = sent;
        }
        let outcome = done.combined();
        if !outcome.failed && !outcome.unreachable {
            return;
        }
        let unsure = state.sent.drain(..).filter_map(|mut sent| sent.may_be_done().then_some(sent.job));
        let unsure: Vec<Arc<Job>> = unsure.collect();
        state.unsure.extend(unsure.iter().map(|job| job.task.id));
        if unsure.is_empty() {
            return;
        }
        let titles: Vec<String> = unsure.iter().map(|job| self.rendered_title(&job.task, job.host)).collect();
        let number = match titles.len() {
            1 => "1 more task was".to_owned(),
            more => format!("{more} more tasks were"),
        };
        let text = format!("{number} sent with it and may have been done: {}", titles.join(", "));
        // The items of a loop have been told already, and of a secret task nothing is shown.
        if done.is_loop || done.policy().no_log {
            let (host, title) = (self.name(done.host), self.rendered_title(&job.task, done.host));
            self.run.warn(format!("{host} was lost sight of in the task '{title}': {text}"));
        }
        done.add_to_message(&text);
    }

    /// What was sent to hosts ahead, and has no turn any more since the play ends: what is not begun is left undone, and what
    /// may have been done is told.
    pub(crate) fn give_up_sent(&mut self) {
        for host in self.hosts.keys().copied().collect::<Vec<_>>() {
            self.give_up_sent_to(host);
        }
    }

    fn give_up_sent_to(&mut self, host: HostId) {
        let Some(state) = self.hosts.get_mut(&host) else { return };
        let open = state.sent.drain(..).filter_map(|mut sent| sent.is_open().then_some(sent.job));
        let open: Vec<Arc<Job>> = open.collect();
        if open.is_empty() {
            return;
        }
        let titles: Vec<String> = open.iter().map(|job| self.rendered_title(&job.task, host)).collect();
        let (name, titles) = (self.name(host), titles.join(", "));
        self.run.warn(format!("{name}: tasks were sent ahead and may have been done: {titles}"));
    }

    /// Whether a host is doing its next task already, which therefore has to be told of even after an interrupt.
    pub(crate) async fn is_under_way(&mut self, host: HostId) -> bool {
        let Some(state) = self.hosts.get_mut(&host) else { return false };
        match state.sent.front_mut() {
            Some(next) => next.has_begun().await,
            None => false,
        }
    }

    /// The tasks behind one that come next for its host if nothing fails, up to the first that cannot be sent ahead.
    fn followers(&self, step: &Step, host: HostId) -> Vec<Follower> {
        let mut followers = Vec::new();
        let Some(state) = self.hosts.get(&host).filter(|_| self.sends_ahead()) else { return followers };
        let mut cursor = state.cursor.clone();
        let mut goes_on = is_plain(&self.run, &step.task)
            && asks(&self.run, &step.task) == Asks::Once
            && is_predictable(self, &step.task, cursor.in_handlers());
        let mut notifies = step.task.keywords.notify.is_some() || !state.notified.is_empty();
        let mut roles_over: HashSet<Arc<str>> = HashSet::new();
        while goes_on && followers.len() < MOST_TASKS {
            let Some(next) = cursor.peek() else { break };
            let task = &next.task;
            let in_handlers = cursor.in_handlers();
            match task.meta() {
                Some("flush_handlers") if task.is_implicit && !notifies && !cursor.has_notified() => {}
                Some("role_complete") => roles_over.extend(task.role.iter().map(|role| role.key.clone())),
                Some(_) => break,
                None => {
                    let role = task.role.as_ref().filter(|role| !in_handlers && !role.meta.allow_duplicates);
                    if role.is_some_and(|role| roles_over.contains(&role.key))
                        || state.unsure.contains(&task.id)
                    {
                        break;
                    }
                    let is_done = role.is_some_and(|role| state.roles_done.contains(&role.key));
                    if !is_done {
                        if !is_plain(&self.run, task) {
                            break;
                        }
                        notifies |= task.keywords.notify.is_some();
                        let is_predictable = is_predictable(self, task, in_handlers);
                        goes_on = is_predictable;
                        followers.push(Follower { job: self.job(&next, host), is_predictable });
                    }
                }
            }
            cursor.take();
        }
        followers
    }
}
