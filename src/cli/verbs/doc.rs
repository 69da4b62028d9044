//! `shevek doc`: what modules do and take.

use std::fmt::Write;

use clap::Args;
use shevek_diag::{Diagnostic, Diagnostics, Kind};
use shevek_kit::Page;
use shevek_kit::schema::{Nature, Opt, Preset, Schema};
use shevek_settings::Settings;
use shevek_value::Value;

use crate::exit::Ending;
use crate::options::Output;
use crate::output::print;

mod markdown;

/// Shows what modules do and what options they take.
#[derive(Debug, Args)]
pub(crate) struct Doc {
    #[command(flatten)]
    output: Output,

    /// List all modules; with names, those that start so.
    #[arg(short = 'l', long)]
    list: bool,

    /// Print a task to copy.
    #[arg(short = 's', long, conflicts_with = "list")]
    snippet: bool,

    /// Print JSON.
    #[arg(short = 'j')]
    as_json: bool,

    /// Print Markdown.
    #[arg(long, conflicts_with_all = ["list", "snippet", "as_json"])]
    markdown: bool,

    /// The kind of thing to look for; only modules are documented here.
    #[arg(short = 't', long = "type", default_value = "module", value_name = "KIND")]
    kind: String,

    /// Names of modules.
    modules: Vec<String>,
}

impl Doc {
    pub(crate) fn run(self, _settings: &Settings) -> Ending {
        let json = self.as_json || self.output.json;
        if self.kind != "module" {
            return Err(Diagnostic::new("documented elsewhere")
                .kind(Kind::Options)
                .detail(format!("only modules are documented here, not `{}`", self.kind))
                .into());
        }
        if !self.list && self.modules.is_empty() {
            return Err(Diagnostic::new("nothing to look up")
                .kind(Kind::Options)
                .detail("name a module, or list them with -l")
                .into());
        }
        if self.list {
            let mut modules = all();
            modules.retain(|module| {
                let name = module.schema.full_name();
                self.modules.is_empty() || self.modules.iter().any(|start| name.starts_with(start.as_str()))
            });
            print(&list(&modules, json));
            return Ok(0);
        }
        let mut missing = Diagnostics::new();
        let mut modules = Vec::new();
        let all = all();
        for name in &self.modules {
            match find(&all, name) {
                Some(module) => modules.push((name.as_str(), module)),
                None => missing.push(unknown(name)),
            }
        }
        if missing.has_errors() {
            return Err(missing.into());
        }
        if json {
            print(&json_of(&modules));
            return Ok(0);
        }
        let modules: Vec<Documented> = modules.into_iter().map(|(_, module)| module).collect();
        let text = if self.markdown {
            modules.iter().copied().map(markdown::page).collect::<Vec<_>>().join("\n")
        } else if self.snippet {
            modules.iter().copied().map(snippet).collect::<Vec<_>>().join("\n")
        } else {
            modules.iter().copied().map(page).collect::<Vec<_>>().join("\n")
        };
        print(&text);
        Ok(0)
    }
}

/// A module, or an action of the controller's, with its documentation.
#[derive(Clone, Copy)]
struct Documented {
    schema: &'static Schema,
    page: Page,
}

/// All there are, by name. An action stands before the module that it drives.
fn all() -> Vec<Documented> {
    let actions = shevek_actions::Actions.iter();
    let actions = actions.map(|listed| Documented { schema: listed.action.schema(), page: Page(listed.doc) });
    let modules = shevek_modules::registry();
    let modules = modules.map(|module| Documented { schema: module.schema(), page: module.page() });
    let mut all: Vec<Documented> = actions.chain(modules).collect();
    all.sort_by_key(|documented| documented.schema.full_name());
    all.dedup_by_key(|documented| documented.schema.full_name());
    all
}

/// The one of this name: short, in full, or another name of it.
fn find(all: &[Documented], name: &str) -> Option<Documented> {
    let name = name.strip_prefix("ansible.legacy.").unwrap_or(name);
    let goes_by =
        |schema: &Schema| schema.name == name || schema.full_name() == name || schema.aliases.contains(&name);
    let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
    let is_ours = |documented: &&Documented| documented.schema.collection == "ansible.builtin";
    let found = all.iter().filter(|documented| goes_by(documented.schema));
    // A short name is the builtin module's, where several have it.
    let found = found.clone().find(is_ours).or_else(|| found.clone().next());
    found.or_else(|| all.iter().find(|documented| documented.schema.aliases.contains(&short))).copied()
}

fn unknown(name: &str) -> Box<Diagnostic> {
    let names: Vec<&str> = all().iter().map(|module| module.schema.name).collect();
    let short = name.rsplit('.').next().unwrap_or(name);
    Diagnostic::new("there is no such module")
        .kind(Kind::Machine)
        .detail(format!("`{name}`"))
        .did_you_mean(short, names)
        .help("`shevek doc -l` lists all")
}

fn list(modules: &[Documented], json: bool) -> String {
    let rows: Vec<(String, &str)> =
        modules.iter().map(|module| (module.schema.full_name(), module.page.summary())).collect();
    if json {
        return shevek_report::json_text(&Value::dict(rows)) + "\n";
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, summary)| format!("{name:<width$} {summary}\n")).collect()
}

