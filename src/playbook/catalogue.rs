//! Which actions there are, and what a name in a task means.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_kit::schema::Schema;

use crate::files::Files;
use crate::model::Target;
use crate::moved::moved;

/// An action that can be run: a module of the runner's, or one of the controller's own.
#[derive(Debug, Clone)]
pub struct Known {
    /// The short name: `copy`.
    pub name: String,
    /// The collection that it is in: `ansible.builtin`.
    pub collection: String,
    /// Further names, short or in full.
    pub aliases: Vec<String>,
    /// Who runs it.
    pub target: Target,
    /// What it accepts, where that is known.
    pub schema: Option<&'static Schema>,
}

impl Known {
    /// An action of the controller's from `ansible.builtin`.
    pub fn controller(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            collection: BUILTIN.to_owned(),
            aliases: Vec::new(),
            target: Target::Controller,
            schema: None,
        }
    }

    /// The same, with what it accepts.
    #[must_use]
    pub fn with_schema(self, schema: &'static Schema) -> Self {
        Self { schema: Some(schema), ..self }
    }

    /// A module of the runner's.
    pub fn module(schema: &'static Schema) -> Self {
        Self {
            name: schema.name.to_owned(),
            collection: schema.collection.to_owned(),
            aliases: schema.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            target: Target::Module,
            schema: Some(schema),
        }
    }

    /// The name that [`crate::Action::resolved`] has.
    fn canonical(&self) -> Arc<str> {
        if self.collection == BUILTIN {
            self.name.as_str().into()
        } else {
            format!("{}.{}", self.collection, self.name).into()
        }
    }
}

pub(crate) const BUILTIN: &str = "ansible.builtin";
pub(crate) const LEGACY: &str = "ansible.legacy";

/// What a name turned out to be.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) name: Arc<str>,
    pub(crate) target: Target,
    pub(crate) schema: Option<&'static Schema>,
}

/// All actions by each of their names.
pub(crate) struct Catalogue {
    by_name: HashMap<String, Resolved>,
}

/// How often a module may have moved on: collections could send one in a circle.
const MOST_REDIRECTS: usize = 8;

/// Modules that Ansible brings itself: a task with one of these is no mistake of the user's, even where nothing here
/// runs it.
const OF_ANSIBLE: &[&str] = &[
    "add_host",
    "apt",
    "apt_key",
    "apt_repository",
    "assemble",
    "assert",
    "async_status",
    "async_wrapper",
    "blockinfile",
    "command",
    "copy",
    "cron",
    "deb822_repository",
    "debconf",
    "debug",
    "dnf",
    "dnf5",
    "dpkg_selections",
    "expect",
    "fail",
    "fetch",
    "file",
    "find",
    "gather_facts",
    "get_url",
    "getent",
    "git",
    "group",
    "group_by",
    "hostname",
    "include_vars",
    "iptables",
    "known_hosts",
    "lineinfile",
    "mount_facts",
    "package",
    "package_facts",
    "pause",
    "ping",
    "pip",
    "raw",
    "reboot",
    "replace",
    "rpm_key",
    "script",
    "service",
    "service_facts",
    "set_fact",
    "set_stats",
    "setup",
    "shell",
    "slurp",
    "stat",
    "subversion",
    "systemd",
    "systemd_service",
    "sysvinit",
    "tempfile",
    "template",
    "unarchive",
    "uri",
    "user",
    "validate_argument_spec",
    "wait_for",
    "wait_for_connection",
    "yum",
    "yum_repository",
];

/// What the loader itself replaces or the engine always knows.
const ALWAYS: &[&str] =
    &["include_tasks", "import_tasks", "include_role", "import_role", "import_playbook", "meta"];

