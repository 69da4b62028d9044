//! Set and show access control lists.
//!
//! ```yaml
//! - ansible.posix.acl: { path: /etc/foo, entity: joe, etype: user, permissions: r, state: present }
//! - ansible.posix.acl: { path: /etc/foo.d, entity: joe, etype: user, permissions: rw, default: true, state: present }
//! - ansible.posix.acl: { path: /etc/foo, entry: 'user:joe:-', state: absent }
//! - ansible.posix.acl: { path: /etc/foo }
//! ```
use shevek_kit::prelude::*;

/// Arguments of `acl`.
#[derive(Args)]
#[module(procedure, collection = "ansible.posix")]
pub struct Acl {
    /// The file or folder.
    #[arg(alias = "name")]
    path: std::path::PathBuf,
    /// The entry in one: `user:joe:rw`.
    entry: Option<String>,
    /// Whom it is for, where that is a user or a group.
    #[arg(default = "")]
    entity: String,
    /// Whom it is for.
    etype: Option<Whom>,
    /// What they may do: of `r`, `w`, `x`, `X`.
    permissions: Option<String>,
    /// Whether the entry is there, or is only to be shown.
    #[arg(default = "query")]
    state: State,
    /// Follow a link.
    #[arg(default = true)]
    follow: bool,
    /// Mean the list that new files in the folder get.
    #[arg(default = false)]
    default: bool,
    /// Do so with all that is in the folder.
    #[arg(default = false, alias = "recurse")]
    recursive: bool,
    /// What becomes of the mask.
    #[arg(default = "default")]
    recalculate_mask: Mask,
    /// The list is one of NFS 4.
    #[arg(default = false)]
    use_nfsv4_acls: bool,
}

/// Whom an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Whom {
    /// A group.
    Group,
    /// The most that anybody but the owner may do.
    Mask,
    /// All others.
    Other,
    /// A user.
    User,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum State {
    /// The entry is not there.
    Absent,
    /// The entry is there.
    Present,
    /// Nothing.
    Query,
}

/// What becomes of the mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Mask {
    /// It is made anew where it was not set.
    Default,
    /// It is made anew.
    #[choice("mask")]
    Anew,
    /// It stays.
    #[choice("no_mask")]
    Kept,
}

/// An entry with its parts.
struct Entry {
    default: bool,
    whom: String,
    entity: String,
    permissions: Option<String>,
}

impl Procedure for Acl {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        if !host.exists(&self.path) {
            return Err(Fault::absent("Path not found or not accessible."));
        }
        let entry = self.entry()?;
        let (get, set) = match self.use_nfsv4_acls {
            true => ("nfs4_getfacl", "nfs4_setfacl"),
            false => ("getfacl", "setfacl"),
        };
        host.need(get)?;
        let (mut changed, mut words) = (false, "current acl".to_owned());
        if self.state != State::Query {
            host.need(set)?;
            let is_present = self.state == State::Present;
            let shown = self.shown(&entry, is_present);
            let option = match (is_present, self.use_nfsv4_acls) {
                (true, true) => "-a",
                (true, false) => "-m",
                (false, _) => "-x",
            };
            let command = |first: Option<&str>| {
                let command = cmd(set).args(first).flag("-d", entry.default).args([option, &shown]);
                self.options(command, true).arg(&self.path)
            };
            changed = self.changes(host, command(Some("--test")), &shown)?;
            if changed {
                let command = command(None).does(Effect::Nothing);
                host.run(if is_present { command } else { command.any_rc() })?;
            }
            words = format!("{shown} is {}", self.state.word());
        }
        let command = cmd(get).flag("-d", entry.default);
        let command = if self.use_nfsv4_acls { command } else { command.arg("--absolute-names") };
        let acl = lines(&host.ask(self.options(command.arg("--omit-header"), false).arg(&self.path))?);
        Ok(Outcome::ok().changed_if(changed).with("msg", words).with("acl", acl))
    }
}

