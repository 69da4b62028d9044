//! Add a host to the inventory of this run.
//!
//! ```yaml
//! - add_host: { name: web3.example.org, groups: [web, new], ansible_port: 2222 }
//! ```

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::{Opt, Schema};
use shevek_value::{Map, Value};

use crate::options::{open, opt, required};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = open(
    "add_host",
    &[
        Opt {
            aliases: &["hostname", "host"],
            ..required("name", Kind::Str, "The host's name, with its port if that is not 22 (`name:2222`).")
        },
        Opt {
            aliases: &["group", "groupname"],
            ..opt(
                "groups",
                Kind::List(&Kind::Str),
                "Groups to put it in; they are made where they don't exist.",
            )
        },
    ],
);

/// `add_host`.
pub(crate) struct AddHost;

/// The action.
pub(crate) static ACTION: AddHost = AddHost;

impl Action for AddHost {
    fn name(&self) -> &'static str {
        "add_host"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn is_once(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(async move { add(call) })
    }
}

const OWN: [&str; 6] = ["name", "hostname", "host", "groups", "group", "groupname"];

fn add(call: &Invocation<'_>) -> Result<Outcome> {
    let named = ["name", "hostname", "host"].into_iter().find_map(|key| call.text(key));
    let Some(written) = named.filter(|name| !name.is_empty()) else {
        return Err(Diagnostic::new("name, host or hostname needs to be provided"));
    };
    let (name, port) = split_port(&written);
    let key = ["groups", "group", "groupname"].into_iter().find(|key| call.get(key).is_some());
    let groups: Vec<String> = key
        .map(|key| call.list(key))
        .unwrap_or_default()
        .into_iter()
        .filter(|group| !group.is_empty())
        .collect();
    let mut variables: Map = call
        .args
        .iter()
        .filter(|(key, _)| !key.as_str().is_some_and(|key| OWN.contains(&key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Some(port) = port {
        variables.insert(Value::str("ansible_ssh_port"), i64::from(port).into());
    }
    // Done at once, so that each item of a loop sees what the ones before it added.
    let wanted: Vec<&str> = groups.iter().map(String::as_str).filter(|group| *group != "all").collect();
    let added =
        call.scope.fleet().change_inventory(|inventory| inventory.add_host(&name, &wanted, &variables));
    let (host, changed) = added?;
    if changed {
        call.scope.play().add(host);
    }
    let shown = Value::dict([
        ("host_name", Value::from(name)),
        ("groups", groups.into()),
        ("host_vars", Value::map(variables)),
    ]);
    Ok(Outcome::ok().changed(changed).with("add_host", shown))
}

/// `name:2222`; an IPv6 address needs brackets to have a port.
fn split_port(written: &str) -> (String, Option<u16>) {
    if let Some(rest) = written.strip_prefix('[')
        && let Some((name, port)) = rest.split_once(']')
    {
        return (name.to_owned(), port.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match written.split_once(':') {
        Some((name, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (name.to_owned(), Some(port)),
            Err(_) => (written.to_owned(), None),
        },
        _ => (written.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::split_port;

    #[test]
    fn a_port_may_stand_behind_the_name() {
        assert_eq!(split_port("web:2222"), ("web".into(), Some(2222)));
        assert_eq!(split_port("[::1]:22"), ("::1".into(), Some(22)));
        assert_eq!(split_port("fe80::1"), ("fe80::1".into(), None));
        assert_eq!(split_port("web"), ("web".into(), None));
    }
}
