//! A real OpenSSH server on a loopback port, for the user who runs the tests: keys, configuration and known_hosts of its own.
//!
//! We listen, and every connection gets an `sshd -i` on its socket: no port is guessed, nothing has to be waited for, and
//! nothing is left when the test ends.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(super) struct Sshd {
    address: SocketAddr,
    dir: PathBuf,
}

impl Sshd {
    pub(super) fn start(lab: &Path) -> Self {
        let dir = lab.join("sshd");
        fs::create_dir(&dir).unwrap();
        for key in ["host_key", "id"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(dir.join(key))
                .status();
            assert!(made.is_ok_and(|s| s.success()), "ssh-keygen is missing: run scripts/setup-tests");
        }
        if rustix::process::getuid().is_root() {
            // Where sshd's unprivileged part locks itself in; Debian's unit makes it.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let home = lab.join("home");
        let sftp = ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server"]
            .into_iter()
            .find(|p| Path::new(p).exists());
        let d = dir.display();
        let config = format!(
            "HostKey {d}/host_key\nAuthorizedKeysFile {d}/id.pub\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nMaxSessions 100\nMaxStartups 100\nLogLevel VERBOSE\nSetEnv HOME={}\nSubsystem sftp {}\n",
            home.display(),
            sftp.unwrap_or("internal-sftp"),
        );
        fs::write(dir.join("sshd_config"), config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = dir.clone();
        std::thread::spawn(move || serve(&listener, &served));
        Self { address, dir }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The inventory variables that lead here, or to the port of a proxy; known_hosts then trusts that port.
    pub(super) fn variables(&self, port: Option<u16>) -> String {
        let port = port.unwrap_or(self.address.port());
        let host_key = fs::read_to_string(self.dir.join("host_key.pub")).unwrap();
        let host_key: Vec<&str> = host_key.split_whitespace().take(2).collect();
        fs::write(self.dir.join("known_hosts"), format!("[127.0.0.1]:{port} {}\n", host_key.join(" ")))
            .unwrap();
        let d = self.dir.display();
        format!(
            "ansible_connection=ssh\nansible_host=127.0.0.1\nansible_port={port}\nansible_user={}\nansible_ssh_private_key_file={d}/id\n\
             ansible_ssh_common_args=-o UserKnownHostsFile={d}/known_hosts -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes\n",
            user()
        )
    }
}

fn serve(listener: &TcpListener, dir: &Path) {
    let daemon = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"]
        .into_iter()
        .find(|p| Path::new(p).exists());
    let daemon = daemon.expect("sshd is missing: run scripts/setup-tests");
    for socket in listener.incoming() {
        let Ok(socket) = socket else { return };
        let copy = socket.try_clone().unwrap();
        let _ = socket.set_nodelay(true);
        let child = Command::new(daemon)
            .args(["-i", "-E"])
            .arg(dir.join("log"))
            .arg("-f")
            .arg(dir.join("sshd_config"))
            .stdin(Stdio::from(OwnedFd::from(socket)))
            .stdout(Stdio::from(OwnedFd::from(copy)))
            .stderr(Stdio::null())
            .spawn();
        // Reaped in the background; it ends when its socket does.
        std::thread::spawn(move || child.map(|mut c| c.wait()));
    }
}

fn user() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|l| l.split(':').nth(2) == Some(&uid)).expect("this user in /etc/passwd");
    line.split(':').next().unwrap().to_owned()
}
