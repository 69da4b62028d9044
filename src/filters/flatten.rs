//! `flatten`: lists within lists as one.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::{Kind, Value};

use shevek_python::arguments::{bind, given, integer};
use shevek_python::sequence::is_sequence;

pub(crate) const FILTERS: &[Filter] =
    &[Filter { names: &["flatten"], markers: Markers::Inside, run: flatten }];

fn flatten(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [levels, skip_nulls]) = bind(arguments, ["mylist"], ["levels", "skip_nulls"])?;
    let levels = given(levels).map(|levels| integer(levels, "levels")).transpose()?;
    let skip_nulls = skip_nulls.is_none_or(Value::is_true);
    Ok(Value::list(flatten_items(context, &context.iterate(value)?, levels, skip_nulls)?))
}

/// Items, those of lists among them in the lists' stead, as many levels down as wanted.
pub(crate) fn flatten_items(
    context: &dyn Context,
    items: &[Value],
    levels: Option<i64>,
    skip_nulls: bool,
) -> Result<Vec<Value>> {
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let null = match item.kind() {
            Kind::Null => true,
            Kind::Str(text) => matches!(&**text, "None" | "null"),
            _ => false,
        };
        if skip_nulls && null {
            continue;
        }
        if is_sequence(item) && levels.is_none_or(|levels| levels >= 1) {
            let inner = context.iterate(item)?;
            out.extend(flatten_items(context, &inner, levels.map(|levels| levels - 1), skip_nulls)?);
        } else {
            out.push(item.clone());
        }
    }
    Ok(out)
}
