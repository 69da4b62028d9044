//! The reporters of a run, as options and settings want them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use shevek_diag::{Diagnostic, Diagnostics, Kind, Result, Severity, Style, render};
use shevek_report::{
    Colour, Format, Github, Human, Json, Junit, JunitCallback, Look, Minimal, Oneline, Palette, Reporter,
    Reporters, Screen, Tree, terminal_columns,
};
use shevek_settings::Settings;

use crate::content::is_jsonfile;
use crate::exit::unwritable;
use crate::options::{Output, ReportKind, ReportTo};

/// Which look a verb has by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kindred {
    /// Playbooks.
    Default,
    /// Ad-hoc commands.
    Minimal,
    /// Ad-hoc commands with `-o`.
    Oneline,
    /// Nothing on the screen: all goes to files.
    Silent,
}

/// All reporters.
pub(crate) fn reporters(
    options: &Output,
    settings: &Settings,
    look: Kindred,
) -> Result<Reporters, Diagnostics> {
    let mut wrong = Diagnostics::new();
    let mut reporters = Reporters::new();
    if options.json {
        reporters = reporters.with(Box::new(Json::new(Box::new(io::stdout()))));
    } else if let Some(reporter) = wrong.keep(screen_reporter(settings, look)).flatten() {
        reporters = reporters.with(reporter);
    }
    for report in &options.report {
        if let Some(reporter) = wrong.keep(file_reporter(report)) {
            reporters = reporters.with(reporter);
        }
    }
    // Callbacks are for playbooks, unless commands are to have them, too.
    if look == Kindred::Default || settings.load_callbacks {
        let is_enabled = |name: &str| {
            settings
                .callbacks_enabled
                .iter()
                .any(|one| one.strip_prefix("ansible.builtin.").unwrap_or(one) == name)
        };
        if is_enabled("junit") {
            reporters = reporters.with(Box::new(Junit::callback(junit_callback())));
        }
        if is_enabled("tree") || settings.stdout_callback == "tree" {
            reporters = reporters.with(Box::new(Tree::new(&settings.callback_tree)));
        }
    }
    if wrong.has_errors() { Err(wrong) } else { Ok(reporters) }
}

/// What the settings ask for and is not here.
pub(crate) fn unsupported(settings: &Settings) -> Diagnostics {
    let mut unknown = Diagnostics::new();
    let is_memory = settings.fact_caching.rsplit('.').next() == Some("memory");
    if is_jsonfile(settings) && settings.fact_caching_connection.is_none() {
        unknown.push(
            Diagnostic::warning("facts are not kept between runs")
                .kind(Kind::Options)
                .detail("fact_caching is jsonfile, and fact_caching_connection names no folder"),
        );
    } else if !is_memory && !is_jsonfile(settings) {
        unknown.push(
            Diagnostic::warning("facts are not kept between runs")
                .kind(Kind::Options)
                .detail(format!("fact_caching names `{}`, which is not here", settings.fact_caching)),
        );
    }
    let mut warn = |setting: &str, name: &str, instead: &str| {
        unknown.push(
            Diagnostic::warning("a callback plugin that is not here")
                .kind(Kind::Options)
                .detail(format!("{setting} names `{name}`; {instead}")),
        );
    };
    if look_of(&settings.stdout_callback).is_none() {
        warn("stdout_callback", &settings.stdout_callback, "the default look is used");
    }
    for name in &settings.callbacks_enabled {
        let short = name.rsplit('.').next().unwrap_or(name);
        if !["junit", "tree", "default", "minimal", "oneline"].contains(&short) {
            warn("callbacks_enabled", name, "it is left out; see --report for what there is");
        }
    }
    unknown
}

