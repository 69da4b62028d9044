//! What real Ansible's lookups give (`lookups.jsonl`, made by `lookups.py`), against what ours give.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;

use shevek_diag::Result;
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar};
use shevek_value::Value;
use shevek_vault::{Matching, Password, Vault};

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

struct Variables(Vec<(&'static str, Value)>);

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn variables() -> Variables {
    let users = r#"[{"name": "alice", "keys": ["x", "y"], "m": {"h": ["p"]}}, {"name": "bob", "keys": ["z"]},
        {"name": "eve", "skipped": true}]"#;
    Variables(vec![
        ("greeting", Value::from("hi")),
        ("lst", json("[1, 2, 3]")),
        ("nested", json(r#"[["a", "b"], [1, 2]]"#)),
        ("d", json(r#"{"a": 1, "b": {"c": 2}}"#)),
        ("users", json(users)),
        ("groups", json(r#"{"all": ["h1", "h2", "h3"], "web": ["h1", "h2"], "db": ["h2", "h3"]}"#)),
        ("qz_1", Value::from("hello")),
        ("qz_2", Value::from("world")),
        ("qa_1", Value::from("I")),
        ("lazy", Value::template("{{ greeting }}!")),
    ])
}

impl Scope for Variables {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
    }
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
    fn search_path(&self) -> Vec<PathBuf> {
        vec![here().join("data")]
    }
    fn vault(&self) -> Vault {
        Vault::new(vec![("default".to_owned(), Password::new(b"secret").unwrap())], Matching::default())
    }
    fn setting(&self, name: &str) -> Option<Value> {
        (name == "DEFAULT_FORKS").then(|| Value::from(50))
    }
}

fn templar() -> Templar {
    Templar::new(
        Plugins::new()
            .with_filters(shevek_filters::filters())
            .with_tests(shevek_filters::tests())
            .with_lookups(shevek_lookups::lookups()),
    )
}

/// Cases that need what a test can't have, or that are our own on purpose.
const DIFFERENT: &[&str] = &[
    // Ansible 2.19 refuses it, although its own documentation has it as an example.
    "query('sequence','start=0x0f00 count=4 format=%04x')",
    // Tests can't set environment variables safely.
    "lookup('env','SHEVEK_TEST_VARIABLE')",
    "lookup('env','SHEVEK_TEST_VARIABLE','SHEVEK_NOT_SET',wantlist=true)",
];

#[test]
fn gives_what_ansible_gives() {
    let (templar, variables) = (templar(), variables());
    let cases = std::fs::read_to_string(here().join("lookups.jsonl")).unwrap();
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let source = case["source"].as_str().unwrap();
        if DIFFERENT.contains(&source) {
            continue;
        }
        let [kind, expected] = [0, 1].map(|place| case["expected"][place].as_str().unwrap());
        let result = templar.expression(&Value::from(source), &variables);
        let equal = match &result {
            Ok(value) => kind == "ok" && Value::list(vec![value.clone()]).repr() == expected,
            Err(_) => kind == "err",
        };
        if !equal {
            wrong.push(format!("{source}\n    wanted: {kind} {expected}\n    got:    {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.lines().count(), wrong.join("\n"));
}

#[test]
fn a_password_is_kept_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep/secret");
    let ask = |more: &str| {
        let source = format!("lookup('password', '{}{more}')", file.display());
        templar().expression(&Value::from(source), &variables()).unwrap().text()
    };
    let first = ask(" length=9 chars=digits");
    assert_eq!(first.len(), 9);
    assert_eq!(ask(""), first);
    let hashed = ask(" encrypt=md5_crypt");
    assert!(hashed.starts_with("$1$"), "{hashed}");
    assert_eq!(ask(" encrypt=md5_crypt"), hashed);
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.starts_with(&format!("{first} salt=")), "{kept}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_tree_is_listed_with_what_it_is() {
    let source = "query('community.general.filetree', 'files') | selectattr('path', 'eq', 'hello.txt')";
    let found = templar().expression(&Value::from(source), &variables()).unwrap();
    let entry = &found.as_list().unwrap()[0];
    assert_eq!(entry.get("state").unwrap().text(), "file");
    assert_eq!(entry.get("size").unwrap().as_int(), Some(7));
}

#[test]
fn vaulted_files_are_read_with_the_passwords_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vaulted");
    let text = Password::new(b"secret").unwrap().encrypt(b"inside\n", None, None);
    std::fs::write(&file, text).unwrap();
    for lookup in ["file", "unvault"] {
        let source = format!("lookup('{lookup}', '{}')", file.display());
        let found = templar().expression(&Value::from(source), &variables()).unwrap();
        assert_eq!(found.text().trim_end(), "inside", "{lookup}");
    }
}

#[test]
fn settings_are_found_by_name() {
    let ask = |source: &str| templar().expression(&Value::from(source), &variables());
    assert_eq!(ask("lookup('config', 'DEFAULT_FORKS')").unwrap().as_int(), Some(50));
    assert!(ask("lookup('config', 'NOPE')").is_err());
    assert_eq!(ask("query('config', 'NOPE', on_missing='skip')").unwrap().as_list().unwrap().len(), 0);
}
