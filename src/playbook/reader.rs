//! Reads one thing (a playbook, an included file) with all that it brings in, and gathers what is wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics, Kind, Origin, Result, Severity};
use shevek_value::{IndexMap, Map, Value};

use crate::catalogue::{Place, Resolved};
use crate::keyword::{Element, Own, described};
use crate::loader::{Loaded, Loader, UnknownKeywords};
use crate::model::{Block, HandlerList, Item, Role};
use crate::scope::Scope;

/// How many files may import each other.
const DEEPEST: usize = 100;

/// How many places one warning shows.
const MOST_PLACES: usize = 3;

/// One reading.
pub(crate) struct Reader<'l> {
    pub(crate) loader: &'l Loader,
    pub(crate) problems: Diagnostics,
    /// Handlers that imported roles bring.
    pub(crate) handlers: Vec<HandlerList>,
    /// Roles whose variables the play sees.
    pub(crate) roles: Vec<Arc<Role>>,
    /// Folders with modules that the play sees: its own, those of all roles met so far, those configured.
    libraries: Vec<PathBuf>,
    /// Modules that nothing here can run, and where they stand first.
    pub(crate) not_here: IndexMap<String, Option<Origin>>,
    /// Plugins in Python beside the playbooks and in their roles.
    pub(crate) python_plugins: BTreeSet<PathBuf>,
    /// Whether a run goes on, in which each task speaks for itself.
    pub(crate) is_running: bool,
    /// Folders with collections.
    pub(crate) collection_roots: Vec<PathBuf>,
}

impl<'l> Reader<'l> {
    pub(crate) fn new(loader: &'l Loader) -> Self {
        Self {
            loader,
            problems: Diagnostics::new(),
            handlers: Vec::new(),
            roles: Vec::new(),
            libraries: Vec::new(),
            not_here: IndexMap::new(),
            python_plugins: BTreeSet::new(),
            is_running: false,
            collection_roots: Vec::new(),
        }
    }

    /// Turns to a play in a folder.
    pub(crate) fn enter(&mut self, play: &Path) {
        self.note_plugins(play);
        self.libraries = self.loader.libraries(play);
        self.collection_roots = self.loader.collection_roots(play);
        self.handlers.clear();
        self.roles.clear();
    }

    /// Takes note of a role: its modules are visible from here on.
    pub(crate) fn enter_role(&mut self, role: &Path) {
        self.note_plugins(role);
        let new = self.loader.enter_role(role);
        let configured = self.libraries.len().saturating_sub(self.loader.configured_libraries());
        self.libraries.splice(configured..configured, new);
    }

