//! Reads one task or handler.

use std::path::Path;
use std::sync::Arc;

use shevek_diag::{Diagnostic, Kind};
use shevek_value::{Map, Value};

use crate::action::{Written, takes_free_form};
use crate::catalogue::{Resolved, builtin_short};
use crate::foreign::Language;
use crate::keyword::{Element, ON_INCLUDES, Own, bad_name, described, is_variable_name, list, optional_list};
use crate::model::{Action, HandlerName, Item, Loop, LoopControl, LoopKind, Target, Task};
use crate::reader::Reader;
use crate::scope::{Scope, join_tags, over};

/// The lookups that Ansible brings itself.
const LOOKUPS: &[&str] = &[
    "config",
    "csvfile",
    "dict",
    "env",
    "file",
    "fileglob",
    "first_found",
    "indexed_items",
    "ini",
    "inventory_hostnames",
    "items",
    "lines",
    "list",
    "nested",
    "password",
    "pipe",
    "random_choice",
    "sequence",
    "subelements",
    "template",
    "together",
    "unvault",
    "url",
    "varnames",
    "vars",
];

/// The keywords of a task that nothing inherits.
#[derive(Default)]
pub(crate) struct TaskOwn {
    pub(crate) inherited: Own,
    pub(crate) loop_: Option<Loop>,
    pub(crate) loop_control: LoopControl,
    pub(crate) register: Option<Arc<str>>,
    pub(crate) until: Vec<Value>,
    pub(crate) retries: Option<Value>,
    pub(crate) delay: Option<Value>,
    pub(crate) changed_when: Vec<Value>,
    pub(crate) failed_when: Vec<Value>,
    pub(crate) async_: Option<Value>,
    pub(crate) poll: Option<Value>,
    pub(crate) listen: Vec<HandlerName>,
}

