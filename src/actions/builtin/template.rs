//! Render a template and put the result on a host.
//!
//! ```yaml
//! - template: { src: nginx.conf.j2, dest: /etc/nginx/nginx.conf, mode: "0644", validate: "nginx -t -c %s" }
//! ```

use std::path::Path;

use shevek_diag::{Diagnostic, Result};
use shevek_kit::Kind;
use shevek_kit::schema::{Preset, Schema};
use shevek_template::Scope;
use shevek_template::plugin::TextOptions;
use shevek_value::{Date, DateTime, Map, Value};

use crate::options::{opt, preset, required, schema};
use crate::{Action, Asks, Invocation, Outcome, Running};

static SCHEMA: Schema = Schema {
    open: true,
    ..schema(
        "template",
        &[
            required(
                "src",
                Kind::Path,
                "The template; relative ones are looked for in `templates` of the role and the playbook.",
            ),
            required("dest", Kind::Path, "Where the result goes."),
            preset("backup", Kind::Bool, Preset::Bool(false), "Keep a copy of a file that is replaced."),
            preset("force", Kind::Bool, Preset::Bool(true), "Replace a file that is there already."),
            preset("follow", Kind::Bool, Preset::Bool(false), "Write through a link at the destination."),
            opt(
                "validate",
                Kind::Str,
                "A command that must accept the new file (`%s`) before it is put in place.",
            ),
            preset(
                "newline_sequence",
                // Written with backslashes it is taken, too: that is what YAML makes of single quotes.
                Kind::Choice(&["\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n"]),
                Preset::Str("\n"),
                "What lines end with.",
            ),
            preset("block_start_string", Kind::Str, Preset::Str("{%"), "What starts a block."),
            preset("block_end_string", Kind::Str, Preset::Str("%}"), "What ends a block."),
            preset("variable_start_string", Kind::Str, Preset::Str("{{"), "What starts an expression."),
            preset("variable_end_string", Kind::Str, Preset::Str("}}"), "What ends an expression."),
            opt("comment_start_string", Kind::Str, "What starts a comment."),
            opt("comment_end_string", Kind::Str, "What ends a comment."),
            preset("trim_blocks", Kind::Bool, Preset::Bool(true), "Remove the newline behind a block."),
            preset("lstrip_blocks", Kind::Bool, Preset::Bool(false), "Remove blanks before a block."),
            preset(
                "output_encoding",
                Kind::Str,
                Preset::Str("utf-8"),
                "The result's encoding; only UTF-8 is supported.",
            ),
        ],
        &[],
    )
};

/// `template`.
pub(crate) struct Template;

/// The action.
pub(crate) static ACTION: Template = Template;

impl Action for Template {
    fn name(&self) -> &'static str {
        "template"
    }

    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn asks(&self) -> Asks {
        Asks::Once
    }

    fn calls_module(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a Invocation<'a>) -> Running<'a> {
        Box::pin(template(call))
    }
}

async fn template(call: &Invocation<'_>) -> Result<Outcome> {
    let src = call.required("src")?;
    let dest = call.required("dest")?;
    let encoding = call.text("output_encoding").unwrap_or_else(|| "utf-8".to_owned()).to_lowercase();
    if !matches!(encoding.as_str(), "utf-8" | "utf8" | "ascii" | "us-ascii") {
        return Err(Diagnostic::new("encoding not supported")
            .detail(format!("output_encoding is {encoding}; only UTF-8 is supported")));
    }
    let path = call.find_file("templates", &src)?;
    let (bytes, was_vault) = call.loader.bytes(&path)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Diagnostic::new("not UTF-8").detail(format!("the template {} is not UTF-8 text", path.display()))
    })?;
    let options = options(call)?;
    let mut variables = variables(&path, &dest, &src);
    // A variable of the user's is stronger than the configuration.
    if call.scope.get(MANAGED)?.is_none() {
        variables.insert(Value::str(MANAGED), managed(call, &path, &src));
    }
    let rendered =
        call.templar().render_text(&path.to_string_lossy(), &text, (&variables, &options), call.scope)?;
    let text = rendered.text();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    // Differs from Ansible: the difference names the destination; there it names a temporary file that is gone.
    let mut outcome = super::copy::send(call, text.into_bytes(), name, Some(&path)).await?;
    if rendered.is_secret() || was_vault {
        outcome.diff.clear();
    }
    Ok(outcome)
}

