//! Picture → embedding or patch features; text → embedding. In: a checkpoint's files and decoded pictures. Out: unit
//! vectors that carry the identity of what made them. Knows no index and no file of the user's.

mod embedding;
mod hub;
mod registry;

pub(crate) use embedding::unit_rows;
pub use embedding::{ModelIdentity, PatchFeatures, UnitVector};
pub use hub::{Hub, download, find, remove};
pub use registry::{Card, OwnModel, REGISTRY, Registry, add_own_model, own_models, remove_own_model};
