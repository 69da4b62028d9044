//! Reboot a host, and wait until it is back.
//!
//! ```yaml
//! - reboot: { reboot_timeout: 3600 }
//! - reboot: { msg: Rebooting for a new kernel, pre_reboot_delay: 60, test_command: systemctl is-system-running }
//! ```

use std::time::{Duration, Instant};

use shevek_connection::TransportKind;
use shevek_diag::Result;
use shevek_kit::Kind;
use shevek_kit::schema::{Opt, Preset, Schema};
use shevek_value::{Map, Value};

use crate::options::{opt, preset, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "reboot",
    &[
        Opt {
            aliases: &["pre_reboot_delay_sec"],
            ..preset(
                "pre_reboot_delay",
                Kind::Int,
                Preset::Int(0),
                "Seconds between the command and the reboot.",
            )
        },
        Opt {
            aliases: &["post_reboot_delay_sec"],
            ..preset(
                "post_reboot_delay",
                Kind::Int,
                Preset::Int(0),
                "Seconds to wait before looking whether it is back.",
            )
        },
        Opt {
            aliases: &["reboot_timeout_sec"],
            ..preset("reboot_timeout", Kind::Int, Preset::Int(600), "Seconds after which it is given up.")
        },
        Opt {
            aliases: &["connect_timeout_sec"],
            ..opt("connect_timeout", Kind::Int, "Seconds that one attempt to reach it may take.")
        },
        preset(
            "test_command",
            Kind::Str,
            Preset::Str("whoami"),
            "A command that must succeed when it is back.",
        ),
        preset("msg", Kind::Str, Preset::Str("Reboot initiated by Ansible"), "What its users are told."),
        opt("search_paths", Kind::List(&Kind::Str), "Where the shutdown program is looked for."),
        preset(
            "boot_time_command",
            Kind::Str,
            Preset::Str("cat /proc/sys/kernel/random/boot_id"),
            "A command that prints something else after each boot.",
        ),
        opt("reboot_command", Kind::Str, "The command that reboots."),
    ],
    &[],
);

/// `reboot`.
pub(crate) struct Reboot;

/// The action.
pub(crate) static ACTION: Reboot = Reboot;

impl Action for Reboot {
    fn name(&self) -> &'static str {
        "reboot"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(reboot(call))
    }
}

fn ended(outcome: Outcome, rebooted: bool, begin: Instant) -> Outcome {
    let elapsed = i64::try_from(begin.elapsed().as_secs()).unwrap_or(i64::MAX);
    outcome.with("rebooted", rebooted).with("elapsed", elapsed)
}

async fn reboot(call: &Invocation<'_>) -> Result<Outcome> {
    let begin = Instant::now();
    if matches!(call.host.target.kind, TransportKind::Local(_)) {
        let message = "Running reboot with local connection would reboot the control node.";
        return Ok(ended(Outcome::failure(message), false, begin));
    }
    if call.host.mode.check {
        return Ok(ended(Outcome { changed: true, ..Outcome::ok() }, true, begin));
    }
    let before = match boot_time(call).await? {
        Ok(before) => before,
        Err(outcome) => return Ok(outcome),
    };
    let line = match call.text("reboot_command") {
        Some(line) => line,
        None => match shutdown(call).await? {
            Ok(line) => line,
            Err(outcome) => return Ok(outcome),
        },
    };
    let sent = shell(call, &line).await?;
    // The connection may well be cut before there is an answer.
    if sent.failed && !sent.unreachable {
        let text = |key: &str| sent.body.get(key).map(Value::text).unwrap_or_default();
        let message = format!(
            "Reboot command failed. Error was: '{}, {}'",
            text("stdout").trim(),
            text("stderr").trim()
        );
        return Ok(ended(Outcome::failure(message), false, begin));
    }
    tokio::time::sleep(seconds(call, "post_reboot_delay", 0)?).await;
    let limit = seconds(call, "reboot_timeout", 600)?;
    let attempt = seconds(call, "connect_timeout", 10)?.max(Duration::from_secs(1)).saturating_mul(3);
    let since = Instant::now();
    let mut pause = Duration::from_secs(1);
    let mut back = false;
    loop {
        call.host.reset().await;
        let why = match tokio::time::timeout(attempt, awake(call, &before, back)).await {
            Ok(answer) => match answer? {
                Awake::Yes => break,
                Awake::NotTested(why) => {
                    back = true;
                    why
                }
                Awake::No(why) => why,
            },
            Err(_) => "no answer".to_owned(),
        };
        if since.elapsed() >= limit {
            let what = if back { "post-reboot test command" } else { "last boot time check" };
            let message = format!("Timed out waiting for {what} (timeout={}): {why}", limit.as_secs());
            return Ok(ended(Outcome { changed: true, ..Outcome::failure(message) }, true, begin));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(12));
    }
    Ok(ended(Outcome { changed: true, ..Outcome::ok() }, true, begin))
}

