//! Facts that the host's administrator put into a folder: JSON, INI, or programs that print either.

use shevek_kit::json;
use shevek_kit::prelude::*;

use super::{Facts, Wanted, put};

/// `local`: each `NAME.fact` of the folder under its name.
pub(super) fn collect(host: &Probe, wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let folder = host.expand(&wanted.fact_path);
    let mut names: Vec<String> = host
        .list(&folder)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".fact"))
        .collect();
    names.sort();
    let mut entries: Vec<(String, Val)> = Vec::new();
    for name in names {
        let path = format!("{folder}/{name}");
        let key = name.trim_end_matches(".fact").to_owned();
        // What went wrong with a fact is told in its place, and as a warning.
        let mut failed = |why: String| {
            host.warn(why.clone());
            entries.push((key.clone(), why.into()));
        };
        let Some(stat) = host.stat(&path)? else {
            failed(format!("Could not stat fact ({path}): [Errno 2] No such file or directory: '{path}'"));
            continue;
        };
        let text = if stat.mode & 0o100 != 0 {
            // Differs from Ansible: programs in the folder are run in check mode too, as facts are; they only print.
            match host.ask_local_fact(&path) {
                Ok(ran) if ran.ok() => ran.out(),
                Ok(ran) => {
                    failed(format!(
                        "Failure executing fact script ({path}), rc: {}, err: {}",
                        ran.rc,
                        ran.err()
                    ));
                    continue;
                }
                Err(fault) => {
                    failed(format!("Could not execute fact script ({path}): {}", fault.message));
                    continue;
                }
            }
        } else {
            String::from_utf8_lossy(&host.read(&path).unwrap_or_default()).into_owned()
        };
        match json::read(&text).ok().or_else(|| ini(&text)) {
            None => failed(format!("error loading facts as JSON or ini - please check content: {path}")),
            Some(value) => match stray_percent(&value) {
                Some(stray) => {
                    failed(format!("error loading facts as ini - please check content: {path} ({stray})"));
                }
                None => entries.push((key, value)),
            },
        }
    }
    put(facts, "local", Val::Map(entries));
    Ok(())
}

/// A value of an INI file that Python's configparser refuses: `%` starts a reference there.
fn stray_percent(value: &Val) -> Option<String> {
    let sections = value.as_map()?;
    let mut values = sections.iter().filter_map(|(_, section)| section.as_map()).flatten();
    let is_stray = |text: &str| text.replace("%%", "").contains('%');
    let (_, found) = values.find(|(_, value)| value.as_str().is_some_and(is_stray))?;
    Some(format!("'%' must be followed by '%' or '(', found: '{}'", found.as_str().unwrap_or_default()))
}

/// Sections of `key = value` lines; keys are lower-cased, as Python's configparser has them.
fn ini(text: &str) -> Option<Val> {
    let mut sections: Vec<(String, Val)> = Vec::new();
    for entry in text.lines().map(str::trim) {
        if entry.is_empty() || entry.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.to_owned(), Val::Map(Vec::new())));
            continue;
        }
        let (key, value) = entry.split_once(['=', ':'])?;
        let (_, Val::Map(entries)) = sections.last_mut()? else { return None };
        entries.push((key.trim().to_lowercase(), value.trim().into()));
    }
    (!sections.is_empty()).then_some(Val::Map(sections))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sections() {
        let value = ini("# x\n[general]\nName = web\nport: 80\n").unwrap();
        let general = value.get("general").unwrap();
        assert_eq!(general.get("name").and_then(Val::as_str), Some("web"));
        assert_eq!(general.get("port").and_then(Val::as_str), Some("80"));
        assert!(ini("no section = 1").is_none());
    }

    #[test]
    fn files_become_facts_under_their_names() {
        let world = World::new()
            .file("/etc/ansible/facts.d/a.fact", "{\"x\": 1}")
            .file("/etc/ansible/facts.d/b.fact", "[s]\nk = v\n")
            .file("/etc/ansible/facts.d/c.txt", "no");
        let mut facts = Facts::new();
        let wanted = Wanted { subsets: Vec::new(), fact_path: "/etc/ansible/facts.d".to_owned() };
        collect(&world.probe(), &wanted, &mut facts).unwrap();
        let (_, local) = facts.first().unwrap();
        assert_eq!(local.get("a").and_then(|a| a.get("x")).and_then(Val::as_int), Some(1));
        assert_eq!(local.as_map().unwrap().len(), 2);
    }
}
