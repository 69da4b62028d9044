//! The engine: runs playbooks on hosts.
//!
//! Start reading at [`run`], then `play`, `batch` (the dispatcher, which owns all that changes) and `job` (one task on
//! one host). What happens is told in events; a failing task is an event, an `Err` means that the run itself could not
//! go on.
//!
//! Imports everything below it; never `report` or `cli`, and prints nothing.

mod ahead;
mod arguments;
mod background;
mod batch;
mod cursor;
mod debugger;
mod done;
mod files;
mod handlers;
mod heading;
mod includes;
mod inside;
mod interrupt;
mod job;
mod keyword;
mod looping;
mod meta;
mod play;
mod policy;
mod reach;
mod retry;
mod run;
mod select;
mod settle;
mod sight;
mod span;
mod stats;
mod strategy;
mod turn;
mod unknown;
mod vars_files;

use std::sync::Arc;

use shevek_diag::Result;
use shevek_event::{Event, Notice};
use shevek_playbook::Playbook;

pub use debugger::DebuggerOptions;
pub use interrupt::Interrupt;
pub use retry::RetryFiles;
pub use run::{Gathering, Options, ReachOptions, ReadInventory, Run, SendsAhead};
pub use select::Selection;

use play::{Next, Progress};

/// How a run ended, as `ansible-playbook` tells by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All went well.
    Good,
    /// Tasks failed on some hosts.
    Failed,
    /// Some hosts could not be reached.
    Unreachable,
    /// The user interrupted it.
    Interrupted,
}

impl Ending {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Failed => 2,
            Self::Unreachable => 4,
            Self::Interrupted => 99,
        }
    }
}

/// Runs playbooks one after the other.
pub async fn run(run: Arc<Run>, playbooks: &[Playbook]) -> Result<Ending> {
    let sink = run.sink.clone();
    run.fleet.on_warning(move |warning| sink.send(Event::Notice(Notice::from(&*warning))));
    let masker = run.sink.masker().clone();
    run.fleet.on_secret(move |secret| masker.learn(secret));
    let selection = Arc::new(Selection::new(&run.options.only_tags, &run.options.skip_tags));
    let mut progress = Progress {
        stats: Default::default(),
        selection,
        plays: 0,
        tasks: 0,
        ends_play: false,
        start_found: false,
        fault: None,
    };
    let result = run_all(&run, playbooks, &mut progress).await;
    let result = result.and_then(|()| progress.fault.take().map_or(Ok(()), Err));
    if let Some(wanted) = run.options.start_at.as_ref().filter(|_| result.is_ok() && !progress.start_found) {
        run.sink.send(Event::Notice(Notice::error(format!(
            "No matching task \"{wanted}\" found. Note: --start-at-task can only follow static includes."
        ))));
    }
    run.pool.close().await;
    // Differs from Ansible: there, a run that an error ends has no recap. What was done before that was done all the same.
    run.sink.send(Event::Recap(progress.stats.recap()));
    result?;
    Ok(if run.interrupt.is_raised() {
        Ending::Interrupted
    } else if !progress.stats.unreachable.is_empty() {
        Ending::Unreachable
    } else if !progress.stats.failed.is_empty() {
        Ending::Failed
    } else {
        Ending::Good
    })
}

/// What all playbooks came to so far is told at the end of each; one that failed is the last.
async fn run_all(run: &Arc<Run>, playbooks: &[Playbook], progress: &mut Progress) -> Result<()> {
    for (number, playbook) in (1..).zip(playbooks) {
        let mut next = Next::Go;
        for play in &playbook.plays {
            next = play::run(run, play, progress).await?;
            if next == Next::Stop {
                break;
            }
        }
        retry::write(run, playbook, &progress.stats);
        let stats = &progress.stats;
        if next == Next::Stop || !stats.failed.is_empty() || !stats.unreachable.is_empty() {
            break;
        }
        if number < playbooks.len() {
            run.sink.send(Event::Recap(progress.stats.recap()));
        }
    }
    Ok(())
}
