//! Variables that the run itself knows.

use std::path::Path;

use shevek_diag::Result;
use shevek_inventory::HostId;
use shevek_template::{Scope, watch};
use shevek_value::{Map, Value};

use crate::HostScope;
use crate::hostvars::{HostVars, ScopeVars};

/// Their names, for "did you mean" and listings.
pub(crate) const NAMES: &[&str] = &[
    "ansible_check_mode",
    "ansible_collection_name",
    "ansible_config_file",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_facts",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_playbook_python",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_run_tags",
    "ansible_search_path",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "environment",
    "group_names",
    "groups",
    "hostvars",
    "inventory_hostname",
    "inventory_hostname_short",
    "omit",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_names",
    "role_path",
    "vars",
];

/// Those that are of a play or a task, and so not of a host.
pub(crate) const OF_PLAY: &[&str] = &[
    "ansible_collection_name",
    "ansible_dependent_role_names",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_search_path",
    "environment",
    "play_hosts",
    "role_name",
    "role_names",
    "role_path",
];

/// Those that are not there always.
pub(crate) const MAY_LACK: &[&str] =
    &["ansible_collection_name", "ansible_limit", "ansible_role_name", "role_name", "role_path"];

/// Those that variables may override.
const OF_INVENTORY: [&str; 4] =
    ["inventory_hostname", "inventory_hostname_short", "group_names", "ansible_facts"];

/// The version of Ansible whose language this is; content asks for it.
const ANSIBLE_VERSION: [i64; 3] = [2, 19, 14];

/// The magic variable of that name, made when asked for.
pub(crate) fn get(scope: &HostScope, name: &str) -> Result<Option<Value>> {
    let fleet = scope.fleet();
    let options = &fleet.options;
    let play = scope.play();
    // The inventory says these, and anything above it may say otherwise.
    if OF_INVENTORY.contains(&name)
        && let Some(value) = scope.find(name)
    {
        return Ok(Some(value));
    }
    let value = match name {
        "inventory_hostname" => fleet.host_name(scope.host()).shared().clone().into(),
        "inventory_hostname_short" => short(fleet.host_name(scope.host()).as_str()).into(),
        "group_names" => {
            let names = fleet.inventory().group_names(scope.host());
            Value::list(names.iter().map(|name| name.shared().clone().into()).collect())
        }
        "groups" => fleet.groups(),
        "hostvars" => {
            watch::all_variables();
            Value::object(HostVars::new(fleet.clone(), play.clone()))
        }
        "vars" => Value::object(ScopeVars::new(scope.with([]))),
        "omit" => Value::OMIT,
        "playbook_dir" => path(&play.play.dir),
        "play_hosts" | "ansible_play_batch" => hosts(scope, &play.batch_alive()),
        "ansible_play_hosts" => hosts(scope, &[play.alive().as_slice(), play.added().as_slice()].concat()),
        "ansible_play_hosts_all" => hosts(scope, &[play.hosts.as_slice(), play.added().as_slice()].concat()),
        "ansible_play_name" => play.name.clone().into(),
        "ansible_playbook_python" => shevek_inventory::CONTROLLER_PYTHON.into(),
        "ansible_facts" => fleet.memory(scope.host()).facts().namespaced().clone(),
        "ansible_check_mode" => options.check.into(),
        "ansible_diff_mode" => options.diff.into(),
        "ansible_forks" => options.forks.into(),
        "ansible_verbosity" => i64::from(options.verbosity).into(),
        "ansible_limit" => match &options.limit {
            Some(limit) => limit.clone().into(),
            None => return Ok(None),
        },
        "ansible_config_file" => options.config_file.clone().into(),
        "ansible_run_tags" if options.run_tags.is_empty() => Value::list(vec!["all".into()]),
        "ansible_run_tags" => options.run_tags.clone().into(),
        "ansible_skip_tags" => options.skip_tags.clone().into(),
        "ansible_inventory_sources" => options.inventory_sources.clone().into(),
        "ansible_version" => version(),
        "ansible_search_path" => Value::list(scope.search_path().iter().map(|folder| path(folder)).collect()),
        "environment" => match scope.task() {
            Some(task) => Value::list(task.keywords.environment.clone()),
            None => Value::list(Vec::new()),
        },
        "ansible_play_role_names" | "role_names" | "ansible_role_names" | "ansible_dependent_role_names" => {
            play_roles(scope, name)
        }
        "role_name" | "ansible_role_name" | "role_path" | "ansible_collection_name" => {
            return Ok(own_role(scope, name));
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn own_role(scope: &HostScope, name: &str) -> Option<Value> {
    let role = scope.task()?.role.as_ref()?;
    Some(match name {
        "role_path" => path(&role.path),
        "ansible_role_name" => role.full_name().into(),
        "ansible_collection_name" => role.collection.as_ref()?.to_string().into(),
        _ => role.name.to_string().into(),
    })
}

fn play_roles(scope: &HostScope, name: &str) -> Value {
    let play = scope.play();
    let included = play.included();
    let roles = play.play.roles.iter().chain(included.iter());
    let mut own: Vec<String> = Vec::new();
    let mut dependent: Vec<String> = Vec::new();
    for role in roles {
        own.push(role.full_name());
        dependent.extend(role.all_dependencies().into_iter().map(|role| role.full_name()));
    }
    let names = match name {
        // A role that is used twice is there twice.
        "ansible_play_role_names" | "role_names" => {
            return Value::list(own.into_iter().map(Value::from).collect());
        }
        "ansible_dependent_role_names" => dependent,
        _ => {
            own.extend(dependent);
            own
        }
    };
    let mut seen = std::collections::HashSet::new();
    Value::list(names.into_iter().filter(|name| seen.insert(name.clone())).map(Value::from).collect())
}

fn hosts(scope: &HostScope, hosts: &[HostId]) -> Value {
    let inventory = scope.fleet().inventory();
    Value::list(hosts.iter().map(|host| inventory.host(*host).name().shared().clone().into()).collect())
}

/// A name up to its first dot; an address stays whole.
fn short(name: &str) -> &str {
    if name.parse::<std::net::IpAddr>().is_ok() { name } else { name.split('.').next().unwrap_or(name) }
}

fn path(path: &Path) -> Value {
    Value::str(path.to_string_lossy())
}

fn version() -> Value {
    let [major, minor, revision] = ANSIBLE_VERSION;
    let full = format!("{major}.{minor}.{revision}");
    let mut map = Map::default();
    map.insert("full".into(), full.clone().into());
    map.insert("major".into(), major.into());
    map.insert("minor".into(), minor.into());
    map.insert("revision".into(), revision.into());
    map.insert("string".into(), full.into());
    Value::map(map)
}
