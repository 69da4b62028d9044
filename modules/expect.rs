//! Run a command and answer what it asks.
//!
//! The command gets a terminal of its own. What it writes is searched for the patterns, which are regular expressions as
//! Python has them (`.` matches newlines, too; `(?i)` before one: capitals don't matter); the one that matches first is
//! answered. It runs without a shell. Passwords are best kept in a vault, with `no_log` on the task.
//!
//! ```yaml
//! - expect:
//!     command: passwd ann
//!     responses: { '(?i)password': '{{ password }}' }
//! - expect:
//!     command: /srv/app/setup
//!     creates: /srv/app/config
//!     timeout: 60
//!     responses:
//!       'Question': [ first answer, second answer ]
//!       'Continue\?': 'yes'
//! ```
use std::path::{Path, PathBuf};
use std::time::Duration;

use shevek_kit::prelude::*;
use shevek_kit::printed::{python_repr, python_str};
use shevek_kit::talk::{Manner, Reply, Talk};
use shevek_kit::{Kind, moment};
use shevek_pyre::{Flags, Regex, latin1};

/// Arguments of `expect`.
#[derive(Args)]
#[module(procedure)]
pub struct Expect {
    /// The command.
    command: String,
    /// Change into this folder first.
    chdir: Option<PathBuf>,
    /// A path: if something is there already, the command is not run.
    creates: Option<PathBuf>,
    /// A path: if nothing is there, the command is not run.
    removes: Option<PathBuf>,
    /// Patterns with their answers; with a list, each time the next one.
    #[arg(required)]
    responses: Dict,
    /// Seconds from one answer to the next; null: no limit.
    #[arg(default = 30)]
    timeout: Val,
    /// Whether answers are shown in what the command is said to have written.
    #[arg(default = false)]
    echo: bool,
}

impl Procedure for Expect {
    fn guard(&self, host: &Probe) -> Result<Guard> {
        self.patience()?;
        if self.command.trim().is_empty() {
            return Err(Fault::new("no command given").with("rc", 256));
        }
        if let Some(folder) = self.chdir.as_deref().filter(|folder| !host.is_folder(folder)) {
            let message = format!("[Errno 2] No such file or directory: '{}'", folder.display());
            return Err(Fault::absent(message));
        }
        let skipped = |path: &Path, how: &str| {
            let said = format!("skipped, since {} {how}", path.display());
            Guard::done(Outcome::ok().with("cmd", self.command.clone()).with("stdout", said).with("rc", 0))
        };
        if let Some(path) = self.creates.as_deref().filter(|path| self.there(host, path)) {
            return Ok(skipped(path, "exists"));
        }
        if let Some(path) = self.removes.as_deref().filter(|path| !self.there(host, path)) {
            return Ok(skipped(path, "does not exist"));
        }
        Ok(Guard::Run)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let mut exchange = Exchange::new(&self.responses)?;
        let mut words = words(&self.command).into_iter();
        let program = words.next().unwrap_or_default();
        let missing =
            || Fault::absent(format!("The command was not found or was not executable: {program}."));
        // What is named by a path is looked for from the folder that is changed into.
        let place = match &self.chdir {
            Some(folder) if program.contains('/') => folder.join(&program),
            _ => PathBuf::from(&program),
        };
        let found = host.which(&place.to_string_lossy()).ok_or_else(missing)?;
        let mut command = cmd(found).args(words).any_rc().own_locale();
        if let Some(folder) = &self.chdir {
            command = command.folder(folder);
        }
        let start = host.now();
        let manner = Manner { echo: self.echo, patience: self.patience()? };
        let ran = host.talk(command, manner, &mut exchange)?;
        let end = host.now();
        if let Some(fault) = exchange.fault {
            return Err(fault);
        }
        let Ok(said) = String::from_utf8(ran.stdout) else {
            fail!(
                "Refusing to deserialize an invalid UTF8 string value: {} wrote something else",
                self.command
            );
        };
        let ended = ran.rc >= 0;
        let mut outcome = Outcome::ok()
            .with("cmd", self.command.clone())
            .with("stdout", said.trim_end_matches(['\r', '\n']))
            .with("rc", if ended { Val::from(ran.rc) } else { Val::Null })
            .with("start", moment::local(host, start).python())
            .with("end", moment::local(host, end).python())
            .with("delta", moment::python_span(end.duration_since(start).unwrap_or_default()))
            .changed_if(true);
        if ran.rc != 0 {
            outcome.failed = true;
            outcome.set("msg", if ended { "non-zero return code" } else { "command exceeded timeout" });
        }
        Ok(outcome)
    }
}

