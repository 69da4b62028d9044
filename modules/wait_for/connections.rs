//! The host's TCP connections, and the addresses that a name stands for.

use std::net::IpAddr;

use shevek_kit::prelude::*;

/// One connection.
pub(super) struct Connection {
    pub local: IpAddr,
    pub port: u16,
    pub remote: IpAddr,
    pub state: u8,
}

/// The kernel's number of a state.
pub(super) fn number(state: &str) -> Option<u8> {
    let names = ["ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"];
    (1..).zip(names).find_map(|(number, name)| (name == state).then_some(number))
}

/// All connections of IPv4 and IPv6.
pub(super) fn all(host: &Probe) -> Result<Vec<Connection>> {
    let mut all = Vec::new();
    for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
        if host.exists(path) {
            all.extend(host.read_text(path)?.lines().filter_map(connection));
        }
    }
    Ok(all)
}

fn connection(line: &str) -> Option<Connection> {
    let mut words = line.split_whitespace().skip(1);
    let (local, port) = words.next()?.split_once(':')?;
    let (remote, _) = words.next()?.split_once(':')?;
    Some(Connection {
        local: address(local)?,
        port: u16::from_str_radix(port, 16).ok()?,
        remote: address(remote)?,
        state: u8::from_str_radix(words.next()?, 16).ok()?,
    })
}

/// An address as the kernel writes it: groups of four bytes, each a number in the machine's order.
fn address(hex: &str) -> Option<IpAddr> {
    let group = |at: usize| Some(u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(IpAddr::from(group(0)?)),
        32 => {
            let bytes = [group(0)?, group(1)?, group(2)?, group(3)?].concat();
            Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?))
        }
        _ => None,
    }
}

/// The addresses of a name, as the host knows them: an address is its own, other names are looked up by the host's name
/// service, else in /etc/hosts.
pub(super) fn addresses(host: &Probe, name: &str) -> Vec<IpAddr> {
    if let Ok(address) = name.parse() {
        return vec![address];
    }
    let mut found: Vec<IpAddr> = Vec::new();
    let told = host.getent("ahosts", name).unwrap_or_default();
    for address in told.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    if found.is_empty() {
        let hosts = host.read_text("/etc/hosts").unwrap_or_default();
        found.extend(hosts.lines().filter_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace();
            let address: IpAddr = words.next()?.parse().ok()?;
            words.any(|word| word == name).then_some(address)
        }));
    }
    if found.is_empty() && name == "localhost" {
        found.push(IpAddr::from([127, 0, 0, 1]));
    }
    found
}
