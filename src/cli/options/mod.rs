//! Options that several verbs share; each group says how it changes the settings.

mod connection;
mod escalation;
mod inventory;
mod output;
mod running;
mod vault;

pub(crate) use connection::Connection;
pub(crate) use escalation::Escalation;
pub(crate) use inventory::Inventory;
pub(crate) use output::{Output, ReportKind, ReportTo};
pub(crate) use running::Running;
pub(crate) use vault::VaultIds;
