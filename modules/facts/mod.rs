//! What is known of a host, one file a subject. Start reading at [`gather`].
//!
//! A collector reads through a `Probe` and adds facts under Ansible's names without the prefix `ansible_`. What cannot be
//! read is left out: facts are what is known, and a missing one is seen when it is asked for.

mod clock;
mod devices;
mod distribution;
mod hardware;
mod identity;
mod initiators;
mod local;
mod lvm;
mod managers;
mod network;
mod platform;
mod processors;
mod python;
mod security;
mod storage;
mod virtualization;

use shevek_kit::prelude::*;

pub(crate) use self::storage::uuids;

/// Facts, in order, names without their prefix.
pub(crate) type Facts = Vec<(String, Val)>;

/// A collector: the subset it belongs to, further names that choose it, and what it does.
struct Collector {
    name: &'static str,
    subset: Subset,
    collect: fn(&Probe, &Wanted, &mut Facts) -> Result<()>,
}

/// The subsets that `gather_subset` names beside single collectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subset {
    /// Always, unless `!min` is said.
    Min,
    Hardware,
    Network,
    Virtual,
}

impl Subset {
    fn name(self) -> &'static str {
        match self {
            Subset::Min => "min",
            Subset::Hardware => "hardware",
            Subset::Network => "network",
            Subset::Virtual => "virtual",
        }
    }
}

/// What a task wants to know.
pub(crate) struct Wanted {
    /// `gather_subset`.
    pub subsets: Vec<String>,
    /// Where local facts are.
    pub fact_path: String,
}

const COLLECTORS: &[Collector] = &[
    Collector { name: "platform", subset: Subset::Min, collect: platform::collect },
    Collector { name: "distribution", subset: Subset::Min, collect: distribution::collect },
    Collector { name: "user", subset: Subset::Min, collect: identity::collect },
    Collector { name: "date_time", subset: Subset::Min, collect: clock::collect },
    Collector { name: "env", subset: Subset::Min, collect: identity::environment },
    Collector { name: "pkg_mgr", subset: Subset::Min, collect: managers::packages },
    Collector { name: "service_mgr", subset: Subset::Min, collect: managers::services },
    Collector { name: "selinux", subset: Subset::Min, collect: security::collect },
    Collector { name: "caps", subset: Subset::Min, collect: security::capabilities },
    Collector { name: "python", subset: Subset::Min, collect: python::collect },
    Collector { name: "systemd", subset: Subset::Min, collect: managers::systemd },
    Collector { name: "local", subset: Subset::Min, collect: local::collect },
    Collector { name: "processor", subset: Subset::Hardware, collect: processors::collect },
    Collector { name: "memory", subset: Subset::Hardware, collect: hardware::collect },
    Collector { name: "mounts", subset: Subset::Hardware, collect: storage::collect },
    Collector { name: "devices", subset: Subset::Hardware, collect: devices::collect },
    Collector { name: "lvm", subset: Subset::Hardware, collect: lvm::collect },
    Collector { name: "interfaces", subset: Subset::Network, collect: network::collect },
    Collector { name: "fibre_channel_wwn", subset: Subset::Network, collect: initiators::fibre_channel },
    Collector { name: "iscsi", subset: Subset::Network, collect: initiators::iscsi },
    Collector { name: "nvme", subset: Subset::Network, collect: initiators::nvme },
    Collector { name: "virtualization_type", subset: Subset::Virtual, collect: virtualization::collect },
];

/// Names of Ansible's that mean a collector of another name here.
const ALSO: &[(&str, &str)] = &[
    ("system", "platform"),
    ("machine", "platform"),
    ("architecture", "platform"),
    ("kernel", "platform"),
    ("hostname", "platform"),
    ("fqdn", "platform"),
    ("domain", "platform"),
    ("machine_id", "platform"),
    ("uptime", "memory"),
    ("dmi", "memory"),
    ("device_links", "devices"),
    ("os_family", "distribution"),
    ("distribution_version", "distribution"),
    ("distribution_release", "distribution"),
    ("distribution_major_version", "distribution"),
    ("lsb", "distribution"),
    ("apparmor", "selinux"),
    ("fips", "selinux"),
    ("system_capabilities", "caps"),
    ("system_capabilities_enforced", "caps"),
    ("ssh_pub_keys", "selinux"),
    ("cmdline", "platform"),
    ("loadavg", "platform"),
    ("dns", "platform"),
    ("chroot", "platform"),
    ("is_chroot", "platform"),
    ("user_id", "user"),
    ("processor_cores", "processor"),
    ("processor_count", "processor"),
    ("default_ipv4", "interfaces"),
    ("default_ipv6", "interfaces"),
    ("all_ipv4_addresses", "interfaces"),
    ("all_ipv6_addresses", "interfaces"),
    ("ipv4", "interfaces"),
    ("ipv6", "interfaces"),
    ("mtu", "interfaces"),
    ("macaddress", "interfaces"),
    ("virtualization_role", "virtualization_type"),
    ("virtualization_tech_guest", "virtualization_type"),
    ("virtualization_tech_host", "virtualization_type"),
];

