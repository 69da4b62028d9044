//! Make and remove locales.
//!
//! ```yaml
//! - community.general.locale_gen: { name: de_CH.UTF-8 }
//! - community.general.locale_gen: { name: [ en_GB.UTF-8, nl_NL.UTF-8 ], state: absent }
//! ```
use std::path::Path;

use shevek_kit::lossless;
use shevek_kit::prelude::*;

/// Arguments of `locale_gen`.
#[derive(Args)]
#[module(procedure, collection = "community.general")]
pub struct LocaleGen {
    /// The locales, with their encodings.
    #[arg(required)]
    name: Vec<String>,
    /// Whether they are there.
    #[arg(default = "present")]
    state: Presence,
}

const LIST: &str = "/etc/locale.gen";
const UBUNTU: &str = "/var/lib/locales/supported.d";
const SUPPORTED: &str = "/usr/share/i18n/SUPPORTED";

/// How encodings are written in lists, and in locales' names.
const ENCODINGS: [(&str, &str); 10] = [
    (".utf8", ".UTF-8"),
    (".eucjp", ".EUC-JP"),
    (".iso885915", ".ISO-8859-15"),
    (".cp1251", ".CP1251"),
    (".koi8r", ".KOI8-R"),
    (".armscii8", ".ARMSCII-8"),
    (".euckr", ".EUC-KR"),
    (".gbk", ".GBK"),
    (".gb18030", ".GB18030"),
    (".euctw", ".EUC-TW"),
];

fn plain(name: &str) -> String {
    ENCODINGS.iter().fold(name.to_owned(), |name, (short, long)| name.replace(short, long))
}

impl Procedure for LocaleGen {
    fn would(&self, _host: &Probe) -> Result<Would> {
        Ok(Would::Rehearse)
    }

    fn run(&self, host: &mut Host) -> Result<Outcome> {
        let by_list = host.exists(LIST);
        if !by_list && !host.exists(UBUNTU) {
            let words = format!("{UBUNTU} and {LIST} are missing. Is the package \"locales\" installed?");
            return Err(Fault::absent(words));
        }
        self.known(host)?;
        let is_there = self.missing(host, &self.name)?.is_empty();
        let changed = is_there != (self.state == Presence::Present);
        if changed {
            if by_list {
                self.by_list(host)?
            } else {
                self.by_ubuntu(host)?
            };
        }
        // What the tools made of it is what counts.
        // Differs from Ansible: there check mode never sees a change.
        let is_there = self.missing(host, &self.name)?.is_empty();
        let changed = changed && is_there == (self.state == Presence::Present);
        let mechanism = if by_list { "glibc" } else { "ubuntu_legacy" };
        Ok(Outcome::ok()
            .changed_if(changed)
            .with("name", self.name.clone())
            .with("mechanism", mechanism)
            .with("ubuntu_mode", !by_list))
    }
}

impl LocaleGen {
    /// Fails for a locale that the system could not make.
    fn known(&self, host: &Probe) -> Result<()> {
        let text = host.read_text(SUPPORTED)?;
        let known = |name: &&String| {
            text.lines().any(|line| {
                let line = line.trim_start();
                let mut words = line.strip_prefix('#').unwrap_or(line).split_whitespace();
                words.next() == Some(name.as_str()) && words.next().is_some()
            })
        };
        let unknown: Vec<String> = self.name.iter().filter(|name| !known(name)).cloned().collect();
        // It may be there without standing in the list, as C.UTF-8 does on some systems.
        let missing = self.missing(host, &unknown)?;
        if !missing.is_empty() {
            fail!(
                "The following locales you have entered are not available on your system: {}",
                missing.join(", ")
            );
        }
        Ok(())
    }

