//! Compares with what ansible-core printed for the same runs: `testdata/record` records it.

mod story;

use std::io;

use shevek_event::{Event, HostStarted, Interrupted, Left, Notice, Stamped};

use super::{Human, Minimal, Oneline};
use crate::screen::tests::Paper;
use crate::{Format, Look, Palette, Reporter, Reporters, Screen};
use story::Story;

/// What was written to standard output and standard error.
type Output = (String, String);

fn show(events: Vec<Stamped>, coloured: bool, make: impl FnOnce(Screen) -> Box<dyn Reporter>) -> Output {
    let (out, err) = (Paper::default(), Paper::default());
    let screen = Screen::new(Box::new(out.clone()), Box::new(err.clone()));
    let screen = if coloured { screen.coloured(Palette::default()) } else { screen };
    let mut reporters = Reporters::new().with(make(screen));
    events.iter().for_each(|event| reporters.on(event));
    reporters.finish();
    (out.text(), err.text())
}

fn human(events: Vec<Stamped>, coloured: bool, look: Look) -> Output {
    show(events, coloured, |screen| Box::new(Human::new(screen, look)))
}

fn recorded(name: &str) -> Output {
    let read = |end: &str| {
        let path = format!("{}/human/testdata/{name}.{end}", env!("CARGO_MANIFEST_DIR"));
        match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && end == "err" => String::new(),
            text => text.unwrap(),
        }
    };
    (read("out"), read("err"))
}

#[track_caller]
fn same(name: &str, got: Output) {
    let wanted = recorded(name);
    for (got, wanted) in [(&got.0, &wanted.0), (&got.1, &wanted.1)] {
        for (number, (got, wanted)) in (1..).zip(got.lines().zip(wanted.lines())) {
            assert_eq!(got, wanted, "line {number} of {name}");
        }
        assert_eq!(got, wanted, "{name}");
    }
}

#[test]
fn a_whole_run_looks_as_ansibles() {
    same("plain", human(Story::site(false), false, Look { custom_stats: true, ..Look::default() }));
}

#[test]
fn so_it_does_in_colour() {
    same("colour", human(Story::site(false), true, Look::default()));
}

#[test]
fn verbose_shows_results() {
    same("verbose", human(Story::site(false), false, Look { verbosity: 1, ..Look::default() }));
}

#[test]
fn results_as_yaml() {
    let look = Look { verbosity: 1, format: Format::Yaml, ..Look::default() };
    same("yaml", human(Story::site(false), false, look));
}

#[test]
fn hidden_results_hide_their_banners() {
    let look = Look { ok_hosts: false, skipped_hosts: false, ..Look::default() };
    same("hidden", human(Story::site(false), false, look));
}

#[test]
fn failures_to_standard_error() {
    same("stderr", human(Story::site(false), false, Look { failed_to_stderr: true, ..Look::default() }));
}

#[test]
fn check_mode_markers_and_differences() {
    same("check", human(Story::check(true), false, Look { check_markers: true, ..Look::default() }));
}

#[test]
fn differences_in_colour() {
    same("diff", human(Story::check(false), true, Look::default()));
}

#[test]
fn hosts_that_run_ahead_get_banners_by_result() {
    same("free", human(Story::free(), false, Look::default()));
}

#[test]
fn adhoc_commands() {
    let minimal = |screen| Box::new(Minimal::new(screen, Look::default())) as Box<dyn Reporter>;
    same("adhoc", show(Story::adhoc_echo(), false, minimal));
    same("adhoc_diff", show(Story::adhoc_copy(), false, minimal));
}

#[test]
fn adhoc_commands_on_one_line() {
    let oneline = |screen| Box::new(Oneline::new(screen, Look::default())) as Box<dyn Reporter>;
    let (out, err) = show(Story::adhoc_fail(), false, oneline);
    assert_eq!(out, recorded("adhoc_oneline").0);
    // Differs from Ansible: `-o` is not deprecated.
    assert_eq!(err, "");
}

#[test]
fn deprecations_say_once_how_to_silence_them() {
    let events: Vec<Stamped> =
        ["old", "older"].map(|what| Stamped::now(Event::Notice(Notice::deprecation(what)))).into();
    let (_, err) = human(events.clone(), false, Look::default());
    assert_eq!(
        err,
        "[WARNING]: Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.\n\
         [DEPRECATION WARNING]: old\n[DEPRECATION WARNING]: older\n"
    );
    let (_, err) = human(events, false, Look { deprecations: false, ..Look::default() });
    assert_eq!(err, "");
}

