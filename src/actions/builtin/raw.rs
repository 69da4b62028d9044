//! Run a command line with the login shell, without anything of ours on the host.
//!
//! ```yaml
//! - raw: apk add python3
//! ```

use shevek_connection::{Answer, RawCommand};
use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::Schema;
use shevek_proto::{Become, BecomeMethod, is_refused};

use crate::host::failed_connection;
use crate::options::{opt, schema};
use crate::{Action, Invocation, Outcome, Running};

static SCHEMA: Schema = schema(
    "raw",
    &[
        opt("_raw_params", Kind::Str, "The command line."),
        opt("executable", Kind::Str, "The shell to run it with."),
    ],
    &[],
);

/// `raw`.
pub(crate) struct Raw;

/// The action.
pub(crate) static ACTION: Raw = Raw;

impl Action for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(run(call))
    }
}

async fn run(call: &Invocation<'_>) -> Result<Outcome> {
    let line = call.required("_raw_params")?;
    if call.host.mode.check {
        // As Ansible does: nothing is known of what it would do.
        return Ok(Outcome { skipped: true, unknown: true, ..Outcome::ok() });
    }
    let line = match call.text("executable") {
        Some(shell) => format!("{shell} -c {}", quoted(&line)?),
        None => line,
    };
    let environment: String = call
        .host
        .environment
        .iter()
        .map(|(name, value)| Ok(format!("{name}={} ", quoted(value)?)))
        .collect::<Result<_>>()?;
    let line = format!("{environment}{line}");
    // Who is that user already becomes nobody, as in Ansible: the host of a first play may have no sudo yet.
    let whom = call.host.become_user.as_ref().filter(|whom| call.host.target.user() != Some(&whom.user));
    let answer = whom.and_then(Answer::of);
    let line = match whom {
        Some(whom) => become_line(whom, &line, answer.as_ref())?,
        None => line,
    };
    // Differs from Ansible: the command has no terminal, so its lines end as they were written and its two outputs stay apart;
    // a host whose sudo insists on a terminal (`requiretty`) lets only tasks with modules in.
    let mut command = RawCommand::new(line);
    command.answer = answer.clone();
    let mut output = match call.host.raw(command).await {
        Ok(output) => output,
        Err(error) => return Ok(failed_connection(&error)),
    };
    let mut refused = None;
    match (whom, &answer) {
        (Some(whom), Some(answer)) => {
            let begun = answer.has_begun(&output.stderr);
            output.stderr = answer.clean(&output.stderr);
            refused = (!begun && output.rc != 0).then(|| refusal(whom, &output.stderr));
        }
        (Some(whom), None) if whom.method == BecomeMethod::Sudo && output.rc != 0 => {
            let wants_password = output.stderr.starts_with(b"sudo: a password is required");
            refused = wants_password.then(|| "Missing sudo password".to_owned());
        }
        _ => {}
    }
    let mut outcome = Outcome { changed: refused.is_none(), failed: output.rc != 0, ..Outcome::ok() }
        .with("rc", output.rc)
        .with("stdout", String::from_utf8_lossy(&output.stdout).into_owned())
        .with("stderr", String::from_utf8_lossy(&output.stderr).into_owned());
    for name in ["stdout", "stderr"] {
        crate::wire::add_lines(&mut outcome.body, name);
    }
    if outcome.failed {
        outcome = outcome.with("msg", refused.unwrap_or_else(|| "non-zero return code".to_owned()));
    }
    Ok(outcome)
}

/// Why a method that was given a password did not begin.
fn refusal(whom: &Become, stderr: &[u8]) -> String {
    let method = name(whom.method);
    if whom.method == BecomeMethod::Doas {
        return format!(
            "doas did not let {} in; without a runner only sudo and su can be given a password",
            whom.user
        );
    }
    match is_refused(&String::from_utf8_lossy(stderr)) {
        true => format!("Incorrect {method} password"),
        false => format!("{method} did not let {} in", whom.user),
    }
}

fn name(method: BecomeMethod) -> &'static str {
    match method {
        BecomeMethod::Sudo => "sudo",
        BecomeMethod::Su => "su",
        BecomeMethod::Doas => "doas",
        BecomeMethod::Runuser => "runuser",
    }
}

/// The line as another user runs it. With a password it says when it has begun: from then on nobody asks for that any more.
fn become_line(whom: &Become, line: &str, answer: Option<&Answer>) -> Result<String> {
    let user = quoted(&whom.user)?;
    let exe = whom.exe.as_deref().unwrap_or(name(whom.method));
    let flags = flags(whom, answer)?;
    let becoming = |line: &str| -> Result<String> {
        let inner = quoted(line)?;
        Ok(match whom.method {
            BecomeMethod::Sudo | BecomeMethod::Doas => {
                format!("{exe} {flags}-u {user} /bin/sh -c {inner}")
            }
            BecomeMethod::Su | BecomeMethod::Runuser => format!("{exe} {flags}{user} -c {inner}"),
        })
    };
    let Some(Answer { begun, .. }) = answer else { return becoming(line) };
    let asking = becoming(&format!("echo {begun} >&2; {line}"))?;
    Ok(match whom.method {
        BecomeMethod::Sudo | BecomeMethod::Doas => asking,
        // What a program of the user's own asks root for is that program's business.
        BecomeMethod::Su | BecomeMethod::Runuser if whom.exe.is_some() => asking,
        // Root is not asked by su: whatever prints a prompt then is something else, and gets no password.
        BecomeMethod::Su | BecomeMethod::Runuser => {
            let plain = becoming(line)?;
            let script =
                format!("if [ \"$(id -u)\" = 0 ]; then echo {begun} >&2; exec {plain}; fi; exec {asking}");
            format!("/bin/sh -c {}", quoted(&script)?)
        }
    })
}

