//! Tokens of a template, over minijinja's lexer.

use std::borrow::Cow;

use minijinja::machinery::{Span, Token, Tokenizer};
use minijinja::syntax::SyntaxConfig;

use super::escape::unescape;
use crate::plugin::TextOptions;

/// What is wrong with the text of a template, and where (bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub message: String,
    pub at: u32,
}

/// Whether backslashes in text literals mean something. In `{{ }}` of templates that come from YAML they stand for
/// themselves, as YAML has dealt with its own already; in statements, expressions and template files they escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Escapes {
    Everywhere,
    InStatements,
}

/// A token with what the parser needs: text owned, escapes resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tok<'a> {
    Data(&'a str),
    VariableStart,
    VariableEnd,
    BlockStart,
    BlockEnd,
    Name(&'a str),
    Str(Cow<'a, str>),
    Int(u128),
    Float(f64),
    /// An operator or bracket, as written.
    Op(&'static str),
    End,
}

/// All tokens of a text, and how far the parser has read.
pub(crate) struct Tokens<'a> {
    tokens: Vec<(Tok<'a>, u32)>,
    next: usize,
    end: u32,
}

impl<'a> Tokens<'a> {
    pub(super) fn of_template(
        text: &'a str,
        options: &TextOptions,
        escapes: Escapes,
    ) -> Result<Self, SyntaxError> {
        let syntax = syntax_of(options).map_err(|message| SyntaxError { message, at: 0 })?;
        let mut tokens = Self::read(text, syntax, false, escapes)?;
        if options.trim_blocks && text.contains("raw") {
            tokens.keep_newlines_of_raw_blocks(text, options);
        }
        Ok(tokens)
    }

    pub(super) fn of_expression(text: &'a str, escapes: Escapes) -> Result<Self, SyntaxError> {
        Self::read(text, SyntaxConfig::default(), true, escapes)
    }

    fn read(
        text: &'a str,
        syntax: SyntaxConfig,
        in_expression: bool,
        escapes: Escapes,
    ) -> Result<Self, SyntaxError> {
        let harmless = without_escapes(text);
        match Self::read_as(&harmless, text, (syntax.clone(), in_expression), escapes) {
            Err(_) if text.contains(is_wide_space) => {
                let harmless = without_wide_spaces(&harmless);
                Self::read_as(&harmless, text, (syntax, in_expression), escapes)
            }
            done => done,
        }
    }

    /// Tokens where the lexer finds them in `harmless`, with what `text` has there.
    fn read_as(
        harmless: &str,
        text: &'a str,
        (syntax, in_expression): (SyntaxConfig, bool),
        escapes: Escapes,
    ) -> Result<Self, SyntaxError> {
        let mut lexer = Tokenizer::new(harmless, "", in_expression, syntax);
        let mut tokens = Vec::with_capacity(16);
        let mut in_variable = false;
        let mut last_end = 0;
        loop {
            let (token, span) = match lexer.next_token() {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) => return Err(lexer_error(&error, text, last_end)),
            };
            last_end = span.end_offset as usize;
            match token {
                Token::VariableStart => in_variable = true,
                Token::VariableEnd => in_variable = false,
                _ => {}
            }
            let raw = in_variable && escapes == Escapes::InStatements;
            tokens.push((convert(token, span, text, harmless, raw)?, span.start_offset));
        }
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Ok(Self { tokens, next: 0, end })
    }

    /// The lexer takes the newline after `{% raw %}` for one to trim, which Jinja keeps.
    fn keep_newlines_of_raw_blocks(&mut self, text: &'a str, options: &TextOptions) {
        for (token, _) in &mut self.tokens {
            let Tok::Data(data) = token else { continue };
            let start = (data.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
            let before = text.get(..start).and_then(|before| before.strip_suffix('\n'));
            let tag = before.and_then(|before| before.strip_suffix(options.block_end.as_str()));
            let Some(tag) = tag.and_then(|tag| tag.rsplit(options.block_start.as_str()).next()) else {
                continue;
            };
            if tag.trim_start_matches(['-', '+']).trim() == "raw" {
                *data = text.get(start - 1..start + data.len()).unwrap_or(data);
            }
        }
    }

    pub(super) fn peek(&self) -> &Tok<'a> {
        self.tokens.get(self.next).map_or(&Tok::End, |(token, _)| token)
    }

    pub(super) fn peek_second(&self) -> &Tok<'a> {
        self.tokens.get(self.next + 1).map_or(&Tok::End, |(token, _)| token)
    }

    pub(super) fn at(&self) -> u32 {
        self.tokens.get(self.next).map_or(self.end, |(_, at)| *at)
    }

    pub(super) fn next(&mut self) -> Tok<'a> {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    pub(super) fn is_op(&self, op: &str) -> bool {
        matches!(self.peek(), Tok::Op(found) if *found == op)
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Tok::Name(found) if *found == name)
    }

    pub(super) fn skip_op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        self.next += usize::from(found);
        found
    }

    pub(super) fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.next += usize::from(found);
        found
    }

    pub(super) fn expect_op(&mut self, op: &str) -> Result<(), SyntaxError> {
        if self.skip_op(op) { Ok(()) } else { Err(self.expected(&format!("'{op}'"))) }
    }

    pub(super) fn expect_name(&mut self, name: &str) -> Result<(), SyntaxError> {
        if self.skip_name(name) { Ok(()) } else { Err(self.expected(&format!("'{name}'"))) }
    }

    pub(super) fn any_name(&mut self) -> Result<&'a str, SyntaxError> {
        match *self.peek() {
            Tok::Name(name) => {
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.expected("a name")),
        }
    }

    pub(super) fn expect(&mut self, token: &Tok<'_>) -> Result<(), SyntaxError> {
        if self.peek() == token {
            self.next += 1;
            Ok(())
        } else {
            Err(self.expected(&describe(token)))
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError { message: message.into(), at: self.at() }
    }

    pub(super) fn expected(&self, what: &str) -> SyntaxError {
        self.error(match self.peek() {
            Tok::End => format!("unexpected end of the template, expected {what}"),
            token => format!("expected {what}, got {}", describe(token)),
        })
    }
}

