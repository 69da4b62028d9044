//! Finds the configuration file and puts the settings together.

use std::collections::HashMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use shevek_diag::{Diagnostic, Diagnostics, Kind, Origin, Source};

use crate::kind::{Bool, Context, SettingKind};
use crate::{Ini, Row, Settings};

/// What settings are read from, apart from files; tests make their own.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The environment.
    pub variables: HashMap<String, String>,
    /// The current folder.
    pub folder: PathBuf,
    /// The user's home folder.
    pub home: PathBuf,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let variables: HashMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            home: std::env::home_dir().unwrap_or_else(|| PathBuf::from("/")),
            variables,
        }
    }

    /// The text with `~` at its start and `$VARIABLES` filled in; unknown ones stay.
    pub fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        if let Some(behind) = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            out.push_str(self.home.to_string_lossy().trim_end_matches('/'));
            rest = behind;
        }
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (name, behind) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some((name, behind)) => (name, behind),
                None => after.split_at(
                    after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len()),
                ),
            };
            match self.variables.get(name) {
                Some(value) => out.push_str(value),
                None => {
                    out.push('$');
                    out.push_str(after.strip_suffix(behind).unwrap_or(name));
                }
            }
            rest = behind;
        }
        out + rest
    }
}

/// Who set a setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SetBy {
    /// Nobody.
    #[default]
    Default,
    /// A variable of the environment.
    Variable(&'static str),
    /// The configuration file.
    File(PathBuf),
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Variable(name) => write!(f, "env: {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Everything that was read.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Who set each, in the order of [`crate::ROWS`].
    pub set_by: Vec<SetBy>,
    /// The file, if there is one.
    pub file: Option<(PathBuf, Ini)>,
    /// Warnings, and errors that leave a setting at its default.
    pub diagnostics: Diagnostics,
}

/// Reads the configuration file and the environment.
pub fn load(surroundings: &Surroundings) -> Loaded {
    let mut diagnostics = Diagnostics::new();
    let file = find(surroundings, &mut diagnostics).and_then(|path| {
        let ini = read(&path, &mut diagnostics)?;
        Some((path, ini))
    });
    let mut reader = Reader {
        surroundings,
        file: file.as_ref(),
        home: surroundings.home.join(".ansible"),
        set_by: Vec::new(),
        diagnostics,
    };
    let mut settings = Settings::read(&mut reader);
    settings.config_file = file.as_ref().map(|(path, _)| path.clone());
    settings.config = Arc::new(file.as_ref().map(|(_, ini)| ini.clone()).unwrap_or_default());
    let Reader { set_by, mut diagnostics, .. } = reader;
    for (row, by) in crate::ROWS.iter().zip(&set_by).filter(|(_, by)| !matches!(by, SetBy::Default)) {
        let missed = crate::INEFFECTIVE.iter().find(|(name, why)| *name == row.name && !why.is_empty());
        if let Some((name, why)) = missed {
            let detail = format!("{name} is set by {by}: {why}");
            diagnostics
                .push(Diagnostic::warning("a setting without effect").kind(Kind::Options).detail(detail));
        }
    }
    Loaded { settings, set_by, file, diagnostics }
}

impl Default for Settings {
    /// What holds when nothing is set.
    fn default() -> Self {
        let surroundings =
            Surroundings { folder: "/".into(), home: "/root".into(), ..Surroundings::default() };
        let mut reader = Reader {
            surroundings: &surroundings,
            file: None,
            home: surroundings.home.join(".ansible"),
            set_by: Vec::new(),
            diagnostics: Diagnostics::new(),
        };
        Settings::read(&mut reader)
    }
}

/// The first of `$ANSIBLE_CONFIG`, `./ansible.cfg`, `~/.ansible.cfg` and `/etc/ansible/ansible.cfg` that can be read.
fn find(surroundings: &Surroundings, diagnostics: &mut Diagnostics) -> Option<PathBuf> {
    let mut candidates = Vec::new();
    if let Some(named) = surroundings.variables.get("ANSIBLE_CONFIG") {
        let path = surroundings.folder.join(surroundings.expand(named));
        let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
        candidates.push(if path.is_dir() { path.join("ansible.cfg") } else { path });
    }
    let here = surroundings.folder.join("ansible.cfg");
    let anyone_writes =
        std::fs::metadata(&surroundings.folder).is_ok_and(|meta| meta.permissions().mode() & 0o002 != 0);
    if !anyone_writes {
        candidates.push(here.clone());
    }
    candidates.push(surroundings.home.join(".ansible.cfg"));
    candidates.push(PathBuf::from("/etc/ansible/ansible.cfg"));
    let found = candidates.iter().find(|path| std::fs::File::open(path).is_ok_and(|file| is_file(&file)));
    let named_was_used = surroundings.variables.contains_key("ANSIBLE_CONFIG") && found == candidates.first();
    if anyone_writes && here.exists() && !named_was_used {
        diagnostics.push(
            Diagnostic::warning("an ansible.cfg in a folder that everyone can write to is ignored")
                .detail(surroundings.folder.display().to_string())
                .help(
                    "take the write permission for others off the folder, or name the file in ANSIBLE_CONFIG",
                ),
        );
    }
    found.cloned()
}

fn is_file(file: &std::fs::File) -> bool {
    file.metadata().is_ok_and(|meta| !meta.is_dir())
}

fn read(path: &Path, diagnostics: &mut Diagnostics) -> Option<Ini> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Diagnostic::new("the configuration file can't be read")
            .kind(Kind::Options)
            .detail(format!("{}: {error}", path.display()))
    });
    let text = diagnostics.keep(text)?;
    match Ini::parse(&Source::new(path.to_string_lossy(), text)) {
        Ok(ini) => Some(ini),
        Err(errors) => {
            diagnostics.extend(errors);
            None
        }
    }
}

