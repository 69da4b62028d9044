//! Names that Ansible knows and that mean nothing here.

/// A setting that is accepted and does nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unused {
    /// Ansible's name of it.
    pub name: &'static str,
    /// Its variables.
    pub env: &'static [&'static str],
    /// Its sections and keys.
    pub ini: &'static [(&'static str, &'static str)],
}

const fn unused(
    name: &'static str,
    env: &'static [&'static str],
    ini: &'static [(&'static str, &'static str)],
) -> Unused {
    Unused { name, env, ini }
}

/// Settings about Python, plugins written in it, cows, paging and services that are not here.
pub static UNUSED: &[Unused] = &[
    unused(
        "ALLOW_EMBEDDED_TEMPLATES",
        &["ANSIBLE_ALLOW_EMBEDDED_TEMPLATES"],
        &[("defaults", "allow_embedded_templates")],
    ),
    unused(
        "ANSIBLE_CONNECTION_PATH",
        &["ANSIBLE_CONNECTION_PATH"],
        &[("persistent_connection", "ansible_connection_path")],
    ),
    unused("ANSIBLE_COW_SELECTION", &["ANSIBLE_COW_SELECTION"], &[("defaults", "cow_selection")]),
    unused("ANSIBLE_COW_ACCEPTLIST", &["ANSIBLE_COW_ACCEPTLIST"], &[("defaults", "cowsay_enabled_stencils")]),
    unused("ANSIBLE_NOCOWS", &["ANSIBLE_NOCOWS"], &[("defaults", "nocows")]),
    unused("ANSIBLE_COW_PATH", &["ANSIBLE_COW_PATH"], &[("defaults", "cowpath")]),
    unused(
        "ANSIBLE_PIPELINING",
        &["ANSIBLE_PIPELINING"],
        &[("defaults", "pipelining"), ("connection", "pipelining")],
    ),
    unused(
        "AGNOSTIC_BECOME_PROMPT",
        &["ANSIBLE_AGNOSTIC_BECOME_PROMPT"],
        &[("privilege_escalation", "agnostic_become_prompt")],
    ),
    unused(
        "COLLECTIONS_SCAN_SYS_PATH",
        &["ANSIBLE_COLLECTIONS_SCAN_SYS_PATH"],
        &[("defaults", "collections_scan_sys_path")],
    ),
    unused(
        "COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH",
        &["ANSIBLE_COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH"],
        &[("defaults", "collections_on_ansible_version_mismatch")],
    ),
    unused("COLOR_CONSOLE_PROMPT", &["ANSIBLE_COLOR_CONSOLE_PROMPT"], &[("colors", "console_prompt")]),
    unused("COLOR_DOC_MODULE", &["ANSIBLE_COLOR_DOC_MODULE"], &[("colors", "doc_module")]),
    unused("COLOR_DOC_REFERENCE", &["ANSIBLE_COLOR_DOC_REFERENCE"], &[("colors", "doc_reference")]),
    unused("COLOR_DOC_LINK", &["ANSIBLE_COLOR_DOC_LINK"], &[("colors", "doc_link")]),
    unused("COLOR_DOC_DEPRECATED", &["ANSIBLE_COLOR_DOC_DEPRECATED"], &[("colors", "doc_deprecated")]),
    unused("COLOR_DOC_CONSTANT", &["ANSIBLE_COLOR_DOC_CONSTANT"], &[("colors", "doc_constant")]),
    unused("COLOR_DOC_PLUGIN", &["ANSIBLE_COLOR_DOC_PLUGIN"], &[("colors", "doc_plugin")]),
    unused("COVERAGE_REMOTE_OUTPUT", &["_ANSIBLE_COVERAGE_REMOTE_OUTPUT"], &[]),
    unused("COVERAGE_REMOTE_PATHS", &["_ANSIBLE_COVERAGE_REMOTE_PATH_FILTER"], &[]),
    unused("ACTION_WARNINGS", &["ANSIBLE_ACTION_WARNINGS"], &[("defaults", "action_warnings")]),
    unused("LOG_VERBOSITY", &["ANSIBLE_LOG_VERBOSITY"], &[("defaults", "log_verbosity")]),
    unused(
        "DOC_FRAGMENT_PLUGIN_PATH",
        &["ANSIBLE_DOC_FRAGMENT_PLUGINS"],
        &[("defaults", "doc_fragment_plugins")],
    ),
    unused("DEFAULT_ALLOW_UNSAFE_LOOKUPS", &[], &[("defaults", "allow_unsafe_lookups")]),
    unused("BECOME_PLUGIN_PATH", &["ANSIBLE_BECOME_PLUGINS"], &[("defaults", "become_plugins")]),
    unused("DEFAULT_CACHE_PLUGIN_PATH", &["ANSIBLE_CACHE_PLUGINS"], &[("defaults", "cache_plugins")]),
    unused(
        "DEFAULT_CALLBACK_PLUGIN_PATH",
        &["ANSIBLE_CALLBACK_PLUGINS"],
        &[("defaults", "callback_plugins")],
    ),
    unused("DEFAULT_CLICONF_PLUGIN_PATH", &["ANSIBLE_CLICONF_PLUGINS"], &[("defaults", "cliconf_plugins")]),
    unused(
        "DEFAULT_CONNECTION_PLUGIN_PATH",
        &["ANSIBLE_CONNECTION_PLUGINS"],
        &[("defaults", "connection_plugins")],
    ),
    unused("DEFAULT_HTTPAPI_PLUGIN_PATH", &["ANSIBLE_HTTPAPI_PLUGINS"], &[("defaults", "httpapi_plugins")]),
    unused("DEFAULT_INTERNAL_POLL_INTERVAL", &[], &[("defaults", "internal_poll_interval")]),
    unused(
        "DEFAULT_INVENTORY_PLUGIN_PATH",
        &["ANSIBLE_INVENTORY_PLUGINS"],
        &[("defaults", "inventory_plugins")],
    ),
    unused("DEFAULT_JINJA2_EXTENSIONS", &["ANSIBLE_JINJA2_EXTENSIONS"], &[("defaults", "jinja2_extensions")]),
    unused("DEFAULT_JINJA2_NATIVE", &["ANSIBLE_JINJA2_NATIVE"], &[("defaults", "jinja2_native")]),
    unused(
        "DEFAULT_LIBVIRT_LXC_NOSECLABEL",
        &["ANSIBLE_LIBVIRT_LXC_NOSECLABEL"],
        &[("selinux", "libvirt_lxc_noseclabel")],
    ),
    unused(
        "DEFAULT_LOAD_CALLBACK_PLUGINS",
        &["ANSIBLE_LOAD_CALLBACK_PLUGINS"],
        &[("defaults", "bin_ansible_callbacks")],
    ),
    unused("DEFAULT_LOCAL_TMP", &["ANSIBLE_LOCAL_TEMP"], &[("defaults", "local_tmp")]),
    unused("DEFAULT_LOG_FILTER", &["ANSIBLE_LOG_FILTER"], &[("defaults", "log_filter")]),
    unused("DEFAULT_MODULE_COMPRESSION", &[], &[("defaults", "module_compression")]),
    unused("DEFAULT_MODULE_UTILS_PATH", &["ANSIBLE_MODULE_UTILS"], &[("defaults", "module_utils")]),
    unused("DEFAULT_NETCONF_PLUGIN_PATH", &["ANSIBLE_NETCONF_PLUGINS"], &[("defaults", "netconf_plugins")]),
    unused(
        "DEFAULT_NULL_REPRESENTATION",
        &["ANSIBLE_NULL_REPRESENTATION"],
        &[("defaults", "null_representation")],
    ),
    unused(
        "DEFAULT_STRATEGY_PLUGIN_PATH",
        &["ANSIBLE_STRATEGY_PLUGINS"],
        &[("defaults", "strategy_plugins")],
    ),
    unused("DEFAULT_SU", &["ANSIBLE_SU"], &[("defaults", "su")]),
    unused("DEFAULT_SYSLOG_FACILITY", &["ANSIBLE_SYSLOG_FACILITY"], &[("defaults", "syslog_facility")]),
    unused(
        "DEFAULT_TERMINAL_PLUGIN_PATH",
        &["ANSIBLE_TERMINAL_PLUGINS"],
        &[("defaults", "terminal_plugins")],
    ),
    unused(
        "DEFAULT_UNDEFINED_VAR_BEHAVIOR",
        &["ANSIBLE_ERROR_ON_UNDEFINED_VARS"],
        &[("defaults", "error_on_undefined_vars")],
    ),
    unused("DEFAULT_VARS_PLUGIN_PATH", &["ANSIBLE_VARS_PLUGINS"], &[("defaults", "vars_plugins")]),
    unused("DEVEL_WARNING", &["ANSIBLE_DEVEL_WARNING"], &[("defaults", "devel_warning")]),
    unused("DISPLAY_TRACEBACK", &["ANSIBLE_DISPLAY_TRACEBACK"], &[("defaults", "display_traceback")]),
    unused("DOCSITE_ROOT_URL", &[], &[("defaults", "docsite_root_url")]),
    unused("CONNECTION_FACTS_MODULES", &[], &[]),
    unused("FACTS_MODULES", &["ANSIBLE_FACTS_MODULES"], &[("defaults", "facts_modules")]),
    unused("GALAXY_IGNORE_CERTS", &["ANSIBLE_GALAXY_IGNORE"], &[("galaxy", "ignore_certs")]),
    unused("GALAXY_SERVER_TIMEOUT", &["ANSIBLE_GALAXY_SERVER_TIMEOUT"], &[("galaxy", "server_timeout")]),
    unused("GALAXY_ROLE_SKELETON", &["ANSIBLE_GALAXY_ROLE_SKELETON"], &[("galaxy", "role_skeleton")]),
    unused(
        "GALAXY_ROLE_SKELETON_IGNORE",
        &["ANSIBLE_GALAXY_ROLE_SKELETON_IGNORE"],
        &[("galaxy", "role_skeleton_ignore")],
    ),
    unused(
        "GALAXY_COLLECTION_SKELETON",
        &["ANSIBLE_GALAXY_COLLECTION_SKELETON"],
        &[("galaxy", "collection_skeleton")],
    ),
    unused(
        "GALAXY_COLLECTION_SKELETON_IGNORE",
        &["ANSIBLE_GALAXY_COLLECTION_SKELETON_IGNORE"],
        &[("galaxy", "collection_skeleton_ignore")],
    ),
    unused(
        "GALAXY_COLLECTIONS_PATH_WARNING",
        &["ANSIBLE_GALAXY_COLLECTIONS_PATH_WARNING"],
        &[("galaxy", "collections_path_warning")],
    ),
    unused("GALAXY_SERVER", &["ANSIBLE_GALAXY_SERVER"], &[("galaxy", "server")]),
    unused("GALAXY_SERVER_LIST", &["ANSIBLE_GALAXY_SERVER_LIST"], &[("galaxy", "server_list")]),
    unused("GALAXY_TOKEN_PATH", &["ANSIBLE_GALAXY_TOKEN_PATH"], &[("galaxy", "token_path")]),
    unused(
        "GALAXY_DISPLAY_PROGRESS",
        &["ANSIBLE_GALAXY_DISPLAY_PROGRESS"],
        &[("galaxy", "display_progress")],
    ),
    unused("GALAXY_CACHE_DIR", &["ANSIBLE_GALAXY_CACHE_DIR"], &[("galaxy", "cache_dir")]),
    unused(
        "GALAXY_DISABLE_GPG_VERIFY",
        &["ANSIBLE_GALAXY_DISABLE_GPG_VERIFY"],
        &[("galaxy", "disable_gpg_verify")],
    ),
    unused("GALAXY_GPG_KEYRING", &["ANSIBLE_GALAXY_GPG_KEYRING"], &[("galaxy", "gpg_keyring")]),
    unused(
        "GALAXY_IGNORE_INVALID_SIGNATURE_STATUS_CODES",
        &["ANSIBLE_GALAXY_IGNORE_SIGNATURE_STATUS_CODES"],
        &[("galaxy", "ignore_signature_status_codes")],
    ),
    unused(
        "GALAXY_REQUIRED_VALID_SIGNATURE_COUNT",
        &["ANSIBLE_GALAXY_REQUIRED_VALID_SIGNATURE_COUNT"],
        &[("galaxy", "required_valid_signature_count")],
    ),
    unused(
        "GALAXY_COLLECTION_IMPORT_POLL_INTERVAL",
        &["ANSIBLE_GALAXY_COLLECTION_IMPORT_POLL_INTERVAL"],
        &[],
    ),
    unused("GALAXY_COLLECTION_IMPORT_POLL_FACTOR", &["ANSIBLE_GALAXY_COLLECTION_IMPORT_POLL_FACTOR"], &[]),
    unused("INTERPRETER_PYTHON_FALLBACK", &[], &[]),
    unused(
        "NETWORK_GROUP_MODULES",
        &["ANSIBLE_NETWORK_GROUP_MODULES"],
        &[("defaults", "network_group_modules")],
    ),
    unused("MODULE_IGNORE_EXTS", &["ANSIBLE_MODULE_IGNORE_EXTS"], &[("defaults", "module_ignore_exts")]),
    unused(
        "MODULE_STRICT_UTF8_RESPONSE",
        &["ANSIBLE_MODULE_STRICT_UTF8_RESPONSE"],
        &[("defaults", "module_strict_utf8_response")],
    ),
    unused(
        "OLD_PLUGIN_CACHE_CLEARING",
        &["ANSIBLE_OLD_PLUGIN_CACHE_CLEAR"],
        &[("defaults", "old_plugin_cache_clear")],
    ),
    unused("PAGER", &["ANSIBLE_PAGER", "PAGER"], &[("defaults", "pager")]),
    unused(
        "PARAMIKO_HOST_KEY_AUTO_ADD",
        &["ANSIBLE_PARAMIKO_HOST_KEY_AUTO_ADD"],
        &[("paramiko_connection", "host_key_auto_add")],
    ),
    unused(
        "PARAMIKO_LOOK_FOR_KEYS",
        &["ANSIBLE_PARAMIKO_LOOK_FOR_KEYS"],
        &[("paramiko_connection", "look_for_keys")],
    ),
    unused(
        "PERSISTENT_CONTROL_PATH_DIR",
        &["ANSIBLE_PERSISTENT_CONTROL_PATH_DIR"],
        &[("persistent_connection", "control_path_dir")],
    ),
    unused(
        "PERSISTENT_CONNECT_TIMEOUT",
        &["ANSIBLE_PERSISTENT_CONNECT_TIMEOUT"],
        &[("persistent_connection", "connect_timeout")],
    ),
    unused(
        "PERSISTENT_CONNECT_RETRY_TIMEOUT",
        &["ANSIBLE_PERSISTENT_CONNECT_RETRY_TIMEOUT"],
        &[("persistent_connection", "connect_retry_timeout")],
    ),
    unused(
        "PERSISTENT_COMMAND_TIMEOUT",
        &["ANSIBLE_PERSISTENT_COMMAND_TIMEOUT"],
        &[("persistent_connection", "command_timeout")],
    ),
    unused("PLUGIN_FILTERS_CFG", &[], &[("defaults", "plugin_filters_cfg")]),
    unused(
        "PYTHON_MODULE_RLIMIT_NOFILE",
        &["ANSIBLE_PYTHON_MODULE_RLIMIT_NOFILE"],
        &[("defaults", "python_module_rlimit_nofile")],
    ),
    unused("RUN_VARS_PLUGINS", &["ANSIBLE_RUN_VARS_PLUGINS"], &[("defaults", "run_vars_plugins")]),
    unused("SSH_AGENT", &["ANSIBLE_SSH_AGENT"], &[("connection", "ssh_agent")]),
    unused(
        "SSH_AGENT_EXECUTABLE",
        &["ANSIBLE_SSH_AGENT_EXECUTABLE"],
        &[("connection", "ssh_agent_executable")],
    ),
    unused(
        "SSH_AGENT_KEY_LIFETIME",
        &["ANSIBLE_SSH_AGENT_KEY_LIFETIME"],
        &[("connection", "ssh_agent_key_lifetime")],
    ),
    unused("STRING_TYPE_FILTERS", &["ANSIBLE_STRING_TYPE_FILTERS"], &[("jinja2", "dont_type_filters")]),
    unused("TARGET_LOG_INFO", &["ANSIBLE_TARGET_LOG_INFO"], &[("defaults", "target_log_info")]),
    unused("WORKER_SHUTDOWN_POLL_COUNT", &["ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT"], &[]),
    unused("WORKER_SHUTDOWN_POLL_DELAY", &["ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY"], &[]),
    unused(
        "USE_PERSISTENT_CONNECTIONS",
        &["ANSIBLE_USE_PERSISTENT_CONNECTIONS"],
        &[("defaults", "use_persistent_connections")],
    ),
    unused("VARIABLE_PLUGINS_ENABLED", &["ANSIBLE_VARS_ENABLED"], &[("defaults", "vars_plugins_enabled")]),
    unused(
        "WIN_ASYNC_STARTUP_TIMEOUT",
        &["ANSIBLE_WIN_ASYNC_STARTUP_TIMEOUT"],
        &[("defaults", "win_async_startup_timeout")],
    ),
    unused("NETCONF_SSH_CONFIG", &["ANSIBLE_NETCONF_SSH_CONFIG"], &[("netconf_connection", "ssh_config")]),
    unused(
        "VALIDATE_ACTION_GROUP_METADATA",
        &["ANSIBLE_VALIDATE_ACTION_GROUP_METADATA"],
        &[("defaults", "validate_action_group_metadata")],
    ),
];
