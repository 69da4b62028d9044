//! Give programs capabilities of the kernel, or take them away.
//!
//! ```yaml
//! - community.general.capabilities: { path: /usr/local/bin/web, capability: cap_net_bind_service=ep }
//! - community.general.capabilities: { path: /usr/bin/ping, capability: cap_net_raw, state: absent }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `capabilities`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct Capabilities {
    /// The program's file.
    #[arg(alias = "key")]
    path: String,
    /// The capability: with operator and flags (`cap_net_raw=ep`) for one that shall be there.
    #[arg(alias = "cap")]
    capability: String,
    /// Whether the file has it.
    #[arg(default = "present")]
    state: Presence,
}

/// A capability, with an operator and flags.
#[derive(Clone, PartialEq)]
struct Capability {
    name: String,
    how: String,
}

impl Capability {
    fn line(all: &[Capability]) -> String {
        let words: Vec<String> = all.iter().map(|one| format!("{}{}", one.name, one.how)).collect();
        words.join(" ")
    }
}

/// Reads `cap_a,cap_b=ep`; nothing if there is no operator.
fn read(words: &str) -> Option<Vec<Capability>> {
    let words = words.to_lowercase();
    let at = ['=', '-', '+'].iter().find_map(|operator| words.find(*operator))?;
    let (names, how) = words.split_at(at);
    let one = |name: &str| Capability { name: name.to_owned(), how: how.to_owned() };
    Some(names.split(',').map(one).collect())
}

impl Procedure for Capabilities {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let path = self.path.trim();
        refuse_options([path, self.capability.trim()])?;
        host.need("getcap")?;
        host.need("setcap")?;
        let wanted = read(self.capability.trim());
        let mut all = match (self.state, &wanted) {
            (Presence::Present, None) => fail!("Couldn't find operator (one of: ('=', '-', '+'))"),
            _ => now(host, path)?,
        };
        let name = match wanted.as_deref() {
            Some([one]) => one.name.clone(),
            Some(_) => fail!("{} is more than one capability", self.capability),
            None => self.capability.trim().to_lowercase(),
        };
        let wanted = wanted.into_iter().flatten().next();
        let is_right = match (self.state, &wanted) {
            (Presence::Present, Some(wanted)) => all.contains(wanted),
            _ => all.iter().all(|one| one.name != name),
        };
        let outcome = Outcome::ok().changed_if(!is_right);
        if is_right {
            return Ok(outcome.with("state", self.state));
        }
        let before = Capability::line(&all);
        all.retain(|one| one.name != name);
        all.extend(wanted.filter(|_| self.state == Presence::Present));
        let line = Capability::line(&all);
        let set = cmd("setcap").args([&line, path]).any_rc();
        let ran =
            host.run(set.does(Effect::Set { thing: Thing::Other, name: thing(path), state: line.clone() }))?;
        if !ran.ok() {
            return Err(Fault::new(format!("Unable to set capabilities of {path}"))
                .with("stdout", ran.out())
                .with("stderr", ran.err()));
        }
        let of = |line: &str| Val::Map(vec![("capabilities".to_owned(), line.into())]);
        host.diff(Diff { before: of(&before), after: of(&line), ..Diff::default() });
        let outcome = outcome.with("msg", "capabilities changed");
        if host.rehearsing() {
            return Ok(outcome);
        }
        Ok(outcome.with("state", self.state).with("stdout", ran.out()))
    }
}

fn thing(path: &str) -> String {
    format!("capabilities {path}")
}

