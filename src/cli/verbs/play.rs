//! `shevek play`: playbooks.

use std::path::{Path, PathBuf};

use clap::Args;
use shevek_diag::{Diagnostic, Diagnostics, Kind};
use shevek_inventory::{Closed, HostId, Inventory};
use shevek_playbook::{Loader, Playbook, Tags, WrongOptions};
use shevek_settings::Settings;
use shevek_vars::Fleet;

use crate::content::{Content, check_playbooks, read_variables};
use crate::exit::{Ending, Stop};
use crate::launch::{Choice, Launch};
use crate::listing::{Listing, Wanted};
use crate::options::{Connection, Escalation, Hosts, Output, Running, VaultIds};
use crate::output::{Kindred, complain, errors_coloured, print};
use crate::passwords::Passwords;
use crate::prompt::Terminal;

/// Runs playbooks on hosts.
#[derive(Debug, Args)]
pub(crate) struct Play {
    #[command(flatten)]
    running: Running,

    /// Run only plays and tasks with these tags; may be given several times.
    #[arg(short = 't', long, value_name = "TAGS")]
    tags: Vec<String>,

    /// Leave out plays and tasks with these tags; may be given several times.
    #[arg(long, value_name = "TAGS")]
    skip_tags: Vec<String>,

    /// Run notified handlers even on hosts where a task failed.
    #[arg(long)]
    force_handlers: bool,

    /// Begin with the task of this name.
    #[arg(long, value_name = "NAME")]
    start_at_task: Option<String>,

    /// Ask before each task.
    #[arg(long)]
    step: bool,

    /// Only list the hosts of each play.
    #[arg(long)]
    list_hosts: bool,

    /// Only list the tasks of each play.
    #[arg(long)]
    list_tasks: bool,

    /// Only list the tags of each play.
    #[arg(long)]
    list_tags: bool,

    /// Only see whether everything can be read.
    #[arg(long)]
    syntax_check: bool,

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

    /// Playbooks, run one after the other.
    #[arg(required = true)]
    playbooks: Vec<PathBuf>,
}

impl Play {
    pub(crate) fn run(self, mut settings: Settings) -> Ending {
        self.output.apply(&mut settings);
        self.running.apply(&mut settings);
        self.connection.apply(&mut settings);
        self.escalation.apply(&mut settings);
        settings.force_handlers |= self.force_handlers;
        check_playbooks(&self.playbooks)?;
        let wanted = Wanted {
            hosts: self.list_hosts,
            tasks: self.list_tasks,
            tags: self.list_tags,
            syntax: self.syntax_check,
        };
        // Whoever only looks needs no passwords but those of vaults, which are asked for last.
        let passwords = match wanted.any() {
            true => Passwords::default(),
            false => Passwords::gather(&settings, &Terminal::default())?,
        };
        let content = Content::open(settings, &self.vault, &self.running.extra_vars)?;
        if wanted.any() { self.list(&content, wanted) } else { self.start(content, passwords) }
    }

    fn folder(&self) -> Option<PathBuf> {
        self.playbooks
            .first()
            .and_then(|file| file.parent())
            .map(|folder| if folder == Path::new("") { PathBuf::from(".") } else { folder.to_owned() })
    }

    /// `--tags` and `--skip-tags`, else those of the settings.
    fn tags(&self, settings: &Settings) -> (Vec<String>, Vec<String>) {
        let pick = |given: &[String], set: &[String]| {
            let tags = if given.is_empty() { set } else { given };
            let words = tags.iter().flat_map(|tags| tags.split(',')).map(str::trim);
            words.filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        };
        (pick(&self.tags, &settings.tags_run), pick(&self.skip_tags, &settings.tags_skip))
    }

    /// A limit must leave hosts, if there are any.
    fn leaves_hosts(&self, content: &Content, inventory: &Inventory) -> Result<(), Diagnostics> {
        let Some(limit) = &self.inventory.limit else { return Ok(()) };
        let chosen = inventory.choose(&["all"], Some(limit), content.mismatch(), &content.folder)?;
        if chosen.hosts.is_empty() && inventory.host_count() > 0 {
            return Err(Diagnostic::new("no hosts are left to run on")
                .kind(Kind::Machine)
                .detail(format!("no host of the inventory matches --limit {limit}"))
                .into());
        }
        Ok(())
    }

