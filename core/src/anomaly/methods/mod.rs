//! How far a patch is from what is good: one method a file. In: features of good parts, then of any part. Out: a score a
//! patch, higher is worse. Must never know thresholds, pixels or files.

use image::RgbImage;

use super::memory_bank::Origin;
use super::patches::{Patches, joined, raw};
use super::settings::{Settings, USUAL_SIZES};
use crate::error::{Error, Result};
use crate::models::Encoder;

mod cholesky;
mod dictionary;
mod eigen;
mod mahalanobis;
mod moments;
mod mutual;
mod patch_knn;
mod subspace;
mod zero_shot;

pub use dictionary::sparsemax;

/// Every method, in menu order. A new method is one file and one line here.
pub const METHODS: &[&dyn Method] = &[
    &mahalanobis::Mahalanobis,
    &patch_knn::PatchKnn,
    &subspace::Subspace,
    &dictionary::Dictionary,
    &mutual::Mutual,
    &zero_shot::ZeroShot,
];

/// The quarters of a tower's depth that are compared where a method does not say otherwise: the earlier ones cost as much
/// again and made the figures worse (docs/inspection.md).
const LATE_QUARTERS: &[usize] = &[3, 4];

/// What a method needs before it can score a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teacher {
    /// Good parts.
    References,
    /// The folder itself, most of whose parts are good.
    Folder,
    /// Words, in a model that knows them: nothing is shown.
    Words,
}

/// A way to score patches.
pub trait Method: Sync {
    /// What the command line, products and reports call it.
    fn name(&self) -> &'static str;

    /// What it does, in a sentence.
    fn summary(&self) -> &'static str;

    /// What it learns from.
    fn teacher(&self) -> Teacher {
        Teacher::References
    }

    /// The longer sides, in pixels, that it looks at where none are named, one look each.
    fn sizes(&self) -> &'static [usize] {
        USUAL_SIZES
    }

    /// Whether it asks where a patch lies ([`Settings::position_window`]).
    fn knows_positions(&self) -> bool {
        false
    }

    /// What of a picture it compares.
    ///
    /// # Errors
    /// A picture without pixels, or a model that gives no such features.
    fn see(&self, encoder: &dyn Encoder, picture: &RgbImage, settings: &Settings) -> Result<Patches> {
        Ok(joined(&raw(encoder, picture, settings, LATE_QUARTERS)?, settings.neighbourhood))
    }

    /// Learns from parts as [`Method::see`] gave them; those of one part (tiles, turned copies) carry one number.
    ///
    /// # Errors
    /// Nothing to learn from, or a model that cannot be taught this way.
    fn learn(&self, encoder: &dyn Encoder, parts: &[Patches], settings: &Settings) -> Result<Box<dyn Memory>>;
}

/// What a method remembers.
pub trait Memory: Send + Sync {
    /// A score for every place of `patches`, 0 or more and finite. With `left_out` as if that part had never been learnt.
    ///
    /// # Errors
    /// Features of another model, or nothing left to compare with.
    fn scores(&self, patches: &Patches, left_out: Option<usize>) -> Result<Vec<f32>>;

    /// The good patch that each place was compared with, where the method has one.
    ///
    /// # Errors
    /// As [`Memory::scores`].
    fn compared_with(&self, _patches: &Patches) -> Result<Vec<Option<Origin>>> {
        Ok(Vec::new())
    }

    /// Nothing will be left out any more: what that takes is given back.
    fn settle(&mut self) {}

    /// How many features are remembered, for the report.
    fn features(&self) -> usize;
}

/// The method of that name.
///
/// # Errors
/// Names those that there are.
pub fn method(name: &str) -> Result<&'static dyn Method> {
    let known = || METHODS.iter().map(|method| method.name()).collect::<Vec<_>>().join(", ");
    METHODS.iter().copied().find(|method| method.name() == name).ok_or_else(|| {
        Error::bad_request(format!("there is no inspection method {name:?}"), format!("choose one of {}", known()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_by_its_name_and_no_two_share_one() {
        for one in METHODS {
            assert_eq!(method(one.name()).unwrap().summary(), one.summary());
            assert_eq!(METHODS.iter().filter(|other| other.name() == one.name()).count(), 1);
        }
        let error = method("magic").err().unwrap().to_string();
        assert!(error.contains("patch-knn"), "{error}");
    }
}
