//! Interfaces, addresses, default routes.

use std::net::Ipv4Addr;

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// `interfaces`, a fact for each of them, `default_ipv4`, `default_ipv6`, `all_ipv4_addresses`, `all_ipv6_addresses`.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let addresses = addresses(host);
    let mut names: Vec<String> = host
        .list("/sys/class/net")
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name != "bonding_masters")
        .collect();
    names.sort();
    let own = |name: &str| {
        addresses.iter().filter(|address| address.interface == name).cloned().collect::<Vec<_>>()
    };
    for name in &names {
        // Names of facts are names of variables.
        let key = name.replace(['-', ':', '.'], "_");
        put(facts, &key, interface(host, name, &own(name)));
    }
    put(facts, "interfaces", names.clone());
    let is_outside = |address: &&Address| !(address.ip.starts_with("127.") || address.ip == "::1");
    let all = |six: bool| -> Vec<String> {
        addresses.iter().filter(|a| a.is_six == six).filter(is_outside).map(|a| a.ip.clone()).collect()
    };
    put(facts, "all_ipv4_addresses", all(false));
    put(facts, "all_ipv6_addresses", all(true));
    put(facts, "locally_reachable_ips", reachable(host));
    for (six, fact) in [(false, "default_ipv4"), (true, "default_ipv6")] {
        put(facts, fact, default_route(host, six, &addresses));
    }
    Ok(())
}

/// What the host answers to itself, from the kernel's local tables.
fn reachable(host: &Probe) -> Val {
    let table = |family: &str| -> Vec<String> {
        if host.which("ip").is_none() {
            return Vec::new();
        }
        let command = cmd("ip").args([family, "route", "show", "table", "local"]).any_rc();
        let said = host.ask(command).map(|ran| ran.out()).unwrap_or_default();
        let mut found: Vec<String> = Vec::new();
        for address in
            said.lines().filter_map(|entry| entry.strip_prefix("local ")?.split_whitespace().next())
        {
            if !found.iter().any(|known| known == address) {
                found.push(address.to_owned());
            }
        }
        found
    };
    map(vec![("ipv4", table("-4").into()), ("ipv6", table("-6").into())])
}

/// One address of an interface.
#[derive(Debug, Clone, PartialEq, Default)]
struct Address {
    interface: String,
    ip: String,
    prefix: u32,
    broadcast: String,
    scope: String,
    is_six: bool,
    is_secondary: bool,
}

/// All addresses, from one call of `ip`.
fn addresses(host: &Probe) -> Vec<Address> {
    if host.which("ip").is_none() {
        return Vec::new();
    }
    let Ok(ran) = host.ask(cmd("ip").arg("-o").arg("addr").arg("show").any_rc()) else { return Vec::new() };
    parse(&ran.out())
}

fn parse(text: &str) -> Vec<Address> {
    text.lines().filter_map(one).collect()
}

/// `2: eth0    inet 10.0.0.5/24 brd 10.0.0.255 scope global eth0\ …`
fn one(entry: &str) -> Option<Address> {
    let mut words = entry.split_whitespace().skip(1);
    let interface = words.next()?.to_owned();
    let is_six = match words.next()? {
        "inet" => false,
        "inet6" => true,
        _ => return None,
    };
    let whole = words.next()?;
    let (ip, prefix) = whole.split_once('/').unwrap_or((whole, if is_six { "128" } else { "32" }));
    let mut address =
        Address { interface, ip: ip.to_owned(), prefix: prefix.parse().ok()?, is_six, ..Address::default() };
    let rest: Vec<&str> = words.collect();
    for pair in rest.windows(2) {
        match pair {
            ["brd", broadcast] => address.broadcast = (*broadcast).to_owned(),
            ["scope", scope] => address.scope = (*scope).to_owned(),
            _ => {}
        }
    }
    address.is_secondary = rest.contains(&"secondary");
    Some(address)
}

fn masks(address: &Address) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let ip: Ipv4Addr = address.ip.parse().ok()?;
    let mask = u32::MAX.checked_shl(32 - address.prefix).unwrap_or(0);
    Some((Ipv4Addr::from(mask), Ipv4Addr::from(u32::from(ip) & mask)))
}

fn four(address: &Address) -> Val {
    let (netmask, network) = masks(address).unwrap_or((Ipv4Addr::BROADCAST, Ipv4Addr::UNSPECIFIED));
    map(vec![
        ("address", address.ip.clone().into()),
        ("broadcast", address.broadcast.clone().into()),
        ("netmask", netmask.to_string().into()),
        ("network", network.to_string().into()),
        ("prefix", address.prefix.to_string().into()),
    ])
}