/// Subsets of Ansible's for programs and hardware that are looked at only where they are; nothing is to be had of them
/// here.
const EMPTY: &[&str] = &["facter", "ohai", "pkg_mgr_list"];

/// Gathers what is wanted.
pub(crate) fn gather(host: &Probe, wanted: &Wanted) -> Result<Facts> {
    let chosen = choose(&wanted.subsets)?;
    let mut facts = Facts::new();
    for collector in COLLECTORS.iter().filter(|collector| chosen.contains(&collector.name)) {
        host.still_wanted()?;
        (collector.collect)(host, wanted, &mut facts)?;
    }
    Ok(facts)
}

/// The names of the collectors that `gather_subset` chooses.
fn choose(subsets: &[String]) -> Result<Vec<&'static str>> {
    let all = || COLLECTORS.iter().map(|collector| collector.name);
    let min = || COLLECTORS.iter().filter(|c| c.subset == Subset::Min).map(|c| c.name);
    let mut with: Vec<&'static str> = Vec::new();
    let mut without: Vec<&'static str> = Vec::new();
    // What is asked for by name is had, whatever is taken away around it.
    let mut explicit: Vec<&'static str> = Vec::new();
    let mut no_min = false;
    let mut positive = false;
    for word in subsets {
        let (negated, name) = match word.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, word.as_str()),
        };
        let names: Vec<&'static str> = match name {
            "all" => all().collect(),
            "min" => min().collect(),
            _ => named(name)?,
        };
        if negated {
            no_min |= name == "min";
            // `!all` leaves the minimum.
            without.extend(names.into_iter().filter(|n| name != "all" || !min().any(|m| m == *n)));
        } else {
            positive = true;
            if !matches!(name, "all" | "min") {
                explicit.extend(names.iter().copied());
            }
            with.extend(names);
        }
    }
    if !positive {
        with.extend(all());
    }
    if !no_min {
        with.extend(min());
    }
    Ok(COLLECTORS
        .iter()
        .map(|collector| collector.name)
        .filter(|name| with.contains(name))
        .filter(|name| !without.contains(name) || explicit.contains(name))
        .collect())
}

fn named(name: &str) -> Result<Vec<&'static str>> {
    let by_subset: Vec<&'static str> =
        COLLECTORS.iter().filter(|c| c.subset.name() == name).map(|c| c.name).collect();
    if !by_subset.is_empty() {
        return Ok(by_subset);
    }
    let own = ALSO.iter().find(|(other, _)| *other == name).map_or(name, |(_, own)| own);
    match COLLECTORS.iter().find(|collector| collector.name == own) {
        Some(collector) => Ok(vec![collector.name]),
        None if EMPTY.contains(&name) => Ok(Vec::new()),
        None => {
            let mut known: Vec<&str> =
                COLLECTORS.iter().map(|c| c.name).chain(ALSO.iter().map(|(n, _)| *n)).collect();
            known.extend(["all", "min", "hardware", "network", "virtual"]);
            known.sort_unstable();
            Err(Fault::new(format!(
                "Bad subset '{name}' given to Ansible. gather_subset options allowed: {}",
                known.join(", ")
            )))
        }
    }
}

/// Adds a fact.
pub(crate) fn put(facts: &mut Facts, name: &str, value: impl Into<Val>) {
    facts.push((name.to_owned(), value.into()));
}

/// A file's text, without white space around it, if it can be read.
pub(crate) fn line(host: &Probe, path: &str) -> Option<String> {
    let bytes = host.read_if_there(path).ok().flatten()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// The same, where an empty file says nothing.
pub(crate) fn word(host: &Probe, path: &str) -> Option<String> {
    line(host, path).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(words: &[&str]) -> Vec<&'static str> {
        choose(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn subsets_add_up_and_take_away() {
        assert_eq!(chosen(&["all"]).len(), COLLECTORS.len());
        assert!(!chosen(&["min"]).contains(&"interfaces"));
        assert!(!chosen(&["!all"]).contains(&"memory") && chosen(&["!all"]).contains(&"platform"));
        assert_eq!(
            chosen(&["!all", "!min", "network"]),
            ["interfaces", "fibre_channel_wwn", "iscsi", "nvme"]
        );
        assert!(!chosen(&["!hardware"]).contains(&"memory"));
    }

    #[test]
    fn a_wrong_subset_is_named() {
        let fault = choose(&["nonsense".to_owned()]).unwrap_err();
        assert!(fault.outcome().message().contains("Bad subset 'nonsense'"));
    }
}
