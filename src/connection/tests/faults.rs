//! What goes wrong on the way ends in a named phase, within its deadline.

use std::time::{Duration, Instant};

use shevek_connection::{
    Blobs, Cache, ConnectError, Connection, Content, OpenOptions, Phase, SshTarget, Target,
};
use shevek_proto::Val;

use crate::lab::{batch, options, result};
use crate::sshd::{Sshd, Wire};

/// Deadlines that tests can wait for.
fn hurried() -> OpenOptions {
    let mut options = options();
    options.deadlines.auth = Duration::from_millis(700);
    options.deadlines.start = Duration::from_secs(5);
    options.deadlines.upload = Duration::from_secs(5);
    options
}

fn over(wire: &Wire, sshd: &Sshd) -> SshTarget {
    let mut ssh = sshd.ssh();
    ssh.port = wire.address.port();
    ssh.connect_timeout = Duration::from_secs(5);
    ssh.alive_interval = Some(Duration::from_millis(200));
    ssh.alive_count = 2;
    ssh
}

async fn open(ssh: SshTarget) -> Connection {
    Connection::open(&Target::ssh("web1", ssh), &hurried()).await.unwrap()
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let ssh = SshTarget::new("no-such-host.invalid", 22, "root");
    let error = Connection::open(&Target::ssh("web1", ssh), &hurried()).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Resolve);
    assert!(
        error.to_string().starts_with("web1 (resolve): the name \"no-such-host.invalid\" cannot be resolved"),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_that_nobody_listens_on() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error =
        Connection::open(&Target::ssh("web1", SshTarget::new("127.0.0.1", port, "root")), &hurried()).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        format!("web1 (connect): 127.0.0.1:{port}: Connection refused")
    );
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut ssh = SshTarget::new("127.0.0.1", listener.local_addr().unwrap().port(), "root");
    ssh.connect_timeout = Duration::from_millis(100);
    let error = Connection::open(&Target::ssh("web1", ssh), &hurried()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "web1 (connect): timed out after 0.1 s waiting for the server's key exchange"
    );
}

#[tokio::test]
async fn a_wire_cut_in_the_middle_of_a_message() {
    let Some(sshd) = Sshd::start("") else { return };
    let wire = Wire::to(sshd.address);
    let connection = open(over(&wire, &sshd)).await;
    connection.runner().await.unwrap();
    wire.cut_up_after(100_000);
    let error =
        connection.run(batch("give", vec![("size", 5_000_000i64.into())]), Blobs::new(), |_| {}).await;
    let error = error.unwrap_err();
    assert!(error.is_unreachable() && error.phase() == Phase::Run, "{error}");
    let again = connection.run(batch("echo", vec![]), Blobs::new(), |_| {}).await.unwrap_err();
    assert!(again.is_unreachable());
    assert!(connection.raw(shevek_connection::RawCommand::new("true")).await.unwrap_err().is_unreachable());
}

#[tokio::test]
async fn a_wire_that_stalls_is_noticed_by_waiters_and_by_blocked_writers() {
    let Some(sshd) = Sshd::start("") else { return };
    let wire = Wire::to(sshd.address);
    let connection = open(over(&wire, &sshd)).await;
    let runner = connection.runner().await.unwrap();
    let waiting = runner.start(batch("sleep", vec![]), Blobs::new()).await.unwrap();
    wire.stall();
    let begun = Instant::now();
    // More than the window takes, so that the writer is blocked.
    let mut flood = Vec::new();
    for _ in 0..8 {
        let big = Val::Bytes(vec![0; 1 << 20]);
        match runner.start(batch("echo", vec![("big", big)]), Blobs::new()).await {
            Ok(running) => flood.push(running),
            Err(_) => break,
        }
    }
    let error = waiting.wait().await.unwrap_err();
    assert_eq!(error.phase(), Phase::Idle, "{error}");
    assert!(error.detail().starts_with("nothing was heard from the host for"), "{error}");
    for running in flood {
        running.wait().await.unwrap_err();
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "it is noticed, however busy this machine is");
}

#[tokio::test]
async fn a_wire_that_stalls_during_raw_input() {
    let Some(sshd) = Sshd::start("") else { return };
    let wire = Wire::to(sshd.address);
    let connection = open(over(&wire, &sshd)).await;
    wire.stall();
    let command = shevek_connection::RawCommand {
        stdin: vec![0; 4 << 20],
        ..shevek_connection::RawCommand::new("cat")
    };
    let error = connection.raw(command).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Idle, "{error}");
}

#[tokio::test]
async fn a_server_that_stalls_during_the_login() {
    let Some(sshd) = Sshd::start("") else { return };
    let wire = Wire::to(sshd.address);
    let mut ssh = over(&wire, &sshd);
    ssh.alive_interval = None;
    // The agent never answers.
    let socket = sshd.path("silent");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    ssh.login.agent = shevek_connection::AgentUse::Socket(socket);
    let error = Connection::open(&Target::ssh("web1", ssh), &hurried()).await.unwrap_err();
    assert_eq!(error.to_string(), "web1 (auth): timed out after 0.7 s waiting for the login");
}

