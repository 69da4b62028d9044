use std::io::Write;
use std::net::TcpListener;

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

/// Reads a request to its end.
fn heard(stream: &mut (impl Read + ?Sized)) -> String {
    let (mut got, mut buffer) = (Vec::new(), [0u8; 4096]);
    loop {
        let n = stream.read(&mut buffer).unwrap();
        got.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&got).to_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|t| t.lines().next()?.parse().ok());
        if n == 0 || text.split_once("\r\n\r\n").is_some_and(|(_, b)| b.len() >= length.unwrap_or(0)) {
            return String::from_utf8_lossy(&got).into_owned();
        }
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
            asked.push(heard(&mut stream));
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    });
    (address, served)
}

fn host() -> Host {
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
    request.body = Some(Body::from(b"{\"a\": 1}".to_vec()));
    request.login = Some(("ann".to_owned(), "pw".to_owned()));
    assert_eq!(host().http(&request).unwrap().status, 201);
    let asked = served.join().unwrap();
    assert!(!asked[0].to_lowercase().contains("authorization"), "{asked:?}");
    assert!(asked[1].to_lowercase().contains("authorization: basic yw5uonb3\r\n"), "{asked:?}");
    assert!(asked[1].ends_with("{\"a\": 1}"), "{asked:?}");
}

#[test]
fn a_digest_is_answered_where_one_is_asked_for() {
    let challenge = "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b\", opaque=\"5ccc\"";
    let (address, served) = server(vec![answer(challenge, ""), answer("200 OK", "in")]);
    let mut request = Request::new("GET", &format!("{address}/dir/index.html?a=b"), &options());
    request.login = Some(("Mufasa".to_owned(), "Circle of Life".to_owned()));
    assert_eq!(host().http(&request).unwrap().body, b"in");
    let asked = served.join().unwrap();
    let told = asked[1].lines().find_map(|line| line.strip_prefix("Authorization: Digest ")).unwrap();
    let part = |name: &str| {
        let (_, rest) = told.split_once(&format!("{name}=")).unwrap();
        rest.trim_start_matches('"').split(['"', ',']).next().unwrap().to_owned()
    };
    let md5 = |text: &str| crate::checksum(crate::Algorithm::Md5, &mut text.as_bytes()).unwrap();
    let who = md5("Mufasa:testrealm@host.com:Circle of Life");
    let what = md5("GET:/dir/index.html?a=b");
    let proof = md5(&format!("{who}:dcd98b:00000001:{}:auth:{what}", part("cnonce")));
    assert_eq!(part("response"), proof);
    assert_eq!(part("opaque"), "5ccc");
}

#[test]
fn each_challenge_on_the_way_is_answered() {
    let challenge = || answer("401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"", "");
    let moved = answer("302 Found\r\nLocation: /b", "");
    let (address, served) = server(vec![challenge(), moved, challenge(), answer("200 OK", "in")]);
    let mut request = Request::new("GET", &format!("{address}/a"), &options());
    request.login = Some(("ann".to_owned(), "pw".to_owned()));
    assert_eq!(host().http(&request).unwrap().body, b"in");
    let asked = served.join().unwrap();
    assert!(asked[1].contains("uri=\"/a\"") && asked[3].contains("uri=\"/b\""), "{asked:?}");
    assert!(!asked[2].contains("Authorization"), "{asked:?}");
}

#[test]
fn cookies_are_told_on_the_way_and_redirects_come_to_an_end() {
    let moved = answer("302 Found\r\nSet-Cookie: a=1; Path=/\r\nLocation: /b", "");
    let (address, served) = server(vec![moved, answer("200 OK\r\nSet-Cookie: c=2", "in")]);
    let response = host().http(&Request::new("GET", &address, &options())).unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(response.cookies, [pair("a", "1"), pair("c", "2")]);
    assert!(served.join().unwrap()[1].contains("Cookie: a=1\r\n"));
    let (address, served) = server(vec![answer("302 Found\r\nLocation: /", ""); 11]);
    let response = host().http(&Request::new("GET", &address, &options())).unwrap();
    assert_eq!(response.status, 302);
    assert!(response.reason.ends_with("infinite loop.\nThe last 30x error message was:\nFound"));
    served.join().unwrap();
}

#[test]
fn packed_answers_are_unpacked_unless_they_shall_not_be() {
    use flate2::{Compression, write::GzEncoder};
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"plain text").unwrap();
    let packed = packed.finish().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let sent = packed.clone();
    let served = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(heard(&mut stream).contains("Accept-Encoding: identity\r\n"));
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                sent.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&sent).unwrap();
        }
    });
    assert_eq!(host().http(&Request::new("GET", &address, &options())).unwrap().body, b"plain text");
    let raw = UrlOptions { decompress: false, ..options() };
    assert_eq!(host().http(&Request::new("GET", &address, &raw)).unwrap().body, packed);
    served.join().unwrap();
}

