//! What the transformers compute beside products with weights, in one pass each. In: contiguous f32 tensors on the CPU.
//! Out: f32 tensors. Must never know a model.

use candle_core::{CpuStorage, CustomOp1, InplaceOp2, InplaceOp3, Layout, Result, Shape, Tensor, bail};
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

/// `stream + branch + bias`, into `stream`.
pub(super) fn add_branch(stream: &Tensor, branch: &Tensor, bias: &Tensor) -> Result<()> {
    stream.inplace_op3(branch, bias, &Branch(|x| x))
}

/// What of `stream + branch + bias` is positive, else 0, into `stream`.
pub(super) fn add_branch_relu(stream: &Tensor, branch: &Tensor, bias: &Tensor) -> Result<()> {
    stream.inplace_op3(branch, bias, &Branch(relu))
}

/// Scaled dot-product attention of `[n, tokens, 3 * width]` (queries, keys, values side by side) → `[n, tokens, width]`.
/// With `is_causal` a token sees itself and those before it.
pub(super) fn attention(qkv: &Tensor, heads: usize, is_causal: bool) -> Result<Tensor> {
    qkv.apply_op1_no_bwd(&Attention { heads, is_causal })
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
        x.par_chunks_mut(bias.len() * ROWS).for_each(|rows| {
            for row in rows.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(x, b)| *x = self.0(*x + b));
            }
        });
        Ok(())
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
        stream.par_chunks_mut(len).zip(branch.par_chunks(len)).for_each(|(stream, branch)| {
            for (stream, branch) in stream.chunks_exact_mut(bias.len()).zip(branch.chunks_exact(bias.len())) {
                stream.iter_mut().zip(branch).zip(bias).for_each(|((x, y), b)| *x = self.0(*x + y + b));
            }
        });
        Ok(())
    }
}

struct Attention {
    heads: usize,
    is_causal: bool,
}

/// Queries that are answered at a time: their scores over thousands of keys stay in the cache.
const QUERIES: usize = 128;

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, at: &Layout) -> Result<(CpuStorage, Shape)> {
        let &[n, tokens, triple] = at.dims() else { bail!("attention wants [n, tokens, 3 * width]") };
        let width = triple / 3;
        if self.heads == 0 || width == 0 || tokens == 0 || triple % (3 * self.heads) != 0 {
            bail!("{} heads cannot share {triple} numbers", self.heads);
        }
        let qkv = numbers(qkv, at)?;
        let mut mixed = vec![0.0; n * tokens * width];
        let pairs = mixed.par_chunks_mut(tokens * width).zip(qkv.par_chunks_exact(tokens * triple));
        let is_alone = n < rayon::current_num_threads();
        pairs.for_each(|(mixed, qkv)| self.picture(mixed, qkv, width, is_alone));
        Ok((CpuStorage::F32(mixed), Shape::from((n, tokens, width))))
    }
}

impl Attention {
    /// The attention within one picture: `mixed` is [tokens, width], `qkv` [tokens, 3 * width].
    fn picture(&self, mixed: &mut [f32], qkv: &[f32], width: usize, is_alone: bool) {
        let (tokens, depth) = (mixed.len() / width, width / self.heads);
        let threads = if is_alone { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
        let mut scores = vec![0.0; tokens.min(QUERIES) * tokens];
        for head in 0..self.heads {
            let (query, key, value) = (head * depth, width + head * depth, 2 * width + head * depth);
            for first in (0..tokens).step_by(QUERIES) {
                let count = QUERIES.min(tokens - first);
                let scores = &mut scores[..count * tokens];
                let queries = Matrix { at: first * 3 * width + query, row: 3 * width, column: 1 };
                let keys = Matrix { at: key, row: 1, column: 3 * width };
                product([count, depth, tokens], (scores, 0, tokens), (qkv, queries), (qkv, keys), threads);
                self.softmax(scores, tokens, first, 1.0 / (depth as f32).sqrt());
                let weights = Matrix { at: 0, row: tokens, column: 1 };
                let values = Matrix { at: value, row: 3 * width, column: 1 };
                let target = (&mut *mixed, first * width + head * depth, width);
                product([count, tokens, depth], target, (scores, weights), (qkv, values), threads);
            }
        }
    }

    fn softmax(&self, scores: &mut [f32], tokens: usize, first: usize, scale: f32) {
        scores.par_chunks_mut(tokens).with_min_len(ROWS * 4).enumerate().for_each(|(query, row)| {
            let seen = if self.is_causal { first + query + 1 } else { tokens };
            let (row, hidden) = row.split_at_mut(seen);
            softmax(row, scale);
            hidden.fill(0.0);
        });
    }
}

/// A matrix within a slice: where it begins, and its steps.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    pub at: usize,
    pub row: usize,
    pub column: usize,
}

impl Matrix {
    /// Where the last of `rows` × `columns` elements lies.
    fn last(self, rows: usize, columns: usize) -> usize {
        self.at + (rows - 1) * self.row + (columns - 1) * self.column
    }
}

