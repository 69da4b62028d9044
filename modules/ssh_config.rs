//! Manage hosts in a configuration of the SSH client.
//!
//! A file that is changed is written anew: options in lower case and indented by four, remarks after the block that they
//! stand in.
//!
//! ```yaml
//! - community.general.ssh_config: { ssh_config_file: /srv/ssh_config, host: example.com, hostname: github.com, port: '2223', other_options: { serveraliveinterval: '30' } }
//! - community.general.ssh_config: { ssh_config_file: /srv/ssh_config, host: staging, remote_user: deploy, identities_only: true, add_keys_to_agent: true }
//! - community.general.ssh_config: { ssh_config_file: /srv/ssh_config, host: example.com, state: absent }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::lossless;
use shevek_kit::prelude::*;
use shevek_kit::printed::python_type;

/// Arguments of `ssh_config`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(exclusive("user", "ssh_config_file"), exclusive("proxycommand", "proxyjump"))]
pub struct SshConfig {
    /// The user whose configuration it is; left out, and without `ssh_config_file`: that of all.
    user: Option<String>,
    /// The group that the file gets; left out: the one that is called as the user.
    group: Option<String>,
    /// The host, as its block names it.
    host: String,
    /// The name or address to connect to.
    hostname: Option<String>,
    /// The port to connect to.
    port: Option<String>,
    /// The user to log in as.
    remote_user: Option<String>,
    /// The private key; it must be there.
    identity_file: Option<PathBuf>,
    /// Only the keys that are configured are offered.
    identities_only: Option<bool>,
    /// The file of known hosts.
    user_known_hosts_file: Option<String>,
    /// What is done about hosts that are not known.
    strict_host_key_checking: Option<Checking>,
    /// The command that connects.
    proxycommand: Option<String>,
    /// The hosts on the way.
    proxyjump: Option<String>,
    /// Whether the agent can be used from there.
    forward_agent: Option<bool>,
    /// Whether keys that are used are added to the agent.
    add_keys_to_agent: Option<bool>,
    /// The configuration, if it is not a user's.
    ssh_config_file: Option<PathBuf>,
    /// The algorithms of host keys.
    host_key_algorithms: Option<String>,
    /// Whether connections are shared.
    controlmaster: Option<Sharing>,
    /// The socket of shared connections.
    controlpath: Option<String>,
    /// How long shared connections stay.
    controlpersist: Option<String>,
    /// The port of a SOCKS proxy.
    dynamicforward: Option<String>,
    /// Other options: names in lower case, and text.
    other_options: Dict,
    /// Whether there is a block for the host.
    #[arg(default = "present")]
    state: Presence,
}

/// What is done about hosts that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the words are those of ssh_config(5)")]
pub enum Checking {
    Yes,
    No,
    Ask,
    #[choice("accept-new")]
    AcceptNew,
}

/// Whether connections are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
#[allow(missing_docs, reason = "the words are those of ssh_config(5)")]
pub enum Sharing {
    Yes,
    No,
    Ask,
    Auto,
    Autoask,
}

const OF_ALL: &str = "/etc/ssh/ssh_config";

impl Procedure for SshConfig {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let path = self.path(host)?;
        if self.user.is_some() {
            // Differs from Ansible: links that a user has laid to what is not that user's are not followed.
            for path in [path.parent().unwrap_or(&path), &path] {
                refuse_link(host, path)?;
            }
        }
        let before = host.read_if_there(&path)?;
        if before.is_some() {
            self.check_identity(host, &path)?;
        }
        let mut config = Config::read(&lossless::text(before.as_deref().unwrap_or_default()))?;
        let done = self.edit(&mut config)?;
        let changed = !(done.added.is_empty() && done.removed.is_empty() && done.changed.is_empty());
        // Differs from Ansible: a file that is missing is made only where a host is added, and never in check mode.
        if changed {
            let after = lossless::bytes(&config.text());
            self.write(host, &path, &after)?;
            host.diff(text_diff(&path.display().to_string(), before.as_deref(), Some(&after)));
        }
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("hosts_changed", done.changed)
            .with("hosts_removed", done.removed)
            .with("hosts_change_diff", Val::List(done.differences))
            .with("hosts_added", done.added))
    }
}