/// Reads one setting after the other.
pub struct Reader<'a> {
    surroundings: &'a Surroundings,
    file: Option<&'a (PathBuf, Ini)>,
    home: PathBuf,
    set_by: Vec<SetBy>,
    diagnostics: Diagnostics,
}

/// What was found for a setting.
struct Found {
    text: String,
    by: SetBy,
    base: PathBuf,
    origin: Option<Origin>,
}

impl Reader<'_> {
    /// The setting of a row: from the environment, else the file, else the default.
    pub fn setting<K: SettingKind>(&mut self, row: &'static Row) -> K::Value {
        let found = self.variable(row).or_else(|| self.entry(row));
        let value = found.and_then(|found| match self.value::<K>(row, &found) {
            Ok(value) => {
                self.set_by.push(found.by);
                Some(value)
            }
            // An empty variable counts as unset where it makes no sense.
            Err(_) if found.text.is_empty() => None,
            Err(error) => {
                self.diagnostics.push(error.at_maybe(found.origin.as_ref(), ""));
                None
            }
        });
        value.unwrap_or_else(|| {
            self.set_by.push(SetBy::Default);
            let folder = self.surroundings.folder.clone();
            let context = Context { home: Some(&self.home), ..self.context(&folder) };
            row.default.and_then(|text| K::read(text, &context).ok()).unwrap_or_else(K::nothing)
        })
    }

    /// `ANSIBLE_HOME` was read; later defaults use it.
    pub fn set_home(&mut self, home: &Path) {
        self.home = home.to_owned();
    }

    fn context<'b>(&'b self, base: &'b Path) -> Context<'b> {
        Context { surroundings: self.surroundings, base, home: None }
    }

    fn variable(&self, row: &'static Row) -> Option<Found> {
        // The last name wins, as in Ansible.
        let (name, text) = row
            .env
            .iter()
            .rev()
            .find_map(|name| Some((name, self.surroundings.variables.get(*name)?.clone())))?;
        let base = self.surroundings.folder.clone();
        Some(Found { text, by: SetBy::Variable(name), base, origin: None })
    }

    fn entry(&self, row: &'static Row) -> Option<Found> {
        let (path, ini) = self.file?;
        let entry = row.ini.iter().rev().find_map(|(section, key)| ini.get(section, key))?;
        // Quotes are part of what is to be yes or no: `"yes"` is neither, so it is no.
        let text = if row.kind == Bool::NAME { &entry.value } else { entry.text() }.to_owned();
        let base = path.parent().unwrap_or(Path::new("/")).to_owned();
        Some(Found { text, by: SetBy::File(path.clone()), base, origin: Some(entry.origin.clone()) })
    }

    fn value<K: SettingKind>(&self, row: &'static Row, found: &Found) -> shevek_diag::Result<K::Value> {
        let wrong = |why: String| {
            Diagnostic::new("a setting has an invalid value")
                .kind(Kind::Options)
                .detail(format!("{} (set by {}) is `{}`: {why}", row.name, found.by, found.text))
        };
        let value = K::read(&found.text, &self.context(&found.base)).map_err(|why| wrong(why.to_owned()))?;
        if !row.choices.is_empty() && !row.choices.contains(&found.text.as_str()) {
            let why = format!("it has to be one of {}", row.choices.join(", "));
            return Err(wrong(why).did_you_mean(&found.text, row.choices.iter().copied()));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scene {
        folder: PathBuf,
        surroundings: Surroundings,
    }

    impl Scene {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("shevek-settings-{}-{name}", std::process::id()));
            std::fs::create_dir_all(folder.join("home")).unwrap();
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
            let surroundings =
                Surroundings { folder: folder.clone(), home: folder.join("home"), variables: HashMap::new() };
            Self { folder, surroundings }
        }
        fn file(self, path: &str, text: &str) -> Self {
            std::fs::write(self.folder.join(path), text).unwrap();
            self
        }
        fn variable(mut self, name: &str, value: &str) -> Self {
            self.surroundings.variables.insert(name.to_owned(), value.to_owned());
            self
        }
        fn load(&self) -> Loaded {
            load(&self.surroundings)
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn a_variable_wins_over_the_file_and_the_file_over_the_default() {
        let scene = Scene::new("order")
            .file("ansible.cfg", "[defaults]\nforks = 7\ntimeout = 30\nroles_path = roles:~/r:/etc/../x\n[some_lookup]\ncolour = 'blue'\n")
            .variable("ANSIBLE_FORKS", "9");
        let loaded = scene.load();
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        assert_eq!(loaded.settings.forks, 9);
        assert_eq!(loaded.settings.timeout, 30);
        assert_eq!(
            loaded.settings.roles_path,
            [scene.folder.join("roles"), scene.folder.join("home/r"), PathBuf::from("/x")]
        );
        assert!(!loaded.settings.become_default);
        assert_eq!(loaded.settings.config_file, Some(scene.folder.join("ansible.cfg")));
        let other = loaded.settings.config.get("some_lookup", "Colour").map(crate::Entry::text);
        assert_eq!(other, Some("blue"));
    }

    #[test]
    fn the_named_file_wins_over_the_one_here() {
        let scene = Scene::new("named")
            .file("ansible.cfg", "[defaults]\nforks = 7\n")
            .file("home/other.cfg", "[defaults]\nforks = 8\n")
            .variable("ANSIBLE_CONFIG", "~/other.cfg");
        assert_eq!(scene.load().settings.forks, 8);
    }

    #[test]
    fn a_file_in_a_folder_open_to_all_is_ignored_with_a_warning() {
        let scene = Scene::new("open").file("ansible.cfg", "[defaults]\nforks = 7\n");
        std::fs::set_permissions(&scene.folder, PermissionsExt::from_mode(0o777)).unwrap();
        let loaded = scene.load();
        assert_ne!(loaded.settings.forks, 7);
        assert_eq!(loaded.diagnostics.iter().count(), 1);
        assert!(!loaded.diagnostics.has_errors());
    }

    #[test]
    fn wrong_values_are_all_named_with_their_places() {
        let scene = Scene::new("wrong")
            .file("ansible.cfg", "[defaults]\nforks = many\ngathering = smrt\n")
            .variable("ANSIBLE_TIMEOUT", "soon");
        let said: Vec<String> = scene.load().diagnostics.iter().map(|d| d.detail.clone()).collect();
        let file = scene.folder.join("ansible.cfg").display().to_string();
        assert_eq!(
            said,
            [
                format!("DEFAULT_FORKS (set by {file}) is `many`: it has to be a whole number"),
                format!(
                    "DEFAULT_GATHERING (set by {file}) is `smrt`: it has to be one of implicit, explicit, smart"
                ),
                "DEFAULT_TIMEOUT (set by env: ANSIBLE_TIMEOUT) is `soon`: it has to be a whole number"
                    .to_owned(),
            ]
        );
    }

    #[test]
    fn defaults_follow_ansible_home() {
        let scene = Scene::new("home").variable("ANSIBLE_HOME", "/srv/a");
        let settings = scene.load().settings;
        assert_eq!(settings.roles_path.first(), Some(&PathBuf::from("/srv/a/roles")));
    }

    #[test]
    fn a_setting_that_nothing_follows_is_warned_about() {
        let quiet = Scene::new("quiet").variable("ANSIBLE_REMOTE_TMP", "/var/tmp").load().diagnostics;
        assert!(quiet.is_empty(), "{quiet:?}");
        let warned = Scene::new("loud").variable("ANSIBLE_KEEP_REMOTE_FILES", "1").load().diagnostics;
        let said: Vec<String> = warned.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("DEFAULT_KEEP_REMOTE_FILES"), "{said:?}");
        assert!(crate::INEFFECTIVE.iter().all(|(name, _)| crate::ROWS.iter().any(|row| row.name == *name)));
    }

    #[test]
    fn an_empty_variable_counts_as_unset_where_a_number_is_wanted() {
        let settings = Scene::new("empty").variable("ANSIBLE_FORKS", "").load().settings;
        assert!(settings.forks > 0);
    }

    #[test]
    fn every_name_is_in_the_tables_once() {
        let rows = crate::ROWS.iter().map(|row| (row.name, row.env, row.ini));
        let all: Vec<_> =
            rows.chain(crate::UNUSED.iter().map(|unused| (unused.name, unused.env, unused.ini))).collect();
        let mut names: Vec<&str> = all.iter().map(|(name, ..)| *name).collect();
        names.extend(all.iter().flat_map(|(_, env, _)| env.iter().copied()));
        let mut keys: Vec<_> = all.iter().flat_map(|(.., ini)| ini.iter()).collect();
        for list in [names.len() - crate::ROWS.len() - crate::UNUSED.len(), keys.len()] {
            assert!(list > 100);
        }
        // A variable may bear its setting's name (`EDITOR`), nothing else may be twice.
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        let expected: Vec<_> =
            all.iter().filter(|(name, env, _)| env.contains(name)).map(|(name, ..)| *name).collect();
        assert!(twice.iter().all(|name| expected.contains(name)), "{twice:?}");
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
    }

    #[test]
    fn values_are_what_ansible_takes_them_for() {
        let scene = Scene::new("values").file(
            "ansible.cfg",
            "[DEFAULT]\nforks = 1_2\n[defaults]\nany_errors_fatal = \"yes\"\ntimeout = 3e1\nroles_path = {{ANSIBLE_HOME}}/r\n",
        );
        let loaded = scene.load();
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let settings = loaded.settings;
        assert_eq!((settings.forks, settings.timeout, settings.any_errors_fatal), (12, 30, false));
        assert_eq!(settings.roles_path, [scene.folder.join("{{ANSIBLE_HOME}}/r")]);
    }

    #[test]
    fn variables_in_paths_are_filled_in() {
        let scene = Scene::new("expand").variable("X", "ex");
        assert_eq!(scene.surroundings.expand("/a/$X/${X}y/$Z/${Q}"), "/a/ex/exy/$Z/${Q}");
    }
}
