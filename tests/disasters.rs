//! What a host can do to a run: full disks, disks that take no writes, keys that changed, passwords that are wrong. On real Debian hosts;
//! each host has one trouble, and the others go on.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::lab::Lab;

impl Lab {
    /// Runs shell lines on a lab host, as its root.
    fn root_shell(&self, host: &str, lines: &str) -> String {
        let mut child = Command::new(crate::lab::repository().join("tests/lab/lab"))
            .args(["ssh", host, "sh -eu"])
            .env("SHEVEK_LAB_DIR", self.path().join("debian"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{lines}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// One lab for all of it: booting is dear, and no part hinders another.
#[test]
fn hosts_in_trouble_are_told_apart_and_the_others_go_on() {
    let Some(lab) = Lab::hosts(2) else { return };
    let lab = lab.unwatched().file("big", &"x".repeat(1 << 20));
    full_and_read_only_disks(&lab);
    no_place_and_no_runner(&lab);
    passwords(&lab);
    keys_of_hosts(&lab);
}

const PLAY: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n";

fn full_and_read_only_disks(lab: &Lab) {
    lab.root_shell("lab1", "mkdir /mnt/small /mnt/ro; mount -t tmpfs -o size=100k none /mnt/small; echo old >/mnt/small/f; mount -t tmpfs none /mnt/ro; echo old >/mnt/ro/f; mount -o remount,ro /mnt/ro");
    lab.root_shell("lab2", "mkdir /mnt/small /mnt/ro; echo old >/mnt/ro/f");
    for (task, words) in [
        (
            "copy: { src: big, dest: /mnt/small/f }",
            "could not write a temporary file beside /mnt/small/f: No space left on device",
        ),
        ("lineinfile: { path: /mnt/ro/f, line: new }", "could not write /mnt/ro/f: Read-only file system"),
        (
            "file: { path: /mnt/ro/d, state: directory }",
            "could not make the folder /mnt/ro/d: Read-only file system",
        ),
        ("copy: { content: new, dest: /mnt/ro/f }", "Destination /mnt/ro not writable"),
    ] {
        std::fs::write(lab.path().join("playbook.yml"), format!("{PLAY}    - {task}\n")).unwrap();
        lab.run([])
            .exit(2)
            .says(words)
            .says("playbook.yml:4:7")
            .recap("lab1", "changed=0 failed=1")
            .recap("lab2", "changed=1 failed=0");
    }
    // The old content is there, and nothing half-written beside it.
    assert_eq!(
        lab.root_shell("lab1", "cat /mnt/small/f /mnt/ro/f; ls -A /mnt/small /mnt/ro"),
        "old\nold\n/mnt/ro:\nf\n\n/mnt/small:\nf\n"
    );
}

fn no_place_and_no_runner(lab: &Lab) {
    std::fs::write(lab.path().join("playbook.yml"), format!("{PLAY}    - command: id -un\n")).unwrap();
    lab.root_shell("lab1", "rm -rf /root/.cache/shevek; mount -t tmpfs -o size=200k none /root/.cache; for d in /var/tmp /tmp /dev/shm; do mount -t tmpfs -o ro none $d; done");
    lab.run([])
        .exit(4)
        .says(
            "upload: no place for the runner; /root/.cache/shevek is full; /var/tmp/shevek-0 is not writable",
        )
        .recap("lab1", "unreachable=1")
        .recap("lab2", "changed=1");
    lab.root_shell("lab1", "umount /root/.cache /var/tmp /tmp /dev/shm");
    lab.root_shell(
        "lab1",
        "printf '#!/bin/sh\n[ \"$1\" != -m ] || exec echo riscv64\nexec /usr/bin/uname \"$@\"\n' >/usr/local/bin/uname; chmod +x /usr/local/bin/uname",
    );
    lab.run([])
        .exit(4)
        .says("start: there is no runner for Linux on riscv64")
        .says("--runner-dir")
        .recap("lab1", "unreachable=1")
        .recap("lab2", "changed=1");
    lab.root_shell("lab1", "rm /usr/local/bin/uname");
    lab.run([]).exit(0).recap("lab1", "changed=1 unreachable=0");
}

fn passwords(lab: &Lab) {
    for host in ["lab1", "lab2"] {
        lab.root_shell(host, "useradd -m -s /bin/sh op; echo op:Geheimnis | chpasswd; echo 'op ALL=(ALL) ALL' >/etc/sudoers.d/op; useradd app; install -D -o op /root/.ssh/authorized_keys /home/op/.ssh/authorized_keys");
    }
    std::fs::create_dir_all(lab.path().join("inventory/host_vars")).unwrap();
    std::fs::write(lab.path().join("inventory/host_vars/lab1.yml"), "ansible_become_password: Tippfehler\n")
        .unwrap();
    std::fs::write(lab.path().join("inventory/host_vars/lab2.yml"), "ansible_become_password: Geheimnis\n")
        .unwrap();
    let begin = std::time::Instant::now();
    lab.run(["-e", "ansible_user=op", "-b"])
        .exit(2)
        .says("become: the sudo password for root is wrong")
        .hides("Tippfehler")
        .recap("lab1", "failed=1 unreachable=0")
        .recap("lab2", "changed=1 failed=0");
    assert!(begin.elapsed().as_secs() < 20, "a wrong password is told when sudo says so");
    lab.run(["-e", "ansible_user=op", "-b", "--become-user", "app", "-v", "--limit", "lab2"])
        .exit(0)
        .says("\"stdout\": \"app\"");
    lab.run(["-e", "ansible_user=op ansible_become_password=", "-b", "--limit", "lab2"])
        .exit(2)
        .says("the sudo password for root is missing");
}

fn keys_of_hosts(lab: &Lab) {
    let known = lab.path().join("debian/known_hosts");
    let before = std::fs::read_to_string(&known).unwrap();
    let keys: Vec<&str> = before.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    // lab1 is known under the key of lab2.
    let changed = before.replacen(keys[0], keys[1], 1);
    std::fs::write(&known, changed).unwrap();
    lab.run([])
        .exit(4)
        .says("host key: the host's ssh-ed25519 key has changed: it shows SHA256:")
        .says("known_hosts:1 has SHA256:")
        .recap("lab1", "unreachable=1")
        .recap("lab2", "changed=1");
    std::fs::write(&known, before.lines().nth(1).unwrap()).unwrap();
    lab.run([])
        .exit(4)
        .says("host key: the host's ssh-ed25519 key SHA256:")
        .says("is not known")
        .recap("lab1", "unreachable=1")
        .recap("lab2", "changed=1");
}
