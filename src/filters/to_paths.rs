//! `to_paths`, `get_path` (ansible.utils): nested data as one mapping of paths, and the way back.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, flag, given};
use shevek_python::sequence::mapping;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["to_paths", "ansible.utils.to_paths"], markers: Markers::Propagate, run: to_paths },
    Filter { names: &["get_path", "ansible.utils.get_path"], markers: Markers::Propagate, run: get_path },
];

fn to_paths(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([var], [prepend, wantlist]) = bind(arguments, ["var"], ["prepend", "wantlist"])?;
    let mut out = Map::default();
    let top = given(prepend).map(str_of).unwrap_or_default();
    let empty_top = top.is_empty() && !var.is_true() && (var.as_list().is_some() || mapping(var)?.is_some());
    let result = if empty_top {
        Value::map(Map::default())
    } else {
        flatten(var, &top, &mut out)?;
        Value::map(out)
    };
    Ok(if flag(wantlist) { Value::list(vec![result]) } else { result })
}

fn flatten(value: &Value, name: &str, out: &mut Map) -> Result<()> {
    if let Some(map) = mapping(value)?.filter(|map| !map.is_empty()) {
        for (key, value) in map.iter() {
            let text = key.as_str().ok_or_else(|| {
                Diagnostic::new("a key is no text")
                    .detail(format!("to_paths: the key {} must be a string", key.repr()))
            });
            let path = match (name, key.as_str()) {
                ("", _) => key.text(),
                (_, Some(key)) if is_identifier(key) => format!("{name}.{key}"),
                _ => format!("{name}['{}']", text?),
            };
            flatten(value, &path, out)?;
        }
        return Ok(());
    }
    if let Some(items) = value.as_list().filter(|items| !items.is_empty()) {
        for (place, item) in items.iter().enumerate() {
            flatten(item, &format!("{name}[{place}]"), out)?;
        }
        return Ok(());
    }
    out.insert(Value::from(name), value.clone());
    Ok(())
}

fn is_identifier(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
}

fn get_path(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([var, path], [wantlist]) = bind(arguments, ["var", "path"], ["wantlist"])?;
    if mapping(var)?.is_none() {
        return Err(Diagnostic::new("not a mapping")
            .detail(format!("get_path finds its way in a mapping, not in {}", var.type_name())));
    }
    let path = str_of(path);
    let mut found = var.clone();
    for step in steps(&path)? {
        found = match step {
            Step::Name(name) => context.attribute(&found, &name)?,
            Step::Key(key) => context.item(&found, &key)?,
        };
    }
    Ok(if flag(wantlist) { Value::list(vec![found]) } else { found })
}

enum Step {
    Name(String),
    Key(Value),
}

/// `a.b[0]['c d'].e`
fn steps(path: &str) -> Result<Vec<Step>> {
    let wrong = || {
        Diagnostic::new("not a path")
            .detail(format!("'{path}' is no path as to_paths makes them: a.b[0]['c d']"))
    };
    let mut out = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let (key, after) = match quote {
                Some(quote) => inner.get(1..).and_then(|inner| inner.split_once(quote)).ok_or_else(wrong)?,
                None => inner.split_at(inner.find(']').ok_or_else(wrong)?),
            };
            rest = after.strip_prefix(']').ok_or_else(wrong)?;
            out.push(Step::Key(match quote {
                Some(_) => Value::from(key),
                None => Value::from(key.trim().parse::<i64>().map_err(|_| wrong())?),
            }));
        } else {
            let name = rest.strip_prefix('.').filter(|_| !out.is_empty()).unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            let is_number = !out.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            if name.is_empty() || (!is_identifier(name) && !is_number) {
                return Err(wrong());
            }
            out.push(match name.parse::<i64>() {
                Ok(number) if is_number => Step::Key(Value::from(number)),
                _ => Step::Name(name.to_owned()),
            });
            rest = after;
        }
    }
    if out.is_empty() { Err(wrong()) } else { Ok(out) }
}
