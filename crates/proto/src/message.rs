//! The messages.

use serde::{Deserialize, Serialize};

use crate::Val;

/// Grows with every change of a message; controller and runner refuse each other when it differs.
pub const VERSION: u32 = 7;

/// Content up to this many bytes travels inside the request.
pub const INLINE_BLOB: usize = 64 * 1024;

/// How many bytes of content one [`Down::Chunk`] or [`Up::Chunk`] carries at most: few enough for allocators to keep the
/// memory of one for the next.
pub const BLOB_CHUNK: usize = 64 * 1024;

/// How many bytes of a stream ([`Up::Chunk`]) may be on their way before the first [`Down::Credit`].
pub const HEAD_START: u32 = 1024 * 1024;

/// From controller to runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Down {
    /// Opens the conversation; the answer is [`Up::Hello`].
    Hello {
        /// The controller's [`VERSION`].
        protocol: u32,
    },
    /// Runs a batch: one task on this host with all items of its loop, or several tasks that need nothing of each other.
    Run(Batch),
    /// A piece of a [`Blob`] that the runner asked for with [`Up::Need`].
    Chunk {
        /// Which content.
        blob: u64,
        /// The bytes.
        #[serde(with = "crate::bytes")]
        data: Vec<u8>,
        /// Whether these are the last.
        last: bool,
    },
    /// The SHA-1 of a [`Blob`] that the runner asked for with [`Up::NeedSum`].
    Sum {
        /// Which content.
        blob: u64,
        /// In lower-case hex.
        checksum: String,
    },
    /// Lets the runner send this many further bytes of a stream (fetched content) up.
    Credit {
        /// The stream, as named in [`Up::Chunk`].
        stream: u64,
        /// How many bytes more.
        bytes: u32,
    },
    /// Kills what a batch has running; its remaining calls are not started.
    Cancel {
        /// The batch.
        batch: u64,
    },
    /// Lets the task of a batch that is running come to its end, and leaves undone those behind it.
    Halt {
        /// The batch.
        batch: u64,
    },
    /// A piece of the binary of a further part of the runner ([`Part`]), asked for with [`Up::NeedPart`]. The first piece is
    /// also the last, and empty, when the host has this part already.
    PartChunk {
        /// Which part.
        part: Part,
        /// SHA-256 of the whole binary in lower-case hex.
        hash: String,
        /// The bytes.
        #[serde(with = "crate::bytes")]
        data: Vec<u8>,
        /// Whether these are the last.
        last: bool,
    },
    /// The controller has no such part for this machine.
    NoPart {
        /// Which part.
        part: Part,
        /// The machine, as `uname -m` names it.
        machine: String,
    },
    /// Ends the runner.
    Bye,
}

/// From runner to controller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Up {
    /// The runner is there.
    Hello(Box<Hello>),
    /// One call of a batch is done.
    Item(Box<Item>),
    /// The batch is done: every call has had its item, or the rest were not started.
    Done {
        /// The batch.
        batch: u64,
    },
    /// The batch could not be run at all, or no further: become failed, a module is unknown, a message made no sense.
    Fault {
        /// The batch, unless the conversation itself is at fault.
        batch: Option<u64>,
        /// What is wrong.
        fault: Fault,
    },
    /// Asks for content that was not inline. The runner grants `credit` bytes; it asks again for more.
    Need {
        /// The content's id.
        blob: u64,
        /// How many bytes may be sent now.
        credit: u32,
    },
    /// Asks for the SHA-1 of content that came without it.
    NeedSum {
        /// The content's id.
        blob: u64,
    },
    /// Asks for the binary of a part of the runner that is not on the host yet.
    NeedPart {
        /// Which part.
        part: Part,
        /// The hashes of such binaries that the host has kept from earlier runs.
        have: Vec<String>,
    },
    /// A piece of content going up (a fetched file). Streams start with [`HEAD_START`] bytes of credit.
    Chunk {
        /// The stream: `Val::Blob` in the outcome's result carries the same id.
        stream: u64,
        /// The bytes.
        #[serde(with = "crate::bytes")]
        data: Vec<u8>,
        /// Whether these are the last.
        last: bool,
    },
}

/// A part of the runner's code: a binary with some of the modules. The rarer ones are pushed when first needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// The modules that nearly every play needs; always pushed.
    Core,
    /// All others.
    Rare,
}

/// What the runner says of itself and its host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The runner's [`VERSION`].
    pub protocol: u32,
    /// User name the runner runs as (the number, where the host has no name for it).
    pub user: String,
    /// Its numeric id.
    pub uid: u32,
    /// Its home folder.
    pub home: String,
}

/// Content for a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blob {
    /// Unique in the conversation.
    pub id: u64,
    /// Length in bytes.
    pub size: u64,
    /// SHA-1 in lower-case hex (what Ansible's results call `checksum`). None: the controller has not read it through, and
    /// does so only when it is asked ([`Up::NeedSum`]).
    pub checksum: Option<String>,
    /// The bytes, when they are few ([`INLINE_BLOB`]).
    #[serde(with = "crate::bytes::maybe")]
    pub inline: Option<Vec<u8>>,
}

/// The calls of one task on one host (one, or one a loop item), or of several tasks that were sent ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Unique in the conversation.
    pub id: u64,
    /// Whom to become first; the calls then run in a further runner, started through this one.
    pub become_user: Option<Become>,
    /// The calls, run in order.
    pub calls: Vec<Call>,
    /// After how many calls a task ends, in order; what is behind the last belongs to it too. When a call has failed, the
    /// rest of its task is still run, and the tasks behind it are left undone.
    pub task_ends: Vec<u32>,
}

