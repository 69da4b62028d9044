//! Resolving, in stories, and side by side with OpenSSH.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Secret;
use crate::target::{AddressFamily, AgentUse, HostKeyCheck, LoginMethod, SshTarget};

/// A home with a configuration.
struct Home {
    folder: tempfile::TempDir,
    context: SshContext,
}

impl Home {
    fn with(config: &str) -> Home {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".ssh")).unwrap();
        std::fs::write(folder.path().join(".ssh/config"), config).unwrap();
        let environment =
            HashMap::from([("KEYS".to_owned(), "/keys".to_owned()), ("LC_ALL".into(), "C".into())]);
        let mut context = SshContext::new(
            folder.path().to_owned(),
            "me".into(),
            1000,
            "desk.example.com".into(),
            environment,
        );
        context.system_config = folder.path().join("system/ssh_config");
        Home { folder, context }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn resolve(&self, host: &str) -> SshTarget {
        SshOptions::new(host).resolve(&self.context).unwrap()
    }

    fn error(&self, host: &str) -> String {
        let error = SshOptions::new(host).resolve(&self.context).unwrap_err();
        error.to_string().replace(self.folder.path().to_str().unwrap(), "~")
    }
}

#[test]
fn without_any_configuration_openssh_s_defaults_hold() {
    let home = Home::with("");
    let ssh = home.resolve("Web1");
    assert_eq!((ssh.host.as_str(), ssh.port, ssh.user.as_str()), ("web1", 22, "me"));
    assert_eq!(
        ssh.login.keys,
        [".ssh/id_rsa", ".ssh/id_ecdsa", ".ssh/id_ed25519"].map(|name| home.path(name))
    );
    assert_eq!(ssh.host_key.check, HostKeyCheck::Ask);
    assert_eq!(ssh.host_key.user_files[0], home.path(".ssh/known_hosts"));
    assert_eq!(ssh.login.methods, [LoginMethod::PublicKey]);
}

#[test]
fn the_first_value_wins_and_keys_add_up() {
    let home = Home::with(
        "Host web*\n  User deploy\n  IdentityFile ~/.ssh/%h\n  IdentityFile ${KEYS}/%r@%n\n\
         Host *\n  User nobody\n  Port 2222\n  IdentityFile ~/.ssh/any\n",
    );
    let ssh = home.resolve("web1");
    assert_eq!((ssh.user.as_str(), ssh.port), ("deploy", 2222));
    assert_eq!(ssh.login.keys, [home.path(".ssh/web1"), "/keys/deploy@web1".into(), home.path(".ssh/any")]);
    assert_eq!(home.resolve("db1").user, "nobody");
}

#[test]
fn what_ansible_says_comes_before_the_files() {
    let home = Home::with("Host *\n User nobody\n Port 1\n ConnectTimeout 77\n StrictHostKeyChecking yes\n");
    let mut options = SshOptions::new("web1");
    options.user = Some("deploy".into());
    options.port = Some(2222);
    options.timeout = Some(Duration::from_secs(5));
    options.host_key_checking = Some(false);
    options.private_key_file = Some("~/deploy.pem".into());
    options.ssh_common_args = Some("-o User=other -o UserKnownHostsFile=/dev/null -A".into());
    let ssh = options.resolve(&home.context).unwrap();
    assert_eq!((ssh.user.as_str(), ssh.port, ssh.connect_timeout.as_secs()), ("deploy", 2222, 5));
    assert_eq!(ssh.host_key.check, HostKeyCheck::No);
    assert_eq!(ssh.host_key.user_files, [Path::new("/dev/null")]);
    assert_eq!(ssh.login.keys, [home.path("deploy.pem")]);
    assert!(ssh.forward_agent && !ssh.compression);
}

#[test]
fn a_password_switches_the_methods_on_that_use_it() {
    let home = Home::with("Host strict\n PasswordAuthentication no\n");
    let mut options = SshOptions::new("web1");
    options.password = Some(Secret::new("x"));
    use LoginMethod::{KeyboardInteractive, Password, PublicKey};
    assert_eq!(
        options.resolve(&home.context).unwrap().login.methods,
        [PublicKey, KeyboardInteractive, Password]
    );
    options.host = "strict".into();
    assert_eq!(options.resolve(&home.context).unwrap().login.methods, [PublicKey, KeyboardInteractive]);
    options.ssh_common_args = Some("-o PreferredAuthentications=password,publickey".into());
    options.host = "web1".into();
    assert_eq!(options.resolve(&home.context).unwrap().login.methods, [Password, PublicKey]);
    options.ssh_common_args = Some("-o PreferredAuthentications=gssapi-with-mic".into());
    assert_eq!(
        options.resolve(&home.context).unwrap_err().to_string(),
        "ansible_ssh_common_args: none of the methods gssapi-with-mic is supported"
    );
}

