//! Runs a program over text, with a stack of its own for what is still to be tried.

use crate::Exhausted;
use crate::charset::{fold, is_word};
use crate::program::{Loop, Op, Program};
use crate::tree::{Anchor, Case, FOREVER, Mode, Single};

/// Steps after which a search is given up, beyond some for every byte of the text.
const STEPS: u64 = 50_000_000;

const UNSET: usize = usize::MAX;

/// Where groups matched: start and end in bytes, twice as many entries as groups.
pub type Slots = Vec<usize>;

/// What a match must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Matches start nowhere else.
    pub here: bool,
    /// Matches end at the end of the text.
    pub whole: bool,
    /// A match at the very start of the search must not be empty.
    pub advance: bool,
}

/// What to go back to.
enum Entry {
    Branch {
        op: usize,
        position: usize,
    },
    /// A greedy run that can give back characters down to `least`.
    Shorter {
        op: usize,
        least: usize,
        position: usize,
    },
    /// A lazy run that can take more.
    Longer {
        op: usize,
        position: usize,
        more: u32,
    },
    Group {
        slot: usize,
        old: usize,
    },
    Register {
        slot: usize,
        count: u32,
        last: usize,
    },
}

#[derive(Clone, Copy)]
struct Register {
    /// Rounds of a loop.
    count: u32,
    /// Where a loop's last round started; where a fence stands.
    last: usize,
    /// The height of the stack at a fence.
    height: usize,
}

struct Machine<'a> {
    program: &'a Program,
    text: &'a str,
    bytes: &'a [u8],
    groups: Slots,
    registers: Vec<Register>,
    stack: Vec<Entry>,
    steps: u64,
    wanted: Wanted,
}

/// The first match at or after `start`.
pub fn find(program: &Program, text: &str, start: usize, wanted: Wanted) -> Result<Option<Slots>, Exhausted> {
    let mut machine = Machine {
        program,
        text,
        bytes: text.as_bytes(),
        groups: vec![UNSET; (program.groups + 1) * 2],
        registers: vec![Register { count: 0, last: UNSET, height: 0 }; program.slots],
        stack: Vec::new(),
        steps: STEPS + 20 * text.len() as u64,
        wanted,
    };
    let mut from = start;
    loop {
        if !wanted.here {
            match machine.candidate(from) {
                Some(next) => from = next,
                None => return Ok(None),
            }
        }
        if machine.run(from, wanted.advance && from == start)? {
            return Ok(Some(machine.groups));
        }
        if wanted.here || (program.anchored && from == 0) {
            return Ok(None);
        }
        match machine.char_at(from) {
            Some(c) => from += c.len_utf8(),
            None => return Ok(None),
        }
    }
}

