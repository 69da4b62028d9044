//! Whole playbooks from a temporary folder, read and looked at.

mod actions;
mod errors;
mod includes;
mod keywords;
mod listing;
mod roles;

use std::path::Path;
use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics, Result};
use shevek_value::{Kind, Map, Value};

use crate::{Handlers, Hashes, Known, Loader, Playbook, Settings, Task, Templating, UnknownKeywords};

/// Files of a playbook, and how they are read.
pub(super) struct Content {
    folder: tempfile::TempDir,
    extra: Vec<(&'static str, &'static str)>,
    unknown_keywords: UnknownKeywords,
}

impl Content {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            extra: Vec::new(),
            unknown_keywords: UnknownKeywords::Refuse,
        }
    }

    /// Adds a file.
    pub(super) fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// The playbook.
    pub(super) fn site(self, text: &str) -> Self {
        self.file("site.yml", text)
    }

    /// One play of tasks for `all`.
    pub(super) fn tasks(self, text: &str) -> Self {
        self.site(&format!("- hosts: all\n  tasks:\n{}", indented(text)))
    }

    pub(super) fn extra(mut self, name: &'static str, value: &'static str) -> Self {
        self.extra.push((name, value));
        self
    }

    pub(super) fn ignoring_unknown_keywords(mut self) -> Self {
        self.unknown_keywords = UnknownKeywords::Ignore;
        self
    }

    pub(super) fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn loader(&self) -> Loader {
        let actions = [
            "debug",
            "command",
            "shell",
            "copy",
            "file",
            "set_fact",
            "template",
            "service",
            "ping",
            "assert",
            "fail",
            "validate_argument_spec",
            "add_host",
            "include_vars",
        ];
        let group = Known::module(shevek_modules::find("group").unwrap().schema());
        Loader::new(Settings {
            roles_path: vec![self.dir().join("more-roles")],
            collections_path: vec![self.dir().join("installed")],
            library_path: Vec::new(),
            private_role_vars: None,
            hashes: Hashes::Replace,
            unknown_keywords: self.unknown_keywords,
            vault: Default::default(),
            known: actions.into_iter().map(Known::controller).chain([group]).collect(),
            templating: Arc::new(Replacing(
                self.extra.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            )),
        })
    }

    pub(super) fn read(&self) -> Result<Playbook, Diagnostics> {
        self.loader().playbook(&self.dir().join("site.yml")).map(|loaded| loaded.value)
    }

    pub(super) fn playbook(&self) -> Playbook {
        self.read().unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// All tasks that somebody wrote, in order.
    pub(super) fn all(&self) -> Vec<Arc<Task>> {
        let mut tasks = Vec::new();
        for play in self.playbook().plays {
            for item in play.sections(Handlers::WhenGood) {
                item.each_task(&mut |task| tasks.push(task.clone()));
            }
        }
        tasks.retain(|task| !task.is_implicit);
        tasks
    }

    /// The one task.
    pub(super) fn task(&self) -> Arc<Task> {
        let tasks = self.all();
        assert_eq!(tasks.len(), 1, "{tasks:#?}");
        tasks[0].clone()
    }

    pub(super) fn titles(&self) -> Vec<String> {
        self.all().iter().map(|task| task.title()).collect()
    }

    /// What is wrong, one line each, with file and line.
    pub(super) fn wrong(&self) -> Vec<String> {
        let problems = self.read().map(|_| ()).unwrap_err();
        problems.iter().map(|problem| shown(problem, self.dir())).collect()
    }
}

/// A diagnostic in one line.
pub(super) fn shown(problem: &Diagnostic, dir: &Path) -> String {
    let help: String = problem.help.iter().map(|help| format!(" [{help}]")).collect();
    let place = problem.labels.first().map(|label| format!(" @{}", label.origin)).unwrap_or_default();
    let dir = std::fs::canonicalize(dir).unwrap_or_default().display().to_string();
    format!("{}{place}{help}", problem.message()).replace(&format!("{dir}/"), "")
}

fn indented(text: &str) -> String {
    text.trim_start_matches('\n').lines().map(|line| format!("    {line}\n")).collect()
}

/// Puts variables in the place of `{{ name }}`.
struct Replacing(Map);

impl Replacing {
    fn text(&self, text: &str, layers: &[&Map]) -> Result<Value> {
        let whole = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        let find = |name: &str| {
            let found = self.0.get(name).or_else(|| layers.iter().rev().find_map(|layer| layer.get(name)));
            found
                .cloned()
                .ok_or_else(|| Diagnostic::new("undefined").detail(format!("'{name}' is undefined")))
        };
        if let Some(name) = whole.filter(|name| !name.contains("{{")) {
            return self.render(&find(name.trim())?, layers);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap();
            out.push_str(before);
            out.push_str(&self.render(&find(name.trim())?, layers)?.text());
            rest = after;
        }
        Ok(Value::str(out + rest))
    }
}

impl Templating for Replacing {
    fn render(&self, value: &Value, layers: &[&Map]) -> Result<Value> {
        Ok(match value.kind() {
            Kind::Str(text) if value.is_template() => self.text(text, layers)?.from_where(value),
            Kind::List(items) => {
                Value::list(items.iter().map(|item| self.render(item, layers)).collect::<Result<_>>()?)
            }
            Kind::Map(map) => {
                let entries = map.iter().map(|(key, item)| Ok((key.clone(), self.render(item, layers)?)));
                Value::map(entries.collect::<Result<_>>()?)
            }
            _ => value.clone(),
        })
    }

    fn check_template(&self, text: &Value) -> Result<()> {
        let text = text.text();
        let is_balanced = text.matches("{{").count() == text.matches("}}").count();
        if is_balanced { Ok(()) } else { Err(Diagnostic::new("template syntax")) }
    }

    fn check_condition(&self, text: &Value) -> Result<()> {
        if text.text().ends_with("==") { Err(Diagnostic::new("condition syntax")) } else { Ok(()) }
    }

    fn has_lookup(&self, name: &str) -> bool {
        ["items", "dict", "fileglob", "ns.coll.tree"].contains(&name)
    }
}
