//! Ansible's own look, to the character.
//!
//! Start reading at [`Human`]: banners, one line a host, the recap. `result` turns results into text, `difference` draws
//! `--diff`, `notice` warnings and errors, `recap` the counts, `live` the lines at the bottom of a terminal. [`Minimal`]
//! and [`Oneline`] are the looks of ad-hoc commands.

mod adhoc;
mod difference;
mod live;
mod notice;
mod recap;
mod result;

use std::collections::{HashMap, HashSet};
use std::io;

use shevek_event::{
    AsyncState, AsyncUpdate, Event, HostResult, Included, Interrupted, NoticeKind, PlayStarted, Retry, Show,
    Stamped, Status, TaskId, TaskKind, TaskStarted, Verbose,
};
use shevek_value::Value;

pub use adhoc::{Minimal, Oneline};

use crate::screen::{Screen, Stream};
use crate::{Look, Reporter};
use live::Live;

/// Ansible's `default` look, with live lines on a terminal.
pub struct Human {
    screen: Screen,
    look: Look,
    tasks: HashMap<TaskId, TaskStarted>,
    /// The task whose banner was printed last.
    banner: Option<TaskId>,
    free: bool,
    check: bool,
    /// Where relative names of files start from.
    folder: String,
    /// Warnings and errors that were shown: each is shown once.
    said: HashSet<String>,
    live: Option<Live>,
}

impl Human {
    /// Writes to a screen.
    pub fn new(screen: Screen, look: Look) -> Self {
        Self {
            screen,
            look,
            tasks: HashMap::new(),
            banner: None,
            free: false,
            check: false,
            folder: String::new(),
            said: HashSet::new(),
            live: None,
        }
    }

    /// Shows what hosts are busy with at the bottom of the terminal that standard output is.
    #[must_use]
    pub fn live(mut self) -> Self {
        let live = Live::new();
        self.screen.set_live(Some(live.bar()));
        self.live = Some(live);
        self
    }

    fn play(&mut self, play: &PlayStarted) -> io::Result<()> {
        self.tasks.clear();
        self.banner = None;
        self.free = play.free;
        let name = play.name.trim();
        let mark = self.check_mark(play.check);
        let text = if name.is_empty() { format!("PLAY{mark}") } else { format!("PLAY [{name}]{mark}") };
        self.screen.banner(&text)
    }

