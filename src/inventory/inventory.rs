//! [`Inventory`]: hosts, groups and how they hang together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use shevek_diag::{Diagnostic, Diagnostics, Origin, Result};
use shevek_value::{IndexSet, Map, Value};

use crate::chain::Chain;
use crate::step::{Step, Steps};
use crate::vars_files::VarsFiles;
use crate::{Group, GroupId, GroupName, Host, HostId, HostName, Place};

/// Where content finds a Python on the controller, if there is one (`ansible_playbook_python`).
pub const CONTROLLER_PYTHON: &str = "/usr/bin/python3";

/// Names that mean this machine.
pub(crate) const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Hosts and groups. Nothing is ever taken away, so ids stay valid; hosts and groups are added while a run goes on
/// (`add_host`, `group_by`). A clone is cheap enough to be a snapshot: content is shared.
#[derive(Clone)]
pub struct Inventory {
    pub(crate) hosts: Vec<Arc<Host>>,
    pub(crate) groups: Vec<Arc<Group>>,
    pub(crate) host_ids: Arc<HashMap<HostName, HostId>>,
    pub(crate) group_ids: Arc<HashMap<GroupName, GroupId>>,
    /// The hosts that stand for this machine where no source names one, in the order of [`LOCAL_NAMES`].
    pub(crate) implicit: Vec<HostId>,
    /// The first host of a local name that a source named.
    pub(crate) localhost: Option<HostId>,
    pub(crate) files: VarsFiles,
    /// What the run added, to be added again when the sources are read anew.
    pub(crate) added: Vec<Added>,
    /// Whether mappings of the same name from two sources are put together (`DEFAULT_HASH_BEHAVIOUR`).
    pub(crate) merges: bool,
    /// The order of the groups' places, weakest first.
    pub(crate) precedence: Vec<Place>,
    /// Sources that were read, for group_vars and host_vars beside them.
    pub(crate) sources: Vec<PathBuf>,
}

/// Something that a run added.
#[derive(Debug, Clone)]
pub(crate) enum Added {
    Host { name: String, groups: Vec<String>, vars: Map },
    Group { host: HostId, group: String, parents: Vec<String> },
}

impl std::fmt::Debug for Inventory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inventory({} hosts, {} groups)", self.host_count(), self.groups.len())
    }
}

impl Default for Inventory {
    fn default() -> Self {
        Self::new(VarsFiles::default())
    }
}

impl Inventory {
    /// An inventory of no host but the implicit one.
    pub(crate) fn new(files: VarsFiles) -> Self {
        let mut inventory = Self {
            hosts: Vec::new(),
            groups: Vec::new(),
            host_ids: Arc::default(),
            group_ids: Arc::default(),
            implicit: Vec::new(),
            localhost: None,
            files,
            added: Vec::new(),
            merges: false,
            precedence: Place::OF_GROUPS.iter().map(|(place, _)| *place).collect(),
            sources: Vec::new(),
        };
        let all = inventory.add_group("all".into(), None);
        let ungrouped = inventory.add_group("ungrouped".into(), None);
        // Neither is inside the other yet, so this cannot be a loop.
        let _ = inventory.add_child(all, ungrouped);
        let nowhere = source_vars(None);
        for name in LOCAL_NAMES {
            // Content that starts a Python on the controller asks for it here.
            let vars = Arc::new(Map::from_iter([
                (Value::str("ansible_connection"), Value::str("local")),
                (Value::str("ansible_python_interpreter"), Value::str(CONTROLLER_PYTHON)),
            ]));
            let id = inventory.push_host(HostName::from(name), nowhere.clone(), None);
            if let Some(host) = inventory.host_mut(id) {
                host.implicit = true;
                host.vars = vars;
            }
            inventory.implicit.push(id);
        }
        inventory.reconcile();
        inventory
    }

    /// A host.
    pub fn host(&self, id: HostId) -> &Host {
        match self.hosts.get(id.index()) {
            Some(host) => host,
            None => Self::no_host(),
        }
    }

