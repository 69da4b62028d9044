//! Say which SELinux contexts files get.
//!
//! Files that are there already keep theirs until `restorecon` is run on them.
//!
//! ```yaml
//! - community.general.sefcontext: { target: '/srv/git_repos(/.*)?', setype: httpd_sys_rw_content_t }
//! - community.general.sefcontext: { target: /srv/containers, substitute: /var/lib/containers }
//! - community.general.sefcontext: { target: /srv/git, state: absent }
//! ```
use shevek_kit::prelude::*;
use shevek_kit::selinux_enabled;

/// Arguments of `sefcontext`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(exclusive("setype", "substitute"))]
#[rule(exclusive("substitute", "ftype"))]
#[rule(exclusive("substitute", "seuser"))]
#[rule(exclusive("substitute", "selevel"))]
#[rule(when(state = "present", needs_any("setype", "substitute")))]
pub struct Sefcontext {
    /// The paths, as a regular expression.
    #[arg(alias = "path")]
    target: String,
    /// The sort of files.
    #[arg(default = "a")]
    ftype: FileType,
    /// Their type.
    setype: Option<String>,
    /// The path whose files' contexts they get instead.
    #[arg(alias = "equal")]
    substitute: Option<String>,
    /// Their user; left out: as it is, or `system_u`.
    seuser: Option<String>,
    /// Their level; left out: as it is, or `s0`.
    #[arg(alias = "serange")]
    selevel: Option<String>,
    /// Whether it is said.
    #[arg(default = "present")]
    state: Presence,
    /// Load the policy again afterwards.
    #[arg(default = true)]
    reload: bool,
    /// Go on where SELinux seems to be off, as in a folder that is to become a system.
    #[arg(default = false)]
    ignore_selinux_state: bool,
}

/// A sort of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum FileType {
    /// All.
    #[choice("a")]
    All,
    /// Block devices.
    #[choice("b")]
    Block,
    /// Character devices.
    #[choice("c")]
    Char,
    /// Folders.
    #[choice("d")]
    Folder,
    /// Regular files.
    #[choice("f")]
    File,
    /// Symbolic links.
    #[choice("l")]
    Link,
    /// Named pipes.
    #[choice("p")]
    Pipe,
    /// Sockets.
    #[choice("s")]
    Socket,
}

impl FileType {
    /// As semanage lists it.
    fn shown(self) -> &'static str {
        match self {
            FileType::All => "all files",
            FileType::Block => "block device",
            FileType::Char => "character device",
            FileType::Folder => "directory",
            FileType::File => "regular file",
            FileType::Link => "symbolic link",
            FileType::Pipe => "named pipe",
            FileType::Socket => "socket",
        }
    }
}

/// A context: user, role, type and level.
#[derive(Clone, PartialEq)]
struct Context([String; 4]);

impl Context {
    fn read(text: &str) -> Option<Context> {
        let parts: Vec<String> = text.splitn(4, ':').map(str::to_owned).collect();
        parts.try_into().ok().map(Context)
    }

    fn shown(&self) -> String {
        self.0.join(":")
    }
}

/// What the policy says of the target.
struct Policy {
    context: Option<Context>,
    substitute: Option<String>,
    /// Whether the substitute is the distribution's own, which semanage leaves alone.
    is_fixed: bool,
}

