//! What people decided about parts: the audit log. In: decisions. Out: all of them, in the order in which they were made.
//! Only ever longer: a decision that is taken back is one more entry.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::made::{Change, Made, Slot};
use super::record::{decode, encode, path_key, path_of_key};
use super::{ContentHash, Store};
use crate::error::Result;

/// What a person says of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is good.
    Accepted,
    /// It is defective.
    Rejected,
    /// What was decided before is taken back.
    Undecided,
}

impl Decision {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Undecided => "undecided",
        }
    }
}

/// A decision about a part, with all that it was based on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Review {
    /// The product that the part was judged by.
    pub product: String,
    /// Its version.
    pub version: u32,
    /// The model, with the digest of its weights.
    pub model: String,
    /// The part's file.
    #[serde(serialize_with = "crate::error::lossy")]
    pub path: PathBuf,
    /// What the file held.
    #[serde(serialize_with = "hex")]
    pub hash: ContentHash,
    /// The program's score.
    pub score: f32,
    /// The score above which a part did not pass.
    pub threshold: f32,
    /// The program's verdict, in a word.
    pub verdict: String,
    /// What the person decided.
    pub decision: Decision,
    /// Who decided; empty: nobody said.
    pub operator: String,
    /// Why, in the person's words; may be empty.
    pub reason: String,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewEntry {
    /// From 1, one more each: a number that is missing was lost.
    pub number: u64,
    /// When, in nanoseconds since 1970 (UTC).
    pub time_ns: i64,
    /// What was decided.
    #[serde(flatten)]
    pub review: Review,
}

fn hex<S: serde::Serializer>(hash: &ContentHash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hash.to_hex())
}

/// Version 1 of an entry; `path` as bytes, `decision` as its place in the order of the variants.
#[derive(Serialize, Deserialize)]
struct ReviewV1 {
    time_ns: i64,
    product: String,
    version: u32,
    model: String,
    path: Vec<u8>,
    hash: [u8; 32],
    score: f32,
    threshold: f32,
    verdict: String,
    decision: u8,
    operator: String,
    reason: String,
}

/// The version of an entry.
const REVIEW_VERSION: u8 = 1;
/// Decisions in the order of their bytes: only add at the end.
const DECISIONS: [Decision; 3] = [Decision::Accepted, Decision::Rejected, Decision::Undecided];

impl Store {
    /// Adds decisions to the log, all or none; `time_ns` is now. Gives back their entries.
    ///
    /// # Errors
    /// [`crate::Error::DiskFull`].
    pub fn append_reviews(&self, reviews: Vec<Review>, time_ns: i64) -> Result<Vec<ReviewEntry>> {
        let mut entries = Vec::new();
        self.change_by(|made| {
            let first = made.last_review() + 1;
            let numbered = reviews.into_iter().zip(first..);
            entries = numbered.map(|(review, number)| ReviewEntry { number, time_ns, review }).collect();
            entries.iter().map(change).collect()
        })?;
        Ok(entries)
    }

    /// Every decision, or those about one product's parts, oldest first.
    pub fn reviews(&self, product: Option<&str>) -> Vec<ReviewEntry> {
        let mut entries = self.made(Made::reviews);
        entries.retain(|entry| product.is_none_or(|product| entry.review.product == product));
        entries
    }
}

fn change(entry: &ReviewEntry) -> Change {
    let ReviewEntry { number, time_ns, review } = entry;
    let Review { product, version, model, path, hash, score, threshold, verdict, decision, operator, reason } =
        review.clone();
    // Every variant is in the list, in the order of its number.
    let value = ReviewV1 {
        time_ns: *time_ns,
        product,
        version,
        model,
        path: path_key(&path),
        hash: hash.0,
        score,
        threshold,
        verdict,
        decision: decision as u8,
        operator,
        reason,
    };
    Change { slot: Slot::Review(*number), value: Some(encode(REVIEW_VERSION, &value)) }
}

