//! Set the name of a host.
//!
//! Both the name that it goes by now and the one that it gets at boot; `/etc/hosts` is left alone.
//!
//! ```yaml
//! - hostname: { name: web01 }
//! - hostname: { name: web01, use: systemd }
//! ```
use std::path::Path;

use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `hostname`.
#[derive(Args)]
#[module(procedure)]
pub struct Hostname {
    /// The name. Shells, prompts and logs show a part of it at most.
    name: String,
    /// Which way the name is kept, instead of the one that is found.
    #[arg(name = "use")]
    strategy: Option<Strategy>,
}

/// The ways in which systems keep their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Strategy {
    /// `/etc/hostname`, read by `hostname -F`.
    Alpine,
    /// `hostnamectl`.
    Debian,
    /// Not supported here.
    Freebsd,
    // Differs from Ansible: it takes the name and then fails, since nothing is behind it.
    /// The `hostname` command only.
    Generic,
    /// Not supported here.
    Macos,
    /// Not supported here.
    Macosx,
    /// Not supported here.
    Darwin,
    /// Not supported here.
    Openbsd,
    /// `/etc/conf.d/hostname`.
    Openrc,
    /// `/etc/sysconfig/network`.
    Redhat,
    /// `/etc/HOSTNAME`.
    Sles,
    /// Not supported here.
    Solaris,
    /// `hostnamectl`.
    Systemd,
}

impl Procedure for Hostname {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let strategy = match self.strategy {
            // Asked for by name, Debian is what it is by now; `found` gives it for hosts without systemd.
            Some(Strategy::Debian) => Strategy::Systemd,
            Some(strategy) => strategy,
            None => found(host)?,
        };
        let (current, permanent) = match host.planned(Thing::Other, "hostname") {
            Some(name) => (name.clone(), name),
            None => names(strategy, host)?,
        };
        let changed = current != self.name || permanent != self.name;
        if changed {
            self.set(strategy, (&current, &permanent), host)?;
            let shown = if current == self.name { &permanent } else { &current };
            host.diff(Diff {
                before: format!("hostname = {shown}\n").into(),
                after: format!("hostname = {}\n", self.name).into(),
                ..Diff::default()
            });
        }
        let full = full_name(host, &self.name);
        let (short, _) = self.name.split_once('.').unwrap_or((&self.name, ""));
        let (_, domain) = full.split_once('.').unwrap_or(("", ""));
        let mut outcome = Outcome::ok().changed_if(changed).with("name", &self.name);
        for (key, value) in [
            ("ansible_hostname", short),
            ("ansible_nodename", &self.name),
            ("ansible_fqdn", &full),
            ("ansible_domain", domain),
        ] {
            outcome.facts.push((key.to_owned(), value.into()));
        }
        Ok(outcome)
    }
}

/// The host's name with its domain.
// Differs from Ansible: a check run says what the name will be, not what it was.
fn full_name(host: &Probe, name: &str) -> String {
    let ran = host.ask(cmd("hostname").arg("-f").any_rc());
    match ran {
        Ok(ran) if ran.ok() && !host.rehearsing() && !ran.out().trim().is_empty() => {
            ran.out().trim().to_owned()
        }
        _ => name.to_owned(),
    }
}

/// The way that this host keeps its name.
fn found(host: &Probe) -> Result<Strategy> {
    if host.which("systemctl").is_some() && host.exists("/run/systemd/system") {
        return Ok(Strategy::Systemd);
    }
    let release =
        String::from_utf8_lossy(&host.read_if_there("/etc/os-release")?.unwrap_or_default()).into_owned();
    let field = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
    };
    let words = format!("{} {}", field("ID"), field("ID_LIKE"));
    for word in words.split_whitespace() {
        return Ok(match word {
            "debian" | "ubuntu" | "raspbian" | "linuxmint" | "kali" | "devuan" | "void" | "pop" | "neon" => {
                Strategy::Debian
            }
            "alpine" => Strategy::Alpine,
            "gentoo" => Strategy::Openrc,
            "rhel" | "fedora" | "centos" | "amzn" | "ol" | "altlinux" => Strategy::Redhat,
            "sles" | "suse" => Strategy::Sles,
            _ => continue,
        });
    }
    fail!("hostname module cannot be used on platform Linux ({})", field("ID"))
}

fn file(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Sles => "/etc/HOSTNAME",
        Strategy::Redhat => "/etc/sysconfig/network",
        Strategy::Openrc => "/etc/conf.d/hostname",
        _ => "/etc/hostname",
    }
}