/// What a tool printed, without remarks and a last empty line.
fn lines(ran: &Ran) -> Vec<String> {
    let out = ran.out();
    let mut lines: Vec<String> =
        out.lines().filter(|line| !line.starts_with('#')).map(|line| line.trim().to_owned()).collect();
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

impl Acl {
    /// The entry that the task means, its parts checked as Ansible checks them.
    fn entry(&self) -> Result<Entry> {
        let state = self.state.word();
        let has_permissions = self.permissions.as_deref().is_some_and(|text| !text.is_empty());
        if self.state == State::Query {
            if self.recursive {
                fail!("'recursive' MUST NOT be set when 'state=query'.");
            }
            if self.recalculate_mask != Mask::Default {
                fail!("'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.");
            }
        }
        let Some(entry) = self.entry.as_deref().filter(|entry| !entry.is_empty()) else {
            if self.state == State::Absent && has_permissions && !self.use_nfsv4_acls {
                fail!("'permissions' MUST NOT be set when 'state=absent'.");
            }
            if self.state == State::Absent && self.entity.is_empty() {
                fail!("'entity' MUST be set when 'state=absent'.");
            }
            if self.state != State::Query && self.etype.is_none() {
                fail!("'etype' MUST be set when 'state={state}'.");
            }
            return Ok(Entry {
                default: self.default,
                whom: self.etype.map(|etype| etype.word().to_owned()).unwrap_or_default(),
                entity: self.entity.clone(),
                permissions: self.permissions.clone(),
            });
        };
        if self.etype.is_some() || !self.entity.is_empty() || has_permissions {
            fail!("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.");
        }
        let colons = entry.matches(':').count();
        match self.state {
            State::Present if !matches!(colons, 2 | 3) => {
                fail!("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.")
            }
            State::Absent if !matches!(colons, 1 | 2) => {
                fail!("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.")
            }
            State::Query => fail!("'entry' MUST NOT be set when 'state=query'."),
            State::Present | State::Absent => {}
        }
        let mut parts = entry.split(':');
        let default = entry.to_lowercase().starts_with('d');
        if default {
            parts.next();
        }
        let whom = match parts.next().unwrap_or_default().to_lowercase().chars().next() {
            Some('u') => "user",
            Some('g') => "group",
            Some('m') => "mask",
            Some('o') => "other",
            _ => fail!("'entry' is neither of a user, a group, a mask nor others: {entry}"),
        };
        Ok(Entry {
            default: default || self.default,
            whom: whom.to_owned(),
            entity: parts.next().unwrap_or_default().to_owned(),
            permissions: parts.next().map(str::to_owned),
        })
    }

    /// The entry as the tools take it.
    fn shown(&self, entry: &Entry, with_permissions: bool) -> String {
        let Entry { whom, entity, permissions, .. } = entry;
        if self.use_nfsv4_acls {
            let flag = if whom == "group" { "g" } else { "" };
            return format!("A:{flag}:{entity}:{}tcy", permissions.as_deref().unwrap_or_default());
        }
        match permissions.as_deref().filter(|permissions| with_permissions && !permissions.is_empty()) {
            Some(permissions) => format!("{whom}:{entity}:{permissions}"),
            None => format!("{whom}:{entity}"),
        }
    }

    fn options(&self, command: Command, sets: bool) -> Command {
        let command = command
            .flag("--recursive", self.recursive && !self.use_nfsv4_acls)
            .flag("--mask", sets && self.recalculate_mask == Mask::Anew)
            .flag("--no-mask", sets && self.recalculate_mask == Mask::Kept);
        command.flag("--physical", !self.follow && !self.use_nfsv4_acls)
    }

    /// Whether the tool would change anything.
    fn changes(&self, host: &Probe, test: Command, entry: &str) -> Result<bool> {
        let lines = lines(&host.ask(test)?);
        if self.use_nfsv4_acls {
            // The new entry is shown above the ones that are there: then it is there already if it stands there twice.
            return Ok(lines.iter().filter(|line| *line == entry).count() != 2);
        }
        // Differs from Ansible: there one file of a tree that is as wanted is enough to leave the others as they are.
        Ok(lines.is_empty() || lines.iter().any(|line| !line.ends_with("*,*")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        let world = World::new().program("getfacl").program("setfacl").file("/srv/a", "");
        let world =
            world.says("getfacl --absolute-names --omit-header /srv/a", "user::rw-\nuser:joe:r--\n\n");
        world.says("getfacl -d --absolute-names --omit-header /srv/a", "")
    }

    #[test]
    fn an_entry_is_added_once() {
        let args = "{ path: /srv/a, entity: joe, etype: user, permissions: r, state: present }";
        let new = world().says("setfacl --test -m user:joe:r /srv/a", "/srv/a: u::rw-,u:joe:r--,*\n");
        let done = conform::<Acl>(args, new).changed().ran(["setfacl -m user:joe:r /srv/a"]);
        done.gives("msg", "user:joe:r is present").gives("acl", vec!["user::rw-", "user:joe:r--"]);
        let there = world().says("setfacl --test -m user:joe:r /srv/a", "/srv/a: *,*\n");
        conform::<Acl>(args, there).unchanged().ran([]);
    }

    #[test]
    fn an_entry_in_one_word_is_taken_apart() {
        let world = world()
            .says(
                "setfacl --test -d -m user:joe:rw --recursive --mask --physical /srv/a",
                "/srv/a: u:joe:rw-,*\n",
            )
            .says("getfacl -d --absolute-names --omit-header --recursive --physical /srv/a", "");
        let args = "{ path: /srv/a, entry: 'default:user:joe:rw', state: present, recurse: yes, follow: no, recalculate_mask: mask }";
        conform::<Acl>(args, world).ran(["setfacl -d -m user:joe:rw --recursive --mask --physical /srv/a"]);
        let world = self::world().says("setfacl --test -x group:ops /srv/a", "/srv/a: u::rw-,*\n");
        conform::<Acl>("{ path: /srv/a, entry: 'g:ops:-', state: absent }", world)
            .ran(["setfacl -x group:ops /srv/a"])
            .gives("msg", "group:ops is absent");
    }

    #[test]
    fn nothing_is_changed_by_a_question() {
        conform::<Acl>("{ path: /srv/a }", world()).unchanged().gives("msg", "current acl");
        conform::<Acl>("{ path: /srv/b }", world()).failed("Path not found or not accessible.");
        conform::<Acl>("{ path: /srv/a, recursive: yes }", world()).failed("'recursive' MUST NOT be set");
        conform::<Acl>("{ path: /srv/a, entry: 'u:a', state: present }", world()).failed("3 or 4 sections");
        conform::<Acl>("{ path: /srv/a, state: absent, etype: user }", world())
            .failed("'entity' MUST be set");
        conform::<Acl>("{ path: /srv/a, state: present }", world()).failed("'etype' MUST be set");
    }
}
