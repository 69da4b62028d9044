//! A file a host with its result, as `ansible -t` writes them.

use std::io;
use std::path::PathBuf;

use shevek_event::{Event, Stamped, Status};
use shevek_value::Value;

use crate::{Reporter, json_text};

/// Writes into a folder.
pub struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// The folder is made when the first result comes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl Reporter for Tree {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn on(&mut self, event: &Stamped) -> io::Result<()> {
        let (Event::HostDone(result) | Event::IncludeDone(result)) = &event.event else { return Ok(()) };
        if matches!(result.status, Status::Skipped | Status::Undecided) {
            return Ok(());
        }
        // A host's name is no path out of the folder.
        let name = result.host.replace('/', "_");
        if name.is_empty() || name == "." || name == ".." {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)?;
        std::fs::write(self.folder.join(name), json_text(&written(&result.result)))
    }
}

/// A result without what is said elsewhere.
fn written(result: &Value) -> Value {
    let Some(map) = result.as_map() else { return result.clone() };
    let elsewhere =
        ["failed", "skipped", "exception", "warnings", "deprecations", "invocation", "diff"].map(Value::str);
    let kept = map.iter().filter(|(key, _)| !elsewhere.contains(key));
    Value::map(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}
