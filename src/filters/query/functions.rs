//! JMESPath's functions, for `json_query`.

use std::cmp::Ordering;

use jmespath::ast::Ast;
use shevek_diag::{Diagnostic, Result};
use shevek_python::integer::{parse_float, parse_int, truncate};
use shevek_python::json_writer::{JsonStyle, write_json};
use shevek_value::{Kind, Map, Value};

use crate::json_query::evaluate;

struct Call<'a> {
    name: &'a str,
    trees: &'a [Ast],
    values: Vec<Value>,
}

/// Calls a function with its arguments evaluated.
pub(crate) fn call(name: &str, trees: &[Ast], data: &Value) -> Result<Value> {
    let values = trees.iter().map(|tree| evaluate(tree, data)).collect::<Result<_>>()?;
    Call { name, trees, values }.run()
}

impl Call<'_> {
    fn wrong(&self, detail: impl Into<String>) -> Box<Diagnostic> {
        Diagnostic::new("a JMESPath function failed").detail(format!("{}(): {}", self.name, detail.into()))
    }

    fn get(&self, place: usize) -> Result<&Value> {
        self.values.get(place).ok_or_else(|| self.wrong(format!("argument {} is missing", place + 1)))
    }

    fn type_error(&self, value: &Value, wanted: &str) -> Box<Diagnostic> {
        self.wrong(format!(
            "invalid type for value: {}, expected {wanted}, received \"{}\"",
            value.text(),
            kind(value)
        ))
    }

    fn number(&self, value: &Value) -> Result<f64> {
        value.as_float().filter(|_| kind(value) == "number").ok_or_else(|| self.type_error(value, "a number"))
    }

    fn text(&self, place: usize) -> Result<&str> {
        let value = self.get(place)?;
        value.as_str().ok_or_else(|| self.type_error(value, "a string"))
    }

    fn list(&self, place: usize) -> Result<&[Value]> {
        let value = self.get(place)?;
        value.as_list().ok_or_else(|| self.type_error(value, "an array"))
    }

    fn map(&self, place: usize) -> Result<&Map> {
        let value = self.get(place)?;
        value.as_map().ok_or_else(|| self.type_error(value, "an object"))
    }

    fn expression(&self, place: usize) -> Result<&Ast> {
        match self.trees.get(place) {
            Some(Ast::Expref { ast, .. }) => Ok(ast),
            _ => Err(self.wrong("an expression (&…) is expected")),
        }
    }

    fn numbers(&self) -> Result<Vec<f64>> {
        self.list(0)?.iter().map(|value| self.number(value)).collect()
    }

    fn sum(&self) -> Result<Value> {
        let numbers = self.numbers()?;
        let whole: Option<Vec<i64>> = self.list(0)?.iter().map(Value::as_int).collect();
        let exact = whole.and_then(|all| all.into_iter().try_fold(0_i64, i64::checked_add));
        Ok(exact.map_or_else(|| Value::from(numbers.iter().sum::<f64>()), Value::from))
    }

    /// All numbers or all texts, in order; keys decide.
    fn sorted(&self, keyed: Vec<(Value, Value)>) -> Result<Vec<Value>> {
        let mut keyed = keyed;
        let kinds: Vec<&str> = keyed.iter().map(|(key, _)| kind(key)).collect();
        if let Some((key, _)) = keyed.iter().find(|(key, _)| !matches!(kind(key), "number" | "string")) {
            return Err(self.type_error(key, "a number or string"));
        }
        if kinds.windows(2).any(|pair| pair.first() != pair.last()) {
            return Err(self.wrong("the items are not all of one type"));
        }
        keyed.sort_by(|(a, _), (b, _)| order(a, b));
        Ok(keyed.into_iter().map(|(_, item)| item).collect())
    }

    fn keyed(&self) -> Result<Vec<(Value, Value)>> {
        let tree = self.expression(1)?;
        self.list(0)?.iter().map(|item| Ok((evaluate(tree, item)?, item.clone()))).collect()
    }

    fn by_items(&self) -> Result<Vec<(Value, Value)>> {
        Ok(self.list(0)?.iter().map(|item| (item.clone(), item.clone())).collect())
    }

    /// The first of the largest.
    fn largest(&self, keyed: Vec<(Value, Value)>) -> Result<Value> {
        self.sorted(keyed.clone())?;
        let mut best: Option<(Value, Value)> = None;
        for (key, item) in keyed {
            if best.as_ref().is_none_or(|(known, _)| order(&key, known) == Ordering::Greater) {
                best = Some((key, item));
            }
        }
        Ok(best.map(|(_, item)| item).unwrap_or_default())
    }

    fn run(&self) -> Result<Value> {
        Ok(match self.name {
            "abs" => match self.get(0)?.kind() {
                Kind::Int(number) => Value::from(number.wrapping_abs()),
                _ => Value::from(self.number(self.get(0)?)?.abs()),
            },
            "avg" => match self.numbers()?.as_slice() {
                [] => Value::NULL,
                numbers => Value::from(numbers.iter().sum::<f64>() / numbers.len() as f64),
            },
            "ceil" => truncate(self.number(self.get(0)?)?.ceil()).unwrap_or_default(),
            "floor" => truncate(self.number(self.get(0)?)?.floor()).unwrap_or_default(),
            "sum" => self.sum()?,
            "contains" => match self.get(0)?.as_str() {
                Some(text) => Value::from(self.get(1)?.as_str().is_some_and(|part| text.contains(part))),
                None => Value::from(self.list(0)?.contains(self.get(1)?)),
            },
            "starts_with" => Value::from(self.text(0)?.starts_with(self.text(1)?)),
            "ends_with" => Value::from(self.text(0)?.ends_with(self.text(1)?)),
            "join" => {
                let texts = self
                    .list(1)?
                    .iter()
                    .map(|item| item.as_str().ok_or_else(|| self.type_error(item, "a string")));
                Value::from(texts.collect::<Result<Vec<_>>>()?.join(self.text(0)?))
            }
            "keys" => Value::list(self.map(0)?.keys().cloned().collect()),
            "values" => Value::list(self.map(0)?.values().cloned().collect()),
            "length" => {
                let value = self.get(0)?;
                match (value.as_str(), value.as_list(), value.as_map()) {
                    (Some(text), ..) => Value::from(text.chars().count()),
                    (_, Some(items), _) => Value::from(items.len()),
                    (.., Some(map)) => Value::from(map.len()),
                    _ => return Err(self.type_error(value, "a string, array or object")),
                }
            }
            "map" => {
                let tree = self.expression(0)?;
                Value::list(self.list(1)?.iter().map(|item| evaluate(tree, item)).collect::<Result<_>>()?)
            }
            "max" => self.largest(self.by_items()?)?,
            "max_by" => self.largest(self.keyed()?)?,
            "min" => self.sorted(self.by_items()?)?.into_iter().next().unwrap_or_default(),
            "min_by" => self.sorted(self.keyed()?)?.into_iter().next().unwrap_or_default(),
            "sort" => Value::list(self.sorted(self.by_items()?)?),
            "sort_by" => Value::list(self.sorted(self.keyed()?)?),
            "merge" => {
                let mut out = Map::default();
                for place in 0..self.values.len() {
                    out.extend(self.map(place)?.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                Value::map(out)
            }
            "not_null" => self.values.iter().find(|value| !value.is_null()).cloned().unwrap_or_default(),
            "reverse" => match self.get(0)?.as_str() {
                Some(text) => Value::from(text.chars().rev().collect::<String>()),
                None => Value::list(self.list(0)?.iter().rev().cloned().collect()),
            },
            "to_array" => {
                let value = self.get(0)?;
                if value.as_list().is_some() { value.clone() } else { Value::list(vec![value.clone()]) }
            }
            "to_string" => {
                let value = self.get(0)?;
                let style = JsonStyle {
                    item_separator: ",".into(),
                    key_separator: ":".into(),
                    ..JsonStyle::default()
                };
                if value.as_str().is_some() { value.clone() } else { Value::from(write_json(value, &style)?) }
            }
            "to_number" => {
                let value = self.get(0)?;
                match value.as_str() {
                    Some(text) => {
                        parse_int(text, 10).or_else(|| parse_float(text).map(Value::from)).unwrap_or_default()
                    }
                    None if kind(value) == "number" => value.clone(),
                    None => Value::NULL,
                }
            }
            "type" => Value::from(kind(self.get(0)?)),
            other => return Err(self.wrong(format!("Unknown function: {other}()"))),
        })
    }
}

fn kind(value: &Value) -> &'static str {
    match value.kind() {
        Kind::Null | Kind::Undefined(_) | Kind::Omit => "null",
        Kind::Bool(_) => "boolean",
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => "number",
        Kind::Str(_) | Kind::Bytes(_) => "string",
        Kind::List(_) | Kind::Tuple(_) | Kind::Set(_) => "array",
        Kind::Map(_) | Kind::Object(_) => "object",
    }
}

fn order(a: &Value, b: &Value) -> Ordering {
    match (a.as_float(), b.as_float()) {
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        _ => a.as_str().cmp(&b.as_str()),
    }
}
