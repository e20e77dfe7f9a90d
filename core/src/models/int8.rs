//! Products of whole numbers that stand for real ones: weights of 8 bits by output, features of 8 bits by row. In: rows of
//! f32 and a weight in panels. Out: f32. Must never know a tensor or a model.
//!
//! A weight w stands for w · its output's scale, w from −127 to 127. A feature's code c stands for (c − its row's zero) ·
//! its row's scale, c from 0 to 255: activations lie mostly on one side of nothing, so that a scale of their own range is
//! nearly twice as fine as one that is the same to both sides (Jacob et al. 2018, equation 1).

use rayon::prelude::*;

use super::ops::{Loop, in_lanes, widest};
use super::products::{Block, Held};

mod kernels;

use kernels::{Codes, PANEL, QUAD, Step, Sums, each_sums};

/// So many of the largest products, less as many times the largest zero, are a sum that fits 32 bits.
pub(super) const MOST_INPUTS: usize = 1 << 15;

/// A weight as the kernels read it.
pub(super) struct Panels {
    /// Panel after panel, each as many steps as [`QUAD`] goes into the inputs, rounded up; what is left over is zero.
    steps: Vec<Step>,
    /// What a weight of 1 stands for, by output.
    scales: Vec<f32>,
    /// Σ weights, by output.
    totals: Vec<i32>,
    inputs: usize,
}

impl Panels {
    /// Of a weight `[outputs, inputs]`, given as its columns: `column(output)` gives the weights of one output.
    pub fn new<C>(outputs: usize, inputs: usize, column: impl Fn(usize) -> C + Sync) -> Self
    where
        C: Iterator<Item = f32> + Clone,
    {
        assert!(inputs <= MOST_INPUTS, "{inputs} inputs");
        let per_panel = inputs.div_ceil(QUAD);
        let width = outputs.next_multiple_of(PANEL);
        let mut panels = Self {
            steps: vec![Step([0; PANEL * QUAD]); per_panel * width / PANEL],
            scales: vec![0.0; width],
            totals: vec![0; width],
            inputs,
        };
        let places = panels.scales.par_chunks_mut(PANEL).zip(panels.totals.par_chunks_mut(PANEL));
        panels.steps.par_chunks_mut(per_panel).zip(places).enumerate().for_each(
            |(panel, (steps, (scales, totals)))| {
                for at in 0..PANEL.min(outputs - panel * PANEL) {
                    (scales[at], totals[at]) = quantise(column(panel * PANEL + at), steps, at);
                }
            },
        );
        panels
    }

    /// The product of some rows with the panel at `panel`, into `block`, whose columns are those of that panel.
    pub fn product(&self, block: &mut Block<'_>, rows: CodedRows<'_>, panel: usize, held: Held) {
        let per_panel = self.inputs.div_ceil(QUAD);
        let (steps, next) = self.steps[panel * per_panel..].split_at(per_panel);
        let outputs = panel * PANEL..(panel + 1) * PANEL;
        let (scales, totals) = (&self.scales[outputs.clone()], &self.totals[outputs]);
        let codes = &rows.codes[..block.rows() * per_panel];
        each_sums(codes, (steps, next), &mut |first, centre, sums| {
            let forms = &rows.forms[first..][..sums.len()];
            widest(Decoding { sums, forms, centre, scales, totals, block, first, held });
        });
    }
}

/// Sums of codes become numbers, into the rows of a block from `first` on.
struct Decoding<'a, 'b> {
    sums: &'a [Sums],
    forms: &'a [(f32, i32)],
    centre: i32,
    scales: &'a [f32],
    totals: &'a [i32],
    block: &'a mut Block<'b>,
    first: usize,
    held: Held,
}

