//! `basename`, `dirname`, `expanduser`, `expandvars`, `path_join`, `realpath`, `relpath`, `splitext`, `commonpath`,
//! `normpath`: paths as Python's `os.path` takes them apart and puts them together.

use std::path::Path;

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Filter, Markers};
use shevek_value::Value;

use shevek_python::arguments::{bind, given, string};
use shevek_python::path;
use shevek_python::sequence::is_sequence;

pub(crate) const FILTERS: &[Filter] = &[
    Filter {
        names: &["basename"],
        markers: Markers::Propagate,
        run: |_, a| of_text(a, |p| path::split(p).1.to_owned()),
    },
    Filter {
        names: &["dirname"],
        markers: Markers::Propagate,
        run: |_, a| of_text(a, |p| path::split(p).0.to_owned()),
    },
    Filter { names: &["expanduser"], markers: Markers::Propagate, run: |_, a| of_text(a, path::expand_user) },
    Filter {
        names: &["expandvars"],
        markers: Markers::Propagate,
        run: |_, a| of_text(a, path::expand_variables),
    },
    Filter { names: &["normpath"], markers: Markers::Propagate, run: |_, a| of_text(a, path::normal) },
    Filter {
        names: &["realpath"],
        markers: Markers::Propagate,
        run: |_, a| of_text(a, |p| path::real(Path::new(p))),
    },
    Filter { names: &["relpath"], markers: Markers::Propagate, run: relpath },
    Filter { names: &["splitext"], markers: Markers::Propagate, run: splitext },
    Filter { names: &["path_join"], markers: Markers::Propagate, run: path_join },
    Filter { names: &["commonpath"], markers: Markers::Propagate, run: commonpath },
];

fn of_text(arguments: &Arguments, change: impl Fn(&str) -> String) -> Result<Value> {
    let ([value], []) = bind(arguments, ["path"], [])?;
    Ok(Value::from(change(string(value, "path")?)))
}

fn splitext(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["path"], [])?;
    let (root, extension) = path::split_extension(string(value, "path")?);
    Ok(Value::tuple(vec![Value::from(root), Value::from(extension)]))
}

fn relpath(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], [start]) = bind(arguments, ["path"], ["start"])?;
    let text = string(value, "path")?;
    if text.is_empty() {
        return Err(Diagnostic::new("no path specified"));
    }
    let start = given(start).map_or(Ok("."), |start| string(start, "start"))?;
    Ok(Value::from(path::relative(text, start)))
}

fn unexpected(wanted: &str, value: &Value) -> Box<Diagnostic> {
    Diagnostic::new("wrong type of argument")
        .detail(format!("|{wanted}, got {} instead", value.type_name()))
        .at_maybe(value.origin(), "")
}

fn path_join(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["paths"], [])?;
    if let Some(text) = value.as_str() {
        return Ok(Value::from(text));
    }
    if !is_sequence(value) {
        return Err(unexpected("path_join expects string or sequence", value));
    }
    let items = context.iterate(value)?;
    let Some((first, rest)) = items.split_first() else {
        return Err(Diagnostic::new("no path to join").detail("the list of paths is empty"));
    };
    let mut out = string(first, "paths")?.to_owned();
    for item in rest {
        path::join(&mut out, string(item, "paths")?);
    }
    Ok(Value::from(out))
}

fn commonpath(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let ([value], []) = bind(arguments, ["paths"], [])?;
    if !is_sequence(value) {
        return Err(unexpected("commonpath expects sequence", value));
    }
    let items = context.iterate(value)?;
    let texts = items.iter().map(|item| string(item, "paths")).collect::<Result<Vec<_>>>()?;
    if texts.is_empty() {
        return Err(Diagnostic::new("no common path").detail("commonpath() arg is an empty sequence"));
    }
    if texts.iter().any(|text| text.starts_with('/')) && !texts.iter().all(|text| text.starts_with('/')) {
        return Err(Diagnostic::new("no common path").detail("Can't mix absolute and relative paths"));
    }
    Ok(Value::from(path::common(&texts)))
}
