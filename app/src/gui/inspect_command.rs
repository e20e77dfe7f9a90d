//! What can be asked of the inspection page, the work it starts, and what that finds: data. Nothing here does anything.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use sightline_core::anomaly::product::{Product, ProductRow, Role};
use sightline_core::anomaly::{Calibration, Inspector, Judgement, Rate, Roi, Verdict};
use sightline_core::engine::RunReport;
use sightline_core::jobs::Progress;
use sightline_core::{Problem, Result};

use super::colour_table::Table;
use super::state::{Beside, Decision, JudgedPart, Limit, PartMap, Picture, Ruling, Wanted};

/// Something that the person wants of the page, or that its work has found.
pub enum InspectCommand {
    /// Choose files or a folder in a dialog.
    Choose(Wanted),
    /// Type their path, or stop typing.
    AskForPath(Option<Wanted>),
    /// Take these files and folders for what is wanted.
    Bring(Wanted, Vec<PathBuf>),
    /// Files and folders fell onto the page.
    Drop(Vec<PathBuf>),
    /// Begin a product of other parts.
    BeginProduct,
    /// Go on with the product of this name.
    OpenProduct(String),
    /// Make another version of the product.
    Change(ProductChange),
    /// Learn the product as it is.
    TeachAgain,
    /// Write the product as one file.
    ExportProduct,
    /// Write the report of the parts.
    WriteReport,
    /// End the teaching, the judging or the writing; what is done stays.
    Stop(InspectErrand),
    /// Let the judging wait, or go on.
    Pause(bool),
    /// Judge the same parts again.
    JudgeAgain,

    /// Show this part, by its row.
    Select(usize),
    /// Show the part so many places further down the list.
    Step(isize),
    /// Only parts of this verdict.
    Filter(Option<Verdict>),
    /// Move a threshold to this score: all parts are judged again at once.
    MoveThreshold(Limit, f32),
    /// The thresholds as they are now belong to the product.
    KeepThresholds,
    /// The thresholds that the good parts make.
    ResetThresholds,
    /// The person's own verdict on the shown part, and when.
    Decide(Ruling, Timestamp),
    /// Take the last such verdict back.
    UndoDecision,
    /// Who decides.
    SetOperator(String),
    /// Why: goes with the next decision.
    SetReason(String),
    /// How the map is drawn.
    Heat(HeatEdit),
    /// How the nearest good part is shown.
    ShowBeside(Beside),
}

/// A change of the product: each makes a version.
#[derive(Debug, Clone)]
pub enum ProductChange {
    /// More parts.
    Add(Vec<PathBuf>, Role),
    /// A part less, by the hash of its file.
    Remove(String),
    /// Another region of interest.
    SetRoi(Roi),
    /// Back to the version before.
    Undo,
}

/// A change of how the map is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeatEdit {
    /// Shown or not.
    Toggle,
    /// Outlines of regions, or none.
    ToggleOutlines,
    /// Boxes round regions, or none.
    ToggleBoxes,
    /// How much of the picture it hides, 0 to 1.
    Opacity(f32),
    /// More or less of that.
    MoreOpacity(f32),
    /// From which score on it is seen.
    Floor(f32),
    /// In these colours.
    Colours(Table),
}

/// Work of the page that can be watched and stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectErrand {
    /// Good parts are learnt.
    Teaching,
    /// Parts are judged.
    Run,
    /// A report or a product is written.
    Writing,
}

/// What work of the page has found.
pub enum InspectFinding {
    /// A dialog was closed.
    Chosen(Wanted, Chosen),
    /// Which products there are.
    Products(Result<(Vec<ProductRow>, Vec<Problem>)>),
    /// The product has another version.
    Changed(Result<Product>),
    /// How far work is; `None`: it is over.
    Progress(InspectErrand, Option<Progress>),
    /// The product was learnt.
    Taught(Result<Box<Taught>>),
    /// The product has other thresholds.
    Kept(Result<Product>),
    /// Parts that were judged, and what the audit log says of them.
    Judged(Vec<JudgedPart>, Vec<Decision>),
    /// All are.
    RunEnded(Result<RunReport>),
    /// Files that came into a watched folder could not be judged.
    Unreadable(Vec<Problem>),
    /// The picture of a part.
    Picture(PathBuf, Result<Arc<Picture>>),
    /// Its map.
    Map(PathBuf, Result<Arc<PartMap>>),
    /// The good part that it is nearest to.
    Nearest(PathBuf, Result<Option<super::state::Nearest>>),
    /// A decision is in the audit log.
    Recorded(Result<()>),
    /// A file or folder was written.
    Written(Result<PathBuf>),
}

/// A product that was learnt.
pub struct Taught {
    /// The product, with its thresholds.
    pub product: Product,
    /// Judges parts.
    pub inspector: Arc<Inspector>,
    /// References that could not be used.
    pub problems: Vec<Problem>,
    /// Known defects that would pass, where the product has any.
    pub escapes: Option<Rate>,
}

/// How a dialog for several paths ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// With these paths.
    Paths(Vec<PathBuf>),
    /// With nothing.
    Nothing,
    /// It could not be shown.
    NoDialog,
}

/// Work that the page asks for.
#[derive(Clone)]
pub enum InspectTask {
    /// Show a dialog.
    Choose(Wanted),
    /// Read which products there are.
    ReadProducts,
    /// Open the product of this name.
    OpenProduct(String),
    /// Unpack a product's file.
    ImportProduct(PathBuf),
    /// Make a product of these good parts.
    CreateProduct(Vec<PathBuf>),
    /// Make another version.
    Change(Product, ProductChange),
    /// Learn it.
    Teach(Product),
    /// Keep its thresholds.
    KeepThresholds(Product, Arc<Inspector>, Calibration),
    /// Judge these files and folders by the product of this name.
    Run(Arc<Inspector>, Vec<PathBuf>, String),
    /// Judge what is in this folder and what comes into it.
    Watch(Arc<Inspector>, PathBuf, String),
    /// Let that wait, or go on.
    Pause(bool),
    /// End something.
    Stop(InspectErrand),
    /// Show a part large; with its judgement, if that is known still.
    Look(Arc<Inspector>, PathBuf, Option<Arc<Judgement>>),
    /// Write the report of these parts into a folder.
    WriteReport(Product, Vec<PathBuf>, PathBuf),
    /// Write the product as a file into a folder.
    ExportProduct(Product, PathBuf),
    /// Write the decisions about the parts of the product of this name into a folder.
    ExportAudit(String, PathBuf),
    /// Add a decision to the audit log.
    Record(Decision),
}

impl std::fmt::Debug for InspectTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Choose(_) => "choose",
            Self::ReadProducts => "read-products",
            Self::OpenProduct(_) => "open-product",
            Self::ImportProduct(_) => "import-product",
            Self::CreateProduct(_) => "create-product",
            Self::Change(..) => "change",
            Self::Teach(_) => "teach",
            Self::KeepThresholds(..) => "keep-thresholds",
            Self::Run(..) => "run",
            Self::Watch(..) => "watch",
            Self::Pause(_) => "pause",
            Self::Stop(_) => "stop",
            Self::Look(..) => "look",
            Self::WriteReport(..) => "write-report",
            Self::ExportProduct(..) => "export-product",
            Self::ExportAudit(..) => "export-audit",
            Self::Record(_) => "record",
        };
        f.write_str(name)
    }
}