/// The flags of the method, each with a space after it. They are what the user says, or Ansible's; but nothing may wait for
/// an answer that cannot come, and `sudo` asks in our words.
fn flags(whom: &Become, answer: Option<&Answer>) -> Result<String> {
    let usual = if whom.method == BecomeMethod::Sudo { "-H -S -n" } else { "" };
    let text = whom.flags.as_deref().unwrap_or(usual);
    let mut flags = shlex::split(text).ok_or_else(|| {
        Diagnostic::new("become_flags cannot be split into words")
            .detail(format!("a quote is not closed in `{text}`"))
    })?;
    match (whom.method, answer) {
        (BecomeMethod::Sudo, Some(answer)) => {
            flags.retain(|flag| flag != "-n" && flag != "--non-interactive");
            if !flags.iter().any(|flag| flag == "-S" || flag == "--stdin") {
                flags.push("-S".to_owned());
            }
            flags.extend(["-p".to_owned(), answer.prompt.clone()]);
        }
        (BecomeMethod::Doas, _) if !flags.iter().any(|flag| flag == "-n") => flags.push("-n".to_owned()),
        _ => {}
    }
    flags.iter().map(|flag| Ok(quoted(flag)? + " ")).collect()
}

fn quoted(text: &str) -> Result<String> {
    shlex::try_quote(text)
        .map(|quoted| quoted.into_owned())
        .map_err(|_| Diagnostic::new("text with a NUL byte").detail("a command line cannot hold a NUL byte"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whom(method: BecomeMethod, flags: Option<&str>) -> Become {
        let flags = flags.map(str::to_owned);
        Become {
            method,
            user: "ann".to_owned(),
            exe: None,
            flags,
            password: None,
            prompts: Vec::new(),
            within: 60,
        }
    }

    #[test]
    fn flags_of_the_task_are_used_and_sudo_asks_in_words_that_cannot_be_guessed() {
        let line = |method, flags| become_line(&whom(method, flags), "id -un", None).unwrap();
        assert_eq!(line(BecomeMethod::Sudo, None), "sudo -H -S -n -u ann /bin/sh -c 'id -un'");
        assert_eq!(
            line(BecomeMethod::Sudo, Some("-E -X 'a b'")),
            "sudo -E -X 'a b' -u ann /bin/sh -c 'id -un'"
        );
        assert_eq!(line(BecomeMethod::Su, Some("-l")), "su -l ann -c 'id -un'");
        assert_eq!(line(BecomeMethod::Runuser, None), "runuser ann -c 'id -un'");
        assert_eq!(line(BecomeMethod::Doas, None), "doas -n -u ann /bin/sh -c 'id -un'");
        let sudo = Become { password: Some("x".into()), ..whom(BecomeMethod::Sudo, None) };
        let answer = Answer::of(&sudo).unwrap();
        let asking = become_line(&sudo, "id -un", Some(&answer)).unwrap();
        let (prompt, begun) = (&answer.prompt, &answer.begun);
        assert_eq!(asking, format!("sudo -H -S -p '{prompt}' -u ann /bin/sh -c 'echo {begun} >&2; id -un'"));
        assert!(become_line(&whom(BecomeMethod::Sudo, Some("'-E")), "id", None).is_err());
    }

    /// What a program of the other user could print to be given a password.
    #[test]
    fn root_gives_its_password_to_nobody_behind_su() {
        let su = Become { password: Some("x".into()), ..whom(BecomeMethod::Su, None) };
        let answer = Answer::of(&su).unwrap();
        let line = become_line(&su, "id -un", Some(&answer)).unwrap();
        let words = shlex::split(&line).unwrap();
        assert_eq!(words[..2], ["/bin/sh", "-c"]);
        let begun = &answer.begun;
        let own = Become { exe: Some("my-su".to_owned()), ..su.clone() };
        let asking = format!("my-su ann -c 'echo {begun} >&2; id -un'");
        assert_eq!(become_line(&own, "id -un", Some(&answer)).unwrap(), asking);
        assert_eq!(
            words[2],
            format!(
                "if [ \"$(id -u)\" = 0 ]; then echo {begun} >&2; exec su ann -c 'id -un'; fi; \
                 exec su ann -c 'echo {begun} >&2; id -un'"
            )
        );
    }
}