fn look_of(callback: &str) -> Option<Kindred> {
    match callback {
        "default" | "ansible.builtin.default" | "yaml" | "community.general.yaml" => Some(Kindred::Default),
        "minimal" | "ansible.builtin.minimal" => Some(Kindred::Minimal),
        "oneline" | "ansible.builtin.oneline" => Some(Kindred::Oneline),
        "tree" | "ansible.builtin.tree" | "junit" | "ansible.builtin.junit" => Some(Kindred::Silent),
        _ => None,
    }
}

fn screen_reporter(settings: &Settings, look: Kindred) -> Result<Option<Box<dyn Reporter>>> {
    let screen = screen(settings)?;
    let shown = shown(settings);
    let follows = match look {
        Kindred::Default => true,
        Kindred::Minimal => settings.load_callbacks && settings.stdout_callback != "default",
        _ => false,
    };
    let look = if follows { look_of(&settings.stdout_callback).unwrap_or(look) } else { look };
    Ok(Some(match look {
        Kindred::Silent => return Ok(None),
        Kindred::Minimal => Box::new(Minimal::new(screen, shown)),
        Kindred::Oneline => Box::new(Oneline::new(screen, shown)),
        Kindred::Default => {
            let human = Human::new(screen, shown);
            let live = terminal_columns().is_some() && is_smart_terminal();
            Box::new(if live { human.live() } else { human })
        }
    }))
}

fn is_smart_terminal() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// Whether standard output has colours.
pub(crate) fn has_colours(settings: &Settings) -> bool {
    settings.force_color || (!settings.no_color && io::stdout().is_terminal() && is_smart_terminal())
}

/// Standard output and standard error.
pub(crate) fn screen(settings: &Settings) -> Result<Screen> {
    let mut screen = Screen::new(Box::new(io::stdout()), Box::new(io::stderr()));
    if has_colours(settings) {
        screen = screen.coloured(palette(settings)?);
    }
    if let Some(columns) = terminal_columns() {
        screen = screen.terminal(columns);
    }
    if io::stderr().is_terminal() {
        screen = screen.terminal_for_errors();
    }
    if let Some(path) = &settings.log_path {
        // A log that cannot be written does not keep anybody from working.
        match OpenOptions::new().create(true).append(true).open(path) {
            Ok(file) => screen = screen.logging(Box::new(file), user()),
            Err(error) => complain(&log_unwritable(path, &error).into(), errors_coloured(settings)),
        }
    }
    Ok(screen)
}

fn log_unwritable(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    Diagnostic::warning("there is no log").kind(Kind::Machine).detail(format!("{}: {error}", path.display()))
}

/// Who runs this, as Python's `getpass` finds out.
fn user() -> String {
    let set = ["LOGNAME", "USER", "LNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let known = || {
        let id = rustix::process::getuid().as_raw().to_string();
        let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
        let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
        let found = accounts.lines().map(fields).find(|fields| fields.get(2) == Some(&id))?;
        found.into_iter().next()
    };
    set.filter(|name| !name.is_empty()).or_else(known).unwrap_or_default()
}

fn palette(settings: &Settings) -> Result<Palette> {
    let colour = |name: &str| {
        Colour::named(name).ok_or_else(|| {
            Diagnostic::new("there is no such colour").kind(Kind::Options).detail(format!("`{name}`"))
        })
    };
    Ok(Palette {
        changed: colour(&settings.color_changed)?,
        debug: colour(&settings.color_debug)?,
        deprecate: colour(&settings.color_deprecate)?,
        diff_add: colour(&settings.color_diff_add)?,
        diff_lines: colour(&settings.color_diff_lines)?,
        diff_remove: colour(&settings.color_diff_remove)?,
        error: colour(&settings.color_error)?,
        included: colour(&settings.color_included)?,
        ok: colour(&settings.color_ok)?,
        skip: colour(&settings.color_skip)?,
        unreachable: colour(&settings.color_unreachable)?,
        verbose: colour(&settings.color_verbose)?,
        warn: colour(&settings.color_warn)?,
    })
}