/// What the file has.
fn now(host: &Probe, path: &str) -> Result<Vec<Capability>> {
    if let Some(planned) = host.planned(Thing::Other, &thing(path)) {
        return Ok(planned.split(' ').filter_map(read).flatten().collect());
    }
    if host.lstat(path)?.is_some_and(|stat| !stat.is_file()) {
        fail!("Unable to get capabilities of {path}: it is not a regular file");
    }
    let ran = host.ask(cmd("getcap").args(["-v", path]).any_rc())?;
    let out = ran.out();
    let said = out.trim();
    if !ran.ok() || !ran.stderr.is_empty() || said.ends_with(')') {
        if host.rehearsing() && host.exists(path) && format!("{said}{}", ran.err()).contains("(No such file")
        {
            // A file that is only planned has none.
            return Ok(Vec::new());
        }
        let words = format!("Unable to get capabilities of {path}");
        let fault = if host.exists(path) { Fault::new(words) } else { Fault::absent(words) };
        return Err(fault.with("stdout", said).with("stderr", ran.err()));
    }
    // `/bin/ping cap_net_raw=ep`, with older programs `/bin/ping = cap_net_raw+ep`.
    // Differs from Ansible: every part of the answer counts, not only the first, so none is lost when another one is set; and
    // blanks in the path are no part of it.
    let words = said.strip_prefix(path).unwrap_or_default().split_whitespace();
    Ok(words.filter(|word| *word != "=").filter_map(read).flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(says: &str) -> World {
        World::new().program("getcap").program("setcap").file("/bin/x", "").says("getcap -v /bin/x", says)
    }

    #[test]
    fn a_capability_is_added_to_the_others() {
        let args = "{ path: /bin/x, capability: CAP_NET_RAW=ep }";
        let done = conform::<Capabilities>(args, has("/bin/x\n")).changed();
        assert_eq!(done.check().get("state"), None);
        done.ran(["setcap cap_net_raw=ep /bin/x"])
            .gives("state", "present")
            .gives("msg", "capabilities changed")
            .then(args)
            .unchanged();
        conform::<Capabilities>(args, has("/bin/x cap_chown,cap_net_raw=ep\n")).unchanged();
        conform::<Capabilities>(args, has("/bin/x = cap_chown+i cap_net_raw+ep\n"))
            .ran(["setcap 'cap_chown+i cap_net_raw=ep' /bin/x"]);
    }

    #[test]
    fn one_is_taken_away_and_the_others_stay() {
        let args = "{ key: /bin/x, cap: cap_chown, state: absent }";
        conform::<Capabilities>(args, has("/bin/x cap_chown,cap_fowner=ep cap_kill=i\n"))
            .changed()
            .ran(["setcap 'cap_fowner=ep cap_kill=i' /bin/x"])
            .diff("~ capabilities: cap_chown=ep cap_fowner=ep cap_kill=i -> cap_fowner=ep cap_kill=i");
        conform::<Capabilities>(args, has("/bin/x =\n")).unchanged().gives("state", "absent");
    }

    #[test]
    fn what_cannot_be_said_or_set_is_a_failure() {
        conform::<Capabilities>("{ path: /bin/x, capability: cap_kill }", has("/bin/x\n"))
            .failed("Couldn't find operator");
        // With this word setcap takes all of them away.
        conform::<Capabilities>("{ path: /bin/x, capability: -r }", has("/bin/x cap_kill=i\n"))
            .failed("taken for an option")
            .ran([]);
        // A folder or a link can have none; older programs list it like a file.
        for none in ["/bin/folder", "/bin/link"] {
            let world = has("").folder("/bin/folder").link("/bin/link", "/bin/x");
            let args = format!("{{ path: {none}, capability: cap_kill=ep }}");
            conform::<Capabilities>(&args, world.says(&format!("getcap -v {none}"), &format!("{none}\n")))
                .failed(&format!("Unable to get capabilities of {none}"))
                .ran([]);
        }
        let gone = World::new().program("getcap").program("setcap");
        let gone = gone.says("getcap -v /bin/y", "/bin/y (No such file or directory)\n");
        conform::<Capabilities>("{ path: /bin/y, capability: cap_kill=ep }", gone)
            .failed("Unable to get capabilities of /bin/y")
            .gives("stdout", "/bin/y (No such file or directory)");
        let refused = has("/bin/x\n").answers("setcap cap_nope=ep /bin/x", Ran::failed(1, "Invalid"));
        conform_apart::<Capabilities>("{ path: /bin/x, capability: cap_nope=ep }", refused)
            .failed("Unable to set capabilities of /bin/x")
            .gives("stderr", "Invalid");
        conform::<Capabilities>("{ path: /bin/x, capability: cap_kill=ep }", World::new())
            .failed("\"getcap\"");
    }
}
