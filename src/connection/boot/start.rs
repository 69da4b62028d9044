//! The controller's side of starting the runner.

use std::sync::Arc;
use std::time::Duration;

use shevek_proto::{Down, Part, VERSION, encode};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::script::Script;
use crate::options::OpenOptions;
use crate::tail::Tail;
use crate::transport::{Exit, Output, Process, Terminal, Transport, write_until_lost};
use crate::{ConnectError, Phase};

/// How much a login shell may print before the runner starts.
const NOISE: usize = 1 << 20;

/// How much of the runner is written at once.
const PIECE: usize = 64 * 1024;

/// Bytes a second that the slowest line carries which is waited for. One that is dead is noticed by its silence.
const SLOWEST: u64 = 16 * 1024;

/// What is needed to start a runner.
pub(crate) struct Boot<'a> {
    /// The inventory name of the host.
    pub host: &'a Arc<str>,
    /// The way to it.
    pub transport: &'a dyn Transport,
    /// Runners, deadlines, caching.
    pub options: &'a OpenOptions,
}

/// A runner that was started, and has been greeted.
pub(crate) struct Started {
    /// The runner's process.
    pub process: Process,
    /// What it has said after the script's last word: the beginning of frames.
    pub first: Vec<u8>,
    /// `uname -m`.
    pub machine: String,
    /// Whether the host had the runner already.
    pub cached: bool,
    /// What was on standard error so far.
    pub stderr: Tail,
}

/// Starts the runner that the host has, or sends it first. Without `use_cached`, sends it in any case.
pub(crate) async fn start(boot: &Boot<'_>, use_cached: bool) -> Result<Started, ConnectError> {
    let greeting = Down::Hello { protocol: VERSION };
    let greeting =
        encode(&greeting).map_err(|e| ConnectError::bug(boot.host, Phase::Start, e.to_string()))?;
    let greeting: String = greeting.iter().map(|byte| format!("{byte:02x}")).collect();
    let nonce = format!("{:032x}", rand::random::<u128>());
    let script = Script { nonce: &nonce, greeting: &greeting, use_cached, cache: boot.options.cache };
    let line = script.line(&boot.options.runners);
    let process = boot.transport.exec(&line, Terminal::None).await?;
    let mut talk = Talk {
        boot,
        process,
        lost: boot.transport.lost(),
        marker: format!("{nonce}:").into_bytes(),
        heard: Vec::new(),
        passed: 0,
        stderr: Tail::default(),
        deadline: Instant::now() + boot.options.deadlines.start,
    };
    let (machine, cached) = match talk.word(Phase::Start).await? {
        Word::Run { machine } => (machine, true),
        Word::Need { machine, system, gzip } => {
            talk.upload(&machine, &system, gzip).await?;
            (machine, false)
        }
        other => return Err(talk.surprised(&other)),
    };
    Ok(Started { process: talk.process, first: talk.heard, machine, cached, stderr: talk.stderr })
}

/// What the script says.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Run { machine: String },
    Need { machine: String, system: String, gzip: bool },
    Send,
    Fail(String),
    Other(String),
}

impl Word {
    fn parse(line: &str) -> Word {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        match (verb, words.as_slice()) {
            ("run", [machine]) => Word::Run { machine: (*machine).to_owned() },
            ("send", _) => Word::Send,
            ("fail", _) => Word::Fail(rest.to_owned()),
            ("need", [machine, system, packing]) => Word::Need {
                machine: (*machine).to_owned(),
                system: (*system).to_owned(),
                gzip: *packing == "gzip",
            },
            _ => Word::Other(line.to_owned()),
        }
    }
}

struct Talk<'a> {
    boot: &'a Boot<'a>,
    process: Process,
    lost: watch::Receiver<Option<ConnectError>>,
    marker: Vec<u8>,
    heard: Vec<u8>,
    /// So much of that was looked through for the script's next word, and does not begin one.
    passed: usize,
    stderr: Tail,
    deadline: Instant,
}

