//! Keywords that tasks inherit from blocks, roles and plays.

use shevek_value::Value;

/// The keywords in force for a task, as written: its own, else the nearest block's, role's or play's.
///
/// `None`: nobody set it, so the option's or configuration's default holds. Values may be templates, which are rendered
/// with the task's variables.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "named as Ansible's keywords are")]
pub struct Keywords {
    pub connection: Option<Value>,
    pub port: Option<Value>,
    pub remote_user: Option<Value>,
    /// `become`.
    pub become_: Option<Value>,
    pub become_method: Option<Value>,
    pub become_user: Option<Value>,
    pub become_flags: Option<Value>,
    pub become_exe: Option<Value>,
    /// Mappings from action name to arguments, the play's first: later ones win. Keys are canonical short names
    /// (`copy`, `community.general.ini_file`) or `group/NAME`.
    pub module_defaults: Vec<Value>,
    /// Mappings (or templates of them), the play's first: later ones win.
    pub environment: Vec<Value>,
    pub no_log: Option<Value>,
    pub run_once: Option<Value>,
    pub ignore_errors: Option<Value>,
    pub ignore_unreachable: Option<Value>,
    pub check_mode: Option<Value>,
    pub diff: Option<Value>,
    pub any_errors_fatal: Option<Value>,
    pub throttle: Option<Value>,
    pub timeout: Option<Value>,
    pub debugger: Option<Value>,
    pub delegate_to: Option<Value>,
    pub delegate_facts: Option<Value>,
    /// `notify`: a name, a list of names, or a template of either.
    pub notify: Option<Value>,
}

impl Keywords {
    /// Calls `visit` for each that is set, by its name in Ansible.
    pub fn each<'a>(&'a self, visit: &mut dyn FnMut(&'static str, &'a Value)) {
        let single = [
            ("connection", &self.connection),
            ("port", &self.port),
            ("remote_user", &self.remote_user),
            ("become", &self.become_),
            ("become_method", &self.become_method),
            ("become_user", &self.become_user),
            ("become_flags", &self.become_flags),
            ("become_exe", &self.become_exe),
            ("no_log", &self.no_log),
            ("run_once", &self.run_once),
            ("ignore_errors", &self.ignore_errors),
            ("ignore_unreachable", &self.ignore_unreachable),
            ("check_mode", &self.check_mode),
            ("diff", &self.diff),
            ("any_errors_fatal", &self.any_errors_fatal),
            ("throttle", &self.throttle),
            ("timeout", &self.timeout),
            ("debugger", &self.debugger),
            ("delegate_to", &self.delegate_to),
            ("delegate_facts", &self.delegate_facts),
            ("notify", &self.notify),
        ];
        for (name, value) in single {
            if let Some(value) = value {
                visit(name, value);
            }
        }
        self.module_defaults.iter().for_each(|value| visit("module_defaults", value));
        self.environment.iter().for_each(|value| visit("environment", value));
    }
}
