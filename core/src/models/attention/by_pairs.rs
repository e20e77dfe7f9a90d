//! A head's answers where products of pairs are fast. In: queries, keys and values. Out: answers. Must never know a model.

use super::Head;
use crate::models::ops::{Loop, softmax, widest};
use crate::models::pairs::{PANEL, Paired, PairedWeight};
use crate::models::products::{Blocks, Held};

/// Queries at most that are answered at a time: four tiles of them, whose scores over a photo's keys stay in the cache.
const QUERIES: usize = 64;

impl Head<'_> {
    pub(super) fn answer_by_pairs(mut self) {
        let (asking, row) = (self.answers.rows(), 3 * self.width);
        let part = |which: usize| -> Vec<&[f32]> {
            let first = which * self.width + self.first;
            self.qkv.chunks_exact(row).map(|token| &token[first..first + self.depth]).collect()
        };
        let (keys, values) =
            (PairedWeight::of_outputs(&part(1), self.depth), PairedWeight::of_inputs(&part(2), self.depth));
        let width = keys.panels() * PANEL;
        // Each time as many: the last few would have tiles of their own.
        let together = asking.div_ceil(asking.div_ceil(QUERIES));
        let mut scores = vec![0.0; together * width];
        for first in (0..asking).step_by(together) {
            let count = together.min(asking - first);
            let scores = &mut scores[..count * width];
            let queries = Paired::of_some(&self.qkv[first * row + self.first..], row, [count, self.depth]);
            let blocks = Blocks::new(scores, width);
            for panel in 0..keys.panels() {
                // SAFETY: each panel has columns of its own.
                let mut block = unsafe { blocks.block(0..count, panel * PANEL..(panel + 1) * PANEL) };
                keys.product(&mut block, queries.from(0), panel, Held::Replaced);
            }
            widest(Weighing { scores, width, first, head: &self });
            let weights = Paired::of_some(scores, width, [count, self.tokens()]);
            self.mix(first, &weights, &values, count);
        }
    }

    /// The answers of `count` queries from `first` on, which weigh the values so.
    fn mix(&mut self, first: usize, weights: &Paired, values: &PairedWeight, count: usize) {
        for panel in 0..values.panels() {
            let columns = panel * PANEL..self.depth.min((panel + 1) * PANEL);
            values.product(
                &mut self.answers.part(first..first + count, columns),
                weights.from(0),
                panel,
                Held::Replaced,
            );
        }
    }
}

/// Scores of queries from `first` on, `width` a row, become the weights of what each sees.
struct Weighing<'a, 'b> {
    scores: &'a mut [f32],
    width: usize,
    first: usize,
    head: &'a Head<'b>,
}

impl Loop for Weighing<'_, '_> {
    #[inline(always)]
    fn run(self) {
        let scale = 1.0 / (self.head.depth as f32).sqrt();
        for (at, scores) in self.scores.chunks_exact_mut(self.width).enumerate() {
            let (scores, hidden) = scores.split_at_mut(self.head.seen(self.first + at));
            softmax(scores, scale);
            hidden.fill(0.0);
        }
    }
}
