//! The task debugger: a person at the terminal looks at a result, mends arguments and variables, and does the task again.
//!
//! Start reading at [`Batch::debugged`]. A result is shown before its debugger opens, and counts only when the person
//! goes on from it.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_event::{Event, Question, Status, Verbose};
use shevek_playbook::{Action, Task};
use shevek_template::Scope;
use shevek_value::{Kind, Map, Value};
use shevek_vars::HostScope;

use crate::batch::Batch;
use crate::done::Done;
use crate::job::Job;
use crate::settle::described;
use crate::{arguments, keyword};

/// What the settings say of the debugger.
#[derive(Debug, Clone, Copy, Default)]
pub struct DebuggerOptions {
    /// It opens for whatever fails or cannot be reached.
    pub enabled: bool,
    /// Failures that are ignored do not open it.
    pub honours_ignore_errors: bool,
}

/// What to do after the debugger.
enum Next {
    Continue,
    Redo,
    Quit,
}

/// Where a person looks around.
struct Debugger {
    args: Map,
    variables: Map,
    scope: HostScope,
    task: Arc<Task>,
    result: Value,
    last: String,
}

const COMMANDS: &str = "\nDocumented commands (type help <topic>):\n\
    ========================================\n\
    EOF  c  continue  h  help  p  pprint  q  quit  r  redo  u  update_task\n";

impl Batch<'_> {
    /// Whether a result opens the debugger.
    fn needs_debugger(&self, job: &Job, done: &Done) -> bool {
        let task = &job.task;
        if task.keywords.debugger.is_none() && !self.debugger.enabled {
            return false;
        }
        let scope = HostScope::new(&self.run.fleet, &self.play, done.host, Some(task));
        let word = keyword::text(&scope, task.keywords.debugger.as_ref()).ok().flatten();
        let is_ignored = self.debugger.honours_ignore_errors && done.policy().ignore_errors;
        let outcome = done.combined();
        let failed = outcome.failed && !is_ignored;
        match word.as_deref() {
            Some("always") => true,
            Some("never") => false,
            word => {
                (self.debugger.enabled && (failed || outcome.unreachable))
                    || (word == Some("on_failed") && failed)
                    || (word == Some("on_unreachable") && outcome.unreachable)
                    || (word == Some("on_skipped") && outcome.skipped)
            }
        }
    }

    /// Opens the debugger on a result that asks for it, as often as the task is done again. Gives the job and the result
    /// that count, and whether that has been shown already.
    pub(crate) async fn debugged(&mut self, mut job: Job, mut done: Done) -> (Job, Done, bool) {
        let mut shown = false;
        while self.needs_debugger(&job, &done) {
            let mut event = done.event(&job);
            let rescues = self.hosts.get(&done.host).is_some_and(|state| state.cursor.would_rescue());
            event.rescued = event.status == Status::Failed && !event.ignored && rescues;
            self.run.sink.send(Event::HostDone(Box::new(event)));
            shown = true;
            let mut debugger = self.debugger_of(&job, &done);
            let next = self.command_loop(&mut debugger, &job);
            match next {
                Next::Continue => break,
                Next::Quit => {
                    self.tell("User interrupted execution");
                    self.run.interrupt.raise();
                    break;
                }
                Next::Redo => {
                    let action = Action {
                        args: Arc::new(debugger.args),
                        free_form: None,
                        variable_args: None,
                        ..job.task.action.clone()
                    };
                    job.task = Arc::new(Task { action, ..(*job.task).clone() });
                    job.overrides = debugger.variables;
                    done = Box::pin(job.execute()).await;
                    shown = false;
                }
            }
        }
        (job, done, shown)
    }

    fn debugger_of(&self, job: &Job, done: &Done) -> Debugger {
        let scope = HostScope::new(&self.run.fleet, &self.play, done.host, Some(&job.task));
        Debugger {
            args: current(job, &scope.with(job.overrides.clone()), &job.task),
            variables: job.overrides.clone(),
            scope,
            task: job.task.clone(),
            result: done.combined().to_value(),
            last: String::new(),
        }
    }

    fn tell(&self, text: impl Into<String>) {
        self.run.sink.send(Event::Verbose(Verbose { level: 0, host: None, text: text.into() }));
    }

    fn command_loop(&self, debugger: &mut Debugger, job: &Job) -> Next {
        let title = if job.task.is_handler { "HANDLER" } else { "TASK" };
        let host = self.name(job.host);
        let prompt = format!("[{host}] {title}: {} (debug)> ", self.rendered_title(&job.task, job.host));
        loop {
            self.run.sink.flush();
            let question = Question { text: prompt.clone(), piped: true, ..Question::default() };
            // Nobody there is nobody who could go on.
            let Ok(line) = self.run.ask.ask(&question) else { return Next::Quit };
            let mut line = line.trim().to_owned();
            if line.is_empty() {
                line.clone_from(&debugger.last);
            }
            debugger.last.clone_from(&line);
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line.as_str(), ""));
            match (word, rest.trim()) {
                ("", _) => {}
                ("c" | "continue", _) => return Next::Continue,
                ("r" | "redo", _) => return Next::Redo,
                ("q" | "quit" | "EOF", _) => return Next::Quit,
                ("u" | "update_task", _) => {
                    let scope = debugger.scope.with(debugger.variables.clone());
                    debugger.args = current(job, &scope, &job.original);
                }
                ("h" | "help" | "?", topic) => self.tell(help(topic)),
                ("p" | "pprint", what) => {
                    let shown = debugger.shown(what);
                    self.tell(shown.unwrap_or_else(|error| wrong(&error)));
                }
                _ => match debugger.execute(&line) {
                    Ok(None) => {}
                    Ok(Some(text)) => self.tell(text),
                    Err(error) => self.tell(wrong(&error)),
                },
            }
        }
    }
}