#[test]
fn an_interrupt_says_what_was_left() {
    let left = |host: &str, task: &str| Left { host: host.to_owned(), task: task.to_owned() };
    let interrupted = Interrupted {
        running: vec![left("web1", "Install")],
        not_started: vec![left("web2", "Install")],
        handlers: vec![left("web1", "Restart")],
    };
    let (out, _) = human(vec![Stamped::now(Event::Interrupted(interrupted))], false, Look::default());
    assert_eq!(
        out,
        format!(
            "\nINTERRUPTED {}\nstopped: [web1]: Install\nnot started: [web2]: Install\nhandler not run: [web1]: Restart\n",
            "*".repeat(68)
        )
    );
}

#[test]
fn a_recorded_run_replays_to_the_same_text() {
    let events = Story::site(false);
    let recording: String =
        events.iter().map(|event| shevek_event::write_line(event).unwrap() + "\n").collect();
    let (out, err) = (Paper::default(), Paper::default());
    let screen = Screen::new(Box::new(out.clone()), Box::new(err.clone()));
    let look = Look { custom_stats: true, ..Look::default() };
    let reporters = Reporters::new().with(Box::new(Human::new(screen, look)));
    let exit = crate::replay(recording.as_bytes(), "run.jsonl", reporters).unwrap();
    assert_eq!(exit, Some(2));
    same("plain", (out.text(), err.text()));
}

#[test]
fn other_outputs_of_the_same_run() {
    let paper = Paper::default();
    let mut reporters = Reporters::new()
        .with(Box::new(crate::Junit::new(Box::new(paper.clone()))))
        .with(Box::new(crate::Github::new(Box::new(paper.clone()), "/srv/site")));
    Story::site(false).iter().for_each(|event| reporters.on(event));
    reporters.finish();
    let text = paper.text();
    let annotations: Vec<&str> = text.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(
        annotations.last(),
        Some(&"::error file=site.yml,line=96,col=7,title=Really fail%3A failed on web2::two%0Alines")
    );
    assert!(text.contains("<testsuites tests=\"44\" failures=\"1\" errors=\"0\" skipped=\"6\""), "{text}");
    assert!(text.contains(
        "    <testcase name=\"[web2] Really fail\" classname=\"/srv/site/site.yml:96\" time=\"0.500\">\n      \
         <failure message=\"two&#10;lines\">{&quot;changed&quot;: false, &quot;failed&quot;: true, \
         &quot;msg&quot;: &quot;two\\nlines&quot;}</failure>\n    </testcase>\n"
    ), "{text}");
}

#[test]
fn the_callback_for_junit_writes_a_file_a_playbook_as_ansible_does() {
    let folder = std::env::temp_dir().join(format!("shevek-junit-{}", std::process::id()));
    let callback = crate::JunitCallback {
        folder: folder.clone(),
        class_per_file: true,
        relative_to: Some("/srv".into()),
        ..crate::JunitCallback::default()
    };
    let mut reporters = Reporters::new().with(Box::new(crate::Junit::callback(callback)));
    Story::site(false).iter().for_each(|event| reporters.on(event));
    reporters.finish();
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(file.file_name().unwrap().to_string_lossy().starts_with("site-"), "{file:?}");
    // One suite, whatever there is of plays; cases are named after their plays, classes after files.
    assert_eq!(text.matches("<testsuite ").count(), 1);
    assert!(text.contains("<testsuite name=\"site\""), "{text}");
    let failed = text.lines().skip_while(|line| !line.contains(": Really fail")).take(2).collect::<Vec<_>>();
    assert!(
        failed[0].contains("name=\"[web2] ") && failed[0].contains("classname=\"site/site\""),
        "{failed:?}"
    );
    assert!(failed[1].trim().starts_with("<error message="), "{failed:?}");
}

#[test]
fn per_host_starts_are_shown_when_asked_for() {
    let mut events = Story::free();
    let start = Event::HostStarted(HostStarted { task: shevek_event::TaskId(1), host: "web1".to_owned() });
    let at = events.iter().position(|event| matches!(event.event, Event::HostDone(_))).unwrap();
    events.insert(at, Stamped::now(start));
    let (out, _) = human(events, false, Look { per_host_start: true, ..Look::default() });
    assert_eq!(out.lines().nth(2), Some(" [started TASK: First on web1]"));
}
