//! Instructions made of a tree.

use crate::Flags;
use crate::charset::fold;
use crate::parse::Parsed;
use crate::tree::{Anchor, Case, FOREVER, Mode, Node, Single};

/// One instruction.
#[derive(Debug)]
pub enum Op {
    One(Single),
    At(Anchor),
    /// Tries the one, then the other.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    /// A repeat of one-character matches.
    Run {
        single: Single,
        least: u32,
        most: u32,
        mode: Mode,
    },
    LoopStart {
        slot: usize,
    },
    Loop(Loop),
    LoopAgain(Loop),
    Backreference {
        index: usize,
        case: Case,
    },
    /// Starts a look-around or atomic group; a negative one goes to `escape` when its inside fails.
    Fence {
        slot: usize,
        back: usize,
        escape: Option<usize>,
    },
    AtomicEnd {
        slot: usize,
    },
    LookEnd {
        slot: usize,
    },
    NotLookEnd {
        slot: usize,
    },
    Condition {
        group: usize,
        no: usize,
    },
    Match,
}

/// The head of a repeat.
#[derive(Debug, Clone, Copy)]
pub struct Loop {
    pub slot: usize,
    pub least: u32,
    pub most: u32,
    pub lazy: bool,
    pub body: usize,
    pub exit: usize,
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Program {
    pub ops: Vec<Op>,
    /// How many groups, the whole match not counted.
    pub groups: usize,
    /// How many registers loops and fences need.
    pub slots: usize,
    /// Every match starts with this text.
    pub prefix: String,
    /// The first bytes that a match can have; `None`: any, or none at all.
    pub first: Option<Box<[bool; 256]>>,
    /// Matches can only start at the start of the text.
    pub anchored: bool,
    pub names: Vec<(String, usize)>,
    pub flags: Flags,
}

/// Makes instructions.
pub fn compile(parsed: Parsed) -> Program {
    let mut compiler = Compiler { ops: Vec::new(), slots: 0 };
    compiler.node(&parsed.tree);
    compiler.ops.push(Op::Match);
    let mut prefix = String::new();
    literal_prefix(&parsed.tree, &mut prefix);
    let mut set = [false; 256];
    let first = (!first_bytes(&parsed.tree, &mut set)).then(|| Box::new(set));
    Program {
        ops: compiler.ops,
        groups: parsed.groups,
        slots: compiler.slots,
        prefix,
        first,
        anchored: is_anchored(&parsed.tree),
        names: parsed.names,
        flags: parsed.flags,
    }
}

struct Compiler {
    ops: Vec<Op>,
    slots: usize,
}

impl Compiler {
    fn here(&self) -> usize {
        self.ops.len()
    }

    fn push(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len() - 1
    }

    fn set(&mut self, at: usize, op: Op) {
        if let Some(place) = self.ops.get_mut(at) {
            *place = op;
        }
    }

    fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::One(single) => {
                self.push(Op::One(single.clone()));
            }
            Node::At(anchor) => {
                self.push(Op::At(*anchor));
            }
            Node::Group { index, node } => {
                self.push(Op::Save(index * 2));
                self.node(node);
                self.push(Op::Save(index * 2 + 1));
            }
            Node::Backreference { index, case } => {
                self.push(Op::Backreference { index: *index, case: *case });
            }
            Node::Sequence(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Alternatives(nodes) => self.alternatives(nodes),
            Node::Atomic(node) => self.atomic(|compiler| compiler.node(node)),
            Node::Look { behind, negate, node } => {
                let slot = self.slot();
                let fence = self.push(Op::Jump(0));
                self.node(node);
                self.push(if *negate { Op::NotLookEnd { slot } } else { Op::LookEnd { slot } });
                let escape = negate.then(|| self.here());
                self.set(fence, Op::Fence { slot, back: behind.unwrap_or(0), escape });
            }
            Node::Condition { group, yes, no } => {
                let test = self.push(Op::Jump(0));
                self.node(yes);
                let leave = self.push(Op::Jump(0));
                self.set(test, Op::Condition { group: *group, no: self.ops.len() });
                self.node(no);
                self.set(leave, Op::Jump(self.ops.len()));
            }
            Node::Repeat { node, least, most, mode } => self.repeat(node, *least, *most, *mode),
        }
    }

