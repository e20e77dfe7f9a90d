//! The icons by name: characters of the Phosphor font in assets/icons.

/// A left arrow.
pub const ARROW_LEFT: &str = "\u{e058}";
/// The model, the camera's eye.
pub const APERTURE: &str = "\u{e00a}";
/// The theme of the system.
pub const CIRCLE_HALF: &str = "\u{e18c}";
/// Before the previous photo.
pub const CARET_LEFT: &str = "\u{e138}";
/// Before the next photo.
pub const CARET_RIGHT: &str = "\u{e13a}";
/// All is well.
pub const CHECK: &str = "\u{e182}";
/// A copy.
pub const COPY: &str = "\u{e1ca}";
/// The whole picture.
pub const FIT: &str = "\u{e1d0}";
/// A folder.
pub const FOLDER: &str = "\u{e24a}";
/// Adding a folder.
pub const FOLDER_PLUS: &str = "\u{e258}";
/// A filter.
pub const FUNNEL: &str = "\u{e266}";
/// A picture.
pub const IMAGE: &str = "\u{e2ca}";
/// A picture that cannot be shown.
pub const IMAGE_BROKEN: &str = "\u{e7a8}";
/// Photos.
pub const IMAGES: &str = "\u{e836}";
/// Details.
pub const INFO: &str = "\u{e2ce}";
/// Shows the sidebar.
pub const LIST: &str = "\u{e2f0}";
/// Searching.
pub const MAGNIFYING_GLASS: &str = "\u{e30c}";
/// The dark theme.
pub const MOON: &str = "\u{e330}";
/// Adding.
pub const PLUS: &str = "\u{e3d4}";
/// Looking again.
pub const REFRESH: &str = "\u{e036}";
/// Photos like this one.
pub const SPARKLE: &str = "\u{e6a2}";
/// Ending a job.
pub const STOP: &str = "\u{e46c}";
/// The light theme.
pub const SUN: &str = "\u{e472}";
/// Removing.
pub const TRASH: &str = "\u{e4a6}";
/// A drive that is not there.
pub const UNPLUGGED: &str = "\u{eb56}";
/// A problem.
pub const WARNING: &str = "\u{e4e0}";
/// Closing, clearing.
pub const X: &str = "\u{e4f6}";
/// An album.
pub const ALBUM: &str = "\u{e758}";
/// A saved search.
pub const SAVED: &str = "\u{e0ea}";
/// A tag.
pub const TAG: &str = "\u{e478}";
/// A favourite.
pub const HEART: &str = "\u{e2a8}";
/// Stars.
pub const STAR: &str = "\u{e46a}";
/// Turning round.
pub const SWAP: &str = "\u{e83c}";
/// Not counting now.
pub const EYE_SLASH: &str = "\u{e224}";
/// Keys.
pub const KEYBOARD: &str = "\u{e2d8}";
/// Changing a name.
pub const PENCIL: &str = "\u{e3b4}";
/// A note.
pub const NOTE: &str = "\u{e34c}";
/// A part of a picture.
pub const CROP: &str = "\u{e1d4}";
/// Turning to the right.
pub const TURN: &str = "\u{e036}";
/// Opening with another program.
pub const OUTSIDE: &str = "\u{e5de}";
/// The file manager.
pub const FOLDER_OPEN: &str = "\u{e256}";
/// Filters.
pub const SLIDERS: &str = "\u{e434}";
/// Dates.
pub const CALENDAR: &str = "\u{e10a}";
/// The map of the library.
pub const MAP: &str = "\u{e31a}";
/// Photos that are nearly the same.
pub const STACK: &str = "\u{e466}";
/// Models.
pub const MODEL: &str = "\u{e610}";
/// The language.
pub const TRANSLATE: &str = "\u{e4a2}";
/// Learning from examples.
pub const WAND: &str = "\u{e6b6}";
/// Side by side.
pub const COLUMNS: &str = "\u{e546}";
/// Writing copies.
pub const EXPORT: &str = "\u{eaf0}";
/// A question.
pub const QUESTION: &str = "\u{e3e8}";
/// Choosing by a line around.
pub const LASSO: &str = "\u{edc6}";
/// Fetching.
pub const DOWNLOAD: &str = "\u{e1ac}";
/// More below.
pub const CARET_DOWN: &str = "\u{e136}";
/// Why a photo matches.
pub const HEAT: &str = "\u{e2dc}";
/// A pause.
pub const PAUSE: &str = "\u{e39e}";
/// Going on.
pub const PLAY: &str = "\u{e3d0}";
/// Squares.
pub const SQUARES: &str = "\u{e464}";
/// Inspection.
pub const INSPECT: &str = "\u{ebb6}";
/// A part that passes.
pub const PASS: &str = "\u{e184}";
/// A part that a person should look at.
pub const REVIEW: &str = "\u{e4e2}";
/// A part that fails.
pub const FAIL: &str = "\u{e4f8}";
/// A region of interest.
pub const POLYGON: &str = "\u{e6d0}";
/// Boxes round regions.
pub const BOXES: &str = "\u{e6ce}";
/// Outlines of regions.
pub const OUTLINES: &str = "\u{e69a}";
/// Thresholds.
pub const CHART: &str = "\u{e150}";
/// Back to what it was.
pub const UNDO: &str = "\u{e038}";
/// A report.
pub const REPORT: &str = "\u{e23a}";
/// Accepted by a person.
pub const ACCEPT: &str = "\u{e48e}";
/// Rejected by a person.
pub const REJECT: &str = "\u{e48c}";
/// A product as a file.
pub const PRODUCT: &str = "\u{e390}";
/// How fast something is.
pub const GAUGE: &str = "\u{e628}";
