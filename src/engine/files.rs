//! Files of variables beside inventory and playbook (`group_vars`, `host_vars`).

use std::path::Path;

use shevek_diag::{Result, Severity};
use shevek_event::{Event, Notice};
use shevek_inventory::{Closed, HostId};

use crate::Run;

/// Looks for the `group_vars` and `host_vars` of a play beside its own file, which an imported playbook or a second one
/// may have elsewhere.
pub(crate) fn look_beside(run: &Run, folder: &Path) {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if !run.options.reads_beside_playbooks || run.fleet.inventory().playbook_dir() == Some(&folder) {
        return;
    }
    run.fleet.change_inventory(|inventory| inventory.set_playbook_dir(Some(&folder)));
    let inventory = run.fleet.inventory();
    let groups = inventory.group_ids().filter_map(|group| inventory.vars_of_group(group).ok());
    let hosts = inventory.host_ids().filter_map(|host| inventory.own_layers(host).ok());
    for layer in groups.chain(hosts).flatten() {
        run.sink.masker().learn_all(&layer.vars);
    }
}

/// Reads what inventory and playbook say of the hosts of a play in files of theirs.
pub(crate) fn read_hosts_files(run: &Run, hosts: &[HostId]) -> Result<()> {
    let said = run.fleet.inventory().read_vars_files(hosts, Closed::Wrong);
    for warning in said.iter().filter(|said| said.severity == Severity::Warning) {
        run.sink.send(Event::Notice(Notice::from(warning)));
    }
    match said.into_iter().find(|said| said.severity == Severity::Error) {
        Some(error) => Err(Box::new(error)),
        None => Ok(()),
    }
}
