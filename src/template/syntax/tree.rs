//! What a template is made of.

use std::collections::HashMap;
use std::sync::Arc;

use shevek_value::Value;

use crate::plugin::{Filter, Test};

/// A name: shared, so that frames can keep it.
pub(crate) type Name = Arc<str>;

/// A parsed template.
#[derive(Debug)]
pub(crate) struct Template {
    pub body: Vec<Stmt>,
    pub blocks: HashMap<Name, Arc<Block>>,
}

/// A statement.
#[derive(Debug)]
pub(crate) enum Stmt {
    Text(Value),
    Output(Expr),
    For(Arc<ForLoop>),
    If(Vec<(Expr, Vec<Stmt>)>, Vec<Stmt>),
    With(Vec<(Target, Expr)>, Vec<Stmt>),
    Set(Target, Expr),
    /// The filter's subject is what the body prints.
    SetBlock(Target, Option<Expr>, Vec<Stmt>),
    FilterBlock(Expr, Vec<Stmt>),
    Group(Vec<Stmt>),
    Do(Expr),
    Block(Arc<Block>),
    Extends(Expr),
    Include(Include),
    Import(Expr, Name, bool),
    FromImport(Expr, Vec<(Name, Name)>, bool),
    Macro(Arc<Macro>),
    CallBlock(Expr, Arc<Macro>),
    Continue,
    Break,
}

#[derive(Debug)]
pub(crate) struct ForLoop {
    pub target: Target,
    pub iter: Expr,
    pub filter: Option<Expr>,
    pub recursive: bool,
    pub body: Vec<Stmt>,
    pub otherwise: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub name: Name,
    pub scoped: bool,
    pub required: bool,
    pub body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct Include {
    pub name: Expr,
    pub ignore_missing: bool,
    pub with_context: bool,
}

/// A macro, or the body of a call block (then its name is `caller`).
#[derive(Debug)]
pub(crate) struct Macro {
    pub name: Name,
    pub parameters: Vec<Name>,
    /// Of the last parameters.
    pub defaults: Vec<Expr>,
    pub body: Vec<Stmt>,
    /// Whether the body speaks of them; a macro that does takes any number of arguments.
    pub varargs: bool,
    pub kwargs: bool,
    pub caller: bool,
}

/// What is assigned to.
#[derive(Debug)]
pub(crate) enum Target {
    Name(Name),
    /// `namespace.attribute`
    Attribute(Name, Name, u32),
    Tuple(Vec<Target>, u32),
}

/// An expression and where it begins, in bytes.
#[derive(Debug)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    pub at: u32,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Const(Value),
    /// Text that itself looks like a template: rendered where Ansible does.
    Embedded(Value),
    Var(Name),
    Slice(Box<Expr>, Box<[Option<Expr>; 3]>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Concat(Vec<Expr>),
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    /// Without a subject: in a filter block, whose text is the subject.
    Filter(Name, Option<Filter>, Option<Box<Expr>>, Args),
    Test(Name, Option<Test>, Box<Expr>, Args),
    Attr(Box<Expr>, Name),
    Item(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Args),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
}

/// Arguments of a call.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub positional: Vec<Expr>,
    pub named: Vec<(Value, Expr)>,
    pub splat: Option<Box<Expr>>,
    pub named_splat: Option<Box<Expr>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

impl Expr {
    pub(crate) fn new(kind: ExprKind, at: u32) -> Self {
        Self { kind, at }
    }

    /// As the user would write it, for messages: a path of names and keys; `None` for anything else.
    pub(crate) fn path(&self) -> Option<String> {
        match &self.kind {
            ExprKind::Var(name) => Some(name.to_string()),
            ExprKind::Attr(of, name) => Some(format!("{}.{name}", of.path()?)),
            ExprKind::Item(of, key) => match &key.kind {
                ExprKind::Const(key) => Some(format!("{}[{}]", of.path()?, key.repr())),
                _ => Some(format!("{}[{}]", of.path()?, key.path()?)),
            },
            _ => None,
        }
    }
}
