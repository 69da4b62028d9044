//! Files and roles that tasks include while a play runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_actions::Outcome;
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_event::{CENSORED_ITEM, Event, Included};
use shevek_inventory::HostId;
use shevek_playbook::{Item, Loader, Task};
use shevek_value::{Map, Value};
use shevek_vars::HostScope;

use crate::batch::Batch;
use crate::cursor::Step;
use crate::done::{Done, LoopItem};
use crate::{arguments, looping};

/// What a task asks to include.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum IncludeRequest {
    /// `include_tasks`: the file.
    Tasks(String),
    /// `include_role`: its arguments, rendered.
    Role(Map),
}

impl IncludeRequest {
    /// What the task includes; `None`: it includes nothing.
    pub(crate) fn read(
        task: &Task,
        action: &str,
        scope: &HostScope,
        loader: &Loader,
    ) -> Result<Option<Self>> {
        if !matches!(action, "include_tasks" | "include_role") {
            return Ok(None);
        }
        // `apply` is for the included tasks, which render it themselves.
        let args = arguments::render(task, action, scope, (&["apply"], loader))?;
        if action == "include_role" {
            return Ok(Some(Self::Role(args)));
        }
        let file = args.get("file").or_else(|| args.get("_raw_params")).map(Value::text);
        let file = file.filter(|file| !file.is_empty()).ok_or_else(|| missing(task, "a file"))?;
        Ok(Some(Self::Tasks(file)))
    }

    /// What is registered of it.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Tasks(file) => {
                Outcome::ok().with("include", file.clone()).with("include_args", Value::map(Map::default()))
            }
            Self::Role(args) => Outcome::ok().with("include_args", Value::map(args.clone())),
        }
    }
}

fn missing(task: &Task, what: &str) -> Box<Diagnostic> {
    Diagnostic::new("nothing to include")
        .detail(format!("the task does not say {what}"))
        .or_at(task.origin.as_ref())
}

/// One thing to include for some hosts.
struct Group {
    request: IncludeRequest,
    item: Option<LoopItem>,
    hosts: Vec<HostId>,
    /// What it includes it for is not shown.
    no_log: bool,
}

impl Batch<'_> {
    /// Puts what the hosts' results ask to include in front of them. Hosts that ask for the same share it.
    pub(crate) fn include(&mut self, step: &Step, results: &[Done]) {
        let groups = grouped(results);
        // A cursor works on what was included last first, so the last goes in first.
        let mut loaded: Vec<(Group, Arc<Vec<Item>>)> = Vec::new();
        for group in groups {
            match self.load(&step.task, &group) {
                Ok((items, path)) => {
                    self.tell_included(step, &group, &path);
                    loaded.push((group, items));
                }
                // What is wrong with the content itself ends the run; what is missing is the hosts' failure.
                Err(error) if error.kind == Kind::Content => {
                    self.parse_fault = true;
                    self.fault.get_or_insert(error);
                    return;
                }
                // Differs from Ansible: there, hosts whose include cannot be loaded are out of later plays even when a rescue
                // takes care of them.
                Err(error) => self.fail_include(&group, &error),
            }
        }
        let count = u32::try_from(loaded.len()).unwrap_or(u32::MAX);
        for (number, (group, items)) in (0..count).rev().zip(loaded.into_iter().rev()) {
            for host in group.hosts {
                if let Some(state) = self.hosts.get_mut(&host).filter(|state| !state.is_out()) {
                    state.cursor.include(items.clone(), &step.place, number);
                }
            }
        }
    }

    fn load(&mut self, task: &Arc<Task>, group: &Group) -> Result<(Arc<Vec<Item>>, PathBuf)> {
        let variables = group.item.as_ref().map(|item| item.variables.clone()).unwrap_or_default();
        let loaded = match &group.request {
            IncludeRequest::Tasks(file) => self.run.loader.include_tasks(task, file, &variables),
            IncludeRequest::Role(args) => self.run.loader.include_role(task, args, &variables),
        };
        let included = self.take_loaded(loaded)?;
        self.handlers.extend(included.handlers);
        if let Some(role) = included.role {
            self.play.include(&role);
        }
        Ok((Arc::new(self.selected(included.items)), included.path))
    }

    fn take_loaded<T>(
        &self,
        loaded: Result<shevek_playbook::Loaded<T>, shevek_diag::Diagnostics>,
    ) -> Result<T> {
        match loaded {
            Ok(loaded) => {
                for warning in loaded.warnings.iter() {
                    self.run.sink.send(Event::Notice(warning.into()));
                }
                Ok(loaded.value)
            }
            Err(errors) => {
                // The first goes into the result, the others are shown beside it.
                let mut errors = errors.into_iter();
                let first = errors.next().unwrap_or_default();
                for error in errors {
                    self.run.sink.send(Event::Notice((&error).into()));
                }
                Err(Box::new(first))
            }
        }
    }

    fn tell_included(&mut self, step: &Step, group: &Group, path: &Path) {
        let names: Vec<String> = group.hosts.iter().map(|host| self.name(*host)).collect();
        for name in &names {
            self.stats.host(name).ok += 1;
        }
        let label = match group.item.as_ref().zip(group.hosts.first()) {
            _ if group.no_log => Some(CENSORED_ITEM.to_owned()),
            Some((item, host)) => {
                let scope = HostScope::new(&self.run.fleet, &self.play, *host, Some(&step.task));
                Some(looping::label(&scope, item, self.run.sink.masker()))
            }
            None => None,
        };
        let file = match &group.request {
            IncludeRequest::Tasks(_) => path.display().to_string(),
            IncludeRequest::Role(args) => {
                args.get("name").or_else(|| args.get("role")).map(Value::text).unwrap_or_default()
            }
        };
        let event = Included { task: self.event, file, hosts: names, label };
        self.run.sink.send(Event::Included(event));
    }

    fn fail_include(&mut self, group: &Group, error: &Diagnostic) {
        let mut outcome = Outcome::ok();
        outcome.failed = true;
        if let IncludeRequest::Tasks(file) = &group.request {
            outcome = outcome.with("include", file.clone());
        }
        for host in &group.hosts {
            let mut done = Done::failure(*host, error);
            for item in &mut done.items {
                item.outcome = outcome.clone().with("reason", error.message());
                item.policy.no_log = group.no_log;
            }
            self.settle_include_failure(&done);
        }
    }
}

fn grouped(results: &[Done]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for done in results {
        let mut from = 0;
        for item in done.items.iter().filter(|item| !item.outcome.skipped && !item.outcome.failed) {
            let Some(request) = &item.include else { continue };
            let variables = item.item.as_ref().map(|item| &item.variables);
            let same = |group: &Group| {
                group.request == *request
                    && group.item.as_ref().map(|item| &item.variables) == variables
                    && !group.hosts.contains(&done.host)
            };
            // Each host's includes keep their order.
            match groups.iter().enumerate().skip(from).find(|(_, group)| same(group)).map(|(at, _)| at) {
                Some(at) => {
                    if let Some(group) = groups.get_mut(at) {
                        group.hosts.push(done.host);
                        group.no_log |= item.policy.no_log;
                    }
                    from = at + 1;
                }
                None => {
                    groups.push(Group {
                        request: request.clone(),
                        item: item.item.clone(),
                        hosts: vec![done.host],
                        no_log: item.policy.no_log,
                    });
                    from = groups.len();
                }
            }
        }
    }
    groups
}
