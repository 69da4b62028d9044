//! Reads files, each once, and finds them where Ansible looks.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use shevek_diag::{Diagnostic, Diagnostics, Kind, Result, Source};
use shevek_value::Value;
use shevek_vault::Vault;
use shevek_yaml::{Duplicates, Options};

/// Extensions of files with variables, tried in this order (`YAML_FILENAME_EXTENSIONS`).
const EXTENSIONS: [&str; 3] = [".yml", ".yaml", ".json"];

/// Endings of files that are no modules (`MODULE_IGNORE_EXTS`).
const NO_MODULES: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".yaml", ".yml", ".ini"];

/// The files that a run has read. Shared by all that load; what is read once is not read again.
#[derive(Default)]
pub(crate) struct Files {
    vault: Vault,
    parsed: RwLock<HashMap<PathBuf, Value>>,
    folders: RwLock<HashMap<PathBuf, Arc<HashMap<String, PathBuf>>>>,
    warnings: Arc<Mutex<Diagnostics>>,
    current: PathBuf,
    pub(crate) duplicates: Duplicates,
}

impl Files {
    pub(crate) fn new(vault: Vault) -> Self {
        Self { vault, current: std::env::current_dir().unwrap_or_default(), ..Self::default() }
    }

    /// A path made absolute and free of `.` and `..`.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        plain(&self.current.join(expand_home(path)))
    }

    /// The file's content as a value; an empty file is `null`.
    pub(crate) fn load(&self, path: &Path) -> Result<Value> {
        if let Some(value) = self.parsed.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(value.clone());
        }
        let value = self.parse(path)?;
        self.parsed.write().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), value.clone());
        Ok(value)
    }

    /// What reading has found odd since this was last asked.
    pub(crate) fn take_warnings(&self) -> Diagnostics {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn parse(&self, path: &Path) -> Result<Value> {
        let name = self.display(path);
        let bytes = std::fs::read(path).map_err(|error| {
            let detail = match error.kind() {
                std::io::ErrorKind::NotFound => format!(
                    "Could not find or access '{name}' on the Ansible Controller.\nCould not find or access '{}': {error}",
                    path.display()
                ),
                _ => format!("{name}: {error}"),
            };
            Diagnostic::new("cannot read a file").detail(detail).kind(Kind::Machine)
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            Diagnostic::new("a file is not UTF-8")
                .detail(format!("{name}: byte {} is no text", error.utf8_error().valid_up_to()))
                .help("save the file as UTF-8")
        })?;
        let encrypted = shevek_vault::is_encrypted(&text);
        let text = if encrypted {
            let plain = self.vault.decrypt_text(&text).map_err(|error| {
                let detail = format!("{name}: {}", error.detail);
                error.detail(detail)
            })?;
            plain.to_string()
        } else {
            text
        };
        let warnings = Arc::clone(&self.warnings);
        let warn = move |warning| warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
        let options = Options { duplicates: self.duplicates, ..Options::file(&self.vault) }.warnings(&warn);
        let source = if encrypted { Source::secret(name, text) } else { Source::new(name, text) };
        let value = shevek_yaml::load(&source, &options)?;
        Ok(if encrypted { value.secret() } else { value })
    }

    /// The path as the user knows it: from the current folder where it is below that.
    pub(crate) fn display(&self, path: &Path) -> String {
        path.strip_prefix(&self.current).unwrap_or(path).display().to_string()
    }

    /// The files of a folder by name without extension: for finding plugins.
    pub(crate) fn stems(&self, folder: &Path) -> Arc<HashMap<String, PathBuf>> {
        if let Some(known) = self.folders.read().unwrap_or_else(PoisonError::into_inner).get(folder) {
            return known.clone();
        }
        let mut stems = HashMap::new();
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let is_other = NO_MODULES.iter().any(|ending| name.ends_with(ending));
            if let Some(stem) = stem.filter(|stem| stem != "__init__" && !stem.starts_with('.') && !is_other)
                && path.is_file()
            {
                stems.entry(stem).or_insert(path);
            }
        }
        let stems = Arc::new(stems);
        self.folders.write().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned(), stems.clone());
        stems
    }

    /// A path as given in content: absolute, with `~`, or below a folder.
    pub(crate) fn beside(&self, folder: &Path, given: &str) -> PathBuf {
        self.absolute(&folder.join(expand_home(Path::new(given))))
    }

    /// Where a file of a role or playbook is: in the folder `kind` of `base`, or one of the other places that Ansible
    /// tries. The last of them when it is nowhere.
    pub(crate) fn relative(&self, search: &Relative<'_>) -> PathBuf {
        let Relative { base, kind, name, root, is_role } = *search;
        if name.starts_with('/') || name.starts_with('~') {
            return self.absolute(Path::new(name));
        }
        let is_role = is_role || looks_like_role(base);
        let folder = match base.parent() {
            Some(parent) if is_role && base.ends_with("tasks") => plain(parent),
            _ => plain(base),
        };
        let mut candidates = vec![base.join(kind).join(name), folder.join(kind).join(name)];
        if is_role && !kind.to_str().is_some_and(|kind| name.ends_with(kind)) {
            candidates.push(folder.join("tasks").join(name));
        }
        candidates.extend([
            folder.join(kind).join(name),
            folder.join(name),
            root.join(kind).join(name),
            root.join(name),
        ]);
        let last = candidates.last().cloned().unwrap_or_default();
        self.absolute(&candidates.into_iter().find(|path| path.exists()).unwrap_or(last))
    }

    /// The files that make up a set of variables: `NAME`, `NAME.yml` …, or all files of the folder `NAME`.
    pub(crate) fn variables(&self, folder: &Path, name: &str, wanted: Wanted) -> Vec<PathBuf> {
        let bare = std::iter::once("");
        let extensions: Vec<&str> = match wanted {
            Wanted::Main { .. } => EXTENSIONS.into_iter().chain(bare).collect(),
            Wanted::Named { .. } => bare.chain(EXTENSIONS).collect(),
        };
        let (Wanted::Main { folders } | Wanted::Named { folders }) = wanted;
        for extension in &extensions {
            let path = folder.join(format!("{name}{extension}"));
            if path.is_dir() {
                if folders {
                    let mut files = Vec::new();
                    all_variables(&path, &mut files);
                    return files;
                }
            } else if path.exists() {
                return vec![path];
            }
        }
        Vec::new()
    }
}

