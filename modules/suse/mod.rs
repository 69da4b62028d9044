//! What zypper prints, read: the little of XML that it uses. Start reading at [`elements`].

/// An element: its name, its attributes, the name of the one around it, its text.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Element {
    pub name: String,
    pub parent: String,
    pub text: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// An attribute's value; nothing where it has none of that name.
    pub fn attribute(&self, name: &str) -> String {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// All elements of a text, in the order in which they begin.
pub(crate) fn elements(text: &str) -> Result<Vec<Element>, String> {
    let mut all: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = text.trim_start();
    while let Some((before, tail)) = rest.split_once('<') {
        match open.last().and_then(|at| all.get_mut(*at)) {
            Some(element) => element.text.push_str(&unescaped(before)),
            None if before.trim().is_empty() => {}
            None => return Err("text outside of all elements".to_owned()),
        }
        if let Some(tail) = tail.strip_prefix("!--") {
            rest = tail.split_once("-->").ok_or("a comment without an end")?.1;
            continue;
        }
        if let Some(tail) = tail.strip_prefix("![CDATA[") {
            let (inner, tail) = tail.split_once("]]>").ok_or("a section without an end")?;
            if let Some(element) = open.last().and_then(|at| all.get_mut(*at)) {
                element.text.push_str(inner);
            }
            rest = tail;
            continue;
        }
        let (tag, tail) = tag_end(tail).ok_or("a tag without an end")?;
        rest = tail;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let closes =
                open.pop().and_then(|at| all.get(at)).is_some_and(|element| element.name == name.trim());
            if !closes {
                return Err(format!("mismatched tag: /{name}"));
            }
            continue;
        }
        let parent = open.last().and_then(|at| all.get(*at)).map(|element| element.name.clone());
        if !tag.ends_with('/') {
            open.push(all.len());
        }
        all.push(element(tag.trim_end_matches('/'), parent.unwrap_or_default())?);
    }
    match (open.is_empty(), all.is_empty(), rest.trim().is_empty()) {
        (true, false, true) => Ok(all),
        (_, true, _) => Err("no element found".to_owned()),
        _ => Err("it ends too early".to_owned()),
    }
}

/// Splits where a tag ends; a value may hold the sign too.
fn tag_end(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some((text.get(..at)?, text.get(at + 1..)?)),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

fn element(tag: &str, parent: String) -> Result<Element, String> {
    let tag = tag.trim();
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    while let Some((key, tail)) = rest.split_once('=') {
        let tail = tail.trim_start();
        let quote =
            tail.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or("a value without quotes")?;
        let (value, tail) =
            tail.get(1..).and_then(|tail| tail.split_once(quote)).ok_or("a value without an end")?;
        attributes.push((key.trim().to_owned(), unescaped(value)));
        rest = tail;
    }
    Ok(Element { name: name.to_owned(), parent, attributes, text: String::new() })
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('&') {
        out.push_str(before);
        let (name, tail) = tail.split_once(';').unwrap_or((tail, ""));
        let number = |digits: &str| match digits.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        };
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.strip_prefix('#').and_then(number).and_then(char::from_u32),
        };
        out.extend(character);
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_zypper_prints_is_read() {
        let text = "<?xml version='1.0'?>\n<stream>\n<message type=\"error\">No &apos;x&apos; &#x26; no y.</message>\n\
            <!-- a > b --><to-install>\n<solvable name='a>b' edition=\"1&lt;2\" />\n</to-install></stream>\n";
        let all = elements(text).unwrap();
        let names: Vec<_> =
            all.iter().map(|element| (element.name.as_str(), element.parent.as_str())).collect();
        assert_eq!(
            names,
            [("stream", ""), ("message", "stream"), ("to-install", "stream"), ("solvable", "to-install")]
        );
        assert_eq!(all[1].text, "No 'x' & no y.");
        assert_eq!((all[3].attribute("name").as_str(), all[3].attribute("edition").as_str()), ("a>b", "1<2"));
        assert_eq!(all[3].attribute("arch"), "");
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        for text in ["", "Unknown option", "<a>", "<a></b>", "<a b></a", "<a/> more", "<a b=c/>"] {
            assert!(elements(text).is_err(), "{text}");
        }
    }
}
