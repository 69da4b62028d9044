//! Text literals that look like templates: `lookup('file', '{{ dir }}/x')`, `when: "{{ a }}" == 'b'`.

use shevek_diag::Diagnostic;
use shevek_value::{Map, Value};

use super::{Eval, Run};
use crate::syntax::{Expr, ExprKind};

impl Run<'_> {
    /// Such text in an expression: in conditions it is rendered, as Ansible still does; elsewhere it is plain text.
    pub(crate) fn embedded(&mut self, text: &Value) -> Eval<Value> {
        if !self.machine.renders_embedded {
            return Ok(text.clone());
        }
        self.warn_embedded(text);
        self.machine.ready(text.clone().trusted())
    }

    /// An argument of a lookup: such text is rendered, however deep in literals.
    pub(crate) fn lookup_argument(&mut self, expr: &Expr) -> Eval<Value> {
        match &expr.kind {
            ExprKind::Embedded(text) => {
                self.warn_embedded(text);
                self.machine.render_template(&text.clone().trusted(), None)
            }
            ExprKind::List(items) => {
                let items: Eval<Vec<Value>> = items.iter().map(|item| self.lookup_argument(item)).collect();
                Ok(Value::list(items?))
            }
            ExprKind::Tuple(items) => {
                let items: Eval<Vec<Value>> = items.iter().map(|item| self.lookup_argument(item)).collect();
                Ok(Value::tuple(items?))
            }
            ExprKind::Map(entries) => {
                let mut map = Map::default();
                for (key, item) in entries {
                    let key = self.operand(key)?;
                    map.insert(key, self.lookup_argument(item)?);
                }
                Ok(Value::map(map))
            }
            _ => self.eval(expr),
        }
    }

    fn warn_embedded(&self, text: &Value) {
        let warning = Diagnostic::warning("text inside of an expression looks like a template")
            .detail(format!("{} is rendered, for now; newer Ansible leaves it as it is", text.repr()))
            .at_maybe(self.written.origin.as_ref(), "")
            .help("use the variable itself: `lookup('env', a_var)`, `a_var == 42`");
        self.machine.scope.warn(warning);
    }
}
