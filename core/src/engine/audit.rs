//! Decisions of people about parts, and the products they are about, as the window and the command line ask for them. In:
//! a judged part and what was decided. Out: the audit log. Only this file reads the clock for it.

use std::collections::HashMap;

use super::Engine;
use crate::anomaly::product::Products;
use crate::error::Result;
use crate::index::{ContentHash, Decision, Review, ReviewEntry};

impl Engine {
    /// Adds a decision to the audit log; it is on the disk when this returns. Taking one back is
    /// [`Decision::Undecided`]: nothing is ever erased.
    ///
    /// # Errors
    /// [`crate::Error::DiskFull`].
    pub fn record_review(&self, review: Review) -> Result<ReviewEntry> {
        // One goes in, so one comes out.
        Ok(self.record_reviews(vec![review])?.remove(0))
    }

    /// Adds several decisions at once, all or none.
    ///
    /// # Errors
    /// [`crate::Error::DiskFull`].
    pub fn record_reviews(&self, reviews: Vec<Review>) -> Result<Vec<ReviewEntry>> {
        let now = jiff::Timestamp::now().as_nanosecond();
        // An i64 of nanoseconds lasts until the year 2262.
        self.shared.store.append_reviews(reviews, i64::try_from(now).unwrap_or(i64::MAX))
    }

    /// The audit log, oldest first: of one product, or all of it.
    pub fn reviews(&self, product: Option<&str>) -> Vec<ReviewEntry> {
        self.shared.store.reviews(product)
    }

    /// What holds now of a product's parts, by their content: the last decision about each, but none that was taken back.
    pub fn decisions(&self, product: &str) -> HashMap<ContentHash, ReviewEntry> {
        let mut last = HashMap::new();
        for entry in self.reviews(Some(product)) {
            match entry.review.decision {
                Decision::Undecided => drop(last.remove(&entry.review.hash)),
                _ => drop(last.insert(entry.review.hash, entry)),
            }
        }
        last
    }

    /// The products that are kept in the library.
    pub fn products(&self) -> Products {
        Products::of_library(self.library_folder())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::{Precision, Settings};
    use super::*;

    fn review(part: u8, decision: Decision) -> Review {
        Review {
            product: "Plate".into(),
            version: 1,
            model: "starter@1".into(),
            path: "part.png".into(),
            hash: ContentHash([part; 32]),
            score: 0.3,
            threshold: 0.2,
            verdict: "fail".into(),
            decision,
            operator: "Ada".into(),
            reason: String::new(),
        }
    }

    #[test]
    fn the_last_decision_about_a_part_holds_until_it_is_taken_back() {
        let folder = TempDir::new().unwrap();
        let settings = Settings { library: folder.path().to_owned(), model: None, precision: Precision::Auto };
        let engine = Engine::open(settings).unwrap();
        let decide = |part, decision| engine.record_review(review(part, decision)).unwrap();
        decide(1, Decision::Accepted);
        decide(2, Decision::Rejected);
        decide(1, Decision::Rejected);
        assert_eq!(engine.decisions("Plate")[&ContentHash([1; 32])].review.decision, Decision::Rejected);
        let taken_back = decide(1, Decision::Undecided);
        assert!(taken_back.number == 4 && taken_back.time_ns > 0);
        assert_eq!(engine.decisions("Plate").into_keys().collect::<Vec<_>>(), [ContentHash([2; 32])]);
        assert_eq!((engine.reviews(Some("Plate")).len(), engine.reviews(Some("Other")).len()), (4, 0));
        assert!(engine.products().list().unwrap().0.is_empty());
    }
}