impl Talk<'_> {
    /// Waits for the script's next word, passing over what the login shell prints.
    async fn word(&mut self, phase: Phase) -> Result<Word, ConnectError> {
        loop {
            if let Some(word) = self.take_word() {
                return Ok(word);
            }
            if self.heard.len() > NOISE {
                let detail = "the login shell prints without end before the runner can start";
                return Err(ConnectError::unreachable(self.boot.host, phase, detail).with_help(
                    "make the user's shell start-up files print nothing when they are not run on a terminal",
                ));
            }
            let heard = timeout_at(self.deadline, self.process.output.recv()).await.map_err(|_| {
                let after = if phase == Phase::Upload {
                    self.boot.options.deadlines.upload
                } else {
                    self.boot.options.deadlines.start
                };
                let waiting_for = if phase == Phase::Upload {
                    "the host to store the runner"
                } else {
                    "the runner to start"
                };
                ConnectError::timed_out(self.boot.host, phase, after, waiting_for)
            })?;
            match heard {
                Some(Output::Stdout(bytes)) => self.heard.extend(bytes),
                Some(Output::Stderr(bytes)) => self.stderr.push(&bytes),
                Some(Output::Exit(exit)) => return Err(self.ended(phase, &exit)),
                None => return Err(self.gone(phase)),
            }
        }
    }

    fn take_word(&mut self) -> Option<Word> {
        let unseen = self.heard.get(self.passed..)?;
        let Some(at) = unseen.windows(self.marker.len()).position(|window| window == self.marker) else {
            // The end may be the marker's beginning.
            self.passed = self.heard.len().saturating_sub(self.marker.len());
            return None;
        };
        let at = self.passed + at;
        let start = at + self.marker.len();
        let end = start + self.heard.get(start..)?.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(self.heard.get(start..end)?).into_owned();
        self.heard.drain(..=end);
        self.passed = 0;
        Some(Word::parse(line.trim_end_matches('\r')))
    }

    async fn say(&mut self, bytes: &[u8], phase: Phase) -> Result<(), ConnectError> {
        let writing = write_until_lost(&mut *self.process.stdin, bytes, &mut self.lost);
        match timeout_at(self.deadline, writing).await {
            Ok(Ok(())) => Ok(()),
            // The reason is on the way up; a command that has ended does not read.
            Ok(Err(_)) => match self.word(phase).await {
                Ok(word) => Err(self.surprised(&word)),
                Err(error) => Err(error),
            },
            Err(_) => {
                let limit = self.deadline_of(phase);
                Err(ConnectError::timed_out(self.boot.host, phase, limit, "the host to take what is sent"))
            }
        }
    }

    fn deadline_of(&self, phase: Phase) -> Duration {
        if phase == Phase::Upload {
            self.boot.options.deadlines.upload
        } else {
            self.boot.options.deadlines.start
        }
    }

    async fn upload(&mut self, machine: &str, system: &str, gzip: bool) -> Result<(), ConnectError> {
        let host = self.boot.host;
        let runners = &self.boot.options.runners;
        let Some(image) = runners.find(machine, Part::Core).filter(|_| system == "Linux").cloned() else {
            return Err(no_runner(self.boot, machine, system));
        };
        self.boot.options.enters(host, Phase::Upload);
        let packed = tokio::task::spawn_blocking({
            let image = image.clone();
            move || if gzip { image.gzip() } else { image.bytes() }
        });
        let packed =
            packed.await.map_err(|e| ConnectError::bug(host, Phase::Upload, e.to_string()))?.map_err(
                |e| ConnectError::bug(host, Phase::Upload, format!("the runner cannot be unpacked: {e}")),
            )?;
        self.deadline = Instant::now() + self.boot.options.deadlines.upload;
        let packing = if gzip { "gzip" } else { "plain" };
        let header = format!("{} {} {} {packing}\n", image.hash(), image.size(), packed.len());
        self.say(header.as_bytes(), Phase::Upload).await?;
        match self.word(Phase::Upload).await? {
            Word::Send => {}
            Word::Fail(why) => return Err(no_place(host, &why)),
            other => return Err(self.surprised(&other)),
        }
        for piece in packed.chunks(PIECE) {
            self.deadline = Instant::now() + self.boot.options.deadlines.upload;
            self.say(piece, Phase::Upload).await?;
        }
        // All of it may be under way still: windows of the network hold more than it.
        let travel = Duration::from_secs(packed.len() as u64 / SLOWEST);
        self.deadline = Instant::now() + self.boot.options.deadlines.upload + travel;
        let word = self.word(Phase::Upload).await?;
        self.deadline = Instant::now() + self.boot.options.deadlines.start;
        match word {
            Word::Run { .. } => {
                self.boot.options.enters(host, Phase::Run);
                Ok(())
            }
            Word::Fail(why) => Err(no_place(host, &why)),
            other => Err(self.surprised(&other)),
        }
    }

    /// What is known when the host is gone.
    fn gone(&self, phase: Phase) -> ConnectError {
        match &*self.lost.borrow() {
            Some(lost) if lost.phase() == Phase::Idle => lost.clone(),
            Some(lost) => ConnectError::unreachable(self.boot.host, phase, lost.detail()).passing(),
            None => ConnectError::unreachable(self.boot.host, phase, "the connection was closed").passing(),
        }
    }

    /// What is known when the command ended too early.
    fn ended(&mut self, phase: Phase, exit: &Exit) -> ConnectError {
        if self.boot.transport.is_failure(exit) && !self.stderr.text().is_empty() {
            return ConnectError::unreachable(self.boot.host, Phase::Connect, self.stderr.text());
        }
        let mut said = Tail::default();
        said.push(&self.heard);
        let mut detail = format!("the host's shell ended before the runner could start ({exit})");
        for text in [self.stderr.text(), said.text()] {
            if !text.is_empty() {
                detail += &format!(": {text}");
            }
        }
        ConnectError::unreachable(self.boot.host, phase, detail)
            .with_help("the login user needs a shell that runs `/bin/sh -c`, and no forced command")
    }

    fn surprised(&self, word: &Word) -> ConnectError {
        if let Word::Fail(why) = word {
            return no_place(self.boot.host, why);
        }
        ConnectError::bug(self.boot.host, Phase::Start, format!("the start script said {word:?} out of turn"))
    }
}

