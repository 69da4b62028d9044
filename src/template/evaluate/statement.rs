//! Statements.

use std::sync::Arc;

use shevek_diag::Severity;
use shevek_value::{Reason, Value};

use super::frame::Slot;
use super::{Eval, Output, Run};
use crate::syntax::{Expr, ExprKind, Stmt, Target, Template};

/// Where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    On,
    Break,
    Continue,
}

impl Run<'_> {
    /// A whole template, with what it extends.
    pub(crate) fn template(&mut self, template: &Template, output: &mut Output) -> Eval<()> {
        for (name, block) in &template.blocks {
            self.blocks.entry(name.clone()).or_default().push((block.clone(), self.written.clone()));
        }
        let mut parent = None;
        for statement in &template.body {
            match statement {
                Stmt::Extends(name) => {
                    if parent.is_some() {
                        return self.fail(
                            name.at,
                            "extended twice",
                            "a template can extend one other template",
                        );
                    }
                    parent = Some(self.parent(name)?);
                }
                statement if parent.is_some() => {
                    self.statement(statement, &mut Output::Unwanted)?;
                }
                statement => {
                    self.statement(statement, output)?;
                }
            }
        }
        if let Some(parent) = parent {
            let machine = self.machine;
            let here = std::mem::replace(&mut self.written, parent.written.clone());
            machine.nested(|| self.template(&parent.parsed.tree, output))?;
            self.written = here;
        }
        Ok(())
    }

    pub(crate) fn statements(&mut self, body: &[Stmt], output: &mut Output) -> Eval<Flow> {
        for statement in body {
            match self.statement(statement, output)? {
                Flow::On => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &Stmt, output: &mut Output) -> Eval<Flow> {
        match statement {
            Stmt::Text(text) => output.print(self.machine, text.clone())?,
            Stmt::Output(expr) => {
                let value = self.eval(expr)?;
                let printed = output.print(self.machine, value);
                self.at(expr.at, printed)?;
            }
            Stmt::If(branches, otherwise) => {
                for (test, body) in branches {
                    let value = self.eval(test)?;
                    if self.truth(&value)? {
                        return self.statements(body, output);
                    }
                }
                return self.statements(otherwise, output);
            }
            Stmt::For(each) => {
                let machine = self.machine;
                return machine.nested(|| self.for_loop(each, output));
            }
            Stmt::Set(target, expr) => self.set_statement(target, expr)?,
            Stmt::SetBlock(target, filter, body) => {
                let value = self.captured(body)?;
                let value = match filter {
                    Some(filter) => self.filtered(filter, value)?,
                    None => value,
                };
                self.assign(target, Slot::Value(value))?;
            }
            Stmt::FilterBlock(filter, body) => {
                let value = self.captured(body)?;
                let value = self.filtered(filter, value)?;
                output.print(self.machine, value)?;
            }
            Stmt::Do(expr) => {
                let value = self.eval(expr)?;
                // As in Ansible, what fails here is passed over; here it is at least said.
                if let Some(Reason::Failed(why)) = value.as_undefined().map(|why| &why.reason) {
                    let mut warning = why.clone();
                    warning.severity = Severity::Warning;
                    self.machine.scope.warn(warning);
                }
            }
            Stmt::With(assignments, body) => {
                return self.in_frame(|run| {
                    let mut slots = Vec::with_capacity(assignments.len());
                    for (target, expr) in assignments {
                        slots.push((target, Slot::Value(run.eval(expr)?)));
                    }
                    for (target, slot) in slots {
                        run.assign(target, slot)?;
                    }
                    run.statements(body, output)
                });
            }
            Stmt::Group(body) => return self.in_frame(|run| run.statements(body, output)),
            Stmt::Macro(definition) => {
                let value = self.macro_object(definition);
                self.set_value(&definition.name, value);
            }
            Stmt::CallBlock(call, body) => {
                let value = self.call_block(call, body)?;
                output.print(self.machine, value)?;
            }
            Stmt::Block(block) => self.block(block, output)?,
            Stmt::Include(include) => self.include(include, output)?,
            Stmt::Import(template, name, with_context) => {
                let module = self.import(template, *with_context)?;
                self.set_value(name, module);
            }
            Stmt::FromImport(template, names, with_context) => {
                let module = self.import(template, *with_context)?;
                for (name, alias) in names {
                    let value = super::include::exported(&module, name).unwrap_or_else(|| {
                        let hint = format!("the template does not export the name '{name}'");
                        self.undefined(name.to_string(), &hint, template.at)
                    });
                    self.set_value(alias, value);
                }
            }
            Stmt::Extends(name) => {
                return self.fail(
                    name.at,
                    "extends inside of a statement",
                    "it must stand at the template's top level",
                );
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn set_statement(&mut self, target: &Target, expr: &Expr) -> Eval<()> {
        let value = self.eval(expr)?;
        let slot = match target {
            Target::Name(_) => {
                let place = self.alias_of(expr, &value)?;
                let place = place.filter(|place| !self.names_itself(target, expr, place));
                self.slot_for(value, place)
            }
            _ => Slot::Value(value),
        };
        self.assign(target, slot)
    }

    /// `{% set x = x %}` must not become an alias of itself.
    fn names_itself(&self, target: &Target, expr: &Expr, _: &super::place::Place) -> bool {
        let Target::Name(target) = target else { return false };
        let mut expr = expr;
        loop {
            match &expr.kind {
                ExprKind::Var(name) => return name == target,
                ExprKind::Attr(of, _) | ExprKind::Item(of, _) => expr = of,
                _ => return false,
            }
        }
    }

    fn captured(&mut self, body: &[Stmt]) -> Eval<Value> {
        let mut inner = Output::default();
        self.in_frame(|run| run.statements(body, &mut inner))?;
        Ok(inner.into_value())
    }

    /// Applies a chain of filters whose innermost has no subject.
    fn filtered(&mut self, chain: &Expr, value: Value) -> Eval<Value> {
        let ExprKind::Filter(name, filter, subject, args) = &chain.kind else { return Ok(value) };
        let value = match subject {
            Some(inner) => self.filtered(inner, value)?,
            None => value,
        };
        // What a body prints is text, and so is nothing.
        let value = if value.is_null() && subject.is_none() { Value::from("") } else { value };
        self.filter(chain.at, name, filter.as_ref(), (value, args))
    }

    fn block(&mut self, block: &Arc<crate::syntax::Block>, output: &mut Output) -> Eval<()> {
        let known = self.blocks.get(&block.name).and_then(|all| all.first()).cloned();
        let (actual, written) = known.unwrap_or_else(|| (block.clone(), self.written.clone()));
        if actual.required && actual.body.iter().all(|statement| matches!(statement, Stmt::Text(_))) {
            return self.fail(
                0,
                "a required block is missing",
                format!("Required block '{}' not found", block.name),
            );
        }
        self.in_blocks.push((block.name.clone(), 0));
        let result = self.block_body(&actual, written, block.scoped, output);
        self.in_blocks.pop();
        result
    }

    fn block_body(
        &mut self,
        block: &Arc<crate::syntax::Block>,
        written: Arc<super::Written>,
        scoped: bool,
        output: &mut Output,
    ) -> Eval<()> {
        let here = std::mem::replace(&mut self.written, written);
        let frame = self.frame;
        if !scoped {
            self.frame = self.root;
        }
        let machine = self.machine;
        let result = machine.nested(|| self.in_frame(|run| run.statements(&block.body, output)));
        self.frame = frame.or(self.root);
        self.written = here;
        result.map(drop)
    }

    /// `super()`
    pub(crate) fn super_block(&mut self, at: u32) -> Eval<Value> {
        let Some((name, level)) = self.in_blocks.last().cloned() else { return Ok(Value::NULL) };
        let next = self.blocks.get(&name).and_then(|all| all.get(level + 1)).cloned();
        let Some((block, written)) = next else {
            return Ok(self.undefined(
                "super".to_owned(),
                "there is no parent block to call with super()",
                at,
            ));
        };
        self.in_blocks.push((name, level + 1));
        let mut output = Output::default();
        let result = self.block_body(&block, written, true, &mut output);
        self.in_blocks.pop();
        result?;
        Ok(output.into_value())
    }

    /// `self.name()`
    pub(crate) fn own_block(&mut self, at: u32, name: &Arc<str>) -> Eval<Value> {
        let first = self.blocks.get(name).and_then(|all| all.first()).cloned();
        let Some((block, written)) = first else {
            return Ok(self.undefined(format!("self.{name}"), &format!("there is no block '{name}'"), at));
        };
        self.in_blocks.push((name.clone(), 0));
        let mut output = Output::default();
        let result = self.block_body(&block, written, false, &mut output);
        self.in_blocks.pop();
        result?;
        Ok(output.into_value())
    }
}
