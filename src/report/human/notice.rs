//! Warnings, deprecations and errors.

use std::io;

use shevek_event::{Excerpt, Notice, NoticeKind};

use super::Human;
use crate::Colour;
use crate::screen::{Screen, Stream};

/// What is said before the first deprecation.
const HOW_TO_SILENCE: &str =
    "Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.";

/// Lines of source longer than this are cut.
const WIDEST: usize = 120;

/// Shows a notice, unless it was shown before.
pub(super) fn show(notice: &Notice, stream: Stream, human: &mut Human) -> io::Result<()> {
    if notice.severity == NoticeKind::Deprecation {
        if !human.look.deprecations {
            return Ok(());
        }
        show(&Notice::warning(HOW_TO_SILENCE), Stream::Err, human)?;
    }
    let text = text(notice, &human.folder);
    if human.said.contains(&text) {
        return Ok(());
    }
    let colour = colour(notice.severity, &human.screen);
    human.screen.line(&text, Some(&colour), stream)?;
    human.said.insert(text);
    Ok(())
}

pub(super) fn colour(severity: NoticeKind, screen: &Screen) -> Colour {
    match severity {
        NoticeKind::Warning => screen.palette.warn.clone(),
        NoticeKind::Deprecation => screen.palette.deprecate.clone(),
        NoticeKind::Error => screen.palette.error.clone(),
    }
}

/// The whole path of a file.
pub(super) fn absolute(file: &str, folder: &str) -> String {
    let is_name = file.starts_with(['/', '<']) || folder.is_empty();
    if is_name { file.to_owned() } else { format!("{}/{file}", folder.trim_end_matches('/')) }
}

/// The notice as Ansible words it: several lines have an empty one behind them.
pub(super) fn text(notice: &Notice, folder: &str) -> String {
    let label = match notice.severity {
        NoticeKind::Warning => "WARNING",
        NoticeKind::Deprecation => "DEPRECATION WARNING",
        NoticeKind::Error => "ERROR",
    };
    let help = notice.help.join("\n");
    let single = !notice.message.contains('\n') && !help.contains('\n') && notice.excerpts.is_empty();
    let mut text = notice.message.clone();
    if single && !help.is_empty() {
        let ends = text.trim_end().ends_with(['.', '!', '?']);
        text.push_str(if ends { " " } else { "; " });
        text.push_str(&help);
    } else {
        for excerpt in &notice.excerpts {
            text.push('\n');
            text.push_str(&source(excerpt, folder));
        }
        if !help.is_empty() {
            text.push_str("\n\n");
            text.push_str(&help);
        }
    }
    let text = text.trim();
    let end = if text.contains('\n') { "\n\n" } else { "\n" };
    format!("[{label}]: {text}{end}")
}

fn source(excerpt: &Excerpt, folder: &str) -> String {
    let place = &excerpt.place;
    let mut out = format!("Origin: {}:{}:{}", absolute(&place.file, folder), place.line, place.column);
    if excerpt.lines.is_empty() {
        return out;
    }
    out.push('\n');
    let last = place.line as usize;
    let first = last + 1 - excerpt.lines.len().min(last);
    let width = last.to_string().len();
    let room = WIDEST - width - 1;
    for (number, line) in (first..).zip(&excerpt.lines) {
        let line = line.replace('\t', " ");
        let line = if line.chars().count() > room {
            line.chars().take(room - 3).collect::<String>() + "..."
        } else {
            line
        };
        let gap = if line.is_empty() { "" } else { " " };
        out.push_str(&format!("\n{number:>width$}{gap}{line}"));
    }
    let column = place.column as usize;
    if (1..=room).contains(&column) {
        let mut marker = format!("column {column}");
        if !excerpt.text.is_empty() {
            marker = format!("{marker}: {}", excerpt.text);
        }
        let before = column - 1;
        let length = marker.chars().count();
        let marker = if before + 2 + length > room && before > length {
            format!("{}{marker} ^", " ".repeat(before - length - 1))
        } else {
            format!("{}^ {marker}", " ".repeat(before))
        };
        out.push_str(&format!("\n{} {marker}", " ".repeat(width)));
    }
    out
}