fn wrong(error: &Diagnostic) -> String {
    format!("***{}", error.message())
}

fn help(topic: &str) -> String {
    match topic {
        "" => COMMANDS.to_owned(),
        "p" | "pprint" => "Pretty Print".to_owned(),
        "c" | "continue" => "Continue to next result".to_owned(),
        "r" | "redo" => "Do the task again".to_owned(),
        "u" | "update_task" => {
            "Take the task anew as it is written, rendered with task_vars as they are now".to_owned()
        }
        "q" | "quit" | "EOF" => "Quit".to_owned(),
        "h" | "help" => "List available commands, or say what one does".to_owned(),
        _ => format!("*** No help on {topic}"),
    }
}

/// The task's arguments rendered, or as they are written where they cannot be.
fn current(job: &Job, scope: &HostScope, task: &Task) -> Map {
    let rendered = arguments::action(task, scope, &job.run.loader)
        .and_then(|(name, _)| arguments::render(task, &name, scope, (&[], &job.run.loader)));
    rendered.unwrap_or_else(|_| {
        let mut args = (*task.action.args).clone();
        args.extend(task.action.free_form.iter().map(|text| (Value::str("_raw_params"), text.clone())));
        args
    })
}

impl Debugger {
    /// What `p` shows.
    fn shown(&self, what: &str) -> Result<String> {
        match what {
            "task" => Ok(format!("TASK: {}", self.task.title())),
            "host" => Ok(self.scope.fleet().host_name(self.scope.host()).to_string()),
            _ => {
                let value = self.value(what)?;
                let names = Names { debugger: self, more: Some(("_shown", value)) };
                let text = self.templar().expression(&Value::str("_shown | pprint"), &names)?;
                Ok(text.text())
            }
        }
    }

    fn templar(&self) -> &shevek_template::Templar {
        &self.scope.fleet().templar
    }

    fn value(&self, expression: &str) -> Result<Value> {
        self.templar().expression(&Value::str(expression), &Names { debugger: self, more: None })
    }

