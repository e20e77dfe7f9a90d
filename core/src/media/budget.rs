//! What one picture may cost. In: the caller's limits. Out: a budget that decoders ask before they allocate, and the
//! refusals they give. Knows no format.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    fn too_slow(timeout: Duration) -> Self {
        let what = format!("this picture was not decoded within {} seconds", timeout.as_secs_f32().ceil());
        Self::new(what, "save it again smaller or in another format")
    }

    /// Other pictures hold the memory.
    fn crowded() -> Self {
        Self::passing("other pictures took the memory to decode this one for too long", "try this one again later")
    }
}

/// A decoder's own words, short and without line breaks.
fn one_line(text: &str) -> String {
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    let text = text.trim_end_matches(['.', '\n']);
    text.chars().take(160).collect()
}

/// What is left for one picture. Clones are the same budget.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    /// Most pixels of the decoded picture.
    pub max_pixels: u64,
    /// Most bytes that decoding may hold, the picture itself included.
    pub max_bytes: u64,
    /// So many pixels of the shorter side are enough.
    pub enough: Option<u32>,
    /// When the decoder gives up.
    pub deadline: Instant,
    /// What the deadline was made from, for the message.
    pub timeout: Duration,
    account: Arc<Mutex<Account>>,
}

/// What one picture holds of the memory that all decodes have together.
#[derive(Debug, Default)]
struct Account {
    bytes: u64,
    /// How long it waited for them.
    waited: Duration,
    is_closed: bool,
}

impl Budget {
    /// A budget that starts now.
    pub fn starting(limits: &Limits) -> Self {
        let Limits { max_pixels, max_bytes, timeout, enough, .. } = *limits;
        Self { max_pixels, max_bytes, enough, deadline: Instant::now() + timeout, timeout, account: Arc::default() }
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
        if Instant::now() < self.deadline { Ok(()) } else { Err(self.too_slow()) }
    }

    /// Why there is no time left: the picture itself, unless most of the time went to waiting for others.
    pub fn too_slow(&self) -> Refusal {
        let waited = locked(&self.account).waited;
        if waited * 2 > self.timeout { Refusal::crowded() } else { Refusal::too_slow(self.timeout) }
    }

    /// Waits until the decodes under way leave `bytes` for this one; the share goes back when it is dropped, or when the
    /// picture is [given up](Budget::give_up).
    ///
    /// # Errors
    /// A passing refusal when that takes longer than this picture may, or when it was given up meanwhile.
    pub fn reserve(&self, bytes: u64) -> Outcome<Reservation> {
        let start = Instant::now();
        let mut held = locked(&HELD);
        while *held > 0 && held.saturating_add(bytes) > MAX_HELD_BYTES {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Refusal::crowded());
            }
            held = RELEASED.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut account = locked(&self.account);
        if account.is_closed {
            return Err(Refusal::crowded());
        }
        account.waited += start.elapsed();
        account.bytes += bytes;
        *held += bytes;
        Ok(Reservation { bytes, account: Arc::clone(&self.account) })
    }

    /// Gives back what this picture holds, whatever its decoder does from now on, and refuses it further memory: a
    /// decoder that hangs must not keep all others waiting. It may still hold the memory itself, which is then counted
    /// nowhere; `isolate` bounds how many such decoders there are.
    pub fn give_up(&self) {
        let mut held = locked(&HELD);
        let mut account = locked(&self.account);
        account.is_closed = true;
        *held -= std::mem::take(&mut account.bytes);
        RELEASED.notify_all();
    }

    /// Bytes that this picture holds.
    #[cfg(test)]
    pub fn held(&self) -> u64 {
        locked(&self.account).bytes
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

// Locked before any account.
static HELD: Mutex<u64> = Mutex::new(0);
static RELEASED: Condvar = Condvar::new();

/// Numbers stay whole when a thread panics, so a poisoned lock is as good as any.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A share of the memory that all decodes have together.
#[derive(Debug)]
pub(super) struct Reservation {
    bytes: u64,
    account: Arc<Mutex<Account>>,
}

impl Drop for Reservation {
    /// The share of a picture that was given up has gone back already.
    fn drop(&mut self) {
        let mut held = locked(&HELD);
        let mut account = locked(&self.account);
        if !account.is_closed {
            account.bytes -= self.bytes;
            *held -= self.bytes;
            RELEASED.notify_all();
        }
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

    fn lasting(timeout: Duration) -> Budget {
        Budget::starting(&Limits { timeout, ..Limits::default() })
    }

    #[test]
    fn waiting_for_memory_in_vain_is_not_the_fault_of_the_picture() {
        let _all = lasting(Duration::from_secs(60)).reserve(MAX_HELD_BYTES).unwrap();
        let refusal = lasting(Duration::from_millis(1)).reserve(1).unwrap_err();
        assert!(refusal.is_passing, "{refusal:?}");
    }

    #[test]
    fn time_that_went_to_waiting_is_not_the_fault_of_the_picture() {
        let slow = lasting(Duration::ZERO);
        assert!(!slow.check_time().unwrap_err().is_passing);
        locked(&slow.account).waited = Duration::from_secs(1);
        assert!(slow.check_time().unwrap_err().is_passing);
    }

    #[test]
    fn a_picture_that_is_given_up_gives_its_memory_back_once() {
        let hanging = lasting(Duration::from_secs(60));
        let share = hanging.reserve(MAX_HELD_BYTES).unwrap();
        hanging.give_up();
        let _all = lasting(Duration::from_secs(20)).reserve(MAX_HELD_BYTES).unwrap();
        drop(share);
        assert!(lasting(Duration::from_millis(1)).reserve(1).is_err());
        assert!(hanging.reserve(0).is_err());
    }
}
