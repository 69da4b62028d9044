//! Roles as one use of them has them.

use std::path::PathBuf;
use std::sync::Arc;

use shevek_value::{Map, Value};

/// One use of a role: by a play's `roles`, as a dependency, or by `import_role` and `include_role`.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name, without its collection's.
    pub name: Arc<str>,
    /// The collection that it is in, if it is in one.
    pub collection: Option<Arc<str>>,
    /// Its folder.
    pub path: PathBuf,
    /// Two uses with the same key are the same: it runs once for a host in a play, unless duplicates are allowed.
    pub key: Arc<str>,
    /// Its metadata.
    pub meta: Arc<RoleMeta>,
    /// Whether it comes from `import_role` or `include_role`.
    pub is_included: bool,
    /// Whether tasks after it see its defaults and variables.
    pub is_public: bool,
    /// The roles that it is used by (a dependency's dependents; the role that an include stands in), outermost first.
    /// Their own `dependencies` are left empty here.
    pub parents: Vec<Arc<Role>>,
    /// Its direct dependencies.
    pub dependencies: Vec<Arc<Role>>,
    /// `defaults/` alone.
    pub own_defaults: Arc<Map>,
    /// `vars/` alone.
    pub own_vars: Arc<Map>,
    /// Free parameters (`- { role: x, port: 80 }`) alone.
    pub own_params: Arc<Map>,
    /// `vars:` where it is used, alone.
    pub use_vars: Arc<Map>,
    /// Defaults that its tasks see: of all its dependencies, its parents, itself.
    pub defaults: Arc<Map>,
    /// Variables that its tasks see: of its parents, its dependencies, itself, then `vars:` where it is used.
    pub vars: Arc<Map>,
    /// Defaults that tasks outside see when it is public: of its dependencies and itself.
    pub public_defaults: Arc<Map>,
    /// Variables that tasks outside see when it is public.
    pub public_vars: Arc<Map>,
    /// Parameters that its tasks see: of its parents, then its own. They win over facts.
    pub params: Arc<Map>,
}

impl Role {
    /// Its name with its collection's before it.
    pub fn full_name(&self) -> String {
        match &self.collection {
            Some(collection) => format!("{collection}.{}", self.name),
            None => self.name.to_string(),
        }
    }

    /// Itself and its parents' folders, nearest first: where its tasks look for files.
    pub fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.path).chain(self.parents.iter().rev().map(|parent| &parent.path))
    }

    /// All dependencies, deepest first.
    pub fn all_dependencies(&self) -> Vec<&Arc<Role>> {
        let mut all = Vec::new();
        for dependency in &self.dependencies {
            all.extend(dependency.all_dependencies());
            all.push(dependency);
        }
        all
    }
}

/// What `meta/main.yml` says.
#[derive(Debug, Clone, Default)]
pub struct RoleMeta {
    /// Whether it may run more than once with the same parameters. Always so when included or imported, unless
    /// that says otherwise.
    pub allow_duplicates: bool,
    /// What it depends on, as written.
    pub dependencies: Vec<Value>,
    /// Collections that its tasks' short names are looked up in.
    pub collections: Vec<Arc<str>>,
    /// Argument specifications by entry point.
    pub argument_specs: Arc<Map>,
    /// `galaxy_info`.
    pub galaxy_info: Option<Value>,
}
