//! Parser errors in libyaml's words, with hints for the mistakes that people really make.

use std::sync::Arc;

use libyaml_safer::{Error, ErrorKind};
use shevek_diag::{Diagnostic, Origin, Source};

use crate::events;

pub(crate) const SUMMARY: &str = "YAML parsing failed";

/// The parser's error as a diagnostic.
pub(crate) fn explain(source: &Arc<Source>, error: &Error) -> Box<Diagnostic> {
    let detail = match error.context() {
        Some(context) => format!("{context} {}", error.problem()),
        None => error.problem().to_owned(),
    };
    let diagnostic = Diagnostic::new(SUMMARY).detail(sentence(&detail));
    let Some(mark) = error.problem_mark().filter(|_| error.kind() != ErrorKind::Reader) else {
        return diagnostic.at(&Origin::whole(source), "");
    };
    let origin = events::origin(source, &mark);
    let diagnostic = with_hint(source, diagnostic, &origin);
    match error.context_mark().filter(|context| *context != mark) {
        Some(context) => {
            diagnostic.at(&events::origin(source, &context), error.context().unwrap_or_default())
        }
        None => diagnostic,
    }
}

/// As a sentence, for those who look for Ansible's words.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Adds the place, and a hint if its line looks like one of the usual mistakes.
pub(crate) fn with_hint(
    source: &Arc<Source>,
    diagnostic: Box<Diagnostic>,
    origin: &Origin,
) -> Box<Diagnostic> {
    let line = source.shown().lines().nth(origin.line.saturating_sub(1) as usize).unwrap_or_default();
    // An unclosed bracket or quote is found at the end of the file: nothing to see there.
    match hint(line) {
        Some((column, help)) => {
            let place = Origin { column, ..origin.clone() };
            diagnostic.at(&place, "").help(help)
        }
        None => diagnostic.at(origin, ""),
    }
}

/// What is probably wrong in a line: the column, and what to do.
fn hint(line: &str) -> Option<(u32, String)> {
    let column = |byte: usize| line.get(..byte).map_or(1, |before| before.chars().count() as u32 + 1);
    if let Some(tab) = line.find('\t') {
        return Some((column(tab), "YAML does not allow tabs here; indent with spaces".to_owned()));
    }
    let (start, value) = value_of(line);
    if value.starts_with("{{") && value.contains("}}") {
        let help = format!("a value that begins with a template must be quoted: \"{}\"", value.trim_end());
        return Some((column(start), help));
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        let trimmed = value.trim_end();
        let whole = trimmed.len() > 1 && trimmed.ends_with(quote);
        let inside = trimmed.matches(quote).count();
        let other = if quote == '"' { '\'' } else { '"' };
        if !whole {
            let help = format!(
                "a value that begins with a quote must end with the same quote; put {other}…{other} around all of it"
            );
            return Some((column(start), help));
        }
        if inside > 2 {
            let help = format!(
                "a quoted value cannot hold the same quote again; put {other}…{other} around all of it, \
                 or write the quote twice ('') or escaped (\\\")"
            );
            return Some((column(start), help));
        }
        return None;
    }
    if let Some(colon) = unquoted_colon(value) {
        let help = "a colon followed by a space makes a mapping; quote the whole value".to_owned();
        return Some((column(start + colon), help));
    }
    let key = line.trim_start().trim_start_matches("- ");
    if let Some(colon) = key.find(':')
        && key
            .get(colon + 1..)
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with([' ', '/', ':', '\\']))
        && key.get(..colon).is_some_and(|name| name.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c)))
    {
        let at = line.len() - key.len() + colon;
        return Some((column(at), "a key's colon must be followed by a space".to_owned()));
    }
    None
}

/// The value of a line, behind `- ` and `key: `, and where it begins.
fn value_of(line: &str) -> (usize, &str) {
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    if let Some((key, value)) = rest.split_once(':')
        && value.starts_with([' ', '\t'])
        && !key.is_empty()
        && key.chars().all(|c| c.is_alphanumeric() || "_ []{}.-".contains(c))
    {
        rest = value.trim_start();
    }
    (line.len() - rest.len(), rest)
}

/// A colon in a plain value that YAML takes for a mapping's.
fn unquoted_colon(value: &str) -> Option<usize> {
    if value.starts_with(['"', '\'', '{', '[', '#', ':']) {
        return None;
    }
    value
        .match_indices(':')
        .map(|(at, _)| at)
        .find(|at| value.get(at + 1..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
}

#[cfg(test)]
mod tests {
    use shevek_diag::{Source, Style, render};

    use crate::{Options, load};

    fn told(text: &str) -> String {
        let error = load(&Source::new("x.yml", text), &Options::default()).unwrap_err();
        render(&error, Style::Plain)
    }

    #[test]
    fn a_tab_is_pointed_at() {
        let told = told("a:\n\tb: c\n");
        assert!(told.contains("found character that cannot start any token"), "{told}");
        assert!(told.contains("--> x.yml:2:1"), "{told}");
        assert!(told.contains("help: YAML does not allow tabs here; indent with spaces"), "{told}");
    }

    #[test]
    fn an_unquoted_template_is_shown_quoted() {
        let told = told("- debug:\n    msg: {{ a }}\n");
        assert!(told.contains("while constructing a mapping found unhashable key"), "{told}");
        assert!(told.contains("--> x.yml:2:10"), "{told}");
        assert!(told.contains("must be quoted: \"{{ a }}\""), "{told}");
    }

    #[test]
    fn a_second_colon_is_pointed_at() {
        let told = told("- shell: echo a: b\n");
        assert!(told.contains("Mapping values are not allowed in this context"), "{told}");
        assert!(told.contains("--> x.yml:1:16"), "{told}");
        assert!(told.contains("quote the whole value"), "{told}");
    }

    #[test]
    fn quotes_must_go_round_all_of_a_value() {
        let text = told("- when: \"foo\" in bar\n");
        assert!(text.contains("must end with the same quote; put '…' around all of it"), "{text}");
        let text = told("- when: \"foo\" in \"bar\"\n");
        assert!(text.contains("cannot hold the same quote again"), "{text}");
    }

    #[test]
    fn a_missing_space_after_the_colon_is_pointed_at() {
        let told = told("a: 1\nb:2\nc: 3\n");
        assert!(told.contains("could not find expected ':'"), "{told}");
    }

    #[test]
    fn an_unclosed_bracket_shows_where_it_was_opened() {
        let told = told("a: [1, 2\nb: 3\n");
        assert!(told.contains("x.yml:1:4"), "{told}");
    }
}
