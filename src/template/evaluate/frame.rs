//! Variables that templates set.

use shevek_value::Value;

use super::place::Alias;
use crate::syntax::Name;

/// Number of a frame of the machine.
pub(crate) type FrameId = usize;

/// One level of variables.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub variables: Vec<(Name, Slot)>,
    pub parent: Option<FrameId>,
    /// Whether a macro may still look into it after it has been left.
    pub captured: bool,
}

/// What a variable holds.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    Value(Value),
    /// Another name for a container that lives elsewhere: changing one changes the other, as in Python.
    Alias(Alias),
    /// A container of the scope's variables, and where a copy of that variable goes once one is changed.
    Shared(Value, Alias),
}

impl Frame {
    pub(crate) fn get(&self, name: &str) -> Option<&Slot> {
        self.variables.iter().find(|(known, _)| **known == *name).map(|(_, slot)| slot)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Slot> {
        self.variables.iter_mut().find(|(known, _)| **known == *name).map(|(_, slot)| slot)
    }

    pub(crate) fn set(&mut self, name: &Name, slot: Slot) {
        match self.get_mut(name) {
            Some(known) => *known = slot,
            None => self.variables.push((name.clone(), slot)),
        }
    }
}

/// All frames of a rendering: a stack whose captured parts stay when they are left.
#[derive(Debug, Default)]
pub(crate) struct Frames(Vec<Frame>);

impl Frames {
    pub(crate) fn enter(&mut self, parent: Option<FrameId>) -> FrameId {
        self.0.push(Frame { parent, ..Frame::default() });
        self.0.len() - 1
    }

    /// Forgets a frame and those above it, unless something captured one of them.
    pub(crate) fn leave(&mut self, frame: FrameId) {
        if self.0.iter().skip(frame).all(|frame| !frame.captured) {
            self.0.truncate(frame);
        }
    }

    /// Keeps a frame and those below it.
    pub(crate) fn capture(&mut self, mut frame: Option<FrameId>) {
        while let Some(found) = frame.and_then(|id| self.0.get_mut(id)) {
            found.captured = true;
            frame = found.parent;
        }
    }

    pub(crate) fn frame(&self, id: FrameId) -> Option<&Frame> {
        self.0.get(id)
    }

    pub(crate) fn frame_mut(&mut self, id: FrameId) -> Option<&mut Frame> {
        self.0.get_mut(id)
    }

    /// The frame that has the name, seen from a frame.
    pub(crate) fn find(&self, mut from: Option<FrameId>, name: &str) -> Option<FrameId> {
        while let Some((id, frame)) = from.and_then(|id| Some((id, self.0.get(id)?))) {
            if frame.get(name).is_some() {
                return Some(id);
            }
            from = frame.parent;
        }
        None
    }

    /// All aliases of places that are meant.
    pub(crate) fn aliases(&self, meant: impl Fn(&super::place::Place) -> bool) -> Vec<(FrameId, Name)> {
        let mut found = Vec::new();
        for (id, frame) in self.0.iter().enumerate() {
            for (name, slot) in &frame.variables {
                if let Slot::Alias(place) | Slot::Shared(_, place) = slot
                    && meant(place)
                {
                    found.push((id, name.clone()));
                }
            }
        }
        found
    }
}
