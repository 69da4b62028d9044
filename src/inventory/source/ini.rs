//! Inventories in Ansible's INI format.
//!
//! ```ini
//! mail.example.com
//!
//! [web]
//! web[01:50].example.com:2222 http_port=8080
//!
//! [web:vars]
//! proxy="none"
//!
//! [all_servers:children]
//! web
//! ```

use std::sync::Arc;

use shevek_diag::{Diagnostic, Origin, Result, Source};
use shevek_value::{Map, Value};

use crate::source::{Candidate, Kind, Outcome, load_text};
use crate::step::{Step, Steps};
use crate::{LoadOptions, address, literal, words};

/// See the module.
pub struct Ini;

impl Kind for Ini {
    fn name(&self) -> &'static str {
        "ini"
    }

    fn wants(&self, candidate: &Candidate) -> bool {
        candidate.path().is_some() && candidate.ending() != ".toml"
    }

    fn read(&self, candidate: &Candidate, options: &LoadOptions<'_>) -> Outcome {
        let Some(path) = candidate.path() else { return Outcome::Steps(Steps::default()) };
        load_text(path, &options.vault).and_then(|source| read(&source)).into()
    }
}

/// What the lines of a section are.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    Hosts,
    Children,
    Vars,
}

/// One line and where it is.
#[derive(Clone, Copy)]
struct Line<'a> {
    source: &'a Arc<Source>,
    number: u32,
    text: &'a str,
}

impl<'a> Line<'a> {
    /// The place of a part of the line.
    fn place(&self, part: &str) -> Origin {
        let start = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.column(start)
    }

    fn column(&self, byte: usize) -> Origin {
        let before = self.text.get(..byte).map_or(0, |before| before.chars().count());
        Origin { source: self.source.clone(), line: self.number, column: before as u32 + 1 }
    }

    fn error(&self, part: &str, detail: impl Into<String>) -> Box<Diagnostic> {
        Diagnostic::new("INI inventory parsing failed").detail(detail).at(&self.place(part), "")
    }
}

/// The steps of an INI inventory.
pub(crate) fn read(source: &Arc<Source>) -> Result<Steps> {
    let mut steps = Steps::default();
    let mut group: Arc<str> = "ungrouped".into();
    let mut section = Section::Hosts;
    let mut declared: std::collections::HashSet<Arc<str>> = std::collections::HashSet::new();
    for (number, text) in (1..).zip(source.text().lines()) {
        let line = Line { source, number, text };
        let content = text.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some((name, kind)) = header(content) {
            section = match kind {
                None | Some("hosts") => Section::Hosts,
                Some("children") => Section::Children,
                Some("vars") => Section::Vars,
                Some(kind) => {
                    return Err(line
                        .error(kind, format!("section [{name}:{kind}] has unknown type `{kind}`"))
                        .did_you_mean(kind, ["hosts", "children", "vars"]));
                }
            };
            group = name.into();
            let origin = line.place(name);
            if section == Section::Vars {
                // Variables alone don't make a group.
                let why = format!("section [{name}:vars] not valid for undefined group `{name}`");
                steps.required.push((group.clone(), line.error(name, why)));
            } else if declared.insert(group.clone()) {
                steps.group(group.clone(), Some(&origin));
            }
            continue;
        }
        if content.starts_with('[') && content.ends_with(']') {
            let why = format!(
                "invalid section entry `{content}`: spaces and other characters are not allowed in it"
            );
            return Err(line.error(content, why));
        }
        match section {
            Section::Hosts => hosts(&line, content, &group, &mut steps)?,
            Section::Vars => {
                let Some((name, value)) = content.split_once('=') else {
                    return Err(line.error(content, format!("expected key=value, got: {content}")));
                };
                let (name, value) = (name.trim(), value.trim());
                let value = self::value(value, &line.place(value));
                steps.group_variable(&group, Value::str(name).at(line.place(name)), value);
            }
            Section::Children => {
                let Some(child) = child(content) else {
                    return Err(line.error(content, format!("expected group name, got: {content}")));
                };
                let why = format!("section [{group}:children] includes undefined group `{child}`");
                let name: Arc<str> = child.into();
                steps.required.push((name.clone(), line.error(child, why)));
                steps.child(&group, &name, Some(&line.place(child)));
            }
        }
    }
    Ok(steps)
}

