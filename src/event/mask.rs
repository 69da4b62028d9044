//! Keeps secrets out of events.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use shevek_value::{Kind, Map, Value};

use crate::finder::{Finder, Texts};
use crate::{Diff, Event, HostResult, Notice};

/// What is shown instead of a secret.
pub const MASK: &str = "********";

/// What is shown instead of a whole result; Ansible's words, since log readers look for them.
const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

/// What is shown instead of the label of an item of `no_log`.
pub const CENSORED_ITEM: &str = "(censored due to no_log)";

/// What a censored result keeps.
const KEPT: [&str; 3] = ["attempts", "changed", "retries"];

/// Texts shorter than this are masked only where the value itself is known to be secret: to blot out every `yes` or
/// `42` of the output would tell more than it hides.
const SHORTEST: usize = 4;

/// Lines of a secret of several lines (a key) are secret by themselves from this length on, since differences show
/// single lines; shorter ones are mostly punctuation.
const SHORTEST_LINE: usize = 12;

/// Knows the run's secrets and masks them wherever they turn up. Shared by everyone who makes events.
#[derive(Debug, Default)]
pub struct Masker {
    known: RwLock<Texts>,
}

impl Masker {
    /// Remembers what is secret in a value (it, or parts of it, are marked so).
    pub fn learn(&self, value: &Value) {
        if value.is_secret() {
            let mut texts = Vec::new();
            collect(value, &mut texts);
            self.remember(texts);
        }
    }

    /// Remembers what is secret among variables.
    pub fn learn_all(&self, variables: &Map) {
        variables.values().for_each(|value| self.learn(value));
    }

    /// Remembers a text: a password from the command line or a prompt.
    pub fn learn_text(&self, text: &str) {
        self.remember(vec![Arc::from(text)]);
    }

    fn remember(&self, texts: Vec<Arc<str>>) {
        let fresh: Vec<Arc<str>> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            texts.into_iter().flat_map(parts).filter(|text| !known.contains(text)).collect()
        };
        if !fresh.is_empty() {
            self.known.write().unwrap_or_else(PoisonError::into_inner).extend(fresh);
        }
    }

    fn finder(&self) -> Arc<Finder> {
        let made = self.known.read().unwrap_or_else(PoisonError::into_inner).finder();
        made.unwrap_or_else(|| self.known.write().unwrap_or_else(PoisonError::into_inner).make_finder())
    }

    /// The text without secrets.
    pub fn mask_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        mask_text(&self.finder(), text)
    }

    /// The value without secrets. It is the same one when there is nothing to mask.
    #[must_use]
    pub fn mask_value(&self, value: &Value) -> Value {
        mask_value(&self.finder(), value).unwrap_or_else(|| value.clone())
    }

    /// The event without secrets, and without what `no_log` hides.
    #[must_use]
    pub fn mask_event(&self, event: Event) -> Event {
        let mask = Mask { finder: self.finder() };
        let mut event = event;
        match &mut event {
            Event::RunStarted(run) => {
                run.options.iter_mut().for_each(|(_, value)| mask.text(value));
            }
            Event::PlayStarted(play) => mask.text(&mut play.name),
            Event::TaskStarted(task) => {
                mask.text(&mut task.name);
                task.arguments.iter_mut().for_each(|value| mask.value(value));
            }
            Event::ItemDone(result) | Event::HostDone(result) | Event::IncludeDone(result) => {
                mask.result(result)
            }
            Event::Retry(retry) => mask.result(&mut retry.result),
            Event::Included(included) => {
                mask.text(&mut included.file);
                included.label.iter_mut().for_each(|label| mask.text(label));
            }
            Event::Notified(notified) => mask.text(&mut notified.handler),
            Event::Notice(notice) => mask.notice(notice),
            Event::Verbose(verbose) => mask.text(&mut verbose.text),
            Event::Recap(recap) => {
                if let Some(stats) = &mut recap.custom {
                    stats.hosts.values_mut().chain(&mut stats.run).for_each(|value| mask.value(value));
                }
                recap.unreachable.values_mut().for_each(|reason| mask.text(reason));
            }
            Event::Interrupted(interrupted) => {
                let lists =
                    [&mut interrupted.running, &mut interrupted.not_started, &mut interrupted.handlers];
                lists.into_iter().flatten().for_each(|left| mask.text(&mut left.task));
            }
            Event::PlaybookStarted { .. }
            | Event::NoHostsMatched
            | Event::NoHostsRemaining
            | Event::HostStarted(_)
            | Event::Phase(_)
            | Event::Async(_)
            | Event::RunFinished(_) => {}
        }
        event
    }
}

