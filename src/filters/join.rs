//! `join`: items as one text.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given};
use shevek_python::sequence::Attribute;
use shevek_python::text::str_of;

pub(crate) const FILTERS: &[Filter] = &[Filter { names: &["join"], markers: Markers::Propagate, run: join }];

fn join(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [separator, attribute]) = bind(arguments, ["value"], ["d", "attribute"])?;
    let separator = separator.map(str_of).unwrap_or_default();
    let attribute = given(attribute).map(|attribute| Attribute::new(Some(attribute), None));
    let mut out = String::new();
    for (position, item) in context.iterate(value)?.into_iter().enumerate() {
        if position > 0 {
            out.push_str(&separator);
        }
        let item = match &attribute {
            Some(attribute) => attribute.of(context, &item)?,
            None => item,
        };
        if item.is_undefined() {
            return Ok(item);
        }
        out.push_str(&str_of(&item));
    }
    Ok(Value::from(out))
}
