//! Effects on an [`Overlay`]: how what a command is known to do becomes part of the plan.

use std::io;
use std::path::Path;

use crate::accounts::AccountFiles;
use crate::effect::Effect;
use crate::lossless;
use crate::overlay::Overlay;
use crate::system::{Act, Look};

impl Overlay {
    pub(crate) fn apply(&self, effect: &Effect) -> io::Result<()> {
        match effect {
            Effect::Nothing => Ok(()),
            Effect::Group { name, gid } => {
                self.edit_accounts(|files| files.set_group(name, *gid, |taken| self.free_id(taken)))
            }
            Effect::GroupGone(name) => self.edit_accounts(|files| files.remove_group(name)),
            Effect::UserGone(name) => self.edit_accounts(|files| files.remove_user(name)),
            Effect::User(account) => {
                let mut user = None;
                self.edit_accounts(|files| {
                    user = Some(files.set_user(account, |taken| self.free_id(taken)))
                })?;
                match user {
                    Some(user) if account.create_home && self.lstat(Path::new(&user.home)).is_err() => {
                        let home = Path::new(&user.home);
                        self.make_folders(home)?;
                        self.chmod(home, 0o755)?;
                        self.give(home, user.uid, user.gid)
                    }
                    _ => Ok(()),
                }
            }
            Effect::File { path, content } => self.place(path, content.clone()),
            Effect::Folder(path) => self.make_folders(path),
            Effect::Gone(path) => match self.remove_tree(path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
                done => done,
            },
            Effect::Set { thing, name, state } => {
                self.note(*thing, name, state);
                Ok(())
            }
        }
    }

    fn edit_accounts(&self, edit: impl FnOnce(&mut AccountFiles)) -> io::Result<()> {
        let text = |path: &str| {
            let mut bytes = Vec::new();
            // /etc/shadow may not be readable; what is planned on top of it is what counts.
            if let Ok(mut file) = self.open(Path::new(path)) {
                let _ = file.read_to_end(&mut bytes);
            }
            lossless::text(&bytes)
        };
        let mut files = AccountFiles {
            passwd: text("/etc/passwd"),
            group: text("/etc/group"),
            shadow: text("/etc/shadow"),
        };
        edit(&mut files);
        self.place(Path::new("/etc/passwd"), Some(lossless::bytes(&files.passwd)))?;
        self.place(Path::new("/etc/group"), Some(lossless::bytes(&files.group)))?;
        self.place(Path::new("/etc/shadow"), Some(lossless::bytes(&files.shadow)))
    }
}
