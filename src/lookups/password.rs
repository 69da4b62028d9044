//! `password`: a random password, kept in a file so that it is the same the next time.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_python::mersenne::Random;
use shevek_python::path;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{Map, Value};

use crate::source::files::base;
use crate::source::options::{Options, pairs, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["password"], markers: Markers::Propagate, run: password };

const KNOWN: [&str; 5] = ["length", "encrypt", "chars", "ident", "seed"];
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// One password file at a time: hosts that ask for the same one all get the one that the first made.
static WRITING: Mutex<()> = Mutex::new(());

fn password(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &KNOWN)?;
    let mut out = Vec::new();
    for value in &arguments.positional {
        let (name, here) = parse(term(value, "password")?)?;
        let options = options.with(here, &KNOWN)?;
        out.push(one(context, &name, &options)?);
    }
    Ok(Value::list(out))
}

/// The path and the options that a term has: `/path/to/file length=15 chars=digits`.
fn parse(text: &str) -> Result<(String, Vec<(String, Value)>)> {
    let Some((first, rest)) = text.split_once(' ') else { return Ok((text.to_owned(), Vec::new())) };
    let mut options = pairs(rest)?;
    let mut name = first.to_owned();
    if let Some(at) = options.iter().position(|(key, _)| key == "_raw_params") {
        // A path with spaces in it.
        name = format!("{name} {}", options.remove(at).1.text());
        if !text.starts_with(&name) {
            return Err(Diagnostic::new("wrong term of a lookup")
                .detail("Unrecognized value after key=value parameters given to password lookup"));
        }
    }
    for (key, value) in &mut options {
        if key == "chars"
            && let Some(text) = value.as_str()
        {
            *value = Value::list(char_specs(text));
        }
    }
    Ok((name, options))
}

/// What `chars=` in a term names; two commas are a comma.
fn char_specs(text: &str) -> Vec<Value> {
    let comma = text.contains(",,").then(|| Value::from(","));
    let rest = text.replace(",,", ",");
    let names = rest.split(',').filter(|name| !name.is_empty()).map(Value::from);
    comma.into_iter().chain(names).collect()
}

fn one(context: &dyn Context, name: &str, options: &Options) -> Result<Value> {
    let full = path::absolute(&base(context).join(path::expand_user(name)).to_string_lossy());
    let file = PathBuf::from(&full);
    let nowhere = full == "/dev/null";
    let _turn = WRITING.lock();
    let kept = if nowhere { None } else { read(&file)? };
    let mut changed = kept.is_none();
    let (plain, mut salt, mut ident) = match kept {
        Some(content) => parse_content(&content),
        None => (generate(options)?, None, None),
    };
    let encrypt = options.get("encrypt").map(Value::text).filter(|kind| !kind.is_empty());
    if let Some(kind) = &encrypt
        && salt.is_none()
    {
        changed = true;
        salt = Some(random_salt(kind));
    }
    let wanted = options.get("ident").map(Value::text);
    match (&ident, &wanted) {
        (None, _) => ident = wanted,
        (Some(stored), Some(wanted)) if stored != wanted => {
            return Err(Diagnostic::new("another ident is stored").detail(format!(
                "The ident parameter provided ({wanted}) does not match the stored one ({stored})."
            )));
        }
        _ => {}
    }
    if ident.is_none() && matches!(encrypt.as_deref(), Some("bcrypt" | "blowfish")) {
        ident = Some("2b".to_owned());
        changed = true;
    }
    if changed && !nowhere {
        let mut content = plain.clone();
        if let Some(salt) = salt.as_deref() {
            content.push_str(&format!(" salt={salt}"));
            if let Some(ident) = &ident {
                content.push_str(&format!(" ident={ident}"));
            }
        }
        write(&file, &content)?;
    }
    let Some(kind) = encrypt else { return Ok(Value::from(plain)) };
    let mut named = Map::default();
    if let Some(salt) = salt {
        named.insert(Value::from("salt"), Value::from(salt));
    }
    if let Some(ident) = ident {
        named.insert(Value::from("ident"), Value::from(ident));
    }
    context
        .filter("password_hash", Arguments { positional: vec![Value::from(plain), Value::from(kind)], named })
}

/// The characters that the names in `chars` stand for; quotes are never among them.
fn characters(options: &Options) -> Vec<char> {
    let specs: Vec<String> = match options.get("chars") {
        None => vec!["ascii_letters".into(), "digits".into(), ".,:-_".into()],
        Some(_) => options.list("chars").iter().map(Value::text).collect(),
    };
    let mut out = String::new();
    for spec in &specs {
        match spec.as_str() {
            "ascii_letters" => out.push_str(LETTERS),
            "ascii_lowercase" => out.extend(LETTERS.chars().take(26)),
            "ascii_uppercase" => out.extend(LETTERS.chars().skip(26)),
            "digits" => out.push_str(DIGITS),
            "hexdigits" => out.push_str("0123456789abcdefABCDEF"),
            "octdigits" => out.push_str("01234567"),
            "punctuation" => out.push_str(PUNCTUATION),
            "whitespace" => out.push_str(" \t\n\r\u{b}\u{c}"),
            "printable" => {
                for part in [DIGITS, LETTERS, PUNCTUATION, " \t\n\r\u{b}\u{c}"] {
                    out.push_str(part);
                }
            }
            own => out.push_str(own),
        }
    }
    out.chars().filter(|c| !matches!(c, '"' | '\'')).collect()
}

fn generate(options: &Options) -> Result<String> {
    let length = options.integer("length")?.unwrap_or(20);
    let characters = characters(options);
    if characters.is_empty() {
        return Err(
            Diagnostic::new("no characters for a password").detail("'chars' leaves none to choose from")
        );
    }
    let mut random = match options.get("seed") {
        None => Random::from_system(),
        Some(seed) => Random::seeded(&Value::from(seed.text()))
            .ok_or_else(|| Diagnostic::new("wrong option of a lookup").detail("'seed' must be text"))?,
    };
    let choose = |_| characters.get(random.below(characters.len() as u64) as usize).copied();
    Ok((0..length).filter_map(choose).collect())
}

fn random_salt(kind: &str) -> String {
    let length = match kind {
        "bcrypt" | "blowfish" => 22,
        "sha256_crypt" | "sha512_crypt" => 16,
        _ => 8,
    };
    let characters: Vec<char> = LETTERS.chars().chain(DIGITS.chars()).chain("./".chars()).collect();
    let mut random = Random::from_system();
    (0..length).filter_map(|_| characters.get(random.below(64) as usize).copied()).collect()
}

/// `password salt=… ident=…`
fn parse_content(content: &str) -> (String, Option<String>, Option<String>) {
    let Some((password, rest)) = content.rsplit_once(" salt=") else {
        return (content.to_owned(), None, None);
    };
    match rest.rsplit_once(" ident=") {
        Some((salt, ident)) => (password.to_owned(), Some(salt.to_owned()), Some(ident.to_owned())),
        None => (password.to_owned(), Some(rest.to_owned()).filter(|salt| !salt.is_empty()), None),
    }
}

fn failed(file: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::new("a password file can't be used")
        .kind(Kind::Machine)
        .detail(format!("{}: {error}", file.display()))
}

fn read(file: &Path) -> Result<Option<String>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(file, &error)),
    }
}

/// Writes the file so that nobody else ever sees it.
fn write(file: &Path, content: &str) -> Result<()> {
    let save = || -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
        out.set_permissions(fs::Permissions::from_mode(0o600))?;
        out.write_all(content.as_bytes())?;
        out.write_all(b"\n")
    };
    save().map_err(|error| failed(file, &error))
}
