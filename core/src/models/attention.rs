//! Scaled dot-product attention. In: queries, keys and values, contiguous f32 on the CPU. Out: f32. Must never know a model.
//!
//! Each head's keys and values are laid out in panels that its products read from front to back: the matrices are small,
//! and a general product would spend more time on preparing them than on multiplying.

mod by_pairs;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::ops::{numbers, softmax};
use super::pairs;
use super::products::{Block, Blocks, Steps};

/// Of `[n, tokens, 3 * width]` (queries, keys, values side by side) → `[n, tokens, width]`. With `is_causal` a token sees
/// only itself and those before it.
pub(super) fn attention(qkv: &Tensor, heads: usize, is_causal: bool) -> Result<Tensor> {
    qkv.apply_op1_no_bwd(&Attention { heads, is_causal })
}

/// How tokens look at each other.
pub(super) struct Attention {
    pub heads: usize,
    /// A token sees only itself and those before it.
    pub is_causal: bool,
}

/// So many queries and more are worth to lay keys and values out in pairs for.
const MANY: usize = 16;
/// Queries that are answered at a time: their scores over thousands of keys stay in the cache.
const QUERIES: usize = 126;

impl Attention {
    /// Of queries, keys and values `[n, tokens, 3 * width]` → `mixed` `[n, asking, width]`: the first `asking` tokens of each
    /// picture ask.
    pub fn run(&self, qkv: &[f32], mixed: &mut [f32], [n, asking, width]: [usize; 3]) {
        let (numbers, depth) = (qkv.len() / n.max(1), width / self.heads);
        let target = Blocks::new(mixed, width);
        (0..n * self.heads).into_par_iter().for_each(|at| {
            let (picture, first) = (at / self.heads, at % self.heads * depth);
            let rows = picture * asking..(picture + 1) * asking;
            // SAFETY: each picture has rows, each head columns of its own.
            let answers = unsafe { target.block(rows, first..first + depth) };
            let qkv = &qkv[picture * numbers..][..numbers];
            let head = Head { qkv, width, first, depth, is_causal: self.is_causal, answers };
            match pairs::is_fast() && asking >= MANY {
                true => head.answer_by_pairs(),
                false => Arch::new().dispatch(head),
            }
        });
    }
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, at: &Layout) -> Result<(CpuStorage, Shape)> {
        let &[n, tokens, triple] = at.dims() else { bail!("attention wants [n, tokens, 3 * width]") };
        if self.heads == 0 || triple == 0 || tokens == 0 || triple % (3 * self.heads) != 0 {
            bail!("{} heads cannot share {triple} numbers", self.heads);
        }
        let shape = [n, tokens, triple / 3];
        let mut mixed = vec![0.0; shape.iter().product()];
        self.run(numbers(qkv, at)?, &mut mixed, shape);
        Ok((CpuStorage::F32(mixed), Shape::from(shape.to_vec())))
    }
}

/// What one head reads: the queries, keys and values `[tokens, 3 * width]` of a picture, of which its own are `depth`
/// columns from `first`; and where its answers go.
struct Head<'a> {
    qkv: &'a [f32],
    width: usize,
    first: usize,
    depth: usize,
    is_causal: bool,
    answers: Block<'a>,
}

impl Head<'_> {
    fn tokens(&self) -> usize {
        self.qkv.len() / (3 * self.width)
    }

    /// How many tokens a query sees.
    fn seen(&self, query: usize) -> usize {
        if self.is_causal { query + 1 } else { self.tokens() }
    }
}

impl WithSimd for Head<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Self { qkv, width, first, depth, .. } = self;
        let (row, tokens) = (3 * width, self.tokens());
        let keys = Panels::new(simd, qkv, Steps { at: width + first, row: 1, column: row }, [depth, tokens]);
        let values = Panels::new(simd, qkv, Steps { at: 2 * width + first, row, column: 1 }, [tokens, depth]);
        let asking = self.answers.rows();
        let mut scores = vec![simd.splat_f32s(0.0); asking.min(QUERIES) * keys.per_row];
        let mut answers = vec![simd.splat_f32s(0.0); asking.min(QUERIES) * values.per_row];
        for query in (0..asking).step_by(QUERIES) {
            let count = QUERIES.min(asking - query);
            let scores = &mut scores[..count * keys.per_row];
            keys.product(simd, &qkv[query * row + first..], row, scores);
            let numbers: &mut [f32] = bytemuck::cast_slice_mut(scores);
            let step = numbers.len() / count;
            for (at, scores) in numbers.chunks_exact_mut(step).enumerate() {
                let (scores, hidden) = scores.split_at_mut(self.seen(query + at));
                softmax(scores, 1.0 / (depth as f32).sqrt());
                hidden.fill(0.0);
            }
            values.product(simd, numbers, step, &mut answers[..count * values.per_row]);
            let found: &[f32] = bytemuck::cast_slice(&answers);
            for at in 0..count {
                let step = values.per_row * S::F32_LANES;
                self.answers.row(query + at).copy_from_slice(&found[at * step..][..depth]);
            }
        }
    }
}

/// Registers side by side and rows under each other whose sums are held at once: 12, and 3 to compute with, are what a
/// machine of 16 has.
const SIDE: usize = 2;
const TILE: usize = 6;

/// A matrix `[inner, columns]` in panels of [`SIDE`] registers' columns, each row after row; the last is filled with zeros.
struct Panels<S: Simd> {
    numbers: Vec<S::f32s>,
    inner: usize,
    /// Registers of a row of the product.
    per_row: usize,
}

