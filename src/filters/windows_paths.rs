//! `win_basename`, `win_dirname`, `win_splitdrive`: paths of Windows.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, string};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["win_basename"], markers: Markers::Propagate, run: win_basename },
    Filter { names: &["win_dirname"], markers: Markers::Propagate, run: win_dirname },
    Filter { names: &["win_splitdrive"], markers: Markers::Propagate, run: win_splitdrive },
];

const SEPARATORS: [char; 2] = ['\\', '/'];

fn text(arguments: &Arguments) -> Result<&str> {
    let ([value], []) = bind(arguments, ["path"], [])?;
    string(value, "path")
}

/// The drive or the share, and the rest.
fn split_drive(path: &str) -> (&str, &str) {
    let plain = path.replace('/', "\\");
    if plain.starts_with("\\\\") {
        // \\server\share, or \\?\UNC\server\share
        let start = if plain.to_uppercase().starts_with("\\\\?\\UNC\\") { 8 } else { 2 };
        let find = |from: usize| plain.get(from..).and_then(|rest| rest.find('\\')).map(|found| found + from);
        let Some(server_end) = find(start) else { return (path, "") };
        return path.split_at(find(server_end + 1).unwrap_or(path.len()));
    }
    if plain.chars().nth(1) == Some(':') {
        let end = path.find(':').map_or(0, |colon| colon + 1);
        return path.split_at(end);
    }
    ("", path)
}

/// The folder, drive counted, and the name.
fn split(path: &str) -> (String, &str) {
    let (drive, rest) = split_drive(path);
    let (head, tail) = rest.split_at(rest.rfind(SEPARATORS).map_or(0, |at| at + 1));
    let trimmed = head.trim_end_matches(SEPARATORS);
    (format!("{drive}{}", if trimmed.is_empty() { head } else { trimmed }), tail)
}

fn win_basename(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Ok(Value::from(split(text(arguments)?).1))
}

fn win_dirname(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    Ok(Value::from(split(text(arguments)?).0))
}

fn win_splitdrive(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (drive, rest) = split_drive(text(arguments)?);
    Ok(Value::tuple(vec![Value::from(drive), Value::from(rest)]))
}
