//! Groups as nested mappings: what YAML and TOML inventories have in common.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Map, Value};

use crate::address;
use crate::source::place;
use crate::step::{Step, Steps};

/// How the formats differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Children {
    /// A mapping of names to groups.
    Nested,
    /// A list of names.
    Listed,
}

/// Reads a mapping of group names to groups.
pub(crate) fn read(value: &Value, children: Children, steps: &mut Steps) -> Result<()> {
    let what = match children {
        Children::Nested => "YAML",
        Children::Listed => "TOML",
    };
    if !value.is_true() {
        return Err(Diagnostic::new("empty inventory").detail(format!("the {what} file says nothing")));
    }
    let Some(groups) = value.as_map() else {
        return Err(Diagnostic::new("inventory has invalid structure")
            .detail(format!("a {what} inventory must be a mapping of groups, not {}", value.type_name()))
            .at_maybe(value.origin(), ""));
    };
    if let Some(plugin) = value.get("plugin").filter(|plugin| plugin.is_true()) {
        return Err(Diagnostic::new("configuration of an inventory plugin")
            .detail("this file configures a plugin, it is no inventory itself")
            .at_maybe(place(plugin, value), ""));
    }
    for (name, group) in groups {
        self::group(name, group, children, steps)?;
    }
    Ok(())
}

fn group(name: &Value, value: &Value, children: Children, steps: &mut Steps) -> Result<Option<Arc<str>>> {
    let skip = |what: &str| {
        Diagnostic::warning("not a group")
            .detail(format!("{what} is passed over: it is no valid group definition"))
            .at_maybe(name.origin().or_else(|| value.origin()), "")
    };
    let parts = match value.kind() {
        Kind::Null => None,
        Kind::Map(map) => Some(map),
        _ => {
            steps.warn(skip(&format!("`{}`", name.text())));
            // It is still a child of whatever names it.
            return Ok(name.as_str().map(Arc::from));
        }
    };
    let Some(text) = name.as_str().filter(|text| !text.is_empty()) else {
        return Err(Diagnostic::new("invalid group name")
            .detail(format!("a group's name must be text, not {}: {}", name.type_name(), name.repr()))
            .at_maybe(name.origin(), "")
            .help("put it in quotes"));
    };
    let group: Arc<str> = text.into();
    steps.group(group.clone(), name.origin());
    for (key, part) in parts.into_iter().flat_map(|map| map.iter()) {
        match key.as_str() {
            Some("vars") => {
                for (name, value) in section(&group, key, part)? {
                    steps.group_variable(&group, name, value);
                }
            }
            Some("children") => {
                for (name, value) in section_children(&group, key, part, children)? {
                    let origin = name.origin().cloned();
                    if let Some(child) = self::group(&name, &value, children, steps)? {
                        steps.child(&group, &child, origin.as_ref());
                    }
                }
            }
            Some("hosts") => {
                for (pattern, vars) in section(&group, key, part)? {
                    hosts(&group, &pattern, &vars, steps)?;
                }
            }
            _ => steps.warn(
                Diagnostic::warning("unexpected key in a group")
                    .detail(format!(
                        "`{}` in group `{group}` is passed over: a group has `vars`, `children` and `hosts`",
                        key.text()
                    ))
                    .at_maybe(key.origin(), "")
                    .did_you_mean(&key.text(), ["vars", "children", "hosts"]),
            ),
        }
    }
    Ok(Some(group))
}

/// The entries of `vars`, `hosts` or `children`; a single name may stand for itself.
fn section(group: &str, key: &Value, part: &Value) -> Result<Map> {
    match part.kind() {
        Kind::Null => Ok(Map::default()),
        Kind::Map(map) => Ok((**map).clone()),
        Kind::Str(_) => Ok(Map::from_iter([(part.clone(), Value::NULL)])),
        _ => Err(Diagnostic::new("inventory has invalid structure")
            .detail(format!(
                "`{}` of group `{group}` must be a mapping, not {}",
                key.text(),
                part.type_name()
            ))
            .at_maybe(part.origin().or_else(|| key.origin()), "")
            .help("write `name:` for each entry, not `- name`")),
    }
}

fn section_children(group: &str, key: &Value, part: &Value, children: Children) -> Result<Map> {
    match (children, part.kind()) {
        (Children::Nested, _) => section(group, key, part),
        (Children::Listed, Kind::List(names)) => {
            Ok(names.iter().map(|name| (name.clone(), Value::map(Map::default()))).collect())
        }
        (Children::Listed, _) => Err(Diagnostic::new("inventory has invalid structure")
            .detail(format!("`children` of group `{group}` must be a list, not {}", part.type_name()))
            .at_maybe(part.origin().or_else(|| key.origin()), "")),
    }
}

fn hosts(group: &Arc<str>, pattern: &Value, vars: &Value, steps: &mut Steps) -> Result<()> {
    let Some(text) = pattern.as_str() else {
        return Err(Diagnostic::new("invalid host name")
            .detail(format!("Host pattern {} must be a string, not {}", pattern.repr(), pattern.type_name()))
            .at_maybe(pattern.origin(), "")
            .help("put it in quotes"));
    };
    let (names, port) = address::expand(text).map_err(|why| why.at_maybe(pattern.origin(), ""))?;
    let vars = match vars.kind() {
        Kind::Map(map) => map.clone(),
        _ if !vars.is_true() => Arc::default(),
        _ => {
            return Err(Diagnostic::new("inventory has invalid structure")
                .detail(format!(
                    "variables of host `{text}` must be a mapping, not {}: {}",
                    vars.type_name(),
                    vars.repr()
                ))
                .at_maybe(place(vars, pattern), ""));
        }
    };
    let names = names.into_iter().map(Into::into).collect();
    let origin = pattern.origin().cloned();
    steps.steps.push(Step::Hosts { names, group: Some(group.clone()), port, vars, origin });
    Ok(())
}
