//! Mounted file systems.

use std::path::Path;

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// `mounts`.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let uuids = uuids(host);
    let bound = bound(&line(host, "/proc/self/mountinfo").unwrap_or_default());
    let table = line(host, "/proc/mounts").unwrap_or_default();
    let mounts = table.lines().filter_map(|entry| mount(host, entry, &uuids, &bound)).collect();
    put(facts, "mounts", Val::List(mounts));
    Ok(())
}

/// Devices by their file names with their file systems' UUIDs.
pub(crate) fn uuids(host: &Probe) -> Vec<(String, String)> {
    const FOLDER: &str = "/dev/disk/by-uuid";
    let names = host.list(FOLDER).unwrap_or_default();
    let pairs = names.into_iter().filter_map(|name| {
        let uuid = name.into_string().ok()?;
        let device = host.canonical(Path::new(FOLDER).join(&uuid)).ok()?;
        Some((device.to_string_lossy().into_owned(), uuid))
    });
    pairs.collect()
}

/// Where something other than the root of a file system is mounted: bind mounts, and subvolumes too.
fn bound(table: &str) -> Vec<String> {
    let places = table.lines().filter_map(|entry| {
        let mut fields = entry.split(' ').skip(3);
        let (root, place) = (fields.next()?, fields.next()?);
        (root != "/").then(|| unescaped(place))
    });
    places.collect()
}

/// One line of `/proc/mounts`; kernel-made file systems are left out, as Ansible does.
fn mount(host: &Probe, entry: &str, uuids: &[(String, String)], bound: &[String]) -> Option<Val> {
    let mut fields = entry.split(' ').map(unescaped);
    let (device, path, kind, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (dump, passno) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    if (!device.starts_with(['/', '\\']) && !device.contains(":/")) || kind == "none" {
        return None;
    }
    let options = if bound.contains(&path) { format!("{options},bind") } else { options };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_mount_is_known_by_its_root() {
        let table = "25 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n\
                     31 25 254:0 /srv/in\\040side /mnt/in\\040side rw - ext4 /dev/vda rw\n";
        assert_eq!(bound(table), ["/mnt/in side"]);
    }
}
