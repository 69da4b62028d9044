//! `ipv6form`, `ipcut` (ansible.utils): other ways to write an address, and parts of it.

use std::net::IpAddr;

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["ipv6form", "ansible.utils.ipv6form"], markers: Markers::Propagate, run: ipv6form },
    Filter { names: &["ipcut", "ansible.utils.ipcut"], markers: Markers::Propagate, run: ipcut },
];

fn address(value: &Value) -> Result<IpAddr> {
    str_of(value).parse().map_err(|_| {
        Diagnostic::new("not an IP address")
            .detail(format!("You must pass a valid IP address; {} is invalid", value.text()))
            .at_maybe(value.origin(), "")
    })
}

fn ipv6form(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, format], []) = bind(arguments, ["value", "format"], [])?;
    let found = address(value)?;
    let groups = |form: fn(&u16) -> String| match found {
        IpAddr::V6(address) => Some(address.segments().iter().map(form).collect::<Vec<_>>().join(":")),
        IpAddr::V4(_) => None,
    };
    Ok(Value::from(match str_of(format).as_ref() {
        "expand" => groups(|group| format!("{group:04x}")).unwrap_or_else(|| found.to_string()),
        "compress" => compressed(found),
        "x509" => groups(|group| format!("{group:x}")).ok_or_else(|| {
            Diagnostic::new("not an IPv6 address").detail(format!("{} has no such form", value.text()))
        })?,
        other => {
            return Err(Diagnostic::new("unknown form of an address")
                .detail(format!("You must pass valid format; {other} is not a valid format"))
                .did_you_mean(other, ["expand", "compress", "x509"]));
        }
    }))
}

/// Without the old form at the end, which Python doesn't write.
fn compressed(address: IpAddr) -> String {
    match address {
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(_) => {
                let [.., high, low] = six.segments();
                format!("::ffff:{high:x}:{low:x}")
            }
            None => six.to_string(),
        },
        IpAddr::V4(four) => four.to_string(),
    }
}

fn ipcut(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, amount], []) = bind(arguments, ["value", "amount"], [])?;
    let bits = match address(value)? {
        IpAddr::V4(address) => format!("{:032b}", u32::from(address)),
        IpAddr::V6(address) => format!("{:0128b}", u128::from(address)),
    };
    let amount = amount.as_int().or_else(|| str_of(amount).trim().parse().ok()).ok_or_else(|| {
        Diagnostic::new("not a whole number").detail(format!(
            "You must pass an integer for arithmetic; {} is not a valid integer",
            amount.text()
        ))
    })?;
    let size = usize::try_from(amount.unsigned_abs()).unwrap_or(usize::MAX).min(bits.len());
    let part = if amount < 0 { bits.get(bits.len() - size..) } else { bits.get(..size) };
    let (width, separator) = if bits.len() == 32 { (8, ".") } else { (16, ":") };
    let groups = part.unwrap_or("").as_bytes().chunks(width).map(|chunk| {
        let number = chunk.iter().fold(0u32, |number, bit| number << 1 | u32::from(*bit == b'1'));
        if width == 8 { number.to_string() } else { format!("{number:x}") }
    });
    Ok(Value::from(groups.collect::<Vec<_>>().join(separator)))
}
