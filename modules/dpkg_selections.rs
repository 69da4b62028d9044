//! Set what dpkg is to do with a package: install, hold, deinstall or purge.
//!
//! ```yaml
//! - dpkg_selections: { name: python, selection: hold }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `dpkg_selections`.
#[derive(Args)]
#[module(procedure)]
pub struct DpkgSelections {
    /// The package.
    name: String,
    /// What is to become of it.
    selection: Selection,
}

/// What dpkg is to do with a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Selection {
    /// Keep it installed and up to date.
    Install,
    /// Leave it as it is.
    Hold,
    /// Remove it.
    Deinstall,
    /// Remove it with its configuration.
    Purge,
}

impl Procedure for DpkgSelections {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let ran = host.ask(cmd("dpkg").arg("--get-selections").arg(&self.name))?;
        let after = self.selection.word().to_owned();
        if ran.err().contains("no packages found matching") {
            return Err(Fault::absent(format!(
                "Failed to find package '{}' to perform selection '{after}'.",
                self.name
            )));
        }
        let thing = format!("dpkg selection {}", self.name);
        let told = ran.out().split_whitespace().nth(1).unwrap_or("not present").to_owned();
        let before = host.planned(Thing::Other, &thing).unwrap_or(told);
        let changed = before != after;
        if changed {
            let effect = Effect::Set { thing: Thing::Other, name: thing, state: after.clone() };
            let line = format!("{} {after}", self.name);
            host.run(cmd("dpkg").arg("--set-selections").stdin(line).does(effect))?;
        }
        Ok(Outcome::ok().changed_if(changed).with("before", before).with("after", after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_held_once() {
        let world = World::new().says("dpkg --get-selections curl", "curl\t\t\tinstall\n");
        let done = conform::<DpkgSelections>("{ name: curl, selection: hold }", world).changed();
        done.ran(["dpkg --set-selections"]).gives("before", "install").gives("after", "hold");
        let world = World::new().says("dpkg --get-selections curl", "curl\t\t\thold\n");
        conform::<DpkgSelections>("{ name: curl, selection: hold }", world).unchanged().ran([]);
    }

    #[test]
    fn a_package_that_is_not_known_is_named() {
        let none = Ran { stderr: b"dpkg: no packages found matching x\n".to_vec(), ..Ran::default() };
        let world = World::new().answers("dpkg --get-selections x", none);
        conform::<DpkgSelections>("{ name: x, selection: hold }", world).failed("Failed to find package 'x'");
    }
}