#[test]
fn ansible_s_default_arguments_do_not_compress() {
    let home = Home::with("");
    let mut options = SshOptions::new("web1");
    options.ssh_args = Some("-C -o ControlMaster=auto -o ControlPersist=60s".into());
    assert!(!options.resolve(&home.context).unwrap().compression);
    options.ssh_args = Some("-C".into());
    assert!(options.resolve(&home.context).unwrap().compression);
}

#[test]
fn jump_hosts_have_settings_of_their_own() {
    let home = Home::with(
        "Host inner\n ProxyJump admin@middle:2200\n\
         Host middle\n HostName 10.0.0.2\n User nobody\n ProxyJump outer\n\
         Host outer\n HostName 10.0.0.1\n IdentityFile /keys/outer\n",
    );
    let mut options = SshOptions::new("inner");
    options.user = Some("deploy".into());
    options.private_key_file = Some("/keys/inner".into());
    let ssh = options.resolve(&home.context).unwrap();
    let way: Vec<_> =
        ssh.jumps.iter().map(|jump| (jump.user.as_str(), jump.host.as_str(), jump.port)).collect();
    assert_eq!(way, [("me", "10.0.0.1", 22), ("admin", "10.0.0.2", 2200)]);
    assert_eq!(ssh.jumps[0].login.keys, [Path::new("/keys/outer")]);
    options.ssh_common_args = Some("-J ssh://a@one:1,[fe80::1]:2,three".into());
    let ssh = options.resolve(&home.context).unwrap();
    let way: Vec<_> =
        ssh.jumps.iter().map(|jump| (jump.user.as_str(), jump.host.as_str(), jump.port)).collect();
    assert_eq!(way, [("a", "one", 1), ("me", "fe80::1", 2), ("me", "three", 22)]);
    options.ssh_common_args = Some("-o ProxyJump=none".into());
    assert!(options.resolve(&home.context).unwrap().jumps.is_empty());
}

#[test]
fn jump_hosts_that_lead_in_a_circle_are_an_error() {
    let home = Home::with("Host a\n ProxyJump b\nHost b\n ProxyJump a\n");
    assert_eq!(home.error("a"), "~/.ssh/config:2: jump hosts lead to each other without end");
}

#[test]
fn a_proxy_command_is_expanded() {
    let home =
        Home::with("Host *\n HostName %h.example.com\n ProxyCommand ssh -W \"[%h]:%p\" gate-%n # %%\n");
    // The comment is part of the command, as it is for OpenSSH.
    assert_eq!(home.resolve("web1").proxy_command.unwrap(), "ssh -W \"[web1.example.com]:22\" gate-web1 # %");
    let none = Home::with("Host *\n ProxyCommand none\n ProxyJump bastion\n").resolve("web1");
    assert!(none.proxy_command.is_none() && none.jumps.is_empty());
}

#[test]
fn match_blocks_look_at_what_is_known_so_far() {
    let home = Home::with(
        "Match originalhost web1 user me\n HostName 10.0.0.1\n\
         Match host 10.0.0.* !localuser root\n Port 2222\n\
         Match exec \"test %n = web1\"\n AddressFamily inet\n\
         Match !exec true\n Compression yes\n\
         Match final host 10.0.0.1\n User late\n\
         Match all\n HostKeyAlias Alias\n",
    );
    let ssh = home.resolve("web1");
    assert_eq!((ssh.host.as_str(), ssh.port, ssh.user.as_str()), ("10.0.0.1", 2222, "late"));
    assert_eq!((ssh.address_family, ssh.compression), (AddressFamily::Inet, false));
    assert_eq!(ssh.host_key.alias.as_deref(), Some("alias"));
    assert_eq!(home.resolve("web2").port, 22);
}

