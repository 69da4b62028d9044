//! Lazy variables: rendered when they are used, and only what is used.

use std::sync::Arc;

use shevek_diag::Diagnostic;
use shevek_value::{Flags, Kind, Reason, Value};

use super::machine::Rendering;
use super::{Eval, Fault, Machine, Output, Run, Written};

impl Machine<'_> {
    /// The scope's variable of that name: text rendered, containers as they are (rendered where they are used).
    pub(crate) fn variable(&self, name: &Arc<str>) -> Eval<Option<Value>> {
        let Some(value) = self.scope.get(name)? else { return Ok(None) };
        if !value.is_template() {
            return Ok(Some(value));
        }
        if let Some(rendered) = self.scope.rendered(name) {
            return Ok(Some(rendered));
        }
        if value.as_str().is_none() {
            return Ok(Some(value));
        }
        let before = self.volatile.get();
        let rendered = match self.render_template(&value, Some(name)) {
            Ok(rendered) => rendered,
            Err(fault) => return Ok(Some(fault.into_marker())),
        };
        if self.volatile.get() == before && !rendered.is_template() && !rendered.flags().has(Flags::UNDEFINED)
        {
            self.scope.keep_rendered(name, &rendered);
        }
        Ok(Some(rendered))
    }

    /// A value found in a container: rendered if it is template text; a fault becomes a marker.
    pub(crate) fn ready_or_marker(&self, value: Value) -> Value {
        if !value.is_template() {
            return value;
        }
        self.ready(value).unwrap_or_else(Fault::into_marker)
    }

    /// The same, with faults.
    pub(crate) fn ready(&self, value: Value) -> Eval<Value> {
        if !value.is_template() {
            return Ok(value);
        }
        let Some(text) = value.as_shared_str() else { return Ok(value) };
        let address = text.as_ptr() as usize;
        if let Some((_, rendered)) = self.memo.borrow().get(&address) {
            return Ok(rendered.clone());
        }
        let text = text.clone();
        let before = self.volatile.get();
        let rendered = self.render_template(&value, None)?;
        if self.volatile.get() == before && !rendered.is_undefined() {
            self.memo.borrow_mut().insert(address, (text, rendered.clone()));
        }
        Ok(rendered)
    }

    /// Renders template text in the scope's variables alone. Containers in the result may still be lazy.
    pub(crate) fn render_template(&self, value: &Value, name: Option<&Arc<str>>) -> Eval<Value> {
        let Some(text) = value.as_shared_str() else { return Ok(value.clone()) };
        if let Some(cycle) = self.cycle(text, name) {
            return Err(Fault::Error(cycle.at_maybe(value.origin(), "")));
        }
        self.rendering.borrow_mut().push(Rendering { text: text.clone(), name: name.cloned() });
        let result = self.nested(|| self.render_yaml_text(text, value));
        self.rendering.borrow_mut().pop();
        let result = result?;
        Ok(if value.is_secret() { result.secret() } else { result })
    }

    fn render_yaml_text(&self, text: &Arc<str>, value: &Value) -> Eval<Value> {
        let template = self.templar.parsed_yaml(text, value.origin())?;
        let written = Arc::new(Written {
            text: template.text.clone(),
            origin: value.origin().cloned(),
            is_file: false,
            options: template.options.clone(),
        });
        let mut run = Run::new(self, written);
        let mut output = Output::default();
        run.template(&template.tree, &mut output)?;
        run.end();
        let result = with_newlines(output.into_value(), text);
        Ok(if result.origin().is_none() { result.from_where(value) } else { result })
    }

    /// Whether this template is being rendered already: then its value needs itself.
    fn cycle(&self, text: &Arc<str>, name: Option<&Arc<str>>) -> Option<Box<Diagnostic>> {
        let rendering = self.rendering.borrow();
        let start = rendering.iter().position(|known| Arc::ptr_eq(&known.text, text))?;
        let mut names: Vec<String> = rendering
            .iter()
            .skip(start)
            .map(|known| known.name.as_ref().map_or_else(|| shortened(&known.text), ToString::to_string))
            .collect();
        names.push(name.map_or_else(|| shortened(text), ToString::to_string));
        Some(
            Diagnostic::new("recursive loop detected")
                .detail(format!("the value needs itself: {}", names.join(" → "))),
        )
    }

    /// The result of a marker's use, as an error for the user.
    pub(crate) fn report(&self, fault: Fault) -> Box<Diagnostic> {
        let undefined = match fault {
            Fault::Error(why) => return why,
            Fault::Undefined(undefined) => undefined,
        };
        if let Reason::Failed(why) = &undefined.reason {
            return why.clone();
        }
        let summary = match undefined.reason {
            Reason::Unknown => "unknown in a check run",
            _ => "undefined variable",
        };
        let report = Diagnostic::new(summary).detail(undefined.message());
        let report = report.at_maybe(self.place_of_missing(&undefined).as_ref(), "");
        if undefined.reason == Reason::Unknown || undefined.name.is_empty() {
            return report;
        }
        match undefined.name.rsplit_once('.') {
            Some((of, key)) => {
                let near = self.templar.expression_value(self, of).ok().map(|of| names_in(&of));
                let near = near.unwrap_or_default();
                report.did_you_mean(key, near.iter().map(String::as_str))
            }
            None => {
                let names = self.scope.names();
                report.did_you_mean(&undefined.name, names.iter().map(String::as_str))
            }
        }
    }
}

/// Text keys of a mapping.
fn names_in(value: &Value) -> Vec<String> {
    match value.kind() {
        Kind::Map(map) => map.keys().filter_map(Value::as_str).map(str::to_owned).collect(),
        Kind::Object(object) => {
            let keys = object.keys().unwrap_or_default();
            keys.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Gives text back the newlines at its end that Jinja takes away.
fn with_newlines(value: Value, text: &str) -> Value {
    let newlines = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let wanted = newlines(text);
    if wanted == 0 {
        return value;
    }
    match value.as_str() {
        Some(result) if newlines(result) < wanted => {
            let longer = format!("{result}{}", "\n".repeat(wanted - newlines(result)));
            Value::from(longer).flagged(value.flags()).from_where(&value)
        }
        _ => value,
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
