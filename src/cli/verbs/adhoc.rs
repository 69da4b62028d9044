//! `shevek run`: one task, from the command line.

use std::path::PathBuf;

use clap::Args;
use shevek_diag::{Diagnostic, Kind, Origin, Result, Source};
use shevek_report::Tree;
use shevek_settings::Settings;
use shevek_value::Value;
use shevek_vars::{RunOptions, VarsRoot};
use shevek_yaml::key_value::{self, FreeForm};

use crate::content::{Content, read_variables};
use crate::exit::Ending;
use crate::launch::{Choice, Launch};
use crate::options::{Connection, Escalation, Hosts, Output, Running, VaultIds};
use crate::output::{Kindred, complain, errors_coloured, print};
use crate::passwords::Passwords;
use crate::prompt::Terminal;

/// Actions that make no sense without arguments.
const NEED_ARGUMENTS: [&str; 5] = ["command", "shell", "raw", "script", "win_command"];

/// Runs one task on hosts.
#[derive(Debug, Args)]
pub(crate) struct AdHoc {
    #[command(flatten)]
    running: Running,

    /// The module or action.
    #[arg(short = 'm', long, value_name = "NAME")]
    module_name: Option<String>,

    /// Its arguments: `key=value …`, a mapping in JSON, or a command line.
    #[arg(short = 'a', long = "args", value_name = "ARGUMENTS", allow_hyphen_values = true)]
    arguments: Option<String>,

    /// Run it in the background, for this long at most.
    #[arg(short = 'B', long, value_name = "SECONDS")]
    background: Option<u32>,

    /// Look after it this often.
    #[arg(short = 'P', long, value_name = "SECONDS")]
    poll: Option<u32>,

    /// Give the task this long.
    #[arg(long, value_name = "SECONDS")]
    task_timeout: Option<u32>,

    /// A line a host.
    #[arg(short = 'o', long)]
    one_line: bool,

    /// Write each host's result to a file in this folder.
    #[arg(short = 't', long, value_name = "FOLDER")]
    tree: Option<PathBuf>,

    /// The folder to take for a playbook's: its group_vars, host_vars and roles count.
    #[arg(long, value_name = "FOLDER")]
    playbook_dir: Option<PathBuf>,

    /// Only list the hosts.
    #[arg(long)]
    list_hosts: bool,

    #[command(flatten)]
    inventory: Hosts,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    escalation: Escalation,
    #[command(flatten)]
    vault: VaultIds,
    #[command(flatten)]
    output: Output,

    /// Which hosts.
    pattern: String,
}

impl AdHoc {
    pub(crate) fn run(self, mut settings: Settings) -> Ending {
        self.output.apply(&mut settings);
        self.running.apply(&mut settings);
        self.connection.apply(&mut settings);
        self.escalation.apply(&mut settings);
        if let Some(seconds) = self.task_timeout {
            settings.task_timeout = seconds.into();
        }
        let passwords = Passwords::gather(&settings, &Terminal::default())?;
        let content = Content::open(settings, &self.vault, &self.running.extra_vars)?;
        let beside = self.playbook_dir.clone().or_else(|| content.settings.playbook_dir.clone());
        // There is no playbook: what stands where one is counts as standing beside it.
        let beside = beside.or_else(|| Some(content.folder.clone()));
        let (inventory, mut warnings) =
            content.inventory(&self.inventory.sources(&content.settings), beside.as_deref())?;
        if self.inventory.flush_cache {
            content.flush_cache(&inventory);
        }
        let limit = self.inventory.limit.as_deref();
        let chosen = inventory.choose(&[&self.pattern], limit, content.mismatch(), &content.folder)?;
        warnings.extend(chosen.warnings);
        let coloured = errors_coloured(&content.settings);
        if chosen.hosts.is_empty() && limit.is_some() && inventory.host_count() > 0 {
            complain(&warnings, coloured);
            return Err(Diagnostic::new("no hosts are left to run on")
                .kind(Kind::Machine)
                .detail("no host of the inventory matches the pattern and --limit")
                .into());
        }
        if self.list_hosts {
            complain(&warnings, coloured);
            let names = chosen.hosts.iter().map(|host| format!("    {}\n", inventory.host(*host).name()));
            print(&format!("  hosts ({}):\n{}", chosen.hosts.len(), names.collect::<String>()));
            return Ok(0);
        }
        if chosen.hosts.is_empty() {
            warnings.push(Diagnostic::warning("no hosts matched, nothing to do"));
            complain(&warnings, coloured);
            return Ok(0);
        }
        warnings.extend(read_variables(&inventory, &chosen.hosts)?);
        let play = self.play(&content.settings)?;
        let loader = content.loader();
        let folder = beside.clone().unwrap_or_else(|| content.folder.clone());
        let loaded = loader.play(&play, &folder)?;
        warnings.extend(loaded.warnings);
        let choice = Choice { limit: self.inventory.limit.clone(), ..Choice::default() };
        let reporters =
            self.tree.iter().map(|folder| Box::new(Tree::new(folder)) as Box<dyn shevek_report::Reporter>);
        let sources = self.inventory.sources(&content.settings);
        Launch {
            variables: RunOptions {
                // A command stands in no playbook.
                vars_root: VarsRoot::Top,
                ..content.run_options(self.running.check, &choice, &sources)
            },
            reporters: reporters.collect(),
            content,
            passwords,
            loader,
            inventory,
            sources: (sources, beside),
            playbooks: vec![loaded.value],
            names: Vec::new(),
            warnings,
            look: if self.one_line { Kindred::Oneline } else { Kindred::Minimal },
            output: self.output,
            running: self.running,
            connection: self.connection,
            escalation: self.escalation,
            choice,
        }
        .run()
    }

