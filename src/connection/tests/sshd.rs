//! A real OpenSSH server of the test's own, one process a connection, and a wire that can be cut.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use shevek_connection::{HostKeyCheck, SshTarget, Target};

pub struct Sshd {
    pub folder: tempfile::TempDir,
    pub address: SocketAddr,
}

impl Sshd {
    /// A server with a host key and one user key, `None` where there is no sshd or no root to run it.
    pub fn start(extra: &str) -> Option<Sshd> {
        if !Path::new("/usr/sbin/sshd").exists() || rustix::process::getuid().as_raw() != 0 {
            println!("skipped: needs sshd and root");
            return None;
        }
        std::fs::create_dir_all("/run/sshd").unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let sshd = Sshd { folder, address };
        sshd.keygen("host", &["-t", "ed25519", "-N", ""]);
        sshd.keygen("user", &["-t", "ed25519", "-N", ""]);
        std::fs::copy(sshd.path("user.pub"), sshd.path("authorized_keys")).unwrap();
        let config = format!(
            "HostKey {host}\nAuthorizedKeysFile {keys}\nPidFile none\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nLogLevel ERROR\n\
             SetEnv SHLVL=5 XDG_CACHE_HOME={cache}\n{extra}\n",
            host = sshd.path("host").display(),
            keys = sshd.path("authorized_keys").display(),
            cache = sshd.path("cache").display(),
        );
        std::fs::write(sshd.path("sshd_config"), config).unwrap();
        let config = sshd.path("sshd_config");
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let output = OwnedFd::from(stream.try_clone().unwrap());
                let started = Command::new("/usr/sbin/sshd")
                    .args(["-i", "-e", "-f"])
                    .arg(&config)
                    .stdin(Stdio::from(OwnedFd::from(stream)))
                    .stdout(Stdio::from(output))
                    .stderr(Stdio::null())
                    .spawn();
                if let Ok(mut child) = started {
                    std::thread::spawn(move || child.wait());
                }
            }
        });
        Some(sshd)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn keygen(&self, name: &str, options: &[&str]) {
        let path = self.path(name);
        run("ssh-keygen", options.iter().copied().chain(["-q", "-C", name, "-f", path.to_str().unwrap()]));
    }

    /// Lets a further key in.
    pub fn authorize(&self, name: &str) {
        let mut keys = std::fs::read_to_string(self.path("authorized_keys")).unwrap();
        keys += &std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        std::fs::write(self.path("authorized_keys"), keys).unwrap();
    }

    /// The server, with the user's key, accepting its host key.
    pub fn ssh(&self) -> SshTarget {
        let mut ssh = SshTarget::new("127.0.0.1", self.address.port(), "root");
        ssh.login.keys = vec![self.path("user")];
        ssh.login.agent = shevek_connection::AgentUse::Off;
        ssh.host_key.check = HostKeyCheck::AcceptNew;
        ssh.host_key.user_files = vec![self.path("known_hosts")];
        ssh.host_key.global_files = vec![];
        ssh
    }

    pub fn target(&self) -> Target {
        Target::ssh("web1", self.ssh())
    }

    /// The fingerprint of a key.
    pub fn fingerprint(&self, name: &str) -> String {
        let output = Command::new("ssh-keygen")
            .args(["-l", "-f"])
            .arg(self.path(&format!("{name}.pub")))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
    }
}

pub fn run<'a>(program: &str, args: impl IntoIterator<Item = &'a str>) {
    let args: Vec<&str> = args.into_iter().collect();
    let output = Command::new(program).args(&args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A TCP proxy that can cut or stall the wire.
pub struct Wire {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// Up is from the host.
#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Up,
    Down,
}

#[derive(Default)]
struct State {
    streams: Vec<TcpStream>,
    stalled: bool,
    /// How long bytes are under way.
    length: Duration,
    /// Cut when this many bytes more have come up, or gone down.
    cut_after: Option<(usize, Direction)>,
}

impl Wire {
    pub fn to(server: SocketAddr) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = TcpStream::connect(server).unwrap();
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                {
                    let mut state = shared.lock().unwrap();
                    state.streams.push(near.try_clone().unwrap());
                    state.streams.push(far.try_clone().unwrap());
                }
                copy(near.try_clone().unwrap(), far.try_clone().unwrap(), shared.clone(), Direction::Down);
                copy(far, near, shared.clone(), Direction::Up);
            }
        });
        Wire { address, state }
    }

    /// How many connections went over the wire.
    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().streams.len() / 2
    }

    /// Both ends see the connection closed.
    pub fn cut(&self) {
        for stream in &self.state.lock().unwrap().streams {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Cuts in the middle of what comes up next.
    pub fn cut_up_after(&self, bytes: usize) {
        self.state.lock().unwrap().cut_after = Some((bytes, Direction::Up));
    }

    /// Cuts in the middle of what goes down next.
    pub fn cut_down_after(&self, bytes: usize) {
        self.state.lock().unwrap().cut_after = Some((bytes, Direction::Down));
    }

    /// Makes the wire this long: half a round trip.
    pub fn lengthen(&self, length: Duration) {
        self.state.lock().unwrap().length = length;
    }

    /// Nothing passes any more, and nobody is told.
    pub fn stall(&self) {
        self.state.lock().unwrap().stalled = true;
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, state: Arc<Mutex<State>>, direction: Direction) {
    let (queue, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    let mut far = to.try_clone().unwrap();
    // Bytes come out as much later as the wire is long, however many are on it.
    std::thread::spawn(move || {
        for (at, bytes) in due {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if far.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = far.shutdown(Shutdown::Write);
    });
    std::thread::spawn(move || {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            let mut bytes = &buffer[..n];
            let mut state = state.lock().unwrap();
            if state.stalled {
                continue;
            }
            if let Some((left, cut)) = state.cut_after
                && cut == direction
            {
                bytes = &bytes[..bytes.len().min(left)];
                state.cut_after = Some((left - bytes.len(), cut));
                if left == bytes.len() {
                    let _ = to.write_all(bytes);
                    for stream in &state.streams {
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                    return;
                }
            }
            let at = Instant::now() + state.length;
            drop(state);
            if queue.send((at, bytes.to_vec())).is_err() {
                return;
            }
        }
    });
}
