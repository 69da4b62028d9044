//! Hosts from all combinations of layers.
//!
//! ```yaml
//! plugin: ansible.builtin.generator
//! hosts:
//!   name: "{{ application }}_{{ environment }}"
//!   parents:
//!     - name: "{{ environment }}"
//!       vars: { environment: "{{ environment }}" }
//! layers:
//!   environment: [dev, prod]
//!   application: [web, api]
//! ```

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Map, Value};

use crate::source::{Config, Plugin};
use crate::step::{Step, Steps};
use crate::{Expressions, Inventory, LoadOptions};

/// More combinations than this are a slip.
const MOST_HOSTS: usize = 1_000_000;

/// See the module.
pub struct Generator;

impl Plugin for Generator {
    fn names(&self) -> &'static [&'static str] {
        &["generator"]
    }

    fn construct(&self, config: &Config, _inventory: &Inventory, options: &LoadOptions<'_>) -> Result<Steps> {
        let config = &config.value;
        let wrong = |detail: &str| {
            Diagnostic::new("generator inventory failed").detail(detail).at_maybe(config.origin(), "")
        };
        let Some(expressions) = options.expressions else {
            return Err(Diagnostic::bug("nobody renders templates of generator inventories"));
        };
        let hosts = config.get("hosts").ok_or_else(|| wrong("there is no `hosts`"))?;
        let name = hosts.get("name").ok_or_else(|| wrong("`hosts` has no `name`"))?;
        let layers = config.get("layers").and_then(Value::as_map);
        let layers = layers.ok_or_else(|| wrong("`layers` must be a mapping of names to lists"))?;
        let mut combinations: Vec<Map> = vec![Map::default()];
        for (layer, values) in layers {
            let values =
                values.as_list().ok_or_else(|| wrong("`layers` must be a mapping of names to lists"))?;
            if combinations.len().saturating_mul(values.len()) > MOST_HOSTS {
                return Err(wrong("the layers have too many combinations"));
            }
            let with = |vars: &Map, value: &Value| {
                let mut vars = vars.clone();
                vars.insert(layer.clone(), value.clone());
                vars
            };
            combinations = combinations
                .iter()
                .flat_map(|vars| values.iter().map(move |value| with(vars, value)))
                .collect();
        }
        let mut generation = Generation { expressions, steps: Steps::default() };
        for vars in &combinations {
            let host: Arc<str> = expressions.render(name, vars)?.text().into();
            generation.steps.steps.push(host_in(&host, None));
            generation.parents(&host, true, hosts, vars)?;
        }
        Ok(generation.steps)
    }
}

fn host_in(host: &Arc<str>, group: Option<Arc<str>>) -> Step {
    Step::Hosts { names: vec![host.clone()], group, port: None, vars: Arc::default(), origin: None }
}

struct Generation<'a> {
    expressions: &'a dyn Expressions,
    steps: Steps,
}

impl Generation<'_> {
    /// Puts a host or group into the `parents` of an entry, and those into theirs.
    fn parents(&mut self, child: &Arc<str>, is_host: bool, entry: &Value, vars: &Map) -> Result<()> {
        for parent in entry.get("parents").and_then(Value::as_list).into_iter().flatten() {
            let name = match parent.get("name") {
                Some(name) => self.expressions.render(name, vars)?.text(),
                None => String::new(),
            };
            if name.is_empty() {
                return Err(Diagnostic::new("generator inventory failed")
                    .detail(format!("`{child}` has a parent with no name"))
                    .at_maybe(parent.origin(), ""));
            }
            let group: Arc<str> = name.into();
            self.steps.group(group.clone(), parent.origin());
            for (name, value) in parent.get("vars").and_then(Value::as_map).into_iter().flatten() {
                let value = if value.as_str().is_some() {
                    self.expressions.render(value, vars)?
                } else {
                    value.clone()
                };
                self.steps.group_variable(&group, name.clone(), value);
            }
            if is_host {
                self.steps.steps.push(host_in(child, Some(group.clone())));
            } else {
                self.steps.child(&group, child, parent.origin());
            }
            self.parents(&group, false, parent, vars)?;
        }
        Ok(())
    }
}
