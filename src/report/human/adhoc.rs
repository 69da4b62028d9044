//! The looks of ad-hoc commands: `minimal`, and `oneline` for `-o`.

use std::collections::{HashMap, HashSet};
use std::io;

use shevek_event::{Event, HostResult, Notice, NoticeKind, Show, Stamped, Status, TaskId, TaskStarted};
use shevek_value::Value;

use super::{difference, notice, result};
use crate::dump::{JsonStyle, json};
use crate::screen::{Screen, Stream};
use crate::{Colour, Look, Reporter};

/// Modules whose output is shown as it is.
fn is_command(action: &str) -> bool {
    let name = action.rsplit('.').next().unwrap_or(action);
    ["command", "win_command", "shell", "win_shell", "raw", "script"].contains(&name)
}

/// A block a host.
pub struct Minimal(Plain);

/// A line a host.
pub struct Oneline(Plain);

/// What both have.
struct Plain {
    screen: Screen,
    look: Look,
    tasks: HashMap<TaskId, TaskStarted>,
    said: HashSet<String>,
}

impl Minimal {
    /// Writes to a screen.
    pub fn new(screen: Screen, look: Look) -> Self {
        Self(Plain::new(screen, look))
    }
}

impl Oneline {
    /// Writes to a screen.
    pub fn new(screen: Screen, look: Look) -> Self {
        Self(Plain::new(screen, look))
    }
}

impl Plain {
    fn new(screen: Screen, look: Look) -> Self {
        Self { screen, look, tasks: HashMap::new(), said: HashSet::new() }
    }

    fn action(&self, result: &HostResult) -> &str {
        self.tasks.get(&result.task).map_or("", |task| task.action.as_str())
    }

    fn colour(&self, status: Status) -> Colour {
        let palette = &self.screen.palette;
        match status {
            Status::Ok => &palette.ok,
            Status::Changed => &palette.changed,
            Status::Skipped | Status::Undecided => &palette.skip,
            Status::Failed => &palette.error,
            Status::Unreachable => &palette.unreachable,
        }
        .clone()
    }

    fn notice(&mut self, notice: &Notice, stream: Stream) -> io::Result<()> {
        if notice.severity == NoticeKind::Deprecation && !self.look.deprecations {
            return Ok(());
        }
        let text = notice::text(notice, "");
        if self.said.insert(text.clone()) {
            let colour = notice::colour(notice.severity, &self.screen);
            self.screen.line(&text, Some(&colour), stream)?;
        }
        Ok(())
    }

    /// What both looks do alike; `None`: the event is a result.
    fn common<'a>(&mut self, event: &'a Stamped) -> io::Result<Option<&'a HostResult>> {
        match &event.event {
            Event::TaskStarted(task) => {
                self.tasks.insert(task.id, (**task).clone());
            }
            Event::HostDone(result) | Event::IncludeDone(result) => return Ok(Some(result)),
            Event::Notice(notice) => self.notice(notice, Stream::Err)?,
            Event::Verbose(verbose) if self.look.verbosity >= verbose.level => {
                let host = verbose.host.as_ref().map(|host| format!("<{host}> ")).unwrap_or_default();
                let colour = self.screen.palette.verbose.clone();
                self.screen.line(&format!("{host}{}", verbose.text), Some(&colour), Stream::Out)?;
            }
            _ => {}
        }
        Ok(None)
    }
}

fn part(result: &Value, key: &str) -> String {
    result.get(key).map(Value::text).unwrap_or_default()
}

fn caption(status: Status) -> &'static str {
    match status {
        Status::Ok => "SUCCESS",
        Status::Changed => "CHANGED",
        Status::Skipped => "SKIPPED",
        Status::Undecided => "UNDECIDED",
        Status::Failed => "FAILED",
        Status::Unreachable => "UNREACHABLE!",
    }
}

fn exit_code(result: &Value) -> String {
    result.get("rc").map_or_else(|| "-1".to_owned(), Value::text)
}

