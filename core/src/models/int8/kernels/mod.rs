//! Sums of products of bytes, with the widest instructions that the machine has. In: rows of codes and a panel of weights.
//! Out: whole numbers, the same on every machine. Must never know what the numbers stand for.
//!
//! A panel is read from front to back: for every [`QUAD`] inputs, the weights of all [`PANEL`] outputs, those of one output
//! beside each other.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(target_arch = "aarch64")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Deref;

/// Outputs of a panel: four registers of 512 bits hold their sums.
pub(super) const PANEL: usize = 64;
/// Inputs whose products one instruction adds up.
pub(super) const QUAD: usize = 4;
/// Rows at most that a kernel multiplies at once: their sums fill 24 of 32 registers.
const TILE: usize = 6;

/// The codes of [`QUAD`] neighbouring inputs.
pub(super) type Codes = [u8; QUAD];
/// The weights of [`QUAD`] neighbouring inputs, output after output, from the beginning of a line of the cache on.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Step(pub [i8; PANEL * QUAD]);
/// The sums of one row.
pub(super) type Sums = [i32; PANEL];

impl Deref for Step {
    type Target = [i8; PANEL * QUAD];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Gives the sums of all rows, each as many codes as the panel has steps, to `then`: some rows at a time, with the number of
/// the first of them and with what was taken from every code. Computed in the fastest way that this machine has; what is
/// most likely read after the panel (`next`) may be asked for meanwhile.
pub(super) fn each_sums(rows: &[Codes], (panel, next): (&[Step], &[Step]), then: &mut dyn FnMut(usize, i32, &[Sums])) {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    if amx::fit(panel.len()) {
        return amx::each_sums(rows, (panel, next), &mut |first, sums| then(first, 0, sums));
    }
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    let _ = next;
    Kernel::fastest().each_sums(rows, panel, then);
}

/// One way to compute the sums; it exists only where the machine can run it.
#[derive(Clone, Copy)]
struct Kernel {
    #[cfg_attr(not(test), expect(dead_code, reason = "tells a failed comparison which kernel it was"))]
    name: &'static str,
    /// What is taken from every code before it is multiplied, so that the machine's instruction can.
    centre: i32,
    /// Safe to call on this machine: [`Kernel::available`] gives only what was detected.
    sums: unsafe fn(&[&[Codes]], &[Step], &mut [Sums]),
}

impl Kernel {
    /// The fastest one that this machine can run.
    fn fastest() -> Self {
        Self::available().next().unwrap_or(PLAIN)
    }

    /// What this machine can run, fastest first; the last one is plain code.
    fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let own = x86::available();
        #[cfg(target_arch = "aarch64")]
        let own = arm::available();
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let own = std::iter::empty();
        own.chain([PLAIN])
    }

    fn each_sums(self, rows: &[Codes], panel: &[Step], then: &mut dyn FnMut(usize, i32, &[Sums])) {
        let mut sums = [[0; PANEL]; TILE];
        for (tile, rows) in rows.chunks(TILE * panel.len()).enumerate() {
            let mut each: [&[Codes]; TILE] = [&[]; TILE];
            let rows = rows.chunks_exact(panel.len());
            let count = rows.len();
            each.iter_mut().zip(rows).for_each(|(place, row)| *place = row);
            self.sums(&each[..count], panel, &mut sums);
            then(tile * TILE, self.centre, &sums[..count]);
        }
    }

    /// Σ (code − centre) · weight over the inputs, for each of at most [`TILE`] rows and each output of the panel, into the
    /// first items of `sums`.
    fn sums(self, rows: &[&[Codes]], panel: &[Step], sums: &mut [Sums]) {
        assert!(rows.len() <= TILE && rows.len() <= sums.len(), "{} rows", rows.len());
        assert!(rows.iter().all(|row| row.len() == panel.len()), "rows of {} steps", panel.len());
        // SAFETY: kernels other than the plain one are made only after their features were detected.
        unsafe { (self.sums)(rows, panel, sums) }
    }
}

const PLAIN: Kernel = Kernel { name: "plain", centre: 0, sums: plain };

fn plain(rows: &[&[Codes]], panel: &[Step], sums: &mut [Sums]) {
    for (row, sums) in rows.iter().zip(sums) {
        *sums = [0; PANEL];
        for (codes, step) in row.iter().zip(panel) {
            for (sum, weights) in sums.iter_mut().zip(step.as_chunks::<QUAD>().0) {
                *sum += (0..QUAD).map(|at| i32::from(codes[at]) * i32::from(weights[at])).sum::<i32>();
            }
        }
    }
}

