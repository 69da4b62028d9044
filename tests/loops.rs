//! Loops and retries: items, labels, registered results, until.

use crate::lab::Lab;

#[test]
fn a_loop_registers_every_item() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - copy: { content: "{{ item.text }}", dest: "{{ root }}/{{ item.name }}", mode: "0600" }
      loop: "{{ files }}"
      loop_control: { label: "{{ item.name }}", index_var: number, extended: true }
      register: written
      when: item.name != 'skipped'
    - assert:
        that:
          - written.results | length == 3
          - written.results | map(attribute='item.name') | list == ['a', 'skipped', 'b']
          - written.results[1] is skipped
          - written is changed
  vars:
    files:
      - { name: a, text: one }
      - { name: skipped, text: none }
      - { name: b, text: two }
"#,
        )
        .run([])
        .exit(0)
        .says("(item=a)")
        .says("(item=b)")
        .recap("web1", "ok=2 changed=1")
        .touched("web1", "+ a\n+ b");
}

#[test]
fn the_old_loops_still_loop() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - debug: { msg: "item {{ item }}" }
      with_items: [[1, 2], 3]
    - debug: { msg: "{{ item.key }} is {{ item.value }}" }
      with_dict: { colour: red }
    - debug: { msg: "{{ item.0 }}{{ item.1 }}" }
      with_nested: [[x, y], [1]]
    - debug: { msg: "number {{ item }}" }
      with_sequence: start=4 end=6
"#,
        )
        .run([])
        .exit(0)
        .says("item 1")
        .says("item 3")
        .says("colour is red")
        .says("y1")
        .says("number 6")
        .recap("web1", "ok=4");
}

#[test]
fn until_tries_again_until_it_is_so() {
    let lab = Lab::local().playbook(
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - shell: echo x >> {{ root }}/tries; wc -l < {{ root }}/tries
      register: tries
      until: tries.stdout | int >= 3
      retries: 5
      delay: 0
    - assert: { that: [tries.attempts == 3, tries.stdout | int == 3] }
"#,
    );
    lab.run([]).exit(0).recap("web1", "ok=2 changed=1 failed=0");
}

#[test]
fn an_item_that_fails_fails_the_task_after_all_items_ran() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: test {{ item }} != 2
      loop: [1, 2, 3]
"#,
        )
        .run([])
        .exit(2)
        .says("(item=3)")
        .recap("web1", "ok=0 failed=1");
}

#[test]
fn an_item_sees_the_files_that_the_one_before_it_made() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - command: touch {{ root }}/{{ item }}
      loop: [one, two]
      when: not ((root ~ '/one') is exists)
    - command: touch {{ root }}/{{ lookup('pipe', 'ls ' ~ root ~ ' | wc -l') }}{{ item }}
      loop: [a, b]
"#,
        )
        .run([])
        .exit(0)
        .touched("web1", "+ 1a\n+ 2b\n+ one");
}

#[test]
fn a_failed_debug_in_a_loop_is_told_as_ansible_tells_it() {
    Lab::local()
        .playbook(
            r#"
- hosts: all
  gather_facts: false
  tasks:
    - debug: { msg: h }
      loop: [1, 2]
      until: item == 2
      retries: 1
      delay: 0
      ignore_errors: true
"#,
        )
        .run([])
        .exit(0)
        .says("FAILED - RETRYING: [web1]: debug (1 retries left).Result was: {\n    \"attempts\": 1,\n    \"changed\": false,\n    \"msg\": \"h\",\n    \"retries\": 2\n}")
        .says("fatal: [web1]: FAILED! => {\"msg\": \"One or more items failed\"}\n...ignoring");
}

#[test]
fn a_task_of_the_controller_has_no_more_than_its_time() {
    for task in ["pause: { seconds: 20 }", "raw: sleep 20", "wait_for_connection: { delay: 20 }"] {
        Lab::local()
            .playbook(&format!(
                "- hosts: all\n  gather_facts: false\n  tasks:\n    - {task}\n      timeout: 1\n      register: r\n      ignore_errors: true\n    \
                 - assert: {{ that: [r is timedout, r.timedout.period == 1, r is not unreachable] }}\n"
            ))
            .run([])
            .exit(0)
            .says("Task failed: Timed out after 1 second(s).")
            .recap("web1", "ok=2 ignored=1");
    }
}
