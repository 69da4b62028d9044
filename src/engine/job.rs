//! One task on one host, from its variables to its result.
//!
//! Start reading at [`Job::execute`]. A job changes nothing but the host: what is to be remembered of it goes back to
//! the dispatcher as a [`Done`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shevek_actions::{Action, Asks, Foreign, Host, Invocation, Lane, Outcome, Request, Told, of_condition};
use shevek_connection::Blobs;
use shevek_diag::{Diagnostic, Result};
use shevek_event::{Delegate, Event, HostResult, HostStarted, Left, Notice, Retry, TaskId as EventTask};
use shevek_inventory::HostId;
use shevek_playbook::{LoopKind, Target, Task};
use shevek_template::{Scope, Truth};
use shevek_value::{Map, Value};
use shevek_vars::{HostScope, PlayScope};

use crate::background::{self, Background};
use crate::done::{Done, ItemDone, LoopItem, SHOWS_INVOCATION};
use crate::includes::IncludeRequest;
use crate::policy::Policy;
use crate::{Run, arguments, keyword, looping, reach, span, unknown};

mod items;

/// One task on one host.
pub(crate) struct Job {
    pub(crate) run: Arc<Run>,
    pub(crate) play: Arc<PlayScope>,
    pub(crate) task: Arc<Task>,
    pub(crate) host: HostId,
    /// The task under way, as events know it; known when it has its turn.
    pub(crate) event: Arc<AtomicU64>,
    /// Where what it asks of its host waits for what other tasks ask, if it is sent ahead.
    pub(crate) lane: Option<Lane>,
    /// The task as it is written, where the debugger has changed it.
    pub(crate) original: Arc<Task>,
    /// Variables that the debugger has set.
    pub(crate) overrides: Map,
    /// Its number among all jobs of the run.
    pub(crate) number: u32,
}

/// A number for the next job.
pub(crate) fn next_number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed).saturating_add(1)
}

/// What stands under `exception` in Ansible's results where there is no traceback.
const NO_TRACEBACK: &str = "(traceback unavailable)";

/// What is left to do for one item once its conditions hold and its arguments are known.
enum Prepared<'a> {
    /// Nothing: it is skipped, an include, or cannot be prepared.
    Over(Box<ItemDone>),
    /// A module, as it is, on the host.
    Module(Box<Ready>, Request, Blobs),
    /// An action of the controller.
    Action(Box<Ready>, &'a dyn Action, Map),
}

impl<'a> Prepared<'a> {
    /// The same once more, for a further attempt: neither its condition nor its arguments are looked at again. `None`:
    /// each attempt has to be prepared anew, as one that goes on by itself is a job of its own.
    fn again(&self) -> Option<Prepared<'a>> {
        match self {
            Prepared::Over(_) => None,
            Prepared::Module(ready, request, blobs) => {
                Some(Prepared::Module(Box::new(ready.again()?), request.clone(), blobs.clone()))
            }
            Prepared::Action(ready, action, args) => {
                Some(Prepared::Action(Box::new(ready.again()?), *action, args.clone()))
            }
        }
    }
}

impl Prepared<'_> {
    /// Lets what it asks of its host wait in a lane, where it asks once.
    fn waits_in(&mut self, lane: &Lane) -> bool {
        let ready = match self {
            Prepared::Module(ready, ..) => ready,
            Prepared::Action(ready, action, _) if action.asks() == Asks::Once => ready,
            Prepared::Action(..) | Prepared::Over(_) => return false,
        };
        ready.host.lane = Some(lane.clone());
        true
    }
}

/// An item about to run.
struct Ready {
    scope: HostScope,
    host: Host,
    item: Option<LoopItem>,
    delegate: Option<(HostId, Delegate)>,
    /// Which attempt of `until` it is; 0 without it.
    attempt: u32,
    /// The arguments with all defaults, for the most verbose output.
    invocation: Option<Value>,
    /// How it goes on by itself.
    background: Option<Background>,
    policy: Policy,
}

impl Ready {
    fn again(&self) -> Option<Self> {
        self.background.is_none().then(|| Self {
            scope: self.scope.with([]),
            host: self.host.clone(),
            item: self.item.clone(),
            delegate: self.delegate.clone(),
            attempt: self.attempt,
            invocation: self.invocation.clone(),
            background: None,
            policy: self.policy,
        })
    }
}

