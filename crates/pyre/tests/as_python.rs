//! The same matches and the same errors as Python, over `cases.jsonl` (made by `make_cases.py`).
#![allow(clippy::unwrap_used, reason = "a test")]

use serde_json::{Value, json};
use shevek_pyre::{Captures, Flags, Regex};

fn regs(captures: &Captures<'_>, groups: usize) -> Value {
    (0..=groups).map(|group| json!(captures.span(group))).collect()
}

fn ours(pattern: &str, text: &str, letters: &str) -> Value {
    let flags = letters.chars().fold(Flags::NONE, |flags, letter| {
        flags.with(match letter {
            'i' => Flags::IGNORECASE,
            'm' => Flags::MULTILINE,
            's' => Flags::DOTALL,
            'x' => Flags::VERBOSE,
            _ => Flags::ASCII,
        })
    });
    let regex = match Regex::new(pattern, flags) {
        Ok(regex) => regex,
        Err(error) => return json!({"error": error.message, "position": error.position}),
    };
    let groups = regex.group_count();
    let all: Vec<Value> = regex.find_iter(text).map(|found| regs(&found.unwrap(), groups)).collect();
    json!({
        "all": all,
        "start": regex.match_start(text).unwrap().map(|found| regs(&found, groups)),
        "full": regex.full_match(text).unwrap().map(|found| regs(&found, groups)),
        "split": regex.split(text, 0).unwrap(),
    })
}

#[test]
fn patterns_match_and_fail_as_in_python() {
    let path = std::env::var("PYRE_CASES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases.jsonl").into());
    let mut wrong = Vec::new();
    let cases = std::fs::read_to_string(path).unwrap();
    for line in cases.lines() {
        let mut expected: Value = serde_json::from_str(line).unwrap();
        let case = expected.as_object_mut().unwrap();
        let [pattern, text, flags] = ["pattern", "text", "flags"]
            .map(|key| case.shift_remove(key).unwrap().as_str().unwrap().to_owned());
        let ours = ours(&pattern, &text, &flags);
        if ours != expected {
            wrong.push(format!("{pattern:?} on {text:?} ({flags}):\n  python {expected}\n  ours   {ours}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.lines().count(), wrong.join("\n"));
}

#[test]
fn no_text_makes_the_parser_or_a_search_panic() {
    let letters: Vec<char> = "()[]{}*+?|\\^$.-:=!<>PiLxmsau#0129ab,é \n&gn_".chars().collect();
    let mut state = 1_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..std::env::var("PYRE_ROUNDS").map_or(3000, |rounds| rounds.parse().unwrap()) {
        let mut word =
            |most: usize| -> String { (0..next(most)).map(|_| letters[next(letters.len())]).collect() };
        let (pattern, text, template) = (word(14), word(10), word(6));
        if let Ok(regex) = Regex::new(&pattern, Flags::NONE) {
            let _ = regex.find_iter(&text).count();
            let _ = regex.replace(&text, &template, 0);
        }
    }
}
