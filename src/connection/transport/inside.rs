//! Places on this machine that a program leads into: containers, folders with a system of their own.

use std::sync::Arc;

use tokio::process::Command;
use tokio::sync::watch;

use super::{Later, Process, Terminal, Transport, child};
use crate::ConnectError;
use crate::target::{ContainerTarget, InsideTarget};

/// A place that a program leads into.
pub(crate) struct Inside {
    host: Arc<str>,
    target: InsideTarget,
    lost: watch::Sender<Option<ConnectError>>,
}

impl Inside {
    /// A place under an inventory name.
    pub(crate) fn new(host: Arc<str>, target: InsideTarget) -> Self {
        Inside { host, target, lost: watch::Sender::new(None) }
    }
}

impl Transport for Inside {
    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> Later<'a, Result<Process, ConnectError>> {
        let words = words(&self.target, command, terminal);
        Box::pin(async move {
            let mut words = words.into_iter();
            let mut program = Command::new(words.next().unwrap_or_default());
            program.args(words);
            child::spawn(&self.host, program)
        })
    }

    fn lost(&self) -> watch::Receiver<Option<ConnectError>> {
        self.lost.subscribe()
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}

/// The program that runs a command line inside, with its arguments.
fn words(target: &InsideTarget, command: &str, terminal: Terminal) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
    match target {
        InsideTarget::Docker(container) | InsideTarget::Podman(container) => {
            let program = if matches!(target, InsideTarget::Docker(_)) { "docker" } else { "podman" };
            let ContainerTarget { name, user, program: own, arguments } = container;
            add(&[own.as_deref().unwrap_or(program)]);
            add(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            add(&["exec", "-i"]);
            // Engines want a terminal of ours for `-t`; commands do with pipes then.
            let _ = terminal;
            if let Some(user) = user {
                add(&["-u", user]);
            }
            add(&[name]);
        }
        InsideTarget::Chroot { folder, program } => {
            let folder = folder.to_string_lossy();
            add(&[program.as_deref().unwrap_or("chroot"), &folder]);
        }
        InsideTarget::Kubectl(container) => {
            let ContainerTarget { name, program, arguments, .. } = container;
            add(&[program.as_deref().unwrap_or("kubectl")]);
            add(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            add(&["exec", "-i", name, "--"]);
        }
    }
    add(&["/bin/sh", "-c", command]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_called_as_it_wants() {
        let container = ContainerTarget {
            name: "web1".into(),
            user: Some("app".into()),
            program: None,
            arguments: vec!["--log-level=error".into()],
        };
        let line = |target: InsideTarget| words(&target, "true", Terminal::None).join(" ");
        assert_eq!(
            line(InsideTarget::Docker(container.clone())),
            "docker --log-level=error exec -i -u app web1 /bin/sh -c true"
        );
        assert_eq!(
            line(InsideTarget::Kubectl(container.clone())),
            "kubectl --log-level=error exec -i web1 -- /bin/sh -c true"
        );
        let own = ContainerTarget { program: Some("/opt/podman".into()), ..container };
        assert!(line(InsideTarget::Podman(own)).starts_with("/opt/podman "));
        let chroot = InsideTarget::Chroot { folder: "/srv/root".into(), program: None };
        assert_eq!(line(chroot), "chroot /srv/root /bin/sh -c true");
    }
}
