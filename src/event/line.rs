//! Events as lines of JSON: what `--json` prints, and what recordings are made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shevek_diag::{Diagnostic, Result};

use crate::Event;

/// Grows with every change that an old reader of the lines would not understand.
pub const VERSION: u32 = 1;

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// The lines' version.
    pub v: u32,
    /// When (UTC).
    pub time: Timestamp,
    /// What.
    pub event: Event,
}

impl Stamped {
    /// The event as of now.
    pub fn now(event: Event) -> Self {
        Self { v: VERSION, time: Timestamp::now(), event }
    }
}

/// One line, without a newline at its end.
pub fn write_line(event: &Stamped) -> Result<String> {
    serde_json::to_string(event)
        .map_err(|error| Diagnostic::bug("an event can't be written as JSON").detail(error.to_string()))
}

/// Reads one line of a recording.
pub fn read_line(line: &str) -> Result<Stamped> {
    let wrong =
        |error: serde_json::Error| Diagnostic::new("not a line of a recorded run").detail(error.to_string());
    #[derive(Deserialize)]
    struct Head {
        v: u32,
    }
    let head: Head = serde_json::from_str(line).map_err(wrong)?;
    if head.v != VERSION {
        return Err(Diagnostic::new("recorded by another version").detail(format!(
            "the recording has version {}, and this program reads version {VERSION}",
            head.v
        )));
    }
    serde_json::from_str(line).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counts, HostResult, Recap, RunFinished, Status, TaskId};
    use shevek_value::Value;

    fn back(event: Event) -> Event {
        read_line(&write_line(&Stamped::now(event)).unwrap()).unwrap().event
    }

    #[test]
    fn events_come_back_as_they_went() {
        let result = HostResult {
            task: TaskId(7),
            host: "web1".to_owned(),
            status: Status::Changed,
            result: Value::dict([("rc", Value::from(0)), ("z", Value::from("é")), ("a", Value::from(1.5))]),
            ..HostResult::default()
        };
        for event in [
            Event::HostDone(Box::new(result)),
            Event::NoHostsMatched,
            Event::Recap(Recap {
                hosts: [("web1".to_owned(), Counts { ok: 2, ..Counts::default() })].into(),
                ..Recap::default()
            }),
            Event::RunFinished(RunFinished { exit: 2, seconds: 1.25 }),
        ] {
            assert_eq!(back(event.clone()), event);
        }
    }

    #[test]
    fn a_line_says_its_version_and_kind() {
        let event = Stamped {
            v: VERSION,
            time: "2024-05-06T07:08:09.25Z".parse().unwrap(),
            event: Event::RunFinished(RunFinished { exit: 0, seconds: 0.5 }),
        };
        assert_eq!(
            write_line(&event).unwrap(),
            r#"{"v":1,"time":"2024-05-06T07:08:09.25Z","event":{"kind":"run_finished","exit":0,"seconds":0.5}}"#
        );
    }

    #[test]
    fn a_newer_recording_is_refused_by_its_version() {
        let error = read_line(r#"{"v":9,"time":"x","event":{"kind":"unheard_of"}}"#).unwrap_err();
        assert_eq!(error.summary, "recorded by another version");
    }
}
