//! Convolutions over all channels. In: maps with the channels last, contiguous f32 on the CPU. Out: the same. Must never
//! know a model.
//!
//! The channels of one place lie side by side, so what a kernel sees is a few runs to copy, and a convolution of one place
//! is a plain product. Bands of places are computed by one thread each, while they are in its cache.

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::depthwise::Map;
use super::ops::{BiasedRows, numbers, relu, widest};
use super::products::{Steps, product};

/// One kernel over all channels with a bias, padded so that a stride of 1 keeps the grid.
pub(super) struct Convolution {
    /// `[side * side * inputs, outputs]`
    kernel: Tensor,
    bias: Tensor,
    side: usize,
    stride: usize,
}

/// What comes after a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    Relu,
}

impl Convolution {
    /// Of a kernel `[outputs, inputs, side, side]`, side odd, and a bias `[outputs]`.
    pub fn new(kernel: &Tensor, bias: &Tensor, stride: usize) -> Result<Self> {
        let (outputs, inputs, side, _) = kernel.dims4()?;
        let kernel = kernel.permute((2, 3, 1, 0))?.reshape((side * side * inputs, outputs))?.contiguous()?;
        Ok(Self { kernel, bias: bias.contiguous()?, side, stride })
    }

    /// The map after the convolution.
    pub fn forward(&self, map: &Map, after: After) -> Result<Map> {
        let grid = Grid { rows: map.rows, columns: map.columns };
        let op = Op { grid, side: self.side, stride: self.stride, after };
        let Grid { rows, columns } = op.outputs();
        Ok(Map { features: map.features.apply_op3_no_bwd(&self.kernel, &self.bias, &op)?, rows, columns })
    }
}

/// The means of two by two places, as torch's AvgPool2d(2): an odd last row or column is left out. A grid of one row or
/// column, which torch refuses, keeps it.
pub(super) fn halved(map: &Map) -> Result<Map> {
    let halving = Halving(Grid { rows: map.rows, columns: map.columns });
    let Grid { rows, columns } = halving.outputs();
    Ok(Map { features: map.features.apply_op1_no_bwd(&halving)?, rows, columns })
}

/// Rows and columns of places.
#[derive(Debug, Clone, Copy)]
struct Grid {
    rows: usize,
    columns: usize,
}

impl Grid {
    fn places(self) -> usize {
        self.rows * self.columns
    }
}

struct Op {
    grid: Grid,
    side: usize,
    stride: usize,
    after: After,
}

/// What a convolution is computed from: the maps of a batch, `[n * places, channels]`, and the weights.
struct Given<'a> {
    x: &'a [f32],
    channels: usize,
    kernel: &'a [f32],
    bias: &'a [f32],
}

/// Places that one thread takes at a time: enough for a product to be quick, few enough for what they see to stay in the
/// cache.
const PLACES: usize = 256;

impl Op {
    fn outputs(&self) -> Grid {
        Grid { rows: self.grid.rows.div_ceil(self.stride), columns: self.grid.columns.div_ceil(self.stride) }
    }

    /// A band of outputs that begins at place `first` of the batch.
    fn band(&self, given: &Given<'_>, first: usize, band: &mut [f32]) {
        let Given { x, channels, kernel, bias } = *given;
        let (outputs, seen) = (bias.len(), self.side * self.side * channels);
        let count = band.len() / outputs;
        let rows = |at| Steps { at, row: seen, column: 1 };
        let weights = Steps { at: 0, row: outputs, column: 1 };
        if self.side == 1 && self.stride == 1 {
            product([count, seen, outputs], (band, outputs), (x, rows(first * channels)), (kernel, weights));
        } else {
            let mut patches = vec![0.0; count * seen];
            for (place, patch) in patches.chunks_exact_mut(seen).enumerate() {
                self.patch(given, first + place, patch);
            }
            product([count, seen, outputs], (band, outputs), (&patches, rows(0)), (kernel, weights));
        }
        match self.after {
            After::Relu => widest(BiasedRows { rows: band, bias, then: &relu }),
            After::Nothing => widest(BiasedRows { rows: band, bias, then: &|sum| sum }),
        }
    }

    /// What the kernel sees at a place of the batch; what lies beyond the border stays 0.
    fn patch(&self, &Given { x, channels, .. }: &Given<'_>, place: usize, patch: &mut [f32]) {
        let (outputs, Grid { rows, columns }) = (self.outputs(), self.grid);
        let (picture, place) = (place / outputs.places(), place % outputs.places());
        let picture = &x[picture * self.grid.places() * channels..][..self.grid.places() * channels];
        let (top, left) = (place / outputs.columns * self.stride, place % outputs.columns * self.stride);
        let margin = self.side / 2;
        // The columns that are inside are one run.
        let (from, to) = (left.saturating_sub(margin), (left + self.side - margin).min(columns));
        let (run, skipped) = ((to - from) * channels, (from + margin - left) * channels);
        for line in 0..self.side {
            let Some(y) = (top + line).checked_sub(margin).filter(|y| *y < rows) else { continue };
            let seen = &mut patch[line * self.side * channels + skipped..][..run];
            seen.copy_from_slice(&picture[(y * columns + from) * channels..][..run]);
        }
    }
}

