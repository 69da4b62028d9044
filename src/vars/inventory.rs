//! The inventory's layers at their levels.

use std::path::PathBuf;

use shevek_diag::Result;
use shevek_inventory::{HostId, Inventory, Place};

use crate::{Layer, Level};

/// The variables that the inventory has for a host, strongest first.
pub(crate) fn layers(inventory: &Inventory, host: HostId) -> Result<Vec<Layer>> {
    let own = inventory.own_layers(host)?;
    let groups = inventory.group_layers(host)?;
    Ok(leveled(groups.iter().chain(&own)))
}

/// The same with the variables beside these folders instead of the playbook's.
pub(crate) fn layers_beside(inventory: &Inventory, host: HostId, folders: &[PathBuf]) -> Result<Vec<Layer>> {
    Ok(leveled(inventory.host_vars_beside(host, folders)?.iter()))
}

fn leveled<'a>(weakest_first: impl Iterator<Item = &'a shevek_inventory::Layer>) -> Vec<Layer> {
    let mut layers: Vec<Layer> = weakest_first
        .map(|layer| Layer { level: level(layer.place), variables: layer.vars.clone() })
        .collect();
    layers.reverse();
    layers
}

fn level(place: Place) -> Level {
    match place {
        Place::All | Place::Groups => Level::InventoryGroupVars,
        Place::AllFiles => Level::InventoryGroupVarsAll,
        Place::AllPlaybookFiles => Level::PlaybookGroupVarsAll,
        Place::GroupsFiles => Level::InventoryGroupVarsFiles,
        Place::GroupsPlaybookFiles => Level::PlaybookGroupVarsFiles,
        Place::Source | Place::Host => Level::InventoryHostVars,
        Place::HostFiles => Level::InventoryHostVarsFiles,
        Place::HostPlaybookFiles => Level::PlaybookHostVarsFiles,
    }
}
