//! One line: a keyword and its arguments.

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    /// In lower case.
    pub(super) keyword: String,
    /// Without quotes.
    pub(super) arguments: Vec<String>,
    /// What stands after the keyword, as it is: some settings are commands.
    pub(super) rest: String,
}

/// Splits a line; `None` if it is empty or a comment, an error in words if it cannot be split.
pub(super) fn parse(number: usize, text: &str) -> Option<Result<Line, String>> {
    let text = text.trim_matches([' ', '\t', '\r', '\n', '\u{c}']);
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let end = text.find([' ', '\t', '=', '"']).unwrap_or(text.len());
    let (keyword, rest) = text.split_at(end);
    // One equals sign may stand between keyword and value.
    let rest = rest.trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches([' ', '\t']);
    let keyword = keyword.to_lowercase();
    Some(split(rest).map(|arguments| Line { number, keyword, arguments, rest: rest.to_owned() }))
}

/// Splits arguments at blanks, minding quotes; a `#` at the start of an argument begins a comment.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut arguments = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        while characters.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        match characters.peek() {
            None | Some('#') => return Ok(arguments),
            Some(_) => {}
        }
        let mut argument = String::new();
        let mut quote = None;
        while let Some(c) = characters.peek().copied() {
            match (quote, c) {
                (None, ' ' | '\t') => break,
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                (_, '\\') => {
                    characters.next();
                    match characters.peek().copied() {
                        Some(next @ ('"' | '\'' | '\\')) => argument.push(next),
                        Some(' ') if quote.is_none() => argument.push(' '),
                        _ => {
                            argument.push('\\');
                            continue;
                        }
                    }
                }
                (_, c) => argument.push(c),
            }
            characters.next();
        }
        if quote.is_some() {
            return Err("a quote is not closed".to_owned());
        }
        arguments.push(argument);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> (String, Vec<String>) {
        let line = parse(1, text).unwrap().unwrap();
        (line.keyword, line.arguments)
    }

    #[test]
    fn keywords_take_blanks_or_an_equals_sign() {
        for text in [
            "HostName web1",
            "hostname=web1",
            "  HOSTNAME = web1  ",
            "HostName\t\"web1\"",
            "HostName web1 # here",
        ] {
            assert_eq!(words(text), ("hostname".into(), vec!["web1".into()]), "{text}");
        }
        assert_eq!(parse(1, "# comment"), None);
        assert_eq!(parse(1, "   "), None);
    }

    #[test]
    fn quotes_keep_blanks() {
        assert_eq!(words(r#"IdentityFile "/a b/c" d"#).1, ["/a b/c", "d"]);
        assert_eq!(words(r#"Match exec "test -f \"x y\"""#).1, ["exec", r#"test -f "x y""#]);
        assert_eq!(words("Host ''").1, [""]);
        assert!(parse(1, "Host \"a").unwrap().is_err());
    }
}