impl CustomOp3 for Op {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_at: &Layout,
        kernel: &CpuStorage,
        kernel_at: &Layout,
        bias: &CpuStorage,
        bias_at: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((n, places, channels), (seen, outputs)) = (x_at.shape().dims3()?, kernel_at.shape().dims2()?);
        let fits = places == self.grid.places() && seen == self.side * self.side * channels;
        if !fits || n * places * channels * outputs == 0 || bias_at.shape().dims1()? != outputs {
            bail!("a map of {places} places and {channels} channels does not fit a kernel [{seen}, {outputs}]");
        }
        let (kernel, bias) = (numbers(kernel, kernel_at)?, numbers(bias, bias_at)?);
        let given = Given { x: numbers(x, x_at)?, channels, kernel, bias };
        let total = n * self.outputs().places();
        let band = total.div_ceil(rayon::current_num_threads()).clamp(1, PLACES);
        let mut features = vec![0.0_f32; total * outputs];
        features.par_chunks_mut(band * outputs).enumerate().for_each(|(at, features)| {
            self.band(&given, at * band, features);
        });
        Ok((CpuStorage::F32(features), Shape::from((n, self.outputs().places(), outputs))))
    }
}

struct Halving(Grid);

impl Halving {
    fn outputs(&self) -> Grid {
        Grid { rows: (self.0.rows / 2).max(1), columns: (self.0.columns / 2).max(1) }
    }
}

impl CustomOp1 for Halving {
    fn name(&self) -> &'static str {
        "halving"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, places, channels) = x_at.shape().dims3()?;
        let (Grid { rows, columns }, outputs) = (self.0, self.outputs());
        if places != self.0.places() || n * places * channels == 0 {
            bail!("a map of {places} places is no grid of {rows} by {columns}");
        }
        let x = numbers(x, x_at)?;
        let (down, across) = (rows.min(2), columns.min(2));
        let mut means = vec![0.0_f32; n * outputs.places() * channels];
        means.par_chunks_mut(outputs.columns * channels).enumerate().for_each(|(line, means)| {
            let (picture, top) = (line / outputs.rows, line % outputs.rows * 2);
            for (left, mean) in means.chunks_exact_mut(channels).enumerate() {
                for at in 0..down * across {
                    let (y, x_at) = (top + at / across, 2 * left + at % across);
                    let place = &x[((picture * rows + y) * columns + x_at) * channels..][..channels];
                    mean.iter_mut().zip(place).for_each(|(mean, x)| *mean += x);
                }
                mean.iter_mut().for_each(|mean| *mean /= (down * across) as f32);
            }
        });
        Ok((CpuStorage::F32(means), Shape::from((n, outputs.places(), channels))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::random;
    use super::*;

    fn map_of(pictures: &Tensor) -> Map {
        let (_, _, rows, columns) = pictures.dims4().unwrap();
        let features = pictures.flatten_from(2).unwrap().transpose(1, 2).unwrap().contiguous().unwrap();
        Map { features, rows, columns }
    }

    #[track_caller]
    fn check_same(found: &Map, expected: &Tensor) {
        let (n, channels, rows, columns) = expected.dims4().unwrap();
        assert_eq!((found.rows, found.columns), (rows, columns));
        let found = found.features.transpose(1, 2).unwrap().reshape((n, channels, rows, columns)).unwrap();
        let worst = (found - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(worst < 1e-4, "{worst}");
    }

    #[track_caller]
    fn check(side: usize, stride: usize, (inputs, outputs): (usize, usize), (rows, columns): (usize, usize)) {
        let (pictures, kernel) = (random(&[3, inputs, rows, columns]), random(&[outputs, inputs, side, side]));
        let bias = random(&[outputs]);
        let expected = pictures.conv2d(&kernel, side / 2, stride, 1, 1).unwrap();
        let expected = expected.broadcast_add(&bias.reshape((1, outputs, 1, 1)).unwrap()).unwrap();
        let convolution = Convolution::new(&kernel, &bias, stride).unwrap();
        check_same(&convolution.forward(&map_of(&pictures), After::Nothing).unwrap(), &expected);
        check_same(&convolution.forward(&map_of(&pictures), After::Relu).unwrap(), &expected.relu().unwrap());
    }

    #[test]
    fn it_is_a_convolution() {
        check(3, 1, (5, 4), (6, 4));
        check(1, 1, (3, 7), (20, 18));
        check(3, 2, (3, 8), (8, 6));
        check(3, 2, (3, 8), (7, 9));
        check(7, 2, (2, 3), (9, 11));
        check(3, 1, (4, 2), (1, 1));
        check(7, 1, (2, 2), (2, 3));
        check(1, 2, (4, 2), (5, 4));
    }

    #[test]
    fn halves_are_means() {
        for (rows, columns) in [(4, 6), (5, 7), (2, 2)] {
            let pictures = random(&[2, 3, rows, columns]);
            check_same(&halved(&map_of(&pictures)).unwrap(), &pictures.avg_pool2d(2).unwrap());
        }
    }

    #[test]
    fn one_row_stays() {
        let pictures = random(&[1, 3, 1, 4]);
        check_same(&halved(&map_of(&pictures)).unwrap(), &pictures.avg_pool2d((1, 2)).unwrap());
    }

    #[test]
    fn a_map_of_other_channels_is_refused() {
        let convolution = Convolution::new(&random(&[2, 3, 3, 3]), &random(&[2]), 1).unwrap();
        assert!(convolution.forward(&map_of(&random(&[1, 4, 5, 5])), After::Relu).is_err());
    }
}
