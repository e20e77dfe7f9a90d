//! Gaussian discriminant analysis with few examples in many dimensions (Wang et al. 2024, "A Hard-to-Beat Baseline for
//! Training-free CLIP-based Adaptation"). In: inner products of examples and their classes. Out: one linear score a class.
//! All in f64; knows no photos.
//!
//! Theirs: Wₖ = P·μₖ and bₖ = −½ μₖᵀPμₖ, with P = d·((N−1)Σ + tr(Σ)·I)⁻¹ and Σ the covariance of the examples around the
//! means of their classes. With X the N centred examples, (N−1)Σ = XᵀX and τ = tr(Σ) = ‖X‖²/(N−1), so by Woodbury
//! P = (d/τ)·(I − Xᵀ(XXᵀ + τI)⁻¹X): one N × N system in place of one of d × d. Everything in it is an inner product of
//! examples, so leaving one out needs no pass over the vectors. Their prior log(1/K) is the same for all and left out.

/// Inner products of all pairs of some vectors.
pub(super) struct Gram {
    count: usize,
    values: Vec<f64>,
}

impl Gram {
    /// Of vectors of one length.
    pub fn of(vectors: &[Vec<f64>]) -> Self {
        let count = vectors.len();
        let mut values = vec![0.0; count * count];
        for i in 0..count {
            for j in 0..=i {
                let product = vectors[i].iter().zip(&vectors[j]).map(|(a, b)| a * b).sum();
                (values[i * count + j], values[j * count + i]) = (product, product);
            }
        }
        Self { count, values }
    }

    /// ⟨xᵢ, xⱼ⟩.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.count + j]
    }
}

/// Which vectors of a [`Gram`] are examples, and of which class each is, from 0.
pub(super) struct Training<'a> {
    pub gram: &'a Gram,
    pub members: &'a [usize],
    pub class_of: &'a [usize],
    /// Length of a vector.
    pub dim: usize,
}

/// The score of a class for x is Σᵢ coefficientᵢ·⟨xᵢ, x⟩ + bias, over the examples in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Score {
    pub coefficients: Vec<f64>,
    pub bias: f64,
}

impl Score {
    /// For vector `x` of the Gram matrix.
    pub fn at(&self, training: &Training<'_>, x: usize) -> f64 {
        let parts = self.coefficients.iter().zip(training.members).map(|(c, member)| c * training.gram.at(*member, x));
        parts.sum::<f64>() + self.bias
    }
}

/// One score for each of `classes` classes, all of which have an example.
///
/// Examples that are all their class's mean have no spread (one example a class): then P is the identity, which is the
/// nearest class mean.
pub(super) fn scores(training: &Training<'_>, classes: usize) -> Vec<Score> {
    let means = Means::of(training, classes);
    let count = training.members.len();
    let class = |i: usize| training.class_of[training.members[i]];
    let mut system = vec![0.0; count * count];
    for i in 0..count {
        for j in 0..count {
            let raw = training.gram.at(training.members[i], training.members[j]);
            let (ci, cj) = (class(i), class(j));
            system[i * count + j] = raw - means.with(i, cj) - means.with(j, ci) + means.between(ci, cj);
        }
    }
    let spread: f64 = (0..count).map(|i| system[i * count + i]).sum();
    let tau = spread / (count.max(2) - 1) as f64;
    // Rounding leaves a little of nothing.
    let has_spread = tau > 1e-12;
    (0..count).for_each(|i| system[i * count + i] += tau);
    let factor = if has_spread { cholesky(system, count) } else { None };
    (0..classes)
        .map(|k| {
            let seen: Vec<f64> = (0..count).map(|i| means.with(i, k) - means.between(class(i), k)).collect();
            let (z, scale) = match &factor {
                Some(factor) => (solve(factor, seen), training.dim as f64 / tau),
                None => (vec![0.0; count], 1.0),
            };
            means.score(training, k, &z, scale)
        })
        .collect()
}

/// Inner products with the means of classes.
struct Means {
    classes: usize,
    sizes: Vec<f64>,
    /// ⟨xᵢ, μₖ⟩ for every example.
    with: Vec<f64>,
    /// ⟨μₖ, μₗ⟩.
    between: Vec<f64>,
}

impl Means {
    fn of(training: &Training<'_>, classes: usize) -> Self {
        let class = |i: usize| training.class_of[training.members[i]];
        let count = training.members.len();
        let mut sizes = vec![0.0; classes];
        (0..count).for_each(|i| sizes[class(i)] += 1.0);
        let mut with = vec![0.0; count * classes];
        for i in 0..count {
            for j in 0..count {
                let product = training.gram.at(training.members[i], training.members[j]);
                with[i * classes + class(j)] += product / sizes[class(j)];
            }
        }
        let mut between = vec![0.0; classes * classes];
        for i in 0..count {
            for k in 0..classes {
                between[class(i) * classes + k] += with[i * classes + k] / sizes[class(i)];
            }
        }
        Self { classes, sizes, with, between }
    }

