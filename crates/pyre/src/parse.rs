//! Reads a pattern into its tree, refusing what Python refuses.

use crate::charset::{Charset, Class, Item, fold};
use crate::tree::{Anchor, Case, FOREVER, Mode, Node, Single, Width};
use crate::{Error, Flags};

/// Groups nested deeper than this are refused, so that no pattern can overflow the stack.
const DEEPEST: usize = 200;

/// A pattern that was read.
#[derive(Debug)]
pub struct Parsed {
    pub tree: Node,
    /// How many groups, the whole match not counted.
    pub groups: usize,
    pub names: Vec<(String, usize)>,
    pub flags: Flags,
}

/// Reads a pattern.
pub fn parse(pattern: &str, flags: Flags) -> Result<Parsed, Error> {
    let mut parser = Parser::new(pattern, flags);
    let tree = match parser.whole() {
        // `(?x)` at the start changes how everything is read: Python starts again, too.
        Err(Stop::Verbose) => {
            parser = Parser::new(pattern, flags.with(Flags::VERBOSE));
            parser.whole()
        }
        other => other,
    };
    let tree = match tree {
        Ok(tree) => tree,
        Err(Stop::Error(error)) => return Err(error),
        Err(Stop::Verbose) => return Err(Error::new("bad flags", 0)),
    };
    Ok(Parsed { tree, groups: parser.groups.len() - 1, names: parser.names, flags: parser.global })
}

enum Stop {
    Error(Error),
    Verbose,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Error(error)
    }
}

type Parse<T> = Result<T, Stop>;

fn fail<T>(message: impl Into<String>, position: usize) -> Parse<T> {
    Err(Stop::Error(Error::new(message, position)))
}

struct Parser {
    pattern: Vec<char>,
    position: usize,
    flags: Flags,
    global: Flags,
    /// Widths of the groups that are closed; the first is the whole match, never closed.
    groups: Vec<Option<Width>>,
    names: Vec<(String, usize)>,
    /// Where a condition asked for a group that may come later.
    asked: Vec<(usize, usize)>,
    depth: usize,
    /// Refused only when everything could be read, as in Python.
    variable_look_behind: bool,
    /// Inside a look-behind: how many groups there were before it. Only those can be referred to.
    behind: Option<usize>,
}

impl Parser {
    fn new(pattern: &str, flags: Flags) -> Self {
        Self {
            pattern: pattern.chars().collect(),
            position: 0,
            flags,
            global: flags,
            groups: vec![None],
            names: Vec::new(),
            asked: Vec::new(),
            depth: 0,
            variable_look_behind: false,
            behind: None,
        }
    }

    fn peek(&self) -> Option<char> {
        self.pattern.get(self.position).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.position += 1;
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        self.position += usize::from(there);
        there
    }

    fn case(&self) -> Case {
        match (self.flags.has(Flags::IGNORECASE), self.flags.has(Flags::ASCII)) {
            (false, _) => Case::Counts,
            (true, true) => Case::IgnoredInAscii,
            (true, false) => Case::Ignored,
        }
    }

    fn literal(&self, c: char) -> Node {
        let case = self.case();
        let cased = case != Case::Counts && (c.is_alphabetic() || fold(c, case) != c);
        Node::One(if cased { Single::Folded(fold(c, case), case) } else { Single::Char(c) })
    }

    fn class(&self, class: Class, negate: bool) -> Item {
        Item::Class { class, negate, ascii: self.flags.has(Flags::ASCII) }
    }

    fn whole(&mut self) -> Parse<Node> {
        let tree = self.alternatives(true)?;
        if self.position < self.pattern.len() {
            return fail("unbalanced parenthesis", self.position);
        }
        if let Some((group, position)) = self.asked.iter().find(|(group, _)| *group >= self.groups.len()) {
            return fail(format!("invalid group reference {group}"), *position);
        }
        if self.variable_look_behind {
            let message = "look-behind requires fixed-width pattern".to_owned();
            return Err(Stop::Error(Error { message, position: None }));
        }
        Ok(tree)
    }

    fn alternatives(&mut self, top: bool) -> Parse<Node> {
        let mut branches = vec![self.sequence(top)?];
        while self.eat('|') {
            branches.push(self.sequence(false)?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alternatives(branches) })
    }