impl Procedure for Sefcontext {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        refuse_options([self.target.as_str()])?;
        if !self.ignore_selinux_state && !selinux_enabled(host) {
            return Err(Fault::absent("SELinux is disabled on this host."));
        }
        host.need("semanage")?;
        let known = self.known(host)?;
        let outcome = Outcome::ok()
            .with("target", &self.target)
            .with("ftype", self.ftype)
            .with("setype", self.setype.clone().map_or(Val::Null, Val::from))
            .with("substitute", self.substitute.clone().map_or(Val::Null, Val::from))
            .with("state", self.state);
        if self.state == Presence::Absent {
            return Ok(outcome.changed_if(self.forget(host, &known)?));
        }
        let (user, level) = match &known.context {
            Some(Context([user, _, _, level])) => (user.clone(), level.clone()),
            None => ("system_u".to_owned(), "s0".to_owned()),
        };
        let user = self.seuser.clone().unwrap_or(user);
        let level = self.selevel.clone().unwrap_or(level);
        let (changed, user, level) = match (&self.substitute, &self.setype) {
            (Some(substitute), _) => (self.substitute(host, &known, substitute)?, Val::Null, Val::Null),
            (None, Some(setype)) => {
                let role =
                    known.context.as_ref().map_or("object_r", |Context([_, role, ..])| role).to_owned();
                let wanted = Context([user.clone(), role, setype.clone(), level.clone()]);
                (self.label(host, &known, &wanted)?, user.into(), level.into())
            }
            (None, None) => fail!("either setype or substitute is needed"),
        };
        Ok(outcome.changed_if(changed).with("seuser", user).with("serange", level))
    }
}

impl Sefcontext {
    fn thing(&self) -> String {
        format!("file context {} {}", self.ftype.shown(), self.target)
    }

    fn equal(&self) -> String {
        format!("file context equivalence {}", self.target)
    }

    fn known(&self, host: &Probe) -> Result<Policy> {
        let listed = host.ask(cmd("semanage").args(["fcontext", "-l"])).map_err(named)?.out();
        let mut known = listed_of(&listed, &self.target, self.ftype);
        if let Some(planned) = host.planned(Thing::Other, &self.thing()) {
            known.context = Context::read(&planned);
        }
        if let Some(planned) = host.planned(Thing::Other, &self.equal()) {
            known.substitute = Some(planned).filter(|path| path != "absent");
        }
        Ok(known)
    }

    /// Runs semanage, with the thing that it changes.
    fn manage(&self, host: &mut Host, args: &[&str], thing: String, state: &str) -> Result<()> {
        let command = cmd("semanage").arg("fcontext").flag("-N", !self.reload).args(args).arg(&self.target);
        let effect = Effect::Set { thing: Thing::Other, name: thing, state: state.to_owned() };
        host.run(command.does(effect)).map_err(named)?;
        Ok(())
    }

    fn label(&self, host: &mut Host, known: &Policy, wanted: &Context) -> Result<bool> {
        if known.context.as_ref() == Some(wanted) {
            return Ok(false);
        }
        let Context([user, _, setype, level]) = wanted;
        let (verb, doing) = match &known.context {
            Some(_) => ("-m", "Change to"),
            None => ("-a", "Addition to"),
        };
        let args = [verb, "-t", setype, "-f", self.ftype.word(), "-r", level, "-s", user];
        self.manage(host, &args, self.thing(), &wanted.shown())?;
        let lines = [known.context.as_ref().map(|old| self.line('-', old)), Some(self.line('+', wanted))];
        host.diff(prepared(&format!("{doing} semanage file context mappings"), lines));
        Ok(true)
    }

    fn substitute(&self, host: &mut Host, known: &Policy, wanted: &str) -> Result<bool> {
        let old = known.substitute.as_deref();
        if old == Some(wanted) {
            return Ok(false);
        }
        let doing = if old.is_some() { "Change to" } else { "Addition to" };
        if let Some(old) = old {
            if known.is_fixed {
                fail!(
                    "ValueError: Equivalence class for {} does not exist: {old} is the policy's own word",
                    self.target
                );
            }
            // `-m -e` says that it exists already, and leaves it as it is.
            self.manage(host, &["-d", "-e", old], self.equal(), "absent")?;
        }
        self.manage(host, &["-a", "-e", wanted], self.equal(), wanted)?;
        let lines = [old.map(|old| self.equal_line('-', old)), Some(self.equal_line('+', wanted))];
        host.diff(prepared(&format!("{doing} semanage file context path substitutions"), lines));
        Ok(true)
    }

