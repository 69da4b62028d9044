//! OpenSSH's patterns: `*`, `?`, lists, and `!` for "not".

/// Whether a text matches a pattern of `*` (any characters) and `?` (one character).
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Greedy with one remembered star: linear in practice, never exponential.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

/// Whether a text matches a list of patterns: one matches, and none that starts with `!` does.
pub(crate) fn matches_list<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        assert!(matches("web*.example.com", "web12.example.com"));
        assert!(matches("web?", "web1"));
        assert!(!matches("web?", "web"));
        assert!(matches("*a*b*", "xxaxxbxx"));
        assert!(!matches("*a*b", "xxaxxbx"));
        assert!(matches("*", ""));
        assert!(!matches("", "x"));
    }

    #[test]
    fn a_negated_pattern_wins_wherever_it_stands() {
        assert!(!matches_list(["*.example.com", "!bad.example.com"], "bad.example.com"));
        assert!(!matches_list(["!bad.example.com", "*.example.com"], "bad.example.com"));
        assert!(matches_list(["*.example.com", "!bad.example.com"], "good.example.com"));
        assert!(!matches_list(["!bad.example.com"], "good.example.com"));
    }
}
