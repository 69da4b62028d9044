//! Look up entries of the host's databases: users, groups, hosts, services.
//!
//! Runs `getent`; what it finds is a fact named `getent_` and the database's name.
//!
//! ```yaml
//! - getent: { database: passwd, key: root }
//! - debug: { var: ansible_facts.getent_passwd }
//! - getent: { database: services, key: http, fail_key: false }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `getent`.
#[derive(Args)]
#[module(query)]
pub struct Getent {
    /// The database (`passwd`, `group`, `hosts`, …), if the host's getent knows it.
    database: String,
    /// The entry; left out: all of them, where the database can list them.
    key: Option<String>,
    /// The service that is asked, instead of those that the host is set up with.
    service: Option<String>,
    /// What separates the fields of an entry.
    split: Option<String>,
    /// Whether an entry that isn't there is a failure.
    #[arg(default = true)]
    fail_key: bool,
}

impl Query for Getent {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        if self.split.as_deref() == Some("") {
            fail!("empty separator");
        }
        host.need("getent")?;
        let mut command = cmd("getent").arg(&self.database);
        if let Some(key) = &self.key {
            command = command.arg(key);
        }
        let ran = host.ask(command.opt("-s", self.service.as_ref()).any_rc())?;
        let name = format!("getent_{}", self.database);
        let mut outcome = Outcome::ok();
        match ran.rc {
            0 => outcome.facts.push((name, Val::Map(self.entries(&ran.out())))),
            2 => {
                let message = "One or more supplied key could not be found in the database.";
                let Some(key) = self.key.as_ref().filter(|_| !self.fail_key) else {
                    return Err(Fault::absent(message));
                };
                outcome.facts.push((name, Val::Map(vec![(key.clone(), Val::Null)])));
                outcome.set("msg", message);
            }
            1 => fail!("Missing arguments, or database unknown."),
            3 => fail!("Enumeration not supported on this database."),
            _ => fail!("Unexpected failure!"),
        }
        Ok(outcome)
    }
}

impl Getent {
    fn entries(&self, text: &str) -> Vec<(String, Val)> {
        let by_colon = matches!(self.database.as_str(), "passwd" | "shadow" | "group" | "gshadow");
        let separator = self.split.as_deref().or(by_colon.then_some(":"));
        let mut entries: Vec<(String, Val, usize)> = Vec::new();
        for line in text.lines() {
            let mut fields: Vec<&str> = match separator {
                Some(separator) => line.split(separator).collect(),
                None => line.split_whitespace().collect(),
            };
            if fields.is_empty() {
                continue;
            }
            let key = fields.remove(0);
            let value = Val::from(fields);
            match entries.iter_mut().find(|(known, _, _)| known == key) {
                None => entries.push((key.to_owned(), value, 1)),
                // Several entries under one key become a list of them.
                Some((_, known, count)) => {
                    *count += 1;
                    match known {
                        Val::List(all) if *count > 2 => all.push(value),
                        first => *first = Val::List(vec![std::mem::take(first), value]),
                    }
                }
            }
        }
        entries.into_iter().map(|(key, value, _)| (key, value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(done: &Outcome, name: &str) -> Val {
        done.facts.iter().find(|(known, _)| known == name).unwrap().1.clone()
    }

    #[test]
    fn nothing_is_no_separator() {
        conform::<Getent>("{ database: group, split: '' }", World::new()).failed("empty separator");
    }

    #[test]
    fn an_entry_is_split_into_its_fields() {
        let world =
            World::new().program("getent").says("getent passwd root", "root:x:0:0:root:/root:/bin/bash\n");
        let done = conform::<Getent>("{ database: passwd, key: root }", world).unchanged();
        let root = fact(done.outcome(), "getent_passwd").get("root").unwrap().clone();
        assert_eq!(root, vec!["x", "0", "0", "root", "/root", "/bin/bash"].into());
    }

    #[test]
    fn entries_of_the_same_key_are_kept_apart() {
        let lines = "127.0.0.1 localhost\n127.0.0.1 web\n127.0.0.1 db\n";
        let world = World::new().program("getent").says("getent hosts", lines);
        let done = conform::<Getent>("{ database: hosts }", world).unchanged();
        let all = fact(done.outcome(), "getent_hosts");
        let list = Val::List(vec![vec!["localhost"].into(), vec!["web"].into(), vec!["db"].into()]);
        assert_eq!(all.get("127.0.0.1"), Some(&list));
    }

    #[test]
    fn an_entry_that_is_not_there_fails_unless_told_otherwise() {
        let world = || World::new().program("getent").answers("getent*", Ran::failed(2, ""));
        conform::<Getent>("{ database: passwd, key: eve }", world()).failed("could not be found");
        let done = conform::<Getent>("{ database: passwd, key: eve, fail_key: no }", world()).unchanged();
        assert_eq!(fact(done.outcome(), "getent_passwd").get("eve"), Some(&Val::Null));
    }
}
