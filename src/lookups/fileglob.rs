//! `fileglob`: files whose names match a pattern; no folders.

use std::path::PathBuf;

use shevek_diag::Result;
use shevek_python::glob::glob;
use shevek_python::path;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::files::{find, folders};
use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["fileglob"], markers: Markers::Propagate, run: fileglob };

fn fileglob(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Options::new(arguments, &[])?;
    let mut out = Vec::new();
    for pattern in &arguments.positional {
        let pattern = term(pattern, "fileglob")?;
        let (folder, name) = path::split(pattern);
        let places: Vec<PathBuf> = if folder.is_empty() {
            folders(context).into_iter().flat_map(|folder| [folder.join("files"), folder]).collect()
        } else {
            find(context, Some("files"), folder).into_iter().collect()
        };
        for place in places {
            let place = path::absolute(&place.to_string_lossy());
            let found: Vec<Value> = glob(&format!("{}/{name}", escape(&place)))
                .into_iter()
                .filter(|path| path.is_file())
                .map(|path| Value::from(path.to_string_lossy().into_owned()))
                .collect();
            if !found.is_empty() {
                out.extend(found);
                break;
            }
        }
    }
    Ok(Value::list(out))
}

/// A folder's own name may look like a pattern.
fn escape(path: &str) -> String {
    path.replace('[', "[[]").replace('*', "[*]").replace('?', "[?]")
}
