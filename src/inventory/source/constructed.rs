//! Variables and groups from expressions over what earlier sources said.
//!
//! ```yaml
//! plugin: ansible.builtin.constructed
//! compose:
//!   site: inventory_hostname.split('.')[1]
//! groups:
//!   webservers: inventory_hostname.startswith('web')
//! keyed_groups:
//!   - prefix: os
//!     key: os_family
//! ```

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Kind, Map, Value};

use crate::source::{Config, Plugin, safe_group_name};
use crate::step::{Step, Steps};
use crate::{Expressions, HostId, Inventory, LoadOptions};

/// See the module.
pub struct Constructed;

const OPTIONS: [&str; 8] = [
    "plugin",
    "strict",
    "compose",
    "groups",
    "keyed_groups",
    "use_extra_vars",
    "leading_separator",
    "use_vars_plugins",
];

impl Plugin for Constructed {
    fn names(&self) -> &'static [&'static str] {
        &["constructed"]
    }

    fn construct(&self, config: &Config, inventory: &Inventory, options: &LoadOptions<'_>) -> Result<Steps> {
        let config = &config.value;
        let Some(expressions) = options.expressions else {
            return Err(Diagnostic::bug("nobody evaluates expressions of constructed inventories")
                .at_maybe(config.origin(), ""));
        };
        for key in config.as_map().into_iter().flat_map(Map::keys) {
            let name = key.text();
            if !OPTIONS.contains(&name.as_str()) {
                return Err(Diagnostic::new("unknown option of an inventory plugin")
                    .detail(format!("`constructed` has no option `{name}`"))
                    .at_maybe(key.origin(), "")
                    .did_you_mean(&name, OPTIONS));
            }
        }
        let flag = |name: &str, default| config.get(name).map_or(default, Value::is_true);
        let construction = Construction {
            config,
            expressions,
            strict: flag("strict", false),
            leading_separator: flag("leading_separator", true),
        };
        let mut steps = Steps::default();
        for host in inventory.host_ids() {
            let mut vars = all_vars(inventory, host, flag("use_vars_plugins", false))?;
            let name = inventory.host(host).name().shared().clone();
            let made = construction
                .compose(&name, &mut vars, &mut steps)
                .and_then(|()| construction.groups(&name, &vars, &mut steps))
                .and_then(|()| construction.keyed_groups(&name, &vars, &mut steps));
            if let Err(why) = made {
                // What came before stays.
                steps.failure = Some(why);
                break;
            }
        }
        Ok(steps)
    }
}

