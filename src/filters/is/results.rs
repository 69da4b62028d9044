//! Tests of a task's result: `failed`, `succeeded`, `changed`, `skipped`, `unreachable`, `reachable`, `timedout`,
//! `started`, `finished`.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::{Arguments, Context, Markers, Test};
use shevek_value::{Map, Value};

use shevek_python::arguments::bind;
use shevek_python::sequence::mapping;

pub(crate) const TESTS: &[Test] = &[
    Test {
        names: &["failed", "failure"],
        markers: Markers::Inside,
        run: |_, a| truth(a, "failed", "failed"),
    },
    Test {
        names: &["succeeded", "success", "successful"],
        markers: Markers::Inside,
        run: |_, a| truth(a, "failed", "failed").map(|failed| !failed),
    },
    Test {
        names: &["skipped", "skip"],
        markers: Markers::Inside,
        run: |_, a| truth(a, "skipped", "skipped"),
    },
    Test {
        names: &["unreachable"],
        markers: Markers::Inside,
        run: |_, a| truth(a, "unreachable", "unreachable"),
    },
    Test {
        names: &["reachable"],
        markers: Markers::Inside,
        run: |_, a| truth(a, "unreachable", "unreachable").map(|unreachable| !unreachable),
    },
    Test { names: &["changed", "change"], markers: Markers::Inside, run: |_, a| changed(a) },
    Test { names: &["timedout"], markers: Markers::Inside, run: |_, a| timed_out(a) },
    Test { names: &["started"], markers: Markers::Inside, run: |c, a| of_async(c, a, "started") },
    Test { names: &["finished"], markers: Markers::Inside, run: |c, a| of_async(c, a, "finished") },
];

fn result_of(arguments: &Arguments, test: &str) -> Result<Arc<Map>> {
    let ([value], []) = bind(arguments, ["result"], [])?;
    mapping(value)?.ok_or_else(|| {
        Diagnostic::new("not a task's result")
            .detail(format!("The '{test}' test expects a dictionary, not '{}'", value.type_name()))
            .at_maybe(value.origin(), "")
            .help("test the variable that a task registered")
    })
}

fn truth(arguments: &Arguments, test: &str, key: &str) -> Result<bool> {
    Ok(result_of(arguments, test)?.get(key).is_some_and(Value::is_true))
}

fn changed(arguments: &Arguments) -> Result<bool> {
    let result = result_of(arguments, "changed")?;
    if let Some(changed) = result.get("changed") {
        return Ok(changed.is_true());
    }
    let results = result.get("results").and_then(Value::as_list).unwrap_or(&[]);
    Ok(results.iter().any(|result| result.get("changed").is_some_and(Value::is_true)))
}

fn timed_out(arguments: &Arguments) -> Result<bool> {
    let result = result_of(arguments, "timedout")?;
    let period = result.get("timedout").filter(|timedout| timedout.is_true()).and_then(|t| t.get("period"));
    Ok(period.is_some_and(Value::is_true))
}

fn of_async(context: &dyn Context, arguments: &Arguments, key: &'static str) -> Result<bool> {
    match result_of(arguments, key)?.get(key) {
        Some(value) => Ok(value.is_true()),
        None => {
            context.warn(
                Diagnostic::warning("not the result of an async task").detail(format!(
                    "The '{key}' test expects an async task, but a non-async task was tested"
                )),
            );
            Ok(true)
        }
    }
}
