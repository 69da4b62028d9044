//! Real Debian hosts, booted by the script `lab` beside this file; every test has its own.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Tree, repository};

pub(super) struct Debian {
    dir: PathBuf,
    count: usize,
    inventory: String,
}

impl Debian {
    /// Boots hosts below `dir`, or notes that the test is skipped: `scripts/test` counts the notes.
    pub(super) fn boot(dir: &Path, count: usize) -> Option<Self> {
        if !rustix::process::getuid().is_root() || std::env::var_os("SHEVEK_LAB").is_none_or(|v| v != "1") {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let mut notes = OpenOptions::new()
                .create(true)
                .append(true)
                .open(Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped"))
                .unwrap();
            writeln!(notes, "{test}").unwrap();
            eprintln!("skipped: {test} needs root and SHEVEK_LAB=1");
            return None;
        }
        fs::create_dir_all(dir).unwrap();
        let debian =
            Self { dir: dir.to_owned(), count, inventory: dir.join("hosts.ini").display().to_string() };
        debian.script(&["up", &count.to_string()]);
        Some(debian)
    }

    fn script(&self, args: &[&str]) -> String {
        let mut command = Command::new(repository().join("tests/lab/lab"));
        command.args(args).env("SHEVEK_LAB_DIR", &self.dir).env("SHEVEK_LAB_PYTHON", "no");
        let output = command.output().unwrap();
        assert!(output.status.success(), "lab {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Takes one host off the air.
    pub(super) fn halt(&self, host: &str) {
        self.script(&["halt", host]);
    }

    /// The address of a host, as the inventory has it.
    pub(super) fn address(&self, host: &str) -> String {
        let hosts = fs::read_to_string(&self.inventory).unwrap();
        let line = hosts.lines().find_map(|line| line.strip_prefix(host)?.strip_prefix(" ansible_host="));
        line.expect("a host of the lab").to_owned()
    }

    pub(super) fn inventory(&self) -> &str {
        &self.inventory
    }

    pub(super) fn names(&self) -> Vec<String> {
        (1..=self.count).map(|n| format!("lab{n}")).collect()
    }

    pub(super) fn root(&self, host: &str) -> PathBuf {
        self.dir.join(host).join("root")
    }

    pub(super) fn tree(&self, host: &str) -> Tree {
        Tree::from_lines(&self.script(&["snapshot", host]))
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        let _ = Command::new(repository().join("tests/lab/lab"))
            .arg("down")
            .env("SHEVEK_LAB_DIR", &self.dir)
            .output();
    }
}
