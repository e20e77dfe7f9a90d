//! Picture → embedding or patch features; text → embedding. In: a checkpoint's files and decoded pictures. Out: unit
//! vectors that carry the identity of what made them. Knows no index and no file of the user's.

mod embedding;

pub(crate) use embedding::unit_rows;
pub use embedding::{ModelIdentity, PatchFeatures, UnitVector};
