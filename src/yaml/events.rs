//! libyaml's events, with its port's weak spots met beforehand.

use std::sync::Arc;

use libyaml_safer::{Error, Event, EventData, MappingStyle, Mark, Parser, ScalarStyle, SequenceStyle};
use shevek_diag::{Diagnostic, Origin, Result, Source};

use crate::compose::MOST_DEPTH;
use crate::mistakes;

/// How many `!tag,` are looked at: each costs a parse of what is before it.
const MOST_TAGS_BEFORE_COMMA: usize = 64;

/// Hands out events one by one.
pub(crate) struct Events<'a> {
    source: &'a Arc<Source>,
    events: std::vec::IntoIter<Event>,
    /// What stopped the parser after these events.
    failure: Option<Box<Diagnostic>>,
}

impl<'a> Events<'a> {
    pub fn new(source: &'a Arc<Source>) -> Result<Self> {
        check_characters(source)?;
        // All inputs known to make the parser panic are met beforehand; one that isn't must not end the program.
        let parsed = std::panic::catch_unwind(|| parse_all(source.text()));
        let (events, failure) = parsed.map_err(|_| {
            Diagnostic::bug("the YAML parser failed").at(&Origin::whole(source), "somewhere in this file")
        })?;
        let failure = failure.map(|error| mistakes::explain(source, &error));
        Ok(Self { source, events: events.into_iter(), failure })
    }

    pub fn next(&mut self) -> Result<Event> {
        match self.events.next() {
            Some(event) => Ok(event),
            None => Err(self
                .failure
                .take()
                .unwrap_or_else(|| Diagnostic::bug("the YAML parser ended before the stream did"))),
        }
    }

    pub fn origin(&self, mark: &Mark) -> Origin {
        origin(self.source, mark)
    }

    /// The texts of all `!vault` values still to come.
    pub fn vault_texts(&self) -> impl Iterator<Item = &str> {
        self.events.as_slice().iter().filter_map(|event| match &event.data {
            EventData::Scalar { tag: Some(tag), value, .. } if tag.starts_with("!vault") => {
                Some(value.as_str())
            }
            _ => None,
        })
    }
}

/// A mark as a place.
pub(crate) fn origin(source: &Arc<Source>, mark: &Mark) -> Origin {
    let number = |from_zero: u64| u32::try_from(from_zero).unwrap_or(u32::MAX - 1) + 1;
    Origin { source: source.clone(), line: number(mark.line), column: number(mark.column) }
}

