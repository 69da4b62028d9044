//! What a match is replaced with: text with `\1`, `\g<name>` and escapes.

use crate::parse::is_identifier;
use crate::{Captures, Error, Regex};

/// A replacement template that was read for one pattern.
#[derive(Debug, Clone)]
pub struct Replacement {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Reads a template, with the groups of its pattern.
    pub fn new(template: &str, regex: &Regex) -> Result<Self, Error> {
        let mut reader =
            Reader { chars: template.chars().collect(), position: 0, text: String::new(), parts: Vec::new() };
        while let Some(c) = reader.next() {
            if c == '\\' { reader.escape(regex)? } else { reader.text.push(c) }
        }
        reader.flush();
        Ok(Self { parts: reader.parts })
    }

    /// The text for one match. A group that took no part gives nothing.
    pub fn expand(&self, captures: &Captures<'_>, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(index) => out.push_str(captures.get(*index).unwrap_or("")),
            }
        }
    }
}

struct Reader {
    chars: Vec<char>,
    position: usize,
    text: String,
    parts: Vec<Part>,
}

impl Reader {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.position).copied()?;
        self.position += 1;
        Some(c)
    }

    fn peek_octal(&self) -> Option<u32> {
        self.chars.get(self.position).and_then(|c| c.to_digit(8))
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }

    fn group(&mut self, index: usize, at: usize, regex: &Regex) -> Result<(), Error> {
        if index > regex.group_count() {
            return Err(Error::new(format!("invalid group reference {index}"), at));
        }
        self.flush();
        self.parts.push(Part::Group(index));
        Ok(())
    }

    fn escape(&mut self, regex: &Regex) -> Result<(), Error> {
        let start = self.position - 1;
        let c = self.next().ok_or_else(|| Error::new("bad escape (end of pattern)", start))?;
        match c {
            'g' => return self.named(regex),
            '0' => {
                let code = self.octal(0, 2);
                self.text.push(char::from_u32(code).unwrap_or('\0'));
            }
            '1'..='9' => return self.number(c, start, regex),
            'a' => self.text.push('\u{7}'),
            'b' => self.text.push('\u{8}'),
            'f' => self.text.push('\u{c}'),
            'n' => self.text.push('\n'),
            'r' => self.text.push('\r'),
            't' => self.text.push('\t'),
            'v' => self.text.push('\u{b}'),
            '\\' => self.text.push('\\'),
            c if c.is_ascii_alphabetic() => return Err(Error::new(format!("bad escape \\{c}"), start)),
            c => self.text.extend(['\\', c]),
        }
        Ok(())
    }

    fn octal(&mut self, first: u32, digits: usize) -> u32 {
        let mut code = first;
        for _ in 0..digits {
            if let Some(digit) = self.peek_octal() {
                self.position += 1;
                code = code * 8 + digit;
            }
        }
        code
    }

    fn number(&mut self, first: char, start: usize, regex: &Regex) -> Result<(), Error> {
        let mut digits = String::from(first);
        if let Some(second) = self.chars.get(self.position).copied().filter(char::is_ascii_digit) {
            let third = self.chars.get(self.position + 1).copied().filter(|c| c.is_digit(8));
            digits.push(second);
            self.position += 1;
            if let (true, true, Some(third)) = (first.is_digit(8), second.is_digit(8), third) {
                digits.push(third);
                self.position += 1;
                let code = u32::from_str_radix(&digits, 8).unwrap_or(u32::MAX);
                if code > 0o377 {
                    let text = format!("octal escape value \\{digits} outside of range 0-0o377");
                    return Err(Error::new(text, start));
                }
                self.text.push(char::from_u32(code).unwrap_or('\0'));
                return Ok(());
            }
        }
        self.group(digits.parse().unwrap_or(usize::MAX), start + 1, regex)
    }

    fn named(&mut self, regex: &Regex) -> Result<(), Error> {
        let at = self.position + 1;
        if self.next() != Some('<') {
            return Err(Error::new("missing <", at - 1));
        }
        let mut name = String::new();
        loop {
            match self.next() {
                Some('>') => break,
                Some(c) => name.push(c),
                None if name.is_empty() => return Err(Error::new("missing group name", at)),
                None => return Err(Error::new("missing >, unterminated name", at)),
            }
        }
        if name.is_empty() {
            return Err(Error::new("missing group name", at));
        }
        if is_identifier(&name) {
            return match regex.group_index(&name) {
                Some(index) => self.group(index, at, regex),
                // Python raises IndexError("unknown group name 'x'") here; the words are the same.
                None => Err(Error::new(format!("unknown group name '{name}'"), at)),
            };
        }
        match name.parse::<usize>() {
            Ok(index) => self.group(index, at, regex),
            Err(_) => Err(Error::new(format!("bad character in group name '{name}'"), at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Flags, Regex};

    fn sub(pattern: &str, template: &str, text: &str) -> Result<String, String> {
        let regex = Regex::new(pattern, Flags::NONE).unwrap();
        regex.replace(text, template, 0).map(|(text, _)| text).map_err(|error| error.to_string())
    }

    #[test]
    fn templates_name_groups_in_every_way_that_python_knows() {
        let ok = |pattern, template, text| sub(pattern, template, text).unwrap();
        assert_eq!(ok(r"(\w+)@(?P<host>\w+)", r"\2 \g<1> \g<host> \g<0>", "me@here"), "here me here me@here");
        assert_eq!(ok(r"(a)|b", r"[\1]", "ab"), "[a][]");
        assert_eq!(ok("x*", "-", "axb"), "-a--b-");
        assert_eq!(ok("a", r"\n\t\\\.\101\0", "a"), "\n\t\\\\.A\0");
        assert_eq!(ok(r"(.)", r"\g<1>0", "a"), "a0");
    }

    #[test]
    fn wrong_templates_are_refused_in_pythons_words() {
        let err = |pattern, template| sub(pattern, template, "a").unwrap_err();
        assert_eq!(err("a", r"\1"), "invalid group reference 1 at position 1");
        assert_eq!(err("a", r"\q"), r"bad escape \q at position 0");
        assert_eq!(err("a", r"\g<x>"), "unknown group name 'x' at position 3");
        assert_eq!(err("a", r"\g1"), "missing < at position 2");
        assert_eq!(err("a", "\\"), "bad escape (end of pattern) at position 0");
    }

    #[test]
    fn an_exponential_search_is_given_up() {
        let regex = Regex::new("(?:a|aa)+$", Flags::NONE).unwrap();
        assert!(regex.search(&("a".repeat(60) + "b")).is_err());
    }
}
