//! The functions of XPath 1.0.

use super::eval::{Place, Scene};
use super::{Expression, Item, Value, step};
use crate::characters::is_blank;
use crate::error::Wrong;

type Given = Result<Value, Wrong>;

/// The least and the most arguments of each function.
const COUNTS: &[(&str, usize, usize)] = &[
    ("last", 0, 0),
    ("position", 0, 0),
    ("count", 1, 1),
    ("id", 1, 1),
    ("local-name", 0, 1),
    ("namespace-uri", 0, 1),
    ("name", 0, 1),
    ("string", 0, 1),
    ("concat", 2, usize::MAX),
    ("starts-with", 2, 2),
    ("contains", 2, 2),
    ("substring-before", 2, 2),
    ("substring-after", 2, 2),
    ("substring", 2, 3),
    ("string-length", 0, 1),
    ("normalize-space", 0, 1),
    ("translate", 3, 3),
    ("boolean", 1, 1),
    ("not", 1, 1),
    ("true", 0, 0),
    ("false", 0, 0),
    ("lang", 1, 1),
    ("number", 0, 1),
    ("sum", 1, 1),
    ("floor", 1, 1),
    ("ceiling", 1, 1),
    ("round", 1, 1),
];

/// Calls a function.
pub(super) fn call(scene: &Scene<'_>, name: &str, arguments: &[Expression], place: Place) -> Given {
    let Some((_, least, most)) = COUNTS.iter().find(|(known, ..)| *known == name) else {
        return Err(Wrong::evaluation("Unregistered function"));
    };
    if arguments.len() < *least || arguments.len() > *most {
        return Err(Wrong::evaluation("Invalid number of arguments"));
    }
    let document = scene.document;
    if place.size == 0 && matches!(name, "last" | "position") {
        return Err(Wrong::evaluation(if name == "last" {
            "Invalid context size"
        } else {
            "Invalid context position"
        }));
    }
    let value = |at: usize| match arguments.get(at) {
        Some(argument) => scene.value(argument, place),
        None => Ok(Value::Nodes(vec![place.item])),
    };
    let text = |at: usize| -> Result<String, Wrong> { Ok(value(at)?.text(document)) };
    let number = |at: usize| -> Result<f64, Wrong> { Ok(value(at)?.number(document)) };
    let nodes = |at: usize| match value(at)? {
        Value::Nodes(items) => Ok(items),
        _ => Err(Wrong::evaluation("Invalid type")),
    };
    let named = || -> Result<(String, String, String), Wrong> {
        let name = nodes(0)?.first().and_then(|item| step::name(document, *item));
        let (uri, prefix, local) = name.unwrap_or_default();
        let full = prefix.map_or_else(|| local.clone(), |prefix| format!("{prefix}:{local}"));
        Ok((uri.unwrap_or_default(), local, full))
    };
    Ok(match name {
        "last" => Value::Number(place.size as f64),
        "position" => Value::Number(place.position as f64),
        "count" => Value::Number(nodes(0)?.len() as f64),
        "id" => Value::Nodes(with_id(scene, &value(0)?, place)),
        "local-name" => Value::Text(named()?.1),
        "namespace-uri" => Value::Text(named()?.0),
        "name" => Value::Text(named()?.2),
        "string" => Value::Text(text(0)?),
        "concat" => {
            let parts: Result<Vec<String>, Wrong> = (0..arguments.len()).map(text).collect();
            Value::Text(parts?.concat())
        }
        "starts-with" => Value::Truth(text(0)?.starts_with(&text(1)?)),
        "contains" => Value::Truth(text(0)?.contains(&text(1)?)),
        "substring-before" => {
            let (whole, part) = (text(0)?, text(1)?);
            Value::Text(whole.split_once(&part).map(|(before, _)| before.to_owned()).unwrap_or_default())
        }
        "substring-after" => {
            let (whole, part) = (text(0)?, text(1)?);
            Value::Text(whole.split_once(&part).map(|(_, after)| after.to_owned()).unwrap_or_default())
        }
        "substring" => {
            let start = rounded(number(1)?);
            let end = if arguments.len() > 2 { start + rounded(number(2)?) } else { f64::INFINITY };
            let whole = text(0)?;
            let letters = whole.chars().enumerate();
            let inside = |at: usize| (at + 1) as f64 >= start && ((at + 1) as f64) < end;
            Value::Text(letters.filter(|(at, _)| inside(*at)).map(|(_, c)| c).collect())
        }
        "string-length" => Value::Number(text(0)?.chars().count() as f64),
        "normalize-space" => {
            let whole = text(0)?;
            let words: Vec<&str> = whole.split(is_blank).filter(|word| !word.is_empty()).collect();
            Value::Text(words.join(" "))
        }
        "translate" => {
            let (from, to): (Vec<char>, Vec<char>) = (text(1)?.chars().collect(), text(2)?.chars().collect());
            let one = |c: char| match from.iter().position(|known| *known == c) {
                Some(at) => to.get(at).copied(),
                None => Some(c),
            };
            Value::Text(text(0)?.chars().filter_map(one).collect())
        }
        "boolean" => Value::Truth(value(0)?.truth()),
        "not" => Value::Truth(!value(0)?.truth()),
        "true" => Value::Truth(true),
        "false" => Value::Truth(false),
        "lang" => Value::Truth(speaks(scene, &text(0)?, place)),
        "number" => Value::Number(number(0)?),
        "sum" => {
            let numbers = nodes(0)?.into_iter().map(|item| Value::Text(item.text(document)).number(document));
            Value::Number(numbers.fold(0.0, |sum, number| sum + number))
        }
        "floor" => Value::Number(number(0)?.floor()),
        "ceiling" => Value::Number(number(0)?.ceil()),
        _ => Value::Number(rounded(number(0)?)),
    })
}

/// The nearest whole number; of two, the upper.
fn rounded(number: f64) -> f64 {
    (number + 0.5).floor()
}

/// Elements with one of these for `xml:id`.
fn with_id(scene: &Scene<'_>, value: &Value, place: Place) -> Vec<Item> {
    let document = scene.document;
    let texts: Vec<String> = match value {
        Value::Nodes(items) => items.iter().map(|item| item.text(document)).collect(),
        other => vec![other.text(document)],
    };
    let wanted: Vec<&str> = texts.iter().flat_map(|text| text.split(is_blank)).collect();
    let top = std::iter::successors(Some(place.item.node()), |node| document.parent(*node)).last();
    let mut found = Vec::new();
    let mut todo: Vec<_> = top.into_iter().collect();
    while let Some(node) = todo.pop() {
        let id = document.attribute(node, "{http://www.w3.org/XML/1998/namespace}id");
        if id.is_some_and(|id| wanted.contains(&id)) {
            found.push(Item::Node(node));
        }
        todo.extend(document.children(node).iter().rev());
    }
    found
}

/// Whether the text here is in a language.
fn speaks(scene: &Scene<'_>, wanted: &str, place: Place) -> bool {
    let document = scene.document;
    let mut above = std::iter::successors(Some(place.item.node()), |node| document.parent(*node));
    let own = above.find_map(|node| document.attribute(node, "{http://www.w3.org/XML/1998/namespace}lang"));
    let (Some(own), wanted) = (own.map(str::to_lowercase), wanted.to_lowercase()) else { return false };
    own.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