fn no_place(host: &Arc<str>, why: &str) -> ConnectError {
    ConnectError::unreachable(host, Phase::Upload, why).with_help(
        "the login user needs one folder that is writable, not full and not mounted noexec; XDG_CACHE_HOME on the host names a further one",
    )
}

fn no_runner(boot: &Boot<'_>, machine: &str, system: &str) -> ConnectError {
    let have: Vec<&str> = boot.options.runners.cores().map(|image| image.machine()).collect();
    let have = if have.is_empty() { "none".to_owned() } else { have.join(", ") };
    let detail = format!("there is no runner for {system} on {machine} (at hand: {have})");
    let help = if system == "Linux" {
        format!(
            "build one on or for such a machine with `cargo build -p shevek-runner --profile runner --target \
             {machine}-unknown-linux-musl`, and put it as `shevek-runner-{machine}` into a folder that --runner-dir or \
             SHEVEK_RUNNER_DIR names"
        )
    } else {
        "only Linux hosts can be managed; `raw` works on any".to_owned()
    };
    ConnectError::unreachable(boot.host, Phase::Start, detail).with_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_words_are_understood() {
        assert_eq!(Word::parse("run x86_64"), Word::Run { machine: "x86_64".into() });
        assert_eq!(
            Word::parse("need x86_64 Linux gzip"),
            Word::Need { machine: "x86_64".into(), system: "Linux".into(), gzip: true }
        );
        assert_eq!(Word::parse("fail no place; /tmp is full"), Word::Fail("no place; /tmp is full".into()));
        assert_eq!(Word::parse("what"), Word::Other("what".into()));
    }
}
