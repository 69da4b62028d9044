//! Reads keywords: which there are, where they may stand, what they take.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics, Kind as DiagnosticKind};
use shevek_value::{Kind, Map, Value};

use crate::model::Keywords;

/// What keywords stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Play,
    Block,
    Task,
    Handler,
    Include,
    HandlerInclude,
    IncludeRole,
    Role,
    ImportPlaybook,
    RoleMeta,
}

impl Element {
    /// Ansible's name for it, as its messages have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Element::Play => "Play",
            Element::Block => "Block",
            Element::Task => "Task",
            Element::Handler => "Handler",
            Element::Include => "TaskInclude",
            Element::HandlerInclude => "HandlerTaskInclude",
            Element::IncludeRole => "IncludeRole",
            Element::Role => "RoleInclude",
            Element::ImportPlaybook => "PlaybookInclude",
            Element::RoleMeta => "RoleMetadata",
        }
    }

    /// The keywords that only this element has.
    fn own(self) -> &'static [&'static str] {
        match self {
            Element::Play => PLAY,
            Element::Block => &["block", "rescue", "always"],
            Element::Task | Element::Include | Element::IncludeRole => TASK,
            Element::Handler | Element::HandlerInclude => HANDLER,
            Element::Role => &["role"],
            Element::ImportPlaybook => &["import_playbook"],
            Element::RoleMeta => &["allow_duplicates", "dependencies", "galaxy_info", "argument_specs"],
        }
    }

    /// All keywords that it may have.
    pub(crate) fn keywords(self) -> impl Iterator<Item = &'static str> {
        let shared = BASE.iter().copied().filter(move |name| self.inherits(name));
        shared.chain(self.own().iter().copied())
    }

    pub(crate) fn has(self, keyword: &str) -> bool {
        self.own().contains(&keyword) || (BASE.contains(&keyword) && self.inherits(keyword))
    }

    /// Whether one of the shared keywords may stand on it.
    fn inherits(self, keyword: &str) -> bool {
        let is = |list: &[&str]| list.contains(&keyword);
        match self {
            Element::Play => !is(&["when", "delegate_to", "delegate_facts", "notify"]),
            Element::Role => keyword != "notify",
            Element::ImportPlaybook => !is(&["delegate_to", "delegate_facts", "notify", "collections"]),
            Element::RoleMeta => !is(&["when", "tags", "delegate_to", "delegate_facts", "notify"]),
            Element::Block | Element::Task | Element::Handler => true,
            Element::Include | Element::HandlerInclude | Element::IncludeRole => true,
        }
    }
}

/// Keywords of more than one element.
const BASE: &[&str] = &[
    "name",
    "connection",
    "port",
    "remote_user",
    "vars",
    "module_defaults",
    "environment",
    "no_log",
    "run_once",
    "ignore_errors",
    "ignore_unreachable",
    "check_mode",
    "diff",
    "any_errors_fatal",
    "throttle",
    "timeout",
    "debugger",
    "become",
    "become_method",
    "become_user",
    "become_flags",
    "become_exe",
    "when",
    "tags",
    "collections",
    "delegate_to",
    "delegate_facts",
    "notify",
];

const PLAY: &[&str] = &[
    "hosts",
    "gather_facts",
    "gather_subset",
    "gather_timeout",
    "fact_path",
    "vars_files",
    "vars_prompt",
    "roles",
    "handlers",
    "pre_tasks",
    "post_tasks",
    "tasks",
    "force_handlers",
    "max_fail_percentage",
    "serial",
    "strategy",
    "order",
    "user",
];

const TASK: &[&str] = &[
    "args",
    "action",
    "local_action",
    "async",
    "changed_when",
    "delay",
    "failed_when",
    "loop",
    "loop_control",
    "poll",
    "register",
    "retries",
    "until",
];

const HANDLER: &[&str] = &[
    "args",
    "action",
    "local_action",
    "async",
    "changed_when",
    "delay",
    "failed_when",
    "loop",
    "loop_control",
    "poll",
    "register",
    "retries",
    "until",
    "listen",
];

