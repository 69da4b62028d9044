//! Start, stop and enable services with whatever service manager the host has.
//!
//! ```yaml
//! - service: { name: nginx, state: started, enabled: true }
//! ```

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::{Opt, Preset, Schema};
use shevek_value::Map;

use crate::options::{open, opt, preset, required};
use crate::{Action, Asks, Invocation, Outcome, Running};

static SCHEMA: Schema = open(
    "service",
    &[
        required("name", Kind::Str, "The service."),
        opt(
            "state",
            Kind::Choice(&["reloaded", "restarted", "started", "stopped"]),
            "What it should be doing.",
        ),
        opt("enabled", Kind::Bool, "Whether it starts when the host does."),
        opt("sleep", Kind::Int, "Seconds between stopping and starting, for a restart (only sysvinit)."),
        opt(
            "pattern",
            Kind::Str,
            "Text to look for among the processes, where there is no status (only sysvinit).",
        ),
        opt("runlevel", Kind::Str, "The runlevel (only OpenRC)."),
        Opt { aliases: &["args"], ..opt("arguments", Kind::Str, "Arguments for the init script.") },
        preset(
            "use",
            Kind::Str,
            Preset::Str("auto"),
            "The service manager's module, instead of the one found.",
        ),
    ],
);

/// `service`.
pub(crate) struct Service;

/// The action.
pub(crate) static ACTION: Service = Service;

impl Action for Service {
    fn name(&self) -> &'static str {
        "service"
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
        Box::pin(manage(call))
    }
}

/// Options that only other service managers know; systemd passes over them.
const NOT_SYSTEMD: [&str; 6] = ["use", "pattern", "runlevel", "sleep", "arguments", "args"];

async fn manage(call: &Invocation<'_>) -> Result<Outcome> {
    // `service` is Ansible's own module for whatever there is, which finds that out too.
    // So is one that nobody knows.
    let wanted = call.text("use").map(|name| name.to_lowercase());
    let wanted = wanted.filter(|name| ["systemd", "systemd_service", "sysvinit"].contains(&name.as_str()));
    let manager = match wanted {
        Some(name) => name,
        None => match super::manager(call, "ansible_service_mgr", "service_mgr").await? {
            Ok(name) => name,
            Err(outcome) => return Ok(outcome),
        },
    };
    let module = match manager.as_str() {
        "systemd" | "systemd_service" => "systemd_service",
        "sysvinit" => "sysvinit",
        "openrc" => shevek_modules::OPENRC,
        other => {
            return Err(Diagnostic::new("service manager not supported")
                .detail(format!("the host's service manager is `{other}`"))
                .help("supported are systemd, sysvinit and openrc")
                .or_at(call.task.origin.as_ref()));
        }
    };
    let mut dropped = Vec::new();
    let args: Map = call
        .args
        .iter()
        .filter(|(name, _)| {
            let foreign =
                module == "systemd_service" && name.as_str().is_some_and(|n| NOT_SYSTEMD.contains(&n));
            if foreign && **name != "use" {
                dropped.push(name.text());
            }
            !foreign && **name != "use"
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    dropped.sort_by_key(|name| NOT_SYSTEMD.iter().position(|known| known == name));
    let mut outcome = call.host.module(module, &args).await?;
    outcome.warnings.extend(
        dropped.into_iter().map(|name| format!("Ignoring \"{name}\" as it is not used in \"{manager}\"")),
    );
    Ok(outcome)
}