/// What [`Files::variables`] looks for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// The main file: extensions are tried first.
    Main {
        /// Whether a folder of that name is taken as well.
        folders: bool,
    },
    /// A file that was asked for: the name as it is comes first.
    Named {
        /// Whether a folder of that name is taken as well.
        folders: bool,
    },
}

/// What [`Files::relative`] looks for, and where.
#[derive(Clone, Copy)]
pub(crate) struct Relative<'a> {
    /// The role's or playbook's folder.
    pub(crate) base: &'a Path,
    /// The folder in it (`tasks`, or the folder of an include).
    pub(crate) kind: &'a Path,
    /// The file, as given.
    pub(crate) name: &'a str,
    /// The playbook's folder, tried last.
    pub(crate) root: &'a Path,
    /// Whether `base` is known to be a role's.
    pub(crate) is_role: bool,
}

fn all_variables(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
        let is_fitting = extension.as_deref().is_none_or(|extension| EXTENSIONS.contains(&extension));
        if path.is_dir() && extension.is_none() {
            all_variables(&path, files);
        } else if path.is_file() && is_fitting {
            files.push(path);
        }
    }
}

/// Ansible's guess at whether a folder belongs to a role.
fn looks_like_role(path: &Path) -> bool {
    let main =
        |folder: &Path| ["main.yml", "main.yaml", "main"].iter().any(|name| folder.join(name).exists());
    let of_role = |folder: &Path| main(&folder.join("tasks")) || main(&folder.join("meta"));
    (path.ends_with("tasks") && main(path)) || of_role(path) || path.parent().is_some_and(of_role)
}

/// `~` and `~/x` in the user's home.
pub(crate) fn expand_home(path: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => match std::env::var_os("HOME") {
            Some(home) => Path::new(&home).join(rest),
            None => path.to_owned(),
        },
        Err(_) => path.to_owned(),
    }
}

/// Without `.` and `..`, links not followed.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
