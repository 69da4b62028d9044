//! From loaded content to a run: passwords, reporters, the engine, the exit code.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics};
use shevek_event::{Event, Masker, Notice, RunStarted, Sink, Verbose};
use shevek_inventory::Inventory;
use shevek_playbook::{Loader, Playbook};
use shevek_report::Reporter;

use crate::content::Content;
use crate::exit::Ending;
use crate::options::{Connection, Escalation, Output, Running};
use crate::output::{Kindred, reporters, unknown_callbacks};
use crate::passwords::{self, Passwords};
use crate::version;

/// Which plays, tasks and hosts of what was loaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub limit: Option<String>,
    pub start_at: Option<String>,
    pub step: bool,
    pub flush_cache: bool,
}

/// Everything that a run needs.
pub(crate) struct Launch {
    pub content: Content,
    pub loader: Loader,
    pub inventory: Inventory,
    pub playbooks: Vec<Playbook>,
    /// The playbooks as the user named them; none for a single task.
    pub names: Vec<String>,
    /// What was odd while loading.
    pub warnings: Diagnostics,
    pub look: Kindred,
    /// Further reporters of the verb's own.
    pub reporters: Vec<Box<dyn Reporter>>,
    pub output: Output,
    pub running: Running,
    pub connection: Connection,
    pub escalation: Escalation,
    pub choice: Choice,
}

impl Launch {
    /// Runs it; the exit code.
    pub(crate) fn run(mut self) -> Ending {
        let passwords = Passwords::gather(&self.content.settings, &self.content.terminal)?;
        let masker = Arc::new(Masker::default());
        for text in passwords::hidden(&self.content.settings) {
            masker.learn_text(text);
        }
        for password in [&passwords.login, &passwords.escalation].into_iter().flatten() {
            masker.learn(&passwords::secret(password));
        }
        for value in self.content.extra.values() {
            masker.learn(value);
        }
        let mut reporters = reporters(&self.output, &self.content.settings, self.look)?;
        for reporter in std::mem::take(&mut self.reporters) {
            reporters = reporters.with(reporter);
        }
        self.warnings.extend(unknown_callbacks(&self.content.settings));
        let (sink, incoming) = Sink::new(masker);
        self.content.terminal.after(&sink);
        let thread = reporters.spawn(incoming).map_err(|error| {
            Diagnostic::new("no thread for output").kind(shevek_diag::Kind::Machine).detail(error.to_string())
        })?;
        self.announce(&sink);
        let ending = self.drive(passwords, sink);
        // Reporters end when all senders are gone.
        let _ = thread.join();
        ending
    }

    fn announce(&self, sink: &Sink) {
        let settings = &self.content.settings;
        sink.send(Event::RunStarted(RunStarted {
            version: version::OWN.to_owned(),
            playbooks: self.names.clone(),
            check: self.running.check,
            diff: settings.diff_always,
            options: self.options(),
        }));
        let text = match &settings.config_file {
            Some(path) => format!("Using {} as config file", path.display()),
            None => "No config file found; using defaults".to_owned(),
        };
        sink.send(Event::Verbose(Verbose { level: 1, host: None, text }));
        for warning in self.warnings.iter() {
            sink.send(Event::Notice(Notice::from(warning)));
        }
    }

    /// Options that were given, for the most verbose output.
    fn options(&self) -> Vec<(String, String)> {
        let mut options = Vec::new();
        let mut add = |name: &str, value: String| {
            if !value.is_empty() {
                options.push((name.to_owned(), value));
            }
        };
        add("tags", self.choice.tags.join(","));
        add("skip_tags", self.choice.skip_tags.join(","));
        add("subset", self.choice.limit.clone().unwrap_or_default());
        add("forks", self.content.settings.forks.to_string());
        add("remote_user", self.connection.user.clone().unwrap_or_default());
        add("connection", self.connection.connection.clone().unwrap_or_default());
        add("become", if self.content.settings.become_default { "True".to_owned() } else { String::new() });
        add("become_user", self.escalation.become_user.clone().unwrap_or_default());
        options
    }

    fn drive(self, _passwords: Passwords, _sink: Sink) -> Ending {
        Err(Diagnostic::bug("this build has no engine").into())
    }
}
