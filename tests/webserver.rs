//! playbooks/webserver.yml on real Debian hosts that have no Python: from nothing to a web server that answers.

use crate::lab::Lab;

fn webserver(count: usize) -> Option<Lab> {
    Some(Lab::hosts(count)?.repository("playbooks").repository("inventory"))
}

fn play(lab: &Lab, more: &[&str]) -> Vec<String> {
    let hosts = lab.path().join("debian/hosts.ini").display().to_string();
    let mut args = vec![
        "play".to_owned(),
        "-i".into(),
        "inventory/lab".into(),
        "-i".into(),
        hosts,
        "playbooks/webserver.yml".into(),
    ];
    args.extend(more.iter().map(|&m| m.to_owned()));
    args
}

#[test]
fn a_fresh_host_becomes_a_web_server_and_then_stays_one() {
    let Some(lab) = webserver(2) else { return };
    lab.shevek(&play(&lab, &[]))
        .exit(0)
        .recap("lab1", "ok=17 changed=11 failed=0")
        .recap("lab2", "ok=17 changed=11 failed=0");
    let page =
        std::fs::read_to_string(lab.root("lab2").join("srv/www.example.test/public/index.html")).unwrap();
    assert!(page.contains("Served by lab2") && page.contains("lightgreen"), "{page}");
    lab.shevek(&play(&lab, &[]))
        .exit(0)
        .recap("lab1", "ok=16 changed=0 failed=0")
        .recap("lab2", "ok=16 changed=0 failed=0")
        .untouched("lab1");
}

/// Ansible stops at the link into a folder that the package would have brought; a check run that sees its own plan does not.
#[test]
fn a_check_of_a_fresh_host_goes_through_to_the_end_and_touches_nothing() {
    let Some(lab) = webserver(1) else { return };
    lab.shevek(&play(&lab, &["--check", "--diff", "--limit", "lab1"]))
        .exit(0)
        .recap("lab1", "failed=0 unreachable=0")
        .says("+    server_name www.example.test")
        .untouched("lab1");
}
