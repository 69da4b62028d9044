//! Inventories in TOML.
//!
//! ```toml
//! [web.hosts]
//! web1 = { http_port = 8080 }
//!
//! [web]
//! children = ["proxies"]
//! ```

use std::sync::Arc;

use shevek_diag::{Diagnostic, Origin, Result, Source};
use shevek_value::{Date, DateTime, Map, Value};

use crate::LoadOptions;
use crate::source::json_tree::{self, Children};
use crate::source::{Candidate, Kind, Outcome, load_text};
use crate::step::Steps;

/// See the module.
pub struct Toml;

impl Kind for Toml {
    fn name(&self) -> &'static str {
        "toml"
    }

    fn wants(&self, candidate: &Candidate) -> bool {
        candidate.ending() == ".toml"
    }

    fn read(&self, candidate: &Candidate, options: &LoadOptions<'_>) -> Outcome {
        steps(candidate, options).into()
    }
}

fn steps(candidate: &Candidate, options: &LoadOptions<'_>) -> Result<Steps> {
    let mut steps = Steps::default();
    if let Some(path) = candidate.path() {
        let source = load_text(path, &options.vault)?;
        let table: toml::Table = toml::from_str(source.text()).map_err(|why| {
            let at = why.span().map_or(0, |span| span.start);
            Diagnostic::new("TOML parsing failed")
                .detail(why.message().to_owned())
                .at(&origin(&source, at), "")
        })?;
        let whole = Origin::whole(&source);
        json_tree::read(&value(toml::Value::Table(table), &whole), Children::Listed, &mut steps)?;
    }
    Ok(steps)
}

fn origin(source: &Arc<Source>, at: usize) -> Origin {
    let before = source.text().get(..at).unwrap_or_default();
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) as u32 + 1;
    Origin { source: source.clone(), line, column }
}

/// A TOML value; its text is template, as in all inventories. The parser keeps no places: all are the file's.
fn value(toml: toml::Value, whole: &Origin) -> Value {
    let value = match toml {
        toml::Value::String(text) => Value::template(text),
        toml::Value::Integer(i) => Value::from(i),
        toml::Value::Float(f) => Value::from(f),
        toml::Value::Boolean(b) => Value::from(b),
        toml::Value::Datetime(time) => date(time),
        toml::Value::Array(items) => Value::list(items.into_iter().map(|item| value(item, whole)).collect()),
        toml::Value::Table(table) => {
            let entries =
                table.into_iter().map(|(key, item)| (Value::str(key).at(whole.clone()), value(item, whole)));
            Value::map(entries.collect::<Map>())
        }
    };
    value.at(whole.clone())
}

fn date(time: toml::value::Datetime) -> Value {
    let day = time.date.map(|d| Date { year: d.year.into(), month: d.month.into(), day: d.day.into() });
    match (day, time.time) {
        (Some(date), None) => Value::object(date),
        (Some(date), Some(clock)) => Value::object(DateTime {
            date,
            hour: clock.hour.into(),
            minute: clock.minute.into(),
            second: clock.second.unwrap_or(0).into(),
            microsecond: clock.nanosecond.unwrap_or(0) / 1000,
            offset: time.offset.map(|offset| match offset {
                toml::value::Offset::Z => 0,
                toml::value::Offset::Custom { minutes } => i32::from(minutes) * 60,
            }),
        }),
        _ => Value::str(time.to_string()),
    }
}
