//! XPath 1.0. Start reading at [`XPath`]: [`lex`] makes words, [`parse`] the expression, [`eval`] follows it.

mod compare;
mod eval;
mod functions;
mod lex;
mod parse;
mod step;
mod value;

pub use value::{Item, Value};

use crate::error::Wrong;
use crate::tree::{Document, NodeId};

/// An expression that was read.
#[derive(Debug, Clone)]
pub struct XPath {
    expression: Expression,
}

impl XPath {
    /// Reads an expression.
    pub fn read(text: &str) -> Result<XPath, Wrong> {
        Ok(XPath { expression: parse::expression(text)? })
    }

    /// What it means in a document, seen from a node, with these prefixes.
    pub fn evaluate(
        &self,
        document: &Document,
        from: NodeId,
        prefixes: &[(String, String)],
    ) -> Result<Value, Wrong> {
        eval::evaluate(&self.expression, document, from, prefixes)
    }
}

#[derive(Debug, Clone)]
enum Expression {
    Two(Operator, Box<Expression>, Box<Expression>),
    Negative(Box<Expression>),
    Number(f64),
    Literal(String),
    Variable,
    Call(String, Vec<Expression>),
    /// What an expression finds, of which some are taken, and from which steps go on.
    Filter(Box<Expression>, Vec<Expression>, Vec<Step>),
    Path(Start, Vec<Step>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Here,
    Document,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divided,
    Modulo,
    Union,
}

#[derive(Debug, Clone)]
struct Step {
    axis: Axis,
    test: Test,
    predicates: Vec<Expression>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Child,
    Descendant,
    Parent,
    Ancestor,
    FollowingSibling,
    PrecedingSibling,
    Following,
    Preceding,
    Attribute,
    Namespace,
    Own,
    DescendantOrOwn,
    AncestorOrOwn,
}

impl Axis {
    /// Whether it goes backwards: what is near counts first.
    fn is_reverse(self) -> bool {
        matches!(
            self,
            Axis::Parent | Axis::Ancestor | Axis::PrecedingSibling | Axis::Preceding | Axis::AncestorOrOwn
        )
    }
}

/// Which nodes of an axis count.
#[derive(Debug, Clone)]
enum Test {
    /// Those of the axis's own kind.
    Any,
    /// Those in a namespace.
    Prefix(String),
    Name(Option<String>, String),
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
}
