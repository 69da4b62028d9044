//! `shevek replay`: a recorded run, once more.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;
use shevek_settings::Settings;

use crate::exit::{Ending, unreadable};
use crate::options::Output;
use crate::output::{Kindred, reporters};

/// Shows a recorded run again, in any look and as any report.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    output: Output,

    /// The recording, made with `--report jsonl=FILE` or `--json`.
    recording: PathBuf,
}

impl Replay {
    pub(crate) fn run(self, mut settings: Settings) -> Ending {
        self.output.apply(&mut settings);
        let path = &self.recording;
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let reporters = reporters(&self.output, &settings, Kindred::Default)?;
        let exit = shevek_report::replay(BufReader::new(file), &path.to_string_lossy(), reporters)?;
        Ok(exit.unwrap_or(0))
    }
}
