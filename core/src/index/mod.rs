//! Embeddings and metadata → store → snapshot. In: records, vectors, and what the user made. Out: immutable snapshots
//! that search and drawing read without waiting. Knows no model: a vector comes with the identity of what made it.

mod block;
mod chunk;
mod deflated;
mod files;
mod first_looks;
mod hash_table;
mod journal;
mod keeping;
mod layout;
mod made;
mod marks;
mod opening;
mod record;
mod review;
mod shelf;
mod snapshot;
mod store;
mod table;
mod user;
mod vectors;

pub use files::Indexed;
pub use first_looks::FirstLooks;
pub use made::SavedSearch;
pub use marks::{MOST_STARS, Marks};
pub use record::{ContentHash, Drive, FileRecord, FolderRecord, PhotoRecord};
pub use review::{Decision, Review, ReviewEntry};
pub use snapshot::{Entry, Snapshot};
pub use store::{Opened, Store};
pub use vectors::Vectors;
