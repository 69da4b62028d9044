//! Copy folders between machines with rsync.
//!
//! rsync runs on this machine, or on the one that `delegate_to` names, and connects by itself to the host of the task.
//!
//! ```yaml
//! - ansible.posix.synchronize: { src: site/, dest: /srv/www/, delete: true }
//! - ansible.posix.synchronize: { src: /var/backups/, dest: backups/, mode: pull }
//! ```

use std::sync::Arc;

use shevek_connection::{ContainerTarget, InsideTarget, Target, TransportKind};
use shevek_diag::Result;
use shevek_kit::schema::Schema;
use shevek_proto::BecomeMethod;
use shevek_value::{Map, Value};

use crate::{Action, Host, Invocation, Outcome, Running};

/// `synchronize`.
pub(crate) struct Synchronize;

/// The action.
pub(crate) static ACTION: Synchronize = Synchronize;

const NAME: &str = "ansible.posix.synchronize";

/// Names of the machine that something runs on.
const LOCALHOST: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

impl Action for Synchronize {
    fn name(&self) -> &'static str {
        NAME
    }

    fn schema(&self) -> &'static Schema {
        super::module_schema(NAME)
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(synchronize(call))
    }
}

/// The way that rsync takes, and what decides it.
struct Way<'a> {
    call: &'a Invocation<'a>,
    /// The host's own name for the way, if it is a container.
    container: Option<&'a ContainerTarget>,
    /// Whether the task's machine is another one than this.
    is_remote: bool,
    user: Option<String>,
    /// Whether the host is reached at the port that this machine has, too.
    at_our_port: bool,
}

async fn synchronize(call: &Invocation<'_>) -> Result<Outcome> {
    let delegate = delegate(call)?;
    let kind = &call.host.target.kind;
    let container = match kind {
        TransportKind::Inside(InsideTarget::Docker(it) | InsideTarget::Podman(it)) => Some(it),
        _ => None,
    };
    if let (None, TransportKind::Inside(_), None) = (&delegate, kind, container) {
        return Ok(Outcome::failure(
            "synchronize uses rsync to function. rsync needs to connect to the remote host via ssh, docker client or a direct filesystem copy. This remote host is being accessed in another way so it cannot work.",
        ));
    }
    let is_remote = !matches!(kind, TransportKind::Local(_));
    let name = call.scope.fleet().host_name(call.scope.host()).to_string();
    let address = word(call, "ansible_host")?;
    let is_itself = delegate.as_ref().is_some_and(|other| *other == name || Some(other) == address.as_ref());
    let is_local = is_itself || (delegate.is_none() && !is_remote);
    let (Some(src), Some(dest)) = (call.text("src"), call.text("dest")) else {
        return Ok(Outcome::failure("synchronize requires both src and dest parameters are set"));
    };
    let mut args = call.args.clone();
    let mut put = |key: &str, value: Value| args.insert(Value::str(key), value);
    put("_local_rsync_path", word(call, "ansible_rsync_path")?.unwrap_or_else(|| "rsync".to_owned()).into());
    let port = word(call, "ansible_port")?;
    if let (None, Some(port)) = (call.get("dest_port"), &port) {
        put("dest_port", port.clone().into());
    }
    if let Some(ssh) = ssh_arguments(call, kind)? {
        put("_ssh_args", ssh.into());
    }
    let runs_there = is_itself || (delegate.is_some() && is_remote);
    let there = if is_itself { "127.0.0.1".to_owned() } else { address.unwrap_or(name) };
    let user = match !is_local && call.flag("set_remote_user", true)? {
        true => user(call)?,
        false => None,
    };
    let way = Way { call, container, is_remote, user, at_our_port: port == our_port(call)? };
    let (src, dest) = if is_local {
        (way.here(&src)?, way.here(&dest)?)
    } else {
        let here = "127.0.0.1";
        if way.at_our_port && LOCALHOST.contains(&there.as_str()) && is_remote {
            put("_substitute_controller", true.into());
        }
        if call.get("private_key").is_none()
            && let Some(key) = key_file(call)?
        {
            put("private_key", key.into());
        }
        match call.text("mode").as_deref() {
            Some("pull") => (way.far(&there, &src)?, way.near(here, &dest)?),
            _ => (way.near(here, &src)?, way.far(&there, &dest)?),
        }
    };
    put("src", src.into());
    put("dest", dest.into());
    let mut host = call.host.clone();
    if !is_local {
        let password = [word(call, "ansible_ssh_pass")?, word(call, "ansible_password")?];
        if let Some(password) = password.into_iter().flatten().next() {
            put("_local_rsync_password", password.into());
        }
        if call.text("rsync_path").is_none_or(|path| path.is_empty())
            && container.is_none()
            && let Some(whom) = call.host.become_user.as_ref()
            && whom.method == BecomeMethod::Sudo
        {
            put("rsync_path", format!("sudo -u {} rsync", whom.user).into());
        }
        // Here rsync runs as who runs this; it is on the other side that it becomes somebody.
        host.become_user = None;
    }
    if let Some(container) = container.filter(|_| !runs_there) {
        way.enter(container, kind, &mut args);
    }
    if is_remote && !runs_there {
        host = Host { target: Arc::new(Target::local("localhost")), ..host };
    }
    host.module(NAME, &args).await
}

