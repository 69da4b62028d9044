//! The loader: one for a run, shared by all that read content.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use shevek_diag::{Diagnostic, Diagnostics, Result};
use shevek_value::{Map, Value};
use shevek_vault::Vault;
use shevek_yaml::Duplicates;

use crate::catalogue::{Catalogue, Known, Place};
use crate::files::{Files, Relative, Wanted, expand_home};
use crate::model::{Playbook, Target, TaskId};
use crate::options::WrongOptions;
use crate::reader::Reader;

/// What of a template can be known or done while loading. The caller brings it: it has the engine for templates and
/// knows the extra variables.
pub trait Templating: Send + Sync {
    /// Renders a value that must be known now, with layers of variables, lowest first; extra variables win over all.
    fn render(&self, value: &Value, layers: &[&Map]) -> Result<Value>;

    /// Whether text that holds templates can be parsed.
    fn check_template(&self, text: &Value) -> Result<()>;

    /// Whether the text of a condition can be parsed.
    fn check_condition(&self, text: &Value) -> Result<()>;

    /// Whether there is a lookup of that name, for `with_NAME`.
    fn has_lookup(&self, name: &str) -> bool;
}

/// How mappings of the same name from two places are put together (`DEFAULT_HASH_BEHAVIOUR`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hashes {
    /// The later one alone counts.
    #[default]
    Replace,
    /// Key by key, deeply.
    Merge,
}

/// What to do about an unknown keyword of a task (`INVALID_TASK_ATTRIBUTE_FAILED`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownKeywords {
    /// It is an error.
    #[default]
    Refuse,
    /// It is left out with a warning.
    Ignore,
}

/// What the loader is told once.
pub struct Settings {
    /// Where roles are looked for beside the playbook's own (`DEFAULT_ROLES_PATH`).
    pub roles_path: Vec<PathBuf>,
    /// Where collections are (`COLLECTIONS_PATHS`), with or without `ansible_collections` at the end.
    pub collections_path: Vec<PathBuf>,
    /// Folders with modules of the user's (`DEFAULT_MODULE_PATH`).
    pub library_path: Vec<PathBuf>,
    /// `DEFAULT_PRIVATE_ROLE_VARS`, if somebody set it.
    pub private_role_vars: Option<bool>,
    /// How mappings are put together.
    pub hashes: Hashes,
    /// What to do about unknown keywords.
    pub unknown_keywords: UnknownKeywords,
    /// The vault passwords.
    pub vault: Vault,
    /// The actions that can be run: the controller's own, and the runner's modules.
    pub known: Vec<Known>,
    /// Templates.
    pub templating: Arc<dyn Templating>,
}

/// Reads playbooks, and while a run goes on what they include. Files are read once.
pub struct Loader {
    pub(crate) settings: Settings,
    pub(crate) files: Files,
    pub(crate) catalogue: Catalogue,
    pub(crate) options: WrongOptions,
    next_task: AtomicU64,
    /// Folders with modules of all roles met so far.
    of_roles: RwLock<Vec<PathBuf>>,
}

/// Something loaded, with what is odd about it.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The thing.
    pub value: T,
    /// Warnings for the user.
    pub warnings: Diagnostics,
}

impl Loader {
    /// A loader for a run.
    pub fn new(mut settings: Settings) -> Self {
        let files = Files::new(settings.vault.clone());
        let catalogue = Catalogue::new(std::mem::take(&mut settings.known));
        for path in settings.roles_path.iter_mut().chain(&mut settings.library_path) {
            *path = files.absolute(&expand_home(path));
        }
        settings.library_path = settings.library_path.iter().flat_map(|path| with_subfolders(path)).collect();
        for path in &mut settings.collections_path {
            let whole = files.absolute(&expand_home(path));
            *path = if whole.ends_with(COLLECTIONS) { whole } else { whole.join(COLLECTIONS) };
        }
        Self {
            settings,
            files,
            catalogue,
            options: WrongOptions::default(),
            next_task: AtomicU64::new(1),
            of_roles: RwLock::default(),
        }
    }

    /// The same, with another answer to a mapping that has a key twice (`DUPLICATE_YAML_DICT_KEY`).
    #[must_use]
    pub fn duplicates(mut self, duplicates: Duplicates) -> Self {
        self.files.duplicates = duplicates;
        self
    }

    /// The same, with another answer to options that a module will refuse.
    #[must_use]
    pub fn wrong_options(mut self, options: WrongOptions) -> Self {
        self.options = options;
        self
    }