/// How far a host is.
enum Awake {
    /// It booted again, and the test passes.
    Yes,
    /// It booted again, but the test doesn't pass.
    NotTested(String),
    /// It didn't, or can't be reached.
    No(String),
}

async fn awake(call: &Invocation<'_>, before: &str, back: bool) -> Result<Awake> {
    if !back {
        match boot_time(call).await? {
            Ok(now) if now != before => {}
            Ok(_) => return Ok(Awake::No("the host has not rebooted yet".to_owned())),
            Err(outcome) => return Ok(Awake::No(message(&outcome))),
        }
    }
    let test = call.text("test_command").unwrap_or_else(|| "whoami".to_owned());
    let tested = shell(call, &test).await?;
    if tested.failed || tested.unreachable {
        return Ok(Awake::NotTested(message(&tested)));
    }
    Ok(Awake::Yes)
}

fn message(outcome: &Outcome) -> String {
    outcome.body.get("msg").map(Value::text).unwrap_or_default()
}

/// What tells one boot from another.
async fn boot_time(call: &Invocation<'_>) -> Result<Result<String, Outcome>> {
    let usual = "cat /proc/sys/kernel/random/boot_id";
    let line = call.text("boot_time_command").unwrap_or_else(|| usual.to_owned());
    let asked = shell(call, &line).await?;
    if asked.failed || asked.unreachable {
        let why = message(&asked);
        return Ok(Err(Outcome {
            unreachable: asked.unreachable,
            ..Outcome::failure(format!("failed to get host boot time info, error: {why}"))
        }));
    }
    Ok(Ok(asked.body.get("stdout").map(Value::text).unwrap_or_default().trim().to_owned()))
}

/// The line that reboots the host: its shutdown program, or systemd.
async fn shutdown(call: &Invocation<'_>) -> Result<Result<String, Outcome>> {
    let paths = match call.list("search_paths") {
        paths if paths.is_empty() => {
            ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"].map(str::to_owned).to_vec()
        }
        paths => paths,
    };
    let mut args = Map::default();
    args.insert(
        "paths".into(),
        Value::list(paths.iter().map(|path| path.as_str().into()).collect::<Vec<Value>>()),
    );
    args.insert("patterns".into(), Value::list(vec!["shutdown".into(), "systemctl".into()]));
    args.insert("file_type".into(), "any".into());
    let found = call.host.module("find", &args).await?;
    if found.failed || found.unreachable {
        return Ok(Err(found));
    }
    let files = found.body.get("files").and_then(Value::as_list).unwrap_or_default();
    let path = |name: &str| {
        let mut all = files.iter().filter_map(|file| file.as_map()?.get("path").map(Value::text));
        all.find(|path| path.ends_with(name))
    };
    if let Some(program) = path("/shutdown") {
        let minutes = seconds(call, "pre_reboot_delay", 0)?.as_secs() / 60;
        let words = call.text("msg").unwrap_or_else(|| "Reboot initiated by Ansible".to_owned());
        return Ok(Ok(format!("{program} -r {minutes} \"{words}\"")));
    }
    Ok(match path("/systemctl") {
        Some(program) => Ok(format!("{program} reboot")),
        None => Err(Outcome::failure(format!(
            "Unable to find command \"shutdown\" in search paths: {} or determine paths",
            paths.join(", ")
        ))),
    })
}

async fn shell(call: &Invocation<'_>, line: &str) -> Result<Outcome> {
    let mut args = Map::default();
    args.insert("_raw_params".into(), line.into());
    call.host.module("shell", &args).await
}

fn seconds(call: &Invocation<'_>, name: &str, usual: i64) -> Result<Duration> {
    let given = match call.integer(name)? {
        Some(given) => Some(given),
        None => call.integer(&format!("{name}_sec"))?,
    };
    Ok(Duration::from_secs(u64::try_from(given.unwrap_or(usual)).unwrap_or(0)))
}
