//! Whole inventories side by side with Ansible: each folder of `testdata/cases` holds sources and what
//! `ansible-inventory --list` (ansible-core 2.19.14) says of them.

use std::path::{Path, PathBuf};

use serde_json::{Map as Json, Value as JsonValue, json};
use shevek_diag::{Diagnostics, Severity};
use shevek_template::Templar;
use shevek_template::plugin::Plugins;
use shevek_vault::{Matching, PasswordSource, Vault};

use crate::{GroupId, Inventory, LoadOptions, load};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases")
}

/// What an inventory file in a case's folder is called.
fn sources(case: &Path) -> Vec<String> {
    if let Ok(list) = std::fs::read_to_string(case.join("cmd")) {
        return list.lines().map(str::to_owned).collect();
    }
    for name in ["inv", "hosts", "hosts.yml", "hosts.toml", "hosts.json", "inv.sh"] {
        if case.join(name).exists() {
            return vec![case.join(name).to_string_lossy().into_owned()];
        }
    }
    panic!("{} has no source", case.display());
}

pub(crate) fn loaded(case: &str) -> (Inventory, Diagnostics) {
    let case = folder().join(case);
    let password = case.join("password");
    let templar = Templar::new(Plugins::new());
    let mut options = LoadOptions { cwd: folder(), expressions: Some(&templar), ..LoadOptions::default() };
    if password.exists() {
        let sources = [("default".to_owned(), PasswordSource::File(password))];
        options.vault = Vault::gather(&sources, Matching::Any, &|_| panic!("nobody is asked")).unwrap().0;
    }
    load(&sources(&case), &options)
}

/// The same as `ansible-inventory --list`.
fn listed(inventory: &Inventory) -> JsonValue {
    let mut out = Json::new();
    let mut waiting = vec![GroupId::ALL];
    while let Some(id) = waiting.pop() {
        let group = inventory.group(id);
        let mut entry = Json::new();
        let hosts: Vec<&str> = group.hosts().map(|id| inventory.host(id).name().as_str()).collect();
        let children: Vec<&str> = group.children().map(|id| inventory.group(id).name().as_str()).collect();
        if !hosts.is_empty() && id != GroupId::ALL {
            entry.insert("hosts".into(), json!(hosts));
        }
        if !children.is_empty() {
            entry.insert("children".into(), json!(children));
        }
        if !entry.is_empty() {
            out.insert(group.name().to_string(), entry.into());
        }
        waiting.extend(group.children());
    }
    let mut vars = Json::new();
    for id in inventory.hosts_of(GroupId::ALL).iter() {
        let mut all = Json::new();
        for layer in inventory.host_vars(*id).unwrap() {
            for (name, value) in layer.vars.iter() {
                all.insert(name.text(), serde_json::to_value(value).unwrap());
            }
        }
        all.remove("inventory_file");
        all.remove("inventory_dir");
        if !all.is_empty() {
            vars.insert(inventory.host(*id).name().to_string(), all.into());
        }
    }
    out.insert("_meta".into(), json!({ "hostvars": vars }));
    out.into()
}

/// Warnings that cases are about.
fn is_meant(summary: &str) -> bool {
    ["same name", "constructed inventory failed"].iter().any(|meant| summary.contains(meant))
}

#[test]
fn inventories_are_what_ansible_makes_of_them() {
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let case = entry.unwrap().file_name().into_string().unwrap();
        let expected = std::fs::read_to_string(folder().join(&case).join("expected.json")).unwrap();
        let expected: JsonValue = serde_json::from_str(&expected).unwrap();
        let (inventory, found) = loaded(&case);
        let errors: Vec<String> = found
            .iter()
            .filter(|d| d.severity == Severity::Error || !is_meant(&d.summary))
            .map(ToString::to_string)
            .collect();
        if !errors.is_empty() {
            wrong.push(format!("{case}: {errors:?}"));
        }
        compare(&case, &expected, &listed(&inventory), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn compare(path: &str, expected: &JsonValue, got: &JsonValue, wrong: &mut Vec<String>) {
    // Ansible marks text that is no template; here the mark is not written.
    let expected = expected.get("__ansible_unsafe").unwrap_or(expected);
    match (expected, got) {
        (JsonValue::Object(a), JsonValue::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let (a, b) = (a.get(key).unwrap_or(&JsonValue::Null), b.get(key).unwrap_or(&JsonValue::Null));
                compare(&format!("{path}/{key}"), a, b, wrong);
            }
        }
        _ if expected == got => {}
        _ => wrong.push(format!("{path}: Ansible {expected}, here {got}")),
    }
}

#[test]
fn groups_list_their_hosts_in_ansibles_order() {
    for case in ["folder", "order", "ini", "yaml", "priority"] {
        let expected = std::fs::read_to_string(folder().join(case).join("groups.json")).unwrap();
        let expected: JsonValue = serde_json::from_str(&expected).unwrap();
        let got = serde_json::to_value(loaded(case).0.groups_variable()).unwrap();
        assert_eq!(got.to_string(), expected.to_string(), "{case}");
    }
}

#[test]
fn magic_variables_come_from_the_inventory() {
    let (inventory, _) = loaded("folder");
    let w1 = inventory.find_host("w1").unwrap();
    let names: Vec<String> = inventory.group_names(w1).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["prod", "web"]);
    let d2 = inventory.find_host("d2").unwrap();
    let file = inventory.host(d2).source()["inventory_file"].text();
    assert!(file.ends_with("folder/inv/sub/hosts.ini"), "{file}");
}