impl Reporter for Minimal {
    fn name(&self) -> &'static str {
        "screen"
    }

    fn on(&mut self, event: &Stamped) -> io::Result<()> {
        let Some(result) = self.0.common(event)? else { return Ok(()) };
        let plain = &mut self.0;
        if result.status == Status::Changed {
            let text = difference::text(&result.diffs, &plain.look, &plain.screen);
            if !text.painted.is_empty() {
                let cut = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
                plain.screen.painted(&cut(&text.painted), &cut(&text.plain))?;
            }
        }
        for notice in &result.notices {
            let stream = if notice.severity == NoticeKind::Error { Stream::Out } else { Stream::Err };
            plain.notice(notice, stream)?;
        }
        let caption = caption(result.status);
        let action = plain.action(result);
        let (whole, verbosity) = (result::whole(result), plain.look.verbosity);
        let raw = is_command(action)
            && match result.status {
                Status::Failed => whole.get("module_stderr").is_none(),
                Status::Ok | Status::Changed => whole.get("ansible_job_id").is_none(),
                _ => false,
            };
        let host = &result.host;
        let text = match result.status {
            Status::Skipped | Status::Undecided => format!("{host} | {caption}"),
            _ if raw => {
                let output = part(&whole, "stdout") + &part(&whole, "stderr") + &part(&whole, "msg");
                format!("{host} | {caption} | rc={} >>\n{output}\n", exit_code(&whole))
            }
            status => {
                let is_good = matches!(status, Status::Ok | Status::Changed);
                let value = result::printed(&whole, if is_good { action } else { "" }, verbosity);
                let value = result::dump_value(&value, 4, &plain.look);
                let mark = if status == Status::Failed { "!" } else { "" };
                format!("{host} | {caption}{mark} => {value}")
            }
        };
        let colour = plain.colour(result.status);
        plain.screen.line(&text, Some(&colour), Stream::Out)
    }
}

impl Reporter for Oneline {
    fn name(&self) -> &'static str {
        "screen"
    }

    fn on(&mut self, event: &Stamped) -> io::Result<()> {
        let Some(result) = self.0.common(event)? else { return Ok(()) };
        let plain = &mut self.0;
        let (host, caption) = (&result.host, caption(result.status));
        let colour = plain.colour(result.status);
        let whole = result::whole(result);
        let command = is_command(plain.action(result)) && whole.get("ansible_job_id").is_none();
        let output = || {
            let flat = |key| part(&whole, key).replace('\n', "\\n").replace('\r', "\\r");
            let stderr = flat("stderr");
            let stderr = if stderr.is_empty() { stderr } else { format!(" (stderr) {stderr}") };
            format!("{host} | {caption} | rc={} | (stdout) {}{stderr}", exit_code(&whole), flat("stdout"))
        };
        let value = || {
            let value = result::printed(&whole, "", plain.look.verbosity);
            // What is spread over lines elsewhere keeps its indentation.
            let spread = result.show == Show::Always || plain.look.verbosity > 2;
            let indent = Some(if spread { 4 } else { 0 });
            json(&value, JsonStyle { indent, ascii: false }).replace('\n', "")
        };
        let mut lines = Vec::new();
        match result.status {
            Status::Skipped | Status::Undecided => lines.push(format!("{host} | {caption}")),
            Status::Unreachable => lines.push(format!("{host} | {caption}: {}", part(&whole, "msg"))),
            Status::Failed => {
                if command {
                    lines.push(output());
                }
                lines.push(format!("{host} | FAILED! => {}", value()));
            }
            Status::Ok | Status::Changed if command => lines.push(output()),
            Status::Ok | Status::Changed => lines.push(format!("{host} | {caption} => {}", value())),
        }
        for line in lines {
            plain.screen.line(&line, Some(&colour), Stream::Out)?;
        }
        Ok(())
    }
}
