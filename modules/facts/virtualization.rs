//! Whether the host is a guest, of what, or a host of guests.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// `virtualization_*`.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let mut guests = containers(host);
    guests.extend(machines(host).into_iter().map(str::to_owned));
    let mut hosts: Vec<&str> = Vec::new();
    let modules = line(host, "/proc/modules").unwrap_or_default();
    let has = |name: &str| modules.lines().any(|entry| entry.split(' ').next() == Some(name));
    if has("kvm") && host.exists("/dev/kvm") {
        hosts.push("kvm");
    }
    if has("vboxdrv") {
        hosts.push("virtualbox");
    }
    let (kind, role) = match (guests.first(), hosts.first()) {
        (Some(guest), _) => (guest.as_str(), "guest"),
        (None, Some(kind)) => (*kind, "host"),
        (None, None) => ("NA", "NA"),
    };
    put(facts, "virtualization_type", kind);
    put(facts, "virtualization_role", role);
    put(facts, "virtualization_tech_guest", words(&guests.iter().map(String::as_str).collect::<Vec<_>>()));
    put(facts, "virtualization_tech_host", words(&hosts));
    Ok(())
}

fn words(words: &[&str]) -> Val {
    let mut sorted: Vec<&str> = words.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    Val::List(sorted.into_iter().map(Val::from).collect())
}

fn containers(host: &Probe) -> Vec<String> {
    let mut found: Vec<&str> = Vec::new();
    let cgroup = line(host, "/proc/1/cgroup").unwrap_or_default();
    if host.exists("/.dockerenv") || cgroup.contains("/docker/") || cgroup.contains("/docker-") {
        found.extend(["docker", "container"]);
    }
    if cgroup.contains("/lxc/") || cgroup.contains("/machine.slice/machine-lxc") {
        found.extend(["lxc", "container"]);
    }
    let environment = host.read_if_there("/proc/1/environ").ok().flatten().unwrap_or_default();
    for variable in environment.split(|byte| *byte == 0).map(String::from_utf8_lossy) {
        match variable.as_ref() {
            "container=lxc" => found.extend(["lxc", "container"]),
            "container=podman" => found.extend(["podman", "container"]),
            "container=systemd-nspawn" | "container=docker" => found.push("container"),
            other if other.starts_with("container=") => found.push("container"),
            _ => {}
        }
    }
    let kind = line(host, "/run/systemd/container");
    match kind.as_deref() {
        Some(kind) if !kind.is_empty() => found.extend([kind, "container"]),
        _ => {}
    }
    if host.exists("/proc/vz") && !host.exists("/proc/bc") {
        found.push("openvz");
    }
    found.into_iter().map(str::to_owned).collect()
}

/// What product names of machines say.
const PRODUCTS: &[(&str, &str)] = &[
    ("KVM", "kvm"),
    ("Bochs", "kvm"),
    ("AHV", "kvm"),
    ("OpenStack", "openstack"),
    ("RHEV", "RHEV"),
    ("oVirt", "oVirt"),
    ("VMware", "VMware"),
    ("VirtualBox", "virtualbox"),
    ("HVM domU", "xen"),
    ("Parallels", "parallels"),
];

const VENDORS: &[(&str, &str)] = &[
    ("QEMU", "kvm"),
    ("Red Hat", "kvm"),
    ("Google", "kvm"),
    ("Amazon EC2", "kvm"),
    ("DigitalOcean", "kvm"),
    ("Hetzner", "kvm"),
    ("Nutanix", "kvm"),
    ("VMware", "VMware"),
    ("innotek GmbH", "virtualbox"),
    ("Xen", "xen"),
    ("Parallels", "parallels"),
    ("Microsoft Corporation", "VirtualPC"),
    ("OpenStack Foundation", "openstack"),
];

fn machines(host: &Probe) -> Vec<&'static str> {
    let dmi = |name: &str| line(host, &format!("/sys/devices/virtual/dmi/id/{name}")).unwrap_or_default();
    let (product, vendor, bios) = (dmi("product_name"), dmi("sys_vendor"), dmi("bios_vendor"));
    let matching = |table: &[(&str, &'static str)], text: &str| {
        table.iter().find(|(part, _)| text.contains(part)).map(|(_, kind)| *kind)
    };
    let mut found: Vec<&'static str> = Vec::new();
    found.extend(matching(PRODUCTS, &product));
    if vendor != "Microsoft Corporation" || product == "Virtual Machine" {
        found.extend(matching(VENDORS, &vendor));
    }
    if bios.contains("Amazon EC2") || bios.contains("DigitalOcean") || bios.contains("Hetzner") {
        found.push("kvm");
    }
    if found.is_empty() && host.exists("/sys/hypervisor/type") {
        found.push("xen");
    }
    if found.is_empty() {
        let processors = line(host, "/proc/cpuinfo").unwrap_or_default();
        if processors.contains("QEMU Virtual CPU") || processors.contains("Common KVM processor") {
            found.push("kvm");
        }
    }
    found
}