    fn alternatives(&mut self, nodes: &[Node]) {
        let mut leaves = Vec::new();
        let Some((last, others)) = nodes.split_last() else { return };
        for node in others {
            let split = self.push(Op::Jump(0));
            self.node(node);
            leaves.push(self.push(Op::Jump(0)));
            self.set(split, Op::Split(split + 1, self.ops.len()));
        }
        self.node(last);
        let end = self.here();
        for leave in leaves {
            self.set(leave, Op::Jump(end));
        }
    }

    fn atomic(&mut self, inside: impl FnOnce(&mut Self)) {
        let slot = self.slot();
        self.push(Op::Fence { slot, back: 0, escape: None });
        inside(self);
        self.push(Op::AtomicEnd { slot });
    }

    fn repeat(&mut self, node: &Node, least: u32, most: u32, mode: Mode) {
        if let Node::One(single) = node {
            self.push(Op::Run { single: single.clone(), least, most, mode });
            return;
        }
        match (least, most, mode) {
            (_, _, Mode::Possessive) => {
                self.atomic(|compiler| compiler.repeat(node, least, most, Mode::Greedy));
            }
            (1, 1, _) => self.node(node),
            (0, 1, mode) => {
                let split = self.push(Op::Jump(0));
                self.node(node);
                let (body, end) = (split + 1, self.here());
                self.set(split, if mode == Mode::Lazy { Op::Split(end, body) } else { Op::Split(body, end) });
            }
            _ => {
                let slot = self.slot();
                self.push(Op::LoopStart { slot });
                let head = self.push(Op::Jump(0));
                let again = self.push(Op::Jump(0));
                let body = self.here();
                self.node(node);
                self.push(Op::Jump(head));
                let exit = self.here();
                let whole = Loop { slot, least, most, lazy: mode == Mode::Lazy, body, exit };
                self.set(head, Op::Loop(whole));
                self.set(again, Op::LoopAgain(whole));
            }
        }
    }
}

/// Collects the text that every match starts with; gives whether the node is nothing but that text.
fn literal_prefix(node: &Node, prefix: &mut String) -> bool {
    match node {
        Node::One(Single::Char(c)) => {
            prefix.push(*c);
            true
        }
        Node::Group { node, .. } | Node::Atomic(node) => literal_prefix(node, prefix),
        Node::Sequence(nodes) => nodes.iter().all(|node| literal_prefix(node, prefix)),
        Node::Repeat { node, least, .. } if *least > 0 => {
            literal_prefix(node, prefix);
            false
        }
        _ => false,
    }
}

/// Marks the bytes that the node's matches can start with; gives whether it can match nothing.
fn first_bytes(node: &Node, set: &mut [bool; 256]) -> bool {
    match node {
        Node::One(single) => {
            mark(single, set);
            false
        }
        Node::At(_) | Node::Look { .. } => true,
        Node::Backreference { .. } | Node::Condition { .. } => {
            set.fill(true);
            true
        }
        Node::Group { node, .. } | Node::Atomic(node) => first_bytes(node, set),
        Node::Repeat { node, least, most, .. } => {
            if *most > 0 && first_bytes(node, set) {
                return true;
            }
            *least == 0 || *most == 0
        }
        Node::Sequence(nodes) => nodes.iter().all(|node| first_bytes(node, set)),
        Node::Alternatives(nodes) => nodes.iter().filter(|node| first_bytes(node, set)).count() > 0,
    }
}

fn mark(single: &Single, set: &mut [bool; 256]) {
    for (byte, place) in (0_u8..=255).zip(set.iter_mut()) {
        let fits = match single {
            Single::Any | Single::AnyButNewline => true,
            Single::Char(c) => c.encode_utf8(&mut [0; 4]).as_bytes().first() == Some(&byte),
            // Beyond ASCII another letter can be the same one in another case.
            _ if byte >= 0x80 => true,
            Single::Folded(c, case) => fold(char::from(byte), *case) == *c,
            Single::Set(charset) => charset.has(char::from(byte)),
        };
        *place |= fits;
    }
}

fn is_anchored(node: &Node) -> bool {
    match node {
        Node::At(Anchor::Start) => true,
        Node::Group { node, .. } | Node::Atomic(node) => is_anchored(node),
        Node::Sequence(nodes) => nodes.first().is_some_and(is_anchored),
        Node::Alternatives(nodes) => nodes.iter().all(is_anchored),
        Node::Repeat { node, least, mode: _, most: FOREVER } => *least > 0 && is_anchored(node),
        _ => false,
    }
}
