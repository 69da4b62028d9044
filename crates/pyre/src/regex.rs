//! [`Regex`]: a compiled pattern and what can be done with it.

use std::fmt;
use std::sync::Arc;

use crate::matcher::{Slots, Wanted, find};
use crate::parse::parse;
use crate::program::{Program, compile};
use crate::{Error, Exhausted, Flags, Replacement};

const ANYWHERE: Wanted = Wanted { here: false, whole: false, advance: false };

/// A compiled pattern. Cheap to clone.
#[derive(Clone)]
pub struct Regex {
    pattern: Arc<str>,
    program: Arc<Program>,
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex({:?})", self.pattern)
    }
}

impl Regex {
    /// `re.compile`.
    pub fn new(pattern: &str, flags: Flags) -> Result<Self, Error> {
        let program = compile(parse(pattern, flags)?);
        Ok(Self { pattern: pattern.into(), program: Arc::new(program) })
    }

    /// The pattern as written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The flags, with those set inside the pattern.
    pub fn flags(&self) -> Flags {
        self.program.flags
    }

    /// How many groups it has, the whole match not counted.
    pub fn group_count(&self) -> usize {
        self.program.groups
    }

    /// The names of groups with their numbers, in the order of the pattern.
    pub fn group_names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.program.names.iter().map(|(name, index)| (name.as_str(), *index))
    }

    /// The number of a named group.
    pub fn group_index(&self, name: &str) -> Option<usize> {
        self.group_names().find(|(known, _)| *known == name).map(|(_, index)| index)
    }

    fn find<'t>(
        &self,
        text: &'t str,
        start: usize,
        wanted: Wanted,
    ) -> Result<Option<Captures<'t>>, Exhausted> {
        let slots = find(&self.program, text, start, wanted)?;
        Ok(slots.map(|slots| Captures { text, slots, program: self.program.clone() }))
    }

    /// `re.search`: the first match anywhere.
    pub fn search<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, Exhausted> {
        self.find(text, 0, ANYWHERE)
    }

    /// `re.match`: a match at the start.
    pub fn match_start<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, Exhausted> {
        self.find(text, 0, Wanted { here: true, ..ANYWHERE })
    }

    /// `re.fullmatch`: a match of all the text.
    pub fn full_match<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, Exhausted> {
        self.find(text, 0, Wanted { here: true, whole: true, advance: false })
    }

    /// Whether it matches anywhere.
    pub fn is_match(&self, text: &str) -> Result<bool, Exhausted> {
        Ok(self.search(text)?.is_some())
    }

    /// `re.finditer`: all matches that don't overlap, from the left. An empty match may follow one that wasn't.
    pub fn find_iter<'r, 't>(&'r self, text: &'t str) -> Matches<'r, 't> {
        Matches { regex: self, text, position: Some(0), advance: false }
    }

    /// `re.subn` with a template (`\1`, `\g<name>`): the new text and how many were replaced. `limit` 0: all.
    pub fn replace(&self, text: &str, template: &str, limit: usize) -> Result<(String, usize), ReplaceError> {
        let replacement = Replacement::new(template, self)?;
        Ok(self.replace_with(text, limit, |captures, out| replacement.expand(captures, out))?)
    }

    /// `re.subn` with a function that writes what comes in a match's stead.
    pub fn replace_with(
        &self,
        text: &str,
        limit: usize,
        mut write: impl FnMut(&Captures<'_>, &mut String),
    ) -> Result<(String, usize), Exhausted> {
        let mut out = String::new();
        let (mut done, mut count) = (0, 0);
        for captures in self.find_iter(text) {
            let captures = captures?;
            out.push_str(text.get(done..captures.start()).unwrap_or(""));
            write(&captures, &mut out);
            done = captures.end();
            count += 1;
            if count == limit {
                break;
            }
        }
        out.push_str(text.get(done..).unwrap_or(""));
        Ok((out, count))
    }

    /// `re.split`: the text between matches, with what groups matched (`None` where one took no part). `limit` 0: all.
    pub fn split<'t>(&self, text: &'t str, limit: usize) -> Result<Vec<Option<&'t str>>, Exhausted> {
        let mut out = Vec::new();
        let mut done = 0;
        for (count, captures) in self.find_iter(text).enumerate() {
            if limit != 0 && count == limit {
                break;
            }
            let captures = captures?;
            out.push(text.get(done..captures.start()));
            out.extend((1..=self.group_count()).map(|group| captures.get(group)));
            done = captures.end();
        }
        out.push(text.get(done..));
        Ok(out)
    }
}

