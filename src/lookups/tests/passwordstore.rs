//! `passwordstore` with a program that stands for `pass`, compared with what real Ansible gives with the real one
//! (`passwordstore.jsonl`, made by `passwordstore.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;
use shevek_diag::Result;
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar};
use shevek_value::Value;

fn here(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

struct NoVariables;

/// An `ansible.cfg` that says which program to ask.
struct OfGopass;

impl Scope for OfGopass {
    fn get(&self, _: &str) -> Result<Option<Value>> {
        Ok(None)
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
    fn configured(&self, section: &str, key: &str) -> Option<String> {
        ((section, key) == ("passwordstore_lookup", "backend")).then(|| "gopass".to_owned())
    }
}

#[test]
fn the_program_is_the_one_that_ansible_cfg_names() {
    let templar = Templar::new(Plugins::new().with_lookups(shevek_lookups::lookups()));
    let source = Value::from("lookup('community.general.passwordstore', 'nobody/has/this')");
    let error = templar.expression(&source, &OfGopass).unwrap_err();
    assert!(error.detail.contains("gopass show nobody/has/this"), "{}", error.detail);
}

impl Scope for NoVariables {
    fn get(&self, _: &str) -> Result<Option<Value>> {
        Ok(None)
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Cases on which we differ on purpose: a choice that Ansible takes silently or refuses late.
const DIFFERENT: &[&str] = &[];

#[test]
#[ignore = "run by the test below, with another environment"]
fn inside() {
    let templar = Templar::new(
        Plugins::new()
            .with_filters(shevek_filters::filters())
            .with_tests(shevek_filters::tests())
            .with_lookups(shevek_lookups::lookups()),
    );
    let cases = std::fs::read_to_string(here("passwordstore.jsonl")).unwrap();
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let source = case["source"].as_str().unwrap();
        let [kind, expected] = [0, 1].map(|place| case["expected"][place].as_str().unwrap());
        let result = templar.expression(&Value::from(source), &NoVariables);
        let equal = match &result {
            Ok(value) => kind == "ok" && Value::list(vec![value.clone()]).repr() == expected,
            Err(_) => kind == "err",
        };
        if equal == DIFFERENT.contains(&source) {
            let got = result.map(|value| value.repr());
            wrong.push(format!("{source}\n    wanted: {kind} {expected}\n    got:    {got:?}"));
        }
        if source.ends_with("'a/second')") {
            let value = templar.expression(&Value::from(source), &NoVariables).unwrap();
            assert!(value.is_secret());
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.lines().count(), wrong.join("\n"));
}

#[test]
fn gives_what_ansible_gives() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    std::fs::create_dir(&store).unwrap();
    let path = format!("{}:{}", here("data/bin").display(), std::env::var("PATH").unwrap());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "inside", "--ignored", "--nocapture"])
        .env("PATH", path)
        .env("HOME", folder.path())
        .env("TMPDIR", folder.path())
        .env("USER", "tester")
        .env("PASSWORD_STORE_DIR", &store)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