    fn missing(&self, host: &Probe, names: &[String]) -> Result<Vec<String>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let out = host.ask(cmd("locale").arg("-a"))?.out();
        let there = |name: &String| match host.planned(Thing::Other, &thing(name)) {
            Some(planned) => planned == "present",
            None => out.lines().any(|line| plain(line) == plain(name)),
        };
        Ok(names.iter().filter(|name| !there(name)).cloned().collect())
    }

    fn does(&self, mut command: Command) -> Command {
        for name in &self.name {
            let state = if self.state == Presence::Present { "present" } else { "absent" }.to_owned();
            command = command.does(Effect::Set { thing: Thing::Other, name: thing(name), state });
        }
        command
    }

    fn by_list(&self, host: &mut Host) -> Result<()> {
        let path = followed(host, Path::new(LIST), Links::Follow);
        let before = lossless::text(&host.read(&path)?);
        let after: String = before.split_inclusive('\n').map(|line| self.line(line)).collect();
        if after != before {
            host.write(&path, lossless::bytes(&after))?;
            host.diff(text_diff(LIST, Some(&lossless::bytes(&before)), Some(&lossless::bytes(&after))));
        }
        host.run(self.does(cmd("locale-gen")))?;
        Ok(())
    }

    /// A line of the list with its mark.
    fn line(&self, line: &str) -> String {
        let rest = line.strip_prefix('#').unwrap_or(line).trim_start();
        let Some((name, encoding)) = rest.split_once(' ') else { return line.to_owned() };
        match (self.name.iter().any(|wanted| wanted == name), self.state) {
            (false, _) => line.to_owned(),
            (true, Presence::Present) => format!("{name} {encoding}"),
            (true, Presence::Absent) => format!("# {name} {encoding}"),
        }
    }

    /// Ubuntu's own `locale-gen` keeps a list by itself, but takes nothing out of it.
    fn by_ubuntu(&self, host: &mut Host) -> Result<()> {
        if self.state == Presence::Present {
            host.run(self.does(cmd("locale-gen").args(&self.name)))?;
            return Ok(());
        }
        let path = format!("{UBUNTU}/local");
        let before = lossless::text(&host.read(&path)?);
        let kept =
            |line: &&str| !line.split(' ').next().is_some_and(|name| self.name.iter().any(|n| n == name));
        let after: String = before.split_inclusive('\n').filter(kept).collect();
        host.write(&path, lossless::bytes(&after))?;
        host.diff(text_diff(&path, Some(&lossless::bytes(&before)), Some(&lossless::bytes(&after))));
        host.run(self.does(cmd("locale-gen").arg("--purge")))?;
        Ok(())
    }
}

fn thing(name: &str) -> String {
    format!("locale {}", plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new()
            .file(SUPPORTED, "de_CH.UTF-8 UTF-8\nde_CH ISO-8859-1\nen_GB.UTF-8 UTF-8\n")
            .says("locale -a", "C\nC.utf8\nen_GB.utf8\n")
    }

    #[test]
    fn a_locale_is_made_and_removed() {
        let listed =
            || world().file(LIST, "# about\n# de_CH.UTF-8 UTF-8\nde_CH ISO-8859-1\nen_GB.UTF-8 UTF-8\n");
        let done = conform::<LocaleGen>("{ name: de_CH.UTF-8 }", listed()).changed().ran(["locale-gen"]);
        let done = done.holds(LIST, "# about\nde_CH.UTF-8 UTF-8\nde_CH ISO-8859-1\nen_GB.UTF-8 UTF-8\n");
        let done = done.gives("mechanism", "glibc").then("{ name: de_CH.UTF-8 }").unchanged();
        let done = done.then("{ name: [de_CH.UTF-8], state: absent }").changed();
        done.holds(LIST, "# about\n# de_CH.UTF-8 UTF-8\nde_CH ISO-8859-1\nen_GB.UTF-8 UTF-8\n");
        conform::<LocaleGen>("{ name: en_GB.UTF-8 }", listed()).unchanged();
        conform::<LocaleGen>("{ name: C.UTF-8 }", listed()).unchanged();
        conform::<LocaleGen>("{ name: [xx_YY.UTF-8, en_GB.UTF-8] }", listed())
            .failed("not available on your system: xx_YY.UTF-8");
        conform::<LocaleGen>("{ name: en_GB.UTF-8 }", world())
            .failed("Is the package \"locales\" installed?");
    }

    #[test]
    fn older_ubuntu_keeps_its_own_list() {
        let own =
            || world().file("/var/lib/locales/supported.d/local", "en_GB.UTF-8 UTF-8\nde_CH ISO-8859-1\n");
        conform::<LocaleGen>("{ name: de_CH.UTF-8 }", own()).ran(["locale-gen de_CH.UTF-8"]);
        conform::<LocaleGen>("{ name: en_GB.UTF-8, state: absent }", own())
            .ran(["locale-gen --purge"])
            .holds("/var/lib/locales/supported.d/local", "de_CH ISO-8859-1\n");
    }
}
