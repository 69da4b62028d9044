//! Becoming another user: the command line for each method, and the talk with its password prompt until the further runner
//! says that it is there.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use shevek_proto::{Become, BecomeMethod, Fault, FaultKind, PROMPT_SETTLES, is_refused};

use crate::parts::Program;
use shevek_kit::guard::{self, Guarded};
use shevek_kit::terminal::{self, Terminal};

/// How much of what was said is kept for messages.
const TAIL: usize = 4096;

/// How much of it is looked at; a profile may print without end.
const LATEST: usize = 64 * 1024;

/// The program that becomes, with its pipes.
pub struct Login {
    /// The process.
    pub process: Child,
    /// Its input.
    pub stdin: ChildStdin,
    /// What it says from now on.
    pub said: Receiver<Said>,
    /// What it said after the line that tells that the runner is there.
    pub first: Vec<u8>,
    /// The terminal, where one was needed; it lives as long as this.
    pub terminal: Option<Terminal>,
}

/// Something that the program said.
#[derive(Debug)]
pub enum Said {
    /// On standard output.
    Out(Vec<u8>),
    /// On standard error.
    Err(Vec<u8>),
    /// On its terminal.
    Terminal(Vec<u8>),
    /// Standard output has ended.
    End,
}

fn fault(kind: FaultKind, message: impl Into<String>, help: Option<&str>) -> Fault {
    Fault { kind, message: message.into(), help: help.map(str::to_owned) }
}

/// Starts a runner, one of its binaries, as another user.
pub fn log_in(wanted: &Become, program: &Program) -> Result<Login, Fault> {
    let needs_terminal = wanted.method == BecomeMethod::Doas && wanted.password.is_some();
    match Attempt::start(wanted, program, needs_terminal)?.talk() {
        Err(Failed { insists_on_terminal: true, .. }) if !needs_terminal => {
            Attempt::start(wanted, program, true)?.talk().map_err(|failed| failed.fault)
        }
        done => done.map_err(|failed| failed.fault),
    }
}

struct Failed {
    fault: Fault,
    insists_on_terminal: bool,
}

struct Attempt<'a> {
    wanted: &'a Become,
    program: &'a Program,
    nonce: String,
    prompt: String,
    login: Login,
    /// What was said on standard error and the terminal.
    words: Vec<u8>,
    answered: bool,
    /// Whether what was said last looks like a prompt, but may be the start of a complaint.
    maybe_asked: bool,
    /// It may hang, and this runner be gone meanwhile.
    _guarded: Guarded,
}

/// What marks the words of a runner that was started.
pub fn nonce() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut f| f.read_exact(&mut bytes))
        .map_err(|e| fault(FaultKind::Become, format!("/dev/urandom: {e}"), None))?;
    Ok(shevek_kit::hex(&bytes))
}

/// The shell text that starts the runner as the other user: the binary where it is, or, if that user may not read it, a
/// copy that comes over standard input and is removed as soon as it runs.
///
/// It goes through the other user's login shell for some methods: no single quote, backslash, exclamation mark or
/// newline may be in it.
fn script(executable: &str, size: u64, nonce: &str) -> String {
    let lines = [
        &format!("e=\"{executable}\"; n={nonce}; s={size}"),
        "if [ -x \"$e\" ]; then exec \"$e\" --child $n; fi",
        "m=$(umask); umask 77; w=",
        "for d in \"${XDG_RUNTIME_DIR:-/nonexistent}\" \"${HOME:-/nonexistent}\" /var/tmp /tmp /dev/shm; do \
         t=$d/.shevek-$n; ( set -C; : >\"$t\" ) 2>/dev/null && chmod 700 \"$t\" || continue; \
         \"$t\" 2>/dev/null && dd if=/dev/zero of=\"$t\" bs=$s count=1 2>/dev/null && w=$t && break; \
         rm -f \"$t\"; done",
        "if [ -z \"$w\" ]; then echo $n-noplace; exit 3; fi",
        "echo $n-send",
        "i=\"head -c $s\"; head -c 1 </dev/zero >/dev/null 2>&1 || i=\"dd bs=1 count=$s\"",
        "$i >\"$w\" 2>/dev/null",
        "umask $m",
        "exec \"$w\" --child $n --unlink",
    ];
    lines.join("; ")
}

