//! Products with weights. In: rows of numbers, contiguous f32 on the CPU. Out: the same. Must never know a model.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Device, InplaceOp2, Layout, Result, Shape, Tensor, bail};
use pulp::Arch;
use rayon::prelude::*;

use super::int8::{self, Coded, Panels};
use super::lines::Lines;
use super::ops::{Activation, Loop, numbers, numbers_mut, widest};
use super::pairs::{self, Paired, PairedWeight};
use super::panel::{self, PanelProduct};
use super::products::{Block, Blocks, Held, Steps};
use super::weights::Scope;
use crate::error;

/// A product and a bias as a checkpoint gives them: what a model folds into them is folded here, before they are laid out.
pub(super) struct Affine {
    /// `[outputs, inputs]`
    pub weight: Tensor,
    /// `[outputs]`
    pub bias: Tensor,
}

impl Affine {
    /// Of `weight` and `bias` below `scope`; `sides` is what follows in the weight's shape: that of a convolution of one
    /// place.
    pub fn load(scope: &Scope<'_>, inputs: usize, outputs: usize, sides: &[usize]) -> error::Result<Self> {
        let weight = scope.get("weight", &[&[outputs, inputs], sides].concat())?.reshape((outputs, inputs))?;
        Ok(Self { weight, bias: scope.get("bias", &[outputs])? })
    }

    /// Multiplies each output by its number, once and for all: layer scale (Touvron et al. 2021) costs nothing later.
    pub fn scaled(self, scale: &Tensor) -> Result<Self> {
        Ok(Self { weight: self.weight.broadcast_mul(&scale.unsqueeze(1)?)?, bias: (self.bias * scale)? })
    }

    /// The same for inputs that lack `shift` `[inputs]`: it goes through the product here, once.
    pub fn after_shift(self, shift: &Tensor) -> Result<Self> {
        let through = self.weight.matmul(&shift.unsqueeze(1)?)?.squeeze(1)?;
        Ok(Self { bias: (self.bias + through)?, ..self })
    }

    /// The same for inputs x that stand for x · `scale` + `shift`, both `[inputs]`.
    pub fn after_norm(self, scale: &Tensor, shift: &Tensor) -> Result<Self> {
        let plain = self.after_shift(shift)?;
        Ok(Self { weight: plain.weight.broadcast_mul(scale)?, ..plain })
    }

    /// As it is computed with.
    pub fn dense(&self) -> Result<Dense> {
        Dense::new(&self.weight, &self.bias)
    }
}

/// A product with a weight, its bias, and what comes after, in one pass.
///
/// The weight lies in panels of [`PANEL`] outputs, each `[inputs, outputs of the panel]`: a product reads them from front
/// to back as they lie, where a checkpoint's `[outputs, inputs]` would be packed anew for each product, which takes longer
/// than the product itself for few rows. Each thread takes panels of its own.
pub(super) struct Dense {
    weight: Weight,
    bias: Vec<f32>,
    inputs: usize,
}

enum Weight {
    Full(Lines),
    Pairs(PairedWeight),
    Int8(Panels),
}

/// As many outputs as gemm's widest kernel computes at once.
const PANEL: usize = 64;
/// Rows whose outputs of one panel are still in the cache when bias and activation pass over them.
const ROWS: usize = 384;
/// As many inputs are laid out at once: their part of a panel stays in the nearest cache meanwhile.
const TURNED: usize = 16;
/// With no more rows than these, what a general product copies first takes longer than it brings: those of one photo
/// but for the largest towers.
const FEW_ROWS: usize = 256;

impl Dense {
    /// Of a weight `[outputs, inputs]` and a bias `[outputs]`.
    pub fn new(weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let (_, inputs) = weight.dims2()?;
        let weight = weight.contiguous()?;
        let (storage, at) = weight.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else { bail!("a weight on the CPU is wanted") };
        Self::of_rows(&[numbers(storage, at)?], bias.to_vec1()?, inputs)
    }

    /// Of weights below each other, each `[some outputs, inputs]`, which together have as many outputs as `bias`.
    fn of_rows(weights: &[&[f32]], bias: Vec<f32>, inputs: usize) -> Result<Self> {
        let (found, wanted) = (weights.iter().map(|weight| weight.len()).sum::<usize>(), bias.len() * inputs);
        if found != wanted || wanted == 0 {
            bail!("a weight of {found} numbers for {inputs} inputs and {} outputs", bias.len());
        }
        let rows: Vec<&[f32]> = weights.iter().flat_map(|weight| weight.chunks_exact(inputs)).collect();
        let weight = match pairs::is_fast() {
            true => Weight::Pairs(PairedWeight::new(&rows, inputs)),
            false => Weight::Full(in_panels(&rows, inputs)),
        };
        Ok(Self { weight, bias, inputs })
    }

