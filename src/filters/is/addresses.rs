//! `ip`, `ip_address`, `ipv4`, `ipv6`, `ipv4_address`, `ipv6_address` (ansible.utils).

use shevek_diag::Result;
use shevek_python::arguments::bind;
use shevek_template::plugin::{Arguments, Ask, Markers, Test};

use crate::network::{Net, Version};

const fn test(names: &'static [&'static str], run: Ask) -> Test {
    Test { names, markers: Markers::Propagate, run }
}

pub(crate) const TESTS: &[Test] = &[
    test(&["ansible.utils.ip", "ip"], |_, a| of(a, None, true)),
    test(&["ansible.utils.ip_address", "ip_address"], |_, a| of(a, None, false)),
    test(&["ansible.utils.ipv4", "ipv4"], |_, a| of(a, Some(Version::V4), true)),
    test(&["ansible.utils.ipv6", "ipv6"], |_, a| of(a, Some(Version::V6), true)),
    test(&["ansible.utils.ipv4_address", "ipv4_address"], |_, a| of(a, Some(Version::V4), false)),
    test(&["ansible.utils.ipv6_address", "ipv6_address"], |_, a| of(a, Some(Version::V6), false)),
];

fn of(arguments: &Arguments, version: Option<Version>, network: bool) -> Result<bool> {
    let ([value], []) = bind(arguments, ["ip"], [])?;
    let Some(net) = value.as_str().and_then(Net::parse) else { return Ok(false) };
    let written = value.as_str().is_some_and(|text| text.contains('/'));
    // A network has no host bits.
    let fits = !written || (network && net.value == net.network());
    Ok(fits && version.is_none_or(|version| version == net.version))
}
