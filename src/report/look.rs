//! What is shown, and how.

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As JSON.
    #[default]
    Json,
    /// As YAML.
    Yaml,
}

/// The settings of Ansible's output.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is one of Ansible's settings")]
pub struct Look {
    /// How many `-v`.
    pub verbosity: u8,
    /// Show results that are not changed.
    pub ok_hosts: bool,
    /// Show skipped results.
    pub skipped_hosts: bool,
    /// Write failures to standard error.
    pub failed_to_stderr: bool,
    /// Show what `set_stats` collected.
    pub custom_stats: bool,
    /// Say when each host starts on a task.
    pub per_host_start: bool,
    /// Mark what runs in check mode.
    pub check_markers: bool,
    /// Say where a failed task is written.
    pub task_path_on_failure: bool,
    /// Show deprecations.
    pub deprecations: bool,
    /// Write verbose messages to standard error.
    pub verbose_to_stderr: bool,
    /// How results are printed.
    pub format: Format,
    /// Whether over several lines; `None`: as the format likes it.
    pub pretty: Option<bool>,
    /// Lines around each difference.
    pub diff_context: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            verbosity: 0,
            ok_hosts: true,
            skipped_hosts: true,
            failed_to_stderr: false,
            custom_stats: false,
            per_host_start: false,
            check_markers: false,
            task_path_on_failure: false,
            deprecations: true,
            verbose_to_stderr: false,
            format: Format::Json,
            pretty: None,
            diff_context: 3,
        }
    }
}
