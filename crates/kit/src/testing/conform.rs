//! [`conform`]: the rite that every module passes. Check (the world is untouched, and it says what the real run does) →
//! apply; and of a resource, whose state can be compared: → as wanted → a second run changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::world::{self, World};
use crate::arg::{Args, Settled};
use crate::drive::{Entry, Ground};
use crate::overlay::Overlay;
use crate::printed::python_str;
use crate::probe::{Call, Probe};
use crate::proto::{Outcome, Val};
use crate::schema::Nature;
use crate::state::summary;
use crate::system::{FileKind, Look};

/// What `#[derive(Args)]` with `#[module(…)]` implements, so that tests find the module by its type.
pub trait TestModule {
    /// The module.
    fn entry() -> &'static Entry;
}

/// A module on a world, after the rite.
pub struct Session {
    entry: &'static Entry,
    world: Arc<Overlay>,
    outcome: Outcome,
    check: Outcome,
    commands: Vec<String>,
}

/// Re-exported so that tests can write answers.
pub use crate::command::Ran;

/// Runs a module through the rite: the arguments are YAML.
///
/// # Panics
///
/// When the module does not keep to the rules: check mode touched the world, check mode and real run disagree on
/// `changed`, or a second run of a resource changes something again.
#[track_caller]
pub fn conform<M: TestModule>(args: &str, world: World) -> Session {
    Session::of(M::entry(), args, world)
}

/// Runs a module without the rite: for what only the real run can tell, such as a command that will fail.
#[track_caller]
pub fn conform_apart<M: TestModule>(args: &str, world: World) -> Session {
    let (entry, world) = (M::entry(), world.build());
    let outcome = run(entry, args, &world::ground(&world));
    let commands = world::ran(&world);
    Session { entry, world, check: Outcome::ok(), outcome, commands }
}

/// A module with its arguments, for tests of its own functions.
///
/// # Panics
///
/// When the arguments are not what the module takes.
#[track_caller]
pub fn module<M: TestModule + Args>(args: &str) -> M {
    let settled = match M::entry().schema.settle(arguments(args)) {
        Ok(settled) => settled,
        Err(problems) => panic!("the test's arguments are wrong: {problems:?}"),
    };
    M::read(&mut Settled::new(settled)).expect("the test's arguments fit")
}

/// Reads arguments as a test writes them.
pub(crate) fn arguments(yaml: &str) -> Vec<(String, Val)> {
    let parsed: serde_yaml::Value = serde_yaml::from_str(yaml).expect("the test's arguments are YAML");
    match val(parsed) {
        Val::Map(entries) => entries,
        Val::Null => Vec::new(),
        Val::Str(line) => vec![("_raw_params".to_owned(), Val::Str(line))],
        other => panic!("the test's arguments are no mapping: {other:?}"),
    }
}

pub(crate) fn val(value: serde_yaml::Value) -> Val {
    use serde_yaml::Value;
    match value {
        Value::Null => Val::Null,
        Value::Bool(b) => Val::Bool(b),
        Value::Number(n) => n.as_i64().map_or_else(|| Val::Float(n.as_f64().unwrap_or(f64::NAN)), Val::Int),
        Value::String(s) => Val::Str(s),
        Value::Sequence(items) => Val::List(items.into_iter().map(val).collect()),
        Value::Mapping(entries) => {
            Val::Map(entries.into_iter().map(|(k, v)| (python_str(&val(k)), val(v))).collect())
        }
        Value::Tagged(tagged) => val(tagged.value),
    }
}

fn run(entry: &Entry, args: &str, ground: &Ground) -> Outcome {
    let call = Arc::new(Call { diff: true, ..Call::default() });
    entry.run(arguments(args), ground, &call)
}

/// A picture of all files of a world: path, kind, mode, owner, content.
fn picture(world: &Overlay) -> Vec<String> {
    let mut out = Vec::new();
    let mut todo = vec![PathBuf::from("/")];
    while let Some(path) = todo.pop() {
        let Ok(stat) = world.lstat(&path) else { continue };
        let inside = match stat.kind {
            FileKind::Folder => {
                todo.extend(world.list(&path).unwrap_or_default().iter().map(|name| path.join(name)));
                String::new()
            }
            FileKind::Link => world.readlink(&path).unwrap_or_default().display().to_string(),
            _ => content(world, &path),
        };
        out.push(format!(
            "{} {:?} {:o} {}:{} {inside}",
            path.display(),
            stat.kind,
            stat.mode,
            stat.uid,
            stat.gid
        ));
    }
    out.sort();
    out
}

