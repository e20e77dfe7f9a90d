//! The inspection page: a product, what it was taught, the parts that were judged, and the one that is looked at.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_core::Problem;
use sightline_core::anomaly::product::{Product, ProductRow, Role};
use sightline_core::anomaly::{Calibration, Inspector, Rate};
use sightline_core::jobs::Progress;

use crate::gui::colour_table::Table;

mod decisions;
mod histogram;
mod large;
mod parts;
mod thresholds;

pub use decisions::{Decision, Decisions, Ruling};
pub use histogram::{Histogram, SCORE_BINS};
pub use large::{HeatTexels, LargePart, Nearest, PartMap};
pub use parts::{JudgedPart, Part, Parts};
pub use thresholds::{Limit, at_most, moved, verdict};

/// Everything that the page remembers.
#[derive(Default)]
pub struct Inspection {
    /// The products of this library, sorted by name; `None` until they were read.
    pub products: Option<Vec<ProductRow>>,
    /// The one that is worked with.
    pub product: Option<Product>,
    /// Whether another version of it is being made.
    pub is_changing: bool,
    /// How far the teaching is.
    pub teaching: Option<Progress>,
    /// What judges parts, once it was taught.
    pub inspector: Option<Arc<Inspector>>,
    /// The thresholds as they are now, moved by hand or not.
    pub calibration: Option<Calibration>,
    /// References that could not be used.
    pub problems: Vec<Problem>,
    /// Known defects that would pass.
    pub escapes: Option<Rate>,
    /// How far the judging is.
    pub run: Option<Progress>,
    /// Whether it waits.
    pub is_paused: bool,
    /// How far a report is.
    pub writing: Option<Progress>,
    /// Whether it goes on with whatever comes into a folder.
    pub is_watching: bool,
    /// What was asked to be judged last.
    pub sources: Vec<PathBuf>,
    /// The version of the product that judged it.
    pub judged_by: Option<u32>,
    /// The parts.
    pub parts: Parts,
    /// The part that is looked at.
    pub large: Option<LargePart>,
    /// How its map is drawn.
    pub heat: Heat,
    /// How the nearest good part is shown.
    pub beside: Beside,
    /// What the person said of parts.
    pub decisions: Decisions,
    /// Who says it.
    pub operator: String,
    /// Why: goes with the next decision.
    pub reason: String,
    /// Whose path is typed, because there is no dialog to choose it in.
    pub asked_path: Option<Wanted>,
}

impl Inspection {
    /// Whether the parts were judged by an older version of the product.
    pub fn is_outdated(&self) -> bool {
        let version = self.product.as_ref().map(|product| product.version().number);
        !self.parts.rows.is_empty() && self.judged_by != version
    }

    /// The good parts that are learnt.
    pub fn references(&self) -> usize {
        self.product.as_ref().map_or(0, |product| count(product, Role::Normal))
    }

    /// Whether the product is being changed or learnt.
    pub fn is_learning(&self) -> bool {
        self.is_changing || self.teaching.is_some()
    }
}

/// How many parts a product keeps for something.
pub fn count(product: &Product, role: Role) -> usize {
    product.version().references.iter().filter(|reference| reference.role == role).count()
}

/// What the person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Pictures of good parts, to be learnt.
    GoodFiles,
    /// A folder of them.
    GoodFolder,
    /// A folder of good parts that only set the thresholds.
    OkFolder,
    /// Parts to be judged.
    PartFiles,
    /// A folder of them.
    PartFolder,
    /// A folder that a camera writes into.
    CameraFolder,
    /// Where the report is written.
    ReportFolder,
    /// Where the product is written as a file.
    ExportFolder,
    /// Where the decisions are written.
    AuditFolder,
    /// A product's file.
    ProductFile,
}

/// How the map is drawn over the part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heat {
    /// Whether it is.
    pub is_shown: bool,
    /// Whether regions have outlines.
    pub has_outlines: bool,
    /// Whether they have boxes.
    pub has_boxes: bool,
    /// How much of the picture it hides, 0 to 1.
    pub opacity: f32,
    /// Lower scores are not seen; `None`: a fifth up the scale.
    pub floor: Option<f32>,
    /// Its colours.
    pub table: Table,
}

impl Default for Heat {
    fn default() -> Self {
        Self {
            is_shown: true,
            has_outlines: true,
            has_boxes: false,
            opacity: 0.6,
            floor: None,
            table: Table::default(),
        }
    }
}

impl Heat {
    /// The score from which on the map is seen, on this scale.
    pub fn floor(&self, [low, high]: [f32; 2]) -> f32 {
        self.floor.unwrap_or(low + 0.2 * (high - low))
    }
}

/// How the nearest good part is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Beside {
    /// Only the part.
    #[default]
    Alone,
    /// Next to it, at the same place and zoom.
    Side,
    /// In turns with it.
    Blink,
}
