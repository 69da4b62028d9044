//! Plays and playbooks.

use std::path::PathBuf;
use std::sync::Arc;

use shevek_diag::Origin;
use shevek_value::{Map, Value};

use crate::model::{HandlerList, Item, Keywords, Role, Task};

/// A playbook file with all that it imports.
#[derive(Debug, Clone)]
pub struct Playbook {
    /// The file.
    pub path: PathBuf,
    /// The folder that it is in: `playbook_dir`.
    pub dir: PathBuf,
    /// Its plays in order, those of imported playbooks among them.
    pub plays: Vec<Arc<Play>>,
}

/// One play.
#[derive(Debug, Clone)]
pub struct Play {
    /// Its name as written; without one, it goes by its hosts.
    pub name: Option<Value>,
    /// `hosts`: a pattern, a list of patterns, or a template of either.
    pub hosts: Value,
    /// The playbook's folder (of the imported playbook, if it comes from one): `playbook_dir`, and where its relative
    /// files are looked for.
    pub dir: PathBuf,
    /// The file that it is in.
    pub path: PathBuf,
    /// The keywords that its tasks start from.
    pub keywords: Arc<Keywords>,
    /// Its tags.
    pub tags: Arc<[Value]>,
    /// Collections that short names are looked up in.
    pub collections: Arc<[Arc<str>]>,
    /// `vars`, those of `import_playbook` merged in.
    pub vars: Arc<Map>,
    /// `vars_files`: each a file name or a list of names of which the first that exists is taken.
    pub vars_files: Vec<Value>,
    /// Questions to ask before it starts.
    pub vars_prompt: Vec<VarsPrompt>,
    /// Conditions of an `import_playbook` that it comes from: facts are gathered only when they hold (the tasks
    /// have them already).
    pub import_conditions: Vec<Value>,
    /// `gather_facts`; `None`: as configured.
    pub gather_facts: Option<Value>,
    /// `gather_subset`.
    pub gather_subset: Option<Value>,
    /// `gather_timeout`.
    pub gather_timeout: Option<Value>,
    /// `fact_path`.
    pub fact_path: Option<Value>,
    /// `serial`: numbers, percentages or templates; empty: all hosts at once.
    pub serial: Vec<Value>,
    /// `strategy`; `None`: as configured.
    pub strategy: Option<Value>,
    /// `order`.
    pub order: Option<Value>,
    /// `max_fail_percentage`.
    pub max_fail_percentage: Option<Value>,
    /// `force_handlers`.
    pub force_handlers: Option<Value>,
    /// `pre_tasks`.
    pub pre_tasks: Vec<Item>,
    /// What `roles` become: for each role its dependencies, its tasks, and an implicit `meta: role_complete`.
    pub role_tasks: Vec<Item>,
    /// `tasks`.
    pub tasks: Vec<Item>,
    /// `post_tasks`.
    pub post_tasks: Vec<Item>,
    /// All handlers known at the start, as they were written in lists: those of `roles`, then the play's, then those of
    /// imported roles. An `include_tasks` among them is read when it is notified.
    pub handlers: Vec<HandlerList>,
    /// Roles of `roles` and `import_role`, whose defaults and variables all tasks of the play see when
    /// [`Role::is_public`].
    pub roles: Vec<Arc<Role>>,
    /// An implicit `meta: flush_handlers`, put between the sections by [`Play::sections`].
    pub flush: Arc<Task>,
    /// Where it is written.
    pub origin: Option<Origin>,
}

impl Play {
    /// All items in the order in which they run: `pre_tasks`, handlers, `roles`, `tasks`, handlers, `post_tasks`, handlers.
    ///
    /// When handlers are forced, each section is a block whose `always` runs the handlers.
    pub fn sections(&self, handlers: Handlers) -> Vec<Item> {
        let main = || self.role_tasks.iter().chain(&self.tasks).cloned();
        let flush = || Item::Task(self.flush.clone());
        match handlers {
            Handlers::WhenGood => {
                let mut items = self.pre_tasks.clone();
                items.push(flush());
                items.extend(main());
                items.push(flush());
                items.extend(self.post_tasks.iter().cloned());
                items.push(flush());
                items
            }
            Handlers::Forced => [self.pre_tasks.clone(), main().collect(), self.post_tasks.clone()]
                .into_iter()
                .map(|body| {
                    Item::Block(Arc::new(crate::model::Block {
                        body,
                        always: vec![flush()],
                        ..Default::default()
                    }))
                })
                .collect(),
        }
    }

    /// The name as the user knows it, unrendered: its own, else its hosts.
    pub fn title(&self) -> String {
        self.written_title().text()
    }

    /// The same as it is written: a template, where the name or the one pattern is one.
    pub fn written_title(&self) -> Value {
        match self.name.as_ref().filter(|name| !name.is_null() && !name.text().is_empty()) {
            Some(name) => name.clone(),
            None => match self.hosts.as_list() {
                Some(hosts) => hosts.iter().map(Value::text).collect::<Vec<_>>().join(",").into(),
                None => self.hosts.clone(),
            },
        }
    }
}

/// When notified handlers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handlers {
    /// Only on hosts on which no task failed.
    WhenGood,
    /// In any case: `force_handlers`.
    Forced,
}

/// One question of `vars_prompt`.
#[derive(Debug, Clone)]
pub struct VarsPrompt {
    /// The variable that takes the answer.
    pub name: Arc<str>,
    /// The words of the question; without them the variable's name.
    pub prompt: Option<Value>,
    /// The answer if none is given.
    pub default: Option<Value>,
    /// Whether the answer is hidden while typed (as it is if nothing is said).
    pub is_private: bool,
    /// Whether it is asked for twice.
    pub confirm: bool,
    /// The hash that it is turned into.
    pub encrypt: Option<Value>,
    /// Salt for the hash.
    pub salt: Option<Value>,
    /// Length of a random salt.
    pub salt_size: Option<Value>,
    /// Whether the answer is never a template.
    pub is_unsafe: bool,
}
