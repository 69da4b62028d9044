//! Which distribution, which release.

use shevek_kit::prelude::*;

use super::{Facts, Wanted, line, put};

/// Distribution facts.
pub(super) fn collect(host: &Probe, _wanted: &Wanted, facts: &mut Facts) -> Result<()> {
    let (file, release) = match line(host, "/etc/os-release") {
        Some(text) => ("/etc/os-release", text),
        None => ("/usr/lib/os-release", line(host, "/usr/lib/os-release").unwrap_or_default()),
    };
    let release = Release::parse(&release);
    let found = identify(host, &release);
    put(facts, "distribution", found.name.clone());
    put(facts, "distribution_version", found.version.clone());
    put(facts, "distribution_release", found.release.clone());
    put(facts, "distribution_major_version", major(&found));
    put(facts, "distribution_file_path", found.file.unwrap_or(file));
    put(facts, "distribution_file_variety", found.variety.clone());
    put(facts, "distribution_file_parsed", true);
    if let Some(minor) = &found.minor {
        put(facts, "distribution_minor_version", minor.clone());
    }
    put(facts, "os_family", family(&found.name));
    lsb(host, facts);
    Ok(())
}

/// A distribution, found.
#[derive(Debug, Clone, Default, PartialEq)]
struct Found {
    name: String,
    version: String,
    release: String,
    variety: String,
    minor: Option<String>,
    file: Option<&'static str>,
}

/// `/etc/os-release`.
struct Release(Vec<(String, String)>);

impl Release {
    fn parse(text: &str) -> Self {
        let entries = text.lines().filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            Some((key.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
        });
        Self(entries.collect())
    }

    fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// IDs of `os-release` with the names that Ansible has for them, and the variety of file that it reads.
const NAMES: &[(&str, &str, &str)] = &[
    ("debian", "Debian", "Debian"),
    ("ubuntu", "Ubuntu", "Debian"),
    ("raspbian", "Debian", "Debian"),
    ("kali", "Kali", "Debian"),
    ("linuxmint", "Linux Mint", "Debian"),
    ("pop", "Pop!_OS", "Debian"),
    ("devuan", "Devuan", "Debian"),
    ("parrot", "Parrot", "Debian"),
    ("deepin", "Deepin", "Debian"),
    ("neon", "KDE neon", "Debian"),
    ("rhel", "RedHat", "RedHat"),
    ("centos", "CentOS", "CentOS"),
    ("rocky", "Rocky", "RedHat"),
    ("almalinux", "AlmaLinux", "RedHat"),
    ("fedora", "Fedora", "RedHat"),
    ("ol", "OracleLinux", "OracleLinux"),
    ("amzn", "Amazon", "Amazon"),
    ("scientific", "Scientific", "RedHat"),
    ("virtuozzo", "Virtuozzo", "RedHat"),
    ("eurolinux", "EuroLinux", "RedHat"),
    ("openEuler", "openEuler", "RedHat"),
    ("kylin", "Kylin Linux Advanced Server", "RedHat"),
    ("alpine", "Alpine", "Alpine"),
    ("arch", "Archlinux", "Archlinux"),
    ("archarm", "Archlinux", "Archlinux"),
    ("manjaro", "Manjaro", "Archlinux"),
    ("endeavouros", "EndeavourOS", "Archlinux"),
    ("gentoo", "Gentoo", "Gentoo"),
    ("sles", "SLES", "SUSE"),
    ("sles_sap", "SLES_SAP", "SUSE"),
    ("sled", "SLED", "SUSE"),
    ("opensuse-leap", "openSUSE Leap", "SUSE"),
    ("opensuse-tumbleweed", "openSUSE Tumbleweed", "SUSE"),
    ("sl-micro", "SL-Micro", "SUSE"),
    ("slackware", "Slackware", "Slackware"),
    ("void", "Void", "NA"),
    ("nixos", "NixOS", "NA"),
    ("flatcar", "Flatcar", "Flatcar"),
    ("coreos", "CoreOS", "Coreos"),
    ("clear-linux-os", "Clear Linux OS", "ClearLinux"),
    ("mageia", "Mandriva", "Mandriva"),
    ("altlinux", "Altlinux", "Altlinux"),
    ("photon", "VMware Photon OS", "NA"),
    ("mariner", "Common Base Linux Mariner", "NA"),
    ("azurelinux", "Microsoft Azure Linux", "NA"),
];

fn identify(host: &Probe, release: &Release) -> Found {
    let id = release.get("ID");
    let known = NAMES.iter().find(|(known, _, _)| *known == id);
    let mut found = Found {
        name: known.map_or_else(|| release.get("NAME").to_owned(), |(_, name, _)| (*name).to_owned()),
        variety: known.map_or("NA", |(_, _, variety)| variety).to_owned(),
        version: release.get("VERSION_ID").to_owned(),
        release: codename(release),
        minor: None,
        file: None,
    };
    match id {
        "debian" | "raspbian" => {
            // The point release is only here.
            if let Some(version) = line(host, "/etc/debian_version")
                && version.starts_with(|c: char| c.is_ascii_digit())
            {
                found.minor = version.split_once('.').map(|(_, minor)| minor.to_owned());
                if let Some(minor) = &found.minor {
                    found.version =
                        format!("{}.{minor}", found.version.split('.').next().unwrap_or_default());
                }
            }
        }
        "centos" => {
            if release.get("NAME").contains("Stream") {
                found.release = "Stream".to_owned();
            } else if let Some(version) = point_release(host, "/etc/centos-release") {
                found.version = version;
            }
        }
        "rhel" | "rocky" | "almalinux" | "scientific" => found.file = Some("/etc/redhat-release"),
        "fedora" => found.file = Some("/etc/redhat-release"),
        "ol" => found.file = Some("/etc/oracle-release"),
        "alpine" => {
            found.file = Some("/etc/alpine-release");
            if let Some(version) = line(host, "/etc/alpine-release") {
                found.version = version;
            }
        }
        "arch" | "archarm" => found.file = Some("/etc/arch-release"),
        "opensuse-leap" | "sles" | "sled" | "sles_sap" => {
            if let Some((_, minor)) = found.version.split_once('.') {
                found.release = minor.to_owned();
            }
        }
        _ => {}
    }
    if found.version.is_empty() {
        found.version = match id {
            "debian" => line(host, "/etc/debian_version").unwrap_or_else(|| "NA".to_owned()),
            _ => "NA".to_owned(),
        };
    }
    if found.release.is_empty() {
        found.release = "NA".to_owned();
    }
    found
}

/// `bookworm` of `12 (bookworm)`, or what the file says outright.
fn codename(release: &Release) -> String {
    let named = release.get("VERSION_CODENAME");
    if !named.is_empty() {
        return named.to_owned();
    }
    let version = release.get("VERSION");
    let inside = version.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside);
    inside.unwrap_or_default().to_owned()
}

fn point_release(host: &Probe, path: &str) -> Option<String> {
    let text = line(host, path)?;
    let word = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(word.split('.').take(2).collect::<Vec<_>>().join("."))
}

fn major(found: &Found) -> String {
    found.version.split('.').next().unwrap_or_default().to_owned()
}

/// The families, as Ansible sorts them.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "RedHat",
        &[
            "RedHat",
            "RHEL",
            "Fedora",
            "CentOS",
            "Scientific",
            "SLC",
            "Ascendos",
            "CloudLinux",
            "PSBM",
            "OracleLinux",
            "OVS",
            "OEL",
            "Amazon",
            "Amzn",
            "Virtuozzo",
            "XenServer",
            "Alibaba",
            "EulerOS",
            "openEuler",
            "AlmaLinux",
            "Rocky",
            "TencentOS",
            "EuroLinux",
            "Kylin Linux Advanced Server",
            "MIRACLE",
        ],
    ),
    (
        "Debian",
        &[
            "Debian",
            "Ubuntu",
            "Raspbian",
            "Neon",
            "KDE neon",
            "Linux Mint",
            "SteamOS",
            "Devuan",
            "Kali",
            "Cumulus Linux",
            "Pop!_OS",
            "Parrot",
            "Pardus GNU/Linux",
            "Uos",
            "Deepin",
            "OSMC",
            "Linuxfx",
        ],
    ),
    (
        "Suse",
        &[
            "SuSE",
            "SLES",
            "SLED",
            "openSUSE",
            "openSUSE Tumbleweed",
            "SLES_SAP",
            "SUSE_LINUX",
            "openSUSE Leap",
            "ALP-Dolomite",
            "SL-Micro",
            "openSUSE MicroOS",
        ],
    ),
    ("Archlinux", &["Archlinux", "Antergos", "Manjaro", "EndeavourOS"]),
    ("Mandrake", &["Mandrake", "Mandriva"]),
    ("Alpine", &["Alpine"]),
    ("Gentoo", &["Gentoo", "Funtoo"]),
    ("Altlinux", &["Altlinux"]),
    ("ClearLinux", &["Clear Linux OS", "Clear Linux Mix"]),
];

