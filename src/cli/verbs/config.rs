//! `shevek config`: what is set, by whom, and what can be.

use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use shevek_diag::{Diagnostic, Diagnostics, Kind};
use shevek_report::Colour;
use shevek_settings::{Loaded, ROWS, Row, SetBy, UNUSED};
use shevek_value::Value;

use crate::exit::{Ending, unreadable};
use crate::options::Output;
use crate::output::{complain, errors_coloured, has_colours, print};

mod init;
mod validate;

/// Shows settings.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every setting there is, what it does and how it is set.
    List(Options),
    /// Every setting's value, and who set it.
    Dump(Options),
    /// The configuration file as it is.
    View(Options),
    /// A configuration to start from: all settings, with what they do.
    Init(Init),
    /// Whether all names in the configuration are known.
    Validate(Validate),
}

#[derive(Debug, Args)]
struct Init {
    /// What to write: `ini` or `env`.
    #[arg(short = 'f', long, value_enum, default_value_t)]
    format: init::Form,

    /// Settings as comments, so that nothing is set by the text as it is.
    #[arg(long)]
    disabled: bool,
}

#[derive(Debug, Args)]
struct Validate {
    /// What to look through: `ini` or `env`.
    #[arg(short = 'f', long, value_enum, default_value_t)]
    format: validate::Where,

    /// Look through this configuration file instead of the one that is found.
    #[arg(short = 'c', long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
struct Options {
    #[command(flatten)]
    output: Output,

    /// Only what is set.
    #[arg(long, visible_alias = "changed-only")]
    only_changed: bool,

    /// How to print.
    #[arg(short = 'f', long, value_enum)]
    format: Option<Format>,

    /// Read this configuration file instead of the one that is found.
    #[arg(short = 'c', long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Display,
    Json,
    Yaml,
}

impl Config {
    pub(crate) fn run(self, loaded: Loaded) -> Ending {
        let options = match &self.what {
            What::List(options) | What::Dump(options) | What::View(options) => options,
            What::Init(options) => {
                print(&init::written(options.format, options.disabled));
                return Ok(0);
            }
            What::Validate(options) => {
                return validated(options, &reloaded(options.config.as_deref(), loaded));
            }
        };
        let mut loaded = reloaded(options.config.as_deref(), loaded);
        options.output.apply(&mut loaded.settings);
        match &self.what {
            What::List(options) => list(options),
            What::Dump(options) => dump(options, &loaded),
            _ => return view(&loaded),
        }
        Ok(0)
    }
}

/// What another configuration file says, if one is named.
fn reloaded(named: Option<&Path>, loaded: Loaded) -> Loaded {
    let Some(file) = named else { return loaded };
    let mut surroundings = shevek_settings::Surroundings::of_process();
    surroundings.variables.insert("ANSIBLE_CONFIG".to_owned(), file.to_string_lossy().into_owned());
    shevek_settings::load(&surroundings)
}

fn validated(options: &Validate, loaded: &Loaded) -> Ending {
    let unknown = match (options.format, &loaded.file) {
        (validate::Where::Env, _) => {
            validate::environment(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
        }
        (validate::Where::Ini, Some((path, ini))) => validate::file(path, ini),
        (validate::Where::Ini, None) => Diagnostics::new(),
    };
    if unknown.is_empty() {
        print("All configurations seem valid!\n");
        return Ok(0);
    }
    complain(&unknown, errors_coloured(&loaded.settings));
    Ok(1)
}

fn view(loaded: &Loaded) -> Ending {
    let Some((path, _)) = &loaded.file else {
        return Err(Diagnostic::new("there is no configuration file")
            .kind(Kind::Machine)
            .detail("none of $ANSIBLE_CONFIG, ./ansible.cfg, ~/.ansible.cfg and /etc/ansible/ansible.cfg is there")
            .into());
    };
    print(&std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?);
    Ok(0)
}

/// One setting's documentation as data.
fn description(row: &Row) -> Value {
    let texts = |texts: &[&str]| Value::list(texts.iter().map(|text| Value::str(*text)).collect());
    let ini = row.ini.iter().map(|(section, key)| Value::dict([("section", *section), ("key", *key)]));
    Value::dict([
        ("name", Value::str(row.name)),
        ("description", Value::str(row.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "))),
        ("type", Value::str(row.kind)),
        ("default", row.default.map_or(Value::NULL, Value::str)),
        ("choices", texts(row.choices)),
        ("env", texts(row.env)),
        ("ini", Value::list(ini.collect())),
    ])
}

fn list(options: &Options) {
    let settings = Value::dict(ROWS.iter().map(|row| (row.name, description(row))));
    // Names that are accepted and mean nothing here.
    let unused = Value::list(UNUSED.iter().map(|unused| Value::str(unused.name)).collect());
    let all = Value::dict([("settings", settings), ("accepted_without_meaning", unused)]);
    print(&structured(&all, options.format.unwrap_or(Format::Yaml)));
}

fn dump(options: &Options, loaded: &Loaded) {
    let values = loaded.settings.show();
    let file = loaded.file.as_ref().map(|(path, _)| Value::str(path.display().to_string()));
    let config_file = ("CONFIG_FILE", file.unwrap_or(Value::NULL), SetBy::Default);
    let rows =
        ROWS.iter().zip(values).zip(&loaded.set_by).map(|((row, value), by)| (row.name, value, by.clone()));
    let mut rows: Vec<(&str, Value, SetBy)> = std::iter::once(config_file).chain(rows).collect();
    if options.only_changed {
        rows.retain(|(name, value, by)| {
            *by != SetBy::Default || (*name == "CONFIG_FILE" && !value.is_null())
        });
    }
    rows.sort_by_key(|(name, ..)| *name);
    match options.format.unwrap_or(Format::Display) {
        Format::Display => display(&rows, loaded),
        format => {
            let rows = rows.into_iter().map(|(name, value, by)| {
                Value::dict([
                    ("name", Value::str(name)),
                    ("value", value),
                    ("origin", Value::str(by.to_string())),
                ])
            });
            print(&structured(&Value::list(rows.collect()), format));
        }
    }
}

fn display(rows: &[(&str, Value, SetBy)], loaded: &Loaded) {
    let colours = has_colours(&loaded.settings);
    let colour = |name: &str| Colour::named(name).filter(|_| colours);
    let (unset, set) = (colour(&loaded.settings.color_ok), colour(&loaded.settings.color_changed));
    for (name, value, by) in rows {
        let line = match *name {
            "CONFIG_FILE" => format!("{name}() = {}", value.text()),
            _ => format!("{name}({by}) = {}", value.text()),
        };
        let colour = if *by == SetBy::Default { &unset } else { &set };
        print(&(colour.as_ref().map_or(line.clone(), |colour| colour.paint(&line)) + "\n"));
    }
}

fn structured(value: &Value, format: Format) -> String {
    match format {
        Format::Json => shevek_report::json_text(value) + "\n",
        Format::Yaml | Format::Display => {
            let options = shevek_yaml::DumpOptions { sort_keys: false, ..shevek_yaml::DumpOptions::nice() };
            shevek_yaml::dump(value, &options).unwrap_or_else(|error| error.message())
        }
    }
}
