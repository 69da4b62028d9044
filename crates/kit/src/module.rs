//! The three traits, of which a module implements exactly one: [`Resource`], [`Query`] or [`Procedure`].

use shevek_proto::{Diff, Outcome};

use crate::arg::Args;
use crate::fault::Result;
use crate::host::Host;
use crate::probe::Probe;
use crate::state::{self, Change, State};

/// A module that makes something be as the task wants it.
///
/// It says what *is* and what is *wanted*, as the same type; the kit finds the change, reports it, and in check mode
/// leaves it at that.
pub trait Resource: Args {
    /// What the host has, and what the task wants.
    type State: State;

    /// What is there now; `None` if nothing is.
    fn observe(&self, host: &Probe) -> Result<Option<Self::State>>;

    /// What shall be there; `None` if nothing shall.
    fn desire(&self, now: Option<&Self::State>, host: &Probe) -> Result<Option<Self::State>>;

    /// Makes the change.
    fn apply(&self, change: Change<Self::State>, host: &mut Host) -> Result<()>;

    /// Something that shall happen even if the state is as wanted (`restarted`, `touch`).
    fn event(&self, _now: Option<&Self::State>) -> Option<&'static str> {
        None
    }

    /// Result keys: by default the fields of the state that is there at the end (in check mode: would be).
    fn result(&self, end: Option<&Self::State>, outcome: &mut Outcome, _host: &Probe) -> Result<()> {
        for (key, value) in end.map(state::result_keys).unwrap_or_default() {
            if outcome.get(&key).is_none() {
                outcome.result.push((key, value));
            }
        }
        Ok(())
    }

    /// The difference that is shown: by default the fields that differ, before and after. [`text_diff`] makes one of
    /// text.
    fn diff(&self, change: &Change<Self::State>) -> Vec<Diff> {
        vec![change.diff()]
    }

    /// Whether what is there is looked at again after the change. The kit does so anyway where the result needs it, and in
    /// tests.
    fn verify(&self) -> bool {
        false
    }
}

/// A module that only reads. It runs in check mode too.
pub trait Query: Args {
    /// Reads, and answers. Failures can be an `Err` or an outcome that says `failed`.
    fn ask(&self, host: &Probe) -> Result<Outcome>;
}

/// A module that does something: `command`, `reboot`, an unpacking.
pub trait Procedure: Args {
    /// Whether there is anything to do. The default is: yes.
    fn guard(&self, _host: &Probe) -> Result<Guard> {
        Ok(Guard::Run)
    }

    /// Does it.
    fn run(&self, host: &mut Host) -> Result<Outcome>;

    /// What check mode says where `guard` says [`Guard::Run`].
    ///
    /// The default is "skipped, result unknown". A module that can tell more says it here; one whose `run` does all its
    /// work through verbs of [`Host`] returns [`Would::Rehearse`], and `run` is then played on the plan.
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Skip("the real run would do this; check mode cannot tell its result".into()))
    }
}

/// What a [`Procedure`] says before it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Guard {
    /// There is something to do.
    Run,
    /// There is nothing to do, and this is the result (build it with [`Outcome::ok`]).
    Done(Box<Outcome>),
}

impl Guard {
    /// Nothing to do, with this result.
    pub fn done(outcome: Outcome) -> Guard {
        Guard::Done(Box::new(outcome))
    }
}

/// What a [`Procedure`] says of a run that check mode does not do.
#[derive(Debug, Clone, PartialEq)]
pub enum Would {
    /// The task is skipped, with this message; its result is unknown.
    Skip(String),
    /// It would have this result.
    Answer(Box<Outcome>),
    /// Play `run` on the plan: its writes go there, and so does what its commands say they do.
    Rehearse,
}

impl Would {
    /// It would have this result.
    pub fn answer(outcome: Outcome) -> Would {
        Would::Answer(Box::new(outcome))
    }
}

/// A difference of text; what is not text (or very long) is only named.
pub fn text_diff(path: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> Diff {
    let header = |is: Option<&[u8]>| is.map_or_else(|| "/dev/null".to_owned(), |_| path.to_owned());
    let text = |is: Option<&[u8]>| match is {
        None => String::new(),
        Some(bytes) if bytes.len() > LONGEST_DIFF => "(too long to be shown)\n".to_owned(),
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => text.to_owned(),
            _ => "(not text)\n".to_owned(),
        },
    };
    Diff {
        before: text(before).into(),
        after: text(after).into(),
        before_header: Some(header(before)),
        after_header: Some(header(after)),
        prepared: None,
    }
}

/// Longest file that a difference shows; Ansible's `max_diff_size`.
const LONGEST_DIFF: usize = 104_448;