/// Why a replacement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplaceError {
    /// The template is wrong.
    Template(Error),
    /// The search was given up.
    Exhausted(Exhausted),
}

impl fmt::Display for ReplaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(error) => error.fmt(f),
            Self::Exhausted(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReplaceError {}

impl From<Error> for ReplaceError {
    fn from(error: Error) -> Self {
        Self::Template(error)
    }
}

impl From<Exhausted> for ReplaceError {
    fn from(error: Exhausted) -> Self {
        Self::Exhausted(error)
    }
}

/// One match.
#[derive(Clone)]
pub struct Captures<'t> {
    text: &'t str,
    slots: Slots,
    program: Arc<Program>,
}

impl fmt::Debug for Captures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..=self.program.groups).map(|group| self.get(group))).finish()
    }
}

impl<'t> Captures<'t> {
    /// The text of a group (0: the whole match); `None`: it took no part, or there is no such group.
    pub fn get(&self, group: usize) -> Option<&'t str> {
        self.span(group).and_then(|(start, end)| self.text.get(start..end))
    }

    /// The text of a named group.
    pub fn name(&self, name: &str) -> Option<&'t str> {
        let (_, index) = self.program.names.iter().find(|(known, _)| known == name)?;
        self.get(*index)
    }

    /// Where a group matched, in bytes.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        let start = *self.slots.get(group * 2)?;
        let end = *self.slots.get(group * 2 + 1)?;
        (start <= end && end <= self.text.len()).then_some((start, end))
    }

    /// Where the match starts, in bytes.
    pub fn start(&self) -> usize {
        self.span(0).map_or(0, |(start, _)| start)
    }

    /// Where the match ends, in bytes.
    pub fn end(&self) -> usize {
        self.span(0).map_or(0, |(_, end)| end)
    }

    /// The whole match.
    pub fn text(&self) -> &'t str {
        self.get(0).unwrap_or("")
    }

    /// All groups but the whole match: `match.groups()`.
    pub fn groups(&self) -> Vec<Option<&'t str>> {
        (1..=self.program.groups).map(|group| self.get(group)).collect()
    }
}

/// All matches in a text, one after the other.
#[derive(Debug)]
pub struct Matches<'r, 't> {
    regex: &'r Regex,
    text: &'t str,
    position: Option<usize>,
    advance: bool,
}

impl<'t> Iterator for Matches<'_, 't> {
    type Item = Result<Captures<'t>, Exhausted>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.position?;
        let found = self.regex.find(self.text, start, Wanted { advance: self.advance, ..ANYWHERE });
        match found {
            Ok(Some(captures)) => {
                self.position = Some(captures.end());
                self.advance = captures.start() == captures.end();
                Some(Ok(captures))
            }
            Ok(None) => {
                self.position = None;
                None
            }
            Err(exhausted) => {
                self.position = None;
                Some(Err(exhausted))
            }
        }
    }
}

/// `re.escape`: the pattern that matches just that text.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '(' | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '?'
                | '*'
                | '+'
                | '-'
                | '|'
                | '^'
                | '$'
                | '\\'
                | '.'
                | '&'
                | '~'
                | '#'
                | ' '
                | '\t'
                | '\n'
                | '\r'
                | '\u{b}'
                | '\u{c}'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