/// Masks in place.
struct Mask {
    finder: Arc<Finder>,
}

impl Mask {
    fn text(&self, text: &mut String) {
        if let Cow::Owned(masked) = mask_text(&self.finder, text) {
            *text = masked;
        }
    }

    fn value(&self, value: &mut Value) {
        if let Some(masked) = mask_value(&self.finder, value) {
            *value = masked;
        }
    }

    fn notice(&self, notice: &mut Notice) {
        self.text(&mut notice.message);
        notice.help.iter_mut().for_each(|help| self.text(help));
        for excerpt in &mut notice.excerpts {
            self.text(&mut excerpt.text);
            excerpt.lines.iter_mut().for_each(|line| self.text(line));
        }
    }

    fn diff(&self, diff: &mut Diff) {
        diff.before.iter_mut().chain(&mut diff.after).for_each(|value| self.value(value));
        let texts = [&mut diff.before_header, &mut diff.after_header, &mut diff.prepared];
        texts.into_iter().flatten().for_each(|text| self.text(text));
    }

    fn result(&self, result: &mut HostResult) {
        // Events are plain data: a result that only looks like a mapping becomes one.
        if let Some(plain) = result.result.as_object().and_then(|object| object.plain()) {
            result.result = plain;
        }
        if result.no_log {
            result.result = censor(&result.result);
            result.diffs.clear();
            result.notices.clear();
            if let Some(item) = &mut result.item {
                CENSORED_ITEM.clone_into(&mut item.label);
            }
            return;
        }
        self.value(&mut result.result);
        result.diffs.iter_mut().for_each(|diff| self.diff(diff));
        result.notices.iter_mut().for_each(|notice| self.notice(notice));
        result.item.iter_mut().for_each(|item| self.text(&mut item.label));
    }
}

/// What is left of a `no_log` result; a loop's keeps its shape.
fn censor(result: &Value) -> Value {
    let mut kept = Map::default();
    for key in KEPT {
        if let Some(value) = result.get(key) {
            kept.insert(Value::str(key), value.clone());
        }
    }
    kept.insert(Value::str("censored"), Value::str(CENSORED));
    if let Some(items) = result.get("results").and_then(Value::as_list) {
        kept.insert(Value::str("results"), Value::list(items.iter().map(censor).collect()));
    }
    Value::map(kept)
}

/// A secret text, and its lines if it has several, each also as it looks within quotes.
fn parts(text: Arc<str>) -> Vec<Arc<str>> {
    let mut parts = Vec::new();
    let trimmed = text.trim();
    if trimmed.contains('\n') {
        parts
            .extend(trimmed.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE).map(Arc::from));
    }
    if trimmed.chars().count() >= SHORTEST {
        parts.push(if trimmed.len() == text.len() { text } else { Arc::from(trimmed) });
    }
    let escaped: Vec<Arc<str>> = parts.iter().flat_map(escaped).collect();
    parts.extend(escaped);
    parts
}

/// How a text looks within Python's quotes and JSON's, where that is not the text itself.
fn escaped(text: &Arc<str>) -> Vec<Arc<str>> {
    if !text.contains(|c: char| matches!(c, '"' | '\'' | '\\') || c.is_control() || !c.is_ascii()) {
        return Vec::new();
    }
    let json = serde_json::to_string(&**text).unwrap_or_default();
    let ascii: String = json.chars().map(in_ascii).collect();
    let forms = [Value::str(text.clone()).repr(), json, ascii];
    let inner = forms.iter().filter_map(|form| form.get(1..form.len().checked_sub(1)?));
    inner.filter(|form| *form != &**text).map(Arc::from).collect()
}

