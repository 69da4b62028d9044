//! Spans of time as users write them.

use std::time::Duration;

use shevek_diag::{Diagnostic, Origin, Result};
use shevek_value::Value;

/// Longer than anything waits; what is longer yet is taken for this.
const YEAR: f64 = 365.0 * 24.0 * 3600.0;

/// That many seconds.
pub(crate) fn of_seconds(name: &str, seconds: f64, origin: Option<&Origin>) -> Result<Duration> {
    if seconds >= 0.0 {
        return Ok(Duration::from_secs_f64(seconds.min(YEAR)));
    }
    Err(wrong(name, &Value::from(seconds), origin))
}

/// As many seconds as a variable says, in digits or in words of a configuration file.
pub(crate) fn of_value(name: &str, value: &Value) -> Result<Duration> {
    let seconds = value.as_float().or_else(|| value.text().trim().parse().ok());
    let wrong = || wrong(name, value, value.origin());
    of_seconds(name, seconds.ok_or_else(wrong)?, value.origin())
}

fn wrong(name: &str, value: &Value, origin: Option<&Origin>) -> Box<Diagnostic> {
    Diagnostic::new("not a number of seconds")
        .detail(format!("{name} must be a number of seconds that is not less than 0, not {}", value.repr()))
        .at_maybe(origin, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_held_to_what_a_clock_can_wait_for() {
        assert_eq!(of_seconds("delay", 1.5, None).unwrap(), Duration::from_millis(1500));
        assert_eq!(of_seconds("delay", 1e30, None).unwrap().as_secs(), 365 * 24 * 3600);
        assert_eq!(of_seconds("delay", f64::INFINITY, None).unwrap().as_secs(), 365 * 24 * 3600);
        let wrong = |value: Value| of_value("ansible_timeout", &value).unwrap_err().detail;
        assert_eq!(
            wrong("abc".into()),
            "ansible_timeout must be a number of seconds that is not less than 0, not 'abc'"
        );
        assert!(wrong((-1).into()).ends_with("not -1.0"));
        assert!(wrong("nan".into()).contains("not nan"));
    }
}