impl Job {
    /// Does the task and says what came of it; whatever goes wrong is a result.
    pub(crate) async fn execute(&self) -> Done {
        self.announce();
        self.perform().await
    }

    /// The same job, with what it asks of its host left in a lane.
    pub(crate) fn in_lane(&self, lane: &Lane) -> Self {
        Self {
            run: self.run.clone(),
            play: self.play.clone(),
            task: self.task.clone(),
            host: self.host,
            event: self.event.clone(),
            lane: Some(lane.clone()),
            original: self.original.clone(),
            overrides: self.overrides.clone(),
            number: self.number,
        }
    }

    /// The task under way, as events know it.
    pub(crate) fn event(&self) -> EventTask {
        EventTask(self.event.load(Ordering::Relaxed))
    }

    /// Tells that it begins.
    pub(crate) fn announce(&self) {
        let host = self.run.fleet.host_name(self.host).to_string();
        self.run.sink.send(Event::HostStarted(HostStarted { task: self.event(), host }));
    }

    /// Does the task.
    pub(crate) async fn perform(&self) -> Done {
        let started = Instant::now();
        let scope = HostScope::new(&self.run.fleet, &self.play, self.host, Some(&self.task));
        let scope = if self.overrides.is_empty() { scope } else { scope.with(self.overrides.clone()) };
        let mut done = tokio::select! {
            biased;
            done = self.attempt(&scope) => done,
            () = self.run.interrupt.given_up() => self.stopped(),
        };
        // Ansible's failures tell how they came about; there is no traceback to tell here.
        for item in done.items.iter_mut().filter(|item| item.outcome.failed) {
            item.outcome.body.entry(Value::str("exception")).or_insert_with(|| NO_TRACEBACK.into());
        }
        done.seconds = started.elapsed().as_secs_f64();
        done
    }

    async fn attempt(&self, scope: &HostScope) -> Done {
        if let Err(error) = self.run.fleet.inventory_layers(self.host) {
            return self.alone(scope, self.failed(None, &error));
        }
        let items = match &self.task.loop_ {
            None => None,
            Some(over) => match looping::items(scope, over) {
                Ok(items) => Some(items),
                // A loop over what is not there is no error where a condition forbids the task anyway.
                Err(error) => match self.conditions(scope) {
                    Ok(Verdict::Skip(item)) => return self.alone(scope, *item),
                    Ok(Verdict::Run) | Err(_) if unknown::is_cause(&error) => {
                        return self.alone(scope, self.undecided(None, &error.message()));
                    }
                    Ok(Verdict::Run) | Err(_) => return self.alone(scope, self.failed(None, &error)),
                },
            },
        };
        let Some(items) = items else {
            let item = self.one(scope, None).await;
            return self.done(false, vec![item]);
        };
        let control = match looping::Control::read(scope, &self.task.loop_control) {
            Ok(control) => control,
            Err(error) => return self.alone(scope, self.loop_fault(&error)),
        };
        if scope.get(&control.variable).ok().flatten().is_some() {
            self.run.warn(format!(
                "The loop variable '{}' is already in use. You should set the `loop_var` value in the `loop_control` \
                 option for the task to something else to avoid variable collisions and unexpected behavior.",
                control.variable
            ));
        }
        let items = control.items(items);
        // Boxed, so that a task that is skipped does not carry the room for all that might have happened.
        let results = if self.goes_one_by_one(&control) {
            match Box::pin(self.one_by_one(scope, items, &control)).await {
                Ok(results) => results,
                // It is the loop that cannot go on, whatever came of the items so far.
                Err(error) => return self.alone(scope, self.loop_fault(&error)),
            }
        } else {
            Box::pin(self.together(scope, items)).await
        };
        self.done(true, results)
    }

    /// What comes of a task that an interrupt did not leave the time for its end.
    fn stopped(&self) -> Done {
        let host = self.run.fleet.host_name(self.host).to_string();
        self.run.interrupt.note_stopped(Left { host, task: self.task.title() });
        let outcome = Outcome::failure("stopped by the interrupt; it may or may not have done its work");
        self.done(false, vec![self.finished(outcome, None)])
    }

