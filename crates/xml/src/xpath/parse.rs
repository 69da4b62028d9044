//! Expressions from words.

use super::lex::{Word, words};
use super::{Axis, Expression, Operator, Start, Step, Test};
use crate::error::Wrong;

/// Brackets that stand in one another.
const DEEPEST: usize = 100;

/// Reads a whole expression.
pub(super) fn expression(text: &str) -> Result<Expression, Wrong> {
    let mut parser = Parser { words: words(text)?, at: 0, depth: 0 };
    let expression = parser.two(0)?;
    if parser.at < parser.words.len() { parser.invalid() } else { Ok(expression) }
}

/// Operators, those that bind least first.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[("=", Operator::Equal), ("!=", Operator::Unequal)],
    &[
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
    ],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[("times", Operator::Times), ("div", Operator::Divided), ("mod", Operator::Modulo)],
];

struct Parser {
    words: Vec<Word>,
    at: usize,
    depth: usize,
}

type Read<T> = Result<T, Wrong>;

impl Parser {
    fn invalid<T>(&self) -> Read<T> {
        Err(Wrong::syntax("Invalid expression"))
    }

    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Word::Sign(known)) if *known == sign)
    }

    fn next_is(&self, sign: &str) -> bool {
        matches!(self.words.get(self.at + 1), Some(Word::Sign(known)) if *known == sign)
    }

    fn skip(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn want(&mut self, sign: &str) -> Read<()> {
        if self.skip(sign) { Ok(()) } else { self.invalid() }
    }

    fn two(&mut self, level: usize) -> Read<Expression> {
        let Some(operators) = LEVELS.get(level) else { return self.negative() };
        let mut left = self.two(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.is(sign)) {
            self.at += 1;
            let right = self.two(level + 1)?;
            left = Expression::Two(*operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn negative(&mut self) -> Read<Expression> {
        let mut count = 0;
        while self.skip("-") {
            count += 1;
        }
        let inner = self.union()?;
        Ok((0..count).fold(inner, |inner, _| Expression::Negative(Box::new(inner))))
    }

    fn union(&mut self) -> Read<Expression> {
        let mut left = self.path()?;
        while self.skip("|") {
            let right = self.path()?;
            left = Expression::Two(Operator::Union, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn path(&mut self) -> Read<Expression> {
        if self.skip("/") {
            let steps = if self.starts_step() { self.steps()? } else { Vec::new() };
            return Ok(Expression::Path(Start::Document, steps));
        }
        if self.is("//") {
            let mut steps = Vec::new();
            self.deep(&mut steps);
            // libxml2 takes a further slash here.
            if !self.deep(&mut steps) {
                self.skip("/");
            }
            steps.extend(self.steps()?);
            return Ok(Expression::Path(Start::Document, steps));
        }
        if self.starts_primary() {
            let primary = self.primary()?;
            let predicates = self.predicates()?;
            let mut steps = Vec::new();
            if self.deep(&mut steps) || self.skip("/") {
                steps.extend(self.steps()?);
            }
            if predicates.is_empty() && steps.is_empty() {
                return Ok(primary);
            }
            return Ok(Expression::Filter(Box::new(primary), predicates, steps));
        }
        Ok(Expression::Path(Start::Here, self.steps()?))
    }

    /// `//`, which is a step of its own.
    fn deep(&mut self, steps: &mut Vec<Step>) -> bool {
        let found = self.skip("//");
        if found {
            steps.push(Step { axis: Axis::DescendantOrOwn, test: Test::Node, predicates: Vec::new() });
        }
        found
    }

    fn starts_step(&self) -> bool {
        match self.peek() {
            Some(Word::Name(..) | Word::Prefix(_)) => true,
            Some(Word::Sign(sign)) => matches!(*sign, "." | ".." | "@" | "*"),
            _ => false,
        }
    }

    fn starts_primary(&self) -> bool {
        match self.peek() {
            Some(Word::Number(_) | Word::Literal(_) | Word::Variable) => true,
            Some(Word::Sign("(")) => true,
            Some(Word::Name(prefix, name)) => {
                let is_test = matches!(name.as_str(), "node" | "text" | "comment" | "processing-instruction");
                self.next_is("(") && !(prefix.is_none() && is_test)
            }
            _ => false,
        }
    }

    fn primary(&mut self) -> Read<Expression> {
        let word = self.peek().cloned();
        self.at += 1;
        match word {
            Some(Word::Number(number)) => Ok(Expression::Number(number)),
            Some(Word::Literal(text)) => Ok(Expression::Literal(text)),
            Some(Word::Variable) => Ok(Expression::Variable),
            Some(Word::Sign("(")) => {
                let inner = self.inner()?;
                self.want(")")?;
                Ok(inner)
            }
            Some(Word::Name(prefix, name)) => {
                self.want("(")?;
                let mut arguments = Vec::new();
                while !self.skip(")") {
                    if self.peek().is_none() {
                        break;
                    }
                    if !arguments.is_empty() {
                        self.want(",")?;
                    }
                    arguments.push(self.inner()?);
                }
                Ok(Expression::Call(
                    prefix.map_or(name.clone(), |prefix| format!("{prefix}:{name}")),
                    arguments,
                ))
            }
            _ => self.invalid(),
        }
    }

    fn inner(&mut self) -> Read<Expression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.invalid();
        }
        let inner = self.two(0)?;
        self.depth -= 1;
        Ok(inner)
    }

    fn predicates(&mut self) -> Read<Vec<Expression>> {
        let mut predicates = Vec::new();
        while self.skip("[") {
            predicates.push(self.inner()?);
            if !self.skip("]") {
                return Err(Wrong::syntax("Invalid predicate"));
            }
        }
        Ok(predicates)
    }

    fn steps(&mut self) -> Read<Vec<Step>> {
        let mut steps = vec![self.step()?];
        while self.deep(&mut steps) || self.skip("/") {
            steps.push(self.step()?);
        }
        Ok(steps)
    }

    fn step(&mut self) -> Read<Step> {
        let plain = |axis| Step { axis, test: Test::Node, predicates: Vec::new() };
        if self.skip("..") {
            return Ok(plain(Axis::Parent));
        }
        if self.skip(".") {
            return Ok(plain(Axis::Own));
        }
        let axis = if self.skip("@") {
            Axis::Attribute
        } else if self.next_is("::") {
            let Some(Word::Name(None, name)) = self.peek() else { return self.invalid() };
            let Some(axis) = axis(name) else { return self.invalid() };
            self.at += 2;
            axis
        } else {
            Axis::Child
        };
        let test = self.test()?;
        Ok(Step { axis, test, predicates: self.predicates()? })
    }

    fn test(&mut self) -> Read<Test> {
        let word = self.peek().cloned();
        self.at += 1;
        match word {
            Some(Word::Sign("*")) => Ok(Test::Any),
            Some(Word::Prefix(prefix)) => Ok(Test::Prefix(prefix)),
            Some(Word::Name(None, name)) if self.is("(") => {
                self.at += 1;
                let test = match name.as_str() {
                    "node" => Test::Node,
                    "text" => Test::Text,
                    "comment" => Test::Comment,
                    "processing-instruction" => match self.peek().cloned() {
                        Some(Word::Literal(target)) => {
                            self.at += 1;
                            Test::Instruction(Some(target))
                        }
                        _ => Test::Instruction(None),
                    },
                    _ => return self.invalid(),
                };
                if self.skip(")") { Ok(test) } else { self.invalid() }
            }
            Some(Word::Name(prefix, name)) => Ok(Test::Name(prefix, name)),
            _ => self.invalid(),
        }
    }
}

fn axis(name: &str) -> Option<Axis> {
    Some(match name {
        "child" => Axis::Child,
        "descendant" => Axis::Descendant,
        "parent" => Axis::Parent,
        "ancestor" => Axis::Ancestor,
        "following-sibling" => Axis::FollowingSibling,
        "preceding-sibling" => Axis::PrecedingSibling,
        "following" => Axis::Following,
        "preceding" => Axis::Preceding,
        "attribute" => Axis::Attribute,
        "namespace" => Axis::Namespace,
        "self" => Axis::Own,
        "descendant-or-self" => Axis::DescendantOrOwn,
        "ancestor-or-self" => Axis::AncestorOrOwn,
        _ => return None,
    })
}
