//! Finding and reading files as Ansible's lookups do.

use std::fs;
use std::path::{Path, PathBuf};

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_python::path;
use shevek_template::plugin::Context;
use shevek_value::Value;
use shevek_vault::is_encrypted;

/// The file of that name: in each folder of the search path, first in its subfolder (`files`, `templates`), then in it.
/// An absolute path (or one from `~`) is just itself.
pub(crate) fn find(context: &dyn Context, subfolder: Option<&str>, name: &str) -> Option<PathBuf> {
    candidates(context, subfolder, name).into_iter().find(|path| path.exists())
}

/// The same, which must be there.
pub(crate) fn must_find(context: &dyn Context, subfolder: Option<&str>, name: &str) -> Result<PathBuf> {
    find(context, subfolder, name).ok_or_else(|| missing(context, subfolder, name))
}

/// Says that there is no such file, and where was looked.
pub(crate) fn missing(context: &dyn Context, subfolder: Option<&str>, name: &str) -> Box<Diagnostic> {
    let looked: Vec<String> = candidates(context, subfolder, name)
        .into_iter()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    Diagnostic::new("file not found")
        .kind(Kind::Machine)
        .detail(format!("Unable to access the file '{name}': No such file or directory"))
        .help(format!("looked for {}", looked.join(", ")))
}

/// Where a file of that name is looked for, best first.
pub(crate) fn candidates(context: &dyn Context, subfolder: Option<&str>, name: &str) -> Vec<PathBuf> {
    if name.starts_with(['/', '~']) {
        return vec![PathBuf::from(path::absolute(&path::expand_user(name)))];
    }
    // Whoever writes the subfolder himself doesn't get it twice.
    let subfolder = subfolder.filter(|subfolder| name.split('/').next() != Some(subfolder));
    let mut out: Vec<PathBuf> = Vec::new();
    let mut add = |path: PathBuf| {
        let path = PathBuf::from(path::absolute(&path.to_string_lossy()));
        if !out.contains(&path) {
            out.push(path);
        }
    };
    for folder in folders(context) {
        // Tasks of a role may lie in folders of their own below its `tasks`.
        if let Some(role) = role_of_tasks(&folder) {
            if let Some(subfolder) = subfolder {
                add(role.join(subfolder).join(name));
            }
            add(role.join("tasks").join(name));
        }
        if let Some(subfolder) = subfolder {
            add(folder.join(subfolder).join(name));
        }
        add(folder.join(name));
    }
    out
}

fn role_of_tasks(folder: &Path) -> Option<PathBuf> {
    let above = folder.parent()?;
    (above.file_name()? == "tasks").then(|| above.parent().map(Path::to_path_buf)).flatten()
}

/// The search path; the current folder if there is none.
pub(crate) fn folders(context: &dyn Context) -> Vec<PathBuf> {
    let path = context.scope().search_path();
    if path.is_empty() { vec![PathBuf::from(".")] } else { path }
}

/// The playbook's folder: relative paths that are written to, and commands, start there.
pub(crate) fn base(context: &dyn Context) -> PathBuf {
    folders(context).pop().unwrap_or_else(|| PathBuf::from("."))
}

/// Whether what was read is secret, because its file was a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Secrecy(bool);

impl Secrecy {
    /// Marks a value that comes from the file.
    pub(crate) fn mark(self, value: Value) -> Value {
        if self.0 { value.secret() } else { value }
    }
}

/// What a file holds, decrypted if it is a vault.
pub(crate) fn read(context: &dyn Context, path: &Path) -> Result<(Vec<u8>, Secrecy)> {
    let bytes = fs::read(path).map_err(|error| {
        Diagnostic::new("file not readable")
            .kind(Kind::Machine)
            .detail(format!("Unable to access the file '{}': {error}", path.display()))
    })?;
    if !is_encrypted(&bytes) {
        return Ok((bytes, Secrecy(false)));
    }
    let text = String::from_utf8_lossy(&bytes);
    let plain = context.scope().vault().decrypt(&text).map_err(|error| {
        let detail = format!("{}: {}", path.display(), error.detail);
        error.detail(detail)
    })?;
    Ok((plain.to_vec(), Secrecy(true)))
}

/// What a text file holds.
pub(crate) fn read_text(context: &dyn Context, path: &Path) -> Result<(String, Secrecy)> {
    // Differs from Ansible: bytes that are no UTF-8 become U+FFFD, where Python smuggles them through as surrogates.
    let (bytes, secrecy) = read(context, path)?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    Ok((text, secrecy))
}