/// A token in words.
pub(super) fn describe(token: &Tok<'_>) -> String {
    match token {
        Tok::Data(_) => "text".to_owned(),
        Tok::VariableStart => "the start of a print statement".to_owned(),
        Tok::VariableEnd => "the end of the print statement".to_owned(),
        Tok::BlockStart => "the start of a statement".to_owned(),
        Tok::BlockEnd => "the end of the statement".to_owned(),
        Tok::Name(name) => format!("'{name}'"),
        Tok::Str(text) => format!("the text '{text}'"),
        Tok::Int(number) => format!("'{number}'"),
        Tok::Float(number) => format!("'{number}'"),
        Tok::Op(op) => format!("'{op}'"),
        Tok::End => "the end of the template".to_owned(),
    }
}

fn convert<'a>(
    token: Token<'_>,
    span: Span,
    text: &'a str,
    harmless: &str,
    raw: bool,
) -> Result<Tok<'a>, SyntaxError> {
    let spanned = || text.get(span.start_offset as usize..span.end_offset as usize).unwrap_or("");
    Ok(match token {
        Token::TemplateData(data) => {
            // The lexer cut this out of a copy of the same length: the same bytes of the text itself.
            let start = (data.as_ptr() as usize).wrapping_sub(harmless.as_ptr() as usize);
            Tok::Data(text.get(start..start + data.len()).unwrap_or(""))
        }
        Token::Str(_) | Token::String(_) => {
            let quoted = spanned();
            let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
            if raw || !inner.contains('\\') {
                Tok::Str(Cow::Borrowed(inner))
            } else {
                let unescaped =
                    unescape(inner).map_err(|message| SyntaxError { message, at: span.start_offset })?;
                Tok::Str(Cow::Owned(unescaped))
            }
        }
        Token::Ident(_) => Tok::Name(spanned()),
        Token::Int(number) => Tok::Int(u128::from(number)),
        Token::Int128(number) => Tok::Int(*number),
        Token::Float(number) => Tok::Float(number),
        Token::VariableStart => Tok::VariableStart,
        Token::VariableEnd => Tok::VariableEnd,
        Token::BlockStart => Tok::BlockStart,
        Token::BlockEnd => Tok::BlockEnd,
        Token::Plus => Tok::Op("+"),
        Token::Minus => Tok::Op("-"),
        Token::Mul => Tok::Op("*"),
        Token::Div => Tok::Op("/"),
        Token::FloorDiv => Tok::Op("//"),
        Token::Pow => Tok::Op("**"),
        Token::Mod => Tok::Op("%"),
        Token::Dot => Tok::Op("."),
        Token::Comma => Tok::Op(","),
        Token::Colon => Tok::Op(":"),
        Token::Tilde => Tok::Op("~"),
        Token::Assign => Tok::Op("="),
        Token::Pipe => Tok::Op("|"),
        Token::Eq => Tok::Op("=="),
        Token::Ne => Tok::Op("!="),
        Token::Gt => Tok::Op(">"),
        Token::Gte => Tok::Op(">="),
        Token::Lt => Tok::Op("<"),
        Token::Lte => Tok::Op("<="),
        Token::BracketOpen => Tok::Op("["),
        Token::BracketClose => Tok::Op("]"),
        Token::ParenOpen => Tok::Op("("),
        Token::ParenClose => Tok::Op(")"),
        Token::BraceOpen => Tok::Op("{"),
        Token::BraceClose => Tok::Op("}"),
    })
}