/// A character as JSON writes it that has none but those of ASCII.
fn in_ascii(c: char) -> String {
    if c.is_ascii() {
        return c.to_string();
    }
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn collect(value: &Value, texts: &mut Vec<Arc<str>>) {
    if !value.is_secret() {
        return;
    }
    match value.kind() {
        Kind::Str(text) => texts.push(text.clone()),
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => texts.push(Arc::from(value.text())),
        Kind::Bytes(bytes) => texts.push(Arc::from(String::from_utf8_lossy(bytes))),
        Kind::List(items) | Kind::Tuple(items) => items.iter().for_each(|item| collect(item, texts)),
        Kind::Set(items) => items.iter().for_each(|item| collect(item, texts)),
        Kind::Map(map) => map.values().for_each(|item| collect(item, texts)),
        Kind::Null | Kind::Bool(_) | Kind::Undefined(_) | Kind::Omit | Kind::Object(_) => {}
    }
}

fn mask_text<'a>(finder: &Finder, text: &'a str) -> Cow<'a, str> {
    let places = finder.find(text);
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::new();
    let mut done = 0;
    for place in places {
        masked.push_str(text.get(done..place.start).unwrap_or_default());
        masked.push_str(MASK);
        done = place.end;
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(masked)
}

/// The masked value; `None`: nothing in it is secret.
fn mask_value(finder: &Finder, value: &Value) -> Option<Value> {
    if finder.is_empty() && !value.is_secret() {
        return None;
    }
    match value.kind() {
        Kind::List(items) => mask_items(finder, items).map(Value::list),
        Kind::Tuple(items) => mask_items(finder, items).map(Value::tuple),
        Kind::Set(items) => {
            let items: Vec<Value> = items.iter().cloned().collect();
            mask_items(finder, &items).map(Value::list)
        }
        Kind::Map(map) => mask_map(finder, map),
        Kind::Str(text) => {
            if value.is_secret() {
                return (!text.is_empty()).then(|| Value::str(MASK));
            }
            match mask_text(finder, text) {
                Cow::Borrowed(_) => None,
                Cow::Owned(masked) => Some(Value::str(masked)),
            }
        }
        Kind::Null | Kind::Omit | Kind::Undefined(_) => None,
        Kind::Object(object) if !value.is_secret() => {
            object.plain().map(|plain| mask_value(finder, &plain).unwrap_or(plain))
        }
        Kind::Bool(_) | Kind::Int(_) | Kind::Big(_) | Kind::Float(_) | Kind::Bytes(_) | Kind::Object(_) => {
            value.is_secret().then(|| Value::str(MASK))
        }
    }
}

fn mask_items(finder: &Finder, items: &[Value]) -> Option<Vec<Value>> {
    let masked: Vec<Option<Value>> = items.iter().map(|item| mask_value(finder, item)).collect();
    if masked.iter().all(Option::is_none) {
        return None;
    }
    Some(items.iter().zip(masked).map(|(item, masked)| masked.unwrap_or_else(|| item.clone())).collect())
}