/// The page of a module.
fn page(module: Documented) -> String {
    let schema = module.schema;
    let mut out = format!("> MODULE {}\n\n  {}\n", schema.full_name(), module.page.summary());
    let description = module.page.description();
    if !description.is_empty() {
        out.push('\n');
        out.push_str(&indented(&description, 2));
    }
    let _ = writeln!(out, "\n  Check mode: {}.", check_mode(schema.nature));
    if !schema.aliases.is_empty() {
        let _ = writeln!(out, "  Also known as: {}.", schema.aliases.join(", "));
    }
    out.push_str("\nOPTIONS (= has to be given)\n");
    for option in schema.options() {
        option_page(option, 0, &mut out);
    }
    for example in module.page.examples() {
        out.push_str("\nEXAMPLE\n\n");
        out.push_str(&indented(example.trim_end(), 2));
    }
    out
}

/// What a module does in check mode.
fn check_mode(nature: Nature) -> &'static str {
    match nature {
        Nature::Resource => "says exactly what would change",
        Nature::Query => "runs: it only reads",
        Nature::Procedure => "says whether it would run",
    }
}

/// An option's type, default and other names.
fn facts(option: &Opt) -> Vec<String> {
    // A choice may be a line's end, which would be one here.
    let written = |text: &str| text.replace('\n', "\\n").replace('\r', "\\r");
    let mut facts = vec![match option.kind.choices() {
        Some(words) => {
            let mut shown: Vec<String> = Vec::new();
            for word in words.iter().map(|word| written(word)) {
                if !shown.contains(&word) {
                    shown.push(word);
                }
            }
            shown.join(" | ")
        }
        None => option.kind.name().to_owned(),
    }];
    if let Some(default) = preset(&option.default) {
        facts.push(format!("default: {}", written(&default.text())));
    }
    if !option.aliases.is_empty() {
        facts.push(format!("also: {}", option.aliases.join(", ")));
    }
    facts
}

fn option_page(option: &Opt, depth: usize, out: &mut String) {
    let mark = if option.required { '=' } else { '-' };
    let margin = depth * 4;
    let _ = writeln!(out, "\n{:margin$}{mark} {}  ({})", "", option.name, facts(option).join("; "));
    out.push_str(&indented(option.doc.trim(), margin + 4));
    for inner in option.kind.suboptions().into_iter().flatten() {
        option_page(inner, depth + 1, out);
    }
}

fn indented(text: &str, width: usize) -> String {
    text.lines()
        .map(|line| {
            if line.trim().is_empty() {
                "\n".to_owned()
            } else {
                format!("{:width$}{}\n", "", line.trim_end())
            }
        })
        .collect()
}

fn preset(preset: &Preset) -> Option<Value> {
    Some(match preset {
        Preset::None => return None,
        Preset::Bool(b) => Value::from(*b),
        Preset::Int(i) => Value::from(*i),
        Preset::Float(f) => Value::from(*f),
        Preset::Str(text) => Value::str(*text),
        Preset::List(items) => Value::list(items.iter().map(|item| Value::str(*item)).collect()),
    })
}

fn snippet(module: Documented) -> String {
    let mut out = format!("- name: {}\n  {}:\n", module.page.summary(), module.schema.full_name());
    for option in module.schema.options() {
        let value = preset(&option.default).map(|value| value.text()).unwrap_or_default();
        let required = if option.required { "(required) " } else { "" };
        let doc = option.doc.trim().lines().next().unwrap_or_default().trim();
        let setting = format!("{}: {value}", option.name);
        let _ = writeln!(out, "      {:<24} # {required}{doc}", setting.trim_end());
    }
    out
}

/// Pages by the names that they were asked for.
fn json_of(modules: &[(&str, Documented)]) -> String {
    let pages = modules.iter().map(|(name, module)| (*name, json_page(*module)));
    shevek_report::json_text(&Value::dict(pages)) + "\n"
}

fn json_page(module: Documented) -> Value {
    let schema = module.schema;
    let description: Vec<Value> = module.page.description().split("\n\n").map(Value::str).collect();
    let doc = Value::dict([
        ("module", Value::str(module.schema.name)),
        ("collection", Value::str(schema.collection)),
        ("short_description", Value::str(module.page.summary())),
        ("description", Value::list(description)),
        ("options", json_options(&schema.options())),
    ]);
    let examples = module.page.examples().join("\n");
    Value::dict([
        ("doc", doc),
        ("examples", Value::str(examples)),
        ("metadata", Value::NULL),
        ("return", Value::NULL),
    ])
}

fn json_options(options: &[&Opt]) -> Value {
    Value::dict(options.iter().map(|option| (option.name, json_option(option))))
}

fn json_option(option: &Opt) -> Value {
    let texts = |texts: &[&str]| Value::list(texts.iter().map(|text| Value::str(*text)).collect());
    let mut facts = vec![
        ("description", texts(&[option.doc.trim()])),
        ("type", Value::str(option.kind.name())),
        ("required", Value::from(option.required)),
    ];
    facts.extend(preset(&option.default).map(|default| ("default", default)));
    facts.extend(option.kind.choices().map(|words| ("choices", texts(words))));
    if !option.aliases.is_empty() {
        facts.push(("aliases", texts(option.aliases)));
    }
    if let Some(inner) = option.kind.suboptions() {
        facts.push(("suboptions", json_options(&inner.iter().collect::<Vec<_>>())));
    }
    Value::dict(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_has_a_page_with_its_options() {
        for module in all() {
            let page = page(module);
            assert!(page.starts_with(&format!("> MODULE {}\n", module.schema.full_name())));
            for option in module.schema.options() {
                assert!(
                    page.contains(&format!(" {}  (", option.name)),
                    "{}: {}",
                    module.schema.name,
                    option.name
                );
            }
        }
    }

    #[test]
    fn a_mistyped_name_gets_a_suggestion() {
        let error = unknown("ansible.builtin.gruop");
        assert!(error.help.iter().any(|help| help.contains("`group`")), "{error:?}");
    }
}
