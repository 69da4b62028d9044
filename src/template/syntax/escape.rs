//! Backslash escapes of text literals, as Python's `unicode-escape` reads them.

use std::str::Chars;

/// Resolves escapes; what is no escape keeps its backslash.
pub(super) fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('\n') => {}
            Some(c @ ('\\' | '\'' | '"')) => out.push(c),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\x0b'),
            Some('x') => out.push(character(code(&mut chars, 2, "\\x")?, "\\x")?),
            Some('u') => {
                let first = code(&mut chars, 4, "\\u")?;
                out.push(character(with_low_surrogate(first, &mut chars), "\\u")?);
            }
            Some('U') => out.push(character(code(&mut chars, 8, "\\U")?, "\\U")?),
            Some('N') => {
                return Err(
                    "characters by name (\\N{…}) are not supported; write \\u and the code".to_owned()
                );
            }
            Some(c @ '0'..='7') => {
                let mut value = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = chars.clone().next().and_then(|c| c.to_digit(8)) else { break };
                    chars.next();
                    value = value * 8 + digit;
                }
                out.push(character(value, "\\")?);
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    Ok(out)
}

fn code(chars: &mut Chars<'_>, digits: usize, escape: &str) -> Result<u32, String> {
    let mut value = 0;
    for _ in 0..digits {
        let digit = chars.next().and_then(|c| c.to_digit(16));
        value = value * 16 + digit.ok_or_else(|| format!("truncated {escape} escape"))?;
    }
    Ok(value)
}

fn with_low_surrogate(high: u32, chars: &mut Chars<'_>) -> u32 {
    if !(0xd800..0xdc00).contains(&high) {
        return high;
    }
    let mut ahead = chars.clone();
    if ahead.next() == Some('\\')
        && ahead.next() == Some('u')
        && let Ok(low @ 0xdc00..=0xdfff) = code(&mut ahead, 4, "\\u")
    {
        *chars = ahead;
        return 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    high
}

fn character(code: u32, escape: &str) -> Result<char, String> {
    char::from_u32(code).ok_or_else(|| format!("the {escape} escape {code:x} is no character"))
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn resolves_what_python_does() {
        assert_eq!(unescape(r"a\tb\\\x41\u00e9\U0001F600\101\d").unwrap(), "a\tb\\Aé😀A\\d");
        assert_eq!(unescape(r"\ud83d\ude00").unwrap(), "😀");
        assert!(unescape(r"\x4").is_err());
    }
}
