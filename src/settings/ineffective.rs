//! Settings that are read and shown (`config`, the lookup `config`), and that nothing here follows.

/// Their names, and what a user who sets one has to know; nothing where nobody would miss it.
pub static INEFFECTIVE: &[(&str, &str)] = &[
    ("BECOME_ALLOW_SAME_USER", ""),
    ("COLOR_HIGHLIGHT", ""),
    ("DEFAULT_ACTION_PLUGIN_PATH", ""),
    ("DEFAULT_EXECUTABLE", ""),
    // The error about a filter, a lookup or a test that is not here says so.
    ("DEFAULT_FILTER_PLUGIN_PATH", ""),
    ("DEFAULT_KEEP_REMOTE_FILES", "no files are left on hosts"),
    ("DEFAULT_LOOKUP_PLUGIN_PATH", ""),
    ("DEFAULT_NO_TARGET_SYSLOG", ""),
    ("DEFAULT_SELINUX_SPECIAL_FS", ""),
    ("DEFAULT_TEST_PLUGIN_PATH", ""),
    ("INTERPRETER_PYTHON", ""),
    ("MAX_FILE_SIZE_FOR_DIFF", "files over 104448 bytes are not compared"),
    ("REMOTE_TMP", ""),
    ("SYSTEM_WARNINGS", ""),
    (
        "YAML_FILENAME_EXTENSIONS",
        "files that end in .yml, .yaml and .json are read, and those without an ending",
    ),
];
