//! Expressions, by Jinja's grammar.

use num_bigint::BigInt;
use shevek_value::Value;

use super::lexer::{Tok, describe};
use super::tree::{Args, BinaryOp, CompareOp, Expr, ExprKind};
use super::{Parser, SyntaxError};

type Parsed = Result<Expr, SyntaxError>;

/// Whether `a if b` may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conditional {
    Allowed,
    Not,
}

impl Parser<'_> {
    pub(super) fn whole_expression(mut self) -> Parsed {
        let expr = self.expression()?;
        match self.tokens.peek() {
            Tok::End => Ok(expr),
            token => {
                Err(self.tokens.error(format!("expected the end of the expression, got {}", describe(token))))
            }
        }
    }

    pub(super) fn expression(&mut self) -> Parsed {
        self.nested(Self::conditional)
    }

    fn conditional(&mut self) -> Parsed {
        let mut expr = self.or()?;
        while self.tokens.is_name("if") {
            let at = expr.at;
            self.tokens.next();
            let test = self.or()?;
            let otherwise =
                if self.tokens.skip_name("else") { Some(Box::new(self.expression()?)) } else { None };
            expr = Expr::new(ExprKind::If(Box::new(test), Box::new(expr), otherwise), at);
        }
        Ok(expr)
    }

    /// One expression, or a tuple of several between commas, as `for … in`, `set` and `{{ }}` take.
    pub(super) fn tuple(&mut self, conditional: Conditional) -> Parsed {
        let at = self.tokens.at();
        let item = |parser: &mut Self| match conditional {
            Conditional::Allowed => parser.expression(),
            Conditional::Not => parser.nested(Self::or),
        };
        if self.tuple_ends() {
            return Err(self.tokens.expected("an expression"));
        }
        let first = item(self)?;
        if !self.tokens.is_op(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.tokens.skip_op(",") {
            if self.tuple_ends() {
                break;
            }
            items.push(item(self)?);
        }
        Ok(Expr::new(ExprKind::Tuple(items), at))
    }

    fn tuple_ends(&self) -> bool {
        matches!(self.tokens.peek(), Tok::VariableEnd | Tok::BlockEnd | Tok::End | Tok::Op(")"))
            || self.tokens.is_name("recursive")
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.tokens.skip_name("or") {
            let right = self.and()?;
            let at = left.at;
            left = Expr::new(ExprKind::Or(Box::new(left), Box::new(right)), at);
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.tokens.skip_name("and") {
            let right = self.not()?;
            let at = left.at;
            left = Expr::new(ExprKind::And(Box::new(left), Box::new(right)), at);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let at = self.tokens.at();
        if self.tokens.is_name("not") {
            self.tokens.next();
            let inner = self.nested(Self::not)?;
            return Ok(Expr::new(ExprKind::Not(Box::new(inner)), at));
        }
        self.compare()
    }

    fn compare(&mut self) -> Parsed {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let op = match self.tokens.peek() {
                Tok::Op("==") => CompareOp::Eq,
                Tok::Op("!=") => CompareOp::Ne,
                Tok::Op("<") => CompareOp::Lt,
                Tok::Op("<=") => CompareOp::Le,
                Tok::Op(">") => CompareOp::Gt,
                Tok::Op(">=") => CompareOp::Ge,
                Tok::Name("in") => CompareOp::In,
                Tok::Name("not") if matches!(self.tokens.peek_second(), Tok::Name("in")) => {
                    self.tokens.next();
                    CompareOp::NotIn
                }
                _ => break,
            };
            self.tokens.next();
            rest.push((op, self.sum()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let at = first.at;
        Ok(Expr::new(ExprKind::Compare(Box::new(first), rest), at))
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.concat()?;
        loop {
            let op = match self.tokens.peek() {
                Tok::Op("+") => BinaryOp::Add,
                Tok::Op("-") => BinaryOp::Sub,
                _ => return Ok(left),
            };
            self.tokens.next();
            let right = self.concat()?;
            left = binary(op, left, right);
        }
    }

    fn concat(&mut self) -> Parsed {
        let first = self.product()?;
        if !self.tokens.is_op("~") {
            return Ok(first);
        }
        let at = first.at;
        let mut parts = vec![first];
        while self.tokens.skip_op("~") {
            parts.push(self.product()?);
        }
        Ok(Expr::new(ExprKind::Concat(parts), at))
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.power()?;
        loop {
            let op = match self.tokens.peek() {
                Tok::Op("*") => BinaryOp::Mul,
                Tok::Op("/") => BinaryOp::Div,
                Tok::Op("//") => BinaryOp::FloorDiv,
                Tok::Op("%") => BinaryOp::Rem,
                _ => return Ok(left),
            };
            self.tokens.next();
            let right = self.power()?;
            left = binary(op, left, right);
        }
    }

    fn power(&mut self) -> Parsed {
        let mut left = self.unary()?;
        while self.tokens.skip_op("**") {
            let right = self.unary()?;
            left = binary(BinaryOp::Pow, left, right);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let expr = self.signed()?;
        self.filters(expr)
    }

    /// A sign belongs to the operand with its postfixes, but filters apply to the signed value.
    fn signed(&mut self) -> Parsed {
        let at = self.tokens.at();
        let expr = if self.tokens.skip_op("-") {
            let inner = self.nested(Self::signed)?;
            Expr::new(ExprKind::Negative(Box::new(inner)), at)
        } else if self.tokens.skip_op("+") {
            let inner = self.nested(Self::signed)?;
            Expr::new(ExprKind::Positive(Box::new(inner)), at)
        } else {
            self.primary()?
        };
        self.postfix(expr)
    }

    fn primary(&mut self) -> Parsed {
        let at = self.tokens.at();
        let constant = |value: Value| Ok(Expr::new(ExprKind::Const(value), at));
        match self.tokens.peek().clone() {
            Tok::Name(name) => {
                self.tokens.next();
                match name {
                    "true" | "True" => constant(Value::from(true)),
                    "false" | "False" => constant(Value::from(false)),
                    "none" | "None" => constant(Value::NULL),
                    _ => Ok(Expr::new(ExprKind::Var(name.into()), at)),
                }
            }
            Tok::Str(text) => {
                self.tokens.next();
                let mut text = text.into_owned();
                while let Tok::Str(more) = self.tokens.peek() {
                    text.push_str(more);
                    self.tokens.next();
                }
                // A constant of an expression is data: a condition does not evaluate it again.
                if Value::template(text.as_str()).is_template() {
                    Ok(Expr::new(ExprKind::Embedded(Value::from(text)), at))
                } else {
                    constant(Value::from(text))
                }
            }
            Tok::Int(number) => {
                self.tokens.next();
                constant(Value::big(BigInt::from(number)))
            }
            Tok::Float(number) if number.is_infinite() => Err(self.tokens.error("the number is too large")),
            Tok::Float(number) => {
                self.tokens.next();
                constant(Value::from(number))
            }
            Tok::Op("(") => self.parenthesis(at),
            Tok::Op("[") => {
                self.tokens.next();
                let items = self.items("]")?;
                Ok(Expr::new(ExprKind::List(items), at))
            }
            Tok::Op("{") => self.mapping(at),
            _ => Err(self.tokens.expected("an expression")),
        }
    }

    fn parenthesis(&mut self, at: u32) -> Parsed {
        self.tokens.next();
        if self.tokens.skip_op(")") {
            return Ok(Expr::new(ExprKind::Tuple(Vec::new()), at));
        }
        let first = self.expression()?;
        if !self.tokens.is_op(",") {
            self.tokens.expect_op(")")?;
            return Ok(first);
        }
        self.tokens.next();
        let mut items = vec![first];
        items.extend(self.items(")")?);
        Ok(Expr::new(ExprKind::Tuple(items), at))
    }

    fn items(&mut self, close: &str) -> Result<Vec<Expr>, SyntaxError> {
        let mut items = Vec::new();
        loop {
            if self.tokens.skip_op(close) {
                return Ok(items);
            }
            items.push(self.expression()?);
            if !self.tokens.is_op(close) {
                self.tokens.expect_op(",")?;
            }
        }
    }

    fn mapping(&mut self, at: u32) -> Parsed {
        self.tokens.next();
        let mut entries = Vec::new();
        loop {
            if self.tokens.skip_op("}") {
                return Ok(Expr::new(ExprKind::Map(entries), at));
            }
            let key = self.expression()?;
            self.tokens.expect_op(":")?;
            entries.push((key, self.expression()?));
            if !self.tokens.is_op("}") {
                self.tokens.expect_op(",")?;
            }
        }
    }

    fn postfix(&mut self, mut expr: Expr) -> Parsed {
        loop {
            let at = self.tokens.at();
            match self.tokens.peek() {
                Tok::Op(".") => {
                    self.tokens.next();
                    expr = match self.tokens.next() {
                        Tok::Name(name) => Expr::new(ExprKind::Attr(Box::new(expr), name.into()), at),
                        Tok::Int(index) => {
                            let index = Expr::new(ExprKind::Const(Value::big(BigInt::from(index))), at);
                            Expr::new(ExprKind::Item(Box::new(expr), Box::new(index)), at)
                        }
                        _ => return Err(self.tokens.error("expected a name or number after '.'")),
                    };
                }
                Tok::Op("[") => expr = self.subscript(expr, at)?,
                Tok::Op("(") => {
                    let args = self.arguments()?;
                    let at = expr.at;
                    expr = Expr::new(ExprKind::Call(Box::new(expr), args), at);
                }
                _ => return Ok(expr),
            }
        }
    }

    fn subscript(&mut self, of: Expr, at: u32) -> Parsed {
        self.tokens.next();
        let mut parts = [None, None, None];
        let mut colons = 0;
        if self.tokens.is_op("]") {
            return Err(self.tokens.error("expected a key between '[' and ']'"));
        }
        loop {
            if self.tokens.skip_op(":") {
                colons += 1;
                if colons > 2 {
                    return Err(self.tokens.error("a slice has at most two ':'"));
                }
            } else if self.tokens.skip_op("]") {
                break;
            } else if let Some(slot @ None) = parts.get_mut(colons) {
                *slot = Some(self.expression()?);
            } else if self.tokens.is_op(",") && colons == 0 {
                let mut items: Vec<Expr> = parts.iter_mut().filter_map(Option::take).collect();
                self.tokens.next();
                items.extend(self.items("]")?);
                let key = Expr::new(ExprKind::Tuple(items), at);
                return Ok(Expr::new(ExprKind::Item(Box::new(of), Box::new(key)), at));
            } else {
                return Err(self.tokens.expected("']'"));
            }
        }
        if colons > 0 {
            return Ok(Expr::new(ExprKind::Slice(Box::new(of), Box::new(parts)), at));
        }
        let [key, ..] = parts;
        match key {
            Some(key) => Ok(Expr::new(ExprKind::Item(Box::new(of), Box::new(key)), at)),
            None => Err(self.tokens.error("expected a key between '[' and ']'")),
        }
    }

    fn arguments(&mut self) -> Result<Args, SyntaxError> {
        self.tokens.expect_op("(")?;
        let mut args = Args::default();
        loop {
            if self.tokens.skip_op(")") {
                return Ok(args);
            }
            if self.tokens.skip_op("*") {
                args.splat = Some(Box::new(self.expression()?));
            } else if self.tokens.skip_op("**") {
                args.named_splat = Some(Box::new(self.expression()?));
            } else if let (Tok::Name(name), Tok::Op("=")) =
                (self.tokens.peek().clone(), self.tokens.peek_second())
            {
                self.tokens.next();
                self.tokens.next();
                args.named.push((Value::from(name), self.expression()?));
            } else if args.named.is_empty() && args.named_splat.is_none() && args.splat.is_none() {
                args.positional.push(self.expression()?);
            } else {
                return Err(self.tokens.error("an argument without a name follows one with a name"));
            }
            if !self.tokens.is_op(")") {
                self.tokens.expect_op(",")?;
            }
        }
    }

    /// `a.b.c` as one name.
    fn plugin_name(&mut self) -> Result<String, SyntaxError> {
        let mut name = self.tokens.any_name()?.to_owned();
        while self.tokens.skip_op(".") {
            name.push('.');
            name.push_str(self.tokens.any_name()?);
        }
        Ok(name)
    }

    fn filters(&mut self, mut expr: Expr) -> Parsed {
        loop {
            match self.tokens.peek() {
                Tok::Op("|") => {
                    self.tokens.next();
                    expr = self.filter(Some(expr))?;
                }
                Tok::Name("is") => expr = self.test(expr)?,
                Tok::Op("(") => {
                    let args = self.arguments()?;
                    let at = expr.at;
                    expr = Expr::new(ExprKind::Call(Box::new(expr), args), at);
                }
                _ => return Ok(expr),
            }
        }
    }

    /// A chain of filters without a subject, for filter blocks.
    pub(super) fn filter_chain(&mut self) -> Parsed {
        let mut expr = self.filter(None)?;
        while self.tokens.skip_op("|") {
            expr = self.filter(Some(expr))?;
        }
        Ok(expr)
    }

    fn filter(&mut self, subject: Option<Expr>) -> Parsed {
        let at = self.tokens.at();
        let name = self.plugin_name()?;
        let args = if self.tokens.is_op("(") { self.arguments()? } else { Args::default() };
        let filter = self.plugins.filter(&name).copied();
        Ok(Expr::new(ExprKind::Filter(name.into(), filter, subject.map(Box::new), args), at))
    }

    fn test(&mut self, subject: Expr) -> Parsed {
        self.tokens.next();
        let negated = self.tokens.skip_name("not");
        let at = self.tokens.at();
        let name = self.plugin_name()?;
        let takes_one = match self.tokens.peek() {
            Tok::Str(_) | Tok::Int(_) | Tok::Float(_) | Tok::Op("[" | "{") => true,
            Tok::Name(name) => !matches!(*name, "else" | "or" | "and" | "if" | "in" | "recursive" | "not"),
            _ => false,
        };
        let args = if self.tokens.is_op("(") {
            self.arguments()?
        } else if takes_one {
            if self.tokens.is_name("is") {
                return Err(self.tokens.error("tests can't be chained with 'is'"));
            }
            let argument = self.primary()?;
            Args { positional: vec![self.postfix(argument)?], ..Args::default() }
        } else {
            Args::default()
        };
        let test = self.plugins.test(&name).copied();
        let expr = Expr::new(ExprKind::Test(name.into(), test, Box::new(subject), args), at);
        Ok(if negated { Expr::new(ExprKind::Not(Box::new(expr)), at) } else { expr })
    }
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let at = left.at;
    Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), at)
}
