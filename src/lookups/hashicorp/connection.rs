//! Requests to a Vault: where it is, whom to trust, how often to try.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_python::json_reader::read_json;
use shevek_python::json_writer::{JsonStyle, write_json};
use shevek_template::plugin::Context;
use shevek_value::Value;
use ureq::http::Request;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy};

use crate::source::options::Options;
use crate::source::waiting::waiting;

/// What Python's `quote` leaves as it is.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'_').remove(b'.').remove(b'-').remove(b'~');

/// What may not stand in an address at all.
const UNSAFE: &AsciiSet =
    &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'#');

/// Part of a path, with everything quoted that has a meaning in addresses.
pub(crate) fn quote(text: &str) -> String {
    utf8_percent_encode(text, QUOTED).to_string()
}

/// What came back.
pub(crate) enum Answer {
    Json(Value),
    /// No JSON: nothing at all, mostly.
    Other(String),
}

/// What went wrong.
pub(crate) enum Failure {
    /// The Vault says no.
    Status { code: u16, errors: Vec<String>, what: String },
    /// It can't be asked.
    Connection { what: String, why: String },
}

impl Failure {
    /// As it is shown.
    pub(crate) fn diagnostic(self) -> Box<Diagnostic> {
        let wrong = Diagnostic::new("a request to a Vault failed").kind(Kind::Machine);
        match self {
            Self::Status { code, errors, what } => {
                let words = match code {
                    400 => "invalid request",
                    401 => "unauthorized",
                    403 => "permission denied",
                    404 => "no such path",
                    429 => "too many requests",
                    500 => "internal server error",
                    501 => "the Vault is not initialised",
                    502 => "bad gateway",
                    503 => "the Vault is sealed or down",
                    _ => "unexpected answer",
                };
                let errors = if errors.is_empty() { words.to_owned() } else { errors.join(", ") };
                wrong.detail(format!("{errors}, on {what} (status {code})"))
            }
            Self::Connection { what, why } => wrong.detail(format!("{what}: {why}")),
        }
    }
}

/// When a request is made again.
struct Retries {
    total: u32,
    codes: Vec<u16>,
    factor: f64,
    methods: Option<Vec<String>>,
}

/// A connection with a token.
pub(crate) struct Client<'a> {
    context: &'a dyn Context,
    agent: Agent,
    address: String,
    headers: Vec<(&'static str, String)>,
    retries: Option<Retries>,
    warns: bool,
    tls: Tls,
    timeout: Duration,
    proxy: Option<Option<Proxy>>,
}

/// Whom to trust and as whom to appear.
#[derive(Clone)]
struct Tls {
    verify: bool,
    roots: Option<Vec<Certificate<'static>>>,
    own: Option<ClientCert>,
}

impl<'a> Client<'a> {
    /// One that isn't logged in yet.
    pub(crate) fn new(context: &'a dyn Context, options: &Options) -> Result<Self> {
        let address = options.get("url").map(Value::text).ok_or_else(|| {
            wrong("Required option url was not set.".to_owned())
                .help("give it as url=…, as the variable ansible_hashi_vault_url or in the environment as VAULT_ADDR")
        })?;
        let mut headers = vec![("X-Vault-Request", "true".to_owned())];
        if let Some(namespace) = options.get("namespace") {
            headers.push(("X-Vault-Namespace", namespace.text()));
        }
        let timeout =
            options.integer("timeout")?.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(30);
        let action = options.text("retry_action", "warn");
        if !matches!(action.as_str(), "warn" | "ignore") {
            return Err(wrong(format!("retry_action is 'warn' or 'ignore', not '{action}'")));
        }
        let mut client = Self {
            context,
            agent: Agent::new_with_defaults(),
            headers,
            retries: retries(options)?,
            warns: action == "warn",
            tls: tls(options)?,
            timeout: Duration::from_secs(timeout),
            proxy: proxy(options, address.starts_with("https:"))?,
            address: address.trim_end_matches('/').to_owned(),
        };
        client.dress();
        Ok(client)
    }

    fn dress(&mut self) {
        let roots = self.tls.roots.clone();
        let tls = TlsConfig::builder()
            .disable_verification(!self.tls.verify)
            .client_cert(self.tls.own.clone())
            .root_certs(roots.map_or(RootCerts::WebPki, |roots| RootCerts::Specific(Arc::new(roots))))
            .build();
        let mut config = Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .http_status_as_error(false)
            .tls_config(tls);
        if let Some(proxy) = &self.proxy {
            config = config.proxy(proxy.clone());
        }
        self.agent = config.build().into();
    }

