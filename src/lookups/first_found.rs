//! `first_found`: the first of several files that is there.

use shevek_diag::{Diagnostic, Result};
use shevek_python::path;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::files::find;
use crate::source::options::Options;

pub(crate) const LOOKUP: Lookup =
    Lookup { names: &["first_found"], markers: Markers::Accept, run: first_found };

/// `_subfolder` is no user's option: a `with_first_found` loop says with it that it looks for templates or variables.
const KNOWN: [&str; 4] = ["files", "paths", "skip", "_subfolder"];

fn first_found(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let mut options = Options::new(arguments, &KNOWN)?;
    let subfolder = options.get("_subfolder").map(Value::text);
    let mut names = Vec::new();
    let files = options.list("files");
    let terms = if arguments.positional.is_empty() { &files } else { &arguments.positional };
    search(terms, &mut options, &mut names)?;
    for name in &names {
        if let Some(found) = find(context, subfolder.as_deref(), name) {
            return Ok(Value::list(vec![Value::from(found.to_string_lossy().into_owned())]));
        }
    }
    if options.truth("skip", false)? {
        return Ok(Value::list(Vec::new()));
    }
    Err(Diagnostic::new("No file was found when using first_found.")
        .detail(format!("none of these is there: {}", names.join(", ")))
        .help("skip: true makes it nothing to do"))
}

/// Terms as paths to try. A mapping among them sets the options, from there on.
fn search(terms: &[Value], options: &mut Options, out: &mut Vec<String>) -> Result<()> {
    for term in terms {
        let files = if let Some(map) = term.as_map() {
            *options = options.with(map.iter().map(|(key, value)| (key.text(), value.clone())), &KNOWN)?;
            options.list("files")
        } else if let Some(items) = term.as_list() {
            search(items, options, out)?;
            continue;
        } else if term.is_undefined() {
            continue;
        } else if term.as_str().is_some() {
            vec![term.clone()]
        } else {
            return Err(Diagnostic::new("wrong term of a lookup").detail(format!(
                "Invalid term supplied. A string, dict or list is required, not '{}'",
                term.type_name()
            )));
        };
        let files = split(&files, &[',', ';']);
        let paths = split(&options.list("paths"), &[',', ':', ';']);
        if paths.is_empty() {
            out.extend(files);
            continue;
        }
        for folder in &paths {
            for file in &files {
                let mut all = folder.clone();
                path::join(&mut all, file);
                out.push(all);
            }
        }
    }
    Ok(())
}

fn split(values: &[Value], separators: &[char]) -> Vec<String> {
    values
        .iter()
        .filter(|value| !value.is_undefined())
        .flat_map(|value| value.text().split(separators).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}
