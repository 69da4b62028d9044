//! `shevek config init`: a configuration to start from, with all settings and what they do.

use std::fmt::Write;

use clap::ValueEnum;
use shevek_settings::{ROWS, Row};

/// What to write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// An `ansible.cfg`.
    #[default]
    Ini,
    /// Variables of the environment.
    Env,
}

/// The text; with `disabled` every setting is a comment.
pub(super) fn written(form: Form, disabled: bool) -> String {
    match form {
        Form::Ini => ini(if disabled { ";" } else { "" }),
        Form::Env => env(if disabled { "#" } else { "" }),
    }
}

fn ini(mark: &str) -> String {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for row in ROWS {
        let Some((section, key)) = row.ini.last() else { continue };
        if !sections.iter().any(|(known, _)| known == section) {
            sections.push((section, format!("[{section}]\n")));
        }
        if let Some((_, text)) = sections.iter_mut().find(|(known, _)| known == section) {
            let _ = write!(text, "{}{mark}{key}={}\n\n", about(row), row.default.unwrap_or_default());
        }
    }
    sections.into_iter().map(|(_, text)| text + "\n").collect()
}

fn env(mark: &str) -> String {
    let rows = ROWS.iter().filter_map(|row| Some((row, row.env.last()?)));
    rows.map(|(row, name)| {
        let default = quoted(row.default.unwrap_or_default());
        format!("{}{mark}{name}={default}\n\n", about(row))
    })
    .collect()
}

/// A word as a shell reads it.
fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_./:,@%+-".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn about(row: &Row) -> String {
    let mut text = format!("# ({})", row.kind);
    for line in row.doc {
        let _ = write!(text, " {}", line.trim());
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use shevek_settings::{Surroundings, load};

    use super::*;

    #[test]
    fn what_is_written_is_read_without_a_word_and_changes_nothing() {
        let folder = std::env::temp_dir().join(format!("shevek-config-init-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let loaded = |text: &str| {
            std::fs::write(folder.join("ansible.cfg"), text).unwrap();
            load(&Surroundings { folder: folder.clone(), home: "/root".into(), ..Surroundings::default() })
        };
        let disabled = loaded(&written(Form::Ini, true));
        assert!(disabled.file.is_some() && disabled.diagnostics.is_empty(), "{:?}", disabled.diagnostics);
        assert_eq!(disabled.settings.forks, shevek_settings::Settings::default().forks);
        let text = written(Form::Ini, true).replace("\n;forks=50\n", "\nforks=7\n");
        assert_eq!(loaded(&text).settings.forks, 7);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn variables_are_written_for_a_shell() {
        let text = written(Form::Env, false);
        assert!(text.contains("\nANSIBLE_FORKS=50\n"), "{text}");
    }
}
