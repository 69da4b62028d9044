//! Groups of actions, for `module_defaults` of `group/NAME`: what collections say in `meta/runtime.yml`.

use std::collections::HashSet;

use shevek_value::Value;

use crate::catalogue::{BUILTIN, LEGACY};
use crate::loader::Loader;
use crate::model::Task;

/// Groups that once were Ansible's own, and where they are now.
const MOVED: [(&str, &str); 12] = [
    ("acme", "community.crypto.acme"),
    ("aws", "amazon.aws.aws"),
    ("azure", "azure.azcollection.azure"),
    ("cpm", "wti.remote.cpm"),
    ("docker", "community.docker.docker"),
    ("gcp", "google.cloud.gcp"),
    ("k8s", "community.kubernetes.k8s"),
    ("kubernetes", "kubernetes.core.k8s"),
    ("os", "openstack.cloud.os"),
    ("ovirt", "ovirt.ovirt.ovirt"),
    ("vmware", "community.vmware.vmware"),
    ("win", "ansible.windows.win"),
];

impl Loader {
    /// Whether an action (by its canonical name) is in a group as a task names it (`aws`, `amazon.aws.aws`).
    pub fn is_in_group(&self, action: &str, group: &str, task: &Task) -> bool {
        let mut full: Vec<String> = Vec::new();
        if group.split('.').count() >= 3 {
            full.push(group.to_owned());
        } else {
            let own = task.collections.iter().filter(|name| ![BUILTIN, LEGACY].contains(&&***name));
            full.extend(own.map(|collection| format!("{collection}.{group}")));
            full.extend(MOVED.iter().filter(|(old, _)| *old == group).map(|(_, new)| (*new).to_owned()));
        }
        full.iter().any(|group| self.has(group, action, task, &mut HashSet::new()))
    }

    fn has(&self, group: &str, action: &str, task: &Task, seen: &mut HashSet<String>) -> bool {
        let mut parts = group.splitn(3, '.');
        let (Some(namespace), Some(collection), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        if !seen.insert(group.to_owned()) {
            return false;
        }
        let home = format!("{namespace}.{collection}");
        let mut roots = self.collection_roots(&task.play_dir).into_iter();
        let file = roots.find_map(|root| {
            let file = root.join(namespace).join(collection).join("meta/runtime.yml");
            file.is_file().then_some(file)
        });
        let Some(read) = file.and_then(|file| self.file(&file).ok()) else { return false };
        let members =
            read.get("action_groups").and_then(|groups| groups.get(name)).cloned().unwrap_or_default();
        members.as_list().into_iter().flatten().any(|member| match member.as_str() {
            Some(member) if member.contains('.') => self.catalogue.canonical(member) == action,
            Some(member) => {
                format!("{home}.{member}") == action || self.catalogue.canonical(member) == action
            }
            None => extended(member).iter().any(|other| self.has(&within(other, &home), action, task, seen)),
        })
    }
}

/// The groups that a group takes in: `metadata: { extend_group: [NAME] }`.
fn extended(member: &Value) -> Vec<String> {
    let groups = member.get("metadata").and_then(|metadata| metadata.get("extend_group"));
    groups.map(crate::keyword::list).unwrap_or_default().iter().map(Value::text).collect()
}

/// A name in a collection's own words, in full.
fn within(name: &str, home: &str) -> String {
    if name.split('.').count() >= 3 { name.to_owned() } else { format!("{home}.{name}") }
}