    /// Reads a playbook with all that it imports. All that is wrong is reported together. Where there is no such file,
    /// the name may be that of a playbook in a collection.
    pub fn playbook(&self, path: &Path) -> Result<Loaded<Playbook>, Diagnostics> {
        let path = self.files.absolute(path);
        let mut reader = Reader::new(self);
        let in_collection = match (path.is_file(), path.parent(), path.file_name()) {
            (false, Some(dir), Some(name)) => reader.collection_playbook(&name.to_string_lossy(), dir),
            _ => None,
        };
        let (path, collections) =
            in_collection.map_or((path, Vec::new()), |(found, collection)| (found, vec![collection]));
        let plays = reader.playbook(&path, collections);
        let dir = path.parent().unwrap_or(Path::new("/")).to_owned();
        reader.finish(Playbook { path, dir, plays })
    }

    /// A play from data, as `ansible` makes one from its command line.
    pub fn play(&self, data: &Value, dir: &Path) -> Result<Loaded<Playbook>, Diagnostics> {
        let dir = self.files.absolute(dir);
        let mut reader = Reader::new(self);
        let plays = reader.play_from(data, &dir);
        reader.finish(Playbook { path: dir.join("<command line>"), dir, plays })
    }

    /// Looks up an action whose name was a template.
    pub fn resolve(&self, name: &str, task: &crate::Task) -> Option<(Arc<str>, Target)> {
        let libraries = self.libraries(&task.play_dir);
        let roots = self.collection_roots(&task.play_dir);
        let place = Place {
            files: &self.files,
            collections: &task.collections,
            libraries: &libraries,
            collection_roots: &roots,
        };
        self.catalogue.resolve(name, &place).map(|resolved| (resolved.name, resolved.target))
    }

    /// The variables of a file of `vars_files`: a mapping, or a list of mappings, whose later ones win.
    pub fn vars_files_variables(&self, path: &Path) -> Result<Arc<Map>> {
        let value = self.files.load(path)?;
        match value.as_list() {
            Some(items) if items.iter().all(|item| item.as_map().is_some()) => {
                let maps = items.iter().filter_map(Value::as_map);
                Ok(Arc::new(maps.fold(Map::default(), |all, next| self.combine(&all, next))))
            }
            _ => self.variables(path),
        }
    }

    /// The variables of a file. An empty file has none.
    pub fn variables(&self, path: &Path) -> Result<Arc<Map>> {
        let value = self.files.load(path)?;
        match value.kind() {
            shevek_value::Kind::Null => Ok(Arc::default()),
            shevek_value::Kind::Map(map) => Ok(map.clone()),
            _ => Err(Diagnostic::new("a file of variables is no mapping")
                .detail(format!("{} holds {}", self.files.display(path), crate::keyword::described(&value)))
                .at_maybe(value.origin(), "")),
        }
    }

    /// A YAML or JSON file as a value, decrypted if need be.
    pub fn file(&self, path: &Path) -> Result<Value> {
        self.files.load(path)
    }

    /// A file's bytes, decrypted if it is a vault; whether it was one.
    pub fn bytes(&self, path: &Path) -> Result<(Vec<u8>, bool)> {
        let read = std::fs::read(path).map_err(|error| {
            Diagnostic::new("a file can't be read")
                .kind(shevek_diag::Kind::Machine)
                .detail(format!("{}: {error}", self.files.display(path)))
        })?;
        if !shevek_vault::is_encrypted(&read) {
            return Ok((read, false));
        }
        let plain = self.settings.vault.decrypt(&String::from_utf8_lossy(&read)).map_err(|error| {
            Diagnostic::new("a vault can't be opened")
                .detail(format!("{}: {error}", self.files.display(path)))
        })?;
        Ok((plain.to_vec(), true))
    }

    /// The file that a name in `vars_files` stands for: in `vars/` of the play's folder or the folder itself.
    pub fn vars_file(&self, dir: &Path, name: &str) -> Option<PathBuf> {
        if name.starts_with('/') || name.starts_with('~') {
            let path = self.files.absolute(Path::new(name));
            return path.exists().then_some(path);
        }
        let beside = [dir.join("vars").join(name), dir.join(name)];
        let in_vars = name.starts_with("vars/");
        let found = beside.into_iter().skip(usize::from(in_vars)).find(|path| path.exists());
        found.map(|path| self.files.absolute(&path))
    }