    fn check_mark(&self, check: bool) -> &'static str {
        if check && self.look.check_markers { " [CHECK MODE]" } else { "" }
    }

    fn task(&mut self, task: &TaskStarted) -> io::Result<()> {
        self.tasks.insert(task.id, task.clone());
        if !self.free && self.look.ok_hosts && self.look.skipped_hosts {
            self.task_banner(task.id)?;
        }
        Ok(())
    }

    /// The task's banner, unless it is the one that was printed last.
    fn task_banner(&mut self, id: TaskId) -> io::Result<()> {
        if self.banner == Some(id) {
            return Ok(());
        }
        let before = self.banner.replace(id).and_then(|before| self.tasks.get(&before));
        let Some(task) = self.tasks.get(&id) else { return Ok(()) };
        // Where each host goes ahead on its own, a task starts once a host.
        if self.free && before.is_some_and(|before| before.place == task.place && before.name == task.name) {
            return Ok(());
        }
        let prefix = match task.task_kind {
            TaskKind::Task => "TASK",
            TaskKind::Handler => "RUNNING HANDLER",
        };
        let arguments = task.arguments.as_ref().map(result::arguments).unwrap_or_default();
        let mark = self.check_mark(task.check);
        let text = format!("{prefix} [{}{arguments}{mark}]", task.name.trim());
        // Ansible puts the mark behind the bracket.
        let text =
            if mark.is_empty() { text } else { format!("{prefix} [{}{arguments}]{mark}", task.name.trim()) };
        self.screen.banner(&text)?;
        if self.look.verbosity >= 2 { self.task_path(id) } else { Ok(()) }
    }

    fn task_path(&mut self, id: TaskId) -> io::Result<()> {
        match self.tasks.get(&id).and_then(|task| task.place.as_ref()) {
            Some(place) => {
                let text =
                    format!("task path: {}:{}", notice::absolute(&place.file, &self.folder), place.line);
                let colour = self.screen.palette.debug.clone();
                self.screen.line(&text, Some(&colour), Stream::Out)
            }
            None => Ok(()),
        }
    }

    fn failures(&self) -> Stream {
        if self.look.failed_to_stderr { Stream::Err } else { Stream::Out }
    }

    fn is_verbose(&self, result: &HostResult) -> bool {
        let skipped = matches!(result.status, Status::Skipped | Status::Undecided);
        match result.show {
            Show::Always if !skipped => true,
            // Facts are long; that none were gathered is not.
            Show::Never if !skipped => false,
            _ => self.look.verbosity > 0,
        }
    }

    /// Whether the result would not be shown at all.
    fn hidden(&self, result: &HostResult) -> bool {
        match result.status {
            Status::Ok => !self.look.ok_hosts,
            Status::Skipped | Status::Undecided => !self.look.skipped_hosts,
            Status::Changed | Status::Failed | Status::Unreachable => false,
        }
    }

    fn result(&mut self, result: &HostResult) -> io::Result<()> {
        let task = self.tasks.get(&result.task);
        let (is_include, is_loop) = task.map_or((false, false), |task| (task.is_include, task.is_loop));
        let is_debug = task.is_some_and(|task| result::is_debug(&task.action));
        let fine = matches!(result.status, Status::Ok | Status::Changed);
        if is_include && fine {
            return if result.item.is_none() { self.task_banner(result.task) } else { Ok(()) };
        }
        if fine && result.status == Status::Changed {
            self.differences(result)?;
        }
        if self.hidden(result) {
            return Ok(());
        }
        self.task_banner(result.task)?;
        self.notices(result)?;
        let of_items = is_loop && result.item.is_none() && result.result.get("results").is_some();
        // Of a failed `debug` only the message is left, so that the items are not seen to have been shown.
        let of_items = of_items && (result.status != Status::Failed || !is_debug);
        match &result.item {
            Some(item) => self.item_line(result, &item.label),
            None => self.host_line(result, of_items),
        }
    }

    fn differences(&mut self, result: &HostResult) -> io::Result<()> {
        let text = difference::text(&result.diffs, &self.look, &self.screen);
        if text.painted.is_empty() {
            return Ok(());
        }
        self.task_banner(result.task)?;
        let cut = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
        self.screen.painted(&cut(&text.painted), &cut(&text.plain))
    }

    fn notices(&mut self, result: &HostResult) -> io::Result<()> {
        for notice in &result.notices {
            let stream = if notice.severity == NoticeKind::Error { self.failures() } else { Stream::Err };
            notice::show(notice, stream, self)?;
        }
        Ok(())
    }

    fn item_line(&mut self, result: &HostResult, label: &str) -> io::Result<()> {
        let host = result::host_label(result);
        let palette = &self.screen.palette;
        let (mut text, colour, stream, always) = match result.status {
            Status::Ok => (format!("ok: [{host}] => (item={label})"), &palette.ok, Stream::Out, false),
            Status::Changed => {
                (format!("changed: [{host}] => (item={label})"), &palette.changed, Stream::Out, false)
            }
            Status::Skipped => {
                (format!("skipping: [{}] => (item={label}) ", result.host), &palette.skip, Stream::Out, false)
            }
            Status::Undecided => (
                format!("undecided: [{}] => (item={label}){}", result.host, why(result)),
                &palette.skip,
                Stream::Out,
                false,
            ),
            Status::Failed | Status::Unreachable => {
                (format!("failed: [{host}] (item={label})"), &palette.error, self.failures(), true)
            }
        };
        let colour = colour.clone();
        if always || self.is_verbose(result) {
            text += " => ";
            text += &self.dump(result);
        }
        self.screen.line(&text, Some(&colour), stream)
    }

    /// The line of a host; of a loop whose items were shown (`of_items`) as little as Ansible prints.
    fn host_line(&mut self, result: &HostResult, of_items: bool) -> io::Result<()> {
        let host = result::host_label(result);
        let palette = &self.screen.palette;
        let skip = palette.skip.clone();
        let (text, colour) = match result.status {
            Status::Ok => (format!("ok: [{host}]"), palette.ok.clone()),
            Status::Changed => (format!("changed: [{host}]"), palette.changed.clone()),
            Status::Skipped => (format!("skipping: [{}]", result.host), skip.clone()),
            Status::Undecided => (format!("undecided: [{}]{}", result.host, why(result)), skip.clone()),
            Status::Failed => (format!("fatal: [{host}]: FAILED! => "), palette.error.clone()),
            Status::Unreachable => {
                (format!("fatal: [{host}]: UNREACHABLE! => "), palette.unreachable.clone())
            }
        };
        match result.status {
            Status::Ok | Status::Changed if of_items => {}
            Status::Ok | Status::Changed | Status::Skipped | Status::Undecided => {
                let verbose = self.is_verbose(result);
                let text = if verbose { format!("{text} => {}", self.dump(result)) } else { text };
                self.screen.line(&text, Some(&colour), Stream::Out)?;
            }
            Status::Failed | Status::Unreachable => {
                if result.status == Status::Unreachable || !of_items {
                    if result.status == Status::Failed
                        && self.look.verbosity < 2
                        && self.look.task_path_on_failure
                    {
                        self.task_path(result.task)?;
                    }
                    let text = text + &self.dump(result);
                    self.screen.line(&text, Some(&colour), self.failures())?;
                }
                if result.ignored {
                    self.screen.line("...ignoring", Some(&skip), Stream::Out)?;
                }
            }
        }
        Ok(())
    }

    fn dump(&self, result: &HostResult) -> String {
        let action = self.tasks.get(&result.task).map_or("", |task| task.action.as_str());
        result::dump(result, action, &self.look)
    }

    fn retry(&mut self, retry: &Retry) -> io::Result<()> {
        let result = &retry.result;
        let name = self.tasks.get(&result.task).map_or("", |task| result::plain_name(task));
        let host = result::host_label(result);
        let mut text = format!("FAILED - RETRYING: [{host}]: {name} ({} retries left).", retry.left);
        if self.look.verbosity > 2 || result.show == Show::Always {
            text += "Result was: ";
            text += &result::dump(result, "", &self.look);
        }
        let colour = self.screen.palette.debug.clone();
        self.screen.line(&text, Some(&colour), Stream::Out)
    }

    fn included(&mut self, included: &Included) -> io::Result<()> {
        self.task_banner(included.task)?;
        let mut text = format!("included: {} for {}", included.file, included.hosts.join(", "));
        if let Some(label) = &included.label {
            text += &format!(" => (item={label})");
        }
        let colour = self.screen.palette.included.clone();
        self.screen.line(&text, Some(&colour), Stream::Out)
    }

    fn asynchronous(&mut self, update: &AsyncUpdate) -> io::Result<()> {
        let AsyncUpdate { host, job, state, .. } = update;
        let text = match state {
            AsyncState::Running => format!("ASYNC POLL on {host}: jid={job} started=True finished=False"),
            AsyncState::Finished => format!("ASYNC OK on {host}: jid={job}"),
            AsyncState::Failed => format!("ASYNC FAILED on {host}: jid={job}"),
        };
        let colour = self.screen.palette.debug.clone();
        self.screen.line(&text, Some(&colour), Stream::Out)
    }

    fn verbose(&mut self, verbose: &Verbose) -> io::Result<()> {
        if self.look.verbosity < verbose.level {
            return Ok(());
        }
        let text = match &verbose.host {
            Some(host) => format!("<{host}> {}", verbose.text),
            None => verbose.text.clone(),
        };
        let stream = if self.look.verbose_to_stderr { Stream::Err } else { Stream::Out };
        let colour = self.screen.palette.verbose.clone();
        self.screen.line(&text, Some(&colour), stream)
    }

    // Differs from Ansible: it says nothing of what an interrupt left undone.
    fn interrupted(&mut self, interrupted: &Interrupted) -> io::Result<()> {
        self.screen.banner("INTERRUPTED")?;
        let colour = self.screen.palette.error.clone();
        for (what, list) in [
            ("stopped", &interrupted.running),
            ("not started", &interrupted.not_started),
            ("handler not run", &interrupted.handlers),
        ] {
            for left in list {
                let text = format!("{what}: [{}]: {}", left.host, left.task);
                self.screen.line(&text, Some(&colour), Stream::Out)?;
            }
        }
        Ok(())
    }

    fn playbook(&mut self, file: &str, plays: usize) -> io::Result<()> {
        if self.look.verbosity > 1 {
            let name = file.rsplit('/').next().unwrap_or(file);
            self.screen.banner(&format!("PLAYBOOK: {name}"))?;
        }
        if self.check && self.look.check_markers {
            self.screen.banner("DRY RUN")?;
        }
        self.verbose(&Verbose { level: 2, host: None, text: format!("{plays} plays in {file}") })
    }
}