#[test]
fn includes_are_read_in_order_and_only_in_blocks_that_match() {
    let home = Home::with("Host web*\n Include conf.d/*.conf\nHost *\n User last\n");
    std::fs::create_dir(home.path(".ssh/conf.d")).unwrap();
    std::fs::write(home.path(".ssh/conf.d/b.conf"), "User second\nPort 2\n").unwrap();
    std::fs::write(home.path(".ssh/conf.d/a.conf"), "User first\nHost web2\n Port 1\n").unwrap();
    std::fs::write(home.path(".ssh/conf.d/.hidden.conf"), "User hidden\n").unwrap();
    let (web1, web2, db1) = (home.resolve("web1"), home.resolve("web2"), home.resolve("db1"));
    assert_eq!((web1.user.as_str(), web1.port), ("first", 2));
    assert_eq!((web2.user.as_str(), web2.port), ("first", 1));
    assert_eq!((db1.user.as_str(), db1.port), ("last", 22));
    let round = Home::with("Include config\n");
    assert!(round.error("web1").ends_with("files include each other too deeply"));
}

#[test]
fn the_systems_file_comes_last_and_f_replaces_both() {
    let home = Home::with("User mine\n");
    std::fs::create_dir(home.path("system")).unwrap();
    std::fs::write(home.path("system/ssh_config"), "User system\nPort 2222\nSendEnv LC_*\n").unwrap();
    let ssh = home.resolve("web1");
    assert_eq!((ssh.user.as_str(), ssh.port), ("mine", 2222));
    assert_eq!(ssh.environment, [("LC_ALL".to_owned(), "C".to_owned())]);
    std::fs::write(home.path("other"), "User other\n").unwrap();
    let mut options = SshOptions::new("web1");
    options.ssh_args = Some("-F ~/other".into());
    let ssh = options.resolve(&home.context).unwrap();
    assert_eq!((ssh.user.as_str(), ssh.port), ("other", 22));
    options.ssh_args = Some("-F none".into());
    assert_eq!(options.resolve(&home.context).unwrap().user, "me");
    options.ssh_args = Some("-F /nowhere".into());
    assert!(
        options.resolve(&home.context).unwrap_err().to_string().starts_with("/nowhere:0: cannot be read")
    );
}

#[test]
fn agents_are_named_in_many_ways() {
    let agent = |value: &str| Home::with(&format!("IdentityAgent {value}\n")).resolve("web1").login.agent;
    assert_eq!(agent("none"), AgentUse::Off);
    assert_eq!(agent("SSH_AUTH_SOCK"), AgentUse::Environment);
    assert_eq!(agent("$KEYS"), AgentUse::Socket("/keys".into()));
    assert_eq!(agent("$UNSET"), AgentUse::Off);
    assert_eq!(agent("\"/run/%u agent\""), AgentUse::Socket("/run/me agent".into()));
}

#[test]
fn times_have_units() {
    let after = |value: &str| {
        Home::with(&format!("ConnectTimeout {value}\n")).resolve("web1").connect_timeout.as_secs()
    };
    assert_eq!([after("7"), after("2m"), after("1h30m10")], [7, 120, 5410]);
    assert_eq!(Home::with("ConnectTimeout soon\n").error("web1"), "~/.ssh/config:1: \"soon\" is no time");
    assert_eq!(Home::with("ServerAliveInterval 0\n").resolve("web1").alive_interval, None);
}

#[test]
fn algorithm_lists_keep_what_is_supported() {
    let ssh =
        Home::with("KexAlgorithms +diffie-hellman-group1-sha1,made-up\nMACs hmac-sha1\n").resolve("old");
    assert_eq!(ssh.algorithms.kex.unwrap().last().unwrap(), "diffie-hellman-group1-sha1");
    assert_eq!(ssh.algorithms.macs.unwrap(), ["hmac-sha1"]);
    assert_eq!(Home::with("Ciphers arcfour\n").error("old"), "~/.ssh/config:1: none of arcfour is supported");
}

#[test]
fn mistakes_are_named_with_their_place() {
    let error = |config: &str| Home::with(config).error("web1");
    assert_eq!(error("\nHots web1\n"), "~/.ssh/config:2: hots is no setting of SSH");
    assert_eq!(error("Port ssh\n"), "~/.ssh/config:1: \"ssh\" is no port");
    assert_eq!(error("User \"me\n"), "~/.ssh/config:1: a quote is not closed");
    assert_eq!(error("User\n"), "~/.ssh/config:1: user has no value");
    assert_eq!(error("Match weather nice\n"), "~/.ssh/config:1: Match weather is not supported");
    assert_eq!(error("Compression maybe\n"), "~/.ssh/config:1: compression is yes or no, not \"maybe\"");
    assert_eq!(error("CanonicalizeHostname yes\n"), "~/.ssh/config:1: canonicalizehostname is not supported");
    assert_eq!(error("IdentityFile %q\n"), "~/.ssh/config:1: %q is no token here");
    assert_eq!(error("IdentityFile ${NOPE}/x\n"), "~/.ssh/config:1: the environment has no variable NOPE");
    // Not met, so no mistake: as long as the block is for somebody else.
    Home::with("Host db\n CanonicalizeHostname yes\n").resolve("web1");
    Home::with("IgnoreUnknown Hots,Use*\nHots x\nUseKeychain yes\nUseMagic y\n").resolve("web1");
}

