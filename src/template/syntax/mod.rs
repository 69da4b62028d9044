//! From text to a tree.
//!
//! minijinja's lexer cuts the text into tokens (whitespace control, delimiters, raw blocks are its work); the parser here
//! follows Jinja's own grammar, because minijinja's drops what the evaluator must know (`with context`) and refuses what
//! Ansible content uses (`{% do x if y %}`, `{% for i in 1, 2 %}`, unary `+`). Start reading at [`Template`].

mod escape;
mod expression;
mod lexer;
mod statement;
mod tree;

pub(crate) use lexer::{Escapes, SyntaxError};
pub(crate) use tree::{
    Args, BinaryOp, Block, CompareOp, Expr, ExprKind, ForLoop, Include, Macro, Name, Stmt, Target, Template,
};

use std::sync::Arc;

use crate::plugin::{Plugins, TextOptions};
use lexer::Tokens;

/// Parses a template.
pub(crate) fn parse_template(
    text: &str,
    options: &TextOptions,
    escapes: Escapes,
    plugins: &Plugins,
) -> Result<Template, SyntaxError> {
    let source = normalize_newlines(text);
    let tokens = Tokens::of_template(&source, options, escapes)?;
    let mut parser = Parser::new(tokens, plugins);
    parser.newline = (options.newline_sequence != "\n").then(|| options.newline_sequence.clone());
    let body = parser.whole_template()?;
    Ok(Template { body, blocks: parser.blocks.into_iter().collect() })
}

/// Parses an expression.
pub(crate) fn parse_expression(text: &str, escapes: Escapes, plugins: &Plugins) -> Result<Expr, SyntaxError> {
    let tokens = Tokens::of_expression(text, escapes)?;
    Parser::new(tokens, plugins).whole_expression()
}

/// Jinja reads `\r\n` and `\r` as `\n`. Text without them is not copied.
fn normalize_newlines(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text.into() }
}

/// Reads tokens by Jinja's grammar.
pub(crate) struct Parser<'a> {
    tokens: Tokens<'a>,
    plugins: &'a Plugins,
    blocks: Vec<(Name, Arc<Block>)>,
    depth: u32,
    loops: u32,
    /// What newlines of plain text become, when that is something else.
    newline: Option<String>,
}

/// How deep expressions and statements may nest: far more than content has, far less than the stack.
const DEEPEST: u32 = 200;

impl<'a> Parser<'a> {
    fn new(tokens: Tokens<'a>, plugins: &'a Plugins) -> Self {
        Self { tokens, plugins, blocks: Vec::new(), depth: 0, loops: 0, newline: None }
    }

    fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.tokens.error("the template is nested too deeply"));
        }
        let parsed = stacker::maybe_grow(128 * 1024, 1024 * 1024, || parse(self));
        self.depth -= 1;
        parsed
    }
}