    fn list(&self, content: &Content, wanted: Wanted) -> Ending {
        let loader = content.loader().wrong_options(WrongOptions::Tell);
        let read = content.playbooks(&loader, &self.playbooks);
        let inventory =
            content.inventory(&self.inventory.sources(&content.settings), self.folder().as_deref());
        let ((playbooks, warnings), (inventory, mut more)) = both(read, inventory)?;
        more.extend(unwell(&inventory)?);
        self.leaves_hosts(content, &inventory)?;
        vars_files(content, &loader, &playbooks)?;
        let coloured = errors_coloured(&content.settings);
        complain(&more, coloured);
        complain(&warnings, coloured);
        let (only, skip) = self.tags(&content.settings);
        let (mut only, skip): (Vec<&str>, Vec<&str>) =
            (only.iter().map(String::as_str).collect(), skip.iter().map(String::as_str).collect());
        if wanted.tags && only.is_empty() && skip.is_empty() {
            // All there are, `never` among them.
            only = vec!["never", "all"];
        }
        let limit = self.inventory.limit.as_deref();
        let choice = Choice { limit: limit.map(str::to_owned), ..Choice::default() };
        let options =
            content.run_options(self.running.check, &choice, &self.inventory.sources(&content.settings));
        let fleet = Fleet::new(inventory, content.templar.clone(), content.extra.clone(), options);
        let listing = Listing { content, loader: &loader, fleet, limit, tags: Tags::new(only, skip), wanted };
        for (playbook, file) in playbooks.iter().zip(&self.playbooks) {
            let (text, warnings) = listing.text(playbook, &file.to_string_lossy())?;
            complain(&warnings, coloured);
            print(&text);
        }
        Ok(0)
    }

    fn start(self, content: Content, passwords: Passwords) -> Ending {
        let (tags, skip_tags) = self.tags(&content.settings);
        let chooses = !tags.is_empty() || !skip_tags.is_empty();
        let options = if chooses { WrongOptions::Tell } else { WrongOptions::Refuse };
        let loader = content.loader().wrong_options(options);
        let read = content.playbooks(&loader, &self.playbooks);
        let inventory =
            content.inventory(&self.inventory.sources(&content.settings), self.folder().as_deref());
        let ((playbooks, warnings), (inventory, mut more)) = both(read, inventory)?;
        more.extend(warnings);
        let hosts = content.hosts_of(&playbooks, &inventory, self.inventory.limit.as_deref());
        more.extend(read_variables(&inventory, &hosts)?);
        if self.inventory.flush_cache {
            content.flush_cache(&inventory);
        }
        self.leaves_hosts(&content, &inventory)?;
        let choice = Choice {
            tags,
            skip_tags,
            limit: self.inventory.limit.clone(),
            start_at: self.start_at_task.clone(),
            step: self.step,
        };
        let sources = self.inventory.sources(&content.settings);
        let folder = self.folder();
        Launch {
            variables: content.run_options(self.running.check, &choice, &sources),
            content,
            passwords,
            loader,
            inventory,
            sources: (sources, folder),
            playbooks,
            names: self.playbooks.iter().map(|file| file.to_string_lossy().into_owned()).collect(),
            warnings: more,
            look: Kindred::Default,
            reporters: Vec::new(),
            output: self.output,
            running: self.running,
            connection: self.connection,
            escalation: self.escalation,
            choice,
        }
        .run()
    }
}

/// Reads the `vars_files` whose names are known before a run: plays may be told by what is in them, so their vaults
/// have to be open even where nothing is run.
fn vars_files(content: &Content, loader: &Loader, playbooks: &[Playbook]) -> Result<(), Stop> {
    for play in playbooks.iter().flat_map(|playbook| &playbook.plays) {
        for entry in &play.vars_files {
            let names = entry.as_list().unwrap_or(std::slice::from_ref(entry));
            let rendered = names.iter().map_while(|name| content.render(name, &play.vars).ok());
            let file = rendered.into_iter().find_map(|name| loader.vars_file(&play.dir, name.as_str()?));
            if let Some(file) = file {
                loader.vars_files_variables(&file).map_err(|error| error.kind(Kind::Machine))?;
            }
        }
    }
    Ok(())
}

/// What is written wrong in variable files. Vaults may stay closed where nothing is run: whoever checks the syntax need
/// not have the passwords.
fn unwell(inventory: &Inventory) -> Result<Diagnostics, Diagnostics> {
    let hosts: Vec<HostId> = inventory.host_ids().collect();
    let written = inventory.read_vars_files(&hosts, Closed::Passed);
    if written.has_errors() { Err(written) } else { Ok(written) }
}

/// Both, or all that is wrong with either.
pub(crate) fn both<A, B>(a: Result<A, Diagnostics>, b: Result<B, Diagnostics>) -> Result<(A, B), Stop> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(b)) => {
            a.extend(b);
            Err(a.into())
        }
        (Err(wrong), _) | (_, Err(wrong)) => Err(wrong.into()),
    }
}