#[test]
fn localhost_is_always_there() {
    let (inventory, _) = loaded("order");
    let local = inventory.find_host("127.0.0.1").unwrap();
    assert!(inventory.host(local).is_implicit());
    assert_eq!(inventory.host(local).vars()["ansible_connection"].text(), "local");
    assert_eq!(inventory.host_ids().count(), inventory.host_count());
    let (inventory, _) = loaded("several");
    let local = inventory.find_host("127.0.0.1").unwrap();
    assert_eq!(inventory.host(local).name().as_str(), "localhost");
    assert!(!inventory.host(local).is_implicit());
}

#[test]
fn hosts_and_groups_are_added_while_a_run_goes_on() {
    let (mut inventory, _) = loaded("order");
    let before = inventory.clone();
    let vars = [("a", 1)].into_iter().map(|(k, v)| (k.into(), v.into())).collect();
    let (host, changed) = inventory.add_host("new", &["a", "fresh"], &vars).unwrap();
    assert!(changed && before.find_host("new").is_none());
    assert!(!inventory.add_host("new", &["a", "fresh"], &vars).unwrap().1);
    let names: Vec<String> = inventory.group_names(host).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a", "fresh", "top"]);
    assert!(inventory.group_by(host, "os_debian", &["os"]).unwrap());
    assert!(!inventory.group_by(host, "os_debian", &["os"]).unwrap());
    assert_eq!(inventory.select("os", None).unwrap(), [host]);
    assert!(inventory.group_by(host, "os", &["os_debian"]).is_err(), "that would be a circle");
    // What is put right for one host is what putting all right gives.
    let z9 = inventory.find_host("z9").unwrap();
    inventory.group_by(z9, "lately", &[]).unwrap();
    inventory.add_host("loner", &[], &Default::default()).unwrap();
    let mut anew = inventory.clone();
    anew.reconcile();
    assert_eq!(anew.groups_variable(), inventory.groups_variable());
    for id in inventory.host_ids() {
        assert_eq!(anew.groups_of(id), inventory.groups_of(id), "{}", inventory.host(id).name());
    }
}

#[test]
fn a_source_that_cannot_be_read_leaves_nothing_behind_and_is_warned_about() {
    let folder = std::env::temp_dir().join(format!("shevek-inventory-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("bad.ini"), "good\n[web:children]\nnowhere\n").unwrap();
    std::fs::write(folder.join("bad.yml"), "all:\n  hosts:\n    a: b: c\n").unwrap();
    let sources = ["bad.ini", "bad.yml", "missing"].map(str::to_owned);
    let mut options = LoadOptions { cwd: folder.clone(), ..LoadOptions::default() };
    let (inventory, found) = load(&sources, &options);
    assert_eq!(inventory.host_count(), 0);
    assert!(!found.has_errors());
    let told: Vec<String> = found.iter().map(|d| d.message()).collect();
    assert_eq!(
        told[0],
        "INI inventory parsing failed: section [web:children] includes undefined group `nowhere`"
    );
    assert_eq!(found.iter().next().unwrap().labels[0].origin.line, 3);
    assert_eq!(told[1], "YAML parsing failed: Mapping values are not allowed in this context.");
    assert!(told[2].starts_with("inventory source not found: there is no `"));
    assert_eq!(told[3], "no inventory was parsed: only the implicit localhost is available");
    options.any_unparsed_is_error = true;
    assert!(load(&sources, &options).1.has_errors());
}

#[test]
fn files_beside_the_playbook_come_after_those_beside_the_inventory() {
    let (mut inventory, _) = loaded("folder");
    inventory.set_playbook_dir(Some(&folder().join("folder")));
    let w1 = inventory.find_host("w1").unwrap();
    let layers = inventory.host_vars(w1).unwrap();
    let places: Vec<String> = layers.iter().map(|layer| format!("{:?}", layer.place)).collect();
    assert_eq!(
        places,
        [
            "Groups",
            "AllFiles",
            "AllPlaybookFiles",
            "GroupsFiles",
            "GroupsFiles",
            "Source",
            "Host",
            "HostFiles"
        ]
    );
    let d1 = inventory.find_host("d1").unwrap();
    let w2 = inventory.find_host("w2").unwrap();
    let shared = |a, b| {
        std::sync::Arc::ptr_eq(&inventory.group_layers(a).unwrap(), &inventory.group_layers(b).unwrap())
    };
    assert!(shared(w1, w2) && !shared(w1, d1), "hosts of the same groups share their layers");
}

#[test]
fn ten_thousand_hosts_share_what_they_have_in_common() {
    let folder = std::env::temp_dir().join(format!("shevek-many-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("group_vars")).unwrap();
    std::fs::write(folder.join("group_vars/web.yml"), "a: 1\n").unwrap();
    std::fs::write(folder.join("hosts"), "[web]\nweb[0001:9999] port=80\n[web:vars]\nb=2\n").unwrap();
    let options = LoadOptions { cwd: folder, ..LoadOptions::default() };
    let (inventory, found) = load(&["hosts".to_owned()], &options);
    assert!(found.is_empty());
    let hosts = inventory.select("web", None).unwrap();
    assert_eq!(hosts.len(), 9999);
    let first = inventory.group_layers(hosts[0]).unwrap();
    for host in hosts.iter().copied() {
        let layers = inventory.group_layers(host).unwrap();
        assert!(std::ptr::eq(&*layers, &*first));
        assert!(std::sync::Arc::ptr_eq(inventory.host(host).vars(), inventory.host(hosts[0]).vars()));
    }
}
