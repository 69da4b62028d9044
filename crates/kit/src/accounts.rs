//! Users and groups as /etc/passwd, /etc/group and /etc/shadow have them, read and written as text.
//!
//! The runner is static and must never call the C library's account functions (they load plug-ins of the host and can
//! crash); users that other sources have (LDAP, systemd) come from the program `getent`.

use shevek_proto::Val;

use crate::effect::Account;
use crate::plan::PLANNED_ID;
use crate::state::Known;

/// One user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the columns of /etc/passwd")]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub comment: String,
    pub home: String,
    pub shell: String,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the columns of /etc/group")]
pub struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// What /etc/shadow has of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shadow {
    /// The user.
    pub name: String,
    /// The hash, or `!`, `*`.
    pub password: String,
    /// Days since 1970 when the password was changed.
    pub changed: Option<i64>,
    /// Least days between changes.
    pub minimum: Option<i64>,
    /// Most days between changes.
    pub maximum: Option<i64>,
    /// Days of warning before that.
    pub warning: Option<i64>,
    /// Days after that until the account is locked.
    pub inactive: Option<i64>,
    /// Days since 1970 when the account ends.
    pub expires: Option<i64>,
}

/// A number, unless it stands for one that only the real run can tell.
pub fn known_id(id: u32) -> Known<u32> {
    if id >= PLANNED_ID && id != u32::MAX { Known::Later } else { Known::Is(id) }
}

impl User {
    /// The number, unless only the real run can tell it.
    pub fn known_uid(&self) -> Known<u32> {
        known_id(self.uid)
    }

    /// The number of the primary group, unless only the real run can tell it.
    pub fn known_gid(&self) -> Known<u32> {
        known_id(self.gid)
    }

    /// Reads one line of /etc/passwd.
    pub fn parse(line: &str) -> Option<User> {
        let mut columns = line.split(':');
        let name = columns.next().filter(|n| !n.is_empty() && !n.starts_with(['#', '+', '-']))?;
        columns.next()?;
        Some(User {
            name: name.to_owned(),
            uid: columns.next()?.parse().ok()?,
            gid: columns.next()?.parse().ok()?,
            comment: columns.next()?.to_owned(),
            home: columns.next()?.to_owned(),
            shell: columns.next().unwrap_or_default().to_owned(),
        })
    }

    fn line(&self) -> String {
        format!("{}:x:{}:{}:{}:{}:{}", self.name, self.uid, self.gid, self.comment, self.home, self.shell)
    }
}

impl Group {
    /// The number, unless only the real run can tell it.
    pub fn known_gid(&self) -> Known<u32> {
        known_id(self.gid)
    }

    /// Reads one line of /etc/group.
    pub fn parse(line: &str) -> Option<Group> {
        let mut columns = line.split(':');
        let name = columns.next().filter(|n| !n.is_empty() && !n.starts_with(['#', '+', '-']))?;
        columns.next()?;
        let gid = columns.next()?.parse().ok()?;
        let members = columns.next().unwrap_or_default();
        let members =
            members.split(',').map(str::trim).filter(|m| !m.is_empty()).map(str::to_owned).collect();
        Some(Group { name: name.to_owned(), gid, members })
    }

    fn line(&self) -> String {
        format!("{}:x:{}:{}", self.name, self.gid, self.members.join(","))
    }
}

impl Shadow {
    /// Reads one line of /etc/shadow.
    pub fn parse(line: &str) -> Option<Shadow> {
        let columns: Vec<&str> = line.split(':').collect();
        let days = |at: usize| columns.get(at).and_then(|d| d.trim().parse().ok());
        Some(Shadow {
            name: (*columns.first().filter(|n| !n.is_empty())?).to_owned(),
            password: (*columns.get(1)?).to_owned(),
            changed: days(2),
            minimum: days(3),
            maximum: days(4),
            warning: days(5),
            inactive: days(6),
            expires: days(7),
        })
    }
}

/// The three files as text: effects on users and groups are edits of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountFiles {
    pub passwd: String,
    pub group: String,
    pub shadow: String,
}

impl AccountFiles {
    pub fn users(&self) -> Vec<User> {
        self.passwd.lines().filter_map(User::parse).collect()
    }

    pub fn groups(&self) -> Vec<Group> {
        self.group.lines().filter_map(Group::parse).collect()
    }

    pub fn set_group(&mut self, name: &str, gid: Option<u32>, free: impl Fn(&[u32]) -> u32) {
        let groups = self.groups();
        let mut group = groups.iter().find(|g| g.name == name).cloned().unwrap_or_else(|| {
            let taken: Vec<u32> = groups.iter().map(|g| g.gid).collect();
            Group { name: name.to_owned(), gid: gid.unwrap_or_else(|| free(&taken)), members: Vec::new() }
        });
        group.gid = gid.unwrap_or(group.gid);
        replace(&mut self.group, name, Some(&group.line()));
    }

