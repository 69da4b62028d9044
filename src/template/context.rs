//! What plugins get of the evaluator.

use std::sync::Arc;

use shevek_diag::{Diagnostic, Result};
use shevek_value::{Map, Undefined, Value};

use crate::Scope;
use crate::evaluate::text_file::{TextFile, WithVariables};
use crate::evaluate::{Eval, Fault, Finish, Found, Machine};
use crate::plugin::{Arguments, Context, TextOptions};

impl Machine<'_> {
    fn for_plugin<T>(&self, result: Eval<T>) -> Result<T> {
        result.map_err(|fault| self.trip(fault))
    }

    fn found(&self, value: &Value, name: &str, found: Eval<Found>) -> Result<Value> {
        match self.for_plugin(found)? {
            Found::Value(found) => Ok(self.rendered_through(found)),
            Found::Nothing(hint) => {
                let hint = match hint.as_str() {
                    "" => format!("object of type '{}' has no attribute {name}", value.type_name()),
                    _ => hint,
                };
                Ok(Undefined { hint, ..Undefined::default() }.into())
            }
        }
    }
}

impl Context for Machine<'_> {
    fn scope(&self) -> &dyn Scope {
        self.scope
    }

    fn render(&self, value: &Value) -> Result<Value> {
        self.for_plugin(self.finish(value.clone(), Finish::Stored))
    }

    fn render_text(&self, name: &str, text: &str, variables: &Map, options: &TextOptions) -> Result<Value> {
        let scope = WithVariables { variables, scope: self.scope };
        let machine = Machine::new(self.templar, &scope);
        let result = self.nested(|| machine.text_file(TextFile { name, text, options }));
        self.for_plugin(result)
    }

    fn expression(&self, text: &str) -> Result<Value> {
        let value = self.templar.expression_value(self, text);
        self.for_plugin(value.map(|value| self.rendered_through(value)))
    }

    fn filter(&self, name: &str, arguments: Arguments) -> Result<Value> {
        match self.templar.plugins().filter(name) {
            Some(filter) => Ok(self.run_filter(filter, arguments, || None)),
            None => Err(self.no_filter(name)),
        }
    }

    fn test(&self, name: &str, arguments: Arguments) -> Result<bool> {
        let Some(test) = self.templar.plugins().test(name) else { return Err(self.no_test(name)) };
        let result = self.run_test(test, arguments, || None);
        if result.is_undefined() {
            return Err(self.trip(Fault::of_undefined(&result)));
        }
        Ok(result.is_true())
    }

    fn lookup(&self, name: &str, mut arguments: Arguments) -> Result<Value> {
        arguments.named.insert(Value::from("wantlist"), Value::from(true));
        self.for_plugin(self.run_lookup(name, arguments))
    }

    fn attribute(&self, value: &Value, name: &str) -> Result<Value> {
        if value.is_undefined() {
            return Ok(value.clone());
        }
        let found = self.find_attribute(value, &Arc::from(name));
        self.found(value, &format!("'{name}'"), found)
    }

    fn item(&self, value: &Value, key: &Value) -> Result<Value> {
        if value.is_undefined() {
            return Ok(value.clone());
        }
        self.found(value, &key.repr(), self.find_item(value, key))
    }

    fn iterate(&self, value: &Value) -> Result<Vec<Value>> {
        let items = self.for_plugin(self.items(value))?;
        if !value.is_template() {
            return Ok(items);
        }
        Ok(items.into_iter().map(|item| self.rendered_through(item)).collect())
    }

    fn less(&self, a: &Value, b: &Value) -> Result<bool> {
        for value in [a, b] {
            if value.is_undefined() {
                return Err(self.trip(Fault::of_undefined(value)));
            }
        }
        Ok(a.compare(b)?.is_lt())
    }

    fn warn(&self, warning: Box<Diagnostic>) {
        self.scope.warn(warning);
    }
}
