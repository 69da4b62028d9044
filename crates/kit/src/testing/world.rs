//! [`World`]: a fake host that lives in memory.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::nothing::Nothing;
use crate::command::Ran;
use crate::drive::Ground;
use crate::effect::{Account, Effect, Thing};
use crate::http::Response;
use crate::overlay::Overlay;
use crate::probe::{Call, Probe};
use crate::script::Script;
use crate::system::{Act, Look};

/// A fake host: files, users, groups, and what commands answer. Built step by step; each step gives the world back.
pub struct World {
    nothing: Nothing,
    steps: Vec<Step>,
    answers: Vec<(String, Ran)>,
    served: Vec<(String, Response)>,
}

type Step = Box<dyn Fn(&Overlay)>;

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A host with the usual folders, root, and nothing else.
    #[must_use]
    pub fn new() -> Self {
        World { nothing: Nothing::default(), steps: Vec::new(), answers: Vec::new(), served: Vec::new() }
            .folder("/etc")
            .folder("/root")
            .folder("/tmp")
            .folder("/home")
            .folder("/usr/bin")
            .folder("/var")
            .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
            .file("/etc/group", "root:x:0:\n")
            .file("/etc/shadow", "root:*:19000:0:99999:7:::\n")
    }

    fn step(mut self, step: impl Fn(&Overlay) + 'static) -> Self {
        self.steps.push(Box::new(step));
        self
    }

    /// A folder, with those above it.
    #[must_use]
    pub fn folder(self, path: &str) -> Self {
        let path = path.to_owned();
        self.step(move |o| o.make_folders(Path::new(&path)).expect("a folder of the World"))
    }

    /// A file, with the folders above it.
    #[must_use]
    pub fn file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        let (path, content) = (path.to_owned(), content.into());
        self.step(move |o| o.place(Path::new(&path), Some(content.clone())).expect("a file of the World"))
    }

    /// A program that `which` finds, in /usr/bin.
    #[must_use]
    pub fn program(self, name: &str) -> Self {
        let path = format!("/usr/bin/{name}");
        self.file(&path, "#!").mode(&path, 0o755)
    }

    /// A symbolic link.
    #[must_use]
    pub fn link(self, path: &str, target: &str) -> Self {
        let (path, target) = (path.to_owned(), target.to_owned());
        self.step(move |o| o.symlink(Path::new(&target), Path::new(&path)).expect("a link of the World"))
    }

    /// A named pipe.
    #[must_use]
    pub fn fifo(self, path: &str) -> Self {
        let path = path.to_owned();
        self.step(move |o| o.fifo(Path::new(&path), 0o644).expect("a pipe of the World"))
    }

    /// Permission bits of something that is there.
    #[must_use]
    pub fn mode(self, path: &str, mode: u32) -> Self {
        let path = path.to_owned();
        self.step(move |o| o.chmod(Path::new(&path), mode).expect("a path of the World"))
    }

    /// Owner and group of something that is there.
    #[must_use]
    pub fn owner(self, path: &str, uid: u32, gid: u32) -> Self {
        let path = path.to_owned();
        self.step(move |o| {
            o.give(Path::new(&path), uid, gid).expect("a path of the World");
        })
    }

    /// A group.
    #[must_use]
    pub fn group(self, name: &str, gid: u32) -> Self {
        self.effect(Effect::Group { name: name.to_owned(), gid: Some(gid) })
    }

    /// A user with a home folder and a group of the same name and number.
    #[must_use]
    pub fn user(self, name: &str, uid: u32) -> Self {
        let account = Account {
            name: name.to_owned(),
            uid: Some(uid),
            gid: Some(uid),
            create_home: true,
            ..Account::default()
        };
        self.group(name, uid).effect(Effect::User(account))
    }

    /// Whatever an effect describes.
    #[must_use]
    pub fn effect(self, effect: Effect) -> Self {
        self.step(move |o| o.apply(&effect).expect("an effect on the World"))
    }

    /// The state of a thing that is not a file.
    #[must_use]
    pub fn thing(self, thing: Thing, name: &str, state: &str) -> Self {
        let (name, state) = (name.to_owned(), state.to_owned());
        self.step(move |o| o.note(thing, &name, &state))
    }

    /// What a command line answers; a line that ends in `*` stands for all that start so.
    #[must_use]
    pub fn answers(mut self, line: &str, ran: Ran) -> Self {
        self.answers.push((line.to_owned(), ran));
        self
    }

    /// A command line that prints this and succeeds.
    #[must_use]
    pub fn says(self, line: &str, stdout: &str) -> Self {
        self.answers(line, Ran::said(stdout))
    }

    /// What a web server answers to a request (`GET http://…`); one that ends in `*` stands for all that start so.
    #[must_use]
    pub fn serves(mut self, line: &str, response: Response) -> Self {
        self.served.push((line.to_owned(), response));
        self
    }

    /// A variable of the runner's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.nothing.env.retain(|(k, _)| k != name);
        self.nothing.env.push((name.into(), value.into()));
        self
    }

    /// Programs do not run from this folder.
    #[must_use]
    pub fn noexec(mut self, folder: &str) -> Self {
        self.nothing.noexec = Some(folder.into());
        self
    }

    /// Where the runner's own program is.
    #[must_use]
    pub fn runner_at(mut self, path: &str) -> Self {
        self.nothing.program = Some(path.into());
        self.file(path, "")
    }

    /// Whom the runner runs as.
    #[must_use]
    pub fn running_as(mut self, uid: u32, gid: u32) -> Self {
        self.nothing.identity.uid = uid;
        self.nothing.identity.gid = gid;
        self.nothing.identity.groups = vec![gid];
        self
    }

    /// The host, as a module sees it.
    pub fn build(&self) -> Arc<Overlay> {
        let mut script = Script::default();
        for (line, ran) in &self.answers {
            script.expect(line, ran.clone());
        }
        for (line, response) in &self.served {
            script.expect_request(line, response.clone());
        }
        let overlay = Overlay::scripted(Arc::new(self.nothing.clone()), script);
        for step in &self.steps {
            step(&overlay);
        }
        Arc::new(overlay)
    }

    /// A probe of it, for tests of functions that take one.
    pub fn probe(&self) -> Probe {
        let look: Arc<dyn Look> = self.build();
        Probe::new(look, Arc::new(Call::default()))
    }
}

/// What ran on a built world.
pub(crate) fn ran(overlay: &Overlay) -> Vec<String> {
    overlay
        .script
        .as_ref()
        .map(|s| s.lock().unwrap_or_else(PoisonError::into_inner).ran())
        .unwrap_or_default()
}

pub(crate) fn ground(overlay: &Arc<Overlay>) -> Ground {
    Ground::Real(overlay.clone())
}