    /// What a play's `vars_files` say, as far as their names can be told before any host is: hosts and name of the play may
    /// be made of it. What is wrong with them is told when the play begins.
    pub fn early_vars_files(&self, play: &crate::Play, render: impl Fn(&Value) -> Result<Value>) -> Map {
        let mut all = Map::default();
        for entry in &play.vars_files {
            let names = entry.as_list().unwrap_or(std::slice::from_ref(entry));
            let path: Option<PathBuf> =
                names.iter().find_map(|name| self.vars_file(&play.dir, render(name).ok()?.as_str()?));
            if let Some(read) = path.and_then(|path| self.vars_files_variables(&path).ok()) {
                all = self.combine(&all, &read);
            }
        }
        all
    }

    /// The file that a name stands for in the folders of a task (see [`crate::Task::search_path`]): in the folder `kind`
    /// of each (`files`, `templates`, `vars`, `tasks`), then in each itself, then the same beside the playbook.
    pub fn find(&self, search: &[PathBuf], kind: &str, name: &str) -> Option<PathBuf> {
        if name.starts_with('/') || name.starts_with('~') {
            let path = self.files.absolute(Path::new(name));
            return path.exists().then_some(path);
        }
        let named = name.split('/').next() == Some(kind);
        for folder in search {
            let mut candidates = Vec::with_capacity(4);
            if folder.ends_with("tasks")
                && let Some(role) = folder.parent()
            {
                candidates.push(role.join(kind).join(name));
                candidates.push(folder.join(name));
            }
            if !named {
                candidates.push(folder.join(kind).join(name));
            }
            candidates.push(folder.join(name));
            if let Some(found) = candidates.into_iter().find(|path| path.exists()) {
                return Some(self.files.absolute(&found));
            }
        }
        None
    }

    /// The files of a set of variables in a folder: `NAME`, `NAME.yml` …, or all files of a folder `NAME`.
    pub fn variable_files(&self, folder: &Path, name: &str) -> Vec<PathBuf> {
        self.files.variables(folder, name, Wanted::Named { folders: true })
    }

    /// One mapping of variables laid over another, as configured.
    pub fn combine(&self, lower: &Map, upper: &Map) -> Map {
        combine(lower, upper, self.settings.hashes)
    }

    pub(crate) fn next_id(&self) -> TaskId {
        TaskId(self.next_task.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn relative(&self, search: &Relative<'_>) -> PathBuf {
        self.files.relative(search)
    }

    /// Folders with modules that the tasks of a play can see: those of roles met so far, the play's own, those configured.
    pub(crate) fn libraries(&self, play: &Path) -> Vec<PathBuf> {
        let mut folders = vec![play.join("library"), play.join("action_plugins")];
        folders.retain(|folder| folder.is_dir());
        folders.extend(self.of_roles.read().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        folders.extend(self.settings.library_path.iter().cloned());
        folders
    }

    /// How many of the folders with modules are configured ones, which come last.
    pub(crate) fn configured_libraries(&self) -> usize {
        self.settings.library_path.len()
    }

    /// Takes note of a role: its modules are visible from here on, in all plays, as in Ansible. Gives those that are new.
    pub(crate) fn enter_role(&self, role: &Path) -> Vec<PathBuf> {
        let mut known = self.of_roles.write().unwrap_or_else(PoisonError::into_inner);
        let folders = [role.join("library"), role.join("action_plugins")];
        let new: Vec<PathBuf> =
            folders.into_iter().filter(|folder| !known.contains(folder) && folder.is_dir()).collect();
        known.extend(new.iter().cloned());
        new
    }

    /// Folders with collections that a play can see.
    pub(crate) fn collection_roots(&self, play: &Path) -> Vec<PathBuf> {
        let beside = play.join("collections").join(COLLECTIONS);
        std::iter::once(beside).chain(self.settings.collections_path.iter().cloned()).collect()
    }
}

/// A configured folder with modules, behind those in it and in these.
fn with_subfolders(path: &Path) -> Vec<PathBuf> {
    let inside = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    };
    let first = inside(path);
    let second: Vec<PathBuf> = first.iter().flat_map(|folder| inside(folder)).collect();
    let own = path.is_dir().then(|| path.to_owned());
    first.into_iter().chain(second).chain(own).collect()
}

/// The folder that namespaces of collections are in.
const COLLECTIONS: &str = "ansible_collections";

/// One mapping laid over another.
pub(crate) fn combine(lower: &Map, upper: &Map, hashes: Hashes) -> Map {
    let mut out = lower.clone();
    for (key, value) in upper {
        let merged = match (hashes, out.get(key).and_then(Value::as_map), value.as_map()) {
            (Hashes::Merge, Some(below), Some(above)) => {
                Value::map(combine(below, above, hashes)).from_where(value)
            }
            _ => value.clone(),
        };
        out.insert(key.clone(), merged);
    }
    out
}
