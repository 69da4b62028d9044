//! What one run did: its exit code, what it printed, and which hosts it touched.

use std::process::Output;

use super::{Lab, Tree, redact};

/// One run of shevek; the expectations return it again, so that a test reads as a chain.
pub(crate) struct Outcome<'a> {
    lab: &'a Lab,
    code: Option<i32>,
    stdout: String,
    stderr: String,
    before: Vec<(String, Tree)>,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(lab: &'a Lab, output: Output, before: Vec<(String, Tree)>) -> Self {
        let text = |bytes: &[u8]| redact::redact(&String::from_utf8_lossy(bytes), lab.path());
        Self {
            lab,
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            before,
        }
    }

    /// Everything printed, redacted: standard output, then standard error under a heading.
    pub(crate) fn text(&self) -> String {
        match self.stderr.is_empty() {
            true => self.stdout.clone(),
            false => format!("{}--- standard error ---\n{}", self.stdout, self.stderr),
        }
    }

    /// The exit code, none after a signal.
    pub(crate) fn code(&self) -> Option<i32> {
        self.code
    }

    /// Standard output, redacted.
    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    /// Expects this exit code.
    #[track_caller]
    pub(crate) fn exit(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code; printed was:\n{}", self.text());
        self
    }

    /// Expects this somewhere in what was printed. For whole outputs use `assert_snapshot!(run.text(), …)`.
    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        assert!(self.text().contains(part), "{part:?} is not in what was printed:\n{}", self.text());
        self
    }

    /// Expects this nowhere in what was printed.
    #[track_caller]
    pub(crate) fn hides(self, part: &str) -> Self {
        assert!(!self.text().contains(part), "{part:?} is in what was printed:\n{}", self.text());
        self
    }

    /// Expects the recap's counts for a host, as in `recap("web1", "ok=3 changed=1")`; counts that are not named are free.
    #[track_caller]
    pub(crate) fn recap(self, host: &str, counts: &str) -> Self {
        let line = self
            .stdout
            .lines()
            .find(|l| l.starts_with(host) && l.contains(" ok=") && l.contains(" changed="));
        let line = line.unwrap_or_else(|| panic!("no recap of {host}:\n{}", self.text()));
        for count in counts.split_whitespace() {
            assert!(
                line.split_whitespace().any(|c| c == count),
                "{count} is not in the recap {line:?}:\n{}",
                self.text()
            );
        }
        self
    }

    /// Expects that the run changed no file of this host: content, mode, owner, kind.
    #[track_caller]
    pub(crate) fn untouched(self, host: &str) -> Self {
        let before = &self.before.iter().find(|(name, _)| name == host).expect("a host of the lab").1;
        let difference = before.difference(&self.lab.tree(host));
        assert!(
            difference.is_empty(),
            "the run touched {host}:\n{difference}\nprinted was:\n{}",
            self.text()
        );
        self
    }

    /// Expects that the run changed exactly these files of this host, in the form of `Tree::difference`.
    #[track_caller]
    pub(crate) fn touched(self, host: &str, expected: &str) -> Self {
        let before = &self.before.iter().find(|(name, _)| name == host).expect("a host of the lab").1;
        let names: Vec<String> = before.difference(&self.lab.tree(host)).lines().map(Tree::path_of).collect();
        assert_eq!(names.join("\n"), expected, "printed was:\n{}", self.text());
        self
    }
}
