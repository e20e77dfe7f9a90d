//! Sums of products of bytes, with the widest instructions that the machine has. In: rows of codes and a panel of weights.
//! Out: whole numbers, the same on every machine. Must never know what the numbers stand for.
//!
//! A panel is read from front to back: for every [`QUAD`] inputs, the weights of all [`PANEL`] outputs, those of one output
//! beside each other.

#[cfg(target_arch = "aarch64")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod x86;

/// Outputs of a panel: four registers of 512 bits hold their sums.
pub(super) const PANEL: usize = 64;
/// Inputs whose products one instruction adds up.
pub(super) const QUAD: usize = 4;
/// Rows at most that are multiplied at once: their sums fill 24 of 32 registers.
pub(super) const TILE: usize = 6;

/// The codes of [`QUAD`] neighbouring inputs.
pub(super) type Codes = [u8; QUAD];
/// The weights of [`QUAD`] neighbouring inputs, output after output.
pub(super) type Step = [i8; PANEL * QUAD];
/// The sums of one row.
pub(super) type Sums = [i32; PANEL];

/// One way to compute the sums; it exists only where the machine can run it.
#[derive(Clone, Copy)]
pub(super) struct Kernel {
    #[cfg_attr(not(test), expect(dead_code, reason = "tells a failed comparison which kernel it was"))]
    pub name: &'static str,
    /// What is taken from every code before it is multiplied, so that the machine's instruction can.
    pub centre: i32,
    /// Safe to call on this machine: [`Kernel::available`] gives only what was detected.
    sums: unsafe fn(&[&[Codes]], &[Step], &mut [Sums]),
}

impl Kernel {
    /// The fastest one that this machine can run.
    pub fn fastest() -> Self {
        Self::available().next().unwrap_or(PLAIN)
    }

    /// What this machine can run, fastest first; the last one is plain code.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let own = x86::available();
        #[cfg(target_arch = "aarch64")]
        let own = arm::available();
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let own = std::iter::empty();
        own.chain([PLAIN])
    }

    /// Σ (code − centre) · weight over the inputs, for each of at most [`TILE`] rows and each output of the panel, into the
    /// first items of `sums`.
    pub fn sums(self, rows: &[&[Codes]], panel: &[Step], sums: &mut [Sums]) {
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
            // Bytes of a generator (Marsaglia 2003, xorshift64): proptest's own would take longer than the test.
            let mut state = seed | 1;
            let mut byte = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            };
            let rows: Vec<Vec<Codes>> =
                (0..rows).map(|_| (0..steps).map(|_| std::array::from_fn(|_| byte())).collect()).collect();
            // −128 is no weight: the largest weight of an output is 127, to either side.
            let panel: Vec<Step> = (0..steps).map(|_| std::array::from_fn(|_| (byte() as i8).max(-127))).collect();
            check(&rows, &panel);
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        for (code, weight) in [(255, 127), (255, -127), (0, 127), (0, -127)] {
            let steps = if cfg!(miri) { 3 } else { 1024 };
            check(&vec![vec![[code; QUAD]; steps]; TILE], &vec![[weight; PANEL * QUAD]; steps]);
        }
    }
}
