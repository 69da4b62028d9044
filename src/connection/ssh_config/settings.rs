//! What was set for one host: the first value of every keyword wins.

use std::collections::HashMap;

use super::line::Line;
use super::{Place, SshConfigError};

/// What was set for one host.
#[derive(Debug, Default, Clone)]
pub(crate) struct Settings {
    single: HashMap<String, Setting>,
    /// Keywords of which every value counts.
    pub(super) identity_files: Vec<Setting>,
    pub(super) certificate_files: Vec<Setting>,
    pub(super) send_env: Vec<String>,
    pub(super) set_env: Vec<(String, String)>,
    /// `IgnoreUnknown`'s patterns.
    ignored: Vec<String>,
}

/// One setting.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) arguments: Vec<String>,
    pub(super) rest: String,
    pub(super) place: Place,
}

impl Setting {
    /// The only argument.
    pub(super) fn value(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }
}

/// Older names of keywords.
fn canonical(keyword: &str) -> &str {
    match keyword {
        "pubkeyacceptedkeytypes" => "pubkeyacceptedalgorithms",
        "hostbasedkeytypes" => "hostbasedacceptedalgorithms",
        "challengeresponseauthentication" | "skeyauthentication" | "tisauthentication" => {
            "kbdinteractiveauthentication"
        }
        "dsaauthentication" => "pubkeyauthentication",
        "identityfile2" => "identityfile",
        "userknownhostsfile2" => "userknownhostsfile",
        "globalknownhostsfile2" => "globalknownhostsfile",
        "keepalive" => "tcpkeepalive",
        other => other,
    }
}

/// Keywords that change how a host is reached or checked.
const HONOURED: &[&str] = &[
    "addressfamily",
    "batchmode",
    "bindaddress",
    "casignaturealgorithms",
    "certificatefile",
    "ciphers",
    "compression",
    "connectionattempts",
    "connecttimeout",
    "forwardagent",
    "globalknownhostsfile",
    "hashknownhosts",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "ignoreunknown",
    "kbdinteractiveauthentication",
    "kexalgorithms",
    "macs",
    "passwordauthentication",
    "port",
    "preferredauthentications",
    "proxycommand",
    "proxyjump",
    "pubkeyacceptedalgorithms",
    "pubkeyauthentication",
    "requiredrsasize",
    "sendenv",
    "serveralivecountmax",
    "serveraliveinterval",
    "setenv",
    "stricthostkeychecking",
    "tag",
    "user",
    "userknownhostsfile",
];

/// Keywords that make no difference here: about terminals, forwardings, logging, sharing connections, and ways to log
/// in that fall back to others.
const WITHOUT_EFFECT: &[&str] = &[
    "addkeystoagent",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "channeltimeout",
    "checkhostip",
    "clearallforwardings",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dynamicforward",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapitrustdns",
    "gssapiclientidentity",
    "gssapiserveridentity",
    "gssapikexalgorithms",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "ipqos",
    "kbdinteractivedevices",
    "localcommand",
    "localforward",
    "loglevel",
    "logverbose",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "permitlocalcommand",
    "permitremoteopen",
    "rekeylimit",
    "remoteforward",
    "requesttty",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "sessiontype",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "syslogfacility",
    "tcpkeepalive",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "useprivilegedport",
    "versionaddendum",
    "visualhostkey",
    "warnweakcrypto",
    "xauthlocation",
    "protocol",
    "cipher",
    "compressionlevel",
    "usekeychain",
    "useroaming",
    "fallbacktorsh",
    "usersh",
    "refuseconnection",
];

