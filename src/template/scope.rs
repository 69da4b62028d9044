//! Where names are looked up.

use shevek_diag::{Diagnostic, Result};
use shevek_value::Value;

/// The variables that an expression sees. Values come as they were written: the evaluator renders them when used, so
/// an implementation only finds them, and nothing is rendered that nobody asks for.
pub trait Scope {
    /// The variable of that name, unrendered; `None`: there is none.
    fn get(&self, name: &str) -> Result<Option<Value>>;

    /// All names, for `vars`, `varnames` and "did you mean". May be slow.
    fn names(&self) -> Vec<String>;

    /// A note of a rendered variable, so that it need not be rendered again; the default keeps none.
    fn rendered(&self, _name: &str) -> Option<Value> {
        None
    }

    /// Takes note of a rendered variable.
    fn keep_rendered(&self, _name: &str, _value: &Value) {}

    /// Folders in which `template`, `file`, `include` … look for files, best first (role's folders, playbook's).
    fn search_path(&self) -> Vec<std::path::PathBuf> {
        Vec::new()
    }

    /// Takes a warning for the user; the default drops it.
    #[allow(clippy::boxed_local, reason = "diagnostics travel boxed")]
    fn warn(&self, _warning: Box<Diagnostic>) {}

    /// Takes note of a secret that a plugin brought, so that it is hidden wherever it turns up; the default drops it.
    fn learn(&self, _secret: &Value) {}

    /// The vault passwords of the run, for lookups that read encrypted files.
    fn vault(&self) -> shevek_vault::Vault {
        shevek_vault::Vault::default()
    }

    /// A setting of `ansible.cfg` by its name (`DEFAULT_FORKS`), for the `config` lookup; `None`: there is none.
    fn setting(&self, _name: &str) -> Option<Value> {
        None
    }

    /// What a section of `ansible.cfg` says under a key, for plugins with sections of their own.
    fn configured(&self, _section: &str, _key: &str) -> Option<String> {
        None
    }

    /// Whether this is a check run, in which what is unknown is undecided rather than an error.
    fn is_check(&self) -> bool {
        false
    }

    /// Whether a variable that is not here may be there in the real run: a check run could not tell which it would be given.
    fn is_open(&self) -> bool {
        false
    }
}