    fn forget(&self, host: &mut Host, known: &Policy) -> Result<bool> {
        let context = known.context.as_ref().filter(|_| self.substitute.is_none());
        let substitute = known
            .substitute
            .as_ref()
            .filter(|is| self.setype.is_none() && self.substitute.as_ref().is_none_or(|named| named == *is));
        if let Some(old) = context {
            self.manage(host, &["-d", "-f", self.ftype.word()], self.thing(), "absent")?;
            host.diff(prepared(
                "Deletion to semanage file context mappings",
                [Some(self.line('-', old)), None],
            ));
        }
        if let Some(old) = substitute {
            self.manage(host, &["-d", "-e", old], self.equal(), "absent")?;
            let line = Some(self.equal_line('-', old));
            host.diff(prepared("Deletion to semanage file context path substitutions", [line, None]));
        }
        Ok(context.is_some() || substitute.is_some())
    }

    fn line(&self, sign: char, context: &Context) -> String {
        format!("{sign}{}      {}      {}\n", self.target, self.ftype.word(), context.shown())
    }

    fn equal_line(&self, sign: char, path: &str) -> String {
        format!("{sign}{} = {path}\n", self.target)
    }
}

fn prepared(title: &str, lines: [Option<String>; 2]) -> Diff {
    let lines: String = lines.into_iter().flatten().collect();
    Diff { prepared: Some(format!("# {title}\n{lines}")), ..Diff::default() }
}

/// A failure of semanage, in its own words alone.
fn named(fault: Fault) -> Fault {
    let words = fault.message.lines().rfind(|line| line.contains("Error: ")).map(str::to_owned);
    Fault { message: words.unwrap_or_else(|| fault.message.clone()), ..fault }
}

