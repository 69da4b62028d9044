//! Gather facts about a host.
//!
//! ```yaml
//! - setup: { gather_subset: [min, network] }
//! - setup: { filter: ["ansible_*_mb"] }
//! ```
use shevek_kit::prelude::*;

use crate::facts::{Wanted, gather};

/// Arguments of `setup`.
#[derive(Args)]
#[module(query)]
pub struct Setup {
    /// What to gather: `all`, `min`, `hardware`, `network`, `virtual` or single facts; `!` before a name leaves it out.
    #[arg(default("all"))]
    gather_subset: Vec<String>,
    /// Seconds that gathering may take; nothing here takes that long.
    #[arg(default = 10, name = "gather_timeout")]
    _gather_timeout: i64,
    /// Return only facts of which the name matches one of these patterns, with or without `ansible_` before it.
    filter: Vec<String>,
    /// Where the host's own facts are.
    #[arg(default = "/etc/ansible/facts.d")]
    fact_path: String,
}

impl Query for Setup {
    fn ask(&self, host: &Probe) -> Result<Outcome> {
        let wanted = Wanted { subsets: self.gather_subset.clone(), fact_path: self.fact_path.clone() };
        let facts = gather(host, &wanted)?;
        let patterns: Vec<&str> = self
            .filter
            .iter()
            .map(String::as_str)
            .filter(|pattern| !pattern.is_empty() && *pattern != "*")
            .collect();
        let mut outcome = Outcome::ok();
        let own = [("gather_subset", self.gather_subset.clone().into()), ("module_setup", true.into())];
        let facts = facts.into_iter().map(|(name, value)| (format!("ansible_{name}"), value));
        for (full, value) in facts.chain(own.map(|(name, value)| (name.to_owned(), value))) {
            let name = full.strip_prefix("ansible_").unwrap_or(&full);
            let is_wanted = patterns.is_empty()
                || patterns.iter().any(|pattern| {
                    crate::pattern::matches(pattern, &full) || crate::pattern::matches(pattern, name)
                });
            if is_wanted {
                outcome.facts.push((full, value));
            }
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_whom_the_environment_names_or_else_whose_id_it_is() {
        let passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
        let who = |variables: &[(&str, &str)]| {
            let world = World::new().file("/etc/passwd", passwd);
            let world = variables.iter().fold(world, |world, (name, value)| world.env(name, value));
            let done = conform::<Setup>("{ gather_subset: ['!all', '!min', user] }", world);
            let facts = format!("{:?}", done.outcome());
            ["/home/ann", "/root"]
                .into_iter()
                .find(|home| facts.contains(home))
                .unwrap_or("nobody")
                .to_owned()
        };
        assert_eq!(who(&[("LOGNAME", "ann"), ("USER", "root")]), "/home/ann");
        assert_eq!(who(&[("USER", "gone")]), "/root");
        assert_eq!(who(&[]), "/root");
    }

    #[test]
    fn a_filter_lets_matching_facts_through() {
        let world = World::new().file("/proc/meminfo", "MemTotal: 2048 kB\n");
        let done = conform::<Setup>("{ gather_subset: [hardware], filter: [memtotal_*] }", world);
        let names: Vec<&str> = done.outcome().facts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ansible_memtotal_mb"]);
    }
}
