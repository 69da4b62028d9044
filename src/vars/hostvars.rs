//! `hostvars` and `vars`: variables as mappings, made when looked into.

use std::any::Any;
use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_inventory::HostId;
use shevek_template::Scope;
use shevek_value::{Map, Object, Reason, Undefined, Value};

use crate::{Fleet, HostScope, PlayScope, magic};

/// `hostvars`: the variables of every host, by its name.
#[derive(Debug)]
pub(crate) struct HostVars {
    fleet: Arc<Fleet>,
    play: Arc<PlayScope>,
}

impl HostVars {
    pub(crate) fn new(fleet: Arc<Fleet>, play: Arc<PlayScope>) -> Self {
        Self { fleet, play }
    }

    fn of(&self, host: HostId) -> Result<Value> {
        self.fleet.inventory_layers(host)?;
        let scope = HostScope::of_host(&self.fleet, &self.play, host);
        Ok(Value::object(ScopeVars { scope, of_host: true }))
    }
}

impl Object for HostVars {
    fn type_name(&self) -> &'static str {
        "HostVars"
    }

    fn get(&self, key: &Value) -> Result<Option<Value>> {
        let host = key.as_str().and_then(|name| self.fleet.inventory().find_host(name));
        host.map(|host| self.of(host)).transpose()
    }

    fn keys(&self) -> Option<Vec<Value>> {
        let inventory = self.fleet.inventory();
        Some(inventory.host_ids().map(|host| inventory.host(host).name().shared().clone().into()).collect())
    }

    fn method(&self, name: &str, arguments: &[Value], _named: &Map) -> Option<Result<Value>> {
        mapping_method(self, name, arguments)
    }

    fn plain(&self) -> Option<Value> {
        let entries = self.keys()?.into_iter().filter_map(|name| {
            let variables = match self.get(&name) {
                Ok(variables) => variables?.as_object()?.plain()?,
                Err(why) => failed(why),
            };
            Some((name, variables))
        });
        Some(Value::map(entries.collect()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// All variables of a scope: one host's entry of `hostvars`, or `vars`.
#[derive(Debug)]
pub(crate) struct ScopeVars {
    scope: HostScope,
    /// Whether it is an entry of `hostvars`, which knows nothing of plays and tasks.
    of_host: bool,
}

impl ScopeVars {
    pub(crate) fn new(scope: HostScope) -> Self {
        Self { scope, of_host: false }
    }

    fn is_hidden(&self, name: &str) -> bool {
        self.of_host && magic::OF_PLAY.contains(&name) && self.scope.find(name).is_none()
    }
}

impl Object for ScopeVars {
    fn type_name(&self) -> &'static str {
        "HostVarsVars"
    }

    fn get(&self, key: &Value) -> Result<Option<Value>> {
        match key.as_str() {
            // A mapping that holds itself could not be shown.
            Some("vars" | "hostvars") | None => Ok(None),
            Some(name) if self.is_hidden(name) => Ok(None),
            Some(name) => self.scope.rendered_variable(name),
        }
    }

    fn keys(&self) -> Option<Vec<Value>> {
        let names = self.scope.names();
        Some(
            names
                .into_iter()
                .filter(|name| !matches!(&**name, "vars" | "hostvars" | "omit") && !self.is_hidden(name))
                .filter(|name| {
                    !magic::MAY_LACK.contains(&&**name) || matches!(self.scope.get(name), Ok(Some(_)))
                })
                .map(Value::from)
                .collect(),
        )
    }

    fn method(&self, name: &str, arguments: &[Value], _named: &Map) -> Option<Result<Value>> {
        mapping_method(self, name, arguments)
    }

    /// In place of what cannot be rendered stands a marker that says why: whoever prints all must not be told less.
    fn plain(&self) -> Option<Value> {
        let mut map = Map::default();
        for key in self.keys()? {
            let value = match self.get(&key) {
                Ok(value) => value,
                Err(why) => Some(failed(why)),
            };
            let value = value
                .and_then(|value| value.as_object().map_or(Some(value.clone()), |object| object.plain()));
            map.extend(value.map(|value| (key, value)));
        }
        Some(Value::map(map))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn failed(why: Box<Diagnostic>) -> Value {
    Undefined { reason: Reason::Failed(why), ..Undefined::default() }.into()
}

/// What Python's mappings have: `keys()`, `items()`, `values()`, `get()`.
fn mapping_method(mapping: &dyn Object, name: &str, arguments: &[Value]) -> Option<Result<Value>> {
    let keys = || mapping.keys().unwrap_or_default().into_iter();
    let entry = |key: &Value| Ok(mapping.get(key)?.unwrap_or_default());
    Some(match name {
        "keys" => Ok(Value::list(keys().collect())),
        "values" => keys().map(|key| entry(&key)).collect::<Result<_>>().map(Value::list),
        "items" => {
            let pairs = keys().map(|key| Ok(Value::tuple(vec![key.clone(), entry(&key)?])));
            pairs.collect::<Result<_>>().map(Value::list)
        }
        "get" => {
            let found = arguments.first().map_or(Ok(None), |key| mapping.get(key));
            found.map(|found| found.or_else(|| arguments.get(1).cloned()).unwrap_or_default())
        }
        _ => return None,
    })
}