/// The keywords that dynamic includes may have; all others are an error there, since they would do nothing.
pub(crate) const ON_INCLUDES: &[&str] = &[
    "action",
    "args",
    "collections",
    "debugger",
    "ignore_errors",
    "loop",
    "loop_control",
    "name",
    "no_log",
    "register",
    "run_once",
    "tags",
    "timeout",
    "vars",
    "when",
];

/// The keywords of one element that what is inside it inherits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Own {
    pub(crate) keywords: Keywords,
    pub(crate) has_keywords: bool,
    pub(crate) when: Vec<Value>,
    pub(crate) tags: Vec<Value>,
    pub(crate) vars: Map,
    pub(crate) collections: Option<Arc<[Arc<str>]>>,
    pub(crate) name: Option<Value>,
    /// Values of the wrong type, which count only where the element surely has its turn.
    pub(crate) mistyped: Diagnostics,
    /// Keywords set to `null`: they end inheritance.
    pub(crate) cleared: Vec<&'static str>,
}

impl Own {
    /// Takes one entry of an element, if it is a keyword that is inherited; `false`: it is something else.
    pub(crate) fn take(&mut self, key: &Value, value: &Value, problems: &mut Diagnostics) -> bool {
        let Some(name) = key.as_str() else { return false };
        let Some(name) = BASE.iter().copied().find(|known| *known == name) else { return false };
        let field = match name {
            "name" => {
                self.name = (!value.is_null()).then(|| text(name, value, problems));
                return true;
            }
            "when" => {
                self.when = list(value);
                return true;
            }
            "tags" => {
                self.tags = tags(value, problems);
                return true;
            }
            "vars" => {
                self.vars = vars(value, problems);
                return true;
            }
            "collections" => {
                self.collections = collections(value, problems);
                return true;
            }
            "module_defaults" => {
                self.keywords.module_defaults = module_defaults(value, problems);
                self.has_keywords = true;
                return true;
            }
            "environment" => {
                self.keywords.environment = list(value).into_iter().filter(|item| !item.is_null()).collect();
                self.has_keywords = true;
                return true;
            }
            _ => match self.keywords.field(name) {
                Some(field) => field,
                None => return false,
            },
        };
        self.has_keywords = true;
        if value.is_null() {
            self.cleared.push(name);
            return true;
        }
        *field = Some(value.clone());
        check_type(name, value, &mut self.mistyped);
        true
    }
}

impl Own {
    /// These keywords laid over those of the element around.
    pub(crate) fn keywords_over(&self, outer: &Keywords) -> Keywords {
        if self.cleared.is_empty() {
            return self.keywords.over(outer);
        }
        let mut outer = outer.clone();
        for name in &self.cleared {
            if let Some(field) = outer.field(name) {
                *field = None;
            }
        }
        self.keywords.over(&outer)
    }
}

impl Keywords {
    /// These keywords laid over those of the element around.
    fn over(&self, outer: &Keywords) -> Keywords {
        let pick = |own: &Option<Value>, outer: &Option<Value>| own.clone().or_else(|| outer.clone());
        let chain = |own: &[Value], outer: &[Value]| outer.iter().chain(own).cloned().collect();
        Keywords {
            connection: pick(&self.connection, &outer.connection),
            port: pick(&self.port, &outer.port),
            remote_user: pick(&self.remote_user, &outer.remote_user),
            become_: pick(&self.become_, &outer.become_),
            become_method: pick(&self.become_method, &outer.become_method),
            become_user: pick(&self.become_user, &outer.become_user),
            become_flags: pick(&self.become_flags, &outer.become_flags),
            become_exe: pick(&self.become_exe, &outer.become_exe),
            module_defaults: chain(&self.module_defaults, &outer.module_defaults),
            environment: chain(&self.environment, &outer.environment),
            no_log: pick(&self.no_log, &outer.no_log),
            run_once: pick(&self.run_once, &outer.run_once),
            ignore_errors: pick(&self.ignore_errors, &outer.ignore_errors),
            ignore_unreachable: pick(&self.ignore_unreachable, &outer.ignore_unreachable),
            check_mode: pick(&self.check_mode, &outer.check_mode),
            diff: pick(&self.diff, &outer.diff),
            any_errors_fatal: pick(&self.any_errors_fatal, &outer.any_errors_fatal),
            throttle: pick(&self.throttle, &outer.throttle),
            timeout: pick(&self.timeout, &outer.timeout),
            debugger: pick(&self.debugger, &outer.debugger),
            delegate_to: pick(&self.delegate_to, &outer.delegate_to),
            delegate_facts: pick(&self.delegate_facts, &outer.delegate_facts),
            notify: pick(&self.notify, &outer.notify),
        }
    }
}

