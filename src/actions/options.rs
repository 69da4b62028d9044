//! Short forms for the options of actions, which are declared by hand: few have more than three.

use shevek_kit::Kind;
use shevek_kit::schema::{Nature, Opt, Preset, Rule, Schema};

/// An option that need not be given.
pub(crate) const fn opt(name: &'static str, kind: Kind, doc: &'static str) -> Opt {
    Opt { name, aliases: &[], kind, required: false, default: Preset::None, doc, secret: false }
}

/// An option that must be given.
pub(crate) const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Opt {
    Opt { required: true, ..opt(name, kind, doc) }
}

/// An option with a default.
pub(crate) const fn preset(name: &'static str, kind: Kind, default: Preset, doc: &'static str) -> Opt {
    Opt { default, ..opt(name, kind, doc) }
}

/// The schema of an action.
pub(crate) const fn schema(name: &'static str, declared: &'static [Opt], rules: &'static [Rule]) -> Schema {
    Schema {
        name,
        collection: "ansible.builtin",
        aliases: &[],
        nature: Nature::Procedure,
        declared,
        rules,
        open: false,
    }
}

/// The schema of an action that takes any argument.
pub(crate) const fn open(name: &'static str, declared: &'static [Opt]) -> Schema {
    Schema { open: true, ..schema(name, declared, &[]) }
}
