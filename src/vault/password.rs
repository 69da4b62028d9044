//! Vault passwords and where they come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rand::Rng;
use shevek_diag::{Diagnostic, Diagnostics, Kind, Result};
use zeroize::Zeroizing;

use crate::cipher::Keys;
use crate::envelope::Envelope;
use crate::{Matching, Vault, is_encrypted};

/// One password. It is wiped from memory when dropped and never printed.
#[derive(Clone)]
pub struct Password(Arc<Zeroizing<Vec<u8>>>);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// The user is asked for the password of an id (`ID@prompt`).
    Prompt,
    /// The user is asked for the password, in the words that tools wait for (`--ask-vault-pass`).
    Asked,
    /// A file that holds it, or, if executable, prints it; one named `…-client` is told the vault id.
    File(PathBuf),
}

impl PasswordSource {
    /// Takes `--vault-id`'s `[ID@]SOURCE` apart.
    pub fn parse_id(option: &str) -> (String, Self) {
        let (id, source) = match option.split_once('@') {
            Some((id, source)) if !id.is_empty() => (id, source),
            Some((_, source)) => ("default", source),
            None => ("default", option),
        };
        let source = match source {
            "prompt" => Self::Prompt,
            "prompt_ask_vault_pass" => Self::Asked,
            path => Self::File(PathBuf::from(path)),
        };
        (id.to_owned(), source)
    }

    /// Gets the password; `ask` puts a question to the user.
    pub fn password(
        &self,
        id: &str,
        known: &Vault,
        ask: &dyn Fn(&str) -> Result<String>,
    ) -> Result<Password> {
        let bytes = match self {
            Self::Prompt | Self::Asked => {
                let whose = if *self == Self::Prompt { format!(" ({id})") } else { String::new() };
                let answer = Zeroizing::new(ask(&format!("Vault password{whose}: "))?);
                return Password::new(answer.trim().as_bytes())
                    .ok_or_else(|| empty("the answer", "type the password"));
            }
            Self::File(path) if is_executable(path) => run(path, id)?,
            Self::File(path) => read(path, known)?,
        };
        Password::new(trim_newlines(&bytes))
            .ok_or_else(|| empty(&format!("`{self}`"), "put the password into it, on one line"))
    }
}

impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt | Self::Asked => f.write_str("prompt"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Password {
    /// A password; `None`: it is empty, and an empty one protects nothing.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self(Arc::new(Zeroizing::new(bytes.to_vec()))))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Encrypts under an id. The salt is random unless given (`VAULT_ENCRYPT_SALT`).
    pub fn encrypt(&self, plain: &[u8], id: Option<&str>, salt: Option<&[u8]>) -> String {
        let salt = salt.map_or_else(
            || {
                let mut salt = vec![0; 32];
                rand::rng().fill_bytes(&mut salt);
                salt
            },
            <[u8]>::to_vec,
        );
        let (content, mac) = Keys::derive(self.bytes(), &salt).encrypt(plain);
        Envelope { id: id.map(str::to_owned), salt, mac, content }.text()
    }
}

const UNREADABLE: &str = "vault password file cannot be read";

fn read(path: &Path, known: &Vault) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = std::fs::read(path).map_err(|why| {
        Diagnostic::new(UNREADABLE).kind(Kind::Machine).detail(format!("{}: {why}", path.display()))
    })?;
    let bytes = Zeroizing::new(bytes.trim_ascii().to_vec());
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_encrypted(text) => known.decrypt(text),
        _ => Ok(bytes),
    }
}

fn run(path: &Path, id: &str) -> Result<Zeroizing<Vec<u8>>> {
    let failed =
        |detail: String| Diagnostic::new("vault password script failed").kind(Kind::Machine).detail(detail);
    // Without a slash it would be searched in PATH.
    let program = if path.components().count() == 1 { Path::new(".").join(path) } else { path.to_owned() };
    let mut command = Command::new(program);
    if path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client")) {
        command.args(["--vault-id", id]);
    }
    let output = command.stdin(std::process::Stdio::inherit()).output().map_err(|why| {
        failed(format!("{}: {why}", path.display()))
            .help("if it is not a script, take its executable bit away")
    })?;
    let stdout = Zeroizing::new(output.stdout);
    if output.status.success() {
        return Ok(stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("{} ended with {}: {}", path.display(), output.status, said.trim())))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn trim_newlines(mut bytes: &[u8]) -> &[u8] {
    while let [b'\n' | b'\r', rest @ ..] | [rest @ .., b'\n' | b'\r'] = bytes {
        bytes = rest;
    }
    bytes
}

