//! Files of variables that a play brings: its `vars_files`, and those beside its playbook.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Result, Severity};
use shevek_event::{Event, Notice};
use shevek_inventory::HostId;
use shevek_value::{Map, Value};
use shevek_vars::{HostScope, PlayScope};

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
    let said = run.fleet.inventory().read_vars_files(hosts);
    for warning in said.iter().filter(|said| said.severity == Severity::Warning) {
        run.sink.send(Event::Notice(Notice::from(warning)));
    }
    match said.into_iter().find(|said| said.severity == Severity::Error) {
        Some(error) => Err(Box::new(error)),
        None => Ok(()),
    }
}

/// What files hold together, by their names: hosts with the same files share it.
type Shared = HashMap<Vec<PathBuf>, Arc<Map>>;

/// Reads `vars_files` for the hosts of a play: each entry a name, or names of which the first that exists is taken.
pub(crate) fn read_vars_files(run: &Run, scope: &Arc<PlayScope>) -> Result<()> {
    let entries = &scope.play.vars_files;
    if entries.is_empty() {
        return Ok(());
    }
    let names = entries.iter().flat_map(|entry| entry.as_list().unwrap_or(std::slice::from_ref(entry)));
    let differ = names.into_iter().any(Value::is_template);
    let mut shared = Shared::new();
    let mut common: Option<Arc<Map>> = None;
    for host in &scope.hosts {
        let variables = match common.clone().filter(|_| !differ) {
            Some(variables) => variables,
            None => of_host(run, scope, *host, &mut shared)?,
        };
        scope.set_files(*host, variables.clone());
        common = Some(variables);
    }
    Ok(())
}

fn of_host(run: &Run, scope: &Arc<PlayScope>, host: HostId, shared: &mut Shared) -> Result<Arc<Map>> {
    let play = &scope.play;
    let mut variables: Arc<Map> = Arc::default();
    let mut files = Vec::new();
    for written in &play.vars_files {
        let names = written.as_list().unwrap_or(std::slice::from_ref(written));
        scope.set_files(host, variables.clone());
        let variables_now = HostScope::new(&run.fleet, scope, host, None);
        let mut found = None;
        let mut missing = Vec::new();
        for name in names {
            let name = match run.fleet.templar.render(name, &variables_now) {
                Ok(name) => name.text(),
                // Facts that the name needs are not known before the first task: the next name may do.
                Err(error) if names.len() > 1 => {
                    missing.push(error.message());
                    continue;
                }
                Err(error) => return Err(error.or_at(written.origin())),
            };
            found = run.loader.vars_file(&play.dir, &name);
            if found.is_some() {
                break;
            }
            missing.push(name);
        }
        let Some(path) = found else {
            return Err(Diagnostic::new("variable file not found")
                .detail(format!("there is no {}", missing.join(", nor ")))
                .help(format!("relative names are looked for in {} and its vars folder", play.dir.display()))
                .at_maybe(written.origin(), ""));
        };
        files.push(path.clone());
        variables = match shared.get(&files) {
            Some(variables) => variables.clone(),
            None => {
                let read = run.loader.vars_files_variables(&path)?;
                run.sink.masker().learn_all(&read);
                let all =
                    if files.len() == 1 { read } else { Arc::new(run.loader.combine(&variables, &read)) };
                shared.insert(files.clone(), all.clone());
                all
            }
        };
    }
    Ok(variables)
}