impl Expect {
    fn patience(&self) -> Result<Option<Duration>> {
        if self.timeout == Val::Null {
            return Ok(None);
        }
        let seconds = Kind::Int.coerce("timeout", self.timeout.clone())?;
        Ok(Some(Duration::from_secs(seconds.as_int().and_then(|s| u64::try_from(s).ok()).unwrap_or(0))))
    }

    fn there(&self, host: &Probe, path: &Path) -> bool {
        match &self.chdir {
            Some(folder) => host.exists(folder.join(path)),
            None => host.exists(path),
        }
    }
}

/// The words of a command: quotes of both kinds, and backslashes outside them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut between = false;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => word.extend(rest.next()),
            '\'' | '"' => word.extend(rest.by_ref().take_while(|next| *next != c)),
            c if c.is_whitespace() => {
                if !between {
                    words.push(std::mem::take(&mut word));
                }
                between = true;
                continue;
            }
            c => word.push(c),
        }
        between = false;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A pattern with its answers.
struct Prompt {
    shown: String,
    pattern: Regex,
    answers: Answers,
}

enum Answers {
    Always(Vec<u8>),
    OneByOne(std::vec::IntoIter<Vec<u8>>),
}

/// What has been said and is to be answered.
struct Exchange {
    prompts: Vec<Prompt>,
    /// What was written since the last match, one character a byte.
    open: String,
    fault: Option<Fault>,
}

impl Exchange {
    fn new(responses: &Dict) -> Result<Self> {
        let line = |answer: &Val| format!("{}\n", python_str(answer).trim_end_matches('\n')).into_bytes();
        let mut prompts = Vec::new();
        for (shown, answer) in responses {
            // Bytes are matched, as characters of Latin-1.
            let pattern = Regex::new(&latin1(shown.as_bytes()), Flags::DOTALL.with(Flags::ASCII))
                .map_err(|why| Fault::new(format!("'{shown}' is no regular expression: {why}")))?;
            let answers = match answer {
                Val::List(answers) => {
                    Answers::OneByOne(answers.iter().map(line).collect::<Vec<_>>().into_iter())
                }
                answer => Answers::Always(line(answer)),
            };
            prompts.push(Prompt { shown: shown.clone(), pattern, answers });
        }
        Ok(Exchange { prompts, open: String::new(), fault: None })
    }

    /// Which pattern matches first, and where the match ends.
    fn first(&self) -> Result<Option<(usize, usize)>> {
        let mut first: Option<(usize, usize, usize)> = None;
        for (at, prompt) in self.prompts.iter().enumerate() {
            let found = prompt
                .pattern
                .search(&self.open)
                .map_err(|why| Fault::new(format!("'{}': {why}", prompt.shown)))?;
            if let Some(found) = found
                && first.is_none_or(|(_, start, _)| found.start() < start)
            {
                first = Some((at, found.start(), found.end()));
            }
        }
        Ok(first.map(|(at, _, end)| (at, end)))
    }

    fn answer(&mut self) -> Result<Reply> {
        let Some((at, end)) = self.first()? else { return Ok(Reply::Listen) };
        let rest = self.open.split_off(end);
        let heard = std::mem::replace(&mut self.open, rest);
        let Some(prompt) = self.prompts.get_mut(at) else { return Ok(Reply::Listen) };
        match &mut prompt.answers {
            Answers::Always(answer) => Ok(Reply::Say(answer.clone())),
            Answers::OneByOne(answers) => answers.next().map(Reply::Say).ok_or_else(|| {
                let heard = String::from_utf8_lossy(&shevek_pyre::from_latin1(&heard)).into_owned();
                Fault::new(format!(
                    "No remaining responses for '{}', output was 'b{}'",
                    prompt.shown,
                    python_repr(&heard.into())
                ))
            }),
        }
    }
}