impl<S: Simd> Panels<S> {
    #[inline(always)]
    fn new(simd: S, source: &[f32], at: Steps, [inner, columns]: [usize; 2]) -> Self {
        let width = SIDE * S::F32_LANES;
        let panels = columns.div_ceil(width);
        let mut numbers = vec![simd.splat_f32s(0.0); panels * inner * SIDE];
        let places: &mut [f32] = bytemuck::cast_slice_mut(&mut numbers);
        for (panel, places) in places.chunks_exact_mut(inner * width).enumerate() {
            let first = panel * width;
            let count = width.min(columns - first);
            let source = &source[at.at + first * at.column..];
            if at.column == 1 {
                for (row, places) in places.chunks_exact_mut(width).enumerate() {
                    places[..count].copy_from_slice(&source[row * at.row..][..count]);
                }
                continue;
            }
            // Read from front to back: what is far apart is written.
            for column in 0..count {
                let numbers = source[column * at.column..].iter().step_by(at.row).take(inner);
                for (places, number) in places.chunks_exact_mut(width).zip(numbers) {
                    places[column] = *number;
                }
            }
        }
        Self { numbers, inner, per_row: panels * SIDE }
    }

    /// The product of rows that begin every `step` numbers of `rows` with this matrix, into the rows of `product`.
    #[inline(always)]
    fn product(&self, simd: S, rows: &[f32], step: usize, product: &mut [S::f32s]) {
        let count = product.len() / self.per_row;
        for (panel, numbers) in self.numbers.chunks_exact(self.inner * SIDE).enumerate() {
            for first in (0..count).step_by(TILE) {
                let rows = (&rows[first * step..], step);
                let product = &mut product[first * self.per_row + panel * SIDE..];
                match count - first {
                    1 => self.tile::<1>(simd, rows, numbers, product),
                    2 => self.tile::<2>(simd, rows, numbers, product),
                    3 => self.tile::<3>(simd, rows, numbers, product),
                    4 => self.tile::<4>(simd, rows, numbers, product),
                    5 => self.tile::<5>(simd, rows, numbers, product),
                    _ => self.tile::<TILE>(simd, rows, numbers, product),
                }
            }
        }
    }

    #[inline(always)]
    fn tile<const M: usize>(&self, simd: S, (rows, step): (&[f32], usize), panel: &[S::f32s], product: &mut [S::f32s]) {
        let rows: [&[f32]; M] = std::array::from_fn(|row| &rows[row * step..][..self.inner]);
        let mut sums = [[simd.splat_f32s(0.0); SIDE]; M];
        for (at, numbers) in panel.as_chunks::<SIDE>().0.iter().enumerate().take(self.inner) {
            for (sums, row) in sums.iter_mut().zip(rows) {
                let factor = simd.splat_f32s(row[at]);
                for (sum, number) in sums.iter_mut().zip(numbers) {
                    *sum = simd.mul_add_e_f32s(factor, *number, *sum);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            product[row * self.per_row..][..SIDE].copy_from_slice(sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device};

    use super::super::testing::check_near;
    use super::*;

    #[test]
    fn attention_is_that_of_the_formula() {
        let cases = [
            (2, 5, 3, 4, false),
            (1, 300, 2, 8, false),
            (2, 7, 2, 4, true),
            (1, 50, 2, 64, false),
            (1, 130, 1, 80, true),
        ];
        // Scores of up to 80 products, by pairs to 2⁻¹⁶ of each.
        const MOST: f32 = 1e-4;
        for (n, tokens, heads, depth, is_causal) in cases {
            let qkv = Tensor::randn(0_f32, 1.0, (n, tokens, 3 * heads * depth), &Device::Cpu).unwrap();
            let parts = qkv.reshape((n, tokens, 3, heads, depth)).unwrap().permute((2, 0, 3, 1, 4)).unwrap();
            let part = |i: usize| parts.get(i).unwrap().contiguous().unwrap();
            let scores = part(0).matmul(&part(1).t().unwrap()).unwrap() / (depth as f64).sqrt();
            let hidden = |i: usize, j: usize| if is_causal && j > i { f32::NEG_INFINITY } else { 0.0 };
            let mask: Vec<f32> = (0..tokens * tokens).map(|at| hidden(at / tokens, at % tokens)).collect();
            let mask = Tensor::from_vec(mask, (tokens, tokens), &Device::Cpu).unwrap();
            let weights = candle_nn::ops::softmax(&scores.unwrap().broadcast_add(&mask).unwrap(), D::Minus1).unwrap();
            let mixed = weights.matmul(&part(2)).unwrap().transpose(1, 2).unwrap();
            let expected = mixed.reshape((n, tokens, heads * depth)).unwrap();
            check_near(&attention(&qkv, heads, is_causal).unwrap(), &expected, MOST);
            if !is_causal {
                let numbers: Vec<f32> = qkv.flatten_all().unwrap().to_vec1().unwrap();
                let mut first = vec![0.0; n * heads * depth];
                Attention { heads, is_causal }.run(&numbers, &mut first, [n, 1, heads * depth]);
                let first = Tensor::from_vec(first, (n, 1, heads * depth), &Device::Cpu).unwrap();
                check_near(&first, &expected.narrow(1, 0, 1).unwrap(), MOST);
            }
        }
    }
}
