//! Tests of what a value is: `string`, `number`, `mapping`, `sequence`, `iterable`, `none`, `true` and so on.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Markers, Test};
use shevek_value::{Kind, Value};

use shevek_python::arguments::bind;
use shevek_python::sequence::is_mapping;

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["none"], markers: Markers::Inside, run: |_, a| of(a, Value::is_null) },
    Test { names: &["boolean"], markers: Markers::Inside, run: |_, a| of(a, |v| v.as_bool().is_some()) },
    Test { names: &["true"], markers: Markers::Inside, run: |_, a| of(a, |v| v.as_bool() == Some(true)) },
    Test { names: &["false"], markers: Markers::Inside, run: |_, a| of(a, |v| v.as_bool() == Some(false)) },
    Test { names: &["integer"], markers: Markers::Inside, run: |_, a| of(a, is_integer) },
    Test {
        names: &["float"],
        markers: Markers::Inside,
        run: |_, a| of(a, |v| matches!(v.kind(), Kind::Float(_))),
    },
    Test { names: &["number"], markers: Markers::Inside, run: |_, a| of(a, |v| v.as_float().is_some()) },
    Test { names: &["string"], markers: Markers::Inside, run: |_, a| of(a, |v| v.as_str().is_some()) },
    Test { names: &["mapping"], markers: Markers::Inside, run: |_, a| of(a, is_mapping) },
    Test { names: &["sequence"], markers: Markers::Inside, run: |_, a| of(a, is_sequence) },
    Test { names: &["iterable"], markers: Markers::Inside, run: iterable },
    Test { names: &["callable"], markers: Markers::Inside, run: |_, a| of(a, is_callable) },
    Test { names: &["escaped"], markers: Markers::Inside, run: |_, a| of(a, |_| false) },
];

fn of(arguments: &Arguments, holds: impl Fn(&Value) -> bool) -> Result<bool> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(holds(value))
}

fn is_integer(value: &Value) -> bool {
    matches!(value.kind(), Kind::Int(_) | Kind::Big(_))
}

/// Jinja's idea of a sequence: anything with a length and items, mappings and text too.
fn is_sequence(value: &Value) -> bool {
    match value.kind() {
        Kind::Str(_) | Kind::Bytes(_) | Kind::List(_) | Kind::Tuple(_) | Kind::Map(_) => true,
        Kind::Object(object) => object.length().is_some(),
        _ => false,
    }
}

fn iterable(context: &dyn Context, arguments: &Arguments) -> Result<bool> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(match value.kind() {
        Kind::Str(_) | Kind::Bytes(_) | Kind::List(_) | Kind::Tuple(_) | Kind::Map(_) | Kind::Set(_) => true,
        _ => context.iterate(value).is_ok(),
    })
}

fn is_callable(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.is_callable())
}