/// An entry from a value of any version so far.
fn entry(number: u64, value: &[u8]) -> Option<ReviewEntry> {
    let (version, rest) = value.split_first()?;
    let old: ReviewV1 = match version {
        1 => decode(rest)?,
        _ => return None,
    };
    let review = Review {
        product: old.product,
        version: old.version,
        model: old.model,
        path: path_of_key(&old.path),
        hash: ContentHash(old.hash),
        score: old.score,
        threshold: old.threshold,
        verdict: old.verdict,
        decision: *DECISIONS.get(usize::from(old.decision))?,
        operator: old.operator,
        reason: old.reason,
    };
    Some(ReviewEntry { number, time_ns: old.time_ns, review })
}

impl Made {
    fn reviews(&self) -> Vec<ReviewEntry> {
        self.review_slots().filter_map(|(number, value)| entry(number, value)).collect()
    }

    /// The number of the newest entry; 0 before the first.
    fn last_review(&self) -> u64 {
        self.review_slots().next_back().map_or(0, |(number, _)| number)
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn review(part: u8, decision: Decision) -> Review {
        Review {
            product: "Plate".into(),
            version: 3,
            model: "starter@12".into(),
            path: format!("/parts/{part}.png").into(),
            hash: ContentHash([part; 32]),
            score: 0.25,
            threshold: 0.2,
            verdict: "review".into(),
            decision,
            operator: "Ada".into(),
            reason: "only dust".into(),
        }
    }

    fn open(folder: &TempDir) -> Store {
        Store::open(folder.path()).unwrap().store
    }

    #[test]
    fn an_undo_is_one_more_entry_and_nothing_is_erased() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        store.append_reviews(vec![review(1, Decision::Accepted), review(2, Decision::Rejected)], 10).unwrap();
        store.append_reviews(vec![review(2, Decision::Undecided)], 20).unwrap();
        let entries = store.reviews(Some("Plate"));
        let seen: Vec<_> = entries.iter().map(|entry| (entry.number, entry.time_ns, entry.review.decision)).collect();
        let expected = [(1, 10, Decision::Accepted), (2, 10, Decision::Rejected), (3, 20, Decision::Undecided)];
        assert_eq!(seen, expected);
        assert_eq!(entries[0].review, review(1, Decision::Accepted));
        assert!(store.reviews(Some("Other")).is_empty());
    }

    #[test]
    fn the_log_comes_back_from_the_journal_alone() {
        let folder = TempDir::new().unwrap();
        let before = {
            let store = open(&folder);
            store.append_reviews(vec![review(1, Decision::Accepted), review(2, Decision::Rejected)], 10).unwrap()
        };
        fs_err::remove_dir_all(folder.path().join("store")).unwrap();
        let store = open(&folder);
        assert_eq!(store.reviews(None), before);
        assert_eq!(store.append_reviews(vec![review(3, Decision::Accepted)], 30).unwrap()[0].number, 3);
    }

    #[test]
    fn the_log_comes_back_from_the_store_alone() {
        let folder = TempDir::new().unwrap();
        let before = open(&folder).append_reviews(vec![review(1, Decision::Rejected)], 10).unwrap();
        fs_err::write(folder.path().join("journal"), b"").unwrap();
        assert_eq!(open(&folder).reviews(None), before);
    }

    #[test]
    fn entries_of_version_1_are_read_for_ever() {
        let Change { slot, value } =
            change(&ReviewEntry { number: 300, time_ns: -1, review: review(7, Decision::Rejected) });
        let head = [&[1, 1, 5][..], b"Plate", &[3, 10], b"starter@12", &[12], b"/parts/7.png", &[7; 32]].concat();
        let numbers = [0.25_f32.to_le_bytes(), 0.2_f32.to_le_bytes()].concat();
        let tail = [&[6][..], b"review", &[1, 3], b"Ada", &[9], b"only dust"].concat();
        let bytes = [head, numbers, tail].concat();
        assert_eq!(value.as_deref(), Some(&*bytes));
        // The eleventh kind of slot, and its number.
        assert_eq!(encode(1, &slot), [1, 9, 0xAC, 2]);
        assert_eq!(entry(300, &bytes).unwrap().review, review(7, Decision::Rejected));
    }
}
