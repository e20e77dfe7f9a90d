//! Rows by a panel of weights, straight from where both lie. In: contiguous f32 numbers. Out: a block of the product. Must
//! never know a tensor or a model.
//!
//! A general product copies its factors into the order in which it reads them. The panel lies in that order already, and of
//! the rows one number at a time is spread over a register: with few rows the copying would take a third of the time.
//! With few rows, too, most of the time would be waiting for weights: those that come next are asked for beforehand.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::lines::Ahead;
use super::products::{Block, Held};

/// Rows whose sums are held at once: with two registers a row 12 of 16, with four 24 of 32; the rest is to compute with.
const TILE: usize = 6;
/// Inputs whose weights meet all rows before the next ones do: with 64 columns 64 KB, so that they and those that follow
/// lie in the second cache.
const DEPTH: usize = 256;

/// The product of `rows` `[n, inputs]` and `panel` `[inputs, columns]`, for a block of `[n, columns]`.
pub(super) struct PanelProduct<'a, 'b> {
    pub rows: &'a [f32],
    pub inputs: usize,
    pub panel: &'a [f32],
    /// What is most likely read after the panel.
    pub next: &'a [f32],
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

impl<'a> PanelProduct<'a, '_> {
    #[inline(always)]
    fn run<S: Simd, const SIDE: usize>(mut self, simd: S) {
        let columns = self.panel.len() / self.inputs;
        let groups = columns / (SIDE * S::F32_LANES);
        assert!(columns.is_multiple_of(SIDE * S::F32_LANES) && self.rows.len() >= self.block.rows() * self.inputs);
        for start in (0..self.inputs).step_by(DEPTH) {
            let inputs = start..self.inputs.min(start + DEPTH);
            let steps = groups * self.block.rows().div_ceil(TILE) * inputs.len();
            let mut ahead = Ahead::new(self.after(inputs.end), steps);
            for group in 0..groups {
                self.group::<S, SIDE>(simd, group, inputs.clone(), &mut ahead);
            }
            self.held = Held::AddedTo;
        }
    }

    /// The weights of as many inputs as are multiplied at a time, from `input` on, or the first ones of what comes next.
    fn after(&self, input: usize) -> &'a [f32] {
        let columns = self.panel.len() / self.inputs;
        let rest = if input < self.inputs { &self.panel[input * columns..] } else { self.next };
        &rest[..rest.len().min(DEPTH * columns)]
    }

    /// All rows, for some inputs and the `group`th columns of `SIDE` registers.
    #[inline(always)]
    fn group<S: Simd, const SIDE: usize>(
        &mut self,
        simd: S,
        group: usize,
        inputs: Range<usize>,
        ahead: &mut Ahead<'_>,
    ) {
        for first in (0..self.block.rows()).step_by(TILE) {
            let place = (first, group, inputs.clone());
            match self.block.rows() - first {
                1 => self.tile::<S, SIDE, 1>(simd, place, ahead),
                2 => self.tile::<S, SIDE, 2>(simd, place, ahead),
                3 => self.tile::<S, SIDE, 3>(simd, place, ahead),
                4 => self.tile::<S, SIDE, 4>(simd, place, ahead),
                5 => self.tile::<S, SIDE, 5>(simd, place, ahead),
                _ => self.tile::<S, SIDE, TILE>(simd, place, ahead),
            }
        }
    }

    /// `M` rows from `first` on.
    #[inline(always)]
    fn tile<S: Simd, const SIDE: usize, const M: usize>(
        &mut self,
        simd: S,
        (first, group, inputs): (usize, usize, Range<usize>),
        ahead: &mut Ahead<'_>,
    ) {
        let columns = self.panel.len() / self.inputs;
        let rows: [&[f32]; M] = std::array::from_fn(|row| &self.rows[(first + row) * self.inputs..][inputs.clone()]);
        let (weights, _) =
            S::as_simd_f32s(&self.panel[inputs.start * columns..inputs.end * columns]).0.as_chunks::<SIDE>();
        let groups = columns / (SIDE * S::F32_LANES);
        let mut sums = [[simd.splat_f32s(0.0); SIDE]; M];
        let mut asked = ahead.clone();
        for (at, weights) in weights[group..].chunks(groups).map(|weights| &weights[0]).enumerate() {
            asked.step();
            for (sums, row) in sums.iter_mut().zip(rows) {
                let factor = simd.splat_f32s(row[at]);
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = simd.mul_add_e_f32s(factor, *weight, *sum);
                }
            }
        }
        *ahead = asked;
        let (first_column, is_kept) = (group * SIDE * S::F32_LANES, self.held == Held::AddedTo);
        for (place, sums) in self.block.next_rows::<M>(first).into_iter().zip(sums) {
            for (place, sum) in S::as_mut_simd_f32s(&mut place[first_column..]).0.iter_mut().zip(sums) {
                *place = if is_kept { simd.add_f32s(*place, sum) } else { sum };
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
            let product = PanelProduct { rows: &rows, inputs, panel: &panel, next: &panel, block: &mut block, held };
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
        check(8, 2 * DEPTH + 5, 64, Held::Replaced);
        check(3, DEPTH + 1, 128, Held::AddedTo);
    }
}
