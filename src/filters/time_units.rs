//! `to_milliseconds`, `to_seconds`, `to_minutes`, `to_hours`, `to_days`, `to_weeks`, `to_months`, `to_years`,
//! `to_time_unit` (community.general): spans of time in another unit.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::Flags;
use shevek_python::arguments::string;
use shevek_python::integer::round;
use shevek_python::regex::{compile, exhausted};
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers, Run};
use shevek_value::Value;

const fn filter(names: &'static [&'static str], run: Run) -> Filter {
    Filter { names, markers: Markers::Propagate, run }
}

pub(crate) const FILTERS: &[Filter] = &[
    filter(&["community.general.to_time_unit", "to_time_unit"], to_time_unit),
    filter(&["community.general.to_milliseconds", "to_milliseconds"], |_, a| to(a, "ms")),
    filter(&["community.general.to_seconds", "to_seconds"], |_, a| to(a, "s")),
    filter(&["community.general.to_minutes", "to_minutes"], |_, a| to(a, "m")),
    filter(&["community.general.to_hours", "to_hours"], |_, a| to(a, "h")),
    filter(&["community.general.to_days", "to_days"], |_, a| to(a, "d")),
    filter(&["community.general.to_weeks", "to_weeks"], |_, a| to(a, "w")),
    filter(&["community.general.to_months", "to_months"], |_, a| to(a, "mo")),
    filter(&["community.general.to_years", "to_years"], |_, a| to(a, "y")),
];

fn to_time_unit(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let unit = arguments.get(1, "unit").map_or_else(|| "ms".into(), str_of);
    to(arguments, &unit)
}

/// Milliseconds of a unit, under its long and short names, singular and plural.
fn milliseconds(unit: &str, days: (f64, f64)) -> Option<f64> {
    const DAY: f64 = 86_400_000.0;
    let long = unit.trim_end_matches('s');
    let short = match long {
        "millisecond" | "msec" | "msecond" => "ms",
        "sec" | "second" => "s",
        "min" | "minute" => "m",
        "hour" => "h",
        "day" => "d",
        "week" => "w",
        "month" => "mo",
        "year" => "y",
        _ => unit,
    };
    Some(match short {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => DAY,
        "w" => 7.0 * DAY,
        "mo" => days.0 * DAY,
        "y" => days.1 * DAY,
        _ => return None,
    })
}

fn to(arguments: &Arguments, unit: &str) -> Result<Value> {
    let text = string(arguments.subject(), "human_time")?;
    if text == "0" {
        return Ok(Value::from(0));
    }
    let days = |name: &str, usual: f64| arguments.named.get(name).and_then(Value::as_float).unwrap_or(usual);
    let days = (days("month", 30.0), days("year", 365.0));
    if let Some(other) =
        arguments.named.keys().find(|key| !matches!(key.as_str(), Some("month" | "year" | "unit")))
    {
        return Err(Diagnostic::new("unexpected argument")
            .detail(format!("to_time_unit() got unknown keyword arguments: {}", other.text())));
    }
    let whole = milliseconds(unit, days).ok_or_else(|| {
        Diagnostic::new("unknown unit of time").detail(format!(
            "to_time_unit() can not convert to the following unit: {unit}. There are ms, s, m, h, d, w, mo and y, \
             and their long names"
        ))
    })?;
    let wrong = || {
        Diagnostic::new("not a span of time")
            .detail(format!("to_time_unit() can not interpret following string: {text}"))
            .at_maybe(arguments.subject().origin(), "")
    };
    let form = compile(&Value::from(r"(-?\d+)(\w+)"), Flags::NONE)?;
    let mut total = 0.0;
    for word in text.split_whitespace() {
        let found = form.match_start(word).map_err(exhausted)?.ok_or_else(wrong)?;
        let number: f64 = found.get(1).and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
        total += number * milliseconds(found.get(2).unwrap_or(""), days).ok_or_else(wrong)?;
    }
    Ok(Value::from(round(total / whole, 12)))
}
