//! Wait until a host can be reached and used.
//!
//! ```yaml
//! - wait_for_connection: { delay: 10, timeout: 300 }
//! ```

use std::time::{Duration, Instant};

use shevek_diag::Result;
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Schema};
use shevek_value::Map;

use crate::options::{preset, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "wait_for_connection",
    &[
        preset("connect_timeout", Kind::Int, Preset::Int(5), "Seconds that one attempt may take."),
        preset("delay", Kind::Int, Preset::Int(0), "Seconds to wait before the first attempt."),
        preset("sleep", Kind::Int, Preset::Int(1), "Seconds between attempts."),
        preset("timeout", Kind::Int, Preset::Int(600), "Seconds after which it is given up."),
    ],
    &[],
);

/// `wait_for_connection`.
pub(crate) struct WaitForConnection;

/// The action.
pub(crate) static ACTION: WaitForConnection = WaitForConnection;

impl Action for WaitForConnection {
    fn name(&self) -> &'static str {
        "wait_for_connection"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(wait(call))
    }
}

async fn wait(call: &Invocation<'_>) -> Result<Outcome> {
    if call.host.mode.check {
        return Ok(Outcome { skipped: true, ..Outcome::ok() });
    }
    let seconds = |name: &str, usual: i64| -> Result<Duration> {
        let number = call.integer(name)?.unwrap_or(usual);
        Ok(Duration::from_secs(u64::try_from(number).unwrap_or(0)))
    };
    let attempt = seconds("connect_timeout", 5)?.max(Duration::from_secs(1));
    let (delay, pause, limit) = (seconds("delay", 0)?, seconds("sleep", 1)?, seconds("timeout", 600)?);
    let begin = Instant::now();
    tokio::time::sleep(delay).await;
    loop {
        // Each attempt starts from nothing: a connection that looks alive may be that of a host going down.
        call.host.reset().await;
        let tried =
            tokio::time::timeout(attempt.saturating_mul(4), call.host.module("ping", &Map::default())).await;
        let why = match tried {
            Ok(outcome) => {
                let outcome = outcome?;
                if !outcome.unreachable && !outcome.failed {
                    let elapsed = i64::try_from(begin.elapsed().as_secs()).unwrap_or(i64::MAX);
                    return Ok(Outcome::ok().with("elapsed", elapsed));
                }
                outcome.body.get("msg").map(|message| message.text()).unwrap_or_default()
            }
            Err(_) => "no answer".to_owned(),
        };
        if begin.elapsed() >= limit {
            let elapsed = i64::try_from(begin.elapsed().as_secs()).unwrap_or(i64::MAX);
            let message = format!("timed out waiting for the connection: {why}");
            return Ok(Outcome::failure(message).with("elapsed", elapsed));
        }
        tokio::time::sleep(pause).await;
    }
}
