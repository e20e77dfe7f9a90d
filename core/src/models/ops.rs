//! What the towers compute beside products with weights, in one pass each. In: contiguous f32 tensors on the CPU. Out: f32
//! tensors. Must never know a model.

use std::cell::Cell;

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, InplaceOp3, Layout, Result, Tensor, bail};
use rayon::prelude::*;

/// What stands between the two products of an MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    /// x σ(1.702 x), OpenAI's.
    QuickGelu,
    /// x Φ(x).
    Gelu,
    /// Gelu by its tanh approximation.
    GeluTanh,
}

impl Activation {
    /// The activation that transformers calls so (`hidden_act`).
    pub fn from_hf(name: &str) -> Option<Self> {
        match name {
            "quick_gelu" => Some(Self::QuickGelu),
            "gelu" => Some(Self::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Some(Self::GeluTanh),
            _ => None,
        }
    }
}

impl Activation {
    /// Of `x + bias`, in place.
    #[inline(always)]
    pub fn apply(self, x: &mut [f32], bias: &[f32]) {
        match self {
            Self::QuickGelu => {
                for (x, b) in x.iter_mut().zip(bias) {
                    *x = quick_gelu(*x + b);
                }
            }
            Self::Gelu => {
                for (x, b) in x.iter_mut().zip(bias) {
                    *x = gelu(*x + b);
                }
            }
            Self::GeluTanh => {
                for (x, b) in x.iter_mut().zip(bias) {
                    *x = gelu_tanh(*x + b);
                }
            }
        }
    }
}

/// A loop over numbers that is compiled once for each width of vectors. A closure would not do: one that the compiler does
/// not inline is compiled for the narrowest vectors alone.
pub(super) trait Loop {
    /// Must be `#[inline(always)]`, and so must be all that it calls.
    fn run(self);
}

/// Runs a loop with the widest vectors that this processor has.
pub(super) fn widest(numbers: impl Loop) {
    struct Widest<L>(L);
    impl<L: Loop> pulp::WithSimd for Widest<L> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) {
            self.0.run();
        }
    }
    pulp::Arch::new().dispatch(Widest(numbers));
}

/// `x + bias` in place, then the activation. `x` is [.., width], `bias` [width].
pub(super) fn activate(x: &Tensor, bias: &Tensor, activation: Activation) -> Result<()> {
    match activation {
        Activation::QuickGelu => x.inplace_op2(bias, &Biased(quick_gelu)),
        Activation::Gelu => x.inplace_op2(bias, &Biased(gelu)),
        Activation::GeluTanh => x.inplace_op2(bias, &Biased(gelu_tanh)),
    }
}

/// `x + bias` in place.
pub(super) fn add_bias(x: &Tensor, bias: &Tensor) -> Result<()> {
    x.inplace_op2(bias, &Biased(|x| x))
}

/// What of `stream + branch + bias` is positive, else 0, into `stream`.
pub(super) fn add_branch_relu(stream: &Tensor, branch: &Tensor, bias: &Tensor) -> Result<()> {
    stream.inplace_op3(branch, bias, &Branch(relu))
}

/// Pixels `[n, 3, height, width]` as rows of patches `[n * rows * columns, 3 * patch * patch]`, for one product with the
/// flattened kernel of a convolution with stride `patch`.
pub(super) fn patch_rows(pixels: &Tensor, patch: usize) -> Result<Tensor> {
    let (n, channels, height, width) = pixels.dims4()?;
    let (rows, columns) = (height / patch, width / patch);
    let numbers = pixels.flatten_all()?.to_vec1::<f32>()?;
    let row_len = channels * patch * patch;
    let mut patches = vec![0.0; n * rows * columns * row_len];
    let picture_len = channels * height * width;
    patches.par_chunks_mut(columns * row_len).enumerate().for_each(|(band, patches)| {
        let picture = &numbers[band / rows * picture_len..][..picture_len];
        for (line, numbers) in picture.chunks_exact(width).enumerate() {
            let (channel, y) = (line / height, line % height);
            if y / patch != band % rows {
                continue;
            }
            let at = (channel * patch + y % patch) * patch;
            for (patches, run) in patches.chunks_exact_mut(row_len).zip(numbers.chunks_exact(patch)) {
                patches[at..at + patch].copy_from_slice(run);
            }
        }
    });
    Tensor::from_vec(patches, (n * rows * columns, row_len), pixels.device())
}

/// Rows that one thread takes at a time: enough work to be worth a thread.
const ROWS: usize = 16;

struct Biased<F>(F);

impl<F: Fn(f32) -> f32 + Sync> InplaceOp2 for Biased<F> {
    fn name(&self) -> &'static str {
        "biased"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, x_at: &Layout, bias: &CpuStorage, bias_at: &Layout) -> Result<()> {
        let bias = numbers(bias, bias_at)?;
        let x = numbers_mut(x, x_at)?;
        x.par_chunks_mut(bias.len() * ROWS).for_each(|rows| widest(BiasedRows { rows, bias, then: &self.0 }));
        Ok(())
    }
}

