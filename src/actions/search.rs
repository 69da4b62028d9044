//! Files on this machine that tasks name.

use std::path::{Path, PathBuf};

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_template::Scope;
use shevek_vars::HostScope;

/// The first of the places where a file may be that has it; an error lists them all.
pub fn find(scope: &HostScope, kind: &str, name: &str) -> Result<PathBuf> {
    let searched = candidates(&scope.search_path(), kind, name);
    if let Some(found) = searched.iter().find(|path| path.exists()) {
        return Ok(found.clone());
    }
    let places: Vec<String> = searched.iter().map(|path| path.display().to_string()).collect();
    Err(Diagnostic::new("file not found")
        .kind(Kind::Machine)
        .detail(format!("Could not find or access '{name}' on this machine"))
        .help(format!("looked for it at {}", places.join(", "))))
}

fn candidates(folders: &[PathBuf], kind: &str, name: &str) -> Vec<PathBuf> {
    let path = home(name);
    if path.is_absolute() {
        return vec![path];
    }
    let mut all: Vec<PathBuf> = Vec::new();
    for folder in folders {
        // A task file's own folder is `tasks` of its role: files are looked for beside it.
        let base = if folder.file_name().is_some_and(|n| n == "tasks" || n == "handlers") {
            folder.parent().unwrap_or(folder)
        } else {
            folder
        };
        let inside = path.starts_with(kind).then(|| base.join(&path));
        for candidate in
            [inside, Some(base.join(kind).join(&path)), Some(base.join(&path)), Some(folder.join(&path))]
                .into_iter()
                .flatten()
        {
            if !all.contains(&candidate) {
                all.push(candidate);
            }
        }
    }
    all
}

/// `~` is the home folder of who runs this.
pub(crate) fn home(name: &str) -> PathBuf {
    match (name.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            Path::new(&home).join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(name),
    }
}
