//! JUnit's XML, for CI: a suite a play, a case a task and host.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use shevek_event::{
    Event, HostResult, NoticeKind, PlayId, PlayStarted, Stamped, Status, TaskId, TaskStarted,
};
use shevek_value::Value;

use crate::{Reporter, json_text};

/// Collects everything, and writes it at the end.
pub struct Junit {
    to: To,
    suites: Vec<Suite>,
    tasks: HashMap<TaskId, TaskStarted>,
    time: Option<String>,
    /// The playbook's name.
    playbook: String,
}

enum To {
    /// A suite a play.
    File(Box<dyn Write + Send>),
    /// What Ansible's callback writes.
    Folder(JunitCallback),
}

/// How Ansible's `junit` callback is set: it writes one suite a playbook, into a file of its own.
#[derive(Debug, Clone, Default)]
pub struct JunitCallback {
    /// Where files go (`JUNIT_OUTPUT_DIR`).
    pub folder: PathBuf,
    /// A class a file, not a task (`JUNIT_TASK_CLASS`).
    pub class_per_file: bool,
    /// Paths of classes start here (`JUNIT_TASK_RELATIVE_PATH`).
    pub relative_to: Option<PathBuf>,
    /// A change is a failure (`JUNIT_FAIL_ON_CHANGE`).
    pub fail_on_change: bool,
    /// So is one that is ignored (`JUNIT_FAIL_ON_IGNORE`).
    pub fail_on_ignore: bool,
    /// Leave out what gathers facts (`JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT`).
    pub without_setup: bool,
    /// Only tasks whose names start so are cases, and those that fail (`JUNIT_TEST_CASE_PREFIX`).
    pub prefix: String,
}

impl JunitCallback {
    /// The case as the callback has it; none: it is left out.
    fn case(&self, mut case: Case, (play, task): (&str, &TaskStarted), result: &HostResult) -> Option<Case> {
        let action = task.action.rsplit('.').next().unwrap_or_default();
        if self.without_setup && ["setup", "gather_facts"].contains(&action) {
            return None;
        }
        let toggles = task.name.contains("TOGGLE RESULT");
        let expected = toggles || task.name.contains("EXPECTED FAILURE");
        let text = json_text(&result.result);
        let failed = match result.status {
            Status::Skipped | Status::Undecided => false,
            Status::Ok | Status::Changed => {
                let bad = self.fail_on_change && result.status == Status::Changed;
                if bad { !expected } else { toggles }
            }
            Status::Failed | Status::Unreachable => (!result.ignored || self.fail_on_ignore) != expected,
        };
        if !task.name.starts_with(&self.prefix) && !failed {
            return None;
        }
        case.outcome = match case.outcome {
            Outcome::Skipped(why) => Outcome::Skipped(why),
            _ if !failed => Outcome::Passed,
            _ if case.message.is_empty() => {
                Outcome::Failed { message: "rc=0".to_owned(), text: text.clone() }
            }
            _ => Outcome::Error { message: case.message.clone(), text: case.message.clone() },
        };
        case.output = if matches!(case.outcome, Outcome::Passed) { text } else { String::new() };
        case.name = format!("[{}] {play}: {}", result.host, task.name);
        if let Some(base) = &self.relative_to {
            let base = std::path::absolute(base).unwrap_or_else(|_| base.clone());
            if let Ok(below) = Path::new(&case.class).strip_prefix(&base) {
                case.class = below.display().to_string();
            }
        }
        if self.class_per_file
            && let Some((file, line)) = case.class.rsplit_once(':')
            && line.bytes().all(|byte| byte.is_ascii_digit())
            && let Some(file) = file.strip_suffix(".yml")
        {
            case.class = file.to_owned();
        }
        Some(case)
    }
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
    /// What went wrong, and in which task.
    message: String,
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
        Self::to(To::File(out))
    }

    /// Writes what Ansible's callback does.
    pub fn callback(callback: JunitCallback) -> Self {
        Self::to(To::Folder(callback))
    }

    fn to(to: To) -> Self {
        Self { to, suites: Vec::new(), tasks: HashMap::new(), time: None, playbook: String::new() }
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
        let error = result.notices.iter().find(|notice| notice.severity == NoticeKind::Error);
        let case = Case {
            message: error.map(|notice| notice.message.clone()).unwrap_or_default(),
            name: format!("[{}] {}", result.host, task.name),
            class,
            seconds: result.seconds,
            outcome,
            output: text("stdout"),
        };
        let case = match &self.to {
            To::File(_) => Some(case),
            To::Folder(callback) => callback.case(case, (&suite.name, task), result),
        };
        suite.cases.extend(case);
    }
}

impl Reporter for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn on(&mut self, event: &Stamped) -> io::Result<()> {
        self.time.get_or_insert_with(|| event.time.strftime("%Y-%m-%dT%H:%M:%S").to_string());
        match &event.event {
            Event::PlaybookStarted { file, .. } => {
                self.playbook =
                    Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            }
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
        if let To::Folder(_) = self.to {
            // One suite for all plays.
            let cases = self.suites.drain(..).flat_map(|suite| suite.cases).collect();
            self.suites.push(Suite { play: PlayId::default(), name: self.playbook.clone(), cases });
        }
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
        match &mut self.to {
            To::File(out) => {
                out.write_all(xml.as_bytes())?;
                out.flush()
            }
            To::Folder(callback) => {
                std::fs::create_dir_all(&callback.folder)?;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let name = format!("{}-{}.{:06}.xml", self.playbook, now.as_secs(), now.subsec_micros());
                std::fs::write(callback.folder.join(name), xml)
            }
        }
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
