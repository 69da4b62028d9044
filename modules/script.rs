//! Run a script of the controller's on a host.
//!
//! ```yaml
//! - script: setup.sh --fast
//! - script: { cmd: setup.py 5, executable: python3, creates: /var/lib/done }
//! ```
use std::path::PathBuf;

use shevek_kit::prelude::*;
use shevek_kit::{glob, words};

/// Arguments of `script`.
#[derive(Args)]
#[module(procedure)]
#[rule(one_of("_raw_params", "cmd"), exclusive("_raw_params", "cmd"))]
pub struct Script {
    /// The script on the controller, with its arguments, in free form.
    #[arg(name = "_raw_params")]
    free_form: Option<String>,
    /// The same as an option.
    cmd: Option<String>,
    /// Change into this folder first.
    chdir: Option<PathBuf>,
    /// A path or pattern: if something is there already, the script is not run.
    creates: Option<String>,
    /// A path or pattern: if nothing is there, the script is not run.
    removes: Option<String>,
    /// The program to run it with.
    executable: Option<String>,
    /// Whether a vaulted script is decrypted; the controller does that.
    #[arg(default = true, name = "decrypt")]
    _decrypt: bool,
    /// The script's text; set by the controller.
    #[arg(name = "_content")]
    content: Option<Content>,
}

impl Procedure for Script {
    fn guard(&self, host: &Probe) -> Result<Guard> {
        let there = |pattern: &String| {
            let pattern = host.expand(pattern);
            let path =
                self.chdir.as_ref().map_or_else(|| PathBuf::from(&pattern), |folder| folder.join(&pattern));
            !glob::glob(host, &path.to_string_lossy()).is_empty()
        };
        let skipped =
            |why: String| Ok(Guard::done(Outcome { skipped: true, ..Outcome::ok() }.with("msg", why)));
        if let Some(path) = self.creates.as_ref().filter(|path| there(path)) {
            return skipped(format!("{path} exists, matching creates option"));
        }
        if let Some(path) = self.removes.as_ref().filter(|path| !there(path)) {
            return skipped(format!("{path} does not exist, matching removes option"));
        }
        Ok(Guard::Run)
    }

    fn would(&self, _host: &Probe) -> Result<Would> {
        let conditional = self.creates.is_some() || self.removes.is_some();
        let mut outcome =
            Outcome { skipped: !conditional, unknown: true, ..Outcome::ok().changed_if(conditional) };
        if !conditional {
            outcome.set("msg", "Check mode is not supported for this task.");
        }
        Ok(Would::answer(outcome))
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let line = self.free_form.as_ref().or(self.cmd.as_ref()).cloned().unwrap_or_default();
        let Some(content) = &self.content else { fail!("the script's text was not sent") };
        let given = words::split(&line).map_err(|why| Fault::new(format!("{line}: {why}")))?;
        let mut source = host.content(content)?;
        let folder = host.program_folder()?;
        let name = given.first().and_then(|name| name.rsplit('/').next()).unwrap_or("script").to_owned();
        let staged = host.stage(folder.join(name), &mut source)?;
        let path = staged.path.clone();
        host.chmod(&path, 0o700)?;
        // Differs from Ansible: the script has no terminal, and so its two outputs stay apart.
        // A shell reads the line: it has variables and redirections in it, and scripts need not say what runs them.
        let mut line = line.trim().replace(given.first().map_or("", String::as_str), &path.to_string_lossy());
        if let Some(program) = &self.executable {
            line = format!("{program} {line}");
        }
        let mut command = cmd("/bin/sh").args(["-c", &line]).any_rc().own_locale().lingering();
        if let Some(folder) = &self.chdir {
            command = command.folder(folder);
        }
        let ran = host.run(command);
        host.discard(staged);
        let ran = ran?;
        let mut outcome = Outcome::ok()
            .changed_if(true)
            .with("rc", ran.rc)
            .with("stdout", ran.out())
            .with("stderr", ran.err());
        if ran.rc != 0 {
            outcome.failed = true;
            outcome.set("msg", "non-zero return code");
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_from_where_programs_run() {
        let world = || World::new().noexec("/tmp").answers("/*", Ran::default());
        let ran_from = |world: World| {
            let done = conform_apart::<Script>("{ _raw_params: a.sh, _content: 'x' }", world);
            assert!(!done.outcome().failed, "{}", done.outcome().message());
            done.commands()[0].rsplit_once('/').unwrap().0.trim_start_matches("/bin/sh -c ").to_owned()
        };
        assert_eq!(ran_from(world().runner_at("/root/.cache/shevek/runner-1")), "/root/.cache/shevek");
        assert_eq!(ran_from(world().folder("/var/tmp")), "/var/tmp");
        conform_apart::<Script>("{ _raw_params: a.sh, _content: 'x' }", world())
            .failed("tried were /tmp, /var/tmp");
    }

    #[test]
    fn a_shell_reads_the_line() {
        let line = |args: &str| {
            let done = conform_apart::<Script>(
                &format!("{{ {args}, _content: 'x' }}"),
                World::new().answers("/*", Ran::default()),
            );
            let ran = done.commands()[0].trim_start_matches("/bin/sh -c ").trim_matches('\'').to_owned();
            let at = ran.find(".shevek_").unwrap();
            let end = ran[at..].find(' ').map_or(ran.len(), |length| at + length);
            format!("{}SCRIPT{}", &ran[..ran.find("/tmp/").unwrap()], &ran[end..])
        };
        assert_eq!(line("_raw_params: 'files/a.sh $HOME > /log'"), "SCRIPT $HOME > /log");
        assert_eq!(line("cmd: 'a.py 5', executable: python3 -u"), "python3 -u SCRIPT 5");
    }

    #[test]
    fn what_it_creates_keeps_it_from_running() {
        let world = World::new().file("/done", "");
        conform::<Script>("{ _raw_params: a.sh, _content: 'x', creates: /done }", world).unchanged().ran([]);
    }
}
