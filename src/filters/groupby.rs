//! `groupby`: items that share an attribute, together.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, flag};
use shevek_python::sequence::{Attribute, ignore_case};
use shevek_python::sort::merge_sort;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["groupby"], markers: Markers::Propagate, run: groupby }];

fn groupby(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value, attribute], [default, case_sensitive]) =
        bind(arguments, ["value", "attribute"], ["default", "case_sensitive"])?;
    let case_sensitive = flag(case_sensitive);
    let attribute = Attribute::new(Some(attribute), default);
    let mut keyed = Vec::new();
    for item in context.iterate(value)? {
        let key = attribute.of(context, &item)?;
        if key.is_undefined() {
            return Ok(key);
        }
        keyed.push((if case_sensitive { key } else { ignore_case(key) }, item));
    }
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in merge_sort(context, keyed)? {
        match groups.last_mut() {
            Some((last, items)) if *last == key => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut out = Vec::with_capacity(groups.len());
    for (key, items) in groups {
        let name = match items.first() {
            Some(first) if !case_sensitive => attribute.of(context, first)?,
            _ => key,
        };
        out.push(group(name, items));
    }
    Ok(Value::list(out))
}

fn group(name: Value, items: Vec<Value>) -> Value {
    Value::object(Group { name, items: Value::list(items) })
}

/// A pair whose parts also have names: `grouper` and `list`.
#[derive(Debug)]
struct Group {
    name: Value,
    items: Value,
}

impl Group {
    fn pair(&self) -> Vec<Value> {
        vec![self.name.clone(), self.items.clone()]
    }
}

impl shevek_value::Object for Group {
    fn type_name(&self) -> &'static str {
        "GroupTuple"
    }

    fn get(&self, key: &Value) -> Result<Option<Value>> {
        Ok(match key.as_int() {
            Some(0 | -2) => Some(self.name.clone()),
            Some(1 | -1) => Some(self.items.clone()),
            _ => None,
        })
    }

    fn attribute(&self, name: &str) -> Result<Option<Value>> {
        Ok(match name {
            "grouper" => Some(self.name.clone()),
            "list" => Some(self.items.clone()),
            _ => None,
        })
    }

    fn items(&self) -> Option<Vec<Value>> {
        Some(self.pair())
    }

    fn text(&self) -> String {
        Value::tuple(self.pair()).text()
    }

    fn repr(&self) -> String {
        self.text()
    }

    fn plain(&self) -> Option<Value> {
        Some(Value::tuple(self.pair()))
    }

    fn equals(&self, other: &Value) -> bool {
        other.as_list() == Some(&self.pair())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
