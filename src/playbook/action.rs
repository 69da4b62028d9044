//! Finds a task's action and its arguments, in any of the ways to write them.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Origin, Result};
use shevek_value::{Flags, Kind, Map, Value};
use shevek_yaml::key_value::{self, FreeForm};

use crate::catalogue::builtin_short;
use crate::keyword::{Element, described};
use crate::reader::Reader;

/// An action as written.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its name, at its place.
    pub(crate) name: Value,
    /// Its arguments, `args:` merged in.
    pub(crate) args: Map,
    /// What is no `key=value`.
    pub(crate) free_form: Option<Value>,
    /// `args:` as a template.
    pub(crate) variable_args: Option<Value>,
    /// Whether it is a `local_action`.
    pub(crate) is_local: bool,
    /// Where the task is written.
    pub(crate) origin: Option<Origin>,
}

/// The key under which the parsers of `key=value` put what is none.
const RAW: &str = "_raw_params";

/// Actions that take a command line: all but a few words in it are left alone.
const COMMANDS: &[&str] = &[
    "command",
    "shell",
    "script",
    "raw",
    "win_command",
    "win_shell",
    "ansible.windows.win_command",
    "ansible.windows.win_shell",
];

/// Further actions that take text which is no `key=value`.
const FREE_FORM: &[&str] = &[
    "include_vars",
    "include_tasks",
    "include_role",
    "import_tasks",
    "import_role",
    "add_host",
    "group_by",
    "set_fact",
    "meta",
];

/// Whether an action takes text that is no `key=value`.
pub(crate) fn takes_free_form(resolved: &str) -> bool {
    let short = builtin_short(resolved);
    COMMANDS.contains(&short) || FREE_FORM.contains(&short)
}

fn free_form_of(action: &str) -> FreeForm {
    if COMMANDS.contains(&builtin_short(action)) { FreeForm::Command } else { FreeForm::Other }
}

impl Reader<'_> {
    /// The action of a task, or what is wrong with it.
    pub(crate) fn action(&mut self, entry: &Value, map: &Map, collections: &[Arc<str>]) -> Option<Written> {
        let mut found = None;
        for (key, is_local) in [("action", false), ("local_action", true)] {
            let Some(value) = map.get(key) else { continue };
            if found.is_some() {
                self.wrong(
                    Diagnostic::new("a task with two actions")
                        .detail("action and local_action are mutually exclusive")
                        .at_maybe(entry.origin(), ""),
                );
                return None;
            }
            let written = old_style(value, is_local).map_err(|problem| problem.or_at(entry.origin()));
            found = Some(self.problems.keep(written)?);
        }
        let candidates: Vec<(&Value, &Value)> = map.iter().filter(|(key, _)| is_candidate(key)).collect();
        let found = match (found, candidates.as_slice()) {
            (Some(found), []) => found,
            (None, [(key, value)]) => {
                let written = new_style(key, value).map_err(|problem| problem.or_at(key.origin()));
                self.problems.keep(written)?
            }
            (None, []) => {
                self.wrong(
                    Diagnostic::new("a task without an action")
                        .detail("no module/action detected in task.")
                        .at_maybe(entry.origin(), "this task has only keywords"),
                );
                return None;
            }
            (found, _) => {
                self.conflict(entry, found.map(|found| found.name), &candidates, collections);
                return None;
            }
        };
        let with_args = add_args(found, map.get("args")).map_err(|problem| problem.or_at(entry.origin()));
        let mut written = self.problems.keep(with_args)?;
        written.origin = entry.origin().cloned();
        for name in written.args.keys().filter(|name| name.text().starts_with("_ansible_")) {
            self.wrong(
                Diagnostic::new("a reserved name for an argument")
                    .detail(format!(
                        "Invalid parameter specified beginning with keyword '_ansible_': '{}'",
                        name.text()
                    ))
                    .at_maybe(name.origin(), ""),
            );
        }
        Some(written)
    }

    /// Says which of several keys is no action, or that several are.
    fn conflict(
        &mut self,
        entry: &Value,
        action: Option<Value>,
        candidates: &[(&Value, &Value)],
        collections: &[Arc<str>],
    ) {
        let resolves = |name: &Value| self.resolve(&name.text(), collections).is_some();
        let keys = || candidates.iter().map(|(key, _)| *key);
        let (actions, unknown): (Vec<&Value>, Vec<&Value>) =
            action.iter().chain(keys()).partition(|name| resolves(name));
        let all: Vec<String> = action.iter().chain(keys()).map(|key| key.text()).take(2).collect();
        let conflict = format!("conflicting action statements: {}", all.join(", "));
        let at = unknown.first().or(actions.get(1)).and_then(|key| key.origin()).or(entry.origin());
        let mut problem = if actions.len() == 1 {
            Diagnostic::new("unknown keyword").detail(conflict)
        } else {
            Diagnostic::new("a task with several actions").detail(conflict)
        };
        problem = problem.at_maybe(at, "");
        if let ([action], [word, ..]) = (actions.as_slice(), unknown.as_slice()) {
            problem = problem
                .help(format!(
                    "`{}` is neither a keyword nor a module; the action is `{}`",
                    word.text(),
                    action.text()
                ))
                .did_you_mean(&word.text(), Element::Task.keywords().filter(|name| *name != "action"));
            if word.origin().map(|origin| origin.column) == action.origin().map(|origin| origin.column) {
                problem =
                    problem.help(format!("if it is an option of `{}`, indent it below that", action.text()));
            }
        }
        self.wrong(problem);
    }
}

