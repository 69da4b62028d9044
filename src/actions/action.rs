//! What an action is.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_event::Ask;
use shevek_kit::schema::Schema;
use shevek_playbook::{Loader, Task};
use shevek_template::Templar;
use shevek_value::{Map, Value};
use shevek_vars::HostScope;

use crate::{Host, Outcome};

/// An action under way.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Outcome>> + Send + 'a>>;

/// Something that the controller does for a task: alone (`debug`, `set_fact`), or with modules on the host
/// (`template`, `fetch`).
///
/// Modules that need nothing of the controller have no action: the engine sends them to the host as they are.
pub trait Action: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Its arguments, for checking them and for `shevek doc`.
    fn schema(&self) -> &'static Schema;

    /// Which arguments it gets unrendered, since it renders or judges them itself (`that` of `assert`).
    fn unrendered(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it runs once for all hosts of a batch, as `add_host` and `pause` do.
    fn is_once(&self) -> bool {
        false
    }

    /// Whether the hosts of a step do it one after another, in their order, since what it changes is all of theirs and keeps
    /// the order in which it is changed (the groups of `group_by`, the statistics of `set_stats`).
    fn takes_turns(&self) -> bool {
        false
    }

    /// What it asks of its host, which says whether tasks can be sent along with it.
    fn asks(&self) -> Asks {
        Asks::Freely
    }

    /// Whether its result is that of a module on the host, which tells its arguments.
    fn calls_module(&self) -> bool {
        false
    }

    /// Does it.
    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a>;
}

/// What an action asks of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Nothing, and nothing else either: its result depends on variables and its arguments alone.
    Nothing,
    /// One batch, after it has looked at files of this machine at most; nothing is left to do when that is answered but to
    /// make its result of the answers.
    Once,
    /// Whatever comes; or it does more than to ask.
    Freely,
}

/// One action for one host (or one item of its loop), with everything it may use.
pub struct Invocation<'a> {
    /// The task.
    pub task: &'a Arc<Task>,
    /// The arguments, rendered, `omit`ted ones left out; those that the action wants unrendered are as written.
    pub args: Map,
    /// The variables.
    pub scope: &'a HostScope,
    /// The host.
    pub host: &'a Host,
    /// Where tasks, roles and variable files are read.
    pub loader: &'a Loader,
    /// Asks the person at the terminal, if there is one.
    pub ask: &'a dyn Ask,
}

impl Invocation<'_> {
    /// Templates.
    pub fn templar(&self) -> &Templar {
        &self.scope.fleet().templar
    }

    /// An argument.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.args.get(name).filter(|value| !value.is_null())
    }

    /// An argument as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(Value::text)
    }

    /// An argument as text that must be given.
    pub fn required(&self, name: &str) -> Result<String> {
        self.text(name).ok_or_else(|| {
            Diagnostic::new("missing argument")
                .detail(format!("{} needs the argument {name}", self.task.action.resolved))
        })
    }

    /// An argument as a truth value.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        let Some(value) = self.get(name) else { return Ok(default) };
        truth(value).ok_or_else(|| {
            Diagnostic::new("not a truth value")
                .detail(format!("the argument {name} is {}, which is neither yes nor no", value.repr()))
                .or_at(value.origin())
        })
    }

    /// An argument as a whole number.
    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_int().or_else(|| value.text().trim().parse().ok()).map(Some).ok_or_else(|| {
            Diagnostic::new("not a whole number")
                .detail(format!("the argument {name} is {}", value.repr()))
                .or_at(value.origin())
        })
    }

    /// An argument as a list of texts; text is split at commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            None => Vec::new(),
            Some(value) => match (value.as_list(), value.as_str()) {
                (Some(items), _) => items.iter().map(Value::text).collect(),
                (None, Some(text)) => text.split(',').map(|part| part.trim().to_owned()).collect(),
                (None, None) => vec![value.text()],
            },
        }
    }

    /// A file on this machine, looked for as Ansible does: in `kind` (`files`, `templates`) of the role and its
    /// parents, of the task's folder, of the playbook's, and in those folders themselves.
    pub fn find_file(&self, kind: &str, name: &str) -> Result<PathBuf> {
        crate::search::find(self.scope, kind, name).map_err(|error| {
            let written = self.args.values().find(|value| value.as_str() == Some(name));
            error.or_at(written.and_then(Value::origin)).or_at(self.task.origin.as_ref())
        })
    }
}

/// Says of an error that it came up in a condition, where something is undefined.
pub fn of_condition(mut error: Box<Diagnostic>) -> Box<Diagnostic> {
    if error.summary == "undefined variable" {
        error.summary = "Error while evaluating conditional".into();
    }
    error
}

/// Ansible's words for yes and no.
pub fn truth(value: &Value) -> Option<bool> {
    if let Some(b) = value.as_bool() {
        return Some(b);
    }
    if let Some(number) = value.as_float() {
        return [(0.0, false), (1.0, true)].into_iter().find(|(n, _)| *n == number).map(|(_, b)| b);
    }
    match value.as_str()?.to_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
        _ => None,
    }
}
