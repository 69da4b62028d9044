//! A line into words, as Python's `shlex.split` with comments does it.

/// A word and the byte at which it begins in the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub start: usize,
}

/// What the reader is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Nothing,
    Word,
    Quotes(char),
    /// Behind a backslash, inside of the rest.
    Escape(Option<char>),
}

/// Splits a line; an error says what is missing at its end. A `#` begins a comment, inside a word too.
pub(crate) fn split(line: &str) -> Result<Vec<Word>, &'static str> {
    let mut words = Vec::new();
    let mut word = Word { text: String::new(), start: 0 };
    let mut inside = Inside::Nothing;
    for (at, c) in line.char_indices() {
        if inside == Inside::Nothing {
            if c.is_ascii_whitespace() {
                continue;
            }
            word.start = at;
        }
        inside = match (inside, c) {
            (Inside::Quotes(quote), c) if c == quote => Inside::Word,
            (Inside::Quotes('"'), '\\') => Inside::Escape(Some('"')),
            (Inside::Quotes(_), c) => {
                word.text.push(c);
                inside
            }
            (Inside::Escape(quote), c) => {
                if quote.is_some_and(|quote| c != '\\' && c != quote) {
                    word.text.push('\\');
                }
                word.text.push(c);
                quote.map_or(Inside::Word, Inside::Quotes)
            }
            (Inside::Nothing, '#') => return Ok(words),
            (Inside::Word, '#') => {
                words.push(word);
                return Ok(words);
            }
            (_, '\\') => Inside::Escape(None),
            (_, '"' | '\'') => Inside::Quotes(c),
            (_, c) if c.is_ascii_whitespace() => {
                words.push(std::mem::replace(&mut word, Word { text: String::new(), start: at }));
                Inside::Nothing
            }
            (_, c) => {
                word.text.push(c);
                Inside::Word
            }
        };
    }
    match inside {
        Inside::Nothing => Ok(words),
        Inside::Word => {
            words.push(word);
            Ok(words)
        }
        Inside::Quotes(_) => Err("No closing quotation"),
        Inside::Escape(_) => Err("No escaped character"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Result<Vec<String>, &'static str> {
        Ok(split(line)?.into_iter().map(|word| word.text).collect())
    }

    #[test]
    fn quotes_escapes_and_comments_are_the_shells() {
        assert_eq!(shown("h a=b  c='d e'"), Ok(vec!["h".into(), "a=b".into(), "c=d e".into()]));
        assert_eq!(shown(r#"a="x \" \y" b=\# # rest"#), Ok(vec![r#"a=x " \y"#.into(), "b=#".into()]));
        assert_eq!(shown("h a=b#c d"), Ok(vec!["h".into(), "a=b".into()]));
        assert_eq!(shown("''"), Ok(vec![String::new()]));
        assert_eq!(shown("a='b"), Err("No closing quotation"));
        assert_eq!(shown("a\\"), Err("No escaped character"));
    }

    #[test]
    fn words_know_where_they_begin() {
        let starts: Vec<usize> = split("ab  c='d e' f").unwrap().iter().map(|word| word.start).collect();
        assert_eq!(starts, [0, 4, 12]);
    }
}