    /// A group.
    pub fn group(&self, id: GroupId) -> &Group {
        match self.groups.get(id.index()) {
            Some(group) => group,
            None => Self::no_group(),
        }
    }

    /// What an id of another inventory stands for here.
    #[cold]
    fn no_host() -> &'static Host {
        static NONE: OnceLock<Host> = OnceLock::new();
        NONE.get_or_init(|| Host {
            name: HostName::from(""),
            vars: Arc::default(),
            source: Arc::default(),
            groups: Vec::new(),
            chain: Arc::default(),
            implicit: true,
            origin: None,
        })
    }

    #[cold]
    fn no_group() -> &'static Group {
        static NONE: OnceLock<Group> = OnceLock::new();
        NONE.get_or_init(|| Group::new(GroupName::from(""), None))
    }

    /// The host of that name; a local name finds the implicit host where there is no other.
    pub fn find_host(&self, name: &str) -> Option<HostId> {
        self.host_ids.get(name).copied().or_else(|| {
            let position = LOCAL_NAMES.iter().position(|local| *local == name)?;
            self.localhost.or_else(|| self.implicit.get(position).copied())
        })
    }

    /// The host of that name, if a source or task named it.
    pub fn find_named_host(&self, name: &str) -> Option<HostId> {
        self.host_ids.get(name).copied()
    }

    /// The group of that name.
    pub fn find_group(&self, name: &str) -> Option<GroupId> {
        self.group_ids.get(name).copied()
    }

    /// All hosts that sources and tasks named, in the order of naming (see [`Inventory::hosts_of`] for the order of
    /// `all`).
    pub fn host_ids(&self) -> impl Iterator<Item = HostId> + '_ {
        (0..self.hosts.len()).map(|i| HostId(i as u32)).filter(|id| !self.host(*id).implicit)
    }

    /// All groups, in the order of naming; `all` and `ungrouped` come first.
    pub fn group_ids(&self) -> impl ExactSizeIterator<Item = GroupId> + use<> {
        (0..self.groups.len() as u32).map(GroupId)
    }

    /// How many hosts sources and tasks named.
    pub fn host_count(&self) -> usize {
        self.host_ids.len()
    }

    /// All hosts of a group and of the groups inside, in Ansible's order: the group's own, then its children's, then
    /// theirs.
    pub fn hosts_of(&self, id: GroupId) -> Arc<[HostId]> {
        self.group(id).all_hosts.get_or_init(|| self.collect_hosts(id)).clone()
    }

    fn collect_hosts(&self, id: GroupId) -> Arc<[HostId]> {
        let mut seen: IndexSet<GroupId> = IndexSet::from([id]);
        let mut hosts: IndexSet<HostId> = IndexSet::new();
        let mut position = 0;
        while let Some(group) = seen.get_index(position).copied() {
            let group = self.group(group);
            hosts.extend(&group.hosts);
            seen.extend(&group.children);
            position += 1;
        }
        hosts.into_iter().collect()
    }

    /// All groups that a host is in but `all`, those with the weakest variables first.
    pub fn groups_of(&self, host: HostId) -> &[GroupId] {
        &self.host(host).chain.groups
    }

    /// `group_names`: all groups that a host is in but `all`, by name.
    pub fn group_names(&self, host: HostId) -> Vec<GroupName> {
        let mut names: Vec<GroupName> =
            self.groups_of(host).iter().map(|group| self.group(*group).name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// `groups`: the names of all groups with the names of their hosts. Made anew: keep it while nothing is added.
    pub fn groups_variable(&self) -> Value {
        let hosts: Vec<Value> =
            self.hosts.iter().map(|host| Value::str(host.name.shared().clone())).collect();
        let names = |id: GroupId| -> Vec<Value> {
            self.hosts_of(id).iter().filter_map(|host| hosts.get(host.index()).cloned()).collect()
        };
        let entry = |id: GroupId| (Value::str(self.group(id).name.shared().clone()), Value::list(names(id)));
        Value::map(self.group_ids().map(entry).collect())
    }

    /// Takes over where the playbook is, for the group_vars and host_vars beside it.
    pub fn set_playbook_dir(&mut self, folder: Option<&Path>) {
        self.files.set_playbook_dir(folder);
        self.forget_layers();
    }

    /// The playbook's folder.
    pub fn playbook_dir(&self) -> Option<&PathBuf> {
        self.files.playbook.as_ref()
    }

    fn host_mut(&mut self, id: HostId) -> Option<&mut Host> {
        self.hosts.get_mut(id.index()).map(Arc::make_mut)
    }

    fn group_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(id.index()).map(Arc::make_mut)
    }

    fn push_host(&mut self, name: HostName, source: Arc<Map>, origin: Option<Origin>) -> HostId {
        let id = HostId(self.hosts.len() as u32);
        self.hosts.push(Arc::new(Host {
            name,
            vars: Arc::default(),
            source,
            groups: Vec::new(),
            chain: Arc::default(),
            implicit: false,
            origin,
        }));
        id
    }

    /// The host of that name, made if it is new.
    fn add_named_host(
        &mut self,
        name: HostName,
        source: &Arc<Map>,
        origin: Option<&Origin>,
    ) -> (HostId, bool) {
        if let Some(id) = self.host_ids.get(&name) {
            return (*id, false);
        }
        let id = self.push_host(name.clone(), source.clone(), origin.cloned());
        if self.localhost.is_none() && LOCAL_NAMES.contains(&name.as_str()) {
            self.localhost = Some(id);
        }
        Arc::make_mut(&mut self.host_ids).insert(name, id);
        (id, true)
    }

    fn add_group(&mut self, name: GroupName, origin: Option<&Origin>) -> GroupId {
        let next = GroupId(self.groups.len() as u32);
        match Arc::make_mut(&mut self.group_ids).entry(name) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                self.groups.push(Arc::new(Group::new(entry.key().clone(), origin.cloned())));
                *entry.insert(next)
            }
        }
    }

    fn add_member(&mut self, group: GroupId, host: HostId) -> bool {
        let added = self.group_mut(group).is_some_and(|group| group.hosts.insert(host));
        if added && let Some(host) = self.host_mut(host) {
            host.groups.push(group);
        }
        added
    }

    /// Puts a group into another; an error: that would be a loop.
    fn add_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool> {
        if self.group(parent).children.contains(&child) {
            return Ok(false);
        }
        if self.is_inside(parent, child) {
            let (parent, child) = (&self.group(parent).name, &self.group(child).name);
            return Err(Diagnostic::new("groups in a circle").detail(if parent == child {
                format!("group `{parent}` cannot be its own child")
            } else {
                format!("group `{child}` cannot be a child of `{parent}`, which is inside it already")
            }));
        }
        if let Some(group) = self.group_mut(parent) {
            group.children.insert(child);
        }
        if let Some(group) = self.group_mut(child) {
            group.parents.insert(parent);
        }
        Ok(true)
    }

    /// Whether a group is another or inside it.
    fn is_inside(&self, inner: GroupId, outer: GroupId) -> bool {
        let mut around: IndexSet<GroupId> = IndexSet::from([inner]);
        let mut position = 0;
        while let Some(group) = around.get_index(position).copied() {
            if group == outer {
                return true;
            }
            around.extend(&self.group(group).parents);
            position += 1;
        }
        false
    }

    fn set_group_variable(&mut self, group: GroupId, name: Value, value: Value) -> Result<()> {
        let merges = self.merges;
        let Some(group) = self.group_mut(group) else { return Ok(()) };
        if name == "ansible_group_priority" {
            group.priority = priority(&value)?;
        } else {
            put(Arc::make_mut(&mut group.vars), &name, value, merges);
        }
        Ok(())
    }

    fn set_host_variables(&mut self, host: HostId, vars: &Arc<Map>) {
        let merges = self.merges;
        let Some(host) = self.host_mut(host).filter(|_| !vars.is_empty()) else { return };
        if host.vars.is_empty() {
            host.vars = vars.clone();
        } else {
            let known = Arc::make_mut(&mut host.vars);
            vars.iter().for_each(|(name, value)| put(known, name, value.clone(), merges));
        }
    }

    /// Takes the steps of one source, or none of them.
    pub(crate) fn take(&mut self, steps: Steps, source: Option<&Path>) -> Result<Diagnostics> {
        let declared: std::collections::HashSet<&str> = steps
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Group { name, .. } => Some(name.as_ref()),
                _ => None,
            })
            .collect();
        for (group, why) in &steps.required {
            if !declared.contains(group.as_ref()) && self.find_group(group).is_none() {
                return Err(why.clone());
            }
        }
        let mut attempt = self.clone();
        let mut warnings = steps.warnings;
        attempt.take_steps(steps.steps, &source_vars(source), &mut warnings)?;
        *self = attempt;
        Ok(warnings)
    }

    fn take_steps(&mut self, steps: Vec<Step>, source: &Arc<Map>, warnings: &mut Diagnostics) -> Result<()> {
        // Relations to groups that come later in the source, by the later group.
        let mut pending: HashMap<Arc<str>, Vec<(GroupId, Option<Origin>)>> = HashMap::new();
        for step in steps {
            match step {
                Step::Group { name, origin } => {
                    let group = self.add_group(GroupName::from(name.clone()), origin.as_ref());
                    for (parent, origin) in pending.remove(&name).unwrap_or_default() {
                        self.add_child(parent, group).map_err(|why| why.at_maybe(origin.as_ref(), ""))?;
                    }
                }
                Step::Child { parent, child, origin } => {
                    let parent = self.add_group(GroupName::from(parent), None);
                    match self.find_group(&child) {
                        Some(child) => {
                            self.add_child(parent, child).map_err(|why| why.at_maybe(origin.as_ref(), ""))?;
                        }
                        None => pending.entry(child).or_default().push((parent, origin)),
                    }
                }
                Step::GroupVariable { group, name, value } => {
                    let group = self.add_group(GroupName::from(group), None);
                    let origin = value.origin().or_else(|| name.origin()).cloned();
                    self.set_group_variable(group, name, value)
                        .map_err(|why| why.at_maybe(origin.as_ref(), ""))?;
                }
                Step::Hosts { names, group, port, vars, origin } => {
                    let group = group.map(|group| self.add_group(GroupName::from(group), None));
                    for name in names {
                        if name.is_empty() {
                            warnings.push(
                                Diagnostic::warning("host without a name").at_maybe(origin.as_ref(), ""),
                            );
                            continue;
                        }
                        let host =
                            self.take_host(HostName::from(name), group, port, (source, origin.as_ref()));
                        self.set_host_variables(host, &vars);
                    }
                }
            }
        }
        Ok(())
    }

    fn take_host(
        &mut self,
        name: HostName,
        group: Option<GroupId>,
        port: Option<u16>,
        (source, origin): (&Arc<Map>, Option<&Origin>),
    ) -> HostId {
        let (host, is_new) = self.add_named_host(name, source, origin);
        if let Some(port) = port.filter(|_| is_new) {
            let port = Value::from(u32::from(port));
            let port = match origin {
                Some(origin) => port.at(origin.clone()),
                None => port,
            };
            self.set_host_variables(host, &Arc::new(Map::from_iter([(Value::str("ansible_port"), port)])));
        }
        if let Some(group) = group {
            self.add_member(group, host);
        }
        host
    }

    /// Puts right what follows from the rest: every group is inside `all`, a host of no group is in `ungrouped`, and
    /// what is known about depths and memberships is made anew.
    pub(crate) fn reconcile(&mut self) {
        for id in self.group_ids() {
            if id != GroupId::ALL && self.group(id).parents.is_empty() {
                // `all` has no parents, so this cannot be a loop.
                let _ = self.add_child(GroupId::ALL, id);
            }
        }
        for index in 0..self.hosts.len() {
            self.settle_ungrouped(HostId(index as u32));
        }
        self.measure_depths();
        for id in self.group_ids() {
            if let Some(group) = self.group_mut(id) {
                group.all_hosts = OnceLock::new();
            }
        }
        self.chain_hosts();
    }

    /// A host is in `ungrouped` when it is in no other group but `all`.
    fn settle_ungrouped(&mut self, id: HostId) {
        let host = self.host(id);
        let grouped = host.groups.iter().any(|g| *g != GroupId::ALL && *g != GroupId::UNGROUPED);
        let ungrouped = host.groups.contains(&GroupId::UNGROUPED);
        if grouped && ungrouped {
            if let Some(host) = self.host_mut(id) {
                host.groups.retain(|group| *group != GroupId::UNGROUPED);
            }
            if let Some(group) = self.group_mut(GroupId::UNGROUPED) {
                group.hosts.shift_remove(&id);
            }
        } else if !grouped && !ungrouped && !host.implicit {
            self.add_member(GroupId::UNGROUPED, id);
        }
    }

    /// The same as [`Inventory::reconcile`] when only one host has come into groups: runs add hosts one by one.
    fn reconcile_host(&mut self, id: HostId, groups: &[GroupId]) {
        for group in groups {
            if *group != GroupId::ALL && self.group(*group).parents.is_empty() {
                // `all` has no parents, so this cannot be a loop.
                let _ = self.add_child(GroupId::ALL, *group);
                if let Some(group) = self.group_mut(*group) {
                    group.depth = 1;
                }
            }
        }
        self.settle_ungrouped(id);
        let around = self.all_around(&self.host(id).groups);
        for group in around.iter().chain(&[GroupId::ALL, GroupId::UNGROUPED]) {
            if let Some(group) = self.group_mut(*group) {
                group.all_hosts = OnceLock::new();
            }
        }
        // Another host of the same groups may have a chain to share.
        let groups = &self.host(id).groups;
        let others =
            groups.first().into_iter().flat_map(|group| self.group(*group).hosts.iter().rev().take(2));
        let twin = others
            .map(|other| self.host(*other))
            .find(|other| other.groups == *groups && other.chain.groups == around);
        let chain = match twin {
            Some(twin) => twin.chain.clone(),
            None => Arc::new(Chain { groups: around, layers: OnceLock::new() }),
        };
        if let Some(host) = self.host_mut(id) {
            host.chain = chain;
        }
    }

    /// The longest way from `all` to every group.
    fn measure_depths(&mut self) {
        let mut depths = vec![0_u32; self.groups.len()];
        let mut waiting: Vec<usize> = self.groups.iter().map(|group| group.parents.len()).collect();
        let mut ready: Vec<GroupId> =
            self.group_ids().filter(|id| waiting.get(id.index()) == Some(&0)).collect();
        while let Some(id) = ready.pop() {
            let below = depths.get(id.index()).copied().unwrap_or(0) + 1;
            for child in &self.group(id).children {
                if let Some(depth) = depths.get_mut(child.index()) {
                    *depth = (*depth).max(below);
                }
                if let Some(left) = waiting.get_mut(child.index()) {
                    *left -= 1;
                    if *left == 0 {
                        ready.push(*child);
                    }
                }
            }
        }
        for (id, depth) in self.group_ids().zip(depths) {
            if self.group(id).depth != depth
                && let Some(group) = self.group_mut(id)
            {
                group.depth = depth;
            }
        }
    }

    /// Gives every host its groups; hosts of the same groups share one list.
    fn chain_hosts(&mut self) {
        let mut known: HashMap<Vec<GroupId>, Arc<Chain>> = HashMap::new();
        for index in 0..self.hosts.len() {
            let id = HostId(index as u32);
            let chain = match known.get(&self.host(id).groups) {
                Some(chain) => chain.clone(),
                None => {
                    let direct = self.host(id).groups.clone();
                    let chain = Arc::new(Chain { groups: self.all_around(&direct), layers: OnceLock::new() });
                    known.insert(direct, chain.clone());
                    chain
                }
            };
            if let Some(host) = self.host_mut(id) {
                host.chain = chain;
            }
        }
    }

    fn all_around(&self, direct: &[GroupId]) -> Vec<GroupId> {
        let mut around: IndexSet<GroupId> = direct.iter().copied().collect();
        let mut position = 0;
        while let Some(group) = around.get_index(position).copied() {
            around.extend(&self.group(group).parents);
            position += 1;
        }
        around.shift_remove(&GroupId::ALL);
        let mut groups: Vec<GroupId> = around.into_iter().collect();
        groups.sort_by(|a, b| {
            let rank = |id: &GroupId| {
                let group = self.group(*id);
                (group.depth, group.priority, &group.name)
            };
            rank(a).cmp(&rank(b))
        });
        groups
    }

    fn forget_layers(&mut self) {
        self.chain_hosts();
    }

    /// Adds a host, or groups and variables to a known one, while a run goes on (`add_host`); whether that changed
    /// anything.
    pub fn add_host(&mut self, name: &str, groups: &[&str], vars: &Map) -> Result<(HostId, bool)> {
        if name.is_empty() {
            return Err(Diagnostic::new("host without a name").detail("a host must have a name"));
        }
        self.added.push(Added::Host {
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            vars: vars.clone(),
        });
        let (host, mut changed) = self.add_named_host(HostName::from(name), &source_vars(None), None);
        let known = &self.host(host).vars;
        if vars.iter().any(|(name, value)| known.get(name) != Some(value)) {
            self.set_host_variables(host, &Arc::new(vars.clone()));
            changed = true;
        }
        let mut joined = Vec::new();
        for group in groups {
            changed |= self.find_group(group).is_none();
            let group = self.add_group(GroupName::from(*group), None);
            changed |= self.add_member(group, host);
            joined.push(group);
        }
        if changed {
            self.reconcile_host(host, &joined);
        }
        Ok((host, changed))
    }

    /// Adds a host that is in no group and no listing: one that only a `delegate_to` names.
    pub fn add_stranger(&mut self, name: &str) -> HostId {
        let id = self.push_host(HostName::from(name), source_vars(None), None);
        if let Some(host) = self.host_mut(id) {
            host.implicit = true;
        }
        id
    }

    /// Puts a host into a group, and the group into others, while a run goes on (`group_by`); whether that changed
    /// anything.
    pub fn group_by(&mut self, host: HostId, group: &str, parents: &[&str]) -> Result<bool> {
        self.added.push(Added::Group {
            host,
            group: group.to_owned(),
            parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        });
        let mut changed = self.find_group(group).is_none();
        let group = self.add_group(GroupName::from(group), None);
        for parent in parents {
            let parent = self.add_group(GroupName::from(*parent), None);
            changed |= self.add_child(parent, group)?;
        }
        changed |= self.add_member(group, host);
        if changed && parents.is_empty() {
            self.reconcile_host(host, &[group]);
        } else if changed {
            self.reconcile();
        }
        Ok(changed)
    }
}

