//! `url` against a server on loopback.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use shevek_diag::Result;
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar};
use shevek_value::Value;

/// Variables, and a section of `ansible.cfg`.
#[derive(Default)]
struct Known {
    variables: Vec<(&'static str, Value)>,
    config: Vec<(&'static str, &'static str)>,
}

impl Scope for Known {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
    fn configured(&self, section: &str, key: &str) -> Option<String> {
        let found = self.config.iter().find(|(known, _)| section == "url_lookup" && *known == key);
        found.map(|(_, value)| (*value).to_owned())
    }
}

fn ask(source: &str, known: &Known) -> Result<String> {
    let templar = Templar::new(Plugins::new().with_lookups(shevek_lookups::lookups()));
    templar.expression(&Value::from(source), known).map(|value| value.text())
}

/// Gives back the headers of requests; `/there` leads to `/`, `/endless` has no end.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let line = lines.next()?.ok()?;
    let headers: Vec<String> = lines.map_while(|line| line.ok().filter(|line| !line.is_empty())).collect();
    let text = headers.join("\n").to_lowercase();
    let length = text.len();
    let end = "Connection: close\r\n\r\n";
    let answer = match line.split(' ').nth(1)? {
        "/" => format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{end}{text}"),
        "/there" => format!("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n{end}"),
        "/endless" => {
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{end}").as_bytes()).ok()?;
            let much = vec![b'x'; 1 << 20];
            while stream.write_all(&much).is_ok() {}
            return None;
        }
        _ => format!("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{end}"),
    };
    stream.write_all(answer.as_bytes()).ok()
}

#[test]
fn headers_that_must_not_be_sent_again_are_not() {
    let server = serve();
    let more = "headers={'X-One': 'a', 'X-Two': 'b'}";
    let said =
        ask(&format!("lookup('url', 'http://{server}/there', {more}, split_lines=false)"), &Known::default());
    let said = said.unwrap();
    assert!(said.contains("x-one: a") && said.contains("x-two: b"), "{said}");
    let only = "unredirected_headers=['x-two'], split_lines=false";
    let said = ask(&format!("lookup('url', 'http://{server}/there', {more}, {only})"), &Known::default());
    let said = said.unwrap();
    assert!(said.contains("x-one: a") && !said.contains("x-two"), "{said}");
}

#[test]
fn options_come_from_variables_and_ansible_cfg() {
    let source = format!("lookup('url', 'http://{}/', split_lines=false)", serve());
    let mut known = Known { config: vec![("agent", "of the file")], ..Known::default() };
    assert!(ask(&source, &known).unwrap().contains("user-agent: of the file"));
    known.variables.push(("ansible_lookup_url_agent", Value::from("of a variable")));
    assert!(ask(&source, &known).unwrap().contains("user-agent: of a variable"));
}

#[test]
fn what_goes_wrong_is_said_without_passwords() {
    let server = serve();
    let wrong = |source: &str| ask(source, &Known::default()).unwrap_err().detail.clone();
    let said = wrong(&format!("lookup('url', 'http://ann:secret@{server}/nope')"));
    assert!(said.contains("404") && said.contains("****") && !said.contains("secret"), "{said}");
    // A redirect that is not followed is no content.
    let said = wrong(&format!("lookup('url', 'http://{server}/there', follow_redirects='none')"));
    assert!(said.contains("302"), "{said}");
    let said = wrong(&format!("lookup('url', 'http://{server}/', timeout=1e300)"));
    assert!(said.contains("timeout"), "{said}");
}

#[test]
fn an_answer_without_end_is_refused() {
    let error = ask(&format!("lookup('url', 'http://{}/endless')", serve()), &Known::default()).unwrap_err();
    assert!(error.detail.contains("longer than 100 MiB"), "{}", error.detail);
}

#[test]
#[ignore = "run by the test below, with another environment"]
fn inside() {
    let server = serve();
    let said =
        ask(&format!("lookup('url', 'http://{server}/', split_lines=false)"), &Known::default()).unwrap();
    assert!(said.contains("authorization: basic ymvuojh3da=="), "{said}");
    let said = ask(
        &format!("lookup('url', 'http://{server}/', split_lines=false, use_netrc=false)"),
        &Known::default(),
    );
    assert!(!said.unwrap().contains("authorization"));
}

#[test]
fn a_login_is_taken_from_netrc() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("netrc");
    std::fs::write(&file, "machine 127.0.0.1 login ben password 8wt\n").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "inside", "--ignored", "--nocapture"])
        .env("NETRC", file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}
