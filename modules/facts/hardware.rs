//! Memory, uptime, and what the firmware says of the machine.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// `memory_mb`, `memtotal_mb` …, `uptime_seconds`, DMI facts.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    memory(host, facts);
    if let Some(seconds) =
        line(host, "/proc/uptime").and_then(|text| text.split('.').next()?.parse::<i64>().ok())
    {
        put(facts, "uptime_seconds", seconds);
    }
    firmware(host, facts);
    Ok(())
}

fn memory(host: &Probe, facts: &mut Facts) {
    let text = line(host, "/proc/meminfo").unwrap_or_default();
    let mb = |key: &str| -> i64 {
        let kb = text.lines().find_map(|entry| entry.strip_prefix(key)?.strip_prefix(':'));
        kb.and_then(|kb| kb.trim().trim_end_matches("kB").trim().parse::<i64>().ok()).unwrap_or(0) / 1024
    };
    let map = |entries: &[(&str, i64)]| {
        Val::Map(entries.iter().map(|(k, v)| ((*k).to_owned(), Val::Int(*v))).collect())
    };
    let (total, free) = (mb("MemTotal"), mb("MemFree"));
    let (swap_total, swap_free) = (mb("SwapTotal"), mb("SwapFree"));
    for (name, value) in [
        ("memtotal_mb", total),
        ("memfree_mb", free),
        ("swaptotal_mb", swap_total),
        ("swapfree_mb", swap_free),
    ] {
        put(facts, name, value);
    }
    let idle = free + mb("Buffers") + mb("Cached");
    let parts = vec![
        ("real".to_owned(), map(&[("total", total), ("used", total - free), ("free", free)])),
        ("nocache".to_owned(), map(&[("free", idle), ("used", total - idle)])),
        (
            "swap".to_owned(),
            map(&[
                ("total", swap_total),
                ("free", swap_free),
                ("used", swap_total - swap_free),
                ("cached", mb("SwapCached")),
            ]),
        ),
    ];
    put(facts, "memory_mb", Val::Map(parts));
}

/// Names of `/sys/devices/virtual/dmi/id` with the facts that they are.
const DMI: &[(&str, &str)] = &[
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("sys_vendor", "system_vendor"),
];

/// Kinds of chassis by their number.
const FORMS: &[&str] = &[
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

fn firmware(host: &Probe, facts: &mut Facts) {
    const FOLDER: &str = "/sys/devices/virtual/dmi/id";
    if !host.exists(FOLDER) {
        return;
    }
    for (file, name) in DMI {
        let value = line(host, &format!("{FOLDER}/{file}")).filter(|value| !value.is_empty());
        put(facts, name, value.unwrap_or_else(|| "NA".to_owned()));
    }
    let form = line(host, &format!("{FOLDER}/chassis_type")).and_then(|text| text.parse::<usize>().ok());
    let form = form.map_or("NA", |number| FORMS.get(number).copied().unwrap_or("unknown"));
    put(facts, "form_factor", form);
}