impl Keywords {
    /// The keyword of that name, if it is a single value.
    fn field(&mut self, name: &str) -> Option<&mut Option<Value>> {
        Some(match name {
            "connection" => &mut self.connection,
            "port" => &mut self.port,
            "remote_user" => &mut self.remote_user,
            "become" => &mut self.become_,
            "become_method" => &mut self.become_method,
            "become_user" => &mut self.become_user,
            "become_flags" => &mut self.become_flags,
            "become_exe" => &mut self.become_exe,
            "no_log" => &mut self.no_log,
            "run_once" => &mut self.run_once,
            "ignore_errors" => &mut self.ignore_errors,
            "ignore_unreachable" => &mut self.ignore_unreachable,
            "check_mode" => &mut self.check_mode,
            "diff" => &mut self.diff,
            "any_errors_fatal" => &mut self.any_errors_fatal,
            "throttle" => &mut self.throttle,
            "timeout" => &mut self.timeout,
            "debugger" => &mut self.debugger,
            "delegate_to" => &mut self.delegate_to,
            "delegate_facts" => &mut self.delegate_facts,
            "notify" => &mut self.notify,
            _ => return None,
        })
    }
}

/// A value as a list: a lone one is a list of itself, `null` too (an empty condition is Ansible's to judge).
pub(crate) fn list(value: &Value) -> Vec<Value> {
    match value.kind() {
        Kind::List(items) => items.to_vec(),
        _ => vec![value.clone()],
    }
}

/// A value as a list, where `null` is an empty one.
pub(crate) fn optional_list(value: &Value) -> Vec<Value> {
    if value.is_null() { Vec::new() } else { list(value) }
}

fn wrong(keyword: &str, wanted: &str, value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("a keyword has a value of the wrong type")
        .detail(format!("`{keyword}` takes {wanted}, not {}", described(value)))
        .at_maybe(value.origin(), "")
}

/// What a value is, in words.
pub(crate) fn described(value: &Value) -> String {
    match value.kind() {
        Kind::Null => "nothing".to_owned(),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a mapping".to_owned(),
        _ if value.is_secret() => "this".to_owned(),
        _ => format!("`{}`", value.text()),
    }
}

/// Text, or what can be written as text.
fn text(keyword: &str, value: &Value, problems: &mut Diagnostics) -> Value {
    if matches!(value.kind(), Kind::List(_) | Kind::Map(_)) {
        problems.push(wrong(keyword, "text", value));
    }
    value.clone()
}

