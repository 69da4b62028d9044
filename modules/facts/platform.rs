//! Kernel, machine, names.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// Kernel, machine and names of the host.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let uname = host.uname();
    put(facts, "system", uname.sysname.clone());
    put(facts, "kernel", uname.release.clone());
    put(facts, "kernel_version", uname.version.clone());
    put(facts, "machine", uname.machine.clone());
    put(facts, "nodename", uname.nodename.clone());
    put(facts, "hostname", uname.nodename.split('.').next().unwrap_or_default());
    let fqdn = fqdn(host, &uname.nodename);
    put(facts, "domain", fqdn.split_once('.').map(|(_, domain)| domain).unwrap_or_default());
    put(facts, "fqdn", fqdn);
    let architecture = match uname.machine.as_str() {
        "i386" | "i486" | "i586" | "i686" => "i386",
        other => other,
    };
    put(facts, "architecture", architecture);
    let bits = if uname.machine.contains("64") || uname.machine == "s390x" { "64" } else { "32" };
    put(facts, "userspace_bits", bits);
    put(facts, "userspace_architecture", architecture);
    if let Some(id) = line(host, "/var/lib/dbus/machine-id").or_else(|| line(host, "/etc/machine-id")) {
        put(facts, "machine_id", id);
    }
    if let Some(load) = line(host, "/proc/loadavg") {
        let mut numbers = load.split_whitespace().filter_map(|n| n.parse::<f64>().ok());
        let names = ["1m", "5m", "15m"].into_iter();
        let entries = names.filter_map(|name| Some((name.to_owned(), Val::Float(numbers.next()?)))).collect();
        put(facts, "loadavg", Val::Map(entries));
    }
    command_line(host, facts);
    put(facts, "dns", dns(host));
    let chroot = match (host.stat("/proc/1/root/."), host.stat("/")) {
        (Ok(Some(first)), Ok(Some(own))) => first.ino != own.ino || first.dev != own.dev,
        _ => false,
    };
    put(facts, "is_chroot", chroot);
    Ok(())
}

/// The name with its domain: what /etc/hosts says first of the node's name or address.
fn fqdn(host: &Probe, nodename: &str) -> String {
    if nodename.contains('.') {
        return nodename.to_owned();
    }
    let hosts = line(host, "/etc/hosts").unwrap_or_default();
    for entry in hosts.lines() {
        let entry = entry.split('#').next().unwrap_or_default();
        let mut words = entry.split_whitespace().skip(1);
        let names: Vec<&str> = words.by_ref().collect();
        if names.contains(&nodename) {
            // The first name of the line is the canonical one.
            let canonical = names.iter().find(|name| name.contains('.')).or(names.first());
            return canonical.map_or_else(|| nodename.to_owned(), |name| (*name).to_owned());
        }
    }
    nodename.to_owned()
}

fn command_line(host: &Probe, facts: &mut Facts) {
    let Some(text) = line(host, "/proc/cmdline") else { return };
    let mut single: Vec<(String, Val)> = Vec::new();
    let mut multiple: Vec<(String, Val)> = Vec::new();
    for word in text.split_whitespace() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Val::from(value.trim_matches('"'))),
            None => (word, Val::Bool(true)),
        };
        match multiple.iter_mut().find(|(known, _)| known == name) {
            Some((_, Val::List(values))) => values.push(value.clone()),
            Some((_, known)) => *known = Val::List(vec![known.clone(), value.clone()]),
            None => multiple.push((name.to_owned(), value.clone())),
        }
        match single.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => single.push((name.to_owned(), value)),
        }
    }
    put(facts, "cmdline", Val::Map(single));
    put(facts, "proc_cmdline", Val::Map(multiple));
}

fn dns(host: &Probe) -> Val {
    let mut servers = Vec::new();
    let mut entries: Vec<(String, Val)> = Vec::new();
    let text = line(host, "/etc/resolv.conf").unwrap_or_default();
    for entry in text.lines().filter(|entry| !entry.starts_with(['#', ';'])) {
        let mut words = entry.split_whitespace();
        let Some(key) = words.next() else { continue };
        let values: Vec<String> = words.map(str::to_owned).collect();
        match key {
            "nameserver" => servers.extend(values),
            "domain" => entries.push((key.to_owned(), values.first().cloned().into())),
            "search" | "sortlist" => entries.push((key.to_owned(), values.into())),
            "options" => {
                let options = values.iter().map(|option| match option.split_once(':') {
                    Some((name, value)) => (name.to_owned(), Val::from(value)),
                    None => (option.clone(), Val::Bool(true)),
                });
                entries.push((key.to_owned(), Val::Map(options.collect())));
            }
            _ => {}
        }
    }
    if !servers.is_empty() {
        entries.insert(0, ("nameservers".to_owned(), servers.into()));
    }
    Val::Map(entries)
}
