//! Convolutions of one channel each. In: maps with the channels last, contiguous f32 on the CPU. Out: the same. Must never
//! know a model.
//!
//! candle computes such a convolution as one matrix product for every channel, which for hundreds of channels takes
//! longer than the rest of a model together.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::ops::numbers;

/// Features on a grid, the channels last.
pub(super) struct Map {
    /// `[n, rows * columns, channels]`
    pub features: Tensor,
    pub rows: usize,
    pub columns: usize,
}

/// One kernel for each output channel, over one input channel; padded so that a stride of 1 keeps the grid.
pub(super) struct Depthwise {
    /// `[side * side, outputs]`
    kernel: Tensor,
    side: usize,
    stride: usize,
}

impl Depthwise {
    /// Of a kernel `[outputs, 1, side, side]`, side odd.
    pub fn new(kernel: &Tensor, stride: usize) -> Result<Self> {
        let (outputs, _, side, _) = kernel.dims4()?;
        Ok(Self { kernel: kernel.reshape((outputs, side * side))?.t()?.contiguous()?, side, stride })
    }

    /// The map after the convolution; its outputs are a multiple of the channels, which follow one another.
    pub fn forward(&self, map: &Map) -> Result<Map> {
        let op = Op { rows: map.rows, columns: map.columns, side: self.side, stride: self.stride };
        let (rows, columns) = op.grid();
        Ok(Map { features: map.features.apply_op2_no_bwd(&self.kernel, &op)?, rows, columns })
    }
}

struct Op {
    rows: usize,
    columns: usize,
    side: usize,
    stride: usize,
}

impl Op {
    fn grid(&self) -> (usize, usize) {
        (self.rows.div_ceil(self.stride), self.columns.div_ceil(self.stride))
    }

    /// Row `y` of the output of one picture: `[columns, outputs]`.
    fn row(&self, picture: &[f32], kernel: &[f32], y: usize, row: &mut [f32]) {
        let channels = picture.len() / (self.rows * self.columns);
        let outputs = kernel.len() / (self.side * self.side);
        for (x, sums) in row.chunks_exact_mut(outputs).enumerate() {
            for tap in 0..self.side * self.side {
                let from = |at: usize, tap: usize, end: usize| {
                    (at * self.stride + tap).checked_sub(self.side / 2).filter(|&from| from < end)
                };
                let (ky, kx) = (tap / self.side, tap % self.side);
                let Some((iy, ix)) = from(y, ky, self.rows).zip(from(x, kx, self.columns)) else { continue };
                let pixel = &picture[(iy * self.columns + ix) * channels..][..channels];
                accumulate(sums, &kernel[tap * outputs..][..outputs], pixel);
            }
        }
    }
}

/// `sums[c] += weights[c] * pixel[c / (sums.len() / pixel.len())]`
fn accumulate(sums: &mut [f32], weights: &[f32], pixel: &[f32]) {
    if sums.len() == pixel.len() {
        sums.iter_mut().zip(weights).zip(pixel).for_each(|((sum, weight), value)| *sum += weight * value);
        return;
    }
    let times = sums.len() / pixel.len();
    for ((sums, weights), value) in sums.chunks_exact_mut(times).zip(weights.chunks_exact(times)).zip(pixel) {
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * value);
    }
}

impl CustomOp2 for Op {
    fn name(&self) -> &'static str {
        "depthwise"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_at: &Layout,
        kernel: &CpuStorage,
        kernel_at: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((n, tokens, channels), (taps, outputs)) = (x_at.shape().dims3()?, kernel_at.shape().dims2()?);
        let fits = tokens == self.rows * self.columns && taps == self.side * self.side;
        if !fits || channels == 0 || outputs == 0 || outputs % channels != 0 {
            bail!("a map of {tokens} places and {channels} channels does not fit {taps} taps of {outputs} outputs")
        }
        let (x, kernel) = (numbers(x, x_at)?, numbers(kernel, kernel_at)?);
        let (rows, columns) = self.grid();
        let mut sums = vec![0.0_f32; n * rows * columns * outputs];
        sums.par_chunks_mut(columns * outputs).enumerate().for_each(|(line, row)| {
            let picture = &x[line / rows * tokens * channels..][..tokens * channels];
            self.row(picture, kernel, line % rows, row);
        });
        Ok((CpuStorage::F32(sums), Shape::from((n, rows * columns, outputs))))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[track_caller]
    fn check(side: usize, stride: usize, channels: usize, times: usize, (rows, columns): (usize, usize)) {
        let random = |shape: &[usize]| Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
        let pictures = random(&[2, channels, rows, columns]);
        let kernel = random(&[channels * times, 1, side, side]);
        let expected = pictures.conv2d(&kernel, side / 2, stride, 1, channels).unwrap();
        let features = pictures.flatten_from(2).unwrap().transpose(1, 2).unwrap().contiguous().unwrap();
        let found = Depthwise::new(&kernel, stride).unwrap().forward(&Map { features, rows, columns }).unwrap();
        let found_features = found.features.transpose(1, 2).unwrap().reshape(expected.shape()).unwrap();
        let worst = (found_features - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(worst < 1e-4, "{worst}");
    }

    #[test]
    fn it_is_a_grouped_convolution() {
        check(3, 1, 5, 1, (6, 4));
        check(7, 1, 3, 1, (5, 8));
        check(3, 2, 4, 1, (8, 6));
        check(7, 2, 4, 2, (8, 7));
        check(3, 1, 4, 2, (1, 1));
    }
}
