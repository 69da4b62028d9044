//! Expressions.

use std::sync::Arc;

use shevek_value::{Kind, Map, Reason, Undefined, Value};

use super::frame::Slot;
use super::{Eval, Fault, Run, operator};
use crate::syntax::{CompareOp, Expr, ExprKind, Name};

impl Run<'_> {
    /// The value of an expression. Containers may still have templates in them, text never is one.
    pub(crate) fn eval(&mut self, expr: &Expr) -> Eval<Value> {
        match &expr.kind {
            ExprKind::Const(value) => Ok(value.clone()),
            ExprKind::Embedded(value) => self.embedded(value),
            ExprKind::Var(name) => self.name(name, expr.at),
            ExprKind::Attr(of, name) => {
                let value = self.eval(of)?;
                self.attribute(&value, name, expr)
            }
            ExprKind::Item(of, key) => {
                let value = self.eval(of)?;
                let key = self.eval(key)?;
                self.item(&value, &key, expr)
            }
            ExprKind::Call(of, args) => self.call(expr, of, args),
            ExprKind::Filter(name, filter, subject, args) => {
                let subject = match subject {
                    Some(subject) => self.eval(subject)?,
                    None => Value::NULL,
                };
                self.filter(expr.at, name, filter.as_ref(), (subject, args))
            }
            ExprKind::Test(name, test, subject, args) => {
                let subject = self.eval(subject)?;
                self.test(expr.at, name, test.as_ref(), (subject, args))
            }
            ExprKind::Compare(first, rest) => self.compare(first, rest),
            ExprKind::Not(inner) => {
                let value = self.eval(inner)?;
                Ok(Value::from(!self.truth(&value)?))
            }
            ExprKind::And(left, right) => {
                let value = self.eval(left)?;
                if self.truth(&value)? { self.eval(right) } else { Ok(value) }
            }
            ExprKind::Or(left, right) => {
                let value = self.eval(left)?;
                if self.truth(&value)? { Ok(value) } else { self.eval(right) }
            }
            ExprKind::If(test, yes, no) => {
                let test = self.eval(test)?;
                match (self.truth(&test)?, no) {
                    (true, _) => self.eval(yes),
                    (false, Some(no)) => self.eval(no),
                    // Differs from Ansible: 2.19 gives something that `default` can't replace; here it is undefined.
                    (false, None) => Ok(self.blank(expr.at)),
                }
            }
            ExprKind::List(items) => Ok(Value::list(self.all(items)?)),
            ExprKind::Tuple(items) => Ok(Value::tuple(self.all(items)?)),
            ExprKind::Map(entries) => self.mapping(entries),
            ExprKind::Binary(op, left, right) => {
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                self.at(expr.at, operator::binary(*op, &left, &right).map_err(Fault::from))
                    .map(|result| tainted(result, &[&left, &right]))
            }
            ExprKind::Negative(inner) => {
                let value = self.operand(inner)?;
                self.at(expr.at, operator::negative(&value).map_err(Fault::from))
            }
            ExprKind::Positive(inner) => {
                let value = self.operand(inner)?;
                self.at(expr.at, operator::positive(&value).map_err(Fault::from))
            }
            ExprKind::Concat(parts) => self.concat(parts),
            ExprKind::Slice(of, parts) => {
                let value = self.operand(of)?;
                let [start, stop, step] = &**parts;
                let mut bounds = [Value::NULL, Value::NULL, Value::NULL];
                for (bound, part) in bounds.iter_mut().zip([start, stop, step]) {
                    if let Some(part) = part {
                        *bound = self.operand(part)?;
                    }
                }
                self.at(expr.at, crate::methods::slice(&value, &bounds).map_err(Fault::from))
                    .map(|result| tainted(result, &[&value]))
            }
        }
    }

    fn all(&mut self, items: &[Expr]) -> Eval<Vec<Value>> {
        items.iter().map(|item| self.eval(item)).collect()
    }

    fn mapping(&mut self, entries: &[(Expr, Expr)]) -> Eval<Value> {
        let mut map = Map::with_capacity_and_hasher(entries.len(), Default::default());
        for (key, item) in entries {
            let at = key.at;
            let key = self.operand(key)?;
            if !is_hashable(&key) {
                return self.fail(at, "can't be a key", format!("unhashable type: '{}'", key.type_name()));
            }
            let item = self.eval(item)?;
            map.insert(key, item);
        }
        Ok(Value::map(map))
    }

    /// What an `if` without `else` leaves where it does not hold.
    fn blank(&self, at: u32) -> Value {
        let hint = "the inline if-expression evaluated to false and no else section was defined.";
        let missing = self.undefined(String::new(), hint, at);
        match missing.as_undefined() {
            Some(undefined) => Value::new(Kind::Undefined(Arc::new(Undefined {
                reason: Reason::Blank,
                ..Undefined::clone(undefined)
            }))),
            None => missing,
        }
    }

    /// A value that is used: missing, it is a fault.
    pub(crate) fn operand(&mut self, expr: &Expr) -> Eval<Value> {
        let value = self.eval(expr)?;
        if value.is_undefined() { Err(Fault::of_undefined(&value)) } else { Ok(value) }
    }

    /// Whether a value is true; asking a missing one is a fault.
    pub(crate) fn truth(&self, value: &Value) -> Eval<bool> {
        match value.is_undefined() && !value.is_blank() {
            true => Err(Fault::of_undefined(value)),
            false => Ok(value.is_true()),
        }
    }

    fn compare(&mut self, first: &Expr, rest: &[(CompareOp, Expr)]) -> Eval<Value> {
        let mut left = self.or_blank(first)?;
        for (op, right) in rest {
            let at = right.at;
            let right = self.or_blank(right)?;
            let holds = self.at(at, self.holds(*op, &left, &right))?;
            if !holds {
                return Ok(Value::from(false));
            }
            left = right;
        }
        Ok(Value::from(true))
    }

    /// A value that is compared or gone through: missing, it is a fault, but for what an `if` without `else` left out.
    pub(crate) fn or_blank(&mut self, expr: &Expr) -> Eval<Value> {
        let value = self.eval(expr)?;
        match value.is_undefined() && !value.is_blank() {
            true => Err(Fault::of_undefined(&value)),
            false => Ok(value),
        }
    }

    fn holds(&self, op: CompareOp, left: &Value, right: &Value) -> Eval<bool> {
        if left.is_blank() || right.is_blank() {
            let both = left.is_blank() && right.is_blank();
            match op {
                CompareOp::Eq => return Ok(both),
                CompareOp::Ne => return Ok(!both),
                // Nothing is in it.
                CompareOp::In | CompareOp::NotIn if right.is_blank() => return Ok(op == CompareOp::NotIn),
                _ => {}
            }
        }
        // Looking for a key renders nothing.
        if let (CompareOp::In | CompareOp::NotIn, Kind::Map(map)) = (op, right.kind()) {
            if !is_hashable(left) {
                let detail = format!("unhashable type: '{}'", left.type_name());
                return Err(Fault::new("can't be a key", detail));
            }
            return Ok(map.contains_key(left) == (op == CompareOp::In));
        }
        // What is of different types differs, whatever is inside.
        if matches!(op, CompareOp::Eq | CompareOp::Ne) && differ_in_kind(left.kind(), right.kind()) {
            return Ok(op == CompareOp::Ne);
        }
        let left = self.machine.rendered_through(left.clone());
        let right = self.machine.rendered_through(right.clone());
        for value in [&left, &right] {
            if let Some(missing) = super::finish::first_missing(value) {
                return Err(Fault::of_undefined(missing));
            }
        }
        Ok(operator::compare(op, &left, &right)?)
    }

    fn concat(&mut self, parts: &[Expr]) -> Eval<Value> {
        let mut text = String::new();
        let mut secret = false;
        for part in parts {
            let value = self.eval(part)?;
            if value.is_blank() {
                continue;
            }
            match value.as_str() {
                Some(piece) => text.push_str(piece),
                None => {
                    let value = self.machine.rendered_through(value.clone());
                    if let Some(missing) = super::finish::first_missing(&value) {
                        return Err(Fault::of_undefined(missing));
                    }
                    text.push_str(&value.text());
                }
            }
            secret |= value.is_secret();
        }
        let result = Value::from(text);
        Ok(if secret { result.secret() } else { result })
    }

    /// The variable of a name: one that the template set, the scope's, or a global.
    pub(crate) fn name(&mut self, name: &Name, at: u32) -> Eval<Value> {
        if let Some(value) = self.set_here(name) {
            return Ok(value);
        }
        if !self.without_scope
            && let Some(value) = self.at(at, self.machine.variable(name))?
        {
            return Ok(value);
        }
        if let Some(value) = self.special(name) {
            return Ok(value);
        }
        if self.machine.scope.is_open() {
            return Ok(Value::unknown(name.to_string()));
        }
        Ok(self.undefined(name.to_string(), "", at))
    }

    /// A variable that the template set.
    pub(crate) fn set_here(&self, name: &Name) -> Option<Value> {
        self.frame?;
        let (found, lives) = {
            let frames = self.machine.frames.borrow();
            let lives = frames.find(self.frame, name)?;
            (frames.frame(lives)?.get(name)?.clone(), lives)
        };
        let value = match found {
            Slot::Value(value) => value,
            slot => {
                let value = self.machine.slot_value(slot);
                return Some(self.machine.ready_or_marker(value));
            }
        };
        if value.is_template() && value.as_str().is_some() {
            let value = self.machine.ready_or_marker(value);
            if let Some(frame) = self.machine.frames.borrow_mut().frame_mut(lives) {
                frame.set(name, Slot::Value(value.clone()));
            }
            return Some(value);
        }
        Some(value)
    }

    /// A marker for something missing.
    pub(crate) fn undefined(&self, name: String, hint: &str, at: u32) -> Value {
        let undefined = Undefined { name, hint: hint.to_owned(), ..Undefined::default() };
        self.machine.undefined(undefined, &self.written, at)
    }
}

