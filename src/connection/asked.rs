//! What a command that becomes another user asks before it begins, where there is no runner to answer it.

use std::time::Duration;

use shevek_proto::{Become, BecomeMethod, PROMPT_SETTLES};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::Secret;

/// How much of what was said is looked at: a prompt is no longer.
const LATEST: usize = 16 * 1024;

/// The answer to the password prompt of a command that becomes another user.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The word that the command is to say on standard error, on a line of its own, when there will be no prompt any more.
    /// Only then does it get its input.
    pub begun: String,
    /// The prompt that `sudo` is to put. It is chosen by us, and cannot be guessed.
    pub prompt: String,
    whom: Become,
    secret: Secret,
    pub(crate) within: Duration,
}

impl Answer {
    /// What is told to nobody but the one who asks for the password of this user; none, where there is none to be told.
    pub fn of(whom: &Become) -> Option<Self> {
        let secret = Secret::new(whom.password.as_deref()?);
        let nonce = format!("{:032x}", rand::random::<u128>());
        Some(Answer {
            begun: format!("shevek-{nonce}-begun"),
            prompt: format!("[shevek {nonce}] password: "),
            whom: Become { password: None, ..whom.clone() },
            secret,
            within: Duration::from_secs(u64::from(whom.within)),
        })
    }

    /// Whether the command has begun, by what was said on standard error.
    pub fn has_begun(&self, stderr: &[u8]) -> bool {
        find(stderr, self.begun.as_bytes()).is_some()
    }

    /// Takes out what was said for us: all of it before the command began, and our own prompts.
    pub fn clean(&self, stderr: &[u8]) -> Vec<u8> {
        let line = format!("{}\n", self.begun);
        if !self.chooses_prompt()
            && let Some(at) = find(stderr, line.as_bytes())
        {
            return stderr.get(at + line.len()..).unwrap_or_default().to_vec();
        }
        let cut = |text: Vec<u8>, what: &[u8]| match find(&text, what) {
            Some(at) => [text.get(..at), text.get(at + what.len()..)]
                .into_iter()
                .flatten()
                .flatten()
                .copied()
                .collect(),
            None => text,
        };
        cut(cut(cut(stderr.to_vec(), line.as_bytes()), self.prompt.as_bytes()), self.prompt.as_bytes())
    }

    pub(crate) fn line(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}\n", self.secret.expose()))
    }

    fn chooses_prompt(&self) -> bool {
        self.whom.method == BecomeMethod::Sudo
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// When a command gets what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cue {
    Answer,
    Input,
    End,
}

/// What was said to a command that may put a prompt.
pub(crate) struct Talk<'a> {
    answer: &'a Answer,
    answered: bool,
    until: Instant,
    /// When a line is taken for a prompt, if nothing is added to it until then.
    settled: Option<Instant>,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(answer: &'a Answer) -> Self {
        Talk { answer, answered: false, until: Instant::now() + answer.within, settled: None }
    }

    /// What to do after all that was said on standard error so far.
    pub(crate) fn heard(&mut self, stderr: &[u8]) -> Option<Cue> {
        let latest = stderr.get(stderr.len().saturating_sub(LATEST)..).unwrap_or_default();
        if self.answer.has_begun(latest) {
            return Some(Cue::Input);
        }
        if !self.answer.chooses_prompt() {
            let asked = !self.answered && self.answer.whom.is_asked(&String::from_utf8_lossy(latest));
            self.settled = asked.then(|| Instant::now() + PROMPT_SETTLES);
            return None;
        }
        let prompt = self.answer.prompt.as_bytes();
        let first = find(latest, prompt)?;
        if !self.answered {
            self.answered = true;
            return Some(Cue::Answer);
        }
        // The same answer twice is wrong twice.
        find(latest.get(first + prompt.len()..)?, prompt).map(|_| Cue::End)
    }

    /// Until when silence says nothing.
    pub(crate) fn pause(&self) -> Instant {
        self.settled.unwrap_or(self.until).min(self.until)
    }

    /// What to do when nothing was said until then; nothing more, when it has taken too long.
    pub(crate) fn silence(&mut self) -> Option<Cue> {
        self.settled.take()?;
        self.answered = true;
        Some(Cue::Answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(method: BecomeMethod) -> Answer {
        let user = "ann".to_owned();
        let password = Some("open sesame".to_owned());
        Answer::of(&Become {
            method,
            user,
            exe: None,
            flags: None,
            password,
            prompts: Vec::new(),
            within: 60,
        })
        .unwrap()
    }

    #[tokio::test]
    async fn a_password_is_for_sudos_prompt_alone_and_given_once() {
        let answer = answer(BecomeMethod::Sudo);
        let mut talk = Talk::new(&answer);
        let mut said = b"Password: ".to_vec();
        assert_eq!(talk.heard(&said), None);
        said.extend(answer.prompt.as_bytes());
        assert_eq!(talk.heard(&said), Some(Cue::Answer));
        said.extend(b"\nSorry, try again.\n");
        assert_eq!(talk.heard(&said), None);
        said.extend(answer.prompt.as_bytes());
        assert_eq!(talk.heard(&said), Some(Cue::End));
        assert_eq!(answer.clean(&said), b"Password: \nSorry, try again.\n");
        let begun = format!("careful\n{}\n", answer.begun);
        assert_eq!(Talk::new(&answer).heard(begun.as_bytes()), Some(Cue::Input));
        assert_eq!(answer.clean(begun.as_bytes()), b"careful\n");
    }

    #[tokio::test]
    async fn su_asks_in_its_own_words_and_waits_after_them() {
        let answer = answer(BecomeMethod::Su);
        let mut talk = Talk::new(&answer);
        let mut said = b"Password: ".to_vec();
        assert_eq!(talk.heard(&said), None);
        assert!(talk.pause() < talk.until);
        // It was no question.
        said.extend(b"expired\n");
        assert_eq!(talk.heard(&said), None);
        assert_eq!((talk.pause(), talk.silence()), (talk.until, None));
        said.extend(b"Password: ");
        assert_eq!(talk.heard(&said), None);
        assert_eq!(talk.silence(), Some(Cue::Answer));
        // Whatever it asks after that, the password is said once.
        said.extend(b"\nPassword: ");
        assert_eq!((talk.heard(&said), talk.silence()), (None, None));
        said.extend(format!("\n{}\nhello\n", answer.begun).into_bytes());
        assert_eq!(talk.heard(&said), Some(Cue::Input));
        assert_eq!(answer.clean(&said), b"hello\n");
    }
}
