//! Tasks and handlers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::Origin;
use shevek_kit::schema::Schema;
use shevek_value::{Map, Value};

use crate::model::{Keywords, Role};
use crate::scope::Scope;

/// Names a task within a run; later tasks of a file have larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// One task or handler.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Its name as written, which may be a template.
    pub name: Option<Value>,
    /// What it does.
    pub action: Action,
    /// Conditions, outermost first: those of blocks, roles, imports and its own. All must hold.
    pub when: Arc<[Value]>,
    /// Tags: all inherited ones and its own, each once, the outermost first; may hold templates.
    pub tags: Arc<[Value]>,
    /// Keywords in force, inheritance already applied.
    pub keywords: Arc<Keywords>,
    /// Variables in force: those of blocks and includes around it with its own merged over them.
    pub vars: Arc<Map>,
    /// Variables of the includes around it (and its own if it is an include): they win over facts.
    pub include_vars: Arc<Map>,
    /// Its loop.
    pub loop_: Option<Loop>,
    /// How it loops.
    pub loop_control: LoopControl,
    /// The variable that takes its result.
    pub register: Option<Arc<str>>,
    /// `until`.
    pub until: Vec<Value>,
    /// `retries`.
    pub retries: Option<Value>,
    /// `delay`.
    pub delay: Option<Value>,
    /// `changed_when`.
    pub changed_when: Vec<Value>,
    /// `failed_when`.
    pub failed_when: Vec<Value>,
    /// `async`.
    pub async_: Option<Value>,
    /// `poll`.
    pub poll: Option<Value>,
    /// For handlers: further names that it goes by.
    pub listen: Vec<HandlerName>,
    /// Whether it is a handler.
    pub is_handler: bool,
    /// Whether nobody wrote it: `meta: flush_handlers`, `meta: role_complete`.
    pub is_implicit: bool,
    /// The role that it belongs to.
    pub role: Option<Arc<Role>>,
    /// Collections that short names are looked up in.
    pub collections: Arc<[Arc<str>]>,
    /// The file that it is in, absolute; the playbook for implicit tasks.
    pub file: Arc<Path>,
    /// The playbook's folder.
    pub play_dir: Arc<Path>,
    /// The includes and imports around it, innermost first: relative files of includes are looked for there.
    pub included: Option<Arc<IncludeFrame>>,
    /// What the tasks inherit that it brings in, if it is a dynamic include.
    pub scope: Option<Arc<Scope>>,
    /// Where it is written.
    pub origin: Option<Origin>,
}

/// A name of a handler's `listen`; names that a role's handler has by its role as well are further entries.
pub type HandlerName = Arc<str>;

/// Handlers that are written in one list. Of several with the same name the first of a list wins, and the last list.
pub type HandlerList = Arc<[Arc<Task>]>;

/// What a task does.
#[derive(Debug, Clone)]
pub struct Action {
    /// The action as written: `ansible.builtin.copy`, `copy`, or a template (`action: "{{ x }}"`).
    pub name: Value,
    /// Its canonical name: `copy` for `ansible.builtin.copy` and `ansible.legacy.copy`, the full name for what is in
    /// other collections and known by it. The text of the template if it is one.
    pub resolved: Arc<str>,
    /// Who does it.
    pub target: Target,
    /// What it accepts, where that is known.
    pub schema: Option<&'static Schema>,
    /// Arguments, unrendered.
    pub args: Arc<Map>,
    /// Text that is no `key=value`: the command of `command` and `shell`, the action of `meta`, the file of
    /// `include_tasks`; for other modules a template that gives a mapping of arguments.
    pub free_form: Option<Value>,
    /// `args: "{{ x }}"`: a template that gives a mapping of arguments, below those of [`Action::args`].
    pub variable_args: Option<Value>,
}

/// Who does an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A module, on the host.
    Module,
    /// An action of the controller (`debug`, `template`, `include_tasks`, `meta`, …).
    Controller,
    /// A module or action plugin that the user brings. Scripts and programs can be run; those that need Ansible's
    /// Python are an error when the task would run.
    Foreign(PathBuf),
    /// A module that Ansible brings, which nothing here runs yet. An error when the task would run.
    Unsupported,
    /// The name is a template: to be looked up when it is rendered, by `Loader::resolve`.
    Template,
}

/// What a task loops over.
#[derive(Debug, Clone)]
pub struct Loop {
    /// How.
    pub kind: LoopKind,
    /// Over what, unrendered.
    pub value: Value,
}

/// The kind of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoopKind {
    /// `loop`.
    Loop,
    /// `with_NAME`: the lookup of that name.
    With(Arc<str>),
}

/// `loop_control`.
#[derive(Debug, Clone, Default)]
pub struct LoopControl {
    /// The variable that takes the item; `None`: `item`.
    pub loop_var: Option<Value>,
    /// The variable that takes its number.
    pub index_var: Option<Value>,
    /// What is shown for an item.
    pub label: Option<Value>,
    /// Seconds between items.
    pub pause: Option<Value>,
    /// Whether `ansible_loop` is set.
    pub extended: Option<Value>,
    /// Whether that has all items in it.
    pub extended_allitems: Option<Value>,
    /// Conditions after an item that end the loop.
    pub break_when: Vec<Value>,
}

/// One include or import around a task.
#[derive(Debug, Clone)]
pub struct IncludeFrame {
    /// The folder part of the file name as included, or the role's folder.
    pub dir: PathBuf,
    /// Whether it was settled when loading: an import.
    pub is_static: bool,
    /// The include around it.
    pub parent: Option<Arc<IncludeFrame>>,
}

impl Task {
    /// The name as it is shown, unrendered: `role : name`, with the action where it has no name. An `include_role` goes by
    /// its name alone, or by the role that it includes.
    pub fn title(&self) -> String {
        let name = self.name.as_ref().map(Value::text).filter(|name| !name.is_empty());
        let action = || self.action.name.text();
        match (&self.role, name) {
            (_, name) if &*self.action.resolved == "include_role" => {
                let role = self.action.args.get("name").or_else(|| self.action.args.get("role"));
                name.unwrap_or_else(|| {
                    format!("{} : {}", action(), role.map(Value::text).unwrap_or_default())
                })
            }
            (Some(role), name) => format!("{} : {}", role.full_name(), name.unwrap_or_else(action)),
            (None, name) => name.unwrap_or_else(action),
        }
    }

    /// Folders in which its files are looked for, best first: its role's and that role's parents', then its own file's.
    pub fn search_path(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self.role.iter().flat_map(|role| role.folders()).cloned().collect();
        let own = self.file.parent().unwrap_or(Path::new("/")).to_owned();
        if !folders.contains(&own) {
            folders.push(own);
        }
        folders
    }

    /// The word of a `meta` task (`flush_handlers`), if it is one.
    pub fn meta(&self) -> Option<&str> {
        if &*self.action.resolved == "meta" {
            Some(self.action.free_form.as_ref().and_then(Value::as_str).unwrap_or_default())
        } else {
            None
        }
    }
}