impl Reader<'_> {
    /// Reads a task, and replaces it by what it imports if it is an import.
    pub(crate) fn task(&mut self, entry: &Value, map: &Map, scope: &Scope, items: &mut Vec<Item>) {
        let collections = match map.get("collections") {
            Some(value) => crate::keyword::collections(value, &mut shevek_diag::Diagnostics::new()),
            None => None,
        };
        let collections = collections.unwrap_or_else(|| scope.collections.clone());
        let Some(written) = self.action(entry, map, &collections) else { return };
        let name = written.name.text();
        let short = builtin_short(&name);
        let element = match (short, scope.is_handlers) {
            ("include_tasks" | "import_tasks", false) => Element::Include,
            ("include_tasks" | "import_tasks", true) => Element::HandlerInclude,
            ("include_role" | "import_role", _) => Element::IncludeRole,
            (_, true) => Element::Handler,
            (_, false) => Element::Task,
        };
        let Some(own) = self.task_keywords(map, &written, element, scope) else { return };
        match short {
            "import_tasks" => return items.extend(self.import_tasks(entry, &written, own, scope)),
            "import_role" | "include_role" if scope.is_handlers => self.wrong(
                Diagnostic::new("a role among handlers")
                    .detail(format!("Using '{name}' as a handler is not supported."))
                    .at_maybe(written.name.origin(), ""),
            ),
            "import_role" => return items.extend(self.import_role(entry, &written, own, scope)),
            "include_role" => self.check_include_role(&written),
            "include_tasks" => self.check_include_tasks(&written),
            _ => {}
        }
        let Some(resolved) = self.resolve_action(&written, &collections) else { return };
        let task = self.make(written, resolved, own, scope);
        self.check_meta(&task, scope);
        self.check_task(&task, scope);
        items.push(Item::Task(Arc::new(task)));
    }

    fn resolve_action(&mut self, written: &Written, collections: &[Arc<str>]) -> Option<Resolved> {
        let name = written.name.text();
        if written.name.is_template() {
            return Some(Resolved { name: name.into(), target: Target::Template, schema: None });
        }
        let found = self.resolve(&name, collections).filter(|found| !self.is_nowhere(found));
        let runs = match found.as_ref().map(|found| &found.target) {
            Some(Target::Unsupported) => false,
            // One that cannot be read is for the run to complain about.
            Some(Target::Foreign(path)) => {
                std::fs::read(path).is_ok_and(|bytes| Language::of(path, &bytes).runs())
            }
            _ => true,
        };
        if !runs {
            self.not_here.entry(name.clone()).or_insert_with(|| written.name.origin().cloned());
        }
        if found.is_none() {
            let mut problem = Diagnostic::new("unknown module or action")
                .detail(format!("couldn't resolve module/action '{name}'"))
                .at_maybe(written.name.origin(), "");
            problem = match builtin_short(&name) {
                "include" => problem
                    .kind(Kind::Machine)
                    .help("`include` is gone: use `include_tasks`, `import_tasks` or `import_playbook`"),
                short if let Some(collection) = crate::moved::removed_from(short) => problem.help(format!(
                    "it was removed from {collection}, whose present releases have it no more"
                )),
                _ => problem
                    .did_you_mean(&name, self.loader.catalogue.names())
                    .help("this often is a misspelling, or a collection or role that is not installed"),
            };
            self.wrong(problem);
        }
        found
    }

    /// Whether an action is nowhere: its collection is here and has it not, or there is no trace of the collection, neither
    /// here nor in the package that people have without saying so.
    fn is_nowhere(&self, resolved: &Resolved) -> bool {
        let mut parts = resolved.name.splitn(3, '.');
        let (Some(namespace), Some(collection), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        resolved.target == Target::Unsupported
            && (self.collection_roots.iter().any(|root| root.join(namespace).join(collection).is_dir())
                || !crate::package::is_in_package(&format!("{namespace}.{collection}")))
    }

    fn task_keywords(
        &mut self,
        map: &Map,
        written: &Written,
        element: Element,
        scope: &Scope,
    ) -> Option<TaskOwn> {
        let mut own = TaskOwn::default();
        let is_dynamic = builtin_short(&written.name.text()).starts_with("include_")
            && !matches!(element, Element::Task | Element::Handler);
        for (key, value) in map {
            let Some(word) = key.as_str() else { continue };
            let fits = !is_dynamic
                || ON_INCLUDES.contains(&word)
                || (word == "listen" && element == Element::HandlerInclude);
            if !fits && (Element::Handler.has(word)) {
                self.unfit(key, element);
            }
            if own.inherited.take(key, value, &mut self.problems) {
                continue;
            }
            self.task_keyword(&mut own, key, value, element);
        }
        if written.is_local {
            own.inherited.keywords.delegate_to = Some(Value::str("localhost").from_where(&written.name));
            own.inherited.has_keywords = true;
        }
        if let Some(role) = &scope.role
            && matches!(element, Element::Handler | Element::HandlerInclude)
        {
            let names = own.listen.clone();
            let full = role.full_name();
            for name in &names {
                own.listen.push(format!("{full} : {name}").into());
                if full != *role.name {
                    own.listen.push(format!("{} : {name}", role.name).into());
                }
            }
        }
        self.settle(&mut own.inherited, scope);
        Some(own)
    }

    /// A keyword that a dynamic include can't have: it would do nothing there.
    fn unfit(&mut self, key: &Value, element: Element) {
        let word = key.text();
        self.wrong(
            Diagnostic::new("a keyword that does nothing on an include")
                .detail(format!("'{word}' is not a valid attribute for a {}", element.name()))
                .at_maybe(key.origin(), "")
                .help(format!(
                    "to give it to the tasks inside, put it under `apply`: `apply: {{ {word}: … }}`"
                )),
        );
    }

    fn task_keyword(&mut self, own: &mut TaskOwn, key: &Value, value: &Value, element: Element) {
        let word = key.as_str().unwrap_or_default();
        let some = || Some(value).filter(|value| !value.is_null()).cloned();
        match word {
            "action" | "local_action" | "args" => {}
            "loop" => {
                if value.is_null() {
                    return;
                }
                self.set_loop(own, LoopKind::Loop, key, value);
            }
            "loop_control" => own.loop_control = self.loop_control(value),
            "register" => {
                if is_variable_name(value) || value.is_null() {
                    own.register = value.as_str().map(Into::into);
                } else {
                    self.wrong(bad_name(value).help("Invalid 'register' specified."));
                }
            }
            "until" => own.until = optional_list(value),
            "retries" => own.retries = some(),
            "delay" => own.delay = some(),
            "changed_when" => own.changed_when = list(value),
            "failed_when" => own.failed_when = list(value),
            "async" => own.async_ = some(),
            "poll" => own.poll = some(),
            "listen" if matches!(element, Element::Handler | Element::HandlerInclude) => {
                for name in optional_list(value) {
                    match name.as_str() {
                        Some(name) => own.listen.push(name.into()),
                        None => self.wrong(
                            Diagnostic::new("a keyword has a value of the wrong type")
                                .detail(format!("`listen` takes names, not {}", described(&name)))
                                .at_maybe(name.origin(), ""),
                        ),
                    }
                }
            }
            _ => match word.strip_prefix("with_") {
                Some(lookup) if self.knows_lookup(lookup) => {
                    if value.is_null() {
                        self.wrong(
                            Diagnostic::new("a loop without a value")
                                .kind(Kind::Machine)
                                .detail(format!("you must specify a value when using {word}"))
                                .at_maybe(key.origin(), ""),
                        );
                        return;
                    }
                    self.set_loop(own, LoopKind::With(lookup.into()), key, value);
                }
                Some(lookup) => self.wrong(
                    Diagnostic::new("unknown lookup")
                        .detail(format!(
                            "'{word}' is not a valid attribute for a {}: there is no lookup `{lookup}`",
                            element.name()
                        ))
                        .at_maybe(key.origin(), ""),
                ),
                // What is left is the action itself, except for what only handlers may have.
                None if Element::Handler.has(word) => self.unknown_keyword(key, element),
                None => {}
            },
        }
    }

    /// Whether there is such a lookup, or may be: what is in a collection that is not here is for the run to say.
    fn knows_lookup(&self, name: &str) -> bool {
        let short = builtin_short(name);
        short.contains('.') || LOOKUPS.contains(&short) || self.loader.settings.templating.has_lookup(name)
    }

    fn set_loop(&mut self, own: &mut TaskOwn, kind: LoopKind, key: &Value, value: &Value) {
        if own.loop_.is_some() {
            self.wrong(
                Diagnostic::new("a task with two loops")
                    .kind(Kind::Machine)
                    .detail(format!("duplicate loop in task: {}", key.text().trim_start_matches("with_")))
                    .at_maybe(key.origin(), ""),
            );
        }
        own.loop_ = Some(Loop { kind, value: value.clone() });
    }

    fn loop_control(&mut self, value: &Value) -> LoopControl {
        let mut control = LoopControl::default();
        let Some(map) = value.as_map() else {
            self.wrong(
                Diagnostic::new("`loop_control` must be a mapping")
                    .detail(format!(
                        "the `loop_control` value must be specified as a dictionary, not {}; what is in it may be templates",
                        described(value)
                    ))
                    .at_maybe(value.origin(), ""),
            );
            return control;
        };
        for (key, value) in map {
            let field = match key.as_str().unwrap_or_default() {
                "loop_var" => &mut control.loop_var,
                "index_var" => &mut control.index_var,
                "label" => &mut control.label,
                "pause" => &mut control.pause,
                "extended" => &mut control.extended,
                "extended_allitems" => &mut control.extended_allitems,
                "break_when" => {
                    control.break_when = optional_list(value);
                    continue;
                }
                _ => {
                    let word = key.text();
                    let known = [
                        "loop_var",
                        "index_var",
                        "label",
                        "pause",
                        "extended",
                        "extended_allitems",
                        "break_when",
                    ];
                    self.wrong(
                        Diagnostic::new("unknown keyword")
                            .detail(format!("'{word}' is not a valid attribute for a LoopControl"))
                            .at_maybe(key.origin(), "")
                            .did_you_mean(&word, known),
                    );
                    continue;
                }
            };
            *field = Some(value.clone()).filter(|value| !value.is_null());
        }
        control
    }

    /// The task of what was read.
    pub(crate) fn make(&mut self, written: Written, resolved: Resolved, own: TaskOwn, scope: &Scope) -> Task {
        let inner = scope.inside(&own.inherited);
        let is_include = matches!(&*resolved.name, "include_tasks" | "include_role");
        let include_vars = if is_include {
            over(&scope.include_vars, &own.inherited.vars)
        } else {
            scope.include_vars.clone()
        };
        let outer = is_include.then(|| {
            Arc::new(Scope { vars: inner.vars.clone(), include_vars: include_vars.clone(), ..scope.clone() })
        });
        Task {
            id: self.loader.next_id(),
            name: own.inherited.name,
            action: Action {
                name: written.name,
                resolved: resolved.name,
                target: resolved.target,
                schema: resolved.schema,
                args: Arc::new(written.args),
                free_form: written.free_form,
                variable_args: written.variable_args,
            },
            when: inner.when,
            tags: inner.tags,
            keywords: inner.keywords,
            vars: inner.vars,
            include_vars,
            loop_: own.loop_,
            loop_control: own.loop_control,
            register: own.register,
            until: own.until,
            retries: own.retries,
            delay: own.delay,
            changed_when: own.changed_when,
            failed_when: own.failed_when,
            async_: own.async_,
            poll: own.poll,
            listen: own.listen,
            is_handler: scope.is_handlers,
            is_implicit: false,
            role: inner.role,
            collections: inner.collections,
            file: inner.file,
            play_dir: inner.play.dir.clone(),
            included: inner.included,
            scope: outer,
            origin: written.origin,
        }
    }

    /// A `meta` task that nobody wrote.
    pub(crate) fn implicit_meta(&mut self, word: &str, scope: &Scope) -> Task {
        let written = Written {
            name: Value::str("meta"),
            args: Map::default(),
            free_form: Some(Value::str(word)),
            variable_args: None,
            is_local: false,
            origin: None,
        };
        let resolved = Resolved { name: "meta".into(), target: Target::Controller, schema: None };
        let task = self.make(written, resolved, TaskOwn::default(), scope);
        let tags = join_tags(&scope.tags, &[Value::str("always")]);
        Task { is_implicit: true, when: Arc::new([]), tags, ..task }
    }

    fn check_meta(&mut self, task: &Task, scope: &Scope) {
        if task.meta() != Some("end_role") {
            return;
        }
        let wrong = if scope.is_handlers {
            "Cannot execute 'end_role' from a handler"
        } else if scope.role.is_none() {
            "Cannot execute 'end_role' from outside of a role"
        } else {
            return;
        };
        self.wrong(Diagnostic::new(wrong).at_maybe(task.origin.as_ref(), ""));
    }

    /// Checks what can be known of a task's options and templates, unless it may never run or may be meant to fail.
    ///
    /// Differs from Ansible: such mistakes are found before anything runs, where there the task fails in its turn.
    fn check_task(&mut self, task: &Task, scope: &Scope) {
        let is_never = task.tags.iter().any(|tag| *tag == "never");
        let may_fail = task.keywords.ignore_errors.is_some() || !task.failed_when.is_empty();
        if scope.is_lenient || is_never || may_fail || !task.when.is_empty() {
            return;
        }
        for condition in task.until.iter().chain(&task.changed_when) {
            self.check_condition(condition);
        }
        let own =
            task.action.free_form.iter().chain(&task.action.variable_args).chain(task.action.args.values());
        for value in own.chain(task.loop_.iter().map(|own| &own.value)) {
            self.check_template(value);
        }
        if let Some(free_form) = &task.action.free_form
            && !takes_free_form(&task.action.resolved)
            && !free_form.is_template()
            && matches!(task.action.target, Target::Module | Target::Controller)
        {
            self.wrong(
                Diagnostic::new("a module that takes options only")
                    .detail(format!(
                        "Action '{}' does not support raw params: {}",
                        task.action.resolved,
                        described(free_form)
                    ))
                    .at_maybe(free_form.origin().or(task.origin.as_ref()), ""),
            );
        }
        self.check_options(task);
    }

    pub(crate) fn check_template(&mut self, value: &Value) {
        if !value.is_template() {
            return;
        }
        if value.as_str().is_some() {
            let checked = self.loader.settings.templating.check_template(value);
            self.problems.keep(checked.map_err(|problem| problem.or_at(value.origin())));
        }
        value.as_list().into_iter().flatten().for_each(|item| self.check_template(item));
        value.as_map().into_iter().flat_map(|map| map.values()).for_each(|item| self.check_template(item));
    }
}

/// The folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
