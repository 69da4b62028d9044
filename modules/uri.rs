//! Talk with web services.
//!
//! Sends one request and returns what was answered. What goes out from a file, or comes in to one, is never whole in memory.
//! The host needs no other program for this, for http and for https.
//!
//! ```yaml
//! - uri: { url: http://www.example.com, return_content: yes }
//! - uri:
//!     url: https://jira.example.com/rest/api/2/issue/
//!     method: POST
//!     body: { name: a }
//!     body_format: json
//!     status_code: 201
//! - uri:
//!     url: https://files.example.com/upload
//!     method: POST
//!     body_format: form-multipart
//!     body: { title: a report, report: { filename: report.pdf } }
//! ```
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shevek_kit::Summing;
use shevek_kit::http::{self, Body, Redirects, Request, Response, Stream, UrlOptions};
use shevek_kit::prelude::*;
use shevek_kit::{json, printed};

mod multipart;

/// Arguments of `uri`.
#[derive(Args)]
#[module(procedure)]
#[rule(exclusive("body", "src"))]
pub struct Uri {
    /// The address: http or https.
    url: String,
    /// Where the answer's content is written: a file or folder.
    dest: Option<PathBuf>,
    /// The user's name.
    #[arg(alias = "user")]
    url_username: Option<String>,
    /// The user's password.
    #[arg(alias = "password")]
    url_password: Option<Secret>,
    /// What is sent along.
    body: Option<Val>,
    /// How it is written.
    #[arg(default = "raw")]
    body_format: BodyFormat,
    /// A file that is sent along: of the controller, or of the host with `remote_src`.
    src: Option<PathBuf>,
    /// The controller's file; set by the action.
    #[arg(name = "_content")]
    content: Option<Content>,
    /// What is asked for: `GET`, `POST`, …
    #[arg(default = "GET")]
    method: String,
    /// Whether the answer's content is in the result, as `content`.
    #[arg(default = false)]
    return_content: bool,
    /// Which redirects are followed.
    #[arg(default = "safe")]
    follow_redirects: Follow,
    /// A path that must not be there; otherwise nothing is done.
    creates: Option<PathBuf>,
    /// A path that must be there; otherwise nothing is done.
    removes: Option<PathBuf>,
    /// Status codes that are a success; 200 if none are given.
    status_code: Vec<i64>,
    /// Seconds that the server may keep silent.
    #[arg(default = 30)]
    timeout: u32,
    /// Headers of the request.
    headers: Dict,
    /// A socket to talk through.
    unix_socket: Option<PathBuf>,
    /// Whether `src` is on the host.
    #[arg(default = false)]
    remote_src: bool,
    /// The certificates to trust, instead of the system's.
    ca_path: Option<PathBuf>,
    /// Options of all modules that use HTTP.
    #[arg(flatten)]
    options: UrlOptions,
    /// Owner, mode and the like, of `dest`.
    #[arg(flatten)]
    attributes: FileAttributes,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum BodyFormat {
    /// As a form.
    #[choice("form-urlencoded")]
    Form,
    /// As JSON.
    Json,
    /// As it is.
    Raw,
    /// As a form in parts.
    #[choice("form-multipart")]
    Multipart,
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Follow {
    /// All.
    All,
    /// None.
    No,
    /// None.
    None,
    /// Those of GET and HEAD.
    Safe,
    /// Those that Python's own library follows.
    Urllib2,
    /// All.
    Yes,
}

impl Procedure for Uri {
    fn guard(&self, host: &Probe) -> Result<Guard> {
        let skipped = |path: &Path, why: &str| {
            let words = format!("skipped, since '{}' {why}", path.display());
            Ok(Guard::done(Outcome::ok().with("stdout", words)))
        };
        if let Some(path) = self.creates.as_ref().filter(|p| host.exists(p)) {
            return skipped(path, "exists");
        }
        if let Some(path) = self.removes.as_ref().filter(|p| !host.exists(p)) {
            return skipped(path, "does not exist");
        }
        Ok(Guard::Run)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let request = self.request(host)?;
        let start = host.now();
        let answered = host.fetch(&request);
        let elapsed = host.now().duration_since(start).unwrap_or_default().as_secs();
        let response = match answered {
            Ok(response) => response,
            Err(fault) if fault.result.iter().any(|(k, _)| k == "status") => {
                let words = format!("Status code was -1 and not {}: {}", self.accepted(), fault.message);
                return Err(Fault { message: words, ..fault }
                    .with("url", http::masked(&self.url))
                    .with("redirected", false)
                    .with("elapsed", elapsed));
            }
            Err(fault) => return Err(fault.with("url", http::masked(&self.url)).with("elapsed", elapsed)),
        };
        self.outcome(host, response, elapsed)
    }
}

impl Uri {
    fn codes(&self) -> Vec<i64> {
        if self.status_code.is_empty() { vec![200] } else { self.status_code.clone() }
    }

    fn accepted(&self) -> String {
        printed::python_repr(&Val::from(self.codes()))
    }

    fn request(&self, host: &Probe) -> Result<Request> {
        let method = self.method.to_uppercase();
        if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) {
            fail!("Parameter 'method' needs to be a single word in uppercase, like GET or POST.");
        }
        let mut request = Request::new(&method, &self.url, &self.options);
        request = request.login(self.url_username.as_deref(), self.url_password.as_ref());
        request.timeout = Duration::from_secs(u64::from(self.timeout));
        request.ca_path.clone_from(&self.ca_path);
        request.unix_socket.clone_from(&self.unix_socket);
        request.redirects = match self.follow_redirects {
            Follow::All | Follow::Yes => Redirects::All,
            Follow::No | Follow::None => Redirects::None,
            Follow::Safe => Redirects::Safe,
            Follow::Urllib2 => Redirects::Python,
        };
        request.headers = self.headers.iter().map(|(k, v)| (k.clone(), printed::python_str(v))).collect();
        let (body, kind) = match self.body_format {
            BodyFormat::Multipart => {
                let (kind, body) = multipart::body(self.body.as_ref(), host)?;
                // A boundary that the headers do not name would be of no use.
                request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
                (Some(body), Some(kind))
            }
            _ => self.body().map(|(body, kind)| (body, kind.map(str::to_owned)))?,
        };
        request.body = match (&self.content, &self.src) {
            (Some(content), _) => Some(Body::content(content.clone(), host)),
            (None, Some(src)) if !self.remote_src => {
                fail!("{} is a file of the controller, and did not come along", src.display())
            }
            (None, Some(src)) => {
                let unread = |_| Fault::new(format!("Unable to open source file {}", src.display()));
                Some(Body::file(src.clone(), host).map_err(unread)?)
            }
            (None, None) => body.map(Body::from),
        };
        if let Some(kind) = kind.filter(|_| !request.has("content-type")) {
            request.headers.push(("Content-Type".to_owned(), kind));
        }
        if self.options.force {
            request.headers.push(("Cache-Control".to_owned(), "no-cache".to_owned()));
        } else if let Some(stat) = self.dest.as_ref().map(|d| host.stat(d)).transpose()?.flatten()
            && stat.is_file()
        {
            request.headers.push(("If-Modified-Since".to_owned(), http_date(stat.modified)));
        }
        Ok(request)
    }

    /// What is sent along, and what kind of content that is.
    fn body(&self) -> Result<(Option<Vec<u8>>, Option<&'static str>)> {
        let body = self.body.clone().unwrap_or(Val::Null);
        let text = body.as_str().map(|text| text.as_bytes().to_vec());
        Ok(match self.body_format {
            BodyFormat::Json => {
                let body = text.unwrap_or_else(|| json::write(&body).into_bytes());
                (Some(body), Some("application/json"))
            }
            BodyFormat::Form => {
                let body = match (&body, text) {
                    (Val::Null, _) => None,
                    (_, Some(text)) => Some(text),
                    (body, None) => Some(form(body)?.into_bytes()),
                };
                (body, Some("application/x-www-form-urlencoded"))
            }
            BodyFormat::Raw | BodyFormat::Multipart => match (body, text) {
                (Val::Null, _) => (None, None),
                (_, Some(text)) => (Some(text), None),
                (Val::Bytes(bytes), _) => (Some(bytes.to_vec()), None),
                (body @ (Val::List(_) | Val::Map(_)), _) => (Some(json::write(&body).into_bytes()), None),
                (body, _) => (Some(printed::python_str(&body).into_bytes()), None),
            },
        })
    }

    fn outcome(&self, host: &mut Host, response: Response<Stream>, elapsed: u64) -> Result<Outcome> {
        let (response, mut body) = response.parted();
        let wanted = self.codes().contains(&i64::from(response.status));
        let fine = (200..300).contains(&response.status);
        let first = http::masked(&self.url);
        // Ansible tells the address that answered only of answers that are no error.
        let url = if fine { http::masked(&response.url) } else { first.clone() };
        let mut outcome = Outcome::ok().with("redirected", url != first).with("url", &url);
        for (name, value) in &response.headers {
            let key = name.replace('-', "_");
            let value = match outcome.get(&key).and_then(Val::as_str) {
                Some(before) if fine => format!("{before}, {value}"),
                _ => value.clone(),
            };
            outcome.set(&key, value);
        }
        if let Some(to) = response.get("location") {
            outcome.set("location", http::joined(&url, to));
        }
        let mut msg = format!("HTTP Error {}: {}", response.status, response.reason);
        if fine {
            let words: Vec<String> = response.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            outcome.set("cookies_string", words.join("; "));
            let cookies = response.cookies.iter().map(|(k, v)| (k.clone(), Val::from(v.as_str())));
            outcome.set("cookies", Val::Map(cookies.collect()));
            msg = format!("OK ({} bytes)", response.get("content-length").unwrap_or("unknown"));
        }
        outcome.set("status", i64::from(response.status));
        outcome.set("elapsed", elapsed);
        let kind = response.get("content-type").unwrap_or("text/plain").to_owned();
        // Content that the result is made of is held in memory; all other streams by.
        let told = is_json(&kind) || self.return_content || !wanted;
        if told || !fine {
            let mut bytes = Vec::new();
            body.read_to_end(&mut bytes)
                .map_err(|e| Fault::new(format!("HTTP Error while fetching {first}: {e}")))?;
            self.write(host, &response, &mut bytes.as_slice(), &mut outcome)?;
            let text = decoded(&kind, &bytes);
            if is_json(&kind)
                && let Ok(value) = json::read(&text)
            {
                outcome.set("json", value);
            }
            if self.return_content {
                outcome.set("content", text);
            } else if !told {
                outcome.set("body", text);
            }
        } else {
            self.write(host, &response, &mut body, &mut outcome)?;
        }
        if !wanted {
            outcome.failed = true;
            msg = format!("Status code was {} and not {}: {msg}", response.status, self.accepted());
        }
        outcome.set("msg", msg);
        Ok(outcome)
    }

    fn write(
        &self,
        host: &mut Host,
        head: &Response<()>,
        content: &mut dyn Read,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let Some(dest) = &self.dest else { return Ok(()) };
        let mut dest = dest.clone();
        if host.is_folder(&dest) {
            let last = http::unescaped(http::file_name(head.url.trim_end_matches('/')));
            let last = Some(last).filter(|n| !matches!(n.as_str(), "" | "." | "..") && !n.contains('/'));
            dest.push(head.proposed_name().or(last).unwrap_or_else(|| "index.html".to_owned()));
        }
        if self.codes().contains(&i64::from(head.status)) && head.status != 304 {
            let mut content = Summing::new(content, [Algorithm::Sha1]);
            let staged = host.stage(&dest, &mut content)?;
            let new = content.end(Algorithm::Sha1);
            if host.exists(&dest) && host.checksum(&dest, Algorithm::Sha1).is_ok_and(|old| old == new) {
                host.discard(staged);
            } else {
                let how = self.attributes.commit(host, &dest)?;
                host.commit(staged, &dest, &how)?;
            }
            self.attributes.ensure(host, &dest, &mut AttributeDiff::of(&dest))?;
            outcome.changed = true;
        }
        outcome.set("path", &dest);
        Ok(())
    }
}

/// A time as HTTP has it.
pub(crate) fn http_date(time: Time) -> String {
    shevek_kit::moment::utc(time.system()).format("%a, %d %b %Y %H:%M:%S GMT")
}

fn form(body: &Val) -> Result<String> {
    let mut pairs: Vec<(String, Val)> = Vec::new();
    match body {
        Val::Map(entries) => pairs.clone_from(entries),
        Val::List(items) => {
            for item in items {
                let Some([key, value]) = item.as_list() else {
                    fail!("failed to parse body as form_urlencoded: not a list of pairs");
                };
                pairs.push((printed::python_str(key), value.clone()));
            }
        }
        other => return Ok(printed::python_str(other)),
    }
    let mut out = Vec::new();
    for (key, value) in pairs {
        let values = match value {
            Val::List(items) => items,
            value => vec![value],
        };
        for value in values.iter().filter(|v| **v != Val::Null) {
            let value = http::percent_encoded(&printed::python_str(value));
            out.push(format!("{}={value}", http::percent_encoded(&key)));
        }
    }
    Ok(out.join("&"))
}

/// Whether content of this type may be JSON.
fn is_json(kind: &str) -> bool {
    let kind = kind.split([';', ',']).next().unwrap_or_default().trim().to_lowercase();
    let sub = kind.split_once('/').map_or("", |(_, sub)| sub);
    let sub = sub.split_once('+').map_or(sub, |(_, suffix)| suffix);
    matches!(sub, "json" | "javascript")
}

fn decoded(kind: &str, body: &[u8]) -> String {
    let charset = http::parameter(kind, "charset").unwrap_or_default().to_lowercase();
    match charset.as_str() {
        "iso-8859-1" | "latin-1" | "latin1" => body.iter().map(|b| char::from(*b)).collect(),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_with_its_headers_and_json() {
        let answer = Response::new(200, "{\"a\": [1]}")
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Content-Length", "10");
        let world = World::new().serves("GET http://h/x", answer);
        let done = conform::<Uri>("{ url: 'http://h/x', return_content: yes }", world).unchanged();
        let done = done.gives("status", 200).gives("msg", "OK (10 bytes)").gives("content", "{\"a\": [1]}");
        let done = done.gives("content_length", "10").gives("redirected", false).gives("url", "http://h/x");
        assert_eq!(done.outcome().get("json"), Some(&Val::Map(vec![("a".to_owned(), vec![1i64].into())])));
        assert!(done.check().skipped, "check mode sends nothing");
    }

    #[test]
    fn a_status_that_was_not_wanted_is_a_failure() {
        let world = || World::new().serves("GET http://h/", Response::new(404, "no"));
        conform::<Uri>("{ url: 'http://h/' }", world())
            .failed("Status code was 404 and not [200]: HTTP Error 404: Not Found")
            .gives("status", 404);
        conform::<Uri>("{ url: 'http://h/', status_code: '200,404' }", world()).unchanged();
    }

    #[test]
    fn bodies_are_written_as_asked() {
        let world = || World::new().serves("POST *", Response::new(200, ""));
        let args = "{ url: 'http://h/', method: post, body: { a: 'x y' }, body_format: json }";
        conform::<Uri>(args, world())
            .ran([r#"POST http://h/ [Content-Type: application/json] {"a": "x y"}"#]);
        let args =
            "{ url: 'http://h/', method: POST, body: { a: 'x y', b: [1, 2] }, body_format: form-urlencoded }";
        conform::<Uri>(args, world())
            .ran(["POST http://h/ [Content-Type: application/x-www-form-urlencoded] a=x+y&b=1&b=2"]);
    }

    #[test]
    fn only_safe_redirects_are_followed() {
        let moved = || Response::new(302, "").header("Location", "/b");
        let world = || {
            World::new()
                .serves("GET http://h/a", moved())
                .serves("POST http://h/a", moved())
                .serves("GET http://h/b", Response::new(200, "b"))
        };
        conform::<Uri>("{ url: 'http://h/a' }", world()).gives("url", "http://h/b").gives("redirected", true);
        conform::<Uri>("{ url: 'http://h/a', method: POST }", world())
            .failed("Status code was 302")
            .gives("location", "http://h/b");
        conform::<Uri>("{ url: 'http://h/a', method: POST, follow_redirects: all }", world())
            .gives("status", 200);
    }

    #[test]
    fn what_is_there_already_is_not_asked_for() {
        conform::<Uri>("{ url: 'http://h/', creates: /etc/passwd }", World::new())
            .unchanged()
            .gives("stdout", "skipped, since '/etc/passwd' exists")
            .ran([]);
    }

    #[test]
    fn an_answer_is_written_to_a_file() {
        let world = World::new().serves("GET http://h/*", Response::new(200, "text"));
        conform::<Uri>("{ url: 'http://h/a.txt', dest: /tmp, mode: '0600' }", world)
            .changed()
            .gives("path", "/tmp/a.txt")
            .gives("mode", "0600")
            .holds("/tmp/a.txt", "text");
    }
}
