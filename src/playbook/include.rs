//! Imports, which are replaced by what they import, and includes, which are read while the run goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics, Kind, Result};
use shevek_value::{Map, Value};

use crate::action::Written;
use crate::files::Relative;
use crate::keyword::{Element, Own, described};
use crate::loader::{Loaded, Loader};
use crate::model::{HandlerList, IncludeFrame, Item, Role, Task};
use crate::reader::Reader;
use crate::scope::{Scope, over};
use crate::task::{TaskOwn, folder};

/// What a dynamic include brings in.
#[derive(Debug, Clone)]
pub struct Included {
    /// The tasks, in order.
    pub items: Vec<Item>,
    /// Handlers that the role brings with it.
    pub handlers: Vec<HandlerList>,
    /// The role, for `include_role`.
    pub role: Option<Arc<Role>>,
    /// The file of tasks, for `include_tasks`; the role's folder, for `include_role`.
    pub path: PathBuf,
}

impl Loader {
    /// What an `include_tasks` brings in.
    ///
    /// `file` is its file, rendered; `vars` are variables of this one inclusion (the loop's item), which its tasks see.
    pub fn include_tasks(
        &self,
        task: &Task,
        file: &str,
        vars: &Map,
    ) -> Result<Loaded<Included>, Diagnostics> {
        let (mut reader, scope) = self.included(task, vars)?;
        let path = self.included_file(task, file);
        let inner = reader.inside_file(&scope, &path, file, Frame::Dynamic);
        let items = match reader.file(&path, task.origin.as_ref()) {
            Some(list) => reader.items(&list, &inner, "an included file"),
            None => Vec::new(),
        };
        reader.finish(Included { items, handlers: Vec::new(), role: None, path })
    }

    /// What an `include_role` brings in. `args` are its arguments, rendered; `vars` as for `include_tasks`.
    pub fn include_role(&self, task: &Task, args: &Map, vars: &Map) -> Result<Loaded<Included>, Diagnostics> {
        let (mut reader, scope) = self.included(task, vars)?;
        let read = reader.included_role(task, args, &scope, vars);
        let Some(read) = read else {
            return Err(reader.problems);
        };
        let path = read.role.path.clone();
        let handlers = read.handlers.into_iter().chain(std::mem::take(&mut reader.handlers)).collect();
        reader.finish(Included { items: read.items, handlers, role: Some(read.role), path })
    }

    /// A reader and the scope for what a dynamic include brings in.
    fn included(&self, task: &Task, vars: &Map) -> Result<(Reader<'_>, Scope), Diagnostics> {
        let Some(scope) = &task.scope else {
            return Err(Diagnostic::bug("not an include").detail(task.title()).into());
        };
        let mut reader = Reader::new(self);
        reader.is_running = true;
        reader.enter(&task.play_dir);
        let mut scope = Scope::clone(scope);
        // While a run goes on, what is wrong with a task is its own failure.
        scope.is_lenient = true;
        scope.vars = over(&scope.vars, vars);
        scope.include_vars = over(&scope.include_vars, vars);
        if let Some(apply) = task.action.args.get("apply") {
            let own = reader.apply(apply, &scope);
            scope = scope.inside(&own);
        }
        Ok((reader, scope))
    }

    /// The file of an `include_tasks`: beside the includes around it, in its role, beside the playbook.
    fn included_file(&self, task: &Task, file: &str) -> PathBuf {
        let kind = Path::new(if task.is_handler { "handlers" } else { "tasks" });
        let root = &*task.play_dir;
        let role = task.role.as_ref().map(|role| role.path.as_path());
        let mut so_far: Option<PathBuf> = None;
        for frame in frames(task.included.as_deref()) {
            let below = match so_far.take() {
                Some(below) if !below.is_absolute() => frame.dir.join(below),
                _ => frame.dir.clone(),
            };
            let found = match role {
                Some(role) => {
                    let in_role = Relative { base: role, kind, name: file, root, is_role: true };
                    let first = self.relative(&in_role);
                    let base = role.join(kind).join(&below);
                    if first.exists() { first } else { self.relative(&Relative { base: &base, ..in_role }) }
                }
                None => {
                    self.relative(&Relative { base: root, kind: &below, name: file, root, is_role: false })
                }
            };
            if found.exists() {
                return found;
            }
            so_far = Some(below);
        }
        match role {
            Some(role) => self.relative(&Relative { base: role, kind, name: file, root, is_role: true }),
            None => self.files.beside(root, file),
        }
    }

    /// The file of an `import_tasks`.
    fn imported_file(&self, file: &str, scope: &Scope) -> PathBuf {
        let kind = Path::new(if scope.is_handlers { "handlers" } else { "tasks" });
        let root = &*scope.play.dir;
        let role = scope.role.as_ref().map(|role| role.path.as_path());
        let mut so_far: Option<PathBuf> = None;
        for frame in frames(scope.included.as_deref()) {
            let below = match so_far.take() {
                None => frame.dir.clone(),
                Some(below) if below.is_absolute() => below,
                Some(below) => frame.dir.join(below),
            };
            let found = match role {
                Some(role) => {
                    let base = role.join(kind).join(&below);
                    self.relative(&Relative { base: &base, kind, name: file, root, is_role: false })
                }
                None => {
                    self.relative(&Relative { base: root, kind: &below, name: file, root, is_role: false })
                }
            };
            if found.exists() {
                return found;
            }
            so_far = Some(below);
        }
        match role {
            Some(role) => self.relative(&Relative { base: role, kind, name: file, root, is_role: false }),
            None => self.files.beside(root, file),
        }
    }
}