/// Sets a variable; mappings are put together if wanted.
fn put(all: &mut Map, name: &Value, value: Value, merges: bool) {
    let merged = match all.get(name).and_then(Value::as_map).zip(value.as_map()).filter(|_| merges) {
        Some((old, new)) => {
            let mut both = old.clone();
            new.iter().for_each(|(name, value)| put(&mut both, name, value.clone(), true));
            Value::map(both)
        }
        None => value,
    };
    all.insert(name.clone(), merged);
}

/// `ansible_group_priority`, which like Python's `int` takes numbers and their text.
fn priority(value: &Value) -> Result<i64> {
    let number = match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => value.as_int().or_else(|| value.as_float().map(|float| float as i64)),
    };
    number.ok_or_else(|| {
        Diagnostic::new("invalid group priority")
            .detail(format!("`ansible_group_priority` must be a whole number, not {}", value.repr()))
    })
}

/// `inventory_file` and `inventory_dir` of hosts that a source names first.
fn source_vars(source: Option<&Path>) -> Arc<Map> {
    let text = |path: Option<&Path>| path.map_or(Value::NULL, |path| Value::str(path.to_string_lossy()));
    let folder = source.and_then(|source| if source.is_dir() { Some(source) } else { source.parent() });
    let folder = folder.filter(|_| source.is_some_and(Path::exists));
    Arc::new(Map::from_iter([
        (Value::str("inventory_file"), text(source)),
        (Value::str("inventory_dir"), text(folder)),
    ]))
}
