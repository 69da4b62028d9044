//! One template being evaluated.

use std::collections::HashMap;
use std::sync::Arc;

use shevek_diag::Origin;
use shevek_value::Value;

use super::frame::{FrameId, Slot};
use super::{Eval, Fault, Machine};
use crate::plugin::TextOptions;
use crate::position;
use crate::syntax::{Block, Name};

/// Where the text of a template comes from, for messages and for what it includes.
#[derive(Debug)]
pub(crate) struct Written {
    pub text: Arc<str>,
    /// Where the text begins.
    pub origin: Option<Origin>,
    /// Whether it is a file of its own, so that lines and columns are those of the text.
    pub is_file: bool,
    pub options: Arc<TextOptions>,
}

impl Written {
    pub(crate) fn place(&self, at: u32) -> Option<Origin> {
        let origin = self.origin.as_ref()?;
        Some(if self.is_file {
            position::in_file(origin, &self.text, at)
        } else {
            position::in_scalar(origin, &self.text, at)
        })
    }
}

/// A block, and where it is written.
type WrittenBlock = (Arc<Block>, Arc<Written>);

/// One template being evaluated.
pub(crate) struct Run<'m> {
    pub machine: &'m Machine<'m>,
    pub written: Arc<Written>,
    /// The frame in which names are looked up and set; `None`: only the scope's variables are there, and nothing has
    /// been set yet.
    pub frame: Option<FrameId>,
    /// The frame of the template itself.
    pub root: Option<FrameId>,
    /// Blocks by name, those of the innermost child first, with where they are written.
    pub blocks: HashMap<Name, Vec<WrittenBlock>>,
    /// The blocks being printed: name, and how far up `super()` has gone.
    pub in_blocks: Vec<(Name, usize)>,
    pub loop_depth: usize,
    /// An imported template without context: only globals are there.
    pub without_scope: bool,
}

impl<'m> Run<'m> {
    pub(crate) fn new(machine: &'m Machine<'m>, written: Arc<Written>) -> Self {
        Self {
            machine,
            written,
            frame: None,
            root: None,
            blocks: HashMap::new(),
            in_blocks: Vec::new(),
            loop_depth: 0,
            without_scope: false,
        }
    }

    /// Gives an error its place in the template.
    pub(crate) fn at<T>(&self, at: u32, result: Eval<T>) -> Eval<T> {
        result.map_err(|fault| fault.or_at(|| self.written.place(at)))
    }

    /// An error at a place.
    pub(crate) fn fail<T>(&self, at: u32, summary: &'static str, detail: impl Into<String>) -> Eval<T> {
        self.at(at, Err(Fault::new(summary, detail)))
    }

    /// The frame to set variables in, made when first needed.
    pub(crate) fn own_frame(&mut self) -> FrameId {
        match self.frame {
            Some(frame) => frame,
            None => {
                let frame = self.machine.frames.borrow_mut().enter(None);
                self.frame = Some(frame);
                self.root = Some(frame);
                frame
            }
        }
    }

    /// Sets a variable in the current frame.
    pub(crate) fn set(&mut self, name: &Name, slot: Slot) {
        let frame = self.own_frame();
        self.machine.release_aliases(frame, name);
        if let Some(frame) = self.machine.frames.borrow_mut().frame_mut(frame) {
            frame.set(name, slot);
        }
    }

    pub(crate) fn set_value(&mut self, name: &Name, value: Value) {
        self.set(name, Slot::Value(value));
    }

    /// Runs something in a frame of its own, which ends with it.
    pub(crate) fn in_frame<T>(&mut self, inner: impl FnOnce(&mut Self) -> Eval<T>) -> Eval<T> {
        let parent = self.own_frame();
        let frame = self.machine.frames.borrow_mut().enter(Some(parent));
        self.frame = Some(frame);
        let result = inner(self);
        self.machine.frames.borrow_mut().leave(frame);
        self.frame = Some(parent);
        result
    }

    /// Forgets the template's own frame.
    pub(crate) fn end(&mut self) {
        if let Some(root) = self.root.take() {
            self.machine.frames.borrow_mut().leave(root);
            self.frame = None;
        }
    }
}