fn shown(settings: &Settings) -> Look {
    let yaml = settings.result_format == "yaml" || settings.stdout_callback.ends_with("yaml");
    Look {
        verbosity: u8::try_from(settings.verbosity.clamp(0, 6)).unwrap_or(0),
        ok_hosts: settings.display_ok_hosts,
        skipped_hosts: settings.display_skipped_hosts,
        failed_to_stderr: settings.display_failed_stderr,
        custom_stats: settings.show_custom_stats,
        per_host_start: settings.show_per_host_start,
        check_markers: settings.check_mode_markers,
        task_path_on_failure: settings.show_task_path_on_failure,
        deprecations: settings.deprecation_warnings,
        verbose_to_stderr: settings.verbose_to_stderr,
        format: if yaml { Format::Yaml } else { Format::Json },
        pretty: settings.pretty_results,
        diff_context: usize::try_from(settings.diff_context).unwrap_or(3),
    }
}

fn file_reporter(report: &ReportTo) -> Result<Box<dyn Reporter>> {
    let out = target(&report.file)?;
    Ok(match report.kind {
        ReportKind::Jsonl => Box::new(Json::recording(out)),
        ReportKind::Junit => Box::new(Junit::new(out)),
        ReportKind::Github => {
            let folder = std::env::var("GITHUB_WORKSPACE").ok();
            let folder = folder.or_else(|| Some(std::env::current_dir().ok()?.display().to_string()));
            Box::new(Github::new(out, folder.unwrap_or_default()))
        }
    })
}

/// How Ansible's `junit` callback is set, which is by variables alone.
fn junit_callback() -> JunitCallback {
    let path = |name: &str| std::env::var_os(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|text| text.to_lowercase() == value);
    JunitCallback {
        folder: path("JUNIT_OUTPUT_DIR")
            .unwrap_or_else(|| std::env::home_dir().unwrap_or_default().join(".ansible.log")),
        class_per_file: is("JUNIT_TASK_CLASS", "true"),
        relative_to: path("JUNIT_TASK_RELATIVE_PATH"),
        fail_on_change: is("JUNIT_FAIL_ON_CHANGE", "true"),
        fail_on_ignore: is("JUNIT_FAIL_ON_IGNORE", "true"),
        without_setup: is("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT", "false"),
        prefix: std::env::var("JUNIT_TEST_CASE_PREFIX").unwrap_or_default(),
    }
}

fn target(path: &Path) -> Result<Box<dyn Write + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// Shows diagnostics on standard error, outside of any run.
pub(crate) fn complain(diagnostics: &Diagnostics, coloured: bool) {
    let style = if coloured { Style::Coloured } else { Style::Plain };
    let mut err = io::stderr().lock();
    let mut said = std::collections::HashSet::new();
    for diagnostic in diagnostics.iter() {
        let text = in_ansibles_words(render(diagnostic, style));
        // The same warning may come from every play.
        if diagnostic.severity == Severity::Error || said.insert(text.clone()) {
            let _ = writeln!(err, "{text}");
        }
    }
}

/// Under the name of one of Ansible's programs errors begin as theirs do: scripts look for that.
fn in_ansibles_words(text: String) -> String {
    let name = std::env::args_os().next().map(std::path::PathBuf::from);
    let is_ansible = name
        .as_deref()
        .and_then(std::path::Path::file_name)
        .is_some_and(|name| name.to_string_lossy().starts_with("ansible"));
    if !is_ansible {
        return text;
    }
    match (text.strip_prefix("error: "), text.strip_prefix("warning: ")) {
        (Some(rest), _) => format!("[ERROR]: {rest}"),
        (_, Some(rest)) => format!("[WARNING]: {rest}"),
        _ => text,
    }
}

/// Whether errors are shown in colours.
pub(crate) fn errors_coloured(settings: &Settings) -> bool {
    settings.force_color || (!settings.no_color && io::stderr().is_terminal() && is_smart_terminal())
}

/// Prints text to standard output; a closed pipe is no error.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
