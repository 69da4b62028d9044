//! Mounted file systems and block devices.

use std::path::Path;

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// `mounts`, `devices`.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let uuids = uuids(host);
    let table = line(host, "/proc/mounts").unwrap_or_default();
    let mounts: Vec<Val> = table.lines().filter_map(|entry| mount(host, entry, &uuids)).collect();
    put(facts, "mounts", Val::List(mounts));
    put(facts, "devices", devices(host, &uuids));
    Ok(())
}

/// Devices by their file names with their file systems' UUIDs.
fn uuids(host: &Probe) -> Vec<(String, String)> {
    const FOLDER: &str = "/dev/disk/by-uuid";
    let names = host.list(FOLDER).unwrap_or_default();
    let pairs = names.into_iter().filter_map(|name| {
        let uuid = name.into_string().ok()?;
        let device = host.canonical(Path::new(FOLDER).join(&uuid)).ok()?;
        Some((device.to_string_lossy().into_owned(), uuid))
    });
    pairs.collect()
}

/// One line of `/proc/mounts`; kernel-made file systems are left out, as Ansible does.
fn mount(host: &Probe, entry: &str, uuids: &[(String, String)]) -> Option<Val> {
    let mut fields = entry.split(' ').map(unescaped);
    let (device, path, kind, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (dump, passno) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    if (!device.starts_with(['/', '\\']) && !device.contains(":/")) || kind == "none" {
        return None;
    }
    let mut entries: Vec<(String, Val)> = vec![
        ("mount".to_owned(), path.clone().into()),
        ("device".to_owned(), device.clone().into()),
        ("fstype".to_owned(), kind.into()),
        ("options".to_owned(), options.into()),
        ("dump".to_owned(), dump.parse::<i64>().unwrap_or(0).into()),
        ("passno".to_owned(), passno.parse::<i64>().unwrap_or(0).into()),
    ];
    if let Ok(volume) = host.volume(&path) {
        let mut add = |name: &str, value: u64| entries.push((name.to_owned(), value.into()));
        add("size_total", volume.blocks * volume.block_size);
        add("size_available", volume.blocks_available * volume.block_size);
        add("block_size", volume.block_size);
        add("block_total", volume.blocks);
        add("block_available", volume.blocks_available);
        add("block_used", volume.blocks.saturating_sub(volume.blocks_available));
        add("inode_total", volume.inodes);
        add("inode_available", volume.inodes_available);
        add("inode_used", volume.inodes.saturating_sub(volume.inodes_available));
    }
    let uuid = uuids.iter().find(|(known, _)| *known == device).map(|(_, uuid)| uuid.clone());
    entries.push(("uuid".to_owned(), uuid.unwrap_or_else(|| "N/A".to_owned()).into()));
    Some(Val::Map(entries))
}

/// `\040` and the like stand for spaces.
fn unescaped(field: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(field.to_owned(), |text, (code, letter)| text.replace(code, letter))
}

fn devices(host: &Probe, uuids: &[(String, String)]) -> Val {
    let mut names: Vec<String> = host
        .list("/sys/block")
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .collect();
    names.sort();
    Val::Map(names.into_iter().map(|name| (name.clone(), device(host, &name, uuids))).collect())
}

fn device(host: &Probe, name: &str, uuids: &[(String, String)]) -> Val {
    let folder = format!("/sys/block/{name}");
    let read = |file: &str| line(host, &format!("{folder}/{file}"));
    let text = |file: &str| Val::from(read(file));
    let sectors: u64 = read("size").and_then(|text| text.parse().ok()).unwrap_or(0);
    let sector_size: u64 = read("queue/hw_sector_size").and_then(|text| text.parse().ok()).unwrap_or(512);
    let mut partitions: Vec<(String, Val)> = Vec::new();
    let mut children: Vec<String> = host
        .list(&folder)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|child| child.into_string().ok())
        .collect();
    children.sort();
    for child in children.into_iter().filter(|child| child.starts_with(name)) {
        let inside = |file: &str| line(host, &format!("{folder}/{child}/{file}"));
        let Some(size) = inside("size").and_then(|text| text.parse::<u64>().ok()) else { continue };
        let uuid =
            uuids.iter().find(|(known, _)| *known == format!("/dev/{child}")).map(|(_, uuid)| uuid.clone());
        let entries: Vec<(&str, Val)> = vec![
            ("start", inside("start").into()),
            ("sectors", size.into()),
            ("sectorsize", sector_size.into()),
            ("size", human(size * 512).into()),
            ("uuid", uuid.into()),
        ];
        partitions.push((child, Val::Map(entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())));
    }
    let scheduler = read("queue/scheduler").unwrap_or_default();
    let active =
        scheduler.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(name, _)| name.to_owned());
    let entries: Vec<(&str, Val)> = vec![
        (
            "virtual",
            Val::Int(i64::from(
                host.readlink(&folder).is_ok_and(|to| to.to_string_lossy().contains("/virtual/")),
            )),
        ),
        ("vendor", text("device/vendor")),
        ("model", text("device/model")),
        ("removable", text("removable")),
        ("support_discard", text("queue/discard_granularity")),
        ("rotational", text("queue/rotational")),
        ("scheduler_mode", active.unwrap_or_default().into()),
        ("sectors", sectors.into()),
        ("sectorsize", sector_size.to_string().into()),
        ("size", human(sectors * 512).into()),
        ("partitions", Val::Map(partitions)),
    ];
    Val::Map(entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

/// `20.00 GB`, in steps of 1024.
fn human(bytes: u64) -> String {
    for (power, unit) in [(5, "PB"), (4, "TB"), (3, "GB"), (2, "MB"), (1, "KB")] {
        let step = 1024_f64.powi(power);
        if bytes as f64 >= step {
            return format!("{:.2} {unit}", bytes as f64 / step);
        }
    }
    format!("{bytes:.2} Bytes")
}