/// A variable of the host as text.
fn word(call: &Invocation<'_>, name: &str) -> Result<Option<String>> {
    let value = call.scope.rendered_variable(name)?.filter(|value| !value.is_null() && !value.is_omit());
    Ok(value.map(|value| value.text()).filter(|text| !text.is_empty()))
}

/// The host that the task is given to.
fn delegate(call: &Invocation<'_>) -> Result<Option<String>> {
    let Some(written) = &call.task.keywords.delegate_to else { return Ok(None) };
    let value = call.templar().render(written, call.scope)?;
    Ok(Some(value.text()).filter(|name| !name.is_empty() && !value.is_null() && !value.is_omit()))
}

/// Whom rsync logs in as.
fn user(call: &Invocation<'_>) -> Result<Option<String>> {
    for name in ["ansible_user", "ansible_ssh_user"] {
        if let Some(user) = word(call, name)? {
            return Ok(Some(user));
        }
    }
    let Some(written) = &call.task.keywords.remote_user else { return Ok(None) };
    let value = call.templar().render(written, call.scope)?;
    Ok(Some(value.text()).filter(|name| !name.is_empty() && !value.is_null()))
}

fn key_file(call: &Invocation<'_>) -> Result<Option<String>> {
    match word(call, "ansible_private_key_file")? {
        None => word(call, "ansible_ssh_private_key_file"),
        found => Ok(found),
    }
}

/// The port that the inventory gives this machine.
fn our_port(call: &Invocation<'_>) -> Result<Option<String>> {
    let written = call.scope.rendered_variable("hostvars")?;
    let of_us = written.as_ref().and_then(|all| {
        LOCALHOST.iter().find_map(|name| all.get(name).and_then(|vars| vars.get("ansible_port")))
    });
    Ok(of_us.map(|port| port.text()))
}

/// The connection's options of ssh, where the task wants them.
fn ssh_arguments(call: &Invocation<'_>, kind: &TransportKind) -> Result<Option<String>> {
    if !call.flag("use_ssh_args", false)?
        || !matches!(kind, TransportKind::Ssh(_) | TransportKind::OpenSsh(_))
    {
        return Ok(None);
    }
    // Differs from Ansible: only the host's variables say them, not the configuration; its default is about sharing
    // connections, which the command switches off anyway.
    let mut all = Vec::new();
    for name in ["ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"] {
        all.extend(word(call, name)?);
    }
    Ok(Some(all.join(" ")))
}

impl Way<'_> {
    /// An end on the machine that rsync runs on.
    fn near(&self, host: &str, path: &str) -> Result<String> {
        match LOCALHOST.contains(&host) {
            true => self.here(path),
            false => Ok(self.address(host, path)),
        }
    }

    /// The end on the host of the task.
    fn far(&self, host: &str, path: &str) -> Result<String> {
        if !LOCALHOST.contains(&host) || self.is_remote || !self.at_our_port {
            return Ok(self.address(host, path));
        }
        self.here(path)
    }

    /// A path here: what the task names is looked for as files of roles are.
    fn here(&self, path: &str) -> Result<String> {
        if path.contains(':') || path.starts_with('/') {
            return Ok(path.to_owned());
        }
        let found = match self.call.find_file("files", path) {
            Ok(found) => found,
            Err(_) => self.call.task.play_dir.join(crate::search::home(path)),
        };
        let mut found = found.display().to_string();
        if path.ends_with('/') && !found.ends_with('/') {
            found.push('/');
        }
        Ok(found)
    }

    fn address(&self, host: &str, path: &str) -> String {
        if path.starts_with("rsync://") {
            return path.to_owned();
        }
        let user = match (&self.user, self.container) {
            (Some(user), None) => format!("{user}@"),
            _ => String::new(),
        };
        if host.contains(':') {
            return format!("[{user}{host}]:{path}");
        }
        match (path.contains(':'), path.contains('@')) {
            (false, _) => format!("{user}{host}:{path}"),
            (true, false) => format!("{user}{path}"),
            (true, true) => path.to_owned(),
        }
    }

    /// Lets rsync take the container's program for its shell.
    fn enter(&self, container: &ContainerTarget, kind: &TransportKind, args: &mut Map) {
        let program = match kind {
            TransportKind::Inside(InsideTarget::Podman(_)) => "podman",
            _ => "docker",
        };
        let mut words = vec![container.program.clone().unwrap_or_else(|| program.to_owned())];
        words.extend(container.arguments.iter().cloned());
        words.push("exec".to_owned());
        let whom = self.call.host.become_user.as_ref().map(|whom| whom.user.clone());
        if let Some(user) = whom.or_else(|| self.user.clone()) {
            words.extend(["-u".to_owned(), user]);
        }
        words.push("-i".to_owned());
        let mut options = self.call.list("rsync_opts");
        if !options.iter().any(|option| option == "--blocking-io") {
            options.push("--blocking-io".to_owned());
        }
        options.push(format!("--rsh='{}'", words.join(" ")));
        let options = options.into_iter().map(Value::from).collect();
        args.insert(Value::str("rsync_opts"), Value::list(options));
    }
}