fn parse(text: &str) -> (Vec<Event>, Option<Error>) {
    let mut events = Vec::with_capacity(text.len() / 12 + 8);
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    let mut depth = 0_usize;
    for event in parser {
        match event {
            Ok(event) => {
                match event.data {
                    EventData::SequenceStart { .. } | EventData::MappingStart { .. } => depth += 1,
                    EventData::SequenceEnd | EventData::MappingEnd => depth = depth.saturating_sub(1),
                    _ => {}
                }
                events.push(event);
                // It is refused anyhow, and the parser's time grows with the square of the depth.
                if depth > MOST_DEPTH {
                    return (events, None);
                }
            }
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

/// All events, without what makes the parser panic.
fn parse_all(text: &str) -> (Vec<Event>, Option<Error>) {
    let mended = tag_before_comma(text);
    let text = mended.as_deref().unwrap_or(text);
    if text.ends_with(['\n', '\r']) {
        parse(text)
    } else if text.contains(['|', '>']) {
        parse_without_last_newline(text)
    } else if text.ends_with('\\') {
        // Inside quotes, the parser looks at the character that a backslash escapes before it sees that there is none.
        parse(&format!("{text}\n"))
    } else {
        parse(text)
    }
}

/// A character of private use, which marks where a text ended.
const END: char = '\u{e000}';

/// A block scalar that ends with the text, without a newline, stops the parser: it expects the line break. It gets one
/// here, and a second reading, with a mark at the end of the text, tells how much of the scalar was really there.
fn parse_without_last_newline(text: &str) -> (Vec<Event>, Option<Error>) {
    let trimmed = text.trim_end_matches(' ');
    let (mut events, failure) =
        if trimmed.ends_with(['\n', '\r']) { parse(trimmed) } else { parse(&format!("{text}\n")) };
    if let Some(value) = last_block(&mut events) {
        let (mut marked, _) = parse(&format!("{text}{END}\n"));
        if let Some((real, _)) = last_block(&mut marked).and_then(|value| value.rsplit_once(END)) {
            *value = real.to_owned();
        }
    }
    (events, failure)
}

/// The text of the last scalar, if it is a block scalar.
fn last_block(events: &mut [Event]) -> Option<&mut String> {
    let scalars = events.iter_mut().rev().filter_map(|event| match &mut event.data {
        EventData::Scalar { value, style, .. } => Some((value, *style)),
        _ => None,
    });
    let (value, style) = scalars.into_iter().next()?;
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded).then_some(value)
}

/// `[!!str, a]` is an empty string and `a`, but the parser has no answer to a comma right after a tag. A space between
/// them means the same.
fn tag_before_comma(text: &str) -> Option<String> {
    let mut mended: Option<String> = None;
    let mut from = 0;
    for _ in 0..MOST_TAGS_BEFORE_COMMA {
        let current = mended.as_deref().unwrap_or(text);
        let Some((tag, comma)) = next_tag_before_comma(current, from) else { break };
        from = comma + 1;
        let before = current.get(..comma).unwrap_or_default();
        // The comma keeps what is before it on this line; the newline is for a block scalar that the text would end in.
        if is_tag_in_flow(&format!("{before} ,\n"), tag) {
            let after = current.get(comma..).unwrap_or_default();
            mended = Some(format!("{before} {after}"));
        }
    }
    mended
}

/// Byte offsets of the next `!` that could begin a tag, and of the comma that ends it.
fn next_tag_before_comma(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut start = from;
    while let Some(found) = text.get(start..)?.find('!') {
        let tag = start + found;
        let length = bytes
            .get(tag..)?
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || b"!._/:-;?@&=+$%~*'()".contains(b));
        let end = tag + length.count();
        if bytes.get(end) == Some(&b',') {
            return Some((tag, end));
        }
        start = end.max(tag + 1);
    }
    None
}

/// Whether, in text that ends behind it, what begins at a byte is a tag inside `[…]` or `{…}`. Behind a mistake it may
/// be: the parser looks ahead, and stops at the mistake in any case.
fn is_tag_in_flow(text: &str, tag: usize) -> bool {
    let (events, failure) = parse(text);
    let is_behind = |error: &Error| {
        let at = |mark: Option<Mark>| mark.is_some_and(|mark| mark.index <= tag as u64);
        at(error.problem_mark())
            || (error.problem() == "could not find expected ':'" && at(error.context_mark()))
    };
    if failure.as_ref().is_some_and(is_behind) {
        return true;
    }
    let mut around: Vec<bool> = Vec::new();
    for event in &events {
        match &event.data {
            EventData::SequenceStart { style, .. } => around.push(*style == SequenceStyle::Flow),
            EventData::MappingStart { style, .. } => around.push(*style == MappingStyle::Flow),
            EventData::SequenceEnd | EventData::MappingEnd => {
                around.pop();
            }
            EventData::Scalar { .. } if event.start_mark.index == tag as u64 => {
                return around.last() == Some(&true);
            }
            _ => {}
        }
    }
    false
}

/// Characters that YAML forbids: found here, because the parser's own error has no line.
fn check_characters(source: &Arc<Source>) -> Result<()> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let text = source.text();
    let Some((at, bad)) = text.char_indices().find(|(_, c)| !allowed(*c)) else { return Ok(()) };
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    let origin = Origin { source: source.clone(), line, column };
    Err(Diagnostic::new(mistakes::SUMMARY)
        .detail(format!(
            "unacceptable character #x{:04x}: control characters are not allowed",
            u32::from(bad)
        ))
        .at(&origin, "here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_right_before_a_comma_is_set_apart_from_it() {
        assert_eq!(tag_before_comma("[!!str, a]").as_deref(), Some("[!!str , a]"));
        assert_eq!(
            tag_before_comma("{a: !x,b: [!!int,!!str,c]}").as_deref(),
            Some("{a: !x ,b: [!!int ,!!str ,c]}")
        );
        assert_eq!(tag_before_comma("['hello !, you', \"!a, b\"]"), None);
        assert_eq!(tag_before_comma("a: hello !, you"), None);
        assert_eq!(tag_before_comma("a: |\n  tag:!ipxe,tag\n"), None);
        assert_eq!(tag_before_comma("a: |\n  !ipxe,tag\n"), None);
        assert_eq!(tag_before_comma("a: !!str, b"), None);
    }

    #[test]
    fn forbidden_characters_have_a_place() {
        let error = check_characters(&Source::new("x", "a: b\nc: \u{7f}")).unwrap_err();
        assert_eq!(error.labels[0].origin.to_string(), "x:2:4");
        assert_eq!(error.detail, "unacceptable character #x007f: control characters are not allowed");
    }
}
