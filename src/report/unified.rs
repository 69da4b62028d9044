//! Unified differences, line for line as Python's `difflib` finds them: whoever compares with Ansible's output, or
//! has tools that read it, sees the same.

use std::collections::HashMap;
use std::ops::Range;

/// What happened to a stretch of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    same: bool,
    before: Range<usize>,
    after: Range<usize>,
}

/// The lines of a unified difference, each with its newline; nothing when there is no difference.
pub(crate) fn unified(before: &str, after: &str, names: [&str; 2], context: usize) -> Vec<String> {
    let (a, b) = (marked_lines(before), marked_lines(after));
    let groups = grouped(&changes(&a, &b), context);
    let mut out = Vec::new();
    if groups.is_empty() {
        return out;
    }
    let [from, to] = names;
    out.push(format!("--- {from}\n"));
    out.push(format!("+++ {to}\n"));
    for group in groups {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let left = range(&(first.before.start..last.before.end));
        let right = range(&(first.after.start..last.after.end));
        out.push(format!("@@ -{left} +{right} @@\n"));
        for change in &group {
            let lines = |lines: &[String], range: &Range<usize>, mark: char| {
                lines
                    .get(range.clone())
                    .unwrap_or_default()
                    .iter()
                    .map(|line| format!("{mark}{line}"))
                    .collect::<Vec<_>>()
            };
            if change.same {
                out.extend(lines(&a, &change.before, ' '));
            } else {
                out.extend(lines(&a, &change.before, '-'));
                out.extend(lines(&b, &change.after, '+'));
            }
        }
    }
    out
}

fn range(lines: &Range<usize>) -> String {
    let start = lines.start + 1;
    match lines.len() {
        1 => start.to_string(),
        0 => format!("{},0", start - 1),
        length => format!("{start},{length}"),
    }
}

/// Lines as Python's `splitlines` finds them, with their ends; a last one without says so.
fn marked_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line.push(c);
        let ends = match c {
            '\r' => chars.peek() != Some(&'\n'),
            '\n' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' => true,
            _ => false,
        };
        if ends {
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push_str("\n\\ No newline at end of file\n");
    }
    lines
}

/// All changes from start to end, equal stretches among them.
fn changes(a: &[String], b: &[String]) -> Vec<Change> {
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (at_a, at_b, length) in Matcher::new(a, b).blocks() {
        if i < at_a || j < at_b {
            out.push(Change { same: false, before: i..at_a, after: j..at_b });
        }
        if length > 0 {
            out.push(Change { same: true, before: at_a..at_a + length, after: at_b..at_b + length });
        }
        (i, j) = (at_a + length, at_b + length);
    }
    out
}

/// The changes with some equal lines around them; those near to each other together.
fn grouped(changes: &[Change], context: usize) -> Vec<Vec<Change>> {
    let mut changes = changes.to_vec();
    if let Some(first) = changes.first_mut().filter(|first| first.same) {
        first.before.start = first.before.start.max(first.before.end.saturating_sub(context));
        first.after.start = first.after.start.max(first.after.end.saturating_sub(context));
    }
    if let Some(last) = changes.last_mut().filter(|last| last.same) {
        last.before.end = last.before.end.min(last.before.start + context);
        last.after.end = last.after.end.min(last.after.start + context);
    }
    let mut groups = Vec::new();
    let mut group: Vec<Change> = Vec::new();
    for change in changes {
        if change.same && change.before.len() > 2 * context {
            let (before, after) = (change.before.clone(), change.after.clone());
            group.push(Change {
                same: true,
                before: before.start..before.end.min(before.start + context),
                after: after.start..after.end.min(after.start + context),
            });
            groups.push(std::mem::take(&mut group));
            group.push(Change {
                same: true,
                before: before.end.saturating_sub(context).max(before.start)..before.end,
                after: after.end.saturating_sub(context).max(after.start)..after.end,
            });
        } else {
            group.push(change);
        }
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|change| !change.same));
    groups
}

/// Finds the longest common stretch, then the longest ones left and right of it, and so on.
struct Matcher<'a> {
    a: &'a [String],
    /// Where each line is in `b`; lines that are all over a long text count for nothing.
    places: HashMap<&'a str, Vec<usize>>,
    b: &'a [String],
}

