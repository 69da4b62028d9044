//! Shell-style patterns over whole words (`*`, `?`, `[a-z]`, `[!x]`), as Python's fnmatch has them.

/// Whether the text as a whole matches.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    rest(&pattern, &text)
}

fn rest(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', more @ ..], _) => {
            (0..=text.len()).any(|skip| rest(more, text.get(skip..).unwrap_or_default()))
        }
        (['?', more @ ..], [_, after @ ..]) => rest(more, after),
        (['[', inside @ ..], [c, after @ ..]) => match inside.iter().skip(1).position(|p| *p == ']') {
            Some(end) => {
                let (set, more) = inside.split_at(end + 1);
                in_set(set, *c) && rest(more.get(1..).unwrap_or_default(), after)
            }
            None => *c == '[' && rest(inside, after),
        },
        ([p, more @ ..], [c, after @ ..]) => p == c && rest(more, after),
        _ => false,
    }
}

fn in_set(set: &[char], c: char) -> bool {
    let (negated, set) = match set {
        ['!', set @ ..] => (true, set),
        set => (false, set),
    };
    let in_range = set.windows(3).any(|w| matches!(w, [a, '-', b] if *a <= c && c <= *b));
    (set.contains(&c) || in_range) != negated
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_whole_words() {
        assert!(matches("1.22*", "1.22.1-9"));
        assert!(matches("linux-image-[0-9]?", "linux-image-61"));
        assert!(matches("[!a]b", "xb"));
        assert!(!matches("1.2", "1.22"));
    }
}
