//! Statements, by Jinja's grammar.

use std::sync::Arc;

use shevek_value::Value;

use super::expression::Conditional;
use super::lexer::{Tok, describe};
use super::tree::{Block, Expr, ExprKind, ForLoop, Include, Macro, Name, Stmt, Target};
use super::{Parser, SyntaxError};

type Parsed<T> = Result<T, SyntaxError>;

impl Parser<'_> {
    pub(super) fn whole_template(&mut self) -> Parsed<Vec<Stmt>> {
        let body = self.body(&[])?;
        match self.tokens.peek() {
            Tok::End => Ok(body),
            Tok::Name(name) => Err(self.tokens.error(unknown_tag(name))),
            token => Err(self.tokens.error(format!("unexpected {}", describe(token)))),
        }
    }

    /// Statements up to one of the end words, which is left as the next token.
    fn body(&mut self, ends: &[&str]) -> Parsed<Vec<Stmt>> {
        let mut body = Vec::new();
        loop {
            match self.tokens.peek().clone() {
                Tok::Data(text) => {
                    self.tokens.next();
                    body.push(Stmt::Text(match &self.newline {
                        Some(newline) => Value::from(text.replace('\n', newline)),
                        None => Value::from(text),
                    }));
                }
                Tok::VariableStart => {
                    self.tokens.next();
                    body.push(Stmt::Output(self.tuple(Conditional::Allowed)?));
                    self.tokens.expect(&Tok::VariableEnd)?;
                }
                Tok::BlockStart => {
                    self.tokens.next();
                    if let Tok::Name(name) = self.tokens.peek()
                        && ends.contains(name)
                    {
                        return Ok(body);
                    }
                    let statement = self.nested(Self::statement)?;
                    self.tokens.expect(&Tok::BlockEnd)?;
                    body.push(statement);
                }
                Tok::End if ends.is_empty() => return Ok(body),
                Tok::End => {
                    let wanted = ends.iter().map(|end| format!("'{{% {end} %}}'")).collect::<Vec<_>>();
                    return Err(self
                        .tokens
                        .error(format!("the template ends before {}", wanted.join(" or "))));
                }
                token => return Err(self.tokens.error(format!("unexpected {}", describe(&token)))),
            }
        }
    }

    /// The rest of a start tag, the body, and the end word.
    fn rest_of_block(&mut self, end: &str) -> Parsed<Vec<Stmt>> {
        self.tokens.expect(&Tok::BlockEnd)?;
        let body = self.body(&[end])?;
        self.tokens.expect_name(end)?;
        Ok(body)
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        let unknown = self.tokens.error("");
        let name = self.tokens.any_name()?;
        Ok(match name {
            "for" => self.for_loop()?,
            "if" => self.condition()?,
            "set" => self.set()?,
            "with" => self.with()?,
            "do" => Stmt::Do(self.tuple(Conditional::Allowed)?),
            "print" => Stmt::Output(self.tuple(Conditional::Allowed)?),
            "filter" => {
                let filter = self.filter_chain()?;
                Stmt::FilterBlock(filter, self.rest_of_block("endfilter")?)
            }
            // Ansible never escapes: what it says is read and has no effect.
            "autoescape" => {
                self.expression()?;
                Stmt::Group(self.rest_of_block("endautoescape")?)
            }
            "block" => self.block()?,
            "extends" => Stmt::Extends(self.expression()?),
            "include" => self.include()?,
            "import" => self.import()?,
            "from" => self.import_names()?,
            "macro" => {
                let name = self.tokens.any_name()?;
                Stmt::Macro(Arc::new(self.macro_definition(name, "endmacro")?))
            }
            "call" => self.call_block()?,
            "break" | "continue" if self.loops == 0 => {
                return Err(SyntaxError { message: format!("'{name}' outside of a loop"), ..unknown });
            }
            "break" => Stmt::Break,
            "continue" => Stmt::Continue,
            name => return Err(SyntaxError { message: unknown_tag(name), ..unknown }),
        })
    }

    fn for_loop(&mut self) -> Parsed<Stmt> {
        let target = self.target(false)?;
        self.tokens.expect_name("in")?;
        let iter = self.tuple(Conditional::Not)?;
        let filter = if self.tokens.skip_name("if") { Some(self.expression()?) } else { None };
        let recursive = self.tokens.skip_name("recursive");
        self.tokens.expect(&Tok::BlockEnd)?;
        self.loops += 1;
        let body = self.body(&["endfor", "else"])?;
        self.loops -= 1;
        let otherwise = if self.tokens.skip_name("else") {
            self.tokens.expect(&Tok::BlockEnd)?;
            self.body(&["endfor"])?
        } else {
            Vec::new()
        };
        self.tokens.expect_name("endfor")?;
        Ok(Stmt::For(Arc::new(ForLoop { target, iter, filter, recursive, body, otherwise })))
    }

    fn condition(&mut self) -> Parsed<Stmt> {
        let mut branches = Vec::new();
        loop {
            let test = self.tuple(Conditional::Not)?;
            self.tokens.expect(&Tok::BlockEnd)?;
            branches.push((test, self.body(&["elif", "else", "endif"])?));
            if self.tokens.skip_name("elif") {
                continue;
            }
            let otherwise = if self.tokens.skip_name("else") {
                self.tokens.expect(&Tok::BlockEnd)?;
                self.body(&["endif"])?
            } else {
                Vec::new()
            };
            self.tokens.expect_name("endif")?;
            return Ok(Stmt::If(branches, otherwise));
        }
    }

    fn set(&mut self) -> Parsed<Stmt> {
        let target = self.target(true)?;
        if self.tokens.skip_op("=") {
            return Ok(Stmt::Set(target, self.tuple(Conditional::Allowed)?));
        }
        let filter = if self.tokens.skip_op("|") { Some(self.filter_chain()?) } else { None };
        Ok(Stmt::SetBlock(target, filter, self.rest_of_block("endset")?))
    }

    fn with(&mut self) -> Parsed<Stmt> {
        let mut assignments = Vec::new();
        while !matches!(self.tokens.peek(), Tok::BlockEnd) {
            if !assignments.is_empty() {
                self.tokens.expect_op(",")?;
            }
            let target = self.single_target(false)?;
            self.tokens.expect_op("=")?;
            assignments.push((target, self.expression()?));
        }
        Ok(Stmt::With(assignments, self.rest_of_block("endwith")?))
    }

    /// Names to assign to, perhaps several between commas.
    fn target(&mut self, attributes: bool) -> Parsed<Target> {
        let at = self.tokens.at();
        let first = self.single_target(attributes)?;
        if !self.tokens.is_op(",") {
            return Ok(first);
        }
        let mut targets = vec![first];
        while self.tokens.skip_op(",") {
            if self.tokens.is_name("in") || self.tokens.is_op("=") || self.tokens.is_op(")") {
                break;
            }
            targets.push(self.single_target(attributes)?);
        }
        Ok(Target::Tuple(targets, at))
    }

    fn single_target(&mut self, attributes: bool) -> Parsed<Target> {
        let at = self.tokens.at();
        if self.tokens.skip_op("(") || self.tokens.skip_op("[") {
            let inner = self.target(attributes)?;
            if !self.tokens.skip_op("]") {
                self.tokens.expect_op(")")?;
            }
            return Ok(match inner {
                Target::Tuple(targets, at) => Target::Tuple(targets, at),
                one => Target::Tuple(vec![one], at),
            });
        }
        let error = self.tokens.error("");
        let name = self.assignable()?;
        if attributes && self.tokens.skip_op(".") {
            let attribute = self.tokens.any_name()?;
            return Ok(Target::Attribute(name, attribute.into(), error.at));
        }
        Ok(Target::Name(name))
    }

    fn assignable(&mut self) -> Parsed<Name> {
        let error = self.tokens.error("");
        let name = self.tokens.any_name()?;
        if matches!(name, "true" | "True" | "false" | "False" | "none" | "None" | "not") {
            return Err(SyntaxError { message: format!("can't assign to '{name}'"), ..error });
        }
        Ok(name.into())
    }

    fn block(&mut self) -> Parsed<Stmt> {
        let name: Name = self.tokens.any_name()?.into();
        let (mut scoped, mut required) = (false, false);
        loop {
            if self.tokens.skip_name("scoped") {
                scoped = true;
            } else if self.tokens.skip_name("required") {
                required = true;
            } else {
                break;
            }
        }
        if self.blocks.iter().any(|(known, _)| *known == name) {
            return Err(self.tokens.error(format!("block '{name}' is defined twice")));
        }
        let loops = std::mem::take(&mut self.loops);
        let body = self.rest_of_block("endblock")?;
        self.loops = loops;
        if let Tok::Name(end) = self.tokens.peek() {
            if **end != *name {
                return Err(self.tokens.error(format!("block '{name}' ends with the name '{end}'")));
            }
            self.tokens.next();
        }
        let block = Arc::new(Block { name: name.clone(), scoped, required, body });
        self.blocks.push((name, block.clone()));
        Ok(Stmt::Block(block))
    }

    fn include(&mut self) -> Parsed<Stmt> {
        let name = self.expression()?;
        let mut with_context = self.context_marker()?;
        let ignore_missing = if self.tokens.is_name("ignore") {
            self.tokens.next();
            self.tokens.expect_name("missing")?;
            true
        } else {
            false
        };
        if with_context.is_none() {
            with_context = self.context_marker()?;
        }
        Ok(Stmt::Include(Include { name, ignore_missing, with_context: with_context.unwrap_or(true) }))
    }

    fn context_marker(&mut self) -> Parsed<Option<bool>> {
        let with = match self.tokens.peek() {
            Tok::Name("with") => true,
            Tok::Name("without") => false,
            _ => return Ok(None),
        };
        if !matches!(self.tokens.peek_second(), Tok::Name("context")) {
            return Ok(None);
        }
        self.tokens.next();
        self.tokens.next();
        Ok(Some(with))
    }

    fn import(&mut self) -> Parsed<Stmt> {
        let template = self.expression()?;
        self.tokens.expect_name("as")?;
        let name = self.assignable()?;
        let with_context = self.context_marker()?.unwrap_or(false);
        Ok(Stmt::Import(template, name, with_context))
    }

    fn import_names(&mut self) -> Parsed<Stmt> {
        let template = self.expression()?;
        self.tokens.expect_name("import")?;
        let mut names: Vec<(Name, Name)> = Vec::new();
        let mut with_context = None;
        loop {
            with_context = with_context.or(self.context_marker()?);
            if with_context.is_some() || matches!(self.tokens.peek(), Tok::BlockEnd) {
                break;
            }
            if !names.is_empty() {
                self.tokens.expect_op(",")?;
                with_context = self.context_marker()?;
                if with_context.is_some() || matches!(self.tokens.peek(), Tok::BlockEnd) {
                    break;
                }
            }
            let name = self.assignable()?;
            if name.starts_with('_') {
                return Err(self.tokens.error("names that begin with an underline can't be imported"));
            }
            let alias = if self.tokens.skip_name("as") { self.assignable()? } else { name.clone() };
            names.push((name, alias));
        }
        if names.is_empty() {
            return Err(self.tokens.expected("a name to import"));
        }
        Ok(Stmt::FromImport(template, names, with_context.unwrap_or(false)))
    }

    fn macro_definition(&mut self, name: &str, end: &str) -> Parsed<Macro> {
        let (mut parameters, mut defaults): (Vec<Name>, Vec<Expr>) = (Vec::new(), Vec::new());
        if self.tokens.skip_op("(") {
            while !self.tokens.skip_op(")") {
                if !parameters.is_empty() {
                    self.tokens.expect_op(",")?;
                    if self.tokens.skip_op(")") {
                        break;
                    }
                }
                parameters.push(self.assignable()?);
                if self.tokens.skip_op("=") {
                    defaults.push(self.expression()?);
                } else if !defaults.is_empty() {
                    return Err(self
                        .tokens
                        .error("a parameter without a default follows one with a default"));
                }
            }
        } else if end == "endmacro" {
            return Err(self.tokens.expected("'('"));
        }
        let mut definition = Macro {
            name: name.into(),
            parameters,
            defaults,
            body: Vec::new(),
            varargs: false,
            kwargs: false,
            caller: false,
        };
        if end == "endmacro" {
            definition.body = self.macro_body(end)?;
            definition.find_special_names();
        }
        Ok(definition)
    }

    fn macro_body(&mut self, end: &str) -> Parsed<Vec<Stmt>> {
        let loops = std::mem::take(&mut self.loops);
        let body = self.rest_of_block(end)?;
        self.loops = loops;
        Ok(body)
    }

    fn call_block(&mut self) -> Parsed<Stmt> {
        let mut definition = self.macro_definition("caller", "endcall")?;
        let call = self.expression()?;
        if !matches!(call.kind, ExprKind::Call(..)) {
            return Err(SyntaxError { message: "expected a call".to_owned(), at: call.at });
        }
        definition.body = self.macro_body("endcall")?;
        definition.find_special_names();
        Ok(Stmt::CallBlock(call, Arc::new(definition)))
    }
}

