//! The passwords of a run, asked for or read before it starts.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_settings::Settings;
use shevek_value::Value;
use shevek_vault::{Matching, PasswordSource, Vault};
use zeroize::Zeroizing;

use crate::output::{complain, errors_coloured};
use crate::prompt::Terminal;

/// Passwords for logging in and for becoming another user.
#[derive(Default)]
pub(crate) struct Passwords {
    pub login: Option<Zeroizing<String>>,
    pub escalation: Option<Zeroizing<String>>,
}

impl Passwords {
    /// Asks for, or reads, what the settings say.
    pub(crate) fn gather(settings: &Settings, terminal: &Terminal) -> Result<Self> {
        let mut prompt = "BECOME password: ";
        let login = if settings.ask_pass {
            prompt = "BECOME password[defaults to SSH password]: ";
            Some(Zeroizing::new(terminal.password("SSH password: ")?))
        } else {
            settings.connection_password_file.as_deref().map(from_file).transpose()?
        };
        let escalation = if settings.become_ask_pass {
            let answer = Zeroizing::new(terminal.password(prompt)?);
            if answer.is_empty() && settings.ask_pass { login.clone() } else { Some(answer) }
        } else {
            settings.become_password_file.as_deref().map(from_file).transpose()?
        };
        Ok(Self { login, escalation })
    }
}

/// Gets all vault passwords.
pub(crate) fn vault(
    sources: &[(String, PasswordSource)],
    settings: &Settings,
    terminal: &Terminal,
) -> Result<Vault> {
    let matching = if settings.vault_id_match { Matching::ById } else { Matching::Any };
    let (vault, warnings) = Vault::gather(sources, matching, &|prompt| terminal.password(prompt))?;
    complain(&warnings, errors_coloured(settings));
    Ok(vault)
}

/// The password that a file holds or a program prints.
fn from_file(path: &Path) -> Result<Zeroizing<String>> {
    let wrong = |detail: String| {
        Diagnostic::new("no password from a password file")
            .kind(Kind::Machine)
            .detail(format!("{}: {detail}", path.display()))
    };
    let path = &expand(path);
    let bytes = if path == Path::new("-") {
        let mut bytes = Zeroizing::new(Vec::new());
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
        bytes
    } else if is_program(path) {
        let output = Command::new(path).output().map_err(|error| {
            wrong(error.to_string()).help("if it is no program, take its executable bit away")
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(wrong(format!("it ended with {}: {}", output.status, said.trim())));
        }
        Zeroizing::new(output.stdout)
    } else {
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        Zeroizing::new(bytes.trim_ascii().to_vec())
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    match text.trim_matches(['\r', '\n']) {
        "" => Err(wrong("it is empty".to_owned())),
        password => Ok(Zeroizing::new(password.to_owned())),
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn expand(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// What of the settings is secret, so that it can be kept out of events.
pub(crate) fn hidden(settings: &Settings) -> impl Iterator<Item = &str> {
    let hidden = [
        &settings.become_password,
        &settings.sudo_password,
        &settings.su_password,
        &settings.private_key,
        &settings.private_key_passphrase,
    ];
    hidden.into_iter().flatten().map(String::as_str)
}

/// The passwords as values, marked secret.
pub(crate) fn secret(password: &Zeroizing<String>) -> Value {
    Value::str(password.as_str()).secret()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str, mode: u32) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("shevek-cli-passwords-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_file_holds_the_password_and_a_program_prints_it() {
        assert_eq!(from_file(&file("plain", " pass word \n", 0o600)).unwrap().as_str(), "pass word");
        assert_eq!(from_file(&file("program", "#!/bin/sh\necho ' x '\n", 0o700)).unwrap().as_str(), " x ");
    }

    #[test]
    fn an_empty_file_or_a_failing_program_is_an_error() {
        let detail = |path: PathBuf| from_file(&path).unwrap_err().detail;
        assert!(detail(file("empty", "\n", 0o600)).ends_with("it is empty"));
        let failing = detail(file("failing", "#!/bin/sh\necho no >&2\nexit 3\n", 0o700));
        assert!(failing.ends_with("it ended with exit status: 3: no"), "{failing}");
    }
}
