//! Documents and paths as lxml has them: `make_cases.py` writes the cases.

#![allow(clippy::unwrap_used, reason = "a case that cannot be read is a failure")]

use serde_json::{Value as Json, json};
use shevek_xml::{Charset, Document, Item, Kind, Layout, NodeId, Reading, Value, XPath};

fn cases() -> Vec<Json> {
    include_str!("cases.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(case: &'a Json, key: &str) -> &'a str {
    case[key].as_str().unwrap()
}

/// All that lxml walks through: elements, comments, instructions.
fn walked(document: &Document) -> Vec<NodeId> {
    let mut out = Vec::new();
    let mut todo = vec![document.root()];
    while let Some(node) = todo.pop() {
        out.push(node);
        todo.extend(document.inner(node).iter().rev());
    }
    out
}

#[test]
fn documents_come_out_as_lxml_writes_them() {
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| case["read"].is_string()) {
        let (pretty, merge) = (case["pretty"].as_bool().unwrap(), case["merge"].as_bool().unwrap());
        let layout = if pretty { Layout::Pretty } else { Layout::AsIs };
        let read = Document::read(
            text(case, "read").as_bytes(),
            Reading { drop_blanks: pretty, merge_cdata: merge },
        );
        let (ours, theirs) = match read {
            Err(malformed) => (json!(malformed.to_string()), case["wrong"].clone()),
            Ok(document) => {
                let walked = walked(&document);
                let paths: Vec<String> = walked.iter().map(|node| document.path(*node)).collect();
                let parts: Vec<String> = walked.iter().map(|node| document.part(*node)).collect();
                let ascii = document.whole(layout, Charset::Ascii);
                (
                    json!([document.declared(layout), ascii, paths, parts]),
                    json!([case["gives"], case["ascii"], case["paths"], case["parts"]]),
                )
            }
        };
        // Where both refuse, the words may differ.
        let both_refuse = ours.is_string() && theirs.is_string();
        if ours != theirs && !both_refuse {
            wrong.push(format!("{}\n  lxml {theirs}\n  here {ours}", case["read"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn shown(document: &Document, value: Value) -> Json {
    match value {
        Value::Number(number) if number.is_nan() => json!("number nan"),
        Value::Number(number) if number.is_infinite() => {
            json!(if number > 0.0 { "number inf" } else { "number -inf" })
        }
        Value::Number(number) => json!(format!("number {number:?}")),
        Value::Truth(truth) => json!(truth),
        Value::Text(text) => json!(format!("\"{text}")),
        Value::Nodes(items) => items
            .into_iter()
            .filter_map(|item| match item {
                Item::Namespace(..) => Some("namespace".to_owned()),
                Item::Attribute(..) => Some(format!("\"{}", item.text(document))),
                Item::Node(node) => match document.kind(node) {
                    Kind::Document | Kind::Doctype(_) => None,
                    Kind::Text(text) | Kind::Cdata(text) => Some(format!("\"{text}")),
                    _ => Some(document.path(node)),
                },
            })
            .collect(),
    }
}

#[test]
fn paths_find_what_they_find_in_lxml() {
    let prefixes =
        [("p", "u"), ("x", "http://x.test"), ("y", "http://y.test"), ("z", "http://z.test"), ("v", "v")];
    let prefixes = prefixes.map(|(prefix, uri)| (prefix.to_owned(), uri.to_owned()));
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| case["find"].is_string()) {
        let document = Document::read(text(case, "document").as_bytes(), Reading::default()).unwrap();
        let found = XPath::read(text(case, "find"))
            .and_then(|path| path.evaluate(&document, document.root(), &prefixes));
        let (ours, theirs) = match found {
            Ok(value) => (shown(&document, value), &case["gives"]),
            Err(why) => (json!(why.to_string()), &case["wrong"]),
        };
        if ours != *theirs {
            wrong.push(format!("{}\n  lxml {theirs}\n  here {ours}", case["find"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
