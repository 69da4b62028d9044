//! `shevek config`: what is set, by whom, and what can be.

use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use shevek_diag::{Diagnostic, Diagnostics, Kind};
use shevek_report::Colour;
use shevek_settings::{Loaded, ROWS, Row, SetBy, UNUSED, Unused};
use shevek_value::Value;

use crate::exit::{Ending, unreadable};
use crate::options::Output;
use crate::output::{complain, errors_coloured, has_colours, print};

mod galaxy;
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

/// What to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Type {
    /// Every setting, those too that are accepted and mean nothing here.
    All,
    /// The settings themselves.
    #[default]
    Base,
}

/// Options of all subcommands.
#[derive(Debug, Args)]
struct Chosen {
    #[command(flatten)]
    output: Output,

    /// Which settings. Plugins' settings are among the others here.
    #[arg(short = 't', long = "type", value_enum, default_value_t, value_name = "TYPE")]
    type_: Type,
}

#[derive(Debug, Args)]
struct Init {
    #[command(flatten)]
    chosen: Chosen,

    /// What to write: `ini` or `env`.
    #[arg(short = 'f', long, value_enum, default_value_t)]
    format: init::Form,

    /// Settings as comments, so that nothing is set by the text as it is.
    #[arg(long)]
    disabled: bool,
}