impl Loop for Decoding<'_, '_> {
    #[inline(always)]
    fn run(self) {
        for (at, (sums, (scale, zero))) in self.sums.iter().zip(self.forms).enumerate() {
            let (row, zero) = (self.block.row(self.first + at), zero - self.centre);
            let found = sums.iter().zip(self.totals).zip(self.scales);
            match self.held {
                Held::Replaced => {
                    for (number, ((sum, total), of_output)) in row.iter_mut().zip(found) {
                        *number = (sum - zero * total) as f32 * (scale * of_output);
                    }
                }
                Held::AddedTo => {
                    for (number, ((sum, total), of_output)) in row.iter_mut().zip(found) {
                        *number += (sum - zero * total) as f32 * (scale * of_output);
                    }
                }
            }
        }
    }
}

/// Writes the weights of one output into its place of each step; gives their scale and their sum.
fn quantise(column: impl Iterator<Item = f32> + Clone, steps: &mut [Step], output: usize) -> (f32, i32) {
    let largest = column.clone().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
    // Weights that are no numbers must show in what is computed with them.
    let is_whole = column.clone().all(f32::is_finite);
    let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    let mut total = 0;
    for (input, weight) in column.enumerate() {
        let code = (weight / scale).round() as i8;
        steps[input / QUAD].0[output * QUAD + input % QUAD] = code;
        total += i32::from(code);
    }
    (if is_whole { scale } else { f32::NAN }, total)
}

/// Rows of features as codes.
pub(super) struct Coded {
    codes: Vec<Codes>,
    /// Scale and zero of each row.
    forms: Vec<(f32, i32)>,
    /// Steps of a row.
    per_row: usize,
}

/// Rows that one thread codes at a time.
const ROWS: usize = 16;

impl Coded {
    /// Of the rows of `x`, each `inputs` long.
    pub fn new(x: &[f32], inputs: usize) -> Self {
        let (rows, per_row) = (x.len() / inputs, inputs.div_ceil(QUAD));
        let mut coded = Self { codes: vec![[0; QUAD]; rows * per_row], forms: vec![(0.0, 0); rows], per_row };
        let places = coded.codes.par_chunks_mut(ROWS * per_row).zip(coded.forms.par_chunks_mut(ROWS));
        x.par_chunks(ROWS * inputs).zip(places).for_each(|(x, (codes, forms))| {
            widest(Coding { x, inputs, codes, forms });
        });
        coded
    }

    /// The rows from `first` on.
    pub fn from(&self, first: usize) -> CodedRows<'_> {
        CodedRows { codes: &self.codes[first * self.per_row..], forms: &self.forms[first..] }
    }
}

struct Coding<'a> {
    x: &'a [f32],
    inputs: usize,
    codes: &'a mut [Codes],
    forms: &'a mut [(f32, i32)],
}

impl Loop for Coding<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { x, inputs, codes, forms } = self;
        let per_row = codes.len() / forms.len();
        for ((x, codes), form) in x.chunks_exact(inputs).zip(codes.chunks_exact_mut(per_row)).zip(forms) {
            *form = code(x, codes.as_flattened_mut());
        }
    }
}

/// Some of the rows of [`Coded`].
#[derive(Clone, Copy)]
pub(super) struct CodedRows<'a> {
    codes: &'a [Codes],
    forms: &'a [(f32, i32)],
}

/// Codes one row; gives its scale and its zero. What is longer than the row stays as it is: its weights are zero.
#[inline(always)]
fn code(x: &[f32], codes: &mut [u8]) -> (f32, i32) {
    // Nothing has a code of its own in every row.
    let (least, most, broken) = range(x);
    let scale = if most > least { (most - least) / 255.0 } else { 1.0 };
    // Adding 1.5 · 2²³ rounds to whole numbers, which then are the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let (steps, zero) = (1.0 / scale, (-least / scale).round());
    for (code, x) in codes.iter_mut().zip(x) {
        *code = ((x * steps + zero).clamp(0.0, 255.0) + ROUND).to_bits() as u8;
    }
    // 0, or what is no number if the row holds any: broken features must show in what is computed with them.
    (scale + broken, zero as i32)
}