/// The product of [m, k] and [k, n] into `target` (slice, first element, step of a row).
pub(super) fn product(
    [m, k, n]: [usize; 3],
    (target, at, row): (&mut [f32], usize, usize),
    (lhs, left): (&[f32], Matrix),
    (rhs, right): (&[f32], Matrix),
    threads: gemm::Parallelism,
) {
    let whole = Matrix { at, row, column: 1 };
    assert!(m > 0 && k > 0 && n > 0, "an empty product");
    assert!(whole.last(m, n) < target.len() && left.last(m, k) < lhs.len() && right.last(k, n) < rhs.len());
    // SAFETY: the asserts say that the first and the last element of each matrix lie within its slice, and all steps are
    // positive, so every element does. `target` is borrowed alone, so it overlaps with none of the others.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            target.as_mut_ptr().add(at),
            1,
            row as isize,
            false,
            lhs.as_ptr().add(left.at),
            left.column as isize,
            left.row as isize,
            rhs.as_ptr().add(right.at),
            right.column as isize,
            right.row as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

/// exp(scale * (x - max)) / Σ, in place.
fn softmax(row: &mut [f32], scale: f32) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = exp((*x - max) * scale);
        sum += *x;
    }
    let part = 1.0 / sum;
    row.iter_mut().for_each(|x| *x *= part);
}

/// What is positive, else 0. A number that is none stays one, so that broken weights show.
pub(super) fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

fn quick_gelu(x: f32) -> f32 {
    x / (1.0 + exp(-1.702 * x))
}

fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

fn gelu_tanh(x: f32) -> f32 {
    // tanh(u) = 1 - 2 / (exp(2u) + 1), u = √(2/π) (x + 0.044715 x³) (Hendrycks & Gimpel 2016).
    let u = 0.797_884_6 * (x + 0.044_715 * x * x * x);
    x * (1.0 - 1.0 / (exp(2.0 * u) + 1.0))
}

/// erf to 1.5e-7 (Abramowitz & Stegun 1964, formula 7.1.26).
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let polynomial = t * (0.254_829_6 + t * (-0.284_496_72 + t * (1.421_413_8 + t * (-1.453_152 + t * 1.061_405_4))));
    (1.0 - polynomial * exp(-a * a)).copysign(x)
}

/// e^x to 2 units in the last place, without a branch or a call, so that loops over it become vector instructions.
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
    series * f32::from_bits(((power as i32 + 127) as u32) << 23)
}

pub(super) fn numbers<'a>(storage: &'a CpuStorage, at: &Layout) -> Result<&'a [f32]> {
    let (CpuStorage::F32(numbers), Some((from, to))) = (storage, at.contiguous_offsets()) else {
        bail!("a contiguous f32 tensor is wanted");
    };
    Ok(&numbers[from..to])
}

fn numbers_mut<'a>(storage: &'a mut CpuStorage, at: &Layout) -> Result<&'a mut [f32]> {
    let (CpuStorage::F32(numbers), Some((from, to))) = (storage, at.contiguous_offsets()) else {
        bail!("a contiguous f32 tensor is wanted");
    };
    Ok(&mut numbers[from..to])
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device};
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_near(found: &Tensor, expected: &Tensor) {
        assert_eq!(found.dims(), expected.dims());
        let most = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        assert!(most.to_scalar::<f32>().unwrap() < 1e-5, "{most}");
    }

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0_f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn attention_is_that_of_the_formula() {
        for (n, tokens, heads, depth, is_causal) in [(2, 5, 3, 4, false), (1, 300, 2, 8, false), (2, 7, 2, 4, true)] {
            let qkv = random(&[n, tokens, 3 * heads * depth]);
            let parts = qkv.reshape((n, tokens, 3, heads, depth)).unwrap().permute((2, 0, 3, 1, 4)).unwrap();
            let part = |i: usize| parts.get(i).unwrap().contiguous().unwrap();
            let scores = part(0).matmul(&part(1).t().unwrap()).unwrap() / (depth as f64).sqrt();
            let hidden = |i: usize, j: usize| if is_causal && j > i { f32::NEG_INFINITY } else { 0.0 };
            let mask: Vec<f32> = (0..tokens * tokens).map(|at| hidden(at / tokens, at % tokens)).collect();
            let mask = Tensor::from_vec(mask, (tokens, tokens), &Device::Cpu).unwrap();
            let weights = candle_nn::ops::softmax(&scores.unwrap().broadcast_add(&mask).unwrap(), D::Minus1).unwrap();
            let mixed = weights.matmul(&part(2)).unwrap().transpose(1, 2).unwrap();
            let expected = mixed.reshape((n, tokens, heads * depth)).unwrap();
            check_near(&attention(&qkv, heads, is_causal).unwrap(), &expected);
        }
    }

    #[test]
    fn rows_of_patches_times_the_kernel_are_the_convolution() {
        let (pixels, kernel) = (random(&[2, 3, 8, 12]), random(&[5, 3, 4, 4]));
        let expected = pixels.conv2d(&kernel, 0, 4, 1, 1).unwrap().flatten_from(2).unwrap().transpose(1, 2).unwrap();
        let rows = patch_rows(&pixels, 4).unwrap();
        let found = rows.matmul(&kernel.flatten_from(1).unwrap().t().unwrap()).unwrap();
        check_near(&found.reshape((2, 6, 5)).unwrap(), &expected);
    }

    #[test]
    fn activations_are_those_of_candle() {
        let (x, zero) = (random(&[33, 7]), Tensor::zeros(7, candle_core::DType::F32, &Device::Cpu).unwrap());
        let check = |activation, expected: Tensor| {
            let found = x.copy().unwrap();
            activate(&found, &zero, activation).unwrap();
            check_near(&found, &expected);
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