impl Macro {
    fn find_special_names(&mut self) {
        let mut names = NamesIn::default();
        names.statements(&self.body);
        let parameter = |name: &str| self.parameters.iter().any(|known| &**known == name);
        self.varargs = names.varargs && !parameter("varargs");
        self.kwargs = names.kwargs && !parameter("kwargs");
        self.caller = names.caller && !parameter("caller");
    }
}

/// Which of a macro's special names its body speaks of.
#[derive(Default)]
struct NamesIn {
    varargs: bool,
    kwargs: bool,
    caller: bool,
}

impl NamesIn {
    fn statements(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Text(_) | Stmt::Macro(_) | Stmt::Continue | Stmt::Break | Stmt::Block(_) => {}
            Stmt::Output(expr) | Stmt::Do(expr) | Stmt::Set(_, expr) | Stmt::Extends(expr) => self.expr(expr),
            Stmt::For(each) => {
                self.expr(&each.iter);
                each.filter.iter().for_each(|expr| self.expr(expr));
                self.statements(&each.body);
                self.statements(&each.otherwise);
            }
            Stmt::If(branches, otherwise) => {
                for (test, body) in branches {
                    self.expr(test);
                    self.statements(body);
                }
                self.statements(otherwise);
            }
            Stmt::With(assignments, body) => {
                assignments.iter().for_each(|(_, expr)| self.expr(expr));
                self.statements(body);
            }
            Stmt::SetBlock(_, filter, body) => {
                filter.iter().for_each(|expr| self.expr(expr));
                self.statements(body);
            }
            Stmt::FilterBlock(filter, body) => {
                self.expr(filter);
                self.statements(body);
            }
            Stmt::Group(body) => self.statements(body),
            Stmt::Include(include) => self.expr(&include.name),
            Stmt::Import(expr, ..) | Stmt::FromImport(expr, ..) => self.expr(expr),
            // The body of a call block may speak of the outer macro's names.
            Stmt::CallBlock(call, body) => {
                self.expr(call);
                self.statements(&body.body);
            }
        }
    }

    fn args(&mut self, args: &super::Args) {
        args.positional.iter().for_each(|expr| self.expr(expr));
        args.named.iter().for_each(|(_, expr)| self.expr(expr));
        args.splat.iter().chain(&args.named_splat).for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Const(_) | ExprKind::Embedded(_) => {}
            ExprKind::Var(name) => match &**name {
                "varargs" => self.varargs = true,
                "kwargs" => self.kwargs = true,
                "caller" => self.caller = true,
                _ => {}
            },
            ExprKind::Slice(of, parts) => {
                self.expr(of);
                parts.iter().flatten().for_each(|part| self.expr(part));
            }
            ExprKind::Not(inner)
            | ExprKind::Negative(inner)
            | ExprKind::Positive(inner)
            | ExprKind::Attr(inner, _) => self.expr(inner),
            ExprKind::And(a, b) | ExprKind::Or(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Item(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Compare(first, rest) => {
                self.expr(first);
                rest.iter().for_each(|(_, expr)| self.expr(expr));
            }
            ExprKind::If(test, yes, no) => {
                self.expr(test);
                self.expr(yes);
                no.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::Filter(_, _, subject, args) => {
                subject.iter().for_each(|expr| self.expr(expr));
                self.args(args);
            }
            ExprKind::Test(_, _, subject, args) => {
                self.expr(subject);
                self.args(args);
            }
            ExprKind::Call(of, args) => {
                self.expr(of);
                self.args(args);
            }
            ExprKind::Concat(items) | ExprKind::List(items) | ExprKind::Tuple(items) => {
                items.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::Map(entries) => entries.iter().for_each(|(key, value)| {
                self.expr(key);
                self.expr(value);
            }),
        }
    }
}

fn unknown_tag(name: &str) -> String {
    if name.starts_with("end") || matches!(name, "else" | "elif") {
        format!("'{name}' without the statement that it belongs to")
    } else {
        format!("unknown tag '{name}'")
    }
}