    /// An assignment, `del`, or an expression whose value is shown.
    fn execute(&mut self, line: &str) -> Result<Option<String>> {
        if let Some(target) = line.strip_prefix("del ") {
            let path = self.path(target.trim())?;
            self.put(&path, None)?;
            return Ok(None);
        }
        if let Some((target, expression)) = assignment(line) {
            let value = self.value(expression)?;
            let path = self.path(target)?;
            self.put(&path, Some(value.untrusted()))?;
            return Ok(None);
        }
        let value = self.value(line)?;
        Ok(Some(value.repr()).filter(|_| !value.is_null()))
    }

    /// The keys that lead to what an assignment names: `task.args['a'].b`.
    fn path(&self, target: &str) -> Result<Path> {
        let unfit = || {
            Diagnostic::new("not to be changed").detail(format!(
                "`{target}`: what can be set is task.args['NAME'] and task_vars['NAME'], and what is inside of these"
            ))
        };
        let (whose, mut rest) = match (target.strip_prefix("task.args"), target.strip_prefix("task_vars")) {
            (Some(rest), _) => (Whose::Args, rest),
            (None, Some(rest)) => (Whose::Variables, rest),
            (None, None) => return Err(unfit()),
        };
        let mut keys = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let end = closing(after).ok_or_else(unfit)?;
                let (key, tail) = after.split_at(end);
                keys.push(self.value(key)?);
                rest = tail.get(1..).unwrap_or_default();
            } else if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (key, tail) = after.split_at(end);
                keys.push(Value::str(key.trim()));
                rest = tail;
            } else {
                return Err(unfit());
            }
        }
        Ok(Path { whose, keys })
    }

    fn put(&mut self, path: &Path, value: Option<Value>) -> Result<()> {
        let Some((first, rest)) = path.keys.split_first() else {
            let whole = value.as_ref().and_then(Value::as_map).ok_or_else(|| {
                Diagnostic::new("not a mapping").detail("only a mapping can stand for all of them")
            })?;
            match path.whose {
                Whose::Args => self.args = whole.clone(),
                Whose::Variables => self.variables.extend(whole.clone()),
            }
            return Ok(());
        };
        let name = first.text();
        let known = self.scope.rendered_variable(&name);
        let map = match path.whose {
            Whose::Args => &mut self.args,
            Whose::Variables => &mut self.variables,
        };
        if rest.is_empty() {
            match value {
                Some(value) => {
                    map.insert(first.clone(), value);
                }
                None => {
                    map.shift_remove(first);
                }
            }
            return Ok(());
        }
        // A part of a variable is changed in a copy of the whole.
        let whole = match (map.get(first), path.whose) {
            (Some(whole), _) => whole.clone(),
            (None, Whose::Variables) => known?.unwrap_or_default(),
            (None, Whose::Args) => Value::default(),
        };
        let changed = with(&whole, rest, value)?;
        map.insert(first.clone(), changed);
        Ok(())
    }

    fn variables(&self) -> Result<Value> {
        let mut all = Map::default();
        let scope = self.scope.with(self.variables.clone());
        for name in scope.names() {
            // These hold everything once more.
            if !matches!(name.as_str(), "vars" | "hostvars")
                && let Some(value) = scope.get(&name)?
            {
                all.insert(Value::str(name), value);
            }
        }
        Ok(Value::map(all))
    }

    fn task(&self) -> Value {
        let task = described(&self.task);
        let mut map = task.as_map().cloned().unwrap_or_default();
        map.insert(Value::str("args"), Value::map(self.args.clone()).untrusted());
        Value::map(map)
    }

    fn host(&self) -> Value {
        let name = self.scope.fleet().host_name(self.scope.host()).to_string();
        Value::dict([("name", Value::from(name.clone())), ("address", name.into())])
    }
}

#[derive(Clone, Copy)]
enum Whose {
    Args,
    Variables,
}

