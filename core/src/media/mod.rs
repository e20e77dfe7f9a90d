//! File → picture. In: a path or bytes of anything a user may have. Out: an upright 8-bit RGB picture and what its
//! metadata say, or an error with a reason; never a panic, never memory or time without bound. Knows no model.
//!
//! ```text
//! path → bytes → format (by content) → raster (the format's file) → upright → Decoded
//!          └→ metadata
//! ```
//!
//! What is not covered: a decoder that overflows its stack or that aborts takes the process with it. Decoding threads
//! therefore have a large stack, and every decoder is written in Rust, HEIC's (feature `heic`) apart.

mod animation;
mod avif;
mod boxes;
mod budget;
mod decode;
mod exposure;
mod fingerprint;
mod formats;
#[cfg(feature = "heic")]
mod heic;
mod ifd;
mod isolate;
mod jpeg;
mod jxl;
mod likeness;
mod metadata;
mod orientation;
mod preview;
mod raster;
mod raw_preview;
mod resize;
mod stranger;
mod thumbnail;
mod yuv;

/// What this build can decode. Files that an older one refused are tried again when this has changed: raise the number
/// whenever a decoder learns something.
pub const DECODERS: &str = if cfg!(feature = "heic") { "1+heic" } else { "1" };

pub use animation::{AnimationFrame, may_move, play};
pub use decode::{Decoded, Limits, decode, decode_bytes, read_bytes};
pub use exposure::Exposure;
pub use fingerprint::Fingerprint;
pub use formats::{Format, formats, is_picture_path};
pub use metadata::{Metadata, Position, metadata};
pub use orientation::Orientation;
#[cfg(test)]
pub(crate) use preview::testing as camera_files;
pub use preview::{may_have_preview, preview};
pub(crate) use resize::resized;
pub use stranger::stranger;
pub use thumbnail::thumbnail;
