//! https against real servers, and through sockets and proxies.

use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// An authority and what it has signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut asked = CertificateParams::default();
        asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        asked.distinguished_name.push(DnType::CommonName, "the authority");
        let issuer = CertifiedIssuer::self_signed(asked, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    /// The file with its certificate.
    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate and its key, both PEM.
    fn signs(&self, asked: CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (asked.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn signs_for(&self, name: &str) -> (String, String) {
        self.signs(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }
}

fn presenting((certificate, key): &(String, String), clients_of: Option<&Authority>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let building =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let building = match clients_of {
        None => building.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.issuer.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            building.with_client_cert_verifier(verifier)
        }
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    Arc::new(building.with_single_cert(chain, key).unwrap())
}

/// Answers one connection; what was asked, or why nobody asked.
fn answer_on(stream: impl Read + Write, config: &Arc<ServerConfig>, answer: &str) -> String {
    let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
    while stream.conn.is_handshaking() {
        if let Err(e) = stream.conn.complete_io(&mut stream.sock) {
            return format!("no handshake: {e}");
        }
    }
    let asked = heard(&mut stream);
    stream.write_all(answer.as_bytes()).unwrap();
    stream.conn.send_close_notify();
    let _ = stream.flush();
    asked
}

/// A server on TLS; its port, and what it was asked.
fn secure(config: Arc<ServerConfig>, answers: Vec<String>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let each = answers.iter().map(|answer| answer_on(listener.accept().unwrap().0, &config, answer));
        each.collect()
    });
    (port, served)
}

fn hello(times: usize) -> Vec<String> {
    vec![answer("200 OK", "hello"); times]
}

fn get(port: u16) -> Request {
    Request::new("GET", &format!("https://localhost:{port}/x"), &options())
}

fn told(request: &Request) -> String {
    match host().http(request) {
        Ok(answer) => String::from_utf8(answer.body).unwrap(),
        Err(fault) => {
            assert_eq!(fault.result, [("status".to_owned(), shevek_proto::Val::Int(-1))]);
            fault.message
        }
    }
}

#[test]
fn a_server_is_believed_whose_authority_is() {
    let authority = Authority::new();
    let (port, served) = secure(presenting(&authority.signs_for("localhost"), None), hello(4));
    assert_eq!(
        told(&get(port)),
        "Request failed: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: \
         unable to get local issuer certificate>"
    );
    assert_eq!(told(&Request { ca_path: Some(authority.file()), ..get(port) }), "hello");
    let folder = Some(authority.folder.path().to_owned());
    assert_eq!(told(&Request { ca_path: folder, ..get(port) }), "hello");
    let careless = UrlOptions { validate_certs: false, ..options() };
    assert_eq!(told(&Request { options: careless, ..get(port) }), "hello");
    let asked = served.join().unwrap();
    assert!(asked[0].starts_with("no handshake"), "nothing is told to whom nobody believes: {asked:?}");
    assert!(asked[1].starts_with("GET /x HTTP/1.1\r\n"), "{asked:?}");
}

#[test]
fn the_environment_names_authorities() {
    let authority = Authority::new();
    let (port, served) = secure(presenting(&authority.signs_for("localhost"), None), hello(2));
    for (name, path) in
        [("SSL_CERT_FILE", authority.file()), ("SSL_CERT_DIR", authority.folder.path().to_owned())]
    {
        let environment = vec![(name.to_owned(), path.to_string_lossy().into_owned())];
        let call = Call { environment, ..Call::default() };
        let answer = Host::new(Arc::new(Real::new()), Arc::new(call)).http(&get(port)).unwrap();
        assert_eq!(answer.body, b"hello", "{name}");
    }
    served.join().unwrap();
}

#[test]
fn a_server_that_signs_for_itself_is_refused_unless_it_is_trusted_itself() {
    // As `openssl req -x509` makes them: it says of itself that it is an authority.
    let mut asked = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pair = (asked.self_signed(&key).unwrap().pem(), key.serialize_pem());
    let (port, served) = secure(presenting(&pair, None), hello(3));
    assert_eq!(
        told(&get(port)),
        "Request failed: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate>"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.pem");
    std::fs::write(&file, &pair.0).unwrap();
    assert_eq!(told(&Request { ca_path: Some(file.clone()), ..get(port) }), "hello");
    let elsewhere = Request { url: format!("https://127.0.0.1:{port}/"), ca_path: Some(file), ..get(port) };
    assert!(told(&elsewhere).contains("IP address mismatch, certificate is not valid for '127.0.0.1'."));
    served.join().unwrap();
}

#[test]
fn certificates_of_others_and_of_other_times_are_refused() {
    let authority = Authority::new();
    let mut old = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    old.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let mut by_common_name = CertificateParams::default();
    by_common_name.distinguished_name = rcgen::DistinguishedName::new();
    by_common_name.distinguished_name.push(DnType::CommonName, "localhost");
    for (pair, words) in [
        (authority.signs_for("a.example"), "Hostname mismatch, certificate is not valid for 'localhost'.>"),
        (authority.signs(old), "certificate verify failed: certificate has expired>"),
        (authority.signs(by_common_name), "hello"),
    ] {
        let (port, served) = secure(presenting(&pair, None), hello(1));
        let said = told(&Request { ca_path: Some(authority.file()), ..get(port) });
        assert!(said.ends_with(words), "{said}");
        served.join().unwrap();
    }
}

#[test]
fn a_common_name_alone_does_not_count_below_an_authority_in_between() {
    let authority = Authority::new();
    let mut asked = CertificateParams::default();
    asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    asked.distinguished_name.push(DnType::CommonName, "in between");
    let between = CertifiedIssuer::signed_by(asked, KeyPair::generate().unwrap(), &authority.issuer).unwrap();
    let mut by_common_name = CertificateParams::default();
    by_common_name.distinguished_name.push(DnType::CommonName, "localhost");
    for (asked, words) in [
        (CertificateParams::new(vec!["localhost".to_owned()]).unwrap(), "hello"),
        (by_common_name, "Hostname mismatch, certificate is not valid for 'localhost'.>"),
    ] {
        let key = KeyPair::generate().unwrap();
        let chain = asked.signed_by(&key, &between).unwrap().pem() + &between.pem();
        let (port, served) = secure(presenting(&(chain, key.serialize_pem()), None), hello(1));
        let said = told(&Request { ca_path: Some(authority.file()), ..get(port) });
        assert!(said.ends_with(words), "{said}");
        served.join().unwrap();
    }
}

#[test]
fn a_client_shows_its_certificate_where_one_is_asked_for() {
    let authority = Authority::new();
    let config = presenting(&authority.signs_for("localhost"), Some(&authority));
    let (port, served) = secure(config, hello(3));
    let (certificate, key) = authority.signs_for("client");
    let at = |name: &str, text: &str| {
        let path = authority.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let with = |client_cert, client_key| {
        let options = UrlOptions { client_cert, client_key, ..options() };
        told(&Request { options, ca_path: Some(authority.file()), ..get(port) })
    };
    let without = with(None, None);
    assert!(without.contains("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]"), "{without}");
    assert_eq!(with(at("client.crt", &certificate), at("client.key", &key)), "hello");
    assert_eq!(with(at("both.pem", &format!("{key}{certificate}")), None), "hello");
    served.join().unwrap();
    let missing = with(at("client.crt", &certificate), None);
    assert!(missing.starts_with("Connection failure: there is no private key in "), "{missing}");
    let nowhere = with(Some(PathBuf::from("/nowhere.pem")), None);
    assert_eq!(nowhere, "Connection failure: [Errno 2] No such file or directory: '/nowhere.pem'");
}

#[test]
fn a_redirect_leads_to_https_and_a_challenge_is_answered_there() {
    let authority = Authority::new();
    let challenge = answer("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"", "");
    let config = presenting(&authority.signs_for("localhost"), None);
    let (port, served) = secure(config, vec![challenge, answer("200 OK", "hello")]);
    let (plain, redirected) =
        server(vec![answer(&format!("302 Found\r\nLocation: https://localhost:{port}/y"), "")]);
    let to_there = Request::new("GET", &plain, &options());
    let response = host().http(&Request { ca_path: Some(authority.file()), ..to_there }).unwrap();
    assert_eq!((response.status, response.url), (401, format!("https://localhost:{port}/y")));
    let mut login = Request { ca_path: Some(authority.file()), ..get(port) };
    login.login = Some(("ann".to_owned(), "pw".to_owned()));
    // The first answer went to the redirect: this server asks no more, and so is told nothing.
    assert_eq!(told(&login), "hello");
    redirected.join().unwrap();
    assert!(served.join().unwrap()[0].starts_with("GET /y HTTP/1.1"));

    let challenge = answer("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"", "");
    let config = presenting(&authority.signs_for("localhost"), None);
    let (port, served) = secure(config, vec![challenge, answer("200 OK", "hello")]);
    login.url = format!("https://localhost:{port}/z");
    assert_eq!(told(&login), "hello");
    let asked = served.join().unwrap();
    assert!(!asked[0].contains("Authorization"), "{asked:?}");
    assert!(asked[1].contains("Authorization: Basic YW5uOnB3\r\n"), "{asked:?}");
}

#[test]
fn a_proxy_makes_a_tunnel() {
    let authority = Authority::new();
    let config = presenting(&authority.signs_for("far.invalid"), None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    let served = std::thread::spawn(move || {
        let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
        let asked = heard(&mut stream);
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let within = answer_on(&mut stream, &config, &answer("200 OK", "hello"));
        let (mut stream, _) = listener.accept().unwrap();
        heard(&mut stream);
        stream.write_all(b"HTTP/1.1 407 Who are you\r\n\r\n").unwrap();
        (asked, within)
    });
    let environment = vec![("https_proxy".to_owned(), format!("http://u:p@{proxy}/"))];
    let call = Arc::new(Call { environment, ..Call::default() });
    let ask = || {
        let options = UrlOptions { use_proxy: true, ..options() };
        let request = Request::new("GET", "https://far.invalid/x", &options);
        Host::new(Arc::new(Real::new()), call.clone())
            .http(&Request { ca_path: Some(authority.file()), ..request })
    };
    assert_eq!(ask().unwrap().body, b"hello");
    let refused = ask().unwrap_err().message;
    assert_eq!(refused, "Request failed: <urlopen error Tunnel connection failed: 407 Who are you>");
    let (asked, within) = served.join().unwrap();
    assert!(asked.starts_with("CONNECT far.invalid:443 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic dTpw\r\n"), "{asked}");
    assert!(within.starts_with("GET /x HTTP/1.1\r\n") && !within.contains("Proxy-"), "{within}");
}

#[test]
fn a_socket_of_the_host_is_talked_through() {
    let authority = Authority::new();
    let config = presenting(&authority.signs_for("localhost"), None);
    let path = authority.folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked = heard(&mut stream);
        stream.write_all(answer("200 OK", "plain").as_bytes()).unwrap();
        drop(stream);
        (asked, answer_on(listener.accept().unwrap().0, &config, &answer("200 OK", "secret")))
    });
    let mut request = Request::new("GET", "http://localhost/v1/info", &options());
    request.unix_socket = Some(path);
    request.ca_path = Some(authority.file());
    assert_eq!(told(&request), "plain");
    request.url = "https://localhost/v1/info".to_owned();
    assert_eq!(told(&request), "secret");
    let (asked, _) = served.join().unwrap();
    assert!(
        asked.starts_with("GET /v1/info HTTP/1.1\r\n") && asked.contains("Host: localhost\r\n"),
        "{asked}"
    );
    request.unix_socket = Some(PathBuf::from("/nowhere.sock"));
    assert_eq!(
        told(&request),
        "Request failed: <urlopen error Invalid Socket File (/nowhere.sock): [Errno 2] No such file or directory>"
    );
}

#[test]
fn what_is_no_tls_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0u8; 4096]);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let said = told(&get(port));
    assert!(said.starts_with("Request failed: <urlopen error [SSL: WRONG_VERSION_NUMBER]"), "{said}");
    served.join().unwrap();
    let ciphers = vec!["ECDHE-RSA-AES128-SHA256".to_owned()];
    let said = told(&Request { options: UrlOptions { ciphers, ..options() }, ..get(port) });
    assert!(
        said.starts_with(
            "Connection failure: No cipher can be selected: ECDHE-RSA-AES128-SHA256 is not supported"
        ),
        "{said}"
    );
}
