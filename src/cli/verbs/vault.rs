//! `shevek vault`: encrypt and decrypt.

use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_settings::Settings;
use shevek_vault::{Envelope, PasswordSource, Vault as Keyring, is_encrypted};
use zeroize::Zeroizing;

use crate::exit::{Ending, unreadable, unwritable};
use crate::options::VaultIds;
use crate::output::{complain, errors_coloured, print};
use crate::passwords;
use crate::prompt::Terminal;

/// Encrypts and decrypts files and values.
#[derive(Debug, Args)]
pub(crate) struct Vault {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a new encrypted file in an editor.
    Create(Files),
    /// Change an encrypted file in an editor.
    Edit(Files),
    /// Print an encrypted file's text.
    View(Files),
    /// Encrypt files, or standard input.
    Encrypt(Files),
    /// Decrypt files, or standard input.
    Decrypt(Files),
    /// Encrypt files anew with another password.
    Rekey(Rekey),
    /// Encrypt a value, to be put into YAML.
    #[command(name = "encrypt_string", visible_alias = "encrypt-string")]
    EncryptString(EncryptString),
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    ids: VaultIds,

    /// The vault id to encrypt with, when there are several.
    #[arg(long, value_name = "ID")]
    encrypt_vault_id: Option<String>,

    /// Accepted; there is nothing more to show.
    #[arg(short = 'v', long, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Args)]
struct Files {
    #[command(flatten)]
    common: Common,

    /// Write here instead of in place; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Open the editor even without a terminal.
    #[arg(long)]
    skip_tty_check: bool,

    /// Files; `-` or none: standard input.
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct Rekey {
    #[command(flatten)]
    common: Common,

    /// The new password's vault id and source.
    #[arg(long, value_name = "[ID@]SOURCE", conflicts_with = "new_vault_password_file")]
    new_vault_id: Option<String>,

    /// The file with the new password.
    #[arg(long, value_name = "FILE")]
    new_vault_password_file: Option<PathBuf>,

    /// Files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct EncryptString {
    #[command(flatten)]
    common: Common,

    /// Ask for the value.
    #[arg(short = 'p', long)]
    prompt: bool,

    /// Show the value while it is typed.
    #[arg(long)]
    show_input: bool,

    /// Names of the variables, in the order of the values.
    #[arg(short = 'n', long = "name", value_name = "NAME")]
    names: Vec<String>,

    /// Name of the variable whose value is on standard input.
    #[arg(long, value_name = "NAME")]
    stdin_name: Option<String>,

    /// Write here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Values; `-` is standard input.
    values: Vec<String>,
}

impl Vault {
    pub(crate) fn run(self, settings: Settings) -> Ending {
        let terminal = Terminal::default();
        let desk = |common: &Common, purpose| Desk::new(common, &settings, &terminal, purpose);
        match self.what {
            What::Create(files) => desk(&files.common, Purpose::New)?.create(&files)?,
            What::Edit(files) => desk(&files.common, Purpose::Known)?.edit(&files)?,
            What::View(files) => desk(&files.common, Purpose::Known)?.view(&files)?,
            What::Encrypt(files) => desk(&files.common, Purpose::New)?.encrypt(&files)?,
            What::Decrypt(files) => desk(&files.common, Purpose::Known)?.decrypt(&files)?,
            What::Rekey(rekey) => desk(&rekey.common, Purpose::Known)?.rekey(&rekey)?,
            What::EncryptString(strings) => desk(&strings.common, Purpose::New)?.encrypt_strings(&strings)?,
        }
        Ok(0)
    }
}

/// Whether the password is a new one (it is asked for twice).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Known,
    New,
}

/// What all of it needs.
struct Desk<'a> {
    settings: &'a Settings,
    terminal: &'a Terminal,
    keyring: Keyring,
    /// The vault id to encrypt with.
    id: Option<String>,
}

fn wrong(summary: &'static str, detail: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::new(summary).kind(Kind::Options).detail(detail)
}

