//! What `--diff` shows.

use shevek_event::Diff;
use shevek_value::Value;

use super::result::{indented, yaml_document};
use crate::dump::{JsonStyle, json};
use crate::unified::unified;
use crate::{Format, Look, Screen};

/// A text with and without colours.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub painted: String,
    pub plain: String,
}

impl Text {
    fn push(&mut self, text: &str) {
        self.painted.push_str(text);
        self.plain.push_str(text);
    }
}

/// All differences, one below the other.
pub(super) fn text(diffs: &[Diff], look: &Look, screen: &Screen) -> Text {
    let mut out = Text::default();
    for diff in diffs {
        if diff.destination_binary {
            out.push("diff skipped: destination file appears to be binary\n");
        }
        if diff.source_binary {
            out.push("diff skipped: source file appears to be binary\n");
        }
        if let Some(size) = diff.destination_larger {
            out.push(&format!("diff skipped: destination file size is greater than {size}\n"));
        }
        if let Some(size) = diff.source_larger {
            out.push(&format!("diff skipped: source file size is greater than {size}\n"));
        }
        if let (Some(before), Some(after)) = (&diff.before, &diff.after) {
            compare(diff, [before, after], look, screen, &mut out);
        }
        if let Some(prepared) = &diff.prepared {
            out.push(&screen.harmless(prepared));
        }
    }
    out
}

fn compare(diff: &Diff, sides: [&Value; 2], look: &Look, screen: &Screen, out: &mut Text) {
    let name = |what: &str, header: &Option<String>| match header {
        Some(header) => format!("{what}: {header}"),
        None => what.to_owned(),
    };
    let (before_name, after_name) = (name("before", &diff.before_header), name("after", &diff.after_header));
    let [before, after] = sides.map(|side| side_text(side, look));
    let lines = unified(&before, &after, [&before_name, &after_name], look.diff_context);
    let palette = &screen.palette;
    for line in &lines {
        let line = screen.harmless(line);
        let painted = match line.chars().next() {
            Some('+') => screen.paint(&line, &palette.diff_add),
            Some('-') => screen.paint(&line, &palette.diff_remove),
            Some('@') if line.starts_with("@@") => screen.paint(&line, &palette.diff_lines),
            _ => line.clone(),
        };
        out.painted.push_str(&painted);
        out.plain.push_str(&line);
    }
    if !lines.is_empty() {
        out.push("\n");
    }
}

fn side_text(side: &Value, look: &Look) -> String {
    if side.is_null() {
        return String::new();
    }
    if side.as_map().is_none() {
        return side.text();
    }
    match look.format {
        Format::Json => json(side, JsonStyle { indent: Some(4), ascii: true }) + "\n",
        Format::Yaml => indented(&yaml_document(side, Some(4)), 4) + "\n",
    }
}
