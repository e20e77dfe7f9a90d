//! Query + snapshot → hits. Pure: no files, no clocks, no models (texts and pictures arrive as unit vectors).

mod band;
mod cells;
mod dot;
mod duplicates;
mod facets;
mod filter;
mod hit;
mod learn;
mod map;
mod name;
mod nearest;
mod query;

pub use band::Band;
pub use duplicates::{Alike, Fingerprints, Group, Likeness, Member, Reason, duplicates};
pub use facets::{Count, Facets, FolderCount, TimeCount, facets};
pub use filter::{Filter, PhotoSet, day_start};
pub use hit::{Hit, Why, search};
pub use learn::{Examples, Learner, Lesson, Suggestion};
pub use map::{Cluster, PhotoMap, clusters, principal_layout, refined_layout};
pub use nearest::{Matrix, Scored, nearest};
pub use query::{Query, Sort, Term};
