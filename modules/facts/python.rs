//! The host's Python, if it has one; nothing here needs it.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, put};

const PROGRAM: &str = "/usr/bin/python3";

/// `python`, `python_version`.
// Differs from Ansible: facts of Python are those of /usr/bin/python3, which nothing else here needs; without it there are none.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    if !host.exists(PROGRAM) {
        return Ok(());
    }
    let Ok(ran) = host.ask(cmd(PROGRAM).arg("--version").any_rc()) else { return Ok(()) };
    let said = ran.out();
    let Some(text) = said.trim().strip_prefix("Python ") else { return Ok(()) };
    let Some(version) = Version::parse(text) else { return Ok(()) };
    let [major, minor, micro] = version.numbers;
    put(facts, "python_version", format!("{major}.{minor}.{micro}"));
    let parts = [
        ("major", Val::Int(major)),
        ("minor", Val::Int(minor)),
        ("micro", Val::Int(micro)),
        ("releaselevel", version.level.into()),
        ("serial", Val::Int(version.serial)),
    ];
    let info = parts.iter().map(|(_, value)| value.clone()).collect();
    let named = parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    put(
        facts,
        "python",
        Val::Map(vec![
            ("version".to_owned(), Val::Map(named)),
            ("version_info".to_owned(), Val::List(info)),
            ("executable".to_owned(), PROGRAM.into()),
            ("has_sslcontext".to_owned(), true.into()),
            ("type".to_owned(), "cpython".into()),
        ]),
    );
    Ok(())
}

/// `3.11.2`, `3.13.0rc1`.
struct Version {
    numbers: [i64; 3],
    level: &'static str,
    serial: i64,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        let mut numbers = numbers.split('.').map(|n| n.parse::<i64>().ok());
        let mut next = || numbers.next().flatten();
        let numbers = [next()?, next()?, next().unwrap_or(0)];
        let level = match rest.chars().next() {
            Some('a') => "alpha",
            Some('b') => "beta",
            Some('r') => "candidate",
            _ => "final",
        };
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        let serial = if level == "final" { 0 } else { digits.parse().unwrap_or(0) };
        Some(Self { numbers, level, serial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_apart() {
        let version = Version::parse("3.13.0rc2").unwrap();
        assert_eq!((version.numbers, version.level, version.serial), ([3, 13, 0], "candidate", 2));
        let version = Version::parse("3.11.2").unwrap();
        assert_eq!((version.numbers, version.level, version.serial), ([3, 11, 2], "final", 0));
    }
}
