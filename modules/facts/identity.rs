//! The user that the facts are gathered as, and its environment.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, put};

/// `user_*`, real and effective ids.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let own = host.identity();
    // As Python's getpass tells it: by the environment first, which `su` leaves as it was when somebody becomes root.
    let named = ["LOGNAME", "USER", "LNAME", "USERNAME"].iter().find_map(|name| host.env(name));
    let named = named.map(|name| host.user(&name)).transpose()?.flatten();
    if let Some(user) = named.map_or_else(|| host.user_of(own.uid), |user| Ok(Some(user)))? {
        put(facts, "user_id", user.name);
        put(facts, "user_uid", user.uid);
        put(facts, "user_gid", user.gid);
        put(facts, "user_gecos", user.comment);
        put(facts, "user_dir", user.home);
        put(facts, "user_shell", user.shell);
    } else {
        put(facts, "user_id", own.uid.to_string());
        put(facts, "user_uid", own.uid);
        put(facts, "user_gid", own.gid);
    }
    for name in ["real_user_id", "effective_user_id"] {
        put(facts, name, own.uid);
    }
    for name in ["real_group_id", "effective_group_id"] {
        put(facts, name, own.gid);
    }
    Ok(())
}

/// `env`.
pub(super) fn environment(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let variables = host.environment().into_iter().map(|(name, value)| (name, value.into()));
    put(facts, "env", Val::Map(variables.collect()));
    Ok(())
}
