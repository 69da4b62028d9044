//! Modules that users bring in `library/`: scripts and programs for Ansible, other than in its Python.
//!
//! The controller finds out how the file wants its arguments and what runs it; the runner's module `foreign` does the
//! rest on the host.

use std::path::{Path, PathBuf};

use shevek_connection::Blobs;
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_kit::json;
use shevek_playbook::Language;
use shevek_proto::Val;
use shevek_template::Scope;
use shevek_value::{Map, Value};
use shevek_vars::HostScope;

use crate::{Host, Request, content, wire};

/// How a module gets its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A program: JSON in a file.
    Binary,
    /// It says `WANT_JSON`: the same.
    Json,
    /// JSON in place of a marker in its own text.
    Inside,
    /// `name=value` in a file.
    Words,
}

const MARKER: &str = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

/// Files up to this length are looked into; what is longer is a program.
const LONGEST_TEXT: u64 = 4 << 20;

/// A module of the user's.
#[derive(Debug)]
pub struct Foreign {
    path: PathBuf,
    style: Style,
    text: Option<String>,
    knows_check_mode: bool,
}

/// What a call tells the module beside its arguments.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    /// The name that the task calls it by.
    pub name: &'a str,
    /// Whether its results are kept from logs.
    pub no_log: bool,
    /// How many `-v`.
    pub verbosity: u8,
}

