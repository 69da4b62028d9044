//! `dig` against a server on loopback that gives recorded answers (`dig_answers.jsonl`), compared with what real Ansible
//! makes of the same ones (`dig.jsonl`; both made by `dig.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;
use shevek_diag::Result;
use shevek_template::plugin::Plugins;
use shevek_template::{Scope, Templar};
use shevek_value::Value;

fn here(name: &str) -> Vec<Json> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Answers by the question as it is on the wire: name, type and class.
type Answers = Arc<HashMap<Vec<u8>, Vec<u8>>>;

fn question(message: &[u8]) -> Vec<u8> {
    let mut end = 12;
    while message[end] != 0 {
        end += usize::from(message[end]) + 1;
    }
    message[12..end + 5].to_vec()
}

fn answers() -> Answers {
    let bytes = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let all = here("dig_answers.jsonl");
    Arc::new(
        all.iter()
            .map(|known| {
                let wire = bytes(known["wire"].as_str().unwrap());
                (question(&wire), wire)
            })
            .collect(),
    )
}

fn answer(answers: &Answers, asked: &[u8]) -> Vec<u8> {
    // What nobody recorded doesn't exist.
    let mut answer = answers.get(&question(asked)).cloned().unwrap_or_else(|| {
        let mut answer = asked[..12 + question(asked).len()].to_vec();
        answer[2..12].copy_from_slice(&[0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
        answer
    });
    answer[..2].copy_from_slice(&asked[..2]);
    answer
}

/// A name server on loopback, over UDP (which cuts long answers off if told to) and TCP; its port.
fn serve(answers: Answers, limit: usize) -> u16 {
    // Somebody else may have the other kind of port of that number.
    let (tcp, udp, port) = std::iter::repeat_with(|| TcpListener::bind("127.0.0.1:0").unwrap())
        .find_map(|tcp| {
            let port = tcp.local_addr().unwrap().port();
            Some((tcp, UdpSocket::bind(("127.0.0.1", port)).ok()?, port))
        })
        .unwrap();
    let over_tcp = Arc::clone(&answers);
    std::thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut asked = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut asked).unwrap();
            let answer = answer(&over_tcp, &asked);
            let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
            stream.write_all(&[&length[..], &answer].concat()).unwrap();
        }
    });
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, peer)) = udp.recv_from(&mut buffer) {
            let mut answer = answer(&answers, &buffer[..length]);
            if answer.len() > limit {
                answer.truncate(12 + question(&answer).len());
                answer[2] |= 0x02;
                answer[6..12].fill(0);
            }
            udp.send_to(&answer, peer).unwrap();
        }
    });
    port
}

struct NoVariables;

impl Scope for NoVariables {
    fn get(&self, _: &str) -> Result<Option<Value>> {
        Ok(None)
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

fn ask(source: &str, port: u16) -> Result<Value> {
    let templar = Templar::new(Plugins::new().with_lookups(shevek_lookups::lookups()));
    templar.expression(&Value::from(source.replace("PORT", &port.to_string())), &NoVariables)
}

/// Where we differ on purpose.
const DIFFERENT: &[&str] = &[
    // dnspython doesn't find these records, although they are in the answer.
    "query('community.general.dig','a.test.','@127.0.0.1',port=PORT,qtype='RRSIG')",
    "query('community.general.dig','a.test./RRSIG','@127.0.0.1',port=PORT,flat=0)",
    // Names that are no addresses are dropped, against the documentation.
    "query('community.general.dig','a.test.','@127.0.0.1',port=PORT,qtype='PTR')",
    "query('community.general.dig','a.test./PTR','@127.0.0.1',port=PORT,flat=0)",
    "query('community.general.dig','5.2.0.192.in-addr.arpa./PTR','@127.0.0.1',port=PORT)",
];

#[test]
fn gives_what_ansible_gives() {
    let port = serve(answers(), 4096);
    let (cases, mut wrong) = (here("dig.jsonl"), Vec::new());
    for case in &cases {
        let source = case["source"].as_str().unwrap();
        let [kind, expected] = [0, 1].map(|place| case["expected"][place].as_str().unwrap());
        let result = ask(source, port);
        let equal = match &result {
            Ok(value) => kind == "ok" && Value::list(vec![value.clone()]).repr() == expected,
            Err(_) => kind == "err",
        };
        if equal == DIFFERENT.contains(&source) {
            wrong.push(format!("{source}\n    wanted: {kind} {expected}\n    got:    {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn signatures_are_shown() {
    let port = serve(answers(), 4096);
    let source = "lookup('dig', 'a.test./RRSIG', '@127.0.0.1', port=PORT)";
    let found = ask(source, port).unwrap().text();
    assert!(
        found.starts_with("A 5 3 86400 20300322173103 20030220173103 2642 a.test. oJB1W6WNGv+"),
        "{found}"
    );
}

#[test]
fn a_reverse_name_can_be_asked_for_itself() {
    let port = serve(answers(), 4096);
    let found = ask("lookup('dig', '5.2.0.192.in-addr.arpa.', '@127.0.0.1', port=PORT, qtype='PTR')", port);
    assert_eq!(found.unwrap().text(), "host.a.test.");
}

#[test]
fn letters_beyond_ascii_are_an_error_that_says_what_to_write() {
    let error = ask("lookup('dig', 'bücher.example.', '@127.0.0.1', port=PORT)", 9).unwrap_err();
    assert!(error.detail.contains("bücher.example.") && error.detail.contains("xn--"), "{}", error.detail);
}

#[test]
fn what_is_cut_off_comes_over_tcp() {
    let port = serve(answers(), 64);
    for options in ["", ", tcp=true"] {
        let source = format!("query('dig', 'a.test./MX', '@127.0.0.1', port=PORT{options})");
        assert_eq!(ask(&source, port).unwrap().repr(), "['10 mail.a.test.', '20 mail2.a.test.']");
    }
}