fn mask_map(finder: &Finder, map: &Map) -> Option<Value> {
    let mut masked = Map::default();
    let mut any = false;
    for (key, item) in map {
        let (new_key, new_item) = (mask_value(finder, key), mask_value(finder, item));
        any |= new_key.is_some() || new_item.is_some();
        masked.insert(new_key.unwrap_or_else(|| key.clone()), new_item.unwrap_or_else(|| item.clone()));
    }
    any.then(|| Value::map(masked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ItemLabel, NoticeKind};

    fn masker() -> Masker {
        let masker = Masker::default();
        masker.learn(&Value::dict([
            ("password", Value::str("hunter2").secret()),
            ("user", Value::str("root")),
        ]));
        masker
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_turns_up_and_nothing_else_is() {
        let result = Value::dict([
            ("stdout", Value::str("login root:hunter2 ok")),
            ("lines", Value::list(vec![Value::str("hunter2"), Value::str("hunter")])),
            ("rc", Value::from(0)),
        ]);
        let masked = masker().mask_value(&result);
        assert_eq!(
            masked.repr(),
            "{'stdout': 'login root:******** ok', 'lines': ['********', 'hunter'], 'rc': 0}"
        );
    }

    #[test]
    fn a_marked_value_is_hidden_even_when_it_is_short_or_never_learnt() {
        let value = Value::list(vec![Value::str("ab").secret(), Value::from(7).secret(), Value::str("ab")]);
        assert_eq!(Masker::default().mask_value(&value).repr(), "['********', '********', 'ab']");
    }

    #[test]
    fn short_texts_do_not_blot_out_the_output() {
        let masker = Masker::default();
        masker.learn(&Value::str("yes").secret());
        assert_eq!(masker.mask_text("yes, it is"), "yes, it is");
    }

    #[test]
    fn lines_of_a_key_are_hidden_one_by_one() {
        let masker = Masker::default();
        masker.learn(&Value::str("-----BEGIN KEY-----\nMIIEvQIBADANBg\nab\n-----END KEY-----\n").secret());
        assert_eq!(masker.mask_text("+MIIEvQIBADANBg\n+ab\n"), "+********\n+ab\n");
    }

    #[test]
    fn the_longest_secret_wins() {
        let masker = masker();
        masker.learn_text("hunter2-and-more");
        assert_eq!(masker.mask_text("x hunter2-and-more y"), "x ******** y");
    }

    #[test]
    fn a_secret_is_hidden_within_quotes_too() {
        let masker = Masker::default();
        let secret = Value::str("back\\slash \"quoted\" it's\ttab é").secret();
        let last = Value::str("line one\nline two\n").secret();
        masker.learn(&Value::list(vec![secret.clone(), last.clone()]));
        let shown = Value::list(vec![Value::str(secret.text()), Value::str(last.text())]);
        assert_eq!(masker.mask_text(&shown.repr()), "['********', '********\\n']");
        let json = serde_json::to_string(&secret.text()).unwrap();
        assert_eq!(masker.mask_text(&json), "\"********\"");
        assert_eq!(masker.mask_text(&json.replace('é', "\\u00e9")), "\"********\"");
    }

    #[test]
    fn no_log_leaves_nothing_but_the_status() {
        let event = masker().mask_event(Event::ItemDone(Box::new(HostResult {
            no_log: true,
            item: Some(ItemLabel { index: 0, label: "token".to_owned() }),
            result: Value::dict([("changed", Value::from(true)), ("stdout", Value::str("token"))]),
            diffs: vec![Diff::between("token", "other")],
            notices: vec![Notice::warning("token")],
            ..HostResult::default()
        })));
        let text = format!("{event:?}");
        assert!(!text.contains("token"), "{text}");
        let Event::ItemDone(result) = event else { panic!("another event") };
        assert_eq!(result.result.get("changed"), Some(&Value::from(true)));
        assert_eq!(result.item.unwrap().label, CENSORED_ITEM);
    }

    #[test]
    fn differences_labels_and_errors_are_masked_too() {
        let event = masker().mask_event(Event::HostDone(Box::new(HostResult {
            diffs: vec![Diff { prepared: Some("+hunter2".to_owned()), ..Diff::between("hunter2", "x") }],
            item: Some(ItemLabel { index: 0, label: "hunter2".to_owned() }),
            notices: vec![Notice {
                severity: NoticeKind::Error,
                message: "bad hunter2".to_owned(),
                help: vec!["not hunter2".to_owned()],
                ..Notice::default()
            }],
            ..HostResult::default()
        })));
        assert!(!format!("{event:?}").contains("hunter2"));
    }
}