/// `[name]` or `[name:kind]`, maybe with a comment.
fn header(line: &str) -> Option<(&str, Option<&str>)> {
    let (inside, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    if !(rest.is_empty() || rest.starts_with('#')) {
        return None;
    }
    let (name, kind) = match inside.split_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (inside, None),
    };
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    let is_kind =
        kind.is_none_or(|kind| !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_'));
    (is_name && is_kind).then_some((name, kind))
}

/// A group's name, maybe with a comment.
fn child(line: &str) -> Option<&str> {
    let end = line.find(|c: char| c.is_whitespace() || c == ':' || c == ']').unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    (!name.is_empty() && (rest.is_empty() || rest.starts_with('#'))).then_some(name)
}

fn hosts(line: &Line<'_>, content: &str, group: &Arc<str>, steps: &mut Steps) -> Result<()> {
    let words = words::split(content)
        .map_err(|why| line.error(content, format!("error parsing host definition `{content}`: {why}")))?;
    let Some((first, rest)) = words.split_first() else { return Ok(()) };
    let indent = line.text.len() - line.text.trim_start().len();
    let origin = line.column(indent + first.start);
    let (names, port) = address::expand(&first.text).map_err(|why| why.at(&origin, ""))?;
    if port.is_none() && first.text.ends_with(':') {
        let why = format!("invalid host pattern `{}`: a port is expected behind the last colon", first.text);
        return Err(line.error(content, why));
    }
    if names.iter().any(|name| name == "---") {
        return Err(line.error(content, "`---` begins a YAML file, and this is read as INI"));
    }
    let mut vars = Map::default();
    for word in rest {
        let origin = line.column(indent + word.start);
        let Some((name, value)) = word.text.split_once('=') else {
            let why = format!("expected key=value host variable assignment, got: {}", word.text);
            let error = Diagnostic::new("INI inventory parsing failed").detail(why).at(&origin, "");
            return Err(error.help("a value with spaces must be quoted"));
        };
        let at = Origin { column: origin.column + name.chars().count() as u32 + 1, ..origin.clone() };
        vars.insert(Value::str(name).at(origin), self::value(value, &at));
    }
    let names = names.into_iter().map(Into::into).collect();
    let origin = Some(origin);
    steps.steps.push(Step::Hosts { names, group: Some(group.clone()), port, vars: Arc::new(vars), origin });
    Ok(())
}

/// A variable's value: a Python literal, or text.
fn value(text: &str, origin: &Origin) -> Value {
    literal::evaluate(text).unwrap_or_else(|| Value::template(text)).at(origin.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let why = read(&Source::new("hosts", text)).unwrap_err();
        format!("{} @{}", why.detail, why.labels[0].origin)
    }

    #[test]
    fn errors_say_what_and_where() {
        assert_eq!(error("[a:vras]\n"), "section [a:vras] has unknown type `vras` @hosts:1:4");
        assert_eq!(
            error("[a b]\n"),
            "invalid section entry `[a b]`: spaces and other characters are not allowed in it @hosts:1:1"
        );
        assert_eq!(error("[a:vars]\nx\n"), "expected key=value, got: x @hosts:2:1");
        assert_eq!(
            error("  h a={{ b }}\n"),
            "expected key=value host variable assignment, got: b @hosts:1:10"
        );
        assert_eq!(
            error("h a='b\n"),
            "error parsing host definition `h a='b`: No closing quotation @hosts:1:1"
        );
        assert_eq!(error("ok\nw[3:1]\n"), "host range must have begin <= end @hosts:2:1");
        assert_eq!(error("[a:children]\nb c\n"), "expected group name, got: b c @hosts:2:1");
    }

    #[test]
    fn values_have_their_place() {
        let steps = read(&Source::new("hosts", "[g]\n web a=1  b='x y'\n[g:vars]\nc = [1]\n")).unwrap();
        let Step::Hosts { vars, .. } = &steps.steps[1] else { panic!("hosts are expected") };
        assert_eq!(vars["a"].origin().unwrap().to_string(), "hosts:2:8");
        assert_eq!(vars["b"].origin().unwrap().to_string(), "hosts:2:13");
        let Step::GroupVariable { value, .. } = &steps.steps[2] else { panic!("a variable is expected") };
        assert_eq!(value.origin().unwrap().to_string(), "hosts:4:5");
        assert_eq!(value.repr(), "[1]");
    }
}
