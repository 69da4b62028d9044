//! The `vars_files` of a play. Their names may ask for facts of a host, so they are looked for anew when those change.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_event::{Event, Notice};
use shevek_inventory::HostId;
use shevek_playbook::Play;
use shevek_value::{Map, Value};
use shevek_vars::{Facts, HostScope, PlayScope};

use crate::Run;
use crate::unknown::{self, UNDEFINED};

/// What is known of a play's `vars_files`.
#[derive(Default)]
pub(crate) struct VarsFiles {
    /// What files hold together, by their names: hosts with the same files share it.
    shared: HashMap<Vec<PathBuf>, Arc<Map>>,
    /// The facts with which a host's files were looked for last.
    seen: HashMap<HostId, Arc<Facts>>,
    /// Warnings, each of which is told once.
    told: HashSet<String>,
}

/// Whether it depends on variables which files are read.
pub(crate) fn differ(play: &Play) -> bool {
    let names =
        play.vars_files.iter().flat_map(|entry| entry.as_list().unwrap_or(std::slice::from_ref(entry)));
    names.into_iter().any(Value::is_template)
}

impl VarsFiles {
    /// Reads those of all hosts of a play that is about to begin.
    pub(crate) fn read(&mut self, run: &Run, scope: &Arc<PlayScope>) -> Result<()> {
        if scope.play.vars_files.is_empty() {
            return Ok(());
        }
        let differ = differ(&scope.play);
        let mut common: Option<Arc<Map>> = None;
        for host in &scope.hosts {
            let variables = match common.clone().filter(|_| !differ) {
                Some(variables) => variables,
                None => self.of_host(run, scope, (*host, false))?,
            };
            scope.set_files(*host, variables.clone());
            common = Some(variables);
        }
        Ok(())
    }

    /// Looks again before a task, where the host's facts are others than the last time.
    pub(crate) fn renew(&mut self, run: &Run, scope: &Arc<PlayScope>, host: HostId) -> Result<()> {
        let facts = run.fleet.memory(host).facts();
        if self.seen.get(&host).is_some_and(|seen| Arc::ptr_eq(seen, &facts)) {
            return Ok(());
        }
        let gathered = facts.all().get("module_setup").is_some();
        self.seen.insert(host, facts);
        let variables = self.of_host(run, scope, (host, gathered))?;
        scope.set_files(host, variables);
        Ok(())
    }

    /// `gathered`: the facts are there, so a name that still can't be rendered never will be.
    // Differs from Ansible: there, a file that does not exist is passed over without a word.
    fn of_host(
        &mut self,
        run: &Run,
        scope: &Arc<PlayScope>,
        (host, gathered): (HostId, bool),
    ) -> Result<Arc<Map>> {
        let play = &scope.play;
        let mut variables: Arc<Map> = Arc::default();
        let mut files = Vec::new();
        for written in &play.vars_files {
            scope.set_files(host, variables.clone());
            let sees = HostScope::for_vars_files(&run.fleet, scope, host);
            let path = match self.first_of(run, written, &sees) {
                Ok(None) => continue,
                Ok(Some(path)) => path,
                Err(error) if error.summary != UNDEFINED && !unknown::is_cause(&error) => {
                    return Err(error.or_at(written.origin()));
                }
                // A check run may not know what the name depends on, and then never will.
                Err(error) if gathered && !unknown::is_cause(&error) => {
                    return Err(error.or_at(written.origin()).kind(Kind::Machine));
                }
                Err(error) => {
                    self.warn(
                        run,
                        &Diagnostic::warning("skipping vars_files item due to an undefined variable")
                            .detail(error.message())
                            .at_maybe(written.origin(), ""),
                    );
                    continue;
                }
            };
            files.push(path.clone());
            variables = match self.shared.get(&files) {
                Some(variables) => variables.clone(),
                None => {
                    let read = run.loader.vars_files_variables(&path)?;
                    run.sink.masker().learn_all(&read);
                    let all = match files.len() {
                        1 => read,
                        _ => Arc::new(run.loader.combine(&variables, &read)),
                    };
                    self.shared.insert(files.clone(), all.clone());
                    all
                }
            };
        }
        Ok(variables)
    }

    /// The first file of an entry (a name, or a list of them) that exists.
    fn first_of(&mut self, run: &Run, written: &Value, sees: &HostScope) -> Result<Option<PathBuf>> {
        let folder = &sees.play().play.dir;
        let mut missing = Vec::new();
        for name in written.as_list().unwrap_or(std::slice::from_ref(written)) {
            let name = run.fleet.templar.render(name, sees)?;
            let Some(name) = name.as_str() else {
                return Err(Diagnostic::new("wrong value of a keyword")
                    .kind(Kind::Content)
                    .detail(format!("Invalid `vars_files` value {}.", name.repr()))
                    .help("an entry is a name, or a list of names"));
            };
            if let Some(path) = run.loader.vars_file(folder, name) {
                return Ok(Some(path));
            }
            missing.push(name.to_owned());
        }
        self.warn(
            run,
            &Diagnostic::warning("variable file not found")
                .detail(format!("there is no {}", missing.join(", nor ")))
                .help(format!("relative names are looked for in {} and its vars folder", folder.display()))
                .at_maybe(written.origin(), ""),
        );
        Ok(None)
    }

    fn warn(&mut self, run: &Run, warning: &Diagnostic) {
        if self.told.insert(warning.message()) {
            run.sink.send(Event::Notice(Notice::from(warning)));
        }
    }
}
