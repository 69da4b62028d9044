//! Small playbooks full of corners, and what ansible-playbook prints of them (`language/record` writes that down).
//!
//! Compared are the headings, what became of each host, the results that are shown of what went well, the recap and the
//! exit code. The words of errors differ: here they name more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::lab::repository;

const STATUS: [&str; 7] = ["ok", "changed", "skipping", "failed", "fatal", "included", "unreachable"];

fn is_status(line: &str) -> bool {
    STATUS.iter().any(|word| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(": ")))
}

fn is_heading(line: &str) -> bool {
    line.is_empty()
        || line.starts_with("exit ")
        || ["PLAY ", "TASK [", "RUNNING HANDLER [", "NO MORE HOSTS"].iter().any(|word| line.starts_with(word))
}

/// The output with what hosts say in the order of its text, and without the words of errors.
fn plain(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut results: Vec<Vec<String>> = Vec::new();
    // Lines of an error, up to the result or heading behind it.
    let mut in_error = false;
    for line in text.lines().map(str::trim_end) {
        let line = match line.trim_end_matches('*') {
            heading if heading.len() + 3 <= line.len() => format!("{heading}***"),
            _ => line.to_owned(),
        };
        if line.starts_with("[ERROR]") {
            in_error = true;
        } else if is_status(&line) {
            in_error = false;
            let failure = ["FAILED! =>", "UNREACHABLE! =>"].iter().find_map(|word| line.find(word));
            let item =
                line.starts_with("failed: ").then(|| line.rfind("} =>").or(line.find(") =>"))).flatten();
            let end = failure.or(item).unwrap_or(line.len());
            results.push(vec![line[..end].to_owned()]);
        } else if in_error && (line.is_empty() || !is_heading(&line)) && line != "...ignoring" {
            // Its excerpts have blank lines in them.
        } else if let Some(result) = results.last_mut().filter(|_| !is_heading(&line)) {
            in_error = false;
            let is_failure = result[0].starts_with("fatal: ") || result[0].starts_with("failed: ");
            if !is_failure || line == "...ignoring" {
                result.push(line);
            }
        } else {
            in_error = false;
            results.sort();
            lines.extend(results.drain(..).flatten());
            if !line.is_empty() {
                lines.push(line);
            }
        }
    }
    results.sort();
    lines.extend(results.into_iter().flatten());
    lines
}

fn played(folder: &Path, playbook: &Path, home: &Path) -> Vec<String> {
    let text = fs::read_to_string(playbook).unwrap();
    let line = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
    let is_variable = |word: &&str| word.starts_with("ANSIBLE_") && word.contains('=');
    let (variables, options): (Vec<&str>, Vec<&str>) = line.split_whitespace().partition(is_variable);
    let ran = Command::new(env!("CARGO_BIN_EXE_shevek"))
        .args(["play", "-i", "hosts"])
        .args(options)
        .arg(playbook.file_name().unwrap())
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .env("TERM", "dumb")
        .env("ANSIBLE_SHOW_CUSTOM_STATS", "1")
        .envs(variables.iter().filter_map(|word| word.split_once('=')))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout).replace(folder.to_str().unwrap(), ".");
    plain(&format!("{out}exit {}\n", ran.status.code().unwrap()))
}

#[test]
fn corners_of_the_language_come_out_as_ansibles() {
    let folder = repository().join("tests/language");
    let home = tempfile::tempdir().unwrap();
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut recorded: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "out")).collect();
    recorded.sort();
    assert!(recorded.len() >= 60, "the recorded outputs are gone");
    let different = &|path: &PathBuf| {
        let theirs = plain(&fs::read_to_string(path).unwrap());
        let ours = played(&folder, &path.with_extension("yml"), home.path());
        let name = path.file_stem().unwrap().to_str().unwrap();
        (theirs != ours).then(|| {
            let at = theirs.iter().zip(&ours).take_while(|(a, b)| a == b).count();
            let from = |lines: &[String]| lines[at.saturating_sub(3)..lines.len().min(at + 4)].join("\n    ");
            format!("{name}:\n  ansible:\n    {}\n  shevek:\n    {}", from(&theirs), from(&ours))
        })
    };
    let half = recorded.len().div_ceil(2);
    let wrong: Vec<String> = std::thread::scope(|threads| {
        let parts: Vec<_> = recorded
            .chunks(half)
            .map(|part| threads.spawn(move || part.iter().filter_map(different).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
