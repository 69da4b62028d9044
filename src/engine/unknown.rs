//! What a check run cannot know.

use std::any::Any;

use shevek_actions::Outcome;
use shevek_diag::{Diagnostic, Result};
use shevek_value::{Map, Object, Value};

/// The summary of errors about variables that are not there.
pub(crate) const UNDEFINED: &str = "undefined variable";

/// The summary by which an error for want of knowledge is told from others.
const SUMMARY: &str = "unknown in a check run";

/// Whether an error only says that a check run cannot know something.
pub(crate) fn is_cause(error: &Diagnostic) -> bool {
    // Errors about arguments put their own summary over it.
    error.summary == SUMMARY || error.detail.contains(SUMMARY)
}

/// An error in the words of a result: of what is undefined, only what that is.
pub(crate) fn words(error: &Diagnostic) -> String {
    if error.summary == UNDEFINED { error.detail.clone() } else { error.message() }
}

/// A result under its name. Of a task that a check run did not carry out only some keys are known; asking for another
/// is undecided instead of undefined.
pub(crate) fn registered(name: &str, outcome: &Outcome) -> Value {
    let value = outcome.to_value();
    match value.as_map() {
        Some(map) if outcome.unknown => {
            // Empty output in the answer of a check run stands for output that nobody has seen.
            let known = map.iter().filter(|(key, _)| !key.as_str().is_some_and(|key| OPEN.contains(&key)));
            let known = known.map(|(key, value)| (key.clone(), value.clone())).collect();
            Value::object(PartlyKnown { name: name.to_owned(), known })
        }
        _ => value,
    }
}

/// Keys that only the real run can fill.
const OPEN: [&str; 9] =
    ["rc", "stdout", "stderr", "stdout_lines", "stderr_lines", "start", "end", "delta", "ansible_facts"];

/// Keys that say what became of the task itself: where they are missing, a check run knows that, too.
const FLAGS: [&str; 6] = ["changed", "failed", "skipped", "unreachable", "warnings", "deprecations"];

#[derive(Debug)]
struct PartlyKnown {
    name: String,
    known: Map,
}

impl Object for PartlyKnown {
    fn type_name(&self) -> &'static str {
        "dict"
    }

    fn get(&self, key: &Value) -> Result<Option<Value>> {
        if let Some(value) = self.known.get(key) {
            return Ok(Some(value.clone()));
        }
        if key.as_str().is_some_and(|key| FLAGS.contains(&key)) {
            return Ok(None);
        }
        let name = if self.name.is_empty() { key.text() } else { format!("{}.{}", self.name, key.text()) };
        Ok(Some(Value::unknown(name)))
    }

    fn keys(&self) -> Option<Vec<Value>> {
        Some(self.known.keys().cloned().collect())
    }

    fn plain(&self) -> Option<Value> {
        Some(Value::map(self.known.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
