//! Products of numbers of 32 bits that are computed as pairs of 16: a number is the sum of two in bf16, the nearest one and
//! what it leaves. In: rows of f32 and a weight. Out: f32. Must never know a tensor or a model.
//!
//! Of the four products of two pairs the smallest is left out: what is lost, at most 2⁻¹⁶ of each product and mostly far
//! less, is little beside what passes through a tower gathers anyway (Henry, Tang & Heinecke 2019, section 3). It is worth
//! it where the machine multiplies matrices in bf16 (AMX) sixteen times as fast as numbers of 32 bits: three products are
//! then five times as fast.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

use super::ops::{Loop, widest};
use super::products::{Block, Held};
use super::tiles::{SIDE, height};

mod kernel;

use kernel::{INPUTS, RowStep, Sums, WeightStep, each_sums};
pub(super) use kernel::{PANEL, is_fast};

/// 16 rows of 64 bytes, as a tile register takes them.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Tile([[u16; 32]; SIDE]);

/// A weight in pairs: panel after panel, each as many steps as [`INPUTS`] goes into the inputs, rounded up; what is left over
/// is zero. It takes as much room as in 32 bits.
pub(super) struct PairedWeight {
    steps: Vec<WeightStep>,
    inputs: usize,
}

impl PairedWeight {
    /// Of the weights of each output, `inputs` each.
    pub fn new(rows: &[&[f32]], inputs: usize) -> Self {
        let mut weight = Self::zeros(rows.len(), inputs);
        let panels = weight.steps.par_chunks_mut(inputs.div_ceil(INPUTS));
        panels.zip(rows.par_chunks(PANEL)).for_each(|(steps, rows)| widest(LayingOut { rows, steps }));
        weight
    }

    /// The same, on this thread.
    pub fn of_outputs(rows: &[&[f32]], inputs: usize) -> Self {
        let mut weight = Self::zeros(rows.len(), inputs);
        let panels = weight.steps.chunks_mut(inputs.div_ceil(INPUTS));
        panels.zip(rows.chunks(PANEL)).for_each(|(steps, rows)| widest(LayingOut { rows, steps }));
        weight
    }

    /// Of the weights of each input, those of all `outputs`, on this thread.
    pub fn of_inputs(rows: &[&[f32]], outputs: usize) -> Self {
        let mut weight = Self::zeros(outputs, rows.len());
        for (panel, steps) in weight.steps.chunks_mut(rows.len().div_ceil(INPUTS)).enumerate() {
            let first = panel * PANEL;
            widest(LayingAcross { rows, columns: first..outputs.min(first + PANEL), steps });
        }
        weight
    }

    fn zeros(outputs: usize, inputs: usize) -> Self {
        Self { steps: bytemuck::zeroed_vec(outputs.div_ceil(PANEL) * inputs.div_ceil(INPUTS)), inputs }
    }

    /// How many panels there are.
    pub fn panels(&self) -> usize {
        self.steps.len() / self.inputs.div_ceil(INPUTS)
    }

    /// The weights of one output, to 2⁻¹⁷ of each.
    pub fn of_output(&self, output: usize) -> impl Iterator<Item = f32> + Clone {
        let per_panel = self.inputs.div_ceil(INPUTS);
        let (tile, column) = (output % PANEL / SIDE, output % SIDE * 2);
        let steps = &self.steps[output / PANEL * per_panel..][..per_panel];
        let pairs = steps.iter().flat_map(move |WeightStep { high, low }| high[tile].0.iter().zip(&low[tile].0));
        pairs
            .flat_map(move |(high, low)| [0, 1].map(|at| joined(high[column + at], low[column + at])))
            .take(self.inputs)
    }

