use super::*;

fn world() -> World {
    World::new().group("staff", 50).group("docker", 999).group("wheel", 10)
}

const HASH: &str =
    "$6$saltsalt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn a_new_user_gets_what_the_system_chooses() {
    let done = conform::<User>("{ name: ann }", world()).changed().ran(["useradd -m ann"]);
    let done = done.gives("uid", 1000).gives("home", "/home/ann").gives("create_home", true);
    let done = done.then("{ name: ann }").unchanged().gives("append", false);
    assert!(done.outcome().get("create_home").is_none());
}

#[test]
fn a_new_user_gets_what_is_asked_for() {
    let args =
        "{ name: ann, uid: 1040, group: staff, groups: [wheel, docker], shell: /bin/zsh, comment: Ann A,
                 home: /srv/ann, system: yes, expires: 1422403387 }";
    let done = conform::<User>(args, world().folder("/srv")).changed().ran([
        "useradd -u 1040 -g staff -G wheel,docker -c 'Ann A' -d /srv/ann -s /bin/zsh -e 2015-01-28 -m -r ann",
    ]);
    done.gives("uid", 1040).gives("group", 50).gives("groups", "wheel,docker").gives("shell", "/bin/zsh");
}

#[test]
fn a_group_of_the_users_name_becomes_its_primary_group() {
    conform::<User>("{ name: staff }", world()).changed().ran(["useradd -N -m staff"]).gives("group", 50);
    conform::<User>("{ name: ann, group: nope }", world()).failed("Group nope does not exist");
}

#[test]
fn only_what_differs_is_changed() {
    let world = world().user("ann", 1001);
    let done = conform::<User>("{ name: ann, shell: /bin/zsh, uid: 1001 }", world).changed();
    done.ran(["usermod -s /bin/zsh ann"]).diff("~ shell: /bin/sh -> /bin/zsh").gives("move_home", false);
}

#[test]
fn groups_are_set_or_added_to() {
    let world = || {
        world().user("ann", 1001).effect(Effect::User(Account {
            name: "ann".into(),
            groups: Some(vec!["wheel".into()]),
            ..Account::default()
        }))
    };
    let done = conform::<User>("{ name: ann, groups: [docker], append: yes }", world()).changed();
    done.ran(["usermod -a -G docker ann"]).diff("~ groups: ['wheel'] -> ['docker', 'wheel']");
    conform::<User>("{ name: ann, groups: docker }", world()).changed().ran(["usermod -G docker ann"]);
    conform::<User>("{ name: ann, groups: [] }", world()).changed().ran(["usermod -G '' ann"]);
    conform::<User>("{ name: ann, groups: wheel, append: yes }", world()).unchanged();
}

#[test]
fn a_password_is_set_and_never_shown() {
    let args = format!("{{ name: ann, password: '{HASH}' }}");
    let done = conform::<User>(&args, world().user("ann", 1001)).changed();
    let done = done.gives("password", "NOT_LOGGING_PASSWORD").diff("~ password: ******** -> ********");
    assert!(!format!("{:?}", done.outcome()).contains(HASH));
    assert!(done.outcome().warnings.is_empty());
    let once = format!("{{ name: ann, password: '{}', update_password: on_create }}", HASH.replace('a', "b"));
    let done = done.then(&once).unchanged();
    let done = done.then("{ name: ann, password_lock: yes }").changed().ran(["usermod -L ann"]);
    assert!(done.probe().shadow("ann").unwrap().unwrap().password.starts_with('!'));
    let done = conform::<User>("{ name: ann, password: plain }", world().user("ann", 1001));
    assert!(done.outcome().warnings[0].contains("appears not to have been hashed"));
}

#[test]
fn a_time_that_no_clock_can_tell_is_refused() {
    for (expires, why) in [
        ("1.0e+25", "out of range"),
        ("1.0e+17", "too large"),
        ("1.0e+12", "year 9999"),
        (".inf", "infinity"),
    ] {
        conform::<User>(&format!("{{ name: ann, expires: {expires} }}"), world()).failed(why);
    }
    conform::<User>("{ name: ann, expires: -1.0e+10 }", world().user("ann", 1001)).unchanged();
}

