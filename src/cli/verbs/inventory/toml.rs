//! Values as TOML.

use shevek_diag::{Diagnostic, Kind as Mender, Result};
use shevek_value::{Kind, Value};

/// A mapping as a TOML document. TOML has no null: one is an error that says where it is.
pub(super) fn written(value: &Value) -> Result<String> {
    let mut path = Vec::new();
    let document = toml(value, &mut path)?;
    ::toml::to_string_pretty(&document).map_err(|why| unwritable(&path, &why.to_string()))
}

fn toml(value: &Value, path: &mut Vec<String>) -> Result<::toml::Value> {
    Ok(match value.kind() {
        Kind::Bool(b) => ::toml::Value::Boolean(*b),
        Kind::Int(i) => ::toml::Value::Integer(*i),
        Kind::Float(f) => ::toml::Value::Float(*f),
        Kind::Null => return Err(unwritable(path, "TOML has no null")),
        Kind::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (n, item) in items.iter().enumerate() {
                path.push(n.to_string());
                list.push(toml(item, path)?);
                path.pop();
            }
            ::toml::Value::Array(list)
        }
        Kind::Map(entries) => {
            let mut table = ::toml::Table::new();
            for (key, item) in entries.iter() {
                path.push(key.text());
                table.insert(key.text(), toml(item, path)?);
                path.pop();
            }
            ::toml::Value::Table(table)
        }
        _ => {
            let text = value.text();
            // Dates are values of their own in TOML, as in YAML.
            match text.parse::<::toml::value::Datetime>() {
                Ok(date) if value.as_str().is_none() => ::toml::Value::Datetime(date),
                _ => ::toml::Value::String(text),
            }
        }
    })
}

fn unwritable(path: &[String], why: &str) -> Box<Diagnostic> {
    Diagnostic::new("the inventory cannot be written as TOML")
        .kind(Mender::Options)
        .detail(format!("`{}`: {why}", path.join(".")))
        .help("--yaml and JSON can hold it")
}
