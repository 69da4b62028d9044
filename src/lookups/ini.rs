//! `ini`: values of INI and Java property files.

use shevek_diag::{Diagnostic, Result};
use shevek_pyre::Flags;
use shevek_python::bytes::decode;
use shevek_python::regex::{compile, exhausted};
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::{IndexMap, Value};

use crate::source::files::{must_find, read};
use crate::source::options::{Options, term};

pub(crate) const LOOKUP: Lookup = Lookup { names: &["ini"], markers: Markers::Propagate, run: ini };

const KNOWN: [&str; 10] = [
    "type",
    "file",
    "section",
    "re",
    "encoding",
    "default",
    "case_sensitive",
    "allow_no_value",
    "allow_none",
    "interpolation",
];

type Section = IndexMap<String, Option<String>>;

fn ini(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &KNOWN)?;
    let mut out = Vec::new();
    for value in &arguments.positional {
        let (key, here) = parse(term(value, "ini")?)?;
        let options = options.with(here, &KNOWN)?;
        let file = options.text("file", "ansible.ini");
        let path = must_find(context, Some("files"), &file)?;
        let (bytes, secrecy) = read(context, &path)?;
        let mut text = decode(&bytes, options.get("encoding"))?;
        let mut section = options.text("section", "global");
        if options.text("type", "ini") == "properties" {
            section = "java_properties".to_owned();
            text.insert_str(0, "[java_properties]\n");
        }
        let reading = Reading {
            keep_case: options.truth("case_sensitive", false)?,
            no_value: options.truth("allow_no_value", false)? || options.truth("allow_none", false)?,
            file: &file,
        };
        let sections = reading.sections(&text)?;
        let interpolate = options.truth("interpolation", true)?;
        let found =
            sections.get(&section).or_else(|| sections.get("DEFAULT").filter(|_| section == "DEFAULT"));
        let Some(found) = found else {
            return Err(
                Diagnostic::new("no such section").detail(format!("No section '{section}' in '{file}'."))
            );
        };
        let mut all = sections.get("DEFAULT").cloned().unwrap_or_default();
        all.extend(found.iter().map(|(key, value)| (key.clone(), value.clone())));
        let value = |text: &Option<String>| match text {
            None => Ok(Value::NULL),
            Some(text) if interpolate => {
                interpolated(text, &all, 0).map(|text| secrecy.mark(Value::from(text)))
            }
            Some(text) => Ok(secrecy.mark(Value::from(text.as_str()))),
        };
        if options.truth("re", false)? {
            let regex = compile(&Value::from(key), Flags::NONE)?;
            for (name, text) in &all {
                if regex.match_start(name).map_err(exhausted)?.is_some() {
                    out.push(value(text)?);
                }
            }
        } else {
            let key = if reading.keep_case { key } else { key.to_lowercase() };
            match all.get(&key) {
                Some(text) => {
                    let value = value(text)?;
                    if !value.is_null() {
                        out.push(value);
                    }
                }
                None => out.push(options.get("default").cloned().unwrap_or_else(|| Value::from(""))),
            }
        }
    }
    Ok(Value::list(out))
}

/// The key and the options that a term has: `user section=integration file=users.ini`.
fn parse(text: &str) -> Result<(String, Vec<(String, Value)>)> {
    if !text.contains('=') && !text.trim().contains(' ') {
        return Ok((text.to_owned(), Vec::new()));
    }
    let mut phrases: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let option = KNOWN.iter().any(|name| word.starts_with(&format!("{name}=")));
        match phrases.last_mut() {
            // Values may have spaces in them.
            Some(last) if !option => {
                last.push(' ');
                last.push_str(word);
            }
            _ => phrases.push(word.to_owned()),
        }
    }
    let mut key = None;
    let mut options = Vec::new();
    for phrase in phrases {
        match phrase.split_once('=') {
            Some((name, _)) if !KNOWN.contains(&name) => {
                return Err(Diagnostic::new("unknown option of a lookup")
                    .detail(format!("'{name}' is not a valid option"))
                    .did_you_mean(name, KNOWN));
            }
            Some((name, value)) => options.push((name.to_owned(), Value::from(value))),
            None => key = key.or(Some(phrase)),
        }
    }
    match key {
        Some(key) => Ok((key, options)),
        None => Err(Diagnostic::new("no key to look up").detail(format!(
            "No key to look up was provided as first term within string inline options: {text}"
        ))),
    }
}

