//! Executable files that print an inventory as JSON: `--list`, and `--host NAME` where that has no `_meta`.
//!
//! ```json
//! { "web": { "hosts": ["web1"], "vars": { "http_port": 80 }, "children": [] },
//!   "_meta": { "hostvars": { "web1": { "ansible_host": "10.0.0.1" } } } }
//! ```

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use shevek_diag::{Diagnostic, Kind as Mender, Result, Source};
use shevek_value::{IndexSet, Kind as ValueKind, Value};
use shevek_yaml::Options;

use crate::LoadOptions;
use crate::source::{Candidate, Kind, Outcome};
use crate::step::{Step, Steps};

/// See the module.
pub struct Script;

impl Kind for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn wants(&self, candidate: &Candidate) -> bool {
        use std::os::unix::fs::PermissionsExt;
        let is_executable = |path: &Path| {
            path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        };
        candidate.path().is_some_and(is_executable)
    }

    fn read(&self, candidate: &Candidate, options: &LoadOptions<'_>) -> Outcome {
        let Some(path) = candidate.path() else { return Outcome::Steps(Steps::default()) };
        read(path, options).into()
    }
}

fn read(path: &Path, options: &LoadOptions<'_>) -> Result<Steps> {
    let output = run(path, &["--list"])?;
    let all = json(&output, options)?;
    let Some(groups) = all.as_map() else {
        return Err(invalid(&all, "the whole", "a mapping of groups"));
    };
    let mut steps = Steps::default();
    let mut hosts: IndexSet<Arc<str>> = IndexSet::new();
    for (name, group) in groups {
        let name = name.text();
        if name != "_meta" {
            self::group(&name, group, &mut hosts, &mut steps)?;
        }
    }
    let known = match all.get("_meta").map(|meta| (meta, meta.get("hostvars"))) {
        None => None,
        Some((_, Some(vars))) if vars.as_map().is_some() => vars.as_map(),
        Some((meta, vars)) => return Err(invalid(vars.unwrap_or(meta), "`_meta.hostvars`", "a mapping")),
    };
    let asked: Vec<(Arc<str>, Option<Value>)> = match known {
        Some(known) => hosts.into_iter().map(|host| (host.clone(), known.get(&*host).cloned())).collect(),
        None => hosts
            .into_iter()
            .collect::<Vec<_>>()
            .par_iter()
            .map(|host| ask(path, host, options).map(|vars| (host.clone(), vars)))
            .collect::<Result<_>>()?,
    };
    for (host, vars) in asked {
        let Some(vars) = vars else { continue };
        let Some(map) = vars.as_map() else {
            return Err(invalid(&vars, &format!("variables of host `{host}`"), "a mapping"));
        };
        let step = Step::Hosts {
            names: vec![host],
            group: None,
            port: None,
            vars: Arc::new(map.clone()),
            origin: vars.origin().cloned(),
        };
        steps.steps.push(step);
    }
    Ok(steps)
}

fn group(name: &str, value: &Value, hosts: &mut IndexSet<Arc<str>>, steps: &mut Steps) -> Result<()> {
    let group: Arc<str> = name.into();
    steps.group(group.clone(), value.origin());
    let own = Value::list(vec![Value::str(name)]);
    let sections = ["hosts", "vars", "children"];
    // A bare list is one of hosts; a mapping without any of the sections is the variables of a host of that name.
    let (members, vars, children) = match value.as_map() {
        Some(map) if sections.iter().any(|section| map.contains_key(*section)) => {
            (map.get("hosts"), map.get("vars"), map.get("children"))
        }
        Some(_) => (Some(&own), Some(value), None),
        None => (Some(value), None, None),
    };
    if let Some(members) = members {
        let ValueKind::List(items) = members.kind() else {
            return Err(invalid(members, &format!("`{name}.hosts`"), "a list"));
        };
        let names: Vec<Arc<str>> = items.iter().map(|item| item.text().into()).collect();
        hosts.extend(names.iter().cloned());
        let origin = members.origin().cloned();
        let vars = Arc::default();
        steps.steps.push(Step::Hosts { names, group: Some(group.clone()), port: None, vars, origin });
    }
    if let Some(vars) = vars {
        let Some(map) = vars.as_map() else {
            return Err(invalid(vars, &format!("`{name}.vars`"), "a mapping"));
        };
        for (name, value) in map {
            steps.group_variable(&group, name.clone(), value.clone());
        }
    }
    for child in children.and_then(Value::as_list).into_iter().flatten() {
        let child_name: Arc<str> = child.text().into();
        steps.group(child_name.clone(), child.origin());
        steps.child(&group, &child_name, child.origin());
    }
    Ok(())
}

fn ask(path: &Path, host: &str, options: &LoadOptions<'_>) -> Result<Option<Value>> {
    let output = run(path, &["--host", host])?;
    if output.text().trim().is_empty() { Ok(None) } else { json(&output, options).map(Some) }
}

fn run(path: &Path, arguments: &[&str]) -> Result<Arc<Source>> {
    let name = format!("{} {}", path.display(), arguments.join(" "));
    let failed = |detail: String| {
        Diagnostic::new("inventory script failed").kind(Mender::Machine).detail(format!("`{name}` {detail}"))
    };
    let output = Command::new(path)
        .args(arguments)
        .stdin(Stdio::inherit())
        .output()
        .map_err(|why| failed(format!("could not be run: {why}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let hint = |error: Box<Diagnostic>| {
        if said.trim().is_empty() {
            error
        } else {
            error.help(format!("it wrote to standard error: {}", said.trim()))
        }
    };
    if !output.status.success() {
        return Err(hint(failed(format!("ended with {}", output.status))));
    }
    match String::from_utf8(output.stdout) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(_) => Err(hint(failed("printed what is not UTF-8 text".to_owned()))),
    }
}

/// What a script prints, all text template: the user chose the script.
fn json(output: &Arc<Source>, options: &LoadOptions<'_>) -> Result<Value> {
    let trusted = Options { trusted: true, vault: Some(&options.vault), ..Options::default() };
    shevek_yaml::load_json(output, &trusted).ok_or_else(|| {
        Diagnostic::new("inventory script failed")
            .kind(Mender::Machine)
            .detail(format!("`{}` did not print JSON", output.name()))
            .at(&shevek_diag::Origin::whole(output), "")
    })
}

fn invalid(value: &Value, what: &str, wanted: &str) -> Box<Diagnostic> {
    Diagnostic::new("inventory has invalid structure")
        .detail(format!("{what} must be {wanted}, not {}", value.type_name()))
        .at_maybe(value.origin(), "")
}
