//! Manage user accounts.
//!
//! Adds, changes and removes users, with their groups, home folders, passwords and SSH keys.
//!
//! ```yaml
//! - user: { name: johnd, comment: John Doe, uid: 1040, group: admin }
//! - user: { name: james, shell: /bin/bash, groups: [admins, developers], append: yes }
//! - user: { name: johnd, state: absent, remove: yes }
//! - user: { name: jsmith, generate_ssh_key: yes, ssh_key_bits: 2048, ssh_key_file: .ssh/id_rsa }
//! ```
use std::path::{Path, PathBuf};

use shevek_kit::prelude::*;

mod home;
mod ssh_key;

/// Arguments of `user`.
#[derive(Args)]
#[module(resource)]
pub struct User {
    /// Name of the user.
    #[arg(alias = "user")]
    name: String,
    /// Whether the user exists.
    #[arg(default = "present")]
    state: Presence,
    /// Numeric id. Left out: the system chooses once, and later runs keep what it chose.
    uid: Option<u32>,
    /// Allow an id that another user has already.
    #[arg(default = false)]
    non_unique: bool,
    /// The primary group, by name or number.
    group: Option<String>,
    /// Further groups. An empty list: none but the primary one.
    groups: Option<Vec<String>>,
    /// Add to the further groups, leaving the user in those it has.
    #[arg(default = false)]
    append: bool,
    /// The comment (GECOS).
    comment: Option<String>,
    /// The home folder.
    home: Option<PathBuf>,
    /// The login shell.
    shell: Option<PathBuf>,
    /// The hash of the password, as in /etc/shadow.
    #[arg(secret)]
    password: Option<String>,
    /// Whether a password that differs is replaced, or only set for a new user.
    #[arg(default = "always")]
    update_password: UpdatePassword,
    /// Lock or unlock the password.
    password_lock: Option<bool>,
    /// Most days that a password is good for.
    password_expire_max: Option<i64>,
    /// Least days between changes of the password.
    password_expire_min: Option<i64>,
    /// Days of warning before the password must be changed.
    password_expire_warn: Option<i64>,
    /// Days after that until the account is disabled.
    password_expire_account_disable: Option<i64>,
    /// When the account ends, in seconds since 1970; negative: never.
    expires: Option<f64>,
    /// SELinux user of a new user.
    seuser: Option<String>,
    /// Remove the user even if it is logged in; overwrite SSH keys.
    #[arg(default = false)]
    force: bool,
    /// Remove the home folder and mail with the user.
    #[arg(default = false)]
    remove: bool,
    /// Make the home folder.
    #[arg(default = true, alias = "createhome")]
    create_home: bool,
    /// Move the home folder when `home` changes.
    #[arg(default = false)]
    move_home: bool,
    /// The folder that new home folders are copied from.
    skeleton: Option<String>,
    /// Whether a new user is a system user.
    #[arg(default = false)]
    system: bool,
    /// The umask that a new home folder is made with.
    umask: Option<String>,
    /// Lowest id that the system may choose for a new user.
    uid_min: Option<u32>,
    /// Highest id that the system may choose for a new user.
    uid_max: Option<u32>,
    /// Look only at the host's own files, and use the `luseradd` family of commands.
    #[arg(default = false)]
    local: bool,
    /// Make an SSH key for the user.
    #[arg(default = false)]
    generate_ssh_key: bool,
    /// Its length; 0 leaves that to ssh-keygen.
    #[arg(default = 0)]
    ssh_key_bits: u32,
    /// Its type.
    #[arg(default = "rsa")]
    ssh_key_type: String,
    /// Its file; a relative path starts from the home folder.
    ssh_key_file: Option<PathBuf>,
    /// Its comment.
    ssh_key_comment: Option<String>,
    /// Its passphrase.
    ssh_key_passphrase: Option<Secret>,
    /// Only for macOS.
    hidden: Option<bool>,
    /// Only for BSD.
    login_class: Option<String>,
    /// Only for Solaris.
    profile: Option<String>,
    /// Only for Solaris.
    authorization: Option<String>,
    /// Only for Solaris.
    role: Option<String>,
}

