//! `shevek pull`: a repository fetched and run where it is; and hosts that are containers.

use std::process::Command;

use crate::lab::Lab;

#[test]
fn a_repository_is_fetched_and_its_playbook_runs_when_it_has_changed() {
    let lab = Lab::local().file(
        "repo/local.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: { msg: pulled }\n",
    );
    let git = |words: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(lab.path().join("repo"))
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(words);
        assert!(git.output().unwrap().status.success(), "{words:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    let repo = lab.path().join("repo").display().to_string();
    let pull = |more: &[&str]| {
        let mut words = vec!["pull", "-U", &repo, "-d", "checkout", "-o"];
        words.extend(more);
        lab.shevek(&words)
    };
    pull(&[]).exit(0).says("\"msg\": \"pulled\"").recap("localhost", "ok=1");
    pull(&[]).exit(0).says("Repository has not changed").hides("pulled\"");
    std::fs::write(lab.path().join("repo/more"), "x").unwrap();
    git(&["add", "."]);
    git(&["commit", "-qm", "two"]);
    pull(&["--purge"]).exit(0).says("\"msg\": \"pulled\"");
    assert!(!lab.path().join("checkout").exists());
}

#[test]
fn a_container_is_reached_through_its_engine() {
    let lab = Lab::local()
        .file("engine", "#!/bin/sh\necho \"$@\" | cut -c1-30 >> \"$(dirname \"$0\")/calls\"\nwhile [ \"$1\" != /bin/sh ]; do shift; done\nexec \"$@\"\n")
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  vars:
    ansible_connection: community.docker.docker
    ansible_docker_command: "{{ playbook_dir }}/engine"
    ansible_host: box7
  tasks:
    - command: echo inside
      register: said
    - assert: { that: said.stdout == 'inside' }
"#,
        );
    let engine = lab.path().join("engine");
    std::fs::set_permissions(&engine, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    lab.run([]).exit(0).recap("web1", "ok=2");
    let calls = std::fs::read_to_string(lab.path().join("calls")).unwrap();
    assert!(calls.starts_with("exec -i box7 /bin/sh -c"), "{calls}");
}
