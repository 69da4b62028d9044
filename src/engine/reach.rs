//! How a task reaches its host, and as whom.

use std::sync::Arc;
use std::time::Duration;

use shevek_actions::{Host, truth};
use shevek_connection::{Secret, SshConfigError, SshOptions, Target, TransportKind};
use shevek_diag::{Diagnostic, Result};
use shevek_playbook::Task;
use shevek_proto::{Become, BecomeMethod, Mode};
use shevek_value::{Map, Value};
use shevek_vars::HostScope;

use crate::{Run, inside, keyword, span};

/// The host of a task: the way there, whom to become, environment and mode.
///
/// `scope` is the task's; `there` that of the host that does the work, which is another one under `delegate_to`.
pub(crate) fn host(run: &Run, task: &Task, scope: &HostScope, there: &HostScope) -> Result<Host> {
    let keywords = &task.keywords;
    let options = &run.options;
    let check = keyword::flag(scope, "check_mode", keywords.check_mode.as_ref())?.unwrap_or(options.check);
    let diff = keyword::flag(scope, "diff", keywords.diff.as_ref())?.unwrap_or(options.diff);
    let timeout = keyword::number(scope, "timeout", keywords.timeout.as_ref())?;
    let seconds = timeout.map_or(options.task_timeout, |seconds| seconds as u32);
    let target = target(run, task, scope, there)?;
    let mut become_user = whom(run, task, scope, there)?;
    if let Some(whom) = &mut become_user
        && let Some(seconds) = time_to_become(&target, there)?
    {
        whom.within = seconds;
    }
    Ok(Host {
        pool: run.pool.clone(),
        target: Arc::new(target),
        become_user,
        environment: environment(task, scope)?,
        mode: Mode { check, diff, ..Mode::default() },
        timeout: Some(seconds).filter(|seconds| *seconds > 0),
        deadline: None,
        retries: retries(run, there)?,
        job: None,
        lane: None,
        last: Arc::default(),
    })
}

/// How often a host that does not answer is tried again.
fn retries(run: &Run, there: &HostScope) -> Result<u32> {
    let named = variable(there, &["ansible_ssh_retries"])?;
    let number = named.and_then(|value| value.as_int().or_else(|| value.text().trim().parse().ok()));
    Ok(number.and_then(|times| u32::try_from(times).ok()).unwrap_or(run.options.reach.ssh_retries))
}