fn frames(innermost: Option<&IncludeFrame>) -> impl Iterator<Item = &IncludeFrame> {
    std::iter::successors(innermost, |frame| frame.parent.as_deref())
}

/// Whether an include is settled when loading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    Static,
    Dynamic,
}

impl Reader<'_> {
    /// The scope in a file that is included or imported by a name.
    fn inside_file(&self, scope: &Scope, path: &Path, name: &str, how: Frame) -> Scope {
        let frame = IncludeFrame {
            dir: folder_part(name),
            is_static: how == Frame::Static,
            parent: scope.included.clone(),
        };
        Scope { file: path.into(), included: Some(Arc::new(frame)), depth: scope.depth + 1, ..scope.clone() }
    }

    /// The tasks of an `import_tasks`.
    pub(crate) fn import_tasks(
        &mut self,
        entry: &Value,
        written: &Written,
        own: TaskOwn,
        scope: &Scope,
    ) -> Vec<Item> {
        self.check_include_tasks(written);
        if own.loop_.is_some() {
            self.wrong(
                Diagnostic::new("a loop on an import")
                    .detail("You cannot use loops on 'import_tasks' statements.")
                    .at_maybe(entry.origin(), "")
                    .help("use `include_tasks` instead"),
            );
            return Vec::new();
        }
        let Some(target) = included_name(written).cloned() else { return Vec::new() };
        let scope = scope.inside(&own.inherited);
        // What cannot be rendered here is wrong content, where names of roles are none that are found.
        let rendered = self.render(&target, &scope).map_err(|problem| problem.kind(Kind::Content));
        let Some(name) = self.problems.keep(rendered).map(|name| name.text()) else { return Vec::new() };
        let path = self.loader.imported_file(&name, &scope);
        let inner = self.inside_file(&scope, &path, &name, Frame::Static);
        let Some(list) = self.file(&path, target.origin().or(entry.origin())) else { return Vec::new() };
        if !list.is_true() && list.as_map().is_none() {
            let name = self.loader.files.display(&path);
            self.wrong(
                Diagnostic::warning("an imported file without tasks")
                    .detail(format!("file {name} is empty and had no tasks to include"))
                    .at_maybe(target.origin(), ""),
            );
            return Vec::new();
        }
        if list.as_list().is_none() {
            self.wrong(
                Diagnostic::new("tasks must be a list")
                    .detail("included task files must contain a list of tasks")
                    .at_maybe(list.origin(), ""),
            );
            return Vec::new();
        }
        self.items(&list, &inner, "an imported file")
    }

    /// The keywords under `apply`.
    fn apply(&mut self, apply: &Value, scope: &Scope) -> Own {
        let mut own = Own::default();
        for (key, value) in apply.as_map().into_iter().flatten() {
            if !own.take(key, value, &mut self.problems) {
                self.unknown_keyword(key, Element::Block);
            }
        }
        self.settle(&mut own, scope);
        own
    }

    pub(crate) fn check_include_tasks(&mut self, written: &Written) {
        let action = written.name.text();
        let unknown = |name: &str| !matches!(name, "file" | "apply");
        self.check_include_options(written, &unknown);
        if included_name(written).is_none() && written.variable_args.is_none() {
            self.wrong(
                Diagnostic::new("an include without a file")
                    .detail(format!("No file specified for {action}"))
                    .at_maybe(written.origin.as_ref(), ""),
            );
        }
    }

    pub(crate) fn check_include_role(&mut self, written: &Written) {
        let action = written.name.text();
        let unknown = |name: &str| !crate::role::OPTIONS.contains(&name);
        self.check_include_options(written, &unknown);
        for option in crate::role::FROM {
            if let Some(value) = written.args.get(*option).filter(|value| value.as_str().is_none()) {
                self.wrong(
                    Diagnostic::new("a file name must be text")
                        .detail(format!(
                            "Expected a string for {option} but got {} instead",
                            described(value)
                        ))
                        .at_maybe(value.origin().or(written.name.origin()), ""),
                );
            }
        }
        let has_name = written.args.contains_key("name") || written.args.contains_key("role");
        if !has_name && written.variable_args.is_none() {
            self.wrong(
                Diagnostic::new("an include without a role")
                    .detail(format!("'name' is a required field for {action}."))
                    .at_maybe(written.origin.as_ref(), ""),
            );
        }
    }

    fn check_include_options(&mut self, written: &Written, unknown: &dyn Fn(&str) -> bool) {
        let action = written.name.text();
        let is_import = crate::catalogue::builtin_short(&action).starts_with("import_");
        for (key, value) in &written.args {
            let name = key.text();
            if unknown(&name) || (name == "apply" && is_import) {
                let mut problem = Diagnostic::new("unknown option of an include")
                    .detail(format!("Invalid options for {action}: {name}"))
                    .at_maybe(key.origin(), "");
                if name == "apply" {
                    problem = problem.help("keywords of an import itself already go to all that it imports");
                }
                self.wrong(problem);
            } else if name == "apply" && value.as_map().is_none() {
                self.wrong(
                    Diagnostic::new("`apply` must be a mapping")
                        .detail(format!("Expected a dict for apply but got {} instead", described(value)))
                        .at_maybe(value.origin().or(key.origin()), ""),
                );
            }
        }
    }
}

/// The file that an include names.
pub(crate) fn included_name(written: &Written) -> Option<&Value> {
    let named = written.free_form.as_ref().filter(|name| name.is_true());
    named.or_else(|| written.args.get("file")).filter(|name| name.is_true())
}

fn folder_part(name: &str) -> PathBuf {
    match Path::new(name).parent() {
        Some(parent) => parent.to_owned(),
        None => folder(Path::new(name)).to_owned(),
    }
}
