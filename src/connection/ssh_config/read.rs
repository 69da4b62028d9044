//! Reading the files: blocks, includes, and the second reading for `Match final`.

use std::path::{Path, PathBuf};

use super::matching::{Question, expand_host};
use super::settings::Settings;
use super::{Place, SshConfigError, SshContext};
use crate::wildcard::matches;

/// How deep files may include each other.
const DEPTH: usize = 16;

/// Which files to read.
pub(super) enum Files<'a> {
    /// The user's and the system's.
    Usual,
    /// The one that `-F` names.
    Only(&'a Path),
    /// None (`-F none`).
    None,
}

impl Settings {
    /// Adds to what the command line says what the files say about a host.
    pub(super) fn read(
        mut self,
        context: &SshContext,
        original: &str,
        files: &Files<'_>,
    ) -> Result<Settings, SshConfigError> {
        let mut wants_last = false;
        self.pass(&Question { context, original, last: false }, files, &mut wants_last)?;
        if wants_last {
            // OpenSSH settles the name before it reads again.
            let name = match self.get("hostname") {
                Some(name) => expand_host(name.value(), original, &name.place)?,
                None => original.to_owned(),
            };
            self.settle("hostname", &name.replace('%', "%%"));
            self.pass(&Question { context, original, last: true }, files, &mut wants_last)?;
        }
        Ok(self)
    }

    fn pass(
        &mut self,
        question: &Question<'_>,
        files: &Files<'_>,
        wants_last: &mut bool,
    ) -> Result<(), SshConfigError> {
        let context = question.context;
        let mut reading = Reading { settings: self, question, wants_last };
        match files {
            Files::None => Ok(()),
            Files::Only(path) => reading.file(path, &context.home.join(".ssh"), true, (true, 0)),
            Files::Usual => {
                reading.file(&context.user_config, &context.home.join(".ssh"), false, (true, 0))?;
                let folder = context.system_config.parent().unwrap_or(Path::new("/etc/ssh"));
                reading.file(&context.system_config, folder, false, (true, 0))
            }
        }
    }
}

struct Reading<'a> {
    settings: &'a mut Settings,
    question: &'a Question<'a>,
    wants_last: &'a mut bool,
}

impl Reading<'_> {
    /// Reads one file. `base` is where its relative includes are; the last pair is whether the block around it is for the
    /// host, and how deep it is included.
    fn file(
        &mut self,
        path: &Path,
        base: &Path,
        must_exist: bool,
        (around, depth): (bool, usize),
    ) -> Result<(), SshConfigError> {
        let shown = path.display().to_string();
        let parsed = self.question.context.lines(path);
        let lines = match &*parsed {
            Ok(lines) => lines,
            Err((std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied, _)) if !must_exist => {
                return Ok(());
            }
            Err((_, why)) => {
                return Err(SshConfigError::new(&Place::File(shown, 0), format!("cannot be read: {why}")));
            }
        };
        let mut active = around;
        for line in lines {
            let line = line.as_ref().map_err(|(number, why)| {
                SshConfigError::new(&Place::File(shown.clone(), *number), why.clone())
            })?;
            let place = Place::File(shown.clone(), line.number);
            match line.keyword.as_str() {
                "host" => active = around && self.question.host(line),
                "match" => {
                    if !around {
                        continue;
                    }
                    let answer = self.question.matched(line, self.settings, &place)?;
                    *self.wants_last |= answer.wants_last;
                    active = answer.matches;
                }
                "include" => {
                    if depth >= DEPTH {
                        return Err(SshConfigError::new(&place, "files include each other too deeply"));
                    }
                    for argument in &line.arguments {
                        let pattern = base.join(self.question.context.expand_home(argument));
                        for file in glob(&pattern) {
                            self.file(&file, base, false, (active, depth + 1))?;
                        }
                    }
                }
                _ if active => self.settings.set(line, &place)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The files that a path with wildcards names, in order.
fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str().to_string_lossy();
        if !part.contains(['*', '?']) {
            for path in &mut found {
                path.push(&*part);
            }
            continue;
        }
        let mut next = Vec::new();
        for folder in found {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            let hidden = part.starts_with('.');
            let mut names: Vec<String> =
                names.filter(|name| (hidden || !name.starts_with('.')) && matches(&part, name)).collect();
            names.sort();
            next.extend(names.into_iter().map(|name| folder.join(name)));
        }
        found = next;
    }
    found
}