/// Words that Ansible takes for a truth value.
pub(crate) fn truth(value: &Value) -> Option<bool> {
    match value.kind() {
        Kind::Bool(b) => Some(*b),
        Kind::Int(0) => Some(false),
        Kind::Int(1) => Some(true),
        Kind::Float(f) if *f == 0.0 => Some(false),
        Kind::Float(f) if (*f - 1.0).abs() < f64::EPSILON => Some(true),
        Kind::Str(text) => match text.trim().to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn check_type(keyword: &'static str, value: &Value, problems: &mut Diagnostics) {
    if !value.is_template() {
        let is_right = match keyword {
            "port" | "throttle" | "timeout" => whole(value),
            "notify" => true,
            "connection" | "remote_user" | "become_method" | "become_user" | "become_flags"
            | "become_exe" | "delegate_to" | "debugger" => {
                !matches!(value.kind(), Kind::List(_) | Kind::Map(_))
            }
            _ => truth(value).is_some(),
        };
        if !is_right {
            let wanted = match keyword {
                "port" | "throttle" | "timeout" => "a whole number",
                "connection" | "remote_user" | "become_method" | "become_user" | "become_flags"
                | "become_exe" | "delegate_to" | "debugger" => "text",
                _ => "yes or no",
            };
            problems.push(wrong(keyword, wanted, value));
        }
    }
}

fn whole(value: &Value) -> bool {
    match value.kind() {
        Kind::Int(_) | Kind::Bool(_) => true,
        Kind::Float(f) => f.fract() == 0.0,
        Kind::Str(text) => text.trim().parse::<f64>().is_ok_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

/// `tags`: a list, or text with commas.
pub(crate) fn tags(value: &Value, problems: &mut Diagnostics) -> Vec<Value> {
    match value.kind() {
        Kind::Null => Vec::new(),
        Kind::List(items) => {
            for item in items.iter().filter(|item| item.as_str().is_none() && item.as_int().is_none()) {
                problems.push(wrong("tags", "text", item));
            }
            items.to_vec()
        }
        // A comma may stand within a template.
        Kind::Str(_) if value.is_template() && value.text().trim_start().starts_with("{{") => {
            vec![value.clone()]
        }
        Kind::Str(text) => {
            let part = |part: &str| Value::str(part.trim()).flagged(value.flags()).from_where(value);
            text.split(',').map(part).collect()
        }
        _ => {
            problems.push(wrong("tags", "a list", value).kind(DiagnosticKind::Machine));
            Vec::new()
        }
    }
}

/// `vars`: a mapping with names that variables can have.
pub(crate) fn vars(value: &Value, problems: &mut Diagnostics) -> Map {
    match value.kind() {
        Kind::Null => Map::default(),
        Kind::Map(map) => {
            for warning in map.keys().filter_map(crate::reserved) {
                problems.push(warning);
            }
            for name in map.keys().filter(|name| !is_variable_name(name)) {
                problems.push(bad_name(name));
            }
            Map::clone(map)
        }
        _ => {
            problems.push(wrong("vars", "a mapping", value));
            Map::default()
        }
    }
}

/// What is wrong with a name that no variable can have.
pub(crate) fn bad_name(name: &Value) -> Box<Diagnostic> {
    Diagnostic::new("invalid variable name")
        .kind(DiagnosticKind::Machine)
        .detail(format!("Invalid variable name {}", described(name)))
        .at_maybe(name.origin(), "")
        .help("names have letters, digits and underscores, and do not start with a digit")
}

/// Whether a variable can have that name.
pub(crate) fn is_variable_name(name: &Value) -> bool {
    const TAKEN: &[&str] = &["False", "None", "True", "true", "false", "none", "not"];
    name.as_str().is_some_and(|name| {
        let mut letters = name.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !TAKEN.contains(&name)
    })
}

/// `collections`: a list of names; Ansible's own modules are always found as well.
pub(crate) fn collections(value: &Value, problems: &mut Diagnostics) -> Option<Arc<[Arc<str>]>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for item in optional_list(value) {
        match item.as_str() {
            Some(name) => names.push(name.into()),
            None => problems.push(wrong("collections", "names", &item)),
        }
    }
    Some(names.into())
}

/// `module_defaults`: a mapping by action, or a list of them.
fn module_defaults(value: &Value, problems: &mut Diagnostics) -> Vec<Value> {
    let defaults = optional_list(value);
    for item in defaults.iter().filter(|item| item.as_map().is_none()) {
        problems.push(
            wrong("module_defaults", "a mapping from action names to arguments", item)
                .help("action names must be written out; only their arguments may be templates"),
        );
    }
    defaults.into_iter().filter(|item| item.as_map().is_some()).collect()
}
