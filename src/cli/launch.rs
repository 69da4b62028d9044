//! From loaded content to a run: passwords, reporters, the engine, the exit code.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shevek_actions::{Actions, Pool};
use shevek_connection::{Cache, Deadlines, OpenOptions, Phase as Stage, RunnerImage, Runners, SshContext};
use shevek_diag::{Diagnostic, Diagnostics, Kind, Result};
use shevek_engine::{
    DebuggerOptions, Gathering, Interrupt, Options, ReachOptions, RetryFiles, Run, SendsAhead,
};
use shevek_event::{Ask, Event, Masker, Notice, Phase, PhaseUpdate, RunFinished, RunStarted, Sink, Verbose};
use shevek_inventory::Inventory;
use shevek_playbook::{Loader, Playbook};
use shevek_proto::Part;
use shevek_report::{Doing, Reporter};
use shevek_settings::Settings;
use shevek_value::{Map, Value};
use shevek_vars::{Fleet, RunOptions};
use zeroize::Zeroizing;

use crate::content::Content;
use crate::exit::{Ending, unreadable};
use crate::host_keys::HostKeys;
use crate::options::{Connection, Escalation, Output, Running};
use crate::output::{Kindred, reporters, unsupported};
use crate::passwords::{self, Passwords};
use crate::signals::Heeded;
use crate::{open_files, version};

/// The exit code of a run that the user ended.
const INTERRUPTED: u8 = 99;

/// Which plays, tasks and hosts of what was loaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub limit: Option<String>,
    pub start_at: Option<String>,
    pub step: bool,
}

/// Variables that hold the password of who becomes another user.
const BECOME_PASSWORDS: [&str; 8] = [
    "ansible_become_password",
    "ansible_become_pass",
    "ansible_sudo_password",
    "ansible_sudo_pass",
    "ansible_su_password",
    "ansible_su_pass",
    "ansible_doas_password",
    "ansible_doas_pass",
];

/// Everything that a run needs.
pub(crate) struct Launch {
    pub content: Content,
    pub passwords: Passwords,
    pub loader: Loader,
    pub inventory: Inventory,
    /// Where that was read from, and the folder whose group_vars and host_vars count.
    pub sources: (Vec<String>, Option<PathBuf>),
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
    /// What variables show of all this.
    pub variables: RunOptions,
}

impl Launch {
    /// Runs it; the exit code.
    pub(crate) fn run(mut self) -> Ending {
        let passwords = std::mem::take(&mut self.passwords);
        let masker = Arc::new(Masker::default());
        for text in passwords::hidden(&self.content.settings) {
            masker.learn_text(text);
        }
        for password in [&passwords.login, &passwords.escalation].into_iter().flatten() {
            masker.learn(&passwords::secret(password));
        }
        self.teach(&masker);
        let mut reporters = reporters(&self.output, &self.content.settings, self.look)?;
        for reporter in std::mem::take(&mut self.reporters) {
            reporters = reporters.with(reporter);
        }
        self.warnings.extend(unsupported(&self.content.settings));
        for warning in self.content.extra.keys().filter_map(shevek_playbook::reserved) {
            self.warnings.push(warning);
        }
        let doing = Doing::new();
        reporters = reporters.with(Box::new(doing.clone()));
        let (sink, incoming) = Sink::new(masker);
        self.content.terminal.after(&sink);
        let thread = reporters.spawn(incoming).map_err(|error| {
            Diagnostic::new("no thread for output").kind(shevek_diag::Kind::Machine).detail(error.to_string())
        })?;
        self.announce(&sink);
        let ending = self.drive(passwords, sink, doing);
        // Reporters end when all senders are gone.
        // After a second interrupt nobody waits: whoever still holds a sender may be waiting for a host.
        if !matches!(ending, Ok(INTERRUPTED)) {
            let _ = thread.join();
        }
        ending
    }

