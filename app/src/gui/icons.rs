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
