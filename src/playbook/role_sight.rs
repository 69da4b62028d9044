//! What variables a role's tasks see, and what others see of it.

use std::sync::Arc;

use shevek_value::Map;

use crate::loader::{Hashes, combine};
use crate::model::Role;

/// Puts together what a role's tasks see, and what others see of it.
pub(crate) fn put_together(role: &mut Role, hashes: Hashes) {
    let lay = |below: &mut Arc<Map>, above: &Arc<Map>| {
        if below.is_empty() {
            *below = above.clone();
        } else if !above.is_empty() {
            *below = Arc::new(combine(below, above, hashes));
        }
    };
    let all: Vec<Arc<Role>> = role.all_dependencies().into_iter().cloned().collect();
    let mut defaults: Arc<Map> = Arc::default();
    all.iter().for_each(|dependency| lay(&mut defaults, &dependency.public_defaults));
    let mut public_defaults = defaults.clone();
    lay(&mut public_defaults, &role.own_defaults);
    role.parents.iter().for_each(|parent| lay(&mut defaults, &parent.own_defaults));
    lay(&mut defaults, &role.own_defaults);

    let mut public_vars: Arc<Map> = Arc::default();
    all.iter().for_each(|dependency| lay(&mut public_vars, &dependency.public_vars));
    let mut vars: Arc<Map> = Arc::default();
    for parent in &role.parents {
        lay(&mut vars, &parent.use_vars);
        lay(&mut vars, &parent.own_vars);
    }
    lay(&mut vars, &role.use_vars);
    lay(&mut vars, &role.own_vars);
    lay(&mut vars, &public_vars);
    lay(&mut vars, &role.own_vars);
    lay(&mut vars, &role.use_vars);
    lay(&mut public_vars, &role.own_vars);

    let mut params: Arc<Map> = Arc::default();
    role.parents.iter().for_each(|parent| lay(&mut params, &parent.own_params));
    lay(&mut params, &role.own_params);
    role.defaults = defaults;
    role.public_defaults = public_defaults;
    role.vars = vars;
    role.public_vars = public_vars;
    role.params = params;
}