/// What OpenSSH makes of a configuration.
fn openssh(config: &Path, host: &str) -> Option<HashMap<String, Vec<String>>> {
    let output = Command::new("ssh").args(["-G", "-F"]).arg(config).arg(host).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut settings: HashMap<String, Vec<String>> = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        settings.entry(keyword.to_owned()).or_default().push(value.to_owned());
    }
    Some(settings)
}

fn setting() -> impl Strategy<Value = String> {
    prop_oneof![
        (1u16..9).prop_map(|port| format!("Port {port}")),
        "[a-c]".prop_map(|user| format!("User={user}")),
        "[a-c]".prop_map(|name| format!("HostName {name}.%h")),
        "[a-d]".prop_map(|name| format!("IdentityFile \"/keys/{name} {name}\"")),
        "[a-d]".prop_map(|name| format!("CertificateFile /certs/{name}")),
        "[a-d]".prop_map(|name| format!("ProxyJump {name}")),
        "[a-d]".prop_map(|name| format!("ProxyCommand relay {name} \"%h\" %p # x")),
        Just("ProxyCommand none".to_owned()),
        "(yes|no|ask|accept-new|off)".prop_map(|value| format!("StrictHostKeyChecking {value}")),
        "(yes|no)".prop_map(|value| format!("IdentitiesOnly\t{value}")),
        "(yes|no)".prop_map(|value| format!("ForwardAgent {value}")),
        "(inet|inet6|any)".prop_map(|value| format!("addressfamily = {value}")),
        "[1-9]".prop_map(|value| format!("ConnectTimeout {value}m")),
        "[1-9]".prop_map(|value| format!("ServerAliveInterval {value}")),
        "[a-c]".prop_map(|value| format!("HostKeyAlias {value}")),
        "[a-c]".prop_map(|value| format!("UserKnownHostsFile /known/{value} \"/known/{value} 2\"")),
    ]
}

fn head() -> impl Strategy<Value = String> {
    prop_oneof![
        "(web|db)?[*?12]".prop_map(|pattern| format!("Host {pattern}")),
        "(web|db)[*?12] !web[1-2?]".prop_map(|patterns| format!("Host {patterns}")),
        "[a-c]\\*|[*]|[!]b*".prop_map(|pattern| format!("Match host \"x,{pattern}\"")),
        "(web1|web2|db1)".prop_map(|name| format!("Match originalhost={name}")),
        "(!)?user [a-c]".prop_map(|user| format!("Match {user}")),
        "(!)?localuser (root|me)".prop_map(|user| format!("Match {user}")),
        Just("Match final".to_owned()),
        Just("Match all".to_owned()),
        "(true|false)".prop_map(|command| format!("Match exec {command} originalhost web*")),
    ]
}

