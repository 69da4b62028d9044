//! Plugins in Python beside playbooks and in roles, which are not run: whoever starts a play learns of them before it begins.

use std::path::{Path, PathBuf};

use shevek_diag::Diagnostic;

use crate::reader::Reader;

/// Folders of plugins beside a playbook or in a role.
const FOLDERS: [&str; 10] = [
    "action_plugins",
    "cache_plugins",
    "callback_plugins",
    "connection_plugins",
    "filter_plugins",
    "inventory_plugins",
    "lookup_plugins",
    "strategy_plugins",
    "test_plugins",
    "vars_plugins",
];

/// How many of them a warning names.
const MOST_NAMED: usize = 5;

impl Reader<'_> {
    /// Notes the plugins of a playbook's or a role's folder.
    pub(crate) fn note_plugins(&mut self, folder: &Path) {
        if self.is_running {
            return;
        }
        let files = &self.loader.files;
        for folder in FOLDERS.map(|name| folder.join(name)) {
            let stems = files.stems(&folder);
            let written_in_python =
                stems.values().filter(|path| path.extension().is_some_and(|kind| kind == "py"));
            self.python_plugins.extend(written_in_python.cloned());
        }
    }

    /// One warning for all of them.
    pub(crate) fn warn_of_plugins(&mut self) {
        let plugins: Vec<PathBuf> = std::mem::take(&mut self.python_plugins).into_iter().collect();
        if plugins.is_empty() {
            return;
        }
        let names: Vec<String> =
            plugins.iter().take(MOST_NAMED).map(|path| self.loader.files.display(path)).collect();
        let more = match plugins.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let warning = Diagnostic::warning("plugins that are written in Python are not run").detail(format!(
            "a task that needs one of these fails when its turn comes: {}{more}",
            names.join(", ")
        ));
        self.wrong(warning);
    }
}
