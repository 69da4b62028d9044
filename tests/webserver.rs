//! playbooks/webserver.yml on real Debian hosts that have no Python: from nothing to a web server that answers.

use crate::lab::{Lab, Outcome};

const HOSTS: [&str; 3] = ["lab1", "lab2", "lab3"];

fn play<'a>(lab: &'a Lab, more: &[&str]) -> Outcome<'a> {
    let hosts = lab.path().join("debian/hosts.ini").display().to_string();
    let mut args = vec!["play", "-i", "inventory/lab", "-i", &hosts, "playbooks/webserver.yml"];
    args.extend(more);
    lab.shevek(&args)
}

/// One story, since booting and installing are dear: each part starts where the one before it ended.
#[test]
fn three_fresh_hosts_become_web_servers_and_then_stay_so() {
    let Some(lab) = Lab::hosts(HOSTS.len()) else { return };
    let lab = lab.repository("playbooks").repository("inventory");
    // Ansible stops at the link into a folder that the package would have brought; a check run that sees its own plan does not.
    let mut run = play(&lab, &["--check", "--diff"])
        .exit(0)
        .says("The following NEW packages will be installed:\n  libnginx-mod-http-echo nginx nginx-common nginx-light")
        .says("+    server_name www.example.test")
        .says("+<p>Served by lab2, a Debian 12.</p>")
        .says("undecided: [lab1]: only the real run can tell");
    for host in HOSTS {
        run = run.recap(host, "ok=10 changed=8 unreachable=0 failed=0 skipped=7").untouched(host);
    }
    let mut run = play(&lab, &[]).exit(0);
    for host in HOSTS {
        run = run.recap(host, "ok=17 changed=11 unreachable=0 failed=0");
        let page = lab.page(host, 8080, "www.example.test");
        assert!(page.starts_with("HTTP/1.1 200") && page.contains(&format!("Served by {host}")), "{page}");
    }
    assert!(lab.page("lab2", 8080, "www.example.test").contains("lightgreen"));
    let mut run = play(&lab, &[]).exit(0);
    for host in HOSTS {
        run = run.recap(host, "ok=16 changed=0 unreachable=0 failed=0").untouched(host);
    }
    lab.halt("lab3");
    play(&lab, &["-e", "site_version=2.0"])
        .exit(4)
        .says("fatal: [lab3]: UNREACHABLE!")
        .recap("lab1", "changed=2 unreachable=0 failed=0")
        .recap("lab2", "changed=2 unreachable=0 failed=0")
        .recap("lab3", "ok=0 changed=0 unreachable=1 failed=0");
    assert!(lab.page("lab1", 8080, "www.example.test").contains("www.example.test 2.0"));
}
