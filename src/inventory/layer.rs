//! The variables that an inventory gives a host, layer on layer.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use shevek_diag::{Diagnostics, Kind, Result};
use shevek_value::Map;

use crate::vars_files::Of;
use crate::{GroupId, HostId, Inventory};

/// What of a file of variables that cannot be read, such as a vault whose password is not at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is an error.
    Wrong,
    /// It is passed over: nobody is going to use it.
    Passed,
}

/// Where a layer comes from. In the order of precedence as Ansible has it by default, weakest first; the first six can
/// be put into another order (`VARIABLE_PRECEDENCE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Variables of `all` in inventory sources (`all_inventory`).
    All,
    /// Variables of other groups in inventory sources (`groups_inventory`).
    Groups,
    /// `group_vars/all` beside inventory sources (`all_plugins_inventory`).
    AllFiles,
    /// `group_vars/all` beside the playbook (`all_plugins_play`).
    AllPlaybookFiles,
    /// Other files of `group_vars` beside inventory sources (`groups_plugins_inventory`).
    GroupsFiles,
    /// Other files of `group_vars` beside the playbook (`groups_plugins_play`).
    GroupsPlaybookFiles,
    /// `inventory_file` and `inventory_dir`.
    Source,
    /// Variables of the host in inventory sources.
    Host,
    /// `host_vars` beside inventory sources.
    HostFiles,
    /// `host_vars` beside the playbook.
    HostPlaybookFiles,
}

impl Place {
    /// The places of groups, in default order, with their names in the setting `VARIABLE_PRECEDENCE`.
    pub const OF_GROUPS: [(Place, &'static str); 6] = [
        (Place::All, "all_inventory"),
        (Place::Groups, "groups_inventory"),
        (Place::AllFiles, "all_plugins_inventory"),
        (Place::AllPlaybookFiles, "all_plugins_play"),
        (Place::GroupsFiles, "groups_plugins_inventory"),
        (Place::GroupsPlaybookFiles, "groups_plugins_play"),
    ];

    /// The places of groups in the order of these names (`VARIABLE_PRECEDENCE`); a place that is not named gives no
    /// variables. And the names that there are not.
    pub fn in_order(names: &[String]) -> (Vec<Place>, Vec<&String>) {
        let (mut places, mut unknown) = (Vec::new(), Vec::new());
        for name in names {
            match Self::OF_GROUPS.iter().find(|(_, known)| known == name) {
                Some((place, _)) => places.push(*place),
                None => unknown.push(name),
            }
        }
        (places, unknown)
    }
}

/// Variables from one place. A later layer's variable replaces an earlier one's.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Where they come from.
    pub place: Place,
    /// The group that they belong to, if they don't belong to the host.
    pub group: Option<GroupId>,
    /// The variables, as written.
    pub vars: Arc<Map>,
}

impl Inventory {
    /// The layers of a host's groups, weakest first. Hosts of the same groups share them, so that work on them can be
    /// kept by [`Arc::as_ptr`].
    pub fn group_layers(&self, host: HostId) -> Result<Arc<[Layer]>> {
        let chain = &self.host(host).chain;
        if let Some(layers) = chain.layers.get() {
            return Ok(layers.clone());
        }
        let layers = self.make_group_layers(&chain.groups, self.files.playbook.as_slice())?.into();
        Ok(chain.layers.get_or_init(|| layers).clone())
    }

    fn make_group_layers(&self, groups: &[GroupId], beside: &[PathBuf]) -> Result<Vec<Layer>> {
        let mut layers = Vec::new();
        for place in self.precedence.iter().copied() {
            let all = [GroupId::ALL];
            let groups = match place {
                Place::All | Place::AllFiles | Place::AllPlaybookFiles => &all,
                _ => groups,
            };
            match place {
                Place::All | Place::Groups => layers.extend(groups.iter().map(|id| {
                    let vars = self.group(*id).vars.clone();
                    Layer { place, group: Some(*id), vars }
                })),
                Place::AllPlaybookFiles | Place::GroupsPlaybookFiles => {
                    for folder in beside {
                        self.read_groups(folder, place, groups, &mut layers)?;
                    }
                }
                _ => {
                    for folder in &self.files.inventory {
                        self.read_groups(folder, place, groups, &mut layers)?;
                    }
                }
            }
        }
        layers.retain(|layer| !layer.vars.is_empty());
        Ok(layers)
    }

