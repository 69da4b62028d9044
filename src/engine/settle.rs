//! What follows from a task's result: counts, variables, notifications, failures.

use std::sync::Arc;

use shevek_actions::{Effect, Outcome, truth};
use shevek_diag::Diagnostic;
use shevek_event::{Event, HostResult, Status};
use shevek_inventory::HostId;
use shevek_playbook::Task;
use shevek_value::{Map, Value};
use shevek_vars::HostScope;

use crate::batch::Batch;
use crate::cursor::Step;
use crate::done::{Done, ItemDone};
use crate::job::Job;

impl Batch<'_> {
    /// Takes a result. `everyone`: the task ran once for all of these hosts. `shown`: the result has been told already.
    pub(crate) fn settle(
        &mut self,
        step: &Step,
        job: &Job,
        done: &Done,
        (everyone, shown): (Option<&[HostId]>, bool),
    ) {
        let task = &step.task;
        let own = [done.host];
        let targets = everyone.unwrap_or(&own);
        let mut event = done.event(job);
        let name = event.host.clone();
        let is_include = done.items.iter().any(|item| item.include.is_some());
        match event.status {
            Status::Failed if event.ignored => {
                let counts = self.stats.host(&name);
                counts.ok += 1;
                counts.ignored += 1;
                counts.changed += u32::from(done.combined().changed);
            }
            Status::Failed => event.rescued = self.fail(step, done, targets),
            Status::Unreachable if !event.ignored && self.rescues_unreachable(step, job) => {
                event.rescued = self.fail(step, done, targets);
            }
            Status::Unreachable => self.lose(done, event.ignored),
            Status::Skipped | Status::Undecided => {
                self.stats.host(&name).skipped += 1;
                for item in &done.items {
                    self.apply(task, item, targets);
                }
            }
            Status::Ok | Status::Changed => {
                if event.status == Status::Changed {
                    self.notify_all(task, done);
                }
                for item in &done.items {
                    self.apply(task, item, targets);
                }
                if !is_include {
                    let counts = self.stats.host(&name);
                    counts.ok += 1;
                    counts.changed += u32::from(event.status == Status::Changed);
                }
            }
        }
        self.register(task, done, targets);
        if let Some(role) = &task.role
            && matches!(event.status, Status::Ok | Status::Changed | Status::Failed)
            && let Some(state) = self.hosts.get_mut(&done.host)
        {
            state.roles_begun.insert(role.key.clone());
        }
        if is_include {
            self.run.sink.send(Event::IncludeDone(Box::new(event)));
        } else if !shown {
            self.run.sink.send(Event::HostDone(Box::new(event)));
        }
    }

    /// An include that could not be read. Ansible counts such a failure as one even where it is rescued, and does not
    /// tell the rescue of it.
    pub(crate) fn settle_include_failure(&mut self, done: &Done) {
        let name = self.name(done.host);
        self.stats.host(&name).failed += 1;
        // Of several files of a loop that are missing, the first sends the host to its rescue.
        if self.failed_include.insert((self.event, done.host)) {
            self.fail_host(done.host);
        }
        let result = HostResult {
            task: self.event,
            host: name,
            status: Status::Failed,
            result: done.combined().to_value(),
            notices: done.items.iter().flat_map(|item| item.notices.clone()).collect(),
            no_log: done.policy().no_log,
            ..HostResult::default()
        };
        self.run.sink.send(Event::HostDone(Box::new(result)));
    }

    /// Counts a failure and sends the hosts to their rescue; true: there is one.
    fn fail(&mut self, step: &Step, done: &Done, targets: &[HostId]) -> bool {
        let rescued = self.hosts.get(&done.host).is_some_and(|state| state.cursor.would_rescue());
        let name = self.name(done.host);
        for host in targets {
            self.fail_host(*host);
        }
        if rescued {
            self.stats.host(&name).rescued += 1;
            let memory = self.run.fleet.memory(done.host);
            memory.set_one("ansible_failed_task", self.failed_task(&step.task, done.host));
            memory.set_one("ansible_failed_result", done.combined().to_value());
        } else {
            self.stats.host(&name).failed += 1;
        }
        rescued
    }

    /// `ansible_failed_task`, with its name as it was shown.
    fn failed_task(&self, task: &Arc<Task>, host: HostId) -> Value {
        let task_value = described(task);
        let Some(name) = task.name.as_ref().filter(|name| name.is_template()) else { return task_value };
        let scope = HostScope::new(&self.run.fleet, &self.play, host, Some(task));
        let Ok(name) = self.run.fleet.templar.render(name, &scope) else { return task_value };
        let mut map = task_value.as_map().cloned().unwrap_or_default();
        map.insert(Value::str("name"), name.untrusted());
        Value::map(map)
    }

    /// Sends a host to its rescue, or out of the play.
    pub(crate) fn fail_host(&mut self, host: HostId) {
        let name = self.name(host);
        self.forget_alive();
        if let Some(state) = self.hosts.get_mut(&host).filter(|state| !state.lost) {
            state.cursor.fail();
            if state.cursor.is_failed() {
                self.stats.failed.insert(name);
            }
        }
    }

    fn lose(&mut self, done: &Done, ignored: bool) {
        let name = self.name(done.host);
        let counts = self.stats.host(&name);
        if ignored {
            counts.ok += 1;
            counts.ignored += 1;
            return;
        }
        counts.unreachable += 1;
        self.stats.unreachable.insert(name, why_unreachable(done));
        self.forget_alive();
        if let Some(state) = self.hosts.get_mut(&done.host) {
            state.lost = true;
        }
    }

    /// Whether a rescue is there for a host that cannot be reached, and is to take care of that.
    // Differs from Ansible: there no rescue ever does. Here one does when `rescue_unreachable` of the configuration or the
    // variable `shevek_rescue_unreachable` says so.
    fn rescues_unreachable(&self, step: &Step, job: &Job) -> bool {
        if !self.hosts.get(&job.host).is_some_and(|state| state.cursor.would_rescue()) {
            return false;
        }
        let scope = HostScope::new(&self.run.fleet, &self.play, job.host, Some(&step.task));
        let wanted = scope.rendered_variable("shevek_rescue_unreachable").ok().flatten();
        wanted.map_or(self.run.options.rescue_unreachable, |value| truth(&value).unwrap_or(false))
    }

    /// Keeps a result under its name.
    fn register(&self, task: &Task, done: &Done, targets: &[HostId]) {
        let Some(name) = &task.register else { return };
        if let Some(warning) = shevek_playbook::reserved(&Value::str(name.clone())) {
            let warning = warning.or_at(task.origin.as_ref());
            self.run.sink.send(Event::Notice((&*warning).into()));
        }
        let value = done.registered(name);
        for host in targets {
            self.run.fleet.memory(*host).set_one(name, value.clone());
        }
    }

    /// Facts and effects of one item.
    fn apply(&mut self, task: &Task, item: &ItemDone, targets: &[HostId]) {
        for (host, name) in targets.iter().flat_map(|host| item.unsettled.iter().map(move |n| (host, n))) {
            self.run.fleet.memory(*host).set_one(name, Value::unknown(name.clone()));
        }
        if item.leaves_open {
            targets.iter().for_each(|host| self.run.fleet.memory(*host).leave_open());
        }
        let outcome = &item.outcome;
        if outcome.failed || outcome.skipped || outcome.unreachable {
            return;
        }
        // What is known of other hosts has to wait: `learn_elsewhere`.
        if item.teaches().is_none() {
            self.learn(task, item, targets);
        }
        for effect in &outcome.effects {
            match effect {
                Effect::Stats { data, per_host, aggregate } => {
                    if *per_host {
                        for host in targets {
                            let name = self.name(*host);
                            self.stats.set(Some(&name), data, *aggregate);
                        }
                    } else {
                        self.stats.set(None, data, *aggregate);
                    }
                }
                // These qualify the facts above; the connection was reset by the action itself.
                Effect::SetFact { .. } | Effect::IncludeVars | Effect::ResetConnection => {}
            }
        }
    }

    /// Facts of hosts that the task was delegated to (`delegate_facts`), from all results of a step in the order of their
    /// hosts: where several tell of the same host, the last one's count, whoever answered first.
    pub(crate) fn learn_elsewhere(&self, task: &Task, results: &[Done]) {
        let went_well = |done: &&Done| !matches!(done.status(), Status::Failed | Status::Unreachable);
        for item in results.iter().filter(went_well).flat_map(|done| &done.items) {
            if let Some(there) =
                item.teaches().filter(|_| matches!(item.status(), Status::Ok | Status::Changed))
            {
                self.learn(task, item, &[there]);
            }
        }
    }

    fn learn(&self, task: &Task, item: &ItemDone, targets: &[HostId]) {
        let facts = &item.outcome.facts;
        if facts.is_empty() {
            return;
        }
        if !matches!(kind(&item.outcome), FactKind::Host) {
            for warning in facts.keys().filter_map(shevek_playbook::reserved) {
                let warning = warning.or_at(task.origin.as_ref());
                self.run.sink.send(Event::Notice((&*warning).into()));
            }
        }
        self.run.sink.masker().learn_all(facts);
        for target in targets {
            let memory = self.run.fleet.memory(*target);
            match kind(&item.outcome) {
                FactKind::Set { cacheable } => {
                    memory.set_all(facts);
                    if cacheable {
                        memory.learn(facts);
                        self.run.fleet.keep_facts(*target);
                    }
                }
                FactKind::Included => memory.include(facts),
                FactKind::Host => {
                    memory.learn(facts);
                    self.run.fleet.keep_facts(*target);
                }
            }
        }
    }

    /// `any_errors_fatal` and `max_fail_percentage`: what fails on some hosts ends the others' play too.
    pub(crate) fn spread_failure(&mut self, once: bool, results: &[Done]) {
        let Some(policy) = results.first().map(Done::policy) else { return };
        let fatal = policy.any_errors_fatal.unwrap_or(self.run.options.any_errors_fatal);
        let fatal = (fatal || once) && !policy.ignore_errors;
        let broken: Vec<HostId> = results
            .iter()
            .filter(|done| matches!(done.status(), Status::Failed | Status::Unreachable))
            .map(|done| done.host)
            .collect();
        let over = self.max_fail_percentage.is_some_and(|limit| {
            let failed = self.hosts.values().filter(|s| s.cursor.is_failed()).count();
            failed as f64 / self.hosts.len().max(1) as f64 * 100.0 > limit
        });
        if (fatal && !broken.is_empty()) || over {
            let others: Vec<HostId> =
                self.hosts.keys().copied().filter(|host| !broken.contains(host)).collect();
            for host in others {
                self.fail_host(host);
            }
            if over {
                // Ansible says so for the percentage, and again since nobody is left.
                self.run.sink.send(Event::NoHostsRemaining);
                self.run.sink.send(Event::NoHostsRemaining);
                self.ends_play = true;
            }
        }
    }
}