proptest! {
    #[test]
    fn no_text_upsets_it(
        text in "((Host|Match|Include|User|ProxyJump|IdentityFile|SetEnv)[ =]?[a-z%{}$~\"'\\\\#,!*@:0-9 ]{0,20}\n?){0,4}|\\PC{0,60}",
        host in "\\PC{1,8}",
    ) {
        // `exec` would run what is written there.
        if !text.contains("exec") {
            let _ = SshOptions::new(&host).resolve(&Home::with(&text).context);
            let mut options = SshOptions::new(&host);
            options.ssh_common_args = Some(text);
            let _ = options.resolve(&Home::with("").context);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn openssh_reads_the_same(
        blocks in prop::collection::vec((head(), prop::collection::vec(setting(), 0..4)), 0..6),
        host in "(web|db)[12]",
    ) {
        let mut config = String::new();
        for (head, settings) in &blocks {
            config += &format!("{head}\n  {}\n", settings.join("\n  "));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, &config).unwrap();
        let Some(theirs) = openssh(&path, &host) else { return Ok(()) };
        let context = SshContext::of_this_process();
        let mut options = SshOptions::new(&host);
        options.ssh_args = Some(format!("-F {}", path.display()));
        let ours = match options.resolve(&context) {
            Ok(ours) => ours,
            // OpenSSH does not follow jump hosts to find out.
            Err(error) if error.detail.contains("without end") => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error}\n{config}"))),
        };
        let said = |keyword: &str| theirs.get(keyword).map(|values| values.join(" ")).unwrap_or_default();
        let paths = |paths: &[std::path::PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        prop_assert_eq!(&ours.host, &said("hostname"), "{}", config);
        prop_assert_eq!(ours.port.to_string(), said("port"), "{}", config);
        prop_assert_eq!(&ours.user, &said("user"), "{}", config);
        if config.contains("IdentityFile") && said("identityfile").starts_with("/keys") {
            prop_assert_eq!(paths(&ours.login.keys).join(" "), said("identityfile"), "{}", config);
        }
        prop_assert_eq!(paths(&ours.login.certificates).join(" "), said("certificatefile"), "{}", config);
        let check = match said("stricthostkeychecking").as_str() {
            "true" => HostKeyCheck::Yes,
            "false" => HostKeyCheck::No,
            "accept-new" => HostKeyCheck::AcceptNew,
            _ => HostKeyCheck::Ask,
        };
        prop_assert_eq!(ours.host_key.check, check, "{}", config);
        prop_assert_eq!(ours.login.identities_only, said("identitiesonly") == "yes", "{}", config);
        prop_assert_eq!(ours.forward_agent, said("forwardagent") == "yes", "{}", config);
        let family = match ours.address_family {
            AddressFamily::Any => "any",
            AddressFamily::Inet => "inet",
            AddressFamily::Inet6 => "inet6",
        };
        prop_assert_eq!(family, said("addressfamily"), "{}", config);
        if config.contains("ConnectTimeout") && said("connecttimeout") != "none" {
            prop_assert_eq!(ours.connect_timeout.as_secs().to_string(), said("connecttimeout"), "{}", config);
        }
        prop_assert_eq!(ours.host_key.alias.clone().unwrap_or_default(), said("hostkeyalias"), "{}", config);
        if said("userknownhostsfile").starts_with("/known") {
            prop_assert_eq!(paths(&ours.host_key.user_files).join(" "), said("userknownhostsfile"), "{}", config);
        }
        let jump = said("proxyjump");
        prop_assert_eq!(ours.jumps.is_empty(), jump.is_empty() || jump == "none", "{}", config);
        let command = said("proxycommand").replace("%h", &said("hostname")).replace("%p", &said("port"));
        prop_assert_eq!(ours.proxy_command.unwrap_or_default(), command.trim_start_matches("none"), "{}", config);
    }
}

#[test]
fn what_makes_hosts_and_keys_safer_is_not_passed_over() {
    let home = Home::with(
        "Host web1\n RequiredRSASize 3072\n CASignatureAlgorithms -rsa*\n BatchMode yes\n\
         Host web2\n VerifyHostKeyDNS yes\nHost web3\n VerifyHostKeyDNS no\n",
    );
    let ssh = home.resolve("web1");
    assert_eq!((ssh.host_key.required_rsa, ssh.login.required_rsa), (3072, 3072));
    assert!(!ssh.host_key.ca_algorithms.iter().any(|name| name.starts_with("rsa")));
    assert!(ssh.host_key.ca_algorithms.iter().any(|name| name == "ssh-ed25519"));
    assert_eq!((ssh.host_key.check, ssh.login.asks), (HostKeyCheck::Yes, false));
    assert!(home.error("web2").contains("verifyhostkeydns is not supported"), "{}", home.error("web2"));
    let usual = home.resolve("web3");
    assert_eq!((usual.host_key.required_rsa, usual.login.asks), (1024, true));
}

#[test]
fn times_that_no_clock_reaches_are_long_and_no_more() {
    for time in ["99999999999999999999999", "999999999999w"] {
        let home = Home::with(&format!("Host *\n ConnectTimeout {time}\n ServerAliveInterval {time}\n"));
        let ssh = home.resolve("web1");
        assert!(std::time::Instant::now().checked_add(ssh.connect_timeout).is_some());
        assert!(ssh.connect_timeout >= Duration::from_secs(86400 * 365));
    }
}
