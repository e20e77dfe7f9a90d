//! Which patches show the part, which the table under it. In: raw features of one layer. Out: a flag a patch. After
//! AnomalyDINO (Damm et al. 2025, section 3.3): the first principal component of a picture's features tells them apart.

/// Steps of the power iteration: the first component stands out where there is a background at all.
const STEPS: usize = 50;
/// Whether each of `rows × columns` patches shows the part. The border between both is Otsu's (1979) where AnomalyDINO has
/// the constant 10, which fits DINOv2 alone; which side is the part is seen from the rim where it counts the middle alone.
pub fn foreground(features: &[f32], (rows, columns, dim): (usize, usize, usize)) -> Vec<bool> {
    let component = first_component(features, dim);
    let threshold = otsu(&component);
    let above: Vec<bool> = component.iter().map(|value| *value > threshold).collect();
    let middle = |at: &usize| {
        let inside = |at: usize, len: usize| (at as f64 + 0.5) / len as f64;
        let is_middle = |at: f64| (0.2..=0.8).contains(&at);
        is_middle(inside(at / columns, rows)) && is_middle(inside(at % columns, columns))
    };
    let share = |is_wanted: &dyn Fn(&usize) -> bool| {
        let places: Vec<usize> = (0..rows * columns).filter(is_wanted).collect();
        places.iter().filter(|at| above[**at]).count() as f64 / places.len().max(1) as f64
    };
    // A component's sign is arbitrary: the part is the side that fills more of the middle than of the rim.
    let is_flipped = share(&middle) < share(&|at| !middle(at));
    let is_part: Vec<bool> = above.iter().map(|is_above| *is_above != is_flipped).collect();
    let dilated = spread(&spread(&is_part, (rows, columns), true), (rows, columns), true);
    spread(&dilated, (rows, columns), false)
}

/// The first principal component of every feature, by power iteration on the covariance, which is never made.
fn first_component(features: &[f32], dim: usize) -> Vec<f64> {
    let rows: Vec<&[f32]> = features.chunks_exact(dim.max(1)).collect();
    let mut mean = vec![0.0; dim];
    for row in &rows {
        mean.iter_mut().zip(*row).for_each(|(sum, value)| *sum += f64::from(*value) / rows.len() as f64);
    }
    let projected = |direction: &[f64]| -> Vec<f64> {
        let product = |row: &&[f32]| -> f64 {
            row.iter().zip(&mean).zip(direction).map(|((value, mean), axis)| (f64::from(*value) - mean) * axis).sum()
        };
        rows.iter().map(product).collect()
    };
    let mut direction: Vec<f64> = (0..dim).map(|at| 1.0 + (at as f64 * 0.7).sin()).collect();
    for _ in 0..STEPS {
        let shares = projected(&direction);
        let mut next = vec![0.0; dim];
        for (row, share) in rows.iter().zip(&shares) {
            for ((sum, value), mean) in next.iter_mut().zip(*row).zip(&mean) {
                *sum += share * (f64::from(*value) - mean);
            }
        }
        let length = next.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length == 0.0 {
            break;
        }
        direction = next.iter().map(|value| value / length).collect();
    }
    projected(&direction)
}

/// The border between two groups that leaves the least variance within them.
fn otsu(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (total, count) = (sorted.iter().sum::<f64>(), sorted.len() as f64);
    let (mut below, mut best) = (0.0, (f64::MIN, 0.0));
    for (at, pair) in sorted.windows(2).enumerate() {
        below += pair[0];
        let n = (at + 1) as f64;
        let between = n * (count - n) * (below / n - (total - below) / (count - n)).powi(2);
        if between > best.0 {
            best = (between, 0.5 * (pair[0] + pair[1]));
        }
    }
    best.1
}

/// Makes every patch `value` that has such a one among its 3 × 3.
fn spread(flags: &[bool], (rows, columns): (usize, usize), value: bool) -> Vec<bool> {
    let has = |at: usize| {
        let (row, column) = (at / columns, at % columns);
        let mut near = (row.saturating_sub(1)..(row + 2).min(rows))
            .flat_map(|row| (column.saturating_sub(1)..(column + 2).min(columns)).map(move |c| row * columns + c));
        near.any(|at| flags[at] == value)
    };
    (0..rows * columns).map(|at| if has(at) { value } else { !value }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::noise;
    use super::*;

    #[test]
    fn a_part_in_the_middle_is_told_from_the_table() {
        let is_part = |at: usize| (3..8).contains(&(at / 12)) && (3..9).contains(&(at % 12));
        for sign in [1.0, -1.0] {
            let mut random = noise(7);
            let feature = |at| (0..5).map(move |_| if is_part(at) { sign } else { -sign });
            let features: Vec<f32> =
                (0..11 * 12).flat_map(feature).map(|value| value + 0.2 * random.next().unwrap()).collect();
            let found = foreground(&features, (11, 12, 5));
            assert!((0..11 * 12).filter(|at| is_part(*at)).all(|at| found[at]), "sign {sign}");
            let wrong = (0..11 * 12).filter(|at| found[*at] && !is_part(*at)).count();
            // The rim that dilation adds, and no more.
            assert!(wrong <= 26, "{wrong}");
            assert!(!found[0] && !found[131]);
        }
    }

    #[test]
    fn a_flat_picture_is_all_part_or_none_and_never_fails() {
        let found = foreground(&[1.0; 4 * 4 * 3], (4, 4, 3));
        assert!(found.iter().all(|flag| *flag == found[0]));
        assert_eq!(foreground(&[1.0, 2.0], (1, 1, 2)).len(), 1);
    }
}