    /// The result, unless there were errors.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<Loaded<T>, Diagnostics> {
        self.problems.extend(self.loader.files.take_warnings());
        self.warn_of_modules();
        self.warn_of_plugins();
        if self.problems.has_errors() {
            return Err(self.problems);
        }
        Ok(Loaded { value, warnings: self.problems })
    }

    /// One warning for all modules that nothing here can run: the tasks with them may never have their turn.
    fn warn_of_modules(&mut self) {
        if self.is_running || self.not_here.is_empty() {
            return;
        }
        let names: Vec<String> = self.not_here.keys().map(|name| format!("'{name}'")).collect();
        let mut warning = Diagnostic::warning("modules that shevek does not have")
            .detail(format!("a task with one of these fails when its turn comes: {}", names.join(", ")));
        for place in self.not_here.values().flatten().take(MOST_PLACES) {
            warning = warning.at(place, "");
        }
        for name in self.not_here.keys() {
            if let Some(near) = self.loader.catalogue.near(name) {
                warning = warning.help(format!("'{name}': did you mean `{near}`?"));
            }
        }
        self.wrong(warning);
    }

    /// Reads a file, or keeps what is wrong with it, at the place that asks for it.
    pub(crate) fn file(&mut self, path: &Path, asked: Option<&Origin>) -> Option<Value> {
        let result = self.loader.files.load(path).map_err(|problem| problem.or_at(asked));
        self.problems.keep(result)
    }

    pub(crate) fn wrong(&mut self, problem: Box<Diagnostic>) {
        self.problems.push(problem);
    }

    /// Renders what must be known now.
    pub(crate) fn render(&mut self, value: &Value, scope: &Scope) -> Result<Value> {
        if !value.is_template() {
            return Ok(value.clone());
        }
        let mut layers: Vec<Arc<Map>> = self.roles.iter().map(|role| role.public_defaults.clone()).collect();
        layers.extend(self.vars_files(scope));
        layers.extend(self.roles.iter().map(|role| role.public_vars.clone()));
        layers.extend(scope.layers());
        let mut magic: Vec<(&str, Value)> =
            vec![("playbook_dir", Value::str(scope.play.dir.display().to_string()))];
        if let Some(role) = &scope.role {
            magic.push(("role_name", Value::str(role.name.clone())));
            magic.push(("role_path", Value::str(role.path.display().to_string())));
            magic.push(("ansible_role_name", Value::str(role.full_name())));
        }
        layers.push(Arc::new(magic.into_iter().map(|(name, value)| (Value::str(name), value)).collect()));
        let layers: Vec<&Map> = layers.iter().map(|layer| &**layer).collect();
        self.loader.settings.templating.render(value, &layers).map_err(|problem| {
            problem.kind(Kind::Machine).or_at(value.origin()).help(
                "what is imported must be known before the run starts: set the variable by `-e`, in the play's `vars` or \
                 `vars_files`, or use `include_tasks` or `include_role`",
            )
        })
    }

    /// The play's `vars_files` that can be found now.
    fn vars_files(&mut self, scope: &Scope) -> Vec<Arc<Map>> {
        let mut layers = Vec::new();
        for entry in &scope.play.vars_files {
            let names = crate::keyword::list(entry);
            let found = names.iter().filter(|name| !name.is_template()).find_map(|name| {
                let path = self.loader.vars_file(&scope.play.dir, name.as_str()?)?;
                self.loader.variables(&path).ok()
            });
            layers.extend(found);
        }
        layers
    }

    /// Reads a list of tasks and blocks.
    pub(crate) fn items(&mut self, list: &Value, scope: &Scope, what: &str) -> Vec<Item> {
        if list.is_null() {
            return Vec::new();
        }
        let Some(entries) = list.as_list() else {
            self.wrong(
                Diagnostic::new("tasks must be a list")
                    .detail(format!(
                        "A malformed block was encountered while loading {what}: {} should be a list or None but is {}",
                        if list.is_secret() { "this".to_owned() } else { list.text() },
                        list.type_name()
                    ))
                    .at_maybe(list.origin(), ""),
            );
            return Vec::new();
        };
        if scope.depth > DEEPEST {
            self.wrong(
                Diagnostic::new("files import each other without end")
                    .detail(format!("more than {DEEPEST} files deep"))
                    .at_maybe(list.origin(), ""),
            );
            return Vec::new();
        }
        let mut items = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.as_map() {
                Some(map) if map.is_empty() => {}
                Some(map) if is_block(map) => {
                    if let Some(block) = self.block(entry, map, scope) {
                        items.push(Item::Block(Arc::new(block)));
                    }
                }
                Some(map) => self.task(entry, map, scope, &mut items),
                None if entry.is_null() => {}
                None => self.wrong(
                    Diagnostic::new("a task must be a mapping")
                        .detail(format!(
                            "A malformed block was encountered while loading {what}: {}",
                            described(entry)
                        ))
                        .at_maybe(entry.origin(), ""),
                ),
            }
        }
        items
    }

    fn block(&mut self, entry: &Value, map: &Map, scope: &Scope) -> Option<Block> {
        let mut own = Own::default();
        for (key, value) in map {
            let is_own = own.take(key, value, &mut self.problems);
            let is_list = matches!(key.as_str(), Some("block" | "rescue" | "always"));
            if !is_own && !is_list {
                self.unknown_keyword(key, Element::Block);
            }
        }
        self.settle(&mut own, scope);
        let mut inner = scope.inside(&own);
        for name in ["block", "rescue", "always"] {
            if let Some((key, _)) = map.iter().find(|(key, value)| *key == name && value.is_null()) {
                self.wrong(
                    Diagnostic::new("a malformed block")
                        .detail(format!("'{name}' should be a list of tasks, and there is nothing"))
                        .at_maybe(key.origin().or(entry.origin()), ""),
                );
            }
        }
        let part = |name: &str| map.get(name).filter(|value| !value.is_null()).cloned();
        let (body, rescue, always) = (part("block"), part("rescue"), part("always"));
        if !body.as_ref().is_some_and(Value::is_true) {
            for (name, list) in [("rescue", &rescue), ("always", &always)] {
                if list.as_ref().is_some_and(Value::is_true) {
                    self.wrong(
                        Diagnostic::new("a block without tasks")
                            .detail(format!("'{name}' keyword cannot be used without 'block'"))
                            .at_maybe(entry.origin(), ""),
                    );
                }
            }
        }
        inner.is_lenient |= rescue.is_some();
        let mut read = |list: Option<Value>, what: &str| {
            list.map(|list| self.nested(&list, &inner, what)).unwrap_or_default()
        };
        Some(Block {
            name: own.name.clone(),
            body: read(body, "a block"),
            rescue: read(rescue, "rescue"),
            always: read(always, "always"),
            origin: entry.origin().cloned(),
        })
    }

    /// The lists of a block, in which handlers must not nest further.
    fn nested(&mut self, list: &Value, scope: &Scope, what: &str) -> Vec<Item> {
        if scope.is_handlers {
            for entry in list.as_list().into_iter().flatten() {
                if entry.as_map().is_some_and(is_block) {
                    self.wrong(
                        Diagnostic::new("a block among handlers")
                            .detail("Using a block as a handler is not supported.")
                            .at_maybe(entry.origin(), ""),
                    );
                }
            }
        }
        self.items(list, scope, what)
    }

    /// Makes names in an element's keywords canonical, and checks the templates in them.
    pub(crate) fn settle(&mut self, own: &mut Own, scope: &Scope) {
        for defaults in &mut own.keywords.module_defaults {
            let Some(map) = defaults.as_map() else { continue };
            let canonical = map.iter().map(|(name, arguments)| {
                let known = match name.as_str() {
                    Some(name) if !name.starts_with("group/") => {
                        Value::str(self.loader.catalogue.canonical(name))
                    }
                    _ => name.clone(),
                };
                (known.from_where(name), arguments.clone())
            });
            *defaults = Value::map(canonical.collect()).from_where(defaults);
        }
        if own.tags.iter().any(Value::is_template) {
            self.render_tags(own, scope);
        }
        let mistyped = std::mem::take(&mut own.mistyped);
        let may_fail = own.keywords.ignore_errors.is_some() || scope.keywords.ignore_errors.is_some();
        if !scope.is_lenient && !may_fail {
            for condition in &own.when {
                self.check_when(condition);
            }
            if own.when.is_empty() {
                self.problems.extend(mistyped);
            }
        }
    }

    /// Renders tags, which are chosen from before there is a host. Those that can't be rendered now stay as they are.
    fn render_tags(&mut self, own: &mut Own, scope: &Scope) {
        let mut tags = Vec::with_capacity(own.tags.len());
        for tag in std::mem::take(&mut own.tags) {
            match self.render(&tag, scope) {
                Ok(rendered) => tags.extend(crate::keyword::list(&rendered)),
                Err(_) => tags.push(tag),
            }
        }
        own.tags = tags;
    }

    /// A condition that cannot be read fails the task in its turn, which may never come: tags may choose others. There
    /// are published roles with such.
    fn check_when(&mut self, condition: &Value) {
        if condition.as_str().is_some()
            && let Err(mut problem) = self.loader.settings.templating.check_condition(condition)
        {
            problem.severity = Severity::Warning;
            self.wrong(problem.or_at(condition.origin()).help("what it is for fails when its turn comes"));
        }
    }

    pub(crate) fn check_condition(&mut self, condition: &Value) {
        if condition.as_str().is_some() {
            let checked = self.loader.settings.templating.check_condition(condition);
            self.problems.keep(checked.map_err(|problem| problem.or_at(condition.origin())));
        }
    }

    /// Says that an element has a keyword that it can't have.
    pub(crate) fn unknown_keyword(&mut self, key: &Value, element: Element) {
        let word = key.text();
        let elsewhere = [Element::Play, Element::Block, Element::Task, Element::Handler]
            .into_iter()
            .find(|other| !element.has(&word) && other.has(&word));
        let mut problem = Diagnostic::new("unknown keyword")
            .detail(format!("'{word}' is not a valid attribute for a {}", element.name()))
            .at_maybe(key.origin(), "")
            .did_you_mean(&word, element.keywords());
        if let Some(other) = elsewhere {
            problem = problem.help(format!("`{word}` is a keyword of a {}", other.name().to_lowercase()));
        }
        let is_of_task = matches!(
            element,
            Element::Task
                | Element::Handler
                | Element::Include
                | Element::HandlerInclude
                | Element::IncludeRole
        );
        if is_of_task && self.loader.settings.unknown_keywords == UnknownKeywords::Ignore {
            problem.severity = Severity::Warning;
        }
        self.wrong(problem);
    }

    /// What the name of an action means where it stands.
    pub(crate) fn resolve(&self, name: &str, collections: &[Arc<str>]) -> Option<Resolved> {
        let place = Place {
            files: &self.loader.files,
            collections,
            libraries: &self.libraries,
            collection_roots: &self.collection_roots,
        };
        self.loader.catalogue.resolve(name, &place)
    }
}

/// Whether an entry of a list of tasks is a block.
pub(crate) fn is_block(map: &Map) -> bool {
    ["block", "rescue", "always"].iter().any(|name| map.contains_key(*name))
}
