//! What each keyword asks of the data.

use std::net::{Ipv4Addr, Ipv6Addr};

use shevek_diag::Result;
use shevek_pyre::Flags;
use shevek_python::regex::{compile, exhausted};
use shevek_value::{Date, Map, Value};

use super::{Checker, Mistake, Place, bad_schema, names};

/// One keyword at one place.
pub(super) struct Check<'a> {
    pub data: &'a Value,
    pub map: &'a Map,
    pub schema: &'a Value,
    pub wanted: &'a Value,
    pub place: &'a Place,
}

impl Check<'_> {
    fn mistake(&self, keyword: &str, message: String) -> Mistake {
        let mut schema_path = self.place.schema_path.clone();
        schema_path.push(Value::from(keyword));
        Mistake {
            message,
            path: self.place.path.clone(),
            schema_path,
            schema: self.schema.clone(),
            keyword: keyword.to_owned(),
            expected: self.wanted.clone(),
            found: self.data.clone(),
        }
    }

    fn list(&self, keyword: &str) -> Result<&[Value]> {
        self.wanted
            .as_list()
            .ok_or_else(|| bad_schema(format!("{keyword} must be a list, not {}", self.wanted.repr())))
    }

    fn mapping(&self, keyword: &str) -> Result<&Map> {
        let found = self.wanted.as_map();
        found.ok_or_else(|| bad_schema(format!("{keyword} must be a mapping, not {}", self.wanted.repr())))
    }
}

fn is_type(value: &Value, name: &str) -> Result<bool> {
    let is_bool = value.as_bool().is_some();
    let kind = value.type_name();
    Ok(match name {
        "null" => value.is_null(),
        "boolean" => is_bool,
        "string" => value.as_str().is_some(),
        "array" => value.as_list().is_some(),
        "object" => value.as_map().is_some(),
        "number" => !is_bool && matches!(kind, "int" | "float"),
        "integer" => {
            !is_bool
                && (kind == "int" || (kind == "float" && value.as_float().is_some_and(|n| n.fract() == 0.0)))
        }
        other => return Err(bad_schema(format!("there is no type '{other}'"))),
    })
}

fn number(value: &Value) -> Option<f64> {
    if value.as_bool().is_some() {
        None
    } else {
        value.as_float().or_else(|| value.as_int().map(|n| n as f64))
    }
}

fn matches(pattern: &str, text: &str) -> Result<bool> {
    let regex = compile(&Value::from(pattern), Flags::NONE)?;
    Ok(regex.search(text).map_err(exhausted)?.is_some())
}

/// Whether text has a format; formats that Python doesn't check without further libraries always fit.
fn has_format(text: &str, format: &str) -> Result<bool> {
    Ok(match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "email" | "idn-email" => text.contains('@'),
        "date" => {
            let parts: Vec<&str> = text.split('-').collect();
            match parts.as_slice() {
                [year, month, day] if (year.len(), month.len(), day.len()) == (4, 2, 2) => {
                    let parsed = (year.parse(), month.parse(), day.parse());
                    matches!(parsed, (Ok(year), Ok(month), Ok(day)) if Date::new(year, month, day).is_ok())
                }
                _ => false,
            }
        }
        "regex" => compile(&Value::from(text), Flags::NONE).is_ok(),
        "uuid" => {
            text.len() == 36
                && text.chars().enumerate().all(|(place, c)| match place {
                    8 | 13 | 18 | 23 => c == '-',
                    _ => c.is_ascii_hexdigit(),
                })
        }
        _ => true,
    })
}

fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| Value::from(*text).repr()).collect::<Vec<_>>().join(", ")
}

