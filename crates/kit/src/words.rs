//! Splits a line into words as Python's `shlex.split` does: what `command` does to its line, and what options that hold
//! several arguments are read by.

/// The words of a line; the message says what is unfinished.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => {
                let next = chars.next().ok_or("No escaped character")?;
                word.get_or_insert_default().push(next);
            }
            '\'' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '\'' => break,
                        c => text.push(c),
                    }
                }
            }
            '"' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '"' => break,
                        '\\' => match chars.next().ok_or("No escaped character")? {
                            c @ ('"' | '\\') => text.push(c),
                            c => text.extend(['\\', c]),
                        },
                        c => text.push(c),
                    }
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_read_as_python_reads_them() {
        assert_eq!(
            split(r#"a 'b  c' "d\"\x" e\ f '' #g"#).unwrap(),
            ["a", "b  c", r#"d"\x"#, "e f", "", "#g"]
        );
        assert_eq!(split("'a"), Err("No closing quotation"));
    }
}
