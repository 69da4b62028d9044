//! Options that several verbs share; each group says how it changes the settings.

mod connection;
mod escalation;
mod hosts;
mod output;
mod running;
mod vault;

pub(crate) use connection::Connection;
pub(crate) use escalation::Escalation;
pub(crate) use hosts::Hosts;
pub(crate) use output::{Output, ReportKind, ReportTo};
pub(crate) use running::Running;
pub(crate) use vault::VaultIds;