/// Whether a key of a task is no keyword, and so could be its action.
fn is_candidate(key: &Value) -> bool {
    match key.as_str() {
        Some(name) => !Element::Handler.has(name) && !name.starts_with("with_"),
        None => true,
    }
}

/// `copy: src=a dest=b`, `copy: { src: a }`.
fn new_style(name: &Value, value: &Value) -> Result<Written> {
    let args = match value.kind() {
        Kind::Map(map) => Map::clone(map),
        Kind::Str(_) => key_value::parse(value, free_form_of(&name.text()))?,
        Kind::Null => Map::default(),
        _ => return Err(unexpected(value)),
    };
    Ok(written(name.clone(), args))
}

/// `action: copy src=a dest=b`, `local_action: { module: copy, src: a }`.
fn old_style(value: &Value, is_local: bool) -> Result<Written> {
    let (name, mut args) = match value.kind() {
        Kind::Str(_) => words(value)?,
        Kind::Map(map) => {
            let module = map.get("module").filter(|module| module.as_str().is_some());
            let Some(module) = module else {
                return Err(Diagnostic::new("a task without an action")
                    .detail("no module/action detected in task: the mapping has no `module`")
                    .at_maybe(value.origin(), ""));
            };
            let (name, more) = words(module)?;
            let mut args = Map::clone(map);
            args.shift_remove("module");
            args.extend(more);
            (name, args)
        }
        _ => return Err(unexpected(value)),
    };
    if let Some(nested) = args.shift_remove("args") {
        match nested.kind() {
            Kind::Map(map) => args.extend(Map::clone(map)),
            Kind::Str(_) => args.extend(key_value::parse(&nested, FreeForm::Other)?),
            _ => return Err(unexpected(&nested)),
        }
    }
    Ok(Written { is_local, ..written(name, args) })
}

/// `NAME key=value …`.
fn words(text: &Value) -> Result<(Value, Map)> {
    let part = |part: &str| {
        let is_trusted = text.is_template() || text.flags().has(Flags::WRITTEN);
        let value = if is_trusted { Value::template(part) } else { Value::str(part) };
        value.from_where(text)
    };
    let all = key_value::split(text.as_str().unwrap_or_default()).map_err(|why| why.or_at(text.origin()))?;
    let name = all.first().map(|name| name.trim().to_owned()).unwrap_or_default();
    let rest = all.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join(" ");
    let args = key_value::parse(&part(&rest), free_form_of(&name))?;
    Ok((part(&name), args))
}

fn written(name: Value, mut args: Map) -> Written {
    let free_form = args.shift_remove(RAW);
    Written { name, args, free_form, variable_args: None, is_local: false, origin: None }
}

/// `args:` below the arguments of the action itself.
fn add_args(mut action: Written, args: Option<&Value>) -> Result<Written> {
    let Some(args) = args else { return Ok(action) };
    match args.kind() {
        Kind::Map(map) => {
            let mut all = Map::clone(map);
            let below = all.shift_remove(RAW);
            all.extend(std::mem::take(&mut action.args));
            action.args = all;
            action.free_form = action.free_form.or(below);
        }
        Kind::Null => {}
        Kind::Str(_) if args.is_template() => action.variable_args = Some(args.clone()),
        _ => {
            return Err(Diagnostic::new("`args` is neither a mapping nor a template")
                .detail(format!("The value of the task `args` keyword is invalid: {}", described(args)))
                .at_maybe(args.origin(), ""));
        }
    }
    Ok(action)
}

fn unexpected(value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("arguments of the wrong type")
        .detail(format!("unexpected parameter type in action: {}", described(value)))
        .at_maybe(value.origin(), "")
        .help("give a mapping of options, or text")
}