#[test]
fn an_answer_is_read_as_it_comes() {
    const SIZE: usize = 64 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let written = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = written.clone();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        heard(&mut stream);
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").as_bytes()).unwrap();
        let piece = vec![7u8; 1 << 20];
        for _ in 0..SIZE >> 20 {
            stream.write_all(&piece).unwrap();
            count.fetch_add(piece.len(), std::sync::atomic::Ordering::SeqCst);
        }
    });
    let mut answer = host().fetch(&Request::new("GET", &address, &options())).unwrap();
    assert_eq!(answer.get("content-length"), Some("67108864"));
    let mut half = vec![0u8; SIZE / 2];
    answer.body.read_exact(&mut half).unwrap();
    // The other half waits for its reader, but for what the kernel holds.
    assert!(written.load(std::sync::atomic::Ordering::SeqCst) < SIZE, "all of it came at once");
    assert_eq!(io::copy(&mut answer.body, &mut io::sink()).unwrap(), SIZE as u64 / 2);
    served.join().unwrap();
}

#[test]
fn an_answer_that_breaks_off_is_a_failure() {
    let (address, served) =
        server(vec!["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel".to_owned(), String::new()]);
    let fault = host().http(&Request::new("GET", &address, &options())).unwrap_err();
    assert_eq!(fault.message, "Connection failure: IncompleteRead(3 bytes read, 7 more expected)");
    let fault = host().http(&Request::new("GET", &address, &options())).unwrap_err();
    assert_eq!(fault.message, "Connection failure: Remote end closed connection without response");
    served.join().unwrap();
}

#[test]
fn a_file_of_the_host_is_an_address_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b");
    std::fs::write(&path, "text").unwrap();
    let address = format!("file://{}", path.to_string_lossy().replace(' ', "%20"));
    assert_eq!(host().http(&Request::new("GET", &address, &options())).unwrap().body, b"text");
    let missing = host().http(&Request::new("GET", "file:///nowhere", &options())).unwrap_err();
    assert_eq!(
        missing.message,
        "Request failed: <urlopen error [Errno 2] No such file or directory: '/nowhere'>"
    );
    let other = host().http(&Request::new("GET", "gopher://h/", &options())).unwrap_err();
    assert_eq!(other.message, "Request failed: <urlopen error unknown url type: gopher>");
    let spaced = host().http(&Request::new("GET", "http://127.0.0.1:1/a b", &options())).unwrap_err();
    let words =
        "An unknown error occurred: URL can't contain control characters. '/a b' (found at least ' ')";
    assert_eq!(spaced.message, words);
}

#[test]
fn a_proxy_is_told_the_whole_address() {
    let (address, served) = server(vec![answer("200 OK", "by proxy")]);
    let environment = vec![("http_proxy".to_owned(), address.replace("//", "//u:p@"))];
    let call = Call { environment, ..Call::default() };
    let mut host = Host::new(Arc::new(Real::new()), Arc::new(call));
    let through = UrlOptions { use_proxy: true, ..options() };
    assert_eq!(host.http(&Request::new("GET", "http://far.invalid/x", &through)).unwrap().body, b"by proxy");
    let asked = served.join().unwrap();
    assert!(asked[0].starts_with("GET http://far.invalid/x HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[0].contains("Host: far.invalid\r\nProxy-Authorization: Basic dTpw\r\n"), "{asked:?}");
}

#[test]
fn a_server_that_is_not_there_gives_status_minus_one() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = host().http(&Request::new("GET", &format!("http://{address}/"), &options())).unwrap_err();
    assert_eq!(fault.message, "Request failed: <urlopen error [Errno 111] Connection refused>");
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

mod secure;
