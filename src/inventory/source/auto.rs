//! YAML files that configure a plugin.
//!
//! ```yaml
//! plugin: ansible.builtin.constructed
//! strict: false
//! ```

use shevek_diag::{Diagnostic, Result};

use crate::LoadOptions;
use crate::source::{Candidate, Config, Kind, Outcome, PLUGINS, load_yaml, place};
use crate::step::Steps;

/// See the module.
pub struct Auto;

impl Kind for Auto {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn wants(&self, candidate: &Candidate) -> bool {
        matches!(candidate.ending().as_str(), ".yml" | ".yaml")
    }

    fn read(&self, candidate: &Candidate, options: &LoadOptions<'_>) -> Outcome {
        config(candidate, options).map_or_else(Outcome::Failed, Outcome::Constructed)
    }
}

/// The configuration in a file, and the plugin that it names.
pub(crate) fn config(candidate: &Candidate, options: &LoadOptions<'_>) -> Result<Config> {
    let none = || Diagnostic::new("no inventory plugin").detail("there is no `plugin` key in the file");
    let path = candidate.path().ok_or_else(none)?;
    let value = load_yaml(path, options, &mut Steps::default())?;
    let plugin = value.get("plugin").ok_or_else(none)?;
    let name = plugin.as_str().unwrap_or_default();
    let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
    let found = PLUGINS.iter().find(|plugin| plugin.names().contains(&short));
    match found {
        Some(plugin) => Ok(Config { plugin: *plugin, value }),
        None => Err(Diagnostic::new("unknown inventory plugin")
            .detail(format!("inventory plugin `{}` is not supported", plugin.text()))
            .at_maybe(place(plugin, &value), "named here")
            .did_you_mean(name, PLUGINS.iter().flat_map(|plugin| plugin.names()).copied())
            .help("an executable script that prints JSON can be an inventory source instead")),
    }
}