impl Foreign {
    /// Reads it; an error for those that only Ansible's Python or PowerShell can run.
    pub fn read(path: &Path, name: &str) -> Result<Self> {
        let unreadable = |error: std::io::Error| {
            Diagnostic::new("a module can't be read")
                .kind(Kind::Machine)
                .detail(format!("{}: {error}", path.display()))
        };
        let cannot = |what: &str| {
            Diagnostic::new("module not supported")
                .detail(format!("`{name}` is {what} ({})", path.display()))
                .help("modules of that kind cannot be run yet; those that are scripts or programs of their own can")
        };
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        let binary = |knows_check_mode| Self {
            path: path.to_owned(),
            style: Style::Binary,
            text: None,
            knows_check_mode,
        };
        if length > LONGEST_TEXT {
            return Ok(binary(false));
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let has = |words: &str| bytes.windows(words.len()).any(|window| window == words.as_bytes());
        let knows_check_mode = has("_ansible_check_mode");
        match Language::of(path, &bytes) {
            Language::Binary => return Ok(binary(knows_check_mode)),
            Language::Python => return Err(cannot("a module written in Python")),
            Language::PowerShell => return Err(cannot("a module written in PowerShell")),
            Language::ActionPlugin => return Err(cannot("an action plugin written in Python")),
            Language::Script => {}
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let style = if text.contains(MARKER) {
            Style::Inside
        } else if text.contains("WANT_JSON") {
            Style::Json
        } else {
            Style::Words
        };
        let knows_check_mode = knows_check_mode || style == Style::Inside;
        if interpreter(&text).is_none() {
            return Err(Diagnostic::new("a module without an interpreter")
                .detail(format!("module ({name}) is missing interpreter line")));
        }
        Ok(Self { path: path.to_owned(), style, text: Some(text), knows_check_mode })
    }

    /// Whether it looks at the mark for check mode: then it is its author's word that it changes nothing there.
    pub fn knows_check_mode(&self) -> bool {
        self.knows_check_mode
    }

    /// The call for the host; long content goes to `blobs`.
    pub fn request(
        &self,
        args: &Map,
        told: &Told<'_>,
        (scope, host): (&HostScope, &Host),
        blobs: &mut Blobs,
    ) -> Result<Request> {
        let mut all = args.clone();
        all.extend(internal(told, host).into_iter().map(|(key, value)| (Value::str(key), value)));
        let as_json = || -> Result<String> { Ok(json::write(&Val::Map(wire::entries(&all)?))) };
        let input = match self.style {
            Style::Inside => None,
            Style::Binary | Style::Json => Some(as_json()?),
            Style::Words => Some(words(&all)),
        };
        let content = match (&self.text, self.style) {
            (Some(text), Style::Inside) => {
                content::bytes(blobs, text.replace(MARKER, &as_json()?).into_bytes())
            }
            (Some(text), _) => content::bytes(blobs, text.clone().into_bytes()),
            (None, _) => content::file(blobs, &self.path)?,
        };
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut call = vec![
            ("content".to_owned(), content),
            ("file".to_owned(), Val::Str(file)),
            ("keep".to_owned(), Val::Bool(host.pool.keeps())),
        ];
        call.extend(input.map(|input| ("input".to_owned(), Val::Str(input))));
        if let Some(program) = self.text.as_deref().and_then(interpreter) {
            let (program, python) = chosen(program, scope)?;
            let program = program.into_iter().map(Val::Str).collect();
            call.push(("interpreter".to_owned(), Val::List(program)));
            call.push(("python".to_owned(), Val::Bool(python)));
        }
        Ok((shevek_modules::FOREIGN.to_owned(), call))
    }
}

/// What Ansible tells every module beside its arguments.
fn internal(told: &Told<'_>, host: &Host) -> Vec<(&'static str, Value)> {
    let special = ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"];
    vec![
        ("_ansible_check_mode", host.mode.check.into()),
        ("_ansible_no_log", told.no_log.into()),
        ("_ansible_debug", false.into()),
        ("_ansible_diff", host.mode.diff.into()),
        ("_ansible_verbosity", i64::from(told.verbosity).into()),
        ("_ansible_version", "2.19.14".into()),
        ("_ansible_module_name", told.name.into()),
        ("_ansible_syslog_facility", "LOG_USER".into()),
        ("_ansible_selinux_special_fs", Value::list(special.map(Value::from).to_vec())),
        ("_ansible_socket", Value::NULL),
        ("_ansible_shell_executable", "/bin/sh".into()),
        ("_ansible_keep_remote_files", false.into()),
        ("_ansible_tmpdir", Value::NULL),
        ("_ansible_remote_tmp", "~/.ansible/tmp".into()),
        ("_ansible_ignore_unknown_opts", false.into()),
        ("_ansible_target_log_info", Value::NULL),
        ("_ansible_tracebacks_for", Value::list(Vec::new())),
    ]
}

/// `name=value` with a space behind each, values quoted for a shell.
fn words(args: &Map) -> String {
    args.iter().map(|(name, value)| format!("{}={} ", name.text(), quoted(&value.text()))).collect()
}

fn quoted(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(is_safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}

/// The words of the first line, if that names an interpreter.
fn interpreter(text: &str) -> Option<Vec<String>> {
    let line = text.lines().next()?.strip_prefix("#!")?;
    let words = shlex::split(line.trim())?;
    (!words.is_empty()).then_some(words)
}

/// What runs it: `ansible_NAME_interpreter` of the host, or what the file says. And whether Python is to be looked for.
///
/// Differs from Ansible: an interpreter with arguments (`/usr/bin/env bash`) works; 2.19 takes the whole line for the name
/// of a program.
fn chosen(mut written: Vec<String>, scope: &HostScope) -> Result<(Vec<String>, bool)> {
    let Some(first) = written.first().cloned() else { return Ok((written, false)) };
    let mut name = first.rsplit('/').next().unwrap_or_default().to_owned();
    // `env` only looks for the program that is meant.
    let is_env = name == "env" && written.get(1).is_some_and(|program| !program.starts_with('-'));
    let variable = |name: &str| -> Result<Option<String>> {
        let variable = format!("ansible_{name}_interpreter");
        if scope.get(&variable)?.is_none() {
            return Ok(None);
        }
        let value = scope.rendered_variable(&variable)?.filter(|value| !value.is_omit() && !value.is_null());
        Ok(value.map(|value| value.text().trim().to_owned()).filter(|text| !text.is_empty()))
    };
    let mut found = variable(&name)?;
    if is_env && found.is_none() {
        name = written.get(1).cloned().unwrap_or_default();
        found = variable(&name)?;
        if found.is_some() || name == "python" {
            written.remove(0);
        }
    }
    let found = found.filter(|found| name != "python" || !found.starts_with("auto"));
    if found.is_none() && name == "python" {
        return Ok((written.into_iter().skip(1).collect(), true));
    }
    if let (Some(found), Some(first)) = (found, written.first_mut()) {
        *first = found;
    }
    Ok((written, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_modules_get_words_that_a_shell_can_read() {
        let mut args = Map::default();
        args.insert("a".into(), "it's".into());
        args.insert("b".into(), true.into());
        args.insert("c".into(), Value::list(vec![1.into(), "x".into()]));
        args.insert("d".into(), Value::NULL);
        assert_eq!(words(&args), "a='it'\"'\"'s' b=True c='[1, '\"'\"'x'\"'\"']' d=None ");
    }

    #[test]
    fn kinds_are_told_apart_by_what_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &[u8]| {
            let path = folder.path().join("m");
            std::fs::write(&path, text).unwrap();
            Foreign::read(&path, "m")
        };
        let style = |text: &[u8]| read(text).unwrap().style;
        assert_eq!(style(b"#!/bin/sh\n. $1\n"), Style::Words);
        assert_eq!(style(b"#!/usr/bin/perl\n# WANT_JSON\n"), Style::Json);
        assert_eq!(style(b"#!/bin/sh\necho '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n"), Style::Inside);
        assert_eq!(style(b"\x7fELF\x02\x01\x01\0\0"), Style::Binary);
        assert_eq!(style(b"#!/usr/bin/python\nimport json\n"), Style::Words);
        let refused = |text: &[u8]| read(text).unwrap_err().message();
        assert!(refused(b"#!/usr/bin/python\nfrom ansible.module_utils.basic import *\n").contains("Python"));
        assert!(refused(b"#Requires -Module Ansible.ModuleUtils.Legacy\n").contains("PowerShell"));
        assert!(refused(b"echo hi\n").contains("missing interpreter line"));
    }

    #[test]
    fn a_module_that_never_hears_of_check_mode_is_known_by_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let knows = |text: &str| {
            let path = folder.path().join("m");
            std::fs::write(&path, text).unwrap();
            Foreign::read(&path, "m").unwrap().knows_check_mode()
        };
        assert!(!knows("#!/bin/sh\n. $1; touch $path\n"));
        assert!(knows("#!/bin/sh\n. $1; [ $_ansible_check_mode = True ] || touch $path\n"));
    }
}