/// What expressions see: inventory variables of groups and host, those of files only if asked for.
fn all_vars(inventory: &Inventory, id: HostId, files: bool) -> Result<Map> {
    let host = inventory.host(id);
    let mut vars = Map::default();
    if files {
        for layer in inventory.host_vars(id)? {
            vars.extend(layer.vars.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    } else {
        let groups = std::iter::once(&crate::GroupId::ALL).chain(inventory.groups_of(id));
        for map in groups.map(|group| inventory.group(*group).vars()).chain([host.source(), host.vars()]) {
            vars.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }
    let name = host.name().as_str();
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    let short = if is_address { name } else { name.split('.').next().unwrap_or(name) };
    let names = inventory.group_names(id).into_iter().map(|name| Value::str(name.shared().clone())).collect();
    vars.insert(Value::str("inventory_hostname"), Value::str(name));
    vars.insert(Value::str("inventory_hostname_short"), Value::str(short));
    vars.insert(Value::str("group_names"), Value::list(names));
    Ok(vars)
}

struct Construction<'a> {
    config: &'a Value,
    expressions: &'a dyn Expressions,
    strict: bool,
    leading_separator: bool,
}

impl Construction<'_> {
    /// A failure, unless it is to be passed over.
    fn failed<T>(&self, why: &Diagnostic, what: String, at: &Value) -> Result<Option<T>> {
        if !self.strict {
            return Ok(None);
        }
        let detail = format!("{what}: {}", why.message());
        Err(Diagnostic::new("constructed inventory failed").detail(detail).at_maybe(at.origin(), ""))
    }

    fn option(&self, name: &str) -> impl Iterator<Item = (&Value, &Value)> {
        self.config.get(name).and_then(Value::as_map).into_iter().flatten()
    }

    fn compose(&self, host: &Arc<str>, vars: &mut Map, steps: &mut Steps) -> Result<()> {
        let mut made = Map::default();
        let mut failure = Ok(());
        for (name, expression) in self.option("compose") {
            match self.expressions.evaluate(expression, vars) {
                Ok(value) => {
                    made.insert(name.clone(), value);
                }
                Err(why) => {
                    let what = format!("could not set `{}` for host `{host}`", name.text());
                    if let Err(why) = self.failed::<()>(&why, what, expression) {
                        failure = Err(why);
                        break;
                    }
                }
            }
        }
        if !made.is_empty() {
            vars.extend(made.iter().map(|(k, v)| (k.clone(), v.clone())));
            steps.steps.push(Step::Hosts {
                names: vec![host.clone()],
                group: None,
                port: None,
                vars: Arc::new(made),
                origin: None,
            });
        }
        failure
    }

    fn groups(&self, host: &Arc<str>, vars: &Map, steps: &mut Steps) -> Result<()> {
        for (name, condition) in self.option("groups") {
            let group = safe_group_name(&name.text());
            let is_in = match self.expressions.condition(condition, vars) {
                Ok(is_in) => is_in,
                Err(why) => {
                    let what = format!("could not add host `{host}` to group `{group}`");
                    self.failed(&why, what, condition)?.unwrap_or(false)
                }
            };
            if is_in {
                member(&group.into(), host, name, steps);
            }
        }
        Ok(())
    }

    fn keyed_groups(&self, host: &Arc<str>, vars: &Map, steps: &mut Steps) -> Result<()> {
        for entry in self.config.get("keyed_groups").and_then(Value::as_list).into_iter().flatten() {
            self.keyed_group(entry, host, vars, steps)?;
        }
        Ok(())
    }

    fn keyed_group(&self, entry: &Value, host: &Arc<str>, vars: &Map, steps: &mut Steps) -> Result<()> {
        let wrong = |detail: String| {
            Diagnostic::new("constructed inventory failed").detail(detail).at_maybe(entry.origin(), "")
        };
        let Some(expression) = entry.get("key") else {
            return Err(wrong("an entry of `keyed_groups` needs a `key`".to_owned()));
        };
        let key = match self.expressions.evaluate(expression, vars) {
            Ok(key) => key,
            Err(why) => {
                let what = format!("could not generate group for host `{host}` from `{}`", expression.text());
                self.failed::<()>(&why, what, expression)?;
                return Ok(());
            }
        };
        let default = entry.get("default_value").filter(|value| !value.is_null());
        let trailing = entry.get("trailing_separator").filter(|value| !value.is_null());
        if default.is_some() && trailing.is_some() {
            return Err(wrong("`default_value` and `trailing_separator` exclude each other".to_owned()));
        }
        let is_empty = |value: &Value| value.is_null() || *value == "";
        if !(key.is_true() || is_empty(&key) && default.is_some()) {
            let is_valid = matches!(key.kind(), Kind::List(_) | Kind::Map(_));
            return if self.strict && !is_valid {
                Err(wrong(format!("the key `{}` is empty for host `{host}`", expression.text())))
            } else {
                Ok(())
            };
        }
        let text = |name: &str| entry.get(name).filter(|value| !value.is_null()).map(Value::text);
        let prefix = text("prefix").unwrap_or_default();
        let separator = text("separator").unwrap_or_else(|| "_".to_owned());
        let or_default = |value: &Value| match default {
            Some(default) if is_empty(value) => default.text(),
            _ => value.text(),
        };
        let names: Vec<String> = match key.kind() {
            _ if is_empty(&key) => vec![or_default(&key)],
            Kind::Str(name) => vec![name.to_string()],
            Kind::List(items) | Kind::Tuple(items) => items.iter().map(or_default).collect(),
            Kind::Map(map) => map
                .iter()
                .map(|(name, value)| {
                    let bare = is_empty(value) && default.is_none() && trailing.is_some_and(|t| !t.is_true());
                    if bare {
                        name.text()
                    } else {
                        format!("{}{separator}{}", name.text(), or_default(value))
                    }
                })
                .collect(),
            _ => {
                let detail =
                    format!("a group's name must be text, a list or a mapping, not {}", key.type_name());
                return Err(wrong(detail));
            }
        };
        let parent = match entry.get("parent_group").filter(|value| !value.is_null()) {
            None => None,
            Some(template) => match self.expressions.render(template, vars) {
                Ok(name) => Some(name.text()).filter(|name| !name.is_empty()),
                Err(why) => {
                    let what = format!("could not generate parent group `{}`", template.text());
                    self.failed::<()>(&why, what, template)?;
                    return Ok(());
                }
            },
        };
        let leading = if prefix.is_empty() && !self.leading_separator { "" } else { separator.as_str() };
        for name in names {
            let group: Arc<str> = safe_group_name(&format!("{prefix}{leading}{name}")).into();
            member(&group, host, entry, steps);
            if let Some(parent) = &parent {
                let parent: Arc<str> = safe_group_name(parent).into();
                steps.group(parent.clone(), entry.origin());
                steps.child(&parent, &group, entry.origin());
            }
        }
        Ok(())
    }
}

fn member(group: &Arc<str>, host: &Arc<str>, because: &Value, steps: &mut Steps) {
    steps.group(group.clone(), because.origin());
    steps.steps.push(Step::Hosts {
        names: vec![host.clone()],
        group: Some(group.clone()),
        port: None,
        vars: Arc::default(),
        origin: because.origin().cloned(),
    });
}