fn gather(
    sources: &[(String, PasswordSource)],
    settings: &Settings,
    terminal: &Terminal,
    purpose: Purpose,
) -> Result<Keyring> {
    if purpose == Purpose::Known {
        return passwords::vault(sources, settings, terminal);
    }
    let (keyring, warnings) = Keyring::gather(sources, shevek_vault::Matching::Any, &|prompt| {
        // In Ansible's words, which tools wait for.
        let (new, confirm) = match prompt.strip_prefix("Vault password (") {
            Some(rest) => {
                (format!("New vault password ({rest}"), format!("Confirm new vault password ({rest}"))
            }
            None => (format!("New {prompt}"), format!("Confirm New {prompt}")),
        };
        let first = terminal.password(&new)?;
        let second = Zeroizing::new(terminal.password(&confirm)?);
        let differ = || wrong("passwords do not match", "the second one is another").kind(Kind::Machine);
        if first == *second { Ok(first) } else { Err(differ()) }
    })?;
    complain(&warnings, errors_coloured(settings));
    Ok(keyring)
}

impl<'a> Desk<'a> {
    fn new(
        common: &Common,
        settings: &'a Settings,
        terminal: &'a Terminal,
        purpose: Purpose,
    ) -> Result<Self> {
        let mut sources = common.ids.sources(settings);
        if sources.is_empty() {
            sources.push((settings.vault_identity.clone(), PasswordSource::Asked));
        }
        let keyring = gather(&sources, settings, terminal, purpose)?;
        let id = common.encrypt_vault_id.clone().or_else(|| settings.vault_encrypt_identity.clone());
        Ok(Self { settings, terminal, keyring, id })
    }

    /// The id to encrypt with: the one that was named, else the only one there is.
    fn id_for_writing(&self) -> Result<String> {
        // Two passwords for one id are two, too.
        let ids: Vec<&str> = self.keyring.ids().collect();
        match (&self.id, ids.as_slice()) {
            (Some(id), _) => Ok(id.clone()),
            (None, [only]) => Ok((*only).to_owned()),
            (None, several) => Err(wrong(
                "several vault ids",
                format!("there are passwords for the vault ids {}", several.join(", ")),
            )
            .help("name the one to encrypt with in --encrypt-vault-id")),
        }
    }

    fn seal(&self, plain: &[u8], keyring: &Keyring, id: &str) -> Result<String> {
        let (_, password) = keyring.secret_for_writing(Some(id))?;
        // `default` is the id of vaults without one.
        Ok(password.encrypt(plain, Some(id).filter(|id| *id != "default"), self.salt()))
    }

    /// The salt that the configuration names.
    fn salt(&self) -> Option<&[u8]> {
        self.settings.vault_encrypt_salt.as_ref().map(|salt| salt.as_bytes())
    }

    fn encrypt(&self, files: &Files) -> Result<()> {
        let id = self.id_for_writing()?;
        for file in inputs(files)? {
            let plain = read(file)?;
            if is_encrypted(&*plain) {
                return Err(wrong("already encrypted", name(file)));
            }
            let text = self.seal(&plain, &self.keyring, &id)?;
            write(target(files, file), text.as_bytes())?;
        }
        done("Encryption successful");
        Ok(())
    }

    fn decrypt(&self, files: &Files) -> Result<()> {
        for file in inputs(files)? {
            let plain = self.open(file)?;
            write(target(files, file), &plain)?;
        }
        done("Decryption successful");
        Ok(())
    }

    fn open(&self, file: Option<&Path>) -> Result<Zeroizing<Vec<u8>>> {
        let text = read(file)?;
        let named = |error: Box<Diagnostic>| {
            let detail = format!("{}: {}", name(file), error.detail);
            error.kind(Kind::Machine).detail(detail)
        };
        match std::str::from_utf8(&text) {
            Ok(text) if is_encrypted(text) => self.keyring.decrypt(text).map_err(named),
            _ => Err(Diagnostic::new("not encrypted").kind(Kind::Machine).detail(name(file))),
        }
    }

    fn view(&self, files: &Files) -> Result<()> {
        for file in inputs(files)? {
            let plain = self.open(file)?;
            print(&String::from_utf8_lossy(&plain));
        }
        Ok(())
    }

    fn create(&self, files: &Files) -> Result<()> {
        let [file] = files.files.as_slice() else {
            return Err(wrong("one file is made at a time", "name one file"));
        };
        if file.exists() {
            return Err(wrong("the file is there already", file.display().to_string()).help("use `edit`"));
        }
        if !files.skip_tty_check && !std::io::stdin().is_terminal() {
            return Err(wrong("no terminal for an editor", "standard input is no terminal")
                .help("--skip-tty-check opens the editor nevertheless"));
        }
        let id = self.id_for_writing()?;
        let plain = self.edited(b"")?;
        let text = self.seal(&plain, &self.keyring, &id)?;
        write(Some(file), text.as_bytes())
    }