    fn read_groups(
        &self,
        folder: &Path,
        place: Place,
        groups: &[GroupId],
        layers: &mut Vec<Layer>,
    ) -> Result<()> {
        for id in groups {
            if let Some(vars) = self.files.read(folder, Of::Group, self.group(*id).name.as_str())? {
                layers.push(Layer { place, group: Some(*id), vars });
            }
        }
        Ok(())
    }

    /// What is said of one group itself, weakest first: in sources, and in the group_vars files of its name.
    pub fn vars_of_group(&self, id: GroupId) -> Result<Vec<Layer>> {
        let vars = self.group(id).vars.clone();
        let mut layers = vec![Layer { place: Place::Groups, group: Some(id), vars }];
        for folder in &self.files.inventory {
            self.read_groups(folder, Place::GroupsFiles, &[id], &mut layers)?;
        }
        if let Some(folder) = &self.files.playbook {
            self.read_groups(folder, Place::GroupsPlaybookFiles, &[id], &mut layers)?;
        }
        layers.retain(|layer| !layer.vars.is_empty());
        Ok(layers)
    }

    /// The layers of the host itself, weakest first.
    pub fn own_layers(&self, id: HostId) -> Result<Vec<Layer>> {
        self.make_own_layers(id, self.files.playbook.as_slice())
    }

    fn make_own_layers(&self, id: HostId, beside: &[PathBuf]) -> Result<Vec<Layer>> {
        let host = self.host(id);
        let mut layers = Vec::new();
        let mut add = |place, vars: Arc<Map>| layers.push(Layer { place, group: None, vars });
        if !host.implicit {
            add(Place::Source, host.source.clone());
        }
        add(Place::Host, host.vars.clone());
        for folder in &self.files.inventory {
            if let Some(vars) = self.files.read(folder, Of::Host, host.name.as_str())? {
                add(Place::HostFiles, vars);
            }
        }
        for folder in beside {
            if let Some(vars) = self.files.read(folder, Of::Host, host.name.as_str())? {
                add(Place::HostPlaybookFiles, vars);
            }
        }
        layers.retain(|layer| !layer.vars.is_empty());
        Ok(layers)
    }

    /// All that the inventory says about a host: its groups' layers, then its own.
    pub fn host_vars(&self, id: HostId) -> Result<Vec<Layer>> {
        let mut layers = self.group_layers(id)?.to_vec();
        layers.extend(self.own_layers(id)?);
        Ok(layers)
    }

    /// The same with the group_vars and host_vars of these folders instead of those beside the playbook, weakest first.
    pub fn host_vars_beside(&self, id: HostId, folders: &[PathBuf]) -> Result<Vec<Layer>> {
        let mut layers = self.make_group_layers(&self.host(id).chain.groups, folders)?;
        layers.extend(self.make_own_layers(id, folders)?);
        Ok(layers)
    }

    /// Reads the variable files of these hosts and their groups, on all processors, and reports all that is wrong with
    /// them. What is not read here is read when it is needed: a run must not fail for files of hosts that are not its
    /// business, which may be vaults whose password is not at hand.
    pub fn read_vars_files(&self, hosts: &[HostId], closed: Closed) -> Diagnostics {
        let mut found = Diagnostics::new();
        let mut groups: HashSet<GroupId> =
            hosts.iter().flat_map(|id| self.host(*id).chain.groups.clone()).collect();
        groups.insert(GroupId::ALL);
        let beside = self.files.playbook.iter().filter(|folder| !self.files.inventory.contains(folder));
        let folders: Vec<_> = self.files.inventory.iter().chain(beside).collect();
        let problems: Vec<_> = groups
            .par_iter()
            .flat_map_iter(|id| {
                folders.iter().map(move |folder| (folder, Of::Group, self.group(*id).name.shared()))
            })
            .chain(hosts.par_iter().flat_map_iter(|id| {
                folders.iter().map(move |folder| (folder, Of::Host, self.host(*id).name.shared()))
            }))
            .filter_map(|(folder, of, name)| self.files.read(folder, of, name).err())
            .collect();
        for problem in problems {
            match closed {
                // Whatever is wrong with such a file, Ansible's exit code is that of a mistake in it.
                Closed::Wrong => found.push(problem.kind(Kind::Content)),
                Closed::Passed if problem.kind == Kind::Machine => {}
                Closed::Passed => found.push(problem),
            }
        }
        found.extend(self.files.warnings());
        found
    }
}
