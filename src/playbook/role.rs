//! Finds and reads roles.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Origin};
use shevek_value::{Map, Value};

use crate::action::Written;
use crate::keyword::{Element, Own, described, truth};
use crate::model::{HandlerList, IncludeFrame, Item, Role, Task};
use crate::play::tasks_of;
use crate::reader::Reader;
use crate::role_sight::put_together;
use crate::scope::{Scope, over};
use crate::task::TaskOwn;

/// Options of `include_role` and `import_role`.
pub(crate) const OPTIONS: &[&str] = &[
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "apply",
    "public",
    "allow_duplicates",
    "rolespec_validate",
];

/// Those of them that name a file of the role.
pub(crate) const FROM: &[&str] = &["tasks_from", "vars_from", "defaults_from", "handlers_from"];

/// A role that was read, with what it becomes.
pub(crate) struct ReadRole {
    pub(crate) role: Arc<Role>,
    pub(crate) items: Vec<Item>,
    pub(crate) handlers: Vec<HandlerList>,
}

/// One use of a role, as written.
pub(crate) struct Use {
    pub(crate) name: String,
    pub(crate) origin: Option<Origin>,
    own: Own,
    params: Map,
    from: From,
    how: How,
    /// The roles that it is used by, outermost first.
    parents: Vec<Arc<Role>>,
    /// A further folder to look in: that of the role that depends on it.
    pub(crate) beside: Option<PathBuf>,
    /// Collections to look in.
    pub(crate) search: Vec<Arc<str>>,
}

/// The files of a role that stand in for its main ones.
#[derive(Clone, Default, Hash)]
struct From {
    tasks: Option<String>,
    vars: Option<String>,
    defaults: Option<String>,
    handlers: Option<String>,
}

/// How a role is used.
#[derive(Clone, Copy)]
struct How {
    is_included: bool,
    is_public: bool,
    validates: bool,
    /// Whether duplicates are allowed, where the use decides that.
    allow_duplicates: Option<bool>,
}

