//! `index_of` (ansible.utils): where in a list the items are that pass a test.

use shevek_diag::{Diagnostic, Result};
use shevek_python::arguments::{bind, flag, given};
use shevek_python::text::str_of;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["index_of", "ansible.utils.index_of"], markers: Markers::Propagate, run: index_of }];

fn index_of(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([data, test], [value, key, fail, wantlist]) =
        bind(arguments, ["data", "test"], ["value", "key", "fail_on_missing", "wantlist"])?;
    let wrong = |detail: String| Diagnostic::new("index_of can't look").detail(detail);
    let items = match (data.as_list(), data.as_str()) {
        (Some(items), _) => items.to_vec(),
        (None, Some(text)) => text.split(',').map(Value::from).collect(),
        _ => return Err(wrong(format!("the data must be a list, not {}", data.type_name()))),
    };
    let key = given(key);
    let test = str_of(test);
    let mut out = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let entry = match key {
            None => item,
            Some(key) => {
                let map = item.as_map().ok_or_else(|| {
                    wrong(format!(
                        "When a key name is provided, all list entries are required to be dictionaries: \
                         [{place}] is {}",
                        item.type_name()
                    ))
                })?;
                match map.get(key) {
                    Some(entry) => entry,
                    None if flag(fail) => {
                        return Err(wrong(format!(
                            "'{}' was not found at [{place}]. fail_on_missing=True",
                            key.text()
                        ))
                        .at_maybe(item.origin(), "in this item"));
                    }
                    None => continue,
                }
            }
        };
        if passes(context, entry, &test, given(value))? {
            out.push(Value::from(place));
        }
    }
    match (out.as_slice(), flag(wantlist)) {
        ([only], false) => Ok(only.clone()),
        _ => Ok(Value::list(out)),
    }
}

fn passes(context: &dyn Context, entry: &Value, test: &str, value: Option<&Value>) -> Result<bool> {
    let (name, inverted) = if let Some(name) = test.strip_prefix('!') {
        (if name == "=" { "==" } else { name }, true)
    } else if let Some(name) = test.strip_prefix("not ") {
        (name.trim_start(), true)
    } else {
        (test, false)
    };
    let mut positional = vec![entry.clone()];
    if let Some(value) = value {
        let alone = name == "in" && value.as_list().is_none();
        positional.push(if alone { Value::list(vec![value.clone()]) } else { value.clone() });
    }
    let passed = context.test(name, Arguments { positional, ..Arguments::default() })?;
    Ok(passed != inverted)
}
