//! Examples in the documentation of modules: each must be YAML that the module's schema accepts.

use crate::proto::Val;
use crate::registry::Module;
use crate::testing::conform::val;

/// What is wrong with a module's examples; empty if nothing is.
pub fn check_examples(module: &Module) -> Vec<String> {
    let examples = module.page().examples();
    let mut wrong = Vec::new();
    let mut used = false;
    for example in &examples {
        let parsed = match serde_yaml::from_str::<serde_yaml::Value>(example) {
            Ok(parsed) => val(parsed),
            Err(e) => {
                wrong.push(format!("{}: an example is no YAML: {e}", module.name));
                continue;
            }
        };
        for task in parsed.as_list().unwrap_or_default() {
            let entries = task.as_map().unwrap_or_default();
            let schema = module.schema();
            let called =
                |key: &str| key == schema.name || key == schema.full_name() || schema.aliases.contains(&key);
            let Some((_, args)) = entries.iter().find(|(key, _)| called(key)) else { continue };
            used = true;
            // Free form and k=v are the controller's to read.
            let Val::Map(args) = args else { continue };
            let extra = entries
                .iter()
                .find(|(key, _)| key == "args")
                .and_then(|(_, v)| v.as_map())
                .unwrap_or_default();
            let templated = |v: &Val| v.as_str().is_some_and(|text| text.contains("{{"));
            let given: Vec<(&str, Option<&Val>)> = args
                .iter()
                .chain(extra)
                .map(|(k, v)| (k.as_str(), Some(v).filter(|v| !templated(v))))
                .collect();
            wrong.extend(
                schema.check(&given).iter().map(|problem| format!("{}: {problem}: {example}", module.name)),
            );
        }
    }
    if !used {
        wrong.push(format!("{}: no example shows a task", module.name));
    }
    wrong
}