    fn edit(&self, files: &Files) -> Result<()> {
        for file in &files.files {
            let text = read(Some(file))?;
            let text = String::from_utf8_lossy(&text).into_owned();
            if !is_encrypted(&text) {
                return Err(wrong("not encrypted", file.display().to_string()));
            }
            let (id, plain) = self.keyring.decrypt_with_id(&text)?;
            let new = self.edited(&plain)?;
            if *new != *plain {
                let text = match self.id.as_deref() {
                    Some(id) => self.seal(&new, &self.keyring, id)?,
                    // The header stays as it is: format 1.1 names no id, whoever opened it.
                    None => {
                        let (_, password) = self.keyring.secret_for_writing(Some(id))?;
                        let header = Envelope::parse(&text)?.id;
                        password.encrypt(&new, header.as_deref(), self.salt())
                    }
                };
                write(Some(file), text.as_bytes())?;
            }
        }
        Ok(())
    }

    /// The text as an editor leaves it; it is on disk only for the user's own eyes, and only so long.
    fn edited(&self, plain: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let draft = Draft::new(plain)?;
        let mut words = self.settings.editor.split_whitespace();
        let program = words.next().unwrap_or("vi");
        let status = Command::new(program).args(words).arg(&draft.path).status().map_err(|error| {
            wrong("the editor can't be started", format!("`{program}`: {error}")).help("set EDITOR")
        })?;
        if !status.success() {
            return Err(wrong("the editor gave up", format!("`{program}` ended with {status}")));
        }
        read(Some(&draft.path))
    }

    fn rekey(&self, rekey: &Rekey) -> Result<()> {
        let source = match (&rekey.new_vault_id, &rekey.new_vault_password_file) {
            (Some(option), _) => PasswordSource::parse_id(option),
            (None, Some(file)) => (self.settings.vault_identity.clone(), PasswordSource::File(file.clone())),
            (None, None) => (self.settings.vault_identity.clone(), PasswordSource::Asked),
        };
        let id = source.0.clone();
        let keyring = gather(&[source], self.settings, self.terminal, Purpose::New)?;
        // All are opened before any is written.
        let plains: Vec<_> = rekey.files.iter().map(|file| self.open(Some(file))).collect::<Result<_>>()?;
        for (file, plain) in rekey.files.iter().zip(plains) {
            let text = self.seal(&plain, &keyring, &id)?;
            write(Some(file), text.as_bytes())?;
        }
        done("Rekey successful");
        Ok(())
    }

    fn encrypt_strings(&self, options: &EncryptString) -> Result<()> {
        let id = self.id_for_writing()?;
        let wants_stdin = options.values.iter().any(|value| value == "-")
            || options.stdin_name.is_some()
            || (options.values.is_empty() && !options.prompt);
        if options.prompt && wants_stdin {
            return Err(wrong("two ways to give a value", "--prompt and standard input exclude each other"));
        }
        let mut pieces: Vec<Piece> = Vec::new();
        if options.prompt {
            pieces.push(self.asked(options.show_input)?);
        }
        if wants_stdin {
            if std::io::stdout().is_terminal() {
                note(
                    "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not \
                     already have a newline)",
                );
            }
            let name = options.stdin_name.clone();
            pieces.push(Piece { name, plain: read(None)?, source: "stdin" });
        }
        let mut names = options.names.iter().cloned();
        for value in options.values.iter().filter(|value| *value != "-") {
            let plain = Zeroizing::new(value.clone().into_bytes());
            pieces.push(Piece { name: names.next(), plain, source: "the command line args" });
        }
        let several = pieces.len() > 1;
        let mut text = String::new();
        for (at, Piece { name, plain, source }) in pieces.into_iter().enumerate() {
            if plain.is_empty() {
                return Err(wrong("nothing to encrypt", format!("the value from {source} is empty")));
            }
            if several {
                let string = format!("the string #{} from {source}", at + 1);
                note(&match &name {
                    Some(name) => format!("# The encrypted version of variable (\"{name}\", {string})."),
                    None => format!("# The encrypted version of {string}.)"),
                });
            }
            text += &(yaml_value(name.as_deref(), &self.seal(&plain, &self.keyring, &id)?) + "\n");
        }
        let out = options.output.as_deref().filter(|path| *path != Path::new("-"));
        write(out, text.as_bytes())?;
        done("Encryption successful");
        Ok(())
    }