/// `then(x + bias)` in place, row by row.
pub(super) struct BiasedRows<'a, F> {
    pub rows: &'a mut [f32],
    pub bias: &'a [f32],
    pub then: &'a F,
}

impl<F: Fn(f32) -> f32> Loop for BiasedRows<'_, F> {
    #[inline(always)]
    fn run(self) {
        for row in self.rows.chunks_exact_mut(self.bias.len()) {
            for (x, b) in row.iter_mut().zip(self.bias) {
                *x = (self.then)(*x + b);
            }
        }
    }
}

struct Branch<F>(F);

impl<F: Fn(f32) -> f32 + Sync> InplaceOp3 for Branch<F> {
    fn name(&self) -> &'static str {
        "branch"
    }

    fn cpu_fwd(
        &self,
        stream: &mut CpuStorage,
        stream_at: &Layout,
        branch: &CpuStorage,
        branch_at: &Layout,
        bias: &CpuStorage,
        bias_at: &Layout,
    ) -> Result<()> {
        let (branch, bias) = (numbers(branch, branch_at)?, numbers(bias, bias_at)?);
        let stream = numbers_mut(stream, stream_at)?;
        let len = bias.len() * ROWS;
        stream
            .par_chunks_mut(len)
            .zip(branch.par_chunks(len))
            .for_each(|(stream, branch)| widest(BranchRows { stream, branch, bias, then: &self.0 }));
        Ok(())
    }
}

struct BranchRows<'a, F> {
    stream: &'a mut [f32],
    branch: &'a [f32],
    bias: &'a [f32],
    then: &'a F,
}

impl<F: Fn(f32) -> f32> Loop for BranchRows<'_, F> {
    #[inline(always)]
    fn run(self) {
        let width = self.bias.len();
        for (stream, branch) in self.stream.chunks_exact_mut(width).zip(self.branch.chunks_exact(width)) {
            for ((x, y), b) in stream.iter_mut().zip(branch).zip(self.bias) {
                *x = (self.then)(*x + y + b);
            }
        }
    }
}

/// silu(a) ⊙ b of rows `[a, b]`, `inner` numbers each.
pub(super) fn gated(rows: &[f32], inner: usize) -> Vec<f32> {
    let mut gated = vec![0.0; rows.len() / 2];
    let places = gated.par_chunks_mut(inner * ROWS);
    places.zip(rows.par_chunks(2 * inner * ROWS)).for_each(|(gated, rows)| widest(Gating { rows, inner, gated }));
    gated
}

struct Gating<'a> {
    rows: &'a [f32],
    inner: usize,
    gated: &'a mut [f32],
}

impl Loop for Gating<'_> {
    #[inline(always)]
    fn run(self) {
        for (row, gated) in self.rows.chunks_exact(2 * self.inner).zip(self.gated.chunks_exact_mut(self.inner)) {
            let (a, b) = row.split_at(self.inner);
            for ((gated, a), b) in gated.iter_mut().zip(a).zip(b) {
                *gated = a / (1.0 + exp(-a)) * b;
            }
        }
    }
}

/// exp(scale * (x - max)) / Σ, in place.
#[inline(always)]
pub(super) fn softmax(row: &mut [f32], scale: f32) {
    let max = in_lanes(row, f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|x| *x = exp((*x - max) * scale));
    let part = 1.0 / in_lanes(row, 0.0, |sum, x| sum + x);
    row.iter_mut().for_each(|x| *x *= part);
}

/// All numbers put together, in as many lanes as the widest vectors have: one after the other, each would wait for the one
/// before.
#[inline(always)]
pub(super) fn in_lanes(row: &[f32], empty: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [empty; 16];
    let (wholes, rest) = row.as_chunks::<16>();
    for whole in wholes {
        lanes.iter_mut().zip(whole).for_each(|(lane, x)| *lane = join(*lane, *x));
    }
    lanes.iter().chain(rest).fold(empty, |all, x| join(all, *x))
}

/// What is positive, else 0. A number that is none stays one, so that broken weights show.
#[inline(always)]
pub(super) fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
fn quick_gelu(x: f32) -> f32 {
    x / (1.0 + exp(-1.702 * x))
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    // tanh(u) = 1 - 2 / (exp(2u) + 1), u = √(2/π) (x + 0.044715 x³) (Hendrycks & Gimpel 2016).
    let u = 0.797_884_6 * (x + 0.044_715 * x * x * x);
    x * (1.0 - 1.0 / (exp(2.0 * u) + 1.0))
}

/// erf to 1.5e-7 (Abramowitz & Stegun 1964, formula 7.1.26).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let polynomial = t * (0.254_829_6 + t * (-0.284_496_72 + t * (1.421_413_8 + t * (-1.453_152 + t * 1.061_405_4))));
    (1.0 - polynomial * exp(-a * a)).copysign(x)
}