/// When a password is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum UpdatePassword {
    /// Whenever it differs.
    Always,
    /// Only for a new user.
    OnCreate,
}

/// One user as the host has it.
#[derive(Clone, State)]
pub struct UserState {
    /// Numeric id; unknown until the change when the system chooses it.
    uid: Known<u32>,
    /// Numeric id of the primary group.
    group: Known<u32>,
    /// The comment.
    comment: Known<String>,
    /// The home folder.
    home: Known<String>,
    /// The login shell.
    shell: Known<String>,
    /// Further groups, sorted.
    groups: Known<Vec<String>>,
    /// The hash, without the mark of a locked password.
    #[state(secret)]
    password: Known<String>,
    /// Whether the password is locked.
    #[state(name = "password_locked")]
    locked: Known<bool>,
    /// Day when the account ends.
    expires: Known<Option<i64>>,
    /// Days from the password's end to the account's.
    #[state(name = "password_expire_account_disable")]
    inactive: Known<Option<i64>>,
    /// Least days between changes of the password.
    #[state(name = "password_expire_min")]
    minimum: Known<Option<i64>>,
    /// Most days that a password is good for.
    #[state(name = "password_expire_max")]
    maximum: Known<Option<i64>>,
    /// Days of warning.
    #[state(name = "password_expire_warn")]
    warning: Known<Option<i64>>,
    /// Whether the home folder is there.
    #[state(name = "home_exists")]
    home_there: Known<bool>,
    /// Whether the SSH key is there.
    #[state(name = "ssh_key")]
    key_there: Known<bool>,
}

impl Resource for User {
    type State = UserState;

    fn observe(&self, host: &Probe) -> Result<Option<UserState>> {
        let user = if self.local {
            host.users()?.into_iter().find(|u| u.name == self.name)
        } else {
            host.user(&self.name)?
        };
        let Some(user) = user else { return Ok(None) };
        let shadow = host.shadow(&self.name)?;
        let of_shadow = |days: fn(&shevek_kit::Shadow) -> Option<i64>| shadow.as_ref().map(days).into();
        let mut groups: Vec<String> = host
            .groups()?
            .into_iter()
            .filter(|g| g.members.iter().any(|m| m == &self.name))
            .map(|g| g.name)
            .collect();
        groups.sort();
        let key = self.key_file(Path::new(&user.home));
        Ok(Some(UserState {
            uid: user.known_uid(),
            group: user.known_gid(),
            comment: Known::Is(user.comment),
            home_there: Known::Is(host.exists(&user.home)),
            home: Known::Is(user.home),
            shell: Known::Is(user.shell),
            groups: Known::Is(groups),
            password: shadow.as_ref().map(|s| s.password.trim_start_matches('!').to_owned()).into(),
            locked: shadow.as_ref().map(|s| s.password.starts_with('!')).into(),
            expires: of_shadow(|s| s.expires.filter(|d| *d >= 0)),
            inactive: of_shadow(|s| s.inactive),
            minimum: of_shadow(|s| s.minimum),
            maximum: of_shadow(|s| s.maximum),
            warning: of_shadow(|s| s.warning),
            key_there: Known::Is(host.exists(key)),
        }))
    }

