//! The public face: [`Templar`].

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use shevek_diag::{Diagnostic, Origin, Result};
use shevek_value::{Flags, Map, Reason, Value};

use crate::condition::{self, Truth};
use crate::evaluate::text_file::{TextFile, WithVariables};
use crate::evaluate::{Eval, Fault, Finish, Machine, Run, Written};
use crate::plugin::{Context, Plugins, TextOptions};
use crate::position;
use crate::syntax::{self, Escapes, Expr, SyntaxError, Template};
use crate::{Scope, header};

/// How many parsed texts are kept of each sort before all are forgotten.
const KEPT: usize = 20_000;

type Cache<K, V> = RwLock<HashMap<K, V, foldhash::fast::RandomState>>;

/// Renders templates and evaluates expressions. One serves a whole run; it keeps what it has parsed.
pub struct Templar {
    plugins: Plugins,
    yaml_options: Arc<TextOptions>,
    yaml: Cache<Arc<str>, Arc<Parsed>>,
    files: Cache<(Arc<str>, Arc<TextOptions>), Arc<Parsed>>,
    expressions: Cache<Arc<str>, Arc<Expr>>,
}

/// A parsed template.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub tree: Template,
    /// The text that was parsed: without a header of options.
    pub text: Arc<str>,
    pub options: Arc<TextOptions>,
    /// The line of the file on which the text begins.
    pub first_line: u32,
}

impl Templar {
    /// Templates with these filters, tests and lookups.
    pub fn new(plugins: Plugins) -> Self {
        Self {
            plugins,
            yaml_options: Arc::new(TextOptions { keep_trailing_newline: false, ..TextOptions::default() }),
            yaml: RwLock::default(),
            files: RwLock::default(),
            expressions: RwLock::default(),
        }
    }

    /// The plugins.
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// Renders a value through and through. Text that is one `{{ }}` gives the value with its type; `omit` drops out of
    /// lists and mappings, and alone stays [`shevek_value::Kind::Omit`]; something undefined is an error.
    pub fn render(&self, value: &Value, scope: &dyn Scope) -> Result<Value> {
        self.render_how(value, scope, Finish::Stored)
    }

    /// The same, but what is undefined stays in the result as a marker.
    pub fn render_lenient(&self, value: &Value, scope: &dyn Scope) -> Result<Value> {
        self.render_how(value, scope, Finish::Lenient)
    }

    fn render_how(&self, value: &Value, scope: &dyn Scope, how: Finish) -> Result<Value> {
        if !value.is_template() && !value.flags().has(Flags::INNER) {
            return Ok(value.clone());
        }
        let machine = Machine::new(self, scope);
        if how == Finish::Lenient {
            let value = machine.rendered_through(value.clone());
            return machine.finish(value, how).map_err(|fault| machine.report(fault));
        }
        machine.finish(value.clone(), how).map_err(|fault| machine.report(fault))
    }

    /// The value of an expression's text (without `{{ }}`).
    pub fn expression(&self, text: &Value, scope: &dyn Scope) -> Result<Value> {
        let machine = Machine::new(self, scope);
        let value = self.evaluate(&machine, text);
        let value = value.and_then(|value| machine.finish(value, Finish::Stored));
        value.map_err(|fault| machine.report(fault))
    }

    /// Whether a condition holds (`when`, `until`, `that` …): one text or truth value; lists are the caller's.
    pub fn condition(&self, value: &Value, scope: &dyn Scope) -> Result<Truth> {
        condition::condition(self, value, scope)
    }

    /// Renders the text of a template file with further variables; the result is text.
    pub fn render_text(
        &self,
        name: &str,
        text: &str,
        (variables, options): (&Map, &TextOptions),
        scope: &dyn Scope,
    ) -> Result<Value> {
        let scope = WithVariables { variables, scope };
        let machine = Machine::new(self, &scope);
        machine.text_file(TextFile { name, text, options }).map_err(|fault| machine.report(fault))
    }

    /// Does something with what plugins get of the evaluator: runs a lookup or a filter outside any template.
    pub fn with_context<T>(
        &self,
        scope: &dyn Scope,
        work: impl FnOnce(&dyn Context) -> Result<T>,
    ) -> Result<T> {
        work(&Machine::new(self, scope))
    }

    /// Checks the syntax of all templates in a value, without rendering any.
    pub fn check_syntax(&self, value: &Value) -> Result<()> {
        if !value.is_template() {
            return Ok(());
        }
        match value.kind() {
            shevek_value::Kind::Str(text) => self.parsed_yaml(text, value.origin()).map(drop),
            shevek_value::Kind::List(items) | shevek_value::Kind::Tuple(items) => {
                items.iter().try_for_each(|item| self.check_syntax(item))
            }
            shevek_value::Kind::Map(map) => map.values().try_for_each(|item| self.check_syntax(item)),
            _ => Ok(()),
        }
    }