struct Reading<'a> {
    keep_case: bool,
    no_value: bool,
    file: &'a str,
}

impl Reading<'_> {
    /// As Python's `configparser` reads it.
    fn sections(&self, text: &str) -> Result<IndexMap<String, Section>> {
        let mut sections: IndexMap<String, Section> = IndexMap::new();
        let mut section: Option<String> = None;
        let mut last: Option<(String, usize)> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: &str| {
                Diagnostic::new("not an INI file")
                    .detail(format!("{what} in '{}', line {number}: {line}", self.file))
            };
            let bare = line.trim();
            let indent = line.len() - line.trim_start().len();
            if bare.starts_with(['#', ';']) {
                continue;
            }
            // A line further in goes on with the value before it.
            if let (Some((key, start)), Some(section)) = (&last, &section)
                && (bare.is_empty() || indent > *start)
            {
                if let Some(Some(value)) = sections.get_mut(section).and_then(|section| section.get_mut(key))
                {
                    value.push('\n');
                    value.push_str(bare);
                }
                continue;
            }
            if bare.is_empty() {
                continue;
            }
            if let Some(name) =
                bare.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')).map(|(name, _)| name)
            {
                sections.entry(name.to_owned()).or_default();
                section = Some(name.to_owned());
                last = None;
                continue;
            }
            let Some(name) = &section else { return Err(wrong("File contains no section headers")) };
            let (key, value) = match bare.find(['=', ':']) {
                Some(at) => {
                    let (key, value) = bare.split_at(at);
                    (key.trim(), Some(value.get(1..).unwrap_or("").trim().to_owned()))
                }
                None if self.no_value => (bare, None),
                None => return Err(wrong("Source contains parsing errors")),
            };
            let key = if self.keep_case { key.to_owned() } else { key.to_lowercase() };
            let entries = sections.entry(name.clone()).or_default();
            if entries.contains_key(&key) {
                return Err(Diagnostic::new("an option is there twice")
                    .detail(format!("Duplicate option in '{}': '{key}'.", self.file)));
            }
            entries.insert(key.clone(), value);
            last = Some((key, indent));
        }
        for value in sections.values_mut().flat_map(IndexMap::values_mut).flatten() {
            value.truncate(value.trim_end().len());
        }
        Ok(sections)
    }
}

/// `%(name)s` by the value of that name, `%%` by `%`.
fn interpolated(text: &str, values: &Section, depth: usize) -> Result<String> {
    let wrong = |what: String| Diagnostic::new("a value can't be interpolated").detail(what);
    if depth > 10 {
        return Err(wrong(format!("the value refers to itself: {text}")));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = after.strip_prefix("%%") {
            out.push('%');
            rest = after;
        } else if let Some((name, after)) = after.strip_prefix("%(").and_then(|name| name.split_once(")s")) {
            let value = values.get(name).or_else(|| values.get(&name.to_lowercase())).cloned().flatten();
            let value = value.ok_or_else(|| wrong(format!("there is no '{name}' to put into {text}")))?;
            out.push_str(&interpolated(&value, values, depth + 1)?);
            rest = after;
        } else {
            return Err(wrong(format!("'%' must be followed by '%' or '(', found: '{after}'"))
                .help("interpolation=false takes values as they are"));
        }
    }
    out.push_str(rest);
    Ok(out)
}
