//! In which order hosts go through a play.

use shevek_diag::{Diagnostic, Kind, Result};

/// In which order hosts go through a play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// All hosts do a task before any does the next.
    Linear,
    /// The same, and the debugger opens for failures.
    Debug,
    /// Each host goes on as fast as it can.
    Free,
    /// The same, and a host begins only when another one is through or there are fewer than `forks` on their way.
    HostPinned,
}

impl Strategy {
    /// The strategy of that name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let bare = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy."));
        match bare.unwrap_or(name) {
            "linear" => Ok(Self::Linear),
            "debug" => Ok(Self::Debug),
            // Mitogen's strategies only make Ansible faster; content that asks for them means the plain ones.
            "mitogen_linear" => Ok(Self::Linear),
            "free" | "mitogen_free" => Ok(Self::Free),
            "host_pinned" | "mitogen_host_pinned" => Ok(Self::HostPinned),
            other => Err(Diagnostic::new("unknown strategy")
                .kind(Kind::Machine)
                .detail(format!("`{other}` is not a strategy"))
                .help("there are linear, free, host_pinned and debug")
                .did_you_mean(other, ["linear", "free", "host_pinned", "debug"])),
        }
    }

    /// Whether results of several tasks mix.
    pub(crate) fn is_free(self) -> bool {
        matches!(self, Self::Free | Self::HostPinned)
    }
}