impl Reporter for Human {
    fn name(&self) -> &'static str {
        "screen"
    }

    fn on(&mut self, stamped: &Stamped) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.on(stamped);
        }
        match &stamped.event {
            Event::RunStarted(run) => {
                self.check = run.check;
                self.folder.clone_from(&run.folder);
                for (name, value) in &run.options {
                    let text = format!("{name}: {value}");
                    self.verbose(&Verbose { level: 4, host: None, text })?;
                }
                Ok(())
            }
            Event::PlaybookStarted { file, plays } => self.playbook(file, *plays),
            Event::PlayStarted(play) => self.play(play),
            Event::NoHostsMatched => {
                let colour = self.screen.palette.skip.clone();
                self.screen.line("skipping: no hosts matched", Some(&colour), Stream::Out)
            }
            Event::NoHostsRemaining => self.screen.banner("NO MORE HOSTS LEFT"),
            Event::TaskStarted(task) => self.task(task),
            Event::HostStarted(started) if self.look.per_host_start => {
                let name = self.tasks.get(&started.task).map_or("", |task| task.name.as_str());
                let text = format!(" [started TASK: {name} on {}]", started.host);
                let colour = self.screen.palette.ok.clone();
                self.screen.line(&text, Some(&colour), Stream::Out)
            }
            Event::ItemDone(result) | Event::HostDone(result) => self.result(result),
            Event::Retry(retry) => self.retry(retry),
            Event::Async(update) => self.asynchronous(update),
            Event::Included(included) => self.included(included),
            // That is told by what it includes.
            Event::IncludeDone(_) => Ok(()),
            Event::Notified(notified) if self.look.verbosity > 1 => {
                let text = format!("NOTIFIED HANDLER {} for {}", notified.handler, notified.host);
                let colour = self.screen.palette.verbose.clone();
                self.screen.line(&text, Some(&colour), Stream::Out)
            }
            Event::Notice(notice) => notice::show(notice, Stream::Err, self),
            Event::Verbose(verbose) => self.verbose(verbose),
            Event::Recap(recap) => {
                recap::show(recap, &self.look, &mut self.screen)?;
                if self.check && self.look.check_markers { self.screen.banner("DRY RUN") } else { Ok(()) }
            }
            Event::Interrupted(interrupted) => self.interrupted(interrupted),
            Event::HostStarted(_) | Event::Phase(_) | Event::Notified(_) | Event::RunFinished(_) => Ok(()),
        }
    }

    fn tick(&mut self) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.draw();
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.make_way();
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.screen.set_live(None);
        if let Some(mut live) = self.live.take() {
            live.clear();
        }
        Ok(())
    }
}

/// Why a check run could not tell, behind the host's name.
fn why(result: &HostResult) -> String {
    let reason = result.result.get("skip_reason").map(Value::text).unwrap_or_default();
    reason.lines().next().map(|line| format!(": {line}")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