/// The same without dollar signs: under `sudo -i` and `sudo -s` a login shell has the line first, and of all that it would
/// take for its own, sudo leaves it just these.
fn unexpanded(script: &str) -> String {
    format!("set -f; eval `printf %s '{}' | tr ^ '\\044'`", script.replace('$', "^"))
}

/// The program's arguments, its name first.
fn line(wanted: &Become, prompt: &str, script: &str) -> Result<Vec<String>, Fault> {
    let flags = |usual: &str| -> Result<Vec<String>, Fault> {
        let flags = wanted.flags.as_deref().unwrap_or(usual);
        shevek_kit::words::split(flags).ok().ok_or_else(|| {
            fault(FaultKind::Become, format!("become_flags cannot be split into words: {flags}"), None)
        })
    };
    let exe = |usual: &str| -> Result<Vec<String>, Fault> {
        let exe = wanted.exe.as_deref().unwrap_or(usual);
        shevek_kit::words::split(exe).ok().filter(|words| !words.is_empty()).ok_or_else(|| {
            fault(FaultKind::Become, format!("become_exe cannot be split into words: {exe}"), None)
        })
    };
    let text = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let quoted = format!("exec /bin/sh -c '{script}'");
    let mut line;
    match wanted.method {
        BecomeMethod::Sudo => {
            line = exe("sudo")?;
            let mut flags = flags("-H -S -n")?;
            if wanted.password.is_some() {
                // With a password at hand sudo may ask for it, on standard error, in our words.
                flags.retain(|f| f != "-n" && f != "--non-interactive");
                for flag in &mut flags {
                    if flag.starts_with('-')
                        && !flag.starts_with("--")
                        && flag.contains('n')
                        && flag.len() > 2
                    {
                        *flag = flag.replace('n', "");
                    }
                }
                if !flags.iter().any(|f| f == "-S" || f == "--stdin") {
                    flags.push("-S".into());
                }
                flags.extend(text(&["-p", prompt]));
            }
            line.extend(flags);
            if !wanted.user.is_empty() {
                line.extend(text(&["-u", &wanted.user]));
            }
            let script = match wanted.flags {
                Some(_) => &unexpanded(script),
                None => script,
            };
            line.extend(text(&["/bin/sh", "-c", script]));
        }
        BecomeMethod::Doas => {
            line = exe("doas")?;
            let mut flags = flags("")?;
            if wanted.password.is_none() && !flags.iter().any(|f| f == "-n") {
                flags.push("-n".into());
            }
            line.extend(flags);
            line.extend(text(&["-u", &wanted.user, "/bin/sh", "-c", script]));
        }
        BecomeMethod::Su => {
            line = exe("su")?;
            line.extend(flags("")?);
            line.extend(text(&[&wanted.user, "-c", &quoted]));
        }
        BecomeMethod::Runuser => {
            line = exe("runuser")?;
            line.extend(flags("")?);
            line.extend(text(&[&wanted.user, "-c", &quoted]));
        }
    }
    Ok(line)
}

/// Passes on what a program says.
pub fn listen(
    mut from: impl Read + Send + 'static,
    to: Sender<Said>,
    wrap: fn(Vec<u8>) -> Said,
    tell_end: bool,
) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    if to.send(wrap(buffer.get(..n).unwrap_or_default().to_vec())).is_err() {
                        break;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if tell_end {
            let _ = to.send(Said::End);
        }
    });
}

