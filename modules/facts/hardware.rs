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

/// Names of `/sys/devices/virtual/dmi/id`, the facts that they are, and what `dmidecode` calls them.
const DMI: &[(&str, &str, &str)] = &[
    ("bios_date", "bios_date", "bios-release-date"),
    ("bios_vendor", "bios_vendor", "bios-vendor"),
    ("bios_version", "bios_version", "bios-version"),
    ("board_asset_tag", "board_asset_tag", "baseboard-asset-tag"),
    ("board_name", "board_name", "baseboard-product-name"),
    ("board_serial", "board_serial", "baseboard-serial-number"),
    ("board_vendor", "board_vendor", "baseboard-manufacturer"),
    ("board_version", "board_version", "baseboard-version"),
    ("chassis_asset_tag", "chassis_asset_tag", "chassis-asset-tag"),
    ("chassis_serial", "chassis_serial", "chassis-serial-number"),
    ("chassis_vendor", "chassis_vendor", "chassis-manufacturer"),
    ("chassis_version", "chassis_version", "chassis-version"),
    ("chassis_type", "form_factor", "chassis-type"),
    ("product_name", "product_name", "system-product-name"),
    ("product_serial", "product_serial", "system-serial-number"),
    ("product_uuid", "product_uuid", "system-uuid"),
    ("product_version", "product_version", "system-version"),
    ("sys_vendor", "system_vendor", "system-manufacturer"),
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
    let kernel = host.exists(format!("{FOLDER}/product_name"));
    let program = !kernel && host.which("dmidecode").is_some();
    for (file, name, word) in DMI {
        let value = match (kernel, program) {
            (true, _) => line(host, &format!("{FOLDER}/{file}")).filter(|value| !value.is_empty()),
            (false, true) => decoded(host, word),
            (false, false) => None,
        };
        let value = match value {
            Some(number) if kernel && *name == "form_factor" => match number.parse::<usize>() {
                Ok(index) => {
                    FORMS.get(index).map_or_else(|| format!("unknown ({number})"), |f| (*f).to_owned())
                }
                Err(_) => "NA".to_owned(),
            },
            value => value.unwrap_or_else(|| "NA".to_owned()),
        };
        put(facts, name, value);
    }
}

/// What `dmidecode` says of one thing, where the kernel does not show it.
fn decoded(host: &Probe, word: &str) -> Option<String> {
    let ran = host.ask(cmd("dmidecode").arg("-s").arg(word).any_rc()).ok().filter(Ran::ok)?;
    Some(ran.out().lines().filter(|entry| !entry.starts_with('#')).collect())
}