    /// Weight and bias as a checkpoint would give them, where pairs are computed with to 2⁻¹⁷ of each weight.
    ///
    /// # Errors
    /// A weight in 8 bits: the numbers that it was made from are gone.
    pub fn plain(&self) -> Result<Affine> {
        let (inputs, outputs) = (self.inputs, self.outputs());
        let rows: Vec<f32> = match &self.weight {
            Weight::Full(panels) => (0..outputs).flat_map(|output| column(panels, inputs, outputs, output)).collect(),
            Weight::Pairs(weight) => (0..outputs).flat_map(|output| weight.of_output(output)).collect(),
            Weight::Int8(_) => bail!("a weight in 32 bits is wanted"),
        };
        let weight = Tensor::from_vec(rows, (outputs, inputs), &Device::Cpu)?;
        Ok(Affine { weight, bias: Tensor::new(self.bias.as_slice(), &Device::Cpu)? })
    }

    /// Keeps the weight in 8 bits from now on, and multiplies in 8 bits.
    pub fn quantise(&mut self) -> Result<()> {
        let (inputs, outputs) = (self.inputs, self.outputs());
        if inputs > int8::MOST_INPUTS {
            bail!("{inputs} inputs are too many for products in 8 bits");
        }
        let codes = match &self.weight {
            Weight::Full(panels) => Panels::new(outputs, inputs, |output| column(panels, inputs, outputs, output)),
            Weight::Pairs(weight) => Panels::new(outputs, inputs, |output| weight.of_output(output)),
            Weight::Int8(_) => return Ok(()),
        };
        self.weight = Weight::Int8(codes);
        Ok(())
    }

    /// Of `weight` and `bias` below `scope`, straight from where the checkpoint has them.
    pub fn load(scope: &Scope<'_>, inputs: usize, outputs: usize) -> error::Result<Self> {
        Self::load_joined(std::slice::from_ref(scope), inputs, outputs, true)
    }

    /// Of `weight` and, unless it is left out, `bias` below each of `scopes`, `outputs` each, computed as one product.
    pub fn load_joined(scopes: &[Scope<'_>], inputs: usize, outputs: usize, has_bias: bool) -> error::Result<Self> {
        let weights: Vec<_> =
            scopes.iter().map(|scope| scope.lent("weight", &[outputs, inputs])).collect::<error::Result<_>>()?;
        let mut bias = vec![0.0; scopes.len() * outputs];
        for (bias, scope) in bias.chunks_mut(outputs.max(1)).zip(scopes).filter(|_| has_bias) {
            bias.copy_from_slice(&scope.lent("bias", &[outputs])?);
        }
        let weights: Vec<&[f32]> = weights.iter().map(|weight| &**weight).collect();
        Ok(Self::of_rows(&weights, bias, inputs)?)
    }

    /// Of the convolution below `scope` whose stride is its side: `patch` × `patch` × 3 pixels → `width`. Takes rows as
    /// [`patch_rows`](super::ops::patch_rows) makes them.
    pub fn of_patches(scope: &Scope<'_>, patch: usize, width: usize, has_bias: bool) -> error::Result<Self> {
        let weight = scope.get("weight", &[width, 3, patch, patch])?.reshape((width, 3 * patch * patch))?;
        let bias = match has_bias {
            true => scope.get("bias", &[width])?,
            false => Tensor::zeros(width, weight.dtype(), weight.device())?,
        };
        Ok(Self::new(&weight, &bias)?)
    }

    /// How many numbers a row has afterwards.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// `[.., inputs]` → `[.., outputs]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.apply_op1_no_bwd(&Op { dense: self, after: None })
    }

    /// With the activation after it, `[.., inputs]` → `[.., outputs]`.
    pub fn activated(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        x.apply_op1_no_bwd(&Op { dense: self, after: Some(activation) })
    }

    /// Adds what comes of `x` `[.., inputs]` to `stream` `[.., outputs]`, in place.
    pub fn add_to(&self, stream: &Tensor, x: &Tensor) -> Result<()> {
        stream.inplace_op2(x, &Op { dense: self, after: None })
    }

