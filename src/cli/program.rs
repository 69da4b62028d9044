//! From the arguments to a verb.

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgMatches, Args, Command, FromArgMatches, Parser, Subcommand};
use shevek_diag::Diagnostic;
use shevek_settings::{Loaded, Surroundings, load};

use crate::exit::{Ending, Stop};
use crate::verbs::{AdHoc, Config, Doc, Inventory, Play, Pull, Replay, Vault};
use crate::{output, version};

/// Runs Ansible playbooks from one binary, with no Python on either side.
#[derive(Debug, Parser)]
#[command(name = "shevek", version, infer_long_args = true, args_override_self = true)]
#[command(after_help = "Linked to under the name of one of Ansible's programs (ansible-playbook, ansible, \
    ansible-inventory, ansible-vault, ansible-config, ansible-doc, ansible-pull) it takes that program's options.")]
struct Shevek {
    #[command(subcommand)]
    verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run playbooks (as `ansible-playbook`).
    Play(Box<Play>),
    /// Fetch a repository and run its playbooks on this machine (as `ansible-pull`).
    Pull(Box<Pull>),
    /// Run one task (as `ansible`).
    Run(Box<AdHoc>),
    /// Show hosts, groups and variables (as `ansible-inventory`).
    Inventory(Inventory),
    /// Encrypt and decrypt (as `ansible-vault`).
    Vault(Vault),
    /// Show settings (as `ansible-config`).
    Config(Config),
    /// Show what modules do and take (as `ansible-doc`).
    Doc(Doc),
    /// Show a recorded run again.
    Replay(Replay),
}

/// Ansible's programs that are not here.
const ABSENT: [(&str, &str); 3] = [
    (
        "ansible-galaxy",
        "install roles and collections with ansible-galaxy itself; their content is read from its folders",
    ),
    ("ansible-console", "run single tasks with `shevek run`"),
    ("ansible-test", "it tests Ansible's own Python"),
];

/// Runs the program; the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let surroundings = Surroundings::of_process();
    let mut loaded = load(&surroundings);
    let (ending, coloured) = match parse(&arguments, &loaded) {
        Ok(verb) => {
            let coloured = output::errors_coloured(&loaded.settings);
            let complaints = std::mem::take(&mut loaded.diagnostics);
            if complaints.has_errors() {
                (Err(Stop(complaints)), coloured)
            } else {
                output::complain(&complaints, coloured);
                (verb.run(loaded), coloured)
            }
        }
        Err(Refused::Usage(error)) => {
            let _ = error.print();
            // Ansible's programs end with 2 where the shell's words make no sense.
            return if error.use_stderr() { 2 } else { 0 };
        }
        Err(Refused::Absent(diagnostic)) => (Err(diagnostic.into()), false),
    };
    match ending {
        Ok(code) => code,
        Err(stop) => {
            output::complain(&stop.0, coloured);
            stop.code()
        }
    }
}

/// Why there is no verb.
#[derive(Debug)]
enum Refused {
    /// The arguments make no sense, or ask for help.
    Usage(clap::Error),
    /// The program that it is called as is not here.
    Absent(Box<Diagnostic>),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

fn parse(arguments: &[OsString], loaded: &Loaded) -> Result<Verb, Refused> {
    let called = arguments.first().map(Path::new).and_then(Path::file_name);
    let name = called.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some((name, instead)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
        return Err(Refused::Absent(
            Diagnostic::new("a program of Ansible's that is not here")
                .kind(shevek_diag::Kind::Options)
                .detail(format!("shevek does not do what `{name}` does"))
                .help(*instead),
        ));
    }
    let Some(verb) = named(&name) else {
        return Ok(Shevek::try_parse_from(arguments)?.verb);
    };
    let command = verb.command(version::ansible(&loaded.settings));
    let matches = command.try_get_matches_from(arguments)?;
    Ok(verb.verb(&matches)?)
}

/// A verb by the name of Ansible's program for it.
#[derive(Debug, Clone, Copy)]
enum Named {
    Play,
    Run,
    Inventory,
    Vault,
    Config,
    Doc,
    Pull,
}

fn named(program: &str) -> Option<Named> {
    let all =
        [Named::Play, Named::Run, Named::Inventory, Named::Vault, Named::Config, Named::Doc, Named::Pull];
    all.into_iter().find(|verb| verb.name() == program)
}

impl Named {
    fn name(self) -> &'static str {
        match self {
            Self::Play => "ansible-playbook",
            Self::Run => "ansible",
            Self::Inventory => "ansible-inventory",
            Self::Vault => "ansible-vault",
            Self::Config => "ansible-config",
            Self::Doc => "ansible-doc",
            Self::Pull => "ansible-pull",
        }
    }

    fn command(self, version: String) -> Command {
        // Parsed once a process; clap wants to borrow for ever.
        let version: &'static str = version.leak();
        let command = Command::new(self.name())
            .bin_name(self.name())
            .version(version)
            .infer_long_args(true)
            .args_override_self(true)
            .infer_subcommands(false);
        match self {
            Self::Play => Play::augment_args(command),
            Self::Run => AdHoc::augment_args(command),
            Self::Inventory => Inventory::augment_args(command),
            Self::Vault => Vault::augment_args(command),
            Self::Config => Config::augment_args(command),
            Self::Doc => Doc::augment_args(command),
            Self::Pull => Pull::augment_args(command),
        }
    }

    fn verb(self, matches: &ArgMatches) -> Result<Verb, clap::Error> {
        Ok(match self {
            Self::Play => Verb::Play(Box::new(Play::from_arg_matches(matches)?)),
            Self::Run => Verb::Run(Box::new(AdHoc::from_arg_matches(matches)?)),
            Self::Inventory => Verb::Inventory(Inventory::from_arg_matches(matches)?),
            Self::Vault => Verb::Vault(Vault::from_arg_matches(matches)?),
            Self::Config => Verb::Config(Config::from_arg_matches(matches)?),
            Self::Doc => Verb::Doc(Doc::from_arg_matches(matches)?),
            Self::Pull => Verb::Pull(Box::new(Pull::from_arg_matches(matches)?)),
        })
    }
}

impl Verb {
    fn run(self, loaded: Loaded) -> Ending {
        match self {
            Self::Play(play) => play.run(loaded.settings),
            Self::Run(adhoc) => adhoc.run(loaded.settings),
            Self::Inventory(inventory) => inventory.run(loaded.settings),
            Self::Vault(vault) => vault.run(loaded.settings),
            Self::Config(config) => config.run(loaded),
            Self::Doc(doc) => doc.run(&loaded.settings),
            Self::Pull(pull) => pull.run(&loaded.settings),
            Self::Replay(replay) => replay.run(loaded.settings),
        }
    }
}

#[cfg(test)]
mod tests;
