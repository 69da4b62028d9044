//! Reading the sources anew while a run goes on (`meta: refresh_inventory`).

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use shevek_diag::Result;

use crate::inventory::Added;
use crate::{Host, HostId, HostName, Inventory};

impl Inventory {
    /// Takes over what the sources say now. Ids of hosts stay valid: a host that is gone is in no group and no listing
    /// any more. What the run itself has added is added again.
    pub fn refresh(&mut self, read: Inventory) -> Result<()> {
        let known: HashMap<HostName, HostId> =
            (0..).zip(&self.hosts).map(|(id, host)| (host.name.clone(), HostId(id))).collect();
        let mut hosts: Vec<Arc<Host>> = self.hosts.iter().map(|host| Arc::new(gone(host))).collect();
        let mut ids = Vec::with_capacity(read.hosts.len());
        for host in &read.hosts {
            let id = match known.get(&host.name) {
                Some(id) => {
                    if let Some(place) = hosts.get_mut(id.index()) {
                        *place = host.clone();
                    }
                    *id
                }
                None => {
                    hosts.push(host.clone());
                    HostId((hosts.len() - 1) as u32)
                }
            };
            ids.push(id);
        }
        let now = |old: &HostId| ids.get(old.index()).copied().unwrap_or(*old);
        let mut groups = read.groups;
        for group in &mut groups {
            let group = Arc::make_mut(group);
            group.hosts = group.hosts.iter().map(now).collect();
            group.all_hosts = OnceLock::new();
        }
        let added = std::mem::take(&mut self.added);
        *self = Self {
            hosts,
            groups,
            host_ids: Arc::new(read.host_ids.iter().map(|(name, id)| (name.clone(), now(id))).collect()),
            implicit: read.implicit.iter().map(now).collect(),
            localhost: read.localhost.as_ref().map(now),
            ..read
        };
        self.reconcile();
        for step in added {
            match step {
                Added::Host { name, groups, vars } => {
                    self.bring_back(&name, &known);
                    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                    self.add_host(&name, &groups, &vars)?;
                }
                Added::Group { host, group, parents } if !self.host(host).implicit => {
                    let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
                    self.group_by(host, &group, &parents)?;
                }
                Added::Group { .. } => {}
            }
        }
        Ok(())
    }
}

impl Inventory {
    /// Gives a host that only the run named the id that it had.
    fn bring_back(&mut self, name: &str, known: &HashMap<HostName, HostId>) {
        let Some((name, id)) =
            known.get_key_value(name).filter(|(name, _)| !self.host_ids.contains_key(*name))
        else {
            return;
        };
        if let Some(host) = self.hosts.get_mut(id.index()) {
            *host = Arc::new(Host { implicit: false, vars: Arc::default(), ..gone(host) });
        }
        Arc::make_mut(&mut self.host_ids).insert(name.clone(), *id);
    }
}

/// A host that no source names any more, or not yet again.
fn gone(host: &Host) -> Host {
    Host { groups: Vec::new(), chain: Arc::default(), implicit: true, ..host.clone() }
}

#[cfg(test)]
mod tests {
    use shevek_value::{Map, Value};

    use super::*;
    use crate::{LoadOptions, load};

    fn read(hosts: &str) -> Inventory {
        load(&[hosts.to_owned()], &LoadOptions::default()).0
    }

    fn names(inventory: &Inventory) -> Vec<String> {
        let all = inventory.find_group("all").unwrap();
        inventory.hosts_of(all).iter().map(|id| inventory.host(*id).name().to_string()).collect()
    }

    #[test]
    fn hosts_come_and_go_and_keep_their_ids() {
        let mut inventory = read("one,two,three");
        let two = inventory.find_host("two").unwrap();
        inventory.refresh(read("four,two")).unwrap();
        assert_eq!(names(&inventory), ["four", "two"]);
        assert_eq!(inventory.find_host("two"), Some(two));
        assert_eq!(inventory.find_host("one"), None);
    }

    #[test]
    fn what_the_run_added_stays() {
        let mut inventory = read("one,two");
        let vars = Map::from_iter([(Value::str("a"), Value::from(1))]);
        let (new, _) = inventory.add_host("new", &["fresh"], &vars).unwrap();
        inventory.group_by(inventory.find_host("two").unwrap(), "even", &[]).unwrap();
        inventory.refresh(read("two,")).unwrap();
        assert_eq!(inventory.find_host("new"), Some(new));
        assert_eq!(inventory.host(new).vars().get("a"), Some(&Value::from(1)));
        let even = inventory.find_group("even").unwrap();
        assert_eq!(inventory.hosts_of(even).len(), 1);
    }
}
