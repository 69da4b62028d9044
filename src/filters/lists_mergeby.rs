//! `lists_mergeby` (community.general): lists of mappings merged by a key.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::flag;
use shevek_python::sequence::is_sequence;
use shevek_python::sort::merge_sort;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Map, Value};

use crate::combine::{ListMerge, merge};

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["community.general.lists_mergeby", "lists_mergeby"],
    markers: Markers::Propagate,
    run: lists_mergeby,
}];

fn lists_mergeby(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let known = ["recursive", "list_merge"];
    if arguments.named.keys().any(|key| !key.as_str().is_some_and(|key| known.contains(&key))) {
        return Err(Diagnostic::new("unexpected argument")
            .detail("'recursive' and 'list_merge' are the only valid keyword arguments."));
    }
    let recursive = flag(arguments.named.get("recursive"));
    let how = ListMerge::new(arguments.named.get("list_merge"))?;
    let Some((index, terms)) = arguments.positional.split_last().filter(|(_, terms)| !terms.is_empty())
    else {
        return Err(Diagnostic::new("missing argument").detail("At least one list and index are needed."));
    };
    let mut lists = Vec::new();
    for term in terms {
        if !is_sequence(term) {
            return Err(Diagnostic::new("not a list")
                .detail(format!("all arguments before the index must be lists, not {}", term.type_name()))
                .at_maybe(term.origin(), ""));
        }
        let items = context.iterate(term)?;
        match items.iter().all(is_sequence) {
            _ if items.is_empty() => {}
            true => lists.extend(items),
            false => lists.push(term.clone()),
        }
    }
    if lists.len() < 2 {
        return Ok(lists.pop().unwrap_or_else(|| Value::list(Vec::new())));
    }
    if index.as_str().is_none() {
        return Err(Diagnostic::new("not a key")
            .detail(format!("the last argument must be the name of a key, not {}", index.type_name())));
    }
    let mut result = lists.pop().unwrap_or_default();
    while let Some(low) = lists.pop() {
        result = merge_two(context, [&low, &result], index, (recursive, how))?;
    }
    Ok(result)
}

fn merge_two(
    context: &dyn Context,
    lists: [&Value; 2],
    index: &Value,
    (recursive, how): (bool, ListMerge),
) -> Result<Value> {
    let mut merged = Map::default();
    for list in lists {
        for item in context.iterate(list)? {
            let Some(map) = item.as_map() else {
                return Err(Diagnostic::new("not a mapping")
                    .detail(format!("elements of the lists must be dictionaries, not {}", item.repr()))
                    .at_maybe(item.origin(), ""));
            };
            let Some(key) = map.get(index).cloned() else { continue };
            let known = merged.get(&key).cloned().unwrap_or_else(|| Value::map(Map::default()));
            let both = merge(&known, &item, recursive, how)?;
            merged.insert(key, both);
        }
    }
    let keyed = merged.into_iter().collect();
    Ok(Value::list(merge_sort(context, keyed)?.into_iter().map(|(_, item)| item).collect()))
}
