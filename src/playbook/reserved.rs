//! Names that variables had better not have: keywords, and what templates know already.

use shevek_diag::Diagnostic;
use shevek_value::Value;

/// The keywords of plays, roles, blocks and tasks, and the functions of templates, sorted.
const NAMES: [&str; 74] = [
    "action",
    "always",
    "any_errors_fatal",
    "args",
    "async",
    "async_val",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "block",
    "changed_when",
    "check_mode",
    "collections",
    "connection",
    "cycler",
    "debugger",
    "delay",
    "delegate_facts",
    "delegate_to",
    "dict",
    "diff",
    "environment",
    "fact_path",
    "failed_when",
    "force_handlers",
    "gather_facts",
    "gather_timeout",
    "handlers",
    "hosts",
    "ignore_errors",
    "ignore_unreachable",
    "joiner",
    "lipsum",
    "local_action",
    "lookup",
    "loop",
    "loop_control",
    "loop_with",
    "max_fail_percentage",
    "module_defaults",
    "name",
    "namespace",
    "no_log",
    "notify",
    "now",
    "omit",
    "order",
    "poll",
    "port",
    "post_tasks",
    "pre_tasks",
    "q",
    "query",
    "range",
    "register",
    "remote_user",
    "rescue",
    "retries",
    "roles",
    "run_once",
    "serial",
    "strategy",
    "tags",
    "tasks",
    "throttle",
    "timeout",
    "undef",
    "until",
    "vars_files",
    "vars_prompt",
    "when",
    "with_",
];

/// What to tell of a variable of that name; `None`: nothing.
pub fn reserved(name: &Value) -> Option<Box<Diagnostic>> {
    let text = name.as_str()?;
    NAMES.binary_search(&text).is_ok().then(|| {
        Diagnostic::warning(format!("Found variable using reserved name '{text}'."))
            .at_maybe(name.origin(), "")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_all_of_it_is_found() {
        assert!(NAMES.is_sorted());
        assert!(reserved(&Value::str("query")).is_some());
        assert!(reserved(&Value::str("queries")).is_none());
    }
}
