//! `#jinja2:` on the first line: options of this template.

use shevek_diag::{Diagnostic, Result};

use crate::plugin::TextOptions;

const MARK: &str = "#jinja2:";

/// Whether text has a header or the start of a template's anything.
pub(crate) fn is_possibly_template(text: &str, options: &TextOptions) -> bool {
    let starts = [&options.block_start, &options.variable_start, &options.comment_start];
    text.starts_with(MARK) || starts.into_iter().any(|start| text.contains(start.as_str()))
}

/// The options that a header sets over others, and the text after it; `None`: there is no header.
pub(crate) fn read<'t>(text: &'t str, options: &TextOptions) -> Result<Option<(TextOptions, &'t str)>> {
    let Some(rest) = text.strip_prefix(MARK) else { return Ok(None) };
    let wrong = |detail: String| Diagnostic::new("wrong #jinja2: line").detail(detail);
    let Some((line, body)) = rest.split_once('\n') else {
        return Err(wrong("there is no line after it".to_owned()));
    };
    let mut options = options.clone();
    for pair in line.trim_end_matches('\r').split(',') {
        let Some((key, value)) = pair.split_once(':') else {
            return Err(wrong(format!("'{}' is no option and value with ':' between them", pair.trim())));
        };
        let (key, value) = (key.trim(), value.trim());
        let slot = match key {
            "block_start_string" => Slot::Text(&mut options.block_start),
            "block_end_string" => Slot::Text(&mut options.block_end),
            "variable_start_string" => Slot::Text(&mut options.variable_start),
            "variable_end_string" => Slot::Text(&mut options.variable_end),
            "comment_start_string" => Slot::Text(&mut options.comment_start),
            "comment_end_string" => Slot::Text(&mut options.comment_end),
            "line_statement_prefix" => Slot::Text(&mut options.line_statement_prefix),
            "line_comment_prefix" => Slot::Text(&mut options.line_comment_prefix),
            "newline_sequence" => Slot::Text(&mut options.newline_sequence),
            "trim_blocks" => Slot::Flag(&mut options.trim_blocks),
            "lstrip_blocks" => Slot::Flag(&mut options.lstrip_blocks),
            "keep_trailing_newline" => Slot::Flag(&mut options.keep_trailing_newline),
            other => return Err(wrong(format!("there is no option '{other}'"))),
        };
        match (slot, value) {
            (Slot::Flag(flag), "True") => *flag = true,
            (Slot::Flag(flag), "False") => *flag = false,
            (Slot::Flag(_), value) => return Err(wrong(format!("{key} is True or False, not {value}"))),
            (Slot::Text(text), value) => {
                *text =
                    literal(value).ok_or_else(|| wrong(format!("{key} is text in quotes, not {value}")))?
            }
        }
    }
    Ok(Some((options, body)))
}

enum Slot<'a> {
    Text(&'a mut String),
    Flag(&'a mut bool),
}

fn literal(value: &str) -> Option<String> {
    if value == "None" {
        return Some(String::new());
    }
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(inner.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::plugin::TextOptions;

    #[test]
    fn reads_options_and_leaves_the_rest() {
        let text =
            "#jinja2: trim_blocks: False, variable_start_string: '<<', newline_sequence: '\\r\\n'\nbody";
        let (options, body) = read(text, &TextOptions::default()).unwrap().unwrap();
        assert_eq!(body, "body");
        assert!(!options.trim_blocks);
        assert_eq!((options.variable_start.as_str(), options.newline_sequence.as_str()), ("<<", "\r\n"));
        assert!(read("#jinja2: colour: 'red'\n", &TextOptions::default()).is_err());
    }
}