#[test]
fn ages_of_passwords_are_set_by_chage() {
    let done = conform::<User>(
        "{ name: ann, password_expire_max: 10, password_expire_min: 5 }",
        world().user("ann", 1),
    );
    done.changed().ran(["chage -m 5 -M 10 ann"]);
}

#[test]
fn a_missing_home_folder_is_made_from_the_skeleton() {
    let world = world()
        .file("/etc/skel/.profile", "x")
        .file("/etc/login.defs", "# x\nUMASK\t077\n")
        .user("ann", 1001)
        .effect(Effect::Gone("/home/ann".into()));
    let done = conform::<User>("{ name: ann }", world).changed().ran([]).holds("/home/ann/.profile", "x");
    let stat = done.probe().stat("/home/ann/.profile").unwrap().unwrap();
    assert_eq!((stat.uid, stat.gid), (1001, 1001));
    assert_eq!(done.probe().stat("/home/ann").unwrap().unwrap().mode, 0o700);
}

#[test]
fn a_home_folder_that_was_there_keeps_its_owners() {
    let world = world()
        .user("ann", 1001)
        .file("/home/ann/roots", "x")
        .owner("/home/ann", 0, 0)
        .user("bob", 1002)
        .effect(Effect::Gone("/home/bob".into()));
    let done = conform::<User>("{ name: ann, shell: /bin/zsh }", world).changed();
    assert_eq!(done.probe().stat("/home/ann/roots").unwrap().unwrap().uid, 0);
    assert_eq!(done.probe().stat("/home/ann").unwrap().unwrap().uid, 0);
    let done = done.then("{ name: eve, home: /srv/deep/eve }").changed();
    assert_eq!(done.probe().stat("/srv/deep/eve").unwrap().unwrap().uid, 1000);
    let done = done.then("{ name: bob }").changed();
    assert_eq!(done.probe().stat("/home/bob").unwrap().unwrap().uid, 1002);
}

#[test]
fn a_user_goes_with_its_home_folder_when_asked() {
    let done =
        conform::<User>("{ name: ann, state: absent, remove: yes }", world().user("ann", 1001)).changed();
    let done = done.ran(["userdel -r ann"]).lacks("/home/ann").gives("remove", true).gives("state", "absent");
    done.then("{ name: ann, state: absent }").unchanged();
}

#[test]
fn a_key_is_made_once() {
    let args = "{ name: ann, generate_ssh_key: yes, ssh_key_bits: 2048 }";
    let world = world()
        .user("ann", 1001)
        .says("ssh-keygen -l *", "2048 SHA256:abc\n")
        .answers("ssh-keygen -q *", Ran::default());
    let done = conform::<User>(args, world)
        .changed()
        .ran(["ssh-keygen -q -t rsa -b 2048 -C 'ansible-generated on world' -f /home/ann/.ssh/id_rsa -N ''"]);
    let done =
        done.gives("ssh_key_file", "/home/ann/.ssh/id_rsa").gives("ssh_fingerprint", "2048 SHA256:abc");
    done.then(args).unchanged();
}

#[test]
fn a_key_goes_nowhere_that_the_user_has_chosen() {
    let world = world().user("ann", 1001).link("/home/ann/.ssh", "/etc").owner("/home/ann/.ssh", 1001, 1001);
    conform_apart::<User>("{ name: ann, generate_ssh_key: yes, ssh_key_file: .ssh/nologin }", world)
        .failed("/home/ann/.ssh is a link")
        .lacks("/etc/nologin");
}

#[test]
fn a_passphrase_is_typed_and_no_argument() {
    let asks = "Enter passphrase (empty for no passphrase): \r\nEnter same passphrase again: \r\n";
    let world = world().user("ann", 1001).says("ssh-keygen -l *", "").says("ssh-keygen -q *", asks);
    let args = "{ name: ann, generate_ssh_key: yes, ssh_key_passphrase: hush-hush }";
    let done = conform::<User>(args, world).changed();
    done.ran([
        "ssh-keygen -q -t rsa -C 'ansible-generated on world' -f /home/ann/.ssh/id_rsa",
        "> hush-hush",
        "> hush-hush",
    ]);
}
