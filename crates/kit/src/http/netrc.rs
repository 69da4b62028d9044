//! Names and passwords from `~/.netrc`, or the file that `NETRC` names.

use crate::probe::Probe;

/// The login for a server, or that of the entry `default`.
pub(crate) fn login(probe: &Probe, server: &str) -> Option<(String, String)> {
    let file = probe.env("NETRC").or_else(|| Some(format!("{}/.netrc", probe.env("HOME")?)))?;
    let text = probe.read_text(&file).ok()?;
    find(&text, server)
}

fn find(text: &str, server: &str) -> Option<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(str::split_whitespace);
    let (mut here, mut user, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if here {
                    break;
                }
                here = word == "default" || words.next() == Some(server);
            }
            "login" | "user" => user = words.next().filter(|_| here).or(user),
            "password" => password = words.next().filter(|_| here).or(password),
            _ => {}
        }
    }
    Some((user?.to_owned(), password?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_of_the_server_counts_or_the_default() {
        let text = "# mine\nmachine a.example login ann password one\nmachine b.example\n  login ben\n  password two\ndefault login me password x\n";
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(find(text, "a.example"), pair("ann", "one"));
        assert_eq!(find(text, "b.example"), pair("ben", "two"));
        assert_eq!(find(text, "c.example"), pair("me", "x"));
        assert_eq!(find("machine a.example login ann", "a.example"), None);
    }
}
