//! Block devices.

use std::collections::BTreeMap;

use shevek_kit::prelude::*;

use super::{Facts, Wanted, put, word};

/// `devices`, `device_links`.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let names = names(host, "/sys/block");
    let about = About { host, links: links(host, &names), buses: buses(host) };
    let all = about.links.iter().map(|(kind, by)| {
        let by = by.iter().map(|(device, names)| (device.clone(), names.clone().into()));
        ((*kind).to_owned(), Val::Map(by.collect()))
    });
    put(facts, "device_links", Val::Map(all.collect()));
    put(facts, "devices", Val::Map(names.iter().map(|name| (name.clone(), about.device(name))).collect()));
    Ok(())
}

/// Device to its names of one kind.
type Links = BTreeMap<String, Vec<String>>;

/// What is needed to tell about each device.
struct About<'a> {
    host: &'a Probe,
    links: [(&'static str, Links); 4],
    /// What `lspci` says: an address and a name a line.
    buses: String,
}

fn names(host: &Probe, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = host
        .list(folder)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .collect();
    names.sort();
    names
}

fn links(host: &Probe, blocks: &[String]) -> [(&'static str, Links); 4] {
    let folder = |kind: &str| {
        let folder = format!("/dev/disk/by-{kind}");
        let mut by = Links::new();
        for name in names(host, &folder) {
            let Ok(target) = host.readlink(format!("{folder}/{name}")) else { continue };
            let Some(device) = target.file_name() else { continue };
            by.entry(device.to_string_lossy().into_owned()).or_default().push(name);
        }
        by
    };
    let mut masters = Links::new();
    for block in blocks {
        for slave in names(host, &format!("/sys/block/{block}/slaves")) {
            masters.entry(slave).or_default().push(block.clone());
        }
    }
    [("ids", folder("id")), ("uuids", folder("uuid")), ("labels", folder("label")), ("masters", masters)]
}

fn buses(host: &Probe) -> String {
    if host.which("lspci").is_none() {
        return String::new();
    }
    host.ask(cmd("lspci").arg("-D").any_rc()).map(|ran| ran.out()).unwrap_or_default()
}

impl About<'_> {
    fn device(&self, name: &str) -> Val {
        let folder = format!("/sys/block/{name}");
        let read = |file: &str| word(self.host, &format!("{folder}/{file}"));
        let sector_size = read("queue/logical_block_size").or_else(|| read("queue/hw_sector_size"));
        let (sectors, size) = sizes(read("size"), sector_size.as_deref());
        let scheduler = read("queue/scheduler").unwrap_or_default();
        let active =
            scheduler.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(name, _)| name);
        let discard = match read("queue/discard_max_hw_bytes").as_deref() {
            Some("0") => Some("0".to_owned()),
            _ => read("queue/discard_granularity"),
        };
        // Ansible says so of every device of a kernel that has links in /sys/block, which all have.
        let mut entries: Vec<(&str, Val)> = vec![("virtual", 1.into()), ("links", self.links_of(name))];
        for key in ["vendor", "model", "sas_address", "sas_device_handle"] {
            entries.push((key, read(&format!("device/{key}")).into()));
        }
        if let Some(serial) = self.serial(name) {
            entries.push(("serial", serial.into()));
        }
        entries.push(("removable", read("removable").into()));
        entries.push(("support_discard", discard.into()));
        if let Some(wwn) = self.named("ids", name).iter().find_map(|id| id.strip_prefix("wwn-")) {
            entries.push(("wwn", wwn.into()));
        }
        let children = names(self.host, &folder);
        let partitions = children.iter().filter(|child| is_partition(name, child));
        let partitions = partitions.map(|child| (child.clone(), self.partition(&folder, child))).collect();
        entries.extend([
            ("partitions", Val::Map(partitions)),
            ("rotational", read("queue/rotational").into()),
            ("scheduler_mode", active.unwrap_or_default().into()),
            ("sectorsize", sector_size.map_or_else(|| 512.into(), Val::from)),
            ("sectors", sectors.into()),
            ("size", size.into()),
            ("host", self.bus(&folder).into()),
            ("holders", self.holders(&folder).into()),
        ]);
        map(entries)
    }

    fn partition(&self, folder: &str, name: &str) -> Val {
        let folder = format!("{folder}/{name}");
        let read = |file: &str| word(self.host, &format!("{folder}/{file}"));
        let sector_size = read("queue/logical_block_size").or_else(|| read("queue/hw_sector_size"));
        let (sectors, size) = sizes(read("size"), sector_size.as_deref());
        map(vec![
            ("links", self.links_of(name)),
            ("start", read("start").map_or_else(|| 0.into(), Val::from)),
            ("sectorsize", sector_size.map_or_else(|| 512.into(), Val::from)),
            ("sectors", sectors.into()),
            ("size", size.into()),
            ("uuid", self.named("uuids", name).first().cloned().into()),
            ("holders", self.holders(&folder).into()),
        ])
    }

    fn named(&self, kind: &str, device: &str) -> &[String] {
        let links = self.links.iter().find(|(known, _)| *known == kind).and_then(|(_, by)| by.get(device));
        links.map_or(&[], Vec::as_slice)
    }

    fn links_of(&self, device: &str) -> Val {
        map(self.links.iter().map(|(kind, _)| (*kind, self.named(kind, device).to_vec().into())).collect())
    }

    fn serial(&self, name: &str) -> Option<String> {
        if self.host.which("sg_inq").is_none() {
            return word(self.host, &format!("/sys/block/{name}/device/serial"));
        }
        let said =
            self.host.ask(cmd("sg_inq").arg(format!("/dev/{name}")).any_rc()).ok().filter(Ran::ok)?.out();
        said.lines().find_map(|entry| {
            let (key, value) = entry.trim().split_once(':')?;
            let serial = value.split_whitespace().next()?;
            (key.ends_with("erial number")).then(|| serial.to_owned())
        })
    }

    /// Devices of the mapper that are made of this one, by the names that people know.
    fn holders(&self, folder: &str) -> Vec<String> {
        let holders = names(self.host, &format!("{folder}/holders"));
        let mapped = holders.into_iter().filter(|name| name.starts_with("dm-"));
        let known =
            |name: String| word(self.host, &format!("{folder}/holders/{name}/dm/name")).unwrap_or(name);
        mapped.map(known).collect()
    }

    /// The adapter that the device is behind, as `lspci` names it.
    fn bus(&self, folder: &str) -> String {
        let Ok(target) = self.host.readlink(folder) else { return String::new() };
        let target = target.to_string_lossy().into_owned();
        let is_address = |part: &&str| {
            let part = part.as_bytes();
            part.len() == 12
                && part.get(4) == Some(&b':')
                && part.get(7) == Some(&b':')
                && part.get(10) == Some(&b'.')
        };
        let Some(address) = target.split('/').rfind(is_address) else { return String::new() };
        let name = self.buses.lines().find_map(|entry| entry.strip_prefix(address)?.strip_prefix(' '));
        name.unwrap_or_default().to_owned()
    }
}

