//! `csvfile`: a column of the row of a CSV file whose key column has the term.

use shevek_diag::{Diagnostic, Result};
use shevek_python::csv::rows;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::files::{must_find, read_text};
use crate::source::options::{Options, pairs, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["csvfile"], markers: Markers::Propagate, run: csvfile };

const KNOWN: [&str; 6] = ["col", "keycol", "default", "delimiter", "file", "encoding"];

fn csvfile(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &KNOWN)?;
    let no_key = || Diagnostic::new("Search key is required but was not found");
    if arguments.positional.is_empty() {
        return Err(no_key());
    }
    let mut out = Vec::new();
    for value in &arguments.positional {
        let mut here = pairs(term(value, "csvfile")?)?;
        let at = here.iter().position(|(name, _)| name == "_raw_params").ok_or_else(no_key)?;
        let key = here.remove(at).1.text();
        let options = options.with(here, &KNOWN)?;
        let delimiter = match options.text("delimiter", "TAB").as_str() {
            "TAB" | "\\t" => '\t',
            other => one_character(other)?,
        };
        let column = |name: &str, default: i64| -> Result<usize> {
            let column = options.integer(name)?.unwrap_or(default);
            usize::try_from(column)
                .map_err(|_| Diagnostic::new("no such column").detail(format!("{name}={column}")))
        };
        let (column, key_column) = (column("col", 1)?, column("keycol", 0)?);
        let path = must_find(context, Some("files"), &options.text("file", "ansible.csv"))?;
        let (text, secrecy) = read_text(context, &path)?;
        let found = rows(&text, delimiter).into_iter().find(|row| row.get(key_column) == Some(&key));
        match found {
            Some(row) => out.push(
                row.get(column).map(|cell| secrecy.mark(Value::from(cell.as_str()))).ok_or_else(|| {
                    Diagnostic::new("no such column")
                        .detail(format!("the row of '{key}' in {} has no column {column}", path.display()))
                })?,
            ),
            None => {
                if let Some(default) = options.get("default") {
                    let items = default.as_list().unwrap_or(std::slice::from_ref(default));
                    out.extend(items.iter().cloned());
                }
            }
        }
    }
    Ok(Value::list(out))
}

fn one_character(text: &str) -> Result<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(Diagnostic::new("wrong option of a lookup").detail("'delimiter' must be one character")),
    }
}