/// What semanage's list says of a target.
fn listed_of(listed: &str, target: &str, ftype: FileType) -> Policy {
    let mut known = Policy { context: None, substitute: None, is_fixed: false };
    let (mut in_equivalences, mut in_local) = (false, false);
    for line in listed.lines() {
        if line.starts_with("SELinux ") && line.contains("Equivalence") {
            in_equivalences = true;
            in_local = line.contains("Local");
        } else if in_equivalences {
            // What the distribution says comes first, and holds.
            if let Some((path, substitute)) = line.split_once(" = ")
                && path == target
                && known.substitute.is_none()
            {
                known.substitute = Some(substitute.trim().to_owned());
                known.is_fixed = !in_local;
            }
        } else if let Some(rest) = line.strip_prefix(target).filter(|rest| rest.starts_with(' ')) {
            // The local entries come last, and hold.
            let context = rest.trim().strip_prefix(ftype.shown()).and_then(|text| Context::read(text.trim()));
            known.context = context.or(known.context);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    // As semanage 3.4 prints it.
    const LIST: &str = "SELinux fcontext                                   type               Context\n\n\
        /                                                  directory          system_u:object_r:root_t:s0 \n\
        /\\.journal                                         all files          <<None>>\n\
        /srv/.*                                            all files          system_u:object_r:var_t:s0 \n\
        /srv/web(/.*)?                                     regular file       staff_u:object_r:httpd_t:s0:c1,c2 \n\
        \nSELinux Distribution fcontext Equivalence \n\n/bin = /usr/bin\n\
        \nSELinux Local fcontext Equivalence \n\n/srv/a = /var/lib/a\n";

    fn world() -> World {
        World::new()
            .file("/sys/fs/selinux/enforce", "1")
            .program("semanage")
            .says("semanage fcontext -l", LIST)
    }

    fn prepared_of(args: &str) -> String {
        let done = conform::<Sefcontext>(args, world()).changed();
        done.outcome().diff.iter().filter_map(|diff| diff.prepared.clone()).collect()
    }

    #[test]
    fn a_context_is_said_once() {
        let args = "{ target: '/srv/git(/.*)?', setype: git_t }";
        conform::<Sefcontext>(args, world())
            .changed()
            .ran(["semanage fcontext -a -t git_t -f a -r s0 -s system_u '/srv/git(/.*)?'"])
            .gives("seuser", "system_u")
            .gives("serange", "s0")
            .gives("ftype", "a")
            .gives("substitute", Val::Null)
            .then(args)
            .unchanged()
            .then("{ path: '/srv/git(/.*)?', state: absent }")
            .ran(["semanage fcontext -d -f a '/srv/git(/.*)?'"]);
        assert_eq!(
            prepared_of(args),
            "# Addition to semanage file context mappings\n+/srv/git(/.*)?      a      system_u:object_r:git_t:s0\n"
        );
    }

    #[test]
    fn what_the_task_does_not_say_stays() {
        let args = "{ target: '/srv/web(/.*)?', ftype: f, setype: etc_t, reload: no }";
        conform::<Sefcontext>(args, world())
            .ran(["semanage fcontext -N -m -t etc_t -f f -r s0:c1,c2 -s staff_u '/srv/web(/.*)?'"])
            .gives("serange", "s0:c1,c2");
        assert_eq!(
            prepared_of(args),
            "# Change to semanage file context mappings\n-/srv/web(/.*)?      f      staff_u:object_r:httpd_t:s0:c1,c2\n\
             +/srv/web(/.*)?      f      staff_u:object_r:etc_t:s0:c1,c2\n"
        );
        conform::<Sefcontext>("{ target: '/srv/web(/.*)?', ftype: f, setype: httpd_t }", world()).unchanged();
        conform::<Sefcontext>("{ target: '/srv/web(/.*)?', setype: httpd_t }", world()).changed();
    }

    #[test]
    fn a_path_is_like_another() {
        conform::<Sefcontext>("{ target: /srv/a, substitute: /var/lib/a }", world())
            .unchanged()
            .gives("seuser", Val::Null);
        conform::<Sefcontext>("{ target: /bin, equal: /usr/bin }", world()).unchanged();
        conform::<Sefcontext>("{ target: /bin, equal: /x }", world()).failed("the policy's own word").ran([]);
        conform::<Sefcontext>("{ target: /srv/b, substitute: /x }", world())
            .ran(["semanage fcontext -a -e /x /srv/b"]);
        let args = "{ target: /srv/a, substitute: /x }";
        conform::<Sefcontext>(args, world())
            .ran(["semanage fcontext -d -e /var/lib/a /srv/a", "semanage fcontext -a -e /x /srv/a"])
            .then(args)
            .unchanged();
        assert_eq!(
            prepared_of(args),
            "# Change to semanage file context path substitutions\n-/srv/a = /var/lib/a\n+/srv/a = /x\n"
        );
        conform::<Sefcontext>("{ target: /srv/a, substitute: /y, state: absent }", world()).unchanged();
        conform::<Sefcontext>("{ target: /srv/a, state: absent }", world())
            .ran(["semanage fcontext -d -e /var/lib/a /srv/a"]);
        conform::<Sefcontext>("{ target: /srv/a, setype: x_t, state: absent }", world()).unchanged();
    }

    #[test]
    fn what_cannot_be_is_a_failure() {
        let odd = Ran::failed(1, "ValueError: Type nope_t is invalid, must be a file or device type\n");
        let odd = world().answers("semanage fcontext -a*", odd);
        conform_apart::<Sefcontext>("{ target: /x, setype: nope_t }", odd)
            .failed("ValueError: Type nope_t is invalid, must be a file or device type");
        conform::<Sefcontext>("{ target: /x, setype: a_t }", World::new())
            .failed("SELinux is disabled on this host.");
        conform::<Sefcontext>("{ target: /x }", world()).failed("setype, substitute");
        conform::<Sefcontext>("{ target: /x, substitute: /y, ftype: f }", world())
            .failed("mutually exclusive");
    }
}
