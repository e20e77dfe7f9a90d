//! Position tables for other grids than the one they were learnt for. In: a table, its grid and another grid. Out: the
//! table of that grid. Must never know what the positions are added to.

use candle_core::{Device, Tensor};

use crate::error::Result;

/// The two bicubic resamplings of torch, both with align_corners = False.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resampling {
    /// `interpolate(mode="bicubic")`: a = -0.75, four neighbours, whatever the scale. CLIP and DINOv2 in transformers.
    Plain,
    /// `interpolate(mode="bicubic", antialias=True)`: a = -0.5, as many neighbours as the scale asks for. DINOv2 with
    /// registers in transformers.
    Antialiased,
}

/// The table `[rows * columns, width]` of grid `from` for grid `to`.
pub(super) fn resampled(
    table: &Tensor,
    from: (usize, usize),
    to: (usize, usize),
    resampling: Resampling,
) -> Result<Tensor> {
    let width = table.dim(1)?;
    let down = table.reshape((from.0, from.1 * width))?;
    let down = mixing(from.0, to.0, resampling)?.matmul(&down)?.reshape((to.0, from.1, width))?;
    let across = mixing(from.1, to.1, resampling)?.broadcast_left(to.0)?.contiguous()?;
    Ok(across.matmul(&down)?.reshape((to.0 * to.1, width))?)
}

/// The matrix [to, from] that resamples one axis.
fn mixing(from: usize, to: usize, resampling: Resampling) -> Result<Tensor> {
    let mut matrix = vec![0.0_f32; to * from];
    let scale = from as f64 / to as f64;
    for (at, row) in matrix.chunks_exact_mut(from.max(1)).enumerate() {
        let centre = (at as f64 + 0.5) * scale;
        match resampling {
            Resampling::Plain => plain(row, centre - 0.5),
            Resampling::Antialiased => antialiased(row, centre, scale.max(1.0)),
        }
    }
    Ok(Tensor::from_vec(matrix, (to, from), &Device::Cpu)?)
}

/// Four neighbours of `at`; beyond the border the last one counts again.
fn plain(row: &mut [f32], at: f64) {
    let first = at.floor() as i64 - 1;
    for neighbour in first..first + 4 {
        let inside = neighbour.clamp(0, row.len() as i64 - 1) as usize;
        row[inside] += cubic(at - neighbour as f64, -0.75) as f32;
    }
}

/// All neighbours within two widened steps of `centre`; beyond the border there are none.
fn antialiased(row: &mut [f32], centre: f64, widening: f64) {
    let support = 2.0 * widening;
    let first = ((centre - support + 0.5) as i64).max(0) as usize;
    let end = ((centre + support + 0.5) as i64).clamp(0, row.len() as i64) as usize;
    let weight = |neighbour: usize| cubic((neighbour as f64 - centre + 0.5) / widening, -0.5);
    let sum: f64 = (first..end).map(weight).sum();
    (first..end).for_each(|neighbour| row[neighbour] = (weight(neighbour) / sum) as f32);
}

/// The cubic convolution kernel (Keys 1981, eq. 4, with its free parameter a).
fn cubic(x: f64, a: f64) -> f64 {
    match x.abs() {
        x if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * a,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_flat_table_stays_flat(from in 1_usize..9, rows in 1_usize..20, columns in 1_usize..20) {
            let table = Tensor::ones((from * from, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
            for resampling in [Resampling::Plain, Resampling::Antialiased] {
                let other = resampled(&table, (from, from), (rows, columns), resampling).unwrap();
                let numbers: Vec<f32> = other.flatten_all().unwrap().to_vec1().unwrap();
                prop_assert_eq!(numbers.len(), rows * columns * 3);
                prop_assert!(numbers.iter().all(|x| (x - 1.0).abs() < 1e-5));
            }
        }
    }
}
