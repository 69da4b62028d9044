//! Starting the runner, batches, content: over pipes.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use shevek_connection::{
    Answer, Blobs, Cache, ConnectError, Connection, Content, InsideTarget, OpenOptions, Phase, RawCommand,
    RunnerImage, Runners, Target, TransportKind,
};
use shevek_proto::{Become, BecomeMethod, Blob, Part, Val};

use crate::lab::{Home, batch, batch_of, call, options, options_with_runner_named, result, runner_path};

#[tokio::test]
async fn the_first_run_sends_the_runner_and_the_second_finds_it() {
    let home = Home::new();
    let first = Connection::open(&home.target(), &options()).await.unwrap();
    assert!(!first.runner().await.unwrap().was_cached());
    assert!(runner_path(&first).await.starts_with(home.cache().to_str().unwrap()));
    assert_eq!(std::fs::metadata(home.cache()).unwrap().permissions().mode() & 0o777, 0o700);
    first.close().await;

    let second = Connection::open(&home.target(), &options()).await.unwrap();
    assert!(second.runner().await.unwrap().was_cached());
    assert_eq!(home.files().len(), 3, "{:?}", home.files());
}

#[tokio::test]
async fn nothing_is_left_on_disk_when_asked() {
    let home = Home::new();
    let mut options = options();
    options.cache = Cache::Leave;
    let connection = Connection::open(&home.target(), &options).await.unwrap();
    let path = runner_path(&connection).await;
    assert!(path.ends_with("(deleted)"), "{path}");
    assert!(!std::path::Path::new(path.trim_end_matches(" (deleted)")).parent().unwrap().exists());
    assert!(home.files().is_empty());
}

