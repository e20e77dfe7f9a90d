//! Embeddings and metadata → store → snapshot. In: records, vectors, and what the user made. Out: immutable snapshots
//! that search and drawing read without waiting. Knows no model: a vector comes with the identity of what made it.

mod block;
mod chunk;
mod deflated;
mod files;
mod journal;
mod keeping;
mod layout;
mod made;
mod marks;
mod opening;
mod record;
mod shelf;
mod snapshot;
mod store;
mod table;
mod user;
mod vectors;

pub use files::Indexed;
pub use made::SavedSearch;
pub use marks::{Mark, Ratings};
pub use record::{ContentHash, Drive, FileRecord, FolderRecord, PhotoRecord};
pub use snapshot::{Entry, Snapshot};
pub use store::{Opened, Store};
pub use vectors::Vectors;