fn family(name: &str) -> String {
    FAMILIES.iter().find(|(_, names)| names.contains(&name)).map_or(name, |(family, _)| family).to_owned()
}

/// `lsb`, from the file that `lsb_release` reads, where there is one.
fn lsb(host: &Probe, facts: &mut Facts) {
    let Some(text) = line(host, "/etc/lsb-release") else {
        put(facts, "lsb", Val::Map(Vec::new()));
        return;
    };
    let file = Release::parse(&text);
    let mut entries: Vec<(String, Val)> = Vec::new();
    for (key, name) in [
        ("DISTRIB_ID", "id"),
        ("DISTRIB_RELEASE", "release"),
        ("DISTRIB_DESCRIPTION", "description"),
        ("DISTRIB_CODENAME", "codename"),
    ] {
        if !file.get(key).is_empty() {
            entries.push((name.to_owned(), file.get(key).into()));
        }
    }
    if !file.get("DISTRIB_RELEASE").is_empty() {
        let major = file.get("DISTRIB_RELEASE").split('.').next().unwrap_or_default();
        entries.push(("major_release".to_owned(), major.into()));
    }
    put(facts, "lsb", Val::Map(entries));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let world = files.iter().fold(World::new(), |world, (path, text)| world.file(path, *text));
        let mut facts = Facts::new();
        let wanted = Wanted { subsets: Vec::new(), fact_path: String::new() };
        collect(&world.probe(), &wanted, &mut facts).unwrap();
        facts.into_iter().filter_map(|(k, v)| Some((k, v.as_str()?.to_owned()))).collect()
    }

    fn told(files: &[(&str, &str)]) -> String {
        let facts = facts(files);
        let get =
            |name: &str| facts.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()).unwrap_or_default();
        [
            "distribution",
            "distribution_version",
            "distribution_major_version",
            "distribution_release",
            "os_family",
        ]
        .map(get)
        .join(" ")
    }

    #[test]
    fn tells_distributions_apart() {
        let debian = "ID=debian\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\n";
        assert_eq!(
            told(&[("/etc/os-release", debian), ("/etc/debian_version", "12.11\n")]),
            "Debian 12.11 12 bookworm Debian"
        );
        let ubuntu =
            "NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy\n";
        assert_eq!(told(&[("/etc/os-release", ubuntu)]), "Ubuntu 22.04 22 jammy Debian");
        let rocky = "NAME=\"Rocky Linux\"\nID=\"rocky\"\nVERSION_ID=\"9.4\"\nVERSION=\"9.4 (Blue Onyx)\"\n";
        assert_eq!(told(&[("/etc/os-release", rocky)]), "Rocky 9.4 9 Blue Onyx RedHat");
        let alpine = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.1\n";
        assert_eq!(told(&[("/etc/os-release", alpine)]), "Alpine 3.20.1 3 NA Alpine");
        let amazon = "NAME=\"Amazon Linux\"\nID=\"amzn\"\nVERSION_ID=\"2023\"\n";
        assert_eq!(told(&[("/etc/os-release", amazon)]), "Amazon 2023 2023 NA RedHat");
        let leap = "NAME=\"openSUSE Leap\"\nID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"\n";
        assert_eq!(told(&[("/etc/os-release", leap)]), "openSUSE Leap 15.6 15 6 Suse");
    }
}