struct Path {
    whose: Whose,
    keys: Vec<Value>,
}

/// The names that expressions see.
struct Names<'a> {
    debugger: &'a Debugger,
    more: Option<(&'static str, Value)>,
}

impl Scope for Names<'_> {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        let debugger = self.debugger;
        Ok(match name {
            "task" => Some(debugger.task()),
            "task_vars" => Some(debugger.variables()?),
            "host" => Some(debugger.host()),
            "result" => {
                let result = || debugger.result.clone();
                Some(Value::dict([
                    ("_result", result()),
                    ("_return_data", result()),
                    ("_host", debugger.host()),
                ]))
            }
            _ => self.more.as_ref().filter(|(more, _)| *more == name).map(|(_, value)| value.clone()),
        })
    }

    fn names(&self) -> Vec<String> {
        ["task", "task_vars", "host", "result"].map(str::to_owned).to_vec()
    }
}

/// Target and expression of `TARGET = EXPRESSION`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut quote = None;
    let bytes = line.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'[' | b'(' | b'{') => depth += 1,
            (None, b']' | b')' | b'}') => depth = depth.saturating_sub(1),
            (None, b'=') if depth == 0 => {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                let is_comparison = bytes.get(at + 1) == Some(&b'=')
                    || before.is_some_and(|before| matches!(before, b'=' | b'!' | b'<' | b'>'));
                if is_comparison {
                    return None;
                }
                return Some((line.get(..at)?.trim(), line.get(at + 1..)?.trim()));
            }
            (None, _) => {}
        }
    }
    None
}

/// Where the bracket closes that was opened before this text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'[') => depth += 1,
            (None, b']') if depth == 0 => return Some(at),
            (None, b']') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// A value with another one inside of it, or without it.
fn with(whole: &Value, keys: &[Value], value: Option<Value>) -> Result<Value> {
    let Some((first, rest)) = keys.split_first() else { return Ok(value.unwrap_or_default()) };
    match whole.kind() {
        Kind::Map(map) => {
            let mut map = (**map).clone();
            if rest.is_empty() && value.is_none() {
                map.shift_remove(first);
            } else {
                let inner = map.get(first).cloned().unwrap_or_default();
                map.insert(first.clone(), with(&inner, rest, value)?);
            }
            Ok(Value::map(map))
        }
        Kind::List(items) => {
            let at = first.as_int().and_then(|at| usize::try_from(at).ok()).filter(|at| *at < items.len());
            let at = at.ok_or_else(|| {
                Diagnostic::new("not in the list").detail(format!("the list has no item {}", first.repr()))
            })?;
            let mut items = items.to_vec();
            if rest.is_empty() && value.is_none() {
                items.remove(at);
            } else if let Some(item) = items.get_mut(at) {
                *item = with(item, rest, value)?;
            }
            Ok(Value::list(items))
        }
        _ => Err(Diagnostic::new("nothing inside").detail(format!(
            "{} has no item {}",
            whole.type_name(),
            first.repr()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_told_from_a_comparison() {
        assert_eq!(assignment("task.args['a=b'] = {'c': 'd=e'}"), Some(("task.args['a=b']", "{'c': 'd=e'}")));
        assert_eq!(assignment("task_vars['a'] == 1"), None);
        assert_eq!(assignment("x != 1"), None);
        assert_eq!(assignment("p"), None);
    }

    #[test]
    fn what_is_deep_inside_can_be_set_and_taken_out() {
        let whole = Value::dict([("a", Value::list(vec![1.into(), 2.into()]))]);
        let changed = with(&whole, &["a".into(), 1.into()], Some(5.into())).unwrap();
        assert_eq!(changed.repr(), "{'a': [1, 5]}");
        let without = with(&changed, &["a".into(), 0.into()], None).unwrap();
        assert_eq!(without.repr(), "{'a': [5]}");
        assert!(with(&whole, &["a".into(), 7.into()], None).is_err());
    }
}
