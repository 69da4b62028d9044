//! Commands on this machine.

use std::path::Path;
use std::process::{Command, Stdio};

use shevek_diag::{Diagnostic, Kind, Result};

use crate::source::waiting::waiting;

/// What a shell's command line prints; its errors go where the run's do.
pub(crate) fn output(line: &str, folder: &Path, lookup: &str) -> Result<Vec<u8>> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(line).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::inherit());
    let run = waiting(|| shell.output());
    let failed = |why: String| {
        Diagnostic::new("a command of a lookup failed")
            .kind(Kind::Machine)
            .detail(format!("{lookup}({line}) {why}"))
    };
    let output = run.map_err(|error| failed(format!("could not be started: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(match output.status.code() {
        Some(code) => format!("returned {code}"),
        None => "was killed".to_owned(),
    }))
}
