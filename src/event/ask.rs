//! Questions to the person at the terminal.

use shevek_diag::Result;

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// What is asked, shown as it is (with its colon and space).
    pub text: String,
    /// Whether the answer is hidden while it is typed.
    pub private: bool,
    /// Seconds after which no answer counts as an empty one.
    pub seconds: Option<u64>,
    /// Whether the answer may also come from a pipe.
    pub piped: bool,
}

/// What is waited for at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What is shown before.
    pub text: String,
    /// Whether what is typed is hidden.
    pub private: bool,
    /// Seconds after which it is over.
    pub seconds: Option<u64>,
    /// Which keys end it.
    pub keys: Keys,
}

/// Which keys end a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Enter; Ctrl+C interrupts it.
    Enter,
    /// None but Ctrl+C, which interrupts it.
    Interrupt,
    /// One letter, large or small; Ctrl+C or another letter interrupts it.
    Letter {
        /// The one that ends it.
        end: char,
        /// The one that interrupts it.
        interrupt: char,
    },
}

/// What became of a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// It is over; with what was typed.
    Over(String),
    /// Somebody interrupted it.
    Interrupted,
    /// There is nobody at the terminal, or the program has it not to itself. Nothing was shown.
    Nobody,
}

/// Whoever can ask a person: the terminal, or a test.
///
/// The engine asks through this for `vars_prompt`, `pause`, `--step` and unknown host keys.
pub trait Ask: Send + Sync {
    /// Whether there is anyone to ask; without, Ansible's actions have their own ways out.
    fn is_interactive(&self) -> bool;

    /// Shows a line on the way to a question, or to what is waited for.
    fn tell(&self, _text: &str) {}

    /// Asks and waits. Everything reported so far is shown first.
    fn ask(&self, question: &Question) -> Result<String>;

    /// Waits for keys; meanwhile Ctrl+C is one of them.
    fn wait(&self, wait: &Wait) -> Result<Waited>;
}
