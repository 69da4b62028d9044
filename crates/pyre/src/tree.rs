//! The tree of a pattern.

use crate::charset::Charset;

/// Repeats without an upper bound.
pub const FOREVER: u32 = u32::MAX;

/// One part of a pattern.
#[derive(Debug, Clone)]
pub enum Node {
    One(Single),
    At(Anchor),
    Group { index: usize, node: Box<Node> },
    Backreference { index: usize, case: Case },
    Look { behind: Option<usize>, negate: bool, node: Box<Node> },
    Atomic(Box<Node>),
    Condition { group: usize, yes: Box<Node>, no: Box<Node> },
    Repeat { node: Box<Node>, least: u32, most: u32, mode: Mode },
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
}

/// What matches exactly one character.
#[derive(Debug, Clone)]
pub enum Single {
    Char(char),
    /// A character folded with [`crate::charset::fold`].
    Folded(char, Case),
    Any,
    AnyButNewline,
    Set(Box<Charset>),
}

/// Whether case counts, and how far it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Counts,
    IgnoredInAscii,
    Ignored,
}

/// What matches between characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// `\A`, and `^` without MULTILINE.
    Start,
    /// `\Z`.
    End,
    /// `$` without MULTILINE: at the end or before the newline that ends the text.
    EndOrLastNewline,
    /// `^` with MULTILINE.
    LineStart,
    /// `$` with MULTILINE.
    LineEnd,
    Boundary {
        ascii: bool,
    },
    NoBoundary {
        ascii: bool,
    },
}

/// How a repeat tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Greedy,
    Lazy,
    Possessive,
}

/// How many characters a node can match: least and most (`None`: any number).
pub type Width = (usize, Option<usize>);

impl Node {
    pub const EMPTY: Node = Node::Sequence(Vec::new());

    /// Its width; `groups` are the widths of the groups before it.
    pub fn width(&self, groups: &[Option<Width>]) -> Width {
        match self {
            Node::One(_) => (1, Some(1)),
            Node::At(_) | Node::Look { .. } => (0, Some(0)),
            Node::Group { node, .. } | Node::Atomic(node) => node.width(groups),
            Node::Backreference { index, .. } => groups.get(*index).copied().flatten().unwrap_or((0, None)),
            Node::Condition { yes, no, .. } => either(yes.width(groups), no.width(groups)),
            Node::Repeat { node, least, most, .. } => {
                let (low, high) = node.width(groups);
                let high = match (high, *most) {
                    (Some(0), _) => Some(0),
                    (_, FOREVER) | (None, _) => None,
                    (Some(high), most) => high.checked_mul(most as usize),
                };
                (low.saturating_mul(*least as usize), high)
            }
            Node::Sequence(nodes) => nodes.iter().fold((0, Some(0)), |(low, high), node| {
                let (l, h) = node.width(groups);
                (low.saturating_add(l), high.zip(h).and_then(|(a, b)| a.checked_add(b)))
            }),
            Node::Alternatives(nodes) => {
                nodes.iter().map(|node| node.width(groups)).reduce(either).unwrap_or((0, Some(0)))
            }
        }
    }
}

fn either(a: Width, b: Width) -> Width {
    (a.0.min(b.0), a.1.zip(b.1).map(|(a, b)| a.max(b)))
}