/// One module with its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Short name (`file`, `apt`), as in the registry of modules.
    pub module: String,
    /// The arguments, templated, of any type that the schema can coerce.
    pub args: Vec<(String, Val)>,
    /// Check and diff mode.
    pub mode: Mode,
    /// `environment:` of the task.
    pub environment: Vec<(String, String)>,
    /// Seconds after which the call is killed and failed (`timeout:` of the task).
    pub timeout: Option<u32>,
    /// The call is to outlive the conversation: its outcome only says that it was started.
    pub job: Option<Job>,
}

/// A call that goes on by itself (`async` of the task); `async_status` tells how it is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The first half of its id; the runner adds the process that does it.
    pub id: String,
    /// Seconds after which it is killed.
    pub seconds: u32,
    /// The folder for its file, `~` standing for the home of whoever runs it.
    pub folder: String,
}

/// How a call is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mode {
    /// Change nothing; say what would change.
    pub check: bool,
    /// In a run that is no check: the number of the task that is checked alone. Its calls, those of all
    /// items of its loop, see what they suppose themselves, and nothing that others did. 0: it is part of a whole check run.
    pub alone: u32,
    /// Return before/after differences.
    pub diff: bool,
}

/// How to become another user on the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Become {
    /// The method.
    pub method: BecomeMethod,
    /// The user to become.
    pub user: String,
    /// The program (`become_exe`), when it isn't the method's usual one.
    pub exe: Option<String>,
    /// Its flags (`become_flags`), when they aren't the method's usual ones; split as a shell would.
    pub flags: Option<String>,
    /// The password to answer the prompt with.
    pub password: Option<String>,
    /// How `su` asks for a password; none: in any language that is known.
    pub prompts: Vec<String>,
    /// Seconds that it may take.
    pub within: u32,
}

/// Programs that become another user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the program of that name")]
pub enum BecomeMethod {
    Sudo,
    Su,
    Doas,
    Runuser,
}

/// One call's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The batch.
    pub batch: u64,
    /// Which of its calls, from 0.
    pub index: u32,
    /// How it went.
    pub outcome: Outcome,
}

/// How a call went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether the host was changed (in check mode: would be).
    pub changed: bool,
    /// Whether the call failed.
    pub failed: bool,
    /// Whether the module itself skipped (`creates` is there; check mode for a command).
    pub skipped: bool,
    /// In check mode: the result cannot be known before the real run. A `when` on it is undecided.
    pub unknown: bool,
    /// The module's result keys as Ansible documents them (`msg`, `rc`, `stdout`, `dest`, …), without
    /// `changed`, `failed`, `skipped`, `diff` and `warnings`.
    pub result: Vec<(String, Val)>,
    /// Differences, when asked for.
    pub diff: Vec<Diff>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// `ansible_facts` that the module returns.
    pub facts: Vec<(String, Val)>,
    /// Seconds that it took on the host.
    pub seconds: f64,
}

impl Outcome {
    /// Nothing changed, nothing failed, nothing said.
    pub fn ok() -> Self {
        Self::default()
    }

    /// A failure with its message under `msg`.
    pub fn failure(message: impl Into<String>) -> Self {
        Outcome { failed: true, ..Self::default() }.with("msg", message.into())
    }

    /// The same, with `changed` as given.
    #[must_use]
    pub fn changed_if(mut self, changed: bool) -> Self {
        self.changed = changed;
        self
    }

    /// The same, with a result key set (an earlier value of it is replaced).
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Val>) -> Self {
        self.set(key, value);
        self
    }

    /// Sets a result key, replacing an earlier value of it.
    pub fn set(&mut self, key: &str, value: impl Into<Val>) {
        let value = value.into();
        match self.result.iter_mut().find(|(k, _)| k == key) {
            Some(entry) => entry.1 = value,
            None => self.result.push((key.to_owned(), value)),
        }
    }

    /// The value of a result key.
    pub fn get(&self, key: &str) -> Option<&Val> {
        self.result.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The message under `msg`, or nothing.
    pub fn message(&self) -> &str {
        self.get("msg").and_then(Val::as_str).unwrap_or_default()
    }
}

/// A difference in Ansible's before/after form.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Diff {
    /// Text (file content) or a mapping (attributes) before.
    pub before: Val,
    /// The same after.
    pub after: Val,
    /// What `before` is called.
    pub before_header: Option<String>,
    /// What `after` is called.
    pub after_header: Option<String>,
    /// A difference that is text already (`prepared` in Ansible).
    pub prepared: Option<String>,
}

/// Something that kept a batch from running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Which kind.
    pub kind: FaultKind,
    /// What happened, for people.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Kinds of [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// The become password is wrong or missing.
    BecomePassword,
    /// Becoming failed for another reason.
    Become,
    /// Becoming took longer than it may.
    BecomeTimedOut,
    /// No place on the host where the runner can be stored and run.
    NoPlace,
    /// The controller has no such part of the runner for this machine.
    NoPart,
    /// The two ends do not understand each other: a bug, or a stale binary.
    Protocol,
    /// The module is not in this runner.
    UnknownModule,
    /// The call was cancelled.
    Cancelled,
}