#[tokio::test]
async fn a_wire_cut_during_the_upload() {
    let Some(sshd) = Sshd::start("") else { return };
    let wire = Wire::to(sshd.address);
    let connection = open(over(&wire, &sshd)).await;
    // The question and the header still come through; most of the runner does not.
    wire.cut_down_after(60_000);
    let error = connection.runner().await.unwrap_err();
    assert!(error.is_unreachable() && error.phase() == Phase::Upload, "{error}");
    // Nothing that is not whole is ever found under the runner's name.
    let mut left =
        std::fs::read_dir(sshd.path("cache/shevek")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.any(|name| !name.to_str().unwrap().starts_with('.')));
}

#[tokio::test]
async fn a_server_that_closes_after_the_login() {
    let Some(sshd) = Sshd::start("") else { return };
    let wire = Wire::to(sshd.address);
    let connection = open(over(&wire, &sshd)).await;
    wire.cut();
    let error = connection.runner().await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    assert_eq!(error.host(), "web1");
}

#[tokio::test]
async fn a_disk_that_is_full() {
    let Some(sshd) = Sshd::start("") else { return };
    // A small file system of the host's own.
    let cache = sshd.path("cache");
    std::fs::create_dir_all(&cache).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"])
        .arg(&cache)
        .status()
        .unwrap();
    if !mounted.success() {
        println!("skipped: cannot mount");
        return;
    }
    let hash = format!("full{}", std::process::id());
    let options = crate::lab::options_with_runner_named(&hash);
    let connection = Connection::open(&sshd.target(), &options).await.unwrap();
    let path = crate::lab::runner_path(&connection).await;
    let left = std::fs::read_dir(cache.join("shevek")).unwrap().count();
    crate::sshd::run("umount", [cache.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert!(path.starts_with("/var/tmp/shevek-"), "{path}");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_place_that_is_mounted_noexec() {
    let Some(sshd) = Sshd::start("") else { return };
    let cache = sshd.path("cache");
    std::fs::create_dir_all(&cache).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "noexec,mode=700", "tmpfs"])
        .arg(&cache)
        .status()
        .unwrap();
    if !mounted.success() {
        println!("skipped: cannot mount");
        return;
    }
    let hash = format!("noexec{}", std::process::id());
    let options = crate::lab::options_with_runner_named(&hash);
    let connection = Connection::open(&sshd.target(), &options).await.unwrap();
    let path = crate::lab::runner_path(&connection).await;
    crate::sshd::run("umount", [cache.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert!(path.starts_with("/var/tmp/shevek-"), "{path}");
}

#[tokio::test]
async fn a_runner_that_is_killed() {
    let Some(sshd) = Sshd::start("") else { return };
    let connection = Connection::open(&sshd.target(), &options()).await.unwrap();
    let runner = connection.runner().await.unwrap();
    let pid = result(&connection, "whoami", vec![], "pid").await.as_int().unwrap();
    let waiting = runner.start(batch("sleep", vec![]), Blobs::new()).await.unwrap();
    connection.raw(shevek_connection::RawCommand::new(format!("kill -9 {pid}"))).await.unwrap();
    let error = waiting.wait().await.unwrap_err();
    assert!(error.to_string().starts_with("web1 (run): the runner ended (signal KILL)"), "{error}");
}

#[tokio::test]
async fn a_chatty_channel_does_not_block_the_others() {
    let Some(sshd) = Sshd::start("") else { return };
    let connection = Connection::open(&sshd.target(), &options()).await.unwrap();
    connection.runner().await.unwrap();
    let flood = tokio::spawn({
        let connection = connection.clone();
        async move { connection.raw(shevek_connection::RawCommand::new("head -c 6000000 /dev/zero")).await }
    });
    for _ in 0..20 {
        assert_eq!(result(&connection, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
    }
    assert_eq!(flood.await.unwrap().unwrap().stdout.len(), 6_000_000);
}

#[tokio::test]
async fn content_in_both_directions_at_once() {
    let Some(sshd) = Sshd::start("RekeyLimit 256K") else { return };
    let mut options = options();
    options.cache = Cache::Leave;
    let connection = Connection::open(&sshd.target(), &options).await.unwrap();
    let bytes: std::sync::Arc<[u8]> = vec![1; 3 << 20].into();
    let down = async {
        let mut blobs = Blobs::new();
        let blob = blobs.add(Content::Bytes(bytes.clone()), None);
        connection.run(batch("take", vec![("content", Val::Blob(blob))]), blobs, |_| {}).await
    };
    let up = connection.run(batch("give", vec![("size", (3i64 << 20).into())]), Blobs::new(), |_| {});
    let (down, up): (Result<_, ConnectError>, Result<_, ConnectError>) = tokio::join!(down, up);
    assert_eq!(down.unwrap()[0].outcome.result[0].1, Val::Int(3 << 20));
    let Val::Blob(blob) = &up.unwrap()[0].outcome.result[0].1 else { panic!() };
    assert_eq!(connection.fetched(blob.id).await.unwrap().size(), 3 << 20);
}