#[tokio::test]
async fn the_runner_has_the_users_umask_and_not_the_scripts() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let own = status.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap().trim().to_owned();
    assert_ne!(own, "0077");
    let home = Home::new();
    for cache in [Cache::Keep, Cache::Keep, Cache::Leave] {
        let mut options = options();
        options.cache = cache;
        let connection = Connection::open(&home.target(), &options).await.unwrap();
        assert_eq!(result(&connection, "whoami", vec![], "umask").await.as_str(), Some(own.as_str()));
    }
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_not_used() {
    let home = Home::new();
    std::fs::create_dir_all(home.cache()).unwrap();
    std::fs::set_permissions(home.cache(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let hash = format!("test{}", std::process::id());
    let connection = Connection::open(&home.target(), &options_with_runner_named(&hash)).await.unwrap();
    let path = runner_path(&connection).await;
    std::fs::remove_file(&path).unwrap();
    assert!(path.starts_with("/var/tmp/shevek-"), "{path}");
    assert!(std::fs::read_dir(home.cache()).unwrap().next().is_none());
}

#[tokio::test]
async fn a_damaged_runner_is_sent_anew() {
    let home = Home::new();
    Connection::open(&home.target(), &options()).await.unwrap().runner().await.unwrap();
    let stored = std::fs::read_dir(home.cache()).unwrap().next().unwrap().unwrap().path();
    // The same length, so that only running it shows the damage.
    let length = std::fs::metadata(&stored).unwrap().len() as usize;
    std::fs::remove_file(&stored).unwrap();
    std::fs::write(&stored, [b"exit 1\n".as_slice(), &vec![b'#'; length - 7]].concat()).unwrap();
    std::fs::set_permissions(&stored, std::fs::Permissions::from_mode(0o700)).unwrap();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    assert!(!connection.runner().await.unwrap().was_cached());
    assert_eq!(result(&connection, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
}

#[tokio::test]
async fn other_shells_start_it_too() {
    for shell in ["/bin/bash", "/usr/bin/fish", "/usr/bin/tcsh", "/usr/bin/zsh", "/usr/bin/ksh"] {
        if !std::path::Path::new(shell).exists() {
            continue;
        }
        let home = Home::new();
        let connection = Connection::open(&home.target_with_shell(shell), &options()).await.unwrap();
        assert!(!connection.runner().await.unwrap_or_else(|e| panic!("{shell}: {e}")).was_cached());
    }
}

/// A host on which `/bin/sh` is another shell, with none but these programs.
fn host_with_sh(home: &Home, sh: &str, path: &str) -> String {
    let wrapper = home.path().join("shell");
    let script =
        format!("#!/bin/bash\nexport PATH={path}\nexec {sh} -c \"exec {sh} ${{2#exec /bin/sh }}\"\n");
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    wrapper.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn other_shells_in_the_place_of_sh_run_the_script() {
    for sh in ["/usr/bin/dash", "/bin/bash", "/usr/bin/mksh", "/usr/bin/busybox sh"] {
        if !std::path::Path::new(sh.split(' ').next().unwrap()).exists() {
            continue;
        }
        for cache in [Cache::Keep, Cache::Leave] {
            let home = Home::new();
            let mut programs = "/usr/bin:/bin".to_owned();
            if sh.contains("busybox") {
                let folder = home.path().join("applets");
                std::fs::create_dir(&folder).unwrap();
                for name in [
                    "id", "uname", "ls", "wc", "dd", "gzip", "mkdir", "chmod", "rm", "rmdir", "head", "mv",
                    "tail",
                ] {
                    std::os::unix::fs::symlink("/usr/bin/busybox", folder.join(name)).unwrap();
                }
                programs = folder.to_str().unwrap().to_owned();
            }
            let shell = host_with_sh(&home, sh, &programs);
            let mut options = options();
            options.cache = cache;
            for cached in [false, cache == Cache::Keep] {
                let connection = Connection::open(&home.target_with_shell(&shell), &options).await.unwrap();
                let runner = connection.runner().await.unwrap_or_else(|e| panic!("{sh}: {e}"));
                assert_eq!(runner.was_cached(), cached, "{sh}");
                assert_eq!(result(&connection, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
                assert_eq!(connection.lost(), None);
            }
        }
    }
}

#[tokio::test]
async fn a_host_without_gzip_and_head_gets_it_too() {
    let home = Home::new();
    let folder = home.path().join("programs");
    std::fs::create_dir(&folder).unwrap();
    for name in ["id", "uname", "ls", "wc", "dd", "mkdir", "chmod", "rm", "rmdir", "mv"] {
        std::os::unix::fs::symlink(format!("/usr/bin/{name}"), folder.join(name)).unwrap();
    }
    let shell = host_with_sh(&home, "/bin/sh", folder.to_str().unwrap());
    let connection = Connection::open(&home.target_with_shell(&shell), &options()).await.unwrap();
    assert_eq!(result(&connection, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
}

#[tokio::test]
async fn what_the_shell_prints_first_is_passed_over() {
    let home = Home::new();
    let shell = home.path().join("noisy");
    std::fs::write(
        &shell,
        "#!/bin/sh\necho Welcome to web1; echo Last login >&2\nprintf 'no newline'\nexec /bin/sh \"$@\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
    let connection =
        Connection::open(&home.target_with_shell(shell.to_str().unwrap()), &options()).await.unwrap();
    assert_eq!(result(&connection, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
}

#[tokio::test]
async fn a_machine_without_a_runner_gets_an_error_that_helps() {
    let home = Home::new();
    let options = OpenOptions::new(Arc::new(Runners::new()));
    let connection = Connection::open(&home.target(), &options).await.unwrap();
    let error = connection.runner().await.unwrap_err();
    assert_eq!(error.phase(), Phase::Start);
    assert!(error.detail().starts_with("there is no runner for Linux on"), "{error}");
    assert!(error.help().unwrap().contains("--runner-dir"));
    // Raw commands need none.
    assert_eq!(connection.raw(RawCommand::new("echo hello")).await.unwrap().stdout, b"hello\n");
}

#[tokio::test]
async fn a_shell_that_ends_at_once_is_quoted() {
    let home = Home::new();
    let shell = home.path().join("nologin");
    std::fs::write(&shell, "#!/bin/sh\necho This account is currently not available.\nexit 1\n").unwrap();
    std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)).unwrap();
    let connection =
        Connection::open(&home.target_with_shell(shell.to_str().unwrap()), &options()).await.unwrap();
    let error = connection.runner().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "web1 (start): the host's shell ended before the runner could start (exit code 1): \
         This account is currently not available."
    );
}

#[tokio::test]
async fn a_loop_is_one_batch_and_batches_do_not_wait_for_each_other() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let runner = connection.runner().await.unwrap();
    let many = (0..200).map(|i| {
        let items = batch_of((0..5).map(|j| call("echo", vec![("n", Val::Int(i * 10 + j))])).collect());
        async move {
            let mut seen = Vec::new();
            runner
                .run(items, Blobs::new(), |item| seen.push(item.outcome.result[0].1.as_int().unwrap()))
                .await
                .unwrap();
            assert_eq!(seen, (0..5).map(|j| i * 10 + j).collect::<Vec<_>>());
        }
    });
    let mut tasks = Vec::new();
    for one in many {
        tasks.push(one);
    }
    for task in tasks {
        task.await;
    }
}

#[tokio::test]
async fn content_goes_down_within_the_credit() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let file = home.path().join("content");
    for size in [0usize, 1, 64 * 1024, 64 * 1024 + 1, 256 * 1024, 300_000, 3_000_000] {
        std::fs::write(&file, vec![b'x'; size]).unwrap();
        let on_disk = Content::File { path: file.clone(), size: size as u64 };
        for content in [Content::Bytes(vec![b'x'; size].into()), on_disk] {
            let mut blobs = Blobs::new();
            let blob = blobs.add(content, None);
            let items = connection
                .run(batch("take", vec![("content", Val::Blob(blob))]), blobs, |_| {})
                .await
                .unwrap();
            assert_eq!(items[0].outcome.result, [("length".to_owned(), Val::Int(size as i64))]);
        }
    }
}

#[tokio::test]
async fn content_that_cannot_be_read_fails_the_task_and_not_the_host() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let mut blobs = Blobs::new();
    let blob = blobs.add(Content::File { path: "/nowhere/at/all".into(), size: 5 }, None);
    let error =
        connection.run(batch("take", vec![("content", Val::Blob(blob))]), blobs, |_| {}).await.unwrap_err();
    assert!(matches!(error, ConnectError::Task(_)), "{error}");
    assert!(error.detail().contains("/nowhere/at/all"));
}

#[tokio::test]
async fn content_comes_up_whole() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    for size in [0, 5, 5_000_000] {
        let content = result(&connection, "give", vec![("size", Val::Int(size))], "content").await;
        let Val::Blob(Blob { id, .. }) = content else { panic!("{content:?}") };
        let fetched = connection.fetched(id).await.unwrap();
        assert_eq!(fetched.size(), size as u64);
        assert!(fetched.into_bytes().unwrap().iter().all(|byte| *byte == b'f'));
        assert!(matches!(connection.fetched(id).await, Err(ConnectError::Bug(_))));
    }
}

#[tokio::test]
async fn a_runner_that_dies_fails_all_that_wait_and_says_its_last_words() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let error = connection.run(batch("die", vec![]), Blobs::new(), |_| {}).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "web1 (run): the runner ended in the middle of a message (exit code 7): the runner met its end"
    );
    let after = connection.run(batch("echo", vec![]), Blobs::new(), |_| {}).await.unwrap_err();
    assert_eq!(after, error);
    assert_eq!(connection.lost(), Some(error));
}

#[tokio::test]
async fn a_runner_that_breaks_the_rules_ends_the_conversation_and_fills_no_memory() {
    for (module, why) in [
        ("twice", "call 0 of a batch came twice, or is none of it"),
        ("beyond", "call 1 of a batch came twice, or is none of it"),
        ("streams", "there are more streams than calls"),
        ("small streams", "there are more streams than calls"),
        ("parts", "it asks for its parts again and again"),
    ] {
        let home = Home::new();
        let connection = Connection::open(&home.target(), &options()).await.unwrap();
        let error = connection.run(batch(module, vec![]), Blobs::new(), |_| {}).await.unwrap_err();
        assert!(matches!(error, ConnectError::Bug(_)), "{error}");
        assert_eq!(error.detail(), format!("the runner breaks the rules of the conversation: {why}"));
    }
}

#[tokio::test]
async fn a_file_without_end_is_given_up_at_the_limit_and_the_host_stays_reachable() {
    let home = Home::new();
    let mut options = options();
    options.fetch_limit = 4 << 20;
    let connection = Connection::open(&home.target(), &options).await.unwrap();
    let error = connection.run(batch("endless", vec![]), Blobs::new(), |_| {}).await.unwrap_err();
    assert!(matches!(error, ConnectError::Task(_)), "{error}");
    assert_eq!(error.detail(), "the host sends more than 4 MiB, and was given up");
    let again = Connection::open(&home.target(), &options).await.unwrap();
    assert_eq!(result(&again, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
}

#[tokio::test]
async fn a_host_gets_no_content_but_that_of_its_own_task() {
    let (home, other) = (Home::new(), Home::new());
    let options = options();
    let (nosy, busy) = (
        Connection::open(&home.target(), &options).await.unwrap(),
        Connection::open(&other.target(), &options).await.unwrap(),
    );
    let bytes: std::sync::Arc<[u8]> = vec![1; 1 << 20].into();
    let mut blobs = Blobs::new();
    let blob = blobs.add(Content::Bytes(bytes.clone()), None);
    let asked = nosy.runner().await.unwrap().start(batch("snoop", vec![]), Blobs::new()).await.unwrap();
    busy.run(batch("take", vec![("content", Val::Blob(blob))]), blobs, |_| {}).await.unwrap();
    let items = asked.wait().await.unwrap();
    assert_eq!(items[0].outcome.get("heard"), Some(&Val::Bool(false)));
}

#[tokio::test]
async fn arguments_that_do_not_fit_into_a_message_fail_the_task() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let much = vec![("text", Val::Bytes(vec![b'x'; shevek_proto::MAX_FRAME]))];
    let error = connection.run(batch("echo", much), Blobs::new(), |_| {}).await.unwrap_err();
    assert!(matches!(error, ConnectError::Task(_)), "{error}");
    assert_eq!(error.detail(), "the arguments are more than one request may hold (64 MiB)");
    let deep = (0..300).fold(Val::Null, |inner, _| Val::List(vec![inner]));
    let error = connection.run(batch("echo", vec![("list", deep)]), Blobs::new(), |_| {}).await.unwrap_err();
    assert_eq!(error.detail(), "the arguments cannot be sent: values nested over the limit of 192");
    assert_eq!(result(&connection, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
}

#[tokio::test]
async fn a_command_that_prints_without_end_is_given_up() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let error = connection.raw(RawCommand::new("exec cat /dev/zero")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Task(_)), "{error}");
    assert_eq!(error.detail(), "the command printed more than 64 MiB, and was given up");
}

#[tokio::test]
async fn a_kept_runner_with_other_content_is_sent_anew() {
    let home = Home::new();
    let first = Connection::open(&home.target(), &options()).await.unwrap();
    let path = runner_path(&first).await;
    first.close().await;
    let mut damaged = std::fs::read(&path).unwrap();
    let size = damaged.len();
    damaged.splice(..10, *b"#!/bin/cat");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &damaged).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();

    let second = Connection::open(&home.target(), &options()).await.unwrap();
    assert!(!second.runner().await.unwrap().was_cached());
    let healed = std::fs::read(&path).unwrap();
    assert!(healed.len() == size && healed != damaged);
}

#[tokio::test]
async fn a_runner_that_talks_rubbish_is_a_bug_and_no_unreachable_host() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let error = connection.run(batch("rubbish", vec![]), Blobs::new(), |_| {}).await.unwrap_err();
    assert!(matches!(error, ConnectError::Bug(_)), "{error}");
}

fn whom(method: BecomeMethod, password: &str) -> Become {
    let password = Some(password.to_owned());
    Become { method, user: "root".into(), exe: None, flags: None, password, prompts: Vec::new(), within: 60 }
}

#[tokio::test]
async fn becoming_that_fails_is_a_failure_of_the_task() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let mut work = batch("echo", vec![]);
    work.become_user = Some(Become { password: None, ..whom(BecomeMethod::Sudo, "") });
    let error = connection.run(work, Blobs::new(), |_| {}).await.unwrap_err();
    assert!(matches!(error, ConnectError::Become(_)) && error.phase() == Phase::Become, "{error}");
    assert_eq!(result(&connection, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
}

#[tokio::test]
async fn a_batch_can_be_cancelled() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let runner = connection.runner().await.unwrap();
    let running = runner.start(batch("sleep", vec![]), Blobs::new()).await.unwrap();
    running.cancel().await;
    assert!(matches!(running.wait().await, Err(ConnectError::Cancelled(_))));
    // Dropping does the same.
    drop(runner.start(batch("sleep", vec![]), Blobs::new()).await.unwrap());
    assert_eq!(result(&connection, "echo", vec![("a", 1.into())], "a").await, Val::Int(1));
}

#[tokio::test]
async fn a_flood_on_standard_error_blocks_nothing() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    result(&connection, "stderr", vec![("a", 1.into())], "a").await;
}

/// A `sudo` that asks for a password, or does not.
fn sudo(home: &Home, asks: bool) -> String {
    let path = home.path().join("sudo");
    let ask = r#"while :; do printf %s "$1" >&2; read -r word || exit 1; [ "$word" = sesame ] && break; echo "Sorry." >&2; done;"#;
    let ask = if asks { ask } else { "" };
    std::fs::write(&path, format!("#!/bin/sh\n{ask}\nshift; exec /bin/sh -c \"$1\"\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_password_goes_to_the_prompt_and_never_to_the_command() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    for (asks, word, rc, stdout, stderr) in [
        (true, "sesame", 0, "input", "careful\n"),
        (false, "sesame", 0, "input", "careful\n"),
        (true, "wrong", 1, "", "Sorry.\n"),
    ] {
        let whom = whom(BecomeMethod::Sudo, word);
        let answer = Answer::of(&whom).unwrap();
        let sudo = sudo(&home, asks);
        let inner = format!("echo {} >&2; echo careful >&2; cat", answer.begun);
        let command = RawCommand {
            stdin: b"input".to_vec(),
            answer: Some(answer.clone()),
            ..RawCommand::new(format!("{sudo} '{}' '{inner}'", answer.prompt))
        };
        let output = connection.raw(command).await.unwrap();
        let said = String::from_utf8(answer.clean(&output.stderr)).unwrap();
        assert_eq!((output.rc, output.stdout.as_slice(), said.as_str()), (rc, stdout.as_bytes(), stderr));
    }
}

#[tokio::test]
async fn su_is_answered_too_and_not_waited_for_without_end() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let answer = Answer::of(&whom(BecomeMethod::Su, "sesame")).unwrap();
    let su = "printf 'Password: ' >&2; read -r word; [ \"$word\" = sesame ] || { echo wrong >&2; exit 1; }";
    let line = format!("{su}; echo >&2; echo {} >&2; cat", answer.begun);
    let command =
        RawCommand { stdin: b"input".to_vec(), answer: Some(answer.clone()), ..RawCommand::new(line) };
    let output = connection.raw(command).await.unwrap();
    assert_eq!((output.rc, &*output.stdout), (0, b"input".as_slice()));
    assert_eq!(answer.clean(&output.stderr), b"");

    let whom = Become { prompts: vec!["Losung".into()], within: 1, ..whom(BecomeMethod::Su, "sesame") };
    let command = RawCommand { answer: Answer::of(&whom), ..RawCommand::new(su) };
    let error = connection.raw(command).await.unwrap_err();
    assert!(error.is_unreachable() && error.phase() == Phase::Become, "{error}");
    assert!(error.detail().contains("Timed out waiting for become success"), "{error}");
}

#[tokio::test]
async fn raw_commands_have_input_output_and_a_code() {
    let home = Home::new();
    let connection = Connection::open(&home.target(), &options()).await.unwrap();
    let command = RawCommand { stdin: b"abc".to_vec(), ..RawCommand::new("cat; echo oops >&2; exit 3") };
    let output = connection.raw(command).await.unwrap();
    assert_eq!((output.rc, &*output.stdout, &*output.stderr), (3, b"abc".as_slice(), b"oops\n".as_slice()));
    // One that ends without reading what it was given.
    let command = RawCommand { stdin: vec![0; 1 << 20], ..RawCommand::new("exit 4") };
    assert_eq!(connection.raw(command).await.unwrap().rc, 4);
    assert_eq!(connection.raw(RawCommand::new("kill -9 $$")).await.unwrap().rc, 137);
    let limit = Duration::from_millis(50);
    let command = RawCommand { timeout: Some(limit), ..RawCommand::new("sleep 60") };
    let error = connection.raw(command).await.unwrap_err();
    assert_eq!(error.to_string(), "web1 (run): timed out after 0.05 s waiting for the command to end");
}

#[tokio::test]
async fn a_folder_with_a_system_of_its_own() {
    let root = Home::new();
    if !std::path::Path::new("/usr/bin/busybox").exists() || rustix::process::getuid().as_raw() != 0 {
        println!("skipped: needs busybox and root");
        return;
    }
    std::fs::create_dir(root.path().join("bin")).unwrap();
    for name in ["busybox", "sh", "ls", "cat"] {
        std::fs::copy("/usr/bin/busybox", root.path().join("bin").join(name)).unwrap();
    }
    let inside = InsideTarget::Chroot { folder: root.path().to_owned(), program: None };
    let target = Target { name: "jail".into(), kind: TransportKind::Inside(inside) };
    let connection = Connection::open(&target, &options()).await.unwrap();
    let command = RawCommand { stdin: b"abc".to_vec(), ..RawCommand::new("ls / && cat && exit 3") };
    let output = connection.raw(command).await.unwrap();
    assert_eq!((output.rc, &*output.stdout), (3, b"bin\nabc".as_slice()));
}

#[tokio::test]
async fn the_real_runner_is_spoken_to() {
    let embedded = shevek_embed::CORE;
    let mut runners = Runners::new();
    runners.add(RunnerImage::from_gzip(
        embedded.machine,
        Part::Core,
        embedded.hash,
        embedded.size,
        embedded.gzip,
    ));
    let mut options = OpenOptions::new(Arc::new(runners));
    for cache in [Cache::Keep, Cache::Keep, Cache::Leave] {
        let home = Home::new();
        options.cache = cache;
        let connection = Connection::open(&home.target(), &options).await.unwrap();
        assert_eq!(connection.hello().await.unwrap().uid, rustix::process::getuid().as_raw());
        assert_eq!(result(&connection, "ping", vec![], "ping").await.as_str(), Some("pong"));
        connection.close().await;
    }
}