    fn desire(&self, now: Option<&UserState>, host: &Probe) -> Result<Option<UserState>> {
        self.check(host)?;
        if self.state == Presence::Absent {
            return Ok(None);
        }
        let mut want = now.cloned().unwrap_or(UserState {
            uid: Known::Later,
            group: Known::Later,
            comment: Known::Later,
            home: Known::Later,
            shell: Known::Later,
            groups: Known::Later,
            password: Known::Later,
            locked: Known::Later,
            expires: Known::Later,
            inactive: Known::Later,
            minimum: Known::Later,
            maximum: Known::Later,
            warning: Known::Later,
            home_there: Known::Later,
            key_there: Known::Later,
        });
        if let Some(uid) = self.uid {
            want.uid = Known::Is(uid);
        }
        if let Some(group) = &self.group {
            want.group = find_group(host, group)?.known_gid();
        }
        if let Some(groups) = self.wanted_groups(host)? {
            let mut all = groups;
            if self.append {
                all.extend(now.and_then(|n| n.groups.clone().get()).unwrap_or_default());
            }
            all.sort();
            all.dedup();
            want.groups = Known::Is(all);
        }
        let text = |path: &PathBuf| Known::Is(path.to_string_lossy().into_owned());
        if let Some(comment) = &self.comment {
            want.comment = Known::Is(comment.clone());
        }
        if let Some(home) = &self.home {
            want.home = text(home);
        }
        if let Some(shell) = &self.shell {
            want.shell = text(shell);
        }
        self.want_password(now, &mut want);
        if let Some(expires) = self.expires {
            want.expires = Known::Is(days(expires)?);
        }
        for (option, field) in [
            (self.password_expire_account_disable, &mut want.inactive),
            (self.password_expire_min, &mut want.minimum),
            (self.password_expire_max, &mut want.maximum),
            (self.password_expire_warn, &mut want.warning),
        ] {
            if option.is_some() {
                *field = Known::Is(option);
            }
        }
        if self.create_home {
            want.home_there = Known::Is(true);
        }
        if self.generate_ssh_key {
            want.key_there = Known::Is(true);
        }
        Ok(Some(want))
    }

    fn event(&self, now: Option<&UserState>) -> Option<&'static str> {
        let overwritten = self.generate_ssh_key && self.force && self.state == Presence::Present;
        (overwritten && now.is_some_and(|n| n.key_there == Known::Is(true))).then_some("SSH key made anew")
    }

    fn apply(&self, change: Change<UserState>, host: &mut Host) -> Result<()> {
        let named = |f: Fault| f.with("name", &self.name);
        match change {
            Change::Remove(was) => {
                let mut command = cmd(self.program("userdel"))
                    .flag("-f", self.force && !self.local)
                    .flag("-r", self.remove)
                    .arg(&self.name)
                    .does(Effect::UserGone(self.name.clone()));
                if let Some(home) = was.home.get().filter(|_| self.remove) {
                    command = command.does(Effect::Gone(home.into()));
                }
                let ran = host.run(command).map_err(named)?;
                said(host, &ran);
                host.result("force", self.force);
                host.result("remove", self.remove);
            }
            Change::Create(to) => {
                let made = self.create(&to, host).map_err(named)?;
                host.result("system", self.system);
                host.result("create_home", self.create_home);
                self.finish(&to, made, host).map_err(named)?;
            }
            Change::Update { from, to } => {
                self.modify(&from, &to, host).map_err(named)?;
                self.finish(&to, false, host).map_err(named)?;
            }
        }
        Ok(())
    }

    fn result(&self, end: Option<&UserState>, outcome: &mut Outcome, host: &Probe) -> Result<()> {
        outcome.set("name", &self.name);
        outcome.set("state", self.state);
        let Some(user) = end else { return Ok(()) };
        if outcome.get("create_home").is_none() {
            outcome.set("append", self.append);
            outcome.set("move_home", self.move_home);
        }
        let known = |value: Option<Val>, key: &str, outcome: &mut Outcome| {
            if let Some(value) = value {
                outcome.set(key, value);
            }
        };
        known(user.uid.val(), "uid", outcome);
        known(user.group.val(), "group", outcome);
        known(user.comment.val(), "comment", outcome);
        known(user.home.val(), "home", outcome);
        known(user.shell.val(), "shell", outcome);
        if let Some(groups) = &self.groups {
            outcome.set("groups", groups.join(","));
        }
        if self.password.is_some() {
            outcome.set("password", "NOT_LOGGING_PASSWORD");
        }
        match user.home.clone().get() {
            Some(home) if self.generate_ssh_key => self.key_result(Path::new(&home), outcome, host),
            _ => Ok(()),
        }
    }
}

/// What a command said, into the result.
fn said(host: &mut Host, ran: &Ran) {
    for (key, text) in [("stdout", ran.out()), ("stderr", ran.err())] {
        if !text.is_empty() {
            host.result(key, text);
        }
    }
}

