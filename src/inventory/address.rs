//! What is written where a host is expected: `web[01:50].example.com:2222`, `[fe80::1]:22`.

use std::net::Ipv6Addr;

use shevek_diag::{Diagnostic, Result};

/// More hosts than this from one line is a slip, not an inventory.
const MOST_HOSTS: usize = 1_000_000;

/// A host pattern without its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or address, ranges not yet written out.
    pub host: String,
    /// The port behind the last colon.
    pub port: Option<u16>,
}

/// Takes a port off, if what is before it is a name or address; `None`: this is neither.
pub fn parse(text: &str) -> Option<Address> {
    let number =
        |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    let bracketed = || {
        let (host, port) = text.strip_prefix('[')?.rsplit_once("]:")?;
        Some((host, number(port)?))
    };
    let plain = || {
        let (host, port) = text.rsplit_once(':')?;
        has_no_bare_colon(host).then_some((host, number(port)?))
    };
    let (host, port) = match bracketed().or_else(plain) {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    is_host(host).then(|| Address { host: host.to_owned(), port })
}

/// Whether all colons are inside complete brackets.
fn has_no_bare_colon(text: &str) -> bool {
    let mut inside = false;
    for c in text.chars() {
        match c {
            '[' if !inside => inside = true,
            ']' if inside => inside = false,
            ':' | '[' | ']' if !inside => return false,
            _ => {}
        }
    }
    !inside
}

/// Whether it is a host name, an IPv4 or an IPv6 address, ranges allowed in any part.
fn is_host(text: &str) -> bool {
    let Some(sample) = sample(text) else { return false };
    sample.parse::<Ipv6Addr>().is_ok() || sample.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    label.starts_with(word) && label.chars().all(|c| word(c) || c == '-') && !label.ends_with(['-', '_'])
}

/// The text with a `1` for every range; `None`: something in brackets is no range.
fn sample(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let (range, tail) = after.split_once(']')?;
        let parts: Vec<&str> = range.split(':').collect();
        let hex = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_hexdigit());
        let letter = |part: &str| part.len() == 1 && part.bytes().all(|b| b.is_ascii_alphabetic());
        let step = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let fits = match parts.as_slice() {
            [from, to] => (hex(from) && hex(to)) || (letter(from) && letter(to)),
            [from, to, by] => ((hex(from) && hex(to)) || (letter(from) && letter(to))) && step(by),
            _ => false,
        };
        if !fits {
            return None;
        }
        out.push_str(before);
        out.push('1');
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// The hosts that a pattern stands for, and the port of all of them.
pub fn expand(pattern: &str) -> Result<(Vec<String>, Option<u16>)> {
    let Address { host, port } =
        parse(pattern).unwrap_or_else(|| Address { host: pattern.to_owned(), port: None });
    Ok((expand_ranges(&host)?, port))
}

fn wrong(detail: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::new("malformed host range").detail(detail)
}

fn expand_ranges(pattern: &str) -> Result<Vec<String>> {
    let Some((head, rest)) = pattern.split_once('[') else { return Ok(vec![pattern.to_owned()]) };
    let Some((range, tail)) = rest.split_once(']') else {
        return Err(wrong(format!("`{pattern}` opens a bracket and does not close it")));
    };
    let members = members(range)?;
    let tails = expand_ranges(tail)?;
    if members.len().saturating_mul(tails.len()) > MOST_HOSTS {
        return Err(wrong(format!("`{pattern}` stands for more than {MOST_HOSTS} hosts")));
    }
    let mut all = Vec::with_capacity(members.len() * tails.len());
    for member in &members {
        all.extend(tails.iter().map(|tail| format!("{head}{member}{tail}")));
    }
    Ok(all)
}

/// What `from:to` or `from:to:step` counts through.
fn members(range: &str) -> Result<Vec<String>> {
    let parts: Vec<&str> = range.split(':').collect();
    let (from, to, step) = match parts.as_slice() {
        [from, to] => (*from, *to, "1"),
        [from, to, step] => (*from, *to, *step),
        _ => return Err(wrong("host range must be begin:end or begin:end:step")),
    };
    let from = if from.is_empty() { "0" } else { from };
    if to.is_empty() {
        return Err(wrong("host range must specify end value"));
    }
    let step: usize = step
        .parse()
        .ok()
        .filter(|step| *step > 0)
        .ok_or_else(|| wrong(format!("`{step}` is no step: a whole number from 1 is expected")))?;
    let letter = |text: &str| match text.as_bytes() {
        [letter] => LETTERS.iter().position(|l| l == letter),
        _ => None,
    };
    if let (Some(from), Some(to)) = (letter(from), letter(to)) {
        if from > to {
            return Err(wrong("host range must have begin <= end"));
        }
        let letters = LETTERS.iter().skip(from).take(to - from + 1).step_by(step);
        return Ok(letters.map(|letter| char::from(*letter).to_string()).collect());
    }
    let width = if from.len() > 1 && from.starts_with('0') { from.len() } else { 0 };
    if width > 0 && width != to.len() {
        return Err(wrong("host range must specify equal-length begin and end formats"));
    }
    let number = |text: &str| {
        text.parse::<u64>().map_err(|_| wrong(format!("`{text}` is neither a number nor a letter")))
    };
    let (from, to) = (number(from)?, number(to)?);
    if from > to {
        // Differs from Ansible: such a range is no hosts at all there, in silence.
        return Err(wrong("host range must have begin <= end"));
    }
    if (to - from) as usize / step > MOST_HOSTS {
        return Err(wrong(format!("`[{range}]` stands for more than {MOST_HOSTS} hosts")));
    }
    Ok((from..=to).step_by(step).map(|n| format!("{n:0width$}")).collect())
}

const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pattern: &str) -> String {
        match expand(pattern) {
            Ok((hosts, None)) => hosts.join(" "),
            Ok((hosts, Some(port))) => format!("{} @{port}", hosts.join(" ")),
            Err(why) => format!("! {}", why.detail),
        }
    }

    #[test]
    fn ranges_are_written_out() {
        assert_eq!(all("web[1:3]"), "web1 web2 web3");
        assert_eq!(all("web[08:10].x"), "web08.x web09.x web10.x");
        assert_eq!(all("db-[a:c]"), "db-a db-b db-c");
        assert_eq!(all("w[1:2]-[a:b]"), "w1-a w1-b w2-a w2-b");
        assert_eq!(all("n[0:6:3]:22"), "n0 n3 n6 @22");
        assert_eq!(all("n[:2]"), "n0 n1 n2");
    }

    #[test]
    fn ports_are_taken_off_and_ipv6_keeps_its_colons() {
        assert_eq!(all("host:2222"), "host @2222");
        assert_eq!(all("10.0.0.1:22"), "10.0.0.1 @22");
        assert_eq!(all("fe80::1"), "fe80::1");
        assert_eq!(all("[fe80::1]:22"), "fe80::1 @22");
        assert_eq!(all("what!ever:22"), "what!ever:22");
    }

    #[test]
    fn malformed_ranges_say_why() {
        assert_eq!(all("w[1:"), "! `w[1:` opens a bracket and does not close it");
        assert_eq!(all("w[3:1]"), "! host range must have begin <= end");
        assert_eq!(all("w[01:100]"), "! host range must specify equal-length begin and end formats");
        assert_eq!(all("w[5]"), "! host range must be begin:end or begin:end:step");
        assert_eq!(all("w[1:]"), "! host range must specify end value");
        assert_eq!(all("w[1:99999999999]"), "! `[1:99999999999]` stands for more than 1000000 hosts");
    }
}