    /// Whether the weight is kept in 8 bits.
    pub fn is_quantised(&self) -> bool {
        matches!(self.weight, Weight::Int8(_))
    }

    /// `x` `[rows, inputs]` → `y` `[rows, outputs]`.
    pub fn run(&self, x: &[f32], y: &mut [f32], held: Held, after: Option<Activation>) {
        let (inputs, rows) = (self.inputs, x.len() / self.inputs);
        match &self.weight {
            Weight::Full(panels) => self.each_block((rows, 1), y, |mut block, first, columns| {
                let (panel, next) = panels[columns.start * inputs..].split_at(columns.len() * inputs);
                multiply(&mut block, &x[first * inputs..], inputs, (panel, next), held);
                widest(Finish { block, bias: &self.bias[columns], after });
            }),
            Weight::Pairs(weight) => {
                let paired = Paired::new(x, inputs);
                self.each_block((rows, paired.height()), y, |mut block, first, columns| {
                    weight.product(&mut block, paired.from(first), columns.start / PANEL, held);
                    widest(Finish { block, bias: &self.bias[columns], after });
                });
            }
            Weight::Int8(panels) => {
                let coded = Coded::new(x, inputs);
                self.each_block((rows, 1), y, |mut block, first, columns| {
                    panels.product(&mut block, coded.from(first), columns.start / PANEL, held);
                    widest(Finish { block, bias: &self.bias[columns], after });
                });
            }
        }
    }

    /// Gives every block of `y` `[rows, outputs]` to `then`, on many threads, with its first row and its columns: those of
    /// one panel. Blocks begin at multiples of `together` rows.
    fn each_block(
        &self,
        (rows, together): (usize, usize),
        y: &mut [f32],
        then: impl Fn(Block<'_>, usize, Range<usize>) + Sync,
    ) {
        let outputs = self.outputs();
        let panels = outputs.div_ceil(PANEL);
        // More threads than panels share the rows.
        let shares = rows.div_ceil(ROWS).max(rayon::current_num_threads().div_ceil(panels)).min(rows);
        let share = rows.div_ceil(shares).next_multiple_of(together);
        let target = Blocks::new(y, outputs);
        (0..rows.div_ceil(share) * panels).into_par_iter().for_each(|at| {
            let (first, column) = (at / panels * share, at % panels * PANEL);
            let columns = column..(column + PANEL).min(outputs);
            // SAFETY: each `at` has rows or columns of its own.
            let block = unsafe { target.block(first..(first + share).min(rows), columns.clone()) };
            then(block, first, columns);
        });
    }
}

/// Rows of `x` by a panel, into the block; what is read `next` is asked for meanwhile.
fn multiply(block: &mut Block<'_>, x: &[f32], inputs: usize, (panel, next): (&[f32], &[f32]), held: Held) {
    let columns = panel.len() / inputs;
    if block.rows() <= FEW_ROWS && panel::is_whole(columns) {
        return Arch::new().dispatch(PanelProduct { rows: x, inputs, panel, next, block, held });
    }
    let by_rows = |row| Steps { at: 0, row, column: 1 };
    block.product(inputs, (x, by_rows(inputs)), (panel, by_rows(columns)), held);
}

/// Bias and activation, after the product.
struct Finish<'a> {
    block: Block<'a>,
    bias: &'a [f32],
    after: Option<Activation>,
}

impl Loop for Finish<'_> {
    #[inline(always)]
    fn run(mut self) {
        for row in 0..self.block.rows() {
            let row = self.block.row(row);
            match self.after {
                Some(activation) => activation.apply(row, self.bias),
                None => {
                    for (y, bias) in row.iter_mut().zip(self.bias) {
                        *y += bias;
                    }
                }
            }
        }
    }
}

/// The weights of one output, from panels.
fn column(panels: &[f32], inputs: usize, outputs: usize, output: usize) -> impl Iterator<Item = f32> + Clone {
    let first = output / PANEL * PANEL;
    let width = PANEL.min(outputs - first);
    panels[first * inputs..][..width * inputs].iter().copied().skip(output - first).step_by(width)
}

