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
        let Some(stat) = host.stat(&path)? else { continue };
        let key = name.trim_end_matches(".fact").to_owned();
        let text = if stat.mode & 0o100 != 0 {
            // Differs from Ansible: programs in the folder are run in check mode too, as facts are; they only print.
            match host.ask_local_fact(&path) {
                Ok(ran) if ran.ok() => ran.out(),
                Ok(ran) => {
                    host.warn(format!(
                        "Failure executing fact script ({path}), rc: {}, err: {}",
                        ran.rc,
                        ran.err()
                    ));
                    continue;
                }
                Err(fault) => {
                    host.warn(format!(
                        "Could not execute fact script ({path}): {}",
                        fault.outcome().message()
                    ));
                    continue;
                }
            }
        } else {
            String::from_utf8_lossy(&host.read(&path)?).into_owned()
        };
        let value = json::read(&text).ok().or_else(|| ini(&text));
        let value = value.unwrap_or_else(|| {
            Val::from(format!("error loading facts as JSON or ini - please check content: {path}"))
        });
        entries.push((key, value));
    }
    put(facts, "local", Val::Map(entries));
    Ok(())
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