fn find_group(host: &Probe, group: &str) -> Result<shevek_kit::Group> {
    if let Ok(gid) = group.parse()
        && let Some(found) = host.group_of(gid)?
    {
        return Ok(found);
    }
    host.group(group)?.ok_or_else(|| Fault::absent(format!("Group {group} does not exist")))
}

impl User {
    fn check(&self, host: &Probe) -> Result<()> {
        refuse_options([self.name.as_str()])?;
        for (name, given) in [
            ("umask", self.umask.is_some()),
            ("uid_min", self.uid_min.is_some()),
            ("uid_max", self.uid_max.is_some()),
        ] {
            if self.local && given {
                fail!("'{name}' can not be used with 'local'");
            }
        }
        for (name, given) in [
            ("hidden", self.hidden.is_some()),
            ("login_class", self.login_class.is_some()),
            ("profile", self.profile.is_some()),
            ("authorization", self.authorization.is_some()),
            ("role", self.role.is_some()),
        ] {
            if given {
                host.warn(format!("{name} has no meaning on this system"));
            }
        }
        if self.groups.is_none() && self.append {
            host.warn(
                "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.",
            );
        }
        if self.password.as_deref().is_some_and(|p| !p.is_empty() && !looks_hashed(p)) {
            host.warn(
                "The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.",
            );
        }
        Ok(())
    }

    fn wanted_groups(&self, host: &Probe) -> Result<Option<Vec<String>>> {
        let Some(groups) = &self.groups else { return Ok(None) };
        let names = groups.iter().map(|g| g.trim()).filter(|g| !g.is_empty());
        names.map(|g| find_group(host, g).map(|g| g.name)).collect::<Result<Vec<_>>>().map(Some)
    }

    fn want_password(&self, now: Option<&UserState>, want: &mut UserState) {
        let lock = self.password_lock;
        if let Some(lock) = lock {
            want.locked = Known::Is(lock);
        }
        let Some(password) = &self.password else { return };
        let hash = password.trim_start_matches('!');
        let set = match now {
            None => true,
            Some(now) => {
                self.update_password == UpdatePassword::Always && now.password != Known::Is(hash.to_owned())
            }
        };
        if set {
            want.password = Known::Is(hash.to_owned());
            want.locked = Known::Is(lock == Some(true) || password.starts_with('!'));
        }
    }

    fn program(&self, name: &str) -> String {
        if self.local { format!("l{name}") } else { name.to_owned() }
    }

    /// The hash as it is handed to useradd and usermod.
    fn hash(to: &UserState) -> Option<String> {
        let hash = to.password.clone().get()?;
        Some(if to.locked == Known::Is(true) { format!("!{hash}") } else { hash })
    }

    fn account(&self, to: &UserState) -> Account {
        Account {
            name: self.name.clone(),
            uid: to.uid.get(),
            gid: to.group.get(),
            comment: to.comment.clone().get(),
            home: to.home.clone().get(),
            shell: to.shell.clone().get(),
            password: Self::hash(to),
            groups: to.groups.clone().get(),
            create_home: false,
            days: [(3, to.minimum), (4, to.maximum), (5, to.warning), (6, to.inactive), (7, to.expires)]
                .into_iter()
                .filter_map(|(column, days)| Some((column, days.get()?)))
                .collect(),
        }
    }