/// The name now, and that at boot.
fn names(strategy: Strategy, host: &Probe) -> Result<(String, String)> {
    let text = || -> Result<String> {
        let bytes = host.read_if_there(file(strategy))?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let permanent = match strategy {
        Strategy::Systemd => {
            host.need("hostnamectl")?;
            let asked = |which: &str| -> Result<String> {
                Ok(host.ask(cmd("hostnamectl").arg(which).arg("status"))?.out().trim().to_owned())
            };
            return Ok((asked("--transient")?, asked("--static")?));
        }
        Strategy::Generic => {
            let now = host.ask(cmd("hostname"))?.out().trim().to_owned();
            return Ok((now.clone(), now));
        }
        Strategy::Debian | Strategy::Alpine | Strategy::Sles => text()?.trim().to_owned(),
        Strategy::Openrc => {
            let text = text()?;
            let line = text.lines().find_map(|line| line.trim().strip_prefix("hostname="));
            line.unwrap_or_default().trim_matches('"').to_owned()
        }
        Strategy::Redhat => {
            let text = text()?;
            let line = text.lines().find_map(|line| line.trim().strip_prefix("HOSTNAME")?.split_once('='));
            match line {
                Some((_, name)) => name.trim().to_owned(),
                None => fail!("Unable to locate HOSTNAME entry in {}", file(strategy)),
            }
        }
        Strategy::Freebsd
        | Strategy::Macos
        | Strategy::Macosx
        | Strategy::Darwin
        | Strategy::Openbsd
        | Strategy::Solaris => fail!("hostname: only Linux hosts are supported"),
    };
    Ok((permanent.clone(), permanent))
}

fn run(command: Command, host: &mut Host) -> Result<()> {
    let ran = host.run(command.any_rc())?;
    if !ran.ok() {
        fail!("Command failed rc={}, out={}, err={}", ran.rc, ran.out(), ran.err());
    }
    Ok(())
}

/// Writes the file of the name. In a container it is often mounted, and can only be written over.
fn write(path: &str, text: &str, host: &mut Host) -> Result<()> {
    let path = followed(host, Path::new(path), Links::Follow);
    let bytes = lossless::bytes(text);
    match host.write(&path, &bytes) {
        Err(fault) if fault.os == Some(rustix::io::Errno::BUSY.raw_os_error()) => {
            host.write_in_place(&path, &mut &*bytes)
        }
        done => done,
    }
}

impl Hostname {
    fn set(&self, strategy: Strategy, before: (&str, &str), host: &mut Host) -> Result<()> {
        let name = &self.name;
        let effect = || Effect::Set { thing: Thing::Other, name: "hostname".into(), state: name.clone() };
        match strategy {
            Strategy::Systemd => {
                if name.len() > 64 {
                    fail!("name cannot be longer than 64 characters on systemd servers, try a shorter name");
                }
                // NetworkManager wants the permanent name to come first.
                if before.1 != name {
                    let command = cmd("hostnamectl").args(["--pretty", "--static", "set-hostname"]);
                    run(command.arg(name).does(effect()), host)?;
                }
                if before.0 != name {
                    let command = cmd("hostnamectl").args(["--transient", "set-hostname"]);
                    run(command.arg(name).does(effect()), host)?;
                }
            }
            Strategy::Generic => run(cmd("hostname").arg(name).does(effect()), host)?,
            Strategy::Redhat | Strategy::Openrc => {
                let key = if strategy == Strategy::Redhat { "HOSTNAME" } else { "hostname=" };
                let line = match strategy {
                    Strategy::Redhat => format!("HOSTNAME={name}"),
                    _ => format!("hostname=\"{name}\""),
                };
                let Some(text) = host.read_if_there(file(strategy))? else {
                    let path = file(strategy);
                    let why =
                        format!("failed to update hostname: [Errno 2] No such file or directory: '{path}'");
                    return Err(Fault::absent(why));
                };
                let text = lossless::text(&text);
                let mut lines: Vec<&str> = text.lines().collect();
                match lines.iter_mut().find(|known| known.trim().starts_with(key)) {
                    Some(known) => *known = &line,
                    None => lines.push(&line),
                }
                write(file(strategy), &(lines.join("\n") + "\n"), host)?;
            }
            _ => {
                // Differs from Ansible: on Alpine it reads the file first and writes it then.
                write(file(strategy), &format!("{name}\n"), host)?;
                if strategy == Strategy::Alpine {
                    run(cmd("hostname").args(["-F", file(strategy)]).does(effect()), host)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_distribution_holds_it() {
        let world = World::new().file("/etc/os-release", "ID=debian\n").file("/etc/hostname", "old\n");
        let done = conform::<Hostname>("{ name: web.example.org }", world).changed();
        let done = done.holds("/etc/hostname", "web.example.org\n").gives("name", "web.example.org");
        assert!(done.outcome().facts.contains(&("ansible_hostname".into(), "web".into())));
        done.then("{ name: web.example.org }").unchanged();
        let world = World::new().file("/etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=old\n");
        conform::<Hostname>("{ name: new, use: redhat }", world)
            .changed()
            .holds("/etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=new\n");
    }

    #[test]
    fn a_file_that_is_mounted_is_written_over() {
        let world = World::new().file("/etc/os-release", "ID=debian\n").file("/etc/hostname", "old\n");
        let world = world.thing(Thing::Mount, "/etc/hostname", "mounted");
        conform::<Hostname>("{ name: new }", world).changed().holds("/etc/hostname", "new\n");
    }

    #[test]
    fn a_name_that_systemd_refuses_fails_with_its_words() {
        let world = || {
            World::new()
                .program("hostnamectl")
                .says("hostnamectl --transient status", "old\n")
                .says("hostnamectl --static status", "old\n")
        };
        let world = || {
            world().answers(
                "hostnamectl --pretty --static set-hostname a.b",
                Ran::failed(1, "Invalid hostname\n"),
            )
        };
        let failed = "Command failed rc=1, out=, err=Invalid hostname\n";
        conform_apart::<Hostname>("{ name: a.b, use: systemd }", world()).failed(failed);
        conform_apart::<Hostname>("{ name: a.b, use: debian }", world()).failed(failed);
    }

    #[test]
    fn systemd_is_told_both_names() {
        let world = World::new()
            .program("systemctl")
            .program("hostnamectl")
            .folder("/run/systemd/system")
            .says("hostnamectl --transient status", "old\n")
            .says("hostnamectl --static status", "new\n");
        conform::<Hostname>("{ name: new }", world)
            .changed()
            .ran(["hostnamectl --transient set-hostname new"]);
    }
}