fn empty(what: &str, help: &str) -> Box<Diagnostic> {
    Diagnostic::new("empty vault password")
        .kind(Kind::Machine)
        .detail(format!("{what} holds no password"))
        .help(help)
}

impl Vault {
    /// Gets all passwords, in order. An earlier one may open a later one's file. Where a file gives none, the others may
    /// do: that is a warning, and an error only if nothing is left.
    pub fn gather(
        sources: &[(String, PasswordSource)],
        matching: Matching,
        ask: &dyn Fn(&str) -> Result<String>,
    ) -> Result<(Self, Diagnostics)> {
        let mut secrets: Vec<(String, Password)> = Vec::new();
        let (mut warnings, mut last) = (Diagnostics::new(), None);
        for (id, source) in sources {
            match source.password(id, &Vault::new(secrets.clone(), matching), ask) {
                Ok(password) => secrets.push((id.clone(), password)),
                Err(why) if matches!(source, PasswordSource::Prompt | PasswordSource::Asked) => {
                    return Err(why);
                }
                Err(why) => {
                    let what = if why.summary == UNREADABLE {
                        "getting vault password file"
                    } else {
                        "in vault password file loading"
                    };
                    warnings.push(Diagnostic::warning(format!("Error {what} ({id})")).detail(why.message()));
                    last = Some(why);
                }
            }
        }
        match last {
            Some(why) if secrets.is_empty() => Err(why),
            _ => Ok((Vault::new(secrets, matching), warnings)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(name: &str, text: &str, mode: u32) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("shevek-vault-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn password(path: PathBuf, id: &str) -> Result<Vec<u8>> {
        let source = PasswordSource::File(path);
        let password = source.password(id, &Vault::default(), &|_| panic!("nobody is asked"))?;
        Ok(password.bytes().to_vec())
    }

    #[test]
    fn a_file_holds_the_password_and_a_script_prints_it() {
        assert_eq!(password(file("plain", "pass word \n\n", 0o600), "dev").unwrap(), b"pass word");
        assert_eq!(password(file("script.sh", "#!/bin/sh\necho 'x y '\n", 0o700), "dev").unwrap(), b"x y ");
        let client = file("my-client.sh", "#!/bin/sh\necho \"$@\"\n", 0o700);
        assert_eq!(password(client, "dev").unwrap(), b"--vault-id dev");
    }

    #[test]
    fn a_script_that_fails_says_why() {
        let error =
            password(file("bad.sh", "#!/bin/sh\necho no key >&2\nexit 3\n", 0o700), "dev").unwrap_err();
        assert!(error.detail.ends_with("bad.sh ended with exit status: 3: no key"), "{}", error.detail);
    }

    #[test]
    fn an_empty_password_is_refused() {
        assert!(password(file("empty", "\n", 0o600), "dev").is_err());
        let asked = PasswordSource::Prompt.password("dev", &Vault::default(), &|question| {
            assert_eq!(question, "Vault password (dev): ");
            Ok(" pw ".to_owned())
        });
        assert_eq!(asked.unwrap().bytes(), b"pw");
        let asked = PasswordSource::Asked.password("dev", &Vault::default(), &|question| {
            assert_eq!(question, "Vault password: ");
            Ok("pw".to_owned())
        });
        assert_eq!(asked.unwrap().bytes(), b"pw");
    }

    #[test]
    fn vault_ids_name_an_id_and_a_source() {
        let parse = |option: &str| PasswordSource::parse_id(option);
        assert_eq!(parse("dev@prompt"), ("dev".into(), PasswordSource::Prompt));
        assert_eq!(parse("dev@a@b"), ("dev".into(), PasswordSource::File("a@b".into())));
        assert_eq!(parse("pass.txt"), ("default".into(), PasswordSource::File("pass.txt".into())));
        assert_eq!(parse("@prompt"), ("default".into(), PasswordSource::Prompt));
    }
}
