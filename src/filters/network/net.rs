//! [`Net`]: an address with the length of its network's prefix.

use std::net::{Ipv4Addr, Ipv6Addr};

use num_bigint::BigInt;

/// Of which internet protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V4,
    V6,
}

impl Version {
    /// How long an address is, in bits.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Version::V4 => 32,
            Version::V6 => 128,
        }
    }

    /// 4 or 6.
    pub(crate) fn number(self) -> i64 {
        match self {
            Version::V4 => 4,
            Version::V6 => 6,
        }
    }

    /// An address as it is written; `None`: the number is too large.
    pub(crate) fn address(self, number: u128) -> Option<String> {
        match self {
            Version::V4 => u32::try_from(number).ok().map(|number| Ipv4Addr::from(number).to_string()),
            Version::V6 => Some(Ipv6Addr::from(number).to_string()),
        }
    }
}

/// An address in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Net {
    pub version: Version,
    pub value: u128,
    pub prefix: u32,
}

impl Net {
    /// One address alone; `None`: the number is too large.
    pub(crate) fn single(version: Version, value: u128) -> Option<Self> {
        let fits = version == Version::V6 || u32::try_from(value).is_ok();
        fits.then(|| Self { version, value, prefix: version.bits() })
    }

    /// `1.2.3.4`, `1.2.3.4/24`, `1.2.3.4/255.255.255.0`, `1.2.3.4/0.0.0.255` and the same with colons.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let single = parse_address(address)?;
        let Some(prefix) = prefix else { return Some(single) };
        let bits = single.version.bits();
        let prefix = match prefix.parse::<u32>() {
            Ok(length) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => length,
            _ => {
                let mask = parse_address(prefix).filter(|mask| mask.version == single.version)?;
                let all = all_ones(bits);
                let ones = if is_run(mask.value ^ all) {
                    mask.value
                } else if is_run(mask.value) {
                    mask.value ^ all
                } else {
                    return None;
                };
                ones.count_ones()
            }
        };
        (prefix <= bits).then_some(Self { prefix, ..single })
    }

    /// How many bits number the hosts.
    pub(crate) fn host_bits(&self) -> u32 {
        self.version.bits() - self.prefix
    }

    /// How many addresses.
    pub(crate) fn size(&self) -> BigInt {
        BigInt::from(1) << self.host_bits()
    }

    pub(crate) fn hostmask(&self) -> u128 {
        all_ones(self.host_bits())
    }

    pub(crate) fn netmask(&self) -> u128 {
        all_ones(self.version.bits()) ^ self.hostmask()
    }

    /// The first address.
    pub(crate) fn network(&self) -> u128 {
        self.value & self.netmask()
    }

    /// The last address.
    pub(crate) fn last(&self) -> u128 {
        self.value | self.hostmask()
    }

    /// The broadcast address; the smallest IPv4 networks have none.
    pub(crate) fn broadcast(&self) -> Option<u128> {
        (self.version == Version::V6 || self.host_bits() > 1).then(|| self.last())
    }

    /// The first and last address that a host can have; `None`: it is one address only.
    pub(crate) fn usable(&self) -> Option<(u128, u128)> {
        match self.host_bits() {
            0 => None,
            1 => Some((self.network(), self.last())),
            _ => Some((self.network() + 1, self.last() - 1)),
        }
    }

    /// The network that it is in.
    pub(crate) fn cidr(&self) -> Self {
        Self { value: self.network(), ..*self }
    }

    /// Whether all of another network is in it.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.version == other.version && self.network() <= other.network() && other.last() <= self.last()
    }

    /// The address alone.
    pub(crate) fn ip(&self) -> String {
        self.show(self.value)
    }

    /// Another address of the same version, as it is written.
    pub(crate) fn show(&self, value: u128) -> String {
        self.version.address(value).unwrap_or_default()
    }

    /// Whether it is in one of the networks.
    pub(crate) fn is_in(&self, networks: &[&str]) -> bool {
        let address = Self { prefix: self.version.bits(), ..*self };
        networks.iter().any(|network| Self::parse(network).is_some_and(|network| network.contains(&address)))
    }

    /// Whether everybody can reach it, by the registries of special addresses.
    pub(crate) fn is_global(&self) -> bool {
        const SPECIAL: [&str; 23] = [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
            "::1/128",
            "::/128",
            "::ffff:0:0/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "fc00::/7",
            "fe80::/10",
        ];
        const EXCEPT: [&str; 8] = [
            "192.0.0.9/32",
            "192.0.0.10/32",
            "2001:1::1/128",
            "2001:1::2/128",
            "2001:3::/32",
            "2001:4:112::/48",
            "2001:20::/28",
            "2001:30::/28",
        ];
        !self.is_in(&SPECIAL) || self.is_in(&EXCEPT)
    }

    pub(crate) fn is_multicast(&self) -> bool {
        self.is_in(&["224.0.0.0/4", "ff00::/8"])
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.is_in(&["127.0.0.0/8", "::1/128"])
    }

    /// Whether the address itself looks like a mask.
    pub(crate) fn is_mask(&self) -> bool {
        is_run(self.value) || is_run(self.value ^ all_ones(self.version.bits()))
    }

    /// The name under which a name server knows the address.
    pub(crate) fn reverse_name(&self) -> String {
        match self.version {
            Version::V4 => {
                let ip = self.ip();
                let parts: Vec<&str> = ip.rsplit('.').collect();
                format!("{}.in-addr.arpa.", parts.join("."))
            }
            Version::V6 => {
                let digits = format!("{:032x}", self.value);
                let parts: Vec<String> = digits.chars().rev().map(String::from).collect();
                format!("{}.ip6.arpa.", parts.join("."))
            }
        }
    }
}

impl std::fmt::Display for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.ip(), self.prefix)
    }
}

fn parse_address(text: &str) -> Option<Net> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Net::single(Version::V4, u128::from(u32::from(address)));
    }
    text.parse::<Ipv6Addr>().ok().and_then(|address| Net::single(Version::V6, u128::from(address)))
}

fn all_ones(bits: u32) -> u128 {
    u128::MAX.checked_shr(128 - bits).unwrap_or(0)
}

/// Whether all ones of the number are at its end.
fn is_run(number: u128) -> bool {
    number & number.wrapping_add(1) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_prefixes_too() {
        for text in ["10.1.2.3/24", "10.1.2.3/255.255.255.0", "10.1.2.3/0.0.0.255"] {
            assert_eq!(Net::parse(text).unwrap().to_string(), "10.1.2.3/24");
        }
        assert_eq!(Net::parse("10.1.2.3/255.0.255.0"), None);
        assert_eq!(Net::parse("10.1.2"), None);
        assert_eq!(Net::parse("::1/129"), None);
    }
}