/// Sectors and what they come to; the kernel counts in sectors of 512 bytes always.
fn sizes(size: Option<String>, sector_size: Option<&str>) -> (u64, String) {
    let bytes = size.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0).saturating_mul(512);
    let sector_size = sector_size.and_then(|text| text.parse::<u64>().ok()).filter(|n| *n > 0).unwrap_or(512);
    let sectors = bytes / sector_size;
    (sectors, human(sectors * sector_size))
}

/// `vda1`, `nvme0n1p2`.
fn is_partition(device: &str, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(device) else { return false };
    let number = rest.strip_prefix('p').unwrap_or(rest);
    !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
}

/// `20.00 GB`, in steps of 1024.
fn human(bytes: u64) -> String {
    for (power, unit) in
        [(8, "YB"), (7, "ZB"), (6, "EB"), (5, "PB"), (4, "TB"), (3, "GB"), (2, "MB"), (1, "KB")]
    {
        let step = 1024_f64.powi(power);
        if bytes as f64 >= step {
            return format!("{:.2} {unit}", bytes as f64 / step);
        }
    }
    format!("{:.2} Bytes", bytes as f64)
}

fn map(entries: Vec<(&str, Val)>) -> Val {
    Val::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_its_partitions_and_names() {
        let world = World::new()
            .file("/sys/block/vda/size", "41943040\n")
            .file("/sys/block/vda/queue/logical_block_size", "512\n")
            .file("/sys/block/vda/queue/scheduler", "none [mq-deadline]\n")
            .file("/sys/block/vda/vda1/size", "2048\n")
            .file("/sys/block/vda/vda1/start", "34\n")
            .folder("/dev/disk/by-uuid")
            .link("/dev/disk/by-uuid/11-22", "../../vda1");
        let wanted = Wanted { subsets: Vec::new(), fact_path: String::new() };
        let mut facts = Facts::new();
        collect(&world.probe(), &wanted, &mut facts).unwrap();
        let disk = facts.iter().find(|(name, _)| name == "devices").unwrap().1.get("vda").unwrap().clone();
        assert_eq!(disk.get("size").and_then(Val::as_str), Some("20.00 GB"));
        assert_eq!(disk.get("scheduler_mode").and_then(Val::as_str), Some("mq-deadline"));
        let first = disk.get("partitions").and_then(|all| all.get("vda1")).unwrap();
        assert_eq!(first.get("size").and_then(Val::as_str), Some("1.00 MB"));
        assert_eq!(first.get("uuid").and_then(Val::as_str), Some("11-22"));
    }
}
