//! Hosts right on the command line: `-i web1,web2:2222,`.
//!
//! ```text
//! -i db1,web[1:3].example.com,
//! ```

use std::sync::Arc;

use crate::LoadOptions;
use crate::address;
use crate::source::{Candidate, Kind, Outcome};
use crate::step::{Step, Steps};

/// See the module.
pub struct HostList;

impl Kind for HostList {
    fn name(&self) -> &'static str {
        "host_list"
    }

    fn wants(&self, candidate: &Candidate) -> bool {
        matches!(candidate, Candidate::List(_))
    }

    fn read(&self, candidate: &Candidate, _options: &LoadOptions<'_>) -> Outcome {
        let Candidate::List(text) = candidate else { return Outcome::Steps(Steps::default()) };
        let mut steps = Steps::default();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            // Differs from Ansible: ranges are written out, for which it has `advanced_host_list`.
            let (names, port) = address::expand(entry).unwrap_or_else(|_| (vec![entry.to_owned()], None));
            steps.steps.push(Step::Hosts {
                names: names.into_iter().map(Into::into).collect(),
                group: Some("ungrouped".into()),
                port,
                vars: Arc::default(),
                origin: None,
            });
        }
        Outcome::Steps(steps)
    }
}
