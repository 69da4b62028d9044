//! Host patterns: `web:&prod:!web3`, `db[0:2]`, `~web\d+`, `*.example.com`.

use std::collections::HashSet;
use std::path::Path;

use fancy_regex::Regex;
use shevek_diag::{Diagnostic, Diagnostics, Kind, Result};
use shevek_value::IndexSet;

use crate::{HostId, Inventory, address};

/// What to do about a pattern that matches nothing (`HOST_PATTERN_MISMATCH`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mismatch {
    /// Warn.
    #[default]
    Warning,
    /// Refuse.
    Error,
    /// Say nothing.
    Ignore,
}

/// Chosen hosts.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// In the order of the pattern, and within its parts in that of the inventory.
    pub hosts: Vec<HostId>,
    /// Parts of patterns that matched nothing.
    pub warnings: Diagnostics,
}

impl Inventory {
    /// The hosts that a pattern chooses, less those that `limit` (the option `--limit`) leaves out. Warnings are
    /// dropped; see [`Inventory::choose`].
    pub fn select(&self, pattern: &str, limit: Option<&str>) -> Result<Vec<HostId>> {
        Ok(self.choose(&[pattern], limit, Mismatch::Warning, Path::new("."))?.hosts)
    }

    /// The same with a list of patterns, warnings, and the folder that a limit's `@file` is relative to.
    pub fn choose(
        &self,
        patterns: &[&str],
        limit: Option<&str>,
        mismatch: Mismatch,
        cwd: &Path,
    ) -> Result<Selection> {
        let mut chooser = Chooser { inventory: self, mismatch, warnings: Diagnostics::new() };
        let parts: Vec<String> = patterns.iter().flat_map(|pattern| split(pattern)).collect();
        let mut hosts = chooser.evaluate(&parts)?;
        if let Some(limit) = limit {
            let allowed: HashSet<HostId> = chooser.evaluate(&limits(limit, cwd)?)?.into_iter().collect();
            hosts.retain(|host| allowed.contains(host));
        }
        Ok(Selection { hosts: hosts.into_iter().collect(), warnings: chooser.warnings })
    }
}