    pub fn remove_group(&mut self, name: &str) {
        replace(&mut self.group, name, None);
    }

    pub fn remove_user(&mut self, name: &str) {
        replace(&mut self.passwd, name, None);
        replace(&mut self.shadow, name, None);
        for mut group in self.groups() {
            if group.members.iter().any(|m| m == name) {
                group.members.retain(|m| m != name);
                replace(&mut self.group, &group.name.clone(), Some(&group.line()));
            }
        }
    }

    pub fn set_user(&mut self, account: &Account, free: impl Fn(&[u32]) -> u32) -> User {
        let users = self.users();
        let name = account.name.as_str();
        let found = users.iter().find(|u| u.name == name).cloned();
        let mut user = found.unwrap_or_else(|| {
            let taken: Vec<u32> =
                users.iter().map(|u| u.uid).chain(self.groups().iter().map(|g| g.gid)).collect();
            let uid = account.uid.unwrap_or_else(|| free(&taken));
            // A new user gets a group of the same name, where no other was asked for.
            let gid = account.gid.unwrap_or_else(|| {
                self.set_group(name, None, |taken| if taken.contains(&uid) { free(taken) } else { uid });
                self.groups().iter().find(|g| g.name == name).map_or(uid, |g| g.gid)
            });
            let home = format!("/home/{name}");
            User { name: name.to_owned(), uid, gid, comment: String::new(), home, shell: "/bin/sh".into() }
        });
        user.uid = account.uid.unwrap_or(user.uid);
        user.gid = account.gid.unwrap_or(user.gid);
        for (column, wanted) in [
            (&mut user.comment, &account.comment),
            (&mut user.home, &account.home),
            (&mut user.shell, &account.shell),
        ] {
            if let Some(wanted) = wanted {
                column.clone_from(wanted);
            }
        }
        replace(&mut self.passwd, name, Some(&user.line()));
        let shadow = self.shadow.lines().filter_map(Shadow::parse).find(|s| s.name == name);
        let password = account.password.clone().or(shadow.map(|s| s.password)).unwrap_or_else(|| "!".into());
        let rest = self.shadow.lines().find(|l| l.split(':').next() == Some(name));
        let rest = rest.and_then(|l| l.splitn(3, ':').nth(2)).unwrap_or("0:0:99999:7:::");
        let mut columns: Vec<String> = rest.split(':').map(str::to_owned).collect();
        for (number, days) in &account.days {
            if let Some(column) = columns.get_mut(number.saturating_sub(2)) {
                *column = days.map(|d| d.to_string()).unwrap_or_default();
            }
        }
        replace(&mut self.shadow, name, Some(&format!("{name}:{password}:{}", columns.join(":"))));
        if let Some(wanted) = &account.groups {
            for mut group in self.groups() {
                let (is, shall) = (group.members.iter().any(|m| m == name), wanted.contains(&group.name));
                if is != shall {
                    group.members.retain(|m| m != name);
                    if shall {
                        group.members.push(name.to_owned());
                    }
                    replace(&mut self.group, &group.name.clone(), Some(&group.line()));
                }
            }
        }
        user
    }
}

fn replace(text: &mut String, name: &str, line: Option<&str>) {
    let mut out = String::with_capacity(text.len() + 64);
    let mut done = line.is_none();
    for old in text.lines() {
        if old.split(':').next() != Some(name) {
            out.push_str(old);
            out.push('\n');
        } else if let (false, Some(line)) = (done, line) {
            out.push_str(line);
            out.push('\n');
            done = true;
        }
    }
    if let (false, Some(line)) = (done, line) {
        out.push_str(line);
        out.push('\n');
    }
    *text = out;
}

impl From<Known<u32>> for Val {
    fn from(known: Known<u32>) -> Self {
        known.get().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> AccountFiles {
        AccountFiles {
            passwd: "root:x:0:0:root:/root:/bin/bash\n".into(),
            group: "root:x:0:\ndocker:x:999:ann,bob\n+::\n".into(),
            shadow: "root:*:19000:0:99999:7:::\n".into(),
        }
    }

    #[test]
    fn a_new_user_gets_a_group_of_the_same_name() {
        let mut files = files();
        let account =
            Account { name: "eve".into(), groups: Some(vec!["docker".into()]), ..Account::default() };
        let user = files.set_user(&account, |_| 1000);
        assert_eq!((user.uid, user.gid, user.home.as_str()), (1000, 1000, "/home/eve"));
        assert!(files.group.contains("docker:x:999:ann,bob,eve\n") && files.group.contains("eve:x:1000:\n"));
        assert!(files.group.contains("+::\n"), "lines that are not groups stay");
        files.remove_user("eve");
        assert!(files.group.contains("docker:x:999:ann,bob\n"));
    }
}