#[derive(Debug, Args)]
struct Validate {
    #[command(flatten)]
    chosen: Chosen,

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
    chosen: Chosen,

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
        options.chosen.output.apply(&mut loaded.settings);
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
    let mut settings = loaded.settings.clone();
    options.chosen.output.apply(&mut settings);
    if unknown.is_empty() {
        print("All configurations seem valid!\n");
        return Ok(0);
    }
    complain(&unknown, errors_coloured(&settings));
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
    let mut entries = vec![
        ("default", row.default.map_or(Value::NULL, Value::str)),
        ("description", Value::str(row.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "))),
        ("env", variables(row.env)),
        ("ini", keys(row.ini)),
        ("name", Value::str(row.name)),
        ("type", Value::str(row.kind)),
    ];
    if !row.choices.is_empty() {
        entries.insert(0, ("choices", texts(row.choices)));
    }
    Value::dict(entries)
}

/// Variables that set something, as `list` has them.
fn variables(names: &[&str]) -> Value {
    Value::list(names.iter().map(|name| Value::dict([("name", *name)])).collect())
}

/// Keys of the file that set something, as `list` has them.
fn keys(keys: &[(&str, &str)]) -> Value {
    Value::list(
        keys.iter().map(|(section, key)| Value::dict([("key", *key), ("section", *section)])).collect(),
    )
}

fn list(options: &Options) {
    let rows = ROWS.iter().map(|row| (row.name, description(row)));
    let unused = UNUSED.iter().map(|unused| (unused.name, meaningless(unused)));
    let mut all: Vec<(&str, Value)> = rows.chain(unused).collect();
    all.sort_by_key(|(name, _)| *name);
    print(&structured(&Value::dict(all), options.format.unwrap_or(Format::Yaml)));
}

/// The documentation of a setting that does nothing here.
fn meaningless(unused: &Unused) -> Value {
    Value::dict([
        ("description", Value::str("Accepted, but without meaning here.")),
        ("env", variables(unused.env)),
        ("ini", keys(unused.ini)),
        ("name", Value::str(unused.name)),
    ])
}

fn dump(options: &Options, loaded: &Loaded) {
    let values = loaded.settings.show();
    let file = loaded.file.as_ref().map(|(path, _)| Value::str(path.display().to_string()));
    let config_file = ("CONFIG_FILE", file.unwrap_or(Value::NULL), SetBy::Default);
    let is_shown = |(name, _, by): &(&str, Value, SetBy)| *by != SetBy::Default || *name == "CONFIG_FILE";
    let rows =
        ROWS.iter().zip(values).zip(&loaded.set_by).map(|((row, value), by)| (row.name, value, by.clone()));
    let mut rows: Vec<(&str, Value, SetBy)> = std::iter::once(config_file).chain(rows).collect();
    let unused = UNUSED.iter().map(|unused| without_meaning(unused, loaded));
    rows.extend(unused.filter(|row| options.chosen.type_ == Type::All || is_shown(row)));
    rows.retain(|row| !options.only_changed || is_shown(row));
    rows.sort_by_key(|(name, ..)| *name);
    let surroundings = shevek_settings::Surroundings::of_process();
    let named = loaded.file.as_ref().map(|(path, ini)| (path.display().to_string(), ini));
    let file = named.as_ref().map(|(path, ini)| (path.as_str(), *ini));
    let servers = galaxy::servers(file, &surroundings);
    match options.format.unwrap_or(Format::Display) {
        Format::Display => {
            display(&rows, loaded);
            display_servers(&servers, options.only_changed);
        }
        format => {
            let rows = rows.into_iter().map(|(name, value, by)| {
                Value::dict([
                    ("name", Value::str(name)),
                    (
                        "origin",
                        Value::str(if name == "CONFIG_FILE" { String::new() } else { by.to_string() }),
                    ),
                    ("value", value),
                ])
            });
            let all = servers.iter().map(|(name, settings)| (name.as_str(), server(settings)));
            let of_servers = Value::dict([("GALAXY_SERVERS", Value::dict(all))]);
            print(&structured(&Value::list(rows.chain([of_servers]).collect()), format));
        }
    }
}

/// A setting that is accepted and does nothing, as it is set.
fn without_meaning(unused: &Unused, loaded: &Loaded) -> (&'static str, Value, SetBy) {
    let variable = unused.env.iter().rev().find_map(|name| Some((*name, std::env::var(name).ok()?)));
    let written = || {
        let (path, ini) = loaded.file.as_ref()?;
        let entry = unused.ini.iter().rev().find_map(|(section, key)| ini.get(section, key))?;
        Some((entry.value.clone(), SetBy::File(path.clone())))
    };
    let set = variable.map(|(name, value)| (value, SetBy::Variable(name))).or_else(written);
    match set {
        Some((value, by)) => (unused.name, Value::str(value), by),
        None => (unused.name, Value::NULL, SetBy::Default),
    }
}

/// A server's settings as data.
fn server(settings: &[galaxy::Setting]) -> Value {
    let one = |setting: &galaxy::Setting| {
        Value::dict([
            ("name", Value::str(setting.key)),
            ("value", setting.value.clone()),
            ("origin", Value::str(setting.by.clone().unwrap_or_else(|| SetBy::Default.to_string()))),
            ("type", Value::NULL),
        ])
    };
    Value::list(settings.iter().map(one).collect())
}

fn display_servers(servers: &[(String, Vec<galaxy::Setting>)], only_changed: bool) {
    print("\nGALAXY_SERVERS:\n\n");
    for (name, settings) in servers {
        print(&format!("\n{name}\n{}\n", "=".repeat(name.chars().count())));
        let mut settings: Vec<&galaxy::Setting> =
            settings.iter().filter(|setting| !only_changed || setting.by.is_some()).collect();
        settings.sort_by_key(|setting| setting.key);
        for setting in settings {
            let by = setting.by.clone().unwrap_or_else(|| SetBy::Default.to_string());
            print(&format!("{}({by}) = {}\n", setting.key, setting.value.text()));
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
        let colour = if *by == SetBy::Default && *name != "CONFIG_FILE" { &unset } else { &set };
        print(&(colour.as_ref().map_or(line.clone(), |colour| colour.paint(&line)) + "\n"));
    }
}

fn structured(value: &Value, format: Format) -> String {
    match format {
        Format::Json => shevek_report::json_pretty(value) + "\n",
        Format::Yaml | Format::Display => {
            let options = shevek_yaml::DumpOptions {
                sort_keys: false,
                indent: None,
                ..shevek_yaml::DumpOptions::nice()
            };
            shevek_yaml::dump(value, &options).unwrap_or_else(|error| error.message())
        }
    }
}