/// A pattern into its parts: at commas, or, if there are none, at colons outside brackets. An address with a port or
/// an IPv6 address is one part.
fn split(pattern: &str) -> Vec<String> {
    let parts: Vec<&str> = if pattern.contains(',') {
        pattern.split(',').collect()
    } else if address::parse(pattern).is_some() {
        vec![pattern]
    } else {
        split_at_colons(pattern)
    };
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn split_at_colons(pattern: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut inside = false;
    for (at, c) in pattern.char_indices() {
        match c {
            '[' if pattern.get(at..).is_some_and(|rest| rest.contains(']')) => inside = true,
            ']' => inside = false,
            c if !inside && (c == ':' || c.is_whitespace()) => {
                parts.extend(pattern.get(start..at));
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(pattern.get(start..));
    parts
}

/// The parts of a limit; `@file` stands for the file's lines.
fn limits(limit: &str, cwd: &Path) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    for part in split(limit) {
        let Some(file) = part.strip_prefix('@') else {
            parts.push(part);
            continue;
        };
        let path = cwd.join(file);
        let text = std::fs::read_to_string(&path).map_err(|why| {
            Diagnostic::new("unable to read limit file")
                .kind(Kind::Machine)
                .detail(format!("{}: {why}", path.display()))
        })?;
        parts.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(parts)
}

struct Chooser<'a> {
    inventory: &'a Inventory,
    mismatch: Mismatch,
    warnings: Diagnostics,
}

impl Chooser<'_> {
    /// First what adds, then what all must be in (`&`), then what must not be in (`!`), wherever they stand.
    fn evaluate(&mut self, parts: &[String]) -> Result<IndexSet<HostId>> {
        let is = |part: &&String, sign: char| part.starts_with(sign);
        let mut adding: Vec<&str> =
            parts.iter().filter(|p| !is(p, '&') && !is(p, '!')).map(String::as_str).collect();
        if adding.is_empty() {
            adding.push("all");
        }
        let mut hosts: IndexSet<HostId> = IndexSet::new();
        for part in adding {
            match self.inventory.find_named_host(part) {
                Some(host) => {
                    hosts.insert(host);
                }
                None => hosts.extend(self.part(part)?),
            }
        }
        for part in parts.iter().filter(|part| is(part, '&')) {
            let kept: HashSet<HostId> = self.part(part.trim_start_matches('&'))?.into_iter().collect();
            hosts.retain(|host| kept.contains(host));
        }
        for part in parts.iter().filter(|part| is(part, '!')) {
            let gone: HashSet<HostId> = self.part(part.trim_start_matches('!'))?.into_iter().collect();
            hosts.retain(|host| !gone.contains(host));
        }
        Ok(hosts)
    }

    /// The hosts of one part without its sign.
    fn part(&mut self, part: &str) -> Result<Vec<HostId>> {
        let (pattern, subscript) = if part.starts_with('~') { (part, None) } else { subscript(part) };
        let hosts = self.matches(pattern)?;
        let Some(subscript) = subscript.filter(|_| !hosts.is_empty()) else { return Ok(hosts) };
        let chosen = match subscript {
            Subscript::One(index) => {
                let position = if index < 0 { hosts.len() as i64 + index } else { index };
                usize::try_from(position).ok().and_then(|position| hosts.get(position..=position))
            }
            Subscript::Range(from, Some(to)) => {
                let to = to.saturating_add(1).min(hosts.len());
                Some(hosts.get(from.min(to)..to).unwrap_or_default())
            }
            Subscript::Range(from, None) => Some(hosts.get(from..).unwrap_or_default()),
        };
        chosen.map(<[HostId]>::to_vec).ok_or_else(|| {
            Diagnostic::new("no such host").kind(Kind::Machine).detail(format!(
                "no hosts matched the subscripted pattern `{part}`: it chooses from {}",
                hosts.len()
            ))
        })
    }

    fn matches(&mut self, pattern: &str) -> Result<Vec<HostId>> {
        let matcher = Matcher::new(pattern)?;
        let inventory = self.inventory;
        let groups: Vec<_> = match &matcher {
            Matcher::Word(name) => inventory.find_group(name).into_iter().collect(),
            matcher => inventory
                .group_ids()
                .filter(|id| matcher.fits(inventory.group(*id).name().as_str()))
                .collect(),
        };
        let mut hosts: Vec<HostId> = Vec::new();
        for group in &groups {
            hosts.extend(inventory.hosts_of(*group).iter());
        }
        let could_be_hosts = pattern.starts_with('~') || pattern.contains(['.', '?', '*', '[']);
        if groups.is_empty() || could_be_hosts {
            match &matcher {
                Matcher::Word(name) => hosts.extend(inventory.find_named_host(name)),
                matcher => hosts.extend(
                    inventory.host_ids().filter(|id| matcher.fits(inventory.host(*id).name().as_str())),
                ),
            }
        }
        if hosts.is_empty() {
            hosts.extend(inventory.find_host(pattern));
        }
        if hosts.is_empty() && groups.is_empty() && pattern != "all" {
            self.mismatched(pattern)?;
        }
        Ok(hosts)
    }

    fn mismatched(&mut self, pattern: &str) -> Result<()> {
        let names = || {
            let hosts = self.inventory.host_ids().map(|id| self.inventory.host(id).name().as_str());
            let groups = self.inventory.group_ids().map(|id| self.inventory.group(id).name().as_str());
            groups.chain(hosts)
        };
        // Ansible's words, since people and tools look for them.
        const SUMMARY: &str = "Could not match supplied host pattern, ignoring";
        match self.mismatch {
            Mismatch::Ignore => Ok(()),
            Mismatch::Error => Err(Diagnostic::new(SUMMARY)
                .kind(Kind::Options)
                .detail(pattern)
                .did_you_mean(pattern, names())),
            Mismatch::Warning => {
                let warning = Diagnostic::warning(SUMMARY).detail(pattern).did_you_mean(pattern, names());
                self.warnings.push(warning);
                Ok(())
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Subscript {
    One(i64),
    /// Both ends count.
    Range(usize, Option<usize>),
}

/// Takes `[3]`, `[-1]`, `[0:2]` or `[2:]` off the end.
fn subscript(part: &str) -> (&str, Option<Subscript>) {
    let found = || {
        let (pattern, inside) = part.strip_suffix(']')?.rsplit_once('[')?;
        let number =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let subscript = match inside.split_once([':', '-']) {
            Some((from, to)) if !from.is_empty() => {
                let to = if to.is_empty() { None } else { Some(number(to)?) };
                Subscript::Range(number(from)?, to)
            }
            _ => Subscript::One(
                inside
                    .parse()
                    .ok()
                    .filter(|_| inside.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()))?,
            ),
        };
        (!pattern.is_empty()).then_some((pattern, Some(subscript)))
    };
    found().unwrap_or((part, None))
}

enum Matcher<'a> {
    Word(&'a str),
    Glob(Regex),
}

impl<'a> Matcher<'a> {
    fn new(pattern: &'a str) -> Result<Self> {
        let invalid = |why: fancy_regex::Error| {
            Diagnostic::new("invalid host list pattern")
                .kind(Kind::Options)
                .detail(format!("`{pattern}`: {why}"))
        };
        match pattern.strip_prefix('~') {
            // Python's `match`: from the beginning, but not to the end.
            Some(regex) => Ok(Self::Glob(Regex::new(&format!("^(?:{regex})")).map_err(invalid)?)),
            None if pattern.contains(['*', '?', '[']) => {
                Ok(Self::Glob(Regex::new(&glob(pattern)).map_err(invalid)?))
            }
            None => Ok(Self::Word(pattern)),
        }
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Word(word) => *word == name,
            // A pattern that takes too long matches nothing.
            Self::Glob(regex) => regex.is_match(name).unwrap_or(false),
        }
    }
}

/// A shell pattern as a regular expression, as Python's `fnmatch` translates it.
fn glob(pattern: &str) -> String {
    let mut out = "(?s)^".to_owned();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                // A `]` right at the beginning is a member.
                let negated = usize::from(rest.starts_with('!'));
                let from =
                    negated + usize::from(rest.get(negated..).is_some_and(|rest| rest.starts_with(']')));
                match rest.get(from..).and_then(|text| text.find(']')) {
                    Some(length) => {
                        let (members, after) = rest.split_at(from + length);
                        let (negated, members) = match members.strip_prefix('!') {
                            Some(members) => ("^", members),
                            None => ("", members),
                        };
                        out.push('[');
                        out.push_str(negated);
                        for c in members.chars() {
                            if matches!(c, '\\' | '[' | ']' | '^' | '&' | '~') {
                                out.push('\\');
                            }
                            out.push(c);
                        }
                        out.push(']');
                        rest = after.get(1..).unwrap_or_default();
                    }
                    None => out.push_str("\\["),
                }
            }
            c => out.push_str(&fancy_regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out + "\\z"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::{Step, Steps};

    fn inventory() -> Inventory {
        let mut steps = Steps::default();
        let mut add = |group: &str, hosts: &[&str]| {
            steps.group(group, None);
            steps.steps.push(Step::Hosts {
                names: hosts.iter().map(|host| (*host).into()).collect(),
                group: Some(group.into()),
                port: None,
                vars: Default::default(),
                origin: None,
            });
        };
        add("web", &["web1", "web2", "web3"]);
        add("prod", &["web2", "db1.example.com"]);
        add("db", &["db1.example.com", "db2.example.com"]);
        let mut inventory = Inventory::default();
        inventory.take(steps, None).unwrap();
        inventory.reconcile();
        inventory
    }

    fn chosen(pattern: &str, limit: Option<&str>) -> String {
        let inventory = inventory();
        match inventory.select(pattern, limit) {
            Ok(hosts) => {
                hosts.iter().map(|id| inventory.host(*id).name().to_string()).collect::<Vec<_>>().join(" ")
            }
            Err(why) => format!("! {}", why.detail),
        }
    }

    #[test]
    fn patterns_choose_as_in_ansible() {
        for (pattern, expected) in [
            ("all", "web1 web2 web3 db1.example.com db2.example.com"),
            ("*", "web1 web2 web3 db1.example.com db2.example.com"),
            ("web:&prod", "web2"),
            ("web:!web1", "web2 web3"),
            ("!web", "db1.example.com db2.example.com"),
            ("web,db,!prod", "web1 web3 db2.example.com"),
            ("web[0]", "web1"),
            ("web[-1]", "web3"),
            ("web[1:]", "web2 web3"),
            ("web[0:1]", "web1 web2"),
            ("web[0:9]", "web1 web2 web3"),
            ("web[5]", "! no hosts matched the subscripted pattern `web[5]`: it chooses from 3"),
            ("db*", "db1.example.com db2.example.com"),
            ("*.example.com", "db1.example.com db2.example.com"),
            ("~web\\d", "web1 web2 web3"),
            ("~(web2|db1)", "web2 db1.example.com"),
            ("web[13]", "! no hosts matched the subscripted pattern `web[13]`: it chooses from 3"),
            ("w?b2", "web2"),
            ("web2:web1", "web2 web1"),
            ("localhost", "localhost"),
            ("nowhere", ""),
        ] {
            assert_eq!(chosen(pattern, None), expected, "{pattern}");
        }
    }

    #[test]
    fn a_limit_takes_away_and_keeps_the_order() {
        assert_eq!(chosen("all", Some("db2*,web3")), "web3 db2.example.com");
        assert_eq!(chosen("web", Some("!web2")), "web1 web3");
        assert_eq!(chosen("web", Some("all:!prod")), "web1 web3");
        let file = std::env::temp_dir().join(format!("shevek-limit-{}", std::process::id()));
        std::fs::write(&file, "web3\n\nweb1\n").unwrap();
        assert_eq!(chosen("all", Some(&format!("@{}", file.display()))), "web1 web3");
    }

    #[test]
    fn a_mistyped_pattern_is_warned_about() {
        let selection = inventory().choose(&["wbe"], None, Mismatch::Warning, Path::new(".")).unwrap();
        let warning = selection.warnings.iter().next().unwrap();
        assert_eq!(warning.help, ["did you mean `web`?"]);
        assert!(inventory().choose(&["wbe"], None, Mismatch::Error, Path::new(".")).is_err());
    }

    #[test]
    fn globs_are_pythons() {
        let fits = |pattern: &str, name: &str| Matcher::new(pattern).unwrap().fits(name);
        assert!(fits("a[!b]c", "axc") && !fits("a[!b]c", "abc"));
        assert!(fits("a[]]c*", "a]c") && fits("a[b-d]*", "ac") && fits("[x", "[x"));
        assert!(!fits("a*", "ba"));
    }
}