/// What was done to hosts.
#[derive(Default)]
struct Done {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
    differences: Vec<Val>,
}

impl SshConfig {
    fn path(&self, host: &Probe) -> Result<PathBuf> {
        if let Some(user) = self.user.as_ref().filter(|user| !user.is_empty()) {
            let Some(user) = host.user(user)? else {
                return Err(Fault::absent(format!("there is no user {user}")));
            };
            return Ok(Path::new(&user.home).join(".ssh/config"));
        }
        Ok(self.ssh_config_file.clone().unwrap_or_else(|| OF_ALL.into()))
    }

    fn check_identity(&self, host: &Probe, config: &Path) -> Result<()> {
        let Some(identity) = &self.identity_file else { return Ok(()) };
        let folder = config.parent().unwrap_or(Path::new(""));
        match host.exists(folder.join(identity)) {
            true => Ok(()),
            false => Err(Fault::absent(format!("IdentityFile {} does not exist", identity.display()))),
        }
    }

    /// The options that the task gives, in Ansible's order.
    fn options(&self) -> Result<Vec<(String, String)>> {
        let text = |value: &Option<String>| value.clone();
        let truth = |value: Option<bool>| value.map(|yes| if yes { "yes" } else { "no" }.to_owned());
        let persist = text(&self.controlpersist).map(|value| match value.as_str() {
            "True" => "yes".to_owned(),
            "False" => "no".to_owned(),
            _ => value,
        });
        let own = [
            ("hostname", text(&self.hostname)),
            ("port", text(&self.port)),
            ("identity_file", self.identity_file.as_ref().map(|path| path.display().to_string())),
            ("identities_only", truth(self.identities_only)),
            ("user", text(&self.remote_user)),
            ("strict_host_key_checking", self.strict_host_key_checking.map(|word| word.word().to_owned())),
            ("user_known_hosts_file", text(&self.user_known_hosts_file)),
            ("proxycommand", text(&self.proxycommand)),
            ("proxyjump", text(&self.proxyjump)),
            ("host_key_algorithms", text(&self.host_key_algorithms)),
            ("forward_agent", truth(self.forward_agent)),
            ("add_keys_to_agent", truth(self.add_keys_to_agent)),
            ("controlmaster", self.controlmaster.map(|word| word.word().to_owned())),
            ("controlpath", text(&self.controlpath)),
            ("controlpersist", persist),
            ("dynamicforward", text(&self.dynamicforward)),
        ];
        let mut options = Vec::new();
        for (key, value) in &self.other_options {
            if key.to_lowercase() != *key {
                fail!("The other_options key '{key}' must be lower case");
            }
            if own.iter().any(|(own, _)| own == key) {
                fail!("Multiple values provided for key '{key}'");
            }
            let Val::Str(value) = value else {
                fail!(
                    "The other_options value provided for key '{key}' must be a string, got <class '{}'>",
                    python_type(value)
                );
            };
            options.push((key.replace('_', ""), Some(value.clone())));
        }
        let own = own.into_iter().map(|(key, value)| (key.replace('_', ""), value));
        let all = own.chain(options).filter_map(|(key, value)| Some((key, value?)));
        Ok(all.filter(|(_, value)| !value.is_empty()).collect())
    }

