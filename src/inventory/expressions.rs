//! Expressions of constructed inventories, by the template engine.

use shevek_diag::Result;
use shevek_template::{Scope, Templar, Truth};
use shevek_value::{Map, Value};

use crate::Expressions;

struct Variables<'a>(&'a Map);

impl Scope for Variables<'_> {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.0.get(name).cloned())
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().map(Value::text).collect()
    }
}

impl Expressions for Templar {
    fn evaluate(&self, expression: &Value, vars: &Map) -> Result<Value> {
        self.expression(expression, &Variables(vars))
    }

    fn condition(&self, condition: &Value, vars: &Map) -> Result<bool> {
        match Templar::condition(self, condition, &Variables(vars))? {
            Truth::Yes => Ok(true),
            Truth::No => Ok(false),
            Truth::Undecided(why) => Err(why),
        }
    }

    fn render(&self, template: &Value, vars: &Map) -> Result<Value> {
        Templar::render(self, template, &Variables(vars))
    }
}
