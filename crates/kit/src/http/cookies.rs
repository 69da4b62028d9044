//! [`Cookies`]: what servers of one conversation asked to be told again.

use std::time::SystemTime;

use super::{Response, scheme, url};

/// The cookies of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Cookies(Vec<Cookie>);

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    /// The server, or the domain of servers, that is told.
    domain: String,
    whole_domain: bool,
    path: String,
    secure: bool,
}

impl Cookies {
    /// Takes those that an answer brings.
    pub(crate) fn take<B>(&mut self, response: &Response<B>, now: SystemTime) {
        for (_, text) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let Some((cookie, lives)) = Cookie::read(text, &response.url, now) else { continue };
            let same = |old: &Cookie| {
                (&old.name, &old.domain, &old.path) == (&cookie.name, &cookie.domain, &cookie.path)
            };
            match self.0.iter().position(same) {
                Some(at) if !lives => drop(self.0.remove(at)),
                Some(at) => {
                    if let Some(old) = self.0.get_mut(at) {
                        *old = cookie;
                    }
                }
                None if lives => self.0.push(cookie),
                None => {}
            }
        }
    }

    /// What a server is told at this address, if there is anything.
    pub(crate) fn told(&self, address: &str) -> Option<String> {
        let (server, target) = (url::server(address), url::target(address));
        let path = target.split('?').next().unwrap_or_default();
        let secure = scheme(address) == "https";
        let mut fitting: Vec<&Cookie> =
            self.0.iter().filter(|c| c.is_for(&server, path) && (secure || !c.secure)).collect();
        // The more exact come first.
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = fitting.iter().map(|c| format!("{}={}", c.name, c.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Their names and values.
    pub(crate) fn pairs(self) -> Vec<(String, String)> {
        self.0.into_iter().map(|cookie| (cookie.name, cookie.value)).collect()
    }
}

impl Cookie {
    /// The cookie, and whether it is to be kept.
    fn read(text: &str, address: &str, now: SystemTime) -> Option<(Self, bool)> {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let server = url::server(address);
        let target = url::target(address);
        let folder = target.split('?').next().unwrap_or_default().rsplit_once('/').map_or("/", |(f, _)| f);
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            domain: server.clone(),
            whole_domain: false,
            path: if folder.is_empty() { "/".to_owned() } else { folder.to_owned() },
            secure: false,
        };
        let (mut lives, mut by_age) = (true, false);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_lowercase().as_str() {
                "secure" => cookie.secure = true,
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "domain" if !value.is_empty() => {
                    cookie.domain = value.trim_start_matches('.').to_lowercase();
                    cookie.whole_domain = true;
                }
                "max-age" => {
                    by_age = true;
                    lives = value.trim().parse::<i64>().map_or(lives, |seconds| seconds > 0);
                }
                "expires" if !by_age => {
                    lives = crate::moment::from_http(value).is_none_or(|end| end > now);
                }
                _ => {}
            }
        }
        // Nobody sets cookies of others, nor of all that end in `com`.
        let own =
            cookie.domain == server || (cookie.domain.contains('.') && cookie.is_for(&server, &cookie.path));
        own.then_some((cookie, lives))
    }

    fn is_for(&self, server: &str, path: &str) -> bool {
        let within = || server.strip_suffix(self.domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
        let beneath = || {
            path.strip_prefix(self.path.as_str())
                .is_some_and(|rest| self.path.ends_with('/') || rest.starts_with('/'))
        };
        (server == self.domain || (self.whole_domain && within())) && (path == self.path || beneath())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(cookies: &[&str], from: &str) -> Cookies {
        let mut jar = Cookies::default();
        for cookie in cookies {
            let response =
                Response { url: from.to_owned(), ..Response::new(200, "").header("Set-Cookie", cookie) };
            jar.take(&response, SystemTime::now());
        }
        jar
    }

    #[test]
    fn cookies_go_where_they_are_from() {
        let jar = after(&["a=1; Path=/", "b=2; Secure; Path=/", "c=3"], "http://h.example/x/y");
        assert_eq!(jar.told("http://h.example/").as_deref(), Some("a=1"));
        assert_eq!(jar.told("https://h.example/x/z").as_deref(), Some("c=3; a=1; b=2"));
        assert_eq!(jar.told("http://example/"), None);
        assert_eq!(jar.told("http://www.h.example/"), None);
        let jar =
            after(&["a=1; Domain=h.example; Path=/", "x=y; Domain=other.example"], "http://www.h.example/");
        assert_eq!(jar.told("http://h.example/").as_deref(), Some("a=1"));
        assert_eq!(jar.pairs().len(), 1);
    }

    #[test]
    fn cookies_are_replaced_and_taken_away() {
        let jar = after(&["a=1", "b=2", "a=3", "b=; Max-Age=0"], "http://h/");
        assert_eq!(jar.told("http://h/").as_deref(), Some("a=3"));
        let gone = "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(after(&["a=1", gone], "http://h/").told("http://h/"), None);
    }
}