/// Calls `$tile::<M>(rows, panel, sums)` for as many rows as there are.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! by_row_count {
    ($tile:ident, $rows:expr, $panel:expr, $sums:expr) => {{
        let (rows, panel, sums) = ($rows, $panel, $sums);
        match rows.len() {
            6 => by_row_count!(@$tile 6, rows, panel, sums),
            5 => by_row_count!(@$tile 5, rows, panel, sums),
            4 => by_row_count!(@$tile 4, rows, panel, sums),
            3 => by_row_count!(@$tile 3, rows, panel, sums),
            2 => by_row_count!(@$tile 2, rows, panel, sums),
            1 => by_row_count!(@$tile 1, rows, panel, sums),
            _ => {}
        }
    }};
    (@$tile:ident $count:literal, $rows:expr, $panel:expr, $sums:expr) => {
        if let (Some(rows), Some(sums)) = ($rows.first_chunk::<$count>(), $sums.first_chunk_mut::<$count>()) {
            // Slices of one length: the compiler then checks no bound within the loops.
            $tile::<$count>(rows.map(|row| &row[..$panel.len()]), $panel, sums)
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use by_row_count;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Compares every kernel of this machine with sums in i64.
    #[track_caller]
    fn check(rows: &[Vec<Codes>], panel: &[Step]) {
        let rows: Vec<&[Codes]> = rows.iter().map(Vec::as_slice).collect();
        for kernel in Kernel::available() {
            let mut found = [[7; PANEL]; TILE];
            kernel.sums(&rows, panel, &mut found);
            for (row, sums) in rows.iter().zip(&found) {
                for (output, sum) in sums.iter().enumerate() {
                    let weights = panel.iter().flat_map(|step| &step[output * QUAD..][..QUAD]);
                    let products = row.as_flattened().iter().zip(weights);
                    let exact = products
                        .map(|(code, weight)| (i64::from(*code) - i64::from(kernel.centre)) * i64::from(*weight));
                    assert_eq!(i64::from(*sum), exact.sum::<i64>(), "{}, output {output}", kernel.name);
                }
            }
            assert!(found[rows.len()..].iter().all(|sums| *sums == [7; PANEL]), "{} wrote too far", kernel.name);
        }
    }

    /// Under Miri, which runs the plain code, a few are enough.
    const CASES: u32 = if cfg!(miri) { 4 } else { 64 };

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]
        #[test]
        fn every_kernel_gives_the_exact_sums(steps in 0_usize..300, rows in 0..=TILE, seed in any::<u64>()) {
            let steps = if cfg!(miri) { steps % 4 } else { steps };
            let (codes, panel) = bytes(rows, steps, seed);
            let rows: Vec<Vec<Codes>> = (0..rows).map(|row| codes[row * steps..][..steps].to_vec()).collect();
            check(&rows, &panel);
        }
    }

    /// Rows and weights of bytes of a generator (Marsaglia 2003, xorshift64): proptest's own would take longer than the test.
    fn bytes(rows: usize, steps: usize, seed: u64) -> (Vec<Codes>, Vec<Step>) {
        let mut state = seed | 1;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        let codes = (0..rows * steps).map(|_| std::array::from_fn(|_| byte())).collect();
        // −128 is no weight: the largest weight of an output is 127, to either side.
        let panel = (0..steps).map(|_| Step(std::array::from_fn(|_| (byte() as i8).max(-127)))).collect();
        (codes, panel)
    }

    #[test]
    fn every_row_has_its_sums_however_many_there_are() {
        let most = if cfg!(miri) { 8 } else { 50 };
        for (rows, steps) in (1..most).flat_map(|rows| [1, 7, 16, 112].map(|steps| (rows, steps))) {
            let (codes, panel) = bytes(rows, steps, rows as u64);
            let mut found = vec![None; rows];
            each_sums(&codes, (&panel, &panel), &mut |first, centre, sums| {
                for (at, sums) in sums.iter().enumerate() {
                    assert_eq!(found[first + at].replace((centre, *sums)), None, "row {} twice", first + at);
                }
            });
            let totals = (0..PANEL).map(|output| {
                panel.iter().flat_map(|step| &step[output * QUAD..][..QUAD]).map(|w| i32::from(*w)).sum::<i32>()
            });
            let totals: Vec<i32> = totals.collect();
            for (codes, found) in codes.chunks(steps).zip(found) {
                let mut exact = [[0; PANEL]];
                PLAIN.sums(&[codes], &panel, &mut exact);
                let (centre, sums) = found.unwrap();
                let whole: Vec<i32> = sums.iter().zip(&totals).map(|(sum, total)| sum + centre * total).collect();
                assert_eq!(whole, exact[0], "{rows} rows of {steps} steps");
            }
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        for (code, weight) in [(255, 127), (255, -127), (0, 127), (0, -127)] {
            let steps = if cfg!(miri) { 3 } else { 1024 };
            check(&vec![vec![[code; QUAD]; steps]; TILE], &vec![Step([weight; PANEL * QUAD]); steps]);
        }
    }
}
