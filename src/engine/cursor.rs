//! Where one host stands in its play.

use std::collections::HashSet;
use std::sync::Arc;

use shevek_playbook::{Block, Item, Task, TaskId};

/// A task's place in the order of a play. Places compare as the tasks stand in the playbook, those of an included
/// file right behind the task that included it. Hosts that included the same file stand at the same places.
pub type Place = Vec<u32>;

/// The next task of a host.
#[derive(Debug, Clone)]
pub struct Step {
    /// The task.
    pub task: Arc<Task>,
    /// Its place.
    pub place: Place,
}

/// One host's way through the items of a play: into blocks, to their rescue and always sections when something
/// fails, into included files and handlers.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    frames: Vec<Frame>,
    notified: HashSet<TaskId>,
    failed: bool,
    ended: bool,
}

#[derive(Debug, Clone)]
struct Frame {
    items: Items,
    section: Section,
    next: usize,
    /// Something failed for which no rescue has made up; it goes on to the enclosing block after `always`.
    failing: bool,
    prefix: Place,
}

#[derive(Debug, Clone)]
enum Items {
    Block(Arc<Block>),
    /// A play's top level, or an included file.
    List(Arc<Vec<Item>>),
    Handlers(Arc<Vec<Arc<Task>>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Body,
    Rescue,
    Always,
}

impl Items {
    fn section(&self, section: Section) -> &[Item] {
        match (self, section) {
            (Items::Block(block), Section::Body) => &block.body,
            (Items::Block(block), Section::Rescue) => &block.rescue,
            (Items::Block(block), Section::Always) => &block.always,
            (Items::List(items), Section::Body) => items,
            _ => &[],
        }
    }
}

impl Frame {
    fn new(items: Items, prefix: Place) -> Self {
        Self { items, section: Section::Body, next: 0, failing: false, prefix }
    }

    fn place(&self) -> Place {
        let mut place = self.prefix.clone();
        if matches!(self.items, Items::Block(_)) {
            place.push(self.section as u32);
        }
        place.push(u32::try_from(self.next).unwrap_or(u32::MAX));
        place
    }

    fn has(&self, section: Section) -> bool {
        !self.items.section(section).is_empty()
    }

    fn enter(&mut self, section: Section) {
        self.section = section;
        self.next = 0;
    }
}

impl Cursor {
    /// At the start of a play.
    pub fn new(items: Arc<Vec<Item>>) -> Self {
        Self { frames: vec![Frame::new(Items::List(items), Place::new())], ..Self::default() }
    }

    /// The next task, without going on to it.
    pub fn peek(&mut self) -> Option<Step> {
        while !self.ended {
            let Some(frame) = self.frames.last_mut() else { break };
            if let Items::Handlers(handlers) = &frame.items {
                let found =
                    handlers.iter().enumerate().skip(frame.next).find(|(_, h)| self.notified.contains(&h.id));
                if let Some((position, handler)) = found {
                    frame.next = position;
                    return Some(Step { task: handler.clone(), place: frame.place() });
                }
                self.frames.pop();
                continue;
            }
            match frame.items.section(frame.section).get(frame.next) {
                Some(Item::Task(task)) => return Some(Step { task: task.clone(), place: frame.place() }),
                Some(Item::Block(block)) => {
                    let inner = Frame::new(Items::Block(block.clone()), frame.place());
                    frame.next += 1;
                    self.frames.push(inner);
                }
                None => self.end_section(),
            }
        }
        None
    }

    /// Goes past the task that [`Cursor::peek`] gave.
    pub fn take(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        if let Items::Handlers(handlers) = &frame.items
            && let Some(handler) = handlers.get(frame.next)
        {
            self.notified.remove(&handler.id);
        }
        frame.next += 1;
    }

    fn end_section(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        match frame.section {
            Section::Always => {
                let failing = frame.failing;
                self.frames.pop();
                if failing {
                    self.fail();
                }
            }
            Section::Body | Section::Rescue => {
                // A rescue that has come to its end has made up for the failure.
                frame.failing = false;
                frame.enter(Section::Always);
            }
        }
    }

    /// The task that was taken last has failed: on to the nearest rescue or always, or to the end.
    pub fn fail(&mut self) {
        while let Some(frame) = self.frames.last_mut() {
            if frame.section == Section::Body && frame.has(Section::Rescue) {
                frame.failing = true;
                frame.enter(Section::Rescue);
                return;
            }
            if frame.section != Section::Always && frame.has(Section::Always) {
                frame.failing = true;
                frame.enter(Section::Always);
                return;
            }
            self.frames.pop();
        }
        self.failed = true;
    }

    /// Whether a failure now would be rescued by some block around.
    pub fn would_rescue(&self) -> bool {
        self.frames.iter().any(|frame| frame.section == Section::Body && frame.has(Section::Rescue))
    }

    /// Whether something failed that no rescue has made up for, or will, though `always` sections may still be running.
    pub fn is_failed(&self) -> bool {
        let without_rescue = self
            .frames
            .iter()
            .take_while(|frame| frame.section != Section::Body || !frame.has(Section::Rescue))
            .any(|frame| frame.failing && frame.section == Section::Always);
        self.failed || without_rescue
    }

    /// Forgets failures (`meta: clear_host_errors`).
    pub fn clear_failure(&mut self) {
        self.failed = false;
        for frame in &mut self.frames {
            frame.failing = false;
        }
    }

    /// Nothing more for this host (`meta: end_host`).
    pub fn end(&mut self) {
        self.ended = true;
        self.frames.clear();
    }

    /// Puts an included file's items next. `at` is the including task's place, `number` tells the files of one
    /// task apart.
    pub fn include(&mut self, items: Arc<Vec<Item>>, at: &Place, number: u32) {
        let mut prefix = at.clone();
        prefix.push(number);
        self.frames.push(Frame::new(Items::List(items), prefix));
    }

    /// Notes that a handler is to run at the next flush; false: it was noted already.
    pub fn notify(&mut self, handler: TaskId) -> bool {
        self.notified.insert(handler)
    }

    /// Whether handlers are waiting.
    pub fn has_notified(&self) -> bool {
        !self.notified.is_empty()
    }

    /// Whether it is in the middle of its handlers.
    pub fn in_handlers(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame.items, Items::Handlers(_)))
    }

    /// Runs the notified handlers next.
    pub fn flush(&mut self, handlers: Arc<Vec<Arc<Task>>>, at: &Place) {
        if self.has_notified() {
            self.frames.push(Frame::new(Items::Handlers(handlers), at.clone()));
        }
    }
}