fn map(entries: Vec<(&str, Val)>) -> Val {
    Val::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn interface(host: &Probe, name: &str, addresses: &[Address]) -> Val {
    let read = |file: &str| line(host, &format!("/sys/class/net/{name}/{file}"));
    let mut entries: Vec<(&str, Val)> = vec![("device", name.into())];
    if let Some(mac) = read("address").filter(|mac| !mac.is_empty() && mac != "00:00:00:00:00:00") {
        entries.push(("macaddress", mac.into()));
    }
    if let Some(mtu) = read("mtu").and_then(|mtu| mtu.parse::<i64>().ok()) {
        entries.push(("mtu", mtu.into()));
    }
    entries.push(("active", (read("operstate").as_deref() != Some("down")).into()));
    if let Ok(driver) = host.readlink(format!("/sys/class/net/{name}/device/driver/module"))
        && let Some(module) = driver.file_name()
    {
        entries.push(("module", module.to_string_lossy().into_owned().into()));
    }
    let kind = match read("type").as_deref() {
        _ if host.exists(format!("/sys/class/net/{name}/bridge")) => "bridge",
        _ if host.exists(format!("/sys/class/net/{name}/bonding")) => "bonding",
        Some("1") => "ether",
        Some("32") => "infiniband",
        Some("512") => "ppp",
        Some("772") => "loopback",
        Some("65534") => "tunnel",
        _ => "unknown",
    };
    entries.push(("type", kind.into()));
    let named = |names: &str| Val::from(names.split_whitespace().collect::<Vec<_>>());
    let first = |file: &str| read(file).and_then(|text| Some(text.split_whitespace().next()?.to_owned()));
    if kind == "bridge" {
        let ports = host.list(format!("/sys/class/net/{name}/brif")).unwrap_or_default();
        let ports: Vec<String> = ports.into_iter().map(|port| port.to_string_lossy().into_owned()).collect();
        entries.push(("interfaces", ports.into()));
        entries.extend(read("bridge/bridge_id").map(|id| ("id", id.into())));
        entries.extend(read("bridge/stp_state").map(|state| ("stp", (state == "1").into())));
    } else if kind == "bonding" {
        entries.push(("slaves", named(&read("bonding/slaves").unwrap_or_default())));
        for (key, file) in
            [("mode", "bonding/mode"), ("miimon", "bonding/miimon"), ("lacp_rate", "bonding/lacp_rate")]
        {
            entries.push((key, first(file).unwrap_or_default().into()));
        }
        if let Some(primary) = read("bonding/primary").filter(|primary| !primary.is_empty()) {
            entries.push(("primary", primary.into()));
            let all = read("bonding/all_slaves_active");
            entries.extend(all.map(|all| ("all_slaves_active", (all == "1").into())));
        }
    }
    entries.extend(read("bonding_slave/perm_hwaddr").map(|address| ("perm_macaddress", address.into())));
    if let Ok(device) = host.readlink(format!("/sys/class/net/{name}/device"))
        && let Some(device) = device.file_name()
    {
        entries.push(("pciid", device.to_string_lossy().into_owned().into()));
    }
    let flags = read("flags").and_then(|flags| u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok());
    entries.push(("promisc", (flags.unwrap_or(0) & 0x100 != 0).into()));
    if let Some(speed) = read("speed").and_then(|speed| speed.parse::<i64>().ok()) {
        entries.push(("speed", speed.into()));
    }
    if let Ok(device) = host.readlink(format!("/sys/class/net/{name}/device"))
        && let Some(address) = device.file_name()
    {
        entries.push(("pciid", address.to_string_lossy().into_owned().into()));
    }
    joined(host, name, kind, &mut entries);
    let mut fours = addresses.iter().filter(|address| !address.is_six);
    if let Some(first) = fours.next() {
        entries.push(("ipv4", four(first)));
    }
    let others: Vec<Val> = fours.map(four).collect();
    if !others.is_empty() {
        entries.push(("ipv4_secondaries", Val::List(others)));
    }
    let sixes: Vec<Val> = addresses
        .iter()
        .filter(|address| address.is_six)
        .map(|address| {
            map(vec![
                ("address", address.ip.clone().into()),
                ("prefix", address.prefix.to_string().into()),
                ("scope", address.scope.clone().into()),
            ])
        })
        .collect();
    if !sixes.is_empty() {
        entries.push(("ipv6", Val::List(sixes)));
    }
    map(entries)
}

/// What a bridge or a bond is made of.
fn joined(host: &Probe, name: &str, kind: &str, entries: &mut Vec<(&str, Val)>) {
    let folder = format!("/sys/class/net/{name}");
    let read = |file: &str| line(host, &format!("{folder}/{file}"));
    let first = |file: &str| {
        Val::from(read(file).unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned())
    };
    if kind == "bridge" {
        let ports = host.list(format!("{folder}/brif")).unwrap_or_default();
        let mut ports: Vec<String> = ports.into_iter().filter_map(|port| port.into_string().ok()).collect();
        ports.sort();
        entries.push(("interfaces", ports.into()));
        entries.extend(read("bridge/bridge_id").map(|id| ("id", id.into())));
        entries.extend(read("bridge/stp_state").map(|state| ("stp", (state == "1").into())));
    }
    if kind == "bonding" {
        let slaves = read("bonding/slaves").unwrap_or_default();
        entries.push(("slaves", slaves.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into()));
        for (key, file) in
            [("mode", "bonding/mode"), ("miimon", "bonding/miimon"), ("lacp_rate", "bonding/lacp_rate")]
        {
            entries.push((key, first(file)));
        }
        if let Some(primary) = read("bonding/primary").filter(|primary| !primary.is_empty()) {
            entries.push(("primary", primary.into()));
            let all = read("bonding/all_slaves_active");
            entries.extend(all.map(|all| ("all_slaves_active", (all == "1").into())));
        }
    }
    entries.extend(read("bonding_slave/perm_hwaddr").map(|address| ("perm_macaddress", address.into())));
}

/// What would be used to reach the world.
fn default_route(host: &Probe, six: bool, addresses: &[Address]) -> Val {
    let route = if six { route_six(host) } else { route_four(host) };
    let Some((name, gateway)) = route else { return Val::Map(Vec::new()) };
    let usable = |address: &&Address| {
        address.interface == name && address.is_six == six && (!six || address.scope == "global")
    };
    let Some(address) = addresses.iter().find(usable) else { return Val::Map(Vec::new()) };
    let read = |file: &str| line(host, &format!("/sys/class/net/{name}/{file}")).unwrap_or_default();
    let mut entries: Vec<(&str, Val)> = vec![
        ("address", address.ip.clone().into()),
        ("gateway", gateway.into()),
        ("interface", name.clone().into()),
        ("macaddress", read("address").into()),
        ("mtu", read("mtu").parse::<i64>().unwrap_or(0).into()),
        ("prefix", address.prefix.to_string().into()),
        ("type", if read("type") == "1" { "ether" } else { "unknown" }.into()),
    ];
    if six {
        entries.push(("scope", address.scope.clone().into()));
    } else if let Some((netmask, network)) = masks(address) {
        entries.push(("alias", name.into()));
        entries.push(("broadcast", address.broadcast.clone().into()));
        entries.push(("netmask", netmask.to_string().into()));
        entries.push(("network", network.to_string().into()));
    }
    map(entries)
}

/// The default route's interface and gateway, from the kernel's table.
fn route_four(host: &Probe) -> Option<(String, String)> {
    let table = line(host, "/proc/net/route")?;
    let mut best: Option<(u32, String, String)> = None;
    for entry in table.lines().skip(1) {
        let fields: Vec<&str> = entry.split_whitespace().collect();
        let [name, "00000000", gateway, _, _, _, metric, "00000000", ..] = fields.as_slice() else {
            continue;
        };
        let metric = metric.parse().unwrap_or(0);
        if best.as_ref().is_none_or(|(known, _, _)| metric < *known) {
            let gateway = Ipv4Addr::from(u32::from_str_radix(gateway, 16).ok()?.swap_bytes());
            best = Some((metric, (*name).to_owned(), gateway.to_string()));
        }
    }
    best.map(|(_, name, gateway)| (name, gateway))
}

fn route_six(host: &Probe) -> Option<(String, String)> {
    let table = line(host, "/proc/net/ipv6_route")?;
    for entry in table.lines() {
        let fields: Vec<&str> = entry.split_whitespace().collect();
        let [destination, "00", _, _, gateway, _, _, _, _, name] = fields.as_slice() else { continue };
        if destination.chars().all(|c| c == '0') && *name != "lo" {
            let bits = u128::from_str_radix(gateway, 16).ok()?;
            return Some(((*name).to_owned(), std::net::Ipv6Addr::from(bits).to_string()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: &str = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n\
        2: eth0    inet 10.0.0.5/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever\n\
        2: eth0    inet 10.0.0.6/24 brd 10.0.0.255 scope global secondary eth0\\       valid_lft forever\n\
        2: eth0    inet6 fe80::1/64 scope link \\       valid_lft forever\n";

    #[test]
    fn reads_addresses() {
        let all = parse(IP);
        assert_eq!(all.len(), 4);
        let eth0 = all.get(1).unwrap();
        assert_eq!((eth0.ip.as_str(), eth0.prefix, eth0.broadcast.as_str()), ("10.0.0.5", 24, "10.0.0.255"));
        assert_eq!(masks(eth0), Some((Ipv4Addr::new(255, 255, 255, 0), Ipv4Addr::new(10, 0, 0, 0))));
        assert!(all.get(2).unwrap().is_secondary);
    }

    #[test]
    fn the_default_route_leads_to_its_address() {
        let table = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
                     eth0 00000000 0100000A 0003 0 0 0 00000000 0 0 0\n";
        let world = World::new()
            .file("/proc/net/route", table)
            .file("/sys/class/net/eth0/address", "02:00:00:00:00:01\n")
            .file("/sys/class/net/eth0/mtu", "1500\n")
            .file("/sys/class/net/eth0/type", "1\n");
        let route = default_route(&world.probe(), false, &parse(IP));
        assert_eq!(route.get("gateway").and_then(Val::as_str), Some("10.0.0.1"));
        assert_eq!(route.get("address").and_then(Val::as_str), Some("10.0.0.5"));
        assert_eq!(route.get("mtu").and_then(Val::as_int), Some(1500));
    }
}
