//! Keys, one by one as they are pressed at the terminal: what `pause` waits for.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
};
use shevek_event::{Keys, Wait, Waited};

/// How long the end of a run may go unnoticed.
const ATTENTION: Duration = Duration::from_millis(50);

const CTRL_C: u8 = 3;
const BACKSPACES: [u8; 2] = [8, 127];

/// Back to the beginning of the line, and away with what is there.
const CLEAR_LINE: &[u8] = b"\r\x1b[K";

/// Whether there is a terminal, and this program is not in its background.
pub(crate) fn has_terminal() -> bool {
    io::stdin().is_terminal() && tcgetpgrp(io::stdin()).map_or(true, |front| front == getpgrp())
}

/// Shows the text and waits for the keys. `is_over` says that the run ends, whatever is waited for.
pub(crate) fn wait(wait: &Wait, is_over: &dyn Fn() -> bool) -> io::Result<Waited> {
    let mut out = io::stdout();
    let _raw = Raw::begin()?;
    writeln!(out, "{}", wait.text)?;
    let begin = Instant::now();
    let mut typed = Typed { bytes: Vec::new(), is_shown: !wait.private };
    loop {
        let left = wait.seconds.map(|seconds| Duration::from_secs(seconds).saturating_sub(begin.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Waited::Over(typed.text()));
        }
        if is_over() {
            return Ok(Waited::Interrupted);
        }
        let Some(key) = key(left.unwrap_or(ATTENTION).min(ATTENTION))? else { continue };
        match meaning(wait.keys, key) {
            Meaning::End => {
                out.write_all(CLEAR_LINE)?;
                return Ok(Waited::Over(typed.text()));
            }
            Meaning::Interrupt => {
                out.write_all(CLEAR_LINE)?;
                return Ok(Waited::Interrupted);
            }
            Meaning::Text => typed.take(key, &mut out)?,
        }
    }
}

/// What a key says.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    End,
    Interrupt,
    Text,
}

fn meaning(keys: Keys, key: u8) -> Meaning {
    let is = |letter: char| char::from(key).eq_ignore_ascii_case(&letter);
    match keys {
        _ if key == CTRL_C => Meaning::Interrupt,
        Keys::Enter if matches!(key, b'\r' | b'\n') => Meaning::End,
        Keys::Letter { end, .. } if is(end) => Meaning::End,
        Keys::Letter { interrupt, .. } if is(interrupt) => Meaning::Interrupt,
        _ => Meaning::Text,
    }
}

/// The next key, if one is pressed in time.
fn key(time: Duration) -> io::Result<Option<u8>> {
    let stdin = io::stdin();
    let mut descriptors = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = Timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
    match poll(&mut descriptors, Some(&timeout)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    // Past the buffer of the standard library, which would read on to the end of a line.
    let mut byte = [0];
    match rustix::io::read(&stdin, &mut byte)? {
        0 => Err(io::Error::other("standard input has ended")),
        _ => Ok(Some(byte[0])),
    }
}

/// What has been typed so far.
struct Typed {
    bytes: Vec<u8>,
    is_shown: bool,
}

impl Typed {
    fn take(&mut self, key: u8, out: &mut dyn Write) -> io::Result<()> {
        if BACKSPACES.contains(&key) {
            // A letter may be several bytes.
            while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            if self.is_shown {
                out.write_all(CLEAR_LINE)?;
                out.write_all(&self.bytes)?;
            }
        } else {
            self.bytes.push(key);
            if self.is_shown && key >= b' ' {
                out.write_all(&[key])?;
            }
        }
        out.flush()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Keys come as they are pressed, and only to us, until it is dropped.
struct Raw(Termios);

impl Raw {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        // What was pressed before the question is no answer to it.
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
        Ok(Raw(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_is_waited_for() {
        let letter = Keys::Letter { end: 'c', interrupt: 'a' };
        let cases = [
            (Keys::Enter, b'\r', Meaning::End),
            (Keys::Enter, b'c', Meaning::Text),
            (Keys::Enter, CTRL_C, Meaning::Interrupt),
            (Keys::Interrupt, b'\n', Meaning::Text),
            (letter, b'C', Meaning::End),
            (letter, b'a', Meaning::Interrupt),
            (letter, b'x', Meaning::Text),
        ];
        for (keys, key, wanted) in cases {
            assert_eq!(meaning(keys, key), wanted, "{keys:?} {key}");
        }
    }

    #[test]
    fn a_letter_is_taken_back_whole() {
        let (mut typed, mut shown) = (Typed { bytes: Vec::new(), is_shown: true }, Vec::new());
        for key in "aé\u{7f}b".bytes() {
            typed.take(key, &mut shown).unwrap();
        }
        assert_eq!(typed.text(), "ab");
        assert_eq!(shown, "aé\r\x1b[Kab".as_bytes());
        typed.is_shown = false;
        typed.take(b'c', &mut shown).unwrap();
        assert!(typed.text() == "abc" && shown.ends_with(b"Kab"));
    }
}