fn content(world: &Overlay, path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = world.open(path) {
        let _ = std::io::Read::read_to_end(&mut file, &mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Session {
    #[track_caller]
    fn of(entry: &'static Entry, args: &str, world: World) -> Session {
        let world = world.build();
        let before = picture(&world);
        let plan = Arc::new(Overlay::over(world.clone()));
        let check = run(entry, args, &Ground::Planned(plan));
        assert_eq!(picture(&world), before, "check mode touched the world");
        assert!(world::ran(&world).is_empty(), "check mode ran {:?}", world::ran(&world));
        let outcome = run(entry, args, &world::ground(&world));
        let commands = world::ran(&world);
        if entry.schema.nature == Nature::Resource {
            if !check.unknown && !outcome.failed {
                assert!(!check.failed, "only check mode failed: {}", check.message());
                assert_eq!(check.changed, outcome.changed, "check mode and the real run disagree");
            }
            if !outcome.failed && outcome.changed && outcome.diff.iter().all(|d| d.prepared.is_none()) {
                let second = run(entry, args, &world::ground(&world));
                assert!(!second.failed, "the second run failed: {}", second.message());
                assert!(!second.changed, "the second run changed again: {:?}", second.diff);
            }
        }
        if entry.schema.nature == Nature::Procedure && !check.unknown && !check.skipped {
            assert_eq!(
                check.failed,
                outcome.failed,
                "check mode and the real run disagree: {} / {}",
                check.message(),
                outcome.message()
            );
            assert_eq!(check.changed, outcome.changed, "check mode and the real run disagree");
        }
        if entry.schema.nature == Nature::Query {
            assert_eq!(picture(&world), before, "a query touched the world");
        }
        Session { entry, world, outcome, check, commands }
    }

    /// Runs the module again, with other arguments, on the world as it is now; the rite is not repeated.
    #[track_caller]
    pub fn then(self, args: &str) -> Session {
        let before = world::ran(&self.world).len();
        let outcome = run(self.entry, args, &world::ground(&self.world));
        let commands = world::ran(&self.world).split_off(before);
        Session { outcome, commands, ..self }
    }

    /// The real run changed something, and did not fail.
    #[track_caller]
    pub fn changed(self) -> Session {
        assert!(!self.outcome.failed, "failed: {}", self.outcome.message());
        assert!(self.outcome.changed, "nothing changed");
        self
    }

    /// The real run changed nothing, and did not fail.
    #[track_caller]
    pub fn unchanged(self) -> Session {
        assert!(!self.outcome.failed, "failed: {}", self.outcome.message());
        assert!(!self.outcome.changed, "changed: {:?}", self.outcome.diff);
        self
    }

    /// The real run failed, with this in its message.
    #[track_caller]
    pub fn failed(self, message: &str) -> Session {
        assert!(self.outcome.failed, "did not fail");
        let said = self.outcome.message();
        assert!(said.contains(message), "failed with: {said}");
        self
    }

    /// The difference has exactly this line among its lines (`~ gid: 999 -> 1750`).
    #[track_caller]
    pub fn diff(self, line: &str) -> Session {
        let lines: Vec<String> = self.outcome.diff.iter().flat_map(summary).collect();
        assert!(lines.iter().any(|l| l == line), "the difference was {lines:?}");
        self
    }

    /// The real run ran exactly these commands.
    #[track_caller]
    pub fn ran<const N: usize>(self, commands: [&str; N]) -> Session {
        assert_eq!(self.commands, commands);
        self
    }

    /// The commands of the real run.
    pub fn commands(&self) -> &[String] {
        &self.commands
    }

    /// The result has this value under this key.
    #[track_caller]
    pub fn gives(self, key: &str, value: impl Into<Val>) -> Session {
        assert_eq!(self.outcome.get(key), Some(&value.into()), "result: {:?}", self.outcome.result);
        self
    }

    /// The file holds this.
    #[track_caller]
    pub fn holds(self, path: &str, text: &str) -> Session {
        assert_eq!(content(&self.world, Path::new(path)), text);
        self
    }

    /// The path is not there.
    #[track_caller]
    pub fn lacks(self, path: &str) -> Session {
        assert!(self.world.lstat(Path::new(path)).is_err(), "{path} is there");
        self
    }

    /// What the real run (or the last `then`) gave.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What check mode gave.
    pub fn check(&self) -> &Outcome {
        &self.check
    }

    /// The world after it.
    pub fn probe(&self) -> Probe {
        Probe::new(self.world.clone(), Arc::new(Call::default()))
    }
}
