//! Numbers that begin where a line of the cache does, and lines that are asked for before they are read. In: lengths and
//! numbers. Out: the same. Must never know what the numbers stand for.
//!
//! A register of 512 bits is a line: read from between two of them it costs both, which made products a seventh slower.

use std::ops::{Deref, DerefMut};
use std::slice::ChunksExact;

use bytemuck::{Pod, Zeroable};

/// Numbers of a line.
const LINE: usize = 16;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Numbers from the beginning of a line on.
pub(super) struct Lines {
    lines: Vec<Line>,
    count: usize,
}

impl Lines {
    /// So many zeros.
    pub fn zeros(count: usize) -> Self {
        Self { lines: bytemuck::zeroed_vec(count.div_ceil(LINE)), count }
    }
}

impl Deref for Lines {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.count]
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.count]
    }
}

/// Numbers that are read after what is read now: asked for line by line, evenly over the steps until then. All at once they
/// would keep what is read now waiting.
#[derive(Clone)]
pub(super) struct Ahead<'a> {
    lines: ChunksExact<'a, f32>,
    /// Lines by step: `share` of `steps`.
    share: usize,
    steps: usize,
    due: usize,
}

impl<'a> Ahead<'a> {
    /// All of `numbers` within so many steps.
    pub fn new(numbers: &'a [f32], steps: usize) -> Self {
        let lines = numbers.chunks_exact(LINE);
        Self { share: lines.len(), lines, steps: steps.max(1), due: 0 }
    }

    /// Asks for what is due at one more step.
    #[inline(always)]
    pub fn step(&mut self) {
        self.due += self.share;
        while self.due >= self.steps {
            self.due -= self.steps;
            if let Some(line) = self.lines.next() {
                ask_for(line);
            }
        }
    }
}

/// Brings the line where these numbers begin into the second cache, meanwhile. Other machines than x86 are left to guess.
#[inline(always)]
fn ask_for(line: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint reads nothing, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_at_a_line() {
        for count in [0, 1, 16, 100] {
            let mut lines = Lines::zeros(count);
            assert_eq!(lines.len(), count);
            assert!(lines.as_ptr().addr().is_multiple_of(64));
            lines.fill(1.0);
            assert_eq!(*lines, vec![1.0; count]);
        }
    }

    #[test]
    fn lines_are_asked_for_evenly() {
        for (lines, steps) in [(10, 5), (5, 10), (7, 3), (3, 7), (4, 1), (0, 9)] {
            let numbers = vec![0.0; lines * LINE + 3];
            let mut ahead = Ahead::new(&numbers, steps);
            for step in 1..=steps {
                ahead.step();
                assert_eq!(ahead.lines.len(), lines - lines * step / steps);
            }
        }
    }
}