    fn with(&self, i: usize, class: usize) -> f64 {
        self.with[i * self.classes + class]
    }

    fn between(&self, a: usize, b: usize) -> f64 {
        self.between[a * self.classes + b]
    }

    /// Wₖ = scale·(μₖ − Xᵀz) as a sum of examples, and bₖ = −½⟨Wₖ, μₖ⟩.
    fn score(&self, training: &Training<'_>, k: usize, z: &[f64], scale: f64) -> Score {
        let class = |i: usize| training.class_of[training.members[i]];
        let mut sums = vec![0.0; self.classes];
        z.iter().enumerate().for_each(|(i, z)| sums[class(i)] += z);
        let coefficient = |i: usize| {
            let own = if class(i) == k { 1.0 / self.sizes[k] } else { 0.0 };
            scale * (own - z[i] + sums[class(i)] / self.sizes[class(i)])
        };
        let coefficients: Vec<f64> = (0..z.len()).map(coefficient).collect();
        let bias = -0.5 * coefficients.iter().enumerate().map(|(i, c)| c * self.with(i, k)).sum::<f64>();
        Score { coefficients, bias }
    }
}

/// The lower triangle L with L·Lᵀ = `matrix`; `None` for a matrix that is not positive definite.
fn cholesky(mut matrix: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for i in 0..n {
        for j in 0..=i {
            let (upper, row) = matrix.split_at(i * n);
            let (row_i, row_j) = (&row[..j], if i == j { &row[..j] } else { &upper[j * n..j * n + j] });
            let sum: f64 = row_i.iter().zip(row_j).map(|(a, b)| a * b).sum();
            let rest = matrix[i * n + j] - sum;
            matrix[i * n + j] = match i == j {
                true if rest > 0.0 => rest.sqrt(),
                true => return None,
                false => rest / matrix[j * n + j],
            };
        }
    }
    Some(matrix)
}