/// A row of `inputs` for each output, as panels.
fn in_panels(rows: &[&[f32]], inputs: usize) -> Lines {
    let mut panels = Lines::zeros(rows.len() * inputs);
    panels.par_chunks_mut(PANEL * inputs).zip(rows.par_chunks(PANEL)).for_each(|(panel, rows)| {
        let width = rows.len();
        for (block, first) in panel.chunks_mut(TURNED * width).zip((0..inputs).step_by(TURNED)) {
            for (output, row) in rows.iter().enumerate() {
                let places = block.iter_mut().skip(output).step_by(width);
                places.zip(&row[first..]).for_each(|(place, number)| *place = *number);
            }
        }
    });
    panels
}

struct Op<'a> {
    dense: &'a Dense,
    after: Option<Activation>,
}

impl Op<'_> {
    /// How many rows of inputs these are.
    fn rows(&self, x: &Layout) -> Result<usize> {
        match x.dims() {
            [rows @ .., last] if *last == self.dense.inputs => Ok(rows.iter().product()),
            dims => bail!("{dims:?} does not fit a product of {} inputs", self.dense.inputs),
        }
    }
}

impl CustomOp1 for Op<'_> {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut y = vec![0.0; self.rows(x_at)? * self.dense.outputs()];
        self.dense.run(numbers(x, x_at)?, &mut y, Held::Replaced, self.after);
        let shape = [&x_at.dims()[..x_at.dims().len() - 1], &[self.dense.outputs()]].concat();
        Ok((CpuStorage::F32(y), Shape::from(shape)))
    }
}

impl InplaceOp2 for Op<'_> {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(&self, stream: &mut CpuStorage, at: &Layout, x: &CpuStorage, x_at: &Layout) -> Result<()> {
        if at.shape().elem_count() != self.rows(x_at)? * self.dense.outputs() {
            bail!("{:?} cannot be added to {:?}", x_at.dims(), at.dims());
        }
        self.dense.run(numbers(x, x_at)?, numbers_mut(stream, at)?, Held::AddedTo, self.after);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check_near, random};
    use super::*;

    #[test]
    fn a_product_is_that_of_candle_whatever_the_panels() {
        // Sums of up to 64 products of about 1, by pairs to 2⁻¹⁶ of each.
        const MOST: f32 = 5e-4;
        for (rows, inputs, outputs) in [(1, 1, 1), (5, 7, 63), (3, 64, 64), (900, 33, 65), (2, 9, 200)] {
            let (x, weight, bias) = (random(&[rows, inputs]), random(&[outputs, inputs]), random(&[outputs]));
            let dense = Dense::new(&weight, &bias).unwrap();
            let plain = x.matmul(&weight.t().unwrap()).unwrap().broadcast_add(&bias).unwrap();
            check_near(&dense.forward(&x).unwrap(), &plain, MOST);
            check_near(&dense.activated(&x, Activation::Gelu).unwrap(), &plain.gelu_erf().unwrap(), MOST);
            let stream = random(&[rows, outputs]);
            let expected = (&stream + plain).unwrap();
            dense.add_to(&stream, &x).unwrap();
            check_near(&stream, &expected, MOST);
        }
    }

    #[test]
    fn a_product_in_8_bits_is_near_that_in_32() {
        for (rows, inputs, outputs) in [(1, 1, 1), (5, 7, 63), (13, 64, 64), (900, 33, 65), (2, 9, 200)] {
            let (x, weight, bias) = (random(&[rows, inputs]), random(&[outputs, inputs]), random(&[outputs]));
            let mut dense = Dense::new(&weight, &bias).unwrap();
            let (full, added) = (dense.forward(&x).unwrap(), random(&[rows, outputs]));
            let sum = (&added + &full).unwrap();
            dense.quantise().unwrap();
            let length = |of: &Tensor| of.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
            let check = |found: &Tensor, expected: &Tensor| {
                let (off, whole) = (length(&(found - expected).unwrap()), length(&full));
                assert!(off <= 0.02 * whole + 1e-3, "{off} of {whole} at {rows}, {inputs}, {outputs}");
            };
            check(&dense.forward(&x).unwrap(), &full);
            check(&dense.activated(&x, Activation::Gelu).unwrap(), &full.gelu_erf().unwrap());
            dense.add_to(&added, &x).unwrap();
            check(&added, &sum);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let dense = Dense::new(&random(&[4, 3]), &random(&[4])).unwrap();
        assert!(dense.forward(&random(&[2, 4])).is_err());
        assert!(dense.add_to(&random(&[2, 3]), &random(&[2, 3])).is_err());
        assert!(Dense::new(&random(&[4, 3]), &random(&[3])).is_err());
    }
}
