//! `to_datetime` and `strftime`: times from text and to text.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, flag, given, string};
use shevek_python::integer::parse_float;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{DateTime, Value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter { names: &["to_datetime"], markers: Markers::Propagate, run: to_datetime },
    Filter { names: &["strftime"], markers: Markers::Propagate, run: strftime },
];

fn to_datetime(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [format]) = bind(arguments, ["string"], ["format"])?;
    let format = format.map_or(Ok("%Y-%m-%d %H:%M:%S"), |format| string(format, "format"))?;
    DateTime::strptime(string(value, "string")?, format).map(Value::object)
}

fn strftime(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([format], [second, utc]) = bind(arguments, ["string_format"], ["second", "utc"])?;
    let format = string(format, "string_format")?;
    let utc = flag(utc);
    let seconds = match given(second) {
        None => Timestamp::now().as_duration().as_secs_f64(),
        Some(second) => {
            second.as_float().or_else(|| second.as_str().and_then(parse_float)).ok_or_else(|| {
                Diagnostic::new("not a time")
                    .detail(format!("Invalid value for epoch value ({})", second.text()))
                    .at_maybe(second.origin(), "")
            })?
        }
    };
    let zone = if utc { TimeZone::UTC } else { TimeZone::system() };
    let moment = Timestamp::from_second(seconds.floor() as i64)
        .map_err(|_| Diagnostic::new("not a time").detail(format!("{seconds} seconds are out of range")))?;
    let offset = zone.to_offset_info(moment);
    let (hours, minutes) = (offset.offset().seconds() / 3600, offset.offset().seconds().abs() / 60 % 60);
    let format = format
        .replace("%Z", offset.abbreviation())
        .replace("%z", &format!("{hours:+03}{minutes:02}"))
        .replace("%s", &moment.as_second().to_string());
    DateTime::from_timestamp(seconds.floor(), utc)?.strftime(&format).map(Value::from)
}