impl<'a> Matcher<'a> {
    fn new(a: &'a [String], b: &'a [String]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (position, line) in b.iter().enumerate() {
            places.entry(line).or_default().push(position);
        }
        if b.len() >= 200 {
            let many = b.len() / 100 + 1;
            places.retain(|_, at| at.len() <= many);
        }
        Self { a, places, b }
    }

    fn blocks(&self) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        let mut todo = vec![(0..self.a.len(), 0..self.b.len())];
        while let Some((in_a, in_b)) = todo.pop() {
            let (i, j, length) = self.longest(&in_a, &in_b);
            if length > 0 {
                found.push((i, j, length));
                if in_a.start < i && in_b.start < j {
                    todo.push((in_a.start..i, in_b.start..j));
                }
                if i + length < in_a.end && j + length < in_b.end {
                    todo.push((i + length..in_a.end, j + length..in_b.end));
                }
            }
        }
        found.sort_unstable();
        let mut joined: Vec<(usize, usize, usize)> = Vec::new();
        for (i, j, length) in found {
            match joined.last_mut() {
                Some(last) if last.0 + last.2 == i && last.1 + last.2 == j => last.2 += length,
                _ => joined.push((i, j, length)),
            }
        }
        joined.push((self.a.len(), self.b.len(), 0));
        joined
    }

    fn longest(&self, in_a: &Range<usize>, in_b: &Range<usize>) -> (usize, usize, usize) {
        let mut best = (in_a.start, in_b.start, 0);
        // How long the common stretch is that ends at this line of `b` and the last one of `a`.
        let mut lengths: HashMap<usize, usize> = HashMap::new();
        for i in in_a.clone() {
            let mut next = HashMap::new();
            let places = self.a.get(i).and_then(|line| self.places.get(line.as_str()));
            for &j in places.into_iter().flatten() {
                if j < in_b.start {
                    continue;
                }
                if j >= in_b.end {
                    break;
                }
                let length = j.checked_sub(1).and_then(|before| lengths.get(&before)).unwrap_or(&0) + 1;
                next.insert(j, length);
                if length > best.2 {
                    best = (i + 1 - length, j + 1 - length, length);
                }
            }
            lengths = next;
        }
        // Lines that counted for nothing may still stand next to it.
        let same = |i: usize, j: usize| self.a.get(i).is_some_and(|line| self.b.get(j) == Some(line));
        while best.0 > in_a.start && best.1 > in_b.start && same(best.0 - 1, best.1 - 1) {
            best = (best.0 - 1, best.1 - 1, best.2 + 1);
        }
        while best.0 + best.2 < in_a.end
            && best.1 + best.2 < in_b.end
            && same(best.0 + best.2, best.1 + best.2)
        {
            best.2 += 1;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(before: &str, after: &str) -> String {
        unified(before, after, ["before", "after"], 3).concat()
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), "");
    }

    #[test]
    fn a_missing_newline_at_the_end_is_said() {
        assert_eq!(
            diff("one\ntwo\n", "one\nTWO"),
            "--- before\n+++ after\n@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n\\ No newline at end of file\n"
        );
    }

    #[test]
    fn changes_far_from_each_other_stand_apart() {
        let before: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let after = before.replace("2\n", "zwei\n").replace("1zwei\n", "12\n");
        assert_eq!(
            diff(&before, &after),
            "--- before\n+++ after\n@@ -1,5 +1,5 @@\n 1\n-2\n+zwei\n 3\n 4\n 5\n"
        );
        let after = after.replace("19\n", "");
        assert!(diff(&before, &after).contains("@@ -16,5 +16,4 @@\n 16\n 17\n 18\n-19\n 20\n"));
    }

    #[test]
    fn nothing_before_or_after() {
        assert_eq!(diff("", "a\n"), "--- before\n+++ after\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(diff("a\n", ""), "--- before\n+++ after\n@@ -1 +0,0 @@\n-a\n");
    }

    #[test]
    fn the_longest_stretch_is_kept_as_difflib_keeps_it() {
        // Checked against difflib.unified_diff.
        assert_eq!(
            diff("a\nb\nc\nd\n", "c\nd\na\nb\nc\n"),
            "--- before\n+++ after\n@@ -1,4 +1,5 @@\n+c\n+d\n a\n b\n c\n-d\n"
        );
    }
}
