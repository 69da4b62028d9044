//! All groups that a host is in; hosts of the same groups share one.

use std::sync::{Arc, OnceLock};

use crate::GroupId;
use crate::layer::Layer;

/// The groups of a host, weakest variables first.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// Sorted by depth, priority and name; without `all`.
    pub groups: Vec<GroupId>,
    /// Their variables, found when first asked for.
    pub layers: OnceLock<Arc<[Layer]>>,
}
