//! What a task's keywords say of its result.

use shevek_actions::Outcome;
use shevek_diag::Diagnostic;
use shevek_playbook::Task;
use shevek_vars::HostScope;

use crate::keyword;

/// What a task's keywords say of its result, rendered once, before the task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Policy {
    /// Nothing of it is shown.
    pub(crate) no_log: bool,
    pub(crate) ignore_errors: bool,
    pub(crate) ignore_unreachable: bool,
    /// `None`: as configured.
    pub(crate) any_errors_fatal: Option<bool>,
    pub(crate) delegate_facts: bool,
}

impl Policy {
    /// Reads it, and says what of it cannot be rendered: a keyword that cannot is no permission, and hides rather than
    /// shows.
    // Differs from Ansible: there, an `ignore_errors` that cannot be rendered ignores the failure that it is itself.
    pub(crate) fn read(task: &Task, scope: &HostScope) -> (Self, Option<Box<Diagnostic>>) {
        let keywords = &task.keywords;
        let mut wrong = None;
        let mut flag = |name, written: &Option<_>, otherwise| {
            keyword::flag(scope, name, written.as_ref()).unwrap_or_else(|error| {
                wrong.get_or_insert(error);
                otherwise
            })
        };
        let policy = Self {
            no_log: flag("no_log", &keywords.no_log, Some(true)).unwrap_or(false),
            ignore_errors: flag("ignore_errors", &keywords.ignore_errors, None).unwrap_or(false),
            ignore_unreachable: flag("ignore_unreachable", &keywords.ignore_unreachable, None)
                .unwrap_or(false),
            any_errors_fatal: flag("any_errors_fatal", &keywords.any_errors_fatal, None),
            delegate_facts: flag("delegate_facts", &keywords.delegate_facts, None).unwrap_or(false),
        };
        (policy, wrong.or_else(|| keyword::all_fit(scope, task).err()))
    }

    /// That of a loop, from its items: a failure is ignored only when those of all items are.
    pub(crate) fn of_loop<'a>(items: impl Iterator<Item = (Self, &'a Outcome)>) -> Self {
        let mut all = Self { ignore_errors: true, ignore_unreachable: true, ..Self::default() };
        for (item, outcome) in items {
            all.no_log |= item.no_log;
            all.any_errors_fatal = all.any_errors_fatal.or(item.any_errors_fatal);
            all.ignore_errors &= item.ignore_errors || !outcome.failed;
            all.ignore_unreachable &= item.ignore_unreachable || !outcome.unreachable;
        }
        all
    }
}