    /// What ends a task before any item of it.
    fn alone(&self, scope: &HostScope, item: ItemDone) -> Done {
        let policy = Policy::read(&self.task, scope).0;
        self.done(false, vec![ItemDone { policy, ..item }])
    }

    fn repeats(&self) -> bool {
        !self.task.until.is_empty() || self.task.retries.is_some()
    }

    /// One item, or a task without a loop, with its retries.
    async fn one(&self, scope: &HostScope, item: Option<LoopItem>) -> ItemDone {
        if !self.repeats() {
            let prepared = self.prepare(scope.with([]), item);
            return match prepared {
                Prepared::Over(done) => *done,
                prepared => Box::pin(self.carry_out(prepared)).await,
            };
        }
        Box::pin(self.again_and_again(scope, item)).await
    }

    /// One item until it is as wanted, or has had its attempts.
    async fn again_and_again(&self, scope: &HostScope, item: Option<LoopItem>) -> ItemDone {
        let tries = match self.tries(scope) {
            Ok(tries) => tries,
            Err(error) => {
                let policy = Policy::read(&self.task, scope).0;
                return ItemDone { policy, ..self.failed(item, &error) };
            }
        };
        let (attempts, delay) = tries;
        let mut attempt = 1;
        let mut kept: Option<Prepared<'_>> = None;
        loop {
            let mut prepared = match kept.take() {
                Some(prepared) => prepared,
                None => self.prepare(scope.with([]), item.clone()),
            };
            if attempt < attempts {
                kept = prepared.again();
            }
            match &mut prepared {
                Prepared::Over(_) => return self.carry_out(prepared).await,
                Prepared::Module(ready, _, _) | Prepared::Action(ready, _, _) if attempts > 1 => {
                    ready.attempt = attempt;
                }
                _ => {}
            }
            let mut done = self.carry_out(prepared).await;
            if attempts > 1 {
                done.attempts = attempt;
            }
            // What a check run did not carry out does not come out otherwise the next time.
            let is_over = done.outcome.unreachable || done.outcome.unknown;
            if is_over || done.outcome.body.contains_key("timedout") || attempts <= 1 {
                return done;
            }
            match self.is_enough(scope, &done) {
                Ok(true) => return done,
                Ok(false) => {}
                Err(error) => return ItemDone { policy: done.policy, ..self.failed(item, &error) },
            }
            if attempt >= attempts {
                // `failed_when` has the last word on that.
                done.outcome.failed |= self.task.failed_when.is_empty();
                done.attempts = attempts - 1;
                done.outcome = done.outcome.with("attempts", i64::from(attempts - 1));
                return done;
            }
            done.outcome = done.outcome.with("retries", i64::from(attempts));
            let item = done.event(self).item;
            done.item = None;
            let result = HostResult { item, ..done.event(self) };
            self.run.sink.send(Event::Retry(Box::new(Retry { result, left: attempts - attempt })));
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    fn tries(&self, scope: &HostScope) -> Result<(u32, Duration)> {
        let retries = keyword::number(scope, "retries", self.task.retries.as_ref())?;
        let delay = keyword::number(scope, "delay", self.task.delay.as_ref())?.unwrap_or(5.0);
        let retries = retries.unwrap_or(if self.task.until.is_empty() { 0.0 } else { 3.0 });
        let delay = if delay < 0.0 { 1.0 } else { delay };
        let delay = span::of_seconds("delay", delay, self.task.delay.as_ref().and_then(Value::origin))?;
        Ok(((retries.max(0.0) as u32).saturating_add(1), delay))
    }

    fn is_enough(&self, scope: &HostScope, done: &ItemDone) -> Result<bool> {
        if self.task.until.is_empty() {
            return Ok(!done.outcome.failed);
        }
        // What a check run cannot know will not come about by waiting.
        Ok(self.all_true(&self.task.until, &self.with_result(scope, &done.outcome))?.unwrap_or(true))
    }

    /// The variables with the result so far under its name.
    fn with_result(&self, scope: &HostScope, outcome: &Outcome) -> HostScope {
        let mut variables: Vec<(Value, Value)> = Vec::new();
        if let Some(name) = &self.task.register {
            variables.push((Value::str(name.clone()), unknown::registered(name, outcome)));
        }
        if !outcome.facts.is_empty() {
            variables.extend(outcome.facts.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        scope.with(variables)
    }

    fn prepare(&self, scope: HostScope, item: Option<LoopItem>) -> Prepared<'_> {
        let (policy, wrong) = Policy::read(&self.task, &scope);
        let mut prepared = match self.conditions(&scope) {
            Ok(Verdict::Run) => match wrong.map_or_else(|| self.make_ready(scope, item.clone(), policy), Err)
            {
                Ok(prepared) => prepared,
                Err(error) if unknown::is_cause(&error) => {
                    Prepared::Over(Box::new(self.undecided(item, &error.message())))
                }
                Err(error) => Prepared::Over(Box::new(self.failed(item, &error))),
            },
            Ok(Verdict::Skip(mut done)) => {
                done.item = item;
                Prepared::Over(done)
            }
            Err(error) => Prepared::Over(Box::new(self.failed(item, &error))),
        };
        if let Prepared::Over(done) = &mut prepared {
            done.policy = policy;
        }
        prepared
    }

    fn make_ready(&self, scope: HostScope, item: Option<LoopItem>, policy: Policy) -> Result<Prepared<'_>> {
        let task = &self.task;
        let delegate = self.delegate(&scope)?;
        let scope = match &delegate {
            Some((id, delegate)) => {
                let name = Value::str(delegate.name.clone());
                let all = scope.get("hostvars")?.and_then(|all| all.as_object().cloned());
                let there = all.map(|all| all.get(&name)).transpose()?.flatten();
                let there = there.unwrap_or_else(|| Value::map(Map::default()));
                let there = Value::map(Map::from_iter([(name, there)]));
                scope.with([(Value::str("ansible_delegated_vars"), there)]).delegated_to(*id)
            }
            None => scope,
        };
        let (name, target) = arguments::action(task, &scope, &self.run.loader)?;
        if let Some(request) = IncludeRequest::read(task, &name, &scope, &self.run.loader)? {
            let mut done = self.finished(request.outcome(), item);
            done.include = Some(request);
            return Ok(Prepared::Over(Box::new(done)));
        }
        let foreign = match &target {
            Target::Foreign(path) => {
                Some(Foreign::read(path, &name).map_err(|error| error.or_at(task.origin.as_ref()))?)
            }
            _ => None,
        };
        let mut host = match &delegate {
            Some((id, _)) => {
                let there = HostScope::new(&self.run.fleet, &self.play, *id, Some(task));
                reach::host(&self.run, task, &scope, &there)?
            }
            None => reach::host(&self.run, task, &scope, &scope)?,
        };
        host.lane.clone_from(&self.lane);
        if host.mode.check && !self.run.options.check {
            // All items of a loop share what they suppose; other tasks do real work before and after.
            host.mode.alone = self.number;
        }
        let action = self.run.actions.find(&name).filter(|_| foreign.is_none());
        let mut args = {
            let unrendered = action.map_or(&[][..], Action::unrendered);
            arguments::render(task, &name, &scope, (unrendered, &self.run.loader))?
        };
        let background = Background::read(task, &scope, self.run.options.poll_interval)?;
        if let Some(background) = &background {
            if action.is_some() && !Background::suits(&name) {
                let message = format!("This action ({}) does not support async.", task.action.name.text());
                let ready = Ready {
                    scope,
                    host,
                    item,
                    delegate,
                    attempt: 0,
                    invocation: None,
                    background: None,
                    policy,
                };
                return Ok(Prepared::Over(Box::new(self.judge(ready, Outcome::failure(message)))));
            }
            host.job = Some(background.job(&host.environment));
        } else if name == "async_status" && !args.contains_key("_async_dir") {
            args.insert(Value::str("_async_dir"), background::place(&scope, &host)?.into());
        }
        self.run.sink.masker().learn_all(&args);
        if let Some(action) = action {
            let wrong = arguments::strangers(action, &args).or_else(|| arguments::problems(action, &args));
            if let Some(message) = wrong {
                let done = self.finished(Outcome::failure(message), item);
                return Ok(Prepared::Over(Box::new(ItemDone { early: true, ..done })));
            }
        }
        // Ansible takes them from a task's own result before it is registered, not from those of a loop's items.
        let is_kept = item.is_some() && task.register.is_some();
        let is_shown = action.is_none() && self.run.fleet.options.verbosity >= SHOWS_INVOCATION;
        // What starts a job in the background returns before its module does.
        let calls_module =
            action.is_none_or(Action::calls_module) && background.as_ref().is_none_or(Background::waits);
        let invocation = (is_shown || (is_kept && calls_module)).then(|| arguments::invocation(task, &args));
        let mut ready =
            Box::new(Ready { scope, host, item, delegate, attempt: 0, invocation, background, policy });
        Ok(match (action, foreign) {
            (Some(action), _) => Prepared::Action(ready, action, args),
            (None, Some(foreign)) => {
                if ready.host.mode.check && !foreign.knows_check_mode() {
                    return Ok(Prepared::Over(Box::new(self.judge(*ready, not_run_in_check_mode(&name)))));
                }
                let mut blobs = Blobs::new();
                let told =
                    Told { name: &name, no_log: policy.no_log, verbosity: self.run.fleet.options.verbosity };
                let request = foreign.request(&args, &told, (&ready.scope, &ready.host), &mut blobs)?;
                // It has been told of check mode itself, and keeps to it by its author's word.
                ready.host.mode.check = false;
                Prepared::Module(ready, request, blobs)
            }
            (None, None) => {
                Prepared::Module(ready, (name, shevek_actions::wire::entries(&args)?), Blobs::new())
            }
        })
    }

    /// The host that does the work for this one.
    fn delegate(&self, scope: &HostScope) -> Result<Option<(HostId, Delegate)>> {
        let Some(name) = keyword::text(scope, self.task.keywords.delegate_to.as_ref())? else {
            return Ok(None);
        };
        let id = self.run.fleet.host_or_new(&name);
        self.run.fleet.inventory_layers(id)?;
        let there = HostScope::new(&self.run.fleet, &self.play, id, None);
        let address =
            there.rendered_variable("ansible_host")?.map(|v| v.text()).filter(|address| *address != name);
        Ok(Some((id, Delegate { name, address })))
    }

    /// Whether the task's conditions hold.
    fn conditions(&self, scope: &HostScope) -> Result<Verdict> {
        for condition in self.task.when.iter() {
            let truth = self
                .run
                .fleet
                .templar
                .condition(condition, scope)
                .map_err(|e| of_condition(e).or_at(condition.origin()))?;
            match truth {
                Truth::Yes => {}
                Truth::No => {
                    let outcome = Outcome { skipped: true, ..Outcome::default() }
                        .with("skip_reason", "Conditional result was False")
                        .with("false_condition", condition.clone().untrusted());
                    return Ok(Verdict::Skip(Box::new(self.finished(outcome, None))));
                }
                Truth::Undecided(why) => {
                    return Ok(Verdict::Skip(Box::new(self.undecided(None, &why.message()))));
                }
            }
        }
        Ok(Verdict::Run)
    }

    async fn carry_out(&self, prepared: Prepared<'_>) -> ItemDone {
        match prepared {
            Prepared::Over(done) => *done,
            Prepared::Module(ready, request, blobs) => {
                let outcome = ready.host.request(request, blobs).await;
                let outcome = self.waited(&ready, outcome).await;
                self.judge(*ready, outcome)
            }
            Prepared::Action(mut ready, action, args) => {
                ready.host.begin();
                let invocation = Invocation {
                    task: &self.task,
                    args,
                    scope: &ready.scope,
                    host: &ready.host,
                    loader: &self.run.loader,
                    ask: &*self.run.ask,
                };
                // What waits for others has its time on the host alone.
                let limit = ready.host.timeout.filter(|_| ready.host.lane.is_none());
                let ended = in_time(limit, action.run(&invocation)).await;
                match ended {
                    Err(seconds) => self.out_of_time(*ready, seconds),
                    Ok(Ok(outcome)) => {
                        let outcome = self.waited(&ready, outcome).await;
                        self.judge(*ready, outcome)
                    }
                    Ok(Err(error)) if unknown::is_cause(&error) => {
                        let done = self.undecided(ready.item, &error.message());
                        ItemDone { policy: ready.policy, ..done }
                    }
                    Ok(Err(error)) => {
                        let done = self.failed(ready.item, &error);
                        ItemDone { policy: ready.policy, delegate: ready.delegate, ..done }
                    }
                }
            }
        }
    }

    fn out_of_time(&self, ready: Ready, seconds: u32) -> ItemDone {
        let error = Diagnostic::new(format!("Timed out after {seconds} second(s)."));
        let mut done = self.failed(ready.item, &error.or_at(self.task.origin.as_ref()));
        let period = Value::dict([("period", i64::from(seconds))]);
        done.outcome = done.outcome.with("timedout", period);
        ItemDone { policy: ready.policy, delegate: ready.delegate, ..done }
    }

    /// The outcome of what went on by itself, if the task waits for that.
    async fn waited(&self, ready: &Ready, outcome: Outcome) -> Outcome {
        match ready.background.as_ref().filter(|background| background.waits()) {
            Some(background) => self.wait_for(background, &ready.host, outcome).await,
            None => outcome,
        }
    }

    /// Gives `changed_when` and `failed_when` their say.
    fn judge(&self, ready: Ready, mut outcome: Outcome) -> ItemDone {
        let Ready { scope, item, delegate, attempt, invocation, policy, .. } = ready;
        // What was prepared ahead is judged as things stand in its turn.
        let scope = if self.lane.is_some() { scope.renewed() } else { scope };
        let mut notices = Vec::new();
        if attempt > 0 {
            outcome = outcome.with("attempts", i64::from(attempt));
        }
        if !outcome.skipped && !outcome.unreachable {
            let judged = self.overrule(&scope, &mut outcome);
            if let Err(error) = judged {
                outcome.failed = true;
                // What the module had to say stays.
                outcome.body.entry(Value::str("msg")).or_insert_with(|| error.message().into());
                notices.push(Notice::from(&*error));
            }
        }
        if let Some(item) = item.as_ref().filter(|item| item.label.is_some())
            && let Some(why) = looping::label_fault(&self.with_result(&scope, &outcome), item)
        {
            outcome = Outcome::failure(why);
        }
        let mut done = self.finished(outcome, item);
        done.notices.extend(notices);
        match keyword::list(&scope, self.task.keywords.notify.as_ref()) {
            Ok(names) => done.notify = names,
            Err(error) if unknown::is_cause(&error) => {
                let message = format!("whom this notifies is {}", error.message());
                done.notices.push(Notice::warning(message));
            }
            Err(error) => {
                done.outcome.failed = true;
                done.outcome = done.outcome.with("msg", error.message());
            }
        }
        done.delegate = delegate;
        done.invocation = invocation;
        done.policy = policy;
        done
    }

    fn overrule(&self, scope: &HostScope, outcome: &mut Outcome) -> Result<()> {
        if self.task.changed_when.is_empty() && self.task.failed_when.is_empty() {
            return Ok(());
        }
        let changed = self.all_true(&self.task.changed_when, &self.with_result(scope, outcome));
        if let Some(changed) = noted(outcome, "changed_when_result", changed)? {
            outcome.changed = changed;
        }
        let failed = self.all_true(&self.task.failed_when, &self.with_result(scope, outcome));
        if let Some(failed) = noted(outcome, "failed_when_result", failed)? {
            // The failures of these two are their answer, and came about by nothing.
            let is_answer = matches!(&*self.task.action.resolved, "assert" | "fail");
            if outcome.failed && !failed && !is_answer {
                outcome.body.insert(Value::str("failed_when_suppressed_exception"), NO_TRACEBACK.into());
            }
            outcome.failed = failed;
            if failed {
                let unknown = || "Task failed: Action failed: Unknown error.".into();
                outcome.body.entry(Value::str("msg")).or_insert_with(unknown);
            }
            outcome.body.insert(Value::str("failed_when_result"), failed.into());
        }
        Ok(())
    }

    /// `None`: there are no conditions, or a check run cannot tell.
    fn all_true(&self, conditions: &[Value], scope: &HostScope) -> Result<Option<bool>> {
        if conditions.is_empty() {
            return Ok(None);
        }
        for condition in conditions {
            match self
                .run
                .fleet
                .templar
                .condition(condition, scope)
                .map_err(|e| of_condition(e).or_at(condition.origin()))?
            {
                Truth::Yes => {}
                Truth::No => return Ok(Some(false)),
                Truth::Undecided(_) => return Ok(None),
            }
        }
        Ok(Some(true))
    }

    fn report(&self, done: &ItemDone) {
        if done.include.is_none() {
            self.run.sink.send(Event::ItemDone(Box::new(done.event(self))));
        }
    }

    fn finished(&self, outcome: Outcome, item: Option<LoopItem>) -> ItemDone {
        ItemDone { outcome, item, ..ItemDone::default() }
    }

    fn undecided(&self, item: Option<LoopItem>, why: &str) -> ItemDone {
        let outcome = Outcome { skipped: true, unknown: true, ..Outcome::default() }.with("skip_reason", why);
        let mut done = self.finished(outcome, item);
        done.undecided = true;
        let args = &self.task.action.args;
        match &*self.task.action.resolved {
            "set_fact" => {
                let names = args.keys().filter(|name| !name.is_template()).map(Value::text);
                done.unsettled = names.filter(|name| name != "cacheable").collect();
            }
            "include_vars" => match args.get("name").filter(|name| !name.is_template()) {
                Some(name) => done.unsettled.push(name.text()),
                None => done.leaves_open = true,
            },
            _ => {}
        }
        done
    }

    fn failed(&self, item: Option<LoopItem>, error: &Diagnostic) -> ItemDone {
        let outcome = Outcome::failure(format!("Task failed: {}", unknown::words(error)));
        let mut done = self.finished(outcome, item);
        done.notices.push(Notice::from(error));
        done.early = true;
        done
    }

    /// What keeps a loop from beginning, or from going on.
    fn loop_fault(&self, error: &Diagnostic) -> ItemDone {
        let mut done = self.failed(None, error);
        done.outcome = Outcome::failure(unknown::words(error));
        done
    }

    fn done(&self, is_loop: bool, items: Vec<ItemDone>) -> Done {
        let with_lookup = self.task.loop_.as_ref().is_some_and(|over| over.kind != LoopKind::Loop);
        Done { host: self.host, is_loop: is_loop || (items.is_empty() && with_lookup), items, seconds: 0.0 }
    }
}

/// How much longer than its time an action of the controller has: the host's own deadline comes first, which leaves
/// nothing running there.
const GRACE: Duration = Duration::from_millis(200);

/// What comes of it, or the seconds that it had.
async fn in_time<T>(seconds: Option<u32>, run: impl Future<Output = T>) -> Result<T, u32> {
    let Some(seconds) = seconds else { return Ok(run.await) };
    let limit = Duration::from_secs(u64::from(seconds)) + GRACE;
    tokio::time::timeout(limit, run).await.map_err(|_| seconds)
}

/// A condition that could not be judged is told in the result, under its own key.
fn noted<T>(outcome: &mut Outcome, key: &str, judged: Result<T>) -> Result<T> {
    if let Err(error) = &judged {
        outcome.body.insert(Value::str(key), error.message().into());
    }
    judged
}

enum Verdict {
    Run,
    Skip(Box<ItemDone>),
}

/// Differs from Ansible: that runs any module in check mode, and trusts it to change nothing. Here a module of the user's
/// runs only if its text names the mark that it is told of check mode by.
fn not_run_in_check_mode(name: &str) -> Outcome {
    Outcome { skipped: true, unknown: true, ..Outcome::ok() }.with(
        "msg",
        format!("the module {name} does not look at _ansible_check_mode, so check mode does not run it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<'a, F: Future>(_: impl FnOnce(&'a Job) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_task_that_is_skipped_carries_no_room_for_what_might_have_happened() {
        // It is allocated and moved for every host and task; a login over SSH inside it would make it 15 kB.
        let size = size_of_future(Job::execute);
        assert!(size <= 4096, "{size}");
    }
}
