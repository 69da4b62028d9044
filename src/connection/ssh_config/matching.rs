//! Whether a `Host` or `Match` block is for the host.

use std::process::{Command, Stdio};

use super::line::Line;
use super::settings::Settings;
use super::tokens::Tokens;
use super::{Place, SshConfigError, SshContext};
use crate::wildcard::matches_list;

/// Who asks: what is known of the host so far.
pub(super) struct Question<'a> {
    pub(super) context: &'a SshContext,
    /// The name that was asked for.
    pub(super) original: &'a str,
    /// Whether this is the second reading, which `final` asks for.
    pub(super) last: bool,
}

/// What a `Match` line answers.
pub(super) struct Answer {
    pub(super) matches: bool,
    /// Whether it wants a second reading.
    pub(super) wants_last: bool,
}

impl Question<'_> {
    /// Whether a `Host` line is for the host.
    pub(super) fn host(&self, line: &Line) -> bool {
        matches_list(line.arguments.iter().map(String::as_str), self.original)
    }

    /// Whether a `Match` line is.
    pub(super) fn matched(
        &self,
        line: &Line,
        so_far: &Settings,
        place: &Place,
    ) -> Result<Answer, SshConfigError> {
        let mut answer = Answer { matches: true, wants_last: false };
        let mut arguments = line.arguments.iter();
        let mut any = false;
        while let Some(argument) = arguments.next() {
            any = true;
            let (word, inline) = match argument.split_once('=') {
                Some((word, value)) => (word, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let (negated, word) = match word.strip_prefix('!') {
                Some(word) => (true, word),
                None => (false, word),
            };
            let word = word.to_lowercase();
            let mut value = || {
                inline
                    .clone()
                    .or_else(|| arguments.next().cloned())
                    .filter(|value| !value.is_empty())
                    .ok_or_else(|| SshConfigError::new(place, format!("Match {word} needs a value")))
            };
            let user = so_far.text("user").unwrap_or(&self.context.user);
            let result = match word.as_str() {
                "all" => true,
                // Names are never made canonical here.
                "canonical" => false,
                "final" => {
                    answer.wants_last = true;
                    self.last
                }
                "host" => matches_list(value()?.split(','), &self.host_now(so_far, place)?),
                "originalhost" => matches_list(value()?.split(','), self.original),
                "user" => matches_list(value()?.split(','), user),
                "localuser" => matches_list(value()?.split(','), &self.context.user),
                "tagged" => matches_list(value()?.split(','), so_far.text("tag").unwrap_or_default()),
                "exec" => {
                    let command = value()?;
                    // OpenSSH runs nothing for a block that cannot match any more either.
                    answer.matches && self.run(&command, so_far, place)?
                }
                other => {
                    return Err(SshConfigError::new(place, format!("Match {other} is not supported"))
                        .with_help("host, originalhost, user, localuser, tagged, exec, final and all are"));
                }
            };
            if result == negated {
                answer.matches = false;
            }
        }
        if !any {
            return Err(SshConfigError::new(place, "Match needs a condition"));
        }
        Ok(answer)
    }

    fn host_now(&self, so_far: &Settings, place: &Place) -> Result<String, SshConfigError> {
        match so_far.text("hostname") {
            Some(name) => expand_host(name, self.original, place),
            None => Ok(self.original.to_owned()),
        }
    }

    fn run(&self, command: &str, so_far: &Settings, place: &Place) -> Result<bool, SshConfigError> {
        let host = self.host_now(so_far, place)?;
        let port = so_far.text("port").and_then(|port| port.parse().ok()).unwrap_or(22);
        let tokens = Tokens {
            context: self.context,
            host: &host,
            original: self.original,
            port,
            user: so_far.text("user").unwrap_or(&self.context.user),
            alias: so_far.text("hostkeyalias"),
            jump: "",
        };
        let command = tokens.expand(command, place)?;
        let shell = self.context.environment.get("SHELL").map_or("/bin/sh", String::as_str);
        let status = Command::new(shell)
            .arg("-c")
            .arg(&command)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|e| SshConfigError::new(place, format!("Match exec cannot run {shell}: {e}")))?;
        Ok(status.success())
    }
}

/// `HostName` knows `%h` and `%%` only.
pub(super) fn expand_host(name: &str, original: &str, place: &Place) -> Result<String, SshConfigError> {
    let mut expanded = String::new();
    let mut characters = name.chars();
    while let Some(c) = characters.next() {
        match c {
            '%' => match characters.next() {
                Some('h') => expanded.push_str(original),
                Some('%') => expanded.push('%'),
                _ => {
                    return Err(SshConfigError::new(
                        place,
                        format!("HostName {name:?} has a token that is not %h or %%"),
                    ));
                }
            },
            c => expanded.push(c),
        }
    }
    Ok(expanded)
}
