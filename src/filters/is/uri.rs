//! `uri`, `url`, `urn`.

use shevek_diag::Result;
use shevek_template::plugin::{Arguments, Context, Markers, Test};
use shevek_value::Value;

use super::comparison::is_in;
use shevek_python::arguments::bind;
use shevek_python::url::Url;

pub(crate) const TESTS: &[Test] = &[
    Test { names: &["uri"], markers: Markers::Propagate, run: |c, a| Ok(uri(c, a)?.is_some()) },
    Test { names: &["url"], markers: Markers::Propagate, run: url },
    Test { names: &["urn"], markers: Markers::Propagate, run: urn },
];

/// The scheme and the host of a URI; `None`: it is none, or its scheme is not wanted.
fn uri(context: &dyn Context, arguments: &Arguments) -> Result<Option<(String, String)>> {
    let ([value], [schemes]) = bind(arguments, ["value"], ["schemes"])?;
    let Some(Ok(parts)) = value.as_str().map(Url::split) else { return Ok(None) };
    let wanted = match schemes.filter(|schemes| schemes.is_true()) {
        None => true,
        Some(schemes) => is_in(context, &Value::from(parts.scheme.as_str()), schemes).unwrap_or(false),
    };
    Ok(wanted.then(|| (parts.scheme, parts.netloc.to_owned())))
}

fn url(context: &dyn Context, arguments: &Arguments) -> Result<bool> {
    Ok(uri(context, arguments)?.is_some_and(|(scheme, host)| !host.is_empty() || scheme == "file"))
}

fn urn(_: &dyn Context, arguments: &Arguments) -> Result<bool> {
    let ([value], []) = bind(arguments, ["value"], [])?;
    Ok(matches!(value.as_str().map(Url::split), Some(Ok(parts)) if parts.scheme == "urn"))
}
