//! `combine`: mappings laid over each other.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

use crate::flatten::flatten_items;
use shevek_python::arguments::flag;
use shevek_python::sequence::{is_mapping, mapping};

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["combine"], markers: Markers::Inside, run: combine }];

/// What is done with lists under the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMerge {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendAbsent,
    PrependAbsent,
}

impl ListMerge {
    /// From the argument `list_merge`.
    pub(crate) fn new(value: Option<&Value>) -> Result<Self> {
        let Some(value) = value else { return Ok(Self::Replace) };
        Ok(match value.as_str() {
            Some("replace") => Self::Replace,
            Some("keep") => Self::Keep,
            Some("append") => Self::Append,
            Some("prepend") => Self::Prepend,
            Some("append_rp") => Self::AppendAbsent,
            Some("prepend_rp") => Self::PrependAbsent,
            _ => {
                return Err(Diagnostic::new("unknown way to merge lists").detail(format!(
                    "'list_merge' must be 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp', not {}",
                    value.repr()
                )));
            }
        })
    }

    /// Two lists as one; the second has precedence.
    pub(crate) fn merge(self, low: &Value, high: &Value) -> Value {
        let (x, y) = (low.as_list().unwrap_or(&[]), high.as_list().unwrap_or(&[]));
        let absent = || x.iter().filter(|item| !y.contains(item)).cloned();
        match self {
            Self::Replace => high.clone(),
            Self::Keep => low.clone(),
            Self::Append => Value::list(x.iter().chain(y).cloned().collect()),
            Self::Prepend => Value::list(y.iter().chain(x).cloned().collect()),
            Self::AppendAbsent => Value::list(absent().chain(y.iter().cloned()).collect()),
            Self::PrependAbsent => Value::list(y.iter().cloned().chain(absent()).collect()),
        }
    }
}

fn combine(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    if let Some(other) =
        arguments.named.keys().find(|key| !matches!(key.as_str(), Some("recursive" | "list_merge")))
    {
        return Err(Diagnostic::new("unexpected argument")
            .detail("'recursive' and 'list_merge' are the only valid keyword arguments")
            .did_you_mean(&other.text(), ["recursive", "list_merge"]));
    }
    let recursive = flag(arguments.named.get("recursive"));
    let lists = ListMerge::new(arguments.named.get("list_merge"))?;
    // Mappings may come in lists, too.
    let terms = flatten_items(context, &arguments.positional, Some(1), true)?;
    let mut terms = terms.into_iter();
    let Some(first) = terms.next() else { return Ok(Value::map(Map::default())) };
    let mut merged = None;
    for term in terms {
        let low = merged.as_ref().unwrap_or(&first);
        merged = Some(merge(low, &term, recursive, lists)?);
    }
    Ok(merged.unwrap_or(first))
}

/// Lays the second mapping over the first.
pub(crate) fn merge(low: &Value, high: &Value, recursive: bool, lists: ListMerge) -> Result<Value> {
    let (x, y) = match (mapping(low)?, mapping(high)?) {
        (Some(x), Some(y)) => (x, y),
        (x, _) => {
            let wrong = if x.is_none() { low } else { high };
            return Err(Diagnostic::new("failed to combine variables")
                .detail(format!(
                    "failed to combine variables, expected dicts but got a '{}' and a '{}'",
                    low.type_name(),
                    high.type_name()
                ))
                .at_maybe(wrong.origin(), "this is no mapping"));
        }
    };
    if x.is_empty() || Arc::ptr_eq(&x, &y) {
        return Ok(Value::new(shevek_value::Kind::Map(y)));
    }
    if y.is_empty() {
        return Ok(Value::new(shevek_value::Kind::Map(x)));
    }
    let mut out = (*x).clone();
    for (key, new) in y.iter() {
        match out.get_mut(key) {
            None => {
                out.insert(key.clone(), new.clone());
            }
            Some(old) if recursive && is_mapping(old) && is_mapping(new) => {
                *old = merge(old, new, recursive, lists)?;
            }
            Some(old) if old.as_list().is_some() && new.as_list().is_some() => *old = lists.merge(old, new),
            Some(old) => *old = new.clone(),
        }
    }
    Ok(Value::map(out))
}
