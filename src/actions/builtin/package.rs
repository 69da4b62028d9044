//! Install or remove packages with whatever package manager the host has.
//!
//! ```yaml
//! - package: { name: rsync, state: present }
//! ```

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::{Opt, Preset, Schema};
use shevek_value::{Map, Value};

use crate::options::{open, opt, preset};
use crate::{Action, Asks, Invocation, Outcome, Running};

static SCHEMA: Schema = open(
    "package",
    &[
        // Both are documented as required, but left to the package manager's module: its state is `present` then, and
        // without a name it may still refresh its index (`update_cache`).
        Opt { aliases: &["pkg"], ..opt("name", Kind::Raw, "Package names, or a list of them.") },
        opt(
            "state",
            Kind::Str,
            "`present`, `absent`, `latest`, or what else the package manager's module knows.",
        ),
        preset(
            "use",
            Kind::Str,
            Preset::Str("auto"),
            "The package manager's module, instead of the one found.",
        ),
    ],
);

/// `package`.
pub(crate) struct Package;

/// The action.
pub(crate) static ACTION: Package = Package;

impl Action for Package {
    fn name(&self) -> &'static str {
        "package"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn asks(&self) -> Asks {
        Asks::Once
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(install(call))
    }
}

async fn install(call: &Invocation<'_>) -> Result<Outcome> {
    let wanted = call.text("use").filter(|name| name != "auto");
    let manager = match wanted {
        Some(name) => name,
        None => match super::manager(call, "ansible_package_use", "pkg_mgr").await? {
            Ok(name) => name,
            Err(outcome) => return Ok(outcome),
        },
    };
    let manager = if manager == "atomic_container" { "dnf".to_owned() } else { manager };
    if shevek_modules::find(&manager).is_none() {
        return Err(Diagnostic::new("package manager not supported")
            .detail(format!("Could not find a matching action for the \"{manager}\" package manager."))
            .or_at(call.task.origin.as_ref()));
    }
    let args: Map = call
        .args
        .iter()
        .filter(|(name, _)| **name != "use")
        .map(|(name, value)| (if *name == "pkg" { Value::str("name") } else { name.clone() }, value.clone()))
        .collect();
    call.host.module(&manager, &args).await
}
