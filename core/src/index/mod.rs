//! Embeddings and metadata → store → snapshot. In: records, vectors, and what the user made. Out: immutable snapshots
//! that search and drawing read without waiting. Knows no model: a vector comes with the identity of what made it.

mod record;

pub use record::{ContentHash, FileRecord, FolderRecord, PhotoRecord};
