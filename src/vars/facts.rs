//! Facts of one host.

use std::sync::Arc;

use shevek_value::{Map, Value};

/// What is known of a host, as modules returned it (`ansible_hostname`) and as `ansible_facts` shows it (`hostname`).
#[derive(Debug, Clone)]
pub struct Facts {
    returned: Arc<Map>,
    /// All as returned, those too that may be no variables.
    all: Arc<Map>,
    namespaced: Value,
}

impl Default for Facts {
    fn default() -> Self {
        Self { returned: Arc::default(), all: Arc::default(), namespaced: Value::map(Map::default()) }
    }
}

impl Facts {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The variables that stand beside all others (`inject_facts_as_vars`).
    pub fn injected(&self) -> &Arc<Map> {
        &self.returned
    }

    /// What stands beside all others even where facts do not.
    pub fn always_injected(&self) -> Arc<Map> {
        let local = self.namespaced.get("ansible_local");
        let local = local.cloned().unwrap_or_else(|| Value::map(Map::default()));
        Arc::new(std::iter::once((Value::str("ansible_local"), local)).collect())
    }

    /// All under the names that modules returned, for keeping.
    pub fn all(&self) -> &Arc<Map> {
        &self.all
    }

    /// `ansible_facts`.
    pub fn namespaced(&self) -> &Value {
        &self.namespaced
    }

    /// Adds what a module returned; a name known already is replaced.
    pub fn merge(&mut self, facts: &Map) {
        let mut returned = Arc::unwrap_or_clone(std::mem::take(&mut self.returned));
        let mut namespaced = self.namespaced.as_map().cloned().unwrap_or_default();
        for (name, value) in facts {
            let value = value.clone().untrusted();
            let key = name.as_str().unwrap_or_default();
            let bare = key.strip_prefix("ansible_").filter(|_| key != "ansible_local").unwrap_or(key);
            namespaced.insert(Value::str(bare), value.clone());
            Arc::make_mut(&mut self.all).insert(name.clone(), value.clone());
            if is_injectable(key) {
                returned.insert(name.clone(), value);
            }
        }
        self.returned = Arc::new(returned);
        self.namespaced = Value::map(namespaced);
    }
}

/// Whether a fact may become a variable of its own.
///
/// A host must not be able to say how it is reached or become root there, nor whom lookups ask and tell their secrets: facts
/// named like settings of connections and options of lookups stay in `ansible_facts` alone.
fn is_injectable(name: &str) -> bool {
    const REACHING: [&str; 18] = [
        "inventory_hostname",
        "inventory_hostname_short",
        "group_names",
        "ansible_host",
        "ansible_port",
        "ansible_user",
        "ansible_password",
        "ansible_connection",
        "ansible_facts",
        "ansible_playbook_python",
        "ansible_rsync_path",
        "ansible_timeout",
        "ansible_remote_user",
        "ansible_pipelining",
        "ansible_host_key_checking",
        "ansible_shell_executable",
        "passwordstore",
        "passwordstore_backend",
    ];
    const PREFIXES: [&str; 20] = [
        "ansible_become",
        "ansible_sudo",
        "ansible_su_",
        "ansible_doas",
        "ansible_runas",
        "ansible_local_",
        "ansible_docker_",
        "ansible_paramiko",
        "ansible_winrm",
        "ansible_psrp",
        "ansible_shell_",
        "ansible_ssh_",
        "ansible_podman_",
        "ansible_kubectl_",
        "ansible_chroot_",
        "ansible_runuser_",
        "ansible_private_key",
        "ansible_async_",
        "ansible_hashi_vault_",
        "ansible_lookup_",
    ];
    let reaching = REACHING.contains(&name)
        || name.ends_with("_interpreter")
        || (PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            // The host's own keys: `ansible_ssh_host_key_rsa_public` and its `_keytype`.
            && !(name.starts_with("ansible_ssh_host_key_") && (name.ends_with("_public") || name.ends_with("_keytype"))));
    !reaching
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> Map {
        entries.iter().map(|(k, v)| (Value::str(*k), Value::str(*v))).collect()
    }

    /// The sources that look up how a host is reached: what they ask for, no host may say of itself.
    const REACHING_SOURCES: [&str; 3] = [
        include_str!("../engine/reach.rs"),
        include_str!("../engine/inside.rs"),
        include_str!("../engine/background.rs"),
    ];

    /// The sources of lookups whose options can be variables.
    const LOOKUP_SOURCES: [&str; 6] = [
        include_str!("../lookups/hashicorp/options.rs"),
        include_str!("../lookups/passwordstore.rs"),
        include_str!("../lookups/url.rs"),
        include_str!("../lookups/vault_kv1_get.rs"),
        include_str!("../lookups/vault_token_create.rs"),
        include_str!("../lookups/vault_write.rs"),
    ];

    #[test]
    fn a_host_cannot_say_whom_lookups_ask() {
        let mut asked = 0;
        for options in LOOKUP_SOURCES.iter().flat_map(|source| source.split(".variables(&[").skip(1)) {
            let names = options.split(']').next().unwrap_or_default();
            for name in names.split('"').skip(1).step_by(2) {
                asked += 1;
                assert!(!is_injectable(name), "{name}");
            }
        }
        assert!(asked > 30, "the names are not found any more: {asked}");
    }

    #[test]
    fn a_host_cannot_say_how_it_is_reached() {
        let mut asked = 0;
        for line in REACHING_SOURCES.iter().flat_map(|source| source.lines()) {
            let names = line.split('"').skip(1).step_by(2).filter(|name| name.starts_with("ansible_"));
            // Facts that the controller reads and that say nothing of the way to the host; names made of parts come below.
            let known =
                |name: &&str| !["ansible_env", "ansible_job_id"].contains(name) && !name.contains('{');
            for name in names.filter(known) {
                asked += 1;
                assert!(!is_injectable(name), "{name}");
            }
        }
        assert!(asked > 30, "the names are not found any more: {asked}");
        for method in ["become", "sudo", "su", "doas", "runuser"] {
            assert!(!is_injectable(&format!("ansible_{method}_exe")), "{method}");
        }
    }

    #[test]
    fn facts_have_a_long_name_and_a_short_one() {
        let mut facts = Facts::default();
        facts.merge(&map(&[("ansible_hostname", "web1"), ("packages", "p")]));
        assert_eq!(facts.injected().get("ansible_hostname").unwrap(), &"web1");
        assert_eq!(facts.namespaced().get("hostname").unwrap(), &"web1");
        assert_eq!(facts.namespaced().get("packages").unwrap(), &"p");
    }

    #[test]
    fn facts_named_like_settings_of_the_way_stay_apart() {
        let mut facts = Facts::default();
        facts.merge(&map(&[
            ("ansible_host", "evil"),
            ("ansible_become_password", "x"),
            ("ansible_ssh_common_args", "-o ProxyCommand=evil"),
            ("ansible_ssh_host_key_rsa_public", "AAAA"),
        ]));
        assert_eq!(facts.injected().len(), 1);
        assert!(facts.injected().contains_key("ansible_ssh_host_key_rsa_public"));
        assert_eq!(facts.namespaced().get("host").unwrap(), &"evil");
    }

    #[test]
    fn text_from_a_host_is_never_a_template() {
        let mut facts = Facts::default();
        facts.merge(&Map::from_iter([(
            Value::str("ansible_x"),
            Value::template("{{ lookup('pipe', 'id') }}"),
        )]));
        assert!(!facts.injected().get("ansible_x").unwrap().is_template());
    }
}
