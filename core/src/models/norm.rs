//! Layer norm. In: rows of f32. Out: the same. Must never know a tensor or a model.

use rayon::prelude::*;

use super::ops::{Loop, in_lanes, widest};

/// Brings each row to a mean of 0 and a variance of 1, then to what was learnt for each of its numbers (Ba, Kiros & Hinton
/// 2016, equation 4).
pub(super) struct Norm {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
    pub epsilon: f32,
}

/// Rows that one thread takes at a time: enough work to be worth a thread.
const ROWS: usize = 16;

impl Norm {
    /// The rows of `x`, each as long as the scale, into `y`.
    pub fn run(&self, x: &[f32], y: &mut [f32]) {
        let part = ROWS * self.scale.len();
        x.par_chunks(part).zip(y.par_chunks_mut(part)).for_each(|(x, y)| widest(Rows { norm: self, x, y }));
    }
}

struct Rows<'a> {
    norm: &'a Norm,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loop for Rows<'_> {
    #[inline(always)]
    fn run(self) {
        let Norm { scale, shift, epsilon } = self.norm;
        let (width, part) = (scale.len(), 1.0 / scale.len() as f32);
        for (x, y) in self.x.chunks_exact(width).zip(self.y.chunks_exact_mut(width)) {
            let mean = in_lanes(x, 0.0, |sum, x| sum + x) * part;
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x - mean);
            // The second time over what is left: squares of the numbers themselves would lose a small variance beside a
            // large mean.
            let variance = in_lanes_of_squares(y) * part;
            let factor = 1.0 / (variance + epsilon).sqrt();
            for ((y, scale), shift) in y.iter_mut().zip(scale).zip(shift) {
                *y = *y * factor * scale + shift;
            }
        }
    }
}

#[inline(always)]
fn in_lanes_of_squares(row: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    let (wholes, rest) = row.as_chunks::<16>();
    for whole in wholes {
        lanes.iter_mut().zip(whole).for_each(|(lane, x)| *lane += x * x);
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use candle_core::Tensor;
    use candle_nn::{LayerNorm, Module};

    use super::super::testing::{check_near, random};
    use super::*;

    fn numbers(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_norm_is_that_of_candle() {
        for (rows, width) in [(1, 4), (3, 7), (50, 96)] {
            let (x, scale, shift) = (random(&[rows, width]), random(&[width]), random(&[width]));
            let norm = Norm { scale: numbers(&scale), shift: numbers(&shift), epsilon: 1e-5 };
            let mut y = vec![0.0; rows * width];
            norm.run(&numbers(&x), &mut y);
            let expected = LayerNorm::new(scale, shift, 1e-5).forward(&x).unwrap();
            check_near(&Tensor::from_vec(y, (rows, width), x.device()).unwrap(), &expected, 1e-5);
        }
    }

    #[test]
    fn a_small_variance_beside_a_large_mean_is_not_lost() {
        let norm = Norm { scale: vec![1.0; 2], shift: vec![0.0; 2], epsilon: 1e-12 };
        let mut y = [0.0; 2];
        norm.run(&[1000.0, 1000.5], &mut y);
        assert!((y[0] + 1.0).abs() < 1e-4 && (y[1] - 1.0).abs() < 1e-4, "{y:?}");
    }

    #[test]
    fn what_is_no_number_shows() {
        let norm = Norm { scale: vec![1.0; 2], shift: vec![0.0; 2], epsilon: 1e-5 };
        let mut y = [0.0; 2];
        norm.run(&[1.0, f32::NAN], &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    }
}