fn options(call: &Invocation<'_>) -> Result<TextOptions> {
    let usual = TextOptions::default();
    let sequence = call.text("newline_sequence").unwrap_or_else(|| "\n".to_owned());
    let word = |name: &str, usual: &str| call.text(name).unwrap_or_else(|| usual.to_owned());
    Ok(TextOptions {
        block_start: word("block_start_string", &usual.block_start),
        block_end: word("block_end_string", &usual.block_end),
        variable_start: word("variable_start_string", &usual.variable_start),
        variable_end: word("variable_end_string", &usual.variable_end),
        comment_start: word("comment_start_string", &usual.comment_start),
        comment_end: word("comment_end_string", &usual.comment_end),
        trim_blocks: call.flag("trim_blocks", true)?,
        lstrip_blocks: call.flag("lstrip_blocks", false)?,
        keep_trailing_newline: true,
        newline_sequence: sequence.replace("\\n", "\n").replace("\\r", "\r"),
        ..usual
    })
}

/// The variable with which templates mark what they make.
const MANAGED: &str = "ansible_managed";

/// The text of the setting, with the file's time, name and owner and this machine put in.
fn managed(call: &Invocation<'_>, path: &Path, written: &str) -> Value {
    use std::os::unix::fs::MetadataExt;
    let text =
        call.scope.setting("DEFAULT_MANAGED_STR").map_or("Ansible managed".to_owned(), |text| text.text());
    let meta = path.metadata().ok();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let text = text
        .replace("{host}", &host)
        .replace("{file}", written)
        .replace("{uid}", &meta.as_ref().map(|meta| owner(meta.uid())).unwrap_or_default());
    let changed = meta.and_then(|meta| jiff::Timestamp::from_second(meta.mtime()).ok());
    match changed {
        Some(time) if text.contains('%') => {
            time.to_zoned(jiff::tz::TimeZone::system()).strftime(&text).to_string().into()
        }
        _ => text.into(),
    }
}

/// An account's name, or its number where it has none.
fn owner(uid: u32) -> String {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut found = accounts.lines().filter(|line| line.split(':').nth(2) == Some(&uid.to_string()));
    found.next().and_then(|line| line.split(':').next()).map_or_else(|| uid.to_string(), str::to_owned)
}

/// What a template may say of itself.
fn variables(path: &Path, dest: &str, written: &str) -> Map {
    use std::os::unix::fs::MetadataExt;
    let mut map = Map::default();
    let mut put = |name: &str, value: Value| {
        map.insert(Value::str(name), value);
    };
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    put("template_host", host.into());
    put("template_path", written.into());
    put("template_fullpath", path.display().to_string().into());
    put("template_destpath", dest.into());
    put("template_run_date", local(jiff::Timestamp::now()));
    if let Ok(status) = std::fs::metadata(path) {
        put("template_uid", owner(status.uid()).into());
        let nanoseconds = i32::try_from(status.mtime_nsec()).unwrap_or(0);
        if let Ok(time) = jiff::Timestamp::new(status.mtime(), nanoseconds) {
            put("template_mtime", local(time));
        }
    }
    map
}

/// A moment as Python's `datetime` has it: of this machine's time zone, without saying so.
fn local(time: jiff::Timestamp) -> Value {
    let here = time.to_zoned(jiff::tz::TimeZone::system());
    let small = |number: i8| u32::try_from(number).unwrap_or(0);
    Value::object(DateTime {
        date: Date { year: here.year().into(), month: small(here.month()), day: small(here.day()) },
        hour: small(here.hour()),
        minute: small(here.minute()),
        second: small(here.second()),
        microsecond: u32::try_from(here.subsec_nanosecond() / 1000).unwrap_or(0),
        offset: None,
    })
}
