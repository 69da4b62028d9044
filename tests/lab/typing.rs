//! A person at a terminal: a run on a pty, and answers to what it asks.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{Lab, Outcome};

impl Lab {
    /// Plays the playbook on a terminal. Whenever a line that ends in `prompt` waits there, the next answer is typed;
    /// `^C` interrupts instead.
    pub(crate) fn typed<const N: usize>(
        &self,
        args: [&str; N],
        prompt: &str,
        answers: &[&str],
    ) -> Outcome<'_> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap();
        let side = || File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap();
        self.write_connection();
        // The terminal is that of its session, as with a person's shell.
        let mut command = Command::new("setsid");
        command
            .args(["--ctty", env!("CARGO_BIN_EXE_shevek"), "play", "-i", "inventory", "playbook.yml"])
            .args(args)
            .current_dir(self.path())
            .env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", self.path().join("home")).env("LANG", "C.UTF-8").env("TERM", "dumb");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::from(side())).stdout(Stdio::from(side())).stderr(Stdio::from(side()));
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut terminal = File::from(master);
        let mut shown = Vec::new();
        let mut answers = answers.iter();
        let mut piece = [0; 4096];
        // Reading fails once the run has closed its side.
        while let Ok(count) = terminal.read(&mut piece) {
            if count == 0 {
                break;
            }
            shown.extend_from_slice(&piece[..count]);
            if shown.ends_with(prompt.as_bytes()) {
                match answers.next() {
                    Some(&"^C") => {
                        let run = rustix::process::Pid::from_child(&child);
                        rustix::process::kill_process(run, rustix::process::Signal::INT).unwrap();
                    }
                    Some(answer) => terminal.write_all(format!("{answer}\n").as_bytes()).unwrap(),
                    // Ctrl-D: a test that forgot an answer does not hang.
                    None => terminal.write_all(&[4]).unwrap(),
                }
            }
        }
        let status = child.wait().unwrap();
        let text = String::from_utf8_lossy(&shown).replace("\r\n", "\n");
        Outcome::new(self, Output { status, stdout: text.into_bytes(), stderr: Vec::new() }, Vec::new())
    }
}
