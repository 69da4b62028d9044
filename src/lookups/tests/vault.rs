//! The lookups of a HashiCorp Vault against a server that gives its recorded answers (`vault_exchanges.json`), compared
//! with what real Ansible's lookups give against the same answers (`vault.jsonl`, made by `vault.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;
use shevek_diag::{Diagnostic, Result};
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar};
use shevek_value::Value;

fn here(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// A server on loopback; its address.
fn serve(exchanges: Arc<Vec<Json>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let exchanges = Arc::clone(&exchanges);
            std::thread::spawn(move || while answer(&stream, &exchanges).is_some() {});
        }
    });
    address
}

/// Answers one request as a Vault would; `None`: the connection ended.
fn answer(mut stream: &TcpStream, exchanges: &[Json]) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut token, mut namespace) = (0, None, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "x-vault-token" => token = Some(value.to_owned()),
            "x-vault-namespace" => namespace = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Option<Json> = serde_json::from_slice(&body).ok();
    let known = exchanges.iter().find(|known| {
        known["method"] == method.as_str()
            && known["path"] == path.as_str()
            && known["body"].as_object().is_none_or(|wanted| {
                wanted.iter().all(|(name, value)| body.as_ref().is_some_and(|body| &body[name] == value))
            })
            && known.get("namespace").and_then(Json::as_str) == namespace.as_deref()
            && known.get("token").is_none_or(|needed| needed.as_str() == token.as_deref())
    });
    let (status, text) = match known {
        Some(known) => {
            (known["status"].as_i64()?, known.get("answer").map(Json::to_string).unwrap_or_default())
        }
        None if token.as_deref() == Some("good") => (404, r#"{"errors": []}"#.to_owned()),
        None => (403, r#"{"errors": ["permission denied"]}"#.to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        text.len()
    );
    stream.write_all(format!("{head}{text}").as_bytes()).ok()
}

#[derive(Default)]
struct Variables {
    known: Vec<(&'static str, Value)>,
    config: Vec<(&'static str, String)>,
    warnings: Mutex<Vec<String>>,
}

impl Scope for Variables {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.known.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
    }
    fn names(&self) -> Vec<String> {
        self.known.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
    fn configured(&self, section: &str, key: &str) -> Option<String> {
        let found =
            self.config.iter().find(|(known, _)| section == "hashi_vault_collection" && *known == key);
        found.map(|(_, value)| value.clone())
    }
    fn warn(&self, warning: Box<Diagnostic>) {
        self.warnings.lock().unwrap().push(warning.detail.clone());
    }
}

fn exchanges() -> Arc<Vec<Json>> {
    Arc::new(serde_json::from_str(&here("vault_exchanges.json")).unwrap())
}

fn templar() -> Templar {
    Templar::new(
        Plugins::new().with_filters(shevek_filters::filters()).with_lookups(shevek_lookups::lookups()),
    )
}

/// Where we differ on purpose.
const DIFFERENT: &[&str] = &[
    // Ansible ignores an option that it doesn't know.
    "lookup('community.hashi_vault.hashi_vault','secret/data/hello',nope=1,token='good',url='URL')",
];

#[test]
fn gives_what_ansible_gives() {
    let address = serve(exchanges());
    let templar = templar();
    let (cases, mut wrong) = (here("vault.jsonl"), Vec::new());
    for line in cases.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let source = case["source"].as_str().unwrap();
        let [kind, expected] = [0, 1].map(|place| case["expected"][place].as_str().unwrap());
        let result = templar.expression(&Value::from(source.replace("URL", &address)), &Variables::default());
        let equal = match &result {
            Ok(value) => {
                kind == "ok" && Value::list(vec![value.clone()]).repr() == expected && value.is_secret()
            }
            Err(_) => kind == "err",
        };
        if equal == DIFFERENT.contains(&source) {
            wrong.push(format!("{source}\n    wanted: {kind} {expected}\n    got:    {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.lines().count(), wrong.join("\n"));
}

#[test]
fn options_come_from_variables() {
    let address = serve(exchanges());
    let variables = Variables {
        known: vec![
            ("there", Value::from(address)),
            ("ansible_hashi_vault_url", Value::template("{{ there }}")),
            ("ansible_hashi_vault_auth_method", Value::from("userpass")),
            ("ansible_hashi_vault_username", Value::from("bob")),
            ("ansible_hashi_vault_password", Value::from("pw")),
        ],
        ..Variables::default()
    };
    let ask = |source: &str| templar().expression(&Value::from(source), &variables).unwrap().text();
    assert_eq!(ask("lookup('community.hashi_vault.hashi_vault', 'secret/data/hello:user')"), "bob");
    assert_eq!(ask("lookup('community.hashi_vault.vault_kv2_get', 'hello').secret.user"), "bob");
}

#[test]
fn options_come_from_ansible_cfg_unless_a_variable_has_them() {
    let address = serve(exchanges());
    let mut variables = Variables {
        known: vec![
            ("ansible_hashi_vault_username", Value::from("bob")),
            ("ansible_hashi_vault_password", Value::from("pw")),
        ],
        config: vec![("url", address), ("auth_method", "userpass".to_owned())],
        ..Variables::default()
    };
    let source = Value::from("lookup('community.hashi_vault.hashi_vault', 'secret/data/hello:user')");
    assert_eq!(templar().expression(&source, &variables).unwrap().text(), "bob");
    variables.known.push(("ansible_hashi_vault_auth_method", Value::from("none")));
    assert!(templar().expression(&source, &variables).is_err(), "a variable counts before the file");
}

#[test]
fn a_login_looks_at_its_token_unless_told_not_to() {
    let address = serve(exchanges());
    let ask = |config: Vec<(&'static str, String)>| {
        let variables = Variables { config, ..Variables::default() };
        let source = format!(
            "lookup('community.hashi_vault.vault_login', url='{address}', auth_method='token', token='nobody')"
        );
        templar().expression(&Value::from(source), &variables)
    };
    assert!(ask(Vec::new()).is_err(), "the Vault doesn't know this token");
    assert!(ask(vec![("token_validate", "false".to_owned())]).is_ok());
}

#[test]
fn a_token_is_found_in_its_file() {
    let address = serve(exchanges());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "good\n").unwrap();
    let source = format!(
        "lookup('community.hashi_vault.hashi_vault', 'kv/one:Key1', url='{address}', token_path='{}', token_file='mine')",
        folder.path().display()
    );
    let found = templar().expression(&Value::from(source), &Variables::default()).unwrap();
    assert_eq!(found.text(), "value1");
}

#[test]
fn what_fails_for_a_while_is_tried_again() {
    let broken = serde_json::json!({"method": "GET", "path": "/v1/flaky", "status": 503, "answer": {"errors": ["sealed"]}});
    let address = serve(Arc::new(vec![broken]));
    let variables = Variables::default();
    let source = format!(
        "lookup('community.hashi_vault.vault_read', 'flaky', url='{address}', auth_method='none', \
         retries={{'total': 2, 'backoff_factor': 0.01, 'status_forcelist': [503]}})"
    );
    let error = templar().expression(&Value::from(source), &variables).unwrap_err();
    assert!(error.detail.contains("sealed"), "{}", error.detail);
    let warnings = variables.warnings.lock().unwrap().clone();
    assert_eq!(
        warnings,
        ["community.hashi_vault: 2 retries remaining.", "community.hashi_vault: 1 retry remaining."]
    );
}
