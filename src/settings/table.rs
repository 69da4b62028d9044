//! The table: one row a setting.

use std::path::PathBuf;
use std::sync::Arc;

use shevek_value::Value;

use crate::Ini;
use crate::kind::{Bool, File, Hidden, Int, List, Maybe, Paths, SettingKind, Sources, Text};
use crate::load::Reader;

/// What is known of a setting.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The field of [`Settings`].
    pub field: &'static str,
    /// Ansible's name of it, as `config dump` shows it.
    pub name: &'static str,
    /// Its type's name.
    pub kind: &'static str,
    /// Its variables; of several that are set the last wins.
    pub env: &'static [&'static str],
    /// Its sections and keys in `ansible.cfg`; of several that are set the last wins.
    pub ini: &'static [(&'static str, &'static str)],
    /// Its default, as it would be written.
    pub default: Option<&'static str>,
    /// What is allowed; empty: anything.
    pub choices: &'static [&'static str],
    /// What it does.
    pub doc: &'static [&'static str],
}

macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $kind:ty = $name:literal,
        env [$($env:literal),*],
        ini [$($section:literal . $key:literal),*],
        default $default:expr
        $(, one of [$($choice:literal),+])?;
    )+) => {
        /// Everything that can be set, with the values to use.
        #[derive(Debug, Clone)]
        pub struct Settings {
            /// The configuration file that was read.
            pub config_file: Option<PathBuf>,
            /// What it says, for plugins with sections of their own.
            pub config: Arc<Ini>,
            $( $(#[doc = $doc])+ pub $field: <$kind as SettingKind>::Value, )+
        }

        /// One row a setting, in the order in which they are shown.
        pub static ROWS: &[Row] = &[$( Row {
            field: stringify!($field),
            name: $name,
            kind: <$kind as SettingKind>::NAME,
            env: &[$($env),*],
            ini: &[$(($section, $key)),*],
            default: $default,
            choices: &[$($($choice),+)?],
            doc: &[$($doc),+],
        } ),+];

        impl Settings {
            /// Reads all rows in order.
            pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
                let mut rows = ROWS.iter();
                let mut next = || rows.next().unwrap_or(&NO_ROW);
                $(
                    let $field = reader.setting::<$kind>(next());
                    if stringify!($field) == "home" {
                        if let Some(home) = path_of(&<$kind as SettingKind>::show(&$field)) {
                            reader.set_home(&home);
                        }
                    }
                )+
                Self { config_file: None, config: Arc::default(), $($field),+ }
            }

            /// All values in the order of [`ROWS`], as `config` shows them.
            pub fn show(&self) -> Vec<Value> {
                vec![$( <$kind as SettingKind>::show(&self.$field) ),+]
            }
        }
    };
}

const NO_ROW: Row =
    Row { field: "", name: "", kind: "", env: &[], ini: &[], default: None, choices: &[], doc: &[] };

fn path_of(value: &Value) -> Option<PathBuf> {
    value.as_str().map(PathBuf::from)
}