/// Keywords that would make a difference, but are not done here; with the values that are as if unset.
const NOT_DONE: &[(&str, &[&str], &str)] = &[
    ("canonicalizehostname", &["no"], "write the full name into the inventory"),
    ("pkcs11provider", &["none"], "add the token's keys to an agent with `ssh-add -s`"),
    ("smartcarddevice", &["none"], "add the token's keys to an agent with `ssh-add -s`"),
    ("securitykeyprovider", &["internal"], "add the key to an agent"),
    ("knownhostscommand", &["none"], "write the keys to a file that UserKnownHostsFile names"),
    ("revokedhostkeys", &["none"], "use `@revoked` lines in known_hosts"),
    ("proxyusefdpass", &["no"], "use a ProxyCommand that relays by itself"),
    ("remotecommand", &["none"], "unset it for managed hosts"),
    ("bindinterface", &[], "use BindAddress"),
    // Asking the name service first only spares a question that is asked all the same here.
    ("verifyhostkeydns", &["no", "false", "ask"], "write the hosts' keys into known_hosts"),
];

impl Settings {
    /// The value of a keyword, if it was set.
    pub(super) fn get(&self, keyword: &str) -> Option<&Setting> {
        self.single.get(keyword)
    }

    /// The value as text.
    pub(super) fn text(&self, keyword: &str) -> Option<&str> {
        self.get(keyword).map(Setting::value)
    }

    /// Replaces a value.
    pub(super) fn settle(&mut self, keyword: &str, value: &str) {
        let place =
            self.get(keyword).map_or(Place::Argument("ansible_host"), |setting| setting.place.clone());
        let setting = Setting { arguments: vec![value.to_owned()], rest: value.to_owned(), place };
        self.single.insert(keyword.to_owned(), setting);
    }

    /// Sets what was not set before.
    pub(super) fn set(&mut self, line: &Line, place: &Place) -> Result<(), SshConfigError> {
        let keyword = canonical(&line.keyword);
        let fail = |detail: String| Err(SshConfigError::new(place, detail));
        let setting =
            || Setting { arguments: line.arguments.clone(), rest: line.rest.clone(), place: place.clone() };
        if line.arguments.first().is_none_or(String::is_empty) && keyword != "identityagent" {
            return fail(format!("{} has no value", line.keyword));
        }
        match keyword {
            "identityfile" => self.add_file(keyword, setting()),
            "certificatefile" => self.add_file(keyword, setting()),
            "sendenv" => self.send_env.extend(line.arguments.iter().cloned()),
            "setenv" => {
                for argument in &line.arguments {
                    let Some((name, value)) = argument.split_once('=') else {
                        return fail(format!("SetEnv takes NAME=VALUE, not {argument:?}"));
                    };
                    if !self.set_env.iter().any(|(known, _)| known == name) {
                        self.set_env.push((name.to_owned(), value.to_owned()));
                    }
                }
            }
            "ignoreunknown" => {
                if self.ignored.is_empty() {
                    self.ignored =
                        line.arguments.iter().flat_map(|a| a.split(',')).map(str::to_lowercase).collect();
                }
            }
            // Whichever comes first decides about the way.
            "proxyjump" | "proxycommand" => {
                if self.get("proxyjump").is_none() && self.get("proxycommand").is_none() {
                    self.single.insert(keyword.to_owned(), setting());
                }
            }
            known if HONOURED.contains(&known) => {
                self.single.entry(known.to_owned()).or_insert_with(setting);
            }
            idle if WITHOUT_EFFECT.contains(&idle) => {}
            _ => {
                if let Some((_, unset, help)) = NOT_DONE.iter().find(|(name, _, _)| *name == keyword) {
                    let value = line.arguments.first().map(|value| value.to_lowercase()).unwrap_or_default();
                    if !self.single.contains_key(keyword) && !unset.contains(&value.as_str()) {
                        return Err(SshConfigError::new(place, format!("{} is not supported", line.keyword))
                            .with_help(*help));
                    }
                    self.single.entry(keyword.to_owned()).or_insert_with(setting);
                    return Ok(());
                }
                if !crate::wildcard::matches_list(self.ignored.iter().map(String::as_str), keyword) {
                    return fail(format!("{} is no setting of SSH", line.keyword));
                }
            }
        }
        Ok(())
    }

    fn add_file(&mut self, keyword: &str, setting: Setting) {
        let files =
            if keyword == "identityfile" { &mut self.identity_files } else { &mut self.certificate_files };
        if !files.iter().any(|known| known.value() == setting.value()) {
            files.push(setting);
        }
    }
}