impl Catalogue {
    pub(crate) fn new(known: Vec<Known>) -> Self {
        let mut by_name = HashMap::new();
        for name in OF_ANSIBLE {
            let resolved = Resolved { name: (*name).into(), target: Target::Unsupported, schema: None };
            by_name.insert((*name).to_owned(), resolved);
        }
        let always = ALWAYS.iter().map(|name| Known::controller(name));
        // What comes later wins: an action of the controller's stands before the module that it drives.
        let (modules, actions): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|known| known.target == Target::Module);
        for known in always.chain(modules).chain(actions) {
            let resolved =
                Resolved { name: known.canonical(), target: known.target.clone(), schema: known.schema };
            let full = format!("{}.{}", known.collection, known.name);
            for name in known.aliases.iter().chain([&known.name, &full]) {
                by_name.insert(builtin_short(name).to_owned(), resolved.clone());
            }
        }
        Self { by_name }
    }

    /// What a name means in a task: in full, or looked up in the collections that the task searches.
    pub(crate) fn resolve(&self, name: &str, place: &Place<'_>) -> Option<Resolved> {
        let short = builtin_short(name);
        let known = |name: &str| self.by_name.get(name).cloned();
        if short.contains('.') {
            return self.in_full(name, place, MOST_REDIRECTS);
        }
        let is_plain = short.len() == name.len();
        for collection in
            place.collections.iter().filter(|name| is_plain && ![BUILTIN, LEGACY].contains(&&***name))
        {
            let full = format!("{collection}.{name}");
            if let Some(found) = known(&full).or_else(|| place.in_collection(&full)) {
                return Some(found);
            }
        }
        let own = if name.starts_with(BUILTIN) { None } else { place.in_libraries(short) };
        own.or_else(|| known(short)).or_else(|| self.in_full(&moved(short)?, place, MOST_REDIRECTS))
    }

    /// What a full name means: here, in its collection, or under the name that its collection says it has now.
    fn in_full(&self, name: &str, place: &Place<'_>, redirects: usize) -> Option<Resolved> {
        let found = self.by_name.get(builtin_short(name)).cloned().or_else(|| place.in_collection(name));
        found.or_else(|| match place.redirected(name) {
            Some(next) if redirects > 0 => self.in_full(&next, place, redirects - 1),
            _ => elsewhere(name),
        })
    }

    /// The known name that was probably meant by one that is unknown.
    pub(crate) fn near(&self, name: &str) -> Option<&str> {
        shevek_diag::nearest(name, self.names())
    }

    /// The canonical name of an action, for comparing names; the name itself if it is unknown.
    pub(crate) fn canonical(&self, name: &str) -> String {
        let short = builtin_short(name);
        self.by_name.get(short).map_or_else(|| short.to_owned(), |resolved| resolved.name.to_string())
    }

    /// All short names, for "did you mean".
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

/// `ansible.builtin.x` and `ansible.legacy.x` are `x`.
pub(crate) fn builtin_short(name: &str) -> &str {
    let rest = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy."));
    rest.unwrap_or(name)
}

/// A module that, by its name, is in a collection. Of one of the community package nothing can be said until a task with it
/// would run, and playbooks for many systems have tasks that never do.
///
/// Differs from Ansible: there a module of the community package that is not installed stops the whole playbook. Here it
/// stops the task that uses it, when its turn comes, and a warning says so before.
fn elsewhere(name: &str) -> Option<Resolved> {
    let is_word = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let is_full = name.split('.').count() >= 3 && name.split('.').all(is_word);
    let is_ours = name.starts_with("ansible.builtin.") || name.starts_with("ansible.legacy.");
    let is_gone = || crate::moved::removed_from(name).is_some();
    (is_full && !is_ours && !is_gone()).then(|| Resolved {
        name: name.into(),
        target: Target::Unsupported,
        schema: None,
    })
}

/// Where a task stands, for finding modules that the user brings.
pub(crate) struct Place<'a> {
    pub(crate) files: &'a Files,
    /// Collections that short names are looked up in.
    pub(crate) collections: &'a [Arc<str>],
    /// Folders with modules: `library` of the playbook and of roles, those configured.
    pub(crate) libraries: &'a [PathBuf],
    /// Folders with collections.
    pub(crate) collection_roots: &'a [PathBuf],
}

impl Place<'_> {
    fn in_libraries(&self, name: &str) -> Option<Resolved> {
        // An action plugin stands before the module that it drives.
        let (plugins, modules): (Vec<_>, Vec<_>) =
            self.libraries.iter().partition(|folder| folder.ends_with("action_plugins"));
        plugins.into_iter().chain(modules).find_map(|folder| self.foreign(folder, name, name))
    }

    fn in_collection(&self, full: &str) -> Option<Resolved> {
        let mut parts = full.splitn(3, '.');
        let (namespace, collection, name) = (parts.next()?, parts.next()?, parts.next()?);
        self.collection_roots.iter().find_map(|root| {
            let folder = root.join(namespace).join(collection).join("plugins");
            let below = name.replace('.', "/");
            ["action", "modules"].iter().find_map(|kind| {
                let path = folder.join(kind).join(&below);
                let stem = path.file_name()?.to_string_lossy().into_owned();
                self.foreign(path.parent()?, &stem, full)
            })
        })
    }

    /// The name that a collection has for one of its modules now, often that of another collection.
    fn redirected(&self, full: &str) -> Option<String> {
        let mut parts = full.splitn(3, '.');
        let (namespace, collection, name) = (parts.next()?, parts.next()?, parts.next()?);
        let folder = self.collection_roots.iter().map(|root| root.join(namespace).join(collection));
        let file = folder.map(|folder| folder.join("meta/runtime.yml")).find(|file| file.is_file())?;
        let read = self.files.load(&file).ok()?;
        let routing = read.get("plugin_routing")?;
        let entry = |kind| routing.get(kind)?.get(name)?.get("redirect")?.as_str().map(str::to_owned);
        entry("action").or_else(|| entry("modules"))
    }

    fn foreign(&self, folder: &Path, stem: &str, name: &str) -> Option<Resolved> {
        let path = self.files.stems(folder).get(stem)?.clone();
        Some(Resolved { name: name.into(), target: Target::Foreign(path), schema: None })
    }
}
