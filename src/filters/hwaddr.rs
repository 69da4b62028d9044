//! `hwaddr`, `macaddr`, `slaac` (ansible.utils): hardware addresses.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers, Run};
use shevek_value::Value;

use crate::ipaddr::understand;
use crate::network::{Mac, Net, Version};

const fn filter(names: &'static [&'static str], run: Run) -> Filter {
    Filter { names, markers: Markers::Propagate, run }
}

pub(crate) const FILTERS: &[Filter] = &[
    filter(&["hwaddr", "ansible.utils.hwaddr", "ansible.netcommon.hwaddr"], |_, a| hwaddr(a, "hwaddr")),
    filter(&["macaddr", "ansible.utils.macaddr", "ansible.netcommon.macaddr"], |_, a| hwaddr(a, "macaddr")),
    filter(&["slaac", "ansible.utils.slaac", "ansible.netcommon.slaac"], slaac),
];

fn hwaddr(arguments: &Arguments, name: &str) -> Result<Value> {
    let ([value], [query]) = bind(arguments, ["value"], ["query"])?;
    let query = query.map(str_of).unwrap_or_default();
    let text = str_of(value);
    let Some(mac) = Mac::parse(&text) else {
        if matches!(query.as_ref(), "" | "bool") {
            return Ok(Value::NULL);
        }
        return Err(Diagnostic::new("not a hardware address")
            .detail(format!("{name}: not a hardware address: {text}"))
            .at_maybe(value.origin(), ""));
    };
    let lower = |group: u64| format!("{group:02x}");
    Ok(Value::from(match query.as_ref() {
        "" => return Ok(value.clone()),
        "bool" => return Ok(Value::from(true)),
        "int" => return Ok(Value::big(mac.value.into())),
        "bare" => mac.groups(1, "", |group| format!("{group:02X}")),
        "cisco" => mac.groups(2, ".", |group| format!("{group:04x}")),
        "eui48" | "win" => mac.groups(1, "-", |group| format!("{group:02X}")),
        "linux" => mac.groups(1, ":", lower),
        "pgsql" | "postgresql" | "psql" => mac.groups(3, ":", |group| format!("{group:06x}")),
        "unix" => mac.groups(1, ":", |group| format!("{group:x}")),
        other => {
            let all = "bare bool int cisco eui48 linux pgsql postgresql psql unix win";
            return Err(Diagnostic::new("unknown form of a hardware address")
                .detail(format!("{name}: unknown filter type: {other}"))
                .did_you_mean(other, all.split_whitespace()));
        }
    }))
}

fn slaac(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [query]) = bind(arguments, ["value"], ["query"])?;
    let net = understand(value, None).map(|found| found.net).filter(|net| net.version == Version::V6);
    let mac = query.and_then(|query| Mac::parse(&str_of(query)));
    let address = net.zip(mac).and_then(|(net, mac)| {
        let sum = net.network().checked_add(mac.interface())?;
        Net::single(Version::V6, sum)
    });
    Ok(address.map_or_else(|| Value::from(false), |address| Value::from(address.ip())))
}
