//! [`LookedUp`]: the accounts that a call has looked up. Listing ten thousand files must not read /etc/passwd, or ask a
//! directory server, ten thousand times.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::accounts::{Group, User};
use crate::fault::Result;

/// The local accounts of one kind, found by name and by number.
#[derive(Debug)]
pub(crate) struct Table<T> {
    pub all: Vec<T>,
    by_name: HashMap<String, usize>,
    by_id: HashMap<u32, usize>,
}

/// What has a name and a number.
pub(crate) trait Account {
    /// Its name.
    fn name(&self) -> &str;
    /// Its number.
    fn id(&self) -> u32;
}

impl Account for User {
    fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> u32 {
        self.uid
    }
}

impl Account for Group {
    fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> u32 {
        self.gid
    }
}

impl<T: Account> Table<T> {
    /// Of several with one name or number the first counts, as for the C library.
    pub fn of(all: Vec<T>) -> Arc<Self> {
        let (mut by_name, mut by_id) = (HashMap::new(), HashMap::new());
        for (at, account) in all.iter().enumerate() {
            by_name.entry(account.name().to_owned()).or_insert(at);
            by_id.entry(account.id()).or_insert(at);
        }
        Arc::new(Table { all, by_name, by_id })
    }

    pub fn named(&self, name: &str) -> Option<&T> {
        self.all.get(*self.by_name.get(name)?)
    }

    pub fn numbered(&self, id: u32) -> Option<&T> {
        self.all.get(*self.by_id.get(&id)?)
    }
}

/// The accounts that a call has looked up; what may change them makes it forget.
#[derive(Debug, Default)]
pub struct LookedUp(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    users: Option<Arc<Table<User>>>,
    groups: Option<Arc<Table<Group>>>,
    asked: HashMap<(String, String), Option<String>>,
}

impl LookedUp {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The local users.
    pub(crate) fn users(&self, read: impl FnOnce() -> Result<Vec<User>>) -> Result<Arc<Table<User>>> {
        if let Some(known) = &self.found().users {
            return Ok(known.clone());
        }
        let users = Table::of(read()?);
        self.found().users = Some(users.clone());
        Ok(users)
    }

    /// The local groups.
    pub(crate) fn groups(&self, read: impl FnOnce() -> Result<Vec<Group>>) -> Result<Arc<Table<Group>>> {
        if let Some(known) = &self.found().groups {
            return Ok(known.clone());
        }
        let groups = Table::of(read()?);
        self.found().groups = Some(groups.clone());
        Ok(groups)
    }

    /// What the name service has said about a key, or says now.
    pub(crate) fn asked(
        &self,
        database: &str,
        key: &str,
        ask: impl FnOnce() -> Option<String>,
    ) -> Option<String> {
        let place = (database.to_owned(), key.to_owned());
        if let Some(known) = self.found().asked.get(&place) {
            return known.clone();
        }
        let said = ask();
        self.found().asked.insert(place, said.clone());
        said
    }

    /// Forgets all of it.
    pub(crate) fn forget(&self) {
        *self.found() = Found::default();
    }
}
