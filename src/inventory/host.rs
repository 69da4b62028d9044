//! One host.

use std::sync::Arc;

use shevek_diag::Origin;
use shevek_value::Map;

use crate::chain::Chain;
use crate::{GroupId, HostName};

/// A host as the inventory has it.
#[derive(Debug, Clone)]
pub struct Host {
    pub(crate) name: HostName,
    pub(crate) vars: Arc<Map>,
    /// `inventory_file` and `inventory_dir`: shared by all hosts of a source.
    pub(crate) source: Arc<Map>,
    /// Groups that name it, in that order.
    pub(crate) groups: Vec<GroupId>,
    /// All groups that it is in, made when the inventory is reconciled.
    pub(crate) chain: Arc<Chain>,
    pub(crate) implicit: bool,
    pub(crate) origin: Option<Origin>,
}

impl Host {
    /// `inventory_hostname`.
    pub fn name(&self) -> &HostName {
        &self.name
    }

    /// Variables that inventory sources give it, without those of its groups.
    pub fn vars(&self) -> &Arc<Map> {
        &self.vars
    }

    /// `inventory_file` and `inventory_dir`.
    pub fn source(&self) -> &Arc<Map> {
        &self.source
    }

    /// Groups that name it, without those that these are in.
    pub fn groups(&self) -> &[GroupId] {
        &self.groups
    }

    /// Whether it is the `localhost` that is always there, because no source names one.
    pub fn is_implicit(&self) -> bool {
        self.implicit
    }

    /// Where it was named first.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}
