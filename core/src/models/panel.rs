//! Rows by a panel of weights, straight from where both lie. In: contiguous f32 numbers. Out: a block of the product. Must
//! never know a tensor or a model.
//!
//! A general product copies its factors into the order in which it reads them. The panel lies in that order already, and of
//! the rows one number at a time is spread over a register: with few rows the copying would take a third of the time.

use pulp::{Simd, WithSimd};

use super::products::{Block, Held};

/// Rows whose sums are held at once: with two registers a row 12 of 16, with four 24 of 32; the rest is to compute with.
const TILE: usize = 6;

/// The product of `rows` `[n, inputs]` and `panel` `[inputs, columns]`, for a block of `[n, columns]`.
pub(super) struct PanelProduct<'a, 'b> {
    pub rows: &'a [f32],
    pub inputs: usize,
    pub panel: &'a [f32],
    pub block: &'a mut Block<'b>,
    pub held: Held,
}

/// Whether a panel of this many columns can be read so, whatever the machine's registers.
pub(super) fn is_whole(columns: usize) -> bool {
    columns.is_multiple_of(64)
}

impl WithSimd for PanelProduct<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // What has registers of 16 numbers has 32 of them.
        if S::F32_LANES >= 16 { self.run::<S, 4>(simd) } else { self.run::<S, 2>(simd) }
    }
}

impl PanelProduct<'_, '_> {
    #[inline(always)]
    fn run<S: Simd, const SIDE: usize>(mut self, simd: S) {
        let columns = self.panel.len() / self.inputs;
        let count = self.block.rows();
        assert!(columns.is_multiple_of(SIDE * S::F32_LANES) && self.rows.len() >= count * self.inputs);
        for group in 0..columns / (SIDE * S::F32_LANES) {
            for first in (0..count).step_by(TILE) {
                match count - first {
                    1 => self.tile::<S, SIDE, 1>(simd, first, group),
                    2 => self.tile::<S, SIDE, 2>(simd, first, group),
                    3 => self.tile::<S, SIDE, 3>(simd, first, group),
                    4 => self.tile::<S, SIDE, 4>(simd, first, group),
                    5 => self.tile::<S, SIDE, 5>(simd, first, group),
                    _ => self.tile::<S, SIDE, TILE>(simd, first, group),
                }
            }
        }
    }

    /// `M` rows from `first` on, and the `group`th columns of `SIDE` registers.
    #[inline(always)]
    fn tile<S: Simd, const SIDE: usize, const M: usize>(&mut self, simd: S, first: usize, group: usize) {
        let inputs = self.inputs;
        let rows: [&[f32]; M] = std::array::from_fn(|row| &self.rows[(first + row) * inputs..][..inputs]);
        let weights = S::as_simd_f32s(self.panel).0;
        let mut sums = [[simd.splat_f32s(0.0); SIDE]; M];
        for (at, weights) in weights.chunks_exact(weights.len() / inputs).enumerate().take(inputs) {
            let Some(weights) = weights[group * SIDE..].first_chunk::<SIDE>() else { return };
            for (sums, row) in sums.iter_mut().zip(rows) {
                let factor = simd.splat_f32s(row[at]);
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = simd.mul_add_e_f32s(factor, *weight, *sum);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            let place = &mut self.block.row(first + row)[group * SIDE * S::F32_LANES..];
            for (place, sum) in S::as_mut_simd_f32s(place).0.iter_mut().zip(sums) {
                *place = match self.held {
                    Held::Replaced => *sum,
                    Held::AddedTo => simd.add_f32s(*place, *sum),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::products::Blocks;
    use super::*;

    /// The product of `n` rows of `inputs` whole numbers, exactly, into the middle of a wider matrix.
    #[track_caller]
    fn check(n: usize, inputs: usize, columns: usize, held: Held) {
        let number = |at: usize| (at * 7 % 11) as f32 - 5.0;
        let rows: Vec<f32> = (0..n * inputs).map(number).collect();
        let panel: Vec<f32> = (0..inputs * columns).map(|at| number(3 * at + 1)).collect();
        let (mut found, step) = (vec![2.0; (n + 2) * (columns + 3)], columns + 3);
        let mut expected = found.clone();
        for row in 0..n {
            for column in 0..columns {
                let place = &mut expected[(row + 1) * step + column + 1];
                let before = if held == Held::AddedTo { *place } else { 0.0 };
                *place =
                    before + (0..inputs).map(|at| rows[row * inputs + at] * panel[at * columns + column]).sum::<f32>();
            }
        }
        let untouched = found.clone();
        for is_plain in [false, true] {
            found.copy_from_slice(&untouched);
            let blocks = Blocks::new(&mut found, step);
            // SAFETY: it is the only block.
            let mut block = unsafe { blocks.block(1..n + 1, 1..columns + 1) };
            let product = PanelProduct { rows: &rows, inputs, panel: &panel, block: &mut block, held };
            // With the machine's widest registers, and with numbers one by one, two of them side by side.
            if is_plain {
                pulp::Scalar::new().vectorize(product)
            } else {
                pulp::Arch::new().dispatch(product)
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn it_is_the_product_of_any_rows() {
        for n in 1..=13 {
            check(n, 5, 64, Held::Replaced);
        }
        check(7, 33, 128, Held::AddedTo);
        check(50, 3, 64, Held::AddedTo);
    }
}
