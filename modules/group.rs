//! Manage groups on a host.
//!
//! Adds, renumbers or removes one local group. Files owned by an old gid are left alone.
//!
//! ```yaml
//! - group: { name: docker, gid: 1750 }
//! - group: { name: wheel, state: absent }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `group`.
#[derive(Args)]
#[module(resource)]
#[rule(when(non_unique = true, needs("gid")))]
pub struct Group {
    /// Name of the group.
    name: String,
    /// Whether the group exists.
    #[arg(default = "present")]
    state: Presence,
    /// Numeric id. Left out: the system chooses once, and later runs keep what it chose.
    gid: Option<u32>,
    /// Whether a new group is a system group.
    #[arg(default = false)]
    system: bool,
    /// Remove the group even if it is the primary group of a user.
    #[arg(default = false)]
    force: bool,
    /// Look only at the host's own files, and use the `lgroupadd` family of commands.
    #[arg(default = false)]
    local: bool,
    /// Allow an id that another group has already.
    #[arg(default = false)]
    non_unique: bool,
    /// Lowest id that the system may choose for a new group.
    gid_min: Option<u32>,
    /// Highest id that the system may choose for a new group.
    gid_max: Option<u32>,
}

/// One group as the host has it.
#[derive(Clone, State)]
pub struct GroupState {
    /// Numeric id; unknown until the change when the system chooses it.
    gid: Known<u32>,
}

impl Resource for Group {
    type State = GroupState;

    fn observe(&self, host: &Probe) -> Result<Option<GroupState>> {
        let group = if self.local {
            host.groups()?.into_iter().find(|g| g.name == self.name)
        } else {
            host.group(&self.name)?
        };
        Ok(group.map(|g| GroupState { gid: g.known_gid() }))
    }

    fn desire(&self, now: Option<&GroupState>, _host: &Probe) -> Result<Option<GroupState>> {
        refuse_options([self.name.as_str()])?;
        if self.local && (self.gid_min.is_some() || self.gid_max.is_some()) {
            fail!("'gid_min' and 'gid_max' can not be used with 'local'");
        }
        if self.local && self.force {
            fail!("force is not a valid option for local, force=True and local=True are mutually exclusive");
        }
        if self.state == Presence::Absent {
            return Ok(None);
        }
        let kept = now.map_or(Known::Later, |s| s.gid);
        Ok(Some(GroupState { gid: self.gid.map_or(kept, Known::Is) }))
    }

    fn apply(&self, change: Change<GroupState>, host: &mut Host) -> Result<()> {
        let (command, effect) = match change {
            Change::Create(to) => (
                cmd(self.program("groupadd"))
                    .opt("-g", to.gid.get())
                    .flag("-o", self.non_unique)
                    .flag("-r", self.system)
                    .opt("-K", self.gid_min.map(|gid| format!("GID_MIN={gid}")))
                    .opt("-K", self.gid_max.map(|gid| format!("GID_MAX={gid}"))),
                Effect::Group { name: self.name.clone(), gid: to.gid.get() },
            ),
            Change::Update { to, .. } => (
                cmd(self.program("groupmod")).opt("-g", to.gid.get()).flag("-o", self.non_unique),
                Effect::Group { name: self.name.clone(), gid: to.gid.get() },
            ),
            Change::Remove(_) => {
                (cmd(self.program("groupdel")).flag("-f", self.force), Effect::GroupGone(self.name.clone()))
            }
        };
        let ran = host.run(command.arg(&self.name).does(effect)).map_err(|f| f.with("name", &self.name))?;
        for (key, said) in [("stdout", ran.out()), ("stderr", ran.err())] {
            if !said.is_empty() {
                host.result(key, said);
            }
        }
        Ok(())
    }

    fn result(&self, end: Option<&GroupState>, outcome: &mut Outcome, _host: &Probe) -> Result<()> {
        outcome.set("name", &self.name);
        outcome.set("state", self.state);
        if let Some(group) = end {
            outcome.set("system", self.system);
            if let Known::Is(gid) = group.gid {
                outcome.set("gid", gid);
            }
        }
        Ok(())
    }
}

impl Group {
    fn program(&self, name: &str) -> String {
        if self.local { format!("l{name}") } else { name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_group_gets_the_number_that_the_system_chooses() {
        let done = conform::<Group>("{ name: docker }", World::new()).changed().ran(["groupadd docker"]);
        done.gives("gid", 1000)
            .gives("state", "present")
            .then("{ name: docker }")
            .unchanged()
            .gives("gid", 1000);
    }

    #[test]
    fn renumbers() {
        conform::<Group>("{ name: docker, gid: 1750 }", World::new().group("docker", 999))
            .diff("~ gid: 999 -> 1750")
            .ran(["groupmod -g 1750 docker"]);
    }

    #[test]
    fn removes() {
        conform::<Group>("{ name: docker, state: absent }", World::new().group("docker", 999))
            .changed()
            .ran(["groupdel docker"])
            .then("{ name: docker, state: absent }")
            .unchanged();
    }

    #[test]
    fn a_number_that_need_not_be_unique_must_be_given() {
        conform::<Group>("{ name: docker, non_unique: yes }", World::new())
            .failed("non_unique is True but all of the following are missing: gid");
    }

    #[test]
    fn a_failing_groupadd_is_told_with_its_words() {
        let world = World::new().answers("groupadd*", Ran::failed(4, "groupadd: GID '0' already exists\n"));
        conform::<Group>("{ name: docker, gid: 0 }", world).failed("GID '0' already exists").gives("rc", 4);
    }
}
