//! What tests share: the runner to push, batches, and a folder that goes away.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use shevek_connection::{Connection, LocalTarget, OpenOptions, RunnerImage, Runners, Target, TransportKind};
use shevek_proto::{Batch, Call, Mode, Part, Val};

pub fn machine() -> &'static str {
    std::env::consts::ARCH
}

/// The test runner, without what only debuggers read.
fn binary() -> Vec<u8> {
    let path = env!("CARGO_BIN_EXE_shevek-test-runner");
    let stripped = tempfile::NamedTempFile::new().unwrap();
    let strip = std::process::Command::new("strip").arg("-o").arg(stripped.path()).arg(path).status();
    let small = strip.is_ok_and(|status| status.success());
    std::fs::read(if small { stripped.path() } else { Path::new(path) }).unwrap()
}

/// The options of a run that has the test runner for this machine.
pub fn options() -> OpenOptions {
    static RUNNERS: LazyLock<Arc<Runners>> = LazyLock::new(|| {
        let bytes = binary();
        let mut runners = Runners::new();
        runners.add(RunnerImage::from_bytes(machine(), Part::Core, bytes));
        Arc::new(runners)
    });
    OpenOptions::new(RUNNERS.clone())
}

/// The same, but the runner has a name of its own: for tests that leave it outside the home.
pub fn options_with_runner_named(hash: &str) -> OpenOptions {
    let bytes = binary();
    let image = RunnerImage::from_bytes(machine(), Part::Core, bytes.clone());
    let packed: &'static [u8] = image.gzip().unwrap().to_vec().leak();
    let mut runners = Runners::new();
    runners.add(RunnerImage::from_gzip(machine(), Part::Core, hash, bytes.len(), packed));
    OpenOptions::new(Arc::new(runners))
}

/// This machine with a home of its own.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Home { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn cache(&self) -> PathBuf {
        self.path().join(".cache/shevek")
    }

    pub fn target(&self) -> Target {
        self.target_with_shell("/bin/sh")
    }

    pub fn target_with_shell(&self, shell: &str) -> Target {
        let home = self.path().to_str().unwrap().to_owned();
        let environment = vec![("HOME".to_owned(), home), ("XDG_CACHE_HOME".to_owned(), String::new())];
        Target {
            name: "web1".into(),
            kind: TransportKind::Local(LocalTarget { shell: shell.into(), environment }),
        }
    }

    /// Every file and folder below.
    pub fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, into: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                into.push(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), root, into);
                }
            }
        }
        let mut files = Vec::new();
        walk(self.path(), self.path(), &mut files);
        files.sort();
        files
    }
}

/// One call of one module.
pub fn batch(module: &str, args: Vec<(&str, Val)>) -> Batch {
    batch_of(vec![call(module, args)])
}

pub fn batch_of(calls: Vec<Call>) -> Batch {
    let task_ends = (1..).take(calls.len()).collect();
    Batch { id: 0, become_user: None, calls, task_ends }
}

pub fn call(module: &str, args: Vec<(&str, Val)>) -> Call {
    Call {
        module: module.to_owned(),
        args: args.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        mode: Mode::default(),
        environment: Vec::new(),
        timeout: None,
        job: None,
    }
}

/// Runs one call and gives one key of its result.
pub async fn result(connection: &Connection, module: &str, args: Vec<(&str, Val)>, key: &str) -> Val {
    let items = connection.run(batch(module, args), shevek_connection::Blobs::new(), |_| {}).await.unwrap();
    items[0].outcome.result.iter().find(|(name, _)| name == key).unwrap().1.clone()
}

/// Where the runner's binary is.
pub async fn runner_path(connection: &Connection) -> String {
    result(connection, "whoami", vec![], "path").await.as_str().unwrap().to_owned()
}