    /// Checks the syntax of an expression (a condition without `{{ }}`).
    pub fn check_expression(&self, value: &Value) -> Result<()> {
        match value.as_str() {
            Some(text) if !condition::is_all_template(text.trim()) && !text.trim().is_empty() => {
                self.parsed_expression(text.trim(), value.origin()).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Evaluates an expression; what comes out may be lazy or a marker.
    pub(crate) fn evaluate(&self, machine: &Machine<'_>, text: &Value) -> Eval<Value> {
        let Some(source) = text.as_str() else {
            return Err(Fault::new(
                "not an expression",
                format!("an expression is text, not '{}'", text.type_name()),
            ));
        };
        let source = source.trim();
        let expr = self.parsed_expression(source, text.origin())?;
        let written = Arc::new(Written {
            text: Arc::from(source),
            origin: text.origin().cloned(),
            is_file: false,
            options: self.yaml_options.clone(),
        });
        let mut run = Run::new(machine, written);
        let value = machine.nested(|| run.eval(&expr))?;
        run.end();
        Ok(if text.is_secret() { value.secret() } else { value })
    }

    /// The same within a rendering, from plain text.
    pub(crate) fn expression_value(&self, machine: &Machine<'_>, text: &str) -> Eval<Value> {
        self.evaluate(machine, &Value::from(text))
    }

    pub(crate) fn parsed_yaml(&self, text: &Arc<str>, origin: Option<&Origin>) -> Result<Arc<Parsed>> {
        if let Some(known) = read(&self.yaml, |cache| cache.get(text).cloned()) {
            return Ok(known);
        }
        let parsed = Arc::new(self.parse(text, &self.yaml_options, Escapes::InStatements).map_err(
            |error| match error {
                Unparsed::Header(why) => why.at_maybe(origin, ""),
                Unparsed::Syntax(error) => syntax_error("template", text, origin, &error),
            },
        )?);
        keep(&self.yaml, text.clone(), parsed.clone());
        Ok(parsed)
    }

    pub(crate) fn parsed_file(
        &self,
        text: &str,
        options: &Arc<TextOptions>,
        origin: &Origin,
    ) -> Result<Arc<Parsed>> {
        let key = (Arc::from(text), options.clone());
        if let Some(known) = read(&self.files, |cache| cache.get(&key).cloned()) {
            return Ok(known);
        }
        let parsed = Arc::new(self.parse(text, options, Escapes::Everywhere).map_err(|error| {
            match error {
                Unparsed::Header(why) => why.at(origin, ""),
                Unparsed::Syntax(error) => Diagnostic::new("syntax error in a template")
                    .detail(error.message)
                    .at(&position::in_file(origin, text, error.at), ""),
            }
        })?);
        keep(&self.files, key, parsed.clone());
        Ok(parsed)
    }

    fn parse(&self, text: &str, options: &Arc<TextOptions>, escapes: Escapes) -> Result<Parsed, Unparsed> {
        let (options, body, first_line) = match header::read(text, options).map_err(Unparsed::Header)? {
            Some((options, body)) => (Arc::new(options), body, 2),
            None => (options.clone(), text, 1),
        };
        let offset = u32::try_from(text.len() - body.len()).unwrap_or(0);
        let tree = syntax::parse_template(body, &options, escapes, &self.plugins).map_err(|error| {
            Unparsed::Syntax(SyntaxError { at: error.at.saturating_add(offset), ..error })
        })?;
        Ok(Parsed { tree, text: Arc::from(body), options, first_line })
    }

    pub(crate) fn parsed_expression(&self, text: &str, origin: Option<&Origin>) -> Result<Arc<Expr>> {
        if let Some(known) = read(&self.expressions, |cache| cache.get(text).cloned()) {
            return Ok(known);
        }
        let expr = syntax::parse_expression(text, Escapes::Everywhere, &self.plugins);
        let expr = Arc::new(expr.map_err(|error| {
            let why = syntax_error("expression", text, origin, &error);
            if text.contains("{{") || text.contains("{%") {
                return why.help("an expression is written without {{ }}");
            }
            why
        })?);
        keep(&self.expressions, Arc::from(text), expr.clone());
        Ok(expr)
    }

    /// Whether a failure is only that a check run can't know.
    pub(crate) fn is_unknown(fault: &Fault) -> bool {
        matches!(fault, Fault::Undefined(undefined) if undefined.reason == Reason::Unknown)
    }
}

impl std::fmt::Debug for Templar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Templar")
    }
}

enum Unparsed {
    Header(Box<Diagnostic>),
    Syntax(SyntaxError),
}

fn syntax_error(what: &str, text: &str, origin: Option<&Origin>, error: &SyntaxError) -> Box<Diagnostic> {
    let why = Diagnostic::new(if what == "expression" {
        "syntax error in an expression"
    } else {
        "syntax error in a template"
    })
    .detail(error.message.clone());
    match origin {
        Some(origin) => why.at(&position::in_scalar(origin, text, error.at), ""),
        None => {
            let line: String = text.chars().take(120).collect();
            let detail = format!("{} in: {line}", error.message);
            why.detail(detail)
        }
    }
}

fn read<K, V, T>(
    cache: &Cache<K, V>,
    look: impl FnOnce(&HashMap<K, V, foldhash::fast::RandomState>) -> T,
) -> T {
    look(&cache.read().unwrap_or_else(PoisonError::into_inner))
}

fn keep<K: std::hash::Hash + Eq, V>(cache: &Cache<K, V>, key: K, value: V) {
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= KEPT {
        cache.clear();
    }
    cache.insert(key, value);
}
