//! The language of the integration tests: a `Lab` has hosts and files, runs shevek, and knows what was touched.
//!
//! ```ignore
//! let lab = Lab::local().inventory("web1").playbook("- hosts: all\n  tasks: …");
//! let run = lab.run(["--check"]).exit(0);
//! assert_snapshot!(run.text(), @"…");
//! run.untouched("web1");
//! ```
//! Three kinds: `Lab::local()` (connection: local), `Lab::ssh()` (a real OpenSSH server on a loopback port), and
//! `Lab::hosts(n)` (real Debian systems, see the script `lab` beside this file; only as root with SHEVEK_LAB=1).
//! In the first two a host's file system is the folder `{{ root }}`, one a host. What differs from run to run (times, ports,
//! temporary paths) is redacted in what a run printed, so that whole outputs can be asserted.

mod debian;
mod leftovers;
mod outcome;
mod proxy;
mod redact;
mod scripted;
mod sshd;
mod tree;
mod typing;

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

pub(crate) use leftovers::wait_for;
pub(crate) use outcome::Outcome;
pub(crate) use proxy::Proxy;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
pub(crate) use scripted::{How, Scripted, When};
use tempfile::TempDir;
pub(crate) use tree::Tree;

/// How long a run may take before it is killed and the test fails; real hosts install packages.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_WITH_HOSTS: Duration = Duration::from_secs(300);

enum Hosts {
    Local,
    Ssh(sshd::Sshd),
    Debian(debian::Debian),
}

/// A folder with an inventory, a playbook and other files, and hosts to run them on.
pub(crate) struct Lab {
    // Before the folder: hosts are stopped before their files go.
    hosts: Hosts,
    dir: TempDir,
    env: Vec<(String, String)>,
    port: Option<u16>,
    is_watched: bool,
}

impl Lab {
    /// Hosts are folders of this machine, reached with `connection: local`.
    pub(crate) fn local() -> Self {
        Self::on(Hosts::Local, tempfile::tempdir().unwrap())
    }