/// x with L·Lᵀ·x = `b`.
fn solve(factor: &[f64], mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let sum: f64 = factor[i * n..i * n + i].iter().zip(&b).map(|(l, x)| l * x).sum();
        b[i] = (b[i] - sum) / factor[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|j| factor[j * n + i] * b[j]).sum();
        b[i] = (b[i] - sum) / factor[i * n + i];
    }
    b
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fit(vectors: &[Vec<f64>], class_of: &[usize], classes: usize) -> Vec<(Vec<f64>, f64)> {
        let gram = Gram::of(vectors);
        let members: Vec<usize> = (0..vectors.len()).collect();
        let training = Training { gram: &gram, members: &members, class_of, dim: vectors[0].len() };
        let weights = |score: &Score| {
            let mut sum = vec![0.0; vectors[0].len()];
            for (c, vector) in score.coefficients.iter().zip(vectors) {
                sum.iter_mut().zip(vector).for_each(|(sum, v)| *sum += c * v);
            }
            (sum, score.bias)
        };
        scores(&training, classes).iter().map(weights).collect()
    }

    /// The paper's own formula: P by Gauss's elimination in d × d.
    fn reference(vectors: &[Vec<f64>], class_of: &[usize], classes: usize) -> Vec<(Vec<f64>, f64)> {
        let (count, dim) = (vectors.len(), vectors[0].len());
        let mean = |class: usize| -> Vec<f64> {
            let own: Vec<_> = vectors.iter().zip(class_of).filter(|(_, c)| **c == class).map(|(v, _)| v).collect();
            (0..dim).map(|d| own.iter().map(|v| v[d]).sum::<f64>() / own.len() as f64).collect()
        };
        let means: Vec<Vec<f64>> = (0..classes).map(mean).collect();
        let mut scatter = vec![vec![0.0; dim]; dim];
        for (vector, class) in vectors.iter().zip(class_of) {
            let centred: Vec<f64> = vector.iter().zip(&means[*class]).map(|(v, m)| v - m).collect();
            for i in 0..dim {
                (0..dim).for_each(|j| scatter[i][j] += centred[i] * centred[j]);
            }
        }
        let trace = (0..dim).map(|i| scatter[i][i]).sum::<f64>() / (count - 1) as f64;
        (0..dim).for_each(|i| scatter[i][i] += trace);
        let class = |mean: &Vec<f64>| {
            let weights: Vec<f64> = eliminated(scatter.clone(), mean.clone()).iter().map(|w| w * dim as f64).collect();
            let bias = -0.5 * weights.iter().zip(mean).map(|(w, m)| w * m).sum::<f64>();
            (weights, bias)
        };
        means.iter().map(class).collect()
    }

    fn eliminated(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let n = b.len();
        for i in 0..n {
            let pivot = (i..n).max_by(|x, y| a[*x][i].abs().total_cmp(&a[*y][i].abs())).unwrap();
            a.swap(i, pivot);
            b.swap(i, pivot);
            for j in (0..n).filter(|j| *j != i) {
                let factor = a[j][i] / a[i][i];
                (i..n).for_each(|k| a[j][k] -= factor * a[i][k]);
                b[j] -= factor * b[i];
            }
        }
        (0..n).map(|i| b[i] / a[i][i]).collect()
    }

    #[track_caller]
    fn check_near(found: &[(Vec<f64>, f64)], expected: &[(Vec<f64>, f64)], tolerance: f64) {
        for ((weights, bias), (other, other_bias)) in found.iter().zip(expected) {
            let all = weights.iter().chain([bias]).zip(other.iter().chain([other_bias]));
            all.for_each(|(a, b)| assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} is not {b}"));
        }
    }

    /// Features that the Python reference made too: xᵢⱼ = sin(1 + 3i + 7j·(i + 1)), each row of length 1.
    fn sines(count: usize, dim: usize) -> Vec<Vec<f64>> {
        let row = |i: usize| {
            let row: Vec<f64> = (0..dim).map(|j| (1.0 + 3.0 * i as f64 + 7.0 * (j * (i + 1)) as f64).sin()).collect();
            let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.into_iter().map(|v| v / length).collect()
        };
        (0..count).map(row).collect()
    }

    /// numpy 2 with the authors' lines (main_few_shots.py): `cov = torch.cov(X.T)`, `P = d * pinv((N - 1) * cov +
    /// cov.trace() * eye(d))`, `W = P @ mu`, `b = -0.5 * (mu * W).sum()`; see tests/parity/gda.py.
    const REFERENCE: [([f64; 5], f64); 2] = include!("reference.rs.inc");

    #[test]
    fn scores_are_those_of_the_authors_code() {
        let found = fit(&sines(7, 5), &[0, 0, 0, 1, 1, 1, 1], 2);
        let expected: Vec<_> = REFERENCE.iter().map(|(weights, bias)| (weights.to_vec(), *bias)).collect();
        check_near(&found, &expected, 1e-9);
    }

    #[test]
    fn one_example_a_class_is_the_nearest_mean() {
        let found = fit(&[vec![1.0, 0.0], vec![0.0, 2.0]], &[0, 1], 2);
        assert_eq!(found, [(vec![1.0, 0.0], -0.5), (vec![0.0, 2.0], -2.0)]);
    }

    /// Of two Gaussians with one covariance σ²I the best boundary (Bayes) is half way between the means, across the line
    /// that joins them.
    #[test]
    fn the_boundary_between_two_gaussians_is_half_way() {
        let mut random = crate::search::cells::tests::noise(7);
        // The sum of twelve even numbers from −1 to 1 has the variance 4.
        let mut normal = || (0..12).map(|_| f64::from(random())).sum::<f64>() / 2.0;
        let (a, b) = ([2.0, 1.0, 0.0], [-1.0, 0.0, 1.0]);
        let mean = |class: usize| if class == 0 { a } else { b };
        let class_of: Vec<usize> = (0..2000).map(|i| i % 2).collect();
        let vectors: Vec<Vec<f64>> =
            class_of.iter().map(|class| mean(*class).iter().map(|m| m + 0.5 * normal()).collect()).collect();
        let found = fit(&vectors, &class_of, 2);
        let weights: Vec<f64> = found[0].0.iter().zip(&found[1].0).map(|(a, b)| a - b).collect();
        let bias = found[0].1 - found[1].1;
        let middle: f64 = weights.iter().zip(a.iter().zip(b)).map(|(w, (a, b))| w * (a + b) / 2.0).sum::<f64>() + bias;
        let length = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
        assert!((middle / length).abs() < 0.06, "{}", middle / length);
        let along: f64 = weights.iter().zip(a.iter().zip(b)).map(|(w, (a, b))| w * (a - b)).sum();
        assert!(along / (length * 11.0_f64.sqrt()) > 0.995, "the direction of the means");
    }

    proptest! {
        #[test]
        fn woodbury_equals_the_inverse(count in 3_usize..12, dim in 2_usize..9, classes in 1_usize..4) {
            let class_of: Vec<usize> = (0..count).map(|i| i % classes).collect();
            prop_assume!(count > classes);
            let vectors = sines(count, dim);
            check_near(&fit(&vectors, &class_of, classes), &reference(&vectors, &class_of, classes), 1e-8);
        }
    }
}