    /// The product of some rows with the panel at `panel`, into `block`, whose columns are those of that panel.
    pub fn product(&self, block: &mut Block<'_>, rows: PairedRows<'_>, panel: usize, held: Held) {
        let per_panel = self.inputs.div_ceil(INPUTS);
        let (weights, next) = self.steps[panel * per_panel..].split_at(per_panel);
        let tiles = block.rows().div_ceil(rows.height);
        let rows = PairedRows { steps: &rows.steps[..tiles * per_panel], ..rows };
        each_sums(rows, (weights, next), &mut |first, sums| {
            let count = sums.len().min(block.rows() - first);
            widest(Placing { sums: &sums[..count], block, first, held });
        });
    }
}

/// Weights of at most [`PANEL`] outputs become the steps of a panel.
struct LayingOut<'a> {
    rows: &'a [&'a [f32]],
    steps: &'a mut [WeightStep],
}

impl Loop for LayingOut<'_> {
    #[inline(always)]
    fn run(self) {
        for (output, row) in self.rows.iter().enumerate() {
            for (step, numbers) in self.steps.iter_mut().zip(row.chunks(INPUTS)) {
                let (mut high, mut low) = ([0; INPUTS], [0; INPUTS]);
                split(numbers, &mut high, &mut low);
                lay_out(&high, &mut step.high[output / SIDE], output % SIDE);
                lay_out(&low, &mut step.low[output / SIDE], output % SIDE);
            }
        }
    }
}

/// The weights of one output, into its column of a tile.
#[inline(always)]
fn lay_out(weights: &[u16; INPUTS], tile: &mut Tile, column: usize) {
    for (row, two) in tile.0.iter_mut().zip(weights.as_chunks::<2>().0) {
        row[2 * column..][..2].copy_from_slice(two);
    }
}

/// Weights of some outputs, given input by input, become the steps of a panel.
struct LayingAcross<'a> {
    rows: &'a [&'a [f32]],
    columns: Range<usize>,
    steps: &'a mut [WeightStep],
}

impl Loop for LayingAcross<'_> {
    #[inline(always)]
    fn run(self) {
        let none = [0.0; PANEL];
        for (at, rows) in self.rows.chunks(2).enumerate() {
            let (step, line) = (&mut self.steps[at / (INPUTS / 2)], at % (INPUTS / 2));
            let [first, second] =
                [0, 1].map(|at| rows.get(at).map_or(&none[..self.columns.len()], |row| &row[self.columns.clone()]));
            for (tile, (first, second)) in first.chunks(SIDE).zip(second.chunks(SIDE)).enumerate() {
                let places = step.high[tile].0[line].as_chunks_mut::<2>().0;
                let rests = step.low[tile].0[line].as_chunks_mut::<2>().0;
                for (((first, second), place), rest) in first.iter().zip(second).zip(places).zip(rests) {
                    let (first, second) = (halves(*first), halves(*second));
                    (*place, *rest) = ([first.0, second.0], [first.1, second.1]);
                }
            }
        }
    }
}

/// Sums, into the rows of a block from `first` on.
struct Placing<'a, 'b> {
    sums: &'a [Sums],
    block: &'a mut Block<'b>,
    first: usize,
    held: Held,
}

impl Loop for Placing<'_, '_> {
    #[inline(always)]
    fn run(self) {
        for (at, sums) in self.sums.iter().enumerate() {
            let row = self.block.row(self.first + at);
            match (self.held, row.as_mut_array::<PANEL>()) {
                (Held::Replaced, Some(row)) => *row = *sums,
                (Held::AddedTo, Some(row)) => row.iter_mut().zip(sums).for_each(|(number, sum)| *number += sum),
                (Held::Replaced, None) => row.copy_from_slice(&sums[..row.len()]),
                (Held::AddedTo, None) => row.iter_mut().zip(sums).for_each(|(number, sum)| *number += sum),
            }
        }
    }
}

/// Rows of features in pairs.
pub(super) struct Paired {
    /// Tile after tile, each so many steps as a row has.
    steps: Vec<RowStep>,
    per_row: usize,
    height: usize,
}

