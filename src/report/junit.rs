//! JUnit's XML, for CI: a suite a play, a case a task and host.

use std::collections::HashMap;
use std::io::{self, Write};

use shevek_event::{
    Event, HostResult, NoticeKind, PlayId, PlayStarted, Stamped, Status, TaskId, TaskStarted,
};
use shevek_value::Value;

use crate::{Reporter, json_text};

/// Collects everything, and writes it at the end.
pub struct Junit {
    out: Box<dyn Write + Send>,
    suites: Vec<Suite>,
    tasks: HashMap<TaskId, TaskStarted>,
    time: Option<String>,
}

struct Suite {
    play: PlayId,
    name: String,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    class: String,
    seconds: f64,
    outcome: Outcome,
    output: String,
}

enum Outcome {
    Passed,
    Skipped(String),
    Failed { message: String, text: String },
    Error { message: String, text: String },
}

impl Junit {
    /// Writes to a file.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, suites: Vec::new(), tasks: HashMap::new(), time: None }
    }

    fn play(&mut self, play: &PlayStarted) {
        // Each batch of hosts begins the play anew.
        if self.suites.iter().any(|suite| suite.play == play.id) {
            return;
        }
        self.suites.push(Suite { play: play.id, name: play.name.clone(), cases: Vec::new() });
    }

    fn result(&mut self, result: &HostResult) {
        let Some(task) = self.tasks.get(&result.task) else { return };
        let Some(suite) = self.suites.iter_mut().rev().find(|suite| suite.play == task.play) else { return };
        let text = |key: &str| result.result.get(key).map(Value::text).unwrap_or_default();
        let message = || {
            let notice = result.notices.iter().find(|notice| notice.severity == NoticeKind::Error);
            let message = text("msg");
            if message.is_empty() {
                notice.map(|notice| notice.message.clone()).unwrap_or_default()
            } else {
                message
            }
        };
        let outcome = match result.status {
            Status::Ok | Status::Changed => Outcome::Passed,
            Status::Skipped => Outcome::Skipped(text("skip_reason")),
            Status::Undecided => Outcome::Skipped("only a real run can decide".to_owned()),
            Status::Failed | Status::Unreachable if result.ignored || result.rescued => Outcome::Passed,
            Status::Failed => Outcome::Failed { message: message(), text: json_text(&result.result) },
            Status::Unreachable => Outcome::Error { message: message(), text: json_text(&result.result) },
        };
        let class =
            task.place.as_ref().map(|place| format!("{}:{}", place.file, place.line)).unwrap_or_default();
        suite.cases.push(Case {
            name: format!("[{}] {}", result.host, task.name),
            class,
            seconds: result.seconds,
            outcome,
            output: text("stdout"),
        });
    }
}

impl Reporter for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn on(&mut self, event: &Stamped) -> io::Result<()> {
        self.time.get_or_insert_with(|| event.time.strftime("%Y-%m-%dT%H:%M:%S").to_string());
        match &event.event {
            Event::PlayStarted(play) => self.play(play),
            Event::TaskStarted(task) => {
                self.tasks.insert(task.id, (**task).clone());
            }
            Event::HostDone(result) => self.result(result),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        xml += &format!("<testsuites{}>\n", counts(self.suites.iter().flat_map(|suite| &suite.cases)));
        for suite in &self.suites {
            let time = self.time.as_deref().unwrap_or_default();
            let counts = counts(suite.cases.iter());
            xml += &format!("  <testsuite name=\"{}\" timestamp=\"{time}\"{counts}>\n", escape(&suite.name));
            for case in &suite.cases {
                xml += &case_xml(case);
            }
            xml += "  </testsuite>\n";
        }
        xml += "</testsuites>\n";
        self.out.write_all(xml.as_bytes())?;
        self.out.flush()
    }
}

fn counts<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped, mut seconds) = (0, 0, 0, 0, 0.0);
    for case in cases {
        tests += 1;
        seconds += case.seconds;
        match case.outcome {
            Outcome::Passed => {}
            Outcome::Skipped(_) => skipped += 1,
            Outcome::Failed { .. } => failures += 1,
            Outcome::Error { .. } => errors += 1,
        }
    }
    format!(
        " tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{seconds:.3}\""
    )
}

fn case_xml(case: &Case) -> String {
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{:.3}\"",
        escape(&case.name),
        escape(&case.class),
        case.seconds
    );
    let mut inner = match &case.outcome {
        Outcome::Passed => String::new(),
        Outcome::Skipped(why) => format!("      <skipped message=\"{}\"/>\n", escape(why)),
        Outcome::Failed { message, text } => problem("failure", message, text),
        Outcome::Error { message, text } => problem("error", message, text),
    };
    if !case.output.is_empty() {
        inner += &format!("      <system-out>{}</system-out>\n", escape(&case.output));
    }
    if inner.is_empty() { format!("{head}/>\n") } else { format!("{head}>\n{inner}    </testcase>\n") }
}

fn problem(tag: &str, message: &str, text: &str) -> String {
    format!("      <{tag} message=\"{}\">{}</{tag}>\n", escape(message), escape(text))
}

/// Text as XML can hold it; what XML forbids even escaped becomes `\u{fffd}`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if u32::from(c) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