    fn edit(&self, config: &mut Config) -> Result<Done> {
        let mut done = Done::default();
        let options = self.options()?;
        // Differs from Ansible: there the block `*` is never found, and every run adds another.
        let is_it = |part: &Part| matches!(part, Part::Block(block) if block.of.as_ref() == Some(&self.host));
        if self.state == Presence::Absent {
            done.removed =
                config.parts.iter().filter(|part| is_it(part)).map(|_| self.host.clone()).collect();
            config.parts.retain(|part| !is_it(part));
            return Ok(done);
        }
        let mut found = false;
        for part in &mut config.parts {
            let Part::Block(block) = part else { continue };
            if block.of.as_ref() != Some(&self.host) {
                continue;
            }
            found = true;
            let old = block.shown();
            // Differs from Ansible: options that the task leaves out stay, as they do there; but there the task says
            // `changed` for them each time, and shows as `old` what is new.
            if block.set(&options) && done.changed.is_empty() {
                let difference = vec![("old".to_owned(), old), ("new".to_owned(), block.shown())];
                done.differences.push(Val::Map(vec![(self.host.clone(), difference.into())]));
                done.changed.push(self.host.clone());
            }
        }
        if !found && !options.is_empty() {
            let mut block = Block::of_host(&self.host);
            block.set(&options);
            config.parts.push(Part::Block(block));
            done.added.push(self.host.clone());
        }
        Ok(done)
    }

    fn write(&self, host: &mut Host, path: &Path, content: &[u8]) -> Result<()> {
        let mode = if path == Path::new(OF_ALL) { 0o644 } else { 0o600 };
        let given = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        let attributes = FileAttributes {
            owner: given(&self.user),
            group: given(&self.group).or_else(|| given(&self.user)),
            ..FileAttributes::default()
        };
        let (uid, gid) = (attributes.uid(host)?, attributes.gid(host)?);
        let folder = path.parent().unwrap_or(Path::new("/"));
        let missing: Vec<&Path> = folder
            .ancestors()
            .take_while(|folder| *folder != Path::new("") && !host.exists(folder))
            .collect();
        for folder in missing.iter().rev() {
            // Differs from Ansible: what is made for a user is the user's, and nobody else's.
            let mode = if uid.is_some() { 0o700 } else { 0o777 & !host.identity().umask };
            host.mkdir(folder, mode)?;
            host.chown(folder, Owner { uid, gid }, Links::Keep)?;
        }
        let how = Commit { mode: Some(mode), uid, gid, ..Commit::default() };
        host.write_as(followed(host, path, Links::Follow), &mut &*content, &how)
    }
}

/// A configuration, part by part.
struct Config {
    parts: Vec<Part>,
}

enum Part {
    Block(Block),
    /// A remark or an empty line.
    Line(String),
}

/// Options that are for some hosts.
struct Block {
    /// The line that it begins with.
    head: String,
    /// The hosts; blocks of other sorts have none.
    of: Option<String>,
    /// Options with their values; some can be given more than once.
    options: Vec<(String, Vec<String>)>,
}

impl Config {
    fn read(text: &str) -> Result<Config> {
        let mut config = Config { parts: Vec::new() };
        // What stands before the first block is for all hosts.
        let mut block = Block { head: "Host *".to_owned(), of: None, options: Vec::new() };
        let mut lines = Vec::new();
        for line in text.lines().map(str::trim_start) {
            if line.is_empty() || line.starts_with('#') {
                lines.push(Part::Line(line.to_owned()));
                continue;
            }
            let (key, value) = option(line)?;
            match key.as_str() {
                "host" | "match" => {
                    config.add(block, &mut lines);
                    block = match key.as_str() {
                        "host" => Block::of_host(&value.split_whitespace().collect::<Vec<_>>().join(" ")),
                        // Differs from Ansible: a `Match` is a block of its own, not an option of the host before it.
                        _ => Block { head: format!("Match {value}"), of: None, options: Vec::new() },
                    };
                }
                _ => block.add(key, value),
            }
        }
        config.add(block, &mut lines);
        Ok(config)
    }

    /// Adds a block and the lines that stood in it; a block without options says nothing.
    fn add(&mut self, block: Block, lines: &mut Vec<Part>) {
        if !block.options.is_empty() {
            self.parts.push(Part::Block(block));
        }
        self.parts.append(lines);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Line(line) => text.push_str(&format!("{line}\n")),
                Part::Block(block) => {
                    text.push_str(&format!("{}\n", block.head));
                    for (key, values) in &block.options {
                        text.extend(values.iter().map(|value| format!("    {key} {value}\n")));
                    }
                }
            }
        }
        text
    }
}

