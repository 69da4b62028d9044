//! Bring targets of a Makefile up to date.
//!
//! Whether there is anything to do, `make -q` tells, in check mode too: it runs nothing but what the Makefile itself wants to
//! be run even then, that is marked recipes, `$(shell …)`, and what brings an included Makefile up to date.
//!
//! ```yaml
//! - community.general.make: { chdir: /home/joe/project }
//! - community.general.make: { chdir: /home/joe/project, target: install, jobs: 4 }
//! - community.general.make: { chdir: /home/joe/project, targets: [ lib, docs ], file: /srv/Makefile, params: { PREFIX: /usr, -DWITH_FDT: null } }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;
use shevek_kit::printed::python_str;

/// Arguments of `make`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
#[rule(exclusive("target", "targets"))]
pub struct Make {
    /// The target.
    target: Option<String>,
    /// The targets.
    targets: Option<Vec<String>>,
    /// Variables and further arguments; one without a value is given as it is.
    params: Option<Dict>,
    /// The folder that it runs in.
    chdir: PathBuf,
    /// Another Makefile than the folder's.
    file: Option<String>,
    /// Another program than `gmake` or `make`.
    make: Option<String>,
    /// How many jobs may run at a time.
    jobs: Option<i64>,
}

impl Procedure for Make {
    fn would(&self, host: &Probe) -> Result<Would> {
        let command = self.command(host)?;
        if !matches!(command.name().as_str(), "make" | "gmake" | "bmake") {
            return Ok(Would::Skip(format!("whether {} only reads with -q is not known", command.line())));
        }
        host.as_on_host(&self.chdir)?;
        if let Some(file) = &self.file {
            host.as_on_host(self.chdir.join(host.expand(file)))?;
        }
        let asked = host.ask(command.clone().arg("-q").any_rc())?;
        if asked.rc > 1 {
            // Differs from Ansible: where make itself could not go on, check mode says `changed` there.
            let said = if asked.stderr.is_empty() { asked.out() } else { asked.err() };
            return Err(Fault::absent(said).with("rc", asked.rc).with("command", command.line()));
        }
        let outcome = self.outcome(&command, &asked, asked.rc != 0);
        Ok(Would::answer(outcome))
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let command = self.command(host)?;
        let asked = host.run(command.clone().arg("-q").any_rc())?;
        if asked.rc == 0 {
            return Ok(self.outcome(&command, &asked, false));
        }
        let ran = host.run(command.clone())?;
        Ok(self.outcome(&command, &ran, true))
    }
}

impl Make {
    fn command(&self, host: &Probe) -> Result<Command> {
        let program = match &self.make {
            Some(program) => PathBuf::from(host.expand(program)),
            None => match host.which("gmake") {
                Some(program) => program,
                None => host.need("make")?,
            },
        };
        // Differs from Ansible: there it runs where it happens to be when this folder is missing.
        if !host.is_folder(&self.chdir) {
            // Differs from Ansible: its real run goes on in the login folder.
            return Err(Fault::absent(format!("the folder '{}' is not there", self.chdir.display())));
        }
        let targets = match self.target.as_ref().filter(|target| !target.is_empty()) {
            Some(target) => std::slice::from_ref(target),
            None => self.targets.as_deref().unwrap_or_default(),
        };
        let params = self.params.iter().flatten().map(|(name, value)| match value {
            Val::Null => name.clone(),
            value => format!("{name}={}", python_str(value)),
        });
        let file = self.file.as_ref().map(|file| host.expand(file));
        let command = cmd(program).opt("-j", self.jobs).opt("-f", file).args(targets).args(params);
        Ok(command.folder(host.folder().join(&self.chdir)).lingering())
    }

    fn outcome(&self, command: &Command, ran: &Ran, changed: bool) -> Outcome {
        let said = |text: String| text.trim_end_matches(['\r', '\n']).to_owned();
        let or_null = |value: Option<Val>| value.unwrap_or(Val::Null);
        let chdir: &Path = &self.chdir;
        Outcome::ok()
            .changed_if(changed)
            .with("stdout", said(ran.out()))
            .with("stderr", said(ran.err()))
            .with("target", or_null(self.target.as_ref().map(Val::from)))
            .with("targets", or_null(self.targets.clone().map(Val::from)))
            .with("params", or_null(self.params.clone().map(Val::Map)))
            .with("chdir", chdir)
            .with("file", or_null(self.file.as_ref().map(Val::from)))
            .with("jobs", or_null(self.jobs.map(Val::Int)))
            .with("command", command.line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new().program("make").folder("/src")
    }

    #[test]
    fn what_is_not_up_to_date_is_made() {
        let args = "{ chdir: /src, targets: [a, b], jobs: 3, file: own.mk, params: { P: /usr, -DX: null } }";
        let asked = "/usr/bin/make -j 3 -f own.mk a b P=/usr -DX -q";
        let made = "/usr/bin/make -j 3 -f own.mk a b P=/usr -DX";
        let world = world().answers(asked, Ran::failed(1, "")).says(made, "made it\n");
        let done = conform::<Make>(args, world).changed().ran([asked, made]);
        let done = done.gives("stdout", "made it").gives("command", made).gives("target", Val::Null);
        done.gives("targets", vec!["a", "b"]).gives("jobs", 3);
    }

    #[test]
    fn what_is_up_to_date_stays() {
        let world = world().program("gmake").says("/usr/bin/gmake all -q", "");
        conform::<Make>("{ chdir: /src, target: all }", world).unchanged().ran(["/usr/bin/gmake all -q"]);
    }

    #[test]
    fn a_recipe_that_fails_fails_the_task() {
        let world = world()
            .answers("/usr/bin/make -q", Ran::failed(1, ""))
            .answers("/usr/bin/make", Ran::failed(2, "make: *** [Makefile:2: all] Error 1\n"));
        let done = conform_apart::<Make>("{ chdir: /src }", world);
        done.failed("make: *** [Makefile:2: all] Error 1").gives("rc", 2);
        conform::<Make>("{ chdir: /none }", self::world()).failed("'/none'");
        conform::<Make>("{ chdir: /src }", World::new().folder("/src")).failed("\"make\"");
    }

    #[test]
    fn what_make_cannot_make_is_no_change() {
        let world = world()
            .answers("/usr/bin/make nope -q", Ran::failed(2, "make: *** No rule to make target 'nope'."))
            .answers("/usr/bin/make nope", Ran::failed(2, "make: *** No rule to make target 'nope'."));
        let done = conform::<Make>("{ chdir: /src, target: nope }", world);
        assert!(done.check().failed && done.check().message().contains("No rule to make target"));
        done.failed("No rule to make target");
    }

    #[test]
    fn check_mode_does_not_trust_another_program() {
        let world = world().answers("/opt/ninja -q", Ran::failed(1, "")).says("/opt/ninja", "");
        let done = conform::<Make>("{ chdir: /src, make: /opt/ninja }", world).changed();
        assert!(done.check().skipped);
    }
}
