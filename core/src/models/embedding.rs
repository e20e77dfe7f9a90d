//! What a model gives: unit vectors and patch features, and the identity that keeps those of two models apart.

use crate::error::{Error, Result};

/// What two vectors must share to be comparable: the model, its weights and its preprocessing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ModelIdentity {
    /// The registry's id, or the folder's name for a model of the user's own.
    pub id: String,
    /// blake3 of weights, configuration and preprocessing, the first 16 hexadecimal digits; and how it computes, where
    /// that is not in 32 bits.
    pub digest: String,
}

/// What the digest of a model that computes in 8 bits ends with: its weights are read from the same files.
const INT8: &str = "-int8";

impl ModelIdentity {
    /// The same model, computing in 8 bits.
    pub(super) fn quantised(&self) -> Self {
        Self { id: self.id.clone(), digest: format!("{}{INT8}", self.digest.trim_end_matches(INT8)) }
    }

    /// Whether its pictures are computed in 8 bits.
    pub fn is_int8(&self) -> bool {
        self.digest.ends_with(INT8)
    }
}

impl std::fmt::Display for ModelIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.id, self.digest)
    }
}

/// A vector of length 1 (f32), by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitVector(Vec<f32>);

impl UnitVector {
    /// Scales `values` to length 1; `None` when they have no direction (all zero, or a number that is none).
    pub fn normalised(mut values: Vec<f32>) -> Option<Self> {
        let norm = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
        if !norm.is_finite() || norm == 0.0 {
            return None;
        }
        values.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
        Some(Self(values))
    }

    /// The numbers.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// How many there are.
    pub fn dim(&self) -> usize {
        self.0.len()
    }

    /// The cosine of the angle between two vectors of the same space.
    pub fn cosine(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }
}

/// Patch features of one picture: `layers × rows × columns × dim`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchFeatures {
    /// Blocks (or, of a convolutional tower, 1: its stages joined).
    pub layers: usize,
    /// Patches from top to bottom.
    pub rows: usize,
    /// Patches from left to right.
    pub columns: usize,
    /// Length of one feature.
    pub dim: usize,
    /// The numbers, `layers * rows * columns * dim` of them.
    pub values: Vec<f32>,
}

/// Features of one picture in the space that pictures share with words, all of length 1.
#[derive(Debug, Clone, PartialEq)]
pub struct WordFeatures {
    /// Patches from top to bottom.
    pub rows: usize,
    /// Patches from left to right.
    pub columns: usize,
    /// Length of one feature.
    pub dim: usize,
    /// `rows * columns * dim` numbers.
    pub patches: Vec<f32>,
    /// The whole picture.
    pub whole: UnitVector,
    /// Of every size of window: its side in patches, and a feature for each place where its top left patch can lie.
    /// Empty for a tower that cannot look at a few patches alone.
    pub windows: Vec<(usize, Vec<f32>)>,
}

/// Rows of a `[n, dim]` tensor as unit vectors.
///
/// # Errors
/// [`Error::NoDirection`] for a row that cannot be normalised.
pub(crate) fn unit_rows(rows: &candle_core::Tensor, model: &ModelIdentity) -> Result<Vec<UnitVector>> {
    let rows = rows.to_dtype(candle_core::DType::F32)?.to_vec2::<f32>()?;
    let unit = |row| UnitVector::normalised(row).ok_or_else(|| Error::NoDirection { model: model.id.clone() });
    rows.into_iter().map(unit).collect()
}
