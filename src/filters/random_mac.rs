//! `random_mac` (community.general): a hardware address with a given start.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, string};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use crate::random::generator;

pub(crate) const FILTERS: &[Filter] = &[Filter {
    names: &["random_mac", "community.general.random_mac"],
    markers: Markers::Propagate,
    run: random_mac,
}];

fn random_mac(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [seed]) = bind(arguments, ["value"], ["seed"])?;
    let start = string(value, "value")?.to_lowercase();
    let parts: Vec<&str> = start.split(':').collect();
    let wrong = |why: String| {
        Diagnostic::new("not the start of a hardware address")
            .detail(format!("Invalid value ({start}) for random_mac: {why}"))
            .at_maybe(value.origin(), "")
    };
    if parts.len() > 5 {
        return Err(wrong("5 colon(:) separated items max".to_owned()));
    }
    let is_byte = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if let Some(part) = parts.iter().find(|part| !is_byte(part)) {
        return Err(wrong(if part.is_empty() {
            "empty item".into()
        } else {
            format!("{part} not hexa byte")
        }));
    }
    let (low, high) = (68_719_476_736_u64, 1_099_511_627_775);
    let drawn = low + generator(seed)?.below(high - low + 1);
    let digits = format!("{drawn:x}");
    let mut out = start.clone();
    for place in 0..6 - parts.len() {
        out.push(':');
        out.push_str(digits.get(place * 2..place * 2 + 2).unwrap_or("00"));
    }
    Ok(Value::from(out))
}
