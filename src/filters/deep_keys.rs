//! `keep_keys`, `remove_keys`, `replace_keys` of ansible.utils: keys of mappings at any depth. (The filters of the
//! same names in `keys` are community.general's, which look at the mappings of a list only.)

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::{Flags, Regex};
use shevek_python::arguments::bind;
use shevek_python::regex::{compile, exhausted};
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["ansible.utils.keep_keys"], markers: Markers::Propagate, run: keep_keys },
    Filter { names: &["ansible.utils.remove_keys"], markers: Markers::Propagate, run: remove_keys },
    Filter { names: &["ansible.utils.replace_keys"], markers: Markers::Propagate, run: replace_keys },
];

enum How {
    Equality,
    StartsWith,
    EndsWith,
    Regex(Regex),
}

struct Target {
    text: String,
    how: How,
}

impl Target {
    fn new(text: &Value, how: &str) -> Result<Self> {
        let how = match how {
            "equality" => How::Equality,
            "starts_with" => How::StartsWith,
            "ends_with" => How::EndsWith,
            "regex" => How::Regex(compile(text, Flags::NONE)?),
            other => {
                return Err(wrong(format!("matching_parameter can't be '{other}'"))
                    .did_you_mean(other, ["equality", "starts_with", "ends_with", "regex"]));
            }
        };
        Ok(Self { text: str_of(text).into_owned(), how })
    }

    fn fits(&self, key: &Value) -> Result<bool> {
        let key = str_of(key);
        Ok(match &self.how {
            How::Equality => key == self.text,
            How::StartsWith => key.starts_with(&self.text),
            How::EndsWith => key.ends_with(&self.text),
            How::Regex(regex) => regex.match_start(&key).map_err(exhausted)?.is_some(),
        })
    }
}

fn wrong(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("wrong argument of a filter of keys").detail(detail)
}

/// The data, the targets and how to compare.
fn read<'a>(context: &dyn Context, arguments: &'a Arguments) -> Result<(&'a Value, Vec<Value>, String)> {
    let ([data, target], [how]) = bind(arguments, ["data", "target"], ["matching_parameter"])?;
    if data.as_list().is_none() && data.as_map().is_none() {
        return Err(wrong(format!(
            "Input is not valid: a list or mapping is wanted, not {}",
            data.type_name()
        )));
    }
    let targets = match target.as_str() {
        Some(text) => text.split(',').map(|part| Value::from(part.trim())).collect(),
        None => context.iterate(target)?,
    };
    Ok((data, targets, how.map_or_else(|| "equality".to_owned(), |how| str_of(how).into_owned())))
}

fn is_nested(value: &Value) -> bool {
    value.as_list().is_some() || value.as_map().is_some()
}

fn is_empty(value: &Value) -> bool {
    value.as_list().is_some_and(<[Value]>::is_empty) || value.as_map().is_some_and(Map::is_empty)
}

fn keep_keys(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (data, targets, how) = read(context, arguments)?;
    let targets: Vec<Target> =
        targets.iter().map(|target| Target::new(target, &how)).collect::<Result<_>>()?;
    keep(data, &targets)
}

fn keep(data: &Value, targets: &[Target]) -> Result<Value> {
    if let Some(items) = data.as_list() {
        return Ok(Value::list(items.iter().map(|item| keep(item, targets)).collect::<Result<_>>()?));
    }
    let Some(map) = data.as_map() else { return Ok(data.clone()) };
    let mut out = Map::default();
    for (key, value) in map {
        if !is_nested(value) {
            for target in targets {
                if key.as_str() == Some(target.text.as_str()) || target.fits(key)? {
                    out.insert(key.clone(), value.clone());
                    break;
                }
            }
            continue;
        }
        // The name of something nested keeps all of it, however else names are compared; after it, other targets may
        // still cut it down, as they do in Ansible.
        let is_named = |target: &Target| key.as_str() == Some(target.text.as_str());
        let cut = keep(value, targets)?;
        let dense = match cut.as_list() {
            Some(items) => Value::list(items.iter().filter(|item| !is_empty(item)).cloned().collect()),
            None => cut.clone(),
        };
        let mut kept = None;
        for target in targets {
            if is_named(target) {
                kept = Some(value);
            } else if !is_empty(&dense) {
                kept = Some(&dense);
            }
        }
        if let Some(kept) = kept.or(Some(&cut).filter(|cut| !is_empty(cut))).cloned() {
            out.insert(key.clone(), kept);
        }
    }
    Ok(Value::map(out))
}

fn remove_keys(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (data, targets, how) = read(context, arguments)?;
    let targets: Vec<Target> =
        targets.iter().map(|target| Target::new(target, &how)).collect::<Result<_>>()?;
    remove(data, &targets)
}

/// Without these keys, and without what is empty in lists.
fn remove(data: &Value, targets: &[Target]) -> Result<Value> {
    if let Some(items) = data.as_list() {
        let mut out = Vec::new();
        for item in items {
            let cut = cut(item, targets)?;
            if cut.is_true() {
                out.push(remove(&cut, targets)?);
            }
        }
        return Ok(Value::list(out));
    }
    let Some(map) = data.as_map() else { return Ok(data.clone()) };
    let mut out = Map::default();
    for (key, value) in map {
        let mut fits = false;
        for target in targets {
            fits |= target.fits(key)?;
        }
        if !fits {
            out.insert(key.clone(), remove(value, targets)?);
        }
    }
    Ok(Value::map(out))
}

/// A mapping without these keys; what is in it stays as it is.
fn cut(item: &Value, targets: &[Target]) -> Result<Value> {
    let Some(map) = item.as_map() else { return Ok(item.clone()) };
    let mut out = Map::default();
    for (key, value) in map {
        let mut fits = false;
        for target in targets {
            fits |= target.fits(key)?;
        }
        if !fits {
            out.insert(key.clone(), value.clone());
        }
    }
    Ok(Value::map(out))
}

fn replace_keys(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let (data, targets, how) = read(context, arguments)?;
    let mut changes = Vec::new();
    for target in &targets {
        let (Some(before), Some(after)) = (target.get("before"), target.get("after")) else {
            return Err(wrong(format!("a target has 'before' and 'after', not {}", target.repr())));
        };
        changes.push((Target::new(before, &how)?, after.clone()));
    }
    replace(data, &changes)
}

fn replace(data: &Value, changes: &[(Target, Value)]) -> Result<Value> {
    if let Some(items) = data.as_list() {
        return Ok(Value::list(items.iter().map(|item| replace(item, changes)).collect::<Result<_>>()?));
    }
    let Some(map) = data.as_map() else { return Ok(data.clone()) };
    let mut out = map.clone();
    for (target, after) in changes {
        let keys: Vec<Value> = out.keys().cloned().collect();
        for key in keys {
            if target.fits(&key)?
                && let Some(value) = out.shift_remove(&key)
            {
                out.insert(after.clone(), value);
            }
        }
    }
    for value in out.values_mut() {
        *value = replace(value, changes)?;
    }
    Ok(Value::map(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deep_takes_no_longer_than_what_is_wide() {
        // Looked through once for each key on the way it would take longer than the world stands.
        let deep = |bottom: &str| {
            (0..190).fold(Value::dict([(bottom, Value::from(1))]), |inner, _| Value::dict([("a", inner)]))
        };
        let targets = ["b", "c"].map(|name| Target::new(&Value::from(name), "equality").unwrap());
        assert_eq!(keep(&deep("b"), &targets).unwrap(), deep("b"));
        assert_eq!(keep(&deep("x"), &targets).unwrap(), Value::map(Map::default()));
    }
}
