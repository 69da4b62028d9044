//! The document type: its declarations as libxml2 writes them, and the entities that it declares.

use crate::characters::{in_name, is_blank};

/// A document type that was read.
pub(crate) struct Doctype {
    /// It, as it is written.
    pub(crate) text: String,
    /// Entities with what they stand for.
    pub(crate) entities: Vec<(String, String)>,
    /// How long it was.
    pub(crate) length: usize,
}

/// Reads what begins with `<!DOCTYPE`. `None` if it has no end.
pub(crate) fn read(text: &str) -> Option<Doctype> {
    let body = text.strip_prefix("<!DOCTYPE")?;
    let mut at = 0;
    let mut quote = None;
    // Where the head ends.
    for (place, c) in body.char_indices() {
        at = place;
        match quote {
            Some(open) => quote = if c == open { None } else { quote },
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if matches!(c, '[' | '>') => break,
            None => {}
        }
    }
    let (head, rest) = body.split_at_checked(at)?;
    let mut written = format!("<!DOCTYPE {}", words(head));
    let mut entities = Vec::new();
    let rest = match rest.strip_prefix('[') {
        None => rest,
        Some(inside) => {
            let (parts, rest) = declarations(inside)?;
            written.push_str(" [\n");
            let is_notation = |part: &&Declaration| part.text.starts_with("<!NOTATION");
            for part in parts.iter().filter(is_notation).chain(parts.iter().filter(|part| !is_notation(part)))
            {
                written.push_str(&part.text);
            }
            written.push(']');
            entities.extend(parts.into_iter().filter_map(|part| part.entity));
            rest.trim_start_matches(is_blank)
        }
    };
    let rest = rest.strip_prefix('>')?;
    written.push('>');
    Some(Doctype { text: written, entities, length: text.len() - rest.len() })
}

/// Text with single blanks, quoted parts as they are, in double quotes where they can be.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.trim().chars();
    while let Some(c) = letters.next() {
        match c {
            '"' | '\'' => {
                let inside: String = letters.by_ref().take_while(|other| *other != c).collect();
                let quote = if inside.contains('"') { '\'' } else { '"' };
                out.push_str(&format!("{quote}{inside}{quote}"));
            }
            c if is_blank(c) && out.ends_with(' ') => {}
            c if is_blank(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

struct Declaration {
    text: String,
    entity: Option<(String, String)>,
}

impl Declaration {
    fn plain(text: impl Into<String>) -> Self {
        Declaration { text: text.into(), entity: None }
    }
}

/// Declarations up to the bracket that ends them, and what comes after it.
fn declarations(mut text: &str) -> Option<(Vec<Declaration>, &str)> {
    let mut out = Vec::new();
    loop {
        text = text.trim_start_matches(is_blank);
        if let Some(rest) = text.strip_prefix(']') {
            return Some((out, rest));
        }
        let end = match text {
            _ if text.starts_with("<!--") => text.find("-->")? + 3,
            _ if text.starts_with("<?") => text.find("?>")? + 2,
            _ if text.starts_with('%') => text.find(';')? + 1,
            _ if text.starts_with("<!") => end_of_declaration(text)?,
            _ => return None,
        };
        let (one, rest) = text.split_at_checked(end)?;
        text = rest;
        let inside = one.strip_prefix("<!").and_then(|one| one.strip_suffix('>')).unwrap_or_default();
        match inside.split_once(is_blank) {
            Some(("ENTITY", rest)) => out.push(entity(rest)),
            Some(("ELEMENT", rest)) => out.push(Declaration::plain(element(rest))),
            Some(("ATTLIST", rest)) => out.extend(attributes(rest).into_iter().map(Declaration::plain)),
            Some(("NOTATION", rest)) => {
                out.push(Declaration::plain(format!("<!NOTATION {} >\n", words(rest))));
            }
            _ => out.push(Declaration::plain(one)),
        }
    }
}

fn end_of_declaration(text: &str) -> Option<usize> {
    let mut quote = None;
    for (place, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '>' => return Some(place + 1),
            _ => {}
        }
    }
    None
}

fn entity(rest: &str) -> Declaration {
    let written = words(rest);
    let value = || {
        let (name, value) = rest.trim().split_once(is_blank)?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let value = value.get(1..)?.split(quote).next()?;
        name.chars().all(|c| in_name(c) || c == ':').then(|| (name.to_owned(), value.to_owned()))
    };
    Declaration { text: format!("<!ENTITY {written}>\n"), entity: value() }
}

/// A model of content: blanks around what separates, and nowhere else.
fn model(text: &str) -> String {
    let tight: String = text.chars().filter(|c| !is_blank(*c)).collect();
    tight.replace(',', " , ").replace('|', " | ")
}

fn element(rest: &str) -> String {
    let (name, content) = rest.trim().split_once(is_blank).unwrap_or((rest.trim(), ""));
    format!("<!ELEMENT {name} {}>\n", model(content))
}

/// The declarations of the attributes of an element, one each.
fn attributes(rest: &str) -> Vec<String> {
    let (name, rest) = rest.trim().split_once(is_blank).unwrap_or((rest.trim(), ""));
    let mut tokens = Vec::new();
    let mut text = rest.trim_start();
    while let Some(first) = text.chars().next() {
        let end = match first {
            '"' | '\'' => text.get(1..).and_then(|rest| rest.find(first)).map_or(text.len(), |at| at + 2),
            '(' => text.find(')').map_or(text.len(), |at| at + 1),
            _ => text.find(|c| is_blank(c) || c == '(').unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        tokens.push(match first {
            '"' | '\'' => words(token),
            '(' => model(token),
            _ => token.to_owned(),
        });
        text = rest.trim_start();
    }
    let mut out = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(attribute) = tokens.next() {
        let mut parts = vec![attribute];
        let is_notation = tokens.peek().is_some_and(|kind| kind == "NOTATION");
        parts.extend(tokens.by_ref().take(if is_notation { 2 } else { 1 }));
        let is_fixed = tokens.peek().is_some_and(|default| default == "#FIXED");
        parts.extend(tokens.by_ref().take(if is_fixed { 2 } else { 1 }));
        out.push(format!("<!ATTLIST {name} {}>\n", parts.join(" ")));
    }
    out
}
