//! `eq`, `ne`, `lt`, `le`, `gt`, `ge` under all their names, `sameas`, `in`, `contains`.

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Markers, Test};
use shevek_value::{Kind, Value};

use shevek_python::arguments::bind;
use shevek_python::sort::less;

pub(crate) const TESTS: &[Test] = &[
    Test {
        names: &["eq", "equalto", "=="],
        markers: Markers::Propagate,
        run: |_, a| pair(a).map(|(a, b)| a == b),
    },
    Test { names: &["ne", "!="], markers: Markers::Propagate, run: |_, a| pair(a).map(|(a, b)| a != b) },
    Test {
        names: &["lt", "lessthan", "<"],
        markers: Markers::Propagate,
        run: |c, a| pair(a).and_then(|(a, b)| less(c, a, b)),
    },
    Test {
        names: &["gt", "greaterthan", ">"],
        markers: Markers::Propagate,
        run: |c, a| pair(a).and_then(|(a, b)| less(c, b, a)),
    },
    Test {
        names: &["le", "<="],
        markers: Markers::Propagate,
        run: |c, a| pair(a).and_then(|(a, b)| at_most(c, a, b)),
    },
    Test {
        names: &["ge", ">="],
        markers: Markers::Propagate,
        run: |c, a| pair(a).and_then(|(a, b)| at_most(c, b, a)),
    },
    Test { names: &["sameas"], markers: Markers::Inside, run: |_, a| pair(a).map(|(a, b)| same(a, b)) },
    Test {
        names: &["in"],
        markers: Markers::Propagate,
        run: |c, a| pair(a).and_then(|(a, b)| is_in(c, a, b)),
    },
    Test {
        names: &["contains"],
        markers: Markers::Propagate,
        run: |c, a| pair(a).and_then(|(a, b)| is_in(c, b, a)),
    },
];

fn pair(arguments: &Arguments) -> Result<(&Value, &Value)> {
    let ([a, b], []) = bind(arguments, ["a", "b"], [])?;
    Ok((a, b))
}

fn at_most(context: &dyn Context, a: &Value, b: &Value) -> Result<bool> {
    Ok(less(context, a, b)? || a == b)
}

/// Python's `is`: the same singleton or small number, or the very same container.
fn same(a: &Value, b: &Value) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Int(a), Kind::Int(b)) => a == b,
        (Kind::Str(a), Kind::Str(b)) => a == b,
        (Kind::List(a), Kind::List(b)) | (Kind::Tuple(a), Kind::Tuple(b)) => std::sync::Arc::ptr_eq(a, b),
        (Kind::Map(a), Kind::Map(b)) => std::sync::Arc::ptr_eq(a, b),
        (Kind::Object(a), Kind::Object(b)) => std::sync::Arc::ptr_eq(a, b),
        _ => false,
    }
}

/// Whether a container has an item, a mapping a key, text a part.
pub(crate) fn is_in(context: &dyn Context, item: &Value, container: &Value) -> Result<bool> {
    match container.kind() {
        Kind::Str(text) => match item.as_str() {
            Some(part) => Ok(text.contains(part)),
            None => Err(Diagnostic::new("text can only contain text")
                .detail(format!("'in <string>' requires string as left operand, not {}", item.type_name()))),
        },
        Kind::Map(map) => Ok(map.contains_key(item)),
        Kind::Set(set) => Ok(set.contains(item)),
        Kind::List(items) | Kind::Tuple(items) => Ok(items.contains(item)),
        Kind::Object(object) if object.keys().is_some() => Ok(object.get(item)?.is_some()),
        _ => match context.iterate(container) {
            Ok(items) => Ok(items.contains(item)),
            Err(_) => Err(Diagnostic::new("it can't contain anything")
                .detail(format!("argument of type '{}' is not iterable", container.type_name()))),
        },
    }
}
