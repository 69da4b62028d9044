//! Hosts that go away and come back: real Debian systems that reboot.

use crate::lab::Lab;

#[test]
fn hosts_that_reboot_are_waited_for_and_the_play_goes_on() {
    let Some(lab) = Lab::hosts(2) else { return };
    let lab = lab.unwatched().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: cat /proc/sys/kernel/random/boot_id
      register: first
    - reboot: { reboot_timeout: 120 }
      register: done
      when: inventory_hostname == 'lab1'
    - command: cat /proc/sys/kernel/random/boot_id
      register: second
    - assert: { that: [done.rebooted, done is changed, first.stdout != second.stdout] }
      when: inventory_hostname == 'lab1'
    - assert: { that: first.stdout == second.stdout }
      when: inventory_hostname == 'lab2'
    - shell: sleep 1 && systemctl reboot
      async: 10
      poll: 0
    - wait_for_connection: { delay: 3, timeout: 120 }
    - command: cat /proc/sys/kernel/random/boot_id
      register: third
    - assert: { that: second.stdout != third.stdout }
"#,
    );
    lab.run([])
        .exit(0)
        .recap("lab1", "ok=8 unreachable=0 failed=0 skipped=1")
        .recap("lab2", "ok=7 unreachable=0 failed=0 skipped=2");
}
