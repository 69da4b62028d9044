//! What is shown.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{ArgAction, Args};
use shevek_settings::Settings;

/// What is shown, and where.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Show more: `-v` results, `-vv` places, `-vvv` whole results and connections.
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,

    /// Print events as lines of JSON instead of text.
    #[arg(long)]
    pub json: bool,

    /// No colours.
    #[arg(long)]
    pub no_color: bool,

    /// Write a report as well: `jsonl=FILE` (a recording for `shevek replay`), `junit=FILE`, `github=FILE` (`-` is
    /// standard output); may be given several times.
    #[arg(long, value_name = "KIND=FILE")]
    pub report: Vec<ReportTo>,
}

impl Output {
    pub(crate) fn apply(&self, settings: &mut Settings) {
        settings.verbosity += i64::from(self.verbose);
        if self.no_color {
            settings.no_color = true;
            settings.force_color = false;
        }
    }
}

/// A further report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportTo {
    pub kind: ReportKind,
    /// `-` is standard output.
    pub file: PathBuf,
}

impl ReportTo {
    /// The option's text again, for a process that works in another folder.
    pub(crate) fn seen_from(&self, folder: &Path) -> OsString {
        let kind = match self.kind {
            ReportKind::Jsonl => "jsonl=",
            ReportKind::Junit => "junit=",
            ReportKind::Github => "github=",
        };
        let mut text = OsString::from(kind);
        text.push(if self.file == Path::new("-") { self.file.clone() } else { folder.join(&self.file) });
        text
    }
}

/// Kinds of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportKind {
    /// Lines of JSON, to be replayed.
    Jsonl,
    /// JUnit's XML.
    Junit,
    /// GitHub's annotations.
    Github,
}

impl FromStr for ReportTo {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, file) = text.split_once('=').unwrap_or((text, ""));
        let kind = match kind {
            "json" | "jsonl" => ReportKind::Jsonl,
            "junit" => ReportKind::Junit,
            "github" => ReportKind::Github,
            other => return Err(format!("there is no report `{other}`; there are jsonl, junit and github")),
        };
        match (kind, file) {
            (ReportKind::Github, "") => Ok(Self { kind, file: PathBuf::from("-") }),
            (_, "") => Err("it has to be KIND=FILE".to_owned()),
            (_, file) => Ok(Self { kind, file: PathBuf::from(file) }),
        }
    }
}