impl<'a> Attempt<'a> {
    fn start(wanted: &'a Become, program: &'a Program, with_terminal: bool) -> Result<Self, Fault> {
        let nonce = nonce()?;
        let prompt = format!("[shevek {nonce}] password: ");
        let size = std::fs::metadata(&program.own)
            .map_err(|e| fault(FaultKind::Become, format!("{}: {e}", program.own.display()), None))?
            .len();
        let plain = |path: &str| {
            !path.is_empty()
                && !path.contains(['\'', '"', '\\', '!', '\n', '$', '`'])
                && !path.ends_with(" (deleted)")
        };
        // A path that the shell could trip over is not used; the binary is handed over instead.
        let executable = program.path.to_str().filter(|path| plain(path)).unwrap_or("/nonexistent");
        let line = line(wanted, &prompt, &script(executable, size, &nonce))?;
        let (first, args) =
            line.split_first().ok_or_else(|| fault(FaultKind::Become, "become_exe is empty", None))?;
        let terminal = match with_terminal {
            true => Some(
                terminal::open()
                    .map_err(|e| fault(FaultKind::Become, format!("no terminal to be had: {e}"), None))?,
            ),
            false => None,
        };
        let mut command = match &terminal {
            None => Command::new(first),
            Some(terminal) => {
                let mut command = Command::new("/proc/self/exe");
                command.arg("--on-terminal").arg(&terminal.path).arg(first);
                command
            }
        };
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if wanted.method != BecomeMethod::Sudo {
            // Their prompts and complaints are read.
            command.env("LC_ALL", "C").env("LANGUAGE", "C");
        }
        // With a terminal it begins a session, and a group with that, by itself.
        if !with_terminal {
            command.process_group(0);
        }
        guard::stand_by();
        let mut process = command.spawn().map_err(|e| {
            fault(
                FaultKind::Become,
                format!("{first}: {}", shevek_kit::fault::io_words(&e)),
                Some("is the become method installed on the host?"),
            )
        })?;
        let guarded = Guarded::new(Pid::from_child(&process));
        let (to, said) = channel();
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(fault(FaultKind::Become, "the process has no pipes", None));
        };
        listen(stdout, to.clone(), Said::Out, true);
        listen(stderr, to.clone(), Said::Err, false);
        if let Some(terminal) = &terminal
            && let Ok(master) = terminal.master.try_clone()
        {
            listen(master, to, Said::Terminal, false);
        }
        let login = Login { process, stdin, said, first: Vec::new(), terminal };
        Ok(Attempt {
            wanted,
            program,
            nonce,
            prompt,
            login,
            words: Vec::new(),
            answered: false,
            maybe_asked: false,
            _guarded: guarded,
        })
    }

    fn talk(mut self) -> Result<Login, Failed> {
        let ready = format!("{}\n", self.nonce).into_bytes();
        let send = format!("{}-send\n", self.nonce).into_bytes();
        let no_place = format!("{}-noplace\n", self.nonce).into_bytes();
        let mut out: Vec<u8> = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(u64::from(self.wanted.within));
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = if self.maybe_asked { left.min(PROMPT_SETTLES) } else { left };
            match self.login.said.recv_timeout(left) {
                Ok(Said::Out(bytes)) => {
                    hear(&mut out, &bytes);
                    if let Some(end) = find(&out, &ready) {
                        self.login.first = out.split_off(end);
                        return Ok(self.login);
                    }
                    if let Some(end) = find(&out, &send) {
                        out.drain(..end);
                        if let Err(e) = self.hand_over() {
                            return Err(
                                self.failed(FaultKind::Become, &format!("handing over the runner: {e}"))
                            );
                        }
                    }
                    if find(&out, &no_place).is_some() {
                        let user = &self.wanted.user;
                        let why = format!("{user} has no folder where the runner can be stored and run");
                        return Err(self.failed(FaultKind::NoPlace, &why));
                    }
                }
                Ok(Said::Err(bytes) | Said::Terminal(bytes)) => {
                    hear(&mut self.words, &bytes);
                    self.prompted()?;
                }
                Ok(Said::End) | Err(RecvTimeoutError::Disconnected) => {
                    // What it complained of may still be on its way.
                    while let Ok(Said::Err(bytes) | Said::Terminal(bytes)) =
                        self.login.said.recv_timeout(Duration::from_millis(50))
                    {
                        hear(&mut self.words, &bytes);
                    }
                    self.words.extend_from_slice(&out);
                    let _ = self.login.process.wait();
                    return Err(self.ended());
                }
                Err(RecvTimeoutError::Timeout) if self.maybe_asked => {
                    self.maybe_asked = false;
                    self.answer()?;
                }
                Err(RecvTimeoutError::Timeout) => {
                    // In Ansible's words, which people look for.
                    let why = "Timed out waiting for become success or become password prompt";
                    let why = format!("{why}, for {} s", self.wanted.within);
                    return Err(self.failed(FaultKind::BecomeTimedOut, &why));
                }
            }
        }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        io::copy(&mut File::open(&self.program.own)?, &mut self.login.stdin)?;
        self.login.stdin.flush()
    }

    /// Answers a prompt, if there is one.
    fn prompted(&mut self) -> Result<(), Failed> {
        let text = String::from_utf8_lossy(&self.words);
        if self.wanted.method == BecomeMethod::Sudo {
            let asked = text.matches(&self.prompt).count() > usize::from(self.answered);
            return if asked { self.answer() } else { Ok(()) };
        }
        // The words of other prompts cannot be chosen: an unfinished line that ends in a word for password and a colon, and
        // stays so, asks for one. Root is not asked: whatever prints such a line is something else.
        self.maybe_asked = !self.answered && !self.is_root_to_su() && self.wanted.is_asked(&text);
        Ok(())
    }

    fn is_root_to_su(&self) -> bool {
        matches!(self.wanted.method, BecomeMethod::Su | BecomeMethod::Runuser)
            && rustix::process::geteuid().is_root()
    }

    /// Gives the password, once.
    fn answer(&mut self) -> Result<(), Failed> {
        let Some(password) = self.wanted.password.clone() else { return Err(self.password("is missing")) };
        if self.answered {
            return Err(self.password("is wrong"));
        }
        self.answered = true;
        let line = format!("{password}\n");
        let by_terminal = self.login.terminal.as_ref().filter(|_| self.wanted.method == BecomeMethod::Doas);
        let told = match by_terminal {
            Some(terminal) => (&terminal.master).write_all(line.as_bytes()),
            None => self.login.stdin.write_all(line.as_bytes()).and_then(|()| self.login.stdin.flush()),
        };
        // If it has ended already, its end will be heard.
        let _ = told;
        Ok(())
    }

    fn method(&self) -> &'static str {
        match self.wanted.method {
            BecomeMethod::Sudo => "sudo",
            BecomeMethod::Su => "su",
            BecomeMethod::Doas => "doas",
            BecomeMethod::Runuser => "runuser",
        }
    }

    fn password(&mut self, how: &str) -> Failed {
        let message = format!("the {} password for {} {how}", self.method(), self.wanted.user);
        let help = match how {
            "is missing" => {
                "give it with --ask-become-pass, --become-password-file or the variable ansible_become_password"
            }
            _ => "check the variable ansible_become_password, or what was typed",
        };
        self.end();
        Failed { fault: fault(FaultKind::BecomePassword, message, Some(help)), insists_on_terminal: false }
    }

    fn failed(&mut self, kind: FaultKind, why: &str) -> Failed {
        let message = format!("becoming {} with {}: {why}{}", self.wanted.user, self.method(), self.tail());
        self.end();
        Failed { fault: fault(kind, message, None), insists_on_terminal: false }
    }

    /// It ended before the runner was there: its words say why.
    fn ended(&mut self) -> Failed {
        let said = String::from_utf8_lossy(&self.words).to_lowercase();
        let has = |words: &[&str]| words.iter().any(|w| said.contains(w));
        if has(&[
            "a password is required",
            "authentication is required",
            "authentication required",
            "authorization required",
        ]) && !self.answered
        {
            return self.password("is missing");
        }
        if self.answered && is_refused(&said) {
            return self.password("is wrong");
        }
        let insists = has(&[
            "must have a tty",
            "must be run from a terminal",
            "a tty is required",
            "a terminal is required",
        ]);
        let failed = self.failed(FaultKind::Become, "it was refused");
        Failed { insists_on_terminal: insists, ..failed }
    }

    fn tail(&self) -> String {
        let start = self.words.len().saturating_sub(TAIL);
        let text =
            String::from_utf8_lossy(self.words.get(start..).unwrap_or_default()).replace(&self.prompt, "");
        match text.trim() {
            "" => String::new(),
            text => format!(" ({text})"),
        }
    }

    /// Lets go of a program that did not become the other user. As root it cannot be killed from here, but without its
    /// pipes and terminal it ends.
    fn end(&mut self) {
        let _ = self.login.process.kill();
        self.login.terminal = None;
        // The number of one that was reaped may be another's by now.
        if !matches!(self.login.process.try_wait(), Ok(None)) {
            return;
        }
        // Reaped in the background: sudo takes its time after a wrong password.
        let id = self.login.process.id();
        let _ = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).map(|pid| {
            std::thread::spawn(move || {
                let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            })
        });
    }
}

