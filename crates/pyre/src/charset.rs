//! Sets of characters: `[a-z]`, `\w` and case.

use crate::tree::Case;

/// A set of characters.
#[derive(Debug, Clone)]
pub struct Charset {
    pub items: Vec<Item>,
    pub negate: bool,
    pub case: Case,
}

/// One thing in a set.
#[derive(Debug, Clone, Copy)]
pub enum Item {
    Char(char),
    Range(char, char),
    Class { class: Class, negate: bool, ascii: bool },
}

/// The classes that have a letter.
#[derive(Debug, Clone, Copy)]
pub enum Class {
    Digit,
    Space,
    Word,
}

impl Charset {
    /// Whether it has the character.
    pub fn has(&self, c: char) -> bool {
        let found = match self.case {
            Case::Counts => self.lists(c),
            Case::IgnoredInAscii => {
                self.lists(c) || self.lists(c.to_ascii_lowercase()) || self.lists(c.to_ascii_uppercase())
            }
            Case::Ignored => {
                self.lists(c) || {
                    let low = lower(c);
                    self.lists(low) || self.lists(upper(low)) || relatives(low).any(|c| self.lists(c))
                }
            }
        };
        found != self.negate
    }

    fn lists(&self, c: char) -> bool {
        self.items.iter().any(|item| match *item {
            Item::Char(own) => own == c,
            Item::Range(low, high) => (low..=high).contains(&c),
            Item::Class { class, negate, ascii } => class.has(c, ascii) != negate,
        })
    }
}

impl Class {
    /// Whether it has the character.
    pub fn has(self, c: char, ascii: bool) -> bool {
        match self {
            Class::Digit => c.is_ascii_digit() || (!ascii && !c.is_ascii() && is_digit(c)),
            Class::Space => is_space(c, ascii),
            Class::Word => is_word(c, ascii),
        }
    }
}

/// Python's `\w`.
pub fn is_word(c: char, ascii: bool) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { !ascii && c.is_alphanumeric() }
}

/// Python's `\s`: for text also the separators 0x1c to 0x1f.
fn is_space(c: char, ascii: bool) -> bool {
    match c {
        ' ' | '\t'..='\r' => true,
        '\u{1c}'..='\u{1f}' => !ascii,
        _ => !ascii && !c.is_ascii() && c.is_whitespace(),
    }
}

/// Unicode's decimal digits (category Nd): ten in a row from each of these.
fn is_digit(c: char) -> bool {
    const ZEROS: [u32; 65] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
        0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
        0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066,
        0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950,
        0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
        0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
    ];
    let code = u32::from(c);
    let after = ZEROS.partition_point(|zero| *zero <= code);
    after.checked_sub(1).and_then(|before| ZEROS.get(before)).is_some_and(|zero| code - zero < 10)
}

/// Characters that Python holds for the same letter although their lower cases differ, lowest first.
const FAMILIES: [&[char]; 23] = [
    &['i', '\u{131}'],
    &['s', '\u{17f}'],
    &['\u{b5}', '\u{3bc}'],
    &['\u{345}', '\u{3b9}', '\u{1fbe}'],
    &['\u{390}', '\u{1fd3}'],
    &['\u{3b0}', '\u{1fe3}'],
    &['\u{3b2}', '\u{3d0}'],
    &['\u{3b5}', '\u{3f5}'],
    &['\u{3b8}', '\u{3d1}'],
    &['\u{3ba}', '\u{3f0}'],
    &['\u{3c0}', '\u{3d6}'],
    &['\u{3c1}', '\u{3f1}'],
    &['\u{3c2}', '\u{3c3}'],
    &['\u{3c6}', '\u{3d5}'],
    &['\u{432}', '\u{1c80}'],
    &['\u{434}', '\u{1c81}'],
    &['\u{43e}', '\u{1c82}'],
    &['\u{441}', '\u{1c83}'],
    &['\u{442}', '\u{1c84}', '\u{1c85}'],
    &['\u{44a}', '\u{1c86}'],
    &['\u{463}', '\u{1c87}'],
    &['\u{1e61}', '\u{1e9b}'],
    &['\u{fb05}', '\u{fb06}'],
];

fn relatives(c: char) -> impl Iterator<Item = char> {
    let family = if c.is_ascii() && !matches!(c, 'i' | 's') {
        None
    } else {
        FAMILIES.iter().find(|family| family.contains(&c))
    };
    family.into_iter().flat_map(|family| family.iter().copied())
}

fn lower(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// The character by which all of its cases are compared.
pub fn fold(c: char, case: Case) -> char {
    match case {
        Case::Counts => c,
        Case::IgnoredInAscii => c.to_ascii_lowercase(),
        Case::Ignored => {
            let low = lower(c);
            relatives(low).next().unwrap_or(low)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_every_script() {
        assert!(Class::Digit.has('٣', false));
        assert!(!Class::Digit.has('٣', true));
        assert!(!Class::Digit.has('²', false));
        assert!(Class::Digit.has('\u{1d7ff}', false));
    }

    #[test]
    fn case_folds_across_relatives() {
        assert_eq!(fold('ſ', Case::Ignored), fold('S', Case::Ignored));
        assert_eq!(fold('Σ', Case::Ignored), fold('ς', Case::Ignored));
        assert_eq!(fold('K', Case::Ignored), 'k');
        assert_ne!(fold('É', Case::IgnoredInAscii), fold('é', Case::IgnoredInAscii));
    }
}
