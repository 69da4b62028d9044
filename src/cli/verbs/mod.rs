//! One file a verb: its options, and what it does.

mod adhoc;
mod config;
mod doc;
mod inventory;
mod play;
mod pull;
mod replay;
mod vault;

pub(crate) use adhoc::AdHoc;
pub(crate) use config::Config;
pub(crate) use doc::Doc;
pub(crate) use inventory::Inventory;
pub(crate) use play::Play;
pub(crate) use pull::Pull;
pub(crate) use replay::Replay;
pub(crate) use vault::Vault;
