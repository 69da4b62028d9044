//! Where roles are, and what their files hold.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Kind, Origin};
use shevek_value::{Map, Value};

use crate::catalogue::{BUILTIN, LEGACY};
use crate::files::{Wanted, plain};
use crate::keyword::{Element, Own, described, optional_list, truth};
use crate::model::{Role, RoleMeta};
use crate::reader::Reader;
use crate::role::Use;
use crate::scope::Scope;

impl Reader<'_> {
    /// One of the role's files that hold no variables.
    pub(crate) fn role_file(
        &mut self,
        role: &Path,
        kind: &str,
        from: Option<&str>,
        asked: Option<&Origin>,
    ) -> Option<(PathBuf, Value)> {
        let path = self.role_paths(role, kind, from, asked).into_iter().next()?;
        let value = self.file(&path, asked)?;
        Some((path, value)).filter(|(_, value)| !value.is_null())
    }

    pub(crate) fn role_paths(
        &mut self,
        role: &Path,
        kind: &str,
        from: Option<&str>,
        asked: Option<&Origin>,
    ) -> Vec<PathBuf> {
        let folder = role.join(kind);
        let folders = matches!(kind, "vars" | "defaults");
        let wanted = match from {
            Some(_) => Wanted::Named { folders },
            None => Wanted::Main { folders },
        };
        let found = self.loader.files.variables(&folder, from.unwrap_or("main"), wanted);
        let outside = found.iter().find(|path| !plain(path).starts_with(&folder));
        if let Some(outside) = outside {
            self.wrong(
                Diagnostic::new("a file outside its role")
                    .detail(format!(
                        "Failed loading '{}' as it is not inside the expected role path: '{}'",
                        outside.display(),
                        folder.display()
                    ))
                    .at_maybe(asked, ""),
            );
            return Vec::new();
        }
        if let Some(name) = from
            && found.is_empty()
            && folder.is_dir()
        {
            self.wrong(
                Diagnostic::new("a role without the file asked for")
                    .detail(format!("Could not find specified file in role: {kind}/{name}"))
                    .at_maybe(asked, ""),
            );
        }
        found
    }

    pub(crate) fn role_variables(
        &mut self,
        role: &Path,
        kind: &str,
        from: Option<&str>,
        asked: Option<&Origin>,
    ) -> Arc<Map> {
        let mut all: Arc<Map> = Arc::default();
        for path in self.role_paths(role, kind, from, asked) {
            let read = self.loader.variables(&path).map_err(|problem| problem.or_at(asked));
            let Some(more) = self.problems.keep(read) else { continue };
            all = if all.is_empty() { more } else { Arc::new(self.loader.combine(&all, &more)) };
        }
        all
    }

    /// What `meta/main.yml` says, and the dependencies in it.
    pub(crate) fn role_meta(&mut self, role: &Path, name: &str) -> (RoleMeta, Vec<Value>) {
        let mut meta = RoleMeta::default();
        let Some((_, value)) = self.role_file(role, "meta", None, None) else { return (meta, Vec::new()) };
        let Some(map) = value.as_map() else {
            self.wrong(
                Diagnostic::new("a role's metadata is no mapping")
                    .detail(format!("the 'meta/main.yml' for role {name} is not a dictionary"))
                    .at_maybe(value.origin(), ""),
            );
            return (meta, Vec::new());
        };
        let mut own = Own::default();
        for (key, value) in map {
            match key.as_str() {
                Some("allow_duplicates") => meta.allow_duplicates = truth(value).unwrap_or(false),
                Some("galaxy_info") => meta.galaxy_info = Some(value.clone()),
                Some("argument_specs") => {
                    meta.argument_specs = Arc::new(value.as_map().cloned().unwrap_or_default());
                }
                Some("dependencies") if value.is_null() || value.as_list().is_some() => {
                    meta.dependencies = optional_list(value);
                }
                Some("dependencies") => self.wrong(
                    Diagnostic::new("dependencies must be a list")
                        .detail(format!("Expected role dependencies to be a list, not {}", described(value)))
                        .at_maybe(value.origin().or(key.origin()), ""),
                ),
                Some(word) if Element::RoleMeta.has(word) => {
                    own.take(key, value, &mut self.problems);
                }
                _ => self.unknown_keyword(key, Element::RoleMeta),
            }
        }
        meta.collections = own.collections.map(|names| names.to_vec()).unwrap_or_default();
        let entries = meta.dependencies.clone();
        (meta, entries)
    }

    pub(crate) fn argument_specs(&mut self, role: &Role) -> Arc<Map> {
        let file =
            ["yml", "yaml", "json"].iter().map(|kind| role.path.join(format!("meta/argument_specs.{kind}")));
        let Some(path) = file.into_iter().find(|path| path.exists()) else {
            return role.meta.argument_specs.clone();
        };
        let specs = self.file(&path, None).and_then(|value| value.get("argument_specs")?.as_map().cloned());
        Arc::new(specs.unwrap_or_default())
    }

    /// The name, the folder and the collection of a role.
    pub(crate) fn find_role(
        &mut self,
        used: &Use,
        scope: &Scope,
    ) -> Option<(String, PathBuf, Option<Arc<str>>)> {
        let name = used.name.as_str();
        if let Some(found) = self.role_in_collections(name, &used.search) {
            return Some(found);
        }
        let files = &self.loader.files;
        let play = &scope.play.dir;
        let mut folders = vec![play.join("roles")];
        folders.extend(self.loader.settings.roles_path.iter().cloned());
        folders.extend(used.beside.clone());
        folders.push(play.to_path_buf());
        for folder in &folders {
            // Links are gone through: what is beside a role is what is beside it where it really is.
            if let Ok(path) = files.beside(folder, name).canonicalize() {
                return Some((name.to_owned(), path, None));
            }
        }
        let path = files.absolute(Path::new(name));
        if let Ok(real) = path.canonicalize() {
            let last =
                path.file_name().map_or_else(|| name.to_owned(), |last| last.to_string_lossy().into_owned());
            return Some((last, real, None));
        }
        let searched: Vec<String> = used
            .search
            .iter()
            .map(ToString::to_string)
            .chain(folders.iter().map(|folder| folder.display().to_string()))
            .collect();
        let near: Vec<String> = folders
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        self.wrong(
            Diagnostic::new("role not found")
                .kind(Kind::Machine)
                .detail(format!("the role '{name}' was not found in {}", searched.join(":")))
                .at_maybe(used.origin.as_ref(), "")
                .did_you_mean(name, near.iter().map(String::as_str)),
        );
        None
    }

    /// A role of a collection: by its full name, or in one of the collections searched.
    fn role_in_collections(
        &self,
        name: &str,
        search: &[Arc<str>],
    ) -> Option<(String, PathBuf, Option<Arc<str>>)> {
        let find = |namespace: &str, collection: &str, role: &str| {
            let below = role.replace('.', "/");
            let folders = self.collection_roots.iter();
            let path = folders
                .map(|root| root.join(namespace).join(collection).join("roles").join(&below))
                .find(|path| path.is_dir())?;
            Some((role.to_owned(), path, Some(format!("{namespace}.{collection}").into())))
        };
        let is_word = |part: &str| {
            !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        let parts: Vec<&str> = name.splitn(3, '.').collect();
        if let [namespace, collection, role] = parts.as_slice()
            && role.split('.').chain([*namespace, *collection]).all(is_word)
        {
            return find(namespace, collection, role);
        }
        search.iter().filter(|name| ![BUILTIN, LEGACY].contains(&&***name)).find_map(|searched| {
            let (namespace, collection) = searched.split_once('.')?;
            if name.split('.').all(is_word) { find(namespace, collection, name) } else { None }
        })
    }
}
