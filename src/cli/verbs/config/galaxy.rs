//! The servers of `ansible-galaxy` that a configuration names, each with a section of its own.

use shevek_settings::{Ini, Surroundings};
use shevek_value::Value;

/// What can be said of a server, with its default where there is one.
const KEYS: [(&str, Option<i64>); 10] = [
    ("url", None),
    ("username", None),
    ("password", None),
    ("token", None),
    ("auth_url", None),
    ("api_version", None),
    ("validate_certs", None),
    ("client_id", None),
    ("client_secret", None),
    ("timeout", Some(60)),
];

/// How the sections of servers begin.
const SECTION: &str = "galaxy_server.";

/// One value of a server.
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) value: Value,
    /// Who set it; `None`: nobody.
    pub(super) by: Option<String>,
}

/// The servers in the order of their list, with all that can be said of each.
pub(super) fn servers(
    file: Option<(&str, &Ini)>,
    surroundings: &Surroundings,
) -> Vec<(String, Vec<Setting>)> {
    let variable = |name: &str| surroundings.variables.get(name).cloned();
    let written = |section: &str, key: &str| {
        let (path, ini) = file?;
        Some((ini.get(section, key)?.value.clone(), path.to_owned()))
    };
    let listed = variable("ANSIBLE_GALAXY_SERVER_LIST")
        .or_else(|| written("galaxy", "server_list").map(|(value, _)| value))
        .unwrap_or_default();
    let names = listed.split(',').map(str::trim).filter(|name| !name.is_empty());
    let setting = |name: &str, (key, default): (&'static str, Option<i64>)| {
        let of_environment = format!("ANSIBLE_GALAXY_SERVER_{}_{}", name.to_uppercase(), key.to_uppercase());
        let set = variable(&of_environment)
            .map(|value| (value, format!("env: {of_environment}")))
            .or_else(|| written(&format!("{SECTION}{name}"), key));
        match set {
            Some((value, by)) => Setting { key, value: Value::str(value), by: Some(by) },
            None => Setting { key, value: default.map_or(Value::NULL, Value::from), by: None },
        }
    };
    names.map(|name| (name.to_owned(), KEYS.into_iter().map(|key| setting(name, key)).collect())).collect()
}

/// Whether a section is a server's.
pub(super) fn is_section(name: &str) -> bool {
    name.starts_with(SECTION)
}

/// Whether a server has such a key.
pub(super) fn has_key(name: &str) -> bool {
    KEYS.iter().any(|(key, _)| *key == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use shevek_diag::Source;

    use super::*;

    #[test]
    fn servers_are_those_of_the_list_and_the_environment_wins() {
        let text = "[galaxy]\nserver_list = b, a\n[galaxy_server.a]\nurl=https://a/\ntoken=t\n\
                    [galaxy_server.other]\nurl=https://other/\n";
        let ini = Ini::parse(&Source::new("ansible.cfg", text)).unwrap();
        let variables = HashMap::from([("ANSIBLE_GALAXY_SERVER_A_TOKEN".to_owned(), "mine".to_owned())]);
        let surroundings = Surroundings { variables, ..Surroundings::default() };
        let said: Vec<String> = servers(Some(("ansible.cfg", &ini)), &surroundings)
            .iter()
            .flat_map(|(name, settings)| {
                let set = settings.iter().filter_map(|setting| Some((setting, setting.by.as_ref()?)));
                set.map(move |(setting, by)| {
                    format!("{name}.{}({by}) = {}", setting.key, setting.value.text())
                })
            })
            .collect();
        assert_eq!(
            said,
            ["a.url(ansible.cfg) = https://a/", "a.token(env: ANSIBLE_GALAXY_SERVER_A_TOKEN) = mine"]
        );
        assert_eq!(servers(None, &Surroundings::default()).len(), 0);
    }
}