    /// Makes the user; true: its home folder was made here, not by useradd.
    fn create(&self, to: &UserState, host: &mut Host) -> Result<bool> {
        let mut made = false;
        let mut command = cmd(self.program("useradd"));
        if let Known::Is(uid) = to.uid {
            command = command.arg("-u").arg(uid.to_string()).flag("-o", self.non_unique);
        }
        command = command.opt("-Z", self.seuser.as_ref());
        if let Some(group) = &self.group {
            command = command.arg("-g").arg(group);
        } else if host.group(&self.name)?.is_some() {
            command = command.arg(if self.local { "-n" } else { "-N" });
        }
        let groups = self.wanted_groups(host)?.unwrap_or_default();
        if !groups.is_empty() && !self.local {
            command = command.arg("-G").arg(groups.join(","));
        }
        command = command.opt("-c", self.comment.as_ref());
        if let Some(home) = &self.home {
            if self.create_home && home.parent().is_some_and(|p| !host.is_folder(p)) {
                made = self.make_home(home, host)?;
            }
            command = command.arg("-d").arg(home);
        }
        command = command.opt("-s", self.shell.as_ref().map(|s| s.display()));
        if let Known::Is(expires) = to.expires
            && !self.local
        {
            command = command.arg("-e").arg(date(expires));
        }
        command = command.opt("-f", self.password_expire_account_disable).opt("-p", Self::hash(to));
        if self.create_home {
            command = command.flag("-m", !self.local).opt("-k", self.skeleton.as_ref());
            command = command.opt("-K", self.umask.as_ref().map(|umask| format!("UMASK={umask}")));
        } else {
            command = command.arg("-M");
        }
        command = command
            .flag("-r", self.system)
            .opt("-K", self.uid_min.map(|uid| format!("UID_MIN={uid}")))
            .opt("-K", self.uid_max.map(|uid| format!("UID_MAX={uid}")))
            .arg(&self.name);
        let mut account = Account { create_home: self.create_home, ..self.account(to) };
        account.days.retain(|(column, _)| *column >= 6);
        if account.gid.is_none()
            && let Some(group) = host.group(&self.name)?
        {
            account.gid = Some(group.gid);
        }
        let ran = host.run(command.does(Effect::User(account)))?;
        said(host, &ran);
        self.local_rest(&groups, &[], to, host)?;
        Ok(made)
    }

    fn modify(&self, from: &UserState, to: &UserState, host: &mut Host) -> Result<()> {
        let start = cmd(self.program("usermod"));
        let mut command = start.clone();
        if let Known::Is(uid) = to.uid
            && to.uid != from.uid
        {
            command = command.arg("-u").arg(uid.to_string()).flag("-o", self.non_unique);
        }
        if to.group != from.group {
            command = command.opt("-g", to.group.get());
        }
        let (had, shall) =
            (from.groups.clone().get().unwrap_or_default(), to.groups.clone().get().unwrap_or_default());
        let added: Vec<String> = shall.iter().filter(|g| !had.contains(g)).cloned().collect();
        let dropped: Vec<String> = had.iter().filter(|g| !shall.contains(g)).cloned().collect();
        if had != shall && !self.local {
            let groups = if self.append { &added } else { &shall };
            command = command.flag("-a", self.append).arg("-G").arg(groups.join(","));
        }
        if to.comment != from.comment {
            command = command.opt("-c", to.comment.clone().get());
        }
        if to.home != from.home {
            command = command.opt("-d", to.home.clone().get()).flag("-m", self.move_home);
        }
        if to.shell != from.shell {
            command = command.opt("-s", to.shell.clone().get());
        }
        if let Known::Is(expires) = to.expires
            && to.expires != from.expires
            && !self.local
        {
            command = command.arg("-e").arg(date(expires));
        }
        if let Known::Is(Some(inactive)) = to.inactive
            && to.inactive != from.inactive
        {
            command = command.arg("-f").arg(inactive.to_string());
        }
        if to.password != from.password {
            command = command.opt("-p", Self::hash(to));
        } else if to.locked != from.locked {
            command =
                command.flag("-L", to.locked == Known::Is(true)).flag("-U", to.locked == Known::Is(false));
        }
        if command != start {
            let mut account = self.account(to);
            account.days.retain(|(column, _)| *column >= 6);
            let mut command = command.arg(&self.name).does(Effect::User(account));
            if let (Some(old), Some(new)) = (from.home.clone().get(), to.home.clone().get())
                && old != new
                && self.move_home
                && host.is_folder(&old)
            {
                command = command.does(Effect::Gone(old.into())).does(Effect::Folder(new.into()));
            }
            let ran = host.run(command)?;
            said(host, &ran);
        }
        self.local_rest(&added, if self.append { &[] } else { &dropped }, to, host)
    }

