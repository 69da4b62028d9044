//! Takes out of an output what differs from run to run and from machine to machine.

use std::path::Path;

/// Replaces the lab's folder, durations, clock times and dates, and loopback ports.
pub(super) fn redact(text: &str, lab: &Path) -> String {
    let text = text.replace(&lab.display().to_string(), "[lab]");
    text.split_inclusive('\n').map(line).collect()
}

fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let end =
            tail.find(|c: char| !c.is_ascii_alphanumeric() && !".:-+".contains(c)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        match (head.ends_with(|c: char| c.is_alphanumeric() || c == '_'), kind(word)) {
            (false, Some(name)) => {
                let kept = word.trim_end_matches(['.', ':', '-']);
                out.push_str(name);
                out.push_str(&word[kept.len()..]);
            }
            _ => out.push_str(word),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What a word that starts with a digit stands for, when it is not the same in every run.
fn kind(word: &str) -> Option<&'static str> {
    let word = word.trim_end_matches(['.', ':', '-']);
    if let Some(port) = word.strip_prefix("127.0.0.1:") {
        return port.parse::<u16>().is_ok().then_some("127.0.0.1:[port]");
    }
    let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if ["ms", "µs", "s"].iter().any(|unit| {
        word.strip_suffix(unit).is_some_and(|n| number(n) && n.contains('.') || n.parse::<u64>().is_ok())
    }) {
        return Some("[time]");
    }
    let parts: Vec<&str> = word.split(':').collect();
    if parts.len() == 3 && parts.iter().all(|p| number(p)) && parts[0].len() <= 2 && parts[1].len() == 2 {
        return Some("[time]");
    }
    let date = word.split('T').next().unwrap_or(word);
    let fields: Vec<&str> = date.split('-').collect();
    if fields.len() == 3 && fields[0].len() == 4 && fields.iter().all(|f| number(f)) {
        return Some("[date]");
    }
    None
}

#[test]
fn what_differs_is_taken_out_and_nothing_else() {
    let cases = [
        ("took 0.31s for 3 hosts", "took [time] for 3 hosts"),
        ("after 12ms.", "after [time]."),
        ("/tmp/lab7/playbook.yml:3:7: no", "[lab]/playbook.yml:3:7: no"),
        ("at 2026-01-02T10:11:12Z", "at [date]"),
        ("0:00:01.234 elapsed", "[time] elapsed"),
        ("connect to 127.0.0.1:40123: refused", "connect to 127.0.0.1:[port]: refused"),
        ("web1 : ok=3 changed=1", "web1 : ok=3 changed=1"),
        ("mode 0644 of 10.0.0.1", "mode 0644 of 10.0.0.1"),
    ];
    for (text, expected) in cases {
        assert_eq!(redact(text, Path::new("/tmp/lab7")), expected);
    }
}