/// Adds what was said, and forgets what was said long ago.
fn hear(words: &mut Vec<u8>, bytes: &[u8]) {
    words.extend_from_slice(bytes);
    if words.len() > 2 * LATEST {
        words.drain(..words.len() - LATEST);
    }
}

/// Where the first occurrence of some bytes ends.
pub fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what).map(|at| at + what.len())
}

/// An argument list for tests and messages.
#[cfg(test)]
fn shown(wanted: &Become) -> String {
    line(wanted, "PROMPT", "SCRIPT").unwrap().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(method: BecomeMethod, password: Option<&str>) -> Become {
        Become {
            method,
            user: "ann".into(),
            exe: None,
            flags: None,
            password: password.map(str::to_owned),
            prompts: Vec::new(),
            within: 60,
        }
    }

    #[test]
    fn sudo_may_ask_only_when_there_is_an_answer() {
        assert_eq!(shown(&wanted(BecomeMethod::Sudo, None)), "sudo|-H|-S|-n|-u|ann|/bin/sh|-c|SCRIPT");
        assert_eq!(
            shown(&wanted(BecomeMethod::Sudo, Some("x"))),
            "sudo|-H|-S|-p|PROMPT|-u|ann|/bin/sh|-c|SCRIPT"
        );
    }

    #[test]
    fn flags_of_the_task_replace_the_usual_ones() {
        let wanted = Become { flags: Some("-l --pty".into()), ..wanted(BecomeMethod::Runuser, None) };
        assert_eq!(shown(&wanted), "runuser|-l|--pty|ann|-c|exec /bin/sh -c 'SCRIPT'");
    }

    /// What `sudo -i` makes of a command: all but letters, digits, `_`, `-` and `$` is quoted for the login shell.
    #[test]
    fn a_login_shell_that_sudo_puts_before_the_script_expands_nothing_of_it() {
        let text =
            "n=5; m=$((n+1)); if [ \"$m\" = 6 ]; then echo \"$m ${n}\" $(echo in); fi; exec echo \"$m\"";
        let wanted = Become { flags: Some("-i".into()), ..wanted(BecomeMethod::Sudo, None) };
        let line = line(&wanted, "", text).unwrap();
        assert_eq!(line[..4], ["sudo", "-i", "-u", "ann"]);
        let plain = |c: char| c.is_ascii_alphanumeric() || ['_', '-', '$'].contains(&c);
        let quoted = |word: &String| -> String {
            word.chars().map(|c| if plain(c) { c.to_string() } else { format!("\\{c}") }).collect()
        };
        let words: Vec<String> = line[4..].iter().map(quoted).collect();
        let ran = Command::new("/bin/sh").arg("-c").arg(words.join(" ")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "6 5 in\n6\n");
    }

    #[test]
    fn any_login_shell_takes_the_script_for_one_word() {
        assert!(!script("/home/x/runner", 5, "abc").contains(['\'', '\\', '!', '\n']));
    }
}
