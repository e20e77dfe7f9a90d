//! Features in a space of fewer numbers in which distances stay nearly as they were (Johnson and Lindenstrauss 1984). In and
//! out: rows.

use candle_core::{Device, Tensor};

/// `rows × dim` as `rows × count`, always in the same random directions.
///
/// # Errors
/// candle's.
pub(super) fn random_projection(values: &Tensor, count: usize) -> candle_core::Result<Tensor> {
    let dim = values.dim(1)?;
    let scale = (3.0 / count as f32).sqrt();
    let numbers: Vec<f32> = noise().take(dim * count).map(|value| value * scale).collect();
    values.matmul(&Tensor::from_vec(numbers, (dim, count), &Device::Cpu)?)
}

/// Numbers between −1 and 1 that look random and are always the same.
fn noise() -> impl Iterator<Item = f32> {
    // Knuth's linear congruential generator (MMIX).
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(1_u64), next).skip(1).map(|x| (x >> 40) as f32 / (1 << 23) as f32 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::unit_noise;
    use super::*;

    #[test]
    fn distances_stay_nearly_as_they_were() {
        let dim = 600;
        let part = unit_noise(0, (4, 4, dim), 1);
        let rows = Tensor::from_vec(part.values, (16, dim), &Device::Cpu).unwrap();
        let distance = |rows: &Tensor| {
            let rows = rows.to_vec2::<f32>().unwrap();
            rows[0].iter().zip(&rows[9]).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
        };
        let projected = random_projection(&rows, 256).unwrap();
        let ratio = distance(&projected) / distance(&rows);
        assert!((ratio - 1.0).abs() < 0.15, "{ratio}");
    }
}