    /// What the `luseradd` family cannot do in one command.
    fn local_rest(
        &self,
        added: &[String],
        dropped: &[String],
        to: &UserState,
        host: &mut Host,
    ) -> Result<()> {
        if !self.local {
            return Ok(());
        }
        if let Some(Known::Is(expires)) = self.expires.map(|_| to.expires) {
            let days = expires.unwrap_or(-1).to_string();
            let account = Account { name: self.name.clone(), days: vec![(7, expires)], ..Account::default() };
            host.run(cmd("lchage").arg("-E").arg(days).arg(&self.name).does(Effect::User(account)))?;
        }
        let effect =
            Account { name: self.name.clone(), groups: to.groups.clone().get(), ..Account::default() };
        for (flag, groups) in [("-M", added), ("-m", dropped)] {
            for group in groups {
                let command = cmd("lgroupmod").arg(flag).arg(&self.name).arg(group);
                host.run(command.does(Effect::User(effect.clone())))?;
            }
        }
        Ok(())
    }

    /// What is done once the user is there: home folder, SSH key, the password's age.
    fn finish(&self, to: &UserState, home_made: bool, host: &mut Host) -> Result<()> {
        let Some(user) = host.user(&self.name)? else { return Ok(()) };
        let home = PathBuf::from(&user.home);
        if self.create_home && (self.make_home(&home, host)? || home_made) {
            self.own_home(&home, &user, host)?;
        }
        if self.generate_ssh_key {
            self.make_key(&home, &user, host)?;
        }
        let shadow = host.shadow(&self.name)?.unwrap_or_default();
        let mut command = cmd("chage");
        let mut days = Vec::new();
        for (flag, column, wanted, now) in [
            ("-m", 3, to.minimum, shadow.minimum),
            ("-M", 4, to.maximum, shadow.maximum),
            ("-W", 5, to.warning, shadow.warning),
        ] {
            if let Known::Is(Some(wanted)) = wanted
                && now != Some(wanted)
            {
                command = command.arg(flag).arg(wanted.to_string());
                days.push((column, Some(wanted)));
            }
        }
        if !days.is_empty() {
            let effect = Effect::User(Account { name: self.name.clone(), days, ..Account::default() });
            host.run(command.arg(&self.name).does(effect))?;
        }
        Ok(())
    }
}

/// The day of a time; `None` for one before 1970, which stands for "never".
fn days(expires: f64) -> Result<Option<i64>> {
    // The last year that Python's clock can tell is 2147485547.
    if !expires.is_finite() || expires.abs() >= 67_768_036_191_676_800.0 {
        let why = match expires {
            _ if expires.is_nan() => "Invalid value NaN (not a number)",
            _ if expires.is_infinite() => "cannot convert float infinity to integer",
            _ if expires.abs() < 9.2e18 => "[Errno 75] Value too large for defined data type",
            _ => "timestamp out of range for platform time_t",
        };
        fail!("Invalid value for 'expires' None: {why}");
    }
    let days = (expires / 86_400.0).floor() as i64;
    // useradd reads years of four digits.
    if days > LAST_DAY {
        fail!("Invalid value for 'expires' {expires}: it is after the year 9999");
    }
    Ok((expires >= 0.0).then_some(days))
}

/// The last day of the year 9999.
const LAST_DAY: i64 = 2_932_896;

/// A day as useradd and usermod read it; empty for "never".
fn date(days: Option<i64>) -> String {
    let Some(days) = days else { return String::new() };
    let seconds = u64::try_from(days).unwrap_or_default() * 86_400;
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    shevek_kit::moment::utc(time).format("%Y-%m-%d")
}

fn looks_hashed(password: &str) -> bool {
    if matches!(password, "*" | "!" | "*************") {
        return true;
    }
    if password.contains([':', '*', '!']) {
        return false;
    }
    let fields: Vec<&str> = password.split('$').collect();
    let (Some(kind), Some(hash), true) = (fields.get(1), fields.last(), fields.len() >= 3) else {
        return false;
    };
    let letters = hash.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '/');
    let length = match *kind {
        "1" => hash.len() == 22,
        "5" | "y" => hash.len() == 43,
        "6" => hash.len() == 86,
        _ => true,
    };
    letters && length
}

#[cfg(test)]
mod tests;
