//! Sums of products of pairs. In: tiles of rows and a panel of weights. Out: f32. Must never know what the numbers stand for.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;

use bytemuck::{Pod, Zeroable};

use super::{PairedRows, Tile};
use crate::models::tiles::SIDE;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use crate::models::tiles::{Kind, Tiles};

/// Outputs of a panel: four tiles hold their sums.
pub(in crate::models) const PANEL: usize = 64;
/// Inputs of a step: 64 bytes of a row.
pub(super) const INPUTS: usize = 32;
/// Steps of a panel that meet all rows before the next ones do: 32 KB of weights, which stay in the nearest cache meanwhile.
const DEPTH: usize = 4;

/// [`INPUTS`] inputs of up to [`SIDE`] rows.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct RowStep {
    pub high: Tile,
    pub low: Tile,
}

/// [`INPUTS`] inputs of the weights of [`PANEL`] outputs, [`SIDE`] a tile: its rows are two inputs each, those of one output
/// beside each other.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct WeightStep {
    pub high: [Tile; PANEL / SIDE],
    pub low: [Tile; PANEL / SIDE],
}

/// The sums of one row.
pub(super) type Sums = [f32; PANEL];

/// Whether this machine multiplies pairs faster than numbers of 32 bits.
pub(in crate::models) fn is_fast() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return amx::is_there();
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    false
}

/// Gives the sums of all tiles of rows to `then`, with the number of the first row of each. What is most likely read after
/// the panel (`next`) is asked for meanwhile.
pub(super) fn each_sums(
    rows: PairedRows<'_>,
    panel: (&[WeightStep], &[WeightStep]),
    then: &mut dyn FnMut(usize, &[Sums]),
) {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    if amx::is_there() {
        let tiles = Tiles::take(Kind::Bf16, rows.height);
        return each_sums_by(rows, panel, |terms, sums| amx::add(&tiles, terms, sums), then);
    }
    each_sums_by(rows, panel, add_plainly, then);
}

/// What is multiplied at a time: as many steps of a tile of rows and of a panel, the number of the tile, and the weights
/// that are read next.
struct Terms<'a> {
    rows: &'a [RowStep],
    weights: &'a [WeightStep],
    tile: usize,
    next: &'a [WeightStep],
}

fn each_sums_by(
    rows: PairedRows<'_>,
    (weights, next): (&[WeightStep], &[WeightStep]),
    mut add: impl FnMut(Terms<'_>, &mut [Sums]),
    then: &mut dyn FnMut(usize, &[Sums]),
) {
    let per_row = weights.len();
    let mut sums = vec![[0.0; PANEL]; rows.steps.len() / per_row * rows.height];
    for start in (0..per_row).step_by(DEPTH) {
        let end = per_row.min(start + DEPTH);
        let next = if end < per_row { &weights[end..] } else { next };
        for (tile, sums) in sums.chunks_exact_mut(rows.height).enumerate() {
            let rows = &rows.steps[tile * per_row..][start..end];
            add(Terms { rows, weights: &weights[start..end], tile, next }, sums);
        }
    }
    for (tile, sums) in sums.chunks_exact(rows.height).enumerate() {
        then(tile * rows.height, sums);
    }
}

/// What machines without tiles would do, and what those with them are compared with.
fn add_plainly(terms: Terms<'_>, sums: &mut [Sums]) {
    let number = |half: u16| f32::from_bits(u32::from(half) << 16);
    for (rows, weights) in terms.rows.iter().zip(terms.weights) {
        for (row, sums) in sums.iter_mut().enumerate() {
            for (output, sum) in sums.iter_mut().enumerate() {
                let (high, low) = (&weights.high[output / SIDE].0, &weights.low[output / SIDE].0);
                for input in 0..INPUTS {
                    let [x, x_rest] = [rows.high, rows.low].map(|half| number(half.0[row][input]));
                    let [w, w_rest] = [high, low].map(|half| number(half[input / 2][output % SIDE * 2 + input % 2]));
                    *sum += x * w + (x * w_rest + x_rest * w);
                }
            }
        }
    }
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn tiles_give_what_plain_code_gives() {
        if !amx::is_there() {
            return;
        }
        for (height, count, steps) in [(1, 1, 1), (16, 2, 5), (13, 4, 8), (7, 3, 4)] {
            // Small whole numbers: every sum is exact in any order.
            let half = |at: usize| half::bf16::from_f32((at * 7919 % 17) as f32 - 8.0).to_bits();
            let tile =
                |at: usize| Tile(std::array::from_fn(|row| std::array::from_fn(|column| half(at + 31 * row + column))));
            let rows: Vec<RowStep> =
                (0..count * steps).map(|at| RowStep { high: tile(3 * at), low: tile(5 * at + 1) }).collect();
            let panel: Vec<WeightStep> = (0..steps)
                .map(|at| WeightStep {
                    high: std::array::from_fn(|t| tile(at + 7 * t)),
                    low: std::array::from_fn(|t| tile(9 * at + t)),
                })
                .collect();
            let rows = PairedRows { steps: &rows, height };
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            each_sums(rows, (&panel, &[]), &mut |first, sums| found.push((first, sums.to_vec())));
            each_sums_by(rows, (&panel, &[]), add_plainly, &mut |first, sums| expected.push((first, sums.to_vec())));
            assert_eq!(found, expected);
            assert_eq!(found.len(), count);
        }
    }
}