    /// What further requests are made with.
    pub(crate) fn use_token(&mut self, token: &str) {
        self.headers.retain(|(name, _)| *name != "X-Vault-Token");
        self.headers.push(("X-Vault-Token", token.to_owned()));
    }

    /// Appears with a certificate from here on.
    pub(crate) fn show_certificate(&mut self, certificate: &str, key: &str) -> Result<()> {
        let bad = |path: &str, why: &str| wrong(format!("{path}: {why}"));
        let bytes = fs::read(key).map_err(|error| bad(key, &error.to_string()))?;
        let private = PrivateKey::from_pem(&bytes).map_err(|error| bad(key, &error.to_string()))?;
        self.tls.own = Some(ClientCert::new_with_certs(&certificates(Path::new(certificate))?, private));
        self.dress();
        Ok(())
    }

    /// Reads.
    pub(crate) fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Answer, Failure> {
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
        self.send("GET", &path, None, None)
    }

    /// Lists.
    pub(crate) fn list(&self, path: &str) -> Result<Answer, Failure> {
        self.get(path, &[("list", "True".to_owned())])
    }

    /// Writes; the answer can be wrapped for a time.
    pub(crate) fn post(&self, path: &str, data: &Value, wrap: Option<&str>) -> Result<Answer, Failure> {
        let body = write_json(data, &JsonStyle::default())
            .map_err(|error| Failure::Connection { what: path.to_owned(), why: error.detail.clone() })?;
        self.send("POST", path, Some(body), wrap)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
        wrap: Option<&str>,
    ) -> Result<Answer, Failure> {
        let mut path = format!("/v1/{}", path.trim_start_matches('/'));
        while path.contains("//") {
            path = path.replace("//", "/");
        }
        let address = format!("{}{}", self.address, utf8_percent_encode(&path, UNSAFE));
        let mut left = self.retries.as_ref().map_or(0, |retries| retries.total);
        let mut tried: i32 = 0;
        loop {
            let outcome = waiting(|| self.once(method, &address, body.as_deref(), wrap));
            let again = match (&outcome, &self.retries) {
                (Err(Failure::Status { code, .. }), Some(retries)) => {
                    let may = retries.methods.as_ref().is_none_or(|all| all.iter().any(|one| one == method));
                    may && retries.codes.contains(code)
                }
                (Err(Failure::Connection { .. }), Some(_)) => true,
                _ => false,
            };
            if !again || left == 0 {
                return outcome;
            }
            if self.warns {
                let noun = if left == 1 { "retry" } else { "retries" };
                self.context.warn(
                    Diagnostic::new("a Vault is asked again")
                        .detail(format!("community.hashi_vault: {left} {noun} remaining.")),
                );
            }
            left -= 1;
            tried += 1;
            // The first time at once, then longer and longer.
            if tried > 1 {
                let factor = self.retries.as_ref().map_or(0.0, |retries| retries.factor);
                let seconds = (factor * 2f64.powi(tried - 1)).clamp(0.0, 120.0);
                waiting(|| sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default()));
            }
        }
    }

    fn once(
        &self,
        method: &str,
        address: &str,
        body: Option<&str>,
        wrap: Option<&str>,
    ) -> Result<Answer, Failure> {
        let what = || format!("{} {address}", method.to_lowercase());
        let failed = |why: String| Failure::Connection { what: what(), why };
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(wrap) = wrap {
            request = request.header("X-Vault-Wrap-TTL", wrap);
        }
        let answer = match body {
            Some(body) => request
                .header("Content-Type", "application/json")
                .body(body.to_owned())
                .map_err(|error| failed(error.to_string()))
                .and_then(|request| self.agent.run(request).map_err(|error| failed(error.to_string()))),
            None => request
                .body(())
                .map_err(|error| failed(error.to_string()))
                .and_then(|request| self.agent.run(request).map_err(|error| failed(error.to_string()))),
        };
        let mut answer = answer?;
        let code = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().map_err(|error| failed(error.to_string()))?;
        let json = read_json(&text).ok();
        if code >= 400 {
            let errors = json.as_ref().and_then(|json| json.get("errors")).and_then(Value::as_list);
            let errors = errors.into_iter().flatten().map(Value::text).collect();
            return Err(Failure::Status { code, errors, what: what() });
        }
        // What comes from outside is never a template.
        Ok(json.map_or(Answer::Other(text), |json| Answer::Json(json.untrusted())))
    }
}

fn wrong(detail: String) -> Box<Diagnostic> {
    Diagnostic::new("wrong option of a Vault lookup").detail(detail)
}

