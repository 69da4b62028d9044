//! Draws a diagnostic with its source lines and carets.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::{Diagnostic, Label, Severity};

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For logs and pipes.
    Plain,
    /// For a terminal.
    Coloured,
}

/// The diagnostic as text, without a newline at its end.
pub fn render(diagnostic: &Diagnostic, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = diagnostic.message();
    let mut group =
        level.primary_title(&message).elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
    for (position, label) in diagnostic.labels.iter().enumerate() {
        let kind = if position == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        group = group.element(snippet(label, kind));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.render(&[group]).to_string()
}

fn snippet(label: &Label, kind: AnnotationKind) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let source = &label.origin.source;
    // Of what may not be shown only the line's number is told.
    let is_hidden = source.shown().len() < source.text().len();
    let start = if is_hidden { 0 } else { source.offset(label.origin.line, label.origin.column) };
    let rest = source.shown().get(start..).unwrap_or_default();
    let end = start + word(rest);
    Snippet::source(source.shown())
        .path(source.name())
        .line_start(if is_hidden { label.origin.line as usize } else { 1 })
        .annotation(kind.span(start..end).label(&*label.text))
}

/// How many bytes to underline: the word at the place, or one character.
fn word(rest: &str) -> usize {
    let word = rest.find(|c: char| !(c.is_alphanumeric() || "_.-".contains(c))).unwrap_or(rest.len());
    if word > 0 { word } else { rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origin, Source};

    #[test]
    fn shows_the_line_a_caret_and_what_to_do() {
        let source = Source::new("site.yml", "- hosts: all\n  taskz: []\n");
        let origin = Origin { source, line: 2, column: 3 };
        let diagnostic = Diagnostic::new("unknown key in a play")
            .detail("`taskz` is not an attribute of a play")
            .at(&origin, "here")
            .did_you_mean("taskz", ["tasks", "roles"]);
        let text = render(&diagnostic, Style::Plain);
        assert_eq!(
            text,
            "error: unknown key in a play: `taskz` is not an attribute of a play\n \
             --> site.yml:2:3\n  |\n2 |   taskz: []\n  |   ^^^^^ here\n  |\n  = help: did you mean `tasks`?"
        );
    }
}
