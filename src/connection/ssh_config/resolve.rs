//! From settings to a target.

use std::path::PathBuf;
use std::time::Duration;

use super::algorithms;
use super::matching::expand_host;
use super::read::Files;
use super::settings::{Setting, Settings};
use super::tokens::Tokens;
use super::{Place, SshConfigError, SshContext};
use crate::ssh::List;
use crate::target::{
    AddressFamily, AgentUse, Algorithms, CA_ALGORITHMS, HostKeyCheck, HostKeyPolicy, Login, LoginMethod,
    REQUIRED_RSA, SshTarget,
};
use crate::wildcard::matches_list;

/// Jump hosts may have jump hosts.
const DEPTH: usize = 8;

const DEFAULT_KEYS: &[&str] = &["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"];

/// Which host is resolved, with which files.
pub(super) struct Ends<'a> {
    pub(super) host: &'a str,
    pub(super) files: &'a Files<'a>,
    pub(super) depth: usize,
}

/// Makes a target of what the command line says, completed by the files.
pub(super) fn target(
    context: &SshContext,
    ends: Ends<'_>,
    given: Settings,
) -> Result<SshTarget, SshConfigError> {
    let original = ends.host;
    let settings = given.read(context, original, ends.files)?;
    let host = match settings.get("hostname") {
        Some(name) => expand_host(name.value(), original, &name.place)?.to_lowercase(),
        None => original.to_lowercase(),
    };
    let port = match settings.get("port") {
        Some(port) => {
            let number = port.value().parse().ok().filter(|number| *number > 0);
            number
                .ok_or_else(|| SshConfigError::new(&port.place, format!("{:?} is no port", port.value())))?
        }
        None => 22,
    };
    let user = settings.text("user").unwrap_or(&context.user).to_owned();
    let jump = settings.get("proxyjump").filter(|jump| jump.value().to_lowercase() != "none");
    let last_jump = jump.and_then(|jump| jump.value().split(',').next()).unwrap_or_default().to_owned();
    let alias = settings.text("hostkeyalias").map(str::to_lowercase);
    let tokens = Tokens {
        context,
        host: &host,
        original,
        port,
        user: &user,
        alias: alias.as_deref(),
        jump: &last_jump,
    };
    let read = Resolving { context, settings: &settings, tokens: &tokens };
    let proxy_command = match settings.get("proxycommand") {
        Some(command) if command.rest.to_lowercase() != "none" => {
            Some(tokens.expand(&command.rest, &command.place)?)
        }
        _ => None,
    };
    let jumps = match jump {
        Some(jump) => read.jumps(jump, &ends)?,
        None => Vec::new(),
    };
    let interval = match settings.get("serveraliveinterval") {
        Some(interval) => Some(seconds(interval)?).filter(|interval| !interval.is_zero()),
        // Differs from Ansible: OpenSSH waits for a dead host for ever unless told otherwise.
        None => Some(Duration::from_secs(15)),
    };
    let made = SshTarget {
        port,
        login: read.login()?,
        host_key: read.host_key(alias.clone())?,
        jumps,
        proxy_command,
        forward_agent: read.forward_agent()?,
        environment: read.environment(),
        bind_address: settings.text("bindaddress").map(str::to_owned),
        address_family: read.address_family()?,
        connect_timeout: match settings.get("connecttimeout").filter(|timeout| timeout.value() != "none") {
            Some(timeout) => seconds(timeout)?,
            None => Duration::from_secs(10),
        },
        attempts: read.number("connectionattempts", 1)?,
        alive_interval: interval,
        alive_count: usize::try_from(read.number("serveralivecountmax", 3)?).unwrap_or(3),
        algorithms: read.algorithms()?,
        compression: read.flag("compression", false)?,
        user: user.clone(),
        host: host.clone(),
    };
    Ok(made)
}

struct Resolving<'a> {
    context: &'a SshContext,
    settings: &'a Settings,
    tokens: &'a Tokens<'a>,
}

