//! `human_readable` and `human_to_bytes`: sizes with units of 1024.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::Flags;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag, given};
use shevek_python::integer::truncate;
use shevek_python::regex::{compile, exhausted};
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["human_readable"], markers: Markers::Propagate, run: human_readable },
    Filter { names: &["human_to_bytes"], markers: Markers::Propagate, run: human_to_bytes },
];

/// Units from the largest, with the power of two that each stands for and its name.
const UNITS: [(char, i32, &str); 9] = [
    ('Y', 80, "yotta"),
    ('Z', 70, "zeta"),
    ('E', 60, "exa"),
    ('P', 50, "peta"),
    ('T', 40, "tera"),
    ('G', 30, "giga"),
    ('M', 20, "mega"),
    ('K', 10, "kilo"),
    ('B', 0, ""),
];

fn human_readable(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([size], [isbits, unit]) = bind(arguments, ["size"], ["isbits", "unit"])?;
    let size = size.as_float().ok_or_else(|| {
        Diagnostic::new("human_readable() failed on bad input")
            .detail(format!("a size must be a number, not {}", size.type_name()))
            .at_maybe(size.origin(), "")
    })?;
    let base = if flag(isbits) { "bits" } else { "Bytes" };
    let unit = given(unit).map(|unit| str_of(unit).to_uppercase());
    let chosen = UNITS.iter().find(|(letter, power, _)| match &unit {
        None => size >= 2_f64.powi(*power),
        Some(unit) => *unit == letter.to_string(),
    });
    let (letter, power, _) = chosen.unwrap_or(&('B', 0, ""));
    let number = size / 2_f64.powi(*power);
    Ok(Value::from(match power {
        0 => format!("{number:.2} {base}"),
        _ => format!("{number:.2} {letter}{}", base.get(..1).unwrap_or("")),
    }))
}

fn human_to_bytes(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([size], [default_unit, isbits]) = bind(arguments, ["size"], ["default_unit", "isbits"])?;
    let text = str_of(size);
    let wrong = |why: String| {
        Diagnostic::new("human_to_bytes() can't interpret the input").detail(why).at_maybe(size.origin(), "")
    };
    let form = compile(&Value::from(r"^([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*$"), Flags::NONE)?;
    let found = form
        .search(&text)
        .map_err(exhausted)?
        .ok_or_else(|| wrong(format!("'{text}' is not a number with a unit")))?;
    let number: f64 =
        found.get(1).unwrap_or("").parse().map_err(|_| wrong(format!("'{text}' has no number")))?;
    let default_unit = given(default_unit).map(str_of);
    let Some(unit) = found.get(2).or(default_unit.as_deref()) else { return whole(number) };
    let letter = unit.chars().next().map_or('B', |c| c.to_ascii_uppercase());
    let Some((_, power, name)) = UNITS.iter().find(|(known, ..)| *known == letter) else {
        let all = UNITS.map(|(letter, ..)| letter.to_string()).join(", ");
        return Err(wrong(format!(
            "failed to convert {text} (unit = {unit}). The suffix must be one of {all}"
        )));
    };
    if unit.len() > 1 {
        let (one, short) = if flag(isbits) { ("bit", 'b') } else { ("byte", 'B') };
        let long = format!("{name}{one}");
        let short = if *power == 0 { short.to_string() } else { format!("{letter}{short}") };
        if unit.to_lowercase() != long && unit != short {
            let other = if *power == 0 { one.to_owned() } else { letter.to_string() };
            return Err(wrong(format!(
                "failed to convert {text}. Value is not a valid string (expect {short} or {other})"
            )));
        }
    }
    whole(number * 2_f64.powi(*power))
}

fn whole(number: f64) -> Result<Value> {
    truncate(number.round_ties_even()).ok_or_else(|| Diagnostic::new("number out of range"))
}
