//! Retry files: the hosts on which a playbook failed, for `--limit @FILE`.

use std::path::PathBuf;

use shevek_event::{Event, Verbose};
use shevek_playbook::Playbook;

use crate::Run;
use crate::stats::Stats;

/// Where retry files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryFiles {
    /// Beside the playbook.
    Beside,
    /// Into a folder.
    In(PathBuf),
}

/// Writes the retry file of a playbook, if any of its hosts failed.
pub(crate) fn write(run: &Run, playbook: &Playbook, stats: &Stats) {
    let Some(place) = &run.options.retry_files else { return };
    let mut hosts: Vec<&String> = stats.failed.iter().chain(stats.unreachable.keys()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.is_empty() {
        return;
    }
    let folder = match place {
        RetryFiles::Beside => &playbook.dir,
        RetryFiles::In(folder) => folder,
    };
    let name = playbook.path.file_stem().unwrap_or_default().to_string_lossy();
    let file = folder.join(format!("{name}.retry"));
    let text: String = hosts.iter().map(|host| format!("{host}\n")).collect();
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text));
    match written {
        Ok(()) => {
            let text = format!("\tto retry, use: --limit @{}\n", file.display());
            run.sink.send(Event::Verbose(Verbose { level: 0, host: None, text }));
        }
        Err(error) => {
            run.warn(format!("Could not create retry file '{}'.\n\t{error}", file.display()));
        }
    }
}
