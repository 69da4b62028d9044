//! Checks a task's arguments against what its module accepts.

use shevek_diag::{Diagnostic, Severity};
use shevek_kit::proto::Val;
use shevek_kit::schema::Problem;
use shevek_value::{Kind, Value};

use crate::model::Task;
use crate::reader::Reader;

impl Reader<'_> {
    /// Checks what can be known now: values that are templates are taken on trust.
    pub(crate) fn check_options(&mut self, task: &Task) {
        let action = &task.action;
        let Some(schema) = action.schema else { return };
        let has_defaults = task.keywords.module_defaults.iter().any(|defaults| {
            defaults.as_map().is_some_and(|map| {
                map.keys().any(|name| name.text() == *action.resolved || name.text().starts_with("group/"))
            })
        });
        // Free form, templates and defaults can bring any option.
        let may_have_more = action.free_form.is_some() || action.variable_args.is_some() || has_defaults;
        let names: Vec<String> = action.args.keys().map(Value::text).collect();
        let values: Vec<Option<Val>> = action.args.values().map(known).collect();
        let given: Vec<(&str, Option<&Val>)> =
            names.iter().map(String::as_str).zip(values.iter().map(Option::as_ref)).collect();
        for problem in schema.check(&given) {
            let at_action = action.name.origin().or(task.origin.as_ref());
            let entry = |name: &str| action.args.iter().find(|(key, _)| *key == name);
            let diagnostic = match &problem {
                Problem::Unknown { name, suggestion } => {
                    let at = entry(name).and_then(|(key, _)| key.origin()).or(at_action);
                    let problem = Diagnostic::new("unknown option of a module")
                        .detail(schema.unsupported(&[name]))
                        .at_maybe(at, "");
                    match suggestion {
                        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                        None => problem,
                    }
                }
                Problem::Value { name, message } => {
                    let at =
                        entry(name).and_then(|(key, value)| value.origin().or(key.origin())).or(at_action);
                    Diagnostic::new("bad value of an option").detail(message).at_maybe(at, "")
                }
                Problem::Missing(_) | Problem::Rule(_) if may_have_more => continue,
                Problem::Missing(_) => Diagnostic::new("an option is missing")
                    .detail(problem.to_string())
                    .at_maybe(at_action, ""),
                Problem::Rule(message) => {
                    Diagnostic::new("options that don't go together").detail(message).at_maybe(at_action, "")
                }
            };
            self.wrong(match self.loader.options {
                WrongOptions::Refuse => diagnostic,
                WrongOptions::Tell => Box::new(Diagnostic { severity: Severity::Warning, ..*diagnostic }),
            });
        }
    }
}

/// What to do about a task whose options its module will refuse.
///
/// Differs from Ansible: that finds out when the task has its turn. Here a playbook is not begun that is bound to fail,
/// unless it is only listed, or tags choose among its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WrongOptions {
    /// The playbook is not run.
    #[default]
    Refuse,
    /// It is a warning.
    Tell,
}

/// The value as a module gets it, if that is known before the run.
fn known(value: &Value) -> Option<Val> {
    if value.is_template() {
        return None;
    }
    Some(match value.kind() {
        Kind::Null => Val::Null,
        Kind::Bool(b) => Val::Bool(*b),
        Kind::Int(i) => Val::Int(*i),
        Kind::Float(f) => Val::Float(*f),
        Kind::Str(text) => Val::Str(text.to_string()),
        Kind::Bytes(bytes) => Val::Bytes(bytes.to_vec()),
        Kind::List(items) | Kind::Tuple(items) => Val::List(items.iter().map(known).collect::<Option<_>>()?),
        Kind::Map(map) => {
            let entries = map.iter().map(|(key, value)| Some((key.text(), known(value)?)));
            Val::Map(entries.collect::<Option<_>>()?)
        }
        Kind::Big(_) | Kind::Set(_) | Kind::Undefined(_) | Kind::Omit | Kind::Object(_) => return None,
    })
}
