//! Finds many texts in others, while ever more of them become known.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};

/// The texts that are looked for. Each text is built into an automaton a few times at most, however slowly they come:
/// automata are merged only with those that are not much larger.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    known: HashSet<Arc<str>>,
    /// Those that no automaton has yet.
    fresh: Vec<Arc<str>>,
    finder: Arc<Finder>,
}

impl Texts {
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.known.contains(text)
    }

    pub(crate) fn extend(&mut self, texts: impl IntoIterator<Item = Arc<str>>) {
        for text in texts {
            if self.known.insert(text.clone()) {
                self.fresh.push(text);
            }
        }
    }

    /// What finds all of them; `None`: it has to be made first.
    pub(crate) fn finder(&self) -> Option<Arc<Finder>> {
        self.fresh.is_empty().then(|| self.finder.clone())
    }

    /// What finds all of them.
    pub(crate) fn make_finder(&mut self) -> Arc<Finder> {
        if !self.fresh.is_empty() {
            let mut texts = std::mem::take(&mut self.fresh);
            let mut parts = self.finder.0.clone();
            while let Some(part) = parts.pop_if(|part| part.texts.len() <= 2 * texts.len()) {
                texts.extend(part.texts.iter().cloned());
            }
            parts.push(Arc::new(Part::new(texts)));
            self.finder = Arc::new(Finder(parts));
        }
        self.finder.clone()
    }
}

/// Finds texts; the automaton with the most comes first.
#[derive(Debug, Default)]
pub(crate) struct Finder(Vec<Arc<Part>>);

#[derive(Debug)]
struct Part {
    texts: Vec<Arc<str>>,
    /// `None`: the texts are too many for one, so they are looked for one by one.
    automaton: Option<AhoCorasick>,
}

impl Part {
    fn new(texts: Vec<Arc<str>>) -> Self {
        let bytes = texts.iter().map(|text| text.as_bytes());
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(bytes).ok();
        Self { texts, automaton }
    }

    fn find_into(&self, text: &str, found: &mut Vec<Range<usize>>) {
        match &self.automaton {
            Some(automaton) => found.extend(automaton.find_iter(text).map(|found| found.range())),
            None => {
                for wanted in &self.texts {
                    found.extend(text.match_indices(&**wanted).map(|(at, _)| at..at + wanted.len()));
                }
            }
        }
    }
}

impl Finder {
    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the texts stand, first to last; what overlaps is one place.
    pub(crate) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for part in &self.0 {
            part.find_into(text, &mut found);
        }
        if self.0.len() > 1 {
            found.sort_unstable_by_key(|range| (range.start, range.end));
            found.dedup_by(|next, last| {
                let overlap = next.start < last.end;
                if overlap {
                    last.end = last.end.max(next.end);
                }
                overlap
            });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(count: usize) -> (Texts, usize) {
        let mut texts = Texts::default();
        let mut built = 0;
        for number in 0..count {
            texts.extend([Arc::from(format!("secret-{number}-"))]);
            built += texts.make_finder().0.last().unwrap().texts.len();
        }
        (texts, built)
    }

    #[test]
    fn texts_that_come_one_by_one_are_found_however_many_there_are() {
        let (texts, _) = grown(100);
        let finder = texts.finder().unwrap();
        for number in 0..100 {
            assert_eq!(finder.find(&format!("x secret-{number}- y")).len(), 1, "{number}");
        }
        assert!(finder.find("secret-100-").is_empty());
    }

    #[test]
    fn the_work_for_texts_that_come_one_by_one_does_not_grow_with_their_square() {
        let (_, few) = grown(50);
        let (texts, many) = grown(400);
        assert!(many < few * 8 * 2, "{many} of {few}");
        assert!(texts.finder().unwrap().0.len() < 10);
    }

    #[test]
    fn what_overlaps_is_one_place() {
        let mut texts = Texts::default();
        for text in ["abcdef", "aaaa", "bbbb", "cccc", "dddd", "efgh", "cd"] {
            texts.extend([Arc::from(text)]);
            texts.make_finder();
        }
        assert!(texts.make_finder().0.len() > 1);
        assert_eq!(texts.make_finder().find("-abcdefgh-cd-"), [1..9, 10..12]);
    }
}
