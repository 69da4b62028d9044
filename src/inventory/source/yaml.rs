//! Inventories in YAML or JSON.
//!
//! ```yaml
//! all:
//!   hosts:
//!     mail.example.com:
//!   children:
//!     web:
//!       hosts:
//!         web[1:3].example.com: { http_port: 8080 }
//!       vars: { proxy: none }
//! ```

use shevek_diag::Result;

use crate::LoadOptions;
use crate::source::json_tree::{self, Children};
use crate::source::{Candidate, Kind, Outcome, auto, load_yaml};
use crate::step::Steps;

/// See the module.
pub struct Yaml;

impl Kind for Yaml {
    fn name(&self) -> &'static str {
        "yaml"
    }

    fn wants(&self, candidate: &Candidate) -> bool {
        candidate.path().is_some() && matches!(candidate.ending().as_str(), "" | ".yml" | ".yaml" | ".json")
    }

    fn read(&self, candidate: &Candidate, options: &LoadOptions<'_>) -> Outcome {
        match steps(candidate, options) {
            // A plugin's configuration may have any name, though Ansible asks for `.yml` or `.yaml` (by `auto`).
            Err(why) if why.summary == "configuration of an inventory plugin" => {
                auto::config(candidate, options).map_or_else(Outcome::Failed, Outcome::Constructed)
            }
            result => result.into(),
        }
    }
}

fn steps(candidate: &Candidate, options: &LoadOptions<'_>) -> Result<Steps> {
    let mut steps = Steps::default();
    if let Some(path) = candidate.path() {
        let value = load_yaml(path, options, &mut steps)?;
        json_tree::read(&value, Children::Nested, &mut steps)?;
    }
    Ok(steps)
}
