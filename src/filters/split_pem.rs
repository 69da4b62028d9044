//! `split_pem`, `parse_serial`, `to_serial` (community.crypto): the parts of PEM files, and serial numbers.

use num_bigint::{BigInt, Sign};
use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::bind;
use shevek_python::integer::as_big;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use crate::x509::content;

pub(crate) const FILTERS: &[Filter] = &[
    Filter {
        names: &["community.crypto.split_pem", "split_pem"],
        markers: Markers::Propagate,
        run: split_pem,
    },
    Filter {
        names: &["community.crypto.parse_serial", "parse_serial"],
        markers: Markers::Propagate,
        run: parse_serial,
    },
    Filter {
        names: &["community.crypto.to_serial", "to_serial"],
        markers: Markers::Propagate,
        run: to_serial,
    },
];

fn split_pem(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], []) = bind(arguments, ["data"], [])?;
    let bytes = content(data, "split_pem")?;
    let text = String::from_utf8_lossy(&bytes);
    let mut out = Vec::new();
    let mut open: Option<String> = None;
    for line in text.split_inclusive('\n').filter(|line| !line.trim().is_empty()) {
        if line.starts_with("-----BEGIN ") {
            open = Some(String::new());
        }
        if let Some(current) = &mut open {
            current.push_str(line);
            if line.starts_with("-----END ") {
                out.extend(open.take().map(Value::from));
            }
        }
    }
    Ok(Value::list(out))
}

fn parse_serial(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], []) = bind(arguments, ["serial_str"], [])?;
    let wrong =
        |detail: String| Diagnostic::new("not a serial number").detail(detail).at_maybe(data.origin(), "");
    let bytes = content(data, "parse_serial")?;
    let text = String::from_utf8_lossy(&bytes);
    let mut number = Vec::new();
    for (place, part) in text.split(':').enumerate() {
        let part = part.trim();
        let digits = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")).unwrap_or(part);
        let parsed = Some(digits).filter(|digits| !digits.starts_with('+'));
        number.push(
            parsed
                .and_then(|digits| {
                    let value = u64::from_str_radix(digits, 16).ok()?;
                    u8::try_from(value).ok()
                })
                .ok_or_else(|| {
                    wrong(format!(
                        "part {} '{part}' is not a hexadecimal number in range [0, 255]",
                        place + 1
                    ))
                })?,
        );
    }
    Ok(Value::big(BigInt::from_bytes_be(Sign::Plus, &number)))
}

fn to_serial(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data], []) = bind(arguments, ["serial_int"], [])?;
    let wrong =
        |detail: String| Diagnostic::new("not a serial number").detail(detail).at_maybe(data.origin(), "");
    let number = as_big(data).filter(|_| data.as_str().is_none()).ok_or_else(|| {
        wrong(format!(
            "The input for the community.crypto.to_serial filter must be an integer; got {} instead",
            data.type_name()
        ))
    })?;
    let (sign, bytes) = number.to_bytes_be();
    if sign == Sign::Minus {
        return Err(wrong(
            "The input for the community.crypto.to_serial filter must not be negative".to_owned(),
        ));
    }
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(Value::from(parts.join(":")))
}