impl Machine<'_> {
    /// The next place at which a match could start.
    fn candidate(&self, from: usize) -> Option<usize> {
        if self.program.anchored {
            return (from == 0).then_some(0);
        }
        if !self.program.prefix.is_empty() {
            return self.text.get(from..)?.find(&self.program.prefix).map(|found| from + found);
        }
        match &self.program.first {
            None => Some(from),
            Some(set) => {
                let rest = self.bytes.get(from..)?;
                rest.iter()
                    .position(|byte| {
                        // A continuation byte is never the start of a character.
                        *byte & 0xc0 != 0x80 && set.get(usize::from(*byte)).is_some_and(|fits| *fits)
                    })
                    .map(|found| from + found)
            }
        }
    }

    #[inline]
    fn char_at(&self, position: usize) -> Option<char> {
        let byte = *self.bytes.get(position)?;
        if byte < 0x80 { Some(char::from(byte)) } else { self.text.get(position..)?.chars().next() }
    }

    fn char_before(&self, position: usize) -> Option<char> {
        let byte = *self.bytes.get(position.checked_sub(1)?)?;
        if byte < 0x80 { Some(char::from(byte)) } else { self.text.get(..position)?.chars().next_back() }
    }

    /// Matches at one place; the groups tell where.
    fn run(&mut self, start: usize, advance: bool) -> Result<bool, Exhausted> {
        self.groups.fill(UNSET);
        self.stack.clear();
        let program = self.program;
        let (mut op, mut position) = (0, start);
        loop {
            self.steps = self.steps.checked_sub(1).ok_or(Exhausted)?;
            let Some(next) = program.ops.get(op) else { return Ok(false) };
            let ahead = match next {
                Op::One(single) => match self.char_at(position) {
                    Some(c) if fits(single, c) => Some((op + 1, position + c.len_utf8())),
                    _ => None,
                },
                Op::At(anchor) => self.stands(*anchor, position).then_some((op + 1, position)),
                Op::Split(first, second) => {
                    self.stack.push(Entry::Branch { op: *second, position });
                    Some((*first, position))
                }
                Op::Jump(to) => Some((*to, position)),
                Op::Save(slot) => {
                    self.save(*slot, position);
                    Some((op + 1, position))
                }
                Op::Run { single, least, most, mode } => {
                    self.start_run(op, position, single, (*least, *most, *mode))
                }
                Op::LoopStart { slot } => {
                    self.set_register(*slot, 0, UNSET);
                    Some((op + 1, position))
                }
                Op::Loop(head) => Some((self.turn(head, op, position), position)),
                Op::LoopAgain(head) => self.again(head, position).map(|to| (to, position)),
                Op::Backreference { index, case } => {
                    self.same_again(*index, *case, position).map(|position| (op + 1, position))
                }
                Op::Fence { slot, back, escape } => {
                    if let Some(register) = self.registers.get_mut(*slot) {
                        register.height = self.stack.len();
                        register.last = position;
                    }
                    if let Some(escape) = escape {
                        self.stack.push(Entry::Branch { op: *escape, position });
                    }
                    self.back(position, *back).map(|position| (op + 1, position))
                }
                Op::AtomicEnd { slot } => {
                    self.drop_branches(*slot);
                    Some((op + 1, position))
                }
                Op::LookEnd { slot } => {
                    self.drop_branches(*slot);
                    self.registers.get(*slot).map(|register| (op + 1, register.last))
                }
                Op::NotLookEnd { slot } => {
                    let height = self.registers.get(*slot).map_or(0, |register| register.height);
                    while self.stack.len() > height {
                        if let Some(entry) = self.stack.pop() {
                            self.undo(&entry);
                        }
                    }
                    None
                }
                Op::Condition { group, no } => {
                    let matched = self.groups.get(group * 2 + 1).is_some_and(|end| *end != UNSET);
                    Some((if matched { op + 1 } else { *no }, position))
                }
                Op::Match => {
                    let short = self.wanted.whole && position != self.bytes.len();
                    let stuck = advance && position == start;
                    if !(short || stuck) {
                        if let Some(place) = self.groups.get_mut(0) {
                            *place = start;
                        }
                        if let Some(place) = self.groups.get_mut(1) {
                            *place = position;
                        }
                        return Ok(true);
                    }
                    None
                }
            };
            match ahead.or_else(|| self.retreat()) {
                Some((to, at)) => (op, position) = (to, at),
                None => return Ok(false),
            }
        }
    }

    /// Goes back to the last thing that can be tried otherwise.
    fn retreat(&mut self) -> Option<(usize, usize)> {
        while let Some(entry) = self.stack.pop() {
            match entry {
                Entry::Branch { op, position } => return Some((op, position)),
                Entry::Shorter { op, least, position } => {
                    if let Some(found) = self.give_back(op, least, position) {
                        return Some(found);
                    }
                }
                Entry::Longer { op, position, more } => {
                    let Some(Op::Run { single, .. }) = self.program.ops.get(op) else { continue };
                    let Some(c) = self.char_at(position).filter(|c| fits(single, *c)) else { continue };
                    let position = position + c.len_utf8();
                    if more > 1 {
                        let more = if more == FOREVER { more } else { more - 1 };
                        self.stack.push(Entry::Longer { op, position, more });
                    }
                    return Some((op + 1, position));
                }
                other => self.undo(&other),
            }
        }
        None
    }

    fn undo(&mut self, entry: &Entry) {
        match *entry {
            Entry::Group { slot, old } => {
                if let Some(place) = self.groups.get_mut(slot) {
                    *place = old;
                }
            }
            Entry::Register { slot, count, last } => {
                if let Some(register) = self.registers.get_mut(slot) {
                    (register.count, register.last) = (count, last);
                }
            }
            _ => {}
        }
    }

    /// A greedy run gives back one character, or as many as what follows needs.
    fn give_back(&mut self, op: usize, least: usize, position: usize) -> Option<(usize, usize)> {
        let mut position = position;
        let wanted = match self.program.ops.get(op + 1) {
            Some(Op::One(Single::Char(c))) => Some(*c),
            _ => None,
        };
        while position > least {
            position -= self.char_before(position)?.len_utf8();
            if wanted.is_none_or(|c| self.char_at(position) == Some(c)) {
                if position > least {
                    self.stack.push(Entry::Shorter { op, least, position });
                }
                return Some((op + 1, position));
            }
        }
        None
    }

    fn save(&mut self, slot: usize, position: usize) {
        if let Some(place) = self.groups.get_mut(slot) {
            self.stack.push(Entry::Group { slot, old: *place });
            *place = position;
        }
    }

    fn set_register(&mut self, slot: usize, count: u32, last: usize) {
        if let Some(register) = self.registers.get_mut(slot) {
            self.stack.push(Entry::Register { slot, count: register.count, last: register.last });
            (register.count, register.last) = (count, last);
        }
    }

    fn start_run(
        &mut self,
        op: usize,
        start: usize,
        single: &Single,
        (least, most, mode): (u32, u32, Mode),
    ) -> Option<(usize, usize)> {
        let mut position = start;
        let mut count = 0;
        let first_stop = if mode == Mode::Lazy { least } else { most };
        let mut shortest = position;
        while count < first_stop {
            let Some(c) = self.char_at(position).filter(|c| fits(single, *c)) else { break };
            position += c.len_utf8();
            count += 1;
            if count == least {
                shortest = position;
            }
        }
        if count < least {
            return None;
        }
        match mode {
            Mode::Greedy if position > shortest => {
                self.stack.push(Entry::Shorter { op, least: shortest, position });
            }
            Mode::Lazy if most > least => {
                let more = if most == FOREVER { FOREVER } else { most - least };
                self.stack.push(Entry::Longer { op, position, more });
            }
            _ => {}
        }
        Some((op + 1, position))
    }

    /// The head of a loop: where to go on.
    fn turn(&mut self, head: &Loop, op: usize, position: usize) -> usize {
        let Some(register) = self.registers.get(head.slot).copied() else { return head.exit };
        if register.count < head.least {
            self.set_register(head.slot, register.count + 1, register.last);
            return head.body;
        }
        if head.lazy {
            self.stack.push(Entry::Branch { op: op + 1, position });
            return head.exit;
        }
        // A round that took nothing is not repeated.
        if register.last == position || (head.most != FOREVER && register.count >= head.most) {
            return head.exit;
        }
        self.stack.push(Entry::Branch { op: head.exit, position });
        self.set_register(head.slot, register.count.saturating_add(1), position);
        head.body
    }

    fn again(&mut self, head: &Loop, position: usize) -> Option<usize> {
        let register = self.registers.get(head.slot).copied()?;
        if register.last == position || (head.most != FOREVER && register.count >= head.most) {
            return None;
        }
        self.set_register(head.slot, register.count.saturating_add(1), position);
        Some(head.body)
    }

    /// Forgets the branches since a fence, but not how to undo what happened since.
    fn drop_branches(&mut self, slot: usize) {
        let height = self.registers.get(slot).map_or(0, |register| register.height);
        let inside = self.stack.split_off(height.min(self.stack.len()));
        let undo = |entry: &Entry| matches!(entry, Entry::Group { .. } | Entry::Register { .. });
        self.stack.extend(inside.into_iter().filter(undo));
    }

    fn back(&self, position: usize, characters: usize) -> Option<usize> {
        let mut position = position;
        for _ in 0..characters {
            position -= self.char_before(position)?.len_utf8();
        }
        Some(position)
    }

    fn same_again(&self, index: usize, case: Case, position: usize) -> Option<usize> {
        let (start, end) = (*self.groups.get(index * 2)?, *self.groups.get(index * 2 + 1)?);
        let earlier = self.text.get(start..end)?;
        let rest = self.text.get(position..)?;
        if case == Case::Counts {
            return rest.starts_with(earlier).then(|| position + earlier.len());
        }
        let mut here = rest.chars();
        let mut length = 0;
        for c in earlier.chars() {
            let other = here.next().filter(|other| fold(*other, case) == fold(c, case))?;
            length += other.len_utf8();
        }
        Some(position + length)
    }

    fn stands(&self, anchor: Anchor, position: usize) -> bool {
        let end = self.bytes.len();
        let byte = |at: Option<usize>| at.and_then(|at| self.bytes.get(at)).copied();
        match anchor {
            Anchor::Start => position == 0,
            Anchor::End => position == end,
            Anchor::EndOrLastNewline => {
                position == end || (position + 1 == end && byte(Some(position)) == Some(b'\n'))
            }
            Anchor::LineStart => position == 0 || byte(position.checked_sub(1)) == Some(b'\n'),
            Anchor::LineEnd => position == end || byte(Some(position)) == Some(b'\n'),
            Anchor::Boundary { ascii } => self.at_boundary(position, ascii),
            // Python up to 3.13: neither holds in empty text.
            Anchor::NoBoundary { ascii } => end != 0 && !self.at_boundary(position, ascii),
        }
    }

    fn at_boundary(&self, position: usize, ascii: bool) -> bool {
        let word = |c: Option<char>| c.is_some_and(|c| is_word(c, ascii));
        word(self.char_before(position)) != word(self.char_at(position))
    }
}

#[inline]
fn fits(single: &Single, c: char) -> bool {
    match single {
        Single::Char(own) => *own == c,
        Single::Folded(own, case) => fold(c, *case) == *own,
        Single::Any => true,
        Single::AnyButNewline => c != '\n',
        Single::Set(charset) => charset.has(c),
    }
}
