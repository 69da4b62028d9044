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
}
