//! What a run tells the outside: the stream of [`Event`]s between the engine and the reporters.
//!
//! Start reading at [`Event`]. The engine sends through a [`Sink`], which stamps every event with the time and masks
//! secrets in it ([`Masker`]); reporters read [`Stamped`] events, live or recorded, and know nothing else of the run.
//! Questions to people go the other way: [`Ask`].
//!
//! Imports `diag` and `value` only.

mod ask;
mod event;
mod finder;
mod line;
mod mask;
mod notice;
mod result;
mod sink;

pub use ask::{Ask, Keys, Question, Wait, Waited};
pub use event::{
    AsyncState, AsyncUpdate, Counts, CustomStats, Event, HostStarted, Included, Interrupted, Left, Notified,
    Phase, PhaseUpdate, PlayId, PlayStarted, Recap, Retry, RunFinished, RunStarted, TaskId, TaskKind,
    TaskStarted, Verbose,
};
pub use line::{Stamped, VERSION, read_line, write_line};
pub use mask::{CENSORED_ITEM, MASK, Masker};
pub use notice::{Excerpt, Notice, NoticeKind};
pub use result::{Delegate, Diff, HostResult, ItemLabel, Show, Status};
pub use sink::{Incoming, Message, Sink, held};