/// A connection variable of the host that does the work.
fn variable(there: &HostScope, names: &[&str]) -> Result<Option<Value>> {
    for name in names {
        if let Some(value) = there.rendered_variable(name)?
            && !value.is_omit()
            && !value.is_null()
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn word(there: &HostScope, names: &[&str]) -> Result<Option<String>> {
    Ok(variable(there, names)?.map(|value| value.text()).filter(|text| !text.is_empty()))
}

fn target(run: &Run, task: &Task, scope: &HostScope, there: &HostScope) -> Result<Target> {
    let options = &run.options.reach;
    let name = there.fleet().host_name(there.host()).to_string();
    let named = match word(there, &["ansible_connection"])? {
        Some(connection) => Some(connection),
        None => keyword::text(scope, task.keywords.connection.as_ref())?,
    };
    let connection = named.or_else(|| options.connection.clone()).unwrap_or_else(|| "ssh".to_owned());
    match short(&connection) {
        "local" => Ok(Target::local(name)),
        "ssh" | "smart" | "paramiko" | "paramiko_ssh" => {
            let ssh = ssh(run, task, scope, there)?.resolve(&run.ssh).map_err(unusable)?;
            Ok(Target::ssh(name, ssh))
        }
        "openssh" => {
            let program = word(there, &["ansible_ssh_executable"])?;
            let ssh = ssh(run, task, scope, there)?.openssh(program.as_deref()).map_err(unusable)?;
            Ok(Target { name: name.into(), kind: TransportKind::OpenSsh(ssh) })
        }
        other => {
            let user = user(run, task, scope, there)?;
            let inside = inside::target(other, &name, user, &|names| word(there, names))?;
            let unknown = unknown(other, &name, task);
            let kind = inside.map(TransportKind::Inside).ok_or(unknown)?;
            Ok(Target { name: name.into(), kind })
        }
    }
}

fn unknown(connection: &str, host: &str, task: &Task) -> Box<Diagnostic> {
    const KNOWN: [&str; 7] = ["ssh", "local", "openssh", "docker", "podman", "kubectl", "chroot"];
    Diagnostic::new("connection not supported")
        .detail(format!("host {host} is to be reached by `{connection}`"))
        .help(format!("supported are {}", KNOWN.join(", ")))
        .did_you_mean(connection, KNOWN)
        .at_maybe(task.keywords.connection.as_ref().and_then(Value::origin), "")
        .or_at(task.origin.as_ref())
}

fn unusable(error: SshConfigError) -> Box<Diagnostic> {
    let report = Diagnostic::new("SSH settings that cannot be used").detail(error.to_string());
    match error.help {
        Some(help) => report.help(help),
        None => report,
    }
}

/// Whom a task logs in as.
fn user(run: &Run, task: &Task, scope: &HostScope, there: &HostScope) -> Result<Option<String>> {
    Ok(match word(there, &["ansible_user", "ansible_ssh_user"])? {
        Some(user) => Some(user),
        None => keyword::text(scope, task.keywords.remote_user.as_ref())?
            .or_else(|| run.options.reach.user.clone()),
    })
}

fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}

fn ssh(run: &Run, task: &Task, scope: &HostScope, there: &HostScope) -> Result<SshOptions> {
    let options = &run.options.reach;
    let keywords = &task.keywords;
    let name = there.fleet().host_name(there.host()).to_string();
    let mut ssh = SshOptions::new(word(there, &["ansible_host", "ansible_ssh_host"])?.unwrap_or(name));
    ssh.user = user(run, task, scope, there)?;
    let port = match variable(there, &["ansible_port", "ansible_ssh_port"])? {
        Some(port) => Some(port),
        None => keyword::value(scope, keywords.port.as_ref())?,
    };
    ssh.port = port.map(|port| to_port(&port)).transpose()?;
    ssh.private_key_file = word(there, &["ansible_private_key_file", "ansible_ssh_private_key_file"])?
        .or_else(|| options.private_key.clone());
    ssh.private_key = word(there, &["ansible_private_key", "ansible_ssh_private_key"])?.map(Secret::new);
    ssh.passphrase = word(there, &["ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"])?
        .map(Secret::new);
    ssh.password = word(there, &["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])?
        .or_else(|| options.password.clone())
        .map(Secret::new);
    let [common, extra, base] = &options.ssh_args;
    ssh.ssh_common_args = word(there, &["ansible_ssh_common_args"])?.or_else(|| common.clone());
    ssh.ssh_extra_args = word(there, &["ansible_ssh_extra_args"])?.or_else(|| extra.clone());
    ssh.ssh_args = word(there, &["ansible_ssh_args"])?.or_else(|| base.clone());
    let checking = match variable(there, &["ansible_host_key_checking", "ansible_ssh_host_key_checking"])? {
        Some(value) => truth(&value).unwrap_or(options.host_key_checking),
        None => options.host_key_checking,
    };
    ssh.host_key_checking = Some(checking);
    ssh.timeout = match variable(there, &["ansible_ssh_timeout", "ansible_timeout"])? {
        Some(value) => Some(span::of_value("ansible_timeout", &value)?),
        None => options.timeout.map(Duration::from_secs),
    };
    Ok(ssh)
}

fn to_port(value: &Value) -> Result<u16> {
    let number = value.as_int().or_else(|| value.text().trim().parse().ok());
    number.and_then(|port| u16::try_from(port).ok()).ok_or_else(|| {
        Diagnostic::new("not a port")
            .detail(format!("{} is not a port number", value.repr()))
            .or_at(value.origin())
    })
}

fn whom(run: &Run, task: &Task, scope: &HostScope, there: &HostScope) -> Result<Option<Become>> {
    let options = &run.options.reach;
    let keywords = &task.keywords;
    let wanted = match variable(there, &["ansible_become"])? {
        Some(value) => truth(&value).unwrap_or(false),
        None => keyword::flag(scope, "become", keywords.become_.as_ref())?.unwrap_or(options.become_root),
    };
    if !wanted {
        return Ok(None);
    }
    let named = match word(there, &["ansible_become_method"])? {
        Some(method) => Some(method),
        None => {
            keyword::text(scope, keywords.become_method.as_ref())?.or_else(|| options.become_method.clone())
        }
    };
    let named = named.unwrap_or_else(|| "sudo".to_owned());
    let method = match short(&named) {
        "sudo" => BecomeMethod::Sudo,
        "su" => BecomeMethod::Su,
        "doas" | "community.general.doas" => BecomeMethod::Doas,
        "runuser" => BecomeMethod::Runuser,
        other => {
            return Err(Diagnostic::new("become method not supported")
                .detail(format!("`{other}` is not a way to become another user here"))
                .help("supported are sudo, su, doas and runuser")
                .did_you_mean(other, ["sudo", "su", "doas", "runuser"])
                .or_at(task.origin.as_ref()));
        }
    };
    let names = |setting: &str| [format!("ansible_become_{setting}"), format!("ansible_{named}_{setting}")];
    let own = |setting: &str| {
        let names = names(setting);
        word(there, &[names[0].as_str(), names[1].as_str()])
    };
    let user = match own("user")? {
        Some(user) => Some(user),
        None => keyword::text(scope, keywords.become_user.as_ref())?.or_else(|| options.become_user.clone()),
    };
    let flags = match own("flags")? {
        Some(flags) => Some(flags),
        None => {
            keyword::text(scope, keywords.become_flags.as_ref())?.or_else(|| options.become_flags.clone())
        }
    };
    let exe = match own("exe")? {
        Some(exe) => Some(exe),
        None => keyword::text(scope, keywords.become_exe.as_ref())?.or_else(|| options.become_exe.clone()),
    };
    let password = match (own("password")?, own("pass")?) {
        (Some(password), _) | (None, Some(password)) => Some(password),
        (None, None) => options.become_password.clone(),
    };
    if let Some(password) = &password {
        run.sink.masker().learn_text(password);
    }
    let prompts = match variable(there, &["ansible_su_prompt_l10n"])? {
        Some(value) => match value.as_list() {
            Some(items) => items.iter().map(Value::text).collect(),
            None => value.text().split(',').map(|prompt| prompt.trim().to_owned()).collect(),
        },
        None => options.su_prompts.clone(),
    };
    let prompts =
        prompts.into_iter().filter(|prompt| method == BecomeMethod::Su && !prompt.is_empty()).collect();
    let user = user.unwrap_or_else(|| "root".to_owned());
    Ok(Some(Become { method, user, exe, flags, password, prompts, within: options.become_within }))
}

/// Seconds that becoming another user may take, where the host's variables say so. As in Ansible the time to connect counts
/// for it, too, and a bit more.
fn time_to_become(target: &Target, there: &HostScope) -> Result<Option<u32>> {
    let seconds = |name: &str, more: f64| -> Result<Option<u32>> {
        let Some(value) = variable(there, &[name])? else { return Ok(None) };
        Ok(Some((span::of_value(name, &value)?.as_secs_f64() + more).ceil() as u32))
    };
    match target.kind {
        TransportKind::Local(_) => seconds("ansible_local_become_success_timeout", 0.0),
        _ => Ok(seconds("ansible_ssh_timeout", 2.0)?.or(seconds("ansible_timeout", 2.0)?)),
    }
}

fn gathers_facts(task: &Task) -> bool {
    matches!(&*task.action.resolved, "gather_facts" | "setup")
}

/// `environment`, the play's first, the task's own last and strongest.
fn environment(task: &Task, scope: &HostScope) -> Result<Vec<(String, String)>> {
    let mut all = Map::default();
    for written in &task.keywords.environment {
        if let Some(map) = written.as_map() {
            for (name, written) in map {
                // Nothing is the text `None`; only what is omitted is left out.
                let rendered = match scope.fleet().templar.render(written, scope) {
                    // Facts about the environment are not there before facts are gathered.
                    Err(error) if gathers_facts(task) && error.message().contains("ansible_env") => continue,
                    rendered => rendered.map_err(|error| keyword::unusable("environment", error))?,
                };
                if !rendered.is_omit() {
                    all.insert(name.clone(), rendered);
                }
            }
            continue;
        }
        let value = keyword::value(scope, Some(written));
        let Some(value) = value.map_err(|error| keyword::unusable("environment", error))? else { continue };
        let Some(map) = value.as_map() else {
            scope.fleet().warn(
                Diagnostic::warning("wrong value of a keyword")
                    .detail(format!("could not parse environment value, skipping: {}", value.repr()))
                    .at_maybe(written.origin(), "")
                    .help("an entry is a mapping, or a template that gives one"),
            );
            continue;
        };
        all.extend(map.iter().filter(|(_, v)| !v.is_omit()).map(|(k, v)| (k.clone(), v.clone())));
    }
    Ok(all.iter().map(|(name, value)| (name.text(), value.text())).collect())
}