    /// The play around the task, as data.
    fn play(&self, settings: &Settings) -> Result<Value> {
        let action = self.module_name.as_ref().unwrap_or(&settings.module_name);
        let arguments = self.arguments.as_ref().unwrap_or(&settings.module_args);
        let wrong = |summary: &'static str, detail: String| {
            Err(Diagnostic::new(summary).kind(Kind::Options).detail(detail))
        };
        let short = action.rsplit('.').next().unwrap_or(action);
        if NEED_ARGUMENTS.contains(&short) && arguments.is_empty() {
            let error = wrong("no arguments", format!("`{action}` needs to be told what to run, with -a"));
            return if self.pattern.ends_with(".yml") {
                error.map_err(|error: Box<Diagnostic>| error.help("did you mean `shevek play`?"))
            } else {
                error
            };
        }
        if short == "import_playbook" {
            return wrong("not for a single task", format!("`{action}` imports playbooks"));
        }
        let source = Source::new("<command line>", format!("{action}: {arguments}"));
        let origin = Origin::whole(&source);
        let mut task = vec![
            ("action", Value::template(action.as_str()).at(origin.clone())),
            ("args", arguments_of(short, arguments, &origin)?),
            ("timeout", Value::from(settings.task_timeout)),
        ];
        if let Some(seconds) = self.background {
            let poll = self.poll.map_or(settings.poll_interval, i64::from);
            task.extend([("async", Value::from(seconds)), ("poll", Value::from(poll))]);
        }
        let task = Value::dict(task).at(origin.clone());
        let play = Value::dict([
            ("name", Value::str("Ansible Ad-Hoc")),
            ("hosts", Value::str(self.pattern.as_str())),
            ("gather_facts", Value::from(false)),
            ("tasks", Value::list(vec![task])),
        ]);
        Ok(play.at(origin))
    }
}

/// The arguments as a mapping.
fn arguments_of(action: &str, text: &str, origin: &Origin) -> Result<Value> {
    if text.starts_with('{') && text.ends_with('}') {
        let options = shevek_yaml::Options { trusted: true, json: true, ..shevek_yaml::Options::default() };
        if let Ok(value) = shevek_yaml::load(&Source::new("<command line>", text), &options)
            && value.as_map().is_some()
        {
            return Ok(value);
        }
    }
    let free_form = if NEED_ARGUMENTS.contains(&action) { FreeForm::Command } else { FreeForm::Other };
    let text = Value::template(text).at(origin.clone());
    Ok(Value::map(key_value::parse(&text, free_form)?).at(origin.clone()))
}
