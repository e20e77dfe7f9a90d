//! What one picture may cost. In: the caller's limits. Out: a budget that decoders ask before they allocate, and the
//! refusals they give. Knows no format.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::decode::Limits;

/// Why a picture is not decoded. The path is added by `decode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What is wrong with it.
    pub what: String,
    /// What the person can do.
    pub remedy: String,
    /// Nothing is wrong with the file: the machine could not decode it just now.
    pub is_passing: bool,
}

/// What a decoder gives.
pub(super) type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    /// A refusal with its own remedy.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), is_passing: false }
    }

    /// A refusal that is not the file's fault: the next try may do.
    pub fn passing(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { is_passing: true, ..Self::new(what, remedy) }
    }

    /// The bytes are not what the format asks for.
    pub fn damaged(format: &str, reason: impl std::fmt::Display) -> Self {
        let reason = one_line(&reason.to_string());
        Self::new(format!("this {format} picture is damaged ({reason})"), "restore it from a copy")
    }

    /// A correct file with something that the decoder does not know.
    pub fn unsupported(format: &str, reason: impl std::fmt::Display) -> Self {
        let reason = one_line(&reason.to_string());
        let what = format!("this {format} picture uses something that Sightline cannot decode ({reason})");
        Self::new(what, "save it again as JPEG or PNG")
    }

    /// The time is over.
    pub fn too_slow(timeout: Duration) -> Self {
        let what = format!("this picture was not decoded within {} seconds", timeout.as_secs_f32().ceil());
        Self::new(what, "save it again smaller or in another format")
    }
}

/// A decoder's own words, short and without line breaks.
fn one_line(text: &str) -> String {
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    let text = text.trim_end_matches(['.', '\n']);
    text.chars().take(160).collect()
}

/// What is left for one picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Most pixels of the decoded picture.
    pub max_pixels: u64,
    /// Most bytes that decoding may hold, the picture itself included.
    pub max_bytes: u64,
    /// When the decoder gives up.
    pub deadline: Instant,
    /// What the deadline was made from, for the message.
    pub timeout: Duration,
}

impl Budget {
    /// A budget that starts now.
    pub fn starting(limits: &Limits) -> Self {
        let Limits { max_pixels, max_bytes, timeout, .. } = *limits;
        Self { max_pixels, max_bytes, deadline: Instant::now() + timeout, timeout }
    }

    /// Refuses a picture of `width` × `height` pixels that needs `bytes_per_pixel` to decode.
    pub fn check(&self, (width, height): (u32, u32), bytes_per_pixel: u64) -> Outcome<()> {
        if width == 0 || height == 0 {
            return Err(Refusal::new(format!("this picture is {width} × {height} pixels: it is empty"), "remove it"));
        }
        let pixels = u64::from(width) * u64::from(height);
        let limit = self.max_pixels.min(self.max_bytes / bytes_per_pixel.max(1));
        if pixels <= limit { Ok(()) } else { Err(too_large((width, height), limit)) }
    }

    /// Whether a picture of this size would pass [`Budget::check`].
    pub fn allows(&self, size: (u32, u32), bytes_per_pixel: u64) -> bool {
        self.check(size, bytes_per_pixel).is_ok()
    }

    /// Refuses once the time is over.
    pub fn check_time(&self) -> Outcome<()> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(Refusal::too_slow(self.timeout)) }
    }

    /// Waits until the decodes under way leave `bytes` for this one; the share goes back when it is dropped.
    ///
    /// # Errors
    /// A refusal when that takes longer than this picture may.
    pub fn reserve(&self, bytes: u64) -> Outcome<Reservation> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        while *held > 0 && *held + bytes > MAX_HELD_BYTES {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Other pictures had the memory all the time: nothing is known of this one.
                let what = "other pictures took all the memory for decoding";
                return Err(Refusal::passing(what, "try this one again later"));
            }
            held = RELEASED.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *held += bytes;
        Ok(Reservation { bytes })
    }
}

fn too_large((width, height): (u32, u32), limit: u64) -> Refusal {
    let megapixels = limit as f64 / 1e6;
    let what = format!(
        "this picture is {width} × {height} pixels, more than the {megapixels:.0} megapixels that Sightline decodes of its kind"
    );
    Refusal::new(what, "save a smaller copy")
}

// All decodes together, however many threads call: indexing has to stay below 1 GiB with everything else in it.
const MAX_HELD_BYTES: u64 = 640 << 20;

static HELD: Mutex<u64> = Mutex::new(0);
static RELEASED: Condvar = Condvar::new();

/// A share of the memory that all decodes have together.
#[derive(Debug)]
pub(super) struct Reservation {
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        RELEASED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(size: (u32, u32), bytes_per_pixel: u64, expected: Option<&str>) {
        let limits = Limits { max_pixels: 100, max_bytes: 600, ..Limits::default() };
        let refused = Budget::starting(&limits).check(size, bytes_per_pixel).err();
        match (&refused, expected) {
            (None, None) => {}
            (Some(refusal), Some(part)) => assert!(refusal.what.contains(part), "{refusal:?}"),
            _ => panic!("{refused:?} where {expected:?} was expected"),
        }
    }

    #[test]
    fn a_picture_within_both_limits_passes() {
        check((10, 10), 6, None);
    }

    #[test]
    fn more_pixels_than_allowed_are_refused() {
        check((10, 11), 1, Some("10 × 11 pixels"));
    }

    #[test]
    fn a_format_that_needs_more_memory_a_pixel_gets_fewer_pixels() {
        check((10, 10), 7, Some("megapixels"));
    }

    #[test]
    fn the_largest_header_does_not_overflow() {
        check((u32::MAX, u32::MAX), 8, Some("pixels"));
    }

    #[test]
    fn an_empty_picture_is_refused() {
        check((0, 5), 3, Some("empty"));
    }
}
