//! Defects by example. In: features of a few good parts, then of any part. Out: scores of patches, a map, a verdict,
//! regions. Knows no window; reads and writes no file but in `product` and `report`.
//!
//! ```text
//! picture → patches → memory → score grid → map → regions
//!                                   └→ part score → verdict (calibrated on good parts alone)
//! ```

mod background;
mod bounds;
mod calibrate;
mod combine;
mod coreset;
pub mod demo;
mod drift;
mod inspector;
#[cfg(test)]
mod inspector_tests;
mod lesson;
mod memory_bank;
mod methods;
mod metrics;
mod outline;
mod patches;
mod peers;
pub mod product;
mod projection;
mod ranking;
mod region;
pub mod report;
mod rim;
mod roi;
mod score_map;
mod settings;
mod taught;
#[cfg(test)]
pub(crate) mod testing;
mod tiling;
mod verdict;
mod views;

pub use background::foreground;
pub use bounds::{CONFIDENCE, Rate, clopper_pearson};
pub use calibrate::{Basis, Calibration, OkScore, Threshold};
pub use combine::{combined_ranks, ranks_of};
pub use drift::{Drift, Exposure, Gates};
pub use inspector::{Inspector, Judgement, Sight};
pub use lesson::{GoOn, Lesson, show_all};
pub use memory_bank::{Allowed, MemoryBank, Nearest, Origin};
pub use methods::{METHODS, Memory, Method, Teacher, method, sparsemax};
pub use metrics::{AUPIMO_LIMITS, AUPRO_LIMIT, Defects, Figures, Pixels, Truth, components};
pub use patches::{Patches, averaged, joined, quarter_layers};
pub use peers::{Peer, Peers, rescored};
pub use ranking::{Point, Ranking};
pub use region::{Decay, Hysteresis, Region, Regions, Scored, regions, soft_nms, worst_place};
pub use roi::{Polygon, Roi};
pub use score_map::{MOST_MAP_SIDE, ScoreGrid, ScoreMap};
pub use settings::{Area, Look, Settings};
pub use taught::{Learnt, OkPart, Taught};
pub use tiling::{Span, Tiling, spans};
pub use verdict::Verdict;