    /// Hosts are folders of this machine, reached through a real OpenSSH server as the user who runs the tests.
    pub(crate) fn ssh() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sshd = sshd::Sshd::start(dir.path());
        Self::on(Hosts::Ssh(sshd), dir)
    }

    /// `count` freshly booted Debian systems, lab1 and up; none (and the test is counted as skipped) without root and SHEVEK_LAB=1.
    pub(crate) fn hosts(count: usize) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let debian = debian::Debian::boot(&dir.path().join("debian"), count)?;
        Some(Self::on(Hosts::Debian(debian), dir))
    }

    fn on(hosts: Hosts, dir: TempDir) -> Self {
        for folder in ["home", "inventory", "hosts", "bin"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let lab = Self { hosts, dir, env: Vec::new(), port: None, is_watched: true };
        match &lab.hosts {
            Hosts::Debian(_) => lab,
            _ => lab.inventory("web1"),
        }
    }

    /// The folder in which runs start, and in which `file` writes.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// What stands for the file system of a host: its folder `{{ root }}`.
    pub(crate) fn root(&self, host: &str) -> PathBuf {
        match &self.hosts {
            Hosts::Debian(debian) => debian.root(host),
            _ => self.path().join("hosts").join(host),
        }
    }

    /// Writes the inventory, in INI form. How to reach the hosts is added by the lab.
    pub(crate) fn inventory(self, text: &str) -> Self {
        self.file("inventory/hosts", text)
    }

    /// Writes `playbook.yml`, which `run` plays.
    pub(crate) fn playbook(self, text: &str) -> Self {
        self.file("playbook.yml", text)
    }

    /// Writes a file into the lab's folder.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Writes a file onto a host before the run.
    pub(crate) fn host_file(self, host: &str, path: &str, text: &str) -> Self {
        let path = self.root(host).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Copies a file or folder of the repository into the lab's folder, under the same path.
    pub(crate) fn repository(self, path: &str) -> Self {
        copy(&repository().join(path), &self.path().join(path));
        self
    }

    /// Sets an environment variable for the runs.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Connects through the proxy from now on. Only with `Lab::ssh()`.
    pub(crate) fn through(mut self, proxy: &Proxy) -> Self {
        self.port = Some(proxy.address().port());
        self
    }

    /// Where the lab's SSH server listens. Only with `Lab::ssh()`.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.hosts {
            Hosts::Ssh(sshd) => sshd.address(),
            _ => panic!("only Lab::ssh() has an address"),
        }
    }

    /// Hosts' files are not compared: reading all files of real hosts takes longer than many a run.
    pub(crate) fn unwatched(mut self) -> Self {
        self.is_watched = false;
        self
    }

    /// Takes one host off the air. Only with `Lab::hosts(n)`.
    pub(crate) fn halt(&self, host: &str) {
        self.debian().halt(host);
    }

    /// What a web server on a host answers to a GET. Only with `Lab::hosts(n)`.
    pub(crate) fn page(&self, host: &str, port: u16, name: &str) -> String {
        let mut socket = TcpStream::connect((self.debian().address(host).as_str(), port)).unwrap();
        write!(socket, "GET / HTTP/1.0\r\nHost: {name}\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    fn debian(&self) -> &debian::Debian {
        match &self.hosts {
            Hosts::Debian(debian) => debian,
            _ => panic!("only Lab::hosts(n) has real hosts"),
        }
    }

    /// Plays the playbook with the lab's inventory.
    pub(crate) fn run<const N: usize>(&self, args: [&str; N]) -> Outcome<'_> {
        let mut all = vec!["play", "-i", "inventory"];
        if let Hosts::Debian(debian) = &self.hosts {
            all.extend(["-i", debian.inventory()]);
        }
        all.push("playbook.yml");
        all.extend(args);
        self.shevek(&all)
    }

    /// Runs shevek with exactly these arguments.
    pub(crate) fn shevek<S: AsRef<OsStr>>(&self, args: &[S]) -> Outcome<'_> {
        self.start(Path::new(env!("CARGO_BIN_EXE_shevek")), args)
    }

    /// Runs shevek under one of Ansible's command names.
    pub(crate) fn tool<const N: usize>(&self, name: &str, args: [&str; N]) -> Outcome<'_> {
        let link = self.path().join("bin").join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_shevek"), &link).unwrap();
        }
        self.start(&link, &args)
    }

    fn start<S: AsRef<OsStr>>(&self, program: &Path, args: &[S]) -> Outcome<'_> {
        self.launch(program, args).end()
    }

    /// Plays the playbook, and does not wait for its end.
    pub(crate) fn begin<const N: usize>(&self, args: [&str; N]) -> Underway<'_> {
        let all = [&["play", "-i", "inventory", "playbook.yml"], &args[..]].concat();
        self.launch(Path::new(env!("CARGO_BIN_EXE_shevek")), &all)
    }

    fn launch<S: AsRef<OsStr>>(&self, program: &Path, args: &[S]) -> Underway<'_> {
        self.write_connection();
        let before = if self.is_watched { self.trees() } else { Vec::new() };
        let mut command = Command::new(program);
        command.args(args).current_dir(self.path()).env_clear().process_group(0);
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", self.path().join("home")).env("LANG", "C.UTF-8").env("TERM", "dumb");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let group = Pid::from_child(&child);
        let (done, result) = mpsc::channel();
        let complaints: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut stderr, said) = (child.stderr.take().unwrap(), complaints.clone());
        std::thread::spawn(move || {
            let reading = std::thread::spawn({
                let said = said.clone();
                move || {
                    let mut buffer = [0; 4096];
                    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
                        said.lock().unwrap().extend(&buffer[..count]);
                    }
                }
            });
            let output = child.wait_with_output();
            reading.join().unwrap();
            let stderr = said.lock().unwrap().clone();
            let _ = done.send(output.map(|output| Output { stderr, ..output }));
        });
        Underway { lab: self, group, result, complaints, before }
    }

    /// The part of the inventory that says how hosts are reached; written last, so that the proxy is known.
    fn write_connection(&self) {
        let how = match &self.hosts {
            Hosts::Debian(_) => return,
            Hosts::Local => "ansible_connection=local\n".to_owned(),
            Hosts::Ssh(sshd) => sshd.variables(self.port),
        };
        let text =
            format!("[all:vars]\nroot={}/hosts/{{{{ inventory_hostname }}}}\n{how}", self.path().display());
        fs::write(self.path().join("inventory/zz-lab"), text).unwrap();
        for host in self.folder_hosts() {
            fs::create_dir_all(self.root(&host)).unwrap();
        }
    }

    /// The names in the inventory that are hosts: they get a folder each.
    fn folder_hosts(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path().join("inventory/hosts")).unwrap_or_default();
        let mut hosts = Vec::new();
        let mut in_hosts = true;
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if line.starts_with('[') {
                in_hosts = !line.contains(':');
            } else if in_hosts {
                let name = line.split_whitespace().next().unwrap_or_default();
                if !name.contains('[') {
                    hosts.push(name.to_owned());
                }
            }
        }
        hosts
    }

    fn trees(&self) -> Vec<(String, Tree)> {
        let hosts = match &self.hosts {
            Hosts::Debian(debian) => debian.names(),
            _ => self.folder_hosts(),
        };
        hosts.into_iter().map(|host| (host.clone(), self.tree(&host))).collect()
    }

    /// The files that a host has now.
    pub(crate) fn tree(&self, host: &str) -> Tree {
        match &self.hosts {
            Hosts::Debian(debian) => debian.tree(host),
            _ => Tree::of(&self.root(host)),
        }
    }
}

/// A run that has begun.
pub(crate) struct Underway<'a> {
    lab: &'a Lab,
    group: Pid,
    result: mpsc::Receiver<std::io::Result<Output>>,
    /// What it has said on standard error.
    complaints: Arc<Mutex<Vec<u8>>>,
    before: Vec<(String, Tree)>,
}

impl<'a> Underway<'a> {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> &Self {
        kill_process(self.group, signal).unwrap();
        self
    }

    /// Waits until it has said this on standard error.
    pub(crate) fn complains(&self, words: &str) -> &Self {
        let deadline = Instant::now() + PATIENCE;
        while !String::from_utf8_lossy(&self.complaints.lock().unwrap()).contains(words) {
            assert!(Instant::now() < deadline, "it does not say: {words}");
            std::thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Outcome<'a> {
        let Self { lab, group, result, before, .. } = self;
        let patience = if matches!(lab.hosts, Hosts::Debian(_)) { PATIENCE_WITH_HOSTS } else { PATIENCE };
        let output = match result.recv_timeout(patience) {
            Ok(output) => output.unwrap(),
            Err(_) => {
                let _ = kill_process_group(group, Signal::KILL);
                let output = result.recv().unwrap().unwrap();
                panic!("not done after {patience:?}: {}", Outcome::new(lab, output, before).text());
            }
        };
        Outcome::new(lab, output, before)
    }
}

/// The repository that is tested.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}
