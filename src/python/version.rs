//! Version numbers as Python's tools compare them.

use std::cmp::Ordering;

use num_bigint::BigInt;
use shevek_pyre::{Captures, Flags, Regex};

/// By which rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// distutils' `LooseVersion`: anything.
    Loose,
    /// distutils' `StrictVersion`.
    Strict,
    /// Semantic Versioning 2.0.0.
    Semantic,
    /// PEP 440.
    Pep440,
}

impl Kind {
    /// From its name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "loose" => Self::Loose,
            "strict" => Self::Strict,
            "semver" | "semantic" => Self::Semantic,
            "pep440" => Self::Pep440,
            _ => return None,
        })
    }
}

/// Compares two versions; an error says what isn't one.
pub fn compare(kind: Kind, a: &str, b: &str) -> Result<Ordering, String> {
    match kind {
        Kind::Loose => loose(a, b),
        Kind::Strict => Ok(strict(a)?.cmp(&strict(b)?)),
        Kind::Semantic => Ok(semantic(a)?.cmp(&semantic(b)?)),
        Kind::Pep440 => Ok(pep440(a)?.cmp(&pep440(b)?)),
    }
}

fn captures<'t>(pattern: &str, flags: Flags, text: &'t str) -> Option<Captures<'t>> {
    Regex::new(pattern, flags).ok()?.match_start(text).ok()?
}

fn number(text: &str) -> BigInt {
    BigInt::parse_bytes(text.as_bytes(), 10).unwrap_or_default()
}

/// A part of a loose version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Digits.
    Number(BigInt),
    /// Anything else.
    Text(String),
}

/// The parts of a loose version: numbers, words in small letters, and whatever is between; dots don't count.
pub fn loose_parts(text: &str) -> Vec<Part> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Digit,
        Letter,
        Dot,
        Other,
    }
    let class = |c: char| match c {
        '0'..='9' => Class::Digit,
        'a'..='z' => Class::Letter,
        '.' => Class::Dot,
        _ => Class::Other,
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = class(first);
        let end = match kind {
            Class::Dot => 1,
            _ => rest.find(|c| class(c) != kind).unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(end);
        match kind {
            Class::Dot => {}
            Class::Digit => parts.push(Part::Number(number(part))),
            _ => parts.push(Part::Text(part.to_owned())),
        }
        rest = after;
    }
    parts
}

fn loose(a: &str, b: &str) -> Result<Ordering, String> {
    let (a, b) = (loose_parts(a), loose_parts(b));
    for (x, y) in a.iter().zip(&b) {
        match (x, y) {
            (Part::Number(x), Part::Number(y)) if x != y => return Ok(x.cmp(y)),
            (Part::Text(x), Part::Text(y)) if x != y => return Ok(x.cmp(y)),
            (Part::Number(_), Part::Text(_)) => return Err(mixed("int", "str")),
            (Part::Text(_), Part::Number(_)) => return Err(mixed("str", "int")),
            _ => {}
        }
    }
    Ok(a.len().cmp(&b.len()))
}

fn mixed(a: &str, b: &str) -> String {
    format!("'<' not supported between instances of '{a}' and '{b}'")
}

type Strict = ([BigInt; 3], bool, Option<(String, BigInt)>);

fn strict(text: &str) -> Result<Strict, String> {
    let pattern = r"^(\d+)\.(\d+)(\.(\d+))?([ab](\d+))?$";
    let found =
        captures(pattern, Flags::ASCII, text).ok_or_else(|| format!("invalid version number '{text}'"))?;
    let part = |group| number(found.get(group).unwrap_or("0"));
    let early = found.get(5).map(|word| (word.chars().take(1).collect(), part(6)));
    // Without a pre-release comes after with one.
    Ok(([part(1), part(2), part(4)], early.is_none(), early))
}

/// Numbers come before words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(BigInt),
    Word(String),
}

type Semantic = ([BigInt; 3], bool, Vec<Identifier>);

