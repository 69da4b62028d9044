//! Annotations for GitHub's workflows: failures show beside the lines of the playbook.

use std::collections::HashMap;
use std::io::{self, Write};

use shevek_diag::Place;
use shevek_event::{Event, HostResult, Notice, NoticeKind, Stamped, Status, TaskId, TaskStarted};
use shevek_value::Value;

use crate::Reporter;

/// Writes workflow commands.
pub struct Github {
    out: Box<dyn Write + Send>,
    /// Names of files are shown relative to this.
    folder: String,
    tasks: HashMap<TaskId, TaskStarted>,
}

impl Github {
    /// Writes to standard output; `folder` is the checkout.
    pub fn new(out: Box<dyn Write + Send>, folder: impl Into<String>) -> Self {
        Self { out, folder: folder.into(), tasks: HashMap::new() }
    }

    fn result(&mut self, result: &HostResult) -> io::Result<()> {
        let bad = matches!(result.status, Status::Failed | Status::Unreachable);
        if !bad {
            return Ok(());
        }
        let level = if result.ignored || result.rescued { "warning" } else { "error" };
        let task = self.tasks.get(&result.task);
        let name = task.map_or("", |task| task.name.as_str());
        let what = if result.status == Status::Unreachable { "unreachable" } else { "failed" };
        let title = format!("{name}: {what} on {}", result.host);
        let mut message = result.result.get("msg").map(Value::text).unwrap_or_default();
        for key in ["stderr", "stdout"] {
            let text = result.result.get(key).map(Value::text).unwrap_or_default();
            if !text.trim().is_empty() {
                message = format!("{message}\n{key}: {}", text.trim_end());
            }
        }
        let place = task.and_then(|task| task.place.clone());
        self.command(level, place.as_ref(), &title, &message)
    }

    fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        let level = match notice.severity {
            NoticeKind::Warning | NoticeKind::Deprecation => "warning",
            NoticeKind::Error => "error",
        };
        let place = notice.excerpts.first().map(|excerpt| excerpt.place.clone());
        let message = std::iter::once(&notice.message).chain(&notice.help).map(String::as_str);
        self.command(level, place.as_ref(), "", &message.collect::<Vec<_>>().join("\n"))
    }

    fn command(&mut self, level: &str, place: Option<&Place>, title: &str, message: &str) -> io::Result<()> {
        let mut properties = Vec::new();
        if let Some(place) = place {
            let file = place
                .file
                .strip_prefix(&self.folder)
                .map_or(place.file.as_str(), |rest| rest.trim_start_matches('/'));
            properties.push(format!("file={},line={},col={}", property(file), place.line, place.column));
        }
        if !title.is_empty() {
            properties.push(format!("title={}", property(title)));
        }
        let gap = if properties.is_empty() { "" } else { " " };
        writeln!(self.out, "::{level}{gap}{}::{}", properties.join(","), data(message))?;
        self.out.flush()
    }
}

impl Reporter for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn on(&mut self, event: &Stamped) -> io::Result<()> {
        match &event.event {
            Event::TaskStarted(task) => {
                self.tasks.insert(task.id, (**task).clone());
                Ok(())
            }
            Event::HostDone(result) => self.result(result),
            Event::Notice(notice) => self.notice(notice),
            _ => Ok(()),
        }
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
