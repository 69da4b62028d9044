//! Whole template files, as the `template` action and lookup render them.

use std::path::PathBuf;
use std::sync::Arc;

use shevek_diag::{Diagnostic, Origin, Result, Source};
use shevek_value::{Flags, Map, Value};

use super::finish::Finish;
use super::{Eval, Machine, Output, Run, Written};
use crate::Scope;
use crate::plugin::TextOptions;

/// A template's text and what it is rendered with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
    pub options: &'a TextOptions,
}

impl Machine<'_> {
    /// Renders a template file: always text.
    pub(crate) fn text_file(&self, file: TextFile<'_>) -> Eval<Value> {
        // As in Ansible, text without template syntax stays as it is, line ends and all.
        if !crate::header::is_possibly_template(file.text, file.options) {
            return Ok(Value::from(file.text));
        }
        let source = Source::new(file.name, file.text);
        let origin = Origin::whole(&source);
        let options = Arc::new(TextOptions { keep_trailing_newline: false, ..file.options.clone() });
        let parsed = self.templar.parsed_file(file.text, &options, &origin)?;
        let written = Arc::new(Written {
            text: parsed.text.clone(),
            origin: Some(Origin { line: parsed.first_line, ..origin }),
            is_file: true,
            options: parsed.options.clone(),
        });
        let mut run = Run::new(self, written);
        let mut output = Output::default();
        let rendered = self.nested(|| run.template(&parsed.tree, &mut output));
        run.end();
        rendered?;
        let value = self.finish(output.into_value(), Finish::Stored)?;
        let secret = value.is_secret();
        let text = match value.as_str() {
            Some(text) if file.options.keep_trailing_newline => {
                // As Ansible counts them: a carriage return before the last one ends the count.
                let newlines = |text: &str| text.len() - text.trim_end_matches('\n').len();
                let missing = newlines(file.text).saturating_sub(newlines(text));
                format!("{text}{}", parsed.options.newline_sequence.repeat(missing))
            }
            Some(text) => text.to_owned(),
            None if value.is_null() => String::new(),
            None => value.text(),
        };
        let text = Value::from(text);
        Ok(if secret { text.flagged(Flags::SECRET) } else { text })
    }
}

/// A scope with some variables before another's.
pub(crate) struct WithVariables<'a> {
    pub variables: &'a Map,
    pub scope: &'a dyn Scope,
}

impl Scope for WithVariables<'_> {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        match self.variables.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None => self.scope.get(name),
        }
    }
    fn names(&self) -> Vec<String> {
        let mut names = self.scope.names();
        names.extend(self.variables.keys().map(Value::text));
        names
    }
    // What is rendered here may depend on the added variables: the scope below must not keep it.
    fn search_path(&self) -> Vec<PathBuf> {
        self.scope.search_path()
    }
    fn vault(&self) -> shevek_vault::Vault {
        self.scope.vault()
    }
    fn setting(&self, name: &str) -> Option<Value> {
        self.scope.setting(name)
    }
    fn configured(&self, section: &str, key: &str) -> Option<String> {
        self.scope.configured(section, key)
    }
    fn is_check(&self) -> bool {
        self.scope.is_check()
    }
    fn is_open(&self) -> bool {
        self.scope.is_open()
    }
    fn learn(&self, secret: &Value) {
        self.scope.learn(secret);
    }
    fn warn(&self, warning: Box<Diagnostic>) {
        self.scope.warn(warning);
    }
}