fn semantic(text: &str) -> Result<Semantic, String> {
    let pattern = concat!(
        r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)",
        r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?",
        r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$"
    );
    let found =
        captures(pattern, Flags::ASCII, text).ok_or_else(|| format!("invalid semantic version '{text}'"))?;
    let part = |group| number(found.get(group).unwrap_or("0"));
    let identifier = |word: &str| match word.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Identifier::Number(number(word)),
        false => Identifier::Word(word.to_owned()),
    };
    let early: Option<Vec<Identifier>> = found.get(4).map(|all| all.split('.').map(identifier).collect());
    Ok(([part(1), part(2), part(3)], early.is_none(), early.unwrap_or_default()))
}

/// What sorts before and after everything.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bound<T> {
    Before,
    At(T),
    After,
}

/// A local version's part: words come before numbers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    Word(String),
    Number(BigInt),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pep440 {
    epoch: BigInt,
    release: Vec<BigInt>,
    early: Bound<(String, BigInt)>,
    post: Bound<BigInt>,
    development: Bound<BigInt>,
    local: Bound<Vec<Local>>,
}

fn pep440(text: &str) -> Result<Pep440, String> {
    let pattern = concat!(
        r"\s*v?(?:(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)",
        r"(?:[-_\.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_\.]?(?P<pre_n>[0-9]+)?)?",
        r"(?P<post>(?:-(?P<post_n1>[0-9]+))|(?:[-_\.]?(?:post|rev|r)[-_\.]?(?P<post_n2>[0-9]+)?))?",
        r"(?P<dev>[-_\.]?dev[-_\.]?(?P<dev_n>[0-9]+)?)?)",
        r"(?:\+(?P<local>[a-z0-9]+(?:[-_\.][a-z0-9]+)*))?\s*$"
    );
    let found =
        captures(pattern, Flags::IGNORECASE, text).ok_or_else(|| format!("Invalid version: '{text}'"))?;
    let part = |name| number(found.name(name).unwrap_or("0"));
    let mut release: Vec<BigInt> = found.name("release").unwrap_or("0").split('.').map(number).collect();
    while release.len() > 1 && release.last().is_some_and(|last| *last == BigInt::from(0)) {
        release.pop();
    }
    let post =
        found.name("post").map(|_| number(found.name("post_n1").or(found.name("post_n2")).unwrap_or("0")));
    let development = found.name("dev").map(|_| part("dev_n"));
    let early = match found.name("pre") {
        Some(word) => {
            let word = match word.to_lowercase().as_str() {
                "a" | "alpha" => "a",
                "b" | "beta" => "b",
                _ => "rc",
            };
            Bound::At((word.to_owned(), part("pre_n")))
        }
        None if post.is_none() && development.is_some() => Bound::Before,
        None => Bound::After,
    };
    let local = found.name("local").map(|local| {
        local
            .split(['-', '_', '.'])
            .map(|part| match part.bytes().all(|byte| byte.is_ascii_digit()) {
                true => Local::Number(number(part)),
                false => Local::Word(part.to_lowercase()),
            })
            .collect()
    });
    Ok(Pep440 {
        epoch: part("epoch"),
        release,
        early,
        post: post.map_or(Bound::Before, Bound::At),
        development: development.map_or(Bound::After, Bound::At),
        local: local.map_or(Bound::Before, Bound::At),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_own_order() {
        let order = |kind, a, b| compare(kind, a, b).unwrap();
        assert_eq!(order(Kind::Loose, "1.10", "1.9"), Ordering::Greater);
        assert_eq!(order(Kind::Loose, "1.0", "1.0.0"), Ordering::Less);
        assert_eq!(order(Kind::Strict, "1.0a1", "1.0"), Ordering::Less);
        assert_eq!(order(Kind::Semantic, "1.0.0-rc.1", "1.0.0-rc.beta"), Ordering::Less);
        assert_eq!(order(Kind::Semantic, "1.0.0+a", "1.0.0+b"), Ordering::Equal);
        assert_eq!(order(Kind::Pep440, "1.0.dev1", "1.0a1"), Ordering::Less);
        assert_eq!(order(Kind::Pep440, "1.0.post1", "1.0"), Ordering::Greater);
        assert_eq!(order(Kind::Pep440, "v1.0", "1.0.0"), Ordering::Equal);
    }

    #[test]
    fn numbers_and_words_do_not_compare() {
        assert!(compare(Kind::Loose, "1.x", "1.1").is_err());
        assert!(compare(Kind::Strict, "1", "2").is_err());
    }
}