impl Paired {
    /// Of the rows of `x`, each `inputs` long.
    pub fn new(x: &[f32], inputs: usize) -> Self {
        let mut paired = Self::zeros(x.len() / inputs, inputs);
        let Self { steps, per_row, height } = &mut paired;
        x.par_chunks(*height * inputs).zip(steps.par_chunks_mut(*per_row)).for_each(|(x, steps)| {
            widest(Pairing { x, step: inputs, inputs, steps });
        });
        paired
    }

    /// Of `rows` rows of `inputs` numbers that begin every `step` numbers of `x`, on this thread.
    pub fn of_some(x: &[f32], step: usize, [rows, inputs]: [usize; 2]) -> Self {
        let mut paired = Self::zeros(rows, inputs);
        let Self { steps, per_row, height } = &mut paired;
        let x = &x[..(rows - 1) * step + inputs];
        for (x, steps) in x.chunks(*height * step).zip(steps.chunks_exact_mut(*per_row)) {
            widest(Pairing { x, step, inputs, steps });
        }
        paired
    }

    fn zeros(rows: usize, inputs: usize) -> Self {
        let (height, per_row) = (height(rows), inputs.div_ceil(INPUTS));
        Self { steps: bytemuck::zeroed_vec(rows.div_ceil(height) * per_row), per_row, height }
    }

    /// Rows of a tile: blocks must begin at a multiple of them.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The rows from `first` on, which begins a tile.
    pub fn from(&self, first: usize) -> PairedRows<'_> {
        assert!(first.is_multiple_of(self.height), "row {first} within a tile of {}", self.height);
        PairedRows { steps: &self.steps[first / self.height * self.per_row..], height: self.height }
    }
}

/// Some of the rows of [`Paired`].
#[derive(Clone, Copy)]
pub(super) struct PairedRows<'a> {
    steps: &'a [RowStep],
    height: usize,
}

/// Rows, which begin every `step` numbers, become the steps of a tile.
struct Pairing<'a> {
    x: &'a [f32],
    step: usize,
    inputs: usize,
    steps: &'a mut [RowStep],
}

impl Loop for Pairing<'_> {
    #[inline(always)]
    fn run(self) {
        for (at, row) in self.x.chunks(self.step).enumerate() {
            for (step, numbers) in self.steps.iter_mut().zip(row[..self.inputs].chunks(INPUTS)) {
                split(numbers, &mut step.high.0[at], &mut step.low.0[at]);
            }
        }
    }
}

/// Each number as the sum of two; places that are left over stay as they are.
#[inline(always)]
fn split(numbers: &[f32], high: &mut [u16; INPUTS], low: &mut [u16; INPUTS]) {
    // Of a step that is full, the compiler knows the length.
    if let Some(numbers) = numbers.first_chunk::<INPUTS>() {
        for at in 0..INPUTS {
            (high[at], low[at]) = halves(numbers[at]);
        }
        return;
    }
    for ((number, high), low) in numbers.iter().zip(high).zip(low) {
        (*high, *low) = halves(*number);
    }
}

/// The nearest bf16, and that of what it leaves.
#[inline(always)]
fn halves(number: f32) -> (u16, u16) {
    let high = nearest(number);
    (high, nearest(number - f32::from_bits(u32::from(high) << 16)))
}

/// The nearest bf16, of two the even one; what is no number stays none.
#[inline(always)]
fn nearest(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = (bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16) as u16;
    if x.is_nan() { 0x7FC0 } else { rounded }
}

