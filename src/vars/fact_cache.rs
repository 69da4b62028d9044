//! Facts that are kept between runs (`fact_caching = jsonfile`): one file a host, in Ansible's form, so that both can
//! use the same folder.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use shevek_value::{Map, Value};

/// The key under which Ansible's cache files hold their content, as text.
const PAYLOAD: &str = "__payload__";

/// How Ansible marks values that carry more than themselves.
const TYPE: &str = "__ansible_type";

/// What begins the names of files of this form.
const SCHEMA: &str = "s1_";

/// A folder with facts of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactCache {
    /// The folder; made when the first facts are kept.
    pub folder: PathBuf,
    /// What the names of its files begin with.
    pub prefix: String,
    /// How long facts are good; `None`: for ever.
    pub lifetime: Option<Duration>,
}

impl FactCache {
    fn file(&self, host: &str) -> PathBuf {
        self.folder.join(format!("{}{SCHEMA}{host}", self.prefix))
    }

    /// The facts of a host, if some are kept and still good. What cannot be read is as good as not there.
    pub fn read(&self, host: &str) -> Option<Map> {
        let file = self.file(host);
        if let Some(lifetime) = self.lifetime {
            let age = file.metadata().ok()?.modified().ok()?.elapsed().unwrap_or_default();
            if age > lifetime {
                return None;
            }
        }
        let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
        let outer = parse(&fs::read_to_string(&file).ok()?)?;
        let inner = match outer.as_map()?.get(PAYLOAD) {
            Some(payload) => parse(payload.as_str()?)?,
            None => outer,
        };
        plain(&inner).as_map().cloned()
    }

    /// Keeps the facts of a host.
    pub fn write(&self, host: &str, facts: &Map) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let inner = serde_json::to_string(&Value::map(facts.clone()))?;
        let text = serde_json::to_string(&Value::dict([(PAYLOAD, Value::from(inner))]))?;
        // Runs at the same time may keep facts of the same host.
        let staged = self.folder.join(format!(".{SCHEMA}{host}.{}", std::process::id()));
        fs::write(&staged, text)?;
        fs::rename(staged, self.file(host))
    }

    /// Forgets the facts of a host.
    pub fn forget(&self, host: &str) {
        // There may be none.
        let _ = fs::remove_file(self.file(host));
    }
}

/// Values without what Ansible adds to them.
fn plain(value: &Value) -> Value {
    if let Some(map) = value.as_map() {
        if map.contains_key(TYPE)
            && let Some(inner) = map.get("value")
        {
            return plain(inner);
        }
        return Value::map(map.iter().map(|(key, value)| (key.clone(), plain(value))).collect());
    }
    match value.as_list() {
        Some(items) => Value::list(items.iter().map(plain).collect()),
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(name: &str) -> FactCache {
        let folder = std::env::temp_dir().join(format!("shevek-facts-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        FactCache { folder, prefix: String::new(), lifetime: Some(Duration::from_secs(60)) }
    }

    #[test]
    fn facts_come_back_as_they_were_until_they_are_forgotten() {
        let cache = cache("kept");
        let facts = Map::from_iter([(Value::str("a"), Value::list(vec![1.into(), "é".into(), Value::NULL]))]);
        cache.write("web1", &facts).unwrap();
        assert_eq!(cache.read("web1"), Some(facts));
        assert_eq!(cache.read("web2"), None);
        cache.forget("web1");
        assert_eq!(cache.read("web1"), None);
    }

    #[test]
    fn old_facts_are_no_facts() {
        let cache = FactCache { lifetime: Some(Duration::ZERO), ..cache("old") };
        cache.write("web1", &Map::from_iter([(Value::str("a"), Value::from(1))])).unwrap();
        assert_eq!(cache.read("web1"), None);
    }

    #[test]
    fn what_ansible_kept_is_understood() {
        let cache = cache("ansible");
        fs::create_dir_all(&cache.folder).unwrap();
        let text = r#"{"__payload__": "{\"a\": {\"value\": 1, \"tags\": [], \"__ansible_type\": \"_AnsibleTaggedInt\"}}"}"#;
        fs::write(cache.folder.join("s1_web1"), text).unwrap();
        assert_eq!(Value::map(cache.read("web1").unwrap()).repr(), "{'a': 1}");
    }
}