impl Checker<'_> {
    pub(super) fn keyword(&self, at: &Check<'_>, keyword: &str, out: &mut Vec<Mistake>) -> Result<()> {
        match keyword {
            "type" | "enum" | "const" | "format" | "pattern" | "minLength" | "maxLength" => {
                self.of_text(at, keyword, out)
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                of_number(at, keyword, out)
            }
            "items" | "prefixItems" | "contains" | "minItems" | "maxItems" | "uniqueItems" => {
                self.of_list(at, keyword, out)
            }
            "properties"
            | "patternProperties"
            | "additionalProperties"
            | "propertyNames"
            | "required"
            | "minProperties"
            | "maxProperties"
            | "dependentRequired" => self.of_mapping(at, keyword, out),
            "allOf" | "anyOf" | "oneOf" | "not" | "if" | "$ref" => self.combined(at, keyword, out),
            // What only explains, or belongs to a keyword beside it.
            "title" | "description" | "default" | "examples" | "$schema" | "$id" | "id" | "$comment"
            | "definitions" | "$defs" | "then" | "else" | "readOnly" | "writeOnly" | "deprecated" => Ok(()),
            "additionalItems"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "dependentSchemas"
            | "dependencies"
            | "$dynamicRef"
            | "$anchor"
            | "minContains"
            | "maxContains" => Err(bad_schema(format!("the keyword '{keyword}' is not supported"))),
            // As the standard says: others have no meaning.
            _ => Ok(()),
        }
    }

    fn of_text(&self, at: &Check<'_>, keyword: &str, out: &mut Vec<Mistake>) -> Result<()> {
        let (data, wanted) = (at.data.repr(), at.wanted.repr());
        let text = at.data.as_str();
        let length = text.map_or(0, |text| text.chars().count() as i64);
        let limit = at.wanted.as_int().unwrap_or(0);
        let message = match keyword {
            "type" => {
                let types: Vec<String> = match at.wanted.as_list() {
                    Some(types) => types.iter().map(Value::text).collect(),
                    None => vec![at.wanted.text()],
                };
                let mut fits = false;
                for name in &types {
                    fits |= is_type(at.data, name)?;
                }
                let names: Vec<&str> = types.iter().map(String::as_str).collect();
                (!fits).then(|| format!("{data} is not of type {}", quoted(&names)))
            }
            "enum" => {
                (!at.list(keyword)?.contains(at.data)).then(|| format!("{data} is not one of {wanted}"))
            }
            "const" => (at.data != at.wanted).then(|| format!("{wanted} was expected")),
            "format" => match text {
                Some(text) if !has_format(text, &at.wanted.text())? => {
                    Some(format!("{data} is not a {wanted}"))
                }
                _ => None,
            },
            "pattern" => match text {
                Some(text) if !matches(&at.wanted.text(), text)? => {
                    Some(format!("{data} does not match {wanted}"))
                }
                _ => None,
            },
            "minLength" if text.is_some() && length < limit => Some(too_short(&data, limit)),
            "maxLength" if text.is_some() && length > limit => Some(too_long(&data, limit)),
            _ => None,
        };
        out.extend(message.map(|message| at.mistake(keyword, message)));
        Ok(())
    }

    fn of_list(&self, at: &Check<'_>, keyword: &str, out: &mut Vec<Mistake>) -> Result<()> {
        let Some(items) = at.data.as_list() else { return Ok(()) };
        let data = at.data.repr();
        let limit = at.wanted.as_int().unwrap_or(0);
        let count = items.len() as i64;
        match keyword {
            "items" | "prefixItems" => {
                let first = at.map.get("prefixItems").and_then(Value::as_list).map_or(0, <[Value]>::len);
                // A list of schemas is the old way to say prefixItems.
                if let Some(schemas) = at.wanted.as_list() {
                    for (place, (item, schema)) in items.iter().zip(schemas).enumerate() {
                        let here = at.place.data(place).schema(&[Value::from(keyword), Value::from(place)]);
                        self.check(item, schema, &here, out)?;
                    }
                } else {
                    for (place, item) in items.iter().enumerate().skip(first) {
                        let here = at.place.data(place).schema(&[Value::from(keyword)]);
                        self.check(item, at.wanted, &here, out)?;
                    }
                }
            }
            "contains" => {
                for item in items {
                    if self.fits(item, at.wanted, at.place)? {
                        return Ok(());
                    }
                }
                let message = format!("{data} does not contain items matching the given schema");
                out.push(at.mistake(keyword, message));
            }
            "minItems" if count < limit => out.push(at.mistake(keyword, too_short(&data, limit))),
            "maxItems" if count > limit => out.push(at.mistake(keyword, too_long(&data, limit))),
            "uniqueItems" if at.wanted.is_true() => {
                let twice = items.iter().enumerate().any(|(place, item)| {
                    let kind = item.type_name();
                    items.iter().skip(place + 1).any(|other| other == item && other.type_name() == kind)
                });
                if twice {
                    out.push(at.mistake(keyword, format!("{data} has non-unique elements")));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn of_mapping(&self, at: &Check<'_>, keyword: &str, out: &mut Vec<Mistake>) -> Result<()> {
        let Some(data) = at.data.as_map() else { return Ok(()) };
        let limit = at.wanted.as_int().unwrap_or(0);
        let count = data.len() as i64;
        let step = Value::from(keyword);
        match keyword {
            "properties" => {
                for (name, schema) in names(at.mapping(keyword)?) {
                    if let Some(value) = data.get(name) {
                        let here = at.place.data(name).schema(&[step.clone(), Value::from(name)]);
                        self.check(value, schema, &here, out)?;
                    }
                }
            }
            "patternProperties" => {
                for (pattern, schema) in names(at.mapping(keyword)?) {
                    for (name, value) in names(data) {
                        if matches(pattern, name)? {
                            let here = at.place.data(name).schema(&[step.clone(), Value::from(pattern)]);
                            self.check(value, schema, &here, out)?;
                        }
                    }
                }
            }
            "additionalProperties" => self.additional(at, data, out)?,
            "propertyNames" => {
                for (name, _) in names(data) {
                    self.check(
                        &Value::from(name),
                        at.wanted,
                        &at.place.schema(std::slice::from_ref(&step)),
                        out,
                    )?;
                }
            }
            "required" => {
                for name in at.list(keyword)?.iter().filter(|name| !data.contains_key(*name)) {
                    out.push(at.mistake(keyword, format!("{} is a required property", name.repr())));
                }
            }
            "dependentRequired" => {
                for (name, needed) in names(at.mapping(keyword)?).filter(|(name, _)| data.contains_key(*name))
                {
                    for other in
                        needed.as_list().unwrap_or_default().iter().filter(|other| !data.contains_key(*other))
                    {
                        let message =
                            format!("{} is a dependency of {}", other.repr(), Value::from(name).repr());
                        out.push(at.mistake(keyword, message));
                    }
                }
            }
            "minProperties" if count < limit => {
                let words =
                    if limit == 1 { "should be non-empty" } else { "does not have enough properties" };
                out.push(at.mistake(keyword, format!("{} {words}", at.data.repr())));
            }
            "maxProperties" if count > limit => {
                let words = if limit == 0 { "is expected to be empty" } else { "has too many properties" };
                out.push(at.mistake(keyword, format!("{} {words}", at.data.repr())));
            }
            _ => {}
        }
        Ok(())
    }

    fn additional(&self, at: &Check<'_>, data: &Map, out: &mut Vec<Mistake>) -> Result<()> {
        let of = |name: &str| at.map.get(name).and_then(Value::as_map);
        let patterns: Vec<&str> =
            of("patternProperties").map(|map| names(map).map(|(name, _)| name).collect()).unwrap_or_default();
        let mut extra: Vec<(&str, &Value)> = Vec::new();
        for (name, value) in names(data) {
            let mut known = of("properties").is_some_and(|map| map.contains_key(name));
            for pattern in &patterns {
                known = known || matches(pattern, name)?;
            }
            if !known {
                extra.push((name, value));
            }
        }
        if at.wanted.as_bool() != Some(false) {
            for (name, value) in extra {
                let here = at.place.data(name).schema(&[Value::from("additionalProperties")]);
                self.check(value, at.wanted, &here, out)?;
            }
            return Ok(());
        }
        if extra.is_empty() {
            return Ok(());
        }
        let mut unknown: Vec<&str> = extra.into_iter().map(|(name, _)| name).collect();
        unknown.sort_unstable();
        let message = if patterns.is_empty() {
            let verb = if unknown.len() == 1 { "was" } else { "were" };
            format!("Additional properties are not allowed ({} {verb} unexpected)", quoted(&unknown))
        } else {
            let mut patterns = patterns;
            patterns.sort_unstable();
            let verb = if unknown.len() == 1 { "does" } else { "do" };
            format!("{} {verb} not match any of the regexes: {}", quoted(&unknown), quoted(&patterns))
        };
        out.push(at.mistake("additionalProperties", message));
        Ok(())
    }

    fn combined(&self, at: &Check<'_>, keyword: &str, out: &mut Vec<Mistake>) -> Result<()> {
        let data = at.data.repr();
        match keyword {
            "$ref" => {
                let schema = self.find(at.wanted)?;
                self.check(at.data, &schema, &at.place.schema(&[]), out)?;
            }
            "not" => {
                if self.fits(at.data, at.wanted, at.place)? {
                    out.push(
                        at.mistake(keyword, format!("{data} should not be valid under {}", at.wanted.repr())),
                    );
                }
            }
            "if" => {
                let branch = if self.fits(at.data, at.wanted, at.place)? { "then" } else { "else" };
                if let Some(schema) = at.map.get(branch) {
                    self.check(at.data, schema, &at.place.schema(&[Value::from(branch)]), out)?;
                }
            }
            "allOf" => {
                for (number, schema) in at.list(keyword)?.iter().enumerate() {
                    let here = at.place.schema(&[Value::from(keyword), Value::from(number)]);
                    self.check(at.data, schema, &here, out)?;
                }
            }
            _ => {
                let mut fitting = Vec::new();
                for schema in at.list(keyword)? {
                    if self.fits(at.data, schema, at.place)? {
                        fitting.push(schema);
                    }
                }
                if fitting.is_empty() {
                    out.push(
                        at.mistake(keyword, format!("{data} is not valid under any of the given schemas")),
                    );
                } else if keyword == "oneOf" && fitting.len() > 1 {
                    // The first is told last.
                    fitting.rotate_left(1);
                    let all: Vec<String> = fitting.iter().map(|schema| schema.repr()).collect();
                    out.push(
                        at.mistake(keyword, format!("{data} is valid under each of {}", all.join(", "))),
                    );
                }
            }
        }
        Ok(())
    }
}

fn too_short(data: &str, limit: i64) -> String {
    format!("{data} {}", if limit == 1 { "should be non-empty" } else { "is too short" })
}

fn too_long(data: &str, limit: i64) -> String {
    format!("{data} {}", if limit == 0 { "is expected to be empty" } else { "is too long" })
}

fn of_number(at: &Check<'_>, keyword: &str, out: &mut Vec<Mistake>) -> Result<()> {
    let Some(data) = number(at.data) else { return Ok(()) };
    let limit = number(at.wanted)
        .ok_or_else(|| bad_schema(format!("{keyword} must be a number, not {}", at.wanted.repr())))?;
    let words = match keyword {
        "minimum" if data < limit => "less than the minimum of",
        "maximum" if data > limit => "greater than the maximum of",
        "exclusiveMinimum" if data <= limit => "less than or equal to the minimum of",
        "exclusiveMaximum" if data >= limit => "greater than or equal to the maximum of",
        "multipleOf" if (data / limit).fract() != 0.0 => "not a multiple of",
        _ => return Ok(()),
    };
    out.push(at.mistake(keyword, format!("{} is {words} {}", at.data.repr(), at.wanted.repr())));
    Ok(())
}