/// The least and the most of a row and of 0; and 0, or `NaN` if something in the row is no number.
#[inline(always)]
fn range(x: &[f32]) -> (f32, f32, f32) {
    let least = in_lanes(x, 0.0, |least, x| if x < least { x } else { least });
    let most = in_lanes(x, 0.0, |most, x| if x > most { x } else { most });
    (least, most, in_lanes(x, 0.0, |broken, x| broken + 0.0 * x))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::products::Blocks;

    /// The product of `x` and `weight` `[outputs, inputs]` by codes.
    fn product(x: &[f32], weight: &[f32], inputs: usize) -> Vec<f32> {
        let outputs = weight.len() / inputs;
        let panels = Panels::new(outputs, inputs, |output| weight[output * inputs..][..inputs].iter().copied());
        let coded = Coded::new(x, inputs);
        let rows = x.len() / inputs;
        let mut y = vec![0.0; rows * outputs];
        for panel in 0..outputs.div_ceil(PANEL) {
            let columns = panel * PANEL..outputs.min((panel + 1) * PANEL);
            let blocks = Blocks::new(&mut y, outputs);
            // SAFETY: it is the only block.
            let mut block = unsafe { blocks.block(0..rows, columns) };
            panels.product(&mut block, coded.from(0), panel, Held::Replaced);
        }
        y
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn codes_stand_for_their_numbers_to_half_a_step(row in prop::collection::vec(-9_f32..30.0, 1..70)) {
            let coded = Coded::new(&row, row.len());
            let (scale, zero) = coded.forms[0];
            for (x, code) in row.iter().zip(coded.codes.as_flattened()) {
                let found = (i32::from(*code) - zero) as f32 * scale;
                prop_assert!((found - x).abs() <= 0.51 * scale, "{x} became {found}, a step is {scale}");
            }
        }

        #[test]
        fn a_product_is_as_near_as_its_steps_allow(
            rows in 1_usize..9, inputs in 1_usize..80, outputs in 1_usize..140, seed in 0_u32..1000,
        ) {
            let number = |at: usize| ((at as f32 + seed as f32) * 0.731).sin();
            let x: Vec<f32> = (0..rows * inputs).map(|at| number(at) + 0.5).collect();
            let weight: Vec<f32> = (0..outputs * inputs).map(|at| number(3 * at)).collect();
            let found = product(&x, &weight, inputs);
            for (at, found) in found.iter().enumerate() {
                let (row, column) = (&x[at / outputs * inputs..][..inputs], &weight[at % outputs * inputs..][..inputs]);
                let exact: f32 = row.iter().zip(column).map(|(x, w)| x * w).sum();
                // Half a step of a feature (2 / 255) times |w| ≤ 1, and of a weight (1 / 127) times |x| ≤ 1.5.
                let room = inputs as f32 * (1.0 / 255.0 + 1.5 * 0.5 / 127.0 + 1e-4);
                prop_assert!((found - exact).abs() <= room, "{found} for {exact}");
            }
        }
    }

    #[test]
    fn whole_numbers_that_fit_are_exact() {
        // Steps of 1: a row from 0 to 255, weights from −127 to 127.
        let x: Vec<f32> = (0..256).map(|at| at as f32).collect();
        let weight: Vec<f32> = (0..512).map(|at| ((at * 37) % 255) as f32 - 127.0).collect();
        let weight: Vec<f32> =
            weight.iter().enumerate().map(|(at, w)| if at % 256 == 0 { 127.0 } else { *w }).collect();
        let exact = |output: usize| x.iter().zip(&weight[output * 256..]).map(|(x, w)| x * w).sum::<f32>();
        assert_eq!(product(&x, &weight, 256), [exact(0), exact(1)]);
    }

    #[test]
    fn a_row_of_nothing_gives_nothing() {
        assert_eq!(product(&[0.0; 20], &[1.0; 30], 10), [0.0; 6]);
    }

    #[test]
    fn what_is_no_number_shows() {
        assert!(product(&[1.0, f32::NAN], &[1.0, 1.0], 2)[0].is_nan());
        assert!(product(&[1.0, f32::INFINITY], &[1.0, 1.0], 2)[0].is_nan());
        assert!(product(&[1.0, 1.0], &[1.0, f32::NAN], 2)[0].is_nan());
    }
}
