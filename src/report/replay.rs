//! A recorded run, once more.

use std::io::BufRead;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_event::{Event, read_line};

use crate::Reporters;

/// Feeds a recording to reporters, as fast as they take it; the exit code of the run, if it came to its end.
pub fn replay(recording: impl BufRead, name: &str, mut reporters: Reporters) -> Result<Option<u8>> {
    let mut exit = None;
    for (number, line) in (1..).zip(recording.lines()) {
        let line = line.map_err(|error| {
            Diagnostic::new("the recording can't be read")
                .kind(Kind::Machine)
                .detail(format!("{name}: {error}"))
        })?;
        if line.trim().is_empty() {
            continue;
        }
        let event = read_line(&line).map_err(|error| {
            let detail = format!("{name}, line {number}: {}", error.detail);
            error.kind(Kind::Options).detail(detail)
        })?;
        if let Event::RunFinished(finished) = &event.event {
            exit = Some(finished.exit);
        }
        reporters.on(&event);
    }
    reporters.finish();
    Ok(exit)
}
