//! The inventory's layers at their levels.

use shevek_diag::Result;
use shevek_inventory::{HostId, Inventory, Place};

use crate::{Layer, Level};

/// The variables that the inventory has for a host, strongest first.
pub(crate) fn layers(inventory: &Inventory, host: HostId) -> Result<Vec<Layer>> {
    let own = inventory.own_layers(host)?;
    let groups = inventory.group_layers(host)?;
    let all = groups.iter().chain(&own);
    let mut layers: Vec<Layer> =
        all.map(|layer| Layer { level: level(layer.place), variables: layer.vars.clone() }).collect();
    layers.reverse();
    Ok(layers)
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