/// The text with the escapes made harmless, byte for byte, that the lexer would resolve (and may refuse: `'C:\users'`
/// is plain text in a template from YAML). The parser takes all text from the original.
fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '\\' {
            match chars.next() {
                Some('x' | 'u' | '0'..='7') => out.push('q'),
                Some(other) => out.push(other),
                None => {}
            }
        }
    }
    Cow::Owned(out)
}

/// Space that Jinja skips between tokens, as Python's `\s`, and the lexer does not: no-break spaces come with text that was
/// copied from a web page, or from keyboards where they are typed by accident.
fn is_wide_space(c: char) -> bool {
    !c.is_ascii() && c.is_whitespace()
}

fn without_wide_spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_wide_space(c) {
            true => out.extend(std::iter::repeat_n(' ', c.len_utf8())),
            false => out.push(c),
        }
    }
    out
}

/// The lexer gives no offset with its errors: what is wrong begins after the last good token.
fn lexer_error(error: &minijinja::Error, text: &str, last_end: usize) -> SyntaxError {
    let rest = text.get(last_end..).unwrap_or("");
    let at = text.len() - rest.trim_start().len();
    let message = match error.detail() {
        Some("unexpected end of string") => "a text literal is not closed".to_owned(),
        Some("unexpected end of comment") => "a comment is not closed".to_owned(),
        Some("unexpected end of raw block") => "a raw block is not closed".to_owned(),
        Some("unexpected character") => {
            let character = text.get(at..).and_then(|rest| rest.chars().next());
            character.map_or_else(|| "unexpected end".to_owned(), |c| format!("unexpected character '{c}'"))
        }
        Some(detail) => detail.to_owned(),
        None => error.to_string(),
    };
    SyntaxError { message, at: u32::try_from(at).unwrap_or(u32::MAX) }
}

fn syntax_of(options: &TextOptions) -> Result<SyntaxConfig, String> {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(options.trim_blocks);
    builder.lstrip_blocks(options.lstrip_blocks);
    builder.keep_trailing_newline(options.keep_trailing_newline);
    if !options.has_usual_delimiters() {
        builder.block_delimiters(options.block_start.clone(), options.block_end.clone());
        builder.variable_delimiters(options.variable_start.clone(), options.variable_end.clone());
        builder.comment_delimiters(options.comment_start.clone(), options.comment_end.clone());
        if !options.line_statement_prefix.is_empty() {
            builder.line_statement_prefix(options.line_statement_prefix.clone());
        }
        if !options.line_comment_prefix.is_empty() {
            builder.line_comment_prefix(options.line_comment_prefix.clone());
        }
    }
    builder.build().map_err(|error| format!("these delimiters can't be told apart: {error}"))
}
