//! `url`: what is found at addresses of the web.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shevek_diag::{Diagnostic, Kind, Result};
use shevek_kit::http::{Redirects, Request, UrlOptions, masked, speak};
use shevek_kit::{Probe, Real};
use shevek_python::text::split_lines;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;

use crate::source::options::{Known, Options, known, term};
use crate::source::waiting::waiting;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["url"], markers: Markers::Propagate, run: url };

/// The section of `ansible.cfg` that has its options.
const SECTION: &str = "url_lookup";

const KNOWN: [Known; 17] = [
    known("validate_certs"),
    known("split_lines"),
    known("use_proxy"),
    known("username"),
    known("password"),
    known("headers"),
    known("force")
        .variables(&["ansible_lookup_url_force"])
        .environment(&["ANSIBLE_LOOKUP_URL_FORCE"])
        .file(SECTION, "force"),
    known("timeout")
        .variables(&["ansible_lookup_url_timeout"])
        .environment(&["ANSIBLE_LOOKUP_URL_TIMEOUT"])
        .file(SECTION, "timeout"),
    known("http_agent")
        .variables(&["ansible_lookup_url_agent"])
        .environment(&["ANSIBLE_LOOKUP_URL_AGENT"])
        .file(SECTION, "agent"),
    known("force_basic_auth")
        .variables(&["ansible_lookup_url_force_basic_auth"])
        .environment(&["ANSIBLE_LOOKUP_URL_FORCE_BASIC_AUTH"])
        .file(SECTION, "force_basic_auth"),
    known("follow_redirects")
        .variables(&["ansible_lookup_url_follow_redirects"])
        .environment(&["ANSIBLE_LOOKUP_URL_FOLLOW_REDIRECTS"])
        .file(SECTION, "follow_redirects"),
    known("use_gssapi")
        .variables(&["ansible_lookup_url_use_gssapi"])
        .environment(&["ANSIBLE_LOOKUP_URL_USE_GSSAPI"])
        .file(SECTION, "use_gssapi"),
    known("use_netrc")
        .variables(&["ansible_lookup_url_use_netrc"])
        .environment(&["ANSIBLE_LOOKUP_URL_USE_NETRC"])
        .file(SECTION, "use_netrc"),
    known("unix_socket")
        .variables(&["ansible_lookup_url_unix_socket"])
        .environment(&["ANSIBLE_LOOKUP_URL_UNIX_SOCKET"])
        .file(SECTION, "unix_socket"),
    known("ca_path")
        .variables(&["ansible_lookup_url_ca_path"])
        .environment(&["ANSIBLE_LOOKUP_URL_CA_PATH"])
        .file(SECTION, "ca_path"),
    known("unredirected_headers")
        .variables(&["ansible_lookup_url_unredir_headers"])
        .environment(&["ANSIBLE_LOOKUP_URL_UNREDIR_HEADERS"])
        .file(SECTION, "unredirected_headers"),
    known("ciphers")
        .variables(&["ansible_lookup_url_ciphers"])
        .environment(&["ANSIBLE_LOOKUP_URL_CIPHERS"])
        .file(SECTION, "ciphers"),
];

/// The longest answer that is read: a server must not fill the memory.
const LONGEST: u64 = 100 << 20;

fn url(context: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::resolve(context, &arguments.named, &KNOWN)?;
    let mut out = Vec::new();
    for address in &arguments.positional {
        let request = request(term(address, "url")?, &options)?;
        let text = waiting(|| get(&request))?;
        if options.truth("split_lines", true)? {
            out.extend(split_lines(&text).into_iter().map(Value::from));
        } else {
            out.push(Value::from(text));
        }
    }
    Ok(Value::list(out))
}

fn request(address: &str, options: &Options) -> Result<Request> {
    let all = |name: &str| options.list(name).iter().map(Value::text).collect();
    let mut request = Request::new(
        "GET",
        address,
        &UrlOptions {
            http_agent: options.text("http_agent", "ansible-httpget"),
            use_proxy: options.truth("use_proxy", true)?,
            validate_certs: options.truth("validate_certs", true)?,
            force_basic_auth: options.truth("force_basic_auth", false)?,
            use_gssapi: options.truth("use_gssapi", false)?,
            use_netrc: options.truth("use_netrc", true)?,
            unredirected_headers: all("unredirected_headers"),
            ciphers: all("ciphers"),
            ..UrlOptions::default()
        },
    );
    if let Some(headers) = options.get("headers") {
        let headers = headers.as_map().ok_or_else(|| {
            Diagnostic::new("wrong option of a lookup")
                .detail(format!("the headers of 'url' must be a mapping, not {}", headers.type_name()))
        })?;
        request.headers = headers.iter().map(|(name, value)| (name.text(), value.text())).collect();
    }
    if options.truth("force", false)? {
        request.headers.push(("Cache-Control".to_owned(), "no-cache".to_owned()));
    }
    request.login = options.get("username").map(|user| (user.text(), options.text("password", "")));
    request.timeout = options.seconds("timeout")?.unwrap_or(Duration::from_secs(10));
    request.ca_path = options.get("ca_path").map(|path| PathBuf::from(path.text()));
    request.unix_socket = options.get("unix_socket").map(|path| PathBuf::from(path.text()));
    request.redirects = match options.text("follow_redirects", "urllib2").to_lowercase().as_str() {
        "urllib2" | "urllib" => Redirects::Python,
        "all" | "yes" | "true" => Redirects::All,
        "none" | "no" | "false" => Redirects::None,
        "safe" => Redirects::Safe,
        other => {
            return Err(Diagnostic::new("wrong option of a lookup")
                .detail(format!("follow_redirects can't be '{other}'"))
                .did_you_mean(other, ["urllib2", "all", "none", "safe"]));
        }
    };
    Ok(request)
}

fn get(request: &Request) -> Result<String> {
    let failed = |why: String| {
        Diagnostic::new("an address can't be read")
            .kind(Kind::Machine)
            .detail(format!("{}: {why}", masked(&request.url)))
    };
    // This machine is asked with what modules ask hosts with.
    speak();
    let probe = Probe::new(Arc::new(Real::new()), Arc::default());
    let (head, body) = probe.fetch(request).map_err(|fault| failed(fault.message))?.parted();
    if !(200..300).contains(&head.status) {
        return Err(failed(format!("HTTP Error {}: {}", head.status, head.reason)));
    }
    let mut bytes = Vec::new();
    body.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    // Differs from Ansible: an answer of more than 100 MiB is refused, as it would be held in memory whole.
    if bytes.len() as u64 > LONGEST {
        return Err(failed("the answer is longer than 100 MiB".to_owned())
            .help("the module get_url brings large files to a host"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
