//! JSON Schema (draft 2020-12, and what the earlier ones share with it): what `validate` rests on. The words of mistakes
//! are those of Python's `jsonschema`.

mod keywords;

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Map, Value};

/// One mistake in the data.
pub(crate) struct Mistake {
    pub message: String,
    /// Where in the data.
    pub path: Vec<Value>,
    /// Where in the schema.
    pub schema_path: Vec<Value>,
    pub schema: Value,
    pub keyword: String,
    pub expected: Value,
    pub found: Value,
}

impl Mistake {
    /// As a result of `validate`.
    pub(crate) fn describe(&self) -> Value {
        let dotted = |path: &[Value]| path.iter().map(Value::text).collect::<Vec<_>>().join(".");
        let mut json_path = "$".to_owned();
        for step in &self.path {
            match step.as_int() {
                Some(place) => json_path.push_str(&format!("[{place}]")),
                None => json_path.push_str(&format!(".{}", step.text())),
            }
        }
        Value::dict([
            ("message", Value::from(self.message.as_str())),
            ("data_path", Value::from(dotted(&self.path))),
            ("json_path", Value::from(json_path)),
            ("schema_path", Value::from(dotted(&self.schema_path))),
            ("relative_schema", self.schema.clone()),
            ("expected", self.expected.clone()),
            ("validator", Value::from(self.keyword.as_str())),
            ("found", self.found.clone()),
        ])
    }
}

/// Where a check is: in the data, in the schema, and how deep.
#[derive(Clone, Default)]
pub(crate) struct Place {
    path: Vec<Value>,
    schema_path: Vec<Value>,
    depth: usize,
}

impl Place {
    fn data(&self, step: impl Into<Value>) -> Self {
        let mut out = self.clone();
        out.path.push(step.into());
        out
    }

    fn schema(&self, steps: &[Value]) -> Self {
        let mut out = self.clone();
        out.schema_path.extend_from_slice(steps);
        out.depth += 1;
        out
    }
}

/// Checks data against a schema.
pub(crate) struct Checker<'a> {
    /// The whole schema, in which references are looked up.
    pub root: &'a Value,
}

/// A schema that can't be used.
fn bad_schema(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("a schema can't be used").detail(detail)
}

impl Checker<'_> {
    /// All mistakes, in the order of their places in the data.
    pub(crate) fn mistakes(&self, data: &Value) -> Result<Vec<Mistake>> {
        let mut out = Vec::new();
        self.check(data, self.root, &Place::default(), &mut out)?;
        let key = |value: &Value| (value.as_int().unwrap_or(-1), value.text());
        out.sort_by_cached_key(|mistake| mistake.path.iter().map(key).collect::<Vec<_>>());
        Ok(out)
    }

    /// Checks one value against one schema.
    fn check(&self, data: &Value, schema: &Value, place: &Place, out: &mut Vec<Mistake>) -> Result<()> {
        if place.depth > 200 {
            return Err(bad_schema("it refers to itself without end".to_owned()));
        }
        if let Some(all) = schema.as_bool() {
            if !all {
                out.push(Mistake {
                    message: format!("False schema does not allow {}", data.repr()),
                    path: place.path.clone(),
                    schema_path: place.schema_path.clone(),
                    schema: schema.clone(),
                    keyword: String::new(),
                    expected: Value::NULL,
                    found: data.clone(),
                });
            }
            return Ok(());
        }
        let Some(map) = schema.as_map() else {
            return Err(bad_schema(format!("{} is no schema: it must be a mapping", schema.repr())));
        };
        for (keyword, wanted) in map {
            self.keyword(&keywords::Check { data, map, schema, wanted, place }, &keyword.text(), out)?;
        }
        Ok(())
    }

    fn fits(&self, data: &Value, schema: &Value, place: &Place) -> Result<bool> {
        let mut out = Vec::new();
        self.check(data, schema, &place.schema(&[]), &mut out)?;
        Ok(out.is_empty())
    }

    /// What `#/definitions/x` is.
    fn find(&self, reference: &Value) -> Result<Value> {
        let text = reference.text();
        let wrong = || {
            bad_schema(format!("the reference {} leads nowhere", reference.repr()))
                .help("references within the schema, as #/definitions/name, are followed; others are not")
        };
        let mut found = self.root;
        for step in text.strip_prefix('#').ok_or_else(wrong)?.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            found = match found.as_list() {
                Some(items) => {
                    step.parse::<usize>().ok().and_then(|place| items.get(place)).ok_or_else(wrong)?
                }
                None => found.get(&step).ok_or_else(wrong)?,
            };
        }
        Ok(found.clone())
    }
}

/// Names of a mapping that are text.
fn names(map: &Map) -> impl Iterator<Item = (&str, &Value)> {
    map.iter().filter_map(|(name, value)| Some((name.as_str()?, value)))
}
