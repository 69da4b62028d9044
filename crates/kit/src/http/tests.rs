use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use super::*;
use crate::Real;
use crate::host::Host;
use crate::probe::Call;

fn options() -> UrlOptions {
    UrlOptions {
        force: false,
        http_agent: "ansible-httpget".to_owned(),
        use_proxy: false,
        validate_certs: true,
        force_basic_auth: false,
        client_cert: None,
        client_key: None,
        use_gssapi: false,
        unredirected_headers: Vec::new(),
        decompress: true,
        ciphers: Vec::new(),
        use_netrc: false,
    }
}

/// Answers as many connections as there are answers, and gives back what was asked.
fn server(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut got, mut buffer) = (Vec::new(), [0u8; 4096]);
            loop {
                let n = stream.read(&mut buffer).unwrap();
                got.extend_from_slice(&buffer[..n]);
                let text = String::from_utf8_lossy(&got).to_lowercase();
                let length =
                    text.split("content-length: ").nth(1).and_then(|t| t.lines().next()?.parse().ok());
                if n == 0 || text.split_once("\r\n\r\n").is_some_and(|(_, b)| b.len() >= length.unwrap_or(0))
                {
                    break;
                }
            }
            stream.write_all(answer.as_bytes()).unwrap();
            asked.push(String::from_utf8_lossy(&got).into_owned());
        }
        asked
    });
    (address, served)
}

fn host() -> Host {
    super::speak();
    Host::new(Arc::new(Real::new()), Arc::new(Call::default()))
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_real_server_is_talked_to_and_its_redirect_followed() {
    let (address, served) =
        server(vec![answer("302 Found\r\nLocation: /there", ""), answer("200 OK\r\nX-Thing: 1", "hello")]);
    let response = host().http(&Request::new("GET", &format!("{address}/here"), &options())).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, "hello".as_bytes()));
    assert_eq!(response.url, format!("{address}/there"));
    assert_eq!(response.get("x-thing"), Some("1"));
    let asked = served.join().unwrap();
    assert!(asked[0].starts_with("GET /here HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[0].to_lowercase().contains("user-agent: ansible-httpget\r\n"), "{asked:?}");
    assert!(asked[1].starts_with("GET /there HTTP/1.1\r\n"), "{asked:?}");
}

#[test]
fn a_body_is_posted_and_a_challenge_answered() {
    let challenge = answer("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"", "");
    let (address, served) = server(vec![challenge, answer("201 Created", "")]);
    let mut request = Request::new("POST", &format!("{address}/a"), &options());
    request.body = Some(b"{\"a\": 1}".to_vec());
    request.login = Some(("ann".to_owned(), "pw".to_owned()));
    assert_eq!(host().http(&request).unwrap().status, 201);
    let asked = served.join().unwrap();
    assert!(!asked[0].to_lowercase().contains("authorization"), "{asked:?}");
    assert!(asked[1].to_lowercase().contains("authorization: basic yw5uonb3\r\n"), "{asked:?}");
    assert!(asked[1].ends_with("{\"a\": 1}"), "{asked:?}");
}

#[test]
fn a_server_that_is_not_there_gives_status_minus_one() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = host().http(&Request::new("GET", &format!("http://{address}/"), &options())).unwrap_err();
    assert_eq!(fault.message, "Request failed: <urlopen error [Errno 111] Connection refused>");
}

#[test]
fn curl_is_told_secrets_over_its_input_only() {
    let mut request = Request::new("POST", "https://h/a", &options());
    request.headers.push(("Authorization".to_owned(), "Basic c2VjcmV0".to_owned()));
    request.body = Some(b"a\"b\n".to_vec());
    let command = curl::command(&request).unwrap();
    assert_eq!(command.line(), "curl -q -K -");
    let config = String::from_utf8(command.stdin).unwrap();
    assert!(config.contains("header = \"Authorization: Basic c2VjcmV0\"\n"), "{config}");
    assert!(config.contains("data-binary = \"a\\\"b\\n\"\n"), "{config}");
}

#[test]
fn what_curl_prints_is_read() {
    let said = "HTTP/1.1 100 Continue\r\n\r\nHTTP/2 404 \r\nX-A: b\r\n\r\nbody\r\n\r\nmore";
    let response = curl::response(&crate::Ran::said(said)).unwrap();
    assert_eq!((response.status, response.reason.as_str()), (404, "Not Found"));
    assert_eq!((response.get("x-a"), response.body.as_slice()), (Some("b"), &b"body\r\n\r\nmore"[..]));
}

#[test]
fn addresses_are_joined() {
    assert_eq!(joined("http://h/a/b?c", "d"), "http://h/a/d");
    assert_eq!(joined("http://h/a/b", "../d?x"), "http://h/d?x");
    assert_eq!(joined("http://h/a/b", "/d"), "http://h/d");
    assert_eq!(joined("http://h/a/b", "https://i/d"), "https://i/d");
    assert_eq!(masked("http://u:p@h/a"), "http://****:****@h/a");
}

#[test]
fn a_server_is_found_by_name() {
    let (address, served) = server(vec![answer("200 OK", "hello")]);
    let port = address.rsplit(':').next().unwrap();
    let request = Request::new("GET", &format!("http://localhost:{port}/"), &options());
    assert_eq!(host().http(&request).unwrap().status, 200);
    assert!(served.join().unwrap()[0].contains(&format!("localhost:{port}")));
    let nobody = Request::new("GET", "http://nobody.invalid/", &options());
    assert!(host().http(&nobody).unwrap_err().message.contains("Name or service not known"));
}