impl Reader<'_> {
    /// A role of a play's `roles`.
    pub(crate) fn role_of_play(&mut self, entry: &Value, scope: &Scope) -> Option<ReadRole> {
        let how = How {
            is_included: false,
            is_public: self.publicity(true),
            validates: true,
            allow_duplicates: None,
        };
        let search = scope.collections.to_vec();
        let used = self.used(entry, how, search, scope)?;
        self.role(used, scope)
    }

    /// Whether roles show their variables to tasks after them, when nothing more is said.
    fn publicity(&self, is_static: bool) -> bool {
        self.loader.settings.private_role_vars.map_or(is_static, |private| !private)
    }

    /// An entry of `roles` or of a role's dependencies.
    fn used(&mut self, entry: &Value, how: How, search: Vec<Arc<str>>, scope: &Scope) -> Option<Use> {
        let mut own = Own::default();
        let mut params = Map::default();
        let name = match entry.as_map() {
            Some(map) => {
                for (key, value) in map {
                    let is_keyword = key.as_str().is_some_and(|word| Element::Role.has(word));
                    if !is_keyword {
                        params.insert(key.clone(), value.clone());
                    } else if *key != "role" {
                        own.take(key, value, &mut self.problems);
                    }
                }
                let named = map.get("role").or_else(|| map.get("name")).cloned();
                named.or_else(|| map.get("src").map(name_of_source))
            }
            None => Some(entry.clone()).filter(|name| name.as_str().is_some() || name.as_int().is_some()),
        };
        let name = name.filter(|name| name.is_true() && name.as_map().is_none() && name.as_list().is_none());
        let Some(name) = name else {
            self.wrong(
                Diagnostic::new("a role without a name")
                    .detail(match entry.as_map() {
                        Some(_) => "role definitions must contain a role name".to_owned(),
                        None => format!("Invalid role definition: {}", described(entry)),
                    })
                    .at_maybe(entry.origin(), ""),
            );
            return None;
        };
        self.settle(&mut own, scope);
        let rendered = self.render(&name, scope);
        let text = self.problems.keep(rendered)?.text();
        if entry.as_str().is_some() && text.contains(',') {
            self.wrong(
                Diagnostic::new("an old way to name a role")
                    .detail(format!("Invalid old style role requirement: {text}"))
                    .at_maybe(name.origin(), ""),
            );
            return None;
        }
        Some(Use {
            name: text,
            origin: name.origin().or(entry.origin()).cloned(),
            own,
            params,
            from: From::default(),
            how,
            parents: Vec::new(),
            beside: None,
            search,
        })
    }

    /// What the role of an `import_role` becomes.
    pub(crate) fn import_role(
        &mut self,
        entry: &Value,
        written: &Written,
        own: TaskOwn,
        scope: &Scope,
    ) -> Vec<Item> {
        self.check_include_role(written);
        if own.loop_.is_some() {
            self.wrong(
                Diagnostic::new("a loop on an import")
                    .detail("You cannot use loops on 'import_role' statements.")
                    .at_maybe(entry.origin(), "")
                    .help("use `include_role` instead"),
            );
            return Vec::new();
        }
        let inner = scope.inside(&own.inherited);
        let rendered = self.render(&Value::map(written.args.clone()), &inner);
        let Some(args) = self.problems.keep(rendered) else { return Vec::new() };
        let Some(args) = args.as_map() else { return Vec::new() };
        let at = written.name.origin().or(entry.origin());
        let Some(used) = self.spec(args, at, scope, Way::Import) else { return Vec::new() };
        let used = Use { own: Own { vars: own.inherited.vars, ..Own::default() }, ..used };
        let inner = with_parent(inner, scope.role.as_ref());
        let Some(read) = self.role(used, &inner) else { return Vec::new() };
        self.handlers.extend(read.handlers);
        self.roles.push(read.role);
        read.items
    }

    /// Reads the role of an `include_role`.
    pub(crate) fn included_role(
        &mut self,
        task: &Task,
        args: &Map,
        scope: &Scope,
        vars: &Map,
    ) -> Option<ReadRole> {
        let used = self.spec(args, task.origin.as_ref(), scope, Way::Include)?;
        // What the include itself has as `vars` is seen by the role's own variables too.
        let before: &Map = task.scope.as_ref().map_or(&scope.include_vars, |scope| &scope.include_vars);
        let own_vars: Map = before.iter().chain(vars).map(|(k, v)| (k.clone(), v.clone())).collect();
        let used = Use { own: Own { vars: own_vars, ..Own::default() }, ..used };
        let scope = with_parent(scope.clone(), task.role.as_ref());
        self.role(used, &scope)
    }

    /// The arguments of `import_role` and `include_role`.
    fn spec(&mut self, args: &Map, at: Option<&Origin>, scope: &Scope, way: Way) -> Option<Use> {
        let name = args.get("name").or_else(|| args.get("role")).filter(|name| name.as_str().is_some())?;
        let mut from = From::default();
        for (option, field) in [
            ("tasks_from", &mut from.tasks),
            ("vars_from", &mut from.vars),
            ("defaults_from", &mut from.defaults),
            ("handlers_from", &mut from.handlers),
        ] {
            match args.get(option) {
                Some(value) if value.as_str().is_some() => *field = Some(value.text()),
                Some(value) => self.wrong(
                    Diagnostic::new("a file name must be text")
                        .detail(format!(
                            "Expected a string for {option} but got {} instead",
                            described(value)
                        ))
                        .at_maybe(value.origin().or(at), ""),
                ),
                None => {}
            }
        }
        let flag = |option: &str| args.get(option).and_then(truth);
        let parents = match &scope.role {
            Some(role) => role.parents.iter().cloned().chain([shell(role)]).collect(),
            None => Vec::new(),
        };
        Some(Use {
            name: name.text(),
            origin: name.origin().or(at).cloned(),
            own: Own::default(),
            params: Map::default(),
            from,
            how: How {
                is_included: true,
                is_public: flag("public").unwrap_or_else(|| self.publicity(way == Way::Import)),
                validates: flag("rolespec_validate").unwrap_or(true),
                allow_duplicates: Some(flag("allow_duplicates").unwrap_or(true)),
            },
            parents,
            beside: None,
            search: scope.collections.to_vec(),
        })
    }

    /// Reads a role: its variables, dependencies, tasks and handlers.
    fn role(&mut self, used: Use, scope: &Scope) -> Option<ReadRole> {
        let (name, path, collection) = self.find_role(&used, scope)?;
        if used.parents.iter().filter(|parent| parent.path == path && !used.how.is_included).count() > 0
            || used.parents.len() > 100
        {
            self.wrong(
                Diagnostic::new("roles depend on each other in a circle")
                    .detail(format!(
                        "A recursion loop was detected with the roles specified: `{name}` needs itself"
                    ))
                    .at_maybe(used.origin.as_ref(), ""),
            );
            return None;
        }
        self.enter_role(&path);
        let own_vars = self.role_variables(&path, "vars", used.from.vars.as_deref(), used.origin.as_ref());
        let own_defaults =
            self.role_variables(&path, "defaults", used.from.defaults.as_deref(), used.origin.as_ref());
        let (mut meta, entries) = self.role_meta(&path, &name);
        if let Some(allowed) = used.how.allow_duplicates {
            meta.allow_duplicates = allowed;
        }
        let mut own = used.own;
        let mut role = Role {
            name: name.as_str().into(),
            collection,
            key: key(&path, &used.params, &own, (&used.from, used.how.is_included)),
            path,
            meta: Arc::new(meta),
            is_included: used.how.is_included,
            is_public: used.how.is_public,
            parents: used.parents,
            dependencies: Vec::new(),
            own_defaults,
            own_vars,
            own_params: Arc::new(used.params),
            use_vars: Arc::new(std::mem::take(&mut own.vars)),
            defaults: Arc::default(),
            vars: Arc::default(),
            public_defaults: Arc::default(),
            public_vars: Arc::default(),
            params: Arc::default(),
        };
        put_together(&mut role, self.loader.settings.hashes);
        let outer = scope.inside(&own);
        let (mut items, mut handlers) = (Vec::new(), Vec::new());
        if !entries.is_empty() {
            let parents: Vec<Arc<Role>> =
                role.parents.iter().cloned().chain([Arc::new(role.clone())]).collect();
            for entry in &entries {
                let Some(read) = self.dependency(entry, &role, &parents, &outer) else { continue };
                items.extend(read.items);
                handlers.extend(read.handlers);
                role.dependencies.push(read.role);
            }
            put_together(&mut role, self.loader.settings.hashes);
        }
        let role = Arc::new(role);
        let scope = self.role_scope(&role, &outer);
        let (from, asked) = (used.from, used.origin.as_ref());
        if used.how.validates {
            items.extend(self.validation(&role, from.tasks.as_deref().unwrap_or("main"), &scope));
        }
        let tasks = self.role_tasks(&role, from.tasks.as_deref(), &scope, asked);
        items.extend(tasks);
        items.push(Item::Task(Arc::new(self.implicit_meta("role_complete", &scope))));
        let scope = Scope { is_handlers: true, ..scope };
        handlers.extend(self.role_handlers(&role, from.handlers.as_deref(), &scope, asked));
        Some(ReadRole { role, items, handlers })
    }

    fn dependency(
        &mut self,
        entry: &Value,
        role: &Role,
        parents: &[Arc<Role>],
        scope: &Scope,
    ) -> Option<ReadRole> {
        let how =
            How { is_included: false, is_public: role.is_public, validates: true, allow_duplicates: None };
        let mut search: Vec<Arc<str>> = role.collection.iter().cloned().collect();
        search.extend(
            role.meta.collections.iter().filter(|name| !search.contains(name)).cloned().collect::<Vec<_>>(),
        );
        // Names in a dependency see the role's own variables, as they do in Ansible through the play.
        let used = self.used(entry, how, search, scope)?;
        let beside = role.path.parent().map(Path::to_owned);
        self.role(Use { parents: parents.to_vec(), beside, ..used }, scope)
    }

    /// The scope of a role's own tasks.
    fn role_scope(&self, role: &Arc<Role>, outer: &Scope) -> Scope {
        let mut collections: Vec<Arc<str>> = role.collection.iter().cloned().collect();
        for name in &role.meta.collections {
            if !collections.contains(name) {
                collections.push(name.clone());
            }
        }
        let included = if role.is_included {
            let frame =
                IncludeFrame { dir: role.path.clone(), is_static: true, parent: outer.included.clone() };
            Some(Arc::new(frame))
        } else {
            outer.included.clone()
        };
        Scope {
            role: Some(role.clone()),
            collections: collections.into(),
            included,
            depth: outer.depth + 1,
            ..outer.clone()
        }
    }

    fn role_tasks(
        &mut self,
        role: &Arc<Role>,
        from: Option<&str>,
        scope: &Scope,
        asked: Option<&Origin>,
    ) -> Vec<Item> {
        match self.role_file(&role.path, "tasks", from, asked) {
            Some((path, list)) => {
                let scope = Scope { file: path.into(), ..scope.clone() };
                self.items(&list, &scope, "a role's tasks")
            }
            None => Vec::new(),
        }
    }

    fn role_handlers(
        &mut self,
        role: &Arc<Role>,
        from: Option<&str>,
        scope: &Scope,
        asked: Option<&Origin>,
    ) -> Option<HandlerList> {
        match self.role_file(&role.path, "handlers", from, asked) {
            Some((path, list)) => {
                let scope = Scope { file: path.into(), ..scope.clone() };
                Some(tasks_of(&self.items(&list, &scope, "a role's handlers")))
            }
            None => None,
        }
    }

    /// The task that checks the role's arguments, if it says what they are.
    fn validation(&mut self, role: &Role, entry_point: &str, scope: &Scope) -> Option<Item> {
        let specs = self.argument_specs(role);
        let spec = specs.get(entry_point).filter(|spec| spec.is_true())?;
        let text = |text: &str| Value::str(text);
        let mut name = format!("Validating arguments against arg spec '{entry_point}'");
        if let Some(short) = spec.get("short_description") {
            name = format!("{name} - {}", short.text());
        }
        let context = [
            ("type", text("role")),
            ("name", Value::str(role.name.clone())),
            ("argument_spec_name", text(entry_point)),
            ("path", Value::str(role.path.display().to_string())),
        ];
        let args = [
            ("argument_spec", spec.get("options").cloned().unwrap_or_else(|| Value::map(Map::default()))),
            ("provided_arguments", Value::map(Map::clone(&role.own_params))),
            ("validate_args_context", Value::dict(context)),
        ];
        let written = Written {
            name: text("ansible.builtin.validate_argument_spec"),
            args: args.into_iter().map(|(name, value)| (text(name), value)).collect(),
            free_form: None,
            variable_args: None,
            is_local: false,
            origin: spec.origin().cloned(),
        };
        let always = Own { tags: vec![text("always")], name: Some(Value::str(name)), ..Own::default() };
        let own = TaskOwn { inherited: always, ..TaskOwn::default() };
        let resolved = self.resolve("validate_argument_spec", &[]);
        let resolved = resolved.unwrap_or_else(|| crate::catalogue::Resolved {
            name: "validate_argument_spec".into(),
            target: crate::model::Target::Controller,
            schema: None,
        });
        Some(Item::Task(Arc::new(self.make(written, resolved, own, scope))))
    }
}

