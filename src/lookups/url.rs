//! `url`: what is found at addresses of the web.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use shevek_diag::{Diagnostic, Kind, Result};
use shevek_python::text::split_lines;
use shevek_template::plugin::{Arguments, Context, Lookup, Markers};
use shevek_value::Value;
use ureq::Agent;
use ureq::tls::TlsConfig;

use crate::source::options::{Options, term};
use crate::source::waiting::waiting;

pub(crate) const LOOKUP: Lookup = Lookup { names: &["url"], markers: Markers::Propagate, run: url };

const KNOWN: [&str; 13] = [
    "validate_certs",
    "split_lines",
    "use_proxy",
    "username",
    "password",
    "headers",
    "force",
    "timeout",
    "http_agent",
    "force_basic_auth",
    "follow_redirects",
    "unredirected_headers",
    "use_netrc",
];

fn url(_: &dyn Context, arguments: &Arguments) -> Result<Value> {
    let options = Options::new(arguments, &KNOWN)?;
    if options.get("unredirected_headers").is_some_and(Value::is_true) {
        return Err(Diagnostic::new("not supported")
            .detail("unredirected_headers: all headers but those with a password go along with a redirect")
            .help("follow_redirects=none follows none"));
    }
    let timeout = options.get("timeout").and_then(Value::as_float).unwrap_or(10.0).max(0.0);
    let follow = !matches!(options.text("follow_redirects", "urllib2").as_str(), "none" | "no" | "False");
    let mut config = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs_f64(timeout)))
        .user_agent(options.text("http_agent", "ansible-httpget"))
        .max_redirects(if follow { 10 } else { 0 })
        .tls_config(
            TlsConfig::builder().disable_verification(!options.truth("validate_certs", true)?).build(),
        );
    if !options.truth("use_proxy", true)? {
        config = config.proxy(None);
    }
    let agent: Agent = config.build().into();
    let mut out = Vec::new();
    for address in &arguments.positional {
        let text = waiting(|| get(&agent, term(address, "url")?, &options))?;
        if options.truth("split_lines", true)? {
            out.extend(split_lines(&text).into_iter().map(Value::from));
        } else {
            out.push(Value::from(text));
        }
    }
    Ok(Value::list(out))
}

fn get(agent: &Agent, address: &str, options: &Options) -> Result<String> {
    let failed = |error: ureq::Error| {
        Diagnostic::new("an address can't be read").kind(Kind::Machine).detail(format!("{address}: {error}"))
    };
    let mut request = agent.get(address);
    for (name, value) in options.get("headers").and_then(Value::as_map).into_iter().flatten() {
        request = request.header(name.text(), value.text());
    }
    if options.truth("force", false)? {
        request = request.header("Cache-Control", "no-cache");
    }
    if let Some(user) = options.get("username") {
        let secret = format!("{}:{}", user.text(), options.text("password", ""));
        request = request.header("Authorization", format!("Basic {}", BASE64.encode(secret)));
    }
    let mut response = request.call().map_err(failed)?;
    let bytes = response.body_mut().with_config().limit(u64::MAX).read_to_vec().map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