impl Resolving<'_> {
    fn flag(&self, keyword: &str, default: bool) -> Result<bool, SshConfigError> {
        let Some(setting) = self.settings.get(keyword) else { return Ok(default) };
        match setting.value().to_lowercase().as_str() {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            other => {
                Err(SshConfigError::new(&setting.place, format!("{keyword} is yes or no, not {other:?}")))
            }
        }
    }

    fn number(&self, keyword: &str, default: u32) -> Result<u32, SshConfigError> {
        let Some(setting) = self.settings.get(keyword) else { return Ok(default) };
        let number = setting.value().parse();
        number.map_err(|_| {
            SshConfigError::new(&setting.place, format!("{keyword} is a number, not {:?}", setting.value()))
        })
    }

    fn login(&self) -> Result<Login, SshConfigError> {
        let agent = match self.settings.get("identityagent") {
            None => AgentUse::Environment,
            Some(agent) => match agent.value() {
                "none" | "" => AgentUse::Off,
                "SSH_AUTH_SOCK" => AgentUse::Environment,
                value => match value.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                    Some(name) => match self.context.environment.get(name) {
                        Some(path) => AgentUse::Socket(path.into()),
                        None => AgentUse::Off,
                    },
                    None => AgentUse::Socket(self.tokens.path(value, &agent.place)?),
                },
            },
        };
        let keys = self.files(&self.settings.identity_files, DEFAULT_KEYS)?;
        let key_algorithms = self.settings.get("pubkeyacceptedalgorithms").map(|setting| {
            let default =
                ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"].map(str::to_owned);
            algorithms::changed(&default, setting.value())
        });
        Ok(Login {
            keys,
            certificates: self.files(&self.settings.certificate_files, &[])?,
            identities_only: self.flag("identitiesonly", false)?,
            agent,
            methods: self.methods()?,
            key_algorithms,
            required_rsa: self.number("requiredrsasize", REQUIRED_RSA)?,
            asks: !self.flag("batchmode", false)?,
            ..Login::default()
        })
    }

    fn files(&self, settings: &[Setting], default: &[&str]) -> Result<Vec<PathBuf>, SshConfigError> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for setting in settings.iter().filter(|setting| setting.value().to_lowercase() != "none") {
            paths.push(self.tokens.path(setting.value(), &setting.place)?);
        }
        if settings.is_empty() {
            paths.extend(default.iter().map(|path| self.context.expand_home(path)));
        }
        Ok(paths)
    }

    fn methods(&self) -> Result<Vec<LoginMethod>, SshConfigError> {
        let preferred = self.settings.get("preferredauthentications");
        let mut methods = Vec::new();
        for name in preferred.map_or("publickey,keyboard-interactive,password", Setting::value).split(',') {
            let (method, keyword) = match name.trim() {
                "publickey" => (LoginMethod::PublicKey, "pubkeyauthentication"),
                "keyboard-interactive" => (LoginMethod::KeyboardInteractive, "kbdinteractiveauthentication"),
                "password" => (LoginMethod::Password, "passwordauthentication"),
                // Those that fall back to others: gssapi-with-mic, hostbased.
                _ => continue,
            };
            let limited =
                ["unbound", "host-bound"].contains(&self.settings.text(keyword).unwrap_or_default());
            if (limited || self.flag(keyword, true)?) && !methods.contains(&method) {
                methods.push(method);
            }
        }
        match preferred {
            Some(setting) if methods.is_empty() => {
                let detail = format!("none of the methods {} is supported", setting.value());
                Err(SshConfigError::new(&setting.place, detail)
                    .with_help("publickey, keyboard-interactive and password are supported"))
            }
            _ => Ok(methods),
        }
    }

    fn host_key(&self, alias: Option<String>) -> Result<HostKeyPolicy, SshConfigError> {
        let check = match self.settings.get("stricthostkeychecking") {
            None => HostKeyCheck::Ask,
            Some(setting) => match setting.value().to_lowercase().as_str() {
                "yes" | "true" => HostKeyCheck::Yes,
                "no" | "false" | "off" => HostKeyCheck::No,
                "ask" => HostKeyCheck::Ask,
                "accept-new" => HostKeyCheck::AcceptNew,
                other => {
                    let detail =
                        format!("StrictHostKeyChecking is yes, no, ask or accept-new, not {other:?}");
                    return Err(SshConfigError::new(&setting.place, detail));
                }
            },
        };
        let check = match check {
            // Nobody may be asked.
            HostKeyCheck::Ask if self.flag("batchmode", false)? => HostKeyCheck::Yes,
            check => check,
        };
        let global = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
        let signing: Vec<String> = CA_ALGORITHMS.iter().map(|name| (*name).to_owned()).collect();
        Ok(HostKeyPolicy {
            check,
            alias,
            user_files: self.paths("userknownhostsfile", &["~/.ssh/known_hosts", "~/.ssh/known_hosts2"])?,
            global_files: self.paths("globalknownhostsfile", &global)?,
            hash_names: self.flag("hashknownhosts", false)?,
            ca_algorithms: match self.settings.get("casignaturealgorithms") {
                Some(setting) => algorithms::changed(&signing, setting.value()),
                None => signing,
            },
            required_rsa: self.number("requiredrsasize", REQUIRED_RSA)?,
        })
    }

    fn paths(&self, keyword: &str, default: &[&str]) -> Result<Vec<PathBuf>, SshConfigError> {
        match self.settings.get(keyword) {
            None => Ok(default.iter().map(|path| self.context.expand_home(path)).collect()),
            Some(setting) if setting.value().to_lowercase() == "none" => Ok(Vec::new()),
            Some(setting) => {
                setting.arguments.iter().map(|path| self.tokens.path(path, &setting.place)).collect()
            }
        }
    }

    fn forward_agent(&self) -> Result<bool, SshConfigError> {
        let Some(setting) = self.settings.get("forwardagent") else { return Ok(false) };
        match setting.value().to_lowercase().as_str() {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            _ => Err(SshConfigError::new(&setting.place, "ForwardAgent with a socket is not supported")
                .with_help("set IdentityAgent to the socket, and ForwardAgent to yes")),
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut environment = self.settings.set_env.clone();
        let patterns = &self.settings.send_env;
        if !patterns.is_empty() {
            let mut sent: Vec<_> = self
                .context
                .environment
                .iter()
                .filter(|(name, _)| patterns.iter().any(|pattern| matches_list([pattern.as_str()], name)))
                .filter(|(name, _)| !environment.iter().any(|(known, _)| known == *name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            sent.sort();
            environment.extend(sent);
        }
        environment
    }

    fn address_family(&self) -> Result<AddressFamily, SshConfigError> {
        let Some(setting) = self.settings.get("addressfamily") else { return Ok(AddressFamily::Any) };
        match setting.value().to_lowercase().as_str() {
            "any" => Ok(AddressFamily::Any),
            "inet" => Ok(AddressFamily::Inet),
            "inet6" => Ok(AddressFamily::Inet6),
            other => Err(SshConfigError::new(
                &setting.place,
                format!("AddressFamily is any, inet or inet6, not {other:?}"),
            )),
        }
    }

    fn algorithms(&self) -> Result<Algorithms, SshConfigError> {
        let names = |list, keyword| {
            self.settings.get(keyword).map(|setting| algorithms::names(list, setting)).transpose()
        };
        Ok(Algorithms {
            kex: names(List::Kex, "kexalgorithms")?,
            host_key: names(List::HostKeys, "hostkeyalgorithms")?,
            ciphers: names(List::Ciphers, "ciphers")?,
            macs: names(List::Macs, "macs")?,
        })
    }

    /// The hosts that `ProxyJump` names, each with what the files say about it. As with OpenSSH, what is said on the
    /// command line (keys, users, known hosts) is not for them.
    fn jumps(&self, setting: &Setting, ends: &Ends<'_>) -> Result<Vec<SshTarget>, SshConfigError> {
        if ends.depth >= DEPTH {
            return Err(SshConfigError::new(&setting.place, "jump hosts lead to each other without end"));
        }
        let value = self.tokens.expand(setting.value(), &setting.place)?;
        let mut jumps: Vec<SshTarget> = Vec::new();
        for (index, jump) in value.split(',').enumerate() {
            let mut given = Settings::default();
            let (user, host, port) = split_destination(jump, &setting.place)?;
            for (keyword, value) in [("user", user), ("port", port)] {
                if let Some(value) = value {
                    given.set(&word(keyword, value), &setting.place)?;
                }
            }
            if index > 0 {
                given.set(&word("proxyjump", "none"), &setting.place)?;
            }
            let made = target(self.context, Ends { host, files: ends.files, depth: ends.depth + 1 }, given)?;
            jumps.extend(made.jumps.iter().cloned());
            jumps.push(SshTarget { jumps: Vec::new(), ..made });
        }
        for jump in &mut jumps {
            jump.login.methods.retain(|method| *method == LoginMethod::PublicKey);
        }
        Ok(jumps)
    }
}

fn word(keyword: &str, value: &str) -> super::line::Line {
    super::line::Line {
        number: 0,
        keyword: keyword.to_owned(),
        arguments: vec![value.to_owned()],
        rest: value.to_owned(),
    }
}

/// `[user@]host[:port]`, or the same as a URL.
fn split_destination<'a>(
    text: &'a str,
    place: &Place,
) -> Result<(Option<&'a str>, &'a str, Option<&'a str>), SshConfigError> {
    let text = text.trim();
    let rest = text.strip_prefix("ssh://").unwrap_or(text);
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user).filter(|user| !user.is_empty()), rest),
        None => (None, rest),
    };
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            _ => (rest, None),
        },
    };
    if host.is_empty() {
        return Err(SshConfigError::new(place, format!("{text:?} names no jump host")));
    }
    Ok((user, host, port))
}

/// The longest time that is told from any longer one, in seconds: clocks cannot reckon with just any number.
const LONGEST: u64 = 10 * 365 * 86400;

/// A time: seconds, or numbers with `s`, `m`, `h`, `d`, `w`.
fn seconds(setting: &Setting) -> Result<Duration, SshConfigError> {
    let text = setting.value();
    let wrong = || SshConfigError::new(&setting.place, format!("{text:?} is no time"));
    let (mut total, mut number) = (0u64, None::<u64>);
    for c in text.chars() {
        let unit = match c.to_ascii_lowercase() {
            digit if digit.is_ascii_digit() => {
                let digit = u64::from(digit.to_digit(10).unwrap_or(0));
                number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit));
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            'w' => 604_800,
            _ => return Err(wrong()),
        };
        total = total.saturating_add(number.take().ok_or_else(wrong)?.saturating_mul(unit));
    }
    if text.is_empty() {
        return Err(wrong());
    }
    Ok(Duration::from_secs(total.saturating_add(number.unwrap_or(0)).min(LONGEST)))
}
