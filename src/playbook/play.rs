//! Reads plays and playbooks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Kind, Origin};
use shevek_value::{Map, Value};

use crate::catalogue::builtin_short;
use crate::keyword::{Element, Own, described, optional_list, truth};
use crate::model::{HandlerList, Item, Keywords, Play, Role, VarsPrompt};
use crate::reader::Reader;
use crate::scope::{PlayScope, Scope, join_tags};
use crate::task::folder;

/// What an `import_playbook` gives to the plays that it brings.
#[derive(Clone, Default)]
struct Imported {
    vars: Map,
    tags: Vec<Value>,
    when: Vec<Value>,
    collections: Vec<Arc<str>>,
    depth: usize,
}

/// The keywords of a play that its tasks don't inherit, as written.
#[derive(Default)]
struct PlayOwn<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> PlayOwn<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
            .filter(|value| !value.is_null())
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }

    fn list(&self, name: &str) -> Vec<Value> {
        self.get(name).map(optional_list).unwrap_or_default()
    }
}

impl Reader<'_> {
    /// The plays of a playbook file.
    pub(crate) fn playbook(&mut self, path: &Path, collections: Vec<Arc<str>>) -> Vec<Arc<Play>> {
        let imported = Imported { collections, ..Imported::default() };
        self.playbook_file(path, None, &imported)
    }

    /// Plays from data that is in no file.
    pub(crate) fn play_from(&mut self, data: &Value, dir: &Path) -> Vec<Arc<Play>> {
        let path = dir.join("<command line>");
        optional_list(data)
            .iter()
            .filter_map(|play| self.play(play, play.as_map()?, &path, &Imported::default()))
            .collect()
    }

    fn playbook_file(&mut self, path: &Path, asked: Option<&Origin>, imported: &Imported) -> Vec<Arc<Play>> {
        let Some(content) = self.file(path, asked) else { return Vec::new() };
        let name = self.loader.files.display(path);
        let problem = match content.as_list() {
            None if content.is_null() => Some(
                Diagnostic::new("an empty playbook").detail(format!("Empty playbook, nothing to do: {name}")),
            ),
            None => Some(Diagnostic::new("not a playbook").detail(format!(
                "A playbook must be a list of plays, got {} instead: {name}",
                described(&content)
            ))),
            Some([]) => Some(
                Diagnostic::new("an empty playbook")
                    .detail(format!("A playbook must contain at least one play: {name}")),
            ),
            Some(_) => None,
        };
        if let Some(problem) = problem {
            self.wrong(problem.at_maybe(content.origin(), "").or_at(asked));
            return Vec::new();
        }
        let mut plays = Vec::new();
        for entry in content.as_list().into_iter().flatten() {
            let Some(map) = entry.as_map() else {
                self.wrong(
                    Diagnostic::new("not a play")
                        .detail("playbook entries must be either valid plays or 'import_playbook' statements")
                        .at_maybe(entry.origin(), ""),
                );
                continue;
            };
            let import = map.iter().find(|(key, _)| builtin_short(&key.text()) == "import_playbook");
            match import {
                Some((_, target)) => plays.extend(self.import_playbook(entry, target, path, imported)),
                None => plays.extend(self.play(entry, map, path, imported)),
            }
        }
        plays
    }

    fn import_playbook(
        &mut self,
        entry: &Value,
        target: &Value,
        path: &Path,
        outer: &Imported,
    ) -> Vec<Arc<Play>> {
        let mut own = Own::default();
        for (key, value) in entry.as_map().into_iter().flatten() {
            let is_target = builtin_short(&key.text()) == "import_playbook";
            let known = key.as_str().is_some_and(|word| Element::ImportPlaybook.has(word));
            if !(is_target || known && own.take(key, value, &mut self.problems)) {
                self.unknown_keyword(key, Element::ImportPlaybook);
            }
        }
        let dir = folder(path);
        // What is said further out wins, as it does over the plays' own variables.
        let vars: Map = own.vars.iter().chain(&outer.vars).map(|(k, v)| (k.clone(), v.clone())).collect();
        let scope = self.play_scope(path, &vars, &Own::default(), &[]);
        // What cannot be rendered here is wrong content, where names of roles are none that are found.
        let rendered = self.render(target, &scope).map_err(|problem| problem.kind(Kind::Content));
        let Some(name) = self.problems.keep(rendered).map(|name| name.text()) else { return Vec::new() };
        if outer.depth > 50 {
            self.wrong(
                Diagnostic::new("files import each other without end")
                    .detail("playbooks import each other more than 50 deep")
                    .at_maybe(target.origin(), ""),
            );
            return Vec::new();
        }
        let in_collection = self.collection_playbook(&name, dir);
        let (file, collections) = match in_collection {
            Some((file, collection)) => (file, vec![collection]),
            None => (self.loader.files.beside(dir, &name), outer.collections.clone()),
        };
        // Old playbooks gave tags among the variables.
        let tags_in_vars = own.vars.get("tags").map(|tags| crate::keyword::tags(tags, &mut self.problems));
        let tags = outer.tags.iter().chain(&own.tags).chain(tags_in_vars.iter().flatten()).cloned().collect();
        let imported = Imported {
            vars,
            tags,
            when: outer.when.iter().chain(&own.when).cloned().collect(),
            collections,
            depth: outer.depth + 1,
        };
        self.playbook_file(&file, target.origin().or(entry.origin()), &imported)
    }

    /// The file of a playbook in a collection: `namespace.collection.name`.
    pub(crate) fn collection_playbook(&self, name: &str, dir: &Path) -> Option<(PathBuf, Arc<str>)> {
        let mut parts = name.splitn(3, '.');
        let (namespace, collection, rest) = (parts.next()?, parts.next()?, parts.next()?);
        if name.contains('/') || rest.is_empty() {
            return None;
        }
        let roots = self.loader.collection_roots(dir);
        let below = rest
            .strip_suffix(".yml")
            .or_else(|| rest.strip_suffix(".yaml"))
            .unwrap_or(rest)
            .replace('.', "/");
        roots.iter().find_map(|root| {
            let folder = root.join(namespace).join(collection).join("playbooks");
            let found = ["yml", "yaml"].iter().map(|kind| folder.join(format!("{below}.{kind}")));
            let path = found.into_iter().find(|path| path.is_file())?;
            Some((path, format!("{namespace}.{collection}").into()))
        })
    }

    fn play_scope(&self, path: &Path, vars: &Map, own: &Own, vars_files: &[Value]) -> Scope {
        let dir: Arc<Path> = folder(path).into();
        Scope {
            keywords: Arc::new(own.keywords_over(&Keywords::default())),
            when: Arc::new([]),
            tags: join_tags(&[], &own.tags),
            vars: Arc::default(),
            include_vars: Arc::default(),
            role: None,
            collections: own.collections.clone().unwrap_or_else(|| Arc::new([])),
            included: None,
            file: path.into(),
            play: Arc::new(PlayScope { dir, vars: Arc::new(vars.clone()), vars_files: vars_files.to_vec() }),
            is_handlers: false,
            depth: 0,
            is_lenient: false,
        }
    }

    fn play(&mut self, entry: &Value, map: &Map, path: &Path, imported: &Imported) -> Option<Arc<Play>> {
        let dir = folder(path).to_owned();
        self.enter(&dir);
        let mut own = Own::default();
        let mut play = PlayOwn::default();
        for (key, value) in map {
            match key.as_str() {
                Some("user") if map.contains_key("remote_user") => self.wrong(
                    Diagnostic::new("`user` and `remote_user` are the same")
                        .detail("both 'user' and 'remote_user' are set for this play.")
                        .at_maybe(key.origin(), ""),
                ),
                Some("user") => {
                    own.take(&Value::str("remote_user").from_where(key), value, &mut self.problems);
                }
                Some(word) if !Element::Play.has(word) => self.unknown_keyword(key, Element::Play),
                Some(word) => {
                    if !own.take(key, value, &mut self.problems) {
                        play.0.push((word, value));
                    }
                }
                None => self.unknown_keyword(key, Element::Play),
            }
        }
        let hosts = self.hosts(entry, map)?;
        for collection in imported.collections.iter().rev() {
            let given = own.collections.take();
            let all = std::iter::once(collection).chain(given.iter().flat_map(|given| given.iter()));
            own.collections = Some(all.cloned().collect());
        }
        own.tags = join_tags(&own.tags, &imported.tags).to_vec();
        let mut vars = own.vars.clone();
        vars.extend(imported.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
        if imported.vars.contains_key("tags") {
            vars.shift_remove("tags");
        }
        let vars_files = play.list("vars_files");
        let base = self.play_scope(path, &vars, &own, &vars_files);
        self.settle(&mut own, &base);
        let base = Scope {
            keywords: Arc::new(own.keywords_over(&Keywords::default())),
            tags: join_tags(&[], &own.tags),
            ..base
        };
        let condition = Own { when: imported.when.clone(), ..Own::default() };
        let scope = base.inside(&condition);
        let handlers_scope = Scope { is_handlers: true, ..base.clone() };

        let (role_tasks, roles, role_handlers) = self.play_roles(play.get("roles"), &scope);
        self.roles.splice(0..0, roles.iter().cloned());
        let mut section =
            |name: &str| play.get(name).map(|list| self.items(list, &scope, name)).unwrap_or_default();
        let (pre_tasks, tasks, post_tasks) = (section("pre_tasks"), section("tasks"), section("post_tasks"));
        let own_handlers = play.get("handlers").map(|list| self.items(list, &handlers_scope, "handlers"));
        let mut handlers = role_handlers;
        handlers.extend(own_handlers.map(|items| tasks_of(&items)));
        handlers.append(&mut self.handlers);
        let flush = Arc::new(self.implicit_meta("flush_handlers", &base));
        Some(Arc::new(Play {
            name: own.name.clone(),
            hosts,
            dir,
            path: path.to_owned(),
            keywords: base.keywords.clone(),
            tags: base.tags.clone(),
            collections: base.collections.clone(),
            vars: Arc::new(vars),
            vars_files,
            vars_prompt: self.vars_prompt(play.get("vars_prompt")),
            import_conditions: imported.when.clone(),
            gather_facts: play.value("gather_facts"),
            gather_subset: play.value("gather_subset"),
            gather_timeout: play.value("gather_timeout"),
            fact_path: play.value("fact_path"),
            serial: play.list("serial"),
            strategy: play.value("strategy"),
            order: play.value("order"),
            max_fail_percentage: play.value("max_fail_percentage"),
            force_handlers: play.value("force_handlers"),
            pre_tasks,
            role_tasks,
            tasks,
            post_tasks,
            handlers,
            roles: std::mem::take(&mut self.roles),
            flush,
            origin: entry.origin().cloned(),
        }))
    }

    fn hosts(&mut self, entry: &Value, map: &Map) -> Option<Value> {
        let Some(hosts) = map.get("hosts") else {
            self.wrong(
                Diagnostic::new("a play without hosts")
                    .detail("The field 'hosts' is required but was not set.")
                    .at_maybe(entry.origin(), "this play"),
            );
            return None;
        };
        let detail = match hosts.as_list() {
            _ if !hosts.is_true() => {
                Some("Hosts list cannot be empty. Please check your playbook".to_owned())
            }
            Some(items) => {
                items.iter().find(|item| item.as_str().is_none()).map(|item| match item.is_null() {
                    true => {
                        "Hosts list cannot contain values of 'None'. Please check your playbook".to_owned()
                    }
                    false => format!("Hosts list contains an invalid host value: {}", described(item)),
                })
            }
            None if hosts.as_str().is_none() => {
                Some("Hosts list must be a sequence or string. Please check your playbook.".to_owned())
            }
            None => None,
        };
        match detail {
            Some(detail) => {
                let at = hosts.origin().or(entry.origin());
                self.wrong(Diagnostic::new("bad hosts of a play").detail(detail).at_maybe(at, ""));
                None
            }
            None => Some(hosts.clone()),
        }
    }

    /// The tasks, the roles and the handlers of a play's `roles`.
    fn play_roles(
        &mut self,
        roles: Option<&Value>,
        scope: &Scope,
    ) -> (Vec<Item>, Vec<Arc<Role>>, Vec<HandlerList>) {
        let (mut items, mut used, mut handlers) = (Vec::new(), Vec::new(), Vec::new());
        let Some(roles) = roles else { return (items, used, handlers) };
        let Some(entries) = roles.as_list() else {
            self.wrong(
                Diagnostic::new("roles must be a list")
                    .detail(format!("A malformed role declaration was encountered: {}", described(roles)))
                    .at_maybe(roles.origin(), ""),
            );
            return (items, used, handlers);
        };
        for entry in entries {
            let Some(read) = self.role_of_play(entry, scope) else { continue };
            items.extend(read.items);
            handlers.extend(read.handlers);
            used.push(read.role);
        }
        (items, used, handlers)
    }

    fn vars_prompt(&mut self, prompts: Option<&Value>) -> Vec<VarsPrompt> {
        const KNOWN: &[&str] =
            &["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"];
        let mut read = Vec::new();
        for prompt in prompts.map(optional_list).unwrap_or_default() {
            let Some(map) = prompt.as_map() else {
                self.wrong(
                    Diagnostic::new("a prompt must be a mapping")
                        .detail(format!("Invalid vars_prompt data structure: {}", described(&prompt)))
                        .at_maybe(prompt.origin(), ""),
                );
                continue;
            };
            for key in map.keys().filter(|key| !key.as_str().is_some_and(|key| KNOWN.contains(&key))) {
                self.wrong(
                    Diagnostic::new("unknown keyword")
                        .detail(format!(
                            "Invalid vars_prompt data structure, found unsupported key '{}'",
                            key.text()
                        ))
                        .at_maybe(key.origin(), "")
                        .did_you_mean(&key.text(), KNOWN.iter().copied()),
                );
            }
            let Some(name) = map.get("name").filter(|name| !name.is_null() && name.text() != "") else {
                self.wrong(
                    Diagnostic::new("a prompt without a variable")
                        .detail("Invalid vars_prompt data structure, missing 'name' key")
                        .at_maybe(prompt.origin(), ""),
                );
                continue;
            };
            let some = |name: &str| map.get(name).filter(|value| !value.is_null()).cloned();
            let flag = |name: &str| map.get(name).and_then(truth);
            read.push(VarsPrompt {
                name: name.text().into(),
                prompt: some("prompt"),
                default: some("default"),
                is_private: flag("private").unwrap_or(true),
                confirm: flag("confirm").unwrap_or(false),
                encrypt: some("encrypt"),
                salt: some("salt"),
                salt_size: some("salt_size"),
                is_unsafe: flag("unsafe").unwrap_or(false),
            });
        }
        read
    }
}

/// All tasks in a list, blocks left out.
pub(crate) fn tasks_of(items: &[Item]) -> HandlerList {
    let mut tasks = Vec::new();
    for item in items {
        item.each_task(&mut |task| tasks.push(task.clone()));
    }
    tasks.into()
}