fn joined(high: u16, low: u16) -> f32 {
    f32::from_bits(u32::from(high) << 16) + f32::from_bits(u32::from(low) << 16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::products::Blocks;

    /// The product of `x` and `weight` `[outputs, inputs]` by pairs, added to ones.
    fn product(x: &[f32], weight: &[f32], inputs: usize) -> Vec<f32> {
        let rows: Vec<&[f32]> = weight.chunks(inputs).collect();
        let (paired, weight) = (Paired::new(x, inputs), PairedWeight::new(&rows, inputs));
        let (count, outputs) = (x.len() / inputs, rows.len());
        let mut y = vec![1.0; count * outputs];
        for panel in 0..outputs.div_ceil(PANEL) {
            let columns = panel * PANEL..outputs.min((panel + 1) * PANEL);
            let blocks = Blocks::new(&mut y, outputs);
            for first in (0..count).step_by(2 * paired.height()) {
                let rows = first..count.min(first + 2 * paired.height());
                // SAFETY: it is the only block.
                let mut block = unsafe { blocks.block(rows, columns.clone()) };
                weight.product(&mut block, paired.from(first), panel, Held::AddedTo);
            }
        }
        y
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn two_halves_are_the_number(x in prop::num::f32::NORMAL) {
            prop_assume!(x.abs() > 1e-30 && x.abs() < 3e38);
            let (mut high, mut low) = ([0; INPUTS], [0; INPUTS]);
            split(&[x], &mut high, &mut low);
            prop_assert!((joined(high[0], low[0]) - x).abs() <= x.abs() * 2_f32.powi(-17));
        }

        #[test]
        fn a_product_is_near_to_that_of_reals(
            rows in 1_usize..70, inputs in 1_usize..300, outputs in 1_usize..140, seed in 0_u32..1000,
        ) {
            let number = |at: usize| (((at as f32 + seed as f32) * 0.731).sin() * 8191.0).sin();
            let x: Vec<f32> = (0..rows * inputs).map(|at| number(at) + 0.5).collect();
            let weight: Vec<f32> = (0..outputs * inputs).map(|at| number(3 * at)).collect();
            for (at, found) in product(&x, &weight, inputs).iter().enumerate() {
                let (row, column) = (&x[at / outputs * inputs..][..inputs], &weight[at % outputs * inputs..][..inputs]);
                let products = row.iter().zip(column).map(|(x, w)| f64::from(*x) * f64::from(*w));
                let (exact, size) = products.fold((1.0, 1.0), |(sum, size), at| (sum + at, size + at.abs()));
                let off = (f64::from(*found) - exact).abs();
                prop_assert!(off <= size * 2_f64.powi(-16), "{found} for {exact}, at {at}");
            }
        }
    }

    #[test]
    fn whole_numbers_are_exact() {
        let number = |at: usize| (at * 7919 % 2001) as f32 - 1000.0;
        let (x, weight): (Vec<f32>, Vec<f32>) =
            ((0..20 * 40).map(number).collect(), (0..70 * 40).map(|at| number(at) / 8.0).collect());
        for (at, found) in product(&x, &weight, 40).iter().enumerate() {
            let products = x[at / 70 * 40..].iter().zip(&weight[at % 70 * 40..]).take(40);
            // Products of low halves are below what is asked for here.
            let exact = 1.0 + products.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>();
            assert!((f64::from(*found) - exact).abs() < 200.0, "{found} for {exact}");
        }
    }

    #[test]
    fn weights_are_kept() {
        let weight: Vec<f32> = (0..130 * 45).map(|at| (at as f32 * 0.37).sin()).collect();
        let rows: Vec<&[f32]> = weight.chunks(45).collect();
        let paired = PairedWeight::new(&rows, 45);
        for (output, row) in rows.iter().enumerate() {
            let found: Vec<f32> = paired.of_output(output).collect();
            assert_eq!(found.len(), row.len());
            assert!(found.iter().zip(*row).all(|(found, w)| (found - w).abs() <= w.abs() * 2_f32.powi(-17)));
        }
    }

    #[test]
    fn what_is_no_number_shows() {
        for broken in [f32::NAN, f32::INFINITY, f32::from_bits(0x7FFF_FFFF), f32::from_bits(0xFF80_0001)] {
            assert!(product(&[1.0, broken], &[1.0, 1.0], 2)[0].is_nan());
            assert!(product(&[1.0, 1.0], &[1.0, broken], 2)[0].is_nan());
        }
    }
}
