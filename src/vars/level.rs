//! Which variable wins: the one ordered table.

/// Where a variable was set, from the weakest to the strongest, as Ansible documents its precedence.
///
/// Everything that layers variables sorts by this and by nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `defaults/` of roles.
    RoleDefaults,
    /// Group variables in the inventory source itself.
    InventoryGroupVars,
    /// `group_vars/all` beside the inventory.
    InventoryGroupVarsAll,
    /// `group_vars/all` beside the playbook.
    PlaybookGroupVarsAll,
    /// `group_vars/*` beside the inventory.
    InventoryGroupVarsFiles,
    /// `group_vars/*` beside the playbook.
    PlaybookGroupVarsFiles,
    /// Host variables in the inventory source itself.
    InventoryHostVars,
    /// `host_vars/*` beside the inventory.
    InventoryHostVarsFiles,
    /// `host_vars/*` beside the playbook.
    PlaybookHostVarsFiles,
    /// Facts, and `set_fact` values that were cached.
    Facts,
    /// `vars` of the play.
    PlayVars,
    /// `vars_prompt` of the play.
    PlayPrompts,
    /// `vars_files` of the play.
    PlayFiles,
    /// `vars/` of roles.
    RoleVars,
    /// `vars` of blocks.
    BlockVars,
    /// `vars` of the task.
    TaskVars,
    /// `include_vars`.
    IncludedVars,
    /// `set_fact` and registered results.
    SetFacts,
    /// Parameters of roles and of `include_role`.
    RoleParams,
    /// Variables of `include_tasks`.
    IncludeParams,
    /// `-e` on the command line.
    Extra,
    /// What the run itself knows (`inventory_hostname`, `groups`).
    Magic,
    /// The item of the loop.
    Loop,
}
