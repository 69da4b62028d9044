//! Wait for a time, or for somebody to press a key.
//!
//! ```yaml
//! - pause: { seconds: 10 }
//! - pause: { prompt: Is the load balancer drained? }
//! ```

use std::time::{Duration, Instant};

use shevek_diag::{Diagnostic, Result};
use shevek_event::{Keys, Wait, Waited};
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Rule, Schema};
use shevek_proto::Val;

use crate::options::{opt, preset, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "pause",
    &[
        opt("minutes", Kind::Raw, "How many minutes to wait."),
        opt("seconds", Kind::Raw, "How many seconds to wait."),
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
    let (limit, unit) = match limit(call) {
        Ok(limit) => limit,
        Err(why) => return Ok(Outcome::failure(why)),
    };
    let begin = Instant::now();
    let started = now();
    let echo = call.flag("echo", true)?;
    let hidden = if echo { "" } else { " (output is hidden)" };
    let prompt = call.text("prompt").filter(|prompt| !prompt.is_empty());
    let words = prompt.as_deref().unwrap_or("Press enter to continue, Ctrl+C to interrupt");
    let mut text = format!("[{}]\n{words}{hidden}:", call.task.title().trim());
    if let Some(seconds) = limit {
        call.ask.tell(&format!("Pausing for {seconds} seconds{hidden}"));
        match prompt {
            Some(_) => call.ask.tell(HOW_TO_INTERRUPT),
            None => text = HOW_TO_INTERRUPT.to_owned(),
        }
    }
    let keys = if limit.is_some() { Keys::Interrupt } else { Keys::Enter };
    let (mut input, mut warnings) = (String::new(), Vec::new());
    match call.ask.wait(&Wait { text, private: !echo || limit.is_some(), seconds: limit, keys })? {
        Waited::Over(typed) if limit.is_none() => input = typed,
        Waited::Over(_) => {}
        Waited::Interrupted => go_on(call)?,
        Waited::Nobody => match limit {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            // Without anybody there a prompt is passed over.
            None => {
                warnings.push("Not waiting for response to prompt as stdin is not interactive".to_owned())
            }
        },
    }
    let waited = begin.elapsed().as_secs_f64();
    let (amount, word) = match unit {
        Unit::Minutes => (waited / 60.0, "minutes"),
        Unit::Seconds => (waited, "seconds"),
    };
    let amount = shevek_value::float_repr((amount * 100.0).round() / 100.0);
    let outcome = Outcome { warnings, ..Outcome::ok() };
    Ok(outcome
        .with("start", started)
        .with("stop", now())
        .with("delta", waited as i64)
        .with("echo", echo)
        .with("user_input", input)
        .with("stdout", format!("Paused for {amount} {word}"))
        .with("stderr", "")
        .with("rc", 0))
}

const HOW_TO_INTERRUPT: &str = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r";

/// After Ctrl+C: whether to go on at once, or to fail.
fn go_on(call: &Invocation<'_>) -> Result<()> {
    let text = "Press 'C' to continue the play or 'A' to abort \r".to_owned();
    let keys = Keys::Letter { end: 'c', interrupt: 'a' };
    match call.ask.wait(&Wait { text, private: true, seconds: None, keys })? {
        Waited::Over(_) => Ok(()),
        Waited::Interrupted | Waited::Nobody => {
            Err(Diagnostic::new("user requested abort!").or_at(call.task.origin.as_ref()))
        }
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Minutes,
    Seconds,
}

/// The seconds to wait and the unit that they were given in, or what is wrong with them. As in Ansible, the part of a number
/// that is behind the point does not count.
fn limit(call: &Invocation<'_>) -> Result<(Option<u64>, Unit), String> {
    let number = |name: &str| -> Result<Option<i64>, String> {
        let Some(value) = call.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        if let Some(number) = value.as_float() {
            return Ok(Some(number as i64));
        }
        Ok(Kind::Int.coerce(name, Val::from(value.text()))?.as_int())
    };
    let seconds = |number: i64| Some(u64::try_from(number).unwrap_or(0).max(1));
    if let Some(minutes) = number("minutes")? {
        return Ok((seconds(minutes.saturating_mul(60)), Unit::Minutes));
    }
    Ok(match number("seconds")? {
        Some(number) => (seconds(number), Unit::Seconds),
        None => (None, Unit::Minutes),
    })
}

fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}