    /// Tells the masker of all secrets among the variables that are known before the run.
    fn teach(&self, masker: &Masker) {
        masker.learn_all(&self.content.extra);
        let inventory = &self.inventory;
        let groups = inventory.group_ids().filter_map(|group| inventory.vars_of_group(group).ok());
        let hosts = inventory.host_ids().filter_map(|host| inventory.own_layers(host).ok());
        for layer in groups.chain(hosts).flatten() {
            masker.learn_all(&layer.vars);
            // All at once, instead of one whenever a host comes to it.
            for (name, password) in layer.vars.iter().filter(|(_, value)| !value.is_template()) {
                let is_escalation = |name: &str| BECOME_PASSWORDS.contains(&name);
                if name.as_str().is_some_and(is_escalation) && !password.is_null() {
                    masker.learn_text(&password.text());
                }
            }
        }
        for play in self.playbooks.iter().flat_map(|playbook| &playbook.plays) {
            masker.learn_all(&play.vars);
            for role in &play.roles {
                for vars in [&role.defaults, &role.vars, &role.params] {
                    masker.learn_all(vars);
                }
            }
        }
    }

    fn announce(&self, sink: &Sink) {
        let settings = &self.content.settings;
        sink.send(Event::RunStarted(RunStarted {
            version: version::OWN.to_owned(),
            playbooks: self.names.clone(),
            folder: self.content.folder.to_string_lossy().into_owned(),
            check: self.running.check,
            diff: settings.diff_always,
            options: self.options(),
        }));
        let text = match &settings.config_file {
            Some(path) => format!("Using {} as config file", path.display()),
            None => "No config file found; using defaults".to_owned(),
        };
        let versions = version::of_run(settings);
        sink.send(Event::Verbose(Verbose { level: 2, host: None, text: versions }));
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

    /// Hands everything to the engine.
    fn drive(self, passwords: Passwords, sink: Sink, doing: Doing) -> Ending {
        let start = Instant::now();
        for (file, playbook) in self.names.iter().zip(&self.playbooks) {
            sink.send(Event::PlaybookStarted { file: file.clone(), plays: playbook.plays.len() });
        }
        let reaching = reaching(&self.content.settings, &self.connection, &passwords);
        let variables = RunOptions { reaching: Arc::new(reaching), ..self.variables.clone() };
        let options = self.engine_options(passwords);
        let content = Arc::new(self.content);
        let settings = &content.settings;
        let terminal = content.terminal.clone();
        let mut open = OpenOptions::new(Arc::new(runners(settings)?));
        if self.running.no_cache {
            open.cache = Cache::Leave;
        }
        let patience = seconds(settings.phase_timeout);
        open.deadlines = Deadlines { auth: patience, start: patience, upload: patience, ..open.deadlines };
        open.fetch_limit = u64::try_from(settings.fetch_limit).unwrap_or(0).saturating_mul(1 << 20);
        // Connections may outlive the run by a moment, and must not keep reporters waiting.
        let heard = Arc::new(sink.clone());
        let hears = Arc::downgrade(&heard);
        open.warn = Some(Arc::new(move |text| {
            if let Some(sink) = hears.upgrade() {
                sink.send(Event::Notice(Notice::warning(text)));
            }
        }));
        let hears = Arc::downgrade(&heard);
        open.watch = Some(Arc::new(move |host, phase| {
            let phase = match phase {
                Stage::Connect => Phase::Connecting,
                Stage::Auth => Phase::Authenticating,
                Stage::Upload => Phase::Uploading,
                Stage::Run => Phase::Running,
                _ => return,
            };
            if let Some(sink) = hears.upgrade() {
                sink.send(Event::Phase(PhaseUpdate { host: host.to_owned(), task: None, phase }));
            }
        }));
        if terminal.is_interactive() {
            open.ask = Some(HostKeys::new(terminal.clone()));
        }
        let (most, warning) = open_files::room_for(self.inventory.host_count(), self.running.check);
        if let Some(warning) = warning {
            sink.send(Event::Notice(Notice::from(&*warning)));
        }
        let fleet = Fleet::new(self.inventory, content.templar.clone(), content.extra.clone(), variables);
        let (again, (sources, beside)) = (content.clone(), self.sources);
        let interrupt = Interrupt::new();
        terminal.ends_with(&interrupt);
        let run = Arc::new(Run {
            fleet,
            loader: Arc::new(self.loader),
            pool: Pool::new(open, most),
            actions: Actions,
            sink: sink.clone(),
            ask: terminal,
            inventory: Box::new(move || again.inventory(&sources, beside.as_deref())),
            ssh: Arc::new(SshContext::of_this_process()),
            interrupt: interrupt.clone(),
            options,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            Diagnostic::new("no threads for the run").kind(Kind::Machine).detail(error.to_string())
        })?;
        let grace = seconds(settings.interrupt_grace);
        let heeded = Heeded { interrupt: interrupt.clone(), grace, sink: sink.clone(), doing };
        // From the first task on, an interrupt is an ordered end.
        let interrupted = heeded.listen()?;
        let ended = runtime.block_on(async {
            tokio::select! {
                ended = shevek_engine::run(run, &self.playbooks) => ended.map(|ending| ending.code()),
                _ = interrupted => Ok(INTERRUPTED),
            }
        });
        runtime.shutdown_background();
        // What an interrupt ended, like a question without an answer, is no mistake of anybody.
        let ended = if interrupt.is_raised() && ended.is_err() { Ok(INTERRUPTED) } else { ended };
        let exit = ended.as_ref().map_or_else(|error| crate::Stop::from(error.clone()).code(), |code| *code);
        if let Err(error) = ended {
            sink.send(Event::Notice(Notice::from(&*error)));
        }
        sink.send(Event::RunFinished(RunFinished { exit, seconds: start.elapsed().as_secs_f64() }));
        sink.flush();
        Ok(exit)
    }

    fn engine_options(&self, passwords: Passwords) -> Options {
        let settings = &self.content.settings;
        let choice = &self.choice;
        Options {
            forks: usize::try_from(settings.forks).unwrap_or(1).max(1),
            check: self.running.check,
            diff: settings.diff_always,
            force_handlers: settings.force_handlers,
            start_at: choice.start_at.clone(),
            step: choice.step,
            only_tags: choice.tags.clone(),
            skip_tags: choice.skip_tags.clone(),
            limit: choice.limit.clone(),
            mismatch: self.content.mismatch(),
            strategy: settings.strategy.clone(),
            gathering: match settings.gathering.as_str() {
                "explicit" => Gathering::Explicit,
                "smart" => Gathering::Smart,
                _ => Gathering::Implicit,
            },
            gather_subset: vec!["all".to_owned()],
            missing_handler_is_error: settings.error_on_missing_handler,
            any_errors_fatal: settings.any_errors_fatal,
            reach: self.reach(passwords),
            retry_files: settings
                .retry_files_enabled
                .then(|| settings.retry_files_save_path.clone().map_or(RetryFiles::Beside, RetryFiles::In)),
            poll_interval: u32::try_from(settings.poll_interval).unwrap_or(15),
            shows_arguments: settings.display_args_to_stdout,
            debug: settings.debug,
            debugger: DebuggerOptions {
                enabled: settings.enable_task_debugger,
                honours_ignore_errors: settings.task_debugger_ignore_errors,
            },
            reads_beside_playbooks: !self.names.is_empty(),
            sends_ahead: match settings.send_ahead.as_str() {
                "always" => SendsAhead::Always,
                "never" => SendsAhead::Never,
                _ => SendsAhead::Remote,
            },
            task_timeout: u32::try_from(settings.task_timeout).unwrap_or(0),
            rescue_unreachable: settings.rescue_unreachable,
        }
    }

    fn reach(&self, passwords: Passwords) -> ReachOptions {
        let settings = &self.content.settings;
        let given = &self.connection;
        let plain = |password: Option<Zeroizing<String>>| password.map(|password| password.to_string());
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let become_ = Become::of(settings);
        ReachOptions {
            connection: given.connection.clone().or_else(|| filled(Some(settings.transport.clone()))),
            user: given.user.clone().or_else(|| settings.remote_user.clone()),
            private_key: given
                .private_key
                .as_ref()
                .or(settings.private_key_file.as_ref())
                .map(|path| path.to_string_lossy().into_owned()),
            timeout: u64::try_from(settings.timeout).ok(),
            password: plain(passwords.login),
            become_root: settings.become_default,
            become_user: Some(
                self.escalation
                    .become_user
                    .clone()
                    .or(become_.user)
                    .unwrap_or_else(|| settings.become_user.clone()),
            ),
            become_method: Some(settings.become_method.clone()),
            become_password: plain(passwords.escalation).or(become_.password),
            ssh_args: [
                filled(given.ssh_common_args.clone().or_else(|| Some(settings.ssh_common_args.clone()))),
                filled(given.ssh_extra_args.clone().or_else(|| Some(settings.ssh_extra_args.clone()))),
                filled(settings.ssh_args.clone()),
            ],
            host_key_checking: settings.host_key_checking,
            ssh_retries: u32::try_from(settings.ssh_retries).unwrap_or(0),
            become_flags: become_.flags,
            become_exe: become_.exe,
            become_within: u32::try_from(settings.phase_timeout).unwrap_or(u32::MAX),
            su_prompts: settings.su_prompts.clone(),
        }
    }
}

/// How hosts are reached, for tasks that ask.
fn reaching(settings: &Settings, given: &Connection, passwords: &Passwords) -> Map {
    let key = given.private_key.as_ref().or(settings.private_key_file.as_ref());
    let entries = [
        ("ansible_user", given.user.clone().or_else(|| settings.remote_user.clone()).map(Value::from)),
        ("ansible_password", passwords.login.as_ref().map(passwords::secret)),
        (
            "ansible_connection",
            Some(given.connection.clone().unwrap_or_else(|| settings.transport.clone()).into()),
        ),
        ("ansible_private_key_file", key.map(|key| key.to_string_lossy().into_owned().into())),
        ("ansible_port", settings.remote_port.map(Value::from)),
        ("ansible_timeout", Some(settings.timeout.into())),
    ];
    entries.into_iter().filter_map(|(name, value)| Some((Value::str(name), value?))).collect()
}

/// What the settings say of the method that is used.
struct Become {
    user: Option<String>,
    exe: Option<String>,
    flags: Option<String>,
    password: Option<String>,
}

impl Become {
    fn of(settings: &Settings) -> Self {
        let own = match settings.become_method.as_str() {
            "sudo" => {
                [&settings.sudo_user, &settings.sudo_exe, &settings.sudo_flags, &settings.sudo_password]
            }
            "su" => [&settings.su_user, &settings.su_exe, &settings.su_flags, &settings.su_password],
            _ => [&None, &None, &None, &None],
        };
        let [user, exe, flags, password] = own.map(Option::clone);
        Self {
            user,
            exe: exe.or_else(|| settings.become_exe.clone()),
            flags: flags.or_else(|| settings.become_flags.clone()),
            password: password.or_else(|| settings.become_password.clone()),
        }
    }
}

/// The embedded runner, and those of the runners' folder.
fn runners(settings: &Settings) -> Result<Runners> {
    let mut runners = Runners::new();
    if let Some(folder) = &settings.runner_dir {
        runners.add_folder(folder).map_err(|error| unreadable(folder, &error))?;
    }
    for (part, own) in [(Part::Core, shevek_embed::CORE), (Part::Rare, shevek_embed::RARE)] {
        runners.add(RunnerImage::from_gzip(own.machine, part, own.hash, own.size, own.gzip));
    }
    Ok(runners)
}

/// A setting in seconds; none at all is no time.
fn seconds(setting: i64) -> Duration {
    Duration::from_secs(u64::try_from(setting).unwrap_or(0))
}
