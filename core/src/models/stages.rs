//! Stages of a convolutional tower as features of patches. In: maps, the finest first. Out: one feature a place of the
//! finest grid. Must never know which tower or which stages they are.

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result as CandleResult, Shape, Tensor, bail};
use rayon::prelude::*;

use super::depthwise::Map;
use super::ops::numbers;
use crate::error::{Error, Result};

/// No picture has more numbers: half a gigabyte, of which a few copies are held for a moment.
const MAX_NUMBERS: usize = 1 << 27;

/// How long the features of each stage are when they are joined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lengths {
    /// All of length 1, so that no stage outweighs the others.
    One,
    /// As the stage gives them.
    Kept,
}

/// The stages brought to the grid of the first (bilinear), averaged over 3 × 3 places and joined:
/// `[n, rows * columns, Σ channels]` (after the locally aware patch features of PatchCore, Roth et al. 2022, section 3.1,
/// which average first and scale nothing).
pub(super) fn joined(stages: &[Map], lengths: Lengths) -> Result<Tensor> {
    let Some(&Map { rows, columns, .. }) = stages.first() else {
        return Err(candle_core::Error::Msg("no stage to join".into()).into());
    };
    let channels: usize = stages.iter().map(|stage| stage.features.dim(D::Minus1)).sum::<CandleResult<usize>>()?;
    if rows * columns * channels > MAX_NUMBERS {
        return Err(Error::bad_request(
            format!("features of {columns} × {rows} patches take more memory than Sightline allows itself"),
            "choose a smaller size",
        ));
    }
    let mut parts = Vec::with_capacity(stages.len());
    for stage in stages {
        let features =
            stage.features.apply_op1_no_bwd(&Resize { from: (stage.rows, stage.columns), to: (rows, columns) })?;
        let features = match lengths {
            Lengths::Kept => features,
            Lengths::One => {
                // As torch's normalize: a feature of nothing stays nothing.
                let length = features.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?.maximum(1e-12)?;
                features.broadcast_div(&length)?
            }
        };
        parts.push(features.apply_op1_no_bwd(&Neighbours { rows, columns })?);
    }
    Ok(Tensor::cat(&parts, D::Minus1)?)
}

/// torch's `interpolate(mode="bilinear", align_corners=False)`.
struct Resize {
    from: (usize, usize),
    to: (usize, usize),
}

/// The two places that are mixed into place `at`, and the share of the second.
fn between(at: usize, from: usize, to: usize) -> (usize, usize, f32) {
    let place = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).max(0.0);
    let first = (place as usize).min(from - 1);
    (first, (first + 1).min(from - 1), place - first as f32)
}

impl CustomOp1 for Resize {
    fn name(&self) -> &'static str {
        "resize"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let ((n, places, channels), (rows, columns)) = (x_at.shape().dims3()?, self.to);
        if places != self.from.0 * self.from.1 || n * places * channels * rows * columns == 0 {
            bail!("a map of {places} places is no grid of {:?}", self.from);
        }
        let x = numbers(x, x_at)?;
        let mut resized = vec![0.0_f32; n * rows * columns * channels];
        resized.par_chunks_mut(columns * channels).enumerate().for_each(|(line, row)| {
            let picture = &x[line / rows * places * channels..][..places * channels];
            let (top, bottom, down) = between(line % rows, self.from.0, rows);
            for (column, feature) in row.chunks_exact_mut(channels).enumerate() {
                let (left, right, across) = between(column, self.from.1, columns);
                let corners = [
                    (top, left, (1.0 - down) * (1.0 - across)),
                    (top, right, (1.0 - down) * across),
                    (bottom, left, down * (1.0 - across)),
                    (bottom, right, down * across),
                ];
                for (y, x, share) in corners {
                    let place = &picture[(y * self.from.1 + x) * channels..][..channels];
                    feature.iter_mut().zip(place).for_each(|(sum, value)| *sum += share * value);
                }
            }
        });
        Ok((CpuStorage::F32(resized), Shape::from((n, rows * columns, channels))))
    }
}

/// The mean of each place and its neighbours; at the border there are fewer.
struct Neighbours {
    rows: usize,
    columns: usize,
}

impl CustomOp1 for Neighbours {
    fn name(&self) -> &'static str {
        "neighbours"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let ((n, places, channels), &Self { rows, columns }) = (x_at.shape().dims3()?, self);
        if places != rows * columns || n * places * channels == 0 {
            bail!("a map of {places} places is no grid of {rows} by {columns}");
        }
        let x = numbers(x, x_at)?;
        let around = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
        let mut means = vec![0.0_f32; x.len()];
        means.par_chunks_mut(columns * channels).enumerate().for_each(|(line, row)| {
            let picture = &x[line / rows * places * channels..][..places * channels];
            for (column, mean) in row.chunks_exact_mut(channels).enumerate() {
                let (down, across) = (around(line % rows, rows), around(column, columns));
                let share = 1.0 / (down.len() * across.len()) as f32;
                for (y, x) in down.flat_map(|y| across.clone().map(move |x| (y, x))) {
                    let place = &picture[(y * columns + x) * channels..][..channels];
                    mean.iter_mut().zip(place).for_each(|(mean, value)| *mean += share * value);
                }
            }
        });
        Ok((CpuStorage::F32(means), Shape::from((n, places, channels))))
    }
}
