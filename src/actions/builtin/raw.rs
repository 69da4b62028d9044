//! Run a command line with the login shell, without anything of ours on the host.
//!
//! ```yaml
//! - raw: apk add python3
//! ```

use std::time::Duration;

use shevek_connection::{RawCommand, Terminal};
use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::Schema;
use shevek_proto::BecomeMethod;

use crate::host::failed_connection;
use crate::options::{opt, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "raw",
    &[
        opt("_raw_params", Kind::Str, "The command line."),
        opt("executable", Kind::Str, "The shell to run it with."),
    ],
    &[],
);

/// `raw`.
pub(crate) struct Raw;

/// The action.
pub(crate) static ACTION: Raw = Raw;

impl Action for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(run(call))
    }
}

async fn run(call: &Invocation<'_>) -> Result<Outcome> {
    let line = call.required("_raw_params")?;
    if call.host.mode.check {
        // As Ansible does: nothing is known of what it would do.
        return Ok(Outcome { skipped: true, unknown: true, ..Outcome::ok() });
    }
    let line = match call.text("executable") {
        Some(shell) => format!("{shell} -c {}", quoted(&line)?),
        None => line,
    };
    let environment: String = call
        .host
        .environment
        .iter()
        .map(|(name, value)| Ok(format!("{name}={} ", quoted(value)?)))
        .collect::<Result<_>>()?;
    let line = format!("{environment}{line}");
    let mut command = RawCommand::new(become_line(call, &line)?);
    command.timeout = call.host.timeout.map(|seconds| Duration::from_secs(u64::from(seconds)));
    if let Some(password) = call.host.become_user.as_ref().and_then(|whom| whom.password.as_ref()) {
        command.stdin = format!("{password}\n").into_bytes();
    }
    command.terminal = Terminal::None;
    let output = match call.host.raw(command).await {
        Ok(output) => output,
        Err(error) => return Ok(failed_connection(&error)),
    };
    let mut outcome = Outcome { changed: true, failed: output.rc != 0, ..Outcome::ok() }
        .with("rc", output.rc)
        .with("stdout", String::from_utf8_lossy(&output.stdout).into_owned())
        .with("stderr", String::from_utf8_lossy(&output.stderr).into_owned());
    for name in ["stdout", "stderr"] {
        crate::wire::add_lines(&mut outcome.body, name);
    }
    if outcome.failed {
        outcome = outcome.with("msg", "non-zero return code");
    }
    Ok(outcome)
}

/// The line as another user runs it. There is no runner here that could answer a prompt, so the password comes on
/// standard input and the prompt is silenced.
fn become_line(call: &Invocation<'_>, line: &str) -> Result<String> {
    let Some(whom) = &call.host.become_user else { return Ok(line.to_owned()) };
    let user = quoted(&whom.user)?;
    let inner = quoted(line)?;
    let exe = |usual: &str| whom.exe.clone().unwrap_or_else(|| usual.to_owned());
    Ok(match whom.method {
        BecomeMethod::Sudo => {
            let how = if whom.password.is_some() { "-H -S -p ''" } else { "-H -n" };
            format!("{} {how} -u {user} /bin/sh -c {inner}", exe("sudo"))
        }
        BecomeMethod::Su => format!("{} {user} -c {inner}", exe("su")),
        BecomeMethod::Doas => format!("{} -n -u {user} /bin/sh -c {inner}", exe("doas")),
        BecomeMethod::Runuser => format!("{} -u {user} -- /bin/sh -c {inner}", exe("runuser")),
    })
}

fn quoted(text: &str) -> Result<String> {
    shlex::try_quote(text)
        .map(|quoted| quoted.into_owned())
        .map_err(|_| Diagnostic::new("text with a NUL byte").detail("a command line cannot hold a NUL byte"))
}
