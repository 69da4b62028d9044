//! Wait for a time, or for somebody to press a key.
//!
//! ```yaml
//! - pause: { seconds: 10 }
//! - pause: { prompt: Is the load balancer drained? }
//! ```

use std::time::{Duration, Instant};

use shevek_diag::{Diagnostic, Result};
use shevek_event::Question;
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Rule, Schema};

use crate::options::{opt, preset, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "pause",
    &[
        opt("minutes", Kind::Str, "How many minutes to wait."),
        opt("seconds", Kind::Str, "How many seconds to wait."),
        opt("prompt", Kind::Str, "What to show while waiting for Enter."),
        preset("echo", Kind::Bool, Preset::Bool(true), "Show what is typed."),
    ],
    &[Rule::Exclusive(&["minutes", "seconds"])],
);

/// `pause`.
pub(crate) struct Pause;

/// The action.
pub(crate) static ACTION: Pause = Pause;

impl Action for Pause {
    fn name(&self) -> &'static str {
        "pause"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn is_once(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(pause(call))
    }
}

async fn pause(call: &Invocation<'_>) -> Result<Outcome> {
    let (limit, unit) = limit(call)?;
    let begin = Instant::now();
    let started = now();
    let mut input = String::new();
    match limit {
        Some(seconds) => {
            let hidden = if call.flag("echo", true)? { "" } else { " (output is hidden)" };
            call.ask.tell(&format!("Pausing for {seconds} seconds{hidden}"));
            // Differs from Ansible: Ctrl+C ends the run as it does at any other time, it does not ask how to go on.
            if let Some(words) = call.text("prompt").filter(|_| call.ask.is_interactive()) {
                call.ask.tell(&format!("[{}]\n{words}{hidden}:", call.task.title()));
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        None if call.ask.is_interactive() => {
            let words = call
                .text("prompt")
                .unwrap_or_else(|| "Press enter to continue, Ctrl+C to interrupt".to_owned());
            let question = Question {
                text: format!("[{}]\n{words}:\n", call.task.title()),
                private: !call.flag("echo", true)?,
                ..Question::default()
            };
            input = call.ask.ask(&question)?;
        }
        // Without anybody there a prompt is passed over, as Ansible does.
        None => {}
    }
    let waited = begin.elapsed().as_secs_f64();
    let (amount, word) = match unit {
        Unit::Minutes => (waited / 60.0, "minutes"),
        Unit::Seconds => (waited, "seconds"),
    };
    let mut outcome = Outcome::ok();
    if limit.is_none() && !call.ask.is_interactive() {
        outcome.warnings.push("Not waiting for response to prompt as stdin is not interactive".to_owned());
    }
    Ok(outcome
        .with("start", started)
        .with("stop", now())
        .with("delta", waited as i64)
        .with("echo", call.flag("echo", true)?)
        .with("user_input", input)
        .with(
            "stdout",
            format!("Paused for {} {word}", shevek_value::float_repr((amount * 100.0).round() / 100.0)),
        )
        .with("stderr", "")
        .with("rc", 0))
}

#[derive(Clone, Copy)]
enum Unit {
    Minutes,
    Seconds,
}

/// The seconds to wait and the unit that they were given in.
fn limit(call: &Invocation<'_>) -> Result<(Option<u64>, Unit)> {
    let number = |name: &str| -> Result<Option<f64>> {
        let Some(text) = call.text(name) else { return Ok(None) };
        match text.trim().parse::<f64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Diagnostic::new("wrong argument")
                .detail(format!("non-integer value given for prompt duration: {name} is '{text}'"))),
        }
    };
    if let Some(minutes) = number("minutes")? {
        return Ok((Some((minutes * 60.0).max(1.0) as u64), Unit::Minutes));
    }
    Ok((number("seconds")?.map(|seconds| seconds.max(1.0) as u64), Unit::Seconds))
}

fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}