settings! {
    /// Where Ansible keeps its things; defaults of other paths start with it.
    home: File = "ANSIBLE_HOME", env ["ANSIBLE_HOME"], ini ["defaults"."home"], default Some("~/.ansible");
    /// Show what is for those who look for mistakes in the program.
    debug: Bool = "DEFAULT_DEBUG", env ["ANSIBLE_DEBUG"], ini ["defaults"."debug"], default Some("false");
    /// Accept conditions whose result is not a truth value, with Ansible's older rules.
    allow_broken_conditionals: Bool = "ALLOW_BROKEN_CONDITIONALS", env ["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"],
        ini ["defaults"."allow_broken_conditionals"], default Some("true");
    /// Colours even where output is not a terminal.
    force_color: Bool = "ANSIBLE_FORCE_COLOR", env ["ANSIBLE_FORCE_COLOR"], ini ["defaults"."force_color"],
        default Some("false");
    /// No colours.
    no_color: Bool = "ANSIBLE_NOCOLOR", env ["ANSIBLE_NOCOLOR", "NO_COLOR"], ini ["defaults"."nocolor"],
        default Some("false");
    /// A failure on one host ends the play for all.
    any_errors_fatal: Bool = "ANY_ERRORS_FATAL", env ["ANSIBLE_ANY_ERRORS_FATAL"],
        ini ["defaults"."any_errors_fatal"], default Some("false");
    /// Become even when the user to become is the one logged in.
    become_allow_same_user: Bool = "BECOME_ALLOW_SAME_USER", env ["ANSIBLE_BECOME_ALLOW_SAME_USER"],
        ini ["privilege_escalation"."become_allow_same_user"], default Some("false");
    /// File with the become password, or a program that prints it.
    become_password_file: Maybe<File> = "BECOME_PASSWORD_FILE", env ["ANSIBLE_BECOME_PASSWORD_FILE"],
        ini ["defaults"."become_password_file"], default None;
    /// How facts are kept between runs: `memory` (not at all) or `jsonfile`.
    fact_caching: Text = "CACHE_PLUGIN", env ["ANSIBLE_CACHE_PLUGIN"], ini ["defaults"."fact_caching"],
        default Some("memory");
    /// Folder of kept facts.
    fact_caching_connection: Maybe<Text> = "CACHE_PLUGIN_CONNECTION", env ["ANSIBLE_CACHE_PLUGIN_CONNECTION"],
        ini ["defaults"."fact_caching_connection"], default None;
    /// Start of the names of files with kept facts.
    fact_caching_prefix: Text = "CACHE_PLUGIN_PREFIX", env ["ANSIBLE_CACHE_PLUGIN_PREFIX"],
        ini ["defaults"."fact_caching_prefix"], default Some("ansible_facts");
    /// Seconds for which kept facts are good; 0: for ever.
    fact_caching_timeout: Int = "CACHE_PLUGIN_TIMEOUT", env ["ANSIBLE_CACHE_PLUGIN_TIMEOUT"],
        ini ["defaults"."fact_caching_timeout"], default Some("86400");
    /// Where collections are looked for.
    collections_path: Paths = "COLLECTIONS_PATHS", env ["ANSIBLE_COLLECTIONS_PATH"],
        ini ["defaults"."collections_path"], default Some("{{ANSIBLE_HOME}}/collections:/usr/share/ansible/collections");
    /// Colour of changed results.
    color_changed: Text = "COLOR_CHANGED", env ["ANSIBLE_COLOR_CHANGED"], ini ["colors"."changed"], default Some("yellow");
    /// Colour of debug output.
    color_debug: Text = "COLOR_DEBUG", env ["ANSIBLE_COLOR_DEBUG"], ini ["colors"."debug"], default Some("dark gray");
    /// Colour of deprecations.
    color_deprecate: Text = "COLOR_DEPRECATE", env ["ANSIBLE_COLOR_DEPRECATE"], ini ["colors"."deprecate"],
        default Some("purple");
    /// Colour of added lines.
    color_diff_add: Text = "COLOR_DIFF_ADD", env ["ANSIBLE_COLOR_DIFF_ADD"], ini ["colors"."diff_add"],
        default Some("green");
    /// Colour of the line numbers of differences.
    color_diff_lines: Text = "COLOR_DIFF_LINES", env ["ANSIBLE_COLOR_DIFF_LINES"], ini ["colors"."diff_lines"],
        default Some("cyan");
    /// Colour of removed lines.
    color_diff_remove: Text = "COLOR_DIFF_REMOVE", env ["ANSIBLE_COLOR_DIFF_REMOVE"], ini ["colors"."diff_remove"],
        default Some("red");
    /// Colour of failures.
    color_error: Text = "COLOR_ERROR", env ["ANSIBLE_COLOR_ERROR"], ini ["colors"."error"], default Some("red");
    /// Colour of what is pointed out.
    color_highlight: Text = "COLOR_HIGHLIGHT", env ["ANSIBLE_COLOR_HIGHLIGHT"], ini ["colors"."highlight"],
        default Some("white");
    /// Colour of included files.
    color_included: Text = "COLOR_INCLUDED", env ["ANSIBLE_COLOR_INCLUDED"], ini ["colors"."included"],
        default Some("cyan");
    /// Colour of good results.
    color_ok: Text = "COLOR_OK", env ["ANSIBLE_COLOR_OK"], ini ["colors"."ok"], default Some("green");
    /// Colour of skipped results.
    color_skip: Text = "COLOR_SKIP", env ["ANSIBLE_COLOR_SKIP"], ini ["colors"."skip"], default Some("cyan");
    /// Colour of hosts that can't be reached.
    color_unreachable: Text = "COLOR_UNREACHABLE", env ["ANSIBLE_COLOR_UNREACHABLE"], ini ["colors"."unreachable"],
        default Some("bright red");
    /// Colour of verbose output.
    color_verbose: Text = "COLOR_VERBOSE", env ["ANSIBLE_COLOR_VERBOSE"], ini ["colors"."verbose"],
        default Some("blue");
    /// Colour of warnings.
    color_warn: Text = "COLOR_WARN", env ["ANSIBLE_COLOR_WARN"], ini ["colors"."warn"], default Some("bright purple");
    /// File with the login password, or a program that prints it.
    connection_password_file: Maybe<File> = "CONNECTION_PASSWORD_FILE", env ["ANSIBLE_CONNECTION_PASSWORD_FILE"],
        ini ["defaults"."connection_password_file"], default None;
    /// Warn when there is no inventory but localhost.
    localhost_warning: Bool = "LOCALHOST_WARNING", env ["ANSIBLE_LOCALHOST_WARNING"],
        ini ["defaults"."localhost_warning"], default Some("true");
    /// Warn when no inventory source could be read.
    inventory_unparsed_warning: Bool = "INVENTORY_UNPARSED_WARNING", env ["ANSIBLE_INVENTORY_UNPARSED_WARNING"],
        ini ["inventory"."inventory_unparsed_warning"], default Some("true");
    /// Action plugins in Python: looked into only to say that they are not supported.
    action_plugins: Paths = "DEFAULT_ACTION_PLUGIN_PATH", env ["ANSIBLE_ACTION_PLUGINS"],
        ini ["defaults"."action_plugins"], default Some("{{ANSIBLE_HOME}}/plugins/action:/usr/share/ansible/plugins/action");
    /// Ask for the login password.
    ask_pass: Bool = "DEFAULT_ASK_PASS", env ["ANSIBLE_ASK_PASS"], ini ["defaults"."ask_pass"], default Some("false");
    /// Ask for the vault password.
    ask_vault_pass: Bool = "DEFAULT_ASK_VAULT_PASS", env ["ANSIBLE_ASK_VAULT_PASS"], ini ["defaults"."ask_vault_pass"],
        default Some("false");
    /// Become another user everywhere.
    become_default: Bool = "DEFAULT_BECOME", env ["ANSIBLE_BECOME"], ini ["privilege_escalation"."become"],
        default Some("false");
    /// Ask for the become password.
    become_ask_pass: Bool = "DEFAULT_BECOME_ASK_PASS", env ["ANSIBLE_BECOME_ASK_PASS"],
        ini ["privilege_escalation"."become_ask_pass"], default Some("false");
    /// How to become another user.
    become_method: Text = "DEFAULT_BECOME_METHOD", env ["ANSIBLE_BECOME_METHOD"],
        ini ["privilege_escalation"."become_method"], default Some("sudo");
    /// The program to become with, when it isn't the method's own.
    become_exe: Maybe<Text> = "DEFAULT_BECOME_EXE", env ["ANSIBLE_BECOME_EXE"],
        ini ["privilege_escalation"."become_exe"], default None;
    /// Its options, when they aren't the method's own.
    become_flags: Maybe<Text> = "DEFAULT_BECOME_FLAGS", env ["ANSIBLE_BECOME_FLAGS"],
        ini ["privilege_escalation"."become_flags"], default None;
    /// How `su` asks for a password, without the colon; none: in any language that is known.
    su_prompts: List = "prompt_l10n", env ["ANSIBLE_SU_PROMPT_L10N"], ini ["su_become_plugin"."localized_prompts"],
        default Some("");
    /// The user to become.
    become_user: Text = "DEFAULT_BECOME_USER", env ["ANSIBLE_BECOME_USER"],
        ini ["privilege_escalation"."become_user"], default Some("root");
    /// The become password.
    become_password: Maybe<Hidden> = "BECOME_PASS", env ["ANSIBLE_BECOME_PASS"], ini [], default None;
    /// `sudo`'s own user to become.
    sudo_user: Maybe<Text> = "SUDO_USER", env ["ANSIBLE_SUDO_USER"], ini ["sudo_become_plugin"."user"], default None;
    /// `sudo`'s program.
    sudo_exe: Maybe<Text> = "SUDO_EXE", env ["ANSIBLE_SUDO_EXE"], ini ["sudo_become_plugin"."executable"], default None;
    /// `sudo`'s options.
    sudo_flags: Maybe<Text> = "SUDO_FLAGS", env ["ANSIBLE_SUDO_FLAGS"], ini ["sudo_become_plugin"."flags"], default None;
    /// `sudo`'s password.
    sudo_password: Maybe<Hidden> = "SUDO_PASS", env ["ANSIBLE_SUDO_PASS"], ini ["sudo_become_plugin"."password"],
        default None;
    /// `su`'s own user to become.
    su_user: Maybe<Text> = "SU_USER", env ["ANSIBLE_SU_USER"], ini ["su_become_plugin"."user"], default None;
    /// `su`'s program.
    su_exe: Maybe<Text> = "SU_EXE", env ["ANSIBLE_SU_EXE"], ini ["su_become_plugin"."executable"], default None;
    /// `su`'s options.
    su_flags: Maybe<Text> = "SU_FLAGS", env ["ANSIBLE_SU_FLAGS"], ini ["su_become_plugin"."flags"], default None;
    /// `su`'s password.
    su_password: Maybe<Hidden> = "SU_PASS", env ["ANSIBLE_SU_PASS"], ini ["su_become_plugin"."password"], default None;
    /// Additional output plugins: `junit` and `profile_tasks`-like names that are not here are named when met.
    callbacks_enabled: List = "CALLBACKS_ENABLED", env ["ANSIBLE_CALLBACKS_ENABLED"],
        ini ["defaults"."callbacks_enabled"], default Some("");
    /// Callbacks count for single commands, too.
    load_callbacks: Bool = "DEFAULT_LOAD_CALLBACK_PLUGINS", env ["ANSIBLE_LOAD_CALLBACK_PLUGINS"],
        ini ["defaults"."bin_ansible_callbacks"], default Some("false");
    /// Where the callback `tree` puts results.
    callback_tree: File = "CALLBACK_TREE_DIR", env ["ANSIBLE_CALLBACK_TREE_DIR"],
        ini ["callback_tree"."directory"], default Some("~/.ansible/tree");
    /// The shell that commands run in on hosts.
    executable: Text = "DEFAULT_EXECUTABLE", env ["ANSIBLE_EXECUTABLE"], ini ["defaults"."executable"],
        default Some("/bin/sh");
    /// Filter plugins in Python: looked into only to say that they are not supported.
    filter_plugins: Paths = "DEFAULT_FILTER_PLUGIN_PATH", env ["ANSIBLE_FILTER_PLUGINS"],
        ini ["defaults"."filter_plugins"], default Some("{{ANSIBLE_HOME}}/plugins/filter:/usr/share/ansible/plugins/filter");
    /// Run notified handlers even on hosts that failed.
    force_handlers: Bool = "DEFAULT_FORCE_HANDLERS", env ["ANSIBLE_FORCE_HANDLERS"], ini ["defaults"."force_handlers"],
        default Some("false");
    // Differs from Ansible: 5 there, where every task of a host is a process; here it is a message.
    /// How many hosts are worked on at once.
    forks: Int = "DEFAULT_FORKS", env ["ANSIBLE_FORKS"], ini ["defaults"."forks"], default Some("50");
    /// When facts are gathered: by default, only when asked, or when they are not known yet.
    gathering: Text = "DEFAULT_GATHERING", env ["ANSIBLE_GATHERING"], ini ["defaults"."gathering"],
        default Some("implicit"), one of ["implicit", "explicit", "smart"];
    /// Whether mappings of higher precedence replace lower ones or are merged with them.
    hash_behaviour: Text = "DEFAULT_HASH_BEHAVIOUR", env ["ANSIBLE_HASH_BEHAVIOUR"], ini ["defaults"."hash_behaviour"],
        default Some("replace"), one of ["replace", "merge"];
    /// Inventory sources, when `-i` is not given.
    inventory: Sources = "DEFAULT_HOST_LIST", env ["ANSIBLE_INVENTORY"], ini ["defaults"."inventory"],
        default Some("/etc/ansible/hosts");
    /// Leave files on hosts.
    keep_remote_files: Bool = "DEFAULT_KEEP_REMOTE_FILES", env ["ANSIBLE_KEEP_REMOTE_FILES"],
        ini ["defaults"."keep_remote_files"], default Some("false");
    /// File that output is written to as well.
    log_path: Maybe<File> = "DEFAULT_LOG_PATH", env ["ANSIBLE_LOG_PATH"], ini ["defaults"."log_path"], default None;
    /// Lookup plugins in Python: looked into only to say that they are not supported.
    lookup_plugins: Paths = "DEFAULT_LOOKUP_PLUGIN_PATH", env ["ANSIBLE_LOOKUP_PLUGINS"],
        ini ["defaults"."lookup_plugins"], default Some("{{ANSIBLE_HOME}}/plugins/lookup:/usr/share/ansible/plugins/lookup");
    /// What `ansible_managed` is.
    ansible_managed: Text = "DEFAULT_MANAGED_STR", env [], ini ["defaults"."ansible_managed"],
        default Some("Ansible managed");
    /// Arguments of ad-hoc commands, when `-a` is not given.
    module_args: Text = "DEFAULT_MODULE_ARGS", env ["ANSIBLE_MODULE_ARGS"], ini ["defaults"."module_args"],
        default Some("");
    /// Module of ad-hoc commands, when `-m` is not given.
    module_name: Text = "DEFAULT_MODULE_NAME", env [], ini ["defaults"."module_name"], default Some("command");
    /// Modules in Python: looked into only to say that they are not supported.
    library: Paths = "DEFAULT_MODULE_PATH", env ["ANSIBLE_LIBRARY"], ini ["defaults"."library"],
        default Some("{{ANSIBLE_HOME}}/plugins/modules:/usr/share/ansible/plugins/modules");
    /// Hide the results of all tasks.
    no_log: Bool = "DEFAULT_NO_LOG", env ["ANSIBLE_NO_LOG"], ini ["defaults"."no_log"], default Some("false");
    /// Keep tasks out of the hosts' system logs.
    no_target_syslog: Bool = "DEFAULT_NO_TARGET_SYSLOG", env ["ANSIBLE_NO_TARGET_SYSLOG"],
        ini ["defaults"."no_target_syslog"], default Some("false");
    /// Seconds between looks at an `async` task that does not say.
    poll_interval: Int = "DEFAULT_POLL_INTERVAL", env ["ANSIBLE_POLL_INTERVAL"], ini ["defaults"."poll_interval"],
        default Some("15");
    /// Private key to log in with.
    private_key_file: Maybe<File> = "DEFAULT_PRIVATE_KEY_FILE", env ["ANSIBLE_PRIVATE_KEY_FILE"],
        ini ["defaults"."private_key_file"], default None;
    /// Private key to log in with, itself.
    private_key: Maybe<Hidden> = "PRIVATE_KEY", env ["ANSIBLE_PRIVATE_KEY"], ini [], default None;
    /// Passphrase of the private key.
    private_key_passphrase: Maybe<Hidden> = "PRIVATE_KEY_PASSPHRASE", env ["ANSIBLE_PRIVATE_KEY_PASSPHRASE"], ini [],
        default None;
    /// Keep variables of roles to themselves.
    private_role_vars: Maybe<Bool> = "DEFAULT_PRIVATE_ROLE_VARS", env ["ANSIBLE_PRIVATE_ROLE_VARS"],
        ini ["defaults"."private_role_vars"], default None;
    /// Port of the hosts' SSH servers.
    remote_port: Maybe<Int> = "DEFAULT_REMOTE_PORT", env ["ANSIBLE_REMOTE_PORT"], ini ["defaults"."remote_port"],
        default None;
    /// User to log in as.
    remote_user: Maybe<Text> = "DEFAULT_REMOTE_USER", env ["ANSIBLE_REMOTE_USER"], ini ["defaults"."remote_user"],
        default None;
    /// Folder on hosts for files on their way.
    remote_tmp: Text = "REMOTE_TMP", env ["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"], ini ["defaults"."remote_tmp"],
        default Some("~/.ansible/tmp");
    /// Folder on hosts for `async` jobs.
    async_dir: Text = "ASYNC_DIR", env ["ANSIBLE_ASYNC_DIR"], ini ["defaults"."async_dir"],
        default Some("~/.ansible_async");
    /// Where roles are looked for.
    roles_path: Paths = "DEFAULT_ROLES_PATH", env ["ANSIBLE_ROLES_PATH"], ini ["defaults"."roles_path"],
        default Some("{{ANSIBLE_HOME}}/roles:/usr/share/ansible/roles:/etc/ansible/roles");
    /// File systems without SELinux contexts of their own.
    selinux_special_fs: List = "DEFAULT_SELINUX_SPECIAL_FS", env ["ANSIBLE_SELINUX_SPECIAL_FS"],
        ini ["selinux"."special_context_filesystems"], default Some("fuse, nfs, vboxsf, ramfs, 9p, vfat");
    /// The look of the output: `default`, `minimal` or `oneline`.
    stdout_callback: Text = "DEFAULT_STDOUT_CALLBACK", env ["ANSIBLE_STDOUT_CALLBACK"],
        ini ["defaults"."stdout_callback"], default Some("default");
    /// The program that `vault edit` starts.
    editor: Text = "EDITOR", env ["ANSIBLE_EDITOR", "EDITOR"], ini ["defaults"."editor"], default Some("vi");
    /// The task debugger opens for whatever fails or cannot be reached.
    enable_task_debugger: Bool = "ENABLE_TASK_DEBUGGER", env ["ANSIBLE_ENABLE_TASK_DEBUGGER"],
        ini ["defaults"."enable_task_debugger"], default Some("false");
    /// The task debugger does not open for failures that are ignored.
    task_debugger_ignore_errors: Bool = "TASK_DEBUGGER_IGNORE_ERRORS",
        env ["ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS"], ini ["defaults"."task_debugger_ignore_errors"],
        default Some("true");
    /// Strategy of plays that do not say.
    strategy: Text = "DEFAULT_STRATEGY", env ["ANSIBLE_STRATEGY"], ini ["defaults"."strategy"], default Some("linear");
    /// Test plugins in Python: looked into only to say that they are not supported.
    test_plugins: Paths = "DEFAULT_TEST_PLUGIN_PATH", env ["ANSIBLE_TEST_PLUGINS"], ini ["defaults"."test_plugins"],
        default Some("{{ANSIBLE_HOME}}/plugins/test:/usr/share/ansible/plugins/test");
    /// Seconds that making a connection may take.
    timeout: Int = "DEFAULT_TIMEOUT", env ["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"],
        ini ["defaults"."timeout", "ssh_connection"."timeout"], default Some("10");
    /// How hosts are reached: `ssh` or `local`.
    transport: Text = "DEFAULT_TRANSPORT", env ["ANSIBLE_TRANSPORT"], ini ["defaults"."transport"], default Some("ssh");
    /// Use only vault passwords whose id is the vault's.
    vault_id_match: Bool = "DEFAULT_VAULT_ID_MATCH", env ["ANSIBLE_VAULT_ID_MATCH"], ini ["defaults"."vault_id_match"],
        default Some("false");
    /// Vault id of passwords given without one.
    vault_identity: Text = "DEFAULT_VAULT_IDENTITY", env ["ANSIBLE_VAULT_IDENTITY"], ini ["defaults"."vault_identity"],
        default Some("default");
    /// Salt of vaults that are written, for vaults that come out the same every time.
    vault_encrypt_salt: Maybe<Text> = "VAULT_ENCRYPT_SALT", env ["ANSIBLE_VAULT_ENCRYPT_SALT"],
        ini ["defaults"."vault_encrypt_salt"], default None;
    /// Vault id to encrypt with when there are several.
    vault_encrypt_identity: Maybe<Text> = "DEFAULT_VAULT_ENCRYPT_IDENTITY", env ["ANSIBLE_VAULT_ENCRYPT_IDENTITY"],
        ini ["defaults"."vault_encrypt_identity"], default None;
    /// Vault ids with their password files.
    vault_identity_list: List = "DEFAULT_VAULT_IDENTITY_LIST", env ["ANSIBLE_VAULT_IDENTITY_LIST"],
        ini ["defaults"."vault_identity_list"], default Some("");
    /// File with the vault password, or a program that prints it.
    vault_password_file: Maybe<File> = "DEFAULT_VAULT_PASSWORD_FILE", env ["ANSIBLE_VAULT_PASSWORD_FILE"],
        ini ["defaults"."vault_password_file"], default None;
    /// How many `-v` to start from.
    verbosity: Int = "DEFAULT_VERBOSITY", env ["ANSIBLE_VERBOSITY"], ini ["defaults"."verbosity"], default Some("0");
    /// Show deprecations.
    deprecation_warnings: Bool = "DEPRECATION_WARNINGS", env ["ANSIBLE_DEPRECATION_WARNINGS"],
        ini ["defaults"."deprecation_warnings"], default Some("true");
    /// Show differences even without `--diff`.
    diff_always: Bool = "DIFF_ALWAYS", env ["ANSIBLE_DIFF_ALWAYS"], ini ["diff"."always"], default Some("false");
    /// Lines around each difference.
    diff_context: Int = "DIFF_CONTEXT", env ["ANSIBLE_DIFF_CONTEXT"], ini ["diff"."context"], default Some("3");
    /// Show tasks' arguments in their headings.
    display_args_to_stdout: Bool = "DISPLAY_ARGS_TO_STDOUT", env ["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"],
        ini ["defaults"."display_args_to_stdout"], default Some("false");
    /// Show skipped results.
    display_skipped_hosts: Bool = "DISPLAY_SKIPPED_HOSTS", env ["ANSIBLE_DISPLAY_SKIPPED_HOSTS"],
        ini ["defaults"."display_skipped_hosts"], default Some("true");
    /// Show results that are not changed.
    display_ok_hosts: Bool = "DISPLAY_OK_HOSTS", env ["ANSIBLE_DISPLAY_OK_HOSTS"],
        ini ["defaults"."display_ok_hosts"], default Some("true");
    /// Write failures to standard error.
    display_failed_stderr: Bool = "DISPLAY_FAILED_STDERR", env ["ANSIBLE_DISPLAY_FAILED_STDERR"],
        ini ["defaults"."display_failed_stderr"], default Some("false");
    /// Say when each host starts on a task.
    show_per_host_start: Bool = "SHOW_PER_HOST_START", env ["ANSIBLE_SHOW_PER_HOST_START"],
        ini ["defaults"."show_per_host_start"], default Some("false");
    /// Mark plays and tasks that run in check mode.
    check_mode_markers: Bool = "CHECK_MODE_MARKERS", env ["ANSIBLE_CHECK_MODE_MARKERS"],
        ini ["defaults"."check_mode_markers"], default Some("false");
    /// Say where a failed task is written.
    show_task_path_on_failure: Bool = "SHOW_TASK_PATH_ON_FAILURE", env ["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"],
        ini ["defaults"."show_task_path_on_failure"], default Some("false");
    /// How results are printed.
    result_format: Text = "CALLBACK_RESULT_FORMAT", env ["ANSIBLE_CALLBACK_RESULT_FORMAT"],
        ini ["defaults"."callback_result_format"], default Some("json"), one of ["json", "yaml"];
    /// Print results over several lines, or never.
    pretty_results: Maybe<Bool> = "CALLBACK_FORMAT_PRETTY", env ["ANSIBLE_CALLBACK_FORMAT_PRETTY"],
        ini ["defaults"."callback_format_pretty"], default None;
    /// What a key that is in a mapping twice is.
    duplicate_dict_key: Text = "DUPLICATE_YAML_DICT_KEY", env ["ANSIBLE_DUPLICATE_YAML_DICT_KEY"],
        ini ["defaults"."duplicate_dict_key"], default Some("warn"), one of ["error", "warn", "ignore"];
    /// Whether notifying a handler that is not there is an error, or a warning.
    error_on_missing_handler: Bool = "ERROR_ON_MISSING_HANDLER", env ["ANSIBLE_ERROR_ON_MISSING_HANDLER"],
        ini ["defaults"."error_on_missing_handler"], default Some("true");
    /// Check the hosts' SSH keys.
    host_key_checking: Bool = "HOST_KEY_CHECKING", env ["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"],
        ini ["defaults"."host_key_checking", "ssh_connection"."host_key_checking"], default Some("true");
    /// What a host pattern without hosts is.
    host_pattern_mismatch: Text = "HOST_PATTERN_MISMATCH", env ["ANSIBLE_HOST_PATTERN_MISMATCH"],
        ini ["inventory"."host_pattern_mismatch"], default Some("warning"), one of ["warning", "error", "ignore"];
    /// The Python that `ansible_python_interpreter` says; nothing here runs it.
    interpreter_python: Text = "INTERPRETER_PYTHON", env ["ANSIBLE_PYTHON_INTERPRETER"],
        ini ["defaults"."interpreter_python"], default Some("auto");
    /// What is done with group names that are no good variable names.
    force_valid_group_names: Text = "TRANSFORM_INVALID_GROUP_CHARS", env ["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"],
        ini ["defaults"."force_valid_group_names"], default Some("never"),
        one of ["always", "never", "ignore", "silently"];
    /// Whether an unknown keyword of a task is an error, or a warning.
    invalid_task_attribute_failed: Bool = "INVALID_TASK_ATTRIBUTE_FAILED", env ["ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED"],
        ini ["defaults"."invalid_task_attribute_failed"], default Some("true");
    /// Fail when any inventory source can't be read.
    any_unparsed_is_failed: Bool = "INVENTORY_ANY_UNPARSED_IS_FAILED", env ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"],
        ini ["inventory"."any_unparsed_is_failed"], default Some("false");
    /// Ways to read inventory sources, in the order to try them.
    inventory_plugins_enabled: List = "INVENTORY_ENABLED", env ["ANSIBLE_INVENTORY_ENABLED"],
        ini ["inventory"."enable_plugins"], default Some("host_list, script, auto, yaml, ini, toml");
    /// `inventory --list` shows the groups' variables as they are written.
    inventory_export: Bool = "INVENTORY_EXPORT", env ["ANSIBLE_INVENTORY_EXPORT"], ini ["inventory"."export"],
        default Some("false");
    /// Endings of files in inventory folders that are left out.
    inventory_ignore_extensions: List = "INVENTORY_IGNORE_EXTS", env ["ANSIBLE_INVENTORY_IGNORE"],
        ini ["defaults"."inventory_ignore_extensions", "inventory"."ignore_extensions"],
        default Some(".pyc, .pyo, .swp, .bak, ~, .rpm, .md, .txt, .rst, .orig, .cfg, .retry");
    /// Expressions for files in inventory folders that are left out.
    inventory_ignore_patterns: List = "INVENTORY_IGNORE_PATTERNS", env ["ANSIBLE_INVENTORY_IGNORE_REGEX"],
        ini ["defaults"."inventory_ignore_patterns", "inventory"."ignore_patterns"], default Some("");
    /// Fail when no inventory source can be read.
    unparsed_is_failed: Bool = "INVENTORY_UNPARSED_IS_FAILED", env ["ANSIBLE_INVENTORY_UNPARSED_FAILED"],
        ini ["inventory"."unparsed_is_failed"], default Some("false");
    /// Files larger than this are not compared.
    max_diff_size: Int = "MAX_FILE_SIZE_FOR_DIFF", env ["ANSIBLE_MAX_DIFF_SIZE"], ini ["defaults"."max_diff_size"],
        default Some("104448");
    /// Facts are variables of their own (`ansible_hostname`) besides `ansible_facts`.
    inject_facts_as_vars: Bool = "INJECT_FACTS_AS_VARS", env ["ANSIBLE_INJECT_FACT_VARS"],
        ini ["defaults"."inject_facts_as_vars"], default Some("true");
    /// The folder that ad-hoc commands and `inventory` take for the playbook's.
    playbook_dir: Maybe<File> = "PLAYBOOK_DIR", env ["ANSIBLE_PLAYBOOK_DIR"], ini ["defaults"."playbook_dir"],
        default None;
    /// Which playbook folders' `group_vars` and `host_vars` count.
    playbook_vars_root: Text = "PLAYBOOK_VARS_ROOT", env ["ANSIBLE_PLAYBOOK_VARS_ROOT"],
        ini ["defaults"."playbook_vars_root"], default Some("top"), one of ["top", "bottom", "all"];
    /// In which order groups' variables are laid over each other, the strongest last.
    variable_precedence: List = "VARIABLE_PRECEDENCE", env ["ANSIBLE_PRECEDENCE"], ini ["defaults"."precedence"],
        default Some("all_inventory, groups_inventory, all_plugins_inventory, all_plugins_play, \
                      groups_plugins_inventory, groups_plugins_play");
    /// Write the names of failed hosts to a file.
    retry_files_enabled: Bool = "RETRY_FILES_ENABLED", env ["ANSIBLE_RETRY_FILES_ENABLED"],
        ini ["defaults"."retry_files_enabled"], default Some("false");
    /// Folder of these files.
    retry_files_save_path: Maybe<File> = "RETRY_FILES_SAVE_PATH", env ["ANSIBLE_RETRY_FILES_SAVE_PATH"],
        ini ["defaults"."retry_files_save_path"], default None;
    /// Show what `set_stats` collected.
    show_custom_stats: Bool = "SHOW_CUSTOM_STATS", env ["ANSIBLE_SHOW_CUSTOM_STATS"],
        ini ["defaults"."show_custom_stats"], default Some("false");
    /// Options of all uses of ssh.
    ssh_args: Maybe<Text> = "SSH_ARGS", env ["ANSIBLE_SSH_ARGS"], ini ["ssh_connection"."ssh_args"], default None;
    /// Options of ssh, sftp and scp.
    ssh_common_args: Text = "SSH_COMMON_ARGS", env ["ANSIBLE_SSH_COMMON_ARGS"], ini ["ssh_connection"."ssh_common_args"],
        default Some("");
    /// Options of ssh alone.
    ssh_extra_args: Text = "SSH_EXTRA_ARGS", env ["ANSIBLE_SSH_EXTRA_ARGS"], ini ["ssh_connection"."ssh_extra_args"],
        default Some("");
    /// How often a connection is tried again.
    ssh_retries: Int = "SSH_RETRIES", env ["ANSIBLE_SSH_RETRIES"],
        ini ["connection"."retries", "ssh_connection"."retries"], default Some("0");
    /// Warn about problems of this machine.
    system_warnings: Bool = "SYSTEM_WARNINGS", env ["ANSIBLE_SYSTEM_WARNINGS"], ini ["defaults"."system_warnings"],
        default Some("true");
    /// Tags to run, when `--tags` is not given.
    tags_run: List = "TAGS_RUN", env ["ANSIBLE_RUN_TAGS"], ini ["tags"."run"], default Some("");
    /// Tags to skip, when `--skip-tags` is not given.
    tags_skip: List = "TAGS_SKIP", env ["ANSIBLE_SKIP_TAGS"], ini ["tags"."skip"], default Some("");
    /// Seconds that a task may take; 0: any.
    task_timeout: Int = "TASK_TIMEOUT", env ["ANSIBLE_TASK_TIMEOUT"], ini ["defaults"."task_timeout"], default Some("0");
    /// Endings of files with variables.
    yaml_valid_extensions: List = "YAML_FILENAME_EXTENSIONS", env ["ANSIBLE_YAML_FILENAME_EXT"],
        ini ["defaults"."yaml_valid_extensions"], default Some(".yml, .yaml, .json");
    /// Write verbose messages to standard error.
    verbose_to_stderr: Bool = "VERBOSE_TO_STDERR", env ["ANSIBLE_VERBOSE_TO_STDERR"],
        ini ["defaults"."verbose_to_stderr"], default Some("false");
    /// Tasks that need nothing of each other are sent to their host together, where no other host has to wait in between:
    /// `remote` (not with `connection: local`), `always` or `never`.
    send_ahead: Text = "SEND_AHEAD", env ["SHEVEK_SEND_AHEAD"], ini ["shevek"."send_ahead"], default Some("remote"),
        one of ["remote", "always", "never"];
    /// Folder with runners for other architectures.
    runner_dir: Maybe<File> = "RUNNER_DIR", env ["SHEVEK_RUNNER_DIR"], ini ["shevek"."runner_dir"], default None;
    /// Seconds that a host may take for the login, for the start of the runner, for becoming another user, and between two
    /// pieces of an upload.
    phase_timeout: Int = "PHASE_TIMEOUT", env ["SHEVEK_PHASE_TIMEOUT"], ini ["shevek"."phase_timeout"],
        default Some("60");
    /// Seconds that running tasks have to come to their end after an interrupt; then they are killed.
    interrupt_grace: Int = "INTERRUPT_GRACE", env ["SHEVEK_INTERRUPT_GRACE"], ini ["shevek"."interrupt_grace"],
        default Some("30");
    /// A `rescue` takes care of hosts that cannot be reached too. The variable `shevek_rescue_unreachable` is stronger.
    rescue_unreachable: Bool = "RESCUE_UNREACHABLE", env ["SHEVEK_RESCUE_UNREACHABLE"],
        ini ["shevek"."rescue_unreachable"], default Some("false");
    /// MiB that one host may have on their way to this machine (`fetch`).
    fetch_limit: Int = "FETCH_LIMIT", env ["SHEVEK_FETCH_LIMIT"], ini ["shevek"."fetch_limit"], default Some("4096");
}