    /// A value that somebody types, with its name.
    fn asked(&self, is_shown: bool) -> Result<Piece> {
        let ask = |text: &str| {
            shevek_event::Ask::ask(
                self.terminal,
                &shevek_event::Question { text: text.to_owned(), piped: true, ..Default::default() },
            )
        };
        let name = Some(ask("Variable name (enter for no name): ")?).filter(|name| !name.is_empty());
        let plain = match is_shown {
            true => ask("String to encrypt:")?,
            false => self.terminal.password("String to encrypt (hidden): ")?,
        };
        Ok(Piece { name, plain: Zeroizing::new(plain.into_bytes()), source: "the interactive prompt" })
    }
}

/// A value to be encrypted.
struct Piece {
    name: Option<String>,
    plain: Zeroizing<Vec<u8>>,
    /// Where it comes from, in Ansible's words.
    source: &'static str,
}

/// `name: !vault |` with the vault below.
fn yaml_value(name: Option<&str>, vault: &str) -> String {
    let head = name.map(|name| format!("{name}: ")).unwrap_or_default();
    let lines = vault.lines().map(|line| format!("\n          {line}"));
    format!("{head}!vault |{}", lines.collect::<String>())
}

fn name(file: Option<&Path>) -> String {
    file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string())
}

/// Files to read, `None` being standard input.
fn inputs(files: &Files) -> Result<Vec<Option<&Path>>> {
    if files.output.is_some() && files.files.len() > 1 {
        return Err(wrong("several files into one", "with --output there can be one file only"));
    }
    if files.files.is_empty() {
        return Ok(vec![None]);
    }
    Ok(files.files.iter().map(|file| Some(file.as_path()).filter(|file| *file != Path::new("-"))).collect())
}

/// Where to write, `None` being standard output.
fn target<'a>(files: &'a Files, file: Option<&'a Path>) -> Option<&'a Path> {
    files.output.as_deref().map_or(file, Some).filter(|file| *file != Path::new("-"))
}

fn read(file: Option<&Path>) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    match file {
        Some(file) => *bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?,
        None => {
            let read = std::io::stdin().read_to_end(&mut bytes);
            read.map_err(|error| unreadable(Path::new("<standard input>"), &error))?;
        }
    }
    Ok(bytes)
}

/// Writes through a file beside it, so that nothing is half written; a new file is for its owner's eyes only.
fn write(file: Option<&Path>, bytes: &[u8]) -> Result<()> {
    let Some(file) = file else {
        let mut out = std::io::stdout().lock();
        return out
            .write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|error| unwritable(Path::new("-"), &error));
    };
    // A link's target is written, not the link replaced.
    let file = &file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let mode = file.metadata().map_or(0o600, |meta| meta.permissions().mode() & 0o777);
    let draft = Draft::beside(file, bytes)?;
    std::fs::set_permissions(&draft.path, PermissionsExt::from_mode(mode))
        .and_then(|()| std::fs::rename(&draft.path, file))
        .map_err(|error| unwritable(file, &error))
}

/// A file that nobody else can read, and that is gone afterwards.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn new(content: &[u8]) -> Result<Self> {
        Self::at(std::env::temp_dir().join(format!("shevek-vault-{}.yml", unguessable()?)), content)
    }

    fn beside(file: &Path, content: &[u8]) -> Result<Self> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Self::at(file.with_file_name(format!(".{name}.{}", unguessable()?)), content)
    }

    fn at(path: PathBuf, content: &[u8]) -> Result<Self> {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut file = file.map_err(|error| unwritable(&path, &error))?;
        let draft = Self { path };
        file.write_all(content).map_err(|error| unwritable(&draft.path, &error))?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn unguessable() -> Result<String> {
    let mut bytes = [0; 16];
    let random = Path::new("/dev/urandom");
    let read = std::fs::File::open(random).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| unreadable(random, &error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn done(text: &str) {
    if std::io::stdout().is_terminal() {
        note(text);
    }
}

fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_ready_to_be_pasted() {
        assert_eq!(
            yaml_value(Some("key"), "$ANSIBLE_VAULT;1.1;AES256\n3031\n"),
            "key: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          3031"
        );
    }

    #[test]
    fn writing_keeps_the_mode_and_leaves_no_draft() {
        let folder = std::env::temp_dir().join(format!("shevek-cli-vault-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("secret.yml");
        write(Some(&file), b"one").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        write(Some(&file), b"two").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
