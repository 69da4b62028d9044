//! How a task's host is reached, for content that asks: what no variable says, keywords and options do.

use shevek_template::Scope;
use shevek_value::Value;

use crate::HostScope;

/// Names of one setting, of which any may be set.
const NAMES: [[&str; 2]; 7] = [
    ["ansible_user", "ansible_ssh_user"],
    ["ansible_password", "ansible_ssh_pass"],
    ["ansible_host", "ansible_ssh_host"],
    ["ansible_port", "ansible_ssh_port"],
    ["ansible_private_key_file", "ansible_ssh_private_key_file"],
    ["ansible_timeout", "ansible_ssh_timeout"],
    ["ansible_connection", "ansible_connection"],
];

/// The value under such a name, where no variable has it. Only tasks see these; of a host that does the work for this one,
/// they say how that is reached.
pub(crate) fn get(scope: &HostScope, name: &str) -> Option<Value> {
    let task = scope.task()?;
    let names = NAMES.iter().find(|names| names.contains(&name))?;
    if let Some(value) = names.iter().find_map(|name| scope.find(name)) {
        return Some(value);
    }
    if let Some(there) = scope.delegate() {
        let there = HostScope::new(scope.fleet(), scope.play(), there, Some(task));
        return names.iter().find_map(|name| there.get(name).ok().flatten());
    }
    let keywords = &task.keywords;
    let keyword = match names[0] {
        "ansible_user" => &keywords.remote_user,
        "ansible_connection" => &keywords.connection,
        "ansible_host" => return Some(scope.fleet().host_name(scope.host()).shared().clone().into()),
        _ => &None,
    };
    keyword.clone().or_else(|| scope.fleet().options.reaching.get(names[0]).cloned())
}