/// Text that may be a mapping: as JSON or as `k=v, k=v`.
fn mapping(value: &Value) -> Option<Value> {
    if value.as_map().is_some() {
        return Some(value.clone());
    }
    let text = value.as_str()?.trim();
    if text.starts_with('{') {
        return read_json(text).ok().filter(|value| value.as_map().is_some());
    }
    let pairs: Option<Vec<(&str, Value)>> = text
        .split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').map(|(name, value)| (name, Value::from(value))))
        .collect();
    pairs.filter(|pairs| !pairs.is_empty()).map(Value::dict)
}

/// `None`: as the environment says.
fn proxy(options: &Options, encrypted: bool) -> Result<Option<Option<Proxy>>> {
    let Some(value) = options.get("proxies") else { return Ok(None) };
    let chosen = match mapping(value) {
        Some(map) => map.get(if encrypted { "https" } else { "http" }).map(Value::text),
        None => Some(value.text()),
    };
    let Some(chosen) = chosen else { return Ok(None) };
    let proxy =
        // Its address may hold a password.
        Proxy::new(&chosen).map_err(|error| wrong(format!("the proxy can't be used: {error}")))?;
    Ok(Some(Some(proxy)))
}

fn retries(options: &Options) -> Result<Option<Retries>> {
    let Some(value) = options.get("retries") else { return Ok(None) };
    let mut retries = Retries { total: 0, codes: vec![412, 500, 502, 503], factor: 0.3, methods: None };
    if let Some(total) = value.as_int().or_else(|| value.as_str()?.trim().parse().ok()) {
        retries.total = u32::try_from(total)
            .map_err(|_| wrong(format!("Number of retries must be >= 0 (got {total})")))?;
        return Ok((total > 0).then_some(retries));
    }
    let Some(map) = mapping(value) else {
        return Err(wrong(format!(
            "retries option must be interpretable as int or dict. Got: {}",
            value.repr()
        )));
    };
    (retries.total, retries.codes, retries.factor) = (10, Vec::new(), 0.0);
    let usual = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"];
    retries.methods = Some(usual.map(str::to_owned).to_vec());
    for (name, value) in map.as_map().into_iter().flatten() {
        let bad = || wrong(format!("retries: {} can't be {}", name.text(), value.repr()));
        let items = || value.as_list().map(<[Value]>::to_vec);
        match name.text().as_str() {
            "total" => {
                let total = value.as_int().or_else(|| value.as_str()?.parse().ok());
                retries.total = total.and_then(|total| u32::try_from(total).ok()).ok_or_else(bad)?;
            }
            "backoff_factor" => {
                retries.factor = value.as_float().or_else(|| value.as_str()?.parse().ok()).ok_or_else(bad)?;
            }
            "status_forcelist" => {
                let code = |code: &Value| code.as_int().and_then(|code| u16::try_from(code).ok());
                retries.codes = items().ok_or_else(bad)?.iter().filter_map(code).collect();
            }
            "allowed_methods" | "method_whitelist" => {
                retries.methods = items().map(|all| all.iter().map(Value::text).collect());
            }
            "raise_on_status" => {}
            other => {
                return Err(wrong(format!("retries: '{other}' is not supported")).help(
                    "total, backoff_factor, status_forcelist, allowed_methods and raise_on_status are",
                ));
            }
        }
    }
    Ok(Some(retries))
}

fn tls(options: &Options) -> Result<Tls> {
    let verify = match options.get("validate_certs") {
        Some(_) => options.truth("validate_certs", true)?,
        None => {
            let skip = std::env::var("VAULT_SKIP_VERIFY").unwrap_or_default().to_lowercase();
            !matches!(skip.as_str(), "1" | "true" | "yes" | "on" | "y" | "t")
        }
    };
    let authority = options.get("ca_cert").map(Value::text).or_else(|| {
        ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"].iter().find_map(|name| std::env::var(name).ok())
    });
    let roots = match authority.filter(|path| verify && !path.is_empty()) {
        Some(path) => Some(certificates(Path::new(&path))?),
        None => None,
    };
    Ok(Tls { verify, roots, own: None })
}

/// The certificates of a file, or of the files of a folder.
fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let bad = |why: String| wrong(format!("{}: {why}", path.display()));
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(|error| bad(error.to_string()))?;
        files = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
    }
    let mut out = Vec::new();
    for file in files {
        let bytes = fs::read(file).map_err(|error| bad(error.to_string()))?;
        for item in parse_pem(&bytes) {
            if let PemItem::Certificate(certificate) = item.map_err(|error| bad(error.to_string()))? {
                out.push(certificate);
            }
        }
    }
    if out.is_empty() { Err(bad("there is no certificate in it".to_owned())) } else { Ok(out) }
}