    /// One branch, up to `|`, `)` or the end. Flags for all of the pattern may stand only at the very start.
    fn sequence(&mut self, first: bool) -> Parse<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let start = self.position;
            self.position += 1;
            if self.flags.has(Flags::VERBOSE) {
                if c.is_ascii_whitespace() || c == '\u{b}' {
                    continue;
                }
                if c == '#' {
                    while self.next().is_some_and(|c| c != '\n') {}
                    continue;
                }
            }
            let node = match c {
                '\\' => self.escape(start)?,
                '[' => self.set(start)?,
                '*' | '+' | '?' | '{' => match self.bounds(c, start)? {
                    None => self.literal('{'),
                    Some((least, most)) => {
                        let repeat = self.repeat(nodes.pop(), least, most, start)?;
                        nodes.push(repeat);
                        continue;
                    }
                },
                '.' if self.flags.has(Flags::DOTALL) => Node::One(Single::Any),
                '.' => Node::One(Single::AnyButNewline),
                '^' if self.flags.has(Flags::MULTILINE) => Node::At(Anchor::LineStart),
                '^' => Node::At(Anchor::Start),
                '$' if self.flags.has(Flags::MULTILINE) => Node::At(Anchor::LineEnd),
                '$' => Node::At(Anchor::EndOrLastNewline),
                '(' => match self.group(start, first && nodes.is_empty())? {
                    Some(node) => node,
                    None => continue,
                },
                c => self.literal(c),
            };
            nodes.push(node);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Sequence(nodes) })
    }

    /// The bounds of a repeat; `None`: the brace is just a brace.
    fn bounds(&mut self, c: char, start: usize) -> Parse<Option<(u32, u32)>> {
        Ok(Some(match c {
            '*' => (0, FOREVER),
            '+' => (1, FOREVER),
            '?' => (0, 1),
            _ => {
                if self.peek() == Some('}') {
                    return Ok(None);
                }
                let low = self.digits();
                let comma = self.eat(',');
                let high = if comma { self.digits() } else { low.clone() };
                if !self.eat('}') {
                    self.position = start + 1;
                    return Ok(None);
                }
                let number = |text: &str, default: u32| match text {
                    "" => Ok(default),
                    text => text
                        .parse::<u32>()
                        .ok()
                        .filter(|n| *n < FOREVER)
                        .ok_or_else(|| Error::new("the repetition number is too large", start)),
                };
                let (least, most) = (number(&low, 0)?, number(&high, FOREVER)?);
                if most < least {
                    return fail("min repeat greater than max repeat", start + 1);
                }
                (least, most)
            }
        }))
    }

    fn digits(&mut self) -> String {
        let start = self.position;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.position += 1;
        }
        self.text(start)
    }

    fn text(&self, start: usize) -> String {
        self.pattern.get(start..self.position).unwrap_or(&[]).iter().collect()
    }

    fn repeat(&mut self, node: Option<Node>, least: u32, most: u32, start: usize) -> Parse<Node> {
        let node = match node {
            None | Some(Node::At(_)) => return fail("nothing to repeat", start),
            Some(Node::Repeat { .. }) => return fail("multiple repeat", start),
            Some(node) => node,
        };
        let mode = match self.peek() {
            Some('?') => Mode::Lazy,
            Some('+') => Mode::Possessive,
            _ => Mode::Greedy,
        };
        self.position += usize::from(mode != Mode::Greedy);
        Ok(Node::Repeat { node: Box::new(node), least, most, mode })
    }

    /// What starts with a parenthesis; `None`: a comment or flags.
    fn group(&mut self, start: usize, first: bool) -> Parse<Option<Node>> {
        if !self.eat('?') {
            return self.capture(None, start).map(Some);
        }
        match self.next() {
            None => fail("unexpected end of pattern", self.position),
            Some('P') => self.python_group(start).map(Some),
            Some(':') => self.inner(start, self.flags).map(|node| Some(shield(node))),
            Some('>') => self.inner(start, self.flags).map(|node| Some(Node::Atomic(Box::new(node)))),
            Some('#') => loop {
                match self.next() {
                    Some(')') => return Ok(None),
                    Some(_) => {}
                    None => return fail("missing ), unterminated comment", start),
                }
            },
            Some(c @ ('=' | '!')) => self.look(start, None, c == '!').map(Some),
            Some('<') => match self.next() {
                None => fail("unexpected end of pattern", self.position),
                Some(c @ ('=' | '!')) => self.look(start, Some(()), c == '!').map(Some),
                Some(c) => fail(format!("unknown extension ?<{c}"), start + 1),
            },
            Some('(') => self.condition(start).map(Some),
            Some(c) if c == '-' || Flags::of_letter(c).is_some() || c == 'L' => {
                self.flag_group(c, start, first)
            }
            Some(c) => fail(format!("unknown extension ?{c}"), start + 1),
        }
    }

    fn capture(&mut self, name: Option<String>, start: usize) -> Parse<Node> {
        let index = self.groups.len();
        self.groups.push(None);
        if let Some(name) = name {
            if let Some((_, taken)) = self.names.iter().find(|(known, _)| *known == name) {
                let text = format!("redefinition of group name '{name}' as group {index}; was group {taken}");
                return fail(text, start + 4);
            }
            self.names.push((name, index));
        }
        let node = Box::new(self.inner(start, self.flags)?);
        let width = node.width(&self.groups);
        if let Some(group) = self.groups.get_mut(index) {
            *group = Some(width);
        }
        Ok(Node::Group { index, node })
    }

    /// The inside of a parenthesis, and its end.
    fn inner(&mut self, start: usize, flags: Flags) -> Parse<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return fail("groups are nested too deeply", start);
        }
        let outer = std::mem::replace(&mut self.flags, flags);
        let node = self.alternatives(false)?;
        self.flags = outer;
        self.depth -= 1;
        if !self.eat(')') {
            return fail("missing ), unterminated subpattern", start);
        }
        Ok(node)
    }

    fn python_group(&mut self, start: usize) -> Parse<Node> {
        match self.next() {
            Some('<') => {
                let name = self.name('>')?;
                self.capture(Some(name), start)
            }
            Some('=') => {
                let at = self.position;
                let name = self.name(')')?;
                match self.names.iter().find(|(known, _)| *known == name) {
                    Some((_, index)) => self.backreference(*index, at),
                    None => fail(format!("unknown group name '{name}'"), at),
                }
            }
            Some(c) => fail(format!("unknown extension ?P{c}"), start + 1),
            None => fail("unexpected end of pattern", self.position),
        }
    }

    fn name(&mut self, end: char) -> Parse<String> {
        let start = self.position;
        let text = self.until(end)?;
        if !is_identifier(&text) {
            return fail(format!("bad character in group name '{text}'"), start);
        }
        Ok(text)
    }

    fn until(&mut self, end: char) -> Parse<String> {
        let start = self.position;
        loop {
            match self.next() {
                None if self.position == start => return fail("missing group name", start),
                None => return fail(format!("missing {end}, unterminated name"), start),
                Some(c) if c == end => break,
                Some(_) => {}
            }
        }
        let text = self.pattern.get(start..self.position - 1).unwrap_or(&[]).iter().collect::<String>();
        if text.is_empty() { fail("missing group name", start) } else { Ok(text) }
    }

    fn look(&mut self, start: usize, behind: Option<()>, negate: bool) -> Parse<Node> {
        let outer = self.behind;
        if behind.is_some() {
            self.behind = outer.or(Some(self.groups.len()));
        }
        let node = self.inner(start, self.flags)?;
        self.behind = outer;
        let behind = match behind {
            None => None,
            Some(()) => match node.width(&self.groups) {
                (low, Some(high)) if low == high => Some(low),
                _ => {
                    self.variable_look_behind = true;
                    Some(0)
                }
            },
        };
        Ok(Node::Look { behind, negate, node: Box::new(node) })
    }

    fn condition(&mut self, start: usize) -> Parse<Node> {
        let at = self.position;
        let name = self.until(')')?;
        let group = if is_identifier(&name) {
            match self.names.iter().find(|(known, _)| *known == name) {
                Some((_, index)) => *index,
                None => return fail(format!("unknown group name '{name}'"), at),
            }
        } else {
            match name.parse::<usize>() {
                Ok(0) => return fail("bad group number", at),
                Ok(index) => index,
                Err(_) => return fail(format!("bad character in group name '{name}'"), at),
            }
        };
        self.asked.push((group, at));
        self.reachable(group)?;
        let yes = self.sequence(false)?;
        let no = if self.eat('|') { self.sequence(false)? } else { Node::EMPTY };
        if self.peek() == Some('|') {
            return fail("conditional backref with more than two branches", start);
        }
        if !self.eat(')') {
            return fail("missing ), unterminated subpattern", start);
        }
        Ok(Node::Condition { group, yes: Box::new(yes), no: Box::new(no) })
    }

    /// `(?i)` for all, `(?i:…)` and `(?-i:…)` for a part.
    fn flag_group(&mut self, letter: char, start: usize, first: bool) -> Parse<Option<Node>> {
        let mut letter = letter;
        let (mut on, mut off) = (Flags::NONE, Flags::NONE);
        let mut unicode = false;
        let mut negative = letter == '-';
        if negative {
            letter = match self.next() {
                Some(c) => c,
                None => return fail("missing flag", self.position),
            };
        }
        loop {
            match (letter, Flags::of_letter(letter)) {
                ('L', _) => {
                    return fail("bad inline flags: cannot use 'L' flag with a str pattern", self.position);
                }
                ('a' | 'u', _) if negative => {
                    let text = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                    return fail(text, self.position);
                }
                (_, Some(flag)) => {
                    unicode |= letter == 'u';
                    let to = if negative { &mut off } else { &mut on };
                    *to = to.with(flag);
                }
                (c, None) => {
                    let what = if c.is_alphabetic() { "unknown flag" } else { "missing -, : or )" };
                    return fail(what, self.position - 1);
                }
            }
            match self.next() {
                Some(')') if !negative => {
                    if !first {
                        return fail("global flags not at the start of the expression", start);
                    }
                    if on.has(Flags::VERBOSE) && !self.flags.has(Flags::VERBOSE) {
                        return Err(Stop::Verbose);
                    }
                    self.global = self.global.with(on);
                    self.flags = self.flags.with(on);
                    return Ok(None);
                }
                Some(':') => break,
                Some('-') if !negative => {
                    negative = true;
                    letter = match self.next() {
                        Some(c) => c,
                        None => return fail("missing flag", self.position),
                    };
                }
                Some(c) => letter = c,
                None => return fail("missing -, : or )", self.position),
            }
        }
        let base = if unicode { self.flags.without(Flags::ASCII) } else { self.flags };
        let node = self.inner(start, base.with(on).without(off))?;
        Ok(Some(shield(node)))
    }

    /// Inside a look-behind only groups that were closed before it can be referred to.
    fn reachable(&self, group: usize) -> Parse<()> {
        match self.behind {
            Some(_) if !matches!(self.groups.get(group), Some(Some(_))) => {
                fail("cannot refer to an open group", self.position)
            }
            Some(before) if group >= before => {
                fail("cannot refer to group defined in the same lookbehind subpattern", self.position)
            }
            _ => Ok(()),
        }
    }

    fn backreference(&self, index: usize, at: usize) -> Parse<Node> {
        match self.groups.get(index) {
            None => fail(format!("invalid group reference {index}"), at),
            Some(None) => fail("cannot refer to an open group", at),
            Some(Some(_)) => {
                self.reachable(index)?;
                Ok(Node::Backreference { index, case: self.case() })
            }
        }
    }

    /// A backslash outside of a set.
    fn escape(&mut self, start: usize) -> Parse<Node> {
        let ascii = self.flags.has(Flags::ASCII);
        let Some(c) = self.next() else { return fail("bad escape (end of pattern)", start) };
        let set = |item| {
            Node::One(Single::Set(Box::new(Charset { items: vec![item], negate: false, case: Case::Counts })))
        };
        Ok(match c {
            'A' => Node::At(Anchor::Start),
            'Z' => Node::At(Anchor::End),
            'b' => Node::At(Anchor::Boundary { ascii }),
            'B' => Node::At(Anchor::NoBoundary { ascii }),
            'd' | 'D' => set(self.class(Class::Digit, c == 'D')),
            's' | 'S' => set(self.class(Class::Space, c == 'S')),
            'w' | 'W' => set(self.class(Class::Word, c == 'W')),
            '1'..='9' => return self.number(c, start),
            c => {
                let c = self.character(c, start)?;
                self.literal(c)
            }
        })
    }

    /// `\1`, or an octal character when it looks like one.
    fn number(&mut self, first: char, start: usize) -> Parse<Node> {
        let octal = |c: char| c.is_digit(8);
        let ahead = |n: usize| self.pattern.get(self.position + n).copied();
        let mut digits = String::from(first);
        if let Some(second) = ahead(0).filter(char::is_ascii_digit) {
            digits.push(second);
            if let (true, true, Some(third)) = (octal(first), octal(second), ahead(1).filter(|c| octal(*c))) {
                digits.push(third);
                self.position += 2;
                return match u32::from_str_radix(&digits, 8) {
                    Ok(code @ 0..=0o377) => Ok(self.literal(char::from_u32(code).unwrap_or('\0'))),
                    _ => fail(format!("octal escape value \\{digits} outside of range 0-0o377"), start),
                };
            }
            self.position += 1;
        }
        self.backreference(digits.parse().unwrap_or(usize::MAX), start + 1).map_err(|stop| match stop {
            Stop::Error(error) if error.message == "cannot refer to an open group" => {
                Stop::Error(Error { position: Some(start), ..error })
            }
            other => other,
        })
    }

    /// The character that an escape stands for, in a set and outside.
    fn character(&mut self, c: char, start: usize) -> Parse<char> {
        Ok(match c {
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0' => {
                let mut code = 0;
                for _ in 0..2 {
                    if let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) {
                        self.position += 1;
                        code = code * 8 + digit;
                    }
                }
                char::from_u32(code).unwrap_or('\0')
            }
            'x' => self.hex(2, start)?,
            'u' => self.hex(4, start)?,
            'U' => self.hex(8, start)?,
            c if c.is_ascii_alphanumeric() => return fail(format!("bad escape \\{c}"), start),
            c => c,
        })
    }

    fn hex(&mut self, digits: usize, start: usize) -> Parse<char> {
        let mut code = 0_u32;
        for _ in 0..digits {
            match self.peek().and_then(|c| c.to_digit(16)) {
                Some(digit) => {
                    self.position += 1;
                    code = code.wrapping_mul(16) + digit;
                }
                None => return fail(format!("incomplete escape {}", self.text(start)), start),
            }
        }
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => fail(format!("bad escape {}", self.text(start)), start),
        }
    }

    fn set(&mut self, start: usize) -> Parse<Node> {
        let negate = self.eat('^');
        let mut items = Vec::new();
        let first = self.position;
        loop {
            let at = self.position;
            let item = match self.next() {
                None => return fail("unterminated character set", start),
                Some(']') if at != first => break,
                Some('\\') => self.set_escape(at, start)?,
                Some(c) => Item::Char(c),
            };
            if self.peek() == Some('-') && self.pattern.get(self.position + 1) != Some(&']') {
                self.position += 1;
                let end_at = self.position;
                let end = match self.next() {
                    None => return fail("unterminated character set", start),
                    Some('\\') => self.set_escape(end_at, start)?,
                    Some(c) => Item::Char(c),
                };
                match (item, end) {
                    (Item::Char(low), Item::Char(high)) if low <= high => items.push(Item::Range(low, high)),
                    _ => return fail(format!("bad character range {}", self.text(at)), at),
                }
            } else {
                items.push(item);
            }
        }
        let case = self.case();
        if let ([Item::Char(c)], false) = (items.as_slice(), negate) {
            return Ok(self.literal(*c));
        }
        Ok(Node::One(Single::Set(Box::new(Charset { items, negate, case }))))
    }

    fn set_escape(&mut self, at: usize, start: usize) -> Parse<Item> {
        let Some(c) = self.next() else { return fail("unterminated character set", start) };
        Ok(match c {
            'd' | 'D' => self.class(Class::Digit, c == 'D'),
            's' | 'S' => self.class(Class::Space, c == 'S'),
            'w' | 'W' => self.class(Class::Word, c == 'W'),
            'b' => Item::Char('\u{8}'),
            '1'..='7' => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    if let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) {
                        self.position += 1;
                        code = code * 8 + digit;
                    }
                }
                if code > 0o377 {
                    let text = format!("octal escape value {} outside of range 0-0o377", self.text(at));
                    return fail(text, at);
                }
                Item::Char(char::from_u32(code).unwrap_or('\0'))
            }
            c => Item::Char(self.character(c, at)?),
        })
    }
}

/// Keeps what is in a group from being taken for a repeat or an anchor that can't be repeated.
fn shield(node: Node) -> Node {
    match node {
        Node::Repeat { .. } | Node::At(_) => Node::Sequence(vec![node]),
        node => node,
    }
}

pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}