/// Whether a role is imported or included.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Import,
    Include,
}

/// What a dependency or included role sees of the role that uses it.
fn shell(role: &Arc<Role>) -> Arc<Role> {
    if role.dependencies.is_empty() {
        return role.clone();
    }
    Arc::new(Role { dependencies: Vec::new(), ..Role::clone(role) })
}

/// Adds what a role that is included from another role sees of that.
fn with_parent(mut scope: Scope, parent: Option<&Arc<Role>>) -> Scope {
    let Some(parent) = parent else { return scope };
    let mut more = Map::clone(&parent.own_params);
    let lineage = |name: &str, first: String| {
        let outer = scope.include_vars.get(name).and_then(Value::as_list).unwrap_or_default();
        Value::list(std::iter::once(Value::str(first)).chain(outer.iter().cloned()).collect())
    };
    let names = lineage("ansible_parent_role_names", parent.full_name());
    let paths = lineage("ansible_parent_role_paths", parent.path.display().to_string());
    more.insert(Value::str("ansible_parent_role_names"), names);
    more.insert(Value::str("ansible_parent_role_paths"), paths);
    scope.include_vars = over(&scope.include_vars, &more);
    scope
}

/// What makes two uses of a role the same.
fn key(path: &Path, params: &Map, own: &Own, from: (&From, bool)) -> Arc<str> {
    let mut hasher = DefaultHasher::new();
    for map in [params, &own.vars] {
        Value::map(map.clone()).repr().hash(&mut hasher);
    }
    for list in [&own.when, &own.tags] {
        list.iter().for_each(|value| value.repr().hash(&mut hasher));
        u8::MAX.hash(&mut hasher);
    }
    from.hash(&mut hasher);
    format!("{}#{:016x}", path.display(), hasher.finish()).into()
}

/// The role's name in a source that `ansible-galaxy` installs from: a URL, or `name,version`.
fn name_of_source(source: &Value) -> Value {
    let text = source.text();
    let parts: Vec<&str> = text.split(',').collect();
    let name = match parts.as_slice() {
        [_, _, name] => (*name).to_owned(),
        [first, ..] => {
            let last = first.rsplit('/').next().unwrap_or(first);
            let last = last.strip_suffix(".git").or_else(|| last.strip_suffix(".tar.gz")).unwrap_or(last);
            last.to_owned()
        }
        [] => text,
    };
    Value::str(name).from_where(source)
}
