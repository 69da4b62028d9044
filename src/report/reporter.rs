//! What a reporter is.

use std::io;

use shevek_event::Stamped;

/// Shows or writes down a run as it happens.
///
/// A reporter is a fold: it gets every event in order, once, and has nothing else to look at. An error ends the
/// reporter, not the run.
pub trait Reporter: Send {
    /// Its name, for the warning when it fails.
    fn name(&self) -> &'static str;

    /// Takes the next event.
    fn on(&mut self, event: &Stamped) -> io::Result<()>;

    /// Some time has passed; only live displays care.
    fn tick(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// A question to the user follows: shows everything so far and leaves the terminal alone.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The run is over.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
