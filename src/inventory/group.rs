//! One group.

use std::sync::{Arc, OnceLock};

use shevek_diag::Origin;
use shevek_value::{IndexSet, Map};

use crate::{GroupId, GroupName, HostId};

/// A group as the inventory has it.
#[derive(Debug, Clone)]
pub struct Group {
    pub(crate) name: GroupName,
    pub(crate) vars: Arc<Map>,
    pub(crate) hosts: IndexSet<HostId>,
    pub(crate) children: IndexSet<GroupId>,
    pub(crate) parents: IndexSet<GroupId>,
    pub(crate) priority: i64,
    /// How far below `all`, along the longest way.
    pub(crate) depth: u32,
    /// Its hosts and those of the groups inside.
    pub(crate) all_hosts: OnceLock<Arc<[HostId]>>,
    pub(crate) origin: Option<Origin>,
}

impl Group {
    pub(crate) fn new(name: GroupName, origin: Option<Origin>) -> Self {
        Self {
            name,
            vars: Arc::default(),
            hosts: IndexSet::default(),
            children: IndexSet::default(),
            parents: IndexSet::default(),
            priority: 1,
            depth: 0,
            all_hosts: OnceLock::new(),
            origin,
        }
    }

    /// Its name.
    pub fn name(&self) -> &GroupName {
        &self.name
    }

    /// Variables that inventory sources give it.
    pub fn vars(&self) -> &Arc<Map> {
        &self.vars
    }

    /// Hosts that are in it themselves, in order.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = HostId> + '_ {
        self.hosts.iter().copied()
    }

    /// Groups inside, in order.
    pub fn children(&self) -> impl ExactSizeIterator<Item = GroupId> + '_ {
        self.children.iter().copied()
    }

    /// Groups around.
    pub fn parents(&self) -> impl ExactSizeIterator<Item = GroupId> + '_ {
        self.parents.iter().copied()
    }

    /// `ansible_group_priority`: of groups equally deep, the higher one's variables win.
    pub fn priority(&self) -> i64 {
        self.priority
    }

    /// How far below `all`, along the longest way.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Where it was named first.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}
