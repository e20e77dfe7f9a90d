//! What is said of a product's parts, by what their files hold: nothing is changed or taken out, only added. What was said
//! before this start is recalled from the audit log, and cannot be taken back here. The one place that knows how it is kept.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::Timestamp;
use sightline_core::anomaly::Verdict;
use sightline_core::index::{self, ContentHash, ReviewEntry};

/// The person's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Good, whatever its score.
    Accepted,
    /// Defective, whatever its score.
    Rejected,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The part's file.
    pub path: PathBuf,
    /// What it held when it was judged.
    pub hash: ContentHash,
    /// What the person said; `None`: took back what was said.
    pub ruling: Option<Ruling>,
    /// The score that the part had.
    pub score: f32,
    /// The verdict that it had.
    pub verdict: Verdict,
    /// The product.
    pub product: String,
    /// Its version.
    pub version: u32,
    /// The model that judged.
    pub model: String,
    /// The score above which a part did not pass.
    pub threshold: f32,
    /// Who said it.
    pub operator: String,
    /// Why, if anything was said.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// All of them, in order.
#[derive(Default)]
pub struct Decisions {
    made: Vec<Decision>,
    /// What is said of a part now: its place in `made`.
    newest: HashMap<ContentHash, usize>,
    /// Places of those that can be taken back, oldest first.
    undoable: Vec<usize>,
}

impl Decision {
    /// An entry of the audit log, of a part that is here now.
    pub fn of_entry(entry: ReviewEntry, path: PathBuf) -> Self {
        let ReviewEntry { time_ns, review, .. } = entry;
        let ruling = match review.decision {
            index::Decision::Accepted => Some(Ruling::Accepted),
            index::Decision::Rejected => Some(Ruling::Rejected),
            index::Decision::Undecided => None,
        };
        let verdicts = [Verdict::Pass, Verdict::Review, Verdict::Fail];
        let verdict = verdicts.into_iter().find(|verdict| verdict.name() == review.verdict).unwrap_or(Verdict::Review);
        Self {
            path,
            hash: review.hash,
            ruling,
            score: review.score,
            verdict,
            product: review.product,
            version: review.version,
            model: review.model,
            threshold: review.threshold,
            operator: review.operator,
            reason: review.reason,
            // Every i64 of nanoseconds lies in jiff's range of years.
            at: Timestamp::from_nanosecond(i128::from(time_ns)).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

impl Decisions {
    /// What is said now of a part that holds this.
    pub fn of(&self, hash: &ContentHash) -> Option<&Decision> {
        self.newest.get(hash).map(|place| &self.made[*place]).filter(|decision| decision.ruling.is_some())
    }

    /// What the audit log says of a part, unless something was said of it since this start.
    pub fn recall(&mut self, decision: Decision) {
        if !self.newest.contains_key(&decision.hash) {
            self.push(decision);
        }
    }

    /// Adds one.
    pub fn make(&mut self, decision: Decision) {
        self.undoable.push(self.made.len());
        self.push(decision);
    }

    /// Takes the last one back, which is one more; gives the part it was about.
    pub fn undo(&mut self) -> Option<PathBuf> {
        let place = self.undoable.pop()?;
        let undone = self.made[place].clone();
        let before = self.made[..place].iter().rev().find(|decision| decision.hash == undone.hash);
        let ruling = before.and_then(|decision| decision.ruling);
        let path = undone.path.clone();
        self.push(Decision { ruling, ..undone });
        Some(path)
    }

    /// How many parts are accepted and rejected.
    pub fn counts(&self) -> (usize, usize) {
        let count = |ruling| self.newest.values().filter(|place| self.made[**place].ruling == Some(ruling)).count();
        (count(Ruling::Accepted), count(Ruling::Rejected))
    }

    /// All of them, oldest first.
    pub fn all(&self) -> &[Decision] {
        &self.made
    }

    fn push(&mut self, decision: Decision) {
        self.newest.insert(decision.hash, self.made.len());
        self.made.push(decision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(path: &str, ruling: Ruling) -> Decision {
        Decision {
            path: path.into(),
            hash: ContentHash::of(path.as_bytes()),
            ruling: Some(ruling),
            score: 1.0,
            verdict: Verdict::Review,
            product: "Plate".into(),
            version: 1,
            model: "starter@1".into(),
            threshold: 0.5,
            operator: "Anna".into(),
            reason: String::new(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_last_word_counts_and_undo_goes_back_to_the_one_before() {
        let mut decisions = Decisions::default();
        decisions.make(decision("a", Ruling::Accepted));
        decisions.make(decision("a", Ruling::Rejected));
        assert_eq!(decisions.counts(), (0, 1));
        assert_eq!(decisions.undo(), Some("a".into()));
        assert_eq!(decisions.of(&ContentHash::of(b"a")).unwrap().ruling, Some(Ruling::Accepted));
        decisions.undo();
        assert!(decisions.of(&ContentHash::of(b"a")).is_none() && decisions.undo().is_none());
    }

    #[test]
    fn what_the_log_says_holds_until_something_else_is_said_and_is_not_taken_back() {
        let mut decisions = Decisions::default();
        decisions.recall(decision("a", Ruling::Rejected));
        decisions.make(decision("b", Ruling::Accepted));
        decisions.recall(decision("b", Ruling::Rejected));
        assert_eq!(decisions.counts(), (1, 1));
        decisions.make(decision("a", Ruling::Accepted));
        assert_eq!(decisions.undo(), Some("a".into()));
        assert_eq!(decisions.of(&ContentHash::of(b"a")).unwrap().ruling, Some(Ruling::Rejected));
        decisions.undo();
        assert_eq!((decisions.undo(), decisions.counts()), (None, (0, 1)));
    }

    #[test]
    fn nothing_is_ever_taken_out() {
        let mut decisions = Decisions::default();
        decisions.make(decision("a", Ruling::Accepted));
        decisions.undo();
        assert_eq!(decisions.all().len(), 2);
    }
}
