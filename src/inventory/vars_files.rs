//! `group_vars` and `host_vars`: files and folders of variables beside inventories and playbooks.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use shevek_diag::{Diagnostic, Diagnostics, Kind, Result, Source};
use shevek_value::Map;
use shevek_vault::{Vault, is_encrypted};
use shevek_yaml::{Duplicates, Options};

/// Endings of variable files, in the order in which they are looked for (`YAML_FILENAME_EXTENSIONS`); a folder or file
/// without an ending comes before.
pub(crate) const ENDINGS: [&str; 3] = [".yml", ".yaml", ".json"];

/// Whose variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    Group,
    Host,
}

impl Of {
    fn folder(self) -> &'static str {
        match self {
            Of::Group => "group_vars",
            Of::Host => "host_vars",
        }
    }
}

/// What came of reading one name's files, or that it has none.
type Slot = Arc<OnceLock<Result<Option<Arc<Map>>>>>;

/// The folders, and what was read from them so far. Clones share what was read.
#[derive(Clone, Default)]
pub(crate) struct VarsFiles {
    vault: Vault,
    duplicates: Duplicates,
    /// Folders of inventory sources, in their order.
    pub inventory: Vec<PathBuf>,
    pub playbook: Option<PathBuf>,
    read: Arc<Read>,
}

#[derive(Default)]
struct Read {
    /// What is in a `group_vars` or `host_vars` folder; `None`: there is no such folder.
    listings: Mutex<HashMap<PathBuf, Option<Arc<HashSet<OsString>>>>>,
    slots: Mutex<HashMap<(PathBuf, String), Slot>>,
    warnings: Mutex<Diagnostics>,
}

impl VarsFiles {
    pub fn new(vault: Vault, duplicates: Duplicates) -> Self {
        Self { vault, duplicates, ..Self::default() }
    }

    pub fn set_playbook_dir(&mut self, folder: Option<&Path>) {
        self.playbook = folder.map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.to_owned()));
    }

    /// Remembers the folder that a source is or is in.
    pub fn add_inventory(&mut self, source: &Path) {
        let folder = if source.is_dir() { Some(source) } else { source.parent() };
        let Some(folder) = folder.filter(|_| source.exists()) else { return };
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if !self.inventory.contains(&folder) {
            self.inventory.push(folder);
        }
    }

    /// The variables of one name in one folder. Read once.
    pub fn read(&self, folder: &Path, of: Of, name: &str) -> Result<Option<Arc<Map>>> {
        // A path for a name (a chroot's) has no files.
        if name.starts_with('/') {
            return Ok(None);
        }
        let folder = folder.join(of.folder());
        if !self.may_have(&folder, name) {
            return Ok(None);
        }
        let slot = {
            let mut slots = self.read.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry((folder.clone(), name.to_owned())).or_default().clone()
        };
        slot.get_or_init(|| self.read_files(&find(&folder, name)?)).clone()
    }

    /// A look at the folder's listing instead of several at the disk for every host.
    fn may_have(&self, folder: &Path, name: &str) -> bool {
        let listing = {
            let mut listings = self.read.listings.lock().unwrap_or_else(PoisonError::into_inner);
            match listings.get(folder) {
                Some(listing) => listing.clone(),
                None => {
                    let listing = list(folder).map(Arc::new);
                    listings.insert(folder.to_owned(), listing.clone());
                    listing
                }
            }
        };
        let Some(listing) = listing else { return false };
        // A name with a slash is a path into the folder.
        name.contains('/')
            || listing.contains(std::ffi::OsStr::new(name))
            || ENDINGS.iter().any(|ending| listing.contains(&OsString::from(format!("{name}{ending}"))))
    }

    fn read_files(&self, files: &[PathBuf]) -> Result<Option<Arc<Map>>> {
        let mut all: Option<Map> = None;
        for file in files {
            if let Some(map) = self.read_file(file)? {
                match &mut all {
                    Some(all) => all.extend(map),
                    None => all = Some(map),
                }
            }
        }
        Ok(all.map(Arc::new))
    }

    fn read_file(&self, path: &Path) -> Result<Option<Map>> {
        let warn = |warning: Box<Diagnostic>| {
            self.read.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
        };
        let (source, secret) = read_source(path, &self.vault)?;
        let options = Options { duplicates: self.duplicates, ..Options::file(&self.vault).warnings(&warn) };
        let value = shevek_yaml::load(&source, &options)?;
        let value = if secret { value.secret() } else { value };
        match value.as_map() {
            Some(map) => Ok(Some(map.clone())),
            None if !value.is_true() => Ok(None),
            None => Err(Diagnostic::new("variables are no mapping")
                .detail(format!(
                    "variable files must be mappings of names to values, not {}",
                    value.type_name()
                ))
                .at_maybe(value.origin(), "")),
        }
    }

    /// Warnings of what was read since the last time.
    pub fn warnings(&self) -> Diagnostics {
        std::mem::take(&mut *self.read.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file as text, opened if it is a vault; whether it was one.
pub(crate) fn read_source(path: &Path, vault: &Vault) -> Result<(Arc<Source>, bool)> {
    let name = path.to_string_lossy().into_owned();
    let unreadable = |why: String| {
        Diagnostic::new("file cannot be read").kind(Kind::Machine).detail(format!("{name}: {why}"))
    };
    let bytes = std::fs::read(path).map_err(|why| unreadable(why.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))?;
    if !is_encrypted(&text) {
        return Ok((Source::new(name, text), false));
    }
    let source = Source::new(name.clone(), text);
    let plain = vault
        .decrypt_text(source.text())
        .map_err(|why| why.at(&shevek_diag::Origin::whole(&source), "this vault file"))?;
    Ok((Source::secret(name, plain.as_str()), true))
}

fn list(folder: &Path) -> Option<HashSet<OsString>> {
    Some(std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name()).collect())
}

/// The files of one name: the first of `NAME`, `NAME.yml` … that is there; all below it if it is a folder.
fn find(folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let candidates = std::iter::once("").chain(ENDINGS).map(|ending| folder.join(format!("{name}{ending}")));
    for path in candidates {
        if path.is_dir() {
            let mut files = Vec::new();
            find_below(&path, &mut files)?;
            return Ok(files);
        }
        if path.exists() {
            return Ok(vec![path]);
        }
    }
    Ok(Vec::new())
}

fn find_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|why| {
        Diagnostic::new("folder cannot be read")
            .kind(Kind::Machine)
            .detail(format!("{}: {why}", folder.display()))
    })?;
    let mut names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort_unstable();
    for name in names {
        let text = name.to_string_lossy();
        if text.starts_with('.') || text.ends_with('~') {
            continue;
        }
        let path = folder.join(&name);
        let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy()));
        if path.is_dir() && ending.is_none() {
            find_below(&path, files)?;
        } else if path.is_file() && ending.is_none_or(|ending| ENDINGS.contains(&ending.as_str())) {
            files.push(path);
        }
    }
    Ok(())
}
