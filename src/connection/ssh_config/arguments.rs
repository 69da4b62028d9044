//! Options as the `ssh` command takes them: what `ansible_ssh_common_args` and its like hold.

use super::line::{self, Line};
use super::settings::Settings;
use super::{Place, SshConfigError};

/// What options say.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) settings: Settings,
    /// `-F`, as it was written.
    pub(super) config: Option<(String, Place)>,
}

impl Arguments {
    /// Adds options as text, split as a shell would.
    pub(super) fn add(&mut self, text: &str, place: &Place) -> Result<(), SshConfigError> {
        let Some(words) = shlex::split(text) else {
            return Err(SshConfigError::new(place, "a quote is not closed"));
        };
        let mut words = words.into_iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let Some(flags) =
                word.strip_prefix('-').filter(|flags| !flags.is_empty() && !flags.starts_with('-'))
            else {
                return Err(SshConfigError::new(place, format!("{word:?} is no option of ssh")));
            };
            for (at, flag) in flags.char_indices() {
                if !"BbcDEeFIiJLlmOoPpQRSWw".contains(flag) {
                    self.flag(flag, place)?;
                    continue;
                }
                let rest =
                    word.get(1 + at + flag.len_utf8()..).filter(|rest| !rest.is_empty()).map(str::to_owned);
                let Some(value) = rest.or_else(|| words.next()) else {
                    return Err(SshConfigError::new(place, format!("-{flag} needs a value")));
                };
                self.option(flag, value, place)?;
                break;
            }
        }
        Ok(())
    }

    fn flag(&mut self, flag: char, place: &Place) -> Result<(), SshConfigError> {
        match flag {
            'A' => self.set("forwardagent", "yes", place),
            'a' => self.set("forwardagent", "no", place),
            'C' => self.set("compression", "yes", place),
            '4' => self.set("addressfamily", "inet", place),
            '6' => self.set("addressfamily", "inet6", place),
            'q' | 'v' | 't' | 'T' | 'x' | 'X' | 'Y' | 'k' | 'K' | 'n' | 'N' | 'f' | 'g' | 'y' | 'M' | '1'
            | '2' => Ok(()),
            other => {
                Err(SshConfigError::new(place, format!("-{other} is no option of ssh that can be used here")))
            }
        }
    }

    fn option(&mut self, flag: char, value: String, place: &Place) -> Result<(), SshConfigError> {
        match flag {
            'o' => match line::parse(0, &value) {
                Some(Ok(line)) => self.settings.set(&line, place),
                Some(Err(why)) => Err(SshConfigError::new(place, format!("-o {value}: {why}"))),
                None => Err(SshConfigError::new(place, "-o needs a setting")),
            },
            'F' => {
                if self.config.is_none() {
                    self.config = Some((value, place.clone()));
                }
                Ok(())
            }
            'i' => self.set("identityfile", &value, place),
            'J' => self.set("proxyjump", &value, place),
            'l' => self.set("user", &value, place),
            'p' => self.set("port", &value, place),
            'b' => self.set("bindaddress", &value, place),
            'B' => self.set("bindinterface", &value, place),
            'I' => self.set("pkcs11provider", &value, place),
            'c' => self.set("ciphers", &value, place),
            'm' => self.set("macs", &value, place),
            'P' => self.set("tag", &value, place),
            'D' | 'E' | 'e' | 'L' | 'R' | 'S' | 'w' => Ok(()),
            other => {
                Err(SshConfigError::new(place, format!("-{other} is no option of ssh that can be used here")))
            }
        }
    }

    /// Sets one keyword, unless it was set before.
    pub(super) fn set(&mut self, keyword: &str, value: &str, place: &Place) -> Result<(), SshConfigError> {
        let line = Line {
            number: 0,
            keyword: keyword.to_owned(),
            arguments: vec![value.to_owned()],
            rest: value.to_owned(),
        };
        self.settings.set(&line, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place::Argument("ansible_ssh_common_args");

    fn arguments(text: &str) -> Result<Arguments, String> {
        let mut arguments = Arguments::default();
        arguments.add(text, &PLACE).map_err(|e| e.to_string())?;
        Ok(arguments)
    }

    #[test]
    fn options_come_joined_apart_and_bundled() {
        let made = arguments("-oPort=2222 -o 'User = me' -Aqi ~/.ssh/key -J bastion -4C").unwrap();
        let settings = &made.settings;
        assert_eq!(settings.text("port"), Some("2222"));
        assert_eq!(settings.text("user"), Some("me"));
        assert_eq!(settings.text("forwardagent"), Some("yes"));
        assert_eq!(settings.identity_files[0].value(), "~/.ssh/key");
        assert_eq!(settings.text("proxyjump"), Some("bastion"));
        assert_eq!(settings.text("addressfamily"), Some("inet"));
        assert_eq!(settings.text("compression"), Some("yes"));
    }

    #[test]
    fn a_proxy_command_keeps_its_quotes() {
        let made = arguments(r#"-o ProxyCommand="ssh -W %h:%p -q 'my bastion'""#).unwrap();
        assert_eq!(made.settings.get("proxycommand").unwrap().rest, "ssh -W %h:%p -q 'my bastion'");
    }

    #[test]
    fn the_first_value_wins() {
        let made = arguments("-p 1 -o Port=2 -o ProxyCommand=none -J bastion").unwrap();
        assert_eq!(made.settings.text("port"), Some("1"));
        assert_eq!(made.settings.text("proxyjump"), None);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let error = |text: &str| arguments(text).unwrap_err();
        assert_eq!(error("bastion"), "ansible_ssh_common_args: \"bastion\" is no option of ssh");
        assert_eq!(error("-Z"), "ansible_ssh_common_args: -Z is no option of ssh that can be used here");
        assert_eq!(error("-o Prot=22"), "ansible_ssh_common_args: prot is no setting of SSH");
        assert_eq!(
            error("-o PKCS11Provider=/x.so"),
            "ansible_ssh_common_args: pkcs11provider is not supported"
        );
        assert_eq!(error("-p"), "ansible_ssh_common_args: -p needs a value");
        assert_eq!(error("-o 'x"), "ansible_ssh_common_args: a quote is not closed");
        assert!(arguments("-o PKCS11Provider=none -o IgnoreUnknown=Prot -o Prot=22").is_ok());
    }
}