/// Why a host cannot be reached; of a loop, why for the first item.
fn why_unreachable(done: &Done) -> String {
    let lost = done.items.iter().find(|item| item.outcome.unreachable);
    lost.and_then(|item| item.outcome.body.get("msg")).map(Value::text).unwrap_or_default()
}

enum FactKind {
    Host,
    Set { cacheable: bool },
    Included,
}

fn kind(outcome: &Outcome) -> FactKind {
    for effect in &outcome.effects {
        match effect {
            Effect::SetFact { cacheable } => return FactKind::Set { cacheable: *cacheable },
            Effect::IncludeVars => return FactKind::Included,
            _ => {}
        }
    }
    FactKind::Host
}

/// `ansible_failed_task`: what a rescue may want to know of the task.
pub(crate) fn described(task: &Task) -> Value {
    let mut map = Map::default();
    let mut put = |key: &str, value: Value| {
        map.insert(Value::str(key), value);
    };
    put("name", task.name.clone().unwrap_or_else(|| Value::str("")).untrusted());
    put("action", task.action.resolved.to_string().into());
    put("args", Value::map((*task.action.args).clone()).untrusted());
    put("tags", Value::list(task.tags.to_vec()).untrusted());
    put("register", task.register.as_ref().map(|name| name.to_string()).into());
    put("when", Value::list(task.when.to_vec()).untrusted());
    Value::map(map)
}

impl Done {
    /// A failure that no job reported.
    pub(crate) fn failure(host: HostId, error: &Diagnostic) -> Self {
        let mut item = ItemDone { outcome: Outcome::failure(error.message()), ..ItemDone::default() };
        item.notices.push(error.into());
        Self { host, is_loop: false, items: vec![item], seconds: 0.0 }
    }
}