/// e^x to 2 units in the last place, without a branch or a call, so that loops over it become vector instructions.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5 · 2²³ rounds to whole numbers.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts (Cody & Waite 1980), the first with few bits so that its product is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let whole = x * std::f32::consts::LOG2_E + ROUND;
    let power = whole - ROUND;
    let rest = x - power * LN_2_HIGH - power * LN_2_LOW;
    // Taylor's series: beyond the seventh term nothing is left for |rest| ≤ ln 2 / 2.
    let series = 1.0 / 720.0 + rest * (1.0 / 5040.0);
    let series = 1.0 / 24.0 + rest * (1.0 / 120.0 + rest * series);
    let series = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * series)));
    // The whole number is in the lowest bits of `whole`: a cast, which also minds what fits no integer, is no vector
    // instruction.
    series * f32::from_bits((whole.to_bits() << 23).wrapping_add(127 << 23))
}

/// Changes the numbers of a contiguous tensor where they lie.
pub(super) fn in_place(x: &Tensor, change: impl FnOnce(&mut [f32])) -> Result<()> {
    x.inplace_op1(&InPlace(Cell::new(Some(change))))
}

/// Changes the numbers of a contiguous tensor where they lie, by those of another one.
pub(super) fn in_place_of(x: &Tensor, other: &Tensor, change: impl FnOnce(&mut [f32], &[f32])) -> Result<()> {
    x.inplace_op2(other, &InPlace(Cell::new(Some(change))))
}

/// Something that is done once.
struct InPlace<F>(Cell<Option<F>>);

impl<F: FnOnce(&mut [f32])> InplaceOp1 for InPlace<F> {
    fn name(&self) -> &'static str {
        "in place"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, at: &Layout) -> Result<()> {
        let x = numbers_mut(x, at)?;
        self.0.take().into_iter().for_each(|change| change(x));
        Ok(())
    }
}

impl<F: FnOnce(&mut [f32], &[f32])> InplaceOp2 for InPlace<F> {
    fn name(&self) -> &'static str {
        "in place of"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, at: &Layout, other: &CpuStorage, other_at: &Layout) -> Result<()> {
        let (x, other) = (numbers_mut(x, at)?, numbers(other, other_at)?);
        self.0.take().into_iter().for_each(|change| change(x, other));
        Ok(())
    }
}

pub(super) fn numbers<'a>(storage: &'a CpuStorage, at: &Layout) -> Result<&'a [f32]> {
    let (CpuStorage::F32(numbers), Some((from, to))) = (storage, at.contiguous_offsets()) else {
        bail!("a contiguous f32 tensor is wanted");
    };
    Ok(&numbers[from..to])
}

pub(super) fn numbers_mut<'a>(storage: &'a mut CpuStorage, at: &Layout) -> Result<&'a mut [f32]> {
    let (CpuStorage::F32(numbers), Some((from, to))) = (storage, at.contiguous_offsets()) else {
        bail!("a contiguous f32 tensor is wanted");
    };
    Ok(&mut numbers[from..to])
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use proptest::prelude::*;

    use super::super::testing::{check_near, random};
    use super::*;

    #[test]
    fn rows_of_patches_times_the_kernel_are_the_convolution() {
        let (pixels, kernel) = (random(&[2, 3, 8, 12]), random(&[5, 3, 4, 4]));
        let expected = pixels.conv2d(&kernel, 0, 4, 1, 1).unwrap().flatten_from(2).unwrap().transpose(1, 2).unwrap();
        let rows = patch_rows(&pixels, 4).unwrap();
        let found = rows.matmul(&kernel.flatten_from(1).unwrap().t().unwrap()).unwrap();
        check_near(&found.reshape((2, 6, 5)).unwrap(), &expected, 1e-5);
    }

    #[test]
    fn activations_are_those_of_candle() {
        let (x, zero) = (random(&[33, 7]), Tensor::zeros(7, candle_core::DType::F32, &Device::Cpu).unwrap());
        let check = |activation, expected: Tensor| {
            let found = x.copy().unwrap();
            activate(&found, &zero, activation).unwrap();
            check_near(&found, &expected, 1e-5);
        };
        check(Activation::Gelu, x.gelu_erf().unwrap());
        check(Activation::GeluTanh, x.gelu().unwrap());
        let sigmoid = candle_nn::ops::sigmoid(&(&x * 1.702).unwrap()).unwrap();
        check(Activation::QuickGelu, (&x * sigmoid).unwrap());
    }

    proptest! {
        #[test]
        fn exp_is_exp(x in -86_f32..86.0) {
            prop_assert!((exp(x) / x.exp() - 1.0).abs() < 1e-6, "{} {}", exp(x), x.exp());
        }
    }
}
