//! The event stream, one line of JSON an event: `--json`, and recordings to a file.

use std::io::{self, Write};

use shevek_event::{Event, Stamped, write_line};

use crate::Reporter;

/// Writes events as they are.
pub struct Json {
    out: Box<dyn Write + Send>,
    name: &'static str,
}

impl Json {
    /// To standard output, for programs.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, name: "json" }
    }

    /// To a file, to be replayed.
    pub fn recording(out: Box<dyn Write + Send>) -> Self {
        Self { out, name: "jsonl" }
    }
}

impl Reporter for Json {
    fn name(&self) -> &'static str {
        self.name
    }

    fn on(&mut self, event: &Stamped) -> io::Result<()> {
        let line = write_line(event).map_err(io::Error::other)?;
        writeln!(self.out, "{line}")?;
        // Whoever reads along sees results at once; the small steps in between can wait.
        match event.event {
            Event::HostStarted(_) | Event::Phase(_) | Event::ItemDone(_) => Ok(()),
            _ => self.out.flush(),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