/// The result of an operation on secrets is secret, unless it is a mere truth value.
pub(crate) fn tainted(result: Value, from: &[&Value]) -> Value {
    let plain = matches!(result.kind(), Kind::Bool(_) | Kind::Null | Kind::Undefined(_));
    if !plain && !result.is_secret() && from.iter().any(|value| value.is_secret()) {
        result.secret()
    } else {
        result
    }
}

/// Whether values are of types that are never equal.
fn differ_in_kind(left: &Kind, right: &Kind) -> bool {
    match (left, right) {
        (Kind::List(_), Kind::List(_)) | (Kind::Map(_), Kind::Map(_)) | (Kind::Tuple(_), Kind::Tuple(_)) => {
            false
        }
        (Kind::Object(_), _) | (_, Kind::Object(_)) => false,
        (Kind::List(_) | Kind::Map(_) | Kind::Tuple(_), _)
        | (_, Kind::List(_) | Kind::Map(_) | Kind::Tuple(_)) => true,
        _ => false,
    }
}

/// Whether a value can be a key.
pub(crate) fn is_hashable(value: &Value) -> bool {
    match value.kind() {
        Kind::List(_) | Kind::Map(_) | Kind::Set(_) => false,
        Kind::Tuple(items) => items.iter().all(is_hashable),
        _ => true,
    }
}
