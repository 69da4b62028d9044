//! Volumes of LVM.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, put, word};

/// `lvm`: volume groups, logical and physical volumes; `N/A` without the tools, and for others than root.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    if host.which("vgs").is_none() || host.identity().uid != 0 {
        put(facts, "lvm", "N/A");
        return Ok(());
    }
    let map = |entries: &[(&str, &str)]| {
        Val::Map(entries.iter().map(|(k, v)| ((*k).to_owned(), Val::from(*v))).collect())
    };
    let mut groups: Vec<(String, Val)> = Vec::new();
    for row in rows(host, "vgs") {
        if let [name, pvs, lvs, .., size, free] = fields(&row).as_slice() {
            let value = map(&[("size_g", size), ("free_g", free), ("num_lvs", lvs), ("num_pvs", pvs)]);
            groups.push(((*name).to_owned(), value));
        }
    }
    let mut logical: Vec<(String, Val)> = Vec::new();
    for row in rows(host, "lvs") {
        if let [name, group, _, size, ..] = fields(&row).as_slice() {
            logical.push(((*name).to_owned(), map(&[("size_g", size), ("vg", group)])));
        }
    }
    let mut physical: Vec<(String, Val)> = Vec::new();
    for row in rows(host, "pvs") {
        if let [device, group, _, _, size, free, ..] = fields(&row).as_slice() {
            physical.push((mapped(host, device), map(&[("size_g", size), ("free_g", free), ("vg", group)])));
        }
    }
    let parts = [("lvs", logical), ("vgs", groups), ("pvs", physical)];
    put(facts, "lvm", Val::Map(parts.map(|(name, entries)| (name.to_owned(), Val::Map(entries))).into()));
    Ok(())
}

fn rows(host: &Probe, program: &str) -> Vec<String> {
    let command = cmd(program).args(["--noheadings", "--nosuffix", "--units", "g", "--separator", ","]);
    let said = host.ask(command.any_rc()).map(|ran| ran.out()).unwrap_or_default();
    said.lines().map(|row| row.trim().to_owned()).collect()
}

fn fields(row: &str) -> Vec<&str> {
    row.split(',').collect()
}

/// A device of the mapper under the name that people know.
fn mapped(host: &Probe, device: &str) -> String {
    let name =
        device.strip_prefix("/dev/dm-").and_then(|n| word(host, &format!("/sys/block/dm-{n}/dm/name")));
    name.map_or_else(|| device.to_owned(), |name| format!("/dev/mapper/{name}"))
}
