//! `in_network`, `subnet_of`, `private`, `public`, `mac`, `ipv4_netmask` … (ansible.utils): what kind of address it is,
//! and where it belongs, as Python's `ipaddress` sees it.

use std::net::{IpAddr, ToSocketAddrs};

use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_template::plugin::{Arguments, Ask, Context, Markers, Test};
use shevek_value::Value;

use crate::network::{Net, Version};

const fn test(names: &'static [&'static str], run: Ask) -> Test {
    Test { names, markers: Markers::Propagate, run }
}

pub(crate) const TESTS: &[Test] = &[
    test(&["ansible.utils.in_network", "in_network"], |_, a| inside(a, ["ip", "network"])),
    test(&["ansible.utils.subnet_of", "subnet_of"], |_, a| inside(a, ["network_a", "network_b"])),
    test(&["ansible.utils.supernet_of", "supernet_of"], |_, a| {
        let ([inner, outer], []) = bind(a, ["network_b", "network_a"], [])?;
        Ok(is_in(outer, inner))
    }),
    test(&["ansible.utils.in_any_network", "in_any_network"], |c, a| Ok(how_many(c, a)? > 0)),
    test(&["ansible.utils.in_one_network", "in_one_network"], |c, a| Ok(how_many(c, a)? == 1)),
    test(&["ansible.utils.loopback", "loopback"], |_, a| address(a, Net::is_loopback)),
    test(&["ansible.utils.multicast", "multicast"], |_, a| address(a, Net::is_multicast)),
    test(&["ansible.utils.private", "private"], |_, a| address(a, is_private)),
    test(&["ansible.utils.public", "public"], |_, a| {
        address(a, |net| !is_private(net) && !net.is_in(&["100.64.0.0/10"]))
    }),
    test(&["ansible.utils.reserved", "reserved"], |_, a| address(a, is_reserved)),
    test(&["ansible.utils.unspecified", "unspecified"], |_, a| address(a, |net| net.value == 0)),
    test(&["ansible.utils.ipv6_ipv4_mapped", "ipv6_ipv4_mapped"], |_, a| {
        address(a, |net| net.is_in(&["::ffff:0:0/96"]))
    }),
    test(&["ansible.utils.ipv6_sixtofour", "ipv6_sixtofour"], |_, a| {
        address(a, |net| net.is_in(&["2002::/16"]))
    }),
    test(&["ansible.utils.ipv6_teredo", "ipv6_teredo"], |_, a| address(a, |net| net.is_in(&["2001::/32"]))),
    test(&["ansible.utils.ipv4_netmask", "ipv4_netmask"], |_, a| mask(a, "mask", Net::netmask)),
    test(&["ansible.utils.ipv4_hostmask", "ipv4_hostmask"], |_, a| mask(a, "ip", Net::hostmask)),
    test(&["ansible.utils.mac", "mac"], |_, a| {
        let ([value], []) = bind(a, ["mac"], [])?;
        Ok(value.as_str().is_some_and(is_mac))
    }),
    test(&["ansible.utils.resolvable", "resolvable"], |_, a| {
        let ([value], []) = bind(a, ["host"], [])?;
        Ok(value.as_str().is_some_and(is_resolvable))
    }),
];

/// A network without host bits.
fn network(value: &Value) -> Option<Net> {
    value.as_str().and_then(Net::parse).filter(|net| net.value == net.network())
}

fn is_in(inner: &Value, outer: &Value) -> bool {
    network(inner).zip(network(outer)).is_some_and(|(inner, outer)| outer.contains(&inner))
}

fn inside(arguments: &Arguments, names: [&'static str; 2]) -> Result<bool> {
    let ([inner, outer], []) = bind(arguments, names, [])?;
    Ok(is_in(inner, outer))
}

fn how_many(context: &dyn Context, arguments: &Arguments) -> Result<usize> {
    let ([ip, networks], []) = bind(arguments, ["ip", "networks"], [])?;
    let networks = match networks.as_str() {
        Some(text) => text.split(',').map(|part| Value::from(part.trim())).collect(),
        None => context.iterate(networks)?,
    };
    Ok(networks.iter().filter(|network| is_in(ip, network)).count())
}

/// What is no single address is nothing of it.
fn address(arguments: &Arguments, ask: impl Fn(&Net) -> bool) -> Result<bool> {
    let ([value], []) = bind(arguments, ["ip"], [])?;
    let text = value.as_str().filter(|text| !text.contains('/'));
    Ok(text.and_then(Net::parse).is_some_and(|net| ask(&net)))
}

fn is_private(net: &Net) -> bool {
    let mapped = net.version == Version::V6 && net.is_in(&["::ffff:0:0/96"]);
    if mapped {
        return Net::single(Version::V4, net.value & u128::from(u32::MAX))
            .is_some_and(|net| is_private(&net));
    }
    net.is_in(&[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/29",
        "192.0.0.170/31",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "::1/128",
        "::/128",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "fc00::/7",
        "fe80::/10",
    ])
}

fn is_reserved(net: &Net) -> bool {
    net.is_in(&[
        "240.0.0.0/4",
        "::/8",
        "100::/8",
        "200::/7",
        "400::/6",
        "800::/5",
        "1000::/4",
        "4000::/3",
        "6000::/3",
        "8000::/3",
        "a000::/3",
        "c000::/3",
        "e000::/4",
        "f000::/5",
        "f800::/6",
        "fe00::/9",
    ])
}

/// Whether a mask written as an address is the one that a network written with it has.
fn mask(arguments: &Arguments, name: &'static str, of: fn(&Net) -> u128) -> Result<bool> {
    let ([value], []) = bind(arguments, [name], [])?;
    let Some(text) = value.as_str() else { return Ok(false) };
    let net = Net::parse(&format!("10.0.0.0/{text}"));
    Ok(net.is_some_and(|net| {
        net.value == net.network() && Version::V4.address(of(&net)).as_deref() == Some(text)
    }))
}

fn is_mac(text: &str) -> bool {
    let hex =
        |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of = |separator: &[char], count: usize, length: usize| {
        let parts: Vec<&str> = text.split(separator).collect();
        parts.len() == count && parts.iter().all(|part| hex(part, length))
    };
    of(&[':', '-'], 6, 2) || of(&['.'], 3, 4) || hex(text, 12)
}

fn is_resolvable(host: &str) -> bool {
    // Differs from Ansible: an address is asked for in no reverse zone; it resolves to itself.
    host.parse::<IpAddr>().is_ok() || (host, 0).to_socket_addrs().is_ok()
}
