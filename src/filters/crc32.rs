//! `crc32` (community.general): a checksum of text.

use shevek_diag::Result;
use shevek_python::arguments::{bind, string};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["community.general.crc32", "crc32"], markers: Markers::Propagate, run: crc32 }];

fn crc32(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    let mut sum = u32::MAX;
    for byte in string(value, "value")?.bytes() {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    Ok(Value::from(format!("{:x}", !sum)))
}
