//! Parts of addresses.

use crate::probe::Probe;

/// The scheme, in lower case.
pub fn scheme(url: &str) -> String {
    url.split_once(':').map(|(scheme, _)| scheme.to_lowercase()).unwrap_or_default()
}

/// Splits `http://host/path?query` into `http://`, `host` and the rest.
fn parts(url: &str) -> (&str, &str, &str) {
    let Some(at) = url.find("://") else { return ("", "", url) };
    let (scheme, rest) = url.split_at(at + 3);
    let (host, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    (scheme, host, tail)
}

/// Host and port as they stand in the address.
pub(crate) fn host(url: &str) -> &str {
    let (_, host, _) = parts(url);
    host.rsplit('@').next().unwrap_or(host)
}

/// What the server is asked for: path and query.
pub(crate) fn target(url: &str) -> String {
    let (_, _, tail) = parts(url);
    let tail = tail.split('#').next().unwrap_or_default();
    if tail.starts_with('/') { tail.to_owned() } else { format!("/{tail}") }
}

/// What a proxy is asked for: the address without name, password and fragment.
pub(crate) fn whole(url: &str) -> String {
    format!("{}://{}{}", scheme(url), host(url), target(url))
}

/// The name and the port of a server; without brackets around an address of version 6.
pub(crate) fn name_and_port(url: &str) -> Option<(String, u16)> {
    let host = host(url);
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (name, port.strip_prefix(':'))
        }
        None => match host.rsplit_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let usual = if scheme(url) == "https" { 443 } else { 80 };
    let port = match port.filter(|port| !port.is_empty()) {
        Some(port) => port.parse().ok()?,
        None => usual,
    };
    (!name.is_empty()).then(|| (name.to_lowercase(), port))
}

/// Scheme and host.
pub(crate) fn origin(url: &str) -> String {
    let (scheme, host, _) = parts(url);
    format!("{scheme}{}", host.rsplit('@').next().unwrap_or(host)).to_lowercase()
}

/// The address without a name and password in it, and those.
pub(crate) fn without_login(url: &str) -> (String, Option<(String, String)>) {
    let (scheme, host, tail) = parts(url);
    let Some((login, host)) = host.rsplit_once('@') else { return (url.to_owned(), None) };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    (format!("{scheme}{host}{tail}"), Some((unescaped(user), unescaped(password))))
}

/// The address with a name and password made unreadable.
pub fn masked(url: &str) -> String {
    let (scheme, host, tail) = parts(url);
    match host.rsplit_once('@') {
        Some((login, host)) if login.contains(':') => format!("{scheme}****:****@{host}{tail}"),
        Some((_, host)) => format!("{scheme}****@{host}{tail}"),
        None => url.to_owned(),
    }
}

/// The path without query and fragment.
fn path(url: &str) -> &str {
    let (_, _, tail) = parts(url);
    tail.split(['?', '#']).next().unwrap_or_default()
}

/// The last part of the path; empty if the path ends in `/`.
pub fn file_name(url: &str) -> &str {
    path(url).rsplit('/').next().unwrap_or_default()
}

/// An address that may be relative, seen from another.
pub fn joined(base: &str, to: &str) -> String {
    let is_scheme =
        |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if to.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return to.to_owned();
    }
    let (scheme, host, _) = parts(base);
    if let Some(rest) = to.strip_prefix("//") {
        return format!("{scheme}{rest}");
    }
    if to.starts_with('/') {
        return format!("{scheme}{host}{to}");
    }
    if to.is_empty() || to.starts_with(['?', '#']) {
        return format!("{scheme}{host}{}{to}", path(base));
    }
    let (to, tail) = to.split_at(to.find(['?', '#']).unwrap_or(to.len()));
    let folder = path(base).rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut done: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in to.split('/') {
        match part {
            "." => {}
            ".." => {
                done.pop();
            }
            part => done.push(part),
        }
    }
    if to.ends_with("..") || to.ends_with("/.") || to == "." {
        done.push("");
    }
    format!("{scheme}{host}/{}{tail}", done.join("/"))
}

/// With `%41` made `A`.
pub fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// As forms have it: `a b&c` is `a+b%26c`.
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The server of an address, without user and port.
pub(crate) fn server(url: &str) -> String {
    name_and_port(url).map(|(name, _)| name).unwrap_or_default()
}

/// The proxy that the environment names for an address.
pub(crate) fn proxy(probe: &Probe, url: &str) -> Option<String> {
    let scheme = scheme(url);
    let named = |name: String| probe.env(&name).or_else(|| probe.env(&name.to_uppercase()));
    let proxy = named(format!("{scheme}_proxy")).filter(|p| !p.is_empty())?;
    let (_, host, _) = parts(url);
    let host = host.rsplit('@').next().unwrap_or(host).to_lowercase();
    let bare = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    let excluded = named("no_proxy".to_owned()).unwrap_or_default().to_lowercase();
    let spared = excluded.split(',').map(str::trim).any(|name| {
        let name = name.trim_start_matches('.');
        let within = |host: &str| host == name || host.ends_with(&format!(".{name}"));
        name == "*" || (!name.is_empty() && (within(&host) || within(bare)))
    });
    (!spared).then_some(proxy)
}