impl Talk for Exchange {
    fn hear(&mut self, new: &[u8]) -> Reply {
        self.open.push_str(&latin1(new));
        self.answer().unwrap_or_else(|fault| {
            self.fault = Some(fault);
            Reply::Stop
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(says: &str) -> World {
        World::new().program("setup").answers("/usr/bin/setup*", Ran::said(says))
    }

    #[test]
    fn what_is_asked_is_answered() {
        let args = r#"{ command: "setup 'all of it'", responses: { '(?i)password: ': s3cret, 'Sure\?': [yes, 5] } }"#;
        let done = conform::<Expect>(args, world("PassWord: Sure? Password: Sure?\r\ndone\r\n"))
            .changed()
            .ran(["/usr/bin/setup 'all of it'", "> s3cret", "> yes", "> s3cret", "> 5"])
            .gives("stdout", "PassWord: Sure? Password: Sure?\r\ndone")
            .gives("rc", 0);
        assert!(done.check().skipped);
    }

    #[test]
    fn the_first_match_is_answered_and_of_two_at_one_place_the_first_pattern() {
        let args = "{ command: setup, responses: { bc: one, ab: two, abc: three } }";
        conform::<Expect>(args, world("abc")).ran(["/usr/bin/setup", "> two"]);
    }

    #[test]
    fn too_few_answers_are_a_failure() {
        let args = "{ command: setup, responses: { foo: [bar] } }";
        conform::<Expect>(args, world("foo\r\nfoo"))
            .failed(r"No remaining responses for 'foo', output was 'b'\r\nfoo''");
    }

    #[test]
    fn the_exit_code_counts() {
        let failing = |rc| World::new().program("x").answers("/usr/bin/x", Ran { rc, ..Ran::default() });
        let args = "{ command: x, responses: {} }";
        conform::<Expect>(args, failing(3)).failed("non-zero return code").gives("rc", 3);
        conform::<Expect>(args, failing(-1)).failed("command exceeded timeout").gives("rc", Val::Null);
        let world = World::new().program("x").answers("/usr/bin/x", Ran::said(b"\xff".to_vec()));
        conform::<Expect>(args, world).failed("invalid UTF8");
    }

    #[test]
    fn a_program_is_looked_for_in_the_folder_that_is_changed_into() {
        let world = World::new().file("/srv/x/ask", "#!").mode("/srv/x/ask", 0o755);
        let world = world.answers("/srv/x/*", Ran::said("done"));
        conform_apart::<Expect>("{ command: ./ask, chdir: /srv/x, responses: {} }", world).changed();
    }

    #[test]
    fn what_is_there_already_is_not_made_again() {
        let args = "{ command: setup, responses: {}, chdir: /etc, creates: passwd }";
        conform::<Expect>(args, world(""))
            .unchanged()
            .ran([])
            .gives("stdout", "skipped, since passwd exists");
        let args = "{ command: setup, responses: {}, removes: /nope }";
        conform::<Expect>(args, world("")).unchanged().gives("rc", 0);
        conform::<Expect>("{ command: ' ', responses: {} }", world("")).failed("no command given");
        conform::<Expect>("{ command: nope, responses: {} }", world("")).failed("was not found");
        conform::<Expect>("{ command: setup, responses: {}, timeout: soon }", world("")).failed("'timeout'");
        conform::<Expect>("{ command: setup, responses: { '(': a } }", world(""))
            .failed("regular expression");
    }

    #[test]
    fn words_are_split_as_by_hand() {
        assert_eq!(words(r#"a  "b c"d 'e\f' g\ h '' i"#), ["a", "b cd", r"e\f", "g h", "", "i"]);
    }
}