impl Block {
    fn of_host(host: &str) -> Block {
        Block { head: format!("Host {host}"), of: Some(host.to_owned()), options: Vec::new() }
    }

    // Differs from Ansible: there what is given again is lost, but for keys and forwarded ports.
    fn add(&mut self, key: String, value: String) {
        match self.options.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => self.options.push((key, vec![value])),
        }
    }

    /// Gives it these options, and says whether it had not all of them.
    fn set(&mut self, options: &[(String, String)]) -> bool {
        let mut changed = false;
        for (key, value) in options {
            match self.options.iter_mut().find(|(known, _)| known == key) {
                Some((_, values)) if values.contains(value) => continue,
                Some((_, values)) => *values = vec![value.clone()],
                None => self.options.push((key.clone(), vec![value.clone()])),
            }
            changed = true;
        }
        changed
    }

    fn shown(&self) -> Val {
        let lists = ["identityfile", "localforward", "remoteforward"];
        let shown = self.options.iter().map(|(key, values)| {
            let value = match values.as_slice() {
                [value] if !lists.contains(&key.as_str()) => value.into(),
                values => values.to_vec().into(),
            };
            (key.clone(), value)
        });
        Val::Map(shown.collect())
    }
}

/// An option's name in lower case, and its value: there is a blank between them, or a `=`.
fn option(line: &str) -> Result<(String, String)> {
    let Some((key, rest)) =
        line.find(|c: char| c.is_whitespace() || c == '=').and_then(|at| line.split_at_checked(at))
    else {
        fail!("Unparsable line: '{line}'");
    };
    let rest = rest.trim_start();
    let value = rest.strip_prefix('=').map_or(rest, str::trim_start);
    Ok((key.to_lowercase(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/srv/config";
    const TEXT: &str = "Compression yes\n\n# ours\nHost web\n  HostName 10.0.0.1\n  # the port\n  Port=2222\n  SendEnv A\n  SendEnv B\nMatch user joe\n  IdentityFile ~/.ssh/a\n";

    fn world() -> World {
        World::new().file(FILE, TEXT).mode(FILE, 0o640)
    }

    fn args(rest: &str) -> String {
        format!("{{ ssh_config_file: {FILE}, {rest} }}")
    }

    #[test]
    fn an_option_of_a_host_is_changed_and_nothing_is_lost() {
        let done = conform::<SshConfig>(&args("host: web, port: 22, forward_agent: yes"), world()).changed();
        let done = done.holds(
            FILE,
            "Host *\n    compression yes\n\n# ours\nHost web\n    hostname 10.0.0.1\n    port 22\n    sendenv A\n    \
             sendenv B\n    forwardagent yes\n# the port\nMatch user joe\n    identityfile ~/.ssh/a\n",
        );
        let done = done.gives("hosts_changed", vec!["web"]).gives("hosts_added", Val::List(vec![]));
        let difference = done.outcome().get("hosts_change_diff").unwrap().as_list().unwrap()[0].clone();
        let port = |side: &str| difference.get("web").unwrap().get(side).unwrap().get("port").cloned();
        assert_eq!((port("old"), port("new")), (Some("2222".into()), Some("22".into())));
        assert_eq!(done.probe().stat(FILE).unwrap().unwrap().mode, 0o600);
        done.then(&args("host: web, port: 22")).unchanged().gives("hosts_changed", Val::List(vec![]));
    }

    #[test]
    fn a_host_is_added_and_removed() {
        let add = args(
            "host: new, hostname: n, identity_file: id, remote_user: joe, strict_host_key_checking: accept-new, \
             controlpersist: 'True', other_options: { serveraliveinterval: '30' }",
        );
        let done = conform::<SshConfig>(&add, world().file("/srv/id", "")).changed();
        let done = done.gives("hosts_added", vec!["new"]);
        let text = done.probe().read_text(FILE).unwrap();
        assert!(
            text.ends_with(
                "Host new\n    hostname n\n    identityfile id\n    user joe\n    stricthostkeychecking accept-new\n    \
                 controlpersist yes\n    serveraliveinterval 30\n"
            ),
            "{text}"
        );
        let done = done.then(&add).unchanged().then(&args("host: new, state: absent")).changed();
        let done = done.gives("hosts_removed", vec!["new"]);
        assert!(!done.probe().read_text(FILE).unwrap().contains("new"));
        done.then(&args("host: new, state: absent")).unchanged();
        conform::<SshConfig>(&args("host: new"), world()).unchanged();
    }

    #[test]
    fn a_users_file_is_the_users() {
        let world = World::new().user("joe", 1000);
        let done = conform::<SshConfig>("{ user: joe, host: a, port: 1 }", world).changed();
        let stat = |path: &str| done.probe().stat(path).unwrap().unwrap();
        let (folder, file) = (stat("/home/joe/.ssh"), stat("/home/joe/.ssh/config"));
        assert_eq!(
            (folder.mode, folder.uid, file.mode, file.uid, file.gid),
            (0o700, 1000, 0o600, 1000, 1000)
        );
        conform::<SshConfig>("{ user: eve, host: a, port: 1 }", World::new()).failed("there is no user eve");
    }

    #[test]
    fn links_that_a_user_laid_give_nothing_away() {
        const CONFIG: &str = "/home/joe/.ssh/config";
        let args = "{ user: joe, host: a, port: 1 }";
        let world = || World::new().user("joe", 1000).folder("/home/joe/.ssh");
        let laid = |world: World, target: &str| world.link(CONFIG, target).owner(CONFIG, 1000, 1000);
        let hosts = || world().file("/etc/hosts.allow", "sshd ALL\n");
        conform_apart::<SshConfig>(args, laid(hosts(), "/etc/hosts.allow"))
            .failed("is a link")
            .holds("/etc/hosts.allow", "sshd ALL\n");
        // What is not there yet would become the user's.
        conform_apart::<SshConfig>(args, laid(world().folder("/etc"), "/etc/ld.so.preload"))
            .failed("is a link")
            .lacks("/etc/ld.so.preload");
        let folder = World::new().user("joe", 1000).folder("/etc/apt").link("/home/joe/.ssh", "/etc/apt");
        conform_apart::<SshConfig>(args, folder.owner("/home/joe/.ssh", 1000, 1000))
            .failed("is a link")
            .lacks("/etc/apt/config");
        let own = world().file("/home/joe/dots", "").owner("/home/joe/dots", 1000, 1000);
        conform::<SshConfig>(args, laid(own, "/home/joe/dots"))
            .changed()
            .holds("/home/joe/dots", "Host a\n    port 1\n");
    }

    #[test]
    fn the_file_of_all_can_be_read_by_all() {
        let done = conform::<SshConfig>("{ host: '*', port: 1 }", World::new().folder("/etc/ssh")).changed();
        assert_eq!(done.probe().stat(OF_ALL).unwrap().unwrap().mode, 0o644);
        done.then("{ host: '*', port: 1 }").unchanged().then("{ host: b, state: absent }").unchanged();
        conform::<SshConfig>("{ host: b, state: absent }", World::new()).unchanged().lacks(OF_ALL);
    }

    #[test]
    fn what_is_wrong_is_said() {
        conform::<SshConfig>(&args("host: a, identity_file: none"), world())
            .failed("IdentityFile none does not exist");
        conform::<SshConfig>(&args("host: a, other_options: { Port: '1' }"), world())
            .failed("The other_options key 'Port' must be lower case");
        conform::<SshConfig>(&args("host: a, other_options: { port: '1' }"), world())
            .failed("Multiple values provided for key 'port'");
        conform::<SshConfig>(&args("host: a, other_options: { x: 1 }"), world())
            .failed("must be a string, got <class 'int'>");
        conform::<SshConfig>(&args("host: a, port: 1"), World::new().file(FILE, "Host a\nwords\n"))
            .failed("Unparsable line: 'words'");
        conform::<SshConfig>(&args("host: a, user: joe"), world()).failed("mutually exclusive");
    }
}
