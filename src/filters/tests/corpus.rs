//! The templating corpus: what real ansible-core gives for each case, against what we give.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::Arc;

use shevek_diag::Result;
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar};
use shevek_value::{Kind, Set, Value};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/templating")
}

struct Variables(Vec<(&'static str, Value)>);

fn variables() -> Variables {
    let items = r#"[{"k": "a", "v": 1, "n": {"m": 1}}, {"k": "b", "v": 2, "n": {"m": 2}}, {"k": "a", "v": 3, "n": {"m": 3}}]"#;
    Variables(vec![
        ("d", json(r#"{"a": 1, "b": "two"}"#)),
        ("lst", json("[1, 2, 3]")),
        ("nested", json(r#"{"a": [{"b": 7}]}"#)),
        ("none_v", Value::NULL),
        ("set_v", Value::new(Kind::Set(Arc::new(Set::from_iter([Value::from(1)]))))),
        ("bytes_v", Value::bytes(&b"ab\xff"[..])),
        ("tree", json(r#"[{"n": "x", "c": [{"n": "y", "c": []}]}]"#)),
        ("items", json(items)),
        ("pem", json(&std::fs::read_to_string(folder().join("pki.json")).unwrap())),
    ])
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

impl Scope for Variables {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
    }
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
    fn search_path(&self) -> Vec<PathBuf> {
        vec![folder().join("templates")]
    }
}

/// Cases on which we differ, on purpose. The reasons are in docs/templating-differences.md.
const DIFFERENT: &[&str] = &[
    // Accidents of Ansible's implementation.
    "d.fromkeys(['a'])",
    "{{ ('x' if false)|default('d') }}",
    "items|groupby('zz',default='d')|map('first')|list",
    "['B','a','b']|groupby('zz',default='x')|length",
    // Would need a table of all names of characters.
    r"'\N{BULLET}'",
];

#[test]
fn gives_what_ansible_gives() {
    let templar = Templar::new(
        Plugins::new().with_filters(shevek_filters::filters()).with_tests(shevek_filters::tests()),
    );
    let [language, filters] =
        ["cases.jsonl", "filters.jsonl"].map(|name| std::fs::read_to_string(folder().join(name)).unwrap());
    let variables = variables();
    let (mut count, mut wrong, mut mended) = (0, Vec::new(), Vec::new());
    for line in language.lines().chain(filters.lines()) {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let source = case["source"].as_str().unwrap();
        let is_expression = case["kind"] == "expression";
        let result = if is_expression {
            templar.expression(&Value::from(source), &variables)
        } else {
            templar.render(&Value::template(source), &variables)
        };
        let (expected_kind, expected) =
            (case["expected"][0].as_str().unwrap(), case["expected"][1].as_str().unwrap());
        let equal = match &result {
            Ok(value) if expected_kind == "ok" => {
                let text = match value.as_str() {
                    _ if is_expression => Value::list(vec![value.clone()]).repr(),
                    Some(text) => text.to_owned(),
                    None => value.repr(),
                };
                text == expected
            }
            Ok(_) => false,
            Err(_) => expected_kind == "err",
        };
        count += 1;
        let listed = DIFFERENT.contains(&source);
        if equal && listed {
            mended.push(source.to_owned());
        } else if !equal && !listed {
            wrong.push(format!("{source}\n    wanted: {expected_kind} {expected}\n    got:    {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(mended.is_empty(), "no longer different: {mended:?}");
}
