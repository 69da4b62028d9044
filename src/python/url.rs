//! Python's `urllib.parse.urlsplit`.

/// The parts of a URL.
#[allow(missing_docs, reason = "named as the standard names them")]
pub struct Url<'a> {
    pub scheme: String,
    pub netloc: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub fragment: &'a str,
}

impl<'a> Url<'a> {
    /// Takes a URL apart. Nearly everything is one.
    pub fn split(text: &'a str) -> Result<Self, String> {
        let mut rest = text.trim_start_matches(|c: char| u32::from(c) <= 0x20);
        let mut scheme = String::new();
        if let Some((before, after)) = rest.split_once(':')
            && before.starts_with(|c: char| c.is_ascii_alphabetic())
            && before.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            scheme = before.to_ascii_lowercase();
            rest = after;
        }
        let mut netloc = "";
        if let Some(after) = rest.strip_prefix("//") {
            (netloc, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
            if netloc.contains('[') != netloc.contains(']') {
                return Err("Invalid IPv6 URL".to_owned());
            }
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Ok(Self { scheme, netloc, path, query, fragment })
    }

    fn user_info(&self) -> Option<&'a str> {
        self.netloc.rsplit_once('@').map(|(user, _)| user)
    }

    fn host_and_port(&self) -> (&'a str, &'a str) {
        let place = self.netloc.rsplit_once('@').map_or(self.netloc, |(_, place)| place);
        match place.split_once('[').and_then(|(_, bracketed)| bracketed.split_once(']')) {
            Some((host, after)) => (host, after.split_once(':').map_or("", |(_, port)| port)),
            None => place.split_once(':').unwrap_or((place, "")),
        }
    }

    /// The user.
    pub fn username(&self) -> Option<String> {
        self.user_info().map(|info| info.split_once(':').map_or(info, |(user, _)| user).to_owned())
    }

    /// The password.
    pub fn password(&self) -> Option<String> {
        self.user_info().and_then(|info| info.split_once(':')).map(|(_, password)| password.to_owned())
    }

    /// The host, in small letters.
    pub fn hostname(&self) -> Option<String> {
        let (host, _) = self.host_and_port();
        if host.is_empty() {
            return None;
        }
        let (name, zone) = host.split_at(host.find('%').unwrap_or(host.len()));
        Some(name.to_lowercase() + zone)
    }

    /// The port.
    pub fn port(&self) -> Result<Option<u16>, String> {
        let (_, port) = self.host_and_port();
        if port.is_empty() {
            return Ok(None);
        }
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("Port could not be cast to integer value as '{port}'"));
        }
        port.parse().map(Some).map_err(|_| "Port out of range 0-65535".to_owned())
    }
}
